/*
 * Digests of content: of each part of a state, and of the state. Most units have most of what they
 * have in common with others (the same access, the same words of a finding), so each worker
 * remembers what it has hashed before: comparing is a good deal cheaper than hashing.
 */

#include "history/history-private.h"

#include "base/crew.h"

#include <sha256.h>

_Static_assert(sizeof(struct imm_digest) == SHA256_DIGEST_LENGTH, "SHA-256");

enum { BATCH = 8 };

/* Content as text without NUL, so that it can be a map's key; no two contents look alike: a text is
 * preceded by its length, a number followed by a comma. */
struct buffer {
        char *v;
        size_t n, cap;
};

struct hasher {
        struct imm_arena *a; /* what is remembered, and scratch */
        struct imm_map seen; /* content -> struct imm_digest */
        struct buffer part, item;
        IMM_ARRAY(const char *) before; /* texts of the row before */
};

static char *room(struct buffer *b, size_t n) {
        if (b->n + n + 1 > b->cap) {
                b->cap = (b->n + n + 1) * 2;
                b->v = imm_xrealloc(b->v, b->cap, 1);
        }
        return b->v + b->n;
}

static void add(struct buffer *b, const void *bytes, size_t n) {
        (void)memcpy(room(b, n), bytes, n);
        b->n += n;
}

static void add_number(struct buffer *b, int64_t v, char end) {
        uint64_t u = v < 0 ? -(uint64_t)v : (uint64_t)v;
        char digits[24];
        size_t n = sizeof(digits);

        digits[--n] = end;
        do
                digits[--n] = (char)('0' + u % 10);
        while (u /= 10);
        if (v < 0)
                digits[--n] = '-';
        add(b, digits + n, sizeof(digits) - n);
}

static void add_text(struct buffer *b, const char *s) {
        size_t n;

        if (!s) {
                add(b, "n", 1);
                return;
        }
        n = strlen(s);
        add_number(b, (int64_t)n, ':');
        add(b, s, n);
}

static void add_lines(struct buffer *b, const struct imm_strv *l) {
        add_number(b, (int64_t)l->n, ';');
        for (size_t i = 0; i < l->n; i++)
                add_text(b, l->v[i]);
}

/* @before: the same column of the row before, which most rows repeat; NULL: there is none */
static void add_value(
        struct buffer *b, const struct imm_column *c, const char *item, const char **before) {
        const char *text = NULL;
        int64_t number = 0;

        if (c->type == IMM_COLUMN_LINES)
                add_lines(b, (const void *)(item + c->offset));
        else if (!imm_column_value(c, item, &text, &number))
                add_number(b, number, ',');
        else if (before && text && *before && (text == *before || imm_streq(text, *before)))
                add(b, "=", 1);
        else {
                add_text(b, text);
                if (before)
                        *before = text;
        }
}

static struct imm_digest digest_of(const struct buffer *b) {
        struct imm_digest d;
        SHA256_CTX c;

        SHA256Init(&c);
        SHA256Update(&c, (const uint8_t *)b->v, b->n);
        SHA256Final(d.b, &c);
        return d;
}

/* The same, remembered */
static const struct imm_digest *known_digest(struct hasher *h, struct buffer *b) {
        struct imm_digest *d;

        *room(b, 0) = 0;
        d = imm_map_get(&h->seen, b->v);
        if (d)
                return d;
        d = imm_new(h->a, struct imm_digest);
        *d = digest_of(b);
        imm_map_put(h->a, &h->seen, imm_strndup(h->a, b->v, b->n), d);
        return d;
}

static void add_shared(struct hasher *h, const struct imm_part_kind *k, const char *item) {
        h->item.n = 0;
        add_text(&h->item, k->shared);
        for (size_t n = 0; n < k->n_columns; n++)
                if (k->columns[n].shared)
                        add_value(&h->item, &k->columns[n], item, NULL);
        add(&h->part, known_digest(h, &h->item), sizeof(struct imm_digest));
}

static struct imm_digest part_digest(
        struct hasher *h, const struct imm_part_kind *k, const struct imm_items *items) {
        while (h->before.n < k->n_columns)
                *imm_array_push(h->a, &h->before) = NULL;
        memset(h->before.v, 0, h->before.n * sizeof(*h->before.v));
        h->part.n = 0;
        add_text(&h->part, k->table);
        for (size_t i = 0; i < items->n; i++) {
                const char *item = items->v + i * k->item_size;

                if (k->shared)
                        add_shared(h, k, item);
                for (size_t n = 0; n < k->n_columns; n++)
                        if (!k->columns[n].shared)
                                add_value(&h->part, &k->columns[n], item, &h->before.v[n]);
        }
        return k->shared ? digest_of(&h->part) : *known_digest(h, &h->part);
}

static void state_digest(struct hasher *h, const struct imm_state *s, struct imm_digests *to) {
        const char *texts[] = {s->unit, s->path, s->load, s->load_message, s->package, s->rating,
                s->outcome, s->closure_kind};

        for (enum imm_part p = 0; p < IMM_PART_N; p++) {
                struct imm_items items = imm_part_items(s, p, h->a);

                to->parts[p] = part_digest(h, &imm_part_kinds[p], &items);
        }
        h->part.n = 0;
        for (size_t i = 0; i < IMM_ELEMENTSOF(texts); i++)
                add_text(&h->part, texts[i]);
        add_number(&h->part, s->exposure, ',');
        add_number(&h->part, s->reach, ',');
        add(&h->part, to->parts, sizeof(to->parts));
        to->state = digest_of(&h->part);
}

struct job {
        const struct imm_snapshot *s;
        const bool *wanted;
        struct imm_digests *to;
        struct hasher *hashers;
};

static void one(void *data, unsigned worker, size_t i) {
        const struct job *j = data;

        if (j->wanted[i])
                state_digest(&j->hashers[worker], j->s->states.v[i], &j->to[i]);
}

struct imm_digests *imm_digests_of(
        const struct imm_snapshot *s, const bool *wanted, unsigned jobs, struct imm_arena *a) {
        struct hasher hashers[IMM_CREW_MAX] = {0};
        struct job job = {s, wanted, imm_alloc_array(a, s->states.n, sizeof(*job.to)), hashers};
        unsigned n = imm_crew_size(s->states.n, BATCH, jobs);

        for (unsigned i = 0; i < n; i++)
                hashers[i].a = imm_arena_new();
        imm_crew_run(s->states.n, BATCH, jobs, one, &job);
        for (unsigned i = 0; i < n; i++) {
                imm_arena_free(hashers[i].a);
                free(hashers[i].part.v);
                free(hashers[i].item.v);
        }
        return job.to;
}

int64_t imm_shared_hash(const struct imm_part_kind *k, const char *item) {
        struct buffer b = {0};
        struct imm_digest d;
        int64_t hash = 0;

        for (size_t n = 0; n < k->n_columns; n++)
                if (k->columns[n].shared)
                        add_value(&b, &k->columns[n], item, NULL);
        d = digest_of(&b);
        free(b.v);
        memcpy(&hash, d.b, 6);
        return hash;
}
