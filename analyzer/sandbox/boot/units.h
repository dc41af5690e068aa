#pragma once

/*
 * Mount units of a root of files, and which units a boot wants.
 * Sources: systemd.mount(5), systemd.unit(5) (.wants, .requires, conditions), bootup(7).
 */

#include "analyzer/sandbox/sandbox.h"

enum { IMM_MOUNT_UNIT_DIRS = 4 };
extern const char *const imm_mount_unit_dirs[IMM_MOUNT_UNIT_DIRS];

/* The folders that say what a boot starts, those of what they name too, each listed once */
struct imm_boot_wants {
        const char *path;
        struct imm_dirent *entries;
        size_t n;
};
struct imm_boot_targets {
        IMM_ARRAY(struct imm_boot_wants) folders;
        struct imm_strv mounts; /* all mount units that have a file, wanted or not */
};
void imm_boot_targets_read(
        struct imm_manager *m, struct imm_arena *a, struct imm_boot_targets *ret);
bool imm_boot_wants(const struct imm_root *root, const struct imm_boot_targets *boot,
        const char *unit, struct imm_arena *a);

/* The last value of each key of a mount unit, drop-ins read too; false: there is none, or masked */
struct imm_mount_unit {
        const char *what, *where, *type, *options, *file;
        int holds; /* its conditions: 1, 0, or -1: cannot be known */
};
bool imm_mount_unit_read(const struct imm_root *root, const char *unit, struct imm_arena *a,
        struct imm_mount_unit *ret);
/* Is the unit file at @path, a link there, none that may start? */
bool imm_mount_unit_masked(const struct imm_root *root, const char *path, struct imm_arena *a);
