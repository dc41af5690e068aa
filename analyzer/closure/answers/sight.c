#include "analyzer/closure/closure-private.h"

/* Which files an answer was found by: a list without repetitions, made one by one. */

static bool is_new(struct sight *s, const struct node *n) {
        const size_t word = n->number / 64;
        const uint64_t bit = UINT64_C(1) << n->number % 64;

        while (word >= s->n_has) {
                size_t had = s->n_has;

                s->has = imm_array_grow(s->arena, s->has, had, &s->n_has, sizeof(*s->has));
                memset(s->has + had, 0, (s->n_has - had) * sizeof(*s->has));
        }
        if (s->has[word] & bit)
                return false;
        s->has[word] |= bit;
        return true;
}

void sight_add(struct sight *s, struct node *n) {
        if (s->repeats || is_new(s, n))
                *imm_array_push(s->arena, &s->nodes) = n;
}

void sight_add_all(struct sight *s, const struct sight *from) {
        for (size_t i = 0; i < from->nodes.n; i++)
                sight_add(s, from->nodes.v[i]);
}

struct sight sight_take(struct sight *s, struct imm_arena *a) {
        struct sight copy = {.repeats = true};

        copy.nodes.v = imm_alloc_array(a, s->nodes.n + 1, sizeof(struct node *));
        copy.nodes.n = copy.nodes.cap = s->nodes.n;
        for (size_t i = 0; i < s->nodes.n; i++)
                copy.nodes.v[i] = s->nodes.v[i];
        s->nodes.n = 0;
        if (s->n_has > 0)
                memset(s->has, 0, s->n_has * sizeof(*s->has));
        return copy;
}
