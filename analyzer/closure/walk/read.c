#include "analyzer/closure/walk/walk-private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>

/*
 * The directories of a root, listed by several threads. Each works down from what it found itself
 * and gives of it to those that have nothing. A directory is opened from the one above it, so that
 * no path is resolved twice; one that an earlier walk has listed, and whose times say that it is
 * the same, is not listed again. What its files are is always asked.
 */

enum { DEPTH_MAX = 256, FOLDERS_MAX = 50000000, OPEN_MAX = 200 };

struct hand { /* what a thread has for itself */
        struct imm_arena *names, *arena;
        IMM_ARRAY(struct listing *) todo;
        size_t n_entries, n_folders;
};

struct walker {
        struct imm_closures *c;
        enum walk_kind kind;
        const struct kept_walk *kept;
        struct hand hands[IMM_CREW_MAX];
        atomic_size_t n_folders;
        atomic_int n_open;

        pthread_mutex_t lock;
        pthread_cond_t more;
        struct imm_arena *arena;
        IMM_ARRAY(struct listing *) shared; /* to be read by whoever comes first */
        unsigned here;                      /* threads that take part */
        atomic_uint waiting;                /* of these */
};

const char *listing_path(const struct listing *l, struct imm_arena *a) {
        size_t n = 0, at;
        char *path;

        if (!l->above)
                return "/";
        for (const struct listing *k = l; k->above; k = k->above)
                n += strlen(k->name) + 1;
        path = imm_alloc(a, n + 1);
        at = n;
        for (const struct listing *k = l; k->above; k = k->above) {
                size_t len = strlen(k->name);

                at -= len;
                memcpy(path + at, k->name, len);
                path[--at] = '/';
        }
        return path;
}

static struct seen_folder seen_folder(const struct stat *st) {
        return (struct seen_folder){
                .dev = st->st_dev,
                .ino = st->st_ino,
                .mtime = st->st_mtim.tv_sec,
                .ctime = st->st_ctim.tv_sec,
                .mtime_n = (uint32_t)st->st_mtim.tv_nsec,
                .ctime_n = (uint32_t)st->st_ctim.tv_nsec,
        };
}

/* ---- descriptors of directories ---- */

static void let_go(struct walker *k, struct listing *l) {
        if (!l || atomic_fetch_sub(&l->users, 1) != 1 || l->fd < 0)
                return;
        (void)close(l->fd);
        l->fd = -1;
        atomic_fetch_sub(&k->n_open, 1);
}

static int open_listing(
        struct walker *k, const struct listing *l, bool only_look, struct imm_arena *a) {
        int fd = -EMFILE;

        if (l->above && l->above->above && l->above->fd >= 0)
                fd = imm_root_open_folder_in(l->above->fd, l->name, only_look);
        if (fd != -EMFILE)
                return fd;
        return only_look ? imm_root_open_path(
                                   k->c->root, listing_path(l, a), O_DIRECTORY | O_NOFOLLOW)
                         : imm_root_open_folder(k->c->root, listing_path(l, a));
}

/* It stays open for those that lie in it, if not too many are. */
static void keep_open(struct walker *k, struct listing *l, unsigned below, int fd) {
        l->fd = -1;
        atomic_store(&l->users, below);
        if (below == 0 || atomic_fetch_add(&k->n_open, 1) >= OPEN_MAX) {
                if (below > 0)
                        atomic_fetch_sub(&k->n_open, 1);
                (void)close(fd);
                return;
        }
        l->fd = fd;
}

/* ---- one directory ---- */

static bool may_enter(struct walker *k, const struct listing *l, struct imm_arena *a) {
        return !l->above || l->seen.dev == l->above->seen.dev ||
               imm_root_may_walk(k->c->root, listing_path(l, a));
}

static bool goes_into(const struct walker *k, const struct listing *l, const char *name) {
        return k->kind == WALK_ALL || l->above || walk_is_system(name);
}

/* Is there anything that must be asked of its file? */
static bool must_ask(const struct walker *k, unsigned type) {
        return type == DT_DIR || (type == DT_REG && k->kind == WALK_ALL);
}

static void add_below(struct walker *k, struct hand *h, struct listing *l, struct entry *e,
        const struct stat *st, uint32_t kept) {
        struct listing *below = imm_new(h->arena, struct listing);

        *below = (struct listing){
                .above = l,
                .name = e->name,
                .seen = seen_folder(st),
                .kept = kept,
                .depth = l->depth + 1,
                .fd = -1,
        };
        e->below = below;
        *imm_array_push(h->arena, &h->todo) = below;
}

/* What lies at the top may be mounted there: it is looked up by its path. */
static int look(
        struct walker *k, const struct listing *l, int fd, const char *name, struct stat *ret) {
        char path[NAME_MAX + 2];

        if (l->above)
                return imm_root_lstat_in(fd, name, ret);
        (void)snprintf(path, sizeof(path), "/%s", name);
        return imm_root_lstat(k->c->root, path, ret);
}

/* False: it is gone in the meantime. */
static bool add_entry(struct walker *k, struct hand *h, struct listing *l, int fd, const char *name,
        unsigned type, uint32_t kept) {
        struct entry *e = &l->e[l->n];
        struct stat st;

        *e = (struct entry){.name = name, .mode = DTTOIF(type)};
        if (must_ask(k, type)) {
                if (look(k, l, fd, name, &st) < 0)
                        return false;
                e->mode = st.st_mode;
                e->uid = st.st_uid;
                e->gid = st.st_gid;
                e->size = st.st_size > 0 ? (uint64_t)st.st_size : 0;
        }
        l->n++;
        if (S_ISDIR(e->mode) && goes_into(k, l, name)) {
                add_below(k, h, l, e, &st, kept);
                return true;
        }
        return false;
}

static unsigned add_kept(struct walker *k, struct hand *h, struct listing *l, int fd,
        const struct kept_folder *folder) {
        unsigned below = 0;

        l->e = imm_alloc_array(h->arena, folder->n, sizeof(*l->e));
        for (size_t i = folder->first; i < folder->first + folder->n; i++) {
                const struct kept_entry *e = &k->kept->entries[i];

                below += add_entry(k, h, l, fd, k->kept->text + e->name, e->type, e->below);
        }
        return below;
}

static unsigned add_listed(struct walker *k, struct hand *h, struct listing *l, int fd) {
        struct imm_dirent *v = NULL;
        unsigned below = 0;
        size_t n = 0;

        l->fresh = true;
        l->error = l->above ? imm_root_list_opened(fd, h->names, &v, &n)
                            : imm_root_list(k->c->root, "/", h->names, &v, &n);
        if (l->error < 0)
                return 0;
        l->e = imm_alloc_array(h->arena, n, sizeof(*l->e));
        for (size_t i = 0; i < n; i++)
                below += add_entry(k, h, l, fd, v[i].name, v[i].type, 0);
        return below;
}

static bool asks_any(const struct walker *k, const struct kept_folder *folder) {
        for (size_t i = folder->first; i < folder->first + folder->n; i++)
                if (must_ask(k, k->kept->entries[i].type))
                        return true;
        return false;
}

static void count(struct hand *h, const struct listing *l) {
        h->n_entries += l->n;
        h->n_folders++;
}

static void read_listing(struct walker *k, struct hand *h, struct listing *l) {
        const struct kept_folder *known;
        unsigned below;
        int fd;

        if (l->depth > DEPTH_MAX || atomic_fetch_add(&k->n_folders, 1) >= FOLDERS_MAX) {
                l->why = "too deep";
                return;
        }
        if (!may_enter(k, l, h->arena)) {
                if (!imm_root_is_host(k->c->root))
                        l->why = "a file system of the kernel, the network or FUSE";
                return;
        }
        known = kept_folder(k->kept, l);
        if (known && !asks_any(k, known)) {
                (void)add_kept(k, h, l, -1, known);
                count(h, l);
                return;
        }
        fd = open_listing(k, l, known, h->arena);
        if (fd < 0) {
                l->error = fd;
                return;
        }
        below = known ? add_kept(k, h, l, fd, known) : add_listed(k, h, l, fd);
        keep_open(k, l, below, fd);
        count(h, l);
}

/* ---- all of them ---- */

/* The next one to be read; NULL: nobody has any */
static struct listing *take(struct walker *k, struct hand *h) {
        struct listing *l = NULL;

        if (h->todo.n > 0)
                return h->todo.v[--h->todo.n];
        (void)pthread_mutex_lock(&k->lock);
        atomic_fetch_add(&k->waiting, 1);
        while (k->shared.n == 0 && atomic_load(&k->waiting) < k->here)
                (void)pthread_cond_wait(&k->more, &k->lock);
        if (k->shared.n > 0) {
                l = k->shared.v[--k->shared.n];
                atomic_fetch_sub(&k->waiting, 1);
        } else
                (void)pthread_cond_broadcast(&k->more); /* all wait: that was all */
        (void)pthread_mutex_unlock(&k->lock);
        return l;
}

/* Half of what it has, what it found first, to those who wait */
static void share(struct walker *k, struct hand *h) {
        size_t n = h->todo.n / 2;

        if (n == 0 || atomic_load(&k->waiting) == 0)
                return;
        (void)pthread_mutex_lock(&k->lock);
        for (size_t i = 0; i < n; i++)
                *imm_array_push(k->arena, &k->shared) = h->todo.v[i];
        (void)pthread_cond_broadcast(&k->more);
        (void)pthread_mutex_unlock(&k->lock);
        h->todo.n -= n;
        memmove(h->todo.v, h->todo.v + n, h->todo.n * sizeof(*h->todo.v));
}

static void work(void *data, unsigned worker, size_t i) {
        struct walker *k = data;
        struct hand *h = &k->hands[worker];
        struct listing *l;

        (void)pthread_mutex_lock(&k->lock);
        k->here++;
        (void)pthread_mutex_unlock(&k->lock);
        while ((l = take(k, h))) {
                read_listing(k, h, l);
                let_go(k, l->above);
                share(k, h);
        }
}

static void free_names(void *arena) {
        imm_arena_free(arena);
}

struct reading walk_read(struct imm_closures *c, enum walk_kind kind, struct imm_arena *a) {
        const unsigned threads = imm_crew_size(IMM_CREW_MAX, 1, c->threads);
        struct walker k = {.c = c, .kind = kind, .arena = a};
        struct reading ret = {0};
        struct stat st;

        if (imm_root_stat(c->root, "/", &st) < 0)
                return ret;
        ret.top = imm_new(a, struct listing);
        *ret.top = (struct listing){.seen = seen_folder(&st), .kept = 1, .fd = -1};
        k.kept = walk_kept(c, &ret.top->seen, c->arena);
        *imm_array_push(a, &k.shared) = ret.top;
        (void)pthread_mutex_init(&k.lock, NULL);
        (void)pthread_cond_init(&k.more, NULL);
        for (unsigned i = 0; i < threads; i++) {
                k.hands[i].names = imm_arena_new();
                k.hands[i].arena = imm_arena_new();
                imm_arena_defer(c->arena, free_names, k.hands[i].names);
                imm_arena_defer(a, free_names, k.hands[i].arena);
        }
        imm_crew_run(threads, 1, threads, work, &k);
        for (unsigned i = 0; i < threads; i++) {
                ret.n_entries += k.hands[i].n_entries;
                ret.n_folders += k.hands[i].n_folders;
        }
        (void)pthread_cond_destroy(&k.more);
        (void)pthread_mutex_destroy(&k.lock);
        return ret;
}
