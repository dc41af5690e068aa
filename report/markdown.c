#include "audit/owner.h"
#include "report/report.h"

#include <ctype.h>

enum { WORST = 20 };

/* Text in a table cell: no markup, no cell or line ends, no HTML; and fit to be read as it is. */
static void cell(FILE *f, const char *text) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        const char *all = imm_text_escape(a, text ? text : "");

        for (const char *s = all; *s; s++)
                if (*s == '_' ? s == all || !isalnum((unsigned char)s[-1]) ||
                                        !isalnum((unsigned char)s[1])
                              : strchr("\\`*[]<>|~&", *s) != NULL)
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

static void side(FILE *f, const struct imm_change *c, bool with_before) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        const char *before, *after;

        imm_change_sides(a, c, &before, &after);
        if (with_before) {
                cell(f, before ? before : "–");
                fputs(" → ", f);
        }
        cell(f, after ? after : "(unset)");
}

/* By name, remarks by number */
static void findings(FILE *f, const char **comma, const char *what,
        const struct imm_state_finding *const *v, size_t n) {
        size_t remarks = 0;

        for (size_t i = 0; i < n; i++) {
                if (v[i]->severity == IMM_SEVERITY_INFO) {
                        remarks++;
                        continue;
                }
                fprintf(f, "%s%s: ", *comma, what);
                cell(f, v[i]->rule);
                *comma = "; ";
        }
        if (remarks > 0) {
                fprintf(f, "%s%s: %zu remark%s", *comma, what, remarks, remarks > 1 ? "s" : "");
                *comma = "; ";
        }
}

static void change_row(const struct imm_unit_difference *u, FILE *f) {
        const char *comma = "";

        fputs("| ", f);
        cell(f, u->unit);
        fprintf(f, " | %s | ", imm_verdict_name(u->verdict));
        imm_array_foreach (c, &u->scores) {
                fputs(comma, f);
                cell(f, c->name);
                putc(' ', f);
                side(f, c, true);
                comma = "; ";
        }
        imm_array_foreach (c, &u->settings) {
                fputs(comma, f);
                cell(f, c->name);
                putc('=', f);
                side(f, c, false);
                comma = "; ";
        }
        findings(f, &comma, "new", u->fresh.v, u->fresh.n);
        findings(f, &comma, "fixed", u->fixed.v, u->fixed.n);
        fputs(" |\n", f);
}

static void changes(const struct imm_report *r, FILE *f) {
        static const enum imm_verdict order[] = {IMM_VERDICT_WORSE, IMM_VERDICT_NEW,
                IMM_VERDICT_BETTER, IMM_VERDICT_CHANGED, IMM_VERDICT_GONE};
        const struct imm_difference *d = r->changes;
        const char *note;

        if (!d)
                return;
        fputs("\n## Changed since the run before\n\n", f);
        if (d->units.n == 0) {
                fputs("Nothing.\n", f);
                return;
        }
        note = imm_judges_note(&d->judges, d->arena);
        if (note) {
                cell(f, note);
                fputs("\n\n", f);
        }
        fputs("| Unit | Verdict | What |\n| --- | --- | --- |\n", f);
        for (size_t i = 0; i < IMM_ELEMENTSOF(order); i++)
                imm_array_foreach (p, &d->units)
                        if ((*p)->verdict == order[i])
                                change_row(*p, f);
}

void imm_report_markdown(const struct imm_report *r, FILE *f) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        const struct imm_state **list = imm_worst_first(r->now, a);

        fputs("# Audit of ", f);
        cell(f, r->now->host && *r->now->host ? r->now->host : r->now->root);
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
