#include "analyzer/closure/nix/nix-private.h"

#include <assert.h>
#include <errno.h>

/*
 * What a service sees and does not need. Each mount shows a range of the walked tree, less the
 * ranges that other mounts cover; sorting the ends of all ranges and going over them once tells
 * which parts of the tree are seen and which of these are needed. Two mounts that show one file
 * count it once. No file is looked at for that: the walk has summed up what lies before each.
 */

struct mark { /* from this node on */
        size_t at;
        int seen, needed; /* so many more */
};

struct range {
        size_t from, end;
};

struct region {
        const struct imm_mount *mount;
        const char *top; /* in the root */
        size_t from, end;
};

struct survey {
        struct imm_closures *c;
        struct imm_unit *u;
        struct walk *w;
        const struct imm_mount_table *t;
        struct imm_identity id;
        struct imm_arena *arena;          /* scratch */
        const struct imm_mount **parents; /* of each mount: the one that it stands on */
        IMM_ARRAY(struct region) regions;
        IMM_ARRAY(struct mark) marks;
        IMM_ARRAY(struct range) excess; /* in order */
};

static void mark(struct survey *s, size_t from, size_t end, int seen, int needed) {
        if (from == end)
                return;
        *imm_array_push(s->arena, &s->marks) = (struct mark){from, seen, needed};
        *imm_array_push(s->arena, &s->marks) = (struct mark){end, -seen, -needed};
}

/* The mount that each mount stands on */
static void find_parents(struct survey *s) {
        s->parents = imm_alloc_array(s->arena, s->t->n + 1, sizeof(*s->parents));
        for (size_t i = 0; i < s->t->n; i++) {
                const char *path = s->t->v[i].path, *slash = strrchr(path, '/');

                if (path[1])
                        s->parents[i] = imm_mount_at(s->t,
                                slash == path
                                        ? "/"
                                        : imm_strndup(s->arena, path, (size_t)(slash - path)));
        }
}

/* Mounts directly on @m take away what @m would show there. */
static void mark_covered(struct survey *s, const struct imm_mount *m, const char *top) {
        for (size_t i = 0; i < s->t->n; i++) {
                size_t at;

                if (s->parents[i] != m)
                        continue;
                at = walk_find(s->w, mount_host_path(top, m, s->t->v[i].path, s->arena));
                if (at != SIZE_MAX)
                        mark(s, at, s->w->v[at].end, -1, 0);
        }
}

static void add_region(struct survey *s, size_t i, const char *top) {
        size_t at = walk_find_real(s->c, s->w, top);

        if (at == SIZE_MAX)
                return;
        *imm_array_push(s->arena, &s->regions) = (struct region){
                .mount = &s->t->v[i], .top = top, .from = at, .end = s->w->v[at].end};
        mark(s, at, s->w->v[at].end, 1, 0);
        mark_covered(s, &s->t->v[i], top);
}

/* What lies below a directory that may not be searched is not found. */
static void hide_closed(struct survey *s) {
        struct imm_manager *m = s->c->m;

        for (size_t i = 0; i < s->w->n_closed; i++) {
                size_t at = s->w->closed[i];

                if (!imm_may_search(m, imm_settings_of(m, s->u), s->t, &s->id,
                            walk_path(s->w, at, s->arena), s->arena))
                        mark(s, at + 1, s->w->v[at].end, -100000, 0);
        }
}

static void mark_needs(struct survey *s, const struct imm_closure *c) {
        for (size_t i = 0; i < c->n; i++) {
                const struct imm_need *n = &c->v[i];
                size_t at;

                if (!n->host_path)
                        continue;
                at = walk_find(s->w, n->host_path);
                if (at != SIZE_MAX)
                        mark(s, at, n->tree ? s->w->v[at].end : at + 1, 0, 1);
        }
}

static int by_place(const void *a, const void *b) {
        const struct mark *x = a, *y = b;

        return x->at < y->at ? -1 : x->at > y->at;
}

/* The parts of the tree between marks, each all seen or not, all needed or not */
static void sum_up(struct survey *s, struct imm_excess *x) {
        const struct walk *w = s->w;
        long seen = 0, needed = 0;

        if (s->marks.n == 0)
                return;
        qsort(s->marks.v, s->marks.n, sizeof(*s->marks.v), by_place);
        for (size_t i = 0; i + 1 < s->marks.n; i++) {
                size_t from = s->marks.v[i].at, end = s->marks.v[i + 1].at;
                uint64_t bytes = w->bytes[end] - w->bytes[from];

                seen += s->marks.v[i].seen;
                needed += s->marks.v[i].needed;
                if (seen <= 0 || w->files[end] == w->files[from])
                        continue;
                x->visible += w->files[end] - w->files[from];
                x->visible_bytes += bytes;
                if (needed > 0)
                        continue;
                x->excess += w->files[end] - w->files[from];
                x->excess_bytes += bytes;
                *imm_array_push(s->arena, &s->excess) = (struct range){from, end};
        }
}

static void add_path(struct survey *s, const struct region *g, size_t i, bool *told,
        struct imm_arena *a, struct imm_excess *x) {
        const char *prefix = g->mount->path[1] ? g->mount->path : "", *path;

        if (told[i] || !S_ISREG(s->w->v[i].mode))
                return;
        path = walk_path(s->w, i, s->arena);
        path = imm_printf(a, "%s%s", prefix, path + (g->top[1] ? strlen(g->top) : 0));
        if (imm_mount_at(s->t, path) != g->mount)
                return; /* covered here, seen through another mount */
        told[i] = true;
        imm_strv_add(a, &x->paths, path);
}

static void add_paths(struct survey *s, struct imm_arena *a, struct imm_excess *x) {
        bool *told = imm_alloc_array(s->arena, s->w->n + 1, sizeof(*told));

        for (size_t r = 0; r < s->regions.n; r++) {
                const struct region *g = &s->regions.v[r];

                for (size_t k = 0; k < s->excess.n; k++) {
                        const struct range *e = &s->excess.v[k];
                        size_t from = e->from > g->from ? e->from : g->from;

                        for (size_t i = from; i < e->end && i < g->end; i++)
                                add_path(s, g, i, told, a, x);
                }
        }
        imm_strv_sort_unique(&x->paths);
}

static int larger_first(const void *a, const void *b) {
        const struct imm_excess_group *x = a, *y = b;

        if (x->bytes != y->bytes)
                return x->bytes < y->bytes ? 1 : -1;
        return strcmp(x->name, y->name);
}

/* @groups less, or plus, the files of a range */
static void count_groups(
        const struct walk *w, struct imm_excess_group *groups, size_t from, size_t end, bool less) {
        for (size_t i = from; i < end; i++) {
                const struct walk_node *n = &w->v[i];
                struct imm_excess_group *g = &groups[n->group];

                if (!S_ISREG(n->mode))
                        continue;
                g->files += less ? -UINT64_C(1) : 1;
                g->bytes += less ? -n->size : n->size;
        }
}

/* All groups, less what is not excess: that is mostly less work than adding up what is. */
static struct imm_excess_group *sum_groups(struct survey *s) {
        const struct walk *w = s->w;
        size_t n = 0, at = 0;
        struct imm_excess_group *v =
                imm_alloc_array(s->arena, w->n_groups + 1, sizeof(struct imm_excess_group));
        bool less;

        imm_array_foreach (e, &s->excess)
                n += e->end - e->from;
        less = n > w->n / 2;
        for (size_t i = 0; i < w->n_groups; i++)
                v[i] = less ? w->groups[i] : (struct imm_excess_group){.name = w->groups[i].name};
        imm_array_foreach (e, &s->excess) {
                if (less)
                        count_groups(w, v, at, e->from, true);
                else
                        count_groups(w, v, e->from, e->end, false);
                at = e->end;
        }
        if (less)
                count_groups(w, v, at, w->n, true);
        return v;
}

/* Keeps the largest of @v in front, in order; their number */
static size_t largest_first(struct imm_excess_group *v, size_t n, size_t max) {
        size_t kept = 0;

        for (size_t i = 0; i < n; i++) {
                struct imm_excess_group g = v[i];
                size_t k;

                if (kept == max && larger_first(&g, &v[kept - 1]) >= 0)
                        continue;
                k = kept < max ? kept++ : kept - 1;
                for (; k > 0 && larger_first(&g, &v[k - 1]) < 0; k--)
                        v[k] = v[k - 1];
                v[k] = g;
        }
        return kept;
}

static void add_groups(
        struct survey *s, unsigned flags, struct imm_arena *a, struct imm_excess *x) {
        struct imm_excess_group *v;
        size_t n = 0;

        walk_groups(s->c, s->w);
        v = sum_groups(s);
        if (flags & IMM_EXCESS_SYSTEM) { /* every unit of a machine asks: they are in order once */
                for (size_t i = 0; i < s->w->n_groups; i++)
                        if (v[s->w->groups_by_name[i]].files > 0)
                                *imm_array_push(a, &x->groups) = v[s->w->groups_by_name[i]];
                x->all_groups = x->groups.n;
                return;
        }
        for (size_t i = 0; i < s->w->n_groups; i++)
                if (v[i].files > 0)
                        v[n++] = v[i];
        x->all_groups = n;
        if (flags & IMM_EXCESS_LARGEST)
                n = largest_first(v, n, IMM_EXCESS_LARGEST_N);
        else if (n > 0)
                qsort(v, n, sizeof(*v), larger_first);
        for (size_t i = 0; i < n; i++)
                *imm_array_push(a, &x->groups) = v[i];
}

/* Its own root, if it has one, is what it is to see: that counts wherever it lies. */
static enum walk_kind kind_of(const struct imm_mount_table *t, unsigned flags) {
        const struct imm_mount *top = flags & IMM_EXCESS_SYSTEM ? imm_mount_at(t, "/") : NULL;

        return top && (!top->host_path || walk_is_system(top->host_path)) ? WALK_SYSTEM : WALK_ALL;
}

static void files_excess(struct survey *s, const struct imm_closure *c, unsigned flags,
        struct imm_arena *a, struct imm_excess *x) {
        s->w = walk_of(s->c, kind_of(s->t, flags));
        find_parents(s);
        for (size_t i = 0; i < s->t->n; i++) {
                const struct imm_mount *m = &s->t->v[i];

                for (size_t k = 0; k < m->layers.n; k++)
                        add_region(s, i, m->layers.v[k]);
                if (m->layers.n == 0 && mount_shows_root(s->c, m))
                        add_region(s, i, m->host_path);
        }
        hide_closed(s);
        mark_needs(s, c);
        sum_up(s, x);
        if (flags & IMM_EXCESS_PATHS)
                add_paths(s, a, x);
        if (flags & (IMM_EXCESS_GROUPS | IMM_EXCESS_LARGEST))
                add_groups(s, flags, a, x);
}

/* ---- what directories of a whole system show ---- */

/* Is it "/usr/bin" and the like, of this system or of another that lies in the root? */
static bool is_of_a_system(struct survey *s, const struct region *g) {
        static const char *const places[] = {"", "/usr", "/bin", "/sbin", "/lib", "/lib32",
                "/lib64", "/libx32", "/usr/bin", "/usr/sbin", "/usr/lib", "/usr/lib32",
                "/usr/lib64", "/usr/libx32", "/usr/libexec", "/usr/local", "/usr/local/bin",
                "/usr/local/sbin", "/usr/local/lib", "/usr/games", "/opt", "/nix", "/nix/store",
                "/gnu", "/gnu/store"};
        const char *top = g->top[1] ? g->top : "", *slash = strrchr(top, '/');
        size_t n = strlen(top);

        if (slash && strstr(slash, "-linux-")) /* of one architecture */
                n = (size_t)(slash - top);
        for (size_t i = 0; i < IMM_ELEMENTSOF(places); i++) {
                size_t k = strlen(places[i]);
                const char *system;

                if (n < k || strncmp(top + n - k, places[i], k) != 0)
                        continue;
                if (n == k)
                        return true;
                system = imm_strndup(s->arena, top, n - k);
                if (walk_find(s->w, imm_printf(s->arena, "%s/usr", system)) != SIZE_MAX ||
                        walk_find(s->w, imm_printf(s->arena, "%s/nix/store", system)) != SIZE_MAX ||
                        (!g->mount->path[1] && walk_find(s->w, imm_printf(s->arena, "%s/bin",
                                                                       system)) != SIZE_MAX))
                        return true;
        }
        return false;
}

static bool is_library(const char *name) {
        const char *so = strstr(name, ".so");

        return so && (!so[3] || so[3] == '.');
}

/* Programs among libraries are helpers that no PATH leads to. */
static bool is_among_libraries(const struct walk *w, size_t i) {
        static const char *const of_programs[] = {"bin", "sbin", "libexec", "games"};

        for (size_t at = w->v[i].parent; at; at = w->v[at].parent) {
                for (size_t k = 0; k < IMM_ELEMENTSOF(of_programs); k++)
                        if (imm_streq(w->v[at].name, of_programs[k]))
                                return false;
                if (imm_after(w->v[at].name, "lib"))
                        return true;
        }
        return false;
}

static void count_unneeded(struct survey *s, struct imm_unneeded *x) {
        const struct region *most[IMM_UNNEEDED_N] = {NULL, NULL};
        uint64_t most_n[IMM_UNNEEDED_N] = {0, 0};

        imm_array_foreach (g, &s->regions) {
                uint64_t n[IMM_UNNEEDED_N] = {0, 0};

                imm_array_foreach (e, &s->excess) {
                        size_t from = e->from > g->from ? e->from : g->from;

                        for (size_t i = from; i < e->end && i < g->end; i++) {
                                const struct walk_node *w = &s->w->v[i];

                                if (!S_ISREG(w->mode))
                                        continue;
                                if (is_library(w->name))
                                        n[IMM_UNNEEDED_LIBRARIES]++;
                                else if (w->mode & 0111)
                                        n[is_among_libraries(s->w, i) ? IMM_UNNEEDED_LIBRARIES
                                                                      : IMM_UNNEEDED_PROGRAMS]++;
                        }
                }
                for (unsigned k = 0; k < IMM_UNNEEDED_N; k++) {
                        x->n[k] += n[k];
                        if (n[k] > most_n[k]) {
                                most_n[k] = n[k];
                                most[k] = g;
                        }
                }
        }
        for (unsigned k = 0; k < IMM_UNNEEDED_N; k++)
                x->mount[k] = most[k] ? most[k]->mount : NULL;
}

/* Of Nix, all of a path is needed; a path that a mount names is asked for, with all that is in it.
 */
static void unneeded(struct survey *s, const struct imm_closure *c, struct imm_unneeded *x) {
        struct imm_excess unused = {0};
        size_t n = 0;

        s->w = walk_of(s->c, WALK_ALL);
        find_parents(s);
        for (size_t i = 0; i < s->t->n; i++)
                if (mount_shows_root(s->c, &s->t->v[i]))
                        add_region(s, i, s->t->v[i].host_path);
        s->marks.n = 0;
        for (size_t i = 0; i < s->regions.n; i++) {
                struct region g = s->regions.v[i];

                if (!is_of_a_system(s, &g))
                        continue;
                s->regions.v[n++] = g;
                mark(s, g.from, g.end, 1, 0);
                mark_covered(s, g.mount, g.top);
        }
        s->regions.n = n;
        hide_closed(s);
        mark_needs(s, c);
        for (size_t i = 0; c->kind == IMM_CLOSURE_NIX && i < c->n; i++) {
                size_t at = walk_find(s->w, c->v[i].path);

                if (at != SIZE_MAX)
                        mark(s, at, s->w->v[at].end, 0, 1);
        }
        sum_up(s, &unused);
        count_unneeded(s, x);
}

/* False where it cannot be known what the main process sees, or who it is that looks */
static bool survey_begin(struct survey *s, struct imm_manager *m, struct imm_unit *u,
        const struct imm_closure *c, struct imm_arena *scratch) {
        if (!c->view)
                return false;
        *s = (struct survey){.c = imm_closures_of(m), .u = u, .t = c->view, .arena = scratch};
        imm_sandbox_main_identity(m, u, c->view, scratch, &s->id);
        return s->id.outcome != IMM_OUTCOME_UNKNOWN;
}

void imm_unneeded_compute(struct imm_manager *m, struct imm_unit *u, const struct imm_closure *c,
        struct imm_unneeded *ret) {
        imm_cleanup(imm_arena_free) struct imm_arena *scratch = imm_arena_new();
        struct survey s;

        assert(m && u && c && ret);
        *ret = (struct imm_unneeded){0};
        if (!survey_begin(&s, m, u, c, scratch))
                return;
        ret->known = true;
        unneeded(&s, c, ret);
}

static int name_compare(const void *name, const void *other) {
        return strcmp(name, *(const char *const *)other);
}

static void nix_excess(struct survey *s, const struct imm_closure *c, unsigned flags,
        struct imm_arena *a, struct imm_excess *x) {
        struct imm_arena *of_names = flags & IMM_EXCESS_PATHS ? a : s->arena;
        struct imm_strv visible, needed = {0};
        size_t from = 0, to = 0;

        {
                CLOSURES_LOCKED(s->c);

                nix_visible(nix_of(s->c), s->t, of_names, &visible);
        }
        for (size_t i = 0; i < c->n; i++)
                imm_strv_add(s->arena, &needed, c->v[i].path + strlen(NIX_STORE "/"));
        imm_strv_sort_unique(&needed);
        x->visible = visible.n;
        /* in place: what lies between one that is needed and the next moves up */
        for (size_t i = 0; i <= needed.n; i++) {
                const char **rest = visible.v + from;
                size_t n = visible.n - from;

                if (i < needed.n)
                        n = imm_first_not_before(needed.v[i], rest, n, sizeof(*rest), name_compare);
                memmove(visible.v + to, rest, n * sizeof(*rest));
                to += n;
                from += n;
                from += i < needed.n && from < visible.n && imm_streq(needed.v[i], visible.v[from]);
        }
        x->excess = to;
        x->below = NIX_STORE "/";
        if (flags & IMM_EXCESS_PATHS)
                x->paths = (struct imm_strv){.v = visible.v, .n = to, .cap = visible.cap};
}

void imm_excess_ahead(struct imm_manager *m) {
        struct imm_closures *c = imm_closures_of(m);
        CLOSURES_LOCKED(c);

        nix_list_ahead(c);
}

void imm_excess_prepare(struct imm_manager *m, unsigned flags) {
        struct imm_closures *c = imm_closures_of(m);
        struct walk *w = walk_of(c, flags & IMM_EXCESS_SYSTEM ? WALK_SYSTEM : WALK_ALL);

        if (flags & (IMM_EXCESS_GROUPS | IMM_EXCESS_LARGEST))
                walk_groups(c, w);
}

void imm_excess_compute(struct imm_manager *m, struct imm_unit *u, const struct imm_closure *c,
        unsigned flags, struct imm_arena *a, struct imm_excess *ret) {
        imm_cleanup(imm_arena_free) struct imm_arena *scratch = imm_arena_new();
        struct imm_excess x = {0};
        struct survey s;

        assert(m && u && c && ret);
        *ret = x;
        if (!survey_begin(&s, m, u, c, scratch))
                return;
        x.known = true;
        if (c->kind == IMM_CLOSURE_NIX)
                nix_excess(&s, c, flags, a, &x);
        else
                files_excess(&s, c, flags, a, &x);
        *ret = x;
}
