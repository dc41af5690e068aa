#pragma once

/*
 * Reports: one file per format, each a function from the same value to bytes. Nothing is computed
 * here: what is shown stands in the snapshot, in the difference to an earlier one, and in the rows
 * of the history's runs.
 */

#include "audit/difference.h"

struct imm_report_run { /* one point of the trend, oldest first */
        int64_t id, time;
        int exposure, reach; /* means in hundredths, -1: none */
        unsigned findings[IMM_SEVERITY_N];
        unsigned units;
};

struct imm_report {
        const struct imm_snapshot *now;
        const struct imm_snapshot *before;    /* NULL: there is no earlier run */
        const struct imm_difference *changes; /* NULL with @before */
        const struct imm_report_run *runs;
        size_t n_runs;
};

/* Write errors stick to @f: the caller checks it once. */
void imm_report_html(const struct imm_report *r, FILE *f);
void imm_report_json(const struct imm_report *r, bool pretty, FILE *f);
void imm_report_markdown(const struct imm_report *r, FILE *f);
void imm_report_openmetrics(const struct imm_report *r, FILE *f);
/* One JSON object a line for each change: for log shippers */
void imm_report_ndjson(const struct imm_report *r, FILE *f);

/* Findings of a state by severity, waived ones left out */
struct imm_counts {
        unsigned n[IMM_SEVERITY_N];
};
struct imm_counts imm_counts_of(const struct imm_state *s);

/* Units by weight: reach, then exposure, then findings, worst first; then by name. In @a. */
const struct imm_state **imm_worst_first(const struct imm_snapshot *s, struct imm_arena *a);
