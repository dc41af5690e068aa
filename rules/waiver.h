#pragma once

/*
 * Waivers: findings that somebody accepts, with a reason and a last day.
 *
 * In files (NAME.waiver, the syntax of units, a [Waiver] section each):
 *
 *     [Waiver]
 *     Unit=legacy-*.service
 *     Rule=shared-tmp
 *     Reason=shares a socket in /tmp with its clients until they are ported
 *     Owner=storage team
 *     Until=2027-03-31
 *
 * or beside a setting, in the unit file itself (it speaks of the units that read this file):
 *
 *     # immure: allow shared-tmp until=2027-03-31 reason=shares a socket with its clients
 *
 * A waiver without reason or date is a mistake of configuration, not a weaker waiver.
 */

#include "audit/snapshot.h"
#include "base/diag.h"
#include "rules/rules.h"

struct imm_waiver {
        struct imm_strv units; /* globs; empty: of an inline one, the units that read @file */
        struct imm_strv rules; /* globs over rule names; "scorecard/rule" too */
        const char *reason, *owner;
        int until; /* days since 1970-01-01; the last day on which it holds */
        const char *file;
        unsigned line;
        bool in_source;
        unsigned used;       /* findings it accepted, or would if it were not over */
        unsigned units_seen; /* units judged that it speaks of */
};

struct imm_waivers {
        IMM_ARRAY(struct imm_waiver) list;
        struct imm_diags diags; /* mistakes: level ERROR, with file and line */
        struct imm_arena *arena;
};

struct imm_waivers *imm_waivers_new(void);
struct imm_waivers *imm_waivers_free(struct imm_waivers *w);
IMM_DEFINE_CLEANUP(struct imm_waivers *, imm_waivers_free)

/* All *.waiver files of @dir (below @root), in order of their names; no folder is no error. */
void imm_waivers_add_folder(struct imm_waivers *w, const struct imm_root *root, const char *dir);
/* One file, called @shown */
void imm_waivers_add_file(
        struct imm_waivers *w, const struct imm_root *root, const char *path, const char *shown);
/* The comments of the unit's own files; each file is looked at once. */
void imm_waivers_add_unit(struct imm_waivers *w, const struct imm_unit *u);

/*
 * Marks the findings of @s that a waiver accepts on day @today (suppressed: its reason). Those of a
 * waiver that is over are left as they are; imm_waiver_expired() then says so.
 */
void imm_waivers_apply(struct imm_waivers *w, struct imm_snapshot *s, int today);

/* The waiver in force that accepts the finding; NULL: none */
const struct imm_waiver *imm_waiver_of(const struct imm_waivers *w, const struct imm_state *s,
        const struct imm_state_finding *f, int today);

enum { IMM_WAIVER_WARN_DAYS = 30 }; /* before its last day, a waiver is spoken of */
static inline bool imm_waiver_expired(const struct imm_waiver *w, int today) {
        return today > w->until;
}

/* "2027-03-31" → days since the epoch; false for what is no date */
bool imm_day_parse(const char *text, int *ret);
const char *imm_day_text(struct imm_arena *a, int day);
