/* The Nix store: names, references by contents and by the database, which is left as it was. */

#include "analyzer/closure/nix/nix-private.h"
#include "tests/unit/tree.h"

#include <dirent.h>
#include <sqlite3.h>

#define A "0000000000000000000000000000000a"
#define B "0000000000000000000000000000000b"
#define C "0000000000000000000000000000000c"
#define D "0000000000000000000000000000000d"

struct world {
        struct imm_arena *arena;
        struct imm_root *root;
        struct imm_closures c;
};

static struct world *world_new(void) {
        struct world *w = imm_xcalloc(1, sizeof(*w));

        w->arena = imm_arena_new();
        assert_int_equal(imm_root_open(&w->root, tree, NULL), 0);
        closures_init(&w->c, w->root, w->arena);
        return w;
}

static void world_free(struct world *w) {
        closures_done(&w->c);
        imm_arena_free(w->arena);
        imm_root_free(w->root);
        free(w);
}

/* The names of what @name refers to, sorted, with blanks between; itself left out */
static const char *references(struct world *w, const char *name) {
        struct nix *x = nix_of(&w->c);
        struct nix_path *p = nix_path_get(x, imm_printf(w->arena, "/nix/store/%s", name));
        struct imm_strv names = {0};
        const char *all = "";

        nix_references(x, p, &w->c.diags);
        for (size_t i = 0; i < p->n_refs; i++)
                imm_strv_add(w->arena, &names, p->refs[i]->path + strlen("/nix/store/") + 33);
        imm_strv_sort_unique(&names);
        for (size_t i = 0; i < names.n; i++)
                all = imm_printf(w->arena, "%s%s%s", all, *all ? " " : "", names.v[i]);
        return all;
}

TEST(names_are_those_that_nix_gives) {
        assert_int_equal(nix_name_length(A "-x"), 34);
        assert_int_equal(nix_name_length(A "-x/bin/y"), 34);
        assert_int_equal(nix_name_length(A "-a+b-c._d?e=f,g"), 45);
        assert_int_equal(nix_name_length(A "-"), 0);
        assert_int_equal(nix_name_length(A "x"), 0);
        assert_int_equal(nix_name_length("000000000000000000000000000000e-x"), 0);
        assert_int_equal(
                nix_name_length("0000000000000000000000000000000e-x"), 0); /* no e, o, t, u */
        assert_int_equal(nix_name_length("0000000000000000000000000000000-x"), 0);
}

static const char *in_store(const char *name) {
        static char path[256];

        (void)snprintf(path, sizeof(path), "nix/store/%s", name);
        return path;
}

static void make_store(void) {
        tree_file("nix/store/" A "-leaf", "nothing");
        tree_file("nix/store/" B "-other", "nothing");
        tree_file("nix/store/.links/x", A);
}

TEST(references_hide_in_contents_links_and_names) {
        static char big[262144 + 64];
        struct world *w;

        make_store();
        tree_file("nix/store/" C "-text", "see /nix/store/" A "-leaf/bin.");
        tree_link("../" A "-leaf", "nix/store/" D "-link");
        tree_file("nix/store/11111111111111111111111111111111-name/x-" B "-y", "");
        tree_dir("nix/store/22222222222222222222222222222222-dir");
        tree_dir("nix/store/22222222222222222222222222222222-dir/" A);
        tree_file("nix/store/33333333333333333333333333333333-short",
                "0000000000000000000000000000000 a" A);
        tree_file("nix/store/44444444444444444444444444444444-split",
                "000000000000000000 0000000000000b");
        tree_file("nix/store/55555555555555555555555555555555-run", "zzz" A "zzz" B "zzz");
        tree_file("nix/store/66666666666666666666666666666666-self",
                "66666666666666666666666666666666 " A);
        memset(big, ' ', sizeof(big));
        memcpy(big + 262144 - 17, A, 32); /* across the end of a buffer */
        tree_bytes("nix/store/77777777777777777777777777777777-big", big, sizeof(big));
        tree_file("nix/store/88888888888888888888888888888888-none",
                "/nix/store/ffffffffffffffffffffffffffffffff-x");
        tree_file("nix/store/99999999999999999999999999999999-d.drv",
                "Derive([(\"out\",\"/nix/store/" A "-leaf\",\"\",\"\")],[(\"/nix/store/" C
                "-text\",[\"out\"])],[\"/nix/store/" B "-other\"],\"x\",\"/nix/store/" D
                "-link\",[],[])");

        w = world_new();
        assert_string_equal(references(w, A "-leaf"), "");
        assert_string_equal(references(w, C "-text"), "leaf");
        assert_string_equal(references(w, D "-link"), "leaf");
        assert_string_equal(references(w, "11111111111111111111111111111111-name"), "other");
        assert_string_equal(references(w, "22222222222222222222222222222222-dir"), "leaf");
        assert_string_equal(references(w, "33333333333333333333333333333333-short"), "leaf");
        assert_string_equal(references(w, "44444444444444444444444444444444-split"), "");
        assert_string_equal(references(w, "55555555555555555555555555555555-run"), "leaf other");
        assert_string_equal(references(w, "66666666666666666666666666666666-self"), "leaf");
        assert_string_equal(references(w, "77777777777777777777777777777777-big"), "leaf");
        assert_string_equal(references(w, "88888888888888888888888888888888-none"), "");
        assert_string_equal(references(w, "99999999999999999999999999999999-d.drv"), "other text");
        assert_int_equal(w->c.diags.n, 0);
        world_free(w);
}

/* As Nix 2.8 named them: a hash of what they hold, and of nothing that they refer to */
#define LEAF "65h6hv3xvm15f00rybi9mf9m37yf66vg-leaf"
#define T0 "dqpk83x191jap3kwd96lh4g67x68dbpk-t0"
#define T2 "kmkz6d85li9zss1ks2j9nc9y4z0cbdsz-t2"

/* As Nix 2.8 named what was built and is named by its contents: by its references too */
TEST(what_its_contents_name_tells_its_references) {
        static const char leaf[] = "bxmmr41x9c9n77x15xklpqwpv1rrma88-leaf",
                          other[] = "gzhmlk9xr8bix6acszw3032sm9r0vi5g-other",
                          both[] = "kwzj2lpvn04y5wcr6v95f0rk0pwj9cjx-both",
                          part[] = "c5x1glfnbqhcdmgxswi3a10iv4jb1f0c-part",
                          text[] = "/nix/store/bxmmr41x9c9n77x15xklpqwpv1rrma88-leaf "
                                   "/nix/store/gzhmlk9xr8bix6acszw3032sm9r0vi5g-other\n";
        struct world *w;

        tree_file(in_store(leaf), "leaf\n");
        tree_file(in_store(other), "other\n");
        tree_file(in_store(both), text);
        tree_file(in_store(part), text); /* built without having been given the other */
        w = world_new();
        assert_string_equal(references(w, both), "leaf other");
        assert_string_equal(references(w, part), "leaf");
        world_free(w);
}

TEST(what_was_fetched_or_added_has_no_references) {
        static const char *const fetched[] = {"ir38dshcpgvsbc63180rbrbpv3f3i52z-flat-md5",
                "0a94gqjb7ama5p77wzcqimi1xg6zcnv6-flat-sha1",
                "p5x5bx39s1rbzg02sw6xbm6yg9az78kw-flat-sha256",
                "3gz71y187a24srlbj1nsgqb57adb0f00-flat-sha512"};
        struct world *w;

        tree_file("nix/store/" LEAF, "leaf\n");
        tree_file("nix/store/" T0, "z");
        tree_file("nix/store/" T2, "x /nix/store/" T0 " /nix/store/" LEAF);
        tree_file("nix/store/0a94gqjb7ama5p77wzcqimi1xg6zcnv6-flat-sha2", "/nix/store/" LEAF);
        for (size_t i = 0; i < IMM_ELEMENTSOF(fetched); i++)
                tree_file(in_store(fetched[i]), "/nix/store/" LEAF);
        w = world_new();
        for (size_t i = 0; i < IMM_ELEMENTSOF(fetched); i++)
                assert_string_equal(references(w, fetched[i]), "");
        assert_string_equal(references(w, "0a94gqjb7ama5p77wzcqimi1xg6zcnv6-flat-sha2"), "leaf");
        assert_string_equal(references(w, T2), "t0"); /* the other was no part of its context */
        world_free(w);
}

TEST(a_build_refers_to_what_it_was_given) {
        struct world *w;

        make_store();
        tree_file("nix/store/" C "-far", "nothing");
        tree_file("nix/store/" D "-built", A " " B " " C);
        tree_file("nix/store/11111111111111111111111111111111-built-dev", A " " B);
        tree_file("nix/store/22222222222222222222222222222222-built.drv",
                "Derive([(\"dev\",\"/nix/store/"
                "11111111111111111111111111111111-built-dev\",\"\",\"\"),"
                "(\"out\",\"/nix/store/" D "-built\",\"\",\"\")],[(\"/nix/store/"
                "33333333333333333333333333333333-near.drv\",[\"out\"])],[\"/nix/store/" A
                "-leaf\"],\"x\",\"b\\\"\",[\"[\"],[(\"a\",\"b\")])");
        tree_file("nix/store/33333333333333333333333333333333-near.drv",
                "Derive([(\"out\",\"\",\"r:sha256\",\"\")],[(\"/nix/store/"
                "44444444444444444444444444444444-far.drv\",[\"out\"])],[],\"x\",\"b\",[],[])");
        tree_file("nix/store/44444444444444444444444444444444-far.drv",
                "Derive([(\"out\",\"/nix/store/" C "-far\",\"\",\"\")],[(\"/nix/store/"
                "22222222222222222222222222222222-built.drv\",[\"out\"])],[],\"x\",\"b\",[],[])");
        /* the same name, another path; and no derivation at all */
        tree_file("nix/store/55555555555555555555555555555555-built.drv",
                "Derive([(\"out\",\"/nix/store/" A
                "-leaf\",\"sha1\",\"00\")],[],[],\"x\",\"b\",[],[])");
        tree_file("nix/store/66666666666666666666666666666666-built.drv", "Derive([(\"out");
        tree_file("nix/store/77777777777777777777777777777777-fixed", A);
        tree_file("nix/store/88888888888888888888888888888888-fixed.drv",
                "Derive([(\"out\",\"/nix/store/77777777777777777777777777777777-fixed\",\"sha1\","
                "\"00\")],[],[\"/nix/store/" A "-leaf\"],\"x\",\"b\",[],[])");
        tree_file("nix/store/99999999999999999999999999999999-bare", A);
        tree_file("nix/store/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-bare.drv",
                "Derive([(\"out\",\"/nix/store/"
                "99999999999999999999999999999999-bare\",\"\",\"\")],[],"
                "[\"/nix/store/" A "-leaf\"],\"x\",\"b\",[],[(\"__json\","
                "\"{\\\"unsafeDiscardReferences\\\":{\\\"out\\\":true}}\")])");
        w = world_new();
        assert_string_equal(references(w, D "-built"), "far leaf");
        assert_string_equal(references(w, "11111111111111111111111111111111-built-dev"), "leaf");
        assert_string_equal(references(w, "77777777777777777777777777777777-fixed"), "");
        assert_string_equal(references(w, "99999999999999999999999999999999-bare"), "");
        world_free(w);
}

static sqlite3 *make_database(void) {
        static const char schema[] = "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;"
                                     "CREATE TABLE ValidPaths (id INTEGER PRIMARY KEY "
                                     "AUTOINCREMENT NOT NULL, path TEXT UNIQUE NOT NULL);"
                                     "CREATE TABLE Refs (referrer INTEGER NOT NULL, reference "
                                     "INTEGER NOT NULL, PRIMARY KEY (referrer, reference));"
                                     "INSERT INTO ValidPaths VALUES (1, '/nix/store/" A
                                     "-leaf'), (2, '/nix/store/" B "-other');"
                                     "INSERT INTO Refs VALUES (2, 1), (2, 2);"
                                     "PRAGMA wal_checkpoint(TRUNCATE);"
                                     "INSERT INTO ValidPaths VALUES (3, '/nix/store/" C "-new');"
                                     "INSERT INTO Refs VALUES (3, 2);";
        sqlite3 *db;

        tree_parents("nix/var/nix/db/x");
        assert_int_equal(sqlite3_open(tree_path("nix/var/nix/db/db.sqlite"), &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, schema, NULL, NULL, NULL), SQLITE_OK);
        return db;
}

static int entries(const char *rel) {
        DIR *d = opendir(tree_path(rel));
        int n = 0;

        assert_non_null(d);
        while (readdir(d))
                n++;
        closedir(d);
        return n - 2;
}

TEST(the_log_of_the_database_is_read_and_nothing_is_left) {
        struct world *w;
        sqlite3 *db;
        int before;

        make_store();
        db = make_database();
        assert_int_equal(sqlite3_exec(db, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(unlink(tree_path("nix/var/nix/db/db.sqlite-shm")), 0);
        before = entries("nix/var/nix/db");

        w = world_new();
        assert_string_equal(
                references(w, C "-new"), "other"); /* only in the log, and not on disk */
        assert_string_equal(references(w, B "-other"), "leaf");
        assert_non_null(nix_path_named(nix_of(&w->c), B "-other.conf", 33 + 10));
        assert_null(nix_path_named(nix_of(&w->c), B "-oth", 36));
        assert_int_equal(w->c.diags.n, 0);
        assert_int_equal(entries("nix/var/nix/db"), before);
        world_free(w);
        assert_int_equal(entries("nix/var/nix/db"), before);
        sqlite3_close(db);
}

/* What the database does not know is still searched. */
TEST(an_unregistered_path_is_searched) {
        struct world *w;

        make_store();
        sqlite3_close(make_database());
        tree_file("nix/store/" D "-stranger", B);
        w = world_new();
        assert_string_equal(references(w, D "-stranger"), "other");
        world_free(w);
}

/* Names as nix-store --add and --add-fixed sha256 gave them to these contents */
TEST(what_was_added_has_no_references) {
        static const char *const names[] = {
                "ni8hh6ca60pgclv9hddbn1bs6ldx844x-run", "1dqhx1s501nlazys2c8vbrm5n7x7g7m1-flat"};
        static const char *const texts[] = {
                "#!/nix/store/" B "-sh/bin/sh\n", "/nix/store/" B "-sh"};

        for (unsigned i = 0; i < 2; i++) {
                struct world *w;

                make_store();
                tree_file(in_store(names[i]), texts[i]);
                w = world_new();
                assert_string_equal(references(w, names[i]), i == 0 ? "other" : "");
                world_free(w);
                assert_int_equal(chmod(tree_path(in_store(names[i])), 0755), 0);
                w = world_new();
                assert_string_equal(references(w, names[i]), "");
                world_free(w);
        }
}

TEST(a_broken_database_is_told_and_done_without) {
        struct world *w;

        make_store();
        tree_file("nix/var/nix/db/db.sqlite", "SQLite format 3\0 and then nothing of use");
        tree_file("nix/store/" C "-text", A);
        w = world_new();
        assert_string_equal(references(w, C "-text"), "leaf");
        assert_int_equal(w->c.diags.n, 1);
        assert_int_equal(w->c.diags.v[0].level, IMM_DIAG_UNREADABLE);
        world_free(w);
}

/* Where a part of it turns out to be broken later, contents tell from there on. */
TEST(a_database_that_fails_on_the_way_is_told_and_done_without) {
        struct world *w;
        sqlite3 *db;

        make_store();
        tree_file("nix/store/" C "-new", "/nix/store/" A "-leaf");
        db = make_database();
        assert_int_equal(sqlite3_exec(db,
                                 "INSERT INTO ValidPaths VALUES (4, 'no path'), (5, '/nix/store/" D
                                 "-far'); INSERT INTO Refs VALUES (3, 4), (5, 1);",
                                 NULL, NULL, NULL),
                SQLITE_OK);
        sqlite3_close(db);
        tree_file("nix/store/" D "-far", "/nix/store/" B "-other");
        w = world_new();
        assert_string_equal(references(w, B "-other"), "leaf");
        assert_null(nix_db_error(nix_of(&w->c)->db));
        assert_string_equal(references(w, C "-new"), "leaf");
        assert_string_equal(references(w, D "-far"), "other");
        nix_tell(nix_of(&w->c), &w->c.diags);
        assert_int_equal(w->c.diags.n, 1);
        assert_int_equal(w->c.diags.v[0].level, IMM_DIAG_UNREADABLE);
        world_free(w);
}

/* A view in the place of a table would run what the image's author likes. */
TEST(only_tables_are_read) {
        struct world *w;
        sqlite3 *db;

        make_store();
        tree_file("nix/store/" C "-text", A);
        tree_parents("nix/var/nix/db/x");
        assert_int_equal(sqlite3_open(tree_path("nix/var/nix/db/db.sqlite"), &db), SQLITE_OK);
        assert_int_equal(
                sqlite3_exec(db,
                        "CREATE VIEW ValidPaths AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL "
                        "SELECT x + 1 FROM c) SELECT x AS id, '' AS path FROM c;"
                        "CREATE TABLE Refs (referrer, reference)",
                        NULL, NULL, NULL),
                SQLITE_OK);
        sqlite3_close(db);
        w = world_new();
        assert_string_equal(references(w, C "-text"), "leaf");
        assert_int_equal(w->c.diags.n, 1);
        world_free(w);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(names_are_those_that_nix_gives),
                cmocka_unit_test_setup_teardown(
                        references_hide_in_contents_links_and_names, tree_make, tree_remove),
                cmocka_unit_test_setup_teardown(
                        what_its_contents_name_tells_its_references, tree_make, tree_remove),
                cmocka_unit_test_setup_teardown(
                        what_was_fetched_or_added_has_no_references, tree_make, tree_remove),
                cmocka_unit_test_setup_teardown(
                        a_build_refers_to_what_it_was_given, tree_make, tree_remove),
                cmocka_unit_test_setup_teardown(the_log_of_the_database_is_read_and_nothing_is_left,
                        tree_make, tree_remove),
                cmocka_unit_test_setup_teardown(
                        an_unregistered_path_is_searched, tree_make, tree_remove),
                cmocka_unit_test_setup_teardown(
                        what_was_added_has_no_references, tree_make, tree_remove),
                cmocka_unit_test_setup_teardown(
                        a_broken_database_is_told_and_done_without, tree_make, tree_remove),
                cmocka_unit_test_setup_teardown(
                        a_database_that_fails_on_the_way_is_told_and_done_without, tree_make,
                        tree_remove),
                cmocka_unit_test_setup_teardown(only_tables_are_read, tree_make, tree_remove),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
