#pragma once

/*
 * The mount plan: what systemd asks the kernel for to build a service's mount namespace, in its
 * order, and what it makes on disk before that. Only what differs between versions is asked of the
 * version. Sources: systemd.exec(5); what it leaves open: tests/lab.
 */

#include "analyzer/sandbox/joins.h"
#include "analyzer/sandbox/needs.h"
#include "analyzer/sandbox/vfs/vfs.h"

/* In the order of their priority at one and the same path: the first wins. */
enum imm_plan_mode {
        IMM_PLAN_INACCESSIBLE,
        IMM_PLAN_OVERLAY,
        IMM_PLAN_BIND,
        IMM_PLAN_BIND_RECURSIVE,
        IMM_PLAN_PRIVATE_TMP,
        IMM_PLAN_PRIVATE_DEV,
        IMM_PLAN_BIND_DEV,
        IMM_PLAN_EMPTY_DIR,
        IMM_PLAN_PRIVATE_SYSFS,
        IMM_PLAN_BIND_SYSFS,
        IMM_PLAN_PROCFS,
        IMM_PLAN_PRIVATE_CGROUP2,
        IMM_PLAN_READ_ONLY,
        IMM_PLAN_READ_WRITE,
        IMM_PLAN_NOEXEC,
        IMM_PLAN_EXEC,
        IMM_PLAN_TMPFS,
        IMM_PLAN_RUN,
        IMM_PLAN_PRIVATE_TMPFS,       /* outside of the root, used by later ones */
        IMM_PLAN_EXTENSION_DIRECTORY, /* likewise */
        IMM_PLAN_MQUEUE,
        IMM_PLAN_READ_WRITE_IMPLICIT,
        IMM_PLAN_MODE_N,
};
const char *imm_plan_mode_text(enum imm_plan_mode mode); /* "read-only" */

enum imm_plan_state { IMM_PLAN_PENDING, IMM_PLAN_APPLIED, IMM_PLAN_SKIPPED };

struct imm_plan_entry {
        enum imm_plan_mode mode;
        const char *path;  /* with the prefix of the root that is built, if has_prefix */
        const char *plain; /* as the setting names it */
        const char *source, *options;
        unsigned flags; /* IMM_MOUNT_* of a new file system */
        unsigned tmpfs_mode;
        uid_t tmpfs_uid;
        gid_t tmpfs_gid;
        unsigned long long tmpfs_inodes; /* 0: no limit that matters */
        bool ignore, has_prefix, read_only, nosuid, noexec, exec, create_source, id_mapped;
        bool bad_options; /* of a tmpfs: the kernel refuses them */
        bool fixed;       /* a row of the tables: its path was not chosen by anybody */
        enum imm_plan_state state;
        unsigned followed;
        bool stray;             /* leads above the root (is_stray) */
        bool ends_in_dot;       /* a link led to ".../.", which is no name of a mount point */
        struct imm_strv layers; /* of an overlay, the lowest first */
        enum imm_setting setting;
        struct imm_origin origin;
        const char *why;
        /* ones at the same path that it won over, and took this from */
        const struct imm_plan_entry *read_only_by, *noexec_by;
        const struct imm_plan_entry *above; /* the nearest, at the same path or above it; or NULL */
};

/* A row of the fixed tables (plan-tables.c) */
struct imm_plan_row {
        const char *path;
        enum imm_plan_mode mode;
        bool ignore;
        unsigned since, until; /* systemd's versions; 0: any */
        bool read_only;        /* the rest counts from 257 on, before it was forgotten */
        unsigned flags, tmpfs_mode;
};

enum imm_plan_table {
        IMM_TABLE_APIVFS,
        IMM_TABLE_TUNABLES_PROC,
        IMM_TABLE_TUNABLES_SYS,
        IMM_TABLE_MODULES,
        IMM_TABLE_LOGS_PROC,
        IMM_TABLE_LOGS_DEV,
        IMM_TABLE_HOME_YES,
        IMM_TABLE_HOME_READ_ONLY,
        IMM_TABLE_HOME_TMPFS,
        IMM_TABLE_SYSTEM_YES,
        IMM_TABLE_SYSTEM_FULL,
        IMM_TABLE_SYSTEM_STRICT,
        IMM_TABLE_CGROUPS_YES,
        IMM_TABLE_CGROUPS_PRIVATE,
        IMM_TABLE_CGROUPS_STRICT,
        IMM_TABLE_HOSTNAME,
        IMM_TABLE_N,
};
const struct imm_plan_row *imm_plan_rows(enum imm_plan_table t, size_t *ret_n);

/* What differs between versions without being a row of a table */
struct imm_quirks {
        bool exec_rounds;    /* noexec and nosuid rounds; 248 */
        bool rows_in_full;   /* read_only, flags and mode of rows count; 257 */
        bool skipped_known;  /* entries that did nothing are left alone in later rounds; 257 */
        bool submounts_kept; /* a new /proc gets the submounts of the old; 254 */
        bool new_in_place;   /* and /proc, /sys are mounted aside first; 257 */
        bool private_sys;    /* PrivateNetwork= gives a new /sys; 254 */
        bool sorted_dirs;   /* StateDirectory= and kin are sorted and nested ones recognised; 251 */
        bool propagate;     /* /run/systemd/incoming; 250 */
        bool os_release;    /* /run/host/os-release in a RootDirectory=; 254 */
        bool notify_socket; /* bound into a RootDirectory=; 250 */
        bool log_sockets;   /* BindLogSockets=; 257 */
        bool id_mapped;     /* state directories; 257 */
        bool pressure;      /* memory.pressure stays writable; 254 */
        bool subset_ignored; /* ProcSubset=pid: missing paths in /proc are no error; 248 */
        bool state_home;     /* ~/.local/state; 254 */
        struct imm_vfs_chase_how chase; /* ".." at the root is a step; 254. "." stays; 247 */
        bool strays_fail;               /* what was left with such ".." cannot be remounted; 248 */
        const char *root;               /* where the namespace is put together */
};
struct imm_quirks imm_quirks_of(unsigned version);

enum imm_exec_dir {
        IMM_DIR_RUNTIME,
        IMM_DIR_STATE,
        IMM_DIR_CACHE,
        IMM_DIR_LOGS,
        IMM_DIR_CONFIGURATION,
        IMM_DIR_N,
};

struct imm_plan_dir {
        const struct imm_directory_item *item;
        enum imm_setting setting;
        bool only_create, private, id_mapped;
};

/* One namespace in the making */
struct imm_plan {
        struct imm_manager *m;
        struct imm_settings *s;
        const struct imm_identity *id;
        struct imm_quirks q;
        struct imm_arena *a;   /* of the simulation */
        struct imm_arena *out; /* of the result */
        struct imm_vfs *v;
        struct imm_mount_table *t;
        bool lenient;    /* what fails is left out */
        bool sandboxing; /* false for '+' commands */
        bool as_root;    /* those of '+' and '!': User= is somebody else */
        bool needs_namespace, user_manager, userns;
        struct imm_joined joined;          /* whose /tmp and network it has */
        const char *runtime;               /* /run, or the user's */
        const char *root_directory, *root; /* root_directory: NULL if there is none */
        const char *credentials;           /* the unit's own, or NULL */
        uint64_t credentials_read;         /* bytes of them, to see whether they are encrypted */
        const char *cgroup;                /* the unit's own, as a path */
        const char *memory_pressure;
        const char *prefix[IMM_DIR_N];
        IMM_ARRAY(struct imm_plan_dir) dirs[IMM_DIR_N];
        IMM_ARRAY(struct imm_plan_entry *) entries;
        struct imm_strv links; /* pairs: what it leads to, where it is */
};

/* plan.c: fills p->entries, prefixed but not yet in order */
void imm_plan_build(struct imm_plan *p);
struct imm_plan_entry *imm_plan_add(struct imm_plan *p, enum imm_plan_mode mode, const char *path,
        enum imm_setting setting, const struct imm_origin *origin);

/* plan-shared.c: namespaces named by a path must be there: 0 or <0 */
int imm_plan_namespaces_open(struct imm_plan *p);
/* ... images are files: what is in them is not known, that one is not there is a failure */
bool imm_plan_refuses_root_image(struct imm_plan *p);
void imm_plan_images_find(struct imm_plan *p);
bool imm_plan_forgets_ipc(const struct imm_settings *s);
/* Is there something for PrivateTmp= to mount? Not where the units that share had none to make. */
bool imm_plan_has_tmp(const struct imm_plan *p);

/* plan-cgroup.c: p->cgroup, and what is the service's in it */
void imm_plan_cgroup_prepare(struct imm_plan *p);

/* plan-dirs.c: StateDirectory= and kin, private /tmp: what is made on disk. 0 or <0. */
void imm_plan_dirs_prepare(struct imm_plan *p);
int imm_plan_dirs_make(struct imm_plan *p);
/* plan-credentials.c: p->credentials and what lies there. 0 or <0 */
int imm_plan_credentials_make(struct imm_plan *p);
/* sealed.c: is the text an encrypted credential, by whatever key? */
bool imm_credential_is_sealed(const char *text);
/* Makes a relative link at @at to @to; one with that very text may be there, else -EEXIST. */
int imm_plan_link(struct imm_plan *p, const char *to, const char *at);
void imm_plan_dirs_add(struct imm_plan *p); /* empty directories, binds and links */

/* seen.c: p->t, of everything that a path below @root, which is at @root_path, really reaches */
void imm_plan_see(struct imm_plan *p, struct imm_vpath root, const char *root_path);

/* normalize.c */
void imm_plan_normalize(struct imm_plan *p);
bool imm_plan_entry_read_only(const struct imm_plan_entry *e);
bool imm_plan_entry_noexec(const struct imm_plan_entry *e);

/* apply-api.c: entries of the kernel's file systems. 1: mounted, 0: nothing to do, or negative */
int imm_apply_private_dev(struct imm_plan *p, struct imm_plan_entry *e);
int imm_apply_bind_dev(struct imm_plan *p, struct imm_plan_entry *e);
int imm_apply_bind_sysfs(struct imm_plan *p, struct imm_plan_entry *e);
int imm_apply_private_sysfs(struct imm_plan *p, struct imm_plan_entry *e);
int imm_apply_procfs(struct imm_plan *p, struct imm_plan_entry *e);
int imm_apply_cgroup2(struct imm_plan *p, struct imm_plan_entry *e);
int imm_apply_mqueue(struct imm_plan *p, struct imm_plan_entry *e);

/* apply.c: 0, or a negative errno with *ret_culprit */
int imm_plan_apply(struct imm_plan *p, const struct imm_plan_entry **ret_culprit);

/* extension.c: 1: it fits, 0: it is not there and need not be, or a negative errno */
int imm_plan_extension_check(struct imm_plan *p, const struct imm_plan_entry *e);

/* table.c: the first failure counts */
void imm_plan_fail(struct imm_plan *p, enum imm_start_step step, enum imm_outcome outcome,
        const char *culprit, const struct imm_origin *origin);
