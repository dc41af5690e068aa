/*
 * ld.so.cache in both forms that ldconfig writes, `-c new` and `-c old`, and `compat`, which is one
 * after the other. That the loader takes the old table where it stands alone was seen with
 * glibc 2.41: LD_TRACE_LOADED_OBJECTS after `ldconfig -c old`.
 */

#include "analyzer/closure/closure-private.h"
#include "tests/unit/tree.h"

#include <endian.h>

enum { ROOM = 512, FLAGS = 0x0303, OLD_HEAD = 16, OLD_ROW = 12, NEW_HEAD = 48, NEW_ROW = 24 };

struct bytes {
        char v[ROOM];
        size_t n;
};

static void put(struct bytes *to, size_t at, uint32_t value) {
        uint32_t v = htole32(value);

        memcpy(to->v + at, &v, sizeof(v));
}

static void text(struct bytes *to, const char *s) {
        memcpy(to->v + to->n, s, strlen(s) + 1);
        to->n += strlen(s) + 1;
}

/* Of one library; offsets of the old table count from behind its rows, of the new from its start */
static struct bytes old_table(const char *name, const char *path) {
        struct bytes b = {.n = OLD_HEAD + OLD_ROW};

        memcpy(b.v, "ld.so-1.7.0", 11);
        put(&b, 12, 1);
        put(&b, OLD_HEAD, FLAGS);
        put(&b, OLD_HEAD + 4, 0);
        put(&b, OLD_HEAD + 8, (uint32_t)strlen(name) + 1);
        text(&b, name);
        text(&b, path);
        return b;
}

static struct bytes new_table(const char *name, const char *path) {
        struct bytes b = {.n = NEW_HEAD + NEW_ROW};

        memcpy(b.v, "glibc-ld.so.cache1.1", 20);
        put(&b, 20, 1);
        put(&b, NEW_HEAD, FLAGS);
        put(&b, NEW_HEAD + 4, (uint32_t)b.n);
        put(&b, NEW_HEAD + 8, (uint32_t)(b.n + strlen(name) + 1));
        text(&b, name);
        text(&b, path);
        return b;
}

/* The path that a cache of these bytes gives for libx.so.1; NULL: none, or the cache is none */
static const char *found(const struct bytes *b) {
        static char path[64];
        struct imm_manager_options o = {.version = 257};
        const struct ldcache_entry *e = NULL;
        const struct ldcache *cache;
        struct imm_manager *m;
        struct imm_root *root;
        size_t n = 0;

        tree_bytes("etc/ld.so.cache", b->v, b->n);
        assert_int_equal(imm_root_open(&root, tree, NULL), 0);
        assert_int_equal(imm_manager_open(&m, root, &o, NULL), 0);
        cache = node_ldcache(imm_closures_of(m), node_get(imm_closures_of(m), "/etc/ld.so.cache"));
        if (cache)
                e = ldcache_find(cache, "libx.so.1", &n);
        if (e) {
                assert_int_equal(n, 1);
                assert_int_equal(e->flags, FLAGS);
                assert_true(strlen(e->path) < sizeof(path));
                memcpy(path, e->path, strlen(e->path) + 1);
        }
        imm_manager_free(m);
        imm_root_free(root);
        return e ? path : NULL;
}

TEST(each_table_by_itself) {
        struct bytes b = new_table("libx.so.1", "/new/libx.so.1");

        assert_string_equal(found(&b), "/new/libx.so.1");
        b = old_table("libx.so.1", "/old/libx.so.1");
        assert_string_equal(found(&b), "/old/libx.so.1");
        b = old_table("liby.so.1", "/old/liby.so.1");
        assert_null(found(&b));
}

TEST(the_new_table_behind_an_old_one_is_the_one_that_counts) {
        struct bytes b = old_table("libx.so.1", "/old/libx.so.1"),
                     add = new_table("libx.so.1", "/new/libx.so.1");

        /* behind the rows, rounded up; the strings of both then lie behind the new one */
        b.n = 32;
        memcpy(b.v + b.n, add.v, add.n);
        b.n += add.n;
        assert_string_equal(found(&b), "/new/libx.so.1");
}

TEST(what_does_not_add_up_gives_nothing) {
        struct bytes whole = old_table("libx.so.1", "/old/libx.so.1"), b;

        for (size_t n = 0; n < OLD_HEAD + OLD_ROW; n++) {
                b = whole;
                b.n = n;
                assert_null(found(&b));
        }
        b = whole;
        put(&b, 12, UINT32_MAX);
        assert_null(found(&b));
        b = whole;
        put(&b, OLD_HEAD + 8, UINT32_MAX);
        assert_null(found(&b));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(each_table_by_itself, tree_make, tree_remove),
                cmocka_unit_test_setup_teardown(
                        the_new_table_behind_an_old_one_is_the_one_that_counts, tree_make,
                        tree_remove),
                cmocka_unit_test_setup_teardown(
                        what_does_not_add_up_gives_nothing, tree_make, tree_remove),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
