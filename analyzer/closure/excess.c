#include "analyzer/closure/nix-private.h"

#include <assert.h>
#include <errno.h>

/*
 * What a service sees and does not need. Each mount shows a range of the walked tree, less the
 * ranges that other mounts cover; marking the ends of ranges and summing once over the tree tells
 * for every file whether it is seen. Two mounts that show one file count it once.
 */

struct region {
        const struct imm_mount *mount;
        const char *top; /* in the root */
        size_t from, end;
};

struct survey {
        struct imm_closures *c;
        struct imm_unit *u;
        const struct walk *w;
        const struct imm_mount_table *t;
        const struct imm_identity *id;
        struct imm_arena *arena;          /* scratch */
        const struct imm_mount **parents; /* of each mount: the one that it stands on */
        IMM_ARRAY(struct region) regions;
        int32_t *seen, *needed; /* differences: what is added from a node on */
};

/* The node of what @m shows at @top */
static size_t find_top(struct survey *s, const char *top) {
        size_t at = walk_find(s->c, s->w, top);
        const char *real;

        if (at == SIZE_MAX && imm_root_realpath(s->c->root, top, s->arena, &real) == 0)
                at = walk_find(s->c, s->w, real);
        return at;
}

static void mark(int32_t *marks, size_t from, size_t end, int by) {
        marks[from] += by;
        marks[end] -= by;
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
                at = walk_find(s->c, s->w, mount_host_path(top, m, s->t->v[i].path, s->arena));
                if (at != SIZE_MAX)
                        mark(s->seen, at, s->w->v[at].end, -1);
        }
}

static void add_region(struct survey *s, size_t i, const char *top) {
        size_t at = find_top(s, top);

        if (at == SIZE_MAX)
                return;
        *imm_array_push(s->arena, &s->regions) = (struct region){
                .mount = &s->t->v[i], .top = top, .from = at, .end = s->w->v[at].end};
        mark(s->seen, at, s->w->v[at].end, 1);
        mark_covered(s, &s->t->v[i], top);
}

static bool may_search(const struct imm_identity *id, const struct walk_node *n) {
        const uint64_t override = UINT64_C(1) << 1 | UINT64_C(1) << 2; /* CAP_DAC_*: */

        if ((id->cap_effective & override) && id->userns == IMM_USERNS_NONE)
                return true;
        if (id->uid == n->uid)
                return n->mode & 0100;
        if (id->gid == n->gid)
                return n->mode & 010;
        for (size_t i = 0; i < id->n_groups; i++)
                if (id->groups[i] == n->gid)
                        return n->mode & 010;
        return n->mode & 01;
}

/* What lies below a directory that may not be searched is not found. */
static void hide_closed(struct survey *s) {
        for (size_t i = 0; i < s->w->n_closed; i++) {
                size_t at = s->w->closed[i];

                if (!may_search(s->id, &s->w->v[at]) && s->w->v[at].end > at + 1)
                        mark(s->seen, at + 1, s->w->v[at].end, -100000);
        }
}

static void mark_needs(struct survey *s, const struct imm_closure *c) {
        for (size_t i = 0; i < c->n; i++) {
                const struct imm_need *n = &c->v[i];
                size_t at;

                if (!n->host_path)
                        continue;
                at = walk_find(s->c, s->w, n->host_path);
                if (at != SIZE_MAX)
                        mark(s->needed, at, n->tree ? s->w->v[at].end : at + 1, 1);
        }
}

static void add_paths(
        struct survey *s, const bool *excess, struct imm_arena *a, struct imm_excess *x) {
        bool *told = imm_alloc_array(s->arena, s->w->n + 1, sizeof(*told));

        for (size_t r = 0; r < s->regions.n; r++) {
                const struct region *g = &s->regions.v[r];
                const char *prefix = g->mount->path[1] ? g->mount->path : "";
                size_t n = g->top[1] ? strlen(g->top) : 0;

                for (size_t i = g->from; i < g->end; i++) {
                        const char *path;

                        if (!excess[i] || told[i])
                                continue;
                        path = walk_path(s->w, i, s->arena);
                        path = imm_printf(a, "%s%s", prefix, path + n);
                        if (imm_mount_at(s->t, path) != g->mount)
                                continue; /* covered here, seen through another mount */
                        told[i] = true;
                        imm_strv_add(a, &x->paths, path);
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

/* Files of no package are told by the directory two below the top, "/var/lib/", or their own if
 * that is higher up. */
static size_t place_of(const struct walk *w, size_t i) {
        size_t at = w->v[i].parent;

        while (at && w->v[at].parent && w->v[w->v[at].parent].parent)
                at = w->v[at].parent;
        return at;
}

static void add_groups(
        struct survey *s, const bool *excess, struct imm_arena *a, struct imm_excess *x) {
        struct imm_excess_group *by_package, **by_place;
        const char *const *names;
        size_t n;

        n = walk_packages(s->c, &names);
        by_package = imm_alloc_array(s->arena, n + 1, sizeof(*by_package));
        by_place = imm_alloc_array(s->arena, s->w->n + 1, sizeof(struct imm_excess_group *));
        for (size_t i = 0; i < s->w->n; i++) {
                struct imm_excess_group *g;
                const struct walk_node *f = &s->w->v[i];

                if (!excess[i])
                        continue;
                if (f->package > 0) {
                        g = &by_package[f->package - 1];
                        g->name = names[f->package - 1];
                } else {
                        size_t at = place_of(s->w, i);

                        if (!by_place[at])
                                by_place[at] = imm_new(s->arena, struct imm_excess_group);
                        g = by_place[at];
                }
                g->files++;
                g->bytes += f->size;
        }
        for (size_t i = 0; i < n; i++)
                if (by_package[i].files > 0)
                        *imm_array_push(a, &x->groups) = by_package[i];
        for (size_t i = 0; i < s->w->n; i++)
                if (by_place[i]) {
                        by_place[i]->name = imm_printf(a, "%s/", i ? walk_path(s->w, i, a) : "");
                        *imm_array_push(a, &x->groups) = *by_place[i];
                }
        if (x->groups.n > 0)
                qsort(x->groups.v, x->groups.n, sizeof(*x->groups.v), larger_first);
}

static void files_excess(struct survey *s, const struct imm_closure *c, unsigned flags,
        struct imm_arena *a, struct imm_excess *x) {
        bool *excess;
        int32_t seen = 0, needed = 0;

        s->w = walk_of(s->c);
        s->seen = imm_alloc_array(s->arena, s->w->n + 1, sizeof(*s->seen));
        s->needed = imm_alloc_array(s->arena, s->w->n + 1, sizeof(*s->needed));
        excess = imm_alloc_array(s->arena, s->w->n + 1, sizeof(*excess));
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
        for (size_t i = 0; i < s->w->n; i++) {
                seen += s->seen[i];
                needed += s->needed[i];
                if (seen <= 0 || !S_ISREG(s->w->v[i].mode))
                        continue;
                x->visible++;
                x->visible_bytes += s->w->v[i].size;
                if (needed > 0)
                        continue;
                excess[i] = true;
                x->excess++;
                x->excess_bytes += s->w->v[i].size;
        }
        if (flags & IMM_EXCESS_PATHS)
                add_paths(s, excess, a, x);
        if (flags & IMM_EXCESS_GROUPS)
                add_groups(s, excess, a, x);
}

static void nix_excess(struct survey *s, const struct imm_closure *c, unsigned flags,
        struct imm_arena *a, struct imm_excess *x) {
        struct imm_strv visible, needed = {0};
        size_t k = 0;

        {
                CLOSURES_LOCKED(s->c);

                nix_visible(nix_of(s->c), s->t, s->arena, &visible);
        }
        for (size_t i = 0; i < c->n; i++)
                imm_strv_add(s->arena, &needed, c->v[i].path + strlen(NIX_STORE "/"));
        imm_strv_sort_unique(&needed);
        x->visible = visible.n;
        for (size_t i = 0; i < visible.n; i++) {
                int order = -1;

                while (k < needed.n && (order = strcmp(needed.v[k], visible.v[i])) < 0)
                        k++;
                if (k < needed.n && order == 0)
                        continue;
                x->excess++;
                if (flags & IMM_EXCESS_PATHS)
                        imm_strv_add(a, &x->paths, imm_printf(a, NIX_STORE "/%s", visible.v[i]));
        }
}

void imm_excess_compute(struct imm_manager *m, struct imm_unit *u, const struct imm_closure *c,
        unsigned flags, struct imm_arena *a, struct imm_excess *ret) {
        imm_cleanup(imm_arena_free) struct imm_arena *scratch = NULL;
        struct imm_excess x = {0};
        struct imm_sandbox *sb;
        struct survey s;

        assert(m && u && c && ret);
        *ret = x;
        if (!c->has_view)
                return;
        scratch = imm_arena_new();
        sb = imm_sandbox_of(m, u);
        s = (struct survey){
                .c = imm_closures_of(m),
                .u = u,
                .t = &sb->mounts[sb->main],
                .id = &sb->identity[sb->main],
                .arena = scratch,
        };
        x.known = true;
        if (c->kind == IMM_CLOSURE_NIX)
                nix_excess(&s, c, flags, a, &x);
        else
                files_excess(&s, c, flags, a, &x);
        *ret = x;
}
