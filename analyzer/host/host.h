#pragma once

/*
 * The running host: what its manager has loaded of a unit, what the kernel shows of the main
 * process, and where both differ from what the files predict. Nothing is started, loaded or
 * changed; without root, what could not be seen is said. Sources: org.freedesktop.systemd1(5),
 * proc(5), namespaces(7), credentials(7).
 */

#include "analyzer/sandbox/vfs/mountinfo.h"

#include <sys/types.h>

enum imm_live_ns { IMM_NS_MNT, IMM_NS_USER, IMM_NS_NET, IMM_NS_IPC, IMM_NS_PID, IMM_NS_N };

/* The main process, by /proc/PID */
struct imm_process {
        pid_t pid;
        bool not_yet; /* systemd's own child, which has still to execute the program */
        uid_t uid;    /* effective */
        gid_t gid;
        gid_t *groups; /* supplementary, sorted */
        size_t n_groups;
        uint64_t cap_inheritable, cap_permitted, cap_effective, cap_bounding, cap_ambient;
        bool no_new_privileges;
        unsigned seccomp;  /* 0 none, 1 strict, 2 filter */
        int own[IMM_NS_N]; /* not the manager's namespace; -1: could not be seen */
        struct imm_mountinfos mounts;
        struct imm_map reached; /* of them: imm_mountinfo_reached() */
        struct imm_mountinfos manager_mounts;
        bool mounts_seen;
};

/* One unit on the running host */
struct imm_live {
        bool manager_seen;        /* it answered */
        unsigned manager_version; /* 0: not known */
        bool loaded;              /* it has the unit in memory */
        const char *active, *sub; /* "active", "running" */
        bool need_daemon_reload;
        struct imm_map
                properties; /* name -> value as systemctl show writes it, those of simple types */
        uint64_t started;   /* the main process, CLOCK_REALTIME microseconds; 0: never */
        bool process_seen;  /* there is a main process, and @process tells of it */
        struct imm_process process;
        struct imm_strv unseen; /* lines: what could not be seen, and why */
};

/*
 * Asks the manager of @m's scope and looks at the main process of @u. Never fails: what could not
 * be had is a line of ret->unseen. Everything lives in @a.
 */
void imm_live_of(
        struct imm_manager *m, struct imm_unit *u, struct imm_arena *a, struct imm_live *ret);

/* bus.c and process.c, the two halves of it */
void imm_live_ask_manager(struct imm_manager *m, const char *unit, struct imm_arena *a,
        struct imm_live *ret, pid_t *ret_pid, pid_t *ret_manager);
void imm_live_look(pid_t pid, pid_t manager, struct imm_arena *a, struct imm_live *ret);

/* Where the running service is not what the files predict */
struct imm_live_difference {
        enum { IMM_LIVE_SETTING, IMM_LIVE_NAMESPACE, IMM_LIVE_IDENTITY, IMM_LIVE_MOUNT } kind;
        const char *what;                /* "ProtectSystem=", "/home", "CapEff" */
        const char *predicted, *running; /* for people */
        const char *reason;              /* the likely one */
};
struct imm_live_differences {
        struct imm_live_difference *v;
        size_t n, cap;
};
const char *imm_live_kind_name(const struct imm_live_difference *d); /* "mount" */
void imm_live_compare(struct imm_manager *m, struct imm_unit *u, const struct imm_live *live,
        struct imm_arena *a, struct imm_live_differences *ret);

/*
 * What the kernel answers at a path to a process with the identity of the running one, in its
 * namespaces: access(2), asked by a child of ours that joins them for the question. Needs root.
 * System-call filters and security modules of the service are not part of the answer. 1, 0, or -1:
 * not known; connect only of sockets.
 */
struct imm_live_access {
        int exists;
        int allowed[IMM_MODE_N];
};
/* 0, or a negative errno with @err: not even one answer. */
int imm_live_access(const struct imm_process *p, const char *const *paths, size_t n,
        struct imm_live_access *ret, struct imm_err *err);
