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

static bool equal(const struct imm_gate_item *a, const struct imm_gate_item *b) {
        const struct imm_state_finding *x = a->finding, *y = b->finding;

        return a->state == b->state && x->line == y->line && x->severity == y->severity &&
               x->rule && y->rule && imm_streq(x->rule, y->rule) && x->file && y->file &&
               imm_streq(x->file, y->file) &&
               imm_streq(x->scorecard ? x->scorecard : "", y->scorecard ? y->scorecard : "");
}

static void item(
        const struct imm_gate_report *r, const struct imm_gate_item *i, size_t same, FILE *f) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
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
        if (i->state == IMM_GATE_ACCEPTED) {
                fputs(" accepted: ", f);
                imm_text_put(f, x->suppressed);
        } else if (i->state == IMM_GATE_KNOWN)
                fputs(" known", f);
        fputs("\n    ", f);
        imm_text_put(f, i->unit->unit);
        if (same > 1)
                fprintf(f, " and %zu more units", same - 1);
        putc('\n', f);
        for (size_t k = 0; k < x->evidence.n; k++)
                indented(f, "", x->evidence.v[k]);
        if (x->remedy)
                indented(f, "+ ", x->remedy);
        if (x->owner)
                indented(f, "owner: ", imm_owner_line(i->unit, x, a));
}

/* Below the failing severity, notes stay out of the way: they are counted at the end */
static bool quiet(const struct imm_gate_item *i) {
        return i->finding->severity == IMM_SEVERITY_INFO && i->state != IMM_GATE_FAILS;
}

void imm_gate_text(const struct imm_gate_report *r, FILE *f) {
        const struct imm_gate *g = r->gate;
        size_t infos = 0;

        for (size_t i = 0, same; i < g->items.n; i += same) {
                for (same = 1;
                        i + same < g->items.n && equal(&g->items.v[i], &g->items.v[i + same]);
                        same++)
                        ;
                if (quiet(&g->items.v[i]))
                        infos += same;
                else
                        item(r, &g->items.v[i], same, f);
        }
        imm_array_foreach (e, &g->excesses) {
                imm_text_put(f, e->unit->path ? e->unit->path : e->unit->unit);
                fprintf(f, ":1: %s: %s %d.%d is above %s %d.%d\n",
                        imm_severity_name(g->options.fail_on), e->figure, e->value / 10,
                        e->value % 10, e->of_baseline ? "the baseline's" : "the limit",
                        e->limit / 10, e->limit % 10);
        }
        for (size_t i = 0; i < g->ended.n; i++) {
                imm_text_put(f, g->ended.v[i]);
                putc('\n', f);
        }
        for (size_t i = 0; i < g->notes.n; i++) {
                imm_text_put(f, g->notes.v[i]);
                putc('\n', f);
        }
        fprintf(f,
                "%s%s%s: %zu units; %zu findings fail, %zu below the line (%zu of them notes), %zu "
                "known, %zu accepted\n",
                r->color ? (g->fails ? "\033[1;31m" : "\033[32m") : "",
                g->fails ? "FAILED" : "passed", r->color ? "\033[0m" : "", g->now->states.n,
                g->counts[IMM_GATE_FAILS], g->counts[IMM_GATE_BELOW], infos,
                g->counts[IMM_GATE_KNOWN], g->counts[IMM_GATE_ACCEPTED]);
}
