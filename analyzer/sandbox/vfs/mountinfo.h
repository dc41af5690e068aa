#pragma once

/*
 * The kernel's own list of mounts, /proc/PID/mountinfo: parsed, and what paths reach through it.
 * Source: proc(5).
 */

#include "analyzer/sandbox/sandbox.h"

#include <stdio.h>

struct imm_mountinfo {
        unsigned id, parent;
        const char *device; /* "8:1": what tells file systems apart */
        const char *root;   /* the part of the file system that is mounted */
        const char *path;   /* where, from the process's root */
        const char *fstype;
        unsigned flags; /* IMM_MOUNT_* of the mount */
        bool read_only_fs;
};
struct imm_mountinfos {
        struct imm_mountinfo *v;
        size_t n, cap;
};

/* Appends what @f has, in its order; a line that is none of mountinfo is left out. */
void imm_mountinfo_read(FILE *f, struct imm_arena *a, struct imm_mountinfos *ret);

/*
 * What a path really reaches: one entry for each mount point that is not covered, the topmost, by
 * path -> struct imm_mountinfo. Of a process in a mere chroot the list may have no "/".
 */
void imm_mountinfo_reached(
        const struct imm_mountinfos *all, struct imm_arena *a, struct imm_map *ret);
