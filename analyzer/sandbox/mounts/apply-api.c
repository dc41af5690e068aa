/*
 * The kernel's file systems in a namespace: /proc, /sys, control groups, message queues. What
 * a user manager may not mount anew is bound or left, as the version has it.
 */

#include "analyzer/sandbox/mounts/plan.h"

#include <errno.h>

/* May a file system be mounted that belongs to a namespace which the user namespace does not own?
 */
static bool may_mount(const struct imm_plan *p, enum imm_setting namespace) {
        return !p->userns ||
               (namespace != IMM_SETTING_N && imm_setting_number(p->s, namespace) != 0);
}

/* A namespace that is joined by a path of the first process is the host's own. */
static bool is_hosts_own(const struct imm_plan *p, enum imm_setting id, const char *name) {
        const char *path = imm_setting_string(p->s, id);

        if (path && id == IMM_SETTING_IPC_NAMESPACE_PATH && imm_plan_forgets_ipc(p->s))
                return true;
        return path && imm_streq(path, imm_printf(p->a, "/proc/1/ns/%s", name));
}

/* A file system of which there is one only is mounted once more. */
static int mount_again(
        struct imm_plan *p, struct imm_plan_entry *e, const char *host, unsigned flags) {
        struct imm_vpath from, to;
        int r = imm_vfs_lookup(p->v, host, false, &from);

        if (r < 0)
                return r;
        r = imm_vfs_lookup(p->v, e->path, false, &to);
        if (r < 0)
                return r;
        imm_vfs_attach(p->v, to.mount, to.node, from.node, flags);
        return 1;
}

int imm_apply_mqueue(struct imm_plan *p, struct imm_plan_entry *e) {
        int r;

        (void)imm_vfs_mkdir_p(p->v, e->path, 0755);
        (void)imm_vfs_umount_recursive(p->v, e->path);
        if (!may_mount(p, IMM_SETTING_PRIVATE_IPC))
                return -EPERM;
        if (is_hosts_own(p, IMM_SETTING_IPC_NAMESPACE_PATH, "ipc"))
                return mount_again(p, e, "/dev/mqueue", e->flags);
        r = imm_vfs_mount(p->v, e->path,
                imm_vfs_fs_new(p->v, "mqueue", IMM_VFS_EMPTY, e->path, 01777), e->flags);
        return r < 0 ? r : 1;
}

static int bind_host(struct imm_plan *p, struct imm_plan_entry *e, const char *source) {
        int r;

        (void)imm_vfs_mkdir_p(p->v, e->path, 0755);
        if (imm_vfs_is_mount_point(p->v, e->path, &r))
                return p->q.skipped_known ? 0 : 1;
        if (r < 0)
                return r;
        r = imm_vfs_bind(p->v, source, e->path, true);
        return r < 0 ? r : 1;
}

int imm_apply_bind_dev(struct imm_plan *p, struct imm_plan_entry *e) {
        return bind_host(p, e, "/dev");
}

int imm_apply_bind_sysfs(struct imm_plan *p, struct imm_plan_entry *e) {
        return bind_host(p, e, "/sys");
}

/* A new instance of one of the kernel's file systems in the place of the old */
static int new_api(struct imm_plan *p, struct imm_plan_entry *e, struct imm_vfs_fs *fs,
        const char *host, bool allowed) {
        const unsigned flags = IMM_MOUNT_NOSUID | IMM_MOUNT_NODEV | IMM_MOUNT_NOEXEC;
        bool again = imm_streq(host, "/sys") &&
                     is_hosts_own(p, IMM_SETTING_NETWORK_NAMESPACE_PATH, "net");
        int r, n = 0;

        (void)imm_vfs_mkdir_p(p->v, e->path, 0755);
        if (!p->q.new_in_place)
                n = imm_vfs_umount_recursive(p->v, e->path);
        if (!allowed) {
                if (n > 0 && p->s->version >= 248)
                        return -EPERM;
                if (p->s->version < 248)
                        return -EPERM;
                if (imm_vfs_is_mount_point(p->v, e->path, &r))
                        return p->q.new_in_place ? 0 : 1;
                if (r < 0)
                        return r;
                r = imm_vfs_bind(p->v, host, e->path, true);
                return r < 0 ? r : 1;
        }
        if (p->q.new_in_place)
                (void)imm_vfs_umount_recursive(p->v, e->path);
        r = again ? mount_again(p, e, host, flags) : imm_vfs_mount(p->v, e->path, fs, flags);
        if (r < 0)
                return r;
        if (p->q.submounts_kept)
                (void)imm_vfs_bind_submounts(p->v, host, e->path);
        return 1;
}

int imm_apply_procfs(struct imm_plan *p, struct imm_plan_entry *e) {
        struct imm_vfs_fs *fs = imm_vfs_fs_new(p->v, "proc", IMM_VFS_API, "/proc", 0555);
        const char *hide = imm_setting_word(p->s, IMM_SETTING_PROTECT_PROC);

        fs->only_pids = imm_setting_number(p->s, IMM_SETTING_PROC_SUBSET) != 0;
        if (fs->only_pids || imm_setting_number(p->s, IMM_SETTING_PROTECT_PROC) != 0)
                fs->options = imm_printf(p->out, "hidepid=%s%s",
                        !hide || imm_streq(hide, "default") ? "off" : hide,
                        fs->only_pids ? ",subset=pid" : "");
        return new_api(p, e, fs, "/proc", may_mount(p, IMM_SETTING_PRIVATE_PIDS));
}

int imm_apply_private_sysfs(struct imm_plan *p, struct imm_plan_entry *e) {
        bool allowed = may_mount(p, IMM_SETTING_PRIVATE_NETWORK);
        struct imm_vfs_fs *fs = imm_vfs_fs_new(p->v, "sysfs", IMM_VFS_API, "/sys", 0555);
        bool mounted;
        int r;

        if (p->q.new_in_place)
                return new_api(p, e, fs, "/sys", allowed);
        /* 254: a new one; if one was there, its submounts come along */
        (void)imm_vfs_mkdir_p(p->v, e->path, 0755);
        mounted = imm_vfs_is_mount_point(p->v, e->path, &r);
        if (r < 0)
                return r;
        if (allowed || mounted)
                (void)imm_vfs_umount_recursive(p->v, e->path);
        if (!allowed)
                r = imm_vfs_bind(p->v, "/sys", e->path, true);
        else {
                const unsigned flags = IMM_MOUNT_NOSUID | IMM_MOUNT_NODEV | IMM_MOUNT_NOEXEC;

                r = is_hosts_own(p, IMM_SETTING_NETWORK_NAMESPACE_PATH, "net")
                            ? mount_again(p, e, "/sys", flags)
                            : imm_vfs_mount(p->v, e->path, fs, flags);
                if (r >= 0 && mounted)
                        (void)imm_vfs_bind_submounts(p->v, "/sys", e->path);
        }
        return r < 0 ? r : 1;
}

/* In a control group namespace the tree begins at the unit's own group. */
int imm_apply_cgroup2(struct imm_plan *p, struct imm_plan_entry *e) {
        struct imm_vpath group, at;
        int r;

        if (!may_mount(p, IMM_SETTING_PROTECT_CONTROL_GROUPS))
                return new_api(p, e, NULL, "/sys/fs/cgroup", false);
        r = imm_vfs_lookup(p->v, p->cgroup, false, &group);
        if (r < 0)
                return r;
        (void)imm_vfs_mkdir_p(p->v, e->path, 0755);
        (void)imm_vfs_umount_recursive(p->v, e->path);
        r = imm_vfs_lookup(p->v, e->path, false, &at);
        if (r < 0)
                return r;
        imm_vfs_attach(p->v, at.mount, at.node, group.node,
                IMM_MOUNT_NOSUID | IMM_MOUNT_NODEV | IMM_MOUNT_NOEXEC);
        return 1;
}
