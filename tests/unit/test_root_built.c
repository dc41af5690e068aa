/* What NixOS builds is judged as its boot leaves it: /etc of the system, /nix of its store. */

#include "analyzer/root/root.h"
#include "analyzer/root/users.h"
#include "tests/unit/tree.h"

#include <fcntl.h>

#define STORE "nix/store/"
#define SYSTEM STORE "7an551vbx3zja96wn7si69hf9zh1haj0-nixos-system-test-25.05"
#define ETC STORE "li6zf0rbsggg759mf0bnvqh0szdhwrsq-etc"
#define UNITS STORE "xkqjpvh1c87wdl7j5bq6xzzx856pj8rw-system-units"
#define SYSTEMD STORE "9nr5xh37wy1gx5sv9j1cj9if5svcw4lj-systemd-257.5"

static void make_store(const char *top) {
        struct {
                const char *target, *path;
        } links[] = {
                {"/" ETC "/etc", SYSTEM "/etc"},
                {"/" SYSTEMD, SYSTEM "/systemd"},
                {"/" UNITS, ETC "/etc/systemd/system"},
                {"/etc/os-release", ETC "/etc/own"},
                {"os-release", ETC "/etc/beside"},
                {"../../../../../../../../etc/passwd", ETC "/etc/upward"},
                {"/../../secret", ETC "/etc/outside"},
                {"/secret", ETC "/etc/above"},
                {"/proc/self/root/etc/passwd", ETC "/etc/magic"},
                {"loop", ETC "/etc/loop"},
        };
        char path[PATH_MAX];

        for (size_t i = 0; i < IMM_ELEMENTSOF(links); i++) {
                (void)snprintf(path, sizeof(path), "%s%s", top, links[i].path);
                tree_link(links[i].target, path);
        }
        (void)snprintf(path, sizeof(path), "%s" SYSTEM "/nixos-version", top);
        tree_file(path, "25.05");
        (void)snprintf(path, sizeof(path), "%s" ETC "/etc/os-release", top);
        tree_file(path, "ID=nixos\n");
        (void)snprintf(path, sizeof(path), "%s" UNITS "/a.service", top);
        tree_file(path, "[Service]\n");
        (void)snprintf(
                path, sizeof(path), "%s" SYSTEMD "/lib/systemd/libsystemd-shared-257.so", top);
        tree_file(path, "");
}

static int reads(const struct imm_root *r, const char *path, const char *want) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        struct imm_blob b = {0};
        int k = imm_root_read(r, path, 1000, a, &b, NULL);

        if (k == 0)
                assert_string_equal(b.data, want);
        return k;
}

static void lists(const struct imm_root *r, const char *path, const char *want) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        struct imm_dirent *e = NULL;
        const char *all = "";
        size_t n = 0;

        assert_int_equal(imm_root_list(r, path, a, &e, &n), 0);
        for (size_t i = 0; i < n; i++)
                all = imm_printf(a, "%s%s ", all, e[i].name);
        assert_string_equal(all, want);
}

static void has_what_boot_makes(const struct imm_root *r) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        struct imm_diags diags = {0};
        const struct imm_users *users = imm_users_load(r, a, &diags);
        const char *real;
        struct stat st;

        assert_int_equal(reads(r, "/etc/os-release", "ID=nixos\n"), 0);
        assert_int_equal(reads(r, "/etc/own", "ID=nixos\n"), 0);
        assert_int_equal(reads(r, "/etc/beside", "ID=nixos\n"), 0);
        assert_int_equal(reads(r, "//etc//./systemd/system/a.service", "[Service]\n"), 0);
        assert_int_equal(reads(r, "/etc/../etc/systemd/system/a.service", "[Service]\n"), 0);
        assert_int_equal(reads(r, "/./etc/./own", "ID=nixos\n"), 0);
        assert_int_equal(imm_root_stat(r, "/./.", &st), 0);
        assert_int_equal(imm_root_lstat(r, "/etc", &st), 0);
        assert_true(S_ISDIR(st.st_mode));
        assert_int_equal(imm_root_lstat(r, "/etc/own", &st), 0);
        assert_true(S_ISLNK(st.st_mode));
        assert_int_equal(imm_root_realpath(r, "/etc/systemd/system/a.service", a, &real), 0);
        assert_string_equal(real, "/" UNITS "/a.service");
        assert_int_equal(imm_root_systemd_version(r), 257);
        assert_string_equal(imm_root_system(r), "/" SYSTEM);
        assert_true(imm_root_is_built(r));
        assert_non_null(imm_users_doubt(users, "web", false, a));
}

static void leads_nowhere_else(const struct imm_root *r) {
        imm_err_auto err = IMM_ERR_INIT;

        assert_int_equal(reads(r, "/etc/upward", ""), -ENOENT);
        assert_int_equal(reads(r, "/etc/outside", ""), -ENOENT);
        assert_int_equal(reads(r, "/etc/above", ""), -ENOENT);
        assert_int_equal(reads(r, "/etc/magic", ""), -ENOENT);
        assert_int_equal(reads(r, "/etc/loop", ""), -ELOOP);
        assert_int_equal(reads(r, "/etc/os-release/", ""), -ENOTDIR);
        assert_int_equal(reads(r, "/nix/../../secret", ""), -ENOENT);
        assert_int_equal(imm_root_write(r, "/etc/systemd/system/x", "x", 1, &err), -EROFS);
}

TEST(a_built_system_has_its_own_etc_and_the_store_it_lies_in) {
        imm_cleanup(imm_root_free) struct imm_root *r = NULL;

        make_store("host/");
        tree_file("secret", "outside");
        tree_file("host/secret", "outside");
        tree_file("host/etc/passwd", "root:x:0:0::/:\n");
        tree_link("host/" SYSTEM, "result");
        assert_int_equal(imm_root_open(&r, tree_path("result"), NULL), 0);
        has_what_boot_makes(r);
        leads_nowhere_else(r);
        lists(r, "/", "etc nix ");
        assert_int_equal(reads(r, "/nixos-version", ""), -ENOENT);
        assert_int_equal(reads(r, "/" SYSTEM "/nixos-version", "25.05"), 0);
}

TEST(an_image_that_was_never_booted_has_the_etc_of_its_profile) {
        imm_cleanup(imm_root_free) struct imm_root *r = NULL;

        make_store("image/");
        tree_file("image/usr/bin/x", "x");
        tree_link("system-1-link", "image/nix/var/nix/profiles/system");
        tree_link("/" SYSTEM, "image/nix/var/nix/profiles/system-1-link");
        assert_int_equal(imm_root_open(&r, tree_path("image"), NULL), 0);
        has_what_boot_makes(r);
        leads_nowhere_else(r);
        lists(r, "/", "etc nix usr ");
        assert_int_equal(reads(r, "/usr/bin/x", "x"), 0);
}

TEST(the_store_of_an_image_may_be_a_link) {
        imm_cleanup(imm_root_free) struct imm_root *r = NULL;
        char data[2 * PATH_MAX];

        tree_dir("image/data");
        (void)snprintf(data, sizeof(data), "%s", tree_path("image/data/store"));
        assert_int_equal(rename(tree_path("image/nix/store"), data), 0);
        tree_link("/data/store", "image/nix/store");
        assert_int_equal(imm_root_open(&r, tree_path("image"), NULL), 0);
        assert_true(imm_root_is_built(r));
        assert_int_equal(reads(r, "/etc/systemd/system/a.service", "[Service]\n"), 0);
}

TEST(one_that_was_booted_has_its_own) {
        imm_cleanup(imm_root_free) struct imm_root *r = NULL;

        tree_link("/etc/static/systemd", "image/etc/systemd");
        assert_int_equal(imm_root_open(&r, tree_path("image"), NULL), 0);
        assert_false(imm_root_is_built(r));
        assert_int_equal(imm_root_systemd_version(r), 257);
        assert_int_equal(reads(r, "/etc/os-release", ""), -ENOENT);
}

TEST(another_path_of_a_store_may_name_what_lies_there) {
        imm_cleanup(imm_root_free) struct imm_root *r = NULL, *own = NULL;

        tree_link("/" UNITS "/a.service",
                "host/" STORE "hmm8a5pibv9dzvlqxs62kh2ac18hkqpl-foo/lib/systemd/system/b.service");
        assert_int_equal(
                imm_root_open(
                        &r, tree_path("host/" STORE "hmm8a5pibv9dzvlqxs62kh2ac18hkqpl-foo"), NULL),
                0);
        assert_int_equal(reads(r, "/lib/systemd/system/b.service", "[Service]\n"), 0);
        assert_false(imm_root_is_built(r));
        lists(r, "/", "lib nix ");
        /* an image that lies in a store and has one */
        tree_dir("host/" STORE "3nqifwz7vxkzzc4pjk4xx5m6as90myiw-image/nix/store");
        assert_int_equal(
                imm_root_open(&own,
                        tree_path("host/" STORE "3nqifwz7vxkzzc4pjk4xx5m6as90myiw-image"), NULL),
                0);
        lists(own, "/nix/store", "");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_built_system_has_its_own_etc_and_the_store_it_lies_in),
                cmocka_unit_test(an_image_that_was_never_booted_has_the_etc_of_its_profile),
                cmocka_unit_test(the_store_of_an_image_may_be_a_link),
                cmocka_unit_test(one_that_was_booted_has_its_own),
                cmocka_unit_test(another_path_of_a_store_may_name_what_lies_there),
        };

        return cmocka_run_group_tests(tests, tree_make, tree_remove);
}
