/* Opening, checking and migrating the database; SQLite's results become ours here. */

#include "history/history-private.h"
#include "history/schema.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
        APPLICATION_ID = 0x696d6d75, /* "immu" */
        /* how long to wait for others: a night is worth it, a look is not */
        PACKED_SINCE = 4, /* version: parts have their rows as one value too */
        WRITE_WAIT_MS = 30 * 1000,
        READ_WAIT_MS = 5 * 1000,
        WAL_STEP_MS = 20,
};

static int errno_of(sqlite3 *db) {
        switch (sqlite3_errcode(db) & 0xff) {
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
                return -EBUSY;
        case SQLITE_FULL:
                return -ENOSPC;
        case SQLITE_READONLY:
                return -EROFS;
        case SQLITE_PERM:
        case SQLITE_AUTH:
                return -EACCES;
        case SQLITE_CANTOPEN:
                return sqlite3_system_errno(db) ? -sqlite3_system_errno(db) : -EACCES;
        case SQLITE_NOMEM:
                imm_oom();
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
                return -EINVAL;
        default:
                return -EIO;
        }
}

int imm_history_fail(struct imm_history *h, struct imm_err *err, const char *doing) {
        int r = errno_of(h->db);
        const char *hint = r == -EBUSY ? " (another program holds it; try again later)" : "";
        bool by_system = sqlite3_errcode(h->db) == SQLITE_CANTOPEN && sqlite3_system_errno(h->db);

        return imm_err_set(err, r, "%s history '%s': %s%s", doing, h->path,
                by_system ? strerror(-r) : sqlite3_errmsg(h->db), hint);
}

int imm_history_exec(struct imm_history *h, const char *sql, struct imm_err *err) {
        if (sqlite3_exec(h->db, sql, NULL, NULL, NULL) != SQLITE_OK)
                return imm_history_fail(h, err, "cannot write to");
        return 0;
}

int imm_history_prepare(
        struct imm_history *h, const char *sql, sqlite3_stmt **ret, struct imm_err *err) {
        if (sqlite3_prepare_v3(h->db, sql, -1, 0, ret, NULL) != SQLITE_OK)
                return imm_history_fail(h, err, "cannot read");
        return 0;
}

int imm_history_step(struct imm_history *h, sqlite3_stmt *s, struct imm_err *err) {
        switch (sqlite3_step(s)) {
        case SQLITE_ROW:
                return 1;
        case SQLITE_DONE:
                return 0;
        default:
                return imm_history_fail(
                        h, err, sqlite3_stmt_readonly(s) ? "cannot read" : "cannot write to");
        }
}

static int pragma(struct imm_history *h, const char *name, int64_t *ret, struct imm_err *err) {
        imm_auto_stmt *s = NULL;
        imm_auto_free char *sql = NULL;
        int r;

        if (asprintf(&sql, "PRAGMA %s", name) < 0)
                imm_oom();
        r = imm_history_prepare(h, sql, &s, err);
        if (r < 0)
                return r;
        r = imm_history_step(h, s, err);
        if (r < 0)
                return r;
        *ret = r > 0 ? sqlite3_column_int64(s, 0) : 0;
        return 0;
}

/*
 * Is it ours, and not newer than we are? Asked before anything is written. An empty file is a
 * database that nobody has filled yet.
 */
static int check(struct imm_history *h, int64_t *ret_version, struct imm_err *err) {
        int64_t id = 0, version = 0, tables = 0;
        imm_auto_stmt *s = NULL;
        int r;

        r = pragma(h, "application_id", &id, err);
        if (r >= 0)
                r = pragma(h, "user_version", &version, err);
        if (r >= 0)
                r = imm_history_prepare(h, "SELECT count(*) FROM sqlite_master", &s, err);
        if (r >= 0)
                r = imm_history_step(h, s, err);
        if (r < 0)
                return r;
        tables = sqlite3_column_int64(s, 0);
        if (id == 0 && version == 0 && tables == 0) {
                *ret_version = 0;
                return 0;
        }
        if (id != APPLICATION_ID)
                return imm_err_set(err, -EINVAL,
                        "'%s' is a database, but not a history of immure; left untouched", h->path);
        if (version > IMM_HISTORY_SCHEMAS)
                return imm_err_set(err, -EINVAL,
                        "history '%s' was made by a newer immure (version %lld, this one knows "
                        "%d); "
                        "left untouched",
                        h->path, (long long)version, IMM_HISTORY_SCHEMAS);
        *ret_version = version;
        return 0;
}

/* The same at one moment: while another process makes the tables there are none, or all. */
static int look(struct imm_history *h, int64_t *ret_version, struct imm_err *err) {
        int r = imm_history_exec(h, "BEGIN", err);

        if (r < 0)
                return r;
        r = check(h, ret_version, err);
        (void)sqlite3_exec(h->db, "ROLLBACK", NULL, NULL, NULL); /* nothing was written */
        return r;
}

/* One transaction: another process may have migrated between our look and our lock. */
static int migrate(struct imm_history *h, struct imm_err *err) {
        imm_auto_free char *mark = NULL;
        int64_t version = 0;
        int r;

        r = imm_history_exec(h, "BEGIN IMMEDIATE", err);
        if (r >= 0)
                r = check(h, &version, err);
        for (int64_t v = version; r >= 0 && v < IMM_HISTORY_SCHEMAS; v++)
                r = imm_history_exec(h, imm_history_schemas[v], err);
        if (r >= 0 && version > 0 && version < PACKED_SINCE)
                r = imm_history_pack(h, err);
        if (asprintf(&mark, "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
                    APPLICATION_ID, IMM_HISTORY_SCHEMAS) < 0)
                imm_oom();
        if (r >= 0)
                r = imm_history_exec(h, mark, err);
        if (r < 0)
                (void)sqlite3_exec(h->db, "ROLLBACK", NULL, NULL, NULL);
        return r;
}

/* The folder may be missing at the first night; its parents (/var/lib, ~/.local) are made too. */
static int make_folder(const char *path, struct imm_err *err) {
        imm_auto_free char *dir = imm_xstrdup(path);

        for (char *s = strchr(dir + 1, '/'); s; s = strchr(s + 1, '/')) {
                *s = 0;
                if (mkdir(dir, 0755) < 0 && errno != EEXIST)
                        return imm_err_set(
                                err, -errno, "cannot make folder '%s': %s", dir, strerror(errno));
                *s = '/';
        }
        return 0;
}

static bool absent(const char *path) {
        struct stat st;

        return stat(path, &st) < 0 && (errno == ENOENT || errno == ENOTDIR);
}

/*
 * A database in WAL mode is read through a -shm file, which a reader without the right to write
 * cannot make. If there is no -wal either, the file alone is the whole truth and can be read as it
 * is.
 */
static int open_read(struct imm_history *h, const char *path) {
        imm_auto_free char *wal = NULL, *uri = NULL, *escaped = NULL;
        char *p;

        if (asprintf(&wal, "%s-wal", path) < 0)
                imm_oom();
        if (access(path, W_OK) == 0 || !absent(wal))
                return sqlite3_open_v2(path, &h->db, SQLITE_OPEN_READONLY, NULL);
        escaped = p = imm_xcalloc(3 * strlen(path) + 1, 1);
        for (const char *s = path; *s; s++)
                if (strchr("%?#", *s))
                        p += snprintf(p, 4, "%%%02X", (unsigned char)*s);
                else
                        *p++ = *s;
        if (asprintf(&uri, "file:%s?immutable=1", escaped) < 0)
                imm_oom();
        return sqlite3_open_v2(uri, &h->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL);
}

/* SQLite waits for others everywhere but here, where a new database becomes one with a log. */
static int use_wal(struct imm_history *h, struct imm_err *err) {
        for (int waited = 0;; waited += WAL_STEP_MS) {
                if (sqlite3_exec(h->db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL) == SQLITE_OK)
                        return 0;
                if ((sqlite3_errcode(h->db) & 0xff) != SQLITE_BUSY || waited >= WRITE_WAIT_MS)
                        return imm_history_fail(h, err, "cannot write to");
                (void)sqlite3_sleep(WAL_STEP_MS);
        }
}

/* What root makes in a service's folder is the service's: it goes on with it the next night. */
static void give_away(const char *path) {
        imm_auto_free char *dir = imm_xstrdup(path);
        char *slash = strrchr(dir, '/');
        struct stat st, own;

        if (geteuid() != 0 || !slash || slash == dir)
                return;
        *slash = 0;
        if (stat(dir, &st) == 0 && st.st_uid != 0 && lstat(path, &own) == 0 && own.st_uid == 0)
                (void)lchown(path, st.st_uid, st.st_gid);
}

static int open_db(struct imm_history *h, enum imm_history_mode mode, struct imm_err *err) {
        int64_t version = 0;
        struct stat st;
        int r;

        /* a FIFO or device must not even be opened */
        if (stat(h->path, &st) == 0 && !S_ISREG(st.st_mode))
                return imm_err_set(err, -EINVAL, "history '%s' is not a regular file", h->path);
        if (mode == IMM_HISTORY_READ)
                r = open_read(h, h->path);
        else
                r = sqlite3_open_v2(
                        h->path, &h->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
        if (r != SQLITE_OK)
                return imm_history_fail(h, err, "cannot open");
        (void)sqlite3_extended_result_codes(h->db, 1);
        (void)sqlite3_busy_timeout(h->db, mode == IMM_HISTORY_READ ? READ_WAIT_MS : WRITE_WAIT_MS);
        /* a hostile database may hold triggers and views of its own making: none of its SQL is
         * trusted */
        (void)sqlite3_db_config(h->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
        (void)sqlite3_db_config(h->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
        (void)sqlite3_db_config(h->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        r = look(h, &version, err);
        if (r < 0)
                return r;
        if (mode == IMM_HISTORY_READ)
                return version == 0 ? -ENOENT
                       : version < IMM_HISTORY_SCHEMAS
                               ? imm_err_set(err, -EINVAL,
                                         "history '%s' is of an older immure; `immure record` "
                                         "brings it up to date",
                                         h->path)
                               : 0;
        h->writable = true;
        if (version == 0)
                give_away(h->path);
        r = use_wal(h, err);
        if (r >= 0)
                r = imm_history_exec(h, "PRAGMA synchronous = FULL", err);
        if (r >= 0 && version < IMM_HISTORY_SCHEMAS)
                r = migrate(h, err);
        return r;
}

int imm_history_open(struct imm_history **ret, const char *path, enum imm_history_mode mode,
        struct imm_err *err) {
        imm_cleanup(imm_history_free) struct imm_history *h = NULL;
        int r;

        if (mode == IMM_HISTORY_READ && absent(path))
                return -ENOENT;
        h = imm_xcalloc(1, sizeof(*h));
        h->path = imm_xstrdup(path);
        h->jobs = 1;
        if (mode == IMM_HISTORY_WRITE) {
                r = make_folder(path, err);
                if (r < 0)
                        return r;
        }
        r = open_db(h, mode, err);
        if (r < 0)
                return r;
        *ret = imm_steal(h);
        return 0;
}

struct imm_history *imm_history_free(struct imm_history *h) {
        if (!h)
                return NULL;
        (void)sqlite3_close_v2(h->db);
        free(h->path);
        free(h);
        return NULL;
}

void imm_history_use_threads(struct imm_history *h, unsigned jobs) {
        h->jobs = jobs;
}

const char *imm_history_default_path(struct imm_arena *a) {
        const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

        if (geteuid() == 0)
                return "/var/lib/immure/history.db";
        if (state && state[0] == '/')
                return imm_printf(a, "%s/immure/history.db", state);
        return home && home[0] == '/' ? imm_printf(a, "%s/.local/state/immure/history.db", home)
                                      : NULL;
}
