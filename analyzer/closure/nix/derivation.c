#include "analyzer/closure/nix/nix-private.h"

#include <jansson.h>

/*
 * Derivations (HASH-NAME.drv) that still lie in the store beside what was built from them: text,
 * Derive([outputs],[(derivation,[outputs])],[sources],system,builder,[arguments],[(name,value)]).
 * Nix looks for the hashes of those paths only that a build was given; and an output whose contents
 * were known before (a fixed one) has no references at all.
 */

enum { SIZE_MAX_READ = 64 << 20 };
static const char suffix[] = ".drv";

struct reader {
        const char *p, *end;
        struct imm_arena *arena;
        bool bad;
};

static bool take(struct reader *r, char c) {
        if (r->p < r->end && *r->p == c)
                return r->p++, true;
        return false;
}

static void expect(struct reader *r, char c) {
        if (!take(r, c))
                r->bad = true;
}

/* A quoted text. Without @keep it is only passed. */
static char *text(struct reader *r, bool keep) {
        const char *from, *end;
        char *s;
        size_t n = 0;

        expect(r, '"');
        if (r->bad)
                return NULL;
        for (from = end = r->p; end < r->end && *end != '"'; end++)
                if (*end == '\\')
                        end++;
        if (end >= r->end)
                return r->bad = true, NULL;
        r->p = end + 1;
        if (!keep)
                return NULL;
        s = imm_alloc(r->arena, (size_t)(end - from) + 1);
        for (const char *c = from; c < end; c++) {
                bool escaped = *c == '\\';

                c += escaped;
                s[n++] = !escaped    ? *c
                         : *c == 'n' ? '\n'
                         : *c == 't' ? '\t'
                         : *c == 'r' ? '\r'
                                     : *c;
        }
        return s;
}

/* A text that is a store path and nothing more; else NULL */
static const char *store_path(struct reader *r) {
        const char *s = text(r, true), *name = s ? imm_after(s, NIX_STORE "/") : NULL;

        return name && nix_is_name(name) ? s : NULL;
}

static void read_outputs(struct reader *r, struct nix *x, struct nix_derivation *d) {
        expect(r, '[');
        while (!r->bad && !take(r, ']')) {
                struct nix_output o = {0};
                const char *algorithm;

                expect(r, '(');
                o.name = text(r, true);
                expect(r, ',');
                o.path = store_path(r); /* none: it follows from the contents */
                expect(r, ',');
                algorithm = text(r, true);
                expect(r, ',');
                o.bare = algorithm && *algorithm;
                (void)text(r, false);
                expect(r, ')');
                if (!r->bad && o.name)
                        *imm_array_push(x->arena, &d->outputs) = o;
                (void)take(r, ',');
        }
}

static void read_inputs(struct reader *r, struct nix *x, struct nix_derivation *d) {
        expect(r, '[');
        while (!r->bad && !take(r, ']')) {
                struct nix_input in = {0};

                expect(r, '(');
                in.path = store_path(r);
                expect(r, ',');
                expect(r, '[');
                while (!r->bad && !take(r, ']')) {
                        const char *name = text(r, true);

                        if (name)
                                imm_strv_add(x->arena, &in.outputs, name);
                        (void)take(r, ',');
                }
                expect(r, ')');
                if (!r->bad && in.path)
                        *imm_array_push(x->arena, &d->inputs) = in;
                (void)take(r, ',');
        }
}

static void read_sources(struct reader *r, struct nix *x, struct nix_derivation *d) {
        expect(r, '[');
        while (!r->bad && !take(r, ']')) {
                const char *s = store_path(r);

                if (!r->bad && s)
                        imm_strv_add(x->arena, &d->sources, s);
                (void)take(r, ',');
        }
}

static void pass_texts(struct reader *r) {
        expect(r, '[');
        while (!r->bad && !take(r, ']')) {
                (void)text(r, false);
                (void)take(r, ',');
        }
}

/* unsafeDiscardReferences of structured attributes: the outputs of which it is true */
static void read_attributes(struct nix *x, struct nix_derivation *d, const char *json) {
        json_t *all = json_loads(json, 0, NULL), *value;
        const char *name;

        json_object_foreach(json_object_get(all, "unsafeDiscardReferences"), name, value) {
                if (!json_is_true(value))
                        continue;
                for (size_t i = 0; i < d->outputs.n; i++)
                        d->outputs.v[i].bare |= imm_streq(d->outputs.v[i].name, name);
        }
        json_decref(all);
}

static void read_environment(struct reader *r, struct nix *x, struct nix_derivation *d) {
        expect(r, '[');
        while (!r->bad && !take(r, ']')) {
                bool attributes;

                expect(r, '(');
                attributes = r->end - r->p > 9 && memcmp(r->p, "\"__json\",", 9) == 0;
                (void)text(r, false);
                expect(r, ',');
                if (attributes) {
                        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
                        struct reader inner = *r;
                        const char *json;

                        inner.arena = a;
                        json = text(&inner, true);
                        if (json)
                                read_attributes(x, d, json);
                }
                (void)text(r, false);
                expect(r, ')');
                (void)take(r, ',');
        }
}

static bool read_derivation(struct nix *x, const char *path, struct nix_derivation *d) {
        static const char head[] = "Derive(";
        imm_cleanup(imm_arena_free) struct imm_arena *arena = imm_arena_new();
        struct imm_blob b;
        struct reader r = {.arena = x->arena};

        if (imm_root_read(x->c->root, path, SIZE_MAX_READ, arena, &b, NULL) < 0 ||
                b.size < sizeof(head) || memcmp(b.data, head, sizeof(head) - 1) != 0)
                return false;
        r.p = b.data + sizeof(head) - 1;
        r.end = b.data + b.size;
        read_outputs(&r, x, d);
        expect(&r, ',');
        read_inputs(&r, x, d);
        expect(&r, ',');
        read_sources(&r, x, d);
        for (unsigned i = 0; i < 2; i++) { /* system, builder */
                expect(&r, ',');
                (void)text(&r, false);
        }
        expect(&r, ',');
        pass_texts(&r);
        expect(&r, ',');
        read_environment(&r, x, d);
        return !r.bad;
}

/* NULL: not there, or no derivation */
static struct nix_derivation *derivation_at(struct nix *x, const char *path) {
        struct nix_derivation *d = imm_map_get(&x->derivations, path);

        if (!d) {
                d = imm_new(x->arena, struct nix_derivation);
                d->good = read_derivation(x, path, d);
                imm_map_put(x->arena, &x->derivations, imm_strdup(x->arena, path), d);
        }
        return d->good ? d : NULL;
}

/* ---- which derivation made a path: it has the path's name ---- */

static int by_name(const void *a, const void *b) {
        return strcmp((*(const struct imm_dirent *const *)a)->name + NIX_HASH,
                (*(const struct imm_dirent *const *)b)->name + NIX_HASH);
}

static void list_derivations(struct nix *x) {
        size_t n;
        const struct imm_dirent *e = nix_entries(x, &n);

        x->derivations_listed = true;
        for (size_t i = 0; i < n; i++)
                if (imm_ends_with(e[i].name, suffix))
                        *imm_array_push(x->arena, &x->drv) = &e[i];
        if (x->drv.n > 0)
                qsort(x->drv.v, x->drv.n, sizeof(*x->drv.v), by_name);
}

/* Of all derivations with this name the one that has @path for an output */
static struct nix_derivation *deriver_named(struct nix *x, const char *name, size_t n,
        const char *path, const struct nix_output **ret) {
        imm_auto_free char *key = NULL;
        size_t low = 0, high = x->drv.n;

        if (asprintf(&key, "-%.*s%s", (int)n, name, suffix) < 0)
                imm_oom();
        while (low < high) {
                size_t mid = low + (high - low) / 2;

                if (strcmp(x->drv.v[mid]->name + NIX_HASH, key) < 0)
                        low = mid + 1;
                else
                        high = mid;
        }
        for (; low < x->drv.n && imm_streq(x->drv.v[low]->name + NIX_HASH, key); low++) {
                struct nix_derivation *d = derivation_at(
                        x, imm_printf(x->arena, NIX_STORE "/%s", x->drv.v[low]->name));

                for (size_t i = 0; d && i < d->outputs.n; i++)
                        if (d->outputs.v[i].path && imm_streq(d->outputs.v[i].path, path)) {
                                *ret = &d->outputs.v[i];
                                return d;
                        }
        }
        return NULL;
}

struct nix_derivation *nix_deriver(
        struct nix *x, const struct nix_path *p, const struct nix_output **ret) {
        const char *name = p->path + strlen(NIX_STORE "/") + NIX_HASH + 1;
        struct nix_derivation *d;

        if (!x->derivations_listed)
                list_derivations(x);
        if (x->drv.n == 0)
                return NULL;
        d = deriver_named(x, name, strlen(name), p->path, ret);
        for (size_t n = strlen(name); !d && n > 1; n--) /* NAME-dev is the output dev of NAME */
                if (name[n - 1] == '-')
                        d = deriver_named(x, name, n - 1, p->path, ret);
        return d;
}

/* ---- what a build was given ---- */

struct given {
        struct nix *x;
        uint64_t mark;
        bool unknown;           /* something that it was given cannot be known */
        struct nix_path **refs; /* those looked for; what is found goes to the front */
        size_t n, found;
        IMM_ARRAY(struct nix_derivation *) derivations;
        IMM_ARRAY(struct nix_path *) paths;
};

static bool meet(struct given *g, struct nix_path *p) {
        if (p->given == g->mark)
                return false;
        p->given = g->mark;
        for (size_t i = g->found; i < g->n; i++)
                if (g->refs[i] == p) {
                        g->refs[i] = g->refs[g->found];
                        g->refs[g->found++] = p;
                        break;
                }
        return true;
}

/* All that the derivation's own inputs were built from, and so on: what is not among that was
 * certainly not given. Derivations are small, and nothing else is read. */
static void meet_derivation(struct given *g, struct nix_derivation *d) {
        if (d->given == g->mark)
                return;
        d->given = g->mark;
        *imm_array_push(g->x->arena, &g->derivations) = d;
        for (size_t i = 0; i < d->outputs.n; i++)
                if (d->outputs.v[i].path)
                        (void)meet(g, nix_path_get(g->x, d->outputs.v[i].path));
}

static void meet_source(struct given *g, struct nix_path *p) {
        const struct nix_output *o;
        struct nix_derivation *d;

        if (!meet(g, p))
                return;
        d = nix_deriver(g->x, p, &o);
        if (d)
                meet_derivation(g, d);
        else
                *imm_array_push(g->x->arena, &g->paths) = p;
}

static bool is_tree(struct nix *x, const struct nix_path *p) {
        struct stat st;

        return imm_root_lstat(x->c->root, p->path, &st) == 0 && S_ISDIR(st.st_mode);
}

static void follow_derivations(struct given *g) {
        for (size_t i = 0; i < g->derivations.n && g->found < g->n; i++) {
                const struct nix_derivation *d = g->derivations.v[i];

                for (size_t k = 0; k < d->sources.n; k++)
                        meet_source(g, nix_path_get(g->x, d->sources.v[k]));
                for (size_t k = 0; k < d->inputs.n && g->found < g->n; k++) {
                        struct nix_derivation *in = derivation_at(g->x, d->inputs.v[k].path);

                        if (in)
                                meet_derivation(g, in);
                        else
                                g->unknown = true;
                }
        }
        g->derivations.n = 0;
}

/* References of what is not built in order to find those of something else */
static void look_into(struct given *g, struct nix_path *p) {
        struct imm_diags unread = {0};

        nix_references(g->x, p, &unread);
        if (unread.n == 0)
                return;
        g->unknown = true;
        p->refs_known = false; /* to be told when it is asked for itself */
}

static size_t built_from(
        struct nix *x, struct nix_derivation *d, struct nix_path **refs, size_t n) {
        struct given g = {.x = x, .mark = ++x->given, .refs = refs, .n = n};

        meet_derivation(&g, d);
        follow_derivations(&g);
        /* Sources are texts, which may have references; or trees, which have some if they were
         * built and what built them is gone. */
        for (unsigned trees = 0; trees < 2; trees++)
                for (size_t i = 0; i < g.paths.n && g.found < n; i++) {
                        struct nix_path *p = g.paths.v[i];

                        if (is_tree(x, p) != trees)
                                continue;
                        look_into(&g, p);
                        for (size_t k = 0; k < p->n_refs; k++)
                                meet_source(&g, p->refs[k]);
                        follow_derivations(&g);
                }
        return g.unknown ? n : g.found;
}

/* The closure of its direct inputs, which is what Nix looks for */
static void put_in(struct given *g, struct nix_path *p) {
        if (meet(g, p))
                *imm_array_push(g->x->arena, &g->paths) = p;
}

static void put_inputs(struct given *g, const struct nix_derivation *d, bool trees) {
        for (size_t i = 0; i < d->sources.n; i++) {
                struct nix_path *p = nix_path_get(g->x, d->sources.v[i]);

                if (is_tree(g->x, p) == trees)
                        put_in(g, p);
        }
        for (size_t i = 0; i < d->inputs.n; i++) {
                const struct nix_input *in = &d->inputs.v[i];
                const struct nix_derivation *made = derivation_at(g->x, in->path);

                g->unknown |= !made;
                for (size_t k = 0; made && k < made->outputs.n; k++) {
                        const struct nix_output *o = &made->outputs.v[k];
                        struct nix_path *p = o->path ? nix_path_get(g->x, o->path) : NULL;

                        if (!imm_strv_has(&in->outputs, o->name))
                                continue;
                        if (p && is_tree(g->x, p) == trees)
                                put_in(g, p);
                        g->unknown |= !p || !nix_path_exists(g->x, p);
                }
        }
}

static size_t closure_of_inputs(
        struct nix *x, const struct nix_derivation *d, struct nix_path **refs, size_t n) {
        struct given g = {.x = x, .mark = ++x->given, .refs = refs, .n = n};
        size_t direct;

        for (size_t i = 0; i < d->outputs.n; i++)
                if (d->outputs.v[i].path)
                        (void)meet(&g, nix_path_get(x, d->outputs.v[i].path));
        put_inputs(&g, d, false);
        put_inputs(&g, d, true);
        /* what is referred to is read anyway; then files, then trees */
        direct = g.found;
        for (size_t i = 0; i < direct; i++)
                *imm_array_push(x->arena, &g.paths) = refs[i];
        for (size_t pass = 0; pass < 2 && g.found < n; pass++)
                for (size_t i = pass == 0 ? g.paths.n - direct : 0; i < g.paths.n && g.found < n;
                        i++) {
                        struct nix_path *p = g.paths.v[i];

                        look_into(&g, p);
                        for (size_t k = 0; k < p->n_refs; k++)
                                put_in(&g, p->refs[k]);
                }
        return g.unknown ? n : g.found;
}

enum { DEPTH_MAX = 200 };

size_t nix_given(struct nix *x, struct nix_derivation *d, struct nix_path **refs, size_t n) {
        n = built_from(x, d, refs, n);
        if (x->depth >= DEPTH_MAX)
                return n;
        x->depth++;
        n = closure_of_inputs(x, d, refs, n);
        x->depth--;
        return n;
}
