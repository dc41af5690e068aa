#pragma once

/*
 * The world that simulations start from: the mounts that the root has by itself, and a table of the
 * nodes that were asked for. A world serves one simulation at a time; a manager keeps a few.
 */

#include "analyzer/sandbox/vfs/vfs.h"

struct imm_world;

/* A world nobody else uses at the moment; to be given back. */
struct imm_world *imm_world_take(struct imm_manager *m);
void imm_world_give(struct imm_manager *m, struct imm_world *w);

unsigned long imm_world_next_epoch(struct imm_world *w);
void imm_world_mount_all(struct imm_world *w, struct imm_vfs *v);
struct imm_vnode *imm_world_child(
        struct imm_world *w, struct imm_vnode *parent, const char *name, size_t n);
void imm_world_look_up(struct imm_world *w, struct imm_vnode *n);

/* hostmounts.c: what the root mounts by itself, in order; @path must exist on the ones before. */
struct imm_host_mount {
        const char *path, *type;
        unsigned flags;
        bool read_only_fs;
        bool same_tree;                    /* a part of the root, mounted on itself */
        const struct imm_boot_mount *boot; /* by fstab or a unit, or NULL */
};
struct imm_host_mounts {
        struct imm_host_mount *v;
        size_t n, cap;
};
void imm_host_mounts_find(struct imm_manager *m, struct imm_arena *a, struct imm_host_mounts *ret);
