#include "analyzer/closure/closure-private.h"

#include "base/crew.h"

/*
 * The root's files, walked once for all units: a table in which everything below a directory is one
 * range, so that a mount is a range and what it hides are ranges within.
 *
 * There are two such tables. A question about a unit is answered from all files. An audit of all
 * units, every night, counts what is installed: data (homes, /srv, /var) may be millions of files
 * and another number every minute, whether a service can read or write it is told by its access,
 * and how many files of it there are says nothing about the service.
 */

enum { DEPTH_MAX = 256, NODES_MAX = 50000000 };

/* A directory, and what lies in it */
struct listing {
        const char *path;
        uint32_t parent, entry; /* the listing that it is an entry of, and which */
        dev_t dev;
        int error;
        const char *why; /* not looked into */
        struct imm_dirent_stat *e;
        size_t n;
        uint32_t *below; /* of each entry: its listing plus one; 0: none */
};

struct walker {
        struct imm_closures *c;
        struct walk *w;
        IMM_ARRAY(struct listing) listings;
        size_t level; /* the first listing that is not read yet */
        unsigned depth;
        struct imm_arena *arenas[IMM_CREW_MAX]; /* of the threads */
        struct imm_arena *scratch;
};

static void note(struct walker *k, const char *path, const char *why) {
        imm_diag_add(k->c->arena, &k->c->diags, IMM_DIAG_NOTE, "not-walked",
                imm_strdup(k->c->arena, path), 0, NULL, "not looked into: %s", why);
}

bool walk_is_system(const char *path) {
        static const char *const tops[] = {"usr", "etc", "opt", "boot", "efi", "bin", "sbin", "lib",
                "lib32", "lib64", "libx32", "nix", "gnu", "snap"};
        const char *end;

        while (*path == '/')
                path++;
        end = strchrnul(path, '/');
        for (size_t i = 0; i < IMM_ELEMENTSOF(tops); i++)
                if (strlen(tops[i]) == (size_t)(end - path) &&
                        memcmp(tops[i], path, (size_t)(end - path)) == 0)
                        return true;
        return !*path;
}

static bool may_enter(struct walker *k, const struct listing *l) {
        return l->dev == k->listings.v[l->parent].dev || imm_root_may_walk(k->c->root, l->path);
}

static void read_directory(void *data, unsigned worker, size_t i) {
        struct walker *k = data;
        struct listing *l = &k->listings.v[k->level + i];

        if (!may_enter(k, l)) {
                if (!imm_root_is_host(k->c->root))
                        l->why = "a file system of the kernel, the network or FUSE";
                return;
        }
        l->error = (k->w->kind == WALK_SYSTEM ? imm_root_list_directories : imm_root_list_stat)(
                k->c->root, l->path, k->arenas[worker], &l->e, &l->n);
        if (l->error < 0)
                l->n = 0;
        l->below = imm_alloc_array(k->arenas[worker], l->n + 1, sizeof(*l->below));
}

/* The directories in what was read become the next level. */
static void go_down(struct walker *k, size_t from, size_t end) {
        for (size_t i = from; i < end; i++)
                for (size_t e = 0; e < k->listings.v[i].n; e++) {
                        const struct listing *l = &k->listings.v[i];
                        const char *path = l->path[1] ? l->path : "";
                        struct listing next = {
                                .parent = (uint32_t)i, .entry = (uint32_t)e, .dev = l->e[e].dev};

                        if (!S_ISDIR(l->e[e].mode) || (i == 0 && k->w->kind == WALK_SYSTEM &&
                                                              !walk_is_system(l->e[e].name)))
                                continue;
                        next.path = path_join(k->scratch, *path ? path : "/",
                                *path ? strlen(path) : 1, l->e[e].name, strlen(l->e[e].name));
                        *imm_array_push(k->scratch, &k->listings) = next;
                        k->listings.v[i].below[e] = (uint32_t)k->listings.n;
                }
}

static void read_all(struct walker *k) {
        const unsigned threads = k->c->threads ? k->c->threads : 1;

        while (k->level < k->listings.n && k->depth <= DEPTH_MAX && k->listings.n < NODES_MAX) {
                size_t from = k->level, end = k->listings.n;

                imm_crew_run(end - from, 8, threads, read_directory, k);
                go_down(k, from, end);
                k->level = end;
                k->depth++;
        }
        for (size_t i = k->level; i < k->listings.n; i++)
                k->listings.v[i].why = "too deep";
}

static void add_closed(struct walker *k, uint32_t i) {
        struct walk *w = k->w;

        if (w->n_closed == w->closed_cap)
                w->closed = imm_array_grow(
                        k->c->arena, w->closed, w->n_closed, &w->closed_cap, sizeof(*w->closed));
        w->closed[w->n_closed++] = i;
}

/* Puts what was read into the order of a depth-first walk. */
static void put(struct walker *k, uint32_t top, size_t listing) {
        const struct listing *l = &k->listings.v[listing];
        struct imm_arena *a = k->c->arena;

        if (l->error < 0 || l->why)
                note(k, l->path, l->why ? l->why : strerror(-l->error));
        imm_map_put(a, &k->w->directories, imm_strdup(a, l->path), (void *)(uintptr_t)(top + 1));
        for (size_t i = 0; i < l->n; i++) {
                const struct imm_dirent_stat *e = &l->e[i];
                uint32_t at = (uint32_t)k->w->n;

                *imm_array_push(a, k->w) = (struct walk_node){
                        .name = imm_strdup(a, e->name),
                        .parent = top,
                        .mode = e->mode,
                        .uid = e->uid,
                        .gid = e->gid,
                        .size = e->size,
                };
                if (S_ISDIR(e->mode) && (e->mode & 05) != 05)
                        add_closed(k, at);
                if (l->below[i])
                        put(k, at, l->below[i] - 1);
                k->w->v[at].end = (uint32_t)k->w->n;
        }
}

static void sum_up(struct imm_closures *c, struct walk *w) {
        w->files = imm_alloc_array(c->arena, w->n + 1, sizeof(*w->files));
        w->bytes = imm_alloc_array(c->arena, w->n + 1, sizeof(*w->bytes));
        for (size_t i = 0; i < w->n; i++) {
                bool file = S_ISREG(w->v[i].mode);

                w->files[i + 1] = w->files[i] + file;
                w->bytes[i + 1] = w->bytes[i] + (file ? w->v[i].size : 0);
        }
}

struct walk *walk_of(struct imm_closures *c, enum walk_kind kind) {
        CLOSURES_LOCKED(c);
        struct walker k = {.c = c};
        struct listing top = {.path = "/"};
        struct stat st;

        if (c->walks[kind])
                return c->walks[kind];
        k.scratch = imm_arena_new();
        for (size_t i = 0; i < IMM_CREW_MAX; i++)
                k.arenas[i] = i == 0 || i < c->threads ? imm_arena_new() : NULL;
        k.w = imm_new(c->arena, struct walk);
        k.w->kind = kind;
        *imm_array_push(c->arena, k.w) = (struct walk_node){.name = "", .mode = S_IFDIR | 0755};
        if (imm_root_stat(c->root, "/", &st) == 0) {
                top.dev = st.st_dev;
                *imm_array_push(k.scratch, &k.listings) = top;
                read_all(&k);
                put(&k, 0, 0);
        }
        k.w->v[0].end = (uint32_t)k.w->n;
        sum_up(c, k.w);
        for (size_t i = 0; i < IMM_CREW_MAX; i++)
                imm_arena_free(k.arenas[i]);
        imm_arena_free(k.scratch);
        c->walks[kind] = k.w;
        return k.w;
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

size_t walk_find(struct imm_closures *c, struct walk *w, const char *host) {
        uintptr_t at = (uintptr_t)imm_map_get(&w->directories, host);
        size_t found;

        if (at)
                return at - 1;
        /* a service's needs are mostly those of the one before */
        CLOSURES_LOCKED(c);
        at = (uintptr_t)imm_map_get(&w->found, host);
        if (at)
                return at - 1;
        found = find(c, w, host);
        if (found != SIZE_MAX)
                imm_map_put(c->arena, &w->found, imm_strdup(c->arena, host),
                        (void *)(uintptr_t)(found + 1));
        return found;
}

size_t walk_find_real(struct imm_closures *c, struct walk *w, const char *host) {
        size_t at = walk_find(c, w, host);
        uintptr_t known;
        const char *real;

        if (at != SIZE_MAX)
                return at;
        CLOSURES_LOCKED(c);
        known = (uintptr_t)imm_map_get(&w->real, host);
        if (!known) { /* much of it is nowhere in an image, and asked for by each service */
                if (imm_root_realpath(c->root, host, c->arena, &real) == 0)
                        at = walk_find(c, w, real);
                known = at == SIZE_MAX ? UINTPTR_MAX : at + 1;
                imm_map_put(c->arena, &w->real, imm_strdup(c->arena, host), (void *)known);
        }
        return known == UINTPTR_MAX ? SIZE_MAX : known - 1;
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
