/*
 * The mounts that a root has by itself.
 *
 * Of the running host: the manager's own table. Of a tree below --root: those that systemd makes
 * when it boots there (mount-setup.c's, always) and those of the tree's own mount units for the
 * kernel's file systems, if they are wanted at boot. Sources: systemd.special(7),
 * file-hierarchy(7), tests/lab.
 */

#include "analyzer/sandbox/boot/mounts.h"
#include "analyzer/sandbox/boot/options.h"
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
/* clang-format on */

static void mount_of_unit(struct imm_manager *m, size_t which, const struct imm_boot_targets *boot,
        struct imm_arena *a, struct imm_host_mounts *ret) {
        struct imm_mount_unit u;

        if (!imm_boot_wants(m->root, boot, by_unit[which].unit, a) ||
                !imm_mount_unit_read(m->root, by_unit[which].unit, a, &u) || u.holds == 0)
                return;
        *imm_array_push(a, ret) = (struct imm_host_mount){.path = by_unit[which].path,
                .type = by_unit[which].type,
                .flags = imm_mount_options_flags(u.options)};
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

/* What fstab and mount units add, after what it lies on, or change */
static void add_booted(struct imm_manager *m, struct imm_arena *a, struct imm_host_mounts *ret) {
        const struct imm_boot_mounts *all = imm_boot_mounts_of(m);
        const size_t n = ret->n; /* of what is added none is at the path of another */

        imm_array_foreach (b, all) {
                struct imm_host_mount *there = NULL;

                for (size_t i = 0; i < n; i++)
                        if (imm_streq(ret->v[i].path, b->path))
                                there = ret->v + i;
                if (b->content == IMM_BOOT_FLAGS) {
                        if (there)
                                there->flags = b->flags;
                        continue;
                }
                if (!there || there->same_tree)
                        there = imm_array_push(a, ret);
                *there = (struct imm_host_mount){
                        .path = b->path, .type = b->type, .flags = b->flags, .boot = b};
        }
}

static void of_tree(struct imm_manager *m, struct imm_arena *a, struct imm_host_mounts *ret) {
        const struct imm_value *usr;

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
                mount_of_unit(m, i, &imm_boot_mounts_of(m)->targets, a, ret);
        add_booted(m, a, ret);
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
