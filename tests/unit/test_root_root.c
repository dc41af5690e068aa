#include "analyzer/root/root.h"
#include "base/text.h"
#include "tests/unit/tree.h"

#include <fcntl.h>

static int setup(void **state) {
        struct imm_root *r;

        if (tree_make(state) < 0)
                return -1;
        tree_file("etc/passwd", "inside");
        assert_int_equal(symlink("/etc/passwd", tree_path("absolute")), 0);
        assert_int_equal(symlink("../../../../etc/passwd", tree_path("upward")), 0);
        assert_int_equal(symlink("loop", tree_path("loop")), 0);
        assert_int_equal(mkfifo(tree_path("fifo"), 0644), 0);
        assert_int_equal(imm_root_open(&r, tree, NULL), 0);
        *state = r;
        return 0;
}

static int teardown(void **state) {
        imm_root_free(*state);
        return tree_remove(state);
}

static int reads(struct imm_root *r, const char *path, const char *want, size_t max) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        struct imm_blob b = {0};
        int k = imm_root_read(r, path, max, a, &b, NULL);

        if (k == 0)
                assert_string_equal(b.data, want);
        return k;
}

TEST(links_stay_inside_the_root) {
        assert_int_equal(reads(*state, "/etc/passwd", "inside", 100), 0);
        assert_int_equal(reads(*state, "/absolute", "inside", 100), 0);
        assert_int_equal(reads(*state, "/upward", "inside", 100), 0);
        assert_int_equal(reads(*state, "/../../etc/passwd", "inside", 100), 0);
        assert_int_equal(reads(*state, "/etc/shadow", "", 100), -ENOENT);
}

TEST(what_is_no_file_is_not_opened) {
        assert_int_equal(reads(*state, "/fifo", "", 100), -EINVAL);
        assert_int_equal(reads(*state, "/etc", "", 100), -EISDIR);
        assert_int_equal(reads(*state, "/loop", "", 100), -ELOOP);
        assert_int_equal(reads(*state, "/etc/passwd", "", 5), -EFBIG);
        assert_int_equal(reads(*state, "/etc/passwd", "inside", 6), 0);
}

TEST(realpath_is_that_of_the_root) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        const char *p = NULL;

        assert_int_equal(imm_root_realpath(*state, "/upward", a, &p), 0);
        assert_string_equal(p, "/etc/passwd");
        assert_int_equal(imm_root_realpath(*state, "//etc/./../etc/", a, &p), 0);
        assert_string_equal(p, "/etc");
        assert_int_equal(imm_root_realpath(*state, "/..", a, &p), 0);
        assert_string_equal(p, "/");
        assert_int_equal(imm_root_realpath(*state, "/loop/x", a, &p), -ELOOP);
        assert_int_equal(imm_root_realpath(*state, "/etc/passwd/x", a, &p), -ENOTDIR);
}

TEST(lists_are_sorted) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        struct imm_dirent *e = NULL;
        size_t n = 0;

        assert_int_equal(imm_root_list(*state, "/", a, &e, &n), 0);
        assert_int_equal(n, 5);
        assert_string_equal(e[0].name, "absolute");
        assert_int_equal(e[2].type, DT_FIFO);
        assert_int_equal(imm_root_list(*state, "/etc/passwd", a, &e, &n), -ENOTDIR);
}

TEST(what_is_written_stays_inside_and_comes_whole) {
        imm_err_auto err = IMM_ERR_INIT;
        struct stat st;

        assert_int_equal(imm_root_write(*state, "/etc/new/x.d/50.conf", "text", 4, &err), 0);
        assert_int_equal(reads(*state, "/etc/new/x.d/50.conf", "text", 100), 0);
        /* a link that would lead out ends inside */
        assert_int_equal(symlink("../../../../../../../../etc", tree_path("outward")), 0);
        assert_int_equal(imm_root_write(*state, "/outward/y.conf", "in", 2, &err), 0);
        assert_int_equal(stat(tree_path("etc/y.conf"), &st), 0);
        assert_true(imm_root_write(*state, "relative", "x", 1, &err) < 0);
}

TEST(lists_with_what_lstat_says) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        struct imm_dirent_stat *e = NULL;
        size_t n = 0;

        assert_int_equal(imm_root_list_stat(*state, "/", a, &e, &n), 0);
        assert_true(n >= 5);
        assert_string_equal(e[0].name, "absolute");
        assert_true(S_ISLNK(e[0].mode));
        assert_int_equal(imm_root_list_stat(*state, "/etc", a, &e, &n), 0);
        assert_string_equal(e[0].name, "passwd");
        assert_int_equal(e[0].size, 6);
        assert_true(imm_root_may_walk(*state, "/etc"));
        assert_false(imm_root_may_walk(*state, "/nothing"));
}

static bool has_no_9(const char *name) {
        return !strchr(name, '9');
}

/* Many names are sorted another way than a few. */
TEST(long_lists_are_sorted_too) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        struct imm_dirent *e = NULL, *same = NULL;
        char name[64];
        size_t n = 0, n_same = 0;

        assert_int_equal(mkdir(tree_path("many"), 0755), 0);
        for (unsigned i = 0; i < 5000; i++) {
                (void)snprintf(name, sizeof(name), "many/%s%u", i % 3 ? "common-prefix-" : "",
                        i * 7919 % 5000);
                assert_int_equal(symlink("x", tree_path(name)), 0);
        }
        assert_int_equal(imm_root_list(*state, "/many", a, &e, &n), 0);
        assert_int_equal(n, 5000);
        for (size_t i = 1; i < n; i++)
                assert_true(strcmp(e[i - 1].name, e[i].name) < 0);
        /* the same by two threads, where the file system has places for names */
        for (unsigned threads = 1; threads <= 2; threads++) {
                size_t k = 0;

                assert_int_equal(
                        imm_root_list_wanted(*state, "/many", has_no_9, threads, a, &same, &n_same),
                        0);
                for (size_t i = 0; i < n; i++) {
                        if (!has_no_9(e[i].name))
                                continue;
                        assert_true(k < n_same);
                        assert_string_equal(same[k].name, e[i].name);
                        assert_int_equal(same[k++].type, DT_LNK);
                }
                assert_int_equal(k, n_same);
                assert_true(k < n);
        }
        /* and of few */
        assert_int_equal(imm_root_list_wanted(*state, "/etc", has_no_9, 2, a, &same, &n_same), 0);
        assert_int_equal(imm_root_list(*state, "/etc", a, &e, &n), 0);
        assert_int_equal(n_same, n);
        assert_int_equal(imm_root_list_wanted(*state, "/none", has_no_9, 2, a, &e, &n), -ENOENT);
}

TEST(entries_of_an_open_directory_stay_in_it) {
        int fd = imm_root_open_path(*state, "/etc", O_DIRECTORY);
        struct stat st;

        assert_true(fd >= 0);
        assert_int_equal(imm_root_lstat_in(fd, "passwd", &st), 0);
        assert_true(S_ISREG(st.st_mode));
        assert_int_equal(imm_root_lstat_in(fd, "nothing", &st), -ENOENT);
        assert_int_equal(imm_root_lstat_in(fd, "..", &st), -EINVAL);
        assert_int_equal(imm_root_lstat_in(fd, ".", &st), -EINVAL);
        assert_int_equal(imm_root_lstat_in(fd, "../etc", &st), -EINVAL);
        assert_int_equal(imm_root_lstat_in(fd, "/etc/passwd", &st), -EINVAL);
        assert_int_equal(close(fd), 0);
}

/* Between the look and the opening somebody else puts another thing there. */
TEST(what_is_read_is_what_was_looked_at) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        int fd = imm_root_open_path(*state, "/swap", O_DIRECTORY);
        struct imm_blob b;
        struct stat st;

        assert_int_equal(fd, -ENOENT);
        tree_file("swap/file", "one\n");
        fd = imm_root_open_path(*state, "/swap", O_DIRECTORY);
        assert_true(fd >= 0);
        assert_int_equal(imm_root_lstat_in(fd, "file", &st), 0);
        assert_int_equal(imm_root_read_in(fd, "file", &st, 100, a, &b), 0);
        assert_string_equal(b.data, "one\n");
        assert_int_equal(imm_root_read_in(fd, "file", &st, 3, a, &b), -EFBIG);
        assert_int_equal(imm_root_read_in(fd, "../swap/file", &st, 100, a, &b), -EINVAL);
        assert_int_equal(imm_root_read_in(fd, "..", &st, 100, a, &b), -EINVAL);

        tree_file("swap/other", "two\n");
        assert_int_equal(renameat(fd, "other", fd, "file"), 0);
        assert_int_equal(imm_root_read_in(fd, "file", &st, 100, a, &b), -ESTALE);
        assert_int_equal(unlinkat(fd, "file", 0), 0);
        tree_link("../etc/passwd", "swap/file");
        assert_int_equal(imm_root_read_in(fd, "file", &st, 100, a, &b), -ESTALE);
        assert_int_equal(unlinkat(fd, "file", 0), 0);
        assert_int_equal(mkfifo(tree_path("swap/file"), 0600), 0); /* and nobody waits for it */
        assert_int_equal(imm_root_read_in(fd, "file", &st, 100, a, &b), -ESTALE);
        assert_int_equal(imm_root_lstat_in(fd, "file", &st), 0);
        assert_int_equal(imm_root_read_in(fd, "file", &st, 100, a, &b), -EINVAL);
        assert_int_equal(close(fd), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(links_stay_inside_the_root),
                cmocka_unit_test(what_is_no_file_is_not_opened),
                cmocka_unit_test(realpath_is_that_of_the_root),
                cmocka_unit_test(lists_are_sorted),
                cmocka_unit_test(lists_with_what_lstat_says),
                cmocka_unit_test(long_lists_are_sorted_too),
                cmocka_unit_test(entries_of_an_open_directory_stay_in_it),
                cmocka_unit_test(what_is_read_is_what_was_looked_at),
                cmocka_unit_test(what_is_written_stays_inside_and_comes_whole),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
