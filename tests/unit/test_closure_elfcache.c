/* What one run found out about programs and the next one reuses: used, outdated, broken, not ours.
 */

#include "analyzer/closure/elf/elfcache.h"
#include "analyzer/closure/nix/nix-private.h"
#include "tests/unit/tree.h"

#include <time.h>

static char *own;
static size_t own_n;
static time_t later, since; /* later than all that a test does */

static int make(void **state) {
        FILE *f = fopen("/proc/self/exe", "re");
        struct stat root, st;

        since = later = time(NULL) + 3600;
        assert_non_null(f);
        own = malloc(64 << 20);
        assert_non_null(own);
        own_n = fread(own, 1, 64 << 20, f);
        assert_int_equal(fclose(f), 0);
        (void)tree_make(state);
        if (stat("/", &root) < 0 || stat(tree, &st) < 0 || st.st_dev != root.st_dev) {
                (void)tree_remove(state);
                puts("neither /tmp nor /var/tmp is on the file system of /: nothing is kept there");
                exit(77);
        }
        tree_bytes("usr/bin/elf", own, own_n);
        tree_file("usr/bin/script", "#!/bin/first -x\n");
        assert_int_equal(chmod(tree_path("usr/bin/elf"), 0755), 0);
        assert_int_equal(chmod(tree_path("usr/bin/script"), 0755), 0);
        tree_dir("cache");
        return 0;
}

static int drop(void **state) {
        free(own);
        return tree_remove(state);
}

struct run {
        struct imm_root *root;
        struct imm_manager *m;
        struct imm_closures *c;
        const struct imm_elf *elf;
        const char *shebang;
};

/* One call of the program: looks at both files with the cache of the calls before it */
static struct run run(const char *tag) {
        struct imm_manager_options o = {.version = 257};
        struct run r = {0};

        assert_int_equal(imm_root_open(&r.root, tree, NULL), 0);
        assert_int_equal(imm_manager_open(&r.m, r.root, &o, NULL), 0);
        r.c = imm_closures_of(r.m);
        imm_closures_reuse(r.c, tree_path("cache/elf"), tag, since);
        r.elf = node_elf(r.c, node_get(r.c, "/usr/bin/elf"));
        r.shebang = node_shebang(r.c, node_get(r.c, "/usr/bin/script"));
        return r;
}

static void end(struct run *r) {
        imm_closures_keep(r->c);
        imm_manager_free(r->m);
        imm_root_free(r->root);
}

static void is_right(const struct run *r) {
        assert_non_null(r->elf);
        assert_int_equal(r->elf->bits, sizeof(void *) * 8);
        assert_true(imm_strv_has(&r->elf->needed, "libc.so.6"));
        assert_string_equal(r->shebang, "/bin/first -x");
}

static char *cached(size_t *ret_n) {
        char *p = malloc(1 << 20);
        FILE *f = fopen(tree_path("cache/elf"), "re");

        assert_non_null(p);
        assert_non_null(f);
        *ret_n = fread(p, 1, 1 << 20, f);
        assert_int_equal(fclose(f), 0);
        return p;
}

static void put_cached(const char *p, size_t n) {
        (void)unlink(tree_path("cache/elf"));
        tree_bytes("cache/elf", p, n);
        assert_int_equal(chmod(tree_path("cache/elf"), 0600), 0);
}

TEST(a_second_run_reads_no_file_that_did_not_change) {
        struct run r = run("1");
        size_t n;
        char *p, *at;

        is_right(&r);
        end(&r);
        /* what the record says is what is told: the file itself was not read */
        p = cached(&n);
        at = memmem(p, n, "/bin/first", 10);
        assert_non_null(at);
        memcpy(at, "/bin/other", 10);
        put_cached(p, n);
        free(p);
        r = run("1");
        assert_string_equal(r.shebang, "/bin/other -x");
        end(&r);
        /* another version's records, and those of a file that was changed, do not count */
        r = run("2");
        is_right(&r);
        end(&r);
        r = run("1");
        is_right(&r);
        end(&r);
        tree_file("usr/bin/script", "#!/bin/third -x\n");
        r = run("1");
        assert_string_equal(r.shebang, "/bin/third -x");
        end(&r);
        tree_file("usr/bin/script", "#!/bin/first -x\n");
        (void)unlink(tree_path("cache/elf"));
}

/* What no program of this test has is told again as well. */
TEST(all_that_is_known_of_a_program_is_kept) {
        struct run r = run("1");
        struct node *n = node_get(r.c, "/usr/bin/elf");

        n->elf->text_relocations = true;
        n->elf->executable_stack = true;
        n->elf->runpath = "/run/path";
        n->elf->flags_1 = 8;
        n->nss = 5;
        end(&r);
        r = run("1");
        assert_true(r.elf->text_relocations);
        assert_true(r.elf->executable_stack);
        assert_string_equal(r.elf->runpath, "/run/path");
        assert_int_equal(r.elf->flags_1, 8);
        assert_int_equal(node_nss(r.c, node_get(r.c, "/usr/bin/elf")), 5);
        end(&r);
        (void)unlink(tree_path("cache/elf"));
}

TEST(a_broken_one_changes_nothing) {
        struct run r = run("1");
        size_t n;
        char *p;

        end(&r);
        p = cached(&n);
        for (size_t k = 0; k < n; k += k < 400 ? 1 : 37) {
                put_cached(p, k);
                r = run("1");
                is_right(&r);
                end(&r);
        }
        /* a length that lies */
        for (size_t k = 0; k + 8 < n && k < 400; k++) {
                char *bad = malloc(n);

                assert_non_null(bad);
                memcpy(bad, p, n);
                memset(bad + k, 0xff, 8);
                put_cached(bad, n);
                r = run("1");
                end(&r);
                free(bad);
        }
        free(p);
        (void)unlink(tree_path("cache/elf"));
}

TEST(somebody_elses_is_not_read) {
        struct run r = run("1");
        size_t n;
        char *p, *at, elsewhere[2 * PATH_MAX];

        (void)snprintf(elsewhere, sizeof(elsewhere), "%s", tree_path("elsewhere"));
        end(&r);
        p = cached(&n);
        at = memmem(p, n, "/bin/first", 10);
        assert_non_null(at);
        memcpy(at, "/bin/other", 10);
        put_cached(p, n);
        assert_int_equal(chmod(tree_path("cache/elf"), 0622), 0);
        r = run("1");
        is_right(&r);
        end(&r);
        put_cached(p, n);
        assert_int_equal(rename(tree_path("cache/elf"), elsewhere), 0);
        tree_link(elsewhere, "cache/elf");
        r = run("1");
        is_right(&r);
        end(&r);
        free(p);
        assert_int_equal(unlink(elsewhere), 0);
        (void)unlink(tree_path("cache/elf"));
}

TEST(what_changed_just_now_is_not_kept) {
        struct run r;

        since = 0;
        r = run("1");
        is_right(&r);
        end(&r);
        assert_int_equal(access(tree_path("cache/elf"), F_OK), -1);
        since = later;
}

static const char *store_name(unsigned i) {
        static char name[64];

        (void)snprintf(name, sizeof(name), "nix/store/%032u-path", i);
        return name;
}

/* How many entries the store has, with what calls before have left */
static size_t stored(bool *ret_fresh) {
        struct run r = run("1");
        struct nix *x = nix_of(r.c);
        size_t n;

        (void)nix_entries(x, &n);
        for (size_t i = 1; i < n; i++)
                assert_true(strcmp(x->listing.v[i - 1].name, x->listing.v[i].name) < 0);
        *ret_fresh = x->listing.fresh;
        end(&r);
        return n;
}

TEST(a_store_is_listed_again_when_it_changed) {
        enum { MANY = 1200 };
        struct stat root, before, after;
        bool fresh;

        assert_int_equal(stat("/", &root), 0);
        for (unsigned i = 0; i < MANY; i++)
                tree_dir(store_name(i));
        tree_dir("nix/store/.links");
        assert_int_equal(stored(&fresh), MANY);
        assert_int_equal(stat(tree_path("nix/store"), &before), 0);
        if (before.st_dev != root.st_dev) {
                assert_false(fresh);
                skip();
        }
        assert_true(fresh);
        assert_int_equal(stored(&fresh), MANY);
        assert_false(fresh);
        do { /* until the file system's clock has gone on */
                tree_dir("nix/store/a");
                assert_int_equal(rmdir(tree_path("nix/store/a")), 0);
                assert_int_equal(stat(tree_path("nix/store"), &after), 0);
        } while (memcmp(&after.st_ctim, &before.st_ctim, sizeof(after.st_ctim)) == 0);
        tree_dir(store_name(MANY));
        assert_int_equal(stored(&fresh), MANY + 1);
        assert_true(fresh);
        since = 0; /* as if it had changed during the run */
        assert_int_equal(stored(&fresh), MANY + 1);
        assert_false(fresh);
        since = later;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_second_run_reads_no_file_that_did_not_change),
                cmocka_unit_test(all_that_is_known_of_a_program_is_kept),
                cmocka_unit_test(a_broken_one_changes_nothing),
                cmocka_unit_test(somebody_elses_is_not_read),
                cmocka_unit_test(what_changed_just_now_is_not_kept),
                cmocka_unit_test(a_store_is_listed_again_when_it_changed),
        };

        return cmocka_run_group_tests(tests, make, drop);
}
