#pragma once

/*
 * The snapshot: an audit as a plain value.
 *
 * What was found out about every unit of a root at one moment, without anything of the machinery
 * that found it: no files, no manager, only text and numbers. It is what views show, what the JSON
 * report writes out and reads back, what the history stores, and what two of are compared
 * (audit/difference.h). Lists are sorted by their key, so equal audits are equal bytes. Absent
 * knowledge is absent: a NULL string, a figure of -1, a tristate of -1.
 */

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

enum imm_severity {
        IMM_SEVERITY_INFO,
        IMM_SEVERITY_LOW,
        IMM_SEVERITY_MEDIUM,
        IMM_SEVERITY_HIGH,
        IMM_SEVERITY_CRITICAL,
        IMM_SEVERITY_N,
};
const char *imm_severity_name(enum imm_severity s);
bool imm_severity_parse(const char *word, enum imm_severity *ret);

/* Where something comes from, as in `show --json`; kind "file", "implied", "manager" or "default"
 */
struct imm_source_ref {
        const char *kind;
        const char *by;   /* of "implied": the setting that implies it */
        const char *file; /* of "implied": that setting's */
        unsigned line;
};

struct imm_state_setting {
        const char *name, *value;
        struct imm_source_ref origin;
};

/* One row of a scorecard with fixed rows (systemd's): a figure in tenths, -1 where it does not
 * apply */
struct imm_state_check {
        const char *id;
        int set; /* tristate */
        int exposure;
};

struct imm_state_mount {
        const char *path, *source, *fstype;
        bool read_only, nosuid, nodev, noexec;
        const char *setting; /* that made it, or NULL */
        struct imm_source_ref origin;
};

struct imm_state_access {
        const char *path;
        int exists, read, write, execute, connect; /* tristates */
        const char *level;
};

struct imm_state_need {
        const char *path, *reason, *confidence, *package;
};

struct imm_state_finding {
        const char *rule, *scorecard, *setting;
        enum imm_severity severity;
        const char *confidence;
        struct imm_strv evidence;
        const char *remedy, *file, *owner; /* owner: audit/owner.h */
        unsigned line;
        const char *subject; /* what it is about (a path, a call ...): part of its identity, may be
                                NULL */
        const char *suppressed;    /* reason of the waiver, NULL if none */
        bool suppressed_in_source; /* the waiver stands in the unit's own file */
};

/* One unit. The arrays are sorted: settings and checks by name, mounts, access and needs by path,
 * ... */
struct imm_state {
        const char *unit, *path, *load, *load_message;
        const char *package; /* "nginx 1.22.1-9", NULL if unknown */
        struct imm_strv dropins;
        int exposure, reach; /* tenths; -1: not scored */
        const char *rating;
        const char *outcome; /* of the mount namespace; NULL if it was not asked for */

        IMM_ARRAY(struct imm_state_setting) settings;
        IMM_ARRAY(struct imm_state_check) checks;
        IMM_ARRAY(struct imm_state_mount) mounts;
        IMM_ARRAY(struct imm_state_access) access;
        IMM_ARRAY(struct imm_state_need) needs;
        IMM_ARRAY(struct imm_state_finding) findings;
        const char *closure_kind; /* "nix", "files", NULL if not asked for */
        int64_t visible;          /* -1: unknown */
        struct imm_strv excess, missing;
        struct imm_strv errors; /* diagnostics, one line each */

        /* A history has all of it already: then only unit, path, load, figures and visible are here
         */
        const struct imm_known_state *known;
};

struct imm_known_state {
        unsigned char mark[16];            /* what the history knows it by: history/history.h */
        unsigned findings[IMM_SEVERITY_N]; /* that are not suppressed */
};

struct imm_snapshot {
        int64_t time; /* seconds since the epoch; 0 where no clock was asked */
        const char *host, *root;
        const char *scope; /* whose manager: "system", "user", "user NAME", "global" */
        unsigned systemd;
        const char *immure;                   /* version that made it */
        IMM_ARRAY(struct imm_state *) states; /* sorted by unit */
        struct imm_strv rules; /* that judged: "SCORECARD/RULE DIGEST", sorted; none: not told */
        struct imm_strv not_analysed;
        bool partial;            /* something could not be read */
        bool borrows;            /* for a moment: its texts are those of what it is made from */
        struct imm_arena *arena; /* owns everything */
};

struct imm_snapshot *imm_snapshot_new(void);
struct imm_snapshot *imm_snapshot_free(struct imm_snapshot *s);
IMM_DEFINE_CLEANUP(struct imm_snapshot *, imm_snapshot_free)

/* A new, empty state at the end of the list; call imm_snapshot_sort() when all are there. */
struct imm_state *imm_snapshot_add(struct imm_snapshot *s, const char *unit);
void imm_snapshot_sort(struct imm_snapshot *s);
void imm_state_sort(struct imm_state *s); /* the lists of one of them */
struct imm_state *imm_snapshot_find(const struct imm_snapshot *s, const char *unit);

/* Environment=, SetCredential= and the like may hold secrets: their values become "(redacted)". */
void imm_snapshot_redact(struct imm_snapshot *s);
void imm_state_redact(struct imm_state *s, struct imm_arena *a); /* one of them */

/* The members of one state's object; the caller opens and ends it. Figures as strings ("9.6"). */
void imm_state_json(const struct imm_state *s, struct imm_json *j);
/* The members of a mount, but for its origin, which has more to tell where the settings are at hand
 */
void imm_mount_json(const struct imm_state_mount *m, struct imm_json *j);
/* Of it, the member "findings" alone */
void imm_findings_json(const struct imm_state *s, struct imm_json *j);
/* One finding of @s as an object */
void imm_finding_json(
        const struct imm_state *s, const struct imm_state_finding *f, struct imm_json *j);
/* The document {"schema": "immure.report/1", "units": [...]}. */
void imm_snapshot_json(const struct imm_snapshot *s, struct imm_json *j);
/* Reads such a document back. -EINVAL with @err for what is none; unknown members are ignored. */
int imm_snapshot_from_json(struct imm_snapshot **ret, const char *text, size_t n, const char *name,
        struct imm_err *err);

/* "9.6" of 96; NULL of -1. In @a. */
const char *imm_tenths_text(struct imm_arena *a, int tenths);
int imm_tenths_parse(const char *s); /* -1 of NULL and of what is no figure */
