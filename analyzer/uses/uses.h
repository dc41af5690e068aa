#pragma once

/*
 * Uses: what a unit's programs use of the kernel and the machine when they run, and which of its
 * settings refuse that. The closure says which files a service needs; this room says what the
 * programs among them do: from the functions that they import, the texts within them, the run-time
 * that executes them, their arguments and configuration, and tables of facts about well-known
 * programs (*.def, each row argued). A program that is not there, or that makes its system calls by
 * itself (Go), has no uses: what is not known is never guessed.
 *
 * Sources: capabilities(7), seccomp(2), systemd.exec(5); reports of services that a setting broke;
 * tests/lab/breakage.
 */

#include "analyzer/closure/closure.h"
#include "analyzer/sandbox/start/preflight.h"

enum imm_facility {
#define FACILITY(id, ...) IMM_FACILITY_##id,
#include "analyzer/uses/facilities.def"
#undef FACILITY
        IMM_FACILITY_N,
};

struct imm_use {
        enum imm_facility facility;
        enum imm_command_kind kind; /* of the command that does it */
        enum imm_confidence confidence;
        bool essential;  /* it does not work if this is refused; else only if it is killed for it */
        bool partial;    /* it starts without, and a function does not work */
        bool remark;     /* worth a remark, no more: other ways are taken, or rarely asked for */
        bool by_default; /* the program's own choice, where its configuration makes none */
        const char *calls;    /* system calls that it makes; NULL: those of the facility */
        const char *object;   /* path, device, port; NULL where there is none */
        const char *evidence; /* "/usr/sbin/smartd imports pcap_open_live" */
};

struct imm_uses {
        struct imm_use *v;
        size_t n, cap;
};

/* What @s's programs use; into @a. Several threads may ask, each with units of its own. */
void imm_uses_compute(
        struct imm_manager *m, struct imm_settings *s, struct imm_arena *a, struct imm_uses *ret);

/*
 * Libraries, and interpreters that env(1) looks for, that are not in the root: the command is
 * started and ends with status 127. Added to @ret, which imm_preflight_find() has filled.
 */
void imm_absent_find(struct imm_manager *m, struct imm_settings *s, struct imm_arena *a,
        struct imm_preflight_list *ret);

/*
 * loading.c: limits that leave no room for a program, its loader and its libraries: it is started
 * and ends before it runs. Added to @ret likewise.
 */
void imm_loading_find(struct imm_manager *m, struct imm_settings *s, struct imm_arena *a,
        struct imm_preflight_list *ret);

/* A setting that refuses a use */
struct imm_denial {
        enum imm_setting setting; /* the one that somebody wrote, not one that it implies */
        struct imm_origin origin;
        enum imm_confidence confidence;
        bool partial;         /* the service starts, and a function of it does not work */
        bool remark;          /* the service goes on without it */
        const char *evidence; /* one line: what is used, how that is known, what refuses it */
        const char *allow;    /* the call, capability or family that a further line of the setting
                               * would have to name; NULL: no word would do */
        bool ambient;         /* ... and AmbientCapabilities= as well */
};

struct imm_denials {
        struct imm_denial *v; /* the surest first */
        size_t n, cap;
};

/*
 * All denials of @s; @sb as of imm_sandbox_assume(). Uses are looked for only where a setting could
 * refuse any.
 */
void imm_denials_compute(struct imm_manager *m, struct imm_settings *s,
        const struct imm_sandbox *sb, struct imm_arena *a, struct imm_denials *ret);
