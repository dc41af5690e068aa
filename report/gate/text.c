/* For people: what fails first, the gravest first; findings that say the same stand together. */

#include "audit/owner.h"
#include "report/gate/gate.h"

static const char *tone(const struct imm_gate_report *r, enum imm_severity s) {
        if (!r->color)
                return "";
        return s >= IMM_SEVERITY_HIGH     ? "\033[1;31m"
               : s == IMM_SEVERITY_MEDIUM ? "\033[33m"
                                          : "\033[90m";
}

static void indented(FILE *f, const char *mark, const char *text) {
        for (const char *end; *text; text = *end ? end + 1 : end) {
                char *line;

                end = strchrnul(text, '\n');
                line = strndup(text, (size_t)(end - text));
                if (!line)
                        imm_oom();
                fprintf(f, "    %s", mark);
                imm_text_put(f, line);
                putc('\n', f);
                free(line);
        }
}

static void place(const struct imm_gate_report *r, const struct imm_gate_item *i, FILE *f) {
        const struct imm_state_finding *x = i->finding;

        imm_text_put(f, x->file ? x->file : i->unit->unit);
        fprintf(f, ":%u: %s%s%s: ", x->line, tone(r, x->severity), imm_severity_name(x->severity),
                r->color ? "\033[0m" : "");
        imm_text_put(f, imm_gate_title(r, x));
        fputs(" [", f);
        if (x->scorecard) {
                imm_text_put(f, x->scorecard);
                putc('/', f);
        }
        imm_text_put(f, x->rule ? x->rule : "");
        putc(']', f);
        if (i->state == IMM_GATE_KNOWN)
                fputs(" known", f);
        putc('\n', f);
}

static void accepted(const struct imm_gate_item *i, struct imm_arena *a, FILE *f) {
        const char *s = "accepted";

        if (i->waiver)
                s = imm_printf(a, "%s until %s", s, imm_day_text(a, i->waiver->until));
        if (i->waiver && i->waiver->owner)
                s = imm_printf(a, "%s by %s", s, i->waiver->owner);
        indented(f, "", imm_printf(a, "%s: %s", s, i->finding->suppressed));
}

/* The lines of a group that are one and the same are said once. */
static void group(const struct imm_gate_report *r, const struct imm_gate_group *g,
        struct imm_arena *a, FILE *f) {
        const struct imm_gate_item *first = g->items[0], *last = NULL;
        const struct imm_state_finding *x = first->finding;

        for (size_t k = 0; k < g->n; k++) {
                const struct imm_state_finding *y = g->items[k]->finding;

                if (last && y->file && last->finding->file && y->line == last->finding->line &&
                        imm_streq(y->file, last->finding->file))
                        continue;
                last = g->items[k];
                place(r, last, f);
        }
        indented(f, "", imm_gate_units(g, a));
        for (size_t k = 0; k < x->evidence.n; k++)
                indented(f, "", x->evidence.v[k]);
        if (x->remedy)
                indented(f, "+ ", x->remedy);
        if (x->owner)
                indented(f, "owner: ", imm_owner_line(first->unit, x, a));
        if (first->state == IMM_GATE_ACCEPTED)
                accepted(first, a, f);
}

/* Below the failing severity, notes stay out of the way: they are counted at the end */
static bool quiet(const struct imm_gate_item *i) {
        return i->finding->severity == IMM_SEVERITY_INFO && i->state != IMM_GATE_FAILS &&
               i->state != IMM_GATE_ACCEPTED;
}

static void excesses(const struct imm_gate *g, FILE *f) {
        imm_array_foreach (e, &g->excesses) {
                imm_text_put(f, e->unit->path ? e->unit->path : e->unit->unit);
                fprintf(f, ":1: %s: %s %d.%d is above %s %d.%d\n",
                        imm_severity_name(g->options.fail_on), e->figure, e->value / 10,
                        e->value % 10, e->of_baseline ? "the baseline's" : "the limit",
                        e->limit / 10, e->limit % 10);
        }
}

static void lines(const struct imm_strv *l, FILE *f) {
        for (size_t i = 0; i < l->n; i++) {
                imm_text_put(f, l->v[i]);
                putc('\n', f);
        }
}

static void changes(const struct imm_gate *g, FILE *f) {
        if (!g->difference || g->difference->units.n == 0)
                return;
        fputs("since then:", f);
        imm_array_foreach (u, &g->difference->units) {
                putc(' ', f);
                imm_text_put(f, (*u)->unit);
                fprintf(f, " %s%s", imm_verdict_name((*u)->verdict),
                        u + 1 < g->difference->units.v + g->difference->units.n ? "," : "\n");
        }
}

void imm_gate_text(const struct imm_gate_report *r, FILE *f) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        const struct imm_gate *g = r->gate;
        struct imm_gate_groups groups;
        size_t infos = 0;

        imm_gate_group(r, true, false, a, &groups);
        for (size_t i = 0; i < groups.n; i++)
                if (quiet(groups.v[i].items[0]))
                        infos += groups.v[i].n;
                else
                        group(r, &groups.v[i], a, f);
        excesses(g, f);
        lines(&g->ended, f);
        lines(&g->notes, f);
        changes(g, f);
        fprintf(f,
                "%s%s%s: %zu units; %zu findings fail, %zu below the line, %zu known, %zu "
                "accepted; %zu notes not shown",
                r->color ? (imm_gate_passed(r) ? "\033[32m" : "\033[1;31m") : "",
                r->complete ? (g->fails ? "FAILED" : "passed") : "INCOMPLETE",
                r->color ? "\033[0m" : "", g->now->states.n, g->counts[IMM_GATE_FAILS],
                g->counts[IMM_GATE_BELOW], g->counts[IMM_GATE_KNOWN], g->counts[IMM_GATE_ACCEPTED],
                infos);
        if (!r->complete)
                fprintf(f, "; %zu problems stand in the way of an answer", r->problems->n);
        putc('\n', f);
}
