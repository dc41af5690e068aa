#include "analyzer/sandbox/vfs/world.h"
#include "analyzer/uses/denials-private.h"

#include <fnmatch.h>
#include <linux/capability.h>

/* Uses of paths: devices, files that are read or written, the kernel's own files. */

static const struct imm_mount_table *table(const struct judge *j, const struct imm_use *u) {
        return &j->sb->mounts[j->sb->has[u->kind] ? u->kind : j->sb->main];
}

/*
 * Where @path leads without links: links of the root are followed in as much of it as there is.
 * What the service makes new has no links.
 */
static const char *real_of(struct judge *j, const char *path) {
        char *head = imm_strdup(j->a, path);
        const char *real;
        size_t n = strlen(head);

        while (n > 1 && head[n - 1] == '/')
                head[--n] = 0;
        for (;;) {
                char *slash;

                if (imm_root_realpath(j->m->root, *head ? head : "/", j->a, &real) == 0)
                        return imm_printf(j->a, "%s%s", imm_streq(real, "/") ? "" : real,
                                path + strlen(head));
                slash = strrchr(head, '/');
                if (!slash)
                        return path;
                *slash = 0;
        }
}

static const struct imm_mount *mount_at(
        struct judge *j, const struct imm_use *u, const char *path, const char **ret_real) {
        const struct imm_mount_table *t = table(j, u);

        *ret_real = real_of(j, path);
        return t->n > 0 ? imm_mount_at(t, *ret_real) : NULL;
}

/* Is it, or something above it, made new and empty by a setting? */
static bool is_covered(const struct imm_mount *m, const char *path) {
        return !m->of_host && !m->host_path && m->setting < IMM_SETTING_N &&
               imm_streq(m->fstype, "tmpfs") && !imm_streq(m->path, path);
}

/* The unit lets it be written, whether it is there now or made when the package is set up */
static bool is_own_directory(struct judge *j, const char *path) {
        static const struct {
                enum imm_setting setting;
                const char *top;
        } rows[] = {
                {IMM_SETTING_RUNTIME_DIRECTORY, "/run"},
                {IMM_SETTING_STATE_DIRECTORY, "/var/lib"},
                {IMM_SETTING_CACHE_DIRECTORY, "/var/cache"},
                {IMM_SETTING_LOGS_DIRECTORY, "/var/log"},
                {IMM_SETTING_CONFIGURATION_DIRECTORY, "/etc"},
        };
        const struct imm_value *v = imm_setting(j->s, IMM_SETTING_READ_WRITE_PATHS);

        for (size_t i = 0; i < v->paths.n; i++)
                if (imm_path_below(path, real_of(j, v->paths.v[i].path)) && v->paths.v[i].path[1])
                        return true;
        v = imm_setting(j->s, IMM_SETTING_BIND_PATHS);
        for (size_t i = 0; i < v->binds.n; i++)
                if (imm_path_below(path, v->binds.v[i].destination))
                        return true;
        for (size_t i = 0; i < IMM_ELEMENTSOF(rows); i++) {
                v = imm_setting(j->s, rows[i].setting);
                for (size_t k = 0; k < v->directories.n; k++)
                        if (imm_path_below(path, imm_printf(j->a, "%s/%s", rows[i].top,
                                                         v->directories.v[k].path)))
                                return true;
        }
        return false;
}

static bool is_read_only(struct judge *j, const struct imm_use *u, const char *real) {
        const struct imm_mount_table *t = table(j, u);
        const struct imm_mount *m = t->n > 0 ? imm_mount_at(t, real) : NULL;

        return m && (m->inaccessible || (m->flags & IMM_MOUNT_RDONLY));
}

/* A directory for all homes, and what lies below it is hidden by a mount on a part */
static void by_mounts(struct judge *j, const struct imm_use *u, bool write) {
        const char *real;
        const struct imm_mount *m = mount_at(j, u, u->object, &real);

        if (!m)
                return;
        if (m->inaccessible) {
                if (m->setting < IMM_SETTING_N)
                        deny(j, u, m->setting, &m->origin, "hides");
                return;
        }
        if (m->setting < IMM_SETTING_N && !m->of_host && !m->host_path &&
                imm_streq(m->fstype, "tmpfs") &&
                (is_covered(m, real) || m->setting == IMM_SETTING_PROTECT_HOME) &&
                m->setting != IMM_SETTING_RUNTIME_DIRECTORY &&
                m->setting != IMM_SETTING_STATE_DIRECTORY) {
                struct imm_use anew = *u;

                if (imm_after(real, "/run/") || m->entries.n > 0)
                        return; /* made anew at each start, or filled with what it needs */
                if (write && !(m->flags & IMM_MOUNT_RDONLY) && anew.confidence < IMM_LIKELY)
                        anew.confidence = IMM_LIKELY; /* root may make it again */
                deny(j, &anew, m->setting, &m->origin, "covers");
                return;
        }
        if (write && !imm_after(real, "/proc/") && !imm_after(real, "/sys/") &&
                is_own_directory(j, real))
                return;
        if (write && imm_path_below(u->object, "/var") &&
                (imm_path_below(real, "/etc") || imm_path_below(real, "/usr")))
                return; /* a link to configuration or data: it is read */
        if (write && (m->flags & IMM_MOUNT_RDONLY) && m->setting == IMM_SETTING_PRIVATE_NETWORK &&
                imm_setting_bool(j->s, IMM_SETTING_PROTECT_KERNEL_TUNABLES))
                deny(j, u, IMM_SETTING_PROTECT_KERNEL_TUNABLES, NULL, "makes read-only");
        else if (write && (m->flags & IMM_MOUNT_RDONLY) && m->read_only_by.setting < IMM_SETTING_N)
                deny(j, u, m->read_only_by.setting, &m->read_only_by.origin, "makes read-only");
}

/* It may become whom the file belongs to before it opens it. */
static bool may_become_owner(const struct judge *j, const struct imm_identity *id) {
        uint64_t caps = UINT64_C(1) << CAP_SETUID | UINT64_C(1) << CAP_SETGID;

        if ((id->cap_effective & caps) != caps)
                return false;
        imm_array_foreach (u, j->uses)
                if (u->facility == IMM_FACILITY_SWITCH_USER && !u->remark)
                        return true;
        return false;
}

/* A place that is root's on every machine: who is not root makes nothing there */
static bool is_in_roots_directory(const char *path) {
        static const char *const tops[] = {
                "/run/", "/var/run/", "/var/log/", "/var/lib/", "/var/cache/", "/var/spool/"};

        for (size_t i = 0; i < IMM_ELEMENTSOF(tops); i++) {
                const char *rest = imm_after(path, tops[i]);

                if (rest && *rest && !strchr(rest, '/'))
                        return true;
        }
        return false;
}

/* What is to be made does not exist: the nearest directory above it that does says whether it can
 */
static bool cannot_make(struct judge *j, enum imm_command_kind kind, const char *path) {
        char *at = imm_strdup(j->a, path);
        struct imm_access access;

        for (char *slash; (slash = strrchr(at, '/')) && slash != at;) {
                *slash = 0;
                imm_access_in(j->m, j->s, j->sb, kind, at, j->a, &access);
                if (access.exists == 1)
                        return access.allowed[IMM_MODE_WRITE] == 0;
                if (access.exists != 0)
                        return false;
        }
        return false;
}

/*
 * A user that a drop-in gives to a service which was packed to run as another: what is not there,
 * and what scripts have given to somebody else, it cannot write, nor read what is for that one.
 */
static void by_other_user(struct judge *j, const struct imm_use *u, enum imm_mode mode) {
        enum imm_command_kind kind = j->sb->has[u->kind] ? u->kind : j->sb->main;
        const struct imm_identity *id = &j->sb->identity[kind];
        const struct imm_value *user = imm_setting(j->s, IMM_SETTING_USER);
        struct imm_access access;
        const char *real;
        struct stat st;

        if (u->confidence > IMM_LIKELY || u->remark || id->cap_effective ||
                imm_setting_bool(j->s, IMM_SETTING_DYNAMIC_USER) || !user->origin.file ||
                !strstr(user->origin.file, ".d/"))
                return;
        real = real_of(j, u->object);
        if (is_own_directory(j, real) || (mode == IMM_MODE_WRITE && is_read_only(j, u, real)))
                return;
        if (imm_root_stat(j->m->root, real, &st) < 0) {
                if (mode == IMM_MODE_WRITE && is_in_roots_directory(real))
                        deny(j, u, IMM_SETTING_USER, &user->origin,
                                "does not let it: the directory is root's");
                else if (mode == IMM_MODE_WRITE && cannot_make(j, kind, real))
                        deny(j, u, IMM_SETTING_USER, &user->origin,
                                "does not let it: the directory belongs to another user");
                return;
        }
        if (st.st_uid == id->uid || (st.st_uid == 0 && mode == IMM_MODE_WRITE))
                return; /* what root's own files are is often another's when it is started */
        imm_access_in(j->m, j->s, j->sb, kind, real, j->a, &access);
        if (access.exists == 1 && access.allowed[mode] == 0)
                deny(j, u, IMM_SETTING_USER, &user->origin,
                        st.st_uid == 0 ? "does not let it: it is for root alone"
                                       : "does not let it: it belongs to another user");
}

/*
 * Where root without CAP_DAC_OVERRIDE may make nothing: tmpfiles.d gives daemons directories in
 * /run. Its process number a daemon writes before it becomes another user, for the most part.
 */
static void by_directory_of_others(struct judge *j, const struct imm_use *u, const char *real) {
        enum imm_command_kind kind = j->sb->has[u->kind] ? u->kind : j->sb->main;
        struct imm_use later = *u;

        if (!cannot_make(j, kind, real))
                return;
        later.partial = true;
        if (is_packed_without(j, CAP_BIT(DAC_OVERRIDE)) ||
                (!imm_ends_with(real, ".pid") && may_become_owner(j, &j->sb->identity[kind])))
                later.remark = true;
        deny(j, &later, IMM_SETTING_CAPABILITY_BOUNDING_SET, NULL,
                "without cap_dac_override does not let it: the directory belongs to another user");
}

/*
 * Root without the capability that makes it root: a file or directory of another user. Of other
 * users nothing is said: a package's scripts give them what they need.
 */
static void by_ownership(struct judge *j, const struct imm_use *u, enum imm_mode mode) {
        enum imm_command_kind kind = j->sb->has[u->kind] ? u->kind : j->sb->main;
        const struct imm_identity *id = &j->sb->identity[kind];
        struct imm_access access;
        const char *real;
        struct stat st;

        if (id->uid != 0)
                by_other_user(j, u, mode);
        if (id->uid != 0 || (id->cap_effective & UINT64_C(1) << CAP_DAC_OVERRIDE) ||
                id->userns != IMM_USERNS_NONE || u->confidence > IMM_LIKELY)
                return;
        real = real_of(j, u->object);
        if (imm_root_stat(j->m->root, real, &st) < 0) {
                if (mode == IMM_MODE_WRITE && !is_read_only(j, u, real) &&
                        !is_own_directory(j, real))
                        by_directory_of_others(j, u, real);
                return;
        }
        if (st.st_uid == 0)
                return;
        imm_access_in(j->m, j->s, j->sb, kind, real, j->a, &access);
        if (access.exists != 1 || access.allowed[mode] != 0 || is_read_only(j, u, real))
                return;
        if (may_become_owner(j, id))
                mention(j, u, IMM_SETTING_CAPABILITY_BOUNDING_SET, NULL,
                        "without cap_dac_override does not let it as long as it is root");
        else
                deny(j, u, IMM_SETTING_CAPABILITY_BOUNDING_SET, NULL,
                        "without cap_dac_override does not let it: it belongs to another user");
}

/* A socket that everybody connects to: it is there as long as nothing covers its place. */
static void by_socket(struct judge *j, const struct imm_use *u, const char *path) {
        const struct imm_mount_table *t = table(j, u);
        const struct imm_mount *m = t->n > 0 ? imm_mount_at(t, path) : NULL;

        if (!m || m->setting >= IMM_SETTING_N)
                return;
        if (m->inaccessible)
                deny(j, u, m->setting, &m->origin, "hides");
        else if (is_covered(m, path) && m->setting != IMM_SETTING_RUNTIME_DIRECTORY)
                deny(j, u, m->setting, &m->origin, "covers");
}

/* ---- what a program is made of ---- */

/* What the closure found hidden, and what lies where nothing may be executed */
static void by_hiding(struct judge *j, const struct imm_use *u) {
        const char *real;
        const struct imm_mount *m = mount_at(j, u, u->object, &real);

        if (!m)
                return;
        if (u->calls) { /* it is hidden: see collect.c */
                if (m->setting < IMM_SETTING_N)
                        deny(j, u, m->setting, &m->origin, "hides");
        } else if ((m->flags & IMM_MOUNT_NOEXEC) && m->noexec_by.setting < IMM_SETTING_N)
                deny(j, u, m->noexec_by.setting, &m->noexec_by.origin, "lets nobody execute");
}

/* ---- /tmp ---- */

static void by_private_tmp(struct judge *j, const struct imm_use *u) {
        const char *real;
        const struct imm_mount *m = mount_at(j, u, u->object, &real);

        if (!m || m->of_host || m->setting >= IMM_SETTING_N)
                return;
        if (imm_streq(m->path, "/tmp") || imm_streq(m->path, "/var/tmp") || m->inaccessible)
                deny(j, u, m->setting, &m->origin, "replaces by one of its own");
}

/* ---- devices ---- */

static bool is_pseudo_device(const char *path) {
        static const char *const names[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random",
                "/dev/urandom", "/dev/tty", "/dev/ptmx", "/dev/pts", "/dev/shm", "/dev/log",
                "/dev/fd", "/dev/stdin", "/dev/stdout", "/dev/stderr", "/dev/mqueue",
                "/dev/hugepages", "/dev/core", "/dev/char", "/dev/block"};

        for (size_t i = 0; i < IMM_ELEMENTSOF(names); i++) {
                const char *rest = imm_after(path, names[i]);

                if (rest && (!*rest || *rest == '/'))
                        return true;
        }
        return false;
}

/* The names by which DeviceAllow= calls a device's kind */
static bool class_covers(const char *item, const char *device) {
        static const struct {
                const char *device, *class;
        } rows[] = {
#define DEVICES(device_, class_) {device_, class_},
#include "analyzer/uses/devices.def"
#undef DEVICES
        };

        for (size_t i = 0; i < IMM_ELEMENTSOF(rows); i++)
                if (imm_after(device, rows[i].device) &&
                        (fnmatch(rows[i].class, item, 0) == 0 ||
                                fnmatch(item, rows[i].class, 0) == 0))
                        return true;
        return false;
}

static bool is_allowed(const struct judge *j, const char *device) {
        const struct imm_value *v = imm_setting(j->s, IMM_SETTING_DEVICE_ALLOW);

        for (size_t i = 0; i < v->devices.n; i++) {
                const char *node = v->devices.v[i].node;
                size_t n = strcspn(node, "0123456789*");

                if (*node != '/' && class_covers(node, device))
                        return true;
                /* numbers of a kind are as good as each other: which one is there is not known */
                if (*node == '/' && n > 5 && strncmp(node, device, n) == 0)
                        return true;
                if (*node == '/' && imm_after(node, device))
                        return true;
        }
        return false;
}

static void by_device_policy(struct judge *j, const struct imm_use *u) {
        const struct imm_value *policy = imm_setting(j->s, IMM_SETTING_DEVICE_POLICY),
                               *allow = imm_setting(j->s, IMM_SETTING_DEVICE_ALLOW);
        const char *word = imm_setting_word(j->s, IMM_SETTING_DEVICE_POLICY);
        bool closed = word && !imm_streq(word, "auto");
        enum imm_setting by = IMM_SETTING_DEVICE_ALLOW;
        const struct imm_origin *origin = &allow->origin;

        if ((!closed && allow->devices.n == 0) || is_allowed(j, u->object))
                return;
        for (size_t i = 0; i < allow->devices.n; i++) /* what somebody wrote, where there is such */
                if (allow->devices.v[i].origin.kind == IMM_ORIGIN_FILE)
                        origin = &allow->devices.v[i].origin;
        if (closed && (allow->devices.n == 0 || origin->kind != IMM_ORIGIN_FILE)) {
                by = IMM_SETTING_DEVICE_POLICY;
                origin = &policy->origin;
        }
        deny(j, u, by, origin, "does not allow");
}

/* BindPaths= brings the node itself into a /dev of the service's own, if the machine has one */
static bool is_bound_in(const struct judge *j, const char *device) {
        const struct imm_value *v = imm_setting(j->s, IMM_SETTING_BIND_PATHS);

        for (size_t i = 0; v->type == IMM_VALUE_BINDS && i < v->binds.n; i++)
                if (imm_streq(v->binds.v[i].destination, device))
                        return true;
        return false;
}

/* The machine's memory and ports: the kernel asks for a capability that few users have */
static bool is_closed_to_user(const struct judge *j, const struct imm_use *u) {
        static const char *const names[] = {"/dev/mem", "/dev/kmem", "/dev/port"};
        const struct imm_identity *id = identity_of(j, u);

        if (id->uid == 0 || (id->cap_effective & CAP_BIT(SYS_RAWIO)))
                return false;
        for (size_t i = 0; i < IMM_ELEMENTSOF(names); i++)
                if (imm_streq(u->object, names[i]))
                        return true;
        return false;
}

static void by_devices(struct judge *j, const struct imm_use *u) {
        const char *real;
        const struct imm_mount *m;

        if (is_pseudo_device(u->object) || is_closed_to_user(j, u))
                return;
        if (u->kind == IMM_KIND_PRIVILEGED) {
                by_device_policy(j, u);
                return;
        }
        m = mount_at(j, u, u->object, &real);
        if (m && m->inaccessible && m->setting < IMM_SETTING_N)
                deny(j, u, m->setting, &m->origin, "hides");
        else if (imm_setting_bool(j->s, IMM_SETTING_PRIVATE_DEVICES) &&
                 !is_bound_in(j, u->object) &&
                 (!m || m->setting == IMM_SETTING_PRIVATE_DEVICES || m->setting >= IMM_SETTING_N)) {
                deny(j, u, IMM_SETTING_PRIVATE_DEVICES, NULL, "hides");
                return;
        }
        by_device_policy(j, u);
}

/* ---- /proc and /sys ---- */

static void by_proc_subset(struct judge *j, const struct imm_use *u) {
        const char *word = imm_setting_word(j->s, IMM_SETTING_PROC_SUBSET);

        if (word && imm_streq(word, "pid"))
                deny(j, u, IMM_SETTING_PROC_SUBSET, NULL, "hides");
}

static void by_tunables(struct judge *j, const struct imm_use *u) {
        const char *real;
        const struct imm_mount *m = mount_at(j, u, u->object, &real);

        by_mounts(j, u, true);
        if (m && !(m->flags & IMM_MOUNT_RDONLY) && !m->inaccessible &&
                imm_setting_bool(j->s, IMM_SETTING_PROTECT_KERNEL_TUNABLES) &&
                imm_after(u->object, "/proc/"))
                deny(j, u, IMM_SETTING_PROTECT_KERNEL_TUNABLES, NULL, "makes read-only");
}

/* How full it is says the file system that it is a part of as well, if it is none of its own. */
static void by_measure(struct judge *j, const struct imm_use *u) {
        struct imm_host_mounts mounts = {0};
        struct imm_use any = *u;

        imm_host_mounts_find(j->m, j->a, &mounts);
        any.remark = true;
        imm_array_foreach (m, &mounts)
                any.remark &= !imm_streq(m->path, u->object);
        by_mounts(j, u->remark ? u : &any, false);
}

void deny_path(struct judge *j, const struct imm_use *u) {
        size_t before;

        if (u->object &&
                (u->facility == IMM_FACILITY_WRITE || u->facility == IMM_FACILITY_PID_FILE))
                deny_file_size(j, u);
        before = j->to->n;
        if (u->facility == IMM_FACILITY_BUS)
                by_socket(j, u, "/run/dbus/system_bus_socket");
        else if (u->facility == IMM_FACILITY_NOTIFY)
                by_socket(j, u, "/run/systemd/notify");
        if (!u->object)
                return;
        switch (u->facility) {
        case IMM_FACILITY_DEVICE:
                by_devices(j, u);
                break;
        case IMM_FACILITY_LOAD:
                by_hiding(j, u);
                break;
        case IMM_FACILITY_READ:
                by_mounts(j, u, false);
                by_ownership(j, u, IMM_MODE_READ);
                break;
        case IMM_FACILITY_MEASURES:
                by_measure(j, u);
                break;
        case IMM_FACILITY_WRITE:
                by_mounts(j, u, true);
                by_ownership(j, u, IMM_MODE_WRITE);
                break;
        case IMM_FACILITY_PID_FILE: /* read from outside of the sandbox */
                if (imm_after(u->object, "/run/"))
                        by_socket(j, u, u->object);
                if (j->to->n > before)
                        break;
                by_mounts(j, u, true);
                by_ownership(j, u, IMM_MODE_WRITE);
                break;
        case IMM_FACILITY_TUNABLES:
                by_tunables(j, u);
                break;
        case IMM_FACILITY_SHARED_TMP:
                by_private_tmp(j, u);
                break;
        case IMM_FACILITY_PROC_FILE:
                by_proc_subset(j, u);
                break;
        case IMM_FACILITY_KERNEL_LOG:
                by_mounts(j, u, false);
                break;
        default:
                break;
        }
}
