#pragma once

/* The gate's formats: one file each. Same gate, same bytes: no clock, no host, no order of files.
 */

#include "rules/gate.h"
#include "rules/rules.h"

struct imm_gate_report {
        const struct imm_gate *gate;
        const struct imm_rulebook *rules; /* all of them are listed where a format wants that */
        const char *version;              /* of immure */
        bool color;
};

void imm_gate_text(const struct imm_gate_report *r, FILE *f);
void imm_gate_json(const struct imm_gate_report *r, bool pretty, FILE *f);
void imm_gate_sarif(const struct imm_gate_report *r, FILE *f);
void imm_gate_junit(const struct imm_gate_report *r, FILE *f);
void imm_gate_github(const struct imm_gate_report *r, FILE *f);
void imm_gate_gitlab(const struct imm_gate_report *r, FILE *f);
void imm_gate_markdown(const struct imm_gate_report *r, FILE *f);

/* One line for people: the rule's title, else the first line of evidence, else the rule's name. */
const char *imm_gate_title(const struct imm_gate_report *r, const struct imm_state_finding *f);
/* SHA-256 of the finding's key, in hexadecimal: what trackers recognise it by. 65 bytes. */
void imm_gate_fingerprint(const char *key, char ret[65]);
/* Is the path one of the repository, so that an annotation can stand there? (relative, without ..)
 */
bool imm_gate_in_repository(const char *path);
/* Without a leading "./" */
const char *imm_gate_relative(const char *path);
