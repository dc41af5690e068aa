#include "rules/gate.h"

#include "base/map.h"
#include "rules/waiver.h"

const char *imm_gate_state_name(enum imm_gate_state s) {
        static const char *const names[] = {
                [IMM_GATE_FAILS] = "fails",
                [IMM_GATE_BELOW] = "below",
                [IMM_GATE_KNOWN] = "known",
                [IMM_GATE_ACCEPTED] = "accepted",
        };

        return names[s];
}

/*
 * The findings of the baseline by their key, with the gravest severity: what became graver is new.
 * Counted, because two of the same kind where there was one are one too many.
 */
struct known {
        enum imm_severity severity;
        size_t n;
};

static void learn(struct imm_gate *g, const struct imm_state *s, struct imm_map *to) {
        imm_array_foreach (f, &s->findings) {
                const char *key = imm_finding_key(g->arena, s->unit, f);
                struct known *k = imm_map_get(to, key);

                if (f->suppressed) /* accepted then: without its waiver it is a new one */
                        continue;
                if (!k) {
                        k = imm_new(g->arena, struct known);
                        imm_map_put(g->arena, to, key, k);
                }
                k->n++;
                if (f->severity > k->severity)
                        k->severity = f->severity;
        }
}

static enum imm_gate_state state_of(const struct imm_gate *g, const struct imm_state_finding *f,
        const char *key, const struct imm_map *before) {
        struct known *k = imm_map_get(before, key);

        if (f->suppressed)
                return IMM_GATE_ACCEPTED;
        if (k && k->n > 0 && k->severity >= f->severity) {
                k->n--;
                return IMM_GATE_KNOWN;
        }
        return f->severity >= g->options.fail_on ? IMM_GATE_FAILS : IMM_GATE_BELOW;
}

static void judge_findings(struct imm_gate *g, const struct imm_state *s,
        const struct imm_map *before, const struct imm_waivers *w, int today) {
        imm_array_foreach (f, &s->findings) {
                const char *key = imm_finding_key(g->arena, s->unit, f);
                enum imm_gate_state state = state_of(g, f, key, before);

                *imm_array_push(g->arena, &g->items) = (struct imm_gate_item){s, f, state, key,
                        state == IMM_GATE_ACCEPTED && w ? imm_waiver_of(w, s, f, today) : NULL};
                g->counts[state]++;
        }
}

static void judge_figure(struct imm_gate *g, const struct imm_state *s, const char *name, int value,
        int before, int max) {
        struct imm_gate_excess e = {s, name, value, max, false};

        if (value < 0)
                return;
        if (before >= 0) { /* a unit that was too high may stay, but not rise */
                e.limit = before;
                e.of_baseline = true;
        }
        if (e.limit >= 0 && value > e.limit)
                *imm_array_push(g->arena, &g->excesses) = e;
}

static void judge(
        struct imm_gate *g, const struct imm_state *s, const struct imm_waivers *w, int today) {
        const struct imm_state *b = g->before ? imm_snapshot_find(g->before, s->unit) : NULL;
        struct imm_map before = {0};

        if (b)
                learn(g, b, &before);
        judge_findings(g, s, &before, w, today);
        judge_figure(g, s, "exposure", s->exposure, b ? b->exposure : -1, g->options.max_exposure);
        judge_figure(g, s, "reach", s->reach, b ? b->reach : -1, g->options.max_reach);
}

static void judge_waiver(struct imm_gate *g, const struct imm_waiver *v, int today) {
        const char *where = imm_printf(g->arena, "%s:%u: ", v->file, v->line),
                   *day = imm_day_text(g->arena, v->until), *text;

        if (v->units_seen == 0)
                imm_strv_add(g->arena, &g->notes,
                        imm_printf(g->arena, "%sthe waiver is of no unit that was judged", where));
        else if (imm_waiver_expired(v, today)) {
                text = v->used ? imm_printf(g->arena, "it would accept %u findings", v->used)
                               : "it accepts nothing; take it away";
                imm_strv_add(g->arena, &g->ended,
                        imm_printf(g->arena, "%sthe waiver ended on %s; %s", where, day, text));
        } else if (v->used == 0)
                imm_strv_add(g->arena, &g->notes,
                        imm_printf(g->arena, "%sthe waiver accepts nothing; take it away", where));
        else if (v->until - today < IMM_WAIVER_WARN_DAYS)
                imm_strv_add(g->arena, &g->notes,
                        imm_printf(g->arena, "%sthe waiver ends on %s", where, day));
}

static void judge_waivers(struct imm_gate *g, const struct imm_waivers *w, int today) {
        imm_array_foreach (v, &w->list)
                judge_waiver(g, v, today);
        imm_strv_sort_unique(&g->notes);
        imm_strv_sort_unique(&g->ended);
}

static bool unit_fails(const struct imm_gate *g, const struct imm_state *s) {
        imm_array_foreach (i, &g->items)
                if (i->unit == s && i->state == IMM_GATE_FAILS)
                        return true;
        imm_array_foreach (e, &g->excesses)
                if (e->unit == s)
                        return true;
        return false;
}

static void compare_with_before(struct imm_gate *g) {
        bool worse = false, better = false;

        g->difference = imm_difference_of(g->before, g->now);
        imm_array_foreach (p, &g->difference->units) {
                const struct imm_unit_difference *u = *p;

                worse |= u->verdict == IMM_VERDICT_WORSE ||
                         (u->verdict == IMM_VERDICT_NEW && unit_fails(g, u->after));
                better |= u->verdict == IMM_VERDICT_BETTER;
        }
        g->verdict = worse ? IMM_VERDICT_WORSE : better ? IMM_VERDICT_BETTER : IMM_VERDICT_SAME;
}

static int by_place(const void *a, const void *b) {
        const struct imm_gate_item *x = a, *y = b;
        int r = imm_strcmp(x->finding->file, y->finding->file);

        if (r == 0)
                r = (x->finding->line > y->finding->line) - (x->finding->line < y->finding->line);
        if (r == 0)
                r = (int)y->finding->severity - (int)x->finding->severity;
        return r ? r : strcmp(x->key, y->key);
}

struct imm_gate *imm_gate_of(const struct imm_snapshot *now, const struct imm_snapshot *before,
        const struct imm_waivers *waivers, int today, const struct imm_gate_options *options) {
        struct imm_arena *a = imm_arena_new();
        struct imm_gate *g = imm_new(a, struct imm_gate);

        g->arena = a;
        g->now = now;
        g->before = before;
        g->options = *options;
        imm_array_foreach (s, &now->states)
                judge(g, *s, waivers, today);
        if (g->items.n > 1)
                qsort(g->items.v, g->items.n, sizeof(*g->items.v), by_place);
        if (waivers)
                judge_waivers(g, waivers, today);
        if (before)
                compare_with_before(g);
        g->fails = g->counts[IMM_GATE_FAILS] > 0 || g->excesses.n > 0 || g->ended.n > 0;
        return g;
}

struct imm_gate *imm_gate_free(struct imm_gate *g) {
        if (!g)
                return NULL;
        imm_difference_free(g->difference);
        imm_arena_free(g->arena);
        return NULL;
}
