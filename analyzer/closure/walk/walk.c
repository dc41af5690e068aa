#include "analyzer/closure/walk/walk-private.h"

/*
 * The root's files, walked once for all units: a table in which everything below a directory is one
 * range, so that a mount is a range and what it hides are ranges within.
 *
 * There are two such tables. A question about a unit is answered from all files. An audit of all
 * units, every night, counts what is installed: data (homes, /srv, /var) may be millions of files
 * and another number every minute, whether a service can read or write it is told by its access,
 * and how many files of it there are says nothing about the service.
 */

static void note(struct imm_closures *c, const struct listing *l) {
        imm_diag_add(c->arena, &c->diags, IMM_DIAG_NOTE, "not-walked", listing_path(l, c->arena), 0,
                NULL, "not looked into: %s", l->why ? l->why : strerror(-l->error));
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

static void add_closed(struct imm_closures *c, struct walk *w, uint32_t i) {
        if (w->n_closed == w->closed_cap)
                w->closed = imm_array_grow(
                        c->arena, w->closed, w->n_closed, &w->closed_cap, sizeof(*w->closed));
        w->closed[w->n_closed++] = i;
}

static void put(struct imm_closures *c, struct walk *w, uint32_t top, const struct listing *l);

/* Its number plus one; 0: it was not looked into. */
static uint32_t put_folder(
        struct imm_closures *c, struct walk *w, uint32_t top, const struct listing *l) {
        uint32_t number = 0;

        if (l->error < 0 || l->why)
                note(c, l);
        else {
                w->folders[w->n_folders++] = (struct walked_folder){l->seen, top, l->fresh};
                number = (uint32_t)w->n_folders;
        }
        put(c, w, top, l);
        return number;
}

/* Puts what was read into the order of a depth-first walk. */
static void put(struct imm_closures *c, struct walk *w, uint32_t top, const struct listing *l) {
        for (size_t i = 0; i < l->n; i++) {
                const struct entry *e = &l->e[i];
                uint32_t at = (uint32_t)w->n++;

                w->v[at] = (struct walk_node){
                        .name = e->name,
                        .parent = top,
                        .mode = e->mode,
                        .uid = e->uid,
                        .gid = e->gid,
                        .size = e->size,
                };
                if (S_ISDIR(e->mode) && (e->mode & 0111) != 0111)
                        add_closed(c, w, at);
                if (e->below)
                        w->v[at].folder = put_folder(c, w, at, e->below);
                w->v[at].end = (uint32_t)w->n;
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

/* ---- finding a file by its name in a directory ---- */

static size_t slot_of(const struct walk *w, size_t parent, const char *name, size_t n) {
        uint64_t h = parent, word;

        for (; n >= sizeof(word); n -= sizeof(word), name += sizeof(word)) {
                memcpy(&word, name, sizeof(word));
                h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
                h ^= h >> 29;
        }
        word = n;
        for (; n > 0; n--)
                word = word << 8 | (unsigned char)*name++;
        h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        return (h ^ h >> 32) & (w->n_slots - 1);
}

static void index_names(struct imm_closures *c, struct walk *w) {
        w->n_slots = 64;
        while (w->n_slots < 2 * w->n)
                w->n_slots *= 2;
        w->slots = imm_alloc_array(c->arena, w->n_slots, sizeof(*w->slots));
        for (size_t i = 1; i < w->n; i++) {
                size_t at = slot_of(w, w->v[i].parent, w->v[i].name, strlen(w->v[i].name));

                while (w->slots[at])
                        at = (at + 1) & (w->n_slots - 1);
                w->slots[at] = (uint32_t)i;
        }
}

size_t walk_below(const struct walk *w, size_t parent, const char *name, size_t n) {
        for (size_t at = slot_of(w, parent, name, n); w->slots[at];
                at = (at + 1) & (w->n_slots - 1)) {
                const struct walk_node *v = &w->v[w->slots[at]];

                if (v->parent == parent && strncmp(v->name, name, n) == 0 && !v->name[n])
                        return w->slots[at];
        }
        return SIZE_MAX;
}

size_t walk_find_n(const struct walk *w, const char *host, size_t n) {
        const char *end = host + n;
        size_t at = 0;

        if (n == 0 || *host != '/')
                return SIZE_MAX;
        if (n == 1)
                return 0;
        while (host < end && at != SIZE_MAX) {
                const char *name = host + 1, *slash = memchr(name, '/', (size_t)(end - name));

                host = slash ? slash : end;
                at = walk_below(w, at, name, (size_t)(host - name));
        }
        return at;
}

size_t walk_find(const struct walk *w, const char *host) {
        return walk_find_n(w, host, strlen(host));
}

size_t walk_find_real(struct imm_closures *c, struct walk *w, const char *host) {
        size_t at = walk_find(w, host);
        uintptr_t known;
        const char *real;

        if (at != SIZE_MAX)
                return at;
        CLOSURES_LOCKED(c);
        known = (uintptr_t)imm_map_get(&w->real, host);
        if (!known) { /* much of it is nowhere in an image, and asked for by each service */
                if (imm_root_realpath(c->root, host, c->arena, &real) == 0)
                        at = walk_find(w, real);
                known = at == SIZE_MAX ? UINTPTR_MAX : at + 1;
                imm_map_put(c->arena, &w->real, imm_strdup(c->arena, host), (void *)known);
        }
        return known == UINTPTR_MAX ? SIZE_MAX : known - 1;
}

/* ---- the whole ---- */

struct walk *walk_of(struct imm_closures *c, enum walk_kind kind) {
        imm_cleanup(imm_arena_free) struct imm_arena *scratch = NULL;
        struct reading r;
        struct walk *w;
        CLOSURES_LOCKED(c);

        if (c->walks[kind])
                return c->walks[kind];
        scratch = imm_arena_new();
        r = walk_read(c, kind, scratch);
        w = imm_new(c->arena, struct walk);
        w->kind = kind;
        w->v = imm_alloc_array(c->arena, r.n_entries + 1, sizeof(*w->v));
        w->folders = imm_alloc_array(c->arena, r.n_folders + 1, sizeof(*w->folders));
        w->v[w->n++] = (struct walk_node){.name = "", .mode = S_IFDIR | 0755};
        if (r.top)
                w->v[0].folder = put_folder(c, w, 0, r.top);
        w->v[0].end = (uint32_t)w->n;
        sum_up(c, w);
        index_names(c, w);
        c->walks[kind] = w;
        return w;
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
