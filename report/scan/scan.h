#pragma once

/*
 * The scan, for people and for programs: straight from the judged units, so that 50,000 of them
 * need no second copy in memory. Nothing is computed here; text from units is escaped here.
 */

#include "base/json.h"
#include "rules/rules.h"

enum imm_scan_sort {
        IMM_SCAN_BY_EXPOSURE,
        IMM_SCAN_BY_REACH,
        IMM_SCAN_BY_FINDINGS,
        IMM_SCAN_BY_NAME,
        IMM_SCAN_SORT_N,
};

/* What a unit needs, lacks and sees beyond that */
struct imm_scan_closure {
        bool known;    /* it is loaded */
        bool has_view; /* else missing, visible and excess are unknown */
        bool of_files; /* bytes are known */
        uint64_t needed, missing, visible, excess, excess_bytes;
};

struct imm_scan_options {
        enum imm_scan_sort sort; /* worst first, but for names */
        bool legend, color;
        /* One per unit of the audit, in its order: what changed since the last run, or NULL; the
         * whole NULL: there is no last run */
        const char *const *changes;
        const struct imm_scan_closure *closures; /* in the same order; NULL: not asked for */
};

/* table.c: for people; with the legend a header and what was counted below. */
void imm_report_table(const struct imm_audit *a, const struct imm_scan_options *o, FILE *f);

/* json.c: the document "immure.scan/1"; units in the audit's order. Of @o what is known of units.
 */
void imm_report_scan_json(
        const struct imm_audit *a, const struct imm_scan_options *o, struct imm_json *j);
/* An origin as in `show --json` */
void imm_report_origin_json(struct imm_json *j, const char *key, const struct imm_origin *o);

/* "asked for", "the root's own", "the newest known": why the audit took its systemd version */
const char *imm_report_version_source(const struct imm_manager *m);
/* How each document of a root begins: its schema, the root, the systemd judged by and why that */
void imm_report_head_json(struct imm_json *j, const char *schema, const struct imm_manager *m);
