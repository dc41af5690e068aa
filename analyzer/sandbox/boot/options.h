#pragma once

/* What a list of mount options says, as fstab and Options= have them: "ro,nosuid,mode=755". */

#include "analyzer/sandbox/sandbox.h"

/* The value of the last @name=, "" of a bare word, or NULL */
const char *imm_mount_option(const char *options, const char *name, struct imm_arena *a);
/* Is the last of the two words that is there @yes? */
bool imm_mount_options_end_on(const char *options, const char *yes, const char *no);
/* IMM_MOUNT_* */
unsigned imm_mount_options_flags(const char *options);
