#pragma once

/*
 * Who makes a path of /run or /tmp before a service starts. Both are empty when a machine boots:
 * what is there was made by systemd itself, for tmpfiles.d, for a unit's directory or socket, or by
 * a program that ran before. Of the last only the name speaks.
 */

#include "analyzer/unit/unit.h"

enum imm_maker {
        IMM_MAKER_NOBODY,  /* nothing in the root speaks of it, or could by its name */
        IMM_MAKER_PERHAPS, /* something may, at any time; or what lies there is never known */
        IMM_MAKER_BEFORE,  /* tmpfiles.d, or a unit that @u says it starts behind */
};

/* Which commands of the unit itself have run: a mount or folder that fails, fails for the first */
enum imm_own {
        IMM_OWN_NOTHING,
        IMM_OWN_PRIVILEGED, /* those with +, which most of the sandbox does not bind */
        IMM_OWN_ALL,        /* all before ExecStart= */
};

/*
 * @path as in a unit file. The setting that needs the path is no maker, nor is @u's own program,
 * which has yet to start. Asked only where the root's files and the tables say nothing.
 */
enum imm_maker imm_maker_of(
        struct imm_manager *m, const struct imm_unit *u, enum imm_own own, const char *path);
