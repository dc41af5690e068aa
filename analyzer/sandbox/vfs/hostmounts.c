/*
 * The mounts that a root has by itself.
 *
 * Of the running host: the manager's own table. Of a tree below --root: those that systemd makes
 * when it boots there (mount-setup.c's, always) and those of the tree's own mount units for the
 * kernel's file systems, if they are wanted at boot. Sources: systemd.special(7),
 * file-hierarchy(7), tests/lab.
 */

#include "analyzer/sandbox/vfs/mountinfo.h"
#include "analyzer/sandbox/vfs/world.h"

enum { NSUID = IMM_MOUNT_NOSUID, NDEV = IMM_MOUNT_NODEV, NEXEC = IMM_MOUNT_NOEXEC };
enum { NONE = NSUID | NDEV | NEXEC };
enum { UNIT_FILE_MAX = 1 << 16 };

/* clang-format off */
static const struct imm_host_mount at_boot[] = {
        { "/",                    "rootfs",     0,            false },
        { "/proc",                "proc",       NONE,         false },
        { "/sys",                 "sysfs",      NONE,         false },
        { "/sys/fs/cgroup",       "cgroup2",    NONE,         false },
        { "/run",                 "tmpfs",      NSUID | NDEV, false },
        { "/dev",                 "devtmpfs",   NSUID,        false },
        { "/sys/kernel/security", "securityfs", NONE,         false },
        { "/sys/fs/pstore",       "pstore",     NONE,         false },
        { "/sys/fs/bpf",          "bpf",        NONE,         false },
        { "/dev/pts",             "devpts",     NSUID | NEXEC, false },
        { "/dev/shm",             "tmpfs",      NSUID | NDEV, false },
};

/* Mount units of the kernel's file systems, and what they are where a unit does not say it */
static const struct {
        const char *unit, *path, *type;
} by_unit[] = {
        { "run-lock.mount",                 "/run/lock",                "tmpfs" },
        { "dev-hugepages.mount",            "/dev/hugepages",           "hugetlbfs" },
        { "dev-mqueue.mount",               "/dev/mqueue",              "mqueue" },
        { "sys-kernel-debug.mount",         "/sys/kernel/debug",        "debugfs" },
        { "sys-kernel-tracing.mount",       "/sys/kernel/tracing",      "tracefs" },
        { "tmp.mount",                      "/tmp",                     "tmpfs" },
        { "sys-fs-fuse-connections.mount",  "/sys/fs/fuse/connections", "fusectl" },
};
static const char *const unit_dirs[] = {
        "/etc/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system",
        "/lib/systemd/system",
};
static const char *const boot_targets[] = {
        "sysinit.target", "local-fs.target", "basic.target", "multi-user.target",
        "graphical.target",
};
static const struct {
        const char *word;
        unsigned set, clear;
} option_words[] = {
        { "ro", IMM_MOUNT_RDONLY, 0 }, { "rw", 0, IMM_MOUNT_RDONLY },
        { "nosuid", NSUID, 0 },        { "suid", 0, NSUID },
        { "nodev", NDEV, 0 },          { "dev", 0, NDEV },
        { "noexec", NEXEC, 0 },        { "exec", 0, NEXEC },
};
/* clang-format on */

static unsigned options_flags(const char *options, unsigned flags) {
        while (*options) {
                size_t n = strcspn(options, ",");

                for (size_t i = 0; i < IMM_ELEMENTSOF(option_words); i++)
                        if (strlen(option_words[i].word) == n &&
                                strncmp(options, option_words[i].word, n) == 0)
                                flags = (flags | option_words[i].set) & ~option_words[i].clear;
                options += n;
                options += *options == ',';
        }
        return flags;
}

/* The last Options= of a unit file or drop-in into *flags */
static void read_options(
        const struct imm_root *root, const char *path, struct imm_arena *a, unsigned *flags) {
        struct imm_blob blob;
        const char *p;

        if (imm_root_read(root, path, UNIT_FILE_MAX, a, &blob, NULL) < 0)
                return;
        for (p = blob.data; p; p = strchr(p, '\n')) {
                const char *value;

                p += *p == '\n';
                value = imm_after(p, "Options=");
                if (value)
                        *flags = options_flags(imm_strndup(a, value, strcspn(value, "\r\n")), 0);
        }
}

static bool masked(const struct imm_root *root, const char *path, struct imm_arena *a) {
        const char *target;

        return imm_root_readlink(root, path, a, &target) >= 0 && imm_streq(target, "/dev/null");
}

/* The folders that say what a boot starts, each listed once */
struct wants {
        const char *path;
        struct imm_dirent *entries;
        size_t n;
};

struct boot {
        IMM_ARRAY(struct wants) folders;
};

static void list_boot(const struct imm_root *root, struct imm_arena *a, struct boot *ret) {
        static const char *const how[] = {"wants", "requires"};
        struct stat st;

        for (size_t d = 0; d < IMM_ELEMENTSOF(unit_dirs); d++)
                for (size_t t = 0; t < 2 * IMM_ELEMENTSOF(boot_targets); t++) {
                        struct wants w = {imm_printf(a, "%s/%s.%s", unit_dirs[d],
                                                  boot_targets[t / 2], how[t % 2]),
                                NULL, 0};

                        if (t == 0 && imm_root_stat(root, unit_dirs[d], &st) < 0)
                                break;
                        if (imm_root_list(root, w.path, a, &w.entries, &w.n) == 0)
                                *imm_array_push(a, &ret->folders) = w;
                }
}

static bool wanted(const struct imm_root *root, const struct boot *boot, const char *unit,
        struct imm_arena *a) {
        imm_array_foreach (w, &boot->folders)
                for (size_t i = 0; i < w->n; i++)
                        if (imm_streq(w->entries[i].name, unit) &&
                                !masked(root, imm_printf(a, "%s/%s", w->path, unit), a))
                                return true;
        return false;
}

static void mount_of_unit(struct imm_manager *m, size_t which, const struct boot *boot,
        struct imm_arena *a, struct imm_host_mounts *ret) {
        const char *unit = by_unit[which].unit;
        const char *fragment = NULL;
        unsigned flags = 0;
        struct stat st;

        if (!wanted(m->root, boot, unit, a))
                return;
        for (size_t d = 0; d < IMM_ELEMENTSOF(unit_dirs) && !fragment; d++) {
                const char *path = imm_printf(a, "%s/%s", unit_dirs[d], unit);

                if (imm_root_lstat(m->root, path, &st) >= 0)
                        fragment = path;
        }
        if (!fragment || masked(m->root, fragment, a))
                return;
        read_options(m->root, fragment, a, &flags);
        for (size_t d = IMM_ELEMENTSOF(unit_dirs); d-- > 0;) {
                const char *dir = imm_printf(a, "%s/%s.d", unit_dirs[d], unit);
                struct imm_dirent *entries;
                size_t n;

                if (imm_root_list(m->root, dir, a, &entries, &n) < 0)
                        continue;
                for (size_t i = 0; i < n; i++)
                        if (imm_ends_with(entries[i].name, ".conf"))
                                read_options(m->root, imm_printf(a, "%s/%s", dir, entries[i].name),
                                        a, &flags);
        }
        *imm_array_push(a, ret) =
                (struct imm_host_mount){by_unit[which].path, by_unit[which].type, flags, false};
}

/* Debian's systemd mounts /run/lock itself as long as it has no unit for it. */
static bool mounts_run_lock(struct imm_manager *m, struct imm_arena *a) {
        struct imm_blob blob;

        if (m->version >= 257)
                return false;
        if (imm_root_read(m->root, "/etc/os-release", UNIT_FILE_MAX, a, &blob, NULL) < 0 &&
                imm_root_read(m->root, "/usr/lib/os-release", UNIT_FILE_MAX, a, &blob, NULL) < 0)
                return false;
        return strstr(blob.data, "ID=debian") || strstr(blob.data, "ID_LIKE=debian") ||
               strstr(blob.data, "ID_LIKE=\"debian") || strstr(blob.data, "ID=ubuntu");
}

/*
 * Credentials of the services that run in every boot: an early service keeps its mount as long as
 * it is active. 253 to 256 do not mount what is empty.
 */
static void credentials_of_boot(
        struct imm_manager *m, struct imm_arena *a, struct imm_host_mounts *ret) {
        static const struct {
                const char *unit;
                unsigned since, until;
        } early[] = {
                {"systemd-sysusers.service", 250, 252},
                {"systemd-tmpfiles-setup-dev.service", 250, 252},
                {"systemd-tmpfiles-setup.service", 250, 252},
                {"systemd-journald.service", 257, 0},
        };

        for (size_t i = 0; i < IMM_ELEMENTSOF(early); i++) {
                struct imm_blob blob;

                if (m->version < early[i].since || (early[i].until && m->version > early[i].until))
                        continue;
                if (imm_root_read(m->root,
                            imm_printf(a, "/usr/lib/systemd/system/%s", early[i].unit),
                            UNIT_FILE_MAX, a, &blob, NULL) < 0 &&
                        imm_root_read(m->root,
                                imm_printf(a, "/lib/systemd/system/%s", early[i].unit),
                                UNIT_FILE_MAX, a, &blob, NULL) < 0)
                        continue;
                if (strstr(blob.data, "Credential="))
                        *imm_array_push(a, ret) = (struct imm_host_mount){
                                imm_printf(a, "/run/credentials/%s", early[i].unit),
                                m->version >= 254 ? "tmpfs" : "ramfs", NONE | IMM_MOUNT_RDONLY,
                                false};
        }
}

static void of_tree(struct imm_manager *m, struct imm_arena *a, struct imm_host_mounts *ret) {
        const struct imm_value *usr;
        struct boot boot = {0};

        list_boot(m->root, a, &boot);
        imm_manager_defaults_load(m);
        usr = imm_manager_limit(m, IMM_SETTING_PROTECT_SYSTEM);
        for (size_t i = 0; i < IMM_ELEMENTSOF(at_boot); i++)
                *imm_array_push(a, ret) = at_boot[i];
        if (usr && usr->number > 0)
                *imm_array_push(a, ret) = (struct imm_host_mount){
                        "/usr", "rootfs", IMM_MOUNT_RDONLY, .same_tree = true};
        if (mounts_run_lock(m, a))
                *imm_array_push(a, ret) =
                        (struct imm_host_mount){"/run/lock", "tmpfs", NONE, false};
        for (size_t i = 0; i < IMM_ELEMENTSOF(by_unit); i++)
                mount_of_unit(m, i, &boot, a, ret);
        credentials_of_boot(m, a, ret);
        if (m->scope == IMM_SCOPE_USER && m->user)
                *imm_array_push(a, ret) = (struct imm_host_mount){
                        imm_printf(a, "/run/user/%u", m->user->uid), "tmpfs", NSUID | NDEV, false};
}

/* ---- the running host ---- */

static void of_host(struct imm_arena *a, struct imm_host_mounts *ret) {
        struct imm_mountinfos all = {0};
        FILE *f = fopen("/proc/1/mountinfo", "re");

        if (!f)
                f = fopen("/proc/self/mountinfo", "re");
        if (f) {
                imm_mountinfo_read(f, a, &all);
                (void)fclose(f);
        }
        imm_array_foreach (m, &all)
                if (ret->n > 0 || imm_streq(m->path, "/"))
                        *imm_array_push(a, ret) = (struct imm_host_mount){
                                m->path, m->fstype, m->flags, m->read_only_fs};
        if (ret->n == 0)
                *imm_array_push(a, ret) = (struct imm_host_mount){"/", "rootfs", 0, false};
}

void imm_host_mounts_find(struct imm_manager *m, struct imm_arena *a, struct imm_host_mounts *ret) {
        if (imm_root_is_running(m->root))
                of_host(a, ret);
        else
                of_tree(m, a, ret);
}
