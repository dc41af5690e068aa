#include "analyzer/closure/answers/answers.h"

enum { VIA_MAX = 16 };

/* ---- texts ---- */

uint32_t pool_put(struct pool *p, const char *s) {
        uintptr_t at;
        size_t n;

        if (!s)
                return 0;
        at = (uintptr_t)imm_map_get(&p->places, s);
        if (at)
                return (uint32_t)at;
        n = strlen(s) + 1;
        at = p->text.n + 1;
        while (p->text.cap < p->text.n + n)
                p->text.v = imm_array_grow(p->arena, p->text.v, p->text.n, &p->text.cap, 1);
        memcpy(p->text.v + p->text.n, s, n);
        p->text.n += n;
        imm_map_put(p->arena, &p->places, s, (void *)at);
        return (uint32_t)at;
}

/* ---- numbers ---- */

uint32_t read_word(struct reader *r) {
        if (r->n == 0) {
                r->broken = true;
                return 0;
        }
        r->n--;
        return *r->p++;
}

/* One that is below @end */
static uint32_t read_below(struct reader *r, uint32_t end) {
        uint32_t v = read_word(r);

        if (v >= end) {
                r->broken = true;
                return 0;
        }
        return v;
}

/* How many follow, each of which takes a word at least */
static uint32_t read_count(struct reader *r) {
        uint32_t n = read_word(r);

        if (n > r->n) {
                r->broken = true;
                return 0;
        }
        return n;
}

const char *read_text_at(struct reader *r) {
        uint32_t at = read_word(r);

        if (at > r->n_text)
                r->broken = true;
        return at == 0 || r->broken ? NULL : r->text + at - 1;
}

/* Where there must be one */
static const char *read_some_text(struct reader *r) {
        const char *s = read_text_at(r);

        if (!s)
                r->broken = true;
        return s;
}

static void put(struct words *w, uint32_t v) {
        *imm_array_push(w->arena, &w->w) = v;
}

static void put_texts(struct words *w, struct pool *p, const struct imm_strv *l) {
        put(w, (uint32_t)l->n);
        for (size_t i = 0; i < l->n; i++)
                put(w, pool_put(p, l->v[i]));
}

static void read_texts(struct reader *r, struct imm_arena *a, struct imm_strv *ret) {
        for (uint32_t n = read_count(r); n > 0 && !r->broken; n--) {
                const char *s = read_some_text(r);

                if (s)
                        imm_strv_add(a, ret, s);
        }
}

/* ---- an origin ---- */

static void put_origin(struct words *w, struct pool *p, const struct imm_origin *o) {
        put(w, o->kind);
        put(w, o->line);
        put(w, pool_put(p, o->file));
        put(w, o->by);
        put(w, o->via != NULL);
        if (o->via)
                put_origin(w, p, o->via);
}

static void read_origin(
        struct reader *r, struct imm_arena *a, struct imm_origin *ret, unsigned depth) {
        ret->kind = read_below(r, IMM_ORIGIN_MANAGER + 1);
        ret->line = read_word(r);
        ret->file = read_text_at(r);
        ret->by = read_below(r, IMM_SETTING_N + 1);
        if (read_below(r, 2) == 0 || r->broken)
                return;
        if (depth >= VIA_MAX) {
                r->broken = true;
                return;
        }
        struct imm_origin *via = imm_new(a, struct imm_origin);

        read_origin(r, a, via, depth + 1);
        ret->via = via;
}

/* ---- a need ---- */

enum { TREE = 1, CREATED = 2, OPTIONAL = 4, EXISTS = 8, ALL_BITS = 15 };
enum { NEED_WORDS = 12 }; /* at least */

static void put_need(struct words *w, struct pool *p, const struct imm_need *n) {
        put(w, pool_put(p, n->path));
        put(w, pool_put(p, n->host_path));
        put(w, pool_put(p, n->name));
        put(w, pool_put(p, n->reason));
        put(w, pool_put(p, n->hidden));
        put_texts(w, p, &n->links);
        put(w, n->kind);
        put(w, n->confidence);
        put(w, (uint32_t)(n->by + 1));
        put(w, n->setting);
        if (n->by == IMM_NEED_BY_UNIT)
                put_origin(w, p, &n->origin);
        put(w, (n->tree ? TREE : 0) | (n->created ? CREATED : 0) | (n->optional ? OPTIONAL : 0) |
                        (n->exists ? EXISTS : 0));
        put(w, (uint32_t)(n->visible + 1));
}

static void read_need(struct reader *r, struct imm_arena *a, uint32_t place, struct imm_need *n) {
        uint32_t bits;

        n->path = read_some_text(r);
        n->host_path = read_text_at(r);
        n->name = read_text_at(r);
        n->reason = read_text_at(r);
        n->hidden = read_text_at(r);
        read_texts(r, a, &n->links);
        n->kind = read_below(r, IMM_NEED_KIND_N);
        n->confidence = read_below(r, IMM_POSSIBLE + 1);
        n->by = (int)read_below(r, place + 1) - 1;
        n->setting = read_below(r, IMM_SETTING_N + 1);
        if (n->by == IMM_NEED_BY_UNIT)
                read_origin(r, a, &n->origin, 0);
        bits = read_below(r, ALL_BITS + 1);
        n->tree = bits & TREE;
        n->created = bits & CREATED;
        n->optional = bits & OPTIONAL;
        n->exists = bits & EXISTS;
        n->visible = (int)read_below(r, 3) - 1;
}

/* ---- the whole ---- */

static void put_diag(struct words *w, struct pool *p, const struct imm_diag *d) {
        put(w, d->level);
        put(w, d->line);
        put(w, pool_put(p, d->file));
        put(w, pool_put(p, d->setting));
        put(w, pool_put(p, d->code));
        put(w, pool_put(p, d->message));
}

static void read_diag(struct reader *r, struct imm_diag *d) {
        d->level = read_below(r, IMM_DIAG_UNREADABLE + 1);
        d->line = read_word(r);
        d->file = read_text_at(r);
        d->setting = read_text_at(r);
        d->code = read_some_text(r);
        d->message = read_some_text(r);
}

void record_put(struct words *w, struct pool *p, const struct imm_closure *c) {
        put_texts(w, p, &c->roots);
        put(w, (uint32_t)c->diags.n);
        imm_array_foreach (d, &c->diags)
                put_diag(w, p, d);
        put(w, (uint32_t)c->n);
        for (size_t i = 0; i < c->n; i++)
                put_need(w, p, &c->v[i]);
}

bool record_get(struct reader *r, struct imm_arena *a, struct imm_closure *ret) {
        struct imm_closure c = {.kind = IMM_CLOSURE_FILES, .view = ret->view};
        uint32_t n;

        read_texts(r, a, &c.roots);
        for (n = read_count(r); n > 0 && !r->broken; n--)
                read_diag(r, imm_array_push(a, &c.diags));
        n = read_count(r);
        if (n > r->n / NEED_WORDS)
                return false;
        c.v = imm_alloc_array(a, n, sizeof(*c.v));
        c.cap = n;
        for (; c.n < n && !r->broken; c.n++)
                read_need(r, a, (uint32_t)c.n, &c.v[c.n]);
        if (r->broken || r->n > 0)
                return false;
        *ret = c;
        return true;
}
