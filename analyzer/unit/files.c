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
#include "base/crew.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

enum { FIRST_READ = 64 * 1024 };

struct reader {
        struct imm_manager *m;
        struct imm_arena *a;
        char *text;
        size_t cap;
};

/*
 * Step by step, where there is no openat2(): an old kernel, or RestrictSUIDSGID=, which denies it
 * as if there were none. No link is followed and names go down alone.
 */
static int open_step_by_step(int dir, const char *rel, int flags) {
        imm_auto_close int at = -1;
        int fd;

        for (const char *slash; (slash = strchr(rel, '/')); rel = slash + 1) {
                char name[NAME_MAX + 1];
                size_t n = (size_t)(slash - rel);

                if (n == 0 || n > NAME_MAX)
                        return -ENOENT;
                memcpy(name, rel, n);
                name[n] = 0;
                if (imm_streq(name, ".."))
                        return -EXDEV;
                fd = openat(
                        at >= 0 ? at : dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                if (fd < 0) /* a link is no directory then */
                        return errno == ENOTDIR ? -ELOOP : -errno;
                if (at >= 0)
                        (void)close(at);
                at = fd;
        }
        if (imm_streq(rel, ".."))
                return -EXDEV;
        fd = openat(at >= 0 ? at : dir, rel, flags);
        return fd < 0 ? -errno : fd;
}

int imm_open_below(int dir, const char *rel, int flags) {
        struct open_how how = {
                .flags = (unsigned)(flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY),
                .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
        };
        long fd = syscall(SYS_openat2, dir, rel, &how, sizeof(how));

        if (fd < 0 && (errno == ENOSYS || errno == EPERM))
                return open_step_by_step(dir, rel, (int)how.flags);
        return fd < 0 ? -errno : (int)fd;
}

/* Without libc's detours: there are thousands of folders, or one with thousands of entries. */
int imm_list_below(
        int dir, const char *rel, struct imm_arena *a, struct imm_dirent **ret, size_t *ret_n) {
        _Alignas(struct dirent64) char buf[32768];
        imm_auto_close int fd = imm_open_below(dir, rel, O_RDONLY | O_DIRECTORY);
        IMM_ARRAY(struct imm_dirent) list = {0};

        if (fd < 0)
                return fd;
        for (;;) {
                ssize_t n = getdents64(fd, buf, sizeof(buf));

                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                for (char *p = buf; p < buf + n;) {
                        const struct dirent64 *e = (const struct dirent64 *)(void *)p;
                        unsigned char type = e->d_type;
                        struct stat st;

                        p += e->d_reclen;
                        if (imm_streq(e->d_name, ".") || imm_streq(e->d_name, ".."))
                                continue;
                        if (type == DT_UNKNOWN) {
                                if (fstatat(fd, e->d_name, &st,
                                            AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0)
                                        continue; /* gone in the meantime */
                                type = (unsigned char)IFTODT(st.st_mode);
                        }
                        *imm_array_push(a, &list) =
                                (struct imm_dirent){imm_strdup(a, e->d_name), type};
                }
        }
        *ret = list.v;
        *ret_n = list.n;
        return 0;
}

static ssize_t read_some(struct reader *r, int fd, size_t at) {
        ssize_t k;

        do
                k = read(fd, r->text + at, r->cap - at - 1);
        while (k < 0 && errno == EINTR);
        return k < 0 ? -errno : k;
}

/*
 * The whole file behind @fd into r->text, with a NUL behind it. The size, or -errno. A short read
 * of a regular file is its end; nearly all files fit at once, and need no fstat().
 */
static ssize_t read_all(struct reader *r, int fd) {
        struct stat st;
        ssize_t k;
        size_t n;

        if (!r->text) {
                r->cap = FIRST_READ;
                r->text = imm_xrealloc(NULL, r->cap, 1);
        }
        k = read_some(r, fd, 0);
        if (k < 0)
                return k;
        n = (size_t)k;
        if (n == r->cap - 1) {
                if (fstat(fd, &st) < 0)
                        return -errno;
                if (st.st_size > IMM_UNIT_FILE_MAX)
                        return -EFBIG;
        }
        while (n == r->cap - 1) {
                if (n > IMM_UNIT_FILE_MAX) /* it grows while it is read */
                        return -EFBIG;
                r->cap *= 2;
                r->text = imm_xrealloc(r->text, r->cap, 1);
                k = read_some(r, fd, n);
                if (k < 0)
                        return k;
                n += (size_t)k;
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
                imm_auto_close int fd = imm_open_below(m->index->dirs[s->dir].fd, s->rel, O_RDONLY);

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

/* Something to do for each number below n, by several threads, each with its own reader */
struct work {
        void (*item)(struct reader *r, void *data, size_t i);
        void *data;
        struct reader *readers;
};

static void work_on(void *data, unsigned worker, size_t i) {
        struct work *w = data;

        w->item(&w->readers[worker], w->data, i);
}

static void do_work(struct imm_manager *m, struct work *w, size_t n, unsigned jobs) {
        enum { BATCH = 32 };
        unsigned size = imm_crew_size(n, BATCH, jobs);
        struct reader readers[IMM_CREW_MAX];
        struct imm_unit_index *x = m->index;

        while (x->arenas.n < size)
                *imm_array_push(m->arena, &x->arenas) = imm_arena_new();
        for (unsigned i = 0; i < size; i++)
                readers[i] = (struct reader){.m = m, .a = x->arenas.v[i]};
        w->readers = readers;
        imm_crew_run(n, BATCH, jobs, work_on, w);
        for (unsigned i = 0; i < size; i++)
                free(readers[i].text);
}

static void read_pending(struct reader *r, void *data, size_t i) {
        read_slot(r, r->m->index->pending.v[i]);
}

void imm_files_read(struct imm_manager *m, unsigned jobs) {
        struct work w = {.item = read_pending};

        do_work(m, &w, m->index->pending.n, jobs);
        m->index->pending.n = 0;
}

static void list_one(struct reader *r, void *data, size_t i) {
        struct dropin_dir **dirs = data;

        imm_dropin_dir_list(r->m, dirs[i], r->a);
}

void imm_dropin_dirs_list(struct imm_manager *m, unsigned jobs) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        IMM_ARRAY(struct dropin_dir *) dirs = {0};
        struct work w = {.item = list_one};

        for (size_t i = 0; i < m->index->dropins.n; i++) {
                struct dropin_dirs *named = m->index->dropins.v[i].value;

                imm_array_foreach (d, &named->list) {
                        if (!d->listed)
                                *imm_array_push(a, &dirs) = d;
                }
        }
        w.data = dirs.v;
        do_work(m, &w, dirs.n, jobs);
}

struct file_slot *imm_file_slot(struct imm_manager *m, const char *path, enum imm_file_kind kind,
        enum imm_unit_type type, unsigned dir, const char *rel) {
        struct imm_unit_index *x = m->index;
        struct file_slot *s = imm_map_get(&x->files, path);
        const char *key = path;

        if (s && s->type != type) { /* through links one file may serve two types */
                key = imm_printf(m->arena, "%s/%s", path, imm_unit_type_name(type));
                s = imm_map_get(&x->files, key);
        }
        if (s)
                return s;
        s = imm_new(m->arena, struct file_slot);
        *s = (struct file_slot){
                .file = {.kind = kind, .path = path}, .type = type, .dir = dir, .rel = rel};
        imm_map_put(m->arena, &x->files, key, s);
        *imm_array_push(m->arena, &x->pending) = s;
        return s;
}
