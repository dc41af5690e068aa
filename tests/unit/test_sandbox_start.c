/* What fails before the program runs, beside its mounts: the first step, and what is named. */

#include "analyzer/sandbox/start/preflight.h"
#include "tests/unit/tree.h"

#include <elf.h>

static struct imm_root *root;

/* Base64 of a header: 16 bytes of an identifier, then 32, 1, 12, 16 and what follows */
static const char sealed[] =
        "WhxqTt+"
        "dQJax1aZeCGLxmiAAAAABAAAADAAAABAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

static int make(void **state) {
        /* of this machine, with one segment, which is no loader */
        struct {
                Elf64_Ehdr head;
                Elf64_Phdr segment;
        } program = {{.e_type = ET_EXEC,
                             .e_version = EV_CURRENT,
                             .e_phoff = sizeof(Elf64_Ehdr),
                             .e_phentsize = sizeof(Elf64_Phdr),
                             .e_phnum = 1},
                {.p_type = PT_LOAD}};
        FILE *self = fopen("/proc/self/exe", "re");

        assert_non_null(self);
        assert_int_equal(fread(program.head.e_ident, EI_NIDENT, 1, self), 1);
        assert_int_equal(fclose(self), 0);
        if (tree_make(state) < 0)
                return -1;
        assert_int_equal(chmod(tree, 0755), 0);
        tree_file("etc/passwd", "root:x:0:0::/root:/bin/sh\n");
        tree_file("etc/group", "root:x:0:\n");
        tree_file("etc/text", "plain text\n");
        tree_file("etc/sealed", sealed);
        tree_file("etc/latin", "A=b\nC=\xe4\n");
        tree_file("etc/remark", "# \xe4\nC=d\n");
        tree_link("/no/such/folder/file", "etc/to-nowhere");
        tree_link("new", "etc/to-new");
        tree_file("etc/pam.d/other", "account required pam_permit.so\n");
        tree_file(
                "etc/pam.d/unix", "account required pam_unix.so\naccount required pam_permit.so\n");
        tree_file("etc/pam.d/included", "@include unix\n");
        tree_file("etc/pam.d/optional",
                "-account optional pam_unix.so\naccount required pam_permit.so\n");
        tree_file("etc/pam.d/skips", "auth required pam_deny.so\n"
                                     "account [user_unknown=1 default=bad] pam_unix.so\naccount "
                                     "requisite pam_deny.so\naccount required pam_permit.so\n");
        tree_file("etc/pam.d/denies",
                "account [success=1 default=ignore] pam_unix.so # none\n"
                "account requisite pam_deny.so\naccount required pam_permit.so\n");
        tree_file("etc/pam.d/unknown",
                "account required pam_other.so\naccount requisite pam_deny.so\n");
        assert_int_equal(symlink("loop", tree_path("etc/loop")), 0);
        tree_file("etc/credstore.encrypted/sealed", sealed);
        tree_file("etc/credstore.encrypted/text", "plain text\n");
        tree_bytes("usr/bin/true", (const char *)&program, sizeof(program));
        assert_int_equal(chmod(tree_path("usr/bin/true"), 0755), 0);
        tree_file("etc/systemd/system/fed.socket", "[Socket]\nListenStream=/run/fed\n");
        return imm_root_open(&root, tree, NULL);
}

static int drop(void **state) {
        root = imm_root_free(root);
        return tree_remove(state);
}

#define PAM "DynamicUser=yes\nPAMName="
#define SETS "SetCredentialEncrypted=a:"

static const struct {
        unsigned version;
        const char *unit, *lines, *outcome, *culprit, *assumes;
} rows[] = {
        {257, "x", "", "ok", NULL, NULL},
        {257, "x", "CPUAffinity=numa", "cpu-affinity-failure", "CPUAffinity=numa", NULL},
        {257, "x", "CPUAffinity=numa\nNUMAMask=0", "ok", NULL, NULL},
        {257, "x", "CPUAffinity=0 200", "ok", NULL, NULL},
        {257, "x", "CPUAffinity=4-7", "ok", NULL, "whether the machine has CPU 4"},
        {257, "x", "CPUSchedulingPriority=10", "setscheduler-failure", "CPUSchedulingPriority=10",
                NULL},
        {247, "x", "CPUSchedulingPriority=10", "ok", NULL, NULL},
        {257, "x", "CPUSchedulingPriority=10\nCPUSchedulingPolicy=batch", "ok", NULL, NULL},
        {257, "x", "CPUSchedulingPriority=10\nCPUSchedulingPolicy=fifo", "ok", NULL, NULL},
        {257, "x", "CPUSchedulingPolicy=rr\nCPUSchedulingPriority=0", "setscheduler-failure",
                "CPUSchedulingPriority=0", NULL},
        {257, "x", "CPUSchedulingPolicy=rr", "ok", NULL, NULL},
        {257, "x", "NUMAPolicy=bind", "numa-policy-failure", "NUMAPolicy=bind", NULL},
        {257, "x", "NUMAPolicy=bind\nNUMAMask=all", "ok", NULL, NULL},
        {257, "x", "NUMAPolicy=bind\nNUMAMask=0 5", "ok", NULL, NULL},
        {257, "x", "NUMAPolicy=bind\nNUMAMask=5", "ok", NULL,
                "whether the machine has memory node 5"},
        {257, "x", "NUMAPolicy=local\nNUMAMask=5", "ok", NULL, NULL},
        {257, "x", "NUMAMask=0-1", "numa-policy-failure", "NUMAPolicy=preferred", NULL},
        {257, "x", "StandardInput=tty", "ok", NULL, NULL},
        {257, "x", "StandardInput=tty\nTTYPath=/dev/ttyS7", "ok", NULL, NULL},
        {257, "x", "StandardInput=tty\nTTYPath=/etc/text", "stdin-failure", "/etc/text", NULL},
        {257, "x", "StandardOutput=tty\nTTYPath=/dev/null", "stdout-failure", "/dev/null", NULL},
        {257, "x", "StandardError=tty\nTTYPath=/no/tty", "stderr-failure", "/no/tty", NULL},
        {257, "x", "StandardError=tty\nTTYPath=/dev/log", "stderr-failure", "/dev/log", NULL},
        {257, "x", "StandardOutput=file:/sys/fs/cgroup", "stdout-failure", "/sys/fs/cgroup", NULL},
        {257, "x", "StandardOutput=append:/dev/log", "stdout-failure", "/dev/log", NULL},
        {257, "x", "StandardOutput=file:/etc/loop", "stdout-failure", "/etc/loop", NULL},
        {257, "x", "StandardInput=file:/etc/loop", "stdin-failure", "/etc/loop", NULL},
        {257, "x", "EnvironmentFile=/etc/loop", "environment-failure", "/etc/loop", NULL},
        {257, "x", "StandardOutput=append:/run/systemd/journal/stdout", "ok", NULL, NULL},
        {257, "x", "StandardInput=file:/dev/null", "ok", NULL, NULL},
        {257, "x", "RootImage=/etc", "namespace-failure", "/etc", NULL},
        {257, "x", "RootImage=/etc/text", "namespace-failure", "/etc/text", NULL},
        {257, "x", "ExtensionImages=/etc/text", "namespace-failure", "/etc/text", NULL},
        {257, "x", "MountImages=/no/such:/mnt", "namespace-failure", "/mnt", NULL},
        {257, "x", "MountImages=/etc:/mnt", "namespace-failure", "/etc", NULL},
        {257, "x", "ExtensionDirectories=/etc/text", "namespace-failure", "/etc/text", NULL},
        {257, "x", "EnvironmentFile=/dev/log", "environment-failure", "/dev/log", NULL},
        {257, "x", "EnvironmentFile=/proc/cmdline", "ok", NULL, NULL},
        {257, "x", "EnvironmentFile=/proc/self", "environment-failure", "/proc/self", NULL},
        {257, "x", "EnvironmentFile=/dev/urandom", "environment-failure", "/dev/urandom", NULL},
        {257, "x", "EnvironmentFile=/etc/latin", "environment-failure", "/etc/latin", NULL},
        {257, "x", "EnvironmentFile=-/etc/latin", "ok", NULL, NULL},
        {257, "x", "EnvironmentFile=/etc/remark", "ok", NULL, NULL},
        {257, "x", "StandardOutput=file:/proc/self", "stdout-failure", "/proc/self", NULL},
        {257, "x", "StandardOutput=file:/etc/to-nowhere", "stdout-failure", "/etc/to-nowhere",
                NULL},
        {257, "x", "StandardOutput=file:/etc/to-new", "ok", NULL, NULL},
        {257, "x", "TTYReset=yes\nTTYPath=/no/tty", "ok", NULL, NULL},
        {257, "x", "StandardInput=socket", "socket-failure", "StandardInput=socket", NULL},
        {257, "x", "StandardOutput=fd:a\nOpenFile=/etc/text:a", "socket-failure",
                "StandardOutput=fd:a", NULL},
        {257, "fed", "StandardInput=socket", "ok", NULL, NULL},
        {257, "x", "IPIngressFilterPath=/no/filter", "filter-failure", "/no/filter", NULL},
        {257, "x", "IPIngressFilterPath=/sys/fs/bpf/filter", "ok", NULL, NULL},
        {257, "x", "IPIngressFilterPath=/etc/text", "filter-failure", "/etc/text", NULL},
        {257, "x", "IPEgressFilterPath=/proc/self", "filter-failure", "/proc/self", NULL},
        {257, "x", "LoadCredentialEncrypted=a:/etc/text", "credentials-failure", "/etc/text", NULL},
        {257, "x", "LoadCredentialEncrypted=a:/etc/sealed", "ok", NULL, NULL},
        {257, "x", "LoadCredentialEncrypted=text", "credentials-failure", "text", NULL},
        {257, "x", "LoadCredentialEncrypted=sealed", "ok", NULL, NULL},
        {257, "x", "LoadCredential=text", "ok", NULL, NULL},
        {257, "x", "ImportCredential=te*", "credentials-failure", "te*", NULL},
        {257, "x", SETS "aGVsbG8=", "credentials-failure", "a", NULL},
        {257, "x", SETS "aGVsbG8=\nLoadCredential=a:/etc/text", "ok", NULL, NULL},
        {247, "x", SETS "aGVsbG8=", "ok", NULL, NULL},
        {257, "x", "LimitNOFILE=3", "exec-failure", "/usr/bin/true", NULL},
        {257, "x", "LimitNOFILE=16", "ok", NULL, NULL},
        {247, "x", "LimitNOFILE=3", "ok", NULL, NULL},
        {247, "x", "LimitNOFILE=3\nPrivateTmp=yes", "namespace-failure", NULL, NULL},
        {247, "x", "LimitNOFILE=6\nPrivateTmp=yes", "ok", NULL, NULL},
        {257, "x", "LimitNOFILE=7\nPrivateTmp=yes", "namespace-failure", NULL, NULL},
        {257, "x", "LimitNOFILE=8\nPrivateTmp=yes", "ok", NULL, NULL},
        {254, "x", "LimitNOFILE=11\nPrivateNetwork=yes", "namespace-failure", NULL, NULL},
        {254, "x", "LimitNOFILE=12\nPrivateNetwork=yes", "ok", NULL, NULL},
        {257, "x", PAM "no-such", "ok", NULL, NULL},
        {257, "x", PAM "unix", "pam-failure", "PAMName=unix", NULL},
        {257, "x", PAM "included", "pam-failure", "PAMName=included", NULL},
        {257, "x", PAM "optional", "ok", NULL, NULL},
        {257, "x", PAM "skips", "ok", NULL, NULL},
        {257, "x", PAM "denies", "pam-failure", "PAMName=denies", NULL},
        {257, "x", PAM "unknown", "ok", NULL, NULL},
};

static void test_outcomes(void **state) {
        for (size_t i = 0; i < IMM_ELEMENTSOF(rows); i++) {
                const struct imm_manager_options options = {.version = rows[i].version};
                imm_cleanup(imm_manager_free) struct imm_manager *m = NULL;
                imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
                const char *name = imm_printf(a, "%s.service", rows[i].unit), *assumes = NULL;
                const struct imm_mount_table *t;
                const struct imm_sandbox *sb;
                struct imm_unit *u;

                tree_file(imm_printf(a, "etc/systemd/system/%s", name),
                        imm_printf(a, "[Service]\nExecStart=/usr/bin/true\n%s\n", rows[i].lines));
                assert_int_equal(imm_manager_open(&m, root, &options, NULL), 0);
                assert_int_equal(imm_manager_unit(m, name, &u, NULL), 0);
                sb = imm_sandbox_of(m, u);
                t = &sb->mounts[sb->main];
                for (size_t k = 0; k < t->assumes.n; k++)
                        if (imm_after(t->assumes.v[k], "whether the machine"))
                                assumes = t->assumes.v[k];
                if (!imm_streq(imm_outcome_name(t->outcome), rows[i].outcome))
                        fail_msg("%s: %s", rows[i].lines, imm_outcome_name(t->outcome));
                if (rows[i].culprit)
                        assert_string_equal(t->culprit, rows[i].culprit);
                if (rows[i].assumes)
                        assert_string_equal(assumes, rows[i].assumes);
                else
                        assert_null(assumes);
                assert_int_equal(
                        unlink(tree_path(imm_printf(a, "etc/systemd/system/%s", name))), 0);
        }
}

/* Commands of socket units are foretold as those of services; without one nothing is started. */
static void test_sockets(void **state) {
        static const struct {
                const char *lines, *want;
        } sockets[] = {
                {"ExecStartPre=/usr/bin/true", ""},
                {"ExecStartPre=/no/such", "203/EXEC: /no/such is not there"},
                {"ExecStartPre=-/no/such", ""},
                {"ExecStartPost=/no/such", "203/EXEC: /no/such is not there"},
                {"ExecStartPre=/usr/bin/true\nReadOnlyPaths=/no/such",
                        "226/NAMESPACE: /no/such is not there"},
                {"ReadOnlyPaths=/no/such", ""},
                {"User=nobody-here", ""},
        };

        for (size_t i = 0; i < IMM_ELEMENTSOF(sockets); i++) {
                const struct imm_manager_options options = {.version = 257};
                imm_cleanup(imm_manager_free) struct imm_manager *m = NULL;
                imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
                struct imm_preflight_list list = {0};
                struct imm_settings *s;
                struct imm_unit *u;

                tree_file("etc/systemd/system/s.socket",
                        imm_printf(a, "[Socket]\nListenStream=/run/s\n%s\n", sockets[i].lines));
                tree_file("etc/systemd/system/s.service", "[Service]\nExecStart=/usr/bin/true\n");
                assert_int_equal(imm_manager_open(&m, root, &options, NULL), 0);
                assert_int_equal(imm_manager_unit(m, "s.socket", &u, NULL), 0);
                s = imm_settings_of(m, u);
                imm_preflight_find(m, u, s, imm_sandbox_assume(m, s, a), a, &list);
                assert_string_equal(list.n > 0 ? list.v[0].why : "", sockets[i].want);
        }
}

/* What only the machine's own mount lets nobody execute is hidden by no setting. */
static void test_noexec(void **state) {
        static const char *const lines[] = {"", "ReadOnlyPaths=/opt", "ProtectSystem=strict"};

        tree_file("etc/fstab", "/dev/sdb1 /opt ext4 noexec 0 2\n");
        tree_file("opt/run", "#!/usr/bin/true\n");
        assert_int_equal(chmod(tree_path("opt/run"), 0755), 0);
        for (size_t i = 0; i < IMM_ELEMENTSOF(lines); i++) {
                const struct imm_manager_options options = {.version = 257};
                imm_cleanup(imm_manager_free) struct imm_manager *m = NULL;
                imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
                struct imm_preflight_list list = {0};
                struct imm_settings *s;
                struct imm_unit *u;

                tree_file("etc/systemd/system/e.service",
                        imm_printf(a, "[Service]\nExecStart=/opt/run\n%s\n", lines[i]));
                assert_int_equal(imm_manager_open(&m, root, &options, NULL), 0);
                assert_int_equal(imm_manager_unit(m, "e.service", &u, NULL), 0);
                s = imm_settings_of(m, u);
                imm_preflight_find(m, u, s, imm_sandbox_assume(m, s, a), a, &list);
                assert_string_equal(list.n > 0 ? list.v[0].why : "",
                        "203/EXEC: /opt/run, which lies on a file system that is mounted noexec");
        }
        assert_int_equal(unlink(tree_path("etc/fstab")), 0);
}

/* A setting that lets nobody execute what lies on the machine's own mount is to blame, not the one
 * that makes that mount read-only. */
static void test_noexec_of_unit(void **state) {
        static const char *const lines[] = {"NoExecPaths=/", "ProtectSystem=strict\nNoExecPaths=/"};

        tree_file("opt/run", "#!/usr/bin/true\n");
        assert_int_equal(chmod(tree_path("opt/run"), 0755), 0);
        for (size_t i = 0; i < IMM_ELEMENTSOF(lines); i++) {
                const struct imm_manager_options options = {.version = 257};
                imm_cleanup(imm_manager_free) struct imm_manager *m = NULL;
                imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
                struct imm_preflight_list list = {0};
                struct imm_settings *s;
                struct imm_unit *u;

                tree_file("etc/systemd/system/e.service",
                        imm_printf(a, "[Service]\nExecStart=/opt/run\n%s\n", lines[i]));
                assert_int_equal(imm_manager_open(&m, root, &options, NULL), 0);
                assert_int_equal(imm_manager_unit(m, "e.service", &u, NULL), 0);
                s = imm_settings_of(m, u);
                imm_preflight_find(m, u, s, imm_sandbox_assume(m, s, a), a, &list);
                assert_int_equal(list.n, 1);
                assert_non_null(strstr(list.v[0].why, "which NoExecPaths= lets nobody execute"));
                assert_int_equal(list.v[0].setting, IMM_SETTING_NO_EXEC_PATHS);
        }
}

/* Mount and swap units have no commands: systemd executes mount(8) and swapon(8) with their
 * settings. */
static void test_mounts(void **state) {
        static const struct {
                const char *unit, *lines, *want;
        } units[] = {
                {"srv-x.mount", "", ""},
                {"srv-x.mount", "User=nobody-here", "217/USER: no user nobody-here in the root"},
                {"srv-x.mount", "ReadOnlyPaths=/no/such", "226/NAMESPACE: /no/such is not there"},
                {"srv-x.mount", "StandardOutput=file:/no/such/log",
                        "209/STDOUT: /no/such/log is not there"},
                {"srv-x.mount", "InaccessiblePaths=/usr/bin",
                        "203/EXEC: /usr/bin/mount, which InaccessiblePaths= hides "
                        "(/etc/systemd/system/srv-x.mount:4)"},
                {"dev-x.swap", "", ""},
                {"dev-x.swap", "ReadOnlyPaths=/no/such", "226/NAMESPACE: /no/such is not there"},
        };

        tree_file("usr/bin/mount", "#!/usr/bin/true\n");
        assert_int_equal(chmod(tree_path("usr/bin/mount"), 0755), 0);
        for (size_t i = 0; i < IMM_ELEMENTSOF(units); i++) {
                const struct imm_manager_options options = {.version = 257};
                imm_cleanup(imm_manager_free) struct imm_manager *m = NULL;
                imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
                bool swap = imm_ends_with(units[i].unit, ".swap");
                struct imm_preflight_list list = {0};
                struct imm_settings *s;
                struct imm_unit *u;

                tree_file(imm_printf(a, "etc/systemd/system/%s", units[i].unit),
                        imm_printf(a,
                                swap ? "[Swap]\nWhat=/dev/x\n%s\n"
                                     : "[Mount]\nWhat=/dev/x\nWhere=/srv/x\n%s\n",
                                units[i].lines));
                assert_int_equal(imm_manager_open(&m, root, &options, NULL), 0);
                assert_int_equal(imm_manager_unit(m, units[i].unit, &u, NULL), 0);
                s = imm_settings_of(m, u);
                imm_preflight_find(m, u, s, imm_sandbox_assume(m, s, a), a, &list);
                assert_string_equal(list.n > 0 ? list.v[0].why : "", units[i].want);
        }
}

/* On the tmpfs of credentials, from 254 on, each takes a page, and there are so many files. */
static void test_many_credentials(void **state) {
        static const struct {
                unsigned version, n;
                const char *text, *lines, *outcome;
        } many[] = {
                {257, 256, "x", "", "ok"},
                {257, 257, "x", "", "credentials-failure"},
                {252, 257, "x", "", "ok"},
                {254, 256, "x", "SetCredential=own:x", "credentials-failure"},
                {257, 1023, "", "", "ok"},
                {257, 1024, "", "", "credentials-failure"},
                {252, 1024, "", "", "ok"},
        };

        for (size_t i = 0; i < IMM_ELEMENTSOF(many); i++) {
                const struct imm_manager_options options = {.version = many[i].version};
                imm_cleanup(imm_manager_free) struct imm_manager *m = NULL;
                imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
                const struct imm_sandbox *sb;
                struct imm_unit *u;

                for (unsigned k = 0; k < many[i].n; k++)
                        tree_file(imm_printf(a, "etc/many-%zu/%u", i, k), many[i].text);
                tree_file("etc/systemd/system/many.service",
                        imm_printf(a,
                                "[Service]\nExecStart=/usr/bin/true\n"
                                "LoadCredential=a:/etc/many-%zu\n%s\n",
                                i, many[i].lines));
                assert_int_equal(imm_manager_open(&m, root, &options, NULL), 0);
                assert_int_equal(imm_manager_unit(m, "many.service", &u, NULL), 0);
                sb = imm_sandbox_of(m, u);
                assert_string_equal(
                        imm_outcome_name(sb->mounts[sb->main].outcome), many[i].outcome);
        }
}

/* Debian's systemd before 255 was built for /bin/mount, and its swapon(8) lies in /sbin. */
static void test_tools(void **state) {
        static const struct {
                unsigned version;
                const char *unit, *lines, *want;
        } tools[] = {
                {252, "srv-x.mount", "[Mount]\nWhat=/dev/x\nWhere=/srv/x\n", "/bin/mount"},
                {257, "srv-x.mount", "[Mount]\nWhat=/dev/x\nWhere=/srv/x\n", "/usr/bin/mount"},
                {257, "dev-x.swap", "[Swap]\nWhat=/dev/x\n", "/sbin/swapon"},
        };

        tree_file("etc/debian_version", "12\n");
        tree_file("bin/mount", "#!/usr/bin/true\n");
        tree_file("usr/bin/mount", "#!/usr/bin/true\n");
        tree_file("sbin/swapon", "#!/usr/bin/true\n");
        assert_int_equal(chmod(tree_path("bin/mount"), 0755), 0);
        assert_int_equal(chmod(tree_path("usr/bin/mount"), 0755), 0);
        assert_int_equal(chmod(tree_path("sbin/swapon"), 0755), 0);
        for (size_t i = 0; i < IMM_ELEMENTSOF(tools); i++) {
                const struct imm_manager_options options = {.version = tools[i].version};
                imm_cleanup(imm_manager_free) struct imm_manager *m = NULL;
                imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
                const char *file = imm_printf(a, "etc/systemd/system/%s", tools[i].unit);
                struct imm_preflight_list list = {0};
                struct imm_settings *s;
                struct imm_unit *u;

                tree_file(file,
                        imm_printf(a, "%sInaccessiblePaths=/bin /usr/bin /sbin\n", tools[i].lines));
                assert_int_equal(imm_manager_open(&m, root, &options, NULL), 0);
                assert_int_equal(imm_manager_unit(m, tools[i].unit, &u, NULL), 0);
                s = imm_settings_of(m, u);
                imm_preflight_find(m, u, s, imm_sandbox_assume(m, s, a), a, &list);
                assert_int_equal(list.n, 1);
                assert_string_equal(list.v[0].culprit, tools[i].want);
                assert_int_equal(unlink(tree_path(file)), 0);
        }
        assert_int_equal(unlink(tree_path("etc/debian_version")), 0);
}

/* What mount(8) and swapon(8) fail for, and what systemd refuses to start by itself */
static void test_mounting(void **state) {
        static const struct {
                const char *unit, *lines, *want;
        } units[] = {
                {"srv-a.mount", "[Mount]\nWhat=/srv/no.img\nWhere=/srv/a\nType=ext4",
                        "32: /srv/no.img is not there"},
                {"srv-a.mount", "[Mount]\nWhat=/srv/no.img\nWhere=/srv/a",
                        "32: /srv/no.img is not there"},
                {"srv-a.mount", "[Mount]\nWhat=/srv/no\nWhere=/srv/a\nOptions=ro,bind", ""},
                {"srv-a.mount", "[Mount]\nWhat=/srv/no\nWhere=/srv/a\nType=overlay", ""},
                {"srv-a.mount", "[Mount]\nWhat=/etc\nWhere=/srv/a",
                        "32: /etc, which is a directory: Options=bind"},
                {"srv-a.mount", "[Mount]\nWhat=/etc\nWhere=/srv/a\nType=none\nOptions=rbind", ""},
                {"srv-a.mount", "[Mount]\nWhat=tmpfs\nWhere=/srv/a",
                        "32: What=tmpfs, which names neither a file nor a device"},
                {"srv-a.mount", "[Mount]\nWhat=LABEL=x\nWhere=/srv/a", ""},
                {"srv-a.mount", "[Mount]\nWhat=s:/x\nWhere=/srv/a",
                        "32: /sbin/mount.nfs is not there"},
                {"srv-a.mount", "[Mount]\nWhat=/dev/none\nWhere=/srv/a\nType=ext4", ""},
                {"srv-a.mount", "[Mount]\nWhat=/run/none\nWhere=/srv/a\nType=ext4", ""},
                {"srv-a.mount", "[Mount]\nWhat=/etc/to-nowhere\nWhere=/srv/a\nOptions=bind",
                        "32: /etc/to-nowhere, which is a link to nothing"},
                {"srv-a.mount", "[Mount]\nWhat=/etc/text/x\nWhere=/srv/a\nOptions=rbind",
                        "32: /etc/text/x, which lies below a file"},
                {"etc-text.mount", "[Mount]\nWhat=tmpfs\nWhere=/etc/text\nType=tmpfs",
                        "32: /etc/text, which is no directory"},
                {"etc-text.mount", "[Mount]\nWhat=/etc/latin\nWhere=/etc/text\nOptions=bind", ""},
                {"etc-loop-x.mount", "[Mount]\nWhat=tmpfs\nWhere=/etc/loop/x\nType=tmpfs",
                        "resources: /etc/loop/x, where /etc/loop is a link"},
                {"srv-a.mount", "[Mount]\nWhat=s:/x\nWhere=/srv/a\nType=nfs",
                        "32: /sbin/mount.nfs is not there"},
                {"srv-a.mount", "[Mount]\nWhat=s:/x\nWhere=/srv/a\nType=nfs\nOptions=addr=::1", ""},
                {"srv-a.mount", "[Mount]\nWhat=x\nWhere=/srv/a\nType=fuse.none",
                        "32: /sbin/mount.fuse is not there"},
                {"srv-a.mount", "[Mount]\nWhat=x\nWhere=/srv/a\nType=fuse.own", ""},
                {"srv-a.mount", "[Mount]\nWhat=x\nWhere=/srv/a\nType=virtiofs", ""},
                {"srv-none.swap", "[Swap]\nWhat=/srv/none", "255: /srv/none is not there"},
                {"dev-none.swap", "[Swap]\nWhat=/dev/none", ""},
                {"a.timer", "[Timer]\nOnActiveSec=1h",
                        "refused: a.service, the unit that it is to start, is not there"},
                {"a.timer", "[Timer]\nOnActiveSec=1h\nUnit=b.target",
                        "refused: b.target, the unit that it is to start, is not there"},
                {"fed.timer", "[Timer]\nOnActiveSec=1h\nUnit=fed.socket", ""},
                {"a.timer", "[Timer]\nOnActiveSec=1h\nUnit=many@x.service", ""},
                {"script.timer", "[Timer]\nOnActiveSec=1h", ""},
                {"a.path", "[Path]\nPathExists=/srv\nUnit=b.service",
                        "refused: b.service, the unit that it is to start, is not there"},
                {"a.socket", "[Socket]\nListenStream=/run/a",
                        "refused: a.service, the unit that it is to start, is not there"},
                {"a.socket", "[Socket]\nListenStream=/run/a\nAccept=yes", ""},
                {"srv-b.automount", "[Automount]\nWhere=/srv/b",
                        "refused: srv-b.mount, the unit that it is to start, is not there"},
                {"srv-c.automount", "[Automount]\nWhere=/srv/c", ""},
        };

        tree_file("sbin/mount.fuse.own", "");
        tree_file("etc/init.d/script", "");
        tree_file("etc/fstab", "/dev/sdc1 /srv/c ext4 noauto 0 0\n");
        tree_file("etc/systemd/system/many@.service", "[Service]\nExecStart=/usr/bin/true\n");
        for (size_t i = 0; i < IMM_ELEMENTSOF(units); i++) {
                const struct imm_manager_options options = {.version = 257};
                imm_cleanup(imm_manager_free) struct imm_manager *m = NULL;
                imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
                const char *file = imm_printf(a, "etc/systemd/system/%s", units[i].unit);
                struct imm_preflight_list list = {0};
                struct imm_settings *s;
                struct imm_unit *u;

                tree_file(file, imm_printf(a, "%s\n", units[i].lines));
                assert_int_equal(imm_manager_open(&m, root, &options, NULL), 0);
                assert_int_equal(imm_manager_unit(m, units[i].unit, &u, NULL), 0);
                s = imm_settings_of(m, u);
                imm_preflight_find(m, u, s, imm_sandbox_assume(m, s, a), a, &list);
                if (!imm_streq(list.n > 0 ? list.v[0].why : "", units[i].want))
                        fail_msg("%s: %s", units[i].lines, list.n > 0 ? list.v[0].why : "starts");
                assert_int_equal(unlink(tree_path(file)), 0);
        }
        assert_int_equal(unlink(tree_path("etc/fstab")), 0);
}

/* A small image can hold many names of one large file: gigabytes and minutes otherwise */
static void test_large_credentials(void **state) {
        enum { LARGE = 930000, NAMES = 1500 };
        const struct imm_manager_options options = {.version = 257};
        imm_cleanup(imm_manager_free) struct imm_manager *m = NULL;
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        imm_auto_free char *text = imm_xcalloc(LARGE + 1, 1);
        const struct imm_mount_table *t;
        struct imm_sandbox *sandbox;
        const char *large;
        struct imm_unit *u;

        memset(text, 'A', LARGE);
        memcpy(text, sealed, strcspn(sealed, "=")); /* what follows it may be anything */
        tree_file("etc/credstore.encrypted/large", text);
        large = imm_strdup(a, tree_path("etc/credstore.encrypted/large"));
        for (unsigned i = 0; i < NAMES; i++)
                assert_int_equal(link(large, imm_printf(a, "%s%u", large, i)), 0);
        tree_file("etc/systemd/system/l.service",
                "[Service]\nExecStart=/usr/bin/true\nImportCredential=l*\n"
                "ImportCredential=la*\nImportCredential=lar*\nImportCredential=larg*\n"
                "ImportCredential=large*\nImportCredential=large1*\nImportCredential=large2*\n");
        assert_int_equal(imm_manager_open(&m, root, &options, NULL), 0);
        assert_int_equal(imm_manager_unit(m, "l.service", &u, NULL), 0);
        sandbox = imm_sandbox_assume(m, imm_settings_of(m, u), a);
        t = &sandbox->tried[sandbox->main];
        assert_int_equal(t->outcome, IMM_OUTCOME_OK);
        assert_true(imm_strv_has(&t->assumes, "that all credentials can be decrypted"));
}

/* Whoever gives limits to the user's manager lets its services have real-time scheduling. */
static void test_limits_of_users(void **state) {
        static const struct {
                const char *file, *text, *outcome;
        } limits[] = {
                {"etc/other", "", "setscheduler-failure"},
                {"etc/systemd/system/user@1000.service.d/a.conf", "[Service]\nLimitRTPRIO=5\n",
                        "ok"},
                {"etc/systemd/system/user@1001.service.d/a.conf", "[Service]\nLimitRTPRIO=5\n",
                        "setscheduler-failure"},
                {"etc/systemd/system/user@.service.d/a.conf", "[Service]\nLimitRTPRIO=0\n",
                        "setscheduler-failure"},
                {"etc/systemd/system.conf.d/a.conf", "[Manager]\nDefaultLimitRTPRIO=5\n", "ok"},
                {"etc/security/limits.d/a.conf", "* - rtprio 9\n", "ok"},
        };

        assert_int_equal(chmod(tree, 0755), 0);
        tree_file("etc/passwd", "root:x:0:0::/root:/bin/sh\nu:x:1000:0::/home/u:/bin/sh\n");
        tree_file("etc/systemd/system/user@.service", "[Service]\nExecStart=/usr/bin/true\n");
        tree_file("etc/systemd/user/r.service",
                "[Service]\nExecStart=/usr/bin/true\nCPUSchedulingPolicy=fifo\n");
        for (size_t i = 0; i < IMM_ELEMENTSOF(limits); i++) {
                const struct imm_manager_options options = {
                        .scope = IMM_SCOPE_USER, .version = 257};
                imm_cleanup(imm_manager_free) struct imm_manager *m = NULL;
                const struct imm_sandbox *sb;
                struct imm_unit *u;

                tree_file(limits[i].file, limits[i].text);
                assert_int_equal(imm_manager_open(&m, root, &options, NULL), 0);
                assert_int_equal(imm_manager_unit(m, "r.service", &u, NULL), 0);
                sb = imm_sandbox_of(m, u);
                assert_string_equal(
                        imm_outcome_name(sb->mounts[sb->main].outcome), limits[i].outcome);
                assert_int_equal(unlink(tree_path(limits[i].file)), 0);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_outcomes),
                cmocka_unit_test(test_sockets), cmocka_unit_test(test_mounts),
                cmocka_unit_test(test_noexec), cmocka_unit_test(test_noexec_of_unit),
                cmocka_unit_test(test_tools), cmocka_unit_test(test_mounting),
                cmocka_unit_test(test_many_credentials), cmocka_unit_test(test_large_credentials),
                cmocka_unit_test(test_limits_of_users)};

        return cmocka_run_group_tests(tests, make, drop);
}
