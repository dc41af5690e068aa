#pragma once

/*
 * Settings of the kernel below /proc/sys: the running one's, or those that a root's boot makes.
 * Source: sysctl.d(5), tests/lab/sysctl.
 */

#include "analyzer/root/root.h"

/* @key: "fs/protected_symlinks". NULL: nothing sets it, the kernel's own default holds. */
const char *imm_sysctl(const struct imm_root *r, const char *key, struct imm_arena *a);
/* The same as a number of at most @max, what is no such number being refused by the kernel */
unsigned imm_sysctl_number(
        const struct imm_root *r, const char *key, unsigned max, unsigned otherwise);
