#pragma once

/*
 * What a root of files says about its mounts: the lines of /etc/fstab and mount units. Which of
 * them a boot makes, with which flags, and what is then there as far as files can tell. Sources:
 * fstab(5), systemd-fstab-generator(8), systemd.mount(5), systemd-remount-fs.service(8).
 */

#include "analyzer/sandbox/boot/units.h"

enum imm_boot_content {
        IMM_BOOT_EMPTY,  /* a new file system in memory: what tmpfiles.d makes in it */
        IMM_BOOT_BIND,   /* a part of the root */
        IMM_BOOT_KERNEL, /* the kernel's own */
        IMM_BOOT_DEVICE, /* another device, a server, ...: nothing that the root says */
        IMM_BOOT_FLAGS,  /* no mount: the flags of one that is there anyway */
};

struct imm_boot_mount {
        const char *path, *what, *type;
        enum imm_boot_content content;
        unsigned flags; /* IMM_MOUNT_* */
        bool recursive, doubtful;
        bool filled; /* of another device: the root's files have something there */
        mode_t mode; /* of what is empty */
        uid_t uid;
        gid_t gid;
        const char *file; /* that says so, and where */
        unsigned line;
};
struct imm_boot_mounts {
        struct imm_boot_targets targets;
        struct imm_boot_mount *v; /* by path, each once */
        size_t n, cap;
        struct imm_map by_path;        /* while they are read */
        IMM_LIST(imm_boot_mount) left; /* those that a boot does not make by itself, or perhaps */
};

void imm_boot_mounts_read(struct imm_manager *m, struct imm_arena *a, struct imm_boot_mounts *ret);
/* access/node.c: the manager's, read once. None of a running root. */
const struct imm_boot_mounts *imm_boot_mounts_of(struct imm_manager *m);
/* The one that @path lies on, flags left out; or NULL */
const struct imm_boot_mount *imm_boot_mount_at(const struct imm_boot_mounts *all, const char *path);

/* One that a boot does not make by itself and that @path would lie on; or NULL */
const struct imm_boot_mount *imm_boot_mount_left(
        const struct imm_boot_mounts *all, const char *path);

/* "fstab:12" and what it mounts, for people */
const char *imm_boot_mount_text(const struct imm_boot_mount *b, struct imm_arena *a);
