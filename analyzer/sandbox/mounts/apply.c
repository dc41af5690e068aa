/*
 * The plan against the model: each entry is mounted in turn, links in its path first being followed
 * one by one, then the rounds that flip flags. The failures are those of the kernel.
 */

#include "analyzer/sandbox/mounts/plan.h"

#include <errno.h>

enum { FOLLOWED_MAX = 32 };

/* 0: done, 1: done and to be post-processed, negative: it fails */
typedef int apply_fn(struct imm_plan *p, struct imm_plan_entry *e);

static bool is_tmpfs(const struct imm_plan_entry *e) {
        return e->mode == IMM_PLAN_EMPTY_DIR || e->mode == IMM_PLAN_TMPFS ||
               e->mode == IMM_PLAN_PRIVATE_TMPFS;
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
        p->v->trusting = !e->ignore;
        r = imm_vfs_lookup(p->v, e->path, false, &at);
        p->v->trusting = false;
        if (r < 0)
                return r == -ENOENT && e->ignore ? 0 : r;
        mode = imm_vfs_mode(p->v, at.node);
        if (S_ISLNK(mode))
                return -ELOOP;
        return bind_and_make(p, e, inaccessible_node(p, mode), true, false);
}

static int apply_self(struct imm_plan *p, struct imm_plan_entry *e) {
        bool mounted;
        int r;

        if (e->ends_in_dot)
                return -EINVAL;
        p->v->trusting = !e->ignore;
        mounted = imm_vfs_is_mount_point(p->v, e->path, &r);
        p->v->trusting = false;
        if (r < 0)
                return r == -ENOENT && e->ignore ? 0 : r;
        return mounted ? 1 : bind_and_make(p, e, e->path, true, false);
}

static int apply_bind(struct imm_plan *p, struct imm_plan_entry *e) {
        const char *source;
        int r;

        if (e->create_source)
                (void)imm_vfs_mkdir_p(p->v, e->source, 01777);
        p->v->trusting = !e->ignore;
        r = imm_vfs_chase(p->v, e->source, &source);
        p->v->trusting = false;
        if (r < 0)
                return r == -ENOENT && e->ignore ? 0 : r;
        e->source = source;
        r = bind_and_make(p, e, source, e->mode == IMM_PLAN_BIND_RECURSIVE, true);
        if (r > 0 && e->id_mapped) {
                struct imm_vpath at;

                /* the mapping is written to /proc, which is not that of a new PID namespace yet */
                if (imm_setting_number(p->s, IMM_SETTING_PRIVATE_PIDS) != 0)
                        return -ENOENT;

                if (imm_vfs_lookup(p->v, e->path, false, &at) >= 0) {
                        at.mount->id_mapped = true;
                        at.mount->flags |= IMM_MOUNT_NOSUID | IMM_MOUNT_NODEV | IMM_MOUNT_NOEXEC;
                        at.mount->nosuid_by = at.mount->noexec_by = e;
                }
        }
        return r;
}

static int apply_extension(struct imm_plan *p, struct imm_plan_entry *e) {
        int r = imm_plan_extension_check(p, e);

        if (r <= 0)
                return r;
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
        if (e->bad_options)
                return -EINVAL;
        fs = imm_vfs_fs_new(p->v, "tmpfs", IMM_VFS_EMPTY, e->path, (mode_t)e->tmpfs_mode);
        fs->options = e->options;
        fs->inodes_max = e->tmpfs_inodes;
        fs->inodes = 1;
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

static int apply_overlay(struct imm_plan *p, struct imm_plan_entry *e) {
        struct imm_vfs_fs *fs;
        struct imm_vpath at, under;
        bool any = false;
        int r;

        if (p->s->version < 255) /* whether there is anything to mount or not */
                (void)imm_vfs_mkdir_p(p->v, e->path, 0755);
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
        [IMM_PLAN_PRIVATE_DEV] = imm_apply_private_dev,
        [IMM_PLAN_BIND_DEV] = imm_apply_bind_dev,
        [IMM_PLAN_EMPTY_DIR] = apply_tmpfs,
        [IMM_PLAN_PRIVATE_SYSFS] = imm_apply_private_sysfs,
        [IMM_PLAN_BIND_SYSFS] = imm_apply_bind_sysfs,
        [IMM_PLAN_PROCFS] = imm_apply_procfs,
        [IMM_PLAN_PRIVATE_CGROUP2] = imm_apply_cgroup2,
        [IMM_PLAN_READ_ONLY] = apply_self,
        [IMM_PLAN_READ_WRITE] = apply_self,
        [IMM_PLAN_NOEXEC] = apply_self,
        [IMM_PLAN_EXEC] = apply_self,
        [IMM_PLAN_TMPFS] = apply_tmpfs,
        [IMM_PLAN_RUN] = apply_run,
        [IMM_PLAN_PRIVATE_TMPFS] = apply_tmpfs,
        [IMM_PLAN_EXTENSION_DIRECTORY] = apply_extension,
        [IMM_PLAN_MQUEUE] = imm_apply_mqueue,
        [IMM_PLAN_READ_WRITE_IMPLICIT] = apply_self,
};

/* ---- the rounds ---- */

/* 1: at the end of the links, 0: followed one */
static int follow(struct imm_plan *p, struct imm_plan_entry *e) {
        bool outside = e->mode == IMM_PLAN_EXTENSION_DIRECTORY || e->mode == IMM_PLAN_PRIVATE_TMPFS;
        const char *next;
        int r = imm_vfs_chase_step(
                p->v, outside ? "/" : p->root, e->path, &p->q.chase, &e->ends_in_dot, &next);

        if (r != 0)
                return r;
        if (e->followed++ >= FOLLOWED_MAX)
                return -ELOOP;
        e->path = next;
        return 0;
}

/* Does a link lead the entry above the root, from where nothing leads it back? */
static bool is_stray(const struct imm_plan *p, const struct imm_plan_entry *e) {
        const char *rest = imm_path_below(e->path, p->root);

        return rest && rest[0] == '.' && rest[1] == '.' && (rest[2] == '/' || rest[2] == '\0');
}

/*
 * Such a path is one in the place where the namespace is put together: with enough ".." that of the
 * old root, where a mount is lost, and in most versions not found when its flags are to change.
 */
static int apply_stray(const struct imm_plan *p, const struct imm_plan_entry *e) {
        const char *rest = imm_path_below(e->path, p->root);
        unsigned n = 0;

        for (; rest[0] == '.' && rest[1] == '.'; rest += strspn(rest, "/")) {
                rest += 2;
                n++;
        }
        if (n < 3)
                return e->ignore ? 0 : -ENOENT;
        if (p->q.strays_fail && (imm_plan_entry_read_only(e) || imm_plan_entry_noexec(e) ||
                                        e->exec || e->mode == IMM_PLAN_EXEC))
                return -EBUSY;
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
                        p->v->noting = e->setting != IMM_SETTING_N && !e->fixed;
                        r = follow(p, e);
                        if (r == 0) {
                                again = true;
                                break;
                        }
                        if (r > 0 && is_stray(p, e)) {
                                r = apply_stray(p, e);
                                e->stray = true;
                        } else if (r > 0) {
                                mode_t umask = p->v->umask;

                                if (e->mode == IMM_PLAN_PRIVATE_DEV)
                                        p->v->umask = 0;
                                r = appliers[e->mode](p, e);
                                p->v->umask = umask;
                        }
                        if (r < 0 && !p->lenient) {
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
                           *to = imm_printf(p->a, "%s%s", root, p->links.v[i]),
                           *at = imm_printf(p->a, "%s%s", root, p->links.v[i + 1]);
                int r = imm_vfs_mkdir_parents(p->v, at, 0755);

                if (r >= 0)
                        r = imm_plan_link(p, to, at);
                if (r < 0)
                        return r;
        }
        return 0;
}

static bool left_alone(const struct imm_plan *p, const struct imm_plan_entry *e) {
        return e->stray || (p->q.skipped_known && e->state != IMM_PLAN_APPLIED);
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
        p->v->noting = false;
        if (r < 0)
                return r;
        r = make_links(p);
        if (r < 0 && !p->lenient)
                return r;
        for (size_t i = 0; i < p->entries.n; i++)
                imm_strv_add(p->a, &deny, p->entries.v[i]->path);
        imm_strv_sort_unique(&deny);
        for (size_t round = 0; round < n_rounds; round++)
                for (size_t i = 0; i < p->entries.n; i++) {
                        struct imm_plan_entry *e = p->entries.v[i];

                        if (left_alone(p, e))
                                continue;
                        p->v->now = e;
                        r = rounds[round](p, e, &deny);
                        if (r < 0 && !p->lenient) {
                                *ret_culprit = e;
                                return r;
                        }
                }
        p->v->now = NULL;
        return 0;
}
