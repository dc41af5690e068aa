#include "audit/owner.h"
#include "report/report.h"

enum { WORST = 20 };

/* Text in a table cell: no markup, no cell or line ends, no HTML. */
static void cell(FILE *f, const char *text) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();

        for (const char *s = imm_text_escape(a, text ? text : ""); *s; s++)
                if (strchr("\\`*_{}[]<>()#+!|~&", *s))
                        fprintf(f, "&#%d;", *s);
                else
                        putc(*s, f);
}

static void figure(FILE *f, int tenths) {
        if (tenths < 0)
                fputs("–", f);
        else
                fprintf(f, "%d.%d", tenths / 10, tenths % 10);
}

static void changes(const struct imm_report *r, FILE *f) {
        const struct imm_difference *d = r->changes;

        if (!d)
                return;
        fputs("\n## Changed since the run before\n\n", f);
        if (d->units.n == 0) {
                fputs("Nothing.\n", f);
                return;
        }
        fputs("| Unit | Verdict | What |\n| --- | --- | --- |\n", f);
        imm_array_foreach (p, &d->units) {
                const struct imm_unit_difference *u = *p;

                fputs("| ", f);
                cell(f, u->unit);
                fprintf(f, " | %s | ", imm_verdict_name(u->verdict));
                imm_array_foreach (c, &u->scores) {
                        cell(f, c->name);
                        putc(' ', f);
                        cell(f, c->before ? c->before : "–");
                        fputs(" → ", f);
                        cell(f, c->after ? c->after : "–");
                        fputs("; ", f);
                }
                imm_array_foreach (p_, &u->fresh) {
                        fputs("new: ", f);
                        cell(f, (*p_)->rule);
                        fputs("; ", f);
                }
                imm_array_foreach (p_, &u->fixed) {
                        fputs("fixed: ", f);
                        cell(f, (*p_)->rule);
                        fputs("; ", f);
                }
                imm_array_foreach (c, &u->settings) {
                        cell(f, c->name);
                        fputs("=", f);
                        cell(f, c->after ? c->after : "(unset)");
                        fputs("; ", f);
                }
                fputs("|\n", f);
        }
}

void imm_report_markdown(const struct imm_report *r, FILE *f) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        const struct imm_state **list = imm_worst_first(r->now, a);

        fputs("# Audit of ", f);
        cell(f, r->now->host ? r->now->host : r->now->root);
        fprintf(f, "\n\n%zu units, judged as systemd %u would run them.%s\n", r->now->states.n,
                r->now->systemd,
                r->now->partial ? " Something could not be read: the audit is partial." : "");
        changes(r, f);
        fprintf(f, "\n## Worst units\n\n"
                   "| Unit | Exposure | Reach | Critical | High | Medium | Low | Owner |\n"
                   "| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |\n");
        for (size_t i = 0; i < r->now->states.n && i < WORST; i++) {
                struct imm_counts c = imm_counts_of(list[i]);

                fputs("| ", f);
                cell(f, list[i]->unit);
                fputs(" | ", f);
                figure(f, list[i]->exposure);
                fputs(" | ", f);
                figure(f, list[i]->reach);
                for (int k = IMM_SEVERITY_CRITICAL; k >= IMM_SEVERITY_LOW; k--)
                        fprintf(f, " | %u", c.n[k]);
                fputs(" | ", f);
                cell(f, imm_state_owner(list[i]));
                fputs(" |\n", f);
        }
        if (r->now->not_analysed.n > 0) {
                fputs("\n## Not analysed\n\n", f);
                for (size_t i = 0; i < r->now->not_analysed.n; i++) {
                        fputs("- ", f);
                        cell(f, r->now->not_analysed.v[i]);
                        putc('\n', f);
                }
        }
}
