/* What a path leads to and what may be done there, on a small root with hand-made mounts. */

#include "analyzer/sandbox/access/access-private.h"
#include "analyzer/sandbox/boot/mounts.h"
#include "analyzer/sandbox/boot/sysctl.h"
#include "tests/unit/settings.h"
#include "tests/unit/tree.h"

#include <endian.h>
#include <linux/capability.h>
#include <linux/posix_acl.h>

#define BIT(cap) (UINT64_C(1) << (cap))

static struct imm_root *root;

static int make(void **state) {
        struct imm_err err = IMM_ERR_INIT;

        if (tree_make(state) < 0 || chmod(tree, 0755) < 0)
                return -1;
        tree_file("etc/passwd", "root:x:0:0::/root:/bin/sh\n");
        tree_file("etc/shadow", "x\n");
        assert_int_equal(chmod(tree_path("etc/shadow"), 0640), 0);
        tree_file("srv/www/index.html", "x\n");
        tree_link("/srv/www", "srv/absolute");
        tree_link("../../../etc", "srv/up");
        tree_link("loop-b", "srv/loop-a");
        tree_link("loop-a", "srv/loop-b");
        tree_link("nowhere", "srv/dangling");
        tree_file("new/srv/www/index.html", "other\n");
        tree_dir("closed");
        tree_file("closed/in", "x\n");
        assert_int_equal(chmod(tree_path("closed"), 0700), 0);
        tree_link("/dev/null",
                "usr/lib/systemd/system/sysinit.target.wants/systemd-tmpfiles-setup.service");
        tree_file("usr/lib/tmpfiles.d/x.conf",
                "d /run/made 0750 root 42 -\nL /etc/mtab - - - - ../proc/self/mounts\n"
                "d /srv/www 0711 - - -\nd /var/deep/er 0700\nf^ /etc/from-credential - - - - x\n"
                "d /run/%m 0755\n\"d\" \"/run/with space\" 0755\nd /run/made 0777\n");
        tree_file("srv/mem/hidden", "x\n");
        tree_file("srv/full/in", "x\n");
        tree_dir("srv/disk");
        tree_file("etc/fstab",
                "# comment\ntmpfs /srv/mem tmpfs noexec,mode=0711,uid=7 0 0\n"
                "/srv/www /srv/bo\\040und none bind,ro\n/dev/sdb1 /srv/disk ext4 defaults 0 2\n"
                "UUID=1 /srv/full\text4 nosuid\ntmpfs /srv/later tmpfs noauto\nbroken\n");
        /* as the manager reads it: comments, continued lines, other sections, blanks */
        tree_file("etc/systemd/system/srv-unit.mount",
                "[Unit]\nWhat=no\n[Mount]\nWhat = tmpfs\n# Type=ext4\nWhere = \\\n /srv/unit\n"
                "Type=tmpfs\nOptions=ro,nosuid\n");
        tree_link("../srv-unit.mount", "etc/systemd/system/multi-user.target.wants/srv-unit.mount");
        tree_file(
                "usr/lib/sysctl.d/50.conf", "a.a = 1\nfs.protected_symlinks = 1\nb.b = 1\n-c.c\n");
        tree_file("etc/sysctl.d/50.conf", "fs/*symlinks=1\n-a.b=2\n b/b = 3 \nn/n=4\n");
        tree_file("etc/sysctl.d/99.conf", "a.*=5\nc.?=5\n-c.d\nn.n=\nnot a line\nf.f=070000\n");
        return imm_root_open(&root, tree, &err);
}

static int drop(void **state) {
        root = imm_root_free(root);
        return tree_remove(state);
}

/* ---- bits, ACLs, capabilities ---- */

TEST(mode_and_capabilities) {
        enum { R = IMM_MAY_READ, W = IMM_MAY_WRITE, X = IMM_MAY_EXEC };
        const uint64_t over = BIT(CAP_DAC_OVERRIDE), search = BIT(CAP_DAC_READ_SEARCH);
        static const gid_t team[] = {50};
        const struct {
                mode_t mode;
                uid_t uid;
                gid_t gid;
                uint64_t caps;
                enum imm_userns userns;
                unsigned mask;
                int want;
        } rows[] = {
                /* the identity is 1000:1000 with group 50 */
                {S_IFREG | 0640, 1000, 0, 0, IMM_USERNS_NONE, R | W, 1},
                {S_IFREG | 0640, 1000, 0, 0, IMM_USERNS_NONE, X, 0},
                {S_IFREG | 0046, 1000, 0, 0, IMM_USERNS_NONE, R, 0}, /* the owner's bits alone */
                {S_IFREG | 0640, 0, 50, 0, IMM_USERNS_NONE, R, 1},
                {S_IFREG | 0604, 0, 50, 0, IMM_USERNS_NONE, R, 0}, /* the group's bits alone */
                {S_IFREG | 0604, 0, 0, 0, IMM_USERNS_NONE, R, 1},
                {S_IFREG | 0000, 0, 0, over, IMM_USERNS_NONE, R | W, 1},
                {S_IFREG | 0000, 0, 0, over, IMM_USERNS_NONE, X, 0}, /* no x bit at all */
                {S_IFREG | 0100, 0, 0, over, IMM_USERNS_NONE, X, 1},
                {S_IFDIR | 0000, 0, 0, over, IMM_USERNS_NONE, W | X, 1},
                {S_IFREG | 0000, 0, 0, search, IMM_USERNS_NONE, R, 1},
                {S_IFREG | 0000, 0, 0, search, IMM_USERNS_NONE, W, 0},
                {S_IFDIR | 0000, 0, 0, search, IMM_USERNS_NONE, R | X, 1},
                {S_IFDIR | 0000, 0, 0, search, IMM_USERNS_NONE, W, 0},
                /* in a user namespace that maps root and itself */
                {S_IFREG | 0000, 0, 0, over, IMM_USERNS_SELF, R, 1},
                {S_IFREG | 0000, 7, 0, over, IMM_USERNS_SELF, R, 0},
                {S_IFREG | 0000, 0, 7, over, IMM_USERNS_SELF, R, 0},
                {S_IFREG | 0000, 7, 7, over, IMM_USERNS_IDENTITY, R, 1},
                {S_IFREG | 0000, 70000, 7, over, IMM_USERNS_IDENTITY, R, 0},
                {S_IFREG | 0640, 7, 50, 0, IMM_USERNS_SELF, R, 1}, /* groups count all the same */
        };

        for (size_t i = 0; i < IMM_ELEMENTSOF(rows); i++) {
                const struct imm_identity id = {.uid = 1000,
                        .gid = 1000,
                        .groups = (gid_t[]){team[0]},
                        .n_groups = 1,
                        .mapped_uid = 1000,
                        .mapped_gid = 1000,
                        .maps_root = true,
                        .cap_effective = rows[i].caps,
                        .userns = rows[i].userns};
                const struct imm_walk w = {.id = &id};
                const struct imm_node n = {
                        .mode = rows[i].mode, .uid = rows[i].uid, .gid = rows[i].gid};

                if (imm_access_judge_mask(&w, &n, rows[i].mask).answer != rows[i].want)
                        fail_msg("row %zu", i);
        }
}

/* Linux: test_perm() and proc_sys_permission() in fs/proc, net_ctl_permissions() in
 * net/sysctl_net.c */
TEST(sysctls_know_root_by_its_number) {
        enum { R = IMM_MAY_READ, W = IMM_MAY_WRITE, X = IMM_MAY_EXEC };
        const uint64_t over = BIT(CAP_DAC_OVERRIDE), admin = BIT(CAP_NET_ADMIN);
        const struct {
                enum imm_api api;
                mode_t mode;
                uid_t uid;
                gid_t gid;
                uint64_t caps;
                enum imm_userns userns;
                unsigned mask;
                int want;
        } rows[] = {
                {IMM_API_SYSCTL, S_IFREG | 0644, 0, 0, 0, IMM_USERNS_NONE, R | W, 1},
                {IMM_API_SYSCTL, S_IFREG | 0444, 0, 0, over, IMM_USERNS_NONE, W, 0},
                {IMM_API_SYSCTL, S_IFREG | 0644, 7, 7, over, IMM_USERNS_NONE, W, 0},
                {IMM_API_SYSCTL, S_IFREG | 0644, 7, 7, 0, IMM_USERNS_NONE, R, 1},
                {IMM_API_SYSCTL, S_IFREG | 0640, 7, 0, 0, IMM_USERNS_NONE, R, 1},
                {IMM_API_SYSCTL, S_IFREG | 0604, 7, 0, 0, IMM_USERNS_NONE, R, 0},
                {IMM_API_SYSCTL, S_IFREG | 0600, 7, 7, admin, IMM_USERNS_NONE, R, 0},
                {IMM_API_SYSCTL, S_IFREG | 0777, 0, 0, over, IMM_USERNS_NONE, X, 0}, /* never */
                {IMM_API_SYSCTL, S_IFDIR | 0555, 7, 7, 0, IMM_USERNS_NONE, R | X, 1},
                {IMM_API_NET_SYSCTL, S_IFREG | 0644, 7, 7, admin, IMM_USERNS_NONE, W, 1},
                {IMM_API_NET_SYSCTL, S_IFREG | 0444, 7, 7, admin, IMM_USERNS_NONE, W, 0},
                {IMM_API_NET_SYSCTL, S_IFREG | 0644, 7, 7, over, IMM_USERNS_NONE, W, 0},
                {IMM_API_NET_SYSCTL, S_IFREG | 0644, 7, 7, BIT(CAP_NET_RAW), IMM_USERNS_NONE, W, 0},
                {IMM_API_NET_SYSCTL, S_IFREG | 0644, 7, 7, admin, IMM_USERNS_SELF, W, 0},
        };

        for (size_t i = 0; i < IMM_ELEMENTSOF(rows); i++) {
                const struct imm_identity id = {.uid = rows[i].uid,
                        .gid = rows[i].gid,
                        .cap_effective = rows[i].caps,
                        .userns = rows[i].userns};
                const struct imm_walk w = {.id = &id};
                const struct imm_node n = {.mode = rows[i].mode, .api = rows[i].api};

                if (imm_access_judge_mask(&w, &n, rows[i].mask).answer != rows[i].want)
                        fail_msg("row %zu", i);
        }
}

static struct imm_acl *acl(struct imm_arena *a, const unsigned (*e)[3], size_t n) {
        unsigned char raw[256];
        uint32_t version = htole32(2);

        memcpy(raw, &version, 4);
        for (size_t i = 0; i < n; i++) {
                uint16_t tag = htole16((uint16_t)e[i][0]), perm = htole16((uint16_t)e[i][1]);
                uint32_t id = htole32(e[i][2]);

                memcpy(raw + 4 + 8 * i, &tag, 2);
                memcpy(raw + 6 + 8 * i, &perm, 2);
                memcpy(raw + 8 + 8 * i, &id, 4);
        }
        return imm_acl_parse(raw, 4 + 8 * n, a);
}

TEST(acls) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        const unsigned entries[][3] = {
                {ACL_USER_OBJ, 6, 0},
                {ACL_USER, 7, 1000},
                {ACL_USER, 0, 1001},
                {ACL_GROUP_OBJ, 4, 0},
                {ACL_GROUP, 2, 50},
                {ACL_MASK, 6, 0},
                {ACL_OTHER, 4, 0},
        };
        const struct imm_node n = {.mode = S_IFREG | 0664,
                .uid = 0,
                .gid = 40,
                .acl = acl(a, entries, IMM_ELEMENTSOF(entries))};
        const struct {
                uid_t uid;
                gid_t gid, other_group;
                unsigned mask, want;
        } rows[] = {
                {1000, 9, 9, 6, 6},                     /* the mask takes x from the named user */
                {1000, 9, 9, 1, 0}, {1001, 9, 9, 4, 0}, /* denied by name, though others may */
                {5, 40, 9, 4, 4},                       /* the owning group */
                {5, 50, 9, 2, 2},                       /* a named group */
                {5, 50, 40, 6, 0},                      /* each grants one, none grants both */
                {5, 50, 40, 4, 4},                      /* the other of the two */
                {5, 9, 9, 4, 4},                        /* others */
                {5, 50, 9, 4, 0},                       /* in a group: others' bits are not asked */
        };
        enum imm_acl_who who;

        assert_non_null(n.acl);
        assert_null(imm_acl_parse("x", 1, a));
        for (size_t i = 0; i < IMM_ELEMENTSOF(rows); i++) {
                const struct imm_identity id = {.uid = rows[i].uid,
                        .gid = rows[i].gid,
                        .groups = (gid_t[]){rows[i].other_group},
                        .n_groups = 1};

                if (imm_acl_bits(&n, &id, rows[i].mask, &who) != rows[i].want)
                        fail_msg("row %zu", i);
        }
}

/* ---- the virtual files ---- */

TEST(api_table_is_sorted_and_whole) {
        for (size_t i = 0; i < imm_api_n_entries; i++) {
                const struct imm_api_entry *e = imm_api_entries + i;
                const char *slash = strrchr(e->path, '/');

                if (i > 0 && strcmp(e[-1].path, e->path) > 0)
                        fail_msg("%s stands behind %s", e->path, e[-1].path);
                if (i > 0 && strcmp(e[-1].path, e->path) == 0 && e[-1].until >= e->since)
                        fail_msg("%s: two rows for one version", e->path);
                if (!!e->target != S_ISLNK(e->mode))
                        fail_msg("%s: a target is for links", e->path);
                if (slash != e->path) {
                        size_t k = 0, n = (size_t)(slash - e->path);

                        while (k < imm_api_n_entries &&
                                !(strlen(imm_api_entries[k].path) == n &&
                                        strncmp(imm_api_entries[k].path, e->path, n) == 0))
                                k++;
                        if (k == imm_api_n_entries || !S_ISDIR(imm_api_entries[k].mode))
                                fail_msg("%s lies in no directory", e->path);
                }
        }
}

struct world {
        struct bench *b;
        struct imm_identity id;
        struct imm_mount_table table;
        struct imm_walk w;
};

static void world_make(struct world *x, uid_t uid, struct imm_mount *mounts, size_t n) {
        struct bench *b = bench_new(257, IMM_SCOPE_SYSTEM, "x.service");

        b->m.root = root;
        b->m.users = imm_users_load(root, b->a, &b->m.diags);
        *x = (struct world){
                .b = b, .id = {.uid = uid, .gid = uid}, .table = {.v = mounts, .n = n, .cap = n}};
        x->w = (struct imm_walk){.m = &b->m,
                .s = bench_service(b, ""),
                .table = &x->table,
                .id = &x->id,
                .program = "/srv/www/index.html",
                .a = b->a};
}

static void goes(struct world *x, const char *path, enum imm_walk_end end, const char *to) {
        struct imm_spot at;

        imm_walk_to(&x->w, path, true, &at);
        if (at.end != end || strcmp(at.end == IMM_WALK_FOUND ? at.path : at.at, to) != 0)
                fail_msg("%s: end %d at %s", path, at.end,
                        at.end == IMM_WALK_FOUND ? at.path : at.at);
}

static struct imm_mount bind(const char *path, const char *from) {
        return (struct imm_mount){.path = path,
                .fstype = "bind",
                .source = from,
                .host_path = from,
                .setting = IMM_SETTING_BIND_PATHS};
}

TEST(links_are_followed_inside) {
        struct imm_mount one[] = {bind("/", "/")},
                         two[] = {bind("/", "/"), bind("/srv/www", "/etc")},
                         other[] = {bind("/", "/new"), bind("/srv/absolute", "/srv/absolute")};
        char endless[5000] = "";
        uid_t me = getuid();
        struct world x;

        world_make(&x, me, one, 1);
        goes(&x, "/srv/absolute/index.html", IMM_WALK_FOUND, "/srv/www/index.html");
        goes(&x, "/srv/up/passwd", IMM_WALK_FOUND, "/etc/passwd");
        goes(&x, "/srv/./www/../up", IMM_WALK_FOUND, "/etc");
        goes(&x, "/srv/loop-a", IMM_WALK_LOOP, "/srv/loop-a");
        goes(&x, "/srv/dangling", IMM_WALK_ABSENT, "/srv/nowhere");
        goes(&x, "/etc/passwd/x", IMM_WALK_ABSENT, "/etc/passwd");
        goes(&x, "/../..", IMM_WALK_FOUND, "/");
        memset(endless, '/', sizeof(endless) - 1);
        goes(&x, endless, IMM_WALK_ABSENT, "/");
        endless[4095] = '\0';
        goes(&x, endless, IMM_WALK_FOUND, "/");
        goes(&x, "/proc/self/root/etc", IMM_WALK_FOUND, "/etc");
        goes(&x, "/proc/self/exe", IMM_WALK_FOUND, "/srv/www/index.html");
        imm_arena_free(x.b->a);
        world_make(&x, me, two, 2); /* through a mount */
        goes(&x, "/srv/absolute/passwd", IMM_WALK_FOUND, "/srv/www/passwd");
        goes(&x, "/srv/absolute/../up", IMM_WALK_FOUND, "/etc");
        imm_arena_free(x.b->a);
        world_make(&x, me, other, 2); /* the host's link leads to the namespace's own directory */
        goes(&x, "/srv/absolute/index.html", IMM_WALK_FOUND, "/srv/www/index.html");
        imm_arena_free(x.b->a);
}

TEST(sysctl_is_what_the_boot_sets) {
        static const struct {
                const char *key, *value;
        } rows[] = {
                {"fs/protected_symlinks", "1"},
                {"a/a", "5"}, /* the file of the same name hides the other */
                {"a/b", "2"}, /* a pattern does not touch what is named */
                {"b/b", "3"},
                {"c/c", "5"},
                {"c/d", NULL},
                {"n/n", ""},
                {"z/z", NULL},
        };
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();

        for (size_t i = 0; i < IMM_ELEMENTSOF(rows); i++) {
                const char *value = imm_sysctl(root, rows[i].key, a);

                if (!rows[i].value != !value || (value && strcmp(value, rows[i].value) != 0))
                        fail_msg("%s: %s", rows[i].key, value ? value : "nothing");
        }
        assert_int_equal(imm_sysctl_number(root, "a/a", 9, 7), 5);
        assert_int_equal(imm_sysctl_number(root, "a/a", 4, 7), 7);
        assert_int_equal(imm_sysctl_number(root, "n/n", 9, 7), 7);
        assert_int_equal(imm_sysctl_number(root, "f/f", 1 << 20, 7), 070000);
}

TEST(links_in_sticky_directories_are_their_owners) {
        enum { STICKY = S_IFDIR | S_ISVTX | 0777 };
        static const struct {
                mode_t dir;
                uid_t dir_owner, link_owner, follower;
                bool stops;
        } rows[] = {
                {STICKY, 0, 1000, 0, true}, /* root, too */
                {STICKY, 0, 1000, 1001, true},
                {STICKY, 0, 1000, 1000, false},
                {STICKY, 0, 0, 1000, false},
                {STICKY, 1000, 1000, 0, false},
                {STICKY, 1000, 0, 1001, true},
                {S_IFDIR | 0777, 0, 1000, 0, false},
                {S_IFDIR | S_ISVTX | 0775, 0, 1000, 0, false},
        };
        struct imm_mount one[] = {bind("/", "/")};
        struct world x;

        world_make(&x, 0, one, 1);
        for (size_t i = 0; i < IMM_ELEMENTSOF(rows); i++) {
                const struct imm_identity id = {
                        .uid = rows[i].follower, .cap_effective = IMM_CAPS_ALL};
                const struct imm_node dir = {.mode = rows[i].dir, .uid = rows[i].dir_owner},
                                      link = {.mode = S_IFLNK | 0777, .uid = rows[i].link_owner};

                if (imm_link_protected(&x.b->m, &id, &dir, &link) != rows[i].stops)
                        fail_msg("row %zu", i);
        }
        imm_arena_free(x.b->a);
}

TEST(what_may_not_be_searched_hides_all_below) {
        struct imm_mount one[] = {bind("/", "/")};
        struct world x;

        world_make(&x, getuid() + 1, one, 1);
        goes(&x, "/closed", IMM_WALK_FOUND, "/closed");
        goes(&x, "/closed/in", IMM_WALK_DENIED, "/closed");
        goes(&x, "/closed/not", IMM_WALK_DENIED, "/closed");
        x.id.cap_effective = BIT(CAP_DAC_READ_SEARCH);
        if (getuid() == 0)
                goes(&x, "/closed/in", IMM_WALK_FOUND, "/closed/in");
        imm_arena_free(x.b->a);
}

static void says(struct world *x, const char *path, enum imm_mode mode, int want) {
        struct imm_spot at;

        imm_walk_to(&x->w, path, true, &at);
        assert_int_equal(at.end, IMM_WALK_FOUND);
        if (imm_access_judge(&x->w, &at, mode).answer != want)
                fail_msg("%s %s is not %d", imm_mode_name(mode), path, want);
}

TEST(mounts_decide_first) {
        struct imm_mount m[] = {bind("/", "/"),
                {.path = "/dev",
                        .fstype = "tmpfs",
                        .mode = 0755,
                        .flags = IMM_MOUNT_NODEV,
                        .setting = IMM_SETTING_N},
                bind("/srv", "/srv"),
                {.path = "/srv/www",
                        .fstype = "bind",
                        .inaccessible = true,
                        .host_path = "/run/systemd/inaccessible/dir",
                        .setting = IMM_SETTING_INACCESSIBLE_PATHS}};
        struct imm_made node = {.path = "null", .mode = S_IFCHR | 0666};
        struct world x;

        m[1].entries.v = &node;
        m[1].entries.n = 1;
        m[2].flags = IMM_MOUNT_RDONLY | IMM_MOUNT_NOEXEC;
        world_make(&x, 0, m, 4);
        x.id.cap_effective = IMM_CAPS_ALL;
        says(&x, "/etc", IMM_MODE_WRITE, 1);
        says(&x, "/srv", IMM_MODE_WRITE, 0);
        says(&x, "/srv", IMM_MODE_EXECUTE, 1); /* noexec is about files */
        says(&x, "/dev/null", IMM_MODE_READ, 0);
        says(&x, "/dev/null", IMM_MODE_WRITE, 0);
        says(&x, "/srv/www", IMM_MODE_READ, 1); /* empty, mode 0000, and root may read it */
        goes(&x, "/srv/www/index.html", IMM_WALK_ABSENT, "/srv/www/index.html");
        goes(&x, "/dev/zero", IMM_WALK_ABSENT, "/dev/zero");
        says(&x, "/dev", IMM_MODE_WRITE, 1);
        m[1].full = true; /* nr_inodes= are in use: no capability makes room */
        says(&x, "/dev", IMM_MODE_WRITE, 0);
        says(&x, "/dev", IMM_MODE_READ, 1);
        x.id.cap_effective = 0;
        says(&x, "/srv/www", IMM_MODE_READ, 0);
        goes(&x, "/srv/www/index.html", IMM_WALK_DENIED, "/srv/www");
        imm_arena_free(x.b->a);
}

TEST(kernel_files_have_rules_of_their_own) {
        struct imm_mount m[] = {bind("/", "/")};
        struct world x;

        world_make(&x, 0, m, 1);
        says(&x, "/proc/sys/vm/swappiness", IMM_MODE_WRITE,
                1); /* by number, without capabilities */
        says(&x, "/proc/sys/vm/drop_caches", IMM_MODE_READ, 0);
        says(&x, "/proc/kmsg", IMM_MODE_READ, 0);
        says(&x, "/proc/1/environ", IMM_MODE_READ, 0);
        goes(&x, "/proc/1/root/etc", IMM_WALK_TRACE, "/proc/1/root");
        x.id.cap_effective = BIT(CAP_PERFMON); /* for the layout of memory; not to go there */
        says(&x, "/proc/1/environ", IMM_MODE_READ, 1);
        goes(&x, "/proc/1/root/etc", IMM_WALK_TRACE, "/proc/1/root");
        x.id.cap_effective = BIT(CAP_SYS_ADMIN);
        says(&x, "/proc/mtrr", IMM_MODE_WRITE, 1);
        says(&x, "/proc/kcore", IMM_MODE_READ, 0);
        x.id.cap_effective = BIT(CAP_SYS_RAWIO);
        says(&x, "/proc/mtrr", IMM_MODE_WRITE, 0);
        says(&x, "/proc/kcore", IMM_MODE_READ, 1);
        x.id.cap_effective = IMM_CAPS_ALL;
        says(&x, "/proc/sys/vm/drop_caches", IMM_MODE_READ, 0); /* nor do they help */
        says(&x, "/proc/kmsg", IMM_MODE_READ, 1);
        says(&x, "/proc/1/environ", IMM_MODE_READ, 1);
        goes(&x, "/proc/1/root/etc", IMM_WALK_FOUND, "/etc");
        says(&x, "/proc/cpuinfo", IMM_MODE_WRITE, 1); /* it opens */
        says(&x, "/sys/kernel/notes", IMM_MODE_WRITE, 0);
        says(&x, "/proc", IMM_MODE_WRITE, 0);
        says(&x, "/sys/fs/cgroup", IMM_MODE_WRITE, 1);
        says(&x, "/run/systemd/private", IMM_MODE_CONNECT, 1);
        says(&x, "/etc/passwd", IMM_MODE_CONNECT, -1);
        x.id.userns = IMM_USERNS_SELF;
        says(&x, "/proc/kmsg", IMM_MODE_READ, 0);
        x.id = (struct imm_identity){.uid = 7, .gid = 7};
        says(&x, "/proc/self/mem", IMM_MODE_WRITE, 1);
        x.id.undumpable = true;
        says(&x, "/proc/self/mem", IMM_MODE_WRITE, 0);
        says(&x, "/proc/self/fd", IMM_MODE_READ, 1);
        goes(&x, "/run/unheard-of", IMM_WALK_UNKNOWN, "/run/unheard-of");
        imm_arena_free(x.b->a);
}

TEST(boot_makes_what_tmpfiles_asks_for) {
        struct imm_mount m[] = {bind("/", "/")};
        struct imm_spot at;
        struct world x;

        world_make(&x, 0, m, 1);
        x.id.cap_effective = IMM_CAPS_ALL;
        imm_walk_to(&x.w, "/run/made", true, &at);
        assert_int_equal(at.node.mode, S_IFDIR | 0750); /* the first line for a path counts */
        assert_int_equal(at.node.gid, 42);
        goes(&x, "/etc/mtab", IMM_WALK_FOUND, "/proc/self/mounts");
        imm_walk_to(&x.w, "/etc/mtab", false, &at);
        assert_true(S_ISLNK(at.node.mode));
        imm_walk_to(&x.w, "/srv/www", true, &at);
        assert_int_equal(at.node.mode & 07777, 0711);
        goes(&x, "/var/deep/er", IMM_WALK_FOUND, "/var/deep/er");
        goes(&x, "/etc/from-credential", IMM_WALK_ABSENT, "/etc/from-credential");
        goes(&x, "/run/with space", IMM_WALK_FOUND, "/run/with space");
        imm_arena_free(x.b->a);
}

TEST(boot_mounts_what_fstab_asks_for) {
        struct imm_mount m[] = {bind("/", "/")};
        const struct imm_boot_mounts *all;
        struct imm_spot at;
        struct world x;

        world_make(&x, 0, m, 1);
        x.id.cap_effective = IMM_CAPS_ALL;
        goes(&x, "/srv/mem/hidden", IMM_WALK_ABSENT, "/srv/mem/hidden");
        imm_walk_to(&x.w, "/srv/mem", true, &at);
        assert_int_equal(at.node.mode, S_IFDIR | 0711);
        assert_int_equal(at.node.uid, 7);
        goes(&x, "/srv/bo und/index.html", IMM_WALK_FOUND, "/srv/bo und/index.html");
        goes(&x, "/srv/disk/any", IMM_WALK_UNKNOWN, "/srv/disk");
        imm_walk_to(&x.w, "/srv/full/in", true, &at);
        assert_int_equal(at.end, IMM_WALK_FOUND);
        assert_string_equal(at.node.doubt, "the file system of /etc/fstab:5 on /srv/full");
        all = imm_boot_mounts_of(x.w.m);
        assert_int_equal(all->n, 5);
        assert_int_equal(
                imm_boot_mount_at(all, "/srv/unit")->flags, IMM_MOUNT_RDONLY | IMM_MOUNT_NOSUID);
        assert_string_equal(all->left.v[0].path, "/srv/later");
        imm_walk_to(&x.w, "/srv/later", true, &at);
        assert_non_null(at.node.doubt);
        assert_int_equal(imm_boot_mount_at(all, "/srv/mem/x")->flags, IMM_MOUNT_NOEXEC);
        assert_null(imm_boot_mount_at(all, "/srv/memory"));
        imm_arena_free(x.b->a);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(mode_and_capabilities),
                cmocka_unit_test(sysctls_know_root_by_its_number),
                cmocka_unit_test(acls),
                cmocka_unit_test(api_table_is_sorted_and_whole),
                cmocka_unit_test(links_are_followed_inside),
                cmocka_unit_test(sysctl_is_what_the_boot_sets),
                cmocka_unit_test(links_in_sticky_directories_are_their_owners),
                cmocka_unit_test(what_may_not_be_searched_hides_all_below),
                cmocka_unit_test(mounts_decide_first),
                cmocka_unit_test(kernel_files_have_rules_of_their_own),
                cmocka_unit_test(boot_makes_what_tmpfiles_asks_for),
                cmocka_unit_test(boot_mounts_what_fstab_asks_for),
        };

        return cmocka_run_group_tests(tests, make, drop);
}
