#include "analyzer/root/root-private.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <pthread.h>
#include <stdalign.h>
#include <sys/vfs.h>

/* What lies in a directory. Many are listed: a root has tens of thousands. */

static bool is_dots(const char *name) {
        return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

static unsigned char type_of(mode_t mode) {
        return (unsigned char)IFTODT(mode);
}

/*
 * Names are compared by their first eight bytes as a number, and only where these are equal as
 * strings: a store has 50,000 entries.
 */
struct keyed {
        uint64_t key;
        struct imm_dirent entry;
};

static uint64_t key_of(const char *name) {
        const unsigned char *s = (const unsigned char *)name;
        uint64_t key = 0;

        for (unsigned b = 0; b < 8; b++) {
                key = key << 8 | *s;
                s += *s != 0;
        }
        return key;
}

static int by_key(const void *a, const void *b) {
        const struct keyed *x = a, *y = b;

        if (x->key != y->key)
                return x->key < y->key ? -1 : 1;
        return strcmp(x->entry.name, y->entry.name);
}

struct list {
        struct keyed *v;
        size_t n, cap;
        struct imm_arena *a;              /* of the names */
        bool (*wanted)(const char *name); /* NULL: all are */
};

static void list_add(struct list *l, const char *name, unsigned char type) {
        if (l->n == l->cap) {
                l->cap = l->cap ? 2 * l->cap : 32;
                l->v = imm_xrealloc(l->v, l->cap, sizeof(*l->v));
        }
        l->v[l->n++] = (struct keyed){key_of(name), {.name = name, .type = type}};
}

/* Into buckets by the first two bytes, each of which is sorted by itself then. */
static void sort_many(struct list *l) {
        enum { BUCKETS = 1 << 16 };
        imm_auto_free uint32_t *ends = imm_xrealloc(NULL, BUCKETS + 1, sizeof(*ends));
        struct keyed *sorted = imm_xrealloc(NULL, l->n, sizeof(*sorted));

        memset(ends, 0, (BUCKETS + 1) * sizeof(*ends));
        for (size_t i = 0; i < l->n; i++)
                ends[(l->v[i].key >> 48) + 1]++;
        for (size_t b = 0; b < BUCKETS; b++)
                ends[b + 1] += ends[b];
        for (size_t i = 0; i < l->n; i++)
                sorted[ends[l->v[i].key >> 48]++] = l->v[i]; /* its start becomes its end */
        for (size_t i = 0; i < l->n;) {
                size_t end = ends[sorted[i].key >> 48];

                if (end - i > 1)
                        qsort(sorted + i, end - i, sizeof(*sorted), by_key);
                i = end;
        }
        free(l->v);
        l->v = sorted;
        l->cap = l->n;
}

enum { MANY = 4096 };

static void list_sort(struct list *l) {
        if (l->n >= MANY && l->n < UINT32_MAX)
                sort_many(l);
        else if (l->n > 1)
                qsort(l->v, l->n, sizeof(*l->v), by_key);
}

static struct imm_dirent *list_entries(const struct list *l, struct imm_arena *a) {
        struct imm_dirent *v = imm_alloc_array(a, l->n, sizeof(*v));

        for (size_t i = 0; i < l->n; i++)
                v[i] = l->v[i].entry;
        return v;
}

static size_t names_size(const char *buffer, size_t n) {
        size_t size = 0;

        for (size_t at = 0; at < n;) {
                const struct dirent64 *d = (const void *)(buffer + at);

                at += d->d_reclen;
                size += strlen(d->d_name) + 1;
        }
        return size;
}

/* Of @n bytes of entries that the kernel gave for @fd; their names share one piece of memory */
static void add_entries(struct list *l, int fd, const char *buffer, size_t n) {
        char *name = imm_alloc(l->a, names_size(buffer, n));

        for (size_t at = 0; at < n;) {
                const struct dirent64 *d = (const void *)(buffer + at);
                unsigned char type = d->d_type;
                size_t size = strlen(d->d_name) + 1;
                struct stat st;

                at += d->d_reclen;
                if (is_dots(d->d_name) || (l->wanted && !l->wanted(d->d_name)))
                        continue;
                if (type == DT_UNKNOWN) {
                        if (imm_root_lstat_in(fd, d->d_name, &st) < 0)
                                continue; /* gone in the meantime */
                        type = type_of(st.st_mode);
                }
                memcpy(name, d->d_name, size);
                list_add(l, name, type);
                name += size;
        }
}

/* How many of the @n bytes are entries that lie before @to; the first one's place is *pos, which is
 * set to that of the one behind them. */
static size_t bytes_before(const char *buffer, size_t n, int64_t to, int64_t *pos) {
        size_t at = 0;

        while (at < n && *pos < to) {
                const struct dirent64 *d = (const void *)(buffer + at);

                *pos = d->d_off;
                at += d->d_reclen;
        }
        return at;
}

/* A part of a directory: the entries whose places, as the file system counts them, are in it */
struct span {
        int fd;
        int64_t from, to;
        struct list l;
        int error;
};

static inline void span_dropp(struct span *s) {
        free(s->l.v);
}

static void *read_span(void *data) {
        struct span *s = data;
        alignas(struct dirent64) char buffer[32768];
        int64_t pos = s->from;
        ssize_t n = 0;

        if (s->from > 0 && lseek(s->fd, s->from, SEEK_SET) < 0)
                s->error = -errno;
        while (s->error == 0 && pos < s->to && (n = getdents64(s->fd, buffer, sizeof(buffer))) > 0)
                add_entries(&s->l, s->fd, buffer, bytes_before(buffer, (size_t)n, s->to, &pos));
        if (n < 0)
                s->error = -errno;
        list_sort(&s->l);
        return NULL;
}

static int list_whole(int fd, bool (*wanted)(const char *name), struct imm_arena *a,
        struct imm_dirent **ret, size_t *ret_n) {
        imm_cleanup(span_drop) struct span all = {
                .fd = fd, .to = INT64_MAX, .l = {.a = a, .wanted = wanted}};

        (void)read_span(&all);
        *ret = list_entries(&all.l, a);
        *ret_n = all.l.n;
        return all.error;
}

int imm_root_list_opened(int fd, struct imm_arena *a, struct imm_dirent **ret, size_t *ret_n) {
        return list_whole(fd, NULL, a, ret, ret_n);
}

static void free_arena(void *arena) {
        imm_arena_free(arena);
}

/* False: an entry is in both, and so they are no halves. */
static bool merge(const struct list *x, const struct list *y, struct imm_dirent *to) {
        size_t i = 0, k = 0;

        while (i < x->n || k < y->n) {
                int order = i == x->n ? 1 : k == y->n ? -1 : by_key(&x->v[i], &y->v[k]);

                if (order == 0)
                        return false;
                *to++ = order < 0 ? x->v[i++].entry : y->v[k++].entry;
        }
        return true;
}

/*
 * Most of the time goes into the kernel, which sorts an ext4 directory by the hashes of its names:
 * these are the entries' places, so that another thread can begin in the middle. Where there are no
 * hashes, all are before the middle.
 */
static bool list_halves(int fd, bool (*wanted)(const char *name), struct imm_arena *a,
        struct imm_dirent **ret, size_t *ret_n) {
        imm_auto_close int other = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        imm_cleanup(span_drop) struct span low = {
                .fd = fd, .to = INT64_MAX / 2, .l = {.a = a, .wanted = wanted}};
        imm_cleanup(span_drop) struct span high = {.fd = other,
                .from = low.to,
                .to = INT64_MAX,
                .l = {.a = imm_arena_new(), .wanted = wanted}};
        pthread_t thread;

        imm_arena_defer(a, free_arena, high.l.a);
        if (other < 0 || pthread_create(&thread, NULL, read_span, &high) != 0)
                return false;
        (void)read_span(&low);
        (void)pthread_join(thread, NULL);
        if (low.error || high.error)
                return false;
        *ret_n = low.l.n + high.l.n;
        *ret = imm_alloc_raw(a, *ret_n * sizeof(**ret)); /* less than the two lists have */
        return merge(&low.l, &high.l, *ret);
}

int imm_root_list_wanted(const struct imm_root *r, const char *path,
        bool (*wanted)(const char *name), unsigned threads, struct imm_arena *a,
        struct imm_dirent **ret, size_t *ret_n) {
        imm_auto_close int fd = imm_root_open_folder(r, path);
        struct statfs st;

        if (fd < 0)
                return fd;
        if (threads > 1 && fstatfs(fd, &st) == 0 && st.f_type == EXT4_SUPER_MAGIC &&
                list_halves(fd, wanted, a, ret, ret_n))
                return 0;
        return lseek(fd, 0, SEEK_SET) < 0 ? -errno : list_whole(fd, wanted, a, ret, ret_n);
}

/* The top of what NixOS builds, of which @n entries at @v are the folder's own */
static int list_built(const struct imm_root *r, struct imm_arena *a, const struct imm_dirent *v,
        size_t n, struct imm_dirent **ret, size_t *ret_n) {
        struct list l = {.a = a};

        for (size_t i = 0; !r->built.alone && i < n; i++)
                if (!(imm_streq(v[i].name, "etc") && r->built.etc >= 0) &&
                        !(imm_streq(v[i].name, "nix") && r->built.nix >= 0))
                        list_add(&l, v[i].name, v[i].type);
        if (r->built.etc >= 0)
                list_add(&l, "etc", DT_DIR);
        if (r->built.nix >= 0)
                list_add(&l, "nix", DT_DIR);
        list_sort(&l);
        *ret = list_entries(&l, a);
        *ret_n = l.n;
        free(l.v);
        return 0;
}

int imm_root_list(const struct imm_root *r, const char *path, struct imm_arena *a,
        struct imm_dirent **ret, size_t *ret_n) {
        imm_auto_close int fd = imm_root_open_folder(r, path);
        int k = fd < 0 ? fd : imm_root_list_opened(fd, a, ret, ret_n);

        if (k < 0 || !r->built.is || path[strspn(path, "/")])
                return k;
        return list_built(r, a, *ret, *ret_n, ret, ret_n);
}

int imm_root_open_folder_in(int folder, const char *name, bool only_look) {
        const int how = only_look ? O_PATH : O_RDONLY | O_NONBLOCK | O_NOCTTY;
        int fd;

        if (strchr(name, '/') || is_dots(name))
                return -EINVAL; /* it would lead out of the directory */
        fd = openat(folder, name, how | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

static struct imm_dirent_stat of_stat(const char *name, const struct stat *st) {
        return (struct imm_dirent_stat){
                .name = name,
                .mode = st->st_mode,
                .uid = st->st_uid,
                .gid = st->st_gid,
                .dev = st->st_dev,
                .ino = st->st_ino,
                .size = st->st_size > 0 ? (uint64_t)st->st_size : 0,
        };
}

int imm_root_list_stat(const struct imm_root *r, const char *path, struct imm_arena *a,
        struct imm_dirent_stat **ret, size_t *ret_n) {
        imm_auto_close int fd = imm_root_open_folder(r, path);
        struct imm_dirent_stat *v;
        struct imm_dirent *e;
        size_t n, had = 0;
        int k = fd < 0 ? fd : imm_root_list_opened(fd, a, &e, &n);

        if (k < 0)
                return k;
        v = imm_alloc_array(a, n, sizeof(*v));
        for (size_t i = 0; i < n; i++) {
                struct stat st;

                if (imm_root_lstat_in(fd, e[i].name, &st) == 0) /* or gone in the meantime */
                        v[had++] = of_stat(e[i].name, &st);
        }
        *ret = v;
        *ret_n = had;
        return 0;
}
