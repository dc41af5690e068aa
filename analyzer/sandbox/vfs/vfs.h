#pragma once

/*
 * A model of the kernel's mount tree, good enough to replay what systemd does before it executes a
 * program: file systems with nodes, mounts with a place and flags, path resolution through both,
 * bind mounts, recursive ones, remounts. Nothing is ever mounted; what exists is asked of the world
 * (world.h), what systemd would create is noted here. Sources: mount(2), mount_setattr(2),
 * path_resolution(7), mount_namespaces(7).
 *
 * Nodes of the root's own file systems are shared by all simulations that use the same world, one
 * at a time; what belongs to one simulation (made nodes, mounts) is stamped with its epoch.
 */

#include "analyzer/sandbox/sandbox.h"
#include "analyzer/sandbox/vfs/makers.h"

struct imm_world;
struct imm_vfs;
struct imm_plan_entry;
struct imm_boot_mount;

enum imm_vfs_content {
        IMM_VFS_EMPTY,   /* new: only what was made in it */
        IMM_VFS_ROOT,    /* files of the root */
        IMM_VFS_API,     /* of a kind that the kernel or systemd fills: see apifs.def */
        IMM_VFS_OVERLAY, /* what its layers hold */
};

/* A place: a node as seen through a mount */
struct imm_vpath {
        struct imm_vmount *mount;
        struct imm_vnode *node;
};

struct imm_vfs_fs {
        const char *type;
        const char *options; /* of new ones: "hidepid=invisible"; may be NULL */
        enum imm_vfs_content content;
        const char
                *prefix; /* node path + this is the path in the root or in apifs.def: "", "/dev" */
        bool of_host, only_pids;
        bool of_credentials; /* made for the unit, but on the host: a part of the host's tree */
        bool read_only;      /* the superblock */
        unsigned long long inodes, inodes_max; /* of a tmpfs; 0: as many as one likes */
        const struct imm_boot_mount *boot;     /* mounted by fstab or a unit; or NULL */
        struct imm_vnode *root;
        IMM_ARRAY(struct imm_vpath) layers; /* of an overlay, the topmost first */
};

struct imm_vnode {
        struct imm_vfs_fs *fs;
        struct imm_vnode *parent;   /* NULL for the top */
        struct imm_vnode *children; /* of new file systems; the root's are in the world's table */
        struct imm_vnode *next;
        const char *name, *path; /* path: within the file system, "/" at the top */
        size_t n_name;           /* its length */
        mode_t mode;             /* 0: nothing there */
        uid_t uid;
        gid_t gid;
        const char *target; /* of a link */
        bool looked_up, uncertain, covered;
        /* of one simulation, valid if @epoch is its own */
        unsigned long epoch;
        bool removed, recursive;
        mode_t made_mode; /* 0: not made or changed */
        uid_t made_uid;
        gid_t made_gid;
        const char *made_target;
        const char *made_from; /* it was moved here, with all in it */
        struct imm_vmount *mounts;
};

struct imm_vmount {
        struct imm_vmount *parent; /* NULL for the top */
        struct imm_vnode *point;   /* in parent's file system */
        struct imm_vnode *root;
        struct imm_vmount *same_point; /* next on the same node */
        struct imm_vmount *children, *last_child, *sibling;
        const char *path;      /* from the process's root */
        size_t n_path;         /* its length */
        unsigned long seen_at; /* of imm_vfs.changes, when it was looked whether it */
        bool seen;             /* is what its path leads to */
        /* of the root's own bind mounts: where it has them, and what of the file system; or NULL */
        const char *bound_at, *bound_top;
        unsigned flags; /* IMM_MOUNT_* */
        unsigned locked_flags;
        bool locked; /* as one that came from a mightier user namespace */
        bool gone, of_host, id_mapped;
        const struct imm_plan_entry *by, *read_only_by, *noexec_by, *nosuid_by;
};

struct imm_vfs {
        struct imm_world *world;
        struct imm_arena *a; /* dies with the simulation */
        unsigned long epoch;
        struct imm_vmount *root;
        IMM_ARRAY(struct imm_vmount *) mounts; /* in the order in which they were made */
        struct imm_map folders; /* path -> its imm_vmount_list, of the first n_noted; below.c */
        size_t n_noted;
        unsigned long changes;              /* of mounts and nodes: how many there were */
        IMM_ARRAY(struct imm_vnode *) made; /* nodes of the root that were made or changed */
        struct imm_strv uncertain; /* paths that were asked for, which may or may not exist */
        bool noting;               /* they are worth a note */
        /* whoever asks knows that they are there, unless nothing could have made them */
        bool trusting;
        const struct imm_unit *unit; /* on whose behalf */
        enum imm_own own;            /* what it has made itself */
        struct imm_manager *m;
        const struct imm_plan_entry *now; /* whoever mounts at the moment */
        uid_t uid;                        /* who acts: 0, or a user manager's user */
        bool user_namespace,
                bottom_flags; /* bottom_flags: remounts copy the lowest's flags (247) */
        bool setattr;         /* mount_setattr() is used */
        mode_t umask;         /* of what is made */
};

/*
 * below.c: the mounts at or below @path, by age, as they are when asked for; those that go in the
 * meantime are left out. for (b = imm_vfs_below(v, path); (m = imm_vfs_next(&b));)
 */
struct imm_vmounts_below {
        const char *path;
        size_t n_path;
        struct imm_vmount *const *v;
        size_t n, i;
};
struct imm_vmounts_below imm_vfs_below(struct imm_vfs *v, const char *path);
struct imm_vmount *imm_vfs_next(struct imm_vmounts_below *b);
/* Mounts are somewhere else now. */
void imm_vfs_paths_changed(struct imm_vfs *v);

/* A simulation on the host's own mounts; everything it makes lives in @a. */
struct imm_vfs *imm_vfs_new(struct imm_world *w, struct imm_arena *a);

struct imm_vfs_fs *imm_vfs_fs_new(struct imm_vfs *v, const char *type, enum imm_vfs_content content,
        const char *prefix, mode_t mode);

/* 0 or -ENOENT, -ENOTDIR, -ELOOP, -EACCES. Relative to the process's root; ".." and links are
 * followed. */
int imm_vfs_lookup(struct imm_vfs *v, const char *path, bool follow, struct imm_vpath *ret);
int imm_vfs_lookup_from(struct imm_vfs *v, struct imm_vpath root, const char *path, bool follow,
        struct imm_vpath *ret);
struct imm_vnode *imm_vfs_child(
        struct imm_vfs *v, struct imm_vnode *parent, const char *name, size_t n);
/* Sets the name and path of @r, a new one in @parent: the first @n bytes of @name */
void imm_vnode_named(struct imm_arena *a, struct imm_vnode *r, const struct imm_vnode *parent,
        const char *name, size_t n);
mode_t imm_vfs_mode(struct imm_vfs *v, struct imm_vnode *n);           /* 0: nothing there */
struct imm_vpath imm_vfs_cross(struct imm_vfs *v, struct imm_vpath p); /* to the topmost there */
const char *imm_vfs_target(struct imm_vfs *v, struct imm_vnode *n);
const char *imm_vfs_path(struct imm_vfs *v, struct imm_vpath p); /* from the process's root */
bool imm_vfs_is_mount_point(struct imm_vfs *v, const char *path, int *ret_error);

/*
 * Follows the first link or ".." of @path, which begins with @root (taken as it is; absolute links
 * start there again): 0 and the new path, 1 where nothing is left to follow (what does not exist
 * included), or a negative errno. @how->above_is_step: ".." at @root itself is a step too (which
 * leads to @root); else it is passed over and stays in the path. *dot: whether the path as systemd
 * has it ends in ".", which is left out here; what is followed to its end loses it or, as
 * @how->dots_stay says, keeps it.
 */
struct imm_vfs_chase_how {
        bool above_is_step, dots_stay;
};
int imm_vfs_chase_step(struct imm_vfs *v, const char *root, const char *path,
        const struct imm_vfs_chase_how *how, bool *dot, const char **ret);
/* The whole of it from the process's root; the path must exist. */
int imm_vfs_chase(struct imm_vfs *v, const char *path, const char **ret);

/* Making nodes: 0, -EEXIST, -ENOENT, -ENOTDIR, -EPERM, -EACCES, -EROFS */
int imm_vfs_mknod(struct imm_vfs *v, const char *path, mode_t mode, const char *target);
/* Whoever may or may not: parents too */
void imm_vfs_force(struct imm_vfs *v, const char *path, mode_t mode);
int imm_vfs_mkdir_p(struct imm_vfs *v, const char *path, mode_t mode);
int imm_vfs_mkdir_parents(struct imm_vfs *v, const char *path, mode_t mode);
/* The mode and owner that a node has from now on; -1: as it is */
void imm_vfs_change(
        struct imm_vfs *v, struct imm_vnode *n, int mode, uid_t uid, gid_t gid, bool recursive);
void imm_vfs_remove(struct imm_vfs *v, struct imm_vnode *n);
/* rename(2) of a directory, @from, to @path, which does not exist: 0 or as imm_vfs_mknod() */
int imm_vfs_rename(struct imm_vfs *v, struct imm_vpath from, const char *path);

/* Mounting: 0 or a negative errno, as mount(2) */
int imm_vfs_mount(struct imm_vfs *v, const char *path, struct imm_vfs_fs *fs, unsigned flags);
int imm_vfs_bind(struct imm_vfs *v, const char *source, const char *path, bool recursive);
int imm_vfs_move(struct imm_vfs *v, const char *from, const char *to);
int imm_vfs_umount_recursive(struct imm_vfs *v, const char *prefix); /* how many were unmounted */
int imm_vfs_bind_submounts(struct imm_vfs *v, const char *source, const char *target);
struct imm_vmount *imm_vfs_attach(struct imm_vfs *v, struct imm_vmount *parent,
        struct imm_vnode *point, struct imm_vnode *root, unsigned flags);

/* Remounting as systemd does it: @mask of the flags are set to @set. @deny: sorted, subtrees
 * left out. */
int imm_vfs_remount_one(struct imm_vfs *v, const char *path, unsigned set, unsigned mask);
int imm_vfs_remount_recursive(struct imm_vfs *v, const char *path, unsigned set, unsigned mask,
        const struct imm_strv *deny);
