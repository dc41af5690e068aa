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
                if (!r->bad && o.path)
                        *imm_array_push(x->arena, &d->outputs) = o;
                (void)take(r, ',');
        }
}

static void read_inputs(struct reader *r, struct nix *x, struct nix_derivation *d) {
        expect(r, '[');
        while (!r->bad && !take(r, ']')) {
                const char *path;

                expect(r, '(');
                path = store_path(r);
                expect(r, ',');
                expect(r, '[');
                while (!r->bad && !take(r, ']')) {
                        (void)text(r, false);
                        (void)take(r, ',');
                }
                expect(r, ')');
                if (!r->bad && path)
                        imm_strv_add(x->arena, &d->derivations, path);
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
                        if (imm_streq(d->outputs.v[i].path, path)) {
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
        struct imm_diags *diags;
        struct nix_path **refs; /* those looked for; what is found goes to the front */
        size_t n, found;
        IMM_ARRAY(struct nix_derivation *) derivations;
        IMM_ARRAY(struct nix_path *) sources;
};

static bool meet(struct given *g, struct nix_path *p) {
        if (p->given == g->x->given)
                return false;
        p->given = g->x->given;
        for (size_t i = g->found; i < g->n; i++)
                if (g->refs[i] == p) {
                        g->refs[i] = g->refs[g->found];
                        g->refs[g->found++] = p;
                        break;
                }
        return true;
}

static void meet_derivation(struct given *g, struct nix_derivation *d) {
        if (!d || d->given == g->x->given)
                return;
        d->given = g->x->given;
        *imm_array_push(g->x->arena, &g->derivations) = d;
        for (size_t i = 0; i < d->outputs.n; i++)
                (void)meet(g, nix_path_get(g->x, d->outputs.v[i].path));
}

/* Given as it is: added to the store, which as a rule has no references; or built before */
static void meet_source(struct given *g, struct nix_path *p) {
        const struct nix_output *o;
        struct nix_derivation *d;

        if (!meet(g, p))
                return;
        d = nix_deriver(g->x, p, &o);
        if (d)
                meet_derivation(g, d);
        else
                *imm_array_push(g->x->arena, &g->sources) = p;
}

static void follow_derivations(struct given *g) {
        for (size_t i = 0; i < g->derivations.n && g->found < g->n; i++) {
                const struct nix_derivation *d = g->derivations.v[i];

                for (size_t k = 0; k < d->sources.n; k++)
                        meet_source(g, nix_path_get(g->x, d->sources.v[k]));
                for (size_t k = 0; k < d->derivations.n && g->found < g->n; k++)
                        meet_derivation(g, derivation_at(g->x, d->derivations.v[k]));
        }
        g->derivations.n = 0;
}

/* Single files first: whole trees are read only for what nothing else explains */
static void follow_sources(struct given *g, bool trees) {
        struct stat st;

        for (size_t i = 0; i < g->sources.n && g->found < g->n; i++) {
                struct nix_path *p = g->sources.v[i];

                if (imm_root_lstat(g->x->c->root, p->path, &st) < 0 ||
                        (!trees && S_ISDIR(st.st_mode)))
                        continue;
                nix_references(g->x, p, g->diags);
                for (size_t k = 0; k < p->n_refs; k++)
                        meet_source(g, p->refs[k]);
                follow_derivations(g);
        }
}

size_t nix_given(struct nix *x, struct nix_derivation *d, struct nix_path **refs, size_t n,
        struct imm_diags *diags) {
        struct given g = {.x = x, .diags = diags, .refs = refs, .n = n};

        x->given++;
        meet_derivation(&g, d);
        follow_derivations(&g);
        follow_sources(&g, false);
        follow_sources(&g, true);
        return g.found;
}
