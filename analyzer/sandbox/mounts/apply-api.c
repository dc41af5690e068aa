/*
 * The kernel's file systems in a namespace: /dev, /proc, /sys, control groups, message queues. What
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

/* The devices that a private /dev has; each is as the host's own. */
int imm_apply_private_dev(struct imm_plan *p, struct imm_plan_entry *e) {
        static const char *const nodes[] = {"null", "zero", "full", "random", "urandom", "tty"};
        static const struct {
                const char *name, *numbers;
        } char_links[] = {{"null", "1:3"}, {"zero", "1:5"}, {"full", "1:7"}, {"random", "1:8"},
                {"urandom", "1:9"}, {"tty", "5:0"}};
        static const struct {
                const char *name;
                bool needed;
        } dirs[] = {{"pts", true}, {"shm", true}, {"mqueue", false}, {"hugepages", false}};
        static const struct {
                const char *name, *target;
        } links[] = {{"fd", "/proc/self/fd"}, {"stdin", "/proc/self/fd/0"},
                {"stdout", "/proc/self/fd/1"}, {"stderr", "/proc/self/fd/2"}};
        struct imm_vfs *v = p->v;
        struct imm_vfs_fs *fs;
        struct imm_vpath at;
        const char *aside, *dev;
        int r;

        if (p->userns && p->s->version < 254 &&
                !imm_setting_number(p->s, IMM_SETTING_PRIVATE_USERS))
                return -EPERM;
        /* put together aside: what it takes from /dev is the host's, whatever was mounted since */
        aside = p->s->version >= 255 ? imm_printf(p->a, "%s/systemd/namespace-*", p->runtime)
                                     : "/tmp/namespace-dev-*";
        dev = imm_printf(p->a, "%s/dev", aside);
        r = imm_vfs_mkdir_p(v, dev, 0755);
        if (r < 0)
                return r;
        fs = imm_vfs_fs_new(v, "tmpfs", IMM_VFS_EMPTY, e->path, 0755);
        r = imm_vfs_mount(v, dev, fs, IMM_MOUNT_NOSUID | IMM_MOUNT_NOEXEC);
        if (r < 0)
                return r;
        for (size_t i = 0; i < IMM_ELEMENTSOF(dirs); i++) {
                const char *to = imm_printf(p->a, "%s/%s", dev, dirs[i].name);

                (void)imm_vfs_mknod(v, to, S_IFDIR | 0755, NULL);
                r = imm_vfs_bind(v, imm_printf(p->a, "/dev/%s", dirs[i].name), to, false);
                if (r < 0 && dirs[i].needed)
                        return r;
        }
        if (imm_vfs_lookup(v, "/dev/ptmx", false, &at) < 0)
                return -ENOENT;
        (void)imm_vfs_mknod(v, imm_printf(p->a, "%s/ptmx", dev),
                S_ISLNK(imm_vfs_mode(v, at.node)) ? S_IFLNK | 0777 : S_IFCHR | 0666, "pts/ptmx");
        if (p->s->version < 257 || !p->root_directory ||
                imm_setting_string(p->s, IMM_SETTING_LOG_NAMESPACE) ||
                (int64_t)imm_setting_number(p->s, IMM_SETTING_BIND_LOG_SOCKETS) != 0)
                (void)imm_vfs_mknod(v, imm_printf(p->a, "%s/log", dev), S_IFLNK | 0777,
                        "/run/systemd/journal/dev-log");
        for (size_t i = 0; i < IMM_ELEMENTSOF(nodes); i++) {
                const char *host = imm_printf(p->a, "/dev/%s", nodes[i]),
                           *to = imm_printf(p->a, "%s/%s", dev, nodes[i]);

                if (imm_vfs_lookup(v, host, true, &at) < 0)
                        continue;
                if (p->userns) {
                        /* devices cannot be made in a user namespace: the host's are bound */
                        (void)imm_vfs_mknod(v, to, S_IFREG, NULL);
                        r = imm_vfs_bind(v, host, to, false);
                        if (r < 0)
                                return r;
                } else {
                        (void)imm_vfs_mknod(v, to, imm_vfs_mode(v, at.node), NULL);
                        if (imm_streq(nodes[i], "tty") && imm_vfs_lookup(v, to, false, &at) >= 0)
                                imm_vfs_change(v, at.node, -1, 0, 0, false);
                }
                (void)imm_vfs_mkdir_p(v, imm_printf(p->a, "%s/char", dev), 0755);
                for (size_t k = 0; k < IMM_ELEMENTSOF(char_links); k++)
                        if (imm_streq(char_links[k].name, nodes[i]))
                                (void)imm_vfs_mknod(v,
                                        imm_printf(p->a, "%s/char/%s", dev, char_links[k].numbers),
                                        S_IFLNK | 0777, imm_printf(p->a, "../%s", nodes[i]));
        }
        if (imm_vfs_lookup(v, "/proc/kcore", true, &at) >= 0)
                (void)imm_vfs_mknod(
                        v, imm_printf(p->a, "%s/core", dev), S_IFLNK | 0777, "/proc/kcore");
        for (size_t i = 0; i < IMM_ELEMENTSOF(links); i++)
                (void)imm_vfs_mknod(v, imm_printf(p->a, "%s/%s", dev, links[i].name),
                        S_IFLNK | 0777, links[i].target);
        (void)imm_vfs_mkdir_p(v, e->path, 0755);
        (void)imm_vfs_umount_recursive(v, e->path);
        r = imm_vfs_move(v, dev, e->path);
        if (r < 0)
                return r;
        if (imm_vfs_lookup(v, dev, false, &at) >= 0)
                imm_vfs_remove(v, at.node);
        if (imm_vfs_lookup(v, aside, false, &at) >= 0)
                imm_vfs_remove(v, at.node);
        return 1;
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
