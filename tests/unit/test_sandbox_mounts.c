/*
 * Mount tables from unit text on a small root, a row per version where versions differ. What is
 * expected here was measured on booted systemds (tests/lab); these rows keep it when no lab can
 * run.
 */

#include "analyzer/sandbox/sandbox.h"
#include "tests/unit/tree.h"

static struct imm_root *root;

static int make(void **state) {
        struct imm_err err = IMM_ERR_INIT;

        if (tree_make(state) < 0)
                return -1;
        tree_file("etc/passwd",
                "root:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\n");
        tree_file("etc/group", "root:x:0:\nalice:x:1000:\n");
        tree_file("etc/os-release", "ID=debian\n");
        tree_file("usr/bin/true", "#!x\n");
        assert_int_equal(chmod(tree_path("usr/bin/true"), 0755), 0);
        tree_link("usr/bin", "bin");
        tree_dir("home");
        tree_dir("home/alice");
        tree_dir("root");
        tree_dir("mnt");
        tree_dir("tmp");
        tree_dir("var");
        tree_dir("var/tmp");
        tree_dir("var/lib");
        tree_dir("var/lib/svc");
        tree_link("/run", "var/run");
        tree_dir("srv");
        tree_dir("srv/sub");
        tree_link("../usr", "srv/up");
        tree_link("loop", "srv/loop");
        tree_link(".", "srv/dot");
        tree_link("sub/.", "srv/named-dot");
        tree_file("srv/tree/usr/bin/true", "#!x\n");
        assert_int_equal(chmod(tree_path("srv/tree/usr/bin/true"), 0755), 0);
        return imm_root_open(&root, tree, &err);
}

static int drop(void **state) {
        root = imm_root_free(root);
        return tree_remove(state);
}

/* "bind /srv ro,nosuid", or the outcome if it is not ok, or "-" where nothing is mounted */
static const char *seen(
        struct imm_arena *a, unsigned version, const char *lines, const char *path) {
        static const struct {
                unsigned flag;
                const char *text;
        } flags[] = {{IMM_MOUNT_NOSUID, ",nosuid"}, {IMM_MOUNT_NODEV, ",nodev"},
                {IMM_MOUNT_NOEXEC, ",noexec"}};
        const struct imm_manager_options options = {.version = version};
        imm_cleanup(imm_manager_free) struct imm_manager *m = NULL;
        const struct imm_mount_table *t;
        const struct imm_mount *at;
        struct imm_sandbox *sb;
        struct imm_unit *u;
        char *text;

        tree_file("etc/systemd/system/x.service",
                imm_printf(a, "[Service]\nExecStart=/usr/bin/true\n%s\n", lines));
        assert_int_equal(imm_manager_open(&m, root, &options, NULL), 0);
        assert_int_equal(imm_manager_unit(m, "x.service", &u, NULL), 0);
        sb = imm_sandbox_of(m, u);
        t = &sb->mounts[sb->main];
        if (t->n == 0)
                return imm_outcome_name(t->outcome);
        at = imm_mount_at(t, path);
        assert_non_null(at);
        if (strcmp(at->path, path) != 0)
                return "-";
        text = imm_printf(a, "%s %s %s", at->of_host ? "host" : at->fstype, at->source,
                at->flags & IMM_MOUNT_RDONLY ? "ro" : "rw");
        for (size_t i = 0; i < IMM_ELEMENTSOF(flags); i++)
                if (at->flags & flags[i].flag)
                        text = imm_printf(a, "%s%s", text, flags[i].text);
        return text;
}

struct row {
        const char *lines, *path;
        const char *want[4]; /* on 247, 252, 254, 257; NULL: as the one before */
};

static void check(const struct row *rows, size_t n) {
        static const unsigned versions[] = {247, 252, 254, 257};

        for (size_t i = 0; i < n; i++) {
                const char *want = NULL;

                for (size_t v = 0; v < IMM_ELEMENTSOF(versions); v++) {
                        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
                        const char *got = seen(a, versions[v], rows[i].lines, rows[i].path);

                        want = rows[i].want[v] ? rows[i].want[v] : want;
                        if (strcmp(got, want) != 0)
                                print_error(
                                        "%u: %s: %s\n", versions[v], rows[i].lines, rows[i].path);
                        assert_string_equal(got, want);
                }
        }
}
#define CHECK(rows) check(rows, IMM_ELEMENTSOF(rows))

TEST(host) {
        static const struct row rows[] = {
                {"", "/", {"host / rw"}},
                {"", "/proc", {"host /proc rw,nosuid,nodev,noexec"}},
                {"", "/run", {"host /run rw,nosuid,nodev"}},
                {"", "/run/lock", {"host /run/lock rw,nosuid,nodev,noexec", NULL, NULL, "-"}},
                {"", "/tmp", {"-"}},
        };

        CHECK(rows);
}

TEST(protections) {
        static const struct row rows[] = {
                {"ProtectSystem=strict", "/", {"host / ro"}},
                {"ProtectSystem=strict", "/home", {"bind /home rw"}},
                {"ProtectSystem=strict", "/sys", {"host /sys rw,nosuid,nodev,noexec"}},
                {"ProtectSystem=yes", "/usr", {"bind /usr ro"}},
                {"ProtectHome=yes", "/home",
                        {"bind /run/systemd/inaccessible/dir ro,nosuid,nodev",
                                "bind /run/systemd/inaccessible/dir ro,nosuid,nodev,noexec"}},
                {"ProtectHome=tmpfs", "/home",
                        {"tmpfs tmpfs rw", NULL, NULL, "tmpfs tmpfs ro,nodev"}},
                {"ProtectKernelTunables=yes", "/sys",
                        {"host /sys ro,nosuid,nodev,noexec", NULL, NULL,
                                "host /sys rw,nosuid,nodev,noexec"}},
                {"PrivateNetwork=yes\nPrivateMounts=yes", "/sys",
                        {"host /sys rw,nosuid,nodev,noexec", NULL,
                                "sysfs sysfs rw,nosuid,nodev,noexec"}},
                {"PrivateTmp=yes", "/tmp", {"bind /tmp/systemd-private-*-x.service-*/tmp rw"}},
                {"PrivateTmp=disconnected", "/tmp", {"-", NULL, NULL, "tmpfs tmpfs rw,nodev"}},
                {"PrivateDevices=yes", "/dev", {"tmpfs tmpfs ro,nosuid,noexec"}},
                {"NoNewPrivileges=yes\nPrivateMounts=yes", "/", {"host / rw"}},
                {"NoNewPrivileges=yes\nProtectSystem=strict", "/",
                        {"host / ro", "host / ro,nosuid"}},
                {"PrivateMounts=yes", "/run/systemd/incoming",
                        {"-", "bind /run/systemd/propagate/x.service ro,nosuid,nodev"}},
        };

        CHECK(rows);
}

/* At one path the mightier mode wins, whatever the order of lines; flags add up. */
TEST(priorities) {
        static const struct row rows[] = {
                {"ProtectSystem=strict\nReadWritePaths=/", "/", {"host / ro"}},
                {"ReadWritePaths=/var\nReadOnlyPaths=/var", "/var", {"bind /var ro"}},
                {"BindReadOnlyPaths=/srv:/mnt\nBindPaths=/var:/mnt", "/mnt", {"bind /srv ro"}},
                {"BindPaths=/var:/mnt\nBindReadOnlyPaths=/srv:/mnt", "/mnt", {"bind /var ro"}},
                {"PrivateTmp=yes\nTemporaryFileSystem=/tmp:ro", "/tmp",
                        {"bind /tmp/systemd-private-*-x.service-*/tmp ro"}},
                /* the tmpfs loses against the read-only host */
                {"TemporaryFileSystem=/\nProtectSystem=strict", "/", {"host / ro"}},
                {"InaccessiblePaths=/var/lib\nBindPaths=/srv:/var/lib/svc", "/var/lib/svc", {"-"}},
                {"ProtectHome=tmpfs\nBindPaths=/srv:/home/alice", "/home/alice", {"bind /srv rw"}},
                {"ReadOnlyPaths=/var\nReadOnlyPaths=/var/lib", "/var/lib", {"-"}},
        };

        CHECK(rows);
}

/* Who wins is not to blame for what another one asks for at the same path. */
TEST(who_makes_it_read_only) {
        static const unsigned versions[] = {247, 252, 254};

        for (size_t i = 0; i < IMM_ELEMENTSOF(versions); i++) {
                const struct imm_manager_options options = {.version = versions[i]};
                imm_cleanup(imm_manager_free) struct imm_manager *m = NULL;
                const struct imm_mount *at;
                struct imm_sandbox *sb;
                struct imm_unit *u;

                tree_file("etc/systemd/system/x.service",
                        "[Service]\nExecStart=/usr/bin/true\nProtectKernelTunables=yes\n"
                        "ProtectControlGroups=yes\n");
                assert_int_equal(imm_manager_open(&m, root, &options, NULL), 0);
                assert_int_equal(imm_manager_unit(m, "x.service", &u, NULL), 0);
                sb = imm_sandbox_of(m, u);
                at = imm_mount_at(&sb->mounts[sb->main], "/sys");
                assert_true(at->flags & IMM_MOUNT_RDONLY);
                assert_int_equal(at->read_only_by.setting, IMM_SETTING_PROTECT_KERNEL_TUNABLES);
        }
}

TEST(links_and_failures) {
        static const struct row rows[] = {
                {"ReadOnlyPaths=/srv/up/bin", "/usr/bin", {"bind /usr/bin ro"}},
                {"ReadOnlyPaths=/bin", "/usr/bin", {"bind /usr/bin ro"}},
                {"ReadOnlyPaths=/srv/loop", "/", {"namespace-failure"}},
                {"ReadOnlyPaths=-/srv/loop", "/", {"namespace-failure"}},
                {"ReadOnlyPaths=/nowhere", "/", {"namespace-failure"}},
                {"ReadOnlyPaths=-/nowhere", "/", {"host / rw"}},
                {"BindPaths=/nowhere:/mnt", "/", {"namespace-failure"}},
                {"BindPaths=-/nowhere:/mnt", "/mnt", {"-"}},
                {"BindPaths=/srv:/mnt/new/dir", "/mnt/new/dir", {"bind /srv rw"}},
                {"ReadOnlyPaths=-/etc/passwd/x", "/", {"namespace-failure"}},
                {"TemporaryFileSystem=/var:nonsense", "/", {"namespace-failure"}},
                {"TemporaryFileSystem=/var:size=10%", "/var", {"tmpfs tmpfs rw,nodev"}},
                /* specifiers are not expanded there */
                {"TemporaryFileSystem=/var:size=10%%", "/", {"namespace-failure"}},
                {"TemporaryFileSystem=/var:nr_inodes=1k,size=1M", "/var", {"tmpfs tmpfs rw,nodev"}},
                {"TemporaryFileSystem=/var:size=lots", "/", {"namespace-failure"}},
                {"TemporaryFileSystem=/var:noexec,dev", "/var", {"tmpfs tmpfs rw,noexec"}},
                /* what hides /run makes the step after it fail, since there is one */
                {"InaccessiblePaths=/var/run", "/run",
                        {"bind /run/systemd/inaccessible/dir ro,nosuid,nodev",
                                "namespace-failure"}},
                {"LoadCredential=x:/nowhere", "/", {"credentials-failure"}},
        };

        CHECK(rows);
}

TEST(own_process) {
        static const struct row rows[] = {
                {"InaccessiblePaths=/proc/self", "/proc/@self",
                        {"bind /run/systemd/inaccessible/dir ro,nosuid,nodev",
                                "bind /run/systemd/inaccessible/dir ro,nosuid,nodev,noexec"}},
                {"TemporaryFileSystem=/proc", "/proc", {"tmpfs tmpfs rw,nodev"}},
                {"PrivateUsers=yes\nReadOnlyPaths=/proc/self/uid_map", "/", {"user-failure"}},
                {"ReadOnlyPaths=/srv/dot", "/srv",
                        {"namespace-failure", "bind /srv ro", NULL, NULL}},
                {"ReadOnlyPaths=/srv/named-dot", "/srv/sub", {"namespace-failure"}},
                {"InaccessiblePaths=/srv/named-dot", "/srv/sub",
                        {"bind /run/systemd/inaccessible/dir ro,nosuid,nodev",
                                "bind /run/systemd/inaccessible/dir ro,nosuid,nodev,noexec"}},
        };

        CHECK(rows);
}

TEST(roots) {
        static const struct row rows[] = {
                {"RootDirectory=/srv/tree", "/", {"bind /srv/tree rw"}},
                {"RootDirectory=/srv/tree", "/run",
                        {"-", "tmpfs tmpfs rw", NULL, "tmpfs tmpfs rw,nosuid,nodev"}},
                {"RootDirectory=/srv/tree", "/run/host/.os-release-stage",
                        {"-", NULL,
                                "bind /run/systemd/propagate/.os-release-stage ro,nosuid,nodev"}},
                {"RootDirectory=/srv/tree\nReadOnlyPaths=/etc", "/etc", {"-"}},
                {"RootDirectory=/srv/tree\nReadOnlyPaths=+/usr", "/usr", {"bind /srv/tree/usr ro"}},
                {"RootDirectory=/srv/tree\nReadOnlyPaths=/srv/tree/usr", "/usr",
                        {"bind /srv/tree/usr ro"}},
                {"RootDirectory=/nowhere", "/", {"namespace-failure"}},
                {"RootDirectory=/\nProtectSystem=yes", "/",
                        {"namespace-failure", NULL, NULL, "host / rw"}},
        };

        CHECK(rows);
}

TEST(directories) {
        static const struct row rows[] = {
                {"StateDirectory=a\nProtectSystem=strict", "/var/lib/a", {"bind /var/lib/a rw"}},
                {"DynamicUser=yes\nStateDirectory=a", "/var/lib/private",
                        {"tmpfs tmpfs ro,nosuid,nodev,noexec"}},
                {"DynamicUser=yes\nStateDirectory=a", "/var/lib/private/a",
                        {"bind /var/lib/private/a rw,nosuid", NULL, NULL,
                                "bind /var/lib/private/a rw,nosuid,nodev,noexec"}},
                {"StateDirectory=a a/b\nProtectSystem=strict", "/var/lib/a/b",
                        {"bind /var/lib/a/b rw", "-"}},
        };

        CHECK(rows);
}

/* Namespaces by a path, those of other units, and what a user namespace needs */
TEST(shared) {
        static const struct row named[] = {
                {"PrivateTmp=yes\n[Unit]\nAfter=namer.service", "/tmp",
                        {"bind /tmp/systemd-private-*-x.service-*/tmp rw", NULL,
                                "bind /tmp/systemd-private-*-namer.service-*/tmp rw"}},
                {"PrivateTmp=yes\n[Unit]\nBefore=namer.service", "/tmp",
                        {"bind /tmp/systemd-private-*-x.service-*/tmp rw"}},
        };
        static const struct row rows[] = {
                {"NetworkNamespacePath=/nowhere", "/", {"network-failure"}},
                {"NetworkNamespacePath=/etc/passwd", "/", {"network-failure"}},
                {"NetworkNamespacePath=/proc/1/ns/net", "/", {"host / rw"}},
                {"NetworkNamespacePath=/proc/1/ns/ipc", "/", {"network-failure"}},
                {"NetworkNamespacePath=/run/netns/made-by-another", "/", {"host / rw"}},
                {"IPCNamespacePath=/nowhere", "/", {"host / rw", NULL, "namespace-failure"}},
                {"PrivateTmp=yes\nIPCNamespacePath=/nowhere", "/tmp",
                        {"bind /tmp/systemd-private-*-x.service-*/tmp rw", "namespace-failure"}},
                {"PrivateTmp=yes\n[Unit]\nJoinsNamespaceOf=y.service", "/tmp",
                        {"bind /tmp/systemd-private-*-y.service-*/tmp rw"}},
                {"PrivateTmp=yes\n[Unit]\nJoinsNamespaceOf=y.service\nBefore=y.service", "/tmp",
                        {"bind /tmp/systemd-private-*-x.service-*/tmp rw"}},
                {"PrivateTmp=yes\n[Unit]\nJoinsNamespaceOf=nowhere.service", "/tmp",
                        {"bind /tmp/systemd-private-*-x.service-*/tmp rw"}},
                /* the first one makes what it needs itself, and nothing is added to that */
                {"PrivateTmp=yes\n[Unit]\nJoinsNamespaceOf=net.service\nAfter=net.service", "/tmp",
                        {"-"}},
                {"PrivateTmp=yes\nNetworkNamespacePath=/nowhere\n[Unit]\n"
                 "JoinsNamespaceOf=net.service\nAfter=net.service",
                        "/tmp", {"-"}},
                {"PrivateTmp=yes\n[Unit]\nJoinsNamespaceOf=gone.service\nAfter=gone.service",
                        "/tmp", {"bind /tmp/systemd-private-*-x.service-*/tmp rw"}},
                /* mutual, and as far as it leads: from 254 on */
                {"PrivateTmp=yes\n[Unit]\nJoinsNamespaceOf=z.service\nAfter=z.service y.service",
                        "/tmp",
                        {"bind /tmp/systemd-private-*-x.service-*/tmp rw", NULL,
                                "bind /tmp/systemd-private-*-y.service-*/tmp rw"}},
                {"PrivateUsers=yes", "/", {"host / rw"}},
                {"PrivateUsers=yes\nReadOnlyPaths=/proc", "/", {"user-failure"}},
                {"PrivateUsers=yes\nReadOnlyPaths=/proc/sys", "/", {"host / rw"}},
                {"PrivateUsers=yes\nInaccessiblePaths=/proc", "/", {"user-failure"}},
                /* a /proc of its own comes with the root, but for 247 never on demand */
                {"PrivateUsers=yes\nTemporaryFileSystem=/:ro\nMountAPIVFS=yes\n"
                 "BindReadOnlyPaths=/usr /bin",
                        "/usr", {"user-failure", "bind /usr ro"}},
        };

        tree_file("etc/systemd/system/y.service",
                "[Service]\nExecStart=/usr/bin/true\nPrivateTmp=yes\n");
        tree_file("etc/systemd/system/net.service",
                "[Service]\nExecStart=/usr/bin/true\nPrivateNetwork=yes\n");
        tree_file("etc/systemd/system/gone.service",
                "[Service]\nType=oneshot\nExecStart=/usr/bin/true\nPrivateTmp=yes\n");
        tree_file("etc/systemd/system/z.service",
                "[Unit]\nJoinsNamespaceOf=y.service\n[Service]\nExecStart=/usr/bin/true\n");
        CHECK(rows);
        tree_file("etc/systemd/system/namer.service",
                "[Unit]\nJoinsNamespaceOf=x.service\nBefore=y.service\n"
                "[Service]\nExecStart=/usr/bin/true\nPrivateTmp=yes\n");
        CHECK(named);
}

/* @n mounts of each kind, of which @more says what becomes of them */
static const char *many(struct imm_arena *a, unsigned n, const char *more) {
        const char *lines = more;

        for (unsigned i = 0; i < n; i++)
                lines = imm_printf(a,
                        "%s\nBindPaths=/usr:/a/b%u\nBindReadOnlyPaths=/usr:/a/r%u:norbind\n"
                        "TemporaryFileSystem=/a/t%u",
                        lines, i, i, i);
        return lines;
}

/* Where there are thousands, those below a path are found in another way. */
TEST(many_are_as_few) {
        static const char *const more[] = {"ReadOnlyPaths=/a\nNoExecPaths=/a\nExecPaths=/a/b1",
                "ProtectSystem=strict\nReadWritePaths=/a/r1\nPrivateDevices=yes",
                "TemporaryFileSystem=/a/t1/u\nTemporaryFileSystem=/a:ro",
                "RootDirectory=/srv/tree\nPrivateTmp=yes\nInaccessiblePaths=/a/t2"};
        static const char *const paths[] = {"/", "/a", "/a/b1", "/a/b2", "/a/r1", "/a/r2", "/a/t1",
                "/a/t1/u", "/a/t2", "/tmp", "/dev", "/dev/shm", "/dev/pts", "/proc"};
        static const unsigned versions[] = {247, 252, 257};

        tree_dir("a");
        for (size_t v = 0; v < IMM_ELEMENTSOF(versions); v++)
                for (size_t i = 0; i < IMM_ELEMENTSOF(more); i++) {
                        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
                        const char *few = many(a, 4, more[i]), *lot = many(a, 120, more[i]);

                        for (size_t p = 0; p < IMM_ELEMENTSOF(paths); p++)
                                assert_string_equal(seen(a, versions[v], lot, paths[p]),
                                        seen(a, versions[v], few, paths[p]));
                }
}

/* The line behind a mount, and what lost against it */
TEST(origins) {
        const struct imm_manager_options options = {.version = 257};
        imm_cleanup(imm_manager_free) struct imm_manager *m = NULL;
        const struct imm_mount_table *t;
        const struct imm_mount *at;
        struct imm_sandbox *sb;
        struct imm_unit *u;

        tree_file("etc/systemd/system/x.service",
                "[Service]\nExecStart=/usr/bin/true\nProtectHome=yes\n"
                "ReadOnlyPaths=/srv\nBindPaths=/srv:/home/alice\n");
        assert_int_equal(imm_manager_open(&m, root, &options, NULL), 0);
        assert_int_equal(imm_manager_unit(m, "x.service", &u, NULL), 0);
        sb = imm_sandbox_of(m, u);
        t = &sb->mounts[sb->main];
        at = imm_mount_at(t, "/srv/sub");
        assert_string_equal(at->path, "/srv");
        assert_int_equal(at->setting, IMM_SETTING_READ_ONLY_PATHS);
        assert_int_equal(at->origin.line, 4);
        assert_int_equal(at->read_only_by.origin.line, 4);
        assert_int_equal(t->losers.n, 1);
        assert_string_equal(t->losers.v[0].path, "/home/alice");
        assert_int_equal(t->losers.v[0].origin.line, 5);
        for (size_t i = 1; i < t->n; i++)
                assert_true(strcmp(t->v[i - 1].path, t->v[i].path) < 0);
}

/* Folders that systemd makes for itself are nothing that an answer hangs on. */
TEST(own_folders_are_not_assumed) {
        static const char *const texts[] = {"PrivateDevices=yes", "PrivateTmp=disconnected",
                "PrivateTmp=disconnected\nPrivateDevices=yes\nProtectSystem=strict\nUser=alice"};

        for (size_t i = 0; i < IMM_ELEMENTSOF(texts); i++) {
                const struct imm_manager_options options = {.version = 257};
                imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
                imm_cleanup(imm_manager_free) struct imm_manager *m = NULL;
                struct imm_sandbox *sb;
                struct imm_unit *u;

                tree_file("etc/systemd/system/x.service",
                        imm_printf(a, "[Service]\nExecStart=/usr/bin/true\n%s\n", texts[i]));
                assert_int_equal(imm_manager_open(&m, root, &options, NULL), 0);
                assert_int_equal(imm_manager_unit(m, "x.service", &u, NULL), 0);
                sb = imm_sandbox_of(m, u);
                assert_true(sb->mounts[sb->main].n > 1);
                assert_int_equal(sb->mounts[sb->main].assumes.n, 0);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(host),
                cmocka_unit_test(protections),
                cmocka_unit_test(priorities),
                cmocka_unit_test(who_makes_it_read_only),
                cmocka_unit_test(links_and_failures),
                cmocka_unit_test(own_process),
                cmocka_unit_test(roots),
                cmocka_unit_test(directories),
                cmocka_unit_test(shared),
                cmocka_unit_test(many_are_as_few),
                cmocka_unit_test(origins),
                cmocka_unit_test(own_folders_are_not_assumed),
        };

        return cmocka_run_group_tests(tests, make, drop);
}
