/*
 * Marks: a state's content in 16 bytes, by which it is known again in the same database. Every
 * night all units are looked for so, and nearly all are found: that must cost less than the digests
 * of their parts. SipHash-2-4 (Aumasson and Bernstein) with the database's own key, over everything
 * that the digests cover.
 */

#include "history/history-private.h"

#include "base/crew.h"

#include <endian.h>
#include <errno.h>

enum { BATCH = 8 };

/* ---- SipHash-2-4 with 128 bits of output ---- */

static uint64_t rotated(uint64_t x, unsigned by) {
        return x << by | x >> (64 - by);
}

static uint64_t number_at(const unsigned char *p) {
        uint64_t v;

        memcpy(&v, p, sizeof(v));
        return le64toh(v);
}

struct sip {
        uint64_t a, b, c, d;
};

static inline struct sip sip_round(struct sip s) {
        s.a += s.b;
        s.c += s.d;
        s.b = rotated(s.b, 13) ^ s.a;
        s.d = rotated(s.d, 16) ^ s.c;
        s.a = rotated(s.a, 32) + s.d;
        s.c += s.b;
        s.d = rotated(s.d, 21) ^ s.a;
        s.b = rotated(s.b, 17) ^ s.c;
        s.c = rotated(s.c, 32);
        return s;
}

static inline struct sip sip_take(struct sip s, uint64_t m) {
        s.d ^= m;
        s = sip_round(sip_round(s));
        s.a ^= m;
        return s;
}

void imm_mark_bytes(const struct imm_mark *key, const void *bytes, size_t n, struct imm_mark *ret) {
        const uint64_t k = number_at(key->b), l = number_at(key->b + 8);
        struct sip s = {k ^ UINT64_C(0x736f6d6570736575), l ^ UINT64_C(0x646f72616e646f83),
                k ^ UINT64_C(0x6c7967656e657261), l ^ UINT64_C(0x7465646279746573)};
        const unsigned char *p = bytes, *end = p + n / 8 * 8;
        unsigned char last[8] = {0};

        for (; p < end; p += 8)
                s = sip_take(s, number_at(p));
        memcpy(last, p, n % 8);
        last[7] = (unsigned char)n;
        s = sip_take(s, number_at(last));
        s.c ^= 0xee;
        for (size_t i = 0; i < 2; i++) {
                uint64_t half;

                for (size_t r = 0; r < 4; r++)
                        s = sip_round(s);
                half = htole64(s.a ^ s.b ^ s.c ^ s.d);
                memcpy(ret->b + 8 * i, &half, sizeof(half));
                s.b ^= 0xdd;
        }
}

/* ---- a state as bytes ---- */

/* No two contents look alike: a text is preceded by its length, a list by its number. */
struct bytes {
        unsigned char *v;
        size_t n, cap;
};

static unsigned char *room(struct bytes *b, size_t n) {
        if (b->cap - b->n < n) {
                b->cap = (b->n + n) * 2;
                b->v = imm_xrealloc(b->v, b->cap, 1);
        }
        return b->v + b->n;
}

static void add_number(struct bytes *b, uint32_t v) {
        memcpy(room(b, sizeof(v)), &v, sizeof(v));
        b->n += sizeof(v);
}

static void add_text(struct bytes *b, const char *s) {
        size_t n = s ? strlen(s) : 0;
        uint32_t said = !s ? UINT32_MAX : n < UINT32_MAX - 1 ? (uint32_t)n : UINT32_MAX - 1;
        unsigned char *to = room(b, sizeof(said) + n + 1);

        memcpy(to, &said, sizeof(said));
        if (s)
                memcpy(to + sizeof(said), s, n + 1); /* with its end, for those of any length */
        b->n += sizeof(said) + n + (s != NULL);
}

static void add_lines(struct bytes *b, const struct imm_strv *l) {
        add_number(b, (uint32_t)l->n);
        for (size_t i = 0; i < l->n; i++)
                add_text(b, l->v[i]);
}

static void add_item(struct bytes *b, const struct imm_part_kind *k, const char *item) {
        for (size_t i = 0; i < k->n_columns; i++) {
                const void *at = item + k->columns[i].offset;

                switch (k->columns[i].type) {
                case IMM_COLUMN_TEXT:
                        add_text(b, *(const char *const *)at);
                        break;
                case IMM_COLUMN_LINES:
                        add_lines(b, at);
                        break;
                case IMM_COLUMN_INT:
                case IMM_COLUMN_UNSIGNED:
                        add_number(b, *(const unsigned *)at);
                        break;
                case IMM_COLUMN_BOOL:
                        add_number(b, *(const bool *)at);
                        break;
                }
        }
}

static void add_state(struct bytes *b, const struct imm_state *s, struct imm_arena *scratch) {
        const char *texts[] = {s->unit, s->path, s->load, s->load_message, s->package, s->rating,
                s->outcome, s->closure_kind};

        for (size_t i = 0; i < IMM_ELEMENTSOF(texts); i++)
                add_text(b, texts[i]);
        add_number(b, (uint32_t)s->exposure);
        add_number(b, (uint32_t)s->reach);
        for (enum imm_part p = 0; p < IMM_PART_N; p++) {
                struct imm_items items = imm_part_items(s, p, scratch);

                add_number(b, (uint32_t)items.n);
                for (size_t i = 0; i < items.n; i++)
                        add_item(b, &imm_part_kinds[p], items.v + i * imm_part_kinds[p].item_size);
        }
}

static void mark_of(const struct imm_state *s, const struct imm_mark *key, struct bytes *b,
        struct imm_arena *scratch, struct imm_mark *ret) {
        b->n = 0;
        add_state(b, s, scratch);
        imm_mark_bytes(key, b->v, b->n, ret);
        imm_arena_reset(scratch);
}

int imm_mark_key(struct imm_history *h, struct imm_mark *ret, struct imm_err *err) {
        imm_auto_stmt *q = NULL;
        int r = imm_history_prepare(h, "SELECT key FROM own", &q, err);

        if (r >= 0)
                r = imm_history_step(h, q, err);
        if (r < 0)
                return r;
        if (r == 0 || sqlite3_column_bytes(q, 0) != sizeof(*ret))
                return imm_err_set(err, -EINVAL, "history '%s' is damaged: it has no key", h->path);
        memcpy(ret, sqlite3_column_blob(q, 0), sizeof(*ret));
        return 0;
}

/* ---- all states of a snapshot ---- */

struct worker {
        struct bytes bytes;
        struct imm_arena *scratch; /* made when it is first needed */
};

static void worker_done(struct worker *w) {
        imm_arena_free(w->scratch);
        free(w->bytes.v);
}

static struct imm_arena *scratch_of(struct worker *w) {
        if (!w->scratch)
                w->scratch = imm_arena_new();
        return w->scratch;
}

struct job {
        const struct imm_snapshot *s;
        const struct imm_mark *key;
        struct imm_mark *to;
        struct worker workers[IMM_CREW_MAX];
};

static void one(void *data, unsigned worker, size_t i) {
        struct job *j = data;
        struct worker *w = &j->workers[worker];
        const struct imm_state *s = j->s->states.v[i];

        if (s->known)
                memcpy(j->to[i].b, s->known->mark, sizeof(j->to[i].b));
        else
                mark_of(s, j->key, &w->bytes, scratch_of(w), &j->to[i]);
}

struct imm_mark *imm_marks_of(const struct imm_snapshot *s, const struct imm_mark *key,
        unsigned jobs, struct imm_arena *a) {
        struct job job = {
                .s = s, .key = key, .to = imm_alloc_array(a, s->states.n, sizeof(*job.to))};

        imm_crew_run(s->states.n, BATCH, jobs, one, &job);
        for (unsigned i = 0; i < IMM_CREW_MAX; i++)
                worker_done(&job.workers[i]);
        return job.to;
}

/* ---- those of the last run, while an audit is made ---- */

struct imm_known {
        struct imm_mark key;
        struct imm_mark *v; /* open addressing: a mark is as good as a hash; zero is none */
        size_t cap;
        struct worker workers[IMM_CREW_MAX];
};

static const struct imm_mark no_mark;

static struct imm_mark *place_of(const struct imm_known *k, const struct imm_mark *mark) {
        size_t at = (size_t)number_at(mark->b) & (k->cap - 1);

        while (memcmp(&k->v[at], &no_mark, sizeof(no_mark)) != 0 &&
                memcmp(&k->v[at], mark, sizeof(*mark)) != 0)
                at = (at + 1) & (k->cap - 1);
        return &k->v[at];
}

/* How many states the run has, whatever it says of itself */
static int count_states(struct imm_history *h, int64_t run, size_t *ret, struct imm_err *err) {
        imm_auto_stmt *q = NULL;
        int r = imm_history_prepare(h, "SELECT count(*) FROM run_state WHERE run = ?", &q, err);

        if (r < 0)
                return r;
        (void)sqlite3_bind_int64(q, 1, run);
        r = imm_history_step(h, q, err);
        *ret = r > 0 ? (size_t)sqlite3_column_int64(q, 0) : 0;
        return r < 0 ? r : 0;
}

static int read_marks(
        struct imm_history *h, int64_t run, struct imm_known *k, struct imm_err *err) {
        imm_auto_stmt *q = NULL;
        size_t n = 0;
        int r = count_states(h, run, &n, err);

        if (r < 0)
                return r;
        r = imm_history_prepare(h,
                "SELECT s.mark FROM run_state rs JOIN state s ON s.id = rs.state "
                "WHERE rs.run = ? AND s.mark IS NOT NULL",
                &q, err);

        for (k->cap = 16; k->cap < 2 * n;)
                k->cap *= 2;
        k->v = imm_xcalloc(k->cap, sizeof(*k->v));
        if (r < 0)
                return r;
        (void)sqlite3_bind_int64(q, 1, run);
        while (n > 0 && (r = imm_history_step(h, q, err)) > 0) {
                struct imm_mark mark;

                if (sqlite3_column_bytes(q, 0) != sizeof(mark))
                        continue;
                memcpy(&mark, sqlite3_column_blob(q, 0), sizeof(mark));
                *place_of(k, &mark) = mark;
                n--;
        }
        return r < 0 ? r : 0;
}

int imm_history_known(struct imm_history *h, const struct imm_run_place *place,
        struct imm_known **ret, struct imm_err *err) {
        imm_cleanup(imm_known_free) struct imm_known *k = imm_xcalloc(1, sizeof(*k));
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        struct imm_run *runs = NULL;
        size_t n = 0;
        int r = imm_history_runs(h, place, a, &runs, &n, err);

        if (r >= 0)
                r = imm_mark_key(h, &k->key, err);
        if (r >= 0)
                r = read_marks(h, n ? runs[n - 1].id : 0, k, err);
        if (r >= 0)
                *ret = imm_steal(k);
        return r < 0 ? r : 0;
}

struct imm_known *imm_known_free(struct imm_known *k) {
        if (!k)
                return NULL;
        for (size_t i = 0; i < IMM_CREW_MAX; i++)
                worker_done(&k->workers[i]);
        free(k->v);
        free(k);
        return NULL;
}

bool imm_known_state(struct imm_known *k, unsigned worker, const struct imm_state *s,
        struct imm_known_state *ret) {
        struct worker *w = &k->workers[worker];
        struct imm_mark mark;

        mark_of(s, &k->key, &w->bytes, scratch_of(w), &mark);
        if (memcmp(place_of(k, &mark), &mark, sizeof(mark)) != 0)
                return false;
        *ret = (struct imm_known_state){0};
        memcpy(ret->mark, mark.b, sizeof(ret->mark));
        imm_array_foreach (f, &s->findings)
                if (!f->suppressed)
                        ret->findings[f->severity]++;
        return true;
}
