#pragma once

/* The gate's formats: one file each. Same gate, same bytes: no clock, no host, no order of files.
 */

#include "base/json.h"
#include "rules/gate.h"
#include "rules/rules.h"
#include "rules/waiver.h"

struct imm_gate_report {
        const struct imm_gate *gate;
        const struct imm_rulebook *rules; /* all of them are listed where a format wants that */
        const struct imm_diags *problems; /* why the answer is not whole: file, line, message */
        bool complete; /* else nothing passes: something is broken, unreadable, or not there */
        const char *version;     /* of immure */
        const unsigned *systemd; /* the versions judged by */
        size_t n_systemd;
        const char *repository; /* the work tree around the working directory, absolute; or NULL */
        const char *const *given; /* files named on the command line, NULL-terminated; or NULL */
        bool color;
        unsigned jobs; /* threads; 0 is 1 */
};

/* "passed", "failed", "incomplete" */
const char *imm_gate_verdict(const struct imm_gate_report *r);
bool imm_gate_passed(const struct imm_gate_report *r);

/* Findings that say the same of several units or lines, together: failing first, worst first */
struct imm_gate_group {
        const struct imm_gate_item **items; /* by place */
        size_t n;
};
struct imm_gate_groups {
        struct imm_gate_group *v;
        size_t n;
};
/* @evidence: only where that is the same too; @place: only on one line of one file */
void imm_gate_group(const struct imm_gate_report *r, bool evidence, bool place, struct imm_arena *a,
        struct imm_gate_groups *ret);
/* "a.service", "a.service and b.service", "a.service, b.service and 3 more" */
const char *imm_gate_units(const struct imm_gate_group *g, struct imm_arena *a);

void imm_gate_text(const struct imm_gate_report *r, FILE *f);
void imm_gate_json(const struct imm_gate_report *r, bool pretty, FILE *f);
void imm_gate_sarif(const struct imm_gate_report *r, FILE *f);
void imm_gate_junit(const struct imm_gate_report *r, FILE *f);
void imm_gate_github(const struct imm_gate_report *r, FILE *f);
void imm_gate_gitlab(const struct imm_gate_report *r, FILE *f);
void imm_gate_markdown(const struct imm_gate_report *r, FILE *f);

/* Writes one item of the gate as a member of an array, or nothing; @a is for what nobody keeps */
typedef void imm_gate_put(const struct imm_gate_report *r, const struct imm_gate_item *i,
        struct imm_json *j, struct imm_arena *a, const void *data);
/* All items, in their order, into the array that @j has open; @put is called by several threads */
void imm_gate_items(
        const struct imm_gate_report *r, struct imm_json *j, imm_gate_put *put, const void *data);

/* One line for people: the rule's title, else the first line of evidence, else the rule's name. */
const char *imm_gate_title(const struct imm_gate_report *r, const struct imm_state_finding *f);
/* SHA-256 of the finding's key, in hexadecimal: what trackers recognise it by. 65 bytes. */
void imm_gate_fingerprint(const char *key, char ret[65]);
/*
 * Is the path one of the repository, so that an annotation can stand there? Inside the work tree
 * around the working directory; where there is none, what was named on the command line, or is
 * below the working directory.
 */
bool imm_gate_in_repository(const struct imm_gate_report *r, const char *path);
/* Without a leading "./"; of an absolute path in the repository, the way from its top */
const char *imm_gate_relative(const struct imm_gate_report *r, const char *path);
