#include "analyzer/closure/nix/rodb.h"

#include "base/text.h"

#include <errno.h>
#include <sqlite3.h>

/*
 * A file system for SQLite that shows one database of a root and can only be read.
 *
 * An auditor must find what was written last (in the write-ahead log, perhaps never checkpointed),
 * must not be stopped by locks or a read-only file system, and must leave nothing behind. SQLite's
 * own ways each fail at one of these: mode=ro makes -shm and -wal files, immutable=1 does not look
 * at the log. Here locks are granted without asking, the log's index is kept on the heap (exclusive
 * locking mode), and writing is refused. Only a rollback journal that was left by a crash must be
 * played back: then database and journal are read into memory first, and written there.
 */

enum { MEMORY_MAX = 1 << 30 };

struct part { /* database, log or journal: a descriptor, or bytes in memory */
        int fd;
        unsigned char *data;
        uint64_t size, cap;
        bool exists;
        struct stat st;
};

struct rodb {
        sqlite3_vfs vfs;
        char name[64];
        char *path;
        struct part main, wal, journal;
};

struct file {
        sqlite3_file base;
        struct part *part;
};

static int file_close(sqlite3_file *f) {
        return SQLITE_OK;
}

static int file_read(sqlite3_file *f, void *buf, int amount, sqlite3_int64 offset) {
        const struct part *p = ((struct file *)f)->part;
        size_t want = (size_t)amount, got = 0;

        if (p->data || p->fd < 0) {
                if (offset >= 0 && (uint64_t)offset < p->size)
                        got = p->size - (uint64_t)offset < want ? p->size - (uint64_t)offset : want;
                if (got > 0)
                        memcpy(buf, p->data + offset, got);
        } else
                while (got < want) {
                        ssize_t k =
                                pread(p->fd, (char *)buf + got, want - got, offset + (off_t)got);

                        if (k < 0 && errno == EINTR)
                                continue;
                        if (k < 0)
                                return SQLITE_IOERR_READ;
                        if (k == 0)
                                break;
                        got += (size_t)k;
                }
        if (got == want)
                return SQLITE_OK;
        memset((char *)buf + got, 0, want - got);
        return SQLITE_IOERR_SHORT_READ;
}

static int file_write(sqlite3_file *f, const void *buf, int amount, sqlite3_int64 offset) {
        struct part *p = ((struct file *)f)->part;
        uint64_t end = (uint64_t)offset + (uint64_t)amount;

        if (p->fd >= 0)
                return SQLITE_READONLY;
        if (offset < 0 || end > MEMORY_MAX)
                return SQLITE_FULL;
        if (end > p->cap) {
                uint64_t cap = end + end / 2 + 4096;

                p->data = imm_xrealloc(p->data, cap, 1);
                memset(p->data + p->cap, 0, cap - p->cap);
                p->cap = cap;
        }
        memcpy(p->data + offset, buf, (size_t)amount);
        if (end > p->size)
                p->size = end;
        p->exists = true;
        return SQLITE_OK;
}

static int file_truncate(sqlite3_file *f, sqlite3_int64 size) {
        struct part *p = ((struct file *)f)->part;

        if (p->fd >= 0)
                return SQLITE_READONLY;
        if ((uint64_t)size < p->size)
                p->size = (uint64_t)size;
        return SQLITE_OK;
}

static int file_sync(sqlite3_file *f, int flags) {
        return SQLITE_OK;
}

static int file_size(sqlite3_file *f, sqlite3_int64 *ret) {
        *ret = (sqlite3_int64)((struct file *)f)->part->size;
        return SQLITE_OK;
}

static int file_lock(sqlite3_file *f, int level) {
        return SQLITE_OK;
}

static int file_reserved(sqlite3_file *f, int *ret) {
        *ret = 0;
        return SQLITE_OK;
}

static int file_control(sqlite3_file *f, int op, void *arg) {
        return SQLITE_NOTFOUND;
}

static int file_sector(sqlite3_file *f) {
        return 512;
}

static int file_traits(sqlite3_file *f) {
        return 0;
}

static const sqlite3_io_methods methods = {
        .iVersion = 1, /* no shared memory: the log's index must stay on the heap */
        .xClose = file_close,
        .xRead = file_read,
        .xWrite = file_write,
        .xTruncate = file_truncate,
        .xSync = file_sync,
        .xFileSize = file_size,
        .xLock = file_lock,
        .xUnlock = file_lock,
        .xCheckReservedLock = file_reserved,
        .xFileControl = file_control,
        .xSectorSize = file_sector,
        .xDeviceCharacteristics = file_traits,
};

static int vfs_open(
        sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *ret_flags) {
        struct rodb *v = vfs->pAppData;
        struct file *file = (struct file *)f;

        f->pMethods = NULL;
        if (flags & SQLITE_OPEN_MAIN_DB)
                file->part = &v->main;
        else if (flags & SQLITE_OPEN_WAL)
                file->part = &v->wal;
        else if (flags & SQLITE_OPEN_MAIN_JOURNAL)
                file->part = &v->journal;
        else
                return SQLITE_CANTOPEN;
        f->pMethods = &methods;
        if (ret_flags) {
                *ret_flags = flags;
                if (file->part->fd >= 0)
                        *ret_flags = (flags & ~(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)) |
                                     SQLITE_OPEN_READONLY;
        }
        return SQLITE_OK;
}

static struct part *part_of(struct rodb *v, const char *name) {
        if (imm_ends_with(name, "-wal"))
                return &v->wal;
        return imm_ends_with(name, "-journal") ? &v->journal : &v->main;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync) {
        struct part *p = part_of(vfs->pAppData, name);

        if (p->fd < 0) {
                p->exists = false;
                p->size = 0;
        }
        return SQLITE_OK;
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *ret) {
        *ret = part_of(vfs->pAppData, name)->exists;
        return SQLITE_OK;
}

static int vfs_full_path(sqlite3_vfs *vfs, const char *name, int n, char *ret) {
        (void)snprintf(ret, (size_t)n, "%s", name);
        return SQLITE_OK;
}

static int vfs_random(sqlite3_vfs *vfs, int n, char *ret) {
        memset(ret, 0, (size_t)n);
        return n;
}

static int vfs_sleep(sqlite3_vfs *vfs, int microseconds) {
        return 0;
}

static int vfs_time(sqlite3_vfs *vfs, double *ret) {
        *ret = 2440587.5; /* nothing here asks what time it is */
        return SQLITE_OK;
}

static int vfs_last_error(sqlite3_vfs *vfs, int n, char *ret) {
        return 0;
}

static int part_open(struct part *p, const struct imm_root *root, const char *path) {
        p->fd = imm_root_open_file(root, path, &p->st);
        if (p->fd < 0)
                return p->fd;
        p->size = (uint64_t)p->st.st_size;
        p->exists = true;
        return 0;
}

static int part_into_memory(struct part *p) {
        struct file f = {.part = p};
        unsigned char *data;

        if (p->fd < 0)
                return 0;
        if (p->size > MEMORY_MAX)
                return -EFBIG;
        data = imm_xcalloc(1, p->size + 1);
        if (p->size > 0 && file_read(&f.base, data, (int)p->size, 0) != SQLITE_OK) {
                free(data);
                return -EIO;
        }
        p->data = data;
        p->cap = p->size + 1;
        (void)close(p->fd);
        p->fd = -1;
        return 0;
}

static void part_done(struct part *p) {
        if (p->fd >= 0)
                (void)close(p->fd);
        free(p->data);
}

struct rodb *rodb_free(struct rodb *v) {
        if (!v)
                return NULL;
        sqlite3_vfs_unregister(&v->vfs);
        part_done(&v->main);
        part_done(&v->wal);
        part_done(&v->journal);
        free(v->path);
        free(v);
        return NULL;
}

static const sqlite3_vfs template = {
        .iVersion = 1,
        .szOsFile = sizeof(struct file),
        .mxPathname = 4096,
        .xOpen = vfs_open,
        .xDelete = vfs_delete,
        .xAccess = vfs_access,
        .xFullPathname = vfs_full_path,
        .xRandomness = vfs_random,
        .xSleep = vfs_sleep,
        .xCurrentTime = vfs_time,
        .xGetLastError = vfs_last_error,
};

static const char *beside(const char *path, const char *end, struct imm_arena *a) {
        return imm_printf(a, "%s%s", path, end);
}

static int open_parts(struct rodb *v, const struct imm_root *root, const char *path) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        int k = part_open(&v->main, root, path);

        if (k < 0)
                return k;
        k = part_open(&v->wal, root, beside(path, "-wal", a));
        if (k < 0 && k != -ENOENT)
                return k;
        k = part_open(&v->journal, root, beside(path, "-journal", a));
        if (k < 0 && k != -ENOENT)
                return k;
        if (v->journal.exists && v->journal.size > 0) {
                k = part_into_memory(&v->main);
                if (k == 0)
                        k = part_into_memory(&v->wal);
                if (k == 0)
                        k = part_into_memory(&v->journal);
                return k;
        }
        if (v->journal.fd >= 0) { /* empty: as good as none */
                (void)close(v->journal.fd);
                v->journal = (struct part){.fd = -1};
        }
        return 0;
}

int rodb_open(struct rodb **ret, const struct imm_root *root, const char *path, sqlite3 **ret_db,
        const char **ret_why) {
        static unsigned long counter;
        struct rodb *v = imm_xcalloc(1, sizeof(*v));
        sqlite3 *db = NULL;
        int k;

        v->main.fd = v->wal.fd = v->journal.fd = -1;
        v->path = imm_xstrdup(path);
        v->vfs = template;
        (void)snprintf(v->name, sizeof(v->name), "immure-%lu",
                __atomic_add_fetch(&counter, 1, __ATOMIC_RELAXED));
        v->vfs.zName = v->name;
        v->vfs.pAppData = v;
        k = open_parts(v, root, path);
        if (k == 0 && sqlite3_vfs_register(&v->vfs, 0) != SQLITE_OK)
                k = -ENOMEM;
        if (k < 0) {
                *ret_why = strerror(-k);
                rodb_free(v);
                return k;
        }
        k = sqlite3_open_v2(
                path, &db, v->main.fd >= 0 ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE, v->name);
        if (k != SQLITE_OK) {
                *ret_why = sqlite3_errstr(k);
                (void)sqlite3_close(db);
                rodb_free(v);
                return -EIO;
        }
        *ret = v;
        *ret_db = db;
        return 0;
}
