#pragma once

/*
 * The sandbox: what a service gets of the root. Settings become a mount plan (what systemd asks the
 * kernel for, in its order), the plan applied over the root's mounts becomes the mount table, and
 * the identity's access is judged path by path through that table. Sources: systemd.exec(5),
 * namespaces(7), capabilities(7), path_resolution(7); where these are silent or wrong, tests/lab.
 */

#include "analyzer/settings/settings.h"

/*
 * A unit's commands fall into kinds with an identity and a sandbox of their own; most units have
 * one. The main kind is that of ExecStart='s first command.
 */
enum imm_command_kind {
        IMM_KIND_PLAIN,      /* no prefix, or ':' '-' '@' */
        IMM_KIND_NO_SETUID,  /* ! */
        IMM_KIND_AMBIENT,    /* !! */
        IMM_KIND_PRIVILEGED, /* + */
        IMM_KIND_N,
};

enum imm_outcome {
        IMM_OUTCOME_OK,
        IMM_OUTCOME_NOT_LOADABLE,
        IMM_OUTCOME_NAMESPACE_FAILURE,       /* 226 */
        IMM_OUTCOME_EXEC_FAILURE,            /* 203 */
        IMM_OUTCOME_CHDIR_FAILURE,           /* 200 */
        IMM_OUTCOME_USER_FAILURE,            /* 217 */
        IMM_OUTCOME_GROUP_FAILURE,           /* 216 */
        IMM_OUTCOME_CREDENTIALS_FAILURE,     /* 243 */
        IMM_OUTCOME_CHROOT_FAILURE,          /* 210 */
        IMM_OUTCOME_CAPABILITIES_FAILURE,    /* 218 */
        IMM_OUTCOME_NETWORK_FAILURE,         /* 225 */
        IMM_OUTCOME_STATE_DIRECTORY_FAILURE, /* 238 and its kin */
        IMM_OUTCOME_STDIN_FAILURE,           /* 208 */
        IMM_OUTCOME_STDOUT_FAILURE,          /* 209 */
        IMM_OUTCOME_STDERR_FAILURE,          /* 222 */
        IMM_OUTCOME_PAM_FAILURE,             /* 224 */
        IMM_OUTCOME_FDS_FAILURE,             /* 202 */
        IMM_OUTCOME_SETSCHEDULER_FAILURE,    /* 214 */
        IMM_OUTCOME_IOPRIO_FAILURE,          /* 211 */
        IMM_OUTCOME_CPU_AFFINITY_FAILURE,    /* 215 */
        IMM_OUTCOME_NUMA_POLICY_FAILURE,     /* 242 */
        IMM_OUTCOME_SOCKET_FAILURE, /* before any program: Result=resources, from 255 on success */
        IMM_OUTCOME_FILTER_FAILURE, /* before any process: Result=resources */
        IMM_OUTCOME_ENVIRONMENT_FAILURE,  /* before any process: Result=resources */
        IMM_OUTCOME_DYNAMIC_USER_FAILURE, /* the same */
        IMM_OUTCOME_TRIGGER_FAILURE,      /* systemd refuses to start it */
        IMM_OUTCOME_MOUNT_POINT_FAILURE,  /* Result=resources */
        IMM_OUTCOME_MOUNT_FAILURE,        /* 32, of mount(8) */
        IMM_OUTCOME_SWAP_FAILURE,         /* 255, of swapon(8) */
        IMM_OUTCOME_UNKNOWN,              /* images, a program below what is made at run time */
        IMM_OUTCOME_N,
};
const char *imm_outcome_name(enum imm_outcome o); /* "namespace-failure" */

/* The steps of a start, as far as they can fail, in systemd's order: of several the first counts */
enum imm_start_step {
        IMM_STEP_SPAWN, /* by the manager, before there is a process */
        IMM_STEP_FDS,
        IMM_STEP_USER,
        IMM_STEP_GROUPS,
        IMM_STEP_NAMESPACES, /* that a path names */
        IMM_STEP_STREAMS,
        IMM_STEP_SCHEDULING,
        IMM_STEP_DIRECTORIES,
        IMM_STEP_CREDENTIALS,
        IMM_STEP_PAM,
        IMM_STEP_OWN_USERS, /* a user namespace without privileges */
        IMM_STEP_MOUNTS,
        IMM_STEP_TAKE_GROUPS,
        IMM_STEP_USERS, /* a user namespace with them */
        IMM_STEP_PROGRAM,
        IMM_STEP_CAPABILITIES,
        IMM_STEP_CHROOT,
        IMM_STEP_TAKE_USER,
        IMM_STEP_CHDIR,
        IMM_STEP_SECURE_BITS,
        IMM_STEP_EXEC,
};

/* "226/NAMESPACE", as systemctl status says it; @setting: whose directory, for those of a unit */
const char *imm_outcome_status(enum imm_outcome o, enum imm_setting setting);

/*
 * "the service does not start: user-failure: ...", or that it cannot be known whether it does;
 * @culprit may be NULL.
 */
const char *imm_outcome_sentence(enum imm_outcome o, const char *culprit, struct imm_arena *a);

/* ---- identity ---- */

enum imm_userns { IMM_USERNS_NONE, IMM_USERNS_SELF, IMM_USERNS_IDENTITY, IMM_USERNS_FULL };

struct imm_identity {
        uid_t uid;
        gid_t gid;
        const char *user; /* name, NULL if only a number is known */
        gid_t *groups;    /* supplementary, sorted */
        size_t n_groups;
        bool dynamic; /* uid is one that systemd would allocate: stands for any of them */
        bool unknown; /* user or group is not in the root: @why says so; judged as an unprivileged
                         stranger */
        uint64_t cap_bounding, cap_inheritable, cap_permitted, cap_effective, cap_ambient;
        uint64_t cap_lost; /* given up before exec, and not to be had again under no_new_privileges
                            */
        bool no_new_privileges;
        unsigned secure_bits;
        enum imm_userns userns;
        /* of IMM_USERNS_SELF: what is mapped beside root, and whether root is */
        uid_t mapped_uid;
        gid_t mapped_gid;
        bool maps_root;
        bool set_id;     /* the program's own set-id bits or file capabilities changed it */
        bool undumpable; /* its own files in /proc belong to root */
        bool no_connect; /* address families or system calls leave it no connect(2) to AF_UNIX */
        enum imm_outcome outcome; /* of the first step that fails because of it, or OK */
        enum imm_start_step step;
        const char *why;          /* one line, or NULL */
        struct imm_origin origin; /* of the user */
};
/* "cap_chown cap_kill", "" for none */
const char *imm_caps_text(uint64_t caps, struct imm_arena *a);

/* Does any setting put a system-call filter (seccomp) on the unit's processes? */
bool imm_identity_filtered(const struct imm_settings *s);

/* ---- mounts ---- */

enum imm_mount_flags {
        IMM_MOUNT_RDONLY = 1 << 0,
        IMM_MOUNT_NOSUID = 1 << 1,
        IMM_MOUNT_NODEV = 1 << 2,
        IMM_MOUNT_NOEXEC = 1 << 3,
};

/*
 * What is there for the service and not in the root's files: directories, links and device nodes
 * that systemd makes, and owners that it changes.
 */
struct imm_made {
        const char *path;
        unsigned mode; /* type and permissions, as st_mode; 0: taken away */
        uid_t uid;
        gid_t gid;
        const char *target; /* of a link */
        const char *from;   /* of a directory that was moved here with all in it: from where */
        bool recursive; /* the owner is given to all that lies below, too, and ACLs are dropped */
};

/* What set a flag of a mount; @setting IMM_SETTING_N with @why NULL: it was so on the host. */
struct imm_mount_cause {
        enum imm_setting setting;
        struct imm_origin origin;
        const char *why;
};

/* One entry of a mount table: what stands at @path and is reached there. */
struct imm_mount {
        const char *path;   /* in the service's view */
        const char *fstype; /* "bind" or what is made new: "tmpfs", "proc", ...; of host mounts
                               their own */
        /*
         * Where its content comes from: for a bind the path in the root's own tree (with random
         * parts as
         * '*'), for new file systems their name. @host_path: the same as a path that can be looked
         * up in the root, NULL where there is nothing to look up (new file systems).
         */
        const char *source, *host_path;
        unsigned flags; /* IMM_MOUNT_* as a write would meet them (mount or superblock) */
        unsigned mode;  /* of a new tmpfs's top directory */
        uid_t uid;
        gid_t gid;
        bool of_host;      /* the root's own mount, not made by a setting */
        bool inaccessible; /* an inaccessible node stands here */
        bool id_mapped;    /* id-mapped to the service's user */
        bool full;         /* a new tmpfs that takes no more files */
        IMM_LIST(imm_made)
        entries; /* of a new file system: all that is in it, sorted; paths relative to its top */
        struct imm_strv layers;  /* of an overlay: paths in the root, the topmost first */
        const char *options;     /* of a new proc: "hidepid=invisible,subset=pid"; or NULL */
        const char *kernel_path; /* of a new file system that the kernel fills: what stands here, by
                                    its usual place: "/proc/sys" */
        struct imm_mount_cause read_only_by, noexec_by, nosuid_by;
        enum imm_setting
                setting; /* that made it; IMM_SETTING_N: none (host, or systemd's implicit ones) */
        struct imm_origin origin;
        const char *why; /* for implicit ones and side effects: one line */
};

/* What stands there in one word: "bind" is a part of the host's tree, its own mounts included;
 * else the type of what is made new. */
const char *imm_mount_type(const struct imm_mount *m);

/* Settings that lost against others at a path: dropped or overridden entries of the plan, in
 * systemd's order */
struct imm_mount_loser {
        const char *path;
        enum imm_setting setting;
        struct imm_origin origin;
        const char *why; /* "dropped: below inaccessible /home", "same path: read-only wins" */
};

struct imm_mount_table {
        enum imm_outcome outcome;
        enum imm_start_step step;
        const char
                *culprit; /* path or setting that makes setup fail, as the journal would name it */
        const char *culprit_source; /* of a bind mount: what was to be mounted there, and is not */
        const char *culprit_why;    /* what is wrong with it, if it is there; or NULL */
        struct imm_origin culprit_origin;
        bool has_namespace;         /* a mount namespace is made at all */
        bool assumed;               /* it cannot be set up: as if it could */
        const char *root_directory; /* RootDirectory= in effect (host path), or NULL */
        struct imm_mount *v;        /* sorted by path; topmost only; covered ones left out */
        size_t n, cap;
        IMM_LIST(imm_made) made; /* in the root's own tree, by host path, sorted */
        IMM_LIST(imm_mount_loser) losers;
        struct imm_strv assumes; /* what was not modelled and could change it: "RootImage=" ... */
};

/*
 * The service's own folder in /proc has a number that nobody knows beforehand. The model calls it
 * "/proc/@self"; here it is what people, and tables, call it: "/proc/self", "/proc/thread-self".
 */
const char *imm_path_of_process(const char *path, struct imm_arena *a);

/* The entry that @path lies on (path normalised and free of links): never NULL for a table with
 * outcome OK. */
const struct imm_mount *imm_mount_at(const struct imm_mount_table *t, const char *path);
/* The same for an entry of a directory that lies on @above */
const struct imm_mount *imm_mount_below(
        const struct imm_mount_table *t, const struct imm_mount *above, const char *path);

/* ---- one unit ---- */

struct imm_sandbox {
        bool has[IMM_KIND_N]; /* kinds of command that the unit has */
        enum imm_command_kind main;
        struct imm_identity identity[IMM_KIND_N];
        struct imm_mount_table mounts[IMM_KIND_N];
        /* The same before anything was assumed, with what making the mounts itself came to */
        struct imm_mount_table tried[IMM_KIND_N];
        struct imm_identity
                caller[IMM_KIND_N];      /* as it executes the program, before that changes it */
        const char *program[IMM_KIND_N]; /* the first command of the kind; NULL if there is none */
        bool started;                    /* private */
};

/* Computed on the first call, kept in u->sandbox. Different units in parallel are fine. */
struct imm_sandbox *imm_sandbox_of(struct imm_manager *m, struct imm_unit *u);
/*
 * Only as far as the sandbox is set up: has, main, tried, caller and program are complete, without
 * the price of trying to start the program in it.
 */
const struct imm_sandbox *imm_sandbox_view_of(struct imm_manager *m, struct imm_unit *u);
/* The same into @a, not kept: for questions to very many units. */
struct imm_sandbox *imm_sandbox_compute(
        struct imm_manager *m, struct imm_unit *u, struct imm_arena *a);
/*
 * Who the main process is once its program runs, in @view, its mount table: as imm_sandbox_of()
 * says where the service starts, without the price of finding out whether it does.
 */
void imm_sandbox_main_identity(struct imm_manager *m, struct imm_unit *u,
        const struct imm_mount_table *view, struct imm_arena *a, struct imm_identity *ret);
/*
 * As if the unit could start, not kept: what cannot be set up, because a path, a user or a program
 * is not in the root, is left out. For judging what it would reach.
 */
struct imm_sandbox *imm_sandbox_assume(
        struct imm_manager *m, struct imm_settings *s, struct imm_arena *a);
/* The Exec= lists of all types of units; ExecStart= first. IMM_SETTING_N ends them. */
extern const enum imm_setting imm_command_lists[];
/* Of a command in that list */
enum imm_command_kind imm_command_kind_of(const struct imm_settings *s, enum imm_setting list,
        const struct imm_command_item *command);

/*
 * same.c: would a service, or anybody who looks at it from outside, see a difference? Identities,
 * outcomes and mount tables of all kinds of command, but not what they come from.
 */
bool imm_sandbox_same(const struct imm_sandbox *a, const struct imm_sandbox *b);

/*
 * Descriptors that the service gets from outside: they bypass the mount table. OpenFile=,
 * StandardInput=file:, sockets of socket units, the descriptor store, PAM.
 */
struct imm_handed {
        const char *what; /* "OpenFile=", "socket", ... */
        const char *path; /* file or address; NULL: not known */
        bool read, write;
        enum imm_setting setting;
        struct imm_origin origin;
};
struct imm_handed_list {
        struct imm_handed *v;
        size_t n, cap;
};
void imm_handed_compute(struct imm_manager *m, struct imm_unit *u, struct imm_arena *a,
        struct imm_handed_list *ret);
/* Does any socket unit hand itself to the service? */
bool imm_handed_by_sockets(struct imm_manager *m, struct imm_unit *u, struct imm_arena *a);

/*
 * identity.c: as systemd leaves it before exec. identity/exec.c: what the kernel makes of it when
 * @program (a path in the table) is executed: file capabilities, set-id bits, root's own rules.
 */
void imm_identity_compute(struct imm_manager *m, struct imm_settings *s, enum imm_command_kind kind,
        struct imm_arena *a, struct imm_identity *ret);
void imm_identity_exec(struct imm_manager *m, struct imm_settings *s,
        const struct imm_mount_table *t, const char *program, struct imm_arena *a,
        struct imm_identity *id);
/* table.c (plan.c, normalize.c below it) */
void imm_mount_table_compute(struct imm_manager *m, struct imm_settings *s,
        enum imm_command_kind kind, const struct imm_identity *id, struct imm_arena *a,
        struct imm_mount_table *ret);
/* What fails is left out: see imm_sandbox_assume(). */
void imm_mount_table_assume(struct imm_manager *m, struct imm_settings *s,
        enum imm_command_kind kind, const struct imm_identity *id, struct imm_arena *a,
        struct imm_mount_table *ret);

/* ---- access ---- */

enum imm_level {
        IMM_LEVEL_NONE,
        IMM_LEVEL_READABLE,
        IMM_LEVEL_SPECIAL,
        IMM_LEVEL_STICKY,
        IMM_LEVEL_WRITABLE
};
const char *imm_level_name(enum imm_level l);

enum imm_mode { IMM_MODE_READ, IMM_MODE_WRITE, IMM_MODE_EXECUTE, IMM_MODE_CONNECT, IMM_MODE_N };
const char *imm_mode_name(enum imm_mode m);

/* Tri-state answers: -1 is "cannot be known" (null in JSON). */
struct imm_access {
        int exists;              /* lstat(2) from inside succeeds */
        int allowed[IMM_MODE_N]; /* connect: -1 also for what is no socket */
        enum imm_level level;    /* IMM_LEVEL_NONE where unknown: see exists */
        bool level_known;
        struct imm_strv because; /* lines for people: what decided, what lost, what would flip it */
        struct imm_strv assumes; /* not modelled, could change the answer */
        int new_executable;      /* of directories: a new file can be made in it and executed */
};

/*
 * @path as the main process (or any kind) of the unit meets it. @because: the modes whose reasons
 * are wanted, as bits; 0 leaves all out (fast: for scans over many units and paths). With
 * IMM_BECAUSE_FLIPS also what would flip each answer; that costs a sandbox or two for each.
 */
enum { IMM_BECAUSE_ALL = (1 << IMM_MODE_N) - 1, IMM_BECAUSE_FLIPS = 1 << IMM_MODE_N };
void imm_access_compute(struct imm_manager *m, struct imm_unit *u, enum imm_command_kind kind,
        const char *path, unsigned because, struct imm_arena *a, struct imm_access *ret);
/* The widest over all kinds of command that the unit has. */
void imm_access_widest(struct imm_manager *m, struct imm_unit *u, const char *path,
        unsigned because, struct imm_arena *a, struct imm_access *ret);

/* Settings that the registry does not know, which could change any answer: "NewSetting=" each */
void imm_assumes_unknown(const struct imm_settings *s, struct imm_arena *a, struct imm_strv *to);

/*
 * @path, links followed, in a sandbox that is at hand, without reasons and levels; also where it
 * only could be assumed (imm_sandbox_assume()).
 */
void imm_access_in(struct imm_manager *m, struct imm_settings *s, const struct imm_sandbox *sb,
        enum imm_command_kind kind, const char *path, struct imm_arena *a, struct imm_access *ret);

/*
 * access/list.c: the names in @dir as the main process meets them, sorted; whether it may read the
 * directory is another question. -ENOENT, -ENOTDIR, -EACCES (cannot be known or reached).
 */
int imm_access_list(struct imm_manager *m, struct imm_unit *u, const char *dir, struct imm_arena *a,
        struct imm_strv *ret);

/* ---- files of the root, as they are after boot ---- */

/* File capabilities, as security.capability says them */
struct imm_file_caps {
        uint64_t permitted, inheritable;
        bool effective;
};
/* Those of @path, free of links; NULL: none. They live as long as the manager. */
const struct imm_file_caps *imm_file_caps_of(struct imm_manager *m, const char *path);

/* May @id, a command's in the mount table @t, search the directory @path by its mode, ACL and
 * owner? Mounts are left out. True also where that cannot be known. */
bool imm_may_search(struct imm_manager *m, struct imm_settings *s, const struct imm_mount_table *t,
        const struct imm_identity *id, const char *path, struct imm_arena *a);

/* ---- places ---- */

/*
 * A part of the root, by whatever name a service meets it: @file is where it lies, without links;
 * NULL where there is no such thing. Lives in the arena; may be shared by threads.
 */
struct imm_site {
        const char *path, *file;
        bool unknown; /* whether it is there cannot be known: below /run of an image */
        mode_t mode;  /* of @file, after boot; 0: not known */
        uid_t uid;
        gid_t gid;
};
void imm_site_find(
        struct imm_manager *m, const char *path, struct imm_arena *a, struct imm_site *ret);
/* The part of the root that a command of that kind finds at @path of its own view; no file where
 * there is none, or what it finds is no part of the root. */
void imm_site_in(struct imm_manager *m, struct imm_settings *s, const struct imm_sandbox *sb,
        enum imm_command_kind kind, const char *path, struct imm_arena *a, struct imm_site *ret);

/*
 * What the unit's commands, of any kind, may do there; 1, 0, or -1: cannot be known. The pairs are
 * reading and writing. What covers the place does not count as the place.
 */
struct imm_site_access {
        int allowed[IMM_MODE_N];
        int part[2];        /* of it, or of something below that is mounted for the service */
        int others[2];      /* the same, but what the service's own user, if not root, owns */
        int whole[2];       /* allowed, and no mount takes something below it away */
        int new_executable; /* at @path, whatever stands there */
        const char *seen_at[IMM_MODE_N]; /* where that is in the service's view; NULL: nowhere */
};
/* As if the unit could start: missing users and programs are taken to be there. */
void imm_site_access(struct imm_manager *m, struct imm_settings *s, const struct imm_sandbox *sb,
        const struct imm_site *place, struct imm_arena *a, struct imm_site_access *ret);
/* Is there anything to judge commands of that kind by? */
bool imm_sandbox_known(const struct imm_sandbox *sb, enum imm_command_kind kind);
