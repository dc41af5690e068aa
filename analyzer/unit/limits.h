#pragma once

/*
 * Limits of what is read as units. Each lies above what systemd itself takes or what a real system
 * has; what is beyond is told, never cut silently.
 */

enum {
        /* systemd's own: one line, and one value joined from continued lines */
        IMM_UNIT_LINE_MAX = 1024 * 1024,
        /* ours: systemd has none; the largest real unit files have some 20 KiB */
        IMM_UNIT_FILE_MAX = 16 * 1024 * 1024,
        /* diagnostics of one file; a file of nonsense must not fill the memory */
        IMM_FILE_DIAGS_MAX = 100,
        /* systemd's own: bytes of a unit's name with its suffix, and the NUL */
        IMM_UNIT_NAME_MAX = 256,
        /* rounds of "a unit that is wanted wants an instance of another template" */
        IMM_WANTED_ROUNDS_MAX = 8,
        /* passwd, group, one sysusers.d file, os-release and the like */
        IMM_CONFIG_FILE_MAX = 16 * 1024 * 1024,
};
