#include "analyzer/closure/closure-private.h"

#include <errno.h>

/*
 * The root's files, walked once for all units: a table in which everything below a directory is one
 * range, so that a mount is a range and what it hides are ranges within.
 */

enum { DEPTH_MAX = 256, NODES_MAX = 50000000 };

struct walker {
        struct imm_closures *c;
        struct walk *w;
};

static void add_closed(struct walker *k, uint32_t i) {
        struct walk *w = k->w;

        if (w->n_closed == w->closed_cap)
                w->closed = imm_array_grow(
                        k->c->arena, w->closed, w->n_closed, &w->closed_cap, sizeof(*w->closed));
        w->closed[w->n_closed++] = i;
}

static void note(struct walker *k, const char *path, const char *why) {
        imm_diag_add(k->c->arena, &k->c->diags, IMM_DIAG_NOTE, "not-walked",
                imm_strdup(k->c->arena, path), 0, NULL, "not looked into: %s", why);
}

static bool may_enter(struct walker *k, const char *path, dev_t dev, dev_t parent) {
        if (dev == parent || imm_root_may_walk(k->c->root, path))
                return true;
        if (!imm_root_is_host(k->c->root))
                note(k, path, "a file system of the kernel, the network or FUSE");
        return false;
}

static void walk_directory(
        struct walker *k, uint32_t top, const char *path, dev_t dev, unsigned depth) {
        imm_cleanup(imm_arena_free) struct imm_arena *scratch = imm_arena_new();
        struct imm_closures *c = k->c;
        struct imm_dirent_stat *e;
        size_t n;
        int r = imm_root_list_stat(c->root, path, scratch, &e, &n);

        imm_map_put(c->arena, &k->w->directories, imm_strdup(c->arena, path),
                (void *)(uintptr_t)(top + 1));
        if (r < 0 || depth > DEPTH_MAX || k->w->n > NODES_MAX) {
                note(k, path, r < 0 ? strerror(-r) : "too deep");
                return;
        }
        for (size_t i = 0; i < n; i++) {
                uint32_t at = (uint32_t)k->w->n;
                const char *below;

                *imm_array_push(c->arena, k->w) = (struct walk_node){
                        .name = imm_strdup(c->arena, e[i].name),
                        .parent = top,
                        .mode = e[i].mode,
                        .uid = e[i].uid,
                        .gid = e[i].gid,
                        .size = e[i].size,
                };
                if (S_ISDIR(e[i].mode)) {
                        below = imm_printf(scratch, "%s/%s", path[1] ? path : "", e[i].name);
                        if ((e[i].mode & 05) != 05)
                                add_closed(k, at);
                        if (may_enter(k, below, e[i].dev, dev))
                                walk_directory(k, at, below, e[i].dev, depth + 1);
                }
                k->w->v[at].end = (uint32_t)k->w->n;
        }
}

const struct walk *walk_of(struct imm_closures *c) {
        CLOSURES_LOCKED(c);
        struct walker k = {.c = c};
        struct stat st;

        if (c->walk)
                return c->walk;
        k.w = c->walk = imm_new(c->arena, struct walk);
        *imm_array_push(c->arena, k.w) = (struct walk_node){.name = "", .mode = S_IFDIR | 0755};
        if (imm_root_stat(c->root, "/", &st) == 0)
                walk_directory(&k, 0, "/", st.st_dev, 0);
        k.w->v[0].end = (uint32_t)k.w->n;
        return c->walk;
}

static size_t find(struct imm_closures *c, const struct walk *w, const char *host) {
        const char *slash = strrchr(host, '/');
        uintptr_t at;

        if (!slash || !slash[1])
                return SIZE_MAX;
        at = (uintptr_t)imm_map_get(&w->directories,
                slash == host ? "/" : imm_strndup(c->arena, host, (size_t)(slash - host)));
        if (!at)
                return SIZE_MAX;
        for (uint32_t i = (uint32_t)at; i < w->v[at - 1].end; i = w->v[i].end)
                if (imm_streq(w->v[i].name, slash + 1))
                        return i;
        return SIZE_MAX;
}

size_t walk_find(struct imm_closures *c, const struct walk *w, const char *host) {
        uintptr_t at = (uintptr_t)imm_map_get(&w->directories, host);
        size_t found;

        if (at)
                return at - 1;
        /* a service's needs are mostly those of the one before */
        CLOSURES_LOCKED(c);
        at = (uintptr_t)imm_map_get(&c->walk_found, host);
        if (at)
                return at - 1;
        found = find(c, w, host);
        if (found != SIZE_MAX)
                imm_map_put(c->arena, &c->walk_found, imm_strdup(c->arena, host),
                        (void *)(uintptr_t)(found + 1));
        return found;
}

char *walk_path(const struct walk *w, size_t i, struct imm_arena *a) {
        size_t n = 0;
        char *path;

        for (size_t k = i; k > 0; k = w->v[k].parent)
                n += strlen(w->v[k].name) + 1;
        path = imm_alloc(a, n + 2);
        if (i == 0)
                path[0] = '/';
        for (size_t k = i, at = n; k > 0; k = w->v[k].parent) {
                size_t len = strlen(w->v[k].name);

                at -= len;
                memcpy(path + at, w->v[k].name, len);
                path[--at] = '/';
        }
        return path;
}
