#include "analyzer/closure/answers/answers.h"

/* What is left for the next run */

enum { DAY = 24 * 3600, WEEK = 7, LONG_AGO = 60 }; /* a second; days */
enum { UNITS_MAX = 100000 };

struct writing {
        struct imm_closures *c;
        struct answers *x;
        struct imm_arena *arena;
        dev_t trusted;
        struct pool pool;
        struct words words;
        struct imm_map paths; /* -> the last witness of it, plus one */
        IMM_ARRAY(struct witness) witnesses;
        IMM_ARRAY(uint32_t) before; /* of each witness: the one before it of the same path */
        IMM_ARRAY(struct unit_row) units;
};

static uint32_t today(const struct imm_closures *c) {
        return (uint32_t)(c->since / DAY);
}

/* Each is there once: its number */
static uint32_t add_witness(struct writing *w, const struct witness *witness, const char *path) {
        uintptr_t last = (uintptr_t)imm_map_get(&w->paths, path);

        for (uintptr_t i = last; i > 0; i = w->before.v[i - 1])
                if (memcmp(&w->witnesses.v[i - 1], witness, sizeof(*witness)) == 0)
                        return (uint32_t)(i - 1);
        *imm_array_push(w->arena, &w->witnesses) = *witness;
        *imm_array_push(w->arena, &w->before) = (uint32_t)last;
        imm_map_put(w->arena, &w->paths, path, (void *)(uintptr_t)w->witnesses.n);
        return (uint32_t)(w->witnesses.n - 1);
}

static void put_word(struct writing *w, uint32_t v) {
        *imm_array_push(w->arena, &w->words.w) = v;
}

static void end_unit(struct writing *w, const struct unit_row *row) {
        struct unit_row r = *row;

        r.n = (uint32_t)w->words.w.n - r.at;
        *imm_array_push(w->arena, &w->units) = r;
}

static void put_fresh(struct writing *w, const struct fresh *f) {
        struct unit_row row = {.at = (uint32_t)w->words.w.n, .day = today(w->c)};

        memcpy(row.question, f->question, QUESTION_SIZE);
        for (size_t i = 0; i < f->sight.nodes.n; i++) {
                const struct node *n = f->sight.nodes.v[i];
                struct witness witness;

                if (!witness_of(n, w->trusted, w->c->since, &w->pool, &witness)) {
                        w->words.w.n = row.at; /* the next run must look itself */
                        return;
                }
                put_word(w, add_witness(w, &witness, n->host));
        }
        row.name = pool_put(&w->pool, f->key);
        row.n_witnesses = (uint32_t)f->sight.nodes.n;
        record_put(&w->words, &w->pool, f->closure);
        end_unit(w, &row);
}

static void put_old(struct writing *w, const char *key, const struct old *old) {
        struct unit_row row = *old->row;
        struct imm_closure closure = {0};
        const struct answers *x = w->x;
        struct reader r = answers_read(x, old->row);

        row.at = (uint32_t)w->words.w.n;
        row.name = pool_put(&w->pool, key);
        if (old->asked)
                row.day = today(w->c);
        for (uint32_t i = 0; i < row.n_witnesses; i++) {
                uint32_t at = read_word(&r);
                const char *path;
                struct witness witness;

                if (at >= x->n_witnesses)
                        break;
                witness = x->witnesses[at];
                path = x->text + witness.path - 1;
                witness.path = pool_put(&w->pool, path);
                if (witness.target)
                        witness.target = pool_put(&w->pool, x->text + witness.target - 1);
                put_word(w, add_witness(w, &witness, path));
        }
        if (!record_get(&r, w->arena, &closure)) {
                w->words.w.n = row.at;
                return;
        }
        record_put(&w->words, &w->pool, &closure);
        end_unit(w, &row);
}

static bool is_worth_it(const struct writing *w, const struct old *old) {
        return old->asked ? old->holds : old->row->day + LONG_AGO > today(w->c);
}

static void put_bytes(unsigned char **at, const void *p, size_t n) {
        if (n > 0)
                memcpy(*at, p, n);
        *at += n;
}

static void write_file(struct writing *w) {
        struct head h = {.magic = ANSWERS_MAGIC};
        unsigned char *data, *at;
        size_t n;

        while (w->pool.text.n % 8 > 0) /* what stands behind it is aligned */
                *imm_array_push(w->arena, &w->pool.text) = 0;
        h.n_text = w->pool.text.n;
        h.n_witnesses = w->witnesses.n;
        h.n_units = w->units.n;
        h.n_words = w->words.w.n;
        n = sizeof(h) + h.n_text + h.n_witnesses * sizeof(struct witness) +
            h.n_units * sizeof(struct unit_row) + h.n_words * sizeof(uint32_t);
        if (n > ANSWERS_MAX)
                return;
        data = imm_alloc(w->arena, n);
        at = data + sizeof(h);
        put_bytes(&at, w->pool.text.v, h.n_text);
        put_bytes(&at, w->witnesses.v, h.n_witnesses * sizeof(struct witness));
        put_bytes(&at, w->units.v, h.n_units * sizeof(struct unit_row));
        put_bytes(&at, w->words.w.v, h.n_words * sizeof(uint32_t));
        h.sum = kept_sum(data + sizeof(h), n - sizeof(h));
        memcpy(data, &h, sizeof(h));
        kept_write(w->x->path, data, n, w->arena);
        kept_tidy(w->x->path, ANSWERS_PREFIX, w->c->since, w->arena);
}

/* One was asked for whose day is long past */
static bool is_due(const struct imm_closures *c, const struct answers *x) {
        imm_array_foreach (e, &x->units) {
                const struct old *old = e->value;

                if (old->holds && old->row->day + WEEK < today(c))
                        return true;
        }
        return false;
}

void answers_keep(struct imm_closures *c) {
        imm_cleanup(imm_arena_free) struct imm_arena *scratch = NULL;
        struct answers *x = c->answers;
        struct imm_map put = {0};
        struct writing w;

        if (!x->path || (x->fresh.n == 0 && !is_due(c, x)))
                return;
        scratch = imm_arena_new();
        w = (struct writing){.c = c,
                .x = x,
                .arena = scratch,
                .trusted = kept_device(),
                .pool = {.arena = scratch},
                .words = {.arena = scratch}};
        (void)pool_put(&w.pool, x->tag);
        for (size_t i = 0; i < x->fresh.n && w.units.n < UNITS_MAX; i++) {
                imm_map_put(scratch, &put, x->fresh.v[i].key, &x->fresh.v[i]);
                put_fresh(&w, &x->fresh.v[i]);
        }
        if (w.units.n == 0 && !is_due(c, x))
                return;
        imm_array_foreach (e, &x->units)
                if (!imm_map_has(&put, e->key) && is_worth_it(&w, e->value) &&
                        w.units.n < UNITS_MAX)
                        put_old(&w, e->key, e->value);
        write_file(&w);
}
