/*
 * For node_exporter's textfile collector: few series, no timestamps. OpenMetrics text and
 * Prometheus's own format agree on what is used here, but for the final "# EOF", which the older
 * one reads as a comment.
 */

#include "report/report.h"

static void label(FILE *f, const char *value) {
        for (const char *s = value; *s; s++)
                if (*s == '\\' || *s == '"')
                        fprintf(f, "\\%c", *s);
                else if (*s == '\n')
                        fputs("\\n", f);
                else
                        putc(*s, f);
}

static void head(FILE *f, const char *name, const char *help) {
        fprintf(f, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

static void tenths(FILE *f, const struct imm_report *r, const char *name, const char *help,
        int (*of)(const struct imm_state *s)) {
        head(f, name, help);
        imm_array_foreach (p, &r->now->states) {
                int v = of(*p);

                if (v < 0)
                        continue;
                fprintf(f, "%s{name=\"", name);
                label(f, (*p)->unit);
                fprintf(f, "\"} %d.%d\n", v / 10, v % 10);
        }
}

static int exposure(const struct imm_state *s) {
        return s->exposure;
}

static int reach(const struct imm_state *s) {
        return s->reach;
}

void imm_report_openmetrics(const struct imm_report *r, FILE *f) {
        tenths(f, r, "immure_unit_exposure", "Exposure figure of systemd-analyze security.",
                exposure);
        tenths(f, r, "immure_unit_reach", "Reach: what the unit can really touch, 0 to 10.", reach);
        head(f, "immure_unit_findings", "Findings that no waiver accepts, by severity.");
        imm_array_foreach (p, &r->now->states) {
                struct imm_counts c = imm_counts_of(*p);

                for (int i = 0; i < IMM_SEVERITY_N; i++) {
                        if (c.n[i] == 0)
                                continue;
                        fputs("immure_unit_findings{name=\"", f);
                        label(f, (*p)->unit);
                        fprintf(f, "\",severity=\"%s\"} %u\n",
                                imm_severity_name((enum imm_severity)i), c.n[i]);
                }
        }
        head(f, "immure_units", "Units audited.");
        fprintf(f, "immure_units %zu\n", r->now->states.n);
        head(f, "immure_partial", "1 if something could not be read.");
        fprintf(f, "immure_partial %d\n", r->now->partial);
        if (r->now->time) {
                head(f, "immure_last_success_timestamp_seconds", "When this audit was made.");
                fprintf(f, "immure_last_success_timestamp_seconds %lld\n", (long long)r->now->time);
        }
        fputs("# EOF\n", f);
}
