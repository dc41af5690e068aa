/*
 * Reading unit files: each once, however many units use it, by several threads.
 *
 * A file right in a unit directory, or in a real folder there, is opened relative to the directory
 * and without following links: one short look-up in the kernel, and its type is known from the
 * listing. All others go through the root's own door.
 */

#include "analyzer/unit/index.h"
#include "analyzer/unit/limits.h"
#include "analyzer/unit/syntax.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdatomic.h>
#include <sys/syscall.h>

struct reader {
        struct imm_manager *m;
        struct imm_arena *a;
        char *text;
        size_t cap;
};

static int open_below(int dir, const char *rel) {
        struct open_how how = {
                .flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
                .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
        };
        long fd = syscall(SYS_openat2, dir, rel, &how, sizeof(how));

        return fd < 0 ? -errno : (int)fd;
}

/* The whole file behind @fd into r->text, with a NUL behind it. The size, or -errno. */
static ssize_t read_all(struct reader *r, int fd) {
        struct stat st;
        size_t n = 0;

        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
        if (st.st_size > IMM_UNIT_FILE_MAX)
                return -EFBIG;
        for (;;) {
                size_t want = n == 0 ? (size_t)st.st_size + 2 : n * 2;
                ssize_t k;

                if (r->cap < want || r->cap < n + 2) {
                        r->cap = want > 4096 ? want : 4096;
                        r->text = imm_xrealloc(r->text, r->cap, 1);
                }
                k = read(fd, r->text + n, r->cap - n - 1);
                if (k < 0 && errno == EINTR)
                        continue;
                if (k < 0)
                        return -errno;
                n += (size_t)k;
                /* a short read of a regular file is its end */
                if (k == 0 || (n >= (size_t)st.st_size && n < r->cap - 1))
                        break;
                if (n > IMM_UNIT_FILE_MAX)
                        return -EFBIG;
        }
        r->text[n] = 0;
        return (ssize_t)n;
}

static void failed(struct file_slot *s, int error, struct imm_arena *a) {
        const char *why = error == -EISDIR   ? "is a directory"
                          : error == -EINVAL ? "not a regular file"
                          : error == -EFBIG  ? "larger than 16 MiB"
                                             : strerror(-error);

        s->state = SLOT_BROKEN;
        s->file.status = error == -EISDIR ? -EINVAL : error;
        if (error == -ENOENT || error == -ENOTDIR) {
                s->state = SLOT_GONE;
                return;
        }
        if (error == -ELOOP) {
                s->state = SLOT_LOOP;
                return;
        }
        /* a drop-in that is a directory is no loss: systemd cannot read it either */
        imm_diag_add(a, &s->file.diags,
                s->file.kind == IMM_FILE_DROPIN && error == -EISDIR ? IMM_DIAG_WARNING
                                                                    : IMM_DIAG_UNREADABLE,
                "unreadable", s->file.path, 0, NULL, "cannot be read: %s", why);
}

static void parse_slot(struct reader *r, struct file_slot *s, ssize_t size, unsigned version) {
        struct imm_syntax syntax = {imm_unit_sections(s->type), version};

        if (size < 0) {
                failed(s, (int)size, r->a);
                return;
        }
        if (size == 0) {
                s->state = SLOT_MASK;
                return;
        }
        imm_syntax_parse(&syntax, r->text, (size_t)size, r->a, &s->file);
        s->state = SLOT_READ;
}

static ssize_t read_via_root(
        struct reader *r, const struct imm_root *root, const char *path, struct file_slot *s) {
        imm_auto_close int fd = -1;
        int mask = imm_index_is_mask(root, path);

        if (mask > 0) {
                s->state = SLOT_MASK;
                return 0;
        }
        fd = mask < 0 ? mask : imm_root_open_file(root, path, NULL);
        return fd < 0 ? fd : read_all(r, fd);
}

static void read_slot(struct reader *r, struct file_slot *s) {
        struct imm_manager *m = r->m;
        ssize_t n = -ENOENT;

        if (s->rel) {
                imm_auto_close int fd = open_below(m->index->dirs[s->dir].fd, s->rel);

                n = fd < 0 ? fd : read_all(r, fd);
                if (n == -ELOOP || n == -EXDEV) /* it has become a link since it was listed */
                        n = read_via_root(r, m->root, s->file.path, s);
        } else
                n = read_via_root(r, m->root, s->file.path, s);
        if (s->state == SLOT_NEW)
                parse_slot(r, s, n, m->version);
}

void imm_file_read_from(const struct imm_root *root, const char *path, unsigned version,
        struct file_slot *s, struct imm_arena *a) {
        struct reader r = {.a = a};
        ssize_t n = read_via_root(&r, root, path, s);

        if (s->state == SLOT_NEW)
                parse_slot(&r, s, n, version);
        free(r.text);
}

struct work {
        struct imm_manager *m;
        struct imm_arena *a;
        atomic_size_t *next;
        size_t n;
};

static void *reading_thread(void *data) {
        enum { BATCH = 16 };
        struct work *w = data;
        struct reader r = {.m = w->m, .a = w->a};

        for (;;) {
                size_t from = atomic_fetch_add(w->next, BATCH);

                if (from >= w->n)
                        break;
                for (size_t i = from; i < w->n && i < from + BATCH; i++)
                        read_slot(&r, w->m->index->pending.v[i]);
        }
        free(r.text);
        return NULL;
}

void imm_files_read(struct imm_manager *m, unsigned jobs) {
        enum { PER_THREAD_MIN = 64, THREADS_MAX = 64 };
        struct imm_unit_index *x = m->index;
        struct work work[THREADS_MAX];
        pthread_t threads[THREADS_MAX];
        atomic_size_t next = 0;
        size_t n = x->pending.n, k, started = 0;

        if (n == 0)
                return;
        k = n / PER_THREAD_MIN + 1;
        if (k > jobs)
                k = jobs;
        if (k > THREADS_MAX)
                k = THREADS_MAX;
        if (k < 1)
                k = 1;
        while (x->arenas.n < k)
                *imm_array_push(m->arena, &x->arenas) = imm_arena_new();
        for (size_t i = 0; i < k; i++)
                work[i] = (struct work){m, x->arenas.v[i], &next, n};
        for (size_t i = 1; i < k; i++, started++)
                if (pthread_create(&threads[i], NULL, reading_thread, &work[i]) != 0)
                        break; /* fewer threads do the same work */
        reading_thread(&work[0]);
        for (size_t i = 1; i <= started; i++)
                (void)pthread_join(threads[i], NULL);
        x->pending.n = 0;
}

struct file_slot *imm_file_slot(struct imm_manager *m, const char *path, enum imm_file_kind kind,
        enum imm_unit_type type, unsigned dir, const char *rel) {
        struct imm_unit_index *x = m->index;
        struct file_slot *s = imm_map_get(&x->files, path);

        if (s)
                return s;
        s = imm_new(m->arena, struct file_slot);
        *s = (struct file_slot){
                .file = {.kind = kind, .path = path}, .type = type, .dir = dir, .rel = rel};
        imm_map_put(m->arena, &x->files, path, s);
        *imm_array_push(m->arena, &x->pending) = s;
        return s;
}
