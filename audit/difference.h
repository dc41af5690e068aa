#pragma once

/*
 * The difference of two snapshots, unit by unit, with a verdict.
 *
 * `worse` when anything became worse, whatever else became better (nothing is netted out); `better`
 * when something became better and nothing worse; `changed` when neither. What counts as worse: a
 * finding that is new, a check or figure that rose, an access that is gained, a mount that became
 * writable, executable or visible, a needed path that is hidden. A changed value alone, or a
 * closure that changed with its package, is `changed`. So is what another immure, or a rule that is
 * not as it was, says otherwise: the unit has not changed by that.
 */

#include "audit/snapshot.h"

enum imm_verdict {
        IMM_VERDICT_SAME,
        IMM_VERDICT_CHANGED,
        IMM_VERDICT_BETTER,
        IMM_VERDICT_WORSE,
        IMM_VERDICT_NEW,
        IMM_VERDICT_GONE
};
const char *imm_verdict_name(enum imm_verdict v);

struct imm_change {
        const char *what; /* "setting", "check", "mount", "access", "closure", "score" ... */
        const char *name; /* setting, path, check id, "exposure" */
        const char *before, *after; /* NULL: was not, is not there */
        enum imm_verdict verdict;
};

struct imm_unit_difference {
        const char *unit;
        enum imm_verdict verdict;
        const struct imm_state *before, *after; /* NULL for new, gone */
        IMM_ARRAY(struct imm_change) settings;
        IMM_ARRAY(struct imm_change) checks;
        IMM_ARRAY(struct imm_change) mounts;
        IMM_ARRAY(struct imm_change) access;
        IMM_ARRAY(struct imm_change) closure;
        IMM_ARRAY(struct imm_change) scores; /* exposure, reach, load, outcome */
        IMM_ARRAY(const struct imm_state_finding *) fresh, fixed;
};

/* What is not alike in who judged the two sides */
struct imm_judges {
        const char *before, *after; /* versions of immure */
        bool other_immure;
        struct imm_strv rules; /* "SCORECARD/RULE": new, gone, or with another content */
};

struct imm_difference {
        struct imm_judges judges;
        IMM_ARRAY(struct imm_unit_difference *) units; /* only those that differ, sorted */
        size_t counts[IMM_VERDICT_GONE + 1];
        struct imm_arena *arena;
};

/* Both snapshots must outlive the result. */
struct imm_difference *imm_difference_of(
        const struct imm_snapshot *a, const struct imm_snapshot *b);
struct imm_difference *imm_difference_free(struct imm_difference *d);
IMM_DEFINE_CLEANUP(struct imm_difference *, imm_difference_free)

const struct imm_unit_difference *imm_difference_unit(
        const struct imm_difference *d, const char *unit);

/* The findings' identity: what stays the same when lines move. In @a. */
const char *imm_finding_key(
        struct imm_arena *a, const char *unit, const struct imm_state_finding *f);

/* Before and after for people, in @a or @c's own: of long lists what came and went, of other long
 * values the beginning. NULL stays NULL. */
void imm_change_sides(struct imm_arena *a, const struct imm_change *c, const char **ret_before,
        const char **ret_after);

/* One line about judges that are not alike, in @a; NULL: they are */
const char *imm_judges_note(const struct imm_judges *j, struct imm_arena *a);
/* The member "judges": null, or {"before", "after", "rules"} */
void imm_judges_json(const struct imm_judges *j, struct imm_json *to);

/* {"units": [...]} of interface.md's diff; the caller opens and ends the object. */
void imm_difference_json(const struct imm_difference *d, struct imm_json *j);
