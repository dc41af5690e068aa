#pragma once

/*
 * The gate: which findings of a snapshot make a merge fail.
 *
 * A finding fails that is of the failing severity or above, is accepted by no waiver, and, where
 * there is a baseline, was not there before. A figure fails above its limit and, where there is a
 * baseline, above the one before. A unit that the baseline does not know is judged as without one.
 *
 * Beside that stands the verdict on the whole: worse when a unit became worse or a new one fails,
 * better when a unit became better and none worse. A finding that a waiver accepts is neither: what
 * somebody wrote beside a unit changes nothing about it.
 */

#include "audit/difference.h"

struct imm_waiver;
struct imm_waivers;

struct imm_gate_options {
        enum imm_severity fail_on;
        int max_exposure, max_reach; /* tenths; -1: no limit */
};

enum imm_gate_state {
        IMM_GATE_FAILS,
        IMM_GATE_BELOW,    /* not severe enough */
        IMM_GATE_KNOWN,    /* the baseline has it */
        IMM_GATE_ACCEPTED, /* by a waiver */
};
const char *imm_gate_state_name(enum imm_gate_state s);

struct imm_gate_item {
        const struct imm_state *unit;
        const struct imm_state_finding *finding;
        enum imm_gate_state state;
        const char *key;                 /* stays the same when lines move */
        const struct imm_waiver *waiver; /* of ACCEPTED */
};

/* A figure that is too high */
struct imm_gate_excess {
        const struct imm_state *unit;
        const char *figure; /* "exposure", "reach" */
        int value, limit;
        bool of_baseline; /* the limit is the baseline's */
};

struct imm_gate {
        const struct imm_snapshot *now, *before; /* before: NULL without a baseline */
        struct imm_gate_options options;
        IMM_ARRAY(struct imm_gate_item) items; /* by file, line, unit, rule */
        IMM_ARRAY(struct imm_gate_excess) excesses;
        size_t counts[IMM_GATE_ACCEPTED + 1];
        struct imm_strv notes;             /* waivers that end soon or were not used; sorted */
        struct imm_strv ended;             /* waivers that are over: they fail */
        struct imm_difference *difference; /* from before to now; NULL without a baseline */
        enum imm_verdict verdict; /* on the whole: SAME, BETTER, WORSE; SAME without a baseline */
        bool fails;
        struct imm_arena *arena;
};

/* All of these are borrowed and must outlive the gate; @before and @waivers may be NULL. */
struct imm_gate *imm_gate_of(const struct imm_snapshot *now, const struct imm_snapshot *before,
        const struct imm_waivers *waivers, int today, const struct imm_gate_options *options);
struct imm_gate *imm_gate_free(struct imm_gate *g);
IMM_DEFINE_CLEANUP(struct imm_gate *, imm_gate_free)
