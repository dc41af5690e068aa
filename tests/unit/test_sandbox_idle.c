/*
 * Lines that do nothing. What is told of which line; and over random units, that taking a told line
 * away changes nothing that a service could notice, and taking away any other line of the mounts'
 * settings does.
 */

#include "analyzer/sandbox/idle/idle.h"
#include "tests/unit/tree.h"

static struct imm_root *root;

static int make(void **state) {
        if (tree_make(state) < 0)
                return -1;
        tree_file("etc/passwd",
                "root:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\n");
        tree_file("etc/group", "root:x:0:\nalice:x:1000:\n");
        tree_file("usr/bin/true", "#!x\n");
        assert_int_equal(chmod(tree_path("usr/bin/true"), 0755), 0);
        tree_dir("srv");
        tree_dir("srv/a");
        tree_dir("srv/a/b");
        tree_dir("srv/homes");
        tree_dir("srv/homes/alice");
        tree_link("srv/homes", "home");
        tree_dir("root");
        tree_dir("tmp");
        tree_dir("var");
        tree_dir("var/tmp");
        tree_dir("var/lib");
        return imm_root_open(&root, tree, NULL);
}

static int drop(void **state) {
        root = imm_root_free(root);
        return tree_remove(state);
}

struct found {
        struct imm_manager *m;
        struct imm_unit *u;
        struct imm_settings *s;
        struct imm_sandbox *sb;
        struct imm_idle_list list;
};

static void find(unsigned version, enum imm_scope scope, const char *text, struct imm_arena *a,
        struct found *f) {
        const struct imm_manager_options options = {.version = version, .scope = scope};

        *f = (struct found){0};
        tree_file(scope == IMM_SCOPE_USER ? "etc/systemd/user/x.service"
                                          : "etc/systemd/system/x.service",
                text);
        assert_int_equal(imm_manager_open(&f->m, root, &options, NULL), 0);
        assert_int_equal(imm_manager_unit(f->m, "x.service", &f->u, NULL), 0);
        f->s = imm_settings_of(f->m, f->u);
        assert_int_equal(f->s->load, IMM_LOAD_LOADED);
        f->sb = imm_sandbox_assume(f->m, f->s, a);
        imm_idle_find(f->m, f->u, f->s, f->sb, a, &f->list);
}

/* The codes told of the line that @setting begins, in order; "" if none */
static const char *codes(struct imm_arena *a, const struct found *f, unsigned line) {
        const char *text = "";

        imm_array_foreach (i, &f->list) {
                if (i->assignment->line == line)
                        text = imm_printf(a, "%s%s%s", text, *text ? " " : "", i->code);
        }
        return text;
}

/* Lines of [Service] (the first is line 3), which of them, and what is told of it */
static const struct {
        unsigned version;
        enum imm_scope scope;
        const char *lines;
        unsigned line;
        const char *want;
} rows[] = {
        {252, IMM_SCOPE_SYSTEM, "ProtectSystem=strict\nReadWritePaths=/", 4, "outdone"},
        {252, IMM_SCOPE_SYSTEM, "ProtectSystem=strict\nReadWritePaths=/", 3, ""},
        {252, IMM_SCOPE_SYSTEM, "ProtectSystem=strict\nReadWritePaths=/srv", 4, ""},
        {252, IMM_SCOPE_SYSTEM, "ProtectSystem=strict\nReadOnlyPaths=/srv", 4, "outdone"},
        {252, IMM_SCOPE_SYSTEM, "InaccessiblePaths=/srv\nBindPaths=/var:/srv/a", 4, "outdone"},
        {252, IMM_SCOPE_SYSTEM, "BindPaths=/var:/srv\nReadOnlyPaths=/srv", 4, ""},
        {252, IMM_SCOPE_SYSTEM, "BindReadOnlyPaths=/var:/srv\nReadOnlyPaths=/srv", 4, "outdone"},
        {252, IMM_SCOPE_SYSTEM, "ReadOnlyPaths=/srv\nReadOnlyPaths=/srv", 4, "repeated"},
        {252, IMM_SCOPE_SYSTEM, "InaccessiblePaths=/srv/a /srv/a/b\nInaccessiblePaths=/srv/a/b", 4,
                "repeated"},
        {252, IMM_SCOPE_SYSTEM, "ProtectSystem=yes\nReadOnlyPaths=-/nope", 4, "missing-path"},
        {252, IMM_SCOPE_SYSTEM, "ReadOnlyPaths=-/nope /srv", 3, ""},
        {252, IMM_SCOPE_SYSTEM, "ProtectSystem=yes\nReadOnlyPaths=-/run/later", 4, "missing-path"},
        {252, IMM_SCOPE_SYSTEM, "ProtectSystem=yes\nReadOnlyPaths=-/run/made", 4, ""},
        {252, IMM_SCOPE_SYSTEM, "ProtectSystem=yes\nBindPaths=-/nope:/srv", 4, "missing-path"},
        /* the namespace itself is a difference: others' credentials are hidden */
        {252, IMM_SCOPE_SYSTEM, "ReadOnlyPaths=-/nope", 3, ""},
        {252, IMM_SCOPE_SYSTEM, "PrivateTmp=yes\nPrivateTmp=yes", 3, "overridden"},
        {252, IMM_SCOPE_SYSTEM, "PrivateTmp=yes\nPrivateTmp=no", 3, "overridden"},
        {252, IMM_SCOPE_SYSTEM, "PrivateTmp=yes\nPrivateTmp=no", 4, ""},
        {252, IMM_SCOPE_SYSTEM, "DynamicUser=yes\nPrivateTmp=yes", 4, "implied"},
        {252, IMM_SCOPE_SYSTEM, "PrivateTmp=no", 3, ""},
        {252, IMM_SCOPE_SYSTEM, "RestrictNamespaces=cgroup ipc net mnt pid user uts", 3, "default"},
        {252, IMM_SCOPE_SYSTEM, "RestrictNamespaces=user", 3, ""},
        {252, IMM_SCOPE_SYSTEM, "CapabilityBoundingSet=~", 3, "default"},
        {252, IMM_SCOPE_SYSTEM, "CapabilityBoundingSet=", 3, ""},
        {252, IMM_SCOPE_SYSTEM, "SystemCallFilter=~@mount\nSystemCallFilter=~mount", 4, "repeated"},
        {252, IMM_SCOPE_SYSTEM, "SystemCallErrorNumber=EPERM", 3, "needs-other"},
        {252, IMM_SCOPE_SYSTEM, "SystemCallErrorNumber=EPERM\nSystemCallFilter=~mount", 3, ""},
        {252, IMM_SCOPE_SYSTEM, "SocketBindAllow=tcp:80", 3, "needs-other"},
        {252, IMM_SCOPE_SYSTEM, "SocketBindAllow=tcp:80\nSocketBindDeny=any", 3, ""},
        {252, IMM_SCOPE_SYSTEM, "IPAddressAllow=localhost", 3, "needs-other"},
        {252, IMM_SCOPE_SYSTEM, "IPAddressAllow=localhost\nIPAddressDeny=any", 3, ""},
        {252, IMM_SCOPE_SYSTEM, "IPAddressAllow=localhost\nSlice=denies.slice", 3, ""},
        {252, IMM_SCOPE_SYSTEM, "RemoveIPC=yes", 3, "needs-other"},
        {252, IMM_SCOPE_SYSTEM, "RemoveIPC=yes\nUser=alice", 3, ""},
        {252, IMM_SCOPE_SYSTEM, "StateDirectoryMode=0700", 3, "needs-other"},
        {252, IMM_SCOPE_SYSTEM, "StateDirectoryMode=0700\nStateDirectory=x", 3, ""},
        {252, IMM_SCOPE_SYSTEM, "ProtectHome=yes", 3, ""},
        {252, IMM_SCOPE_SYSTEM, "NoNewPrivileges=yes", 3, ""},
        {252, IMM_SCOPE_SYSTEM, "PrivateMounts=yes\nProtectSystem=yes", 3, "without-effect"},
        {252, IMM_SCOPE_SYSTEM, "PrivateMounts=yes", 3, ""},
        {252, IMM_SCOPE_SYSTEM,
                "ExecStart=\nExecStart=+/usr/bin/true\nProtectSystem=strict\nPrivateTmp=yes", 5,
                "privileged-commands"},
        {252, IMM_SCOPE_SYSTEM, "ExecStart=\nExecStart=+/usr/bin/true\nNoNewPrivileges=yes", 5,
                "privileged-commands"},
        {252, IMM_SCOPE_SYSTEM, "ExecStartPre=+/usr/bin/true\nNoNewPrivileges=yes", 4, ""},
        {252, IMM_SCOPE_SYSTEM, "ExecStart=\nExecStart=+/usr/bin/true\nProtectKernelModules=yes", 5,
                ""},
        {252, IMM_SCOPE_SYSTEM, "IPAddressDeny=any\nIPAddressDeny=10.0.0.0/8", 4, "repeated"},
        {252, IMM_SCOPE_SYSTEM, "IPAddressDeny=any\nIPAddressDeny=10.0.0.0/8", 3, ""},
        {252, IMM_SCOPE_SYSTEM, "IPAddressDeny=10.0.0.0/8\nIPAddressAllow=10.0.0.0/7", 3,
                "outdone"},
        {252, IMM_SCOPE_SYSTEM, "IPAddressDeny=10.0.0.0/8\nIPAddressAllow=11.0.0.0/8", 4,
                "needs-other"},
        {252, IMM_SCOPE_SYSTEM, "IPAddressDeny=10.0.0.0/8\nIPAddressAllow=10.1.0.0/16", 4, ""},
        {252, IMM_SCOPE_SYSTEM,
                "IPAddressDeny=any\nIPAddressAllow=localhost\nIPAddressAllow=127.1.0.0/16", 5,
                "repeated"},
        {252, IMM_SCOPE_SYSTEM, "SocketBindDeny=any\nSocketBindAllow=tcp:80\nSocketBindAllow=70-90",
                4, "repeated"},
        {252, IMM_SCOPE_SYSTEM,
                "SocketBindDeny=any\nSocketBindAllow=tcp:80\nSocketBindAllow=udp:70-90", 4, ""},
        {252, IMM_SCOPE_SYSTEM,
                "DevicePolicy=closed\nDeviceAllow=/dev/sda r\nDeviceAllow=/dev/sda rw\n"
                "DeviceAllow=/dev/sdb w",
                6, ""},
        {252, IMM_SCOPE_SYSTEM,
                "AmbientCapabilities=CAP_CHOWN\nCapabilityBoundingSet=~CAP_CHOWN\nUser=alice", 3,
                "outdone"},
        {252, IMM_SCOPE_SYSTEM, "AmbientCapabilities=CAP_CHOWN\nUser=alice", 3, ""},
        {252, IMM_SCOPE_SYSTEM, "NoNewPrivileges=yes\nUser=alice\nRestrictRealtime=yes", 3,
                "implied"},
        {252, IMM_SCOPE_SYSTEM, "NoNewPrivileges=yes\nUser=alice", 3, ""},
        {252, IMM_SCOPE_SYSTEM, "NoNewPrivileges=yes\nRestrictRealtime=yes", 3, ""},
        {252, IMM_SCOPE_SYSTEM, "SupplementaryGroups=alice\nUser=alice", 3, "implied"},
        {252, IMM_SCOPE_SYSTEM, "Group=alice\nUser=alice", 3, ""},
        {252, IMM_SCOPE_SYSTEM, "DynamicUser=yes\nProtectHome=no", 4, "overridden-elsewhere"},
        {252, IMM_SCOPE_SYSTEM, "MountFlags=shared", 3, "default"},
        {252, IMM_SCOPE_SYSTEM, "MountFlags=slave", 3, ""},
        {252, IMM_SCOPE_SYSTEM, "RootDirectoryStartOnly=yes", 3, "needs-other"},
        {252, IMM_SCOPE_SYSTEM, "PrivateNetwork=yes\nNetworkNamespacePath=/srv", 3, "outdone"},
        {252, IMM_SCOPE_SYSTEM, "PrivateDevices=yes\nInaccessiblePaths=-/dev/mem", 4,
                "missing-path"},
        {252, IMM_SCOPE_SYSTEM, "Environment=A=1 B=1\nEnvironment=B=2 A=2", 3, "overridden"},
        {252, IMM_SCOPE_SYSTEM, "Environment=A=1 B=1\nEnvironment=A=2", 4, ""},
        {252, IMM_SCOPE_SYSTEM, "Environment=A=1\nEnvironment=AB=2", 4, ""},
        {252, IMM_SCOPE_SYSTEM, "Environment=A=1\nEnvironmentFile=/etc/env", 3, ""},
        {252, IMM_SCOPE_SYSTEM, "Environment=A=1\nUnsetEnvironment=A", 3, "outdone"},
        {252, IMM_SCOPE_SYSTEM, "Environment=A=1\nUnsetEnvironment=A=2", 3, ""},
        {252, IMM_SCOPE_SYSTEM, "Environment=A=1\nUnsetEnvironment=A\nUser=alice\nPAMName=x", 3,
                ""},
        {252, IMM_SCOPE_SYSTEM, "PassEnvironment=A\nEnvironment=A=1", 3, "outdone"},
        {252, IMM_SCOPE_SYSTEM, "PassEnvironment=A B\nEnvironment=A=1", 3, ""},
        {252, IMM_SCOPE_SYSTEM, "UnsetEnvironment=A B\nUnsetEnvironment=A", 4, "repeated"},
        {252, IMM_SCOPE_SYSTEM, "SetCredential=a:1\nSetCredential=a:2", 3, "overridden"},
        {252, IMM_SCOPE_SYSTEM, "SetCredential=a:1\nSetCredential=b:2", 3, ""},
        {252, IMM_SCOPE_SYSTEM, "SetCredential=a:1\nLoadCredential=a:/etc/passwd", 3, ""},
        {252, IMM_SCOPE_SYSTEM,
                "LoadCredentialEncrypted=a:/etc/passwd\nLoadCredential=a:/etc/group", 3,
                "overridden"},
        {247, IMM_SCOPE_SYSTEM, "LoadCredential=a:/etc/passwd\nLoadCredential=a:/etc/group", 3, ""},
        {252, IMM_SCOPE_SYSTEM, "SystemCallArchitectures=x86\nSystemCallArchitectures=native", 4,
                "implied"},
        {252, IMM_SCOPE_SYSTEM, "SystemCallArchitectures=native", 3, ""},
        {252, IMM_SCOPE_SYSTEM, "StateDirectory=a\nStateDirectory=a", 4, "repeated"},
        {247, IMM_SCOPE_SYSTEM, "StateDirectory=a\nStateDirectory=a", 4, ""},
        {252, IMM_SCOPE_USER, "ProtectSystem=strict", 3, "user-scope"},
        {252, IMM_SCOPE_USER, "ProtectSystem=strict\nPrivateUsers=yes", 3, ""},
        {257, IMM_SCOPE_USER, "ProtectSystem=strict", 3, ""},
        {252, IMM_SCOPE_USER, "PrivateNetwork=yes", 3, "user-scope"},
        {257, IMM_SCOPE_USER, "IPAddressDeny=any", 3, "user-scope"},
};

TEST(each_line_is_told_for_its_reason) {
        tree_file("usr/lib/tmpfiles.d/made.conf", "d /run/made\n");
        tree_file("etc/systemd/system/denies.slice", "[Slice]\nIPAddressDeny=any\n");
        for (size_t i = 0; i < IMM_ELEMENTSOF(rows); i++) {
                imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
                const char *got;
                struct found f;

                find(rows[i].version, rows[i].scope,
                        imm_printf(a, "[Service]\nExecStart=/usr/bin/true\n%s\n", rows[i].lines), a,
                        &f);
                got = codes(a, &f, rows[i].line);
                if (!imm_streq(got, rows[i].want))
                        fail_msg("%u: %s: line %u is '%s', not '%s'", rows[i].version,
                                rows[i].lines, rows[i].line, got, rows[i].want);
                f.m = imm_manager_free(f.m);
        }
}

/* Units of other types: what comes of a line, where it has anybody to do something for */
TEST(other_types_are_told_what_they_have) {
        static const struct {
                const char *name, *text;
                unsigned line;
                const char *want;
        } types[] = {
                {"a.socket", "[Socket]\nListenStream=/run/a\nProtectSystem=strict\n", 3,
                        "needs-other"},
                {"b.socket",
                        "[Socket]\nListenStream=/run/b\nProtectSystem=strict\n"
                        "ExecStartPre=/usr/bin/true\n",
                        3, ""},
                {"c.socket", "[Socket]\nListenStream=/run/c\nPrivateNetwork=yes\n", 3, ""},
                {"d.slice", "[Slice]\nMemoryMax=1G\nMemoryMax=2G\n", 2, "overridden"},
                {"d.slice", "[Slice]\nMemoryMax=1G\nMemoryMax=2G\n", 3, ""},
                {"e.slice", "[Slice]\nIPAddressAllow=localhost\n", 2, ""},
                {"f.timer", "[Timer]\nOnCalendar=daily\nAccuracySec=1h\nAccuracySec=2h\n", 3,
                        "overridden"},
                {"f.timer", "[Timer]\nOnCalendar=daily\nOnCalendar=weekly\n", 2, ""},
        };

        for (size_t i = 0; i < IMM_ELEMENTSOF(types); i++) {
                const struct imm_manager_options options = {.version = 257};
                imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
                bool socket = imm_ends_with(types[i].name, ".socket");
                struct found f = {0};

                tree_file(imm_printf(a, "etc/systemd/system/%s", types[i].name), types[i].text);
                tree_file("etc/systemd/system/a.service", "[Service]\nExecStart=/usr/bin/true\n");
                assert_int_equal(imm_manager_open(&f.m, root, &options, NULL), 0);
                assert_int_equal(imm_manager_unit(f.m, types[i].name, &f.u, NULL), 0);
                f.s = imm_settings_of(f.m, f.u);
                f.sb = socket ? imm_sandbox_assume(f.m, f.s, a) : NULL;
                imm_idle_find(f.m, f.u, f.s, f.sb, a, &f.list);
                if (!imm_streq(codes(a, &f, types[i].line), types[i].want))
                        fail_msg("%s: line %u is '%s', not '%s'", types[i].name, types[i].line,
                                codes(a, &f, types[i].line), types[i].want);
                f.m = imm_manager_free(f.m);
        }
}

/* ---- random units ---- */

static const char *const pool[] = {"ProtectSystem=yes", "ProtectSystem=full",
        "ProtectSystem=strict", "ProtectHome=yes", "ProtectHome=tmpfs", "ProtectHome=read-only",
        "PrivateTmp=yes", "PrivateMounts=yes", "ProtectProc=invisible", "ProcSubset=pid",
        "ReadOnlyPaths=/srv", "ReadOnlyPaths=/", "ReadOnlyPaths=/usr /etc", "ReadOnlyPaths=/srv/a",
        "ReadWritePaths=/srv", "ReadWritePaths=/", "ReadWritePaths=/var/lib /tmp",
        "ReadWritePaths=-/nope", "InaccessiblePaths=/srv", "InaccessiblePaths=/srv/a/b",
        "InaccessiblePaths=/root -/nope", "NoExecPaths=/", "NoExecPaths=/srv", "ExecPaths=/usr",
        "ExecPaths=/", "BindPaths=/var:/srv", "BindReadOnlyPaths=/var:/srv/a",
        "BindPaths=/srv/a:/srv/a", "TemporaryFileSystem=/srv", "TemporaryFileSystem=/srv:ro",
        "TemporaryFileSystem=/var/lib", "DynamicUser=yes", "User=alice", "NoNewPrivileges=yes",
        "PrivateDevices=yes", "CapabilityBoundingSet=CAP_KILL", "CapabilityBoundingSet=~CAP_KILL",
        "SystemCallFilter=@system-service", "SystemCallFilter=~@mount", "SystemCallFilter=mount",
        "RestrictAddressFamilies=AF_UNIX", "RestrictAddressFamilies=~AF_INET",
        "ProtectKernelTunables=yes", "UMask=0077", "DeviceAllow=/dev/null rw", "StateDirectory=svc",
        "RestrictNamespaces=yes", "SupplementaryGroups=alice"};

static bool tables_only(enum imm_setting id) {
        static const enum imm_setting ids[] = {IMM_SETTING_BIND_PATHS,
                IMM_SETTING_BIND_READ_ONLY_PATHS, IMM_SETTING_EXEC_PATHS,
                IMM_SETTING_INACCESSIBLE_PATHS, IMM_SETTING_NO_EXEC_PATHS,
                IMM_SETTING_PRIVATE_MOUNTS, IMM_SETTING_PRIVATE_TMP, IMM_SETTING_PROC_SUBSET,
                IMM_SETTING_PROTECT_HOME, IMM_SETTING_PROTECT_PROC, IMM_SETTING_PROTECT_SYSTEM,
                IMM_SETTING_READ_ONLY_PATHS, IMM_SETTING_READ_WRITE_PATHS,
                IMM_SETTING_TEMPORARY_FILE_SYSTEM};

        for (size_t i = 0; i < IMM_ELEMENTSOF(ids); i++)
                if (ids[i] == id)
                        return true;
        return false;
}

/* What changes without the line: nothing (0), its own setting's value (1), more (2) */
static int difference(struct found *f, size_t at, enum imm_setting id, struct imm_arena *a) {
        struct imm_unit *u = imm_unit_without(f->u, 0, at, a);
        struct imm_settings *s = imm_settings_compute(f->m, u, f->s->version, a);

        if (!imm_settings_same(f->s, s, id) ||
                !imm_sandbox_same(f->sb, imm_sandbox_assume(f->m, s, a)))
                return 2;
        /* before 250 the service was told each directory as often as it was named */
        return !imm_value_same(imm_setting(f->s, id), imm_setting(s, id),
                f->s->version >= 250 || imm_setting_info(id)->type != IMM_VALUE_DIRECTORIES);
}

TEST(a_line_is_told_exactly_where_nothing_changes_without_it) {
        static const unsigned versions[] = {247, 252, 254, 257};
        uint64_t seed = getenv("SEED") ? (uint64_t)atoi(getenv("SEED")) : 7;
        unsigned told = 0, silent = 0;

        for (unsigned round = 0; round < 160; round++) {
                imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
                char *text = imm_strdup(a, "[Service]\nExecStart=/usr/bin/true\n");
                struct found f;

                for (unsigned i = 0; i < 9; i++) {
                        seed = seed * 6364136223846793005u + 1442695040888963407u;
                        text = imm_printf(
                                a, "%s%s\n", text, pool[(seed >> 33) % IMM_ELEMENTSOF(pool)]);
                }
                find(versions[round % 4], IMM_SCOPE_SYSTEM, text, a, &f);
                for (size_t at = 1; at < f.u->files[0]->n_assignments; at++) {
                        const struct imm_assignment *x = &f.u->files[0]->assignments[at];
                        enum imm_setting id = imm_setting_by_name(x->key);
                        const char *code = codes(a, &f, x->line);
                        int d;

                        if (!imm_setting_known(id, f.s->version))
                                continue;
                        d = difference(&f, at, id, a);
                        if (*code && d == 2)
                                fail_msg("%u: %s=%s is told as %s, but does something:\n%s",
                                        f.s->version, x->key, x->value, code, text);
                        /* of what cannot be set up nothing is claimed */
                        if (f.sb->mounts[f.sb->main].assumed && d < 2)
                                continue;
                        if (!*code && (d == 0 || (d == 1 && tables_only(id))))
                                fail_msg("%u: %s=%s does nothing, and is not told:\n%s",
                                        f.s->version, x->key, x->value, text);
                        *(*code ? &told : &silent) += 1;
                }
                f.m = imm_manager_free(f.m);
        }
        assert_true(told > 100 && silent > 300);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(each_line_is_told_for_its_reason, make, drop),
                cmocka_unit_test_setup_teardown(other_types_are_told_what_they_have, make, drop),
                cmocka_unit_test_setup_teardown(
                        a_line_is_told_exactly_where_nothing_changes_without_it, make, drop)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
