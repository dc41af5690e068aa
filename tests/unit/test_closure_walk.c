/* The walk of a root, with what an earlier one has left: whatever happens to the root in between,
 * it must find what a walk without that finds. */

#include "analyzer/closure/closure-private.h"
#include "tests/unit/tree.h"

#include <fcntl.h>
#include <inttypes.h>
#include <time.h>

enum { FOLDERS = 260 }; /* enough for it to be kept */

static unsigned long seed = 20240229;
static time_t since;

static unsigned dice(unsigned n) {
        seed = seed * 6364136223846793005UL + 1442695040888963407UL;
        return (unsigned)(seed >> 33) % n;
}

/* ---- a walk ---- */

static void say(FILE *f, const struct walk *w) {
        for (size_t i = 0; i < w->n; i++) {
                const struct walk_node *n = &w->v[i];

                fprintf(f, "%s %u %u %o %u %u %" PRIu64 "\n", n->name, n->parent, n->end, n->mode,
                        n->uid, n->gid, n->size);
        }
        fprintf(f, "%u files, %" PRIu64 " bytes, %zu closed\n", w->files[w->n], w->bytes[w->n],
                w->n_closed);
}

/* All that is there, as text. @reuse: with what is kept; @ret_fresh: directories that were listed
 */
static char *run(enum walk_kind kind, bool reuse, size_t *ret_fresh) {
        struct imm_arena *a = imm_arena_new();
        struct imm_closures c;
        struct imm_root *root;
        const struct walk *w;
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        assert_non_null(f);
        assert_int_equal(imm_root_open(&root, tree_path("root"), NULL), 0);
        closures_init(&c, root, a);
        if (reuse)
                imm_closures_reuse(&c, tree_path("cache/elf"), "1", since);
        imm_closures_threads(&c, 1 + dice(3));
        w = walk_of(&c, kind);
        say(f, w);
        assert_int_equal(fclose(f), 0);
        if (ret_fresh) {
                *ret_fresh = 0;
                for (size_t i = 0; i < w->n_folders; i++)
                        *ret_fresh += w->folders[i].fresh;
        }
        /* each is found by its path */
        for (size_t i = 0; i < w->n; i += 1 + dice(20))
                assert_int_equal(walk_find(w, walk_path(w, i, a)), i);
        assert_true(walk_find(w, "/usr/nothing") == SIZE_MAX);
        assert_true(walk_find(w, "/usr/") == SIZE_MAX);
        if (reuse)
                imm_closures_keep(&c);
        closures_done(&c);
        imm_arena_free(a);
        imm_root_free(root);
        return text;
}

/* How many directories had to be listed although something is kept */
static size_t compare(enum walk_kind kind) {
        size_t fresh;
        imm_auto_free char *cold = run(kind, false, NULL), *warm = run(kind, true, &fresh);

        assert_string_equal(warm, cold);
        return fresh;
}

/* ---- the root ---- */

static const char *somewhere(char path[PATH_MAX]) {
        static const char *const names[] = {"a", "b", "c.conf", "d", "aa", "long-name-of-a-file"};
        size_t n = (size_t)snprintf(path, PATH_MAX, "%s", tree_path("root/usr"));

        if (dice(3))
                n += (size_t)snprintf(path + n, PATH_MAX - n, "/%u", dice(FOLDERS));
        for (unsigned k = 1 + dice(2); k > 0; k--)
                n += (size_t)snprintf(
                        path + n, PATH_MAX - n, "/%s", names[dice(IMM_ELEMENTSOF(names))]);
        return path;
}

static int make(void **state) {
        char path[PATH_MAX];

        since = time(NULL) + 3600; /* later than all that a test does */
        (void)tree_make(state);
        tree_dir("cache");
        for (unsigned i = 0; i < FOLDERS; i++) {
                (void)snprintf(path, sizeof(path), "root/usr/%u/x", i);
                tree_file(path, "text");
        }
        tree_file("root/etc/hosts", "");
        tree_link("usr/1", "root/link");
        tree_file("root/srv/data", "text");
        return 0;
}

static int drop(void **state) {
        return tree_remove(state);
}

static bool keeps(void) {
        struct stat st, root;

        assert_int_equal(stat("/", &root), 0);
        assert_int_equal(stat(tree, &st), 0);
        return st.st_dev == root.st_dev;
}

/* Two changes within one tick of the file system's clock cannot be told apart by a directory's
 * times; outside of this test what changed just now not being kept sees to that. */
static void tick(void) {
        const struct timespec pause = {.tv_nsec = 1000000};
        struct stat before, now;

        tree_file("clock", "1");
        assert_int_equal(stat(tree_path("clock"), &before), 0);
        do {
                (void)nanosleep(&pause, NULL);
                tree_file("clock", "2");
                assert_int_equal(stat(tree_path("clock"), &now), 0);
        } while (now.st_mtim.tv_sec == before.st_mtim.tv_sec &&
                 now.st_mtim.tv_nsec == before.st_mtim.tv_nsec);
}

static void mutate(void) {
        char path[PATH_MAX], other[PATH_MAX];
        int fd;

        (void)somewhere(path);
        (void)somewhere(other);
        switch (dice(9)) {
        case 0:
        case 1: /* a new file, or an old one that grows: its directory says nothing of that */
                fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
                        0644);
                if (fd < 0)
                        return;
                assert_int_equal(write(fd, "more", 4), 4);
                assert_int_equal(close(fd), 0);
                break;
        case 2:
                (void)mkdir(path, dice(2) ? 0755 : 0700);
                break;
        case 3:
                (void)symlink(dice(2) ? "../etc" : "/usr/2", path);
                break;
        case 4:
                (void)remove(path);
                break;
        case 5: /* also a whole directory elsewhere */
                (void)rename(path, other);
                break;
        case 6:
                (void)chmod(path, dice(2) ? 0755 : 0711);
                break;
        case 7: /* with the time that it had */
                (void)remove(path);
                (void)mkfifo(path, 0644);
                break;
        default:
                (void)link(path, other);
        }
}

/* ---- the tests ---- */

TEST(a_second_walk_lists_nothing) {
        (void)compare(WALK_ALL);
        if (keeps()) {
                assert_int_equal(compare(WALK_ALL), 0);
                assert_int_equal(compare(WALK_SYSTEM), 0);
        }
}

TEST(a_file_that_grows_is_seen) {
        (void)compare(WALK_ALL);
        tree_file("root/srv/data", "more text than before");
        (void)compare(WALK_ALL);
}

/* A directory in place of another, with the same times but for one */
TEST(another_directory_of_that_name_is_seen) {
        char other[2 * PATH_MAX];
        struct stat st;

        tree_file("root/opt/one/a", "");
        tree_file("root/opt/two/b", "");
        (void)compare(WALK_ALL);
        assert_int_equal(stat(tree_path("root/opt/one"), &st), 0);
        assert_int_equal(utimensat(AT_FDCWD, tree_path("root/opt/two"),
                                 (struct timespec[]){st.st_atim, st.st_mtim}, 0),
                0);
        (void)compare(WALK_ALL);
        (void)snprintf(other, sizeof(other), "%s", tree_path("root/opt/two"));
        assert_int_equal(
                renameat2(AT_FDCWD, tree_path("root/opt/one"), AT_FDCWD, other, RENAME_EXCHANGE),
                0);
        (void)compare(WALK_ALL);
}

TEST(what_changed_just_now_is_not_kept) {
        const time_t later = since;

        tree_file("root/new/file", "");
        since = 1;
        (void)compare(WALK_ALL);
        since = later;
        tree_file("root/new/other", "");
        (void)compare(WALK_ALL);
}

TEST(whatever_changes_the_walk_is_that_of_a_first_one) {
        size_t fresh = 0;

        for (unsigned i = 0; i < 60; i++) {
                for (unsigned k = dice(5); k > 0; k--)
                        mutate();
                fresh += compare(dice(4) ? WALK_ALL : WALK_SYSTEM);
                tick();
        }
        if (keeps())
                assert_true(fresh < 60 * FOLDERS / 2);
}

TEST(a_broken_file_changes_nothing) {
        imm_auto_free char *cold = run(WALK_ALL, false, NULL), *bad = NULL, *data = NULL;
        char path[2 * PATH_MAX];
        struct stat st;
        size_t n;
        FILE *f;

        assert_int_equal(stat(tree_path("root"), &st), 0);
        (void)compare(WALK_ALL);
        (void)snprintf(path, sizeof(path), "%s/cache/walk-%llx-%llx", tree,
                (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
        if (!keeps())
                return;
        data = imm_xcalloc(1, 1 << 20);
        bad = imm_xcalloc(1, 1 << 20);
        f = fopen(path, "re");
        assert_non_null(f);
        n = fread(data, 1, 1 << 20, f);
        assert_int_equal(fclose(f), 0);
        for (unsigned i = 0; i < 120; i++) {
                imm_auto_free char *warm = NULL;
                size_t left = dice(3) ? n : dice((unsigned)n);
                uint64_t sum;

                memcpy(bad, data, n);
                for (unsigned k = 1 + dice(4); k > 0; k--)
                        bad[i < 60 ? i : dice((unsigned)n)] ^= (char)(1 + dice(255));
                if (left > 24 && dice(4)) { /* the sum is right, what it says is not */
                        sum = kept_sum((unsigned char *)bad + 24, left - 24);
                        memcpy(bad + 16, &sum, sizeof(sum));
                }
                f = fopen(path, "we");
                assert_non_null(f);
                assert_int_equal(fwrite(bad, 1, left, f), left);
                assert_int_equal(fclose(f), 0);
                assert_int_equal(chmod(path, 0600), 0);
                warm = run(WALK_ALL, true, NULL);
                /* where it has the right sum it need only not crash: nobody else can write it */
                if (left <= 24 || memcmp(bad + 16, data + 16, 8) == 0)
                        assert_string_equal(warm, cold);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_second_walk_lists_nothing),
                cmocka_unit_test(a_file_that_grows_is_seen),
                cmocka_unit_test(another_directory_of_that_name_is_seen),
                cmocka_unit_test(what_changed_just_now_is_not_kept),
                cmocka_unit_test(whatever_changes_the_walk_is_that_of_a_first_one),
                cmocka_unit_test(a_broken_file_changes_nothing),
        };

        return cmocka_run_group_tests(tests, make, drop);
}
