#include "analyzer/closure/nix/nix-private.h"
#include "analyzer/closure/nix/rodb.h"

#include <errno.h>
#include <sqlite3.h>

/*
 * /nix/var/nix/db/db.sqlite: ValidPaths (id, path), Refs (referrer, reference). It may come from an
 * untrusted image: nothing in its schema is run (only plain tables are read), and the work that one
 * closure may cause is bounded.
 */

enum { STEP = 1000000, STEPS_MAX = 20000 };

struct nix_db {
        sqlite3 *db;
        struct rodb *vfs;
        sqlite3_stmt *by_path, *by_id, *by_hash, *references;
        unsigned steps;
        char *error;
};

struct nix_db *nix_db_free(struct nix_db *db) {
        if (!db)
                return NULL;
        (void)sqlite3_finalize(db->by_path);
        (void)sqlite3_finalize(db->by_id);
        (void)sqlite3_finalize(db->by_hash);
        (void)sqlite3_finalize(db->references);
        (void)sqlite3_close(db->db);
        rodb_free(db->vfs);
        free(db->error);
        free(db);
        return NULL;
}

static int failed(struct nix_db *db, const char *what) {
        if (!db->error && asprintf(&db->error, "%s", what) < 0)
                db->error = NULL;
        return -EIO;
}

static int count_steps(void *data) {
        struct nix_db *db = data;

        return ++db->steps > STEPS_MAX;
}

static int run(struct nix_db *db, const char *sql) {
        if (sqlite3_exec(db->db, sql, NULL, NULL, NULL) != SQLITE_OK)
                return failed(db, sqlite3_errmsg(db->db));
        return 0;
}

/* Tables, and no views or virtual tables, that could run what the image's author likes */
static int check_schema(struct nix_db *db) {
        sqlite3_stmt *s = NULL;
        int n = 0;

        if (sqlite3_prepare_v2(db->db,
                    "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 "
                    "AND name IN ('ValidPaths', 'Refs')",
                    -1, &s, NULL) != SQLITE_OK)
                return failed(db, sqlite3_errmsg(db->db));
        if (sqlite3_step(s) == SQLITE_ROW)
                n = sqlite3_column_int(s, 0);
        else
                (void)failed(db, sqlite3_errmsg(db->db));
        (void)sqlite3_finalize(s);
        return n == 2 ? 0 : failed(db, "no database of Nix: ValidPaths and Refs are not there");
}

static int prepare(struct nix_db *db, const char *sql, sqlite3_stmt **ret) {
        if (sqlite3_prepare_v3(db->db, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL) != SQLITE_OK)
                return failed(db, sqlite3_errmsg(db->db));
        return 0;
}

static int prepare_all(struct nix_db *db) {
        int k = 0, on;

        sqlite3_progress_handler(db->db, STEP, count_steps, db);
        (void)sqlite3_db_config(db->db, SQLITE_DBCONFIG_DEFENSIVE, 1, &on);
        (void)sqlite3_db_config(db->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, &on);
        (void)sqlite3_db_config(db->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, &on);
        (void)sqlite3_db_config(db->db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, &on);
        (void)sqlite3_db_config(db->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, &on);
        (void)sqlite3_limit(db->db, SQLITE_LIMIT_LENGTH, 16 << 20);
        k = run(db, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA temp_store = MEMORY; "
                    "PRAGMA cell_size_check = ON; PRAGMA cache_size = -65536");
        if (k == 0)
                k = check_schema(db);
        if (k == 0)
                k = prepare(db, "SELECT id FROM ValidPaths WHERE path = ?", &db->by_path);
        if (k == 0)
                k = prepare(db, "SELECT path FROM ValidPaths WHERE id = ?", &db->by_id);
        if (k == 0)
                k = prepare(db, "SELECT path FROM ValidPaths WHERE path >= ? AND path < ? LIMIT 1",
                        &db->by_hash);
        if (k == 0)
                k = prepare(db, "SELECT reference FROM Refs WHERE referrer = ?", &db->references);
        return k;
}

int nix_db_open(struct nix_db **ret, struct nix *x, struct imm_diags *diags) {
        static const char path[] = "/nix/var/nix/db/db.sqlite";
        struct nix_db *db = imm_xcalloc(1, sizeof(*db));
        const char *why = NULL;
        int k = rodb_open(&db->vfs, x->c->root, path, &db->db, &why);

        if (k == 0)
                k = prepare_all(db);
        if (k < 0 && k != -ENOENT)
                imm_diag_add(x->arena, diags, IMM_DIAG_UNREADABLE, "nix-database", path, 0, NULL,
                        "cannot be read (%s): references are looked for in the contents instead",
                        db->error ? db->error : why);
        if (k < 0) {
                nix_db_free(db);
                return k;
        }
        *ret = db;
        return 0;
}

int64_t nix_db_id(struct nix_db *db, const char *path) {
        int64_t id = 0;
        int k;

        (void)sqlite3_bind_text(db->by_path, 1, path, -1, SQLITE_STATIC);
        k = sqlite3_step(db->by_path);
        if (k == SQLITE_ROW)
                id = sqlite3_column_int64(db->by_path, 0);
        else if (k != SQLITE_DONE)
                (void)failed(db, sqlite3_errmsg(db->db));
        (void)sqlite3_reset(db->by_path);
        return id;
}

static const char *one_path(struct nix_db *db, sqlite3_stmt *s, struct imm_arena *a) {
        const char *path = NULL;
        int k = sqlite3_step(s);

        if (k == SQLITE_ROW) {
                const char *text = (const char *)sqlite3_column_text(s, 0);
                const char *name = text ? imm_after(text, NIX_STORE "/") : NULL;

                if (name && nix_name_length(name) == strlen(name))
                        path = imm_strdup(a, text);
                else
                        (void)failed(db, "it names a path that is no store path");
        } else if (k != SQLITE_DONE)
                (void)failed(db, sqlite3_errmsg(db->db));
        (void)sqlite3_reset(s);
        return path;
}

const char *nix_db_path(struct nix_db *db, int64_t id, struct imm_arena *a) {
        (void)sqlite3_bind_int64(db->by_id, 1, id);
        return one_path(db, db->by_id, a);
}

const char *nix_db_by_hash(struct nix_db *db, const char *hash, struct imm_arena *a) {
        char from[64], to[64];

        (void)snprintf(from, sizeof(from), NIX_STORE "/%.*s-", NIX_HASH, hash);
        (void)snprintf(to, sizeof(to), NIX_STORE "/%.*s.", NIX_HASH, hash);
        (void)sqlite3_bind_text(db->by_hash, 1, from, -1, SQLITE_TRANSIENT);
        (void)sqlite3_bind_text(db->by_hash, 2, to, -1, SQLITE_TRANSIENT);
        return one_path(db, db->by_hash, a);
}

int nix_db_references(
        struct nix_db *db, int64_t id, int (*each)(void *data, int64_t reference), void *data) {
        int k, r = 0;

        (void)sqlite3_bind_int64(db->references, 1, id);
        while ((k = sqlite3_step(db->references)) == SQLITE_ROW && r == 0)
                r = each(data, sqlite3_column_int64(db->references, 0));
        if (r == 0 && k != SQLITE_DONE)
                r = failed(db, sqlite3_errmsg(db->db));
        (void)sqlite3_reset(db->references);
        return r;
}

const char *nix_db_error(const struct nix_db *db) {
        return db->error;
}
