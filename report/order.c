#include "report/report.h"

struct imm_counts imm_counts_of(const struct imm_state *s) {
        struct imm_counts c = {{0}};

        imm_array_foreach (f, &s->findings)
                if (!f->suppressed)
                        c.n[f->severity]++;
        return c;
}

struct weighed {
        const struct imm_state *state;
        struct imm_counts counts;
};

static int worst_first(const void *a, const void *b) {
        const struct weighed *x = a, *y = b;
        int r = y->state->reach - x->state->reach;

        if (r == 0)
                r = y->state->exposure - x->state->exposure;
        for (int i = IMM_SEVERITY_N - 1; r == 0 && i >= 0; i--)
                r = (int)y->counts.n[i] - (int)x->counts.n[i];
        return r ? r : strcmp(x->state->unit, y->state->unit);
}

const struct imm_state **imm_worst_first(const struct imm_snapshot *s, struct imm_arena *a) {
        struct weighed *w = imm_alloc_array(a, s->states.n, sizeof(*w));
        const struct imm_state **list = imm_alloc_array(a, s->states.n, sizeof(*list));

        for (size_t i = 0; i < s->states.n; i++)
                w[i] = (struct weighed){s->states.v[i], imm_counts_of(s->states.v[i])};
        if (s->states.n > 1)
                qsort(w, s->states.n, sizeof(*w), worst_first);
        for (size_t i = 0; i < s->states.n; i++)
                list[i] = w[i].state;
        return list;
}
