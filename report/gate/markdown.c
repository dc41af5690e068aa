/* For the comment under a pull request: what became better and worse, then what fails. */

#include "audit/difference.h"
#include "audit/owner.h"
#include "report/gate/gate.h"

static void cell(FILE *f, const char *text, struct imm_arena *a) {
        for (const char *s = imm_text_escape(a, text ? text : ""); *s; s++)
                if (strchr("\\`*_{}[]<>()#+!|~&", *s))
                        fprintf(f, "&#%d;", *s);
                else
                        putc(*s, f);
}

static void figures(
        FILE *f, const struct imm_unit_difference *u, const char *name, struct imm_arena *a) {
        imm_array_foreach (c, &u->scores)
                if (imm_streq(c->name, name)) {
                        fprintf(f, "%s → %s", c->before ? c->before : "–",
                                c->after ? c->after : "–");
                        return;
                }
        fputs("same", f);
}

static void changes(const struct imm_gate *g, FILE *f, struct imm_arena *a) {
        imm_cleanup(imm_difference_free) struct imm_difference *d =
                imm_difference_of(g->before, g->now);

        if (d->units.n == 0) {
                fputs("Nothing became better or worse.\n", f);
                return;
        }
        fputs("| Unit | Verdict | Exposure | Reach | New findings | Fixed |\n| --- | --- | --- | "
              "--- | --- | --- |\n",
                f);
        imm_array_foreach (p, &d->units) {
                const struct imm_unit_difference *u = *p;

                fputs("| ", f);
                cell(f, u->unit, a);
                fprintf(f, " | %s | ", imm_verdict_name(u->verdict));
                figures(f, u, "exposure", a);
                fputs(" | ", f);
                figures(f, u, "reach", a);
                fputs(" | ", f);
                imm_array_foreach (x, &u->fresh) {
                        cell(f, (*x)->rule, a);
                        putc(' ', f);
                }
                fputs("| ", f);
                imm_array_foreach (x, &u->fixed) {
                        cell(f, (*x)->rule, a);
                        putc(' ', f);
                }
                fputs("|\n", f);
        }
}

static void failing(const struct imm_gate_report *r, FILE *f, struct imm_arena *a) {
        const struct imm_gate *g = r->gate;

        if (g->counts[IMM_GATE_FAILS] + g->excesses.n + g->ended.n == 0)
                return;
        fputs("\n### What fails\n\n| Where | Severity | Unit | Finding | Remedy | Owner |\n"
              "| --- | --- | --- | --- | --- | --- |\n",
                f);
        imm_array_foreach (i, &g->items) {
                const struct imm_state_finding *x = i->finding;

                if (i->state != IMM_GATE_FAILS)
                        continue;
                fputs("| ", f);
                cell(f, x->file, a);
                fprintf(f, ":%u | %s | ", x->line, imm_severity_name(x->severity));
                cell(f, i->unit->unit, a);
                fputs(" | ", f);
                cell(f, imm_gate_title(r, x), a);
                fputs(" | ", f);
                cell(f, x->remedy, a);
                fputs(" | ", f);
                cell(f, imm_owner_line(i->unit, x, a), a);
                fputs(" |\n", f);
        }
        imm_array_foreach (e, &g->excesses) {
                fputs("| | | ", f);
                cell(f, e->unit->unit, a);
                fprintf(f, " | %s %d.%d is above %d.%d | | |\n", e->figure, e->value / 10,
                        e->value % 10, e->limit / 10, e->limit % 10);
        }
        for (size_t i = 0; i < g->ended.n; i++) {
                fputs("| | | | ", f);
                cell(f, g->ended.v[i], a);
                fputs(" | | |\n", f);
        }
}

void imm_gate_markdown(const struct imm_gate_report *r, FILE *f) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        const struct imm_gate *g = r->gate;

        fprintf(f,
                "## immure: %s\n\n%zu units; %zu findings fail, %zu below the line, %zu known, %zu "
                "accepted.\n\n",
                g->fails ? "failed" : "passed", g->now->states.n, g->counts[IMM_GATE_FAILS],
                g->counts[IMM_GATE_BELOW], g->counts[IMM_GATE_KNOWN], g->counts[IMM_GATE_ACCEPTED]);
        if (g->before)
                changes(g, f, a);
        failing(r, f, a);
}
