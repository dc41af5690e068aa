#pragma once

/* Between the files of this folder: what both sources of a boot's mounts use */

#include "analyzer/sandbox/boot/mounts.h"

struct imm_boot_reader {
        struct imm_manager *m;
        struct imm_boot_mounts *to;
        struct imm_arena *a;
};

/* fstab.c: adds all that it has */
void imm_boot_mounts_of_fstab(const struct imm_boot_reader *r);

/* mounts.c: sets flags, content and what belongs to it; path, what and type are there */
void imm_boot_mount_describe(
        const struct imm_boot_reader *r, struct imm_boot_mount *b, const char *options);
/* The later one of a path counts only where it is @stronger. */
void imm_boot_mount_add(
        const struct imm_boot_reader *r, const struct imm_boot_mount *b, bool stronger);
