/*
 * The plan against the model: each entry is mounted in turn, links in its path first being followed
 * one by one, then the rounds that flip flags. The failures are those of the kernel.
 */

#include "analyzer/sandbox/plan.h"

#include <errno.h>

enum { FOLLOWED_MAX = 32 };

/* 0: done, 1: done and to be post-processed, negative: it fails */
typedef int apply_fn(struct imm_plan *p, struct imm_plan_entry *e);

static bool is_tmpfs(const struct imm_plan_entry *e) {
        return e->mode == IMM_PLAN_EMPTY_DIR || e->mode == IMM_PLAN_TMPFS ||
               e->mode == IMM_PLAN_PRIVATE_TMPFS;
}

/* May a file system be mounted that belongs to a namespace which the user namespace does not own?
 */
static bool may_mount(const struct imm_plan *p, enum imm_setting namespace) {
        return !p->userns ||
               (namespace != IMM_SETTING_N && imm_setting_number(p->s, namespace) != 0);
}

static const char *inaccessible_node(const struct imm_plan *p, mode_t mode) {
        const char *name = S_ISDIR(mode)    ? "dir"
                           : S_ISREG(mode)  ? "reg"
                           : S_ISCHR(mode)  ? "chr"
                           : S_ISBLK(mode)  ? "blk"
                           : S_ISFIFO(mode) ? "fifo"
                                            : "sock";
        const char *path;
        struct imm_vpath at;

        path = imm_printf(p->a, "%s/systemd/inaccessible/%s", p->runtime, name);
        if ((S_ISBLK(mode) || S_ISCHR(mode)) && imm_vfs_lookup(p->v, path, false, &at) < 0) {
                path = imm_printf(p->a, "%s/systemd/inaccessible/chr", p->runtime);
                if (imm_vfs_lookup(p->v, path, false, &at) < 0)
                        path = imm_printf(p->a, "%s/systemd/inaccessible/sock", p->runtime);
        }
        return path;
}

static int bind_and_make(
        struct imm_plan *p, struct imm_plan_entry *e, const char *what, bool recursive, bool make) {
        int r = imm_vfs_bind(p->v, what, e->path, recursive);
        struct imm_vpath from;

        if (r == -ENOENT && make && imm_vfs_lookup(p->v, what, true, &from) >= 0) {
                (void)imm_vfs_mkdir_parents(p->v, e->path, 0755);
                (void)imm_vfs_mknod(p->v, e->path,
                        S_ISDIR(imm_vfs_mode(p->v, from.node)) ? S_IFDIR | 0755 : S_IFREG | 0644,
                        NULL);
                r = imm_vfs_bind(p->v, what, e->path, recursive);
        }
        return r < 0 ? r : 1;
}

static int apply_inaccessible(struct imm_plan *p, struct imm_plan_entry *e) {
        struct imm_vpath at;
        mode_t mode;
        int r;

        (void)imm_vfs_umount_recursive(p->v, e->path);
        r = imm_vfs_lookup(p->v, e->path, false, &at);
        if (r < 0)
                return r == -ENOENT && e->ignore ? 0 : r;
        mode = imm_vfs_mode(p->v, at.node);
        if (S_ISLNK(mode))
                return -ELOOP;
        return bind_and_make(p, e, inaccessible_node(p, mode), true, false);
}

static int apply_self(struct imm_plan *p, struct imm_plan_entry *e) {
        int r;
        bool mounted = imm_vfs_is_mount_point(p->v, e->path, &r);

        if (r < 0)
                return r == -ENOENT && e->ignore ? 0 : r;
        return mounted ? 1 : bind_and_make(p, e, e->path, true, false);
}

static int apply_bind(struct imm_plan *p, struct imm_plan_entry *e) {
        const char *source;
        int r;

        if (e->create_source)
                (void)imm_vfs_mkdir_p(p->v, e->source, 01777);
        r = imm_vfs_chase(p->v, e->source, &source);
        if (r < 0)
                return r == -ENOENT && e->ignore ? 0 : r;
        e->source = source;
        r = bind_and_make(p, e, source, e->mode == IMM_PLAN_BIND_RECURSIVE, true);
        if (r > 0 && e->id_mapped) {
                struct imm_vpath at;

                if (imm_vfs_lookup(p->v, e->path, false, &at) >= 0) {
                        at.mount->id_mapped = true;
                        at.mount->flags |= IMM_MOUNT_NOSUID | IMM_MOUNT_NODEV | IMM_MOUNT_NOEXEC;
                        at.mount->nosuid_by = at.mount->noexec_by = e;
                }
        }
        return r;
}

static bool has_file(struct imm_plan *p, const char *path) {
        struct imm_vpath at;

        return imm_vfs_lookup(p->v, path, true, &at) >= 0;
}

static int apply_extension(struct imm_plan *p, struct imm_plan_entry *e) {
        const char *name = strrchr(e->source, '/');
        const char *release;
        bool found;

        name = name ? name + 1 : e->source;
        release = imm_printf(
                p->a, "%s/usr/lib/extension-release.d/extension-release.%s", e->source, name);
        found = has_file(p, release);
        if (!found && p->s->version >= 257) {
                release = imm_printf(
                        p->a, "%s/etc/extension-release.d/extension-release.%s", e->source, name);
                found = has_file(p, release);
        }
        if (!found)
                return e->ignore ? 0 : -ENOENT;
        (void)imm_vfs_mkdir_p(p->v, e->path, 0755);
        return apply_bind(p, e);
}

static int apply_private_tmp(struct imm_plan *p, struct imm_plan_entry *e) {
        return bind_and_make(p, e, e->source, true, true);
}

static int apply_tmpfs(struct imm_plan *p, struct imm_plan_entry *e) {
        struct imm_vfs_fs *fs;
        int r;

        (void)imm_vfs_mkdir_p(p->v, e->path, 0755);
        (void)imm_vfs_umount_recursive(p->v, e->path);
        fs = imm_vfs_fs_new(p->v, "tmpfs", IMM_VFS_EMPTY, e->path, (mode_t)e->tmpfs_mode);
        fs->options = e->options;
        fs->root->uid = e->tmpfs_uid ? e->tmpfs_uid : p->v->uid;
        fs->root->gid = e->tmpfs_gid ? e->tmpfs_gid : p->user_manager ? p->id->gid : 0;
        r = imm_vfs_mount(p->v, e->path, fs, e->flags);
        return r < 0 ? r : 1;
}

static int apply_run(struct imm_plan *p, struct imm_plan_entry *e) {
        int r;

        if (imm_vfs_is_mount_point(p->v, e->path, &r))
                return 0;
        return r < 0 && r != -ENOENT ? r : apply_tmpfs(p, e);
}

static int apply_mqueue(struct imm_plan *p, struct imm_plan_entry *e) {
        int r;

        (void)imm_vfs_mkdir_p(p->v, e->path, 0755);
        (void)imm_vfs_umount_recursive(p->v, e->path);
        if (!may_mount(p, IMM_SETTING_PRIVATE_IPC))
                return -EPERM;
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

static int apply_bind_dev(struct imm_plan *p, struct imm_plan_entry *e) {
        return bind_host(p, e, "/dev");
}

static int apply_bind_sysfs(struct imm_plan *p, struct imm_plan_entry *e) {
        return bind_host(p, e, "/sys");
}

/* The devices that a private /dev has; each is as the host's own. */
static int apply_private_dev(struct imm_plan *p, struct imm_plan_entry *e) {
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
        if (has_file(p, "/proc/kcore"))
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
        r = imm_vfs_mount(p->v, e->path, fs, flags);
        if (r < 0)
                return r;
        if (p->q.submounts_kept)
                (void)imm_vfs_bind_submounts(p->v, host, e->path);
        return 1;
}

static int apply_procfs(struct imm_plan *p, struct imm_plan_entry *e) {
        struct imm_vfs_fs *fs = imm_vfs_fs_new(p->v, "proc", IMM_VFS_API, "/proc", 0555);
        const char *hide = imm_setting_word(p->s, IMM_SETTING_PROTECT_PROC);

        fs->only_pids = imm_setting_number(p->s, IMM_SETTING_PROC_SUBSET) != 0;
        if (fs->only_pids || imm_setting_number(p->s, IMM_SETTING_PROTECT_PROC) != 0)
                fs->options = imm_printf(p->out, "hidepid=%s%s",
                        !hide || imm_streq(hide, "default") ? "off" : hide,
                        fs->only_pids ? ",subset=pid" : "");
        return new_api(p, e, fs, "/proc", may_mount(p, IMM_SETTING_PRIVATE_PIDS));
}

static int apply_private_sysfs(struct imm_plan *p, struct imm_plan_entry *e) {
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
                r = imm_vfs_mount(
                        p->v, e->path, fs, IMM_MOUNT_NOSUID | IMM_MOUNT_NODEV | IMM_MOUNT_NOEXEC);
                if (r >= 0 && mounted)
                        (void)imm_vfs_bind_submounts(p->v, "/sys", e->path);
        }
        return r < 0 ? r : 1;
}

/* In a control group namespace the tree begins at the unit's own group. */
static int apply_cgroup2(struct imm_plan *p, struct imm_plan_entry *e) {
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

static int apply_overlay(struct imm_plan *p, struct imm_plan_entry *e) {
        struct imm_vfs_fs *fs;
        struct imm_vpath at, under;
        bool any = false;
        int r;

        for (size_t i = 0; i < e->layers.n; i++)
                if (imm_vfs_lookup(p->v, e->layers.v[i], false, &at) >= 0 &&
                        S_ISDIR(imm_vfs_mode(p->v, at.node)))
                        any = true;
                else if (p->s->version < 255)
                        return e->ignore ? 0 : -ENOENT;
        if (!any)
                return 0;
        (void)imm_vfs_mkdir_p(p->v, e->path, 0755);
        r = imm_vfs_lookup(p->v, e->path, false, &under);
        if (r < 0)
                return r;
        fs = imm_vfs_fs_new(p->v, "overlay", IMM_VFS_OVERLAY, e->path, 0755);
        fs->read_only = true;
        for (size_t i = e->layers.n; i-- > 0;)
                if (imm_vfs_lookup(p->v, e->layers.v[i], false, &at) >= 0)
                        *imm_array_push(p->a, &fs->layers) = at;
        *imm_array_push(p->a, &fs->layers) = under;
        r = imm_vfs_mount(p->v, e->path, fs, IMM_MOUNT_RDONLY);
        if (r < 0)
                return r == -ENOENT && e->ignore ? 0 : r;
        if (p->v->mounts.v[p->v->mounts.n - 1]->flags & IMM_MOUNT_RDONLY)
                p->v->mounts.v[p->v->mounts.n - 1]->read_only_by = e;
        return 1;
}

static apply_fn *const appliers[IMM_PLAN_MODE_N] = {
        [IMM_PLAN_INACCESSIBLE] = apply_inaccessible,
        [IMM_PLAN_OVERLAY] = apply_overlay,
        [IMM_PLAN_BIND] = apply_bind,
        [IMM_PLAN_BIND_RECURSIVE] = apply_bind,
        [IMM_PLAN_PRIVATE_TMP] = apply_private_tmp,
        [IMM_PLAN_PRIVATE_DEV] = apply_private_dev,
        [IMM_PLAN_BIND_DEV] = apply_bind_dev,
        [IMM_PLAN_EMPTY_DIR] = apply_tmpfs,
        [IMM_PLAN_PRIVATE_SYSFS] = apply_private_sysfs,
        [IMM_PLAN_BIND_SYSFS] = apply_bind_sysfs,
        [IMM_PLAN_PROCFS] = apply_procfs,
        [IMM_PLAN_PRIVATE_CGROUP2] = apply_cgroup2,
        [IMM_PLAN_READ_ONLY] = apply_self,
        [IMM_PLAN_READ_WRITE] = apply_self,
        [IMM_PLAN_NOEXEC] = apply_self,
        [IMM_PLAN_EXEC] = apply_self,
        [IMM_PLAN_TMPFS] = apply_tmpfs,
        [IMM_PLAN_RUN] = apply_run,
        [IMM_PLAN_PRIVATE_TMPFS] = apply_tmpfs,
        [IMM_PLAN_EXTENSION_DIRECTORY] = apply_extension,
        [IMM_PLAN_MQUEUE] = apply_mqueue,
        [IMM_PLAN_READ_WRITE_IMPLICIT] = apply_self,
};

/* ---- the rounds ---- */

/* 1: at the end of the links, 0: followed one */
static int follow(struct imm_plan *p, struct imm_plan_entry *e) {
        bool outside = e->mode == IMM_PLAN_EXTENSION_DIRECTORY || e->mode == IMM_PLAN_PRIVATE_TMPFS;
        const char *next;
        int r = imm_vfs_chase_step(p->v, outside ? "/" : p->root, e->path, &next);

        if (r != 0)
                return r;
        if (e->followed++ >= FOLLOWED_MAX)
                return -ELOOP;
        e->path = next;
        return 0;
}

static int establish(struct imm_plan *p, const struct imm_plan_entry **ret_culprit) {
        for (;;) {
                bool again = false;

                for (size_t i = 0; i < p->entries.n; i++) {
                        struct imm_plan_entry *e = p->entries.v[i];
                        int r;

                        if (e->state != IMM_PLAN_PENDING)
                                continue;
                        p->v->now = e;
                        r = follow(p, e);
                        if (r == 0) {
                                again = true;
                                break;
                        }
                        if (r > 0)
                                r = appliers[e->mode](p, e);
                        if (r < 0) {
                                *ret_culprit = e;
                                return r;
                        }
                        e->state = r > 0 ? IMM_PLAN_APPLIED : IMM_PLAN_SKIPPED;
                }
                if (!again)
                        return 0;
                imm_plan_normalize(p);
        }
}

static int make_links(struct imm_plan *p) {
        for (size_t i = 0; i + 1 < p->links.n; i += 2) {
                const char *root = imm_streq(p->root, "/") ? "" : p->root,
                           *at = imm_printf(p->a, "%s%s", root, p->links.v[i + 1]), *leads;
                struct imm_vpath found;
                int r = imm_vfs_mkdir_parents(p->v, at, 0755);

                if (r < 0)
                        return r;
                r = imm_vfs_mknod(p->v, at, S_IFLNK | 0777, p->links.v[i]);
                if (r == -EEXIST) {
                        if (imm_vfs_lookup(p->v, at, false, &found) < 0 ||
                                !S_ISLNK(imm_vfs_mode(p->v, found.node)))
                                return -EEXIST;
                        leads = imm_vfs_target(p->v, found.node);
                        if (!leads)
                                return -EEXIST;
                } else if (r < 0)
                        return r;
        }
        return 0;
}

static bool left_alone(const struct imm_plan *p, const struct imm_plan_entry *e) {
        return p->q.skipped_known && e->state != IMM_PLAN_APPLIED;
}

static int settle(const struct imm_plan_entry *e, int r) {
        return r == -ENOENT && e->ignore ? 0 : r;
}

static int round_read_only(
        struct imm_plan *p, struct imm_plan_entry *e, const struct imm_strv *deny) {
        unsigned set = 0;
        bool read_only = imm_plan_entry_read_only(e);

        if (read_only || e->mode == IMM_PLAN_PRIVATE_DEV)
                set |= IMM_MOUNT_RDONLY;
        if (e->nosuid)
                set |= IMM_MOUNT_NOSUID;
        if (set == 0)
                return 0;
        if (read_only && !is_tmpfs(e))
                return settle(e, imm_vfs_remount_recursive(p->v, e->path, set, set, deny));
        return settle(e, imm_vfs_remount_one(p->v, e->path, set, set));
}

static int round_noexec(struct imm_plan *p, struct imm_plan_entry *e, const struct imm_strv *deny) {
        unsigned set;

        if (imm_plan_entry_noexec(e))
                set = IMM_MOUNT_NOEXEC;
        else if (e->exec || e->mode == IMM_PLAN_EXEC)
                set = 0;
        else
                return 0;
        if (!is_tmpfs(e))
                return settle(
                        e, imm_vfs_remount_recursive(p->v, e->path, set, IMM_MOUNT_NOEXEC, deny));
        return settle(e, imm_vfs_remount_one(p->v, e->path, set, IMM_MOUNT_NOEXEC));
}

static int round_nosuid(struct imm_plan *p, struct imm_plan_entry *e, const struct imm_strv *deny) {
        const unsigned set = IMM_MOUNT_NOSUID;

        (void)deny;
        if (!is_tmpfs(e))
                return settle(e, imm_vfs_remount_recursive(p->v, e->path, set, set, NULL));
        return settle(e, imm_vfs_remount_one(p->v, e->path, set, set));
}

int imm_plan_apply(struct imm_plan *p, const struct imm_plan_entry **ret_culprit) {
        typedef int round_fn(struct imm_plan *, struct imm_plan_entry *, const struct imm_strv *);
        round_fn *const rounds[] = {round_read_only, round_noexec, round_nosuid};
        size_t n_rounds = !p->q.exec_rounds ? 1
                          : p->sandboxing && imm_setting_bool(p->s, IMM_SETTING_NO_NEW_PRIVILEGES)
                                  ? 3
                                  : 2;
        struct imm_strv deny = {0};
        int r;

        *ret_culprit = NULL;
        r = establish(p, ret_culprit);
        if (r < 0)
                return r;
        r = make_links(p);
        if (r < 0)
                return r;
        for (size_t i = 0; i < p->entries.n; i++)
                imm_strv_add(p->a, &deny, p->entries.v[i]->path);
        for (size_t round = 0; round < n_rounds; round++)
                for (size_t i = 0; i < p->entries.n; i++) {
                        struct imm_plan_entry *e = p->entries.v[i];

                        if (left_alone(p, e))
                                continue;
                        p->v->now = e;
                        r = rounds[round](p, e, &deny);
                        if (r < 0) {
                                *ret_culprit = e;
                                return r;
                        }
                }
        p->v->now = NULL;
        return 0;
}
