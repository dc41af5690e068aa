#include "analyzer/root/users.h"
#include "tests/unit/tree.h"

static struct imm_root *root; /* what was loaded asks it */

static int drop(void **state) {
        root = imm_root_free(root);
        return tree_remove(state);
}

static struct imm_users *load(struct imm_arena *a) {
        static struct imm_diags diags;

        root = imm_root_free(root);
        assert_int_equal(imm_root_open(&root, tree, NULL), 0);
        return imm_users_load(root, a, &diags);
}

TEST(the_files_of_the_root) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        struct imm_users *u;
        size_t n;

        tree_file("etc/passwd",
                "root:x:0:0:root:/root:/bin/sh\n# comment\nbroken\nbad:x:-1:0::/:/\n"
                "no:x:65535:0::/:/\nalice:x:1000:100:A:/home/alice:/bin/zsh\n"
                "alice:x:2000:100::/second:/bin/sh\n+nis\n");
        tree_file("etc/group", "root:x:0:\nusers:x:100:alice,bob\nshort:x\n");
        u = load(a);
        imm_users_all(u, &n);
        assert_int_equal(n, 2);
        assert_int_equal(imm_user_by_name(u, "alice")->uid, 1000);
        assert_string_equal(imm_user_by_uid(u, 1000)->home, "/home/alice");
        assert_null(imm_user_by_name(u, "bad"));
        assert_null(imm_user_by_name(u, "no"));
        assert_string_equal(imm_group_by_gid(u, 100)->members[1], "bob");
        assert_null(imm_group_by_gid(u, 100)->members[2]);
}

/* A doubt whether there are users and groups that were not found: told by a word of the reason */
static void doubt(const char *user, const char *group) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        struct imm_users *u = load(a);
        const char *why[] = {imm_users_doubt(u, "who", false, a),
                imm_users_doubt(u, "who", true, a)},
                   *words[] = {user, group};

        for (size_t i = 0; i < 2; i++)
                if (!words[i])
                        assert_null(why[i]);
                else {
                        assert_non_null(why[i]);
                        assert_non_null(strstr(why[i], words[i]));
                }
}

TEST(who_is_not_found_may_be_known_elsewhere) {
        tree_file("etc/passwd", "root:x:0:0::/root:/bin/sh\n");
        tree_file("etc/group", "root:x:0:\n");
        doubt(NULL, NULL);
        tree_file("etc/nsswitch.conf", "# passwd: ldap\npasswd: files [!UNAVAIL=return] "
                                       "systemd\ngroup:compat\nhosts: files dns\n");
        doubt(NULL, NULL);
        tree_file("etc/nsswitch.conf", "passwd:\tfiles sss\ngroup: files[SUCCESS=merge]winbind\n");
        doubt("sss", "winbind");
        tree_file("etc/nsswitch.conf", "");
        tree_file("usr/lib/userdb/other.user", "{}");
        doubt(NULL, NULL);
        tree_file("usr/lib/userdb/who.user", "{}");
        doubt("who.user", NULL);
        assert_int_equal(unlink(tree_path("etc/group")), 0);
        tree_dir("etc/group");
        doubt("/etc/group", "/etc/group");
}

TEST(without_files_there_is_root) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        struct imm_users *u = load(a);

        assert_string_equal(imm_user_by_uid(u, 0)->home, "/root");
        assert_string_equal(imm_group_by_gid(u, 0)->name, "root");
}

/* What systemd-sysusers 257 made of the same lines */
TEST(users_made_at_boot) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        static const struct {
                const char *name;
                uid_t uid;
                gid_t gid;
        } want[] = {
                {"alpha", 996, 996},
                {"beta", 450, 450},
                {"gamma", 451, 100},
                {"eps", 460, 998},
                {"eta", 995, 995},
                {"iota", 333, 333},
                {"kappa", 994, 994},
        };
        struct imm_users *u;

        tree_file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nold:x:999:999::/:/\n");
        tree_file("etc/group", "root:x:0:\nold:x:999:\nusers:x:100:\n");
        tree_file("usr/lib/sysusers.d/z.conf",
                "# comment\nu alpha - \"Some one\" /var/lib/alpha /bin/sh\nu beta 450\n"
                "u gamma 451:users\ng delta -\nu eps 460:delta\nu! eta\ng iota 333\nu iota -\n"
                "u kappa 450\nm alpha delta\nm beta newgrp\nu lam 462:463\nbad\nu 9x\n"
                "u mu 470:nosuch\nu hidden -\n");
        tree_file("usr/lib/sysusers.d/y.conf", "u masked 7\n");
        tree_link("/dev/null", "etc/sysusers.d/y.conf");
        u = load(a);
        for (size_t i = 0; i < IMM_ELEMENTSOF(want); i++) {
                assert_non_null(imm_user_by_name(u, want[i].name));
                assert_true(imm_user_by_name(u, want[i].name)->from_sysusers);
                assert_int_equal(imm_user_by_name(u, want[i].name)->uid, want[i].uid);
                assert_int_equal(imm_user_by_name(u, want[i].name)->gid, want[i].gid);
        }
        assert_false(imm_user_by_name(u, "old")->from_sysusers);
        assert_string_equal(imm_user_by_name(u, "alpha")->home, "/var/lib/alpha");
        assert_string_equal(imm_user_by_name(u, "beta")->shell, "/usr/sbin/nologin");
        assert_string_equal(imm_group_by_name(u, "delta")->members[0], "alpha");
        assert_null(imm_user_by_name(u, "lam"));
        assert_null(imm_user_by_name(u, "mu"));
        assert_null(imm_user_by_name(u, "masked"));
        assert_null(imm_user_by_name(u, "9x"));
}

/* "u!" came with 257, and a file's owner counts only where it is one of the system's */
TEST(what_older_systemd_does_not_make) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        struct imm_users *u;

        tree_file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n");
        tree_file("etc/group", "root:x:0:\n");
        tree_file("usr/lib/x86_64-linux-gnu/systemd/libsystemd-shared-252.so", "");
        tree_file("usr/lib/sysusers.d/z.conf", "u! eta\nu owned /etc/passwd\n");
        u = load(a);
        assert_null(imm_user_by_name(u, "eta"));
        assert_int_equal(imm_user_by_name(u, "owned")->uid, 999);
}

#define T(name) cmocka_unit_test_setup_teardown(name, tree_make, drop)
RUN(T(the_files_of_the_root), T(who_is_not_found_may_be_known_elsewhere),
        T(without_files_there_is_root), T(users_made_at_boot), T(what_older_systemd_does_not_make))
