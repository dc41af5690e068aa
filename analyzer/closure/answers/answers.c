#include "analyzer/closure/answers/answers.h"

/* What an earlier run has left, and whether it still holds */

static const char *key_of(const struct builder *b, struct imm_arena *a) {
        return imm_printf(a, "%u %s", b->m->scope, b->u->name);
}

/* ---- the file ---- */

/* The part of @n things of @size bytes, and @p goes behind it; NULL: there are less */
static const void *part(const unsigned char **p, size_t *left, uint64_t n, size_t size) {
        const unsigned char *at = *p;

        if (n > *left / size)
                return NULL;
        *p += n * size;
        *left -= n * size;
        return at;
}

static bool is_text(const struct answers *x, uint32_t at, bool must) {
        return at <= x->n_text && (at > 0 || !must);
}

static bool are_sound(const struct answers *x, const struct unit_row *units, size_t n) {
        for (size_t i = 0; i < x->n_witnesses; i++)
                if (!is_text(x, x->witnesses[i].path, true) ||
                        !is_text(x, x->witnesses[i].target, false))
                        return false;
        for (size_t i = 0; i < n; i++)
                if (!is_text(x, units[i].name, true) || units[i].at > x->n_words ||
                        units[i].n > x->n_words - units[i].at || units[i].n_witnesses > units[i].n)
                        return false;
        return true;
}

static void parse(struct answers *x, const unsigned char *p, size_t n) {
        const struct unit_row *units;
        struct head h;

        if (n < sizeof(h))
                return;
        memcpy(&h, p, sizeof(h));
        p += sizeof(h);
        n -= sizeof(h);
        if (memcmp(h.magic, ANSWERS_MAGIC, sizeof(h.magic)) != 0 || h.sum != kept_sum(p, n) ||
                h.n_text % 8 > 0)
                return;
        x->text = part(&p, &n, h.n_text, 1);
        x->witnesses = part(&p, &n, h.n_witnesses, sizeof(*x->witnesses));
        units = part(&p, &n, h.n_units, sizeof(*units));
        x->words = part(&p, &n, h.n_words, sizeof(*x->words));
        if (!x->text || !x->witnesses || !units || !x->words || n > 0 || h.n_text == 0 ||
                x->text[h.n_text - 1] != 0 || !imm_streq(x->text, x->tag))
                return;
        x->n_text = h.n_text;
        x->n_witnesses = h.n_witnesses;
        x->n_words = h.n_words;
        if (!are_sound(x, units, h.n_units))
                return;
        imm_map_reserve(x->arena, &x->units, h.n_units);
        for (size_t i = 0; i < h.n_units; i++) {
                struct old *old = imm_new(x->arena, struct old);

                old->row = &units[i];
                imm_map_put(x->arena, &x->units, x->text + units[i].name - 1, old);
        }
        x->held = imm_alloc(x->arena, x->n_witnesses);
}

/* The library that a loader takes depends on the processor. */
static const char *tag_of(const struct imm_closures *c, struct imm_arena *a) {
        const struct cpu *cpu = cpu_here();
        const char *program = kept_program(a);

        return program ? imm_printf(a, "%s %s %u.%s.%d", c->cache_tag, program, cpu->level,
                                 cpu->platform ? cpu->platform : "", cpu->avx512_1)
                       : NULL;
}

static struct answers *answers_open(struct imm_closures *c) {
        struct answers *x = imm_new(c->arena, struct answers);
        unsigned char *p;
        struct stat st;
        size_t n = 0;

        x->arena = c->arena;
        x->tag = tag_of(c, c->arena);
        if (!x->tag || imm_root_stat(c->root, "/", &st) < 0)
                return x;
        x->path = kept_beside(c->cache_path, ANSWERS_PREFIX, &st, c->arena);
        p = kept_read(x->path, ANSWERS_MAX, c->arena, &n);
        if (p)
                parse(x, p, n);
        return x;
}

static struct answers *answers_of(struct imm_closures *c) {
        CLOSURES_LOCKED(c);

        if (!c->answers)
                c->answers = answers_open(c);
        return c->answers;
}

/* ---- an answer ---- */

static bool holds(struct imm_closures *c, struct answers *x, uint32_t i) {
        const struct witness *w = &x->witnesses[i];
        unsigned char held = __atomic_load_n(&x->held[i], __ATOMIC_RELAXED);

        if (held == 0) {
                const char *target = w->target ? x->text + w->target - 1 : NULL;

                held = witness_holds(w, node_get(c, x->text + w->path - 1), target) ? 1 : 2;
                __atomic_store_n(&x->held[i], held, __ATOMIC_RELAXED);
        }
        return held == 1;
}

struct reader answers_read(const struct answers *x, const struct unit_row *row) {
        return (struct reader){
                .p = x->words + row->at, .n = row->n, .text = x->text, .n_text = x->n_text};
}

bool answers_get(struct builder *b, const unsigned char question[QUESTION_SIZE]) {
        struct answers *x = answers_of(b->c);
        struct old *old = imm_map_get(&x->units, key_of(b, b->arena));
        struct reader r;

        if (!old)
                return false;
        old->asked = true;
        if (memcmp(old->row->question, question, QUESTION_SIZE) != 0)
                return false;
        r = answers_read(x, old->row);
        for (uint32_t i = old->row->n_witnesses; i > 0; i--) {
                uint32_t at = read_word(&r);

                if (at >= x->n_witnesses || !holds(b->c, x, at))
                        return false;
        }
        return old->holds = record_get(&r, b->arena, b->closure);
}

void answers_note(struct builder *b, const unsigned char question[QUESTION_SIZE],
        const struct imm_closure *found) {
        struct answers *x = answers_of(b->c);
        struct fresh *f;

        /* what is what its name means */
        if (b->unsure || imm_manager_find(b->m, b->u->name) != b->u)
                return;
        CLOSURES_LOCKED(b->c);
        f = imm_array_push(x->arena, &x->fresh);
        *f = (struct fresh){.key = key_of(b, x->arena),
                .closure = found,
                .sight = sight_take(b->sight, x->arena)};
        memcpy(f->question, question, QUESTION_SIZE);
}
