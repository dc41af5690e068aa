/*
 * The fixed rows that single settings stand for. "since" and "until" tell the versions apart; the
 * rest is the same in all. systemd.exec(5) has the gist, tests/lab the details.
 */

#include "analyzer/sandbox/mounts/plan.h"

#define RO IMM_PLAN_READ_ONLY
#define RW IMM_PLAN_READ_WRITE_IMPLICIT
#define HIDDEN IMM_PLAN_INACCESSIBLE

enum { NODEV = IMM_MOUNT_NODEV, NOSUID = IMM_MOUNT_NOSUID, NOEXEC = IMM_MOUNT_NOEXEC };

/* clang-format off */
static const struct imm_plan_row apivfs[] = {
        { "/proc", IMM_PLAN_PROCFS,     false },
        { "/dev",  IMM_PLAN_BIND_DEV,   false },
        { "/sys",  IMM_PLAN_BIND_SYSFS, false },
        { "/run",  IMM_PLAN_RUN,        false, .since = 250, .flags = NOSUID | NODEV, .tmpfs_mode = 0755 },
};
static const struct imm_plan_row tunables_proc[] = {
        { "/proc/acpi",          RO,     true },
        { "/proc/apm",           RO,     true },
        { "/proc/asound",        RO,     true },
        { "/proc/bus",           RO,     true },
        { "/proc/fs",            RO,     true },
        { "/proc/irq",           RO,     true },
        { "/proc/kallsyms",      HIDDEN, true },
        { "/proc/kcore",         HIDDEN, true },
        { "/proc/latency_stats", RO,     true },
        { "/proc/mtrr",          RO,     true },
        { "/proc/scsi",          RO,     true },
        { "/proc/sys",           RO,     true },
        { "/proc/sysrq-trigger", RO,     true },
        { "/proc/timer_stats",   RO,     true },
};
static const struct imm_plan_row tunables_sys[] = {
        { "/sys",                RO, false },
        { "/sys/fs/bpf",         RO, true  },
        { "/sys/fs/cgroup",      RW, false },
        { "/sys/fs/selinux",     RW, true  },
        { "/sys/kernel/debug",   RO, true  },
        { "/sys/kernel/tracing", RO, true  },
};
static const struct imm_plan_row modules[] = {
        { "/lib/modules",     HIDDEN, true, .until = 254 },
        { "/usr/lib/modules", HIDDEN, true },
};
static const struct imm_plan_row logs_proc[] = {
        { "/proc/kmsg", HIDDEN, true },
};
static const struct imm_plan_row logs_dev[] = {
        { "/dev/kmsg", HIDDEN, true },
};
static const struct imm_plan_row home_yes[] = {
        { "/home",     HIDDEN, true },
        { "/run/user", HIDDEN, true },
        { "/root",     HIDDEN, true },
};
static const struct imm_plan_row home_read_only[] = {
        { "/home",     RO, true },
        { "/run/user", RO, true },
        { "/root",     RO, true },
};
static const struct imm_plan_row home_tmpfs[] = {
        { "/home",     IMM_PLAN_TMPFS, true, .read_only = true, .flags = NODEV, .tmpfs_mode = 0755 },
        { "/run/user", IMM_PLAN_TMPFS, true, .read_only = true, .flags = NODEV, .tmpfs_mode = 0755 },
        { "/root",     IMM_PLAN_TMPFS, true, .read_only = true, .flags = NODEV, .tmpfs_mode = 0700 },
};
static const struct imm_plan_row system_yes[] = {
        { "/usr",   RO, false },
        { "/boot",  RO, true  },
        { "/efi",   RO, true  },
        { "/lib",   RO, true, .until = 254 },
        { "/lib64", RO, true, .until = 254 },
        { "/bin",   RO, true, .until = 254 },
        { "/sbin",  RO, true, .until = 254 },
};
static const struct imm_plan_row system_full[] = {
        { "/usr",   RO, false },
        { "/boot",  RO, true  },
        { "/efi",   RO, true  },
        { "/etc",   RO, false },
        { "/lib",   RO, true, .until = 254 },
        { "/lib64", RO, true, .until = 254 },
        { "/bin",   RO, true, .until = 254 },
        { "/sbin",  RO, true, .until = 254 },
};
static const struct imm_plan_row system_strict[] = {
        { "/",         RO, false },
        { "/proc",     RW, false },
        { "/sys",      RW, false },
        { "/dev",      RW, false },
        { "/home",     RW, true  },
        { "/run/user", RW, true  },
        { "/root",     RW, true  },
};
static const struct imm_plan_row cgroups_yes[] = {
        { "/sys/fs/cgroup", RO, false },
};
static const struct imm_plan_row cgroups_private[] = {
        { "/sys/fs/cgroup", IMM_PLAN_PRIVATE_CGROUP2, false, .flags = NOSUID | NOEXEC },
};
static const struct imm_plan_row cgroups_strict[] = {
        { "/sys/fs/cgroup", IMM_PLAN_PRIVATE_CGROUP2, false, .read_only = true, .flags = NOSUID | NOEXEC },
};
static const struct imm_plan_row hostname[] = {
        { "/proc/sys/kernel/hostname",   RO, false },
        { "/proc/sys/kernel/domainname", RO, false },
};

static const struct {
        const struct imm_plan_row *rows;
        size_t n;
} tables[] = {
#define TABLE(id, rows) [IMM_TABLE_##id] = { rows, IMM_ELEMENTSOF(rows) }
        TABLE(APIVFS, apivfs),
        TABLE(TUNABLES_PROC, tunables_proc),
        TABLE(TUNABLES_SYS, tunables_sys),
        TABLE(MODULES, modules),
        TABLE(LOGS_PROC, logs_proc),
        TABLE(LOGS_DEV, logs_dev),
        TABLE(HOME_YES, home_yes),
        TABLE(HOME_READ_ONLY, home_read_only),
        TABLE(HOME_TMPFS, home_tmpfs),
        TABLE(SYSTEM_YES, system_yes),
        TABLE(SYSTEM_FULL, system_full),
        TABLE(SYSTEM_STRICT, system_strict),
        TABLE(CGROUPS_YES, cgroups_yes),
        TABLE(CGROUPS_PRIVATE, cgroups_private),
        TABLE(CGROUPS_STRICT, cgroups_strict),
        TABLE(HOSTNAME, hostname),
#undef TABLE
};
_Static_assert(IMM_ELEMENTSOF(tables) == IMM_TABLE_N, "a table for each");

static const char *const mode_texts[] = {
        [IMM_PLAN_INACCESSIBLE] = "inaccessible",
        [IMM_PLAN_OVERLAY] = "overlay",
        [IMM_PLAN_BIND] = "bind",
        [IMM_PLAN_BIND_RECURSIVE] = "bind",
        [IMM_PLAN_PRIVATE_TMP] = "private /tmp",
        [IMM_PLAN_PRIVATE_DEV] = "private /dev",
        [IMM_PLAN_BIND_DEV] = "the host's /dev",
        [IMM_PLAN_EMPTY_DIR] = "empty directory",
        [IMM_PLAN_PRIVATE_SYSFS] = "new /sys",
        [IMM_PLAN_BIND_SYSFS] = "the host's /sys",
        [IMM_PLAN_PROCFS] = "new /proc",
        [IMM_PLAN_PRIVATE_CGROUP2] = "new cgroup tree",
        [IMM_PLAN_READ_ONLY] = "read-only",
        [IMM_PLAN_READ_WRITE] = "read-write",
        [IMM_PLAN_NOEXEC] = "noexec",
        [IMM_PLAN_EXEC] = "exec",
        [IMM_PLAN_TMPFS] = "tmpfs",
        [IMM_PLAN_RUN] = "new /run",
        [IMM_PLAN_PRIVATE_TMPFS] = "tmpfs",
        [IMM_PLAN_EXTENSION_DIRECTORY] = "extension",
        [IMM_PLAN_MQUEUE] = "new message queues",
        [IMM_PLAN_READ_WRITE_IMPLICIT] = "as it was",
};
_Static_assert(IMM_ELEMENTSOF(mode_texts) == IMM_PLAN_MODE_N, "a text for each");
/* clang-format on */

const struct imm_plan_row *imm_plan_rows(enum imm_plan_table t, size_t *ret_n) {
        *ret_n = tables[t].n;
        return tables[t].rows;
}

const char *imm_plan_mode_text(enum imm_plan_mode mode) {
        return mode_texts[mode];
}

struct imm_quirks imm_quirks_of(unsigned version) {
        return (struct imm_quirks){
                .exec_rounds = version >= 248,
                .rows_in_full = version >= 257,
                .skipped_known = version >= 257,
                .submounts_kept = version >= 254,
                .new_in_place = version >= 257,
                .private_sys = version >= 254,
                .sorted_dirs = version >= 251,
                .propagate = version >= 250,
                .os_release = version >= 254,
                .notify_socket = version >= 250,
                .log_sockets = version >= 257,
                .id_mapped = version >= 257,
                .pressure = version >= 254,
                .subset_ignored = version >= 248,
                .state_home = version >= 254,
                .chase = {.above_is_step = version >= 254, .dots_stay = version < 248},
                .strays_fail = version >= 248,
                .root = version >= 254 ? "/run/systemd/mount-rootfs" : "/run/systemd/unit-root",
        };
}
