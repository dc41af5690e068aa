/* Who a command runs as, and with which capabilities: lines of [Service] in, an identity out. */

#include "analyzer/sandbox/sandbox.h"
#include "tests/unit/settings.h"
#include "tests/unit/tree.h"

#include <linux/capability.h>

#define BIT(cap) (UINT64_C(1) << (cap))

static struct imm_root *root;

static int make(void **state) {
        struct imm_err err = IMM_ERR_INIT;

        if (tree_make(state) < 0)
                return -1;
        tree_file("etc/passwd",
                "root:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\n"
                "web:x:33:33::/var/www:/bin/false\nodd:x:34:0::/:/bin/false\n");
        tree_file("etc/group",
                "root:x:0:\nalice:x:1000:\nweb:x:33:\nteam:x:50:alice,web\nshadow:x:42:\n"
                "lonely:x:60:\n");
        return imm_root_open(&root, tree, &err);
}

static int drop(void **state) {
        root = imm_root_free(root);
        return tree_remove(state);
}

struct who {
        struct bench *b;
        struct imm_identity id;
};

static struct who identity(
        unsigned version, enum imm_scope scope, enum imm_command_kind kind, const char *lines) {
        struct who w = {.b = bench_new(version, scope, "x.service")};

        w.b->m.root = root;
        w.b->m.users = imm_users_load(root, w.b->a, &w.b->m.diags);
        if (scope == IMM_SCOPE_USER)
                w.b->m.user = imm_user_by_name(w.b->m.users, "alice");
        imm_identity_compute(&w.b->m, bench_service(w.b, lines), kind, w.b->a, &w.id);
        return w;
}

static struct who plain(unsigned version, const char *lines) {
        return identity(version, IMM_SCOPE_SYSTEM, IMM_KIND_PLAIN, lines);
}

static void done(struct who *w) {
        imm_arena_free(w->b->a);
}

static void runs_as(const char *lines, uid_t uid, gid_t gid, const char *groups) {
        struct who w = plain(257, lines);
        char text[128] = "";

        for (size_t i = 0; i < w.id.n_groups; i++)
                (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%u",
                        i ? " " : "", w.id.groups[i]);
        if (w.id.outcome != IMM_OUTCOME_OK || w.id.uid != uid || w.id.gid != gid ||
                strcmp(text, groups) != 0)
                fail_msg("%s: %s, uid %u, gid %u, groups '%s'", lines,
                        imm_outcome_name(w.id.outcome), w.id.uid, w.id.gid, text);
        done(&w);
}

static void fails(
        unsigned version, enum imm_scope scope, const char *lines, enum imm_outcome want) {
        struct who w = identity(version, scope, IMM_KIND_PLAIN, lines);

        if (w.id.outcome != want)
                fail_msg("%u: %s: %s", version, lines, imm_outcome_name(w.id.outcome));
        done(&w);
}

/* A filter is put in force behind the change of user: what systemd keeps for it, and gives up. */
TEST(filters_and_capabilities) {
        const char *lines = "User=root\nNoNewPrivileges=yes\nSystemCallFilter=@system-service";
        struct who w = plain(257, lines);

        assert_int_equal(w.id.cap_bounding, IMM_CAPS_ALL);
        assert_int_equal(w.id.cap_permitted, IMM_CAPS_ALL & ~BIT(CAP_SETUID));
        assert_int_equal(w.id.cap_inheritable, BIT(CAP_SYS_ADMIN) | BIT(CAP_SETPCAP));
        done(&w);
        w = plain(252, lines);
        assert_int_equal(w.id.cap_permitted, IMM_CAPS_ALL);
        assert_int_equal(w.id.cap_inheritable, 0);
        done(&w);
        w = plain(257, "NoNewPrivileges=yes\nSystemCallFilter=@system-service");
        assert_int_equal(w.id.cap_permitted, IMM_CAPS_ALL);
        done(&w);
}

/* What the manager takes from itself in system.conf nobody below it has. */
TEST(the_managers_own_limits) {
        struct who w;

        tree_file("etc/systemd/system.conf", "[Manager]\nCapabilityBoundingSet=~CAP_SYS_TIME "
                                             "CAP_SYS_BOOT\nNoNewPrivileges=yes\n");
        w = plain(257, "AmbientCapabilities=CAP_SYS_TIME CAP_CHOWN\nUser=alice");
        assert_int_equal(
                w.id.cap_bounding, IMM_CAPS_ALL & ~(BIT(CAP_SYS_TIME) | BIT(CAP_SYS_BOOT)));
        assert_int_equal(w.id.cap_ambient, BIT(CAP_CHOWN));
        assert_true(w.id.no_new_privileges);
        done(&w);
        w = identity(257, IMM_SCOPE_SYSTEM, IMM_KIND_PRIVILEGED, "");
        assert_int_equal(
                w.id.cap_permitted, IMM_CAPS_ALL & ~(BIT(CAP_SYS_TIME) | BIT(CAP_SYS_BOOT)));
        done(&w);
        w = identity(257, IMM_SCOPE_USER, IMM_KIND_PLAIN, ""); /* inherited by users' managers */
        assert_true(w.id.no_new_privileges);
        assert_int_equal(
                w.id.cap_bounding, IMM_CAPS_ALL & ~(BIT(CAP_SYS_TIME) | BIT(CAP_SYS_BOOT)));
        done(&w);
        assert_int_equal(unlink(tree_path("etc/systemd/system.conf")), 0);
}

TEST(users_and_groups) {
        runs_as("", 0, 0, "");
        runs_as("User=root", 0, 0, "");
        runs_as("User=alice", 1000, 1000, "50 1000");
        runs_as("User=1000", 1000, 1000, "50 1000");
        runs_as("User=alice\nGroup=shadow", 1000, 42, "42 50");
        runs_as("User=web\nSupplementaryGroups=shadow lonely", 33, 33, "33 42 50 60");
        runs_as("Group=lonely", 0, 60, "");
        runs_as("SupplementaryGroups=lonely", 0, 0, "60");
        /* a primary group 0 keeps systemd from asking for the user's groups */
        runs_as("User=odd", 34, 0, "");
        runs_as("User=nobody", 65534, 65534, "65534");
}

TEST(who_is_not_there_fails_at_its_own_step) {
        fails(257, IMM_SCOPE_SYSTEM, "User=missing", IMM_OUTCOME_USER_FAILURE);
        fails(257, IMM_SCOPE_SYSTEM, "User=4711", IMM_OUTCOME_USER_FAILURE);
        fails(257, IMM_SCOPE_SYSTEM, "Group=4711", IMM_OUTCOME_GROUP_FAILURE);
        fails(257, IMM_SCOPE_SYSTEM, "SupplementaryGroups=missing", IMM_OUTCOME_GROUP_FAILURE);
        fails(257, IMM_SCOPE_SYSTEM, "User=missing\nGroup=missing", IMM_OUTCOME_USER_FAILURE);
}

TEST(who_may_be_known_elsewhere_is_unknown) {
        tree_file("etc/nsswitch.conf", "passwd: files ldap\n");
        fails(257, IMM_SCOPE_SYSTEM, "User=missing", IMM_OUTCOME_UNKNOWN);
        fails(257, IMM_SCOPE_SYSTEM, "User=alice", IMM_OUTCOME_OK);
        fails(257, IMM_SCOPE_SYSTEM, "Group=missing", IMM_OUTCOME_GROUP_FAILURE);
        tree_file("etc/nsswitch.conf", "");
}

TEST(dynamic_users_are_those_of_the_root_if_they_exist) {
        struct who w = plain(257, "DynamicUser=yes");

        assert_true(w.id.dynamic);
        assert_in_range(w.id.uid, 61184, 65519);
        assert_string_equal(w.id.user, "x");
        assert_true(w.id.no_new_privileges);
        done(&w);
        runs_as("DynamicUser=yes\nUser=web", 33, 33, "33 50");
        /* before any process, also where there is such a user */
        fails(257, IMM_SCOPE_SYSTEM, "DynamicUser=yes\nUser=a.b", IMM_OUTCOME_DYNAMIC_USER_FAILURE);
        fails(247, IMM_SCOPE_SYSTEM, "DynamicUser=yes\nGroup=a.b",
                IMM_OUTCOME_DYNAMIC_USER_FAILURE);
        fails(257, IMM_SCOPE_SYSTEM, "DynamicUser=yes\nUser=abcdefghijklmnopqrstuvwxyz012345",
                IMM_OUTCOME_DYNAMIC_USER_FAILURE);
        fails(257, IMM_SCOPE_SYSTEM, "DynamicUser=yes\nUser=abcdefghijklmnopqrstuvwxyz01234",
                IMM_OUTCOME_OK);
        /* a group of that name alone is a conflict */
        fails(257, IMM_SCOPE_SYSTEM, "DynamicUser=yes\nUser=team", IMM_OUTCOME_USER_FAILURE);
}

TEST(prefixes_keep_root) {
        struct who w = identity(257, IMM_SCOPE_SYSTEM, IMM_KIND_PRIVILEGED,
                "User=alice\nCapabilityBoundingSet=\nNoNewPrivileges=yes\nPrivateUsers=yes");

        assert_int_equal(w.id.uid, 0);
        assert_true(w.id.cap_effective == IMM_CAPS_ALL);
        assert_false(w.id.no_new_privileges);
        assert_int_equal(w.id.userns, IMM_USERNS_NONE);
        assert_int_equal(w.id.n_groups, 2); /* initgroups(3) comes before the kind is asked */
        done(&w);
        w = identity(257, IMM_SCOPE_SYSTEM, IMM_KIND_NO_SETUID,
                "User=alice\nCapabilityBoundingSet=CAP_KILL");
        assert_int_equal(w.id.uid, 0);
        assert_true(w.id.cap_effective == BIT(CAP_KILL));
        done(&w);
}

static void caps(unsigned version, const char *lines, uint64_t effective, bool nnp) {
        struct who w = plain(version, lines);

        if (w.id.cap_effective != effective || w.id.no_new_privileges != nnp)
                fail_msg("%u: %s: effective %llx, no_new_privileges %d", version, lines,
                        (unsigned long long)w.id.cap_effective, w.id.no_new_privileges);
        done(&w);
}

TEST(capabilities_after_exec) {
        caps(257, "", IMM_CAPS_ALL, false);
        caps(257, "User=alice", 0, false);
        caps(257, "CapabilityBoundingSet=", 0, false);
        caps(257, "CapabilityBoundingSet=~CAP_KILL", IMM_CAPS_ALL & ~BIT(CAP_KILL), false);
        caps(257, "User=alice\nAmbientCapabilities=CAP_KILL", BIT(CAP_KILL), false);
        caps(257,
                "User=alice\nAmbientCapabilities=CAP_KILL "
                "CAP_CHOWN\nCapabilityBoundingSet=CAP_CHOWN",
                BIT(CAP_CHOWN), false);
        caps(257, "SecureBits=noroot", 0, false);
        caps(257, "SecureBits=noroot\nAmbientCapabilities=CAP_CHOWN", BIT(CAP_CHOWN), false);
}

TEST(filters_need_no_new_privileges_without_root) {
        caps(252, "User=alice\nRestrictRealtime=yes", 0, true);
        caps(252, "RestrictRealtime=yes", IMM_CAPS_ALL, false);
        /* since 255 the filter is put on while systemd still may, if it lets it give that up */
        caps(257, "User=alice\nRestrictRealtime=yes", 0, false);
        caps(257, "User=alice\nSystemCallFilter=~capset", 0, true);
        caps(254, "User=alice\nSystemCallFilter=~@mount", 0, true);
        caps(257, "User=alice\nNoNewPrivileges=yes", 0, true);
}

TEST(user_namespaces) {
        struct who w = plain(257, "PrivateUsers=yes\nUser=alice");

        assert_int_equal(w.id.userns, IMM_USERNS_SELF);
        assert_true(w.id.maps_root);
        assert_int_equal(w.id.mapped_uid, 1000);
        done(&w);
        w = plain(257, "PrivateUsers=identity");
        assert_int_equal(w.id.userns, IMM_USERNS_IDENTITY);
        done(&w);
        /* an older systemd does not know the word */
        w = plain(254, "PrivateUsers=identity");
        assert_int_equal(w.id.userns, IMM_USERNS_NONE);
        done(&w);
}

TEST(user_managers_can_little) {
        struct who w = identity(257, IMM_SCOPE_USER, IMM_KIND_PLAIN, "");

        assert_int_equal(w.id.uid, 1000);
        assert_true(w.id.cap_effective == 0);
        assert_int_equal(w.id.n_groups, 2);
        done(&w);
        w = identity(254, IMM_SCOPE_USER, IMM_KIND_PLAIN, "ProtectSystem=yes");
        assert_int_equal(w.id.userns, IMM_USERNS_SELF);
        assert_false(w.id.maps_root);
        done(&w);
        w = identity(252, IMM_SCOPE_USER, IMM_KIND_PLAIN, "ProtectSystem=yes");
        assert_int_equal(w.id.userns, IMM_USERNS_NONE);
        done(&w);
        w = identity(257, IMM_SCOPE_USER, IMM_KIND_PLAIN, "RestrictRealtime=yes");
        assert_true(w.id.no_new_privileges);
        done(&w);
        fails(257, IMM_SCOPE_USER, "User=web", IMM_OUTCOME_GROUP_FAILURE);
        fails(252, IMM_SCOPE_USER, "PrivateDevices=yes", IMM_OUTCOME_CAPABILITIES_FAILURE);
        fails(254, IMM_SCOPE_USER, "PrivateDevices=yes", IMM_OUTCOME_OK);
        fails(257, IMM_SCOPE_USER, "AmbientCapabilities=CAP_KILL",
                IMM_OUTCOME_CAPABILITIES_FAILURE);
        fails(257, IMM_SCOPE_USER, "PrivateUsers=identity", IMM_OUTCOME_USER_FAILURE);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(filters_and_capabilities),
                cmocka_unit_test(the_managers_own_limits),
                cmocka_unit_test(users_and_groups),
                cmocka_unit_test(who_is_not_there_fails_at_its_own_step),
                cmocka_unit_test(who_may_be_known_elsewhere_is_unknown),
                cmocka_unit_test(dynamic_users_are_those_of_the_root_if_they_exist),
                cmocka_unit_test(prefixes_keep_root),
                cmocka_unit_test(capabilities_after_exec),
                cmocka_unit_test(filters_need_no_new_privileges_without_root),
                cmocka_unit_test(user_namespaces),
                cmocka_unit_test(user_managers_can_little),
        };

        return cmocka_run_group_tests(tests, make, drop);
}
