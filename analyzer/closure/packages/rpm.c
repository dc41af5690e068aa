#include "analyzer/closure/closure-private.h"
#include "analyzer/closure/nix/rodb.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sqlite3.h>

/*
 * rpm's database, where it is SQLite's (since 4.16): each package is a header, an index of tags
 * over a store of data, all numbers big-endian. Files are base names, and for each the index of its
 * directory.
 */

enum {
        TAG_NAME = 1000,
        TAG_VERSION = 1001,
        TAG_RELEASE = 1002,
        TAG_EPOCH = 1003,
        TAG_DIRINDEXES = 1116,
        TAG_BASENAMES = 1117,
        TAG_DIRNAMES = 1118,
        HEADER_MAX = 64 << 20,
        FILES_MAX = 4 << 20,
};

struct header {
        const unsigned char *index, *data;
        uint32_t n, size;
};

static uint32_t number(const unsigned char *p) {
        uint32_t v;

        memcpy(&v, p, sizeof(v));
        return ntohl(v);
}

/* The data of @tag and how many items it has; NULL if it is not there */
static const unsigned char *tag(const struct header *h, uint32_t which, uint32_t *ret_n) {
        for (uint32_t i = 0; i < h->n; i++) {
                const unsigned char *e = h->index + 16 * (size_t)i;

                if (number(e) == which && number(e + 8) < h->size) {
                        *ret_n = number(e + 12);
                        return h->data + number(e + 8);
                }
        }
        *ret_n = 0;
        return NULL;
}

/* The string behind @s, within the header's data; NULL at its end */
static const char *next_string(const struct header *h, const char *s) {
        const char *end = (const char *)h->data + h->size;
        size_t n = strnlen(s, (size_t)(end - s));

        return s + n + 1 < end ? s + n + 1 : NULL;
}

/* "[EPOCH:]VERSION-RELEASE", or NULL */
static const char *version_of(const struct header *h, struct imm_arena *a) {
        uint32_t n;
        const char *version = (const char *)tag(h, TAG_VERSION, &n);
        const char *release = (const char *)tag(h, TAG_RELEASE, &n);
        const unsigned char *epoch = tag(h, TAG_EPOCH, &n);

        if (!version || !release)
                return NULL;
        if (epoch && n == 1 && h->data + h->size - epoch >= 4)
                return imm_printf(a, "%u:%s-%s", number(epoch), version, release);
        return imm_printf(a, "%s-%s", version, release);
}

static void own_files(struct packages *p, const struct header *h) {
        imm_cleanup(imm_arena_free) struct imm_arena *scratch = imm_arena_new();
        uint32_t n, n_dirs, n_indexes, n_name;
        const char *base = (const char *)tag(h, TAG_BASENAMES, &n);
        const char *dir = (const char *)tag(h, TAG_DIRNAMES, &n_dirs);
        const unsigned char *indexes = tag(h, TAG_DIRINDEXES, &n_indexes);
        const char *name = (const char *)tag(h, TAG_NAME, &n_name);
        const char *version;
        struct imm_strv dirs = {0};
        uint32_t package;

        if (!base || !dir || !indexes || !name || n > FILES_MAX || n_indexes < n ||
                (size_t)n * 4 > (size_t)(h->data + h->size - indexes))
                return;
        for (; dir && n_dirs > 0; n_dirs--, dir = next_string(h, dir))
                imm_strv_add(scratch, &dirs, dir);
        package = package_add(p, name);
        version = version_of(h, scratch);
        if (version)
                package_set_version(p, package, version);
        for (uint32_t i = 0; i < n && base; i++, base = next_string(h, base)) {
                uint32_t d = number(indexes + 4 * (size_t)i);

                if (d < dirs.n)
                        package_own_in(p, dirs.v[d], base, package);
        }
}

static void read_header(struct packages *p, const unsigned char *blob, size_t size) {
        imm_cleanup(imm_arena_free) struct imm_arena *copy = imm_arena_new();
        struct header h;
        unsigned char *bytes;

        if (size < 8 || size > HEADER_MAX || !package_may_take(p, size))
                return;
        bytes = imm_alloc(copy, size + 1); /* with a NUL behind it */
        memcpy(bytes, blob, size);
        h = (struct header){.index = bytes + 8, .n = number(bytes), .size = number(bytes + 4)};
        if (h.n > (size - 8) / 16 || h.size > size - 8 - 16 * (size_t)h.n)
                return;
        h.data = h.index + 16 * (size_t)h.n;
        own_files(p, &h);
}

static int stop(void *data) {
        unsigned *steps = data;

        return ++*steps > 20000;
}

/* 0; -ENOENT: there is none; else *@ret_why says what is wrong. */
static int read_database(struct packages *p, const struct imm_root *root, const char *path,
        struct imm_arena *a, const char **ret_why) {
        struct rodb *vfs = NULL;
        sqlite3_stmt *s = NULL;
        sqlite3 *db = NULL;
        unsigned steps = 0;
        int k = rodb_open(&vfs, root, path, &db, ret_why), step = SQLITE_ERROR;

        if (k < 0)
                return k;
        sqlite3_progress_handler(db, 1000000, stop, &steps);
        (void)sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
        (void)sqlite3_exec(
                db, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA trusted_schema = 0", NULL, NULL, NULL);
        if (sqlite3_prepare_v2(db, "SELECT blob FROM Packages", -1, &s, NULL) == SQLITE_OK)
                while ((step = sqlite3_step(s)) == SQLITE_ROW)
                        read_header(
                                p, sqlite3_column_blob(s, 0), (size_t)sqlite3_column_bytes(s, 0));
        if (step != SQLITE_DONE) {
                *ret_why = imm_strdup(a, sqlite3_errmsg(db));
                k = -EIO;
        }
        (void)sqlite3_finalize(s);
        (void)sqlite3_close(db);
        rodb_free(vfs);
        return k;
}

/* Formats of other versions, which rpm alone can read: who owns a file is not known there. */
static void tell_of_others(const struct imm_root *root, struct imm_arena *a, struct imm_diags *d) {
        static const char *const paths[] = {"/usr/lib/sysimage/rpm/Packages.db",
                "/var/lib/rpm/Packages.db", "/usr/lib/sysimage/rpm/Packages",
                "/var/lib/rpm/Packages"};
        struct stat st;

        for (size_t i = 0; i < IMM_ELEMENTSOF(paths); i++)
                if (imm_root_lstat(root, paths[i], &st) == 0) {
                        imm_diag_add(a, d, IMM_DIAG_WARNING, "package-database", paths[i], 0, NULL,
                                "is no database of SQLite: which package owns a file is not known");
                        return;
                }
}

void read_rpm(struct packages *p, const struct imm_root *root, struct imm_arena *a,
        struct imm_diags *diags) {
        static const char *const paths[] = {
                "/usr/lib/sysimage/rpm/rpmdb.sqlite", "/var/lib/rpm/rpmdb.sqlite"};

        for (size_t i = 0; i < IMM_ELEMENTSOF(paths); i++) {
                const char *why = NULL;
                int k = read_database(p, root, paths[i], a, &why);

                if (k < 0 && k != -ENOENT)
                        imm_diag_add(a, diags, IMM_DIAG_UNREADABLE, "package-database", paths[i], 0,
                                NULL, "cannot be read (%s): which package owns a file is not known",
                                why);
                if (k != -ENOENT)
                        return;
        }
        tell_of_others(root, a, diags);
}
