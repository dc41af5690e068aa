#pragma once

/*
 * Access, inside: nodes (what stands at a path), the walk (how a path gets there) and the judge
 * (what the kernel would say). Sources: path_resolution(7), acl(5), capabilities(7),
 * user_namespaces(7), proc(5).
 */

#include "analyzer/sandbox/network/network.h"
#include "analyzer/sandbox/sandbox.h"

#include <sys/stat.h>

/* What the kernel asks beside the permission bits; IMM_API_PLAIN is an ordinary file system. */
enum imm_api {
        IMM_API_PLAIN,
        IMM_API_FIXED,      /* ordinary bits, but no file can be created */
        IMM_API_PROC,       /* the same in /proc */
        IMM_API_PROC_NET,   /* opened for writing only where a bit allows it to anybody */
        IMM_API_SYSCTL,     /* owner and group root by number, capabilities do not help */
        IMM_API_NET_SYSCTL, /* the same; CAP_NET_ADMIN stands for the owner */
        IMM_API_PID,        /* a process: hidden by ProtectProc= */
        IMM_API_PID_FD,     /* ... its descriptors */
        IMM_API_PID_TRACE,  /* ... for those who may trace it */
        IMM_API_PID_ATTACH, /* ... and attach to it */
        IMM_API_PID_LINK,   /* ... a link that the kernel follows by itself, for the same */
        IMM_API_RAWIO,      /* CAP_SYS_RAWIO to open it */
        IMM_API_SYSLOG,     /* CAP_SYSLOG to open it */
        IMM_API_SYS_ADMIN,  /* CAP_SYS_ADMIN to open it */
        IMM_API_SYSFS,      /* like PROC_NET */
        IMM_API_CGROUP,     /* directories can be made, files cannot */
};

struct imm_acl_entry {
        unsigned short tag, perm; /* ACL_USER ..., rwx */
        unsigned id;
};
struct imm_acl {
        size_t n;
        struct imm_acl_entry v[];
};

enum imm_node_state {
        IMM_NODE_PRESENT,
        IMM_NODE_ABSENT,
        IMM_NODE_UNKNOWN, /* @why: could not be seen, or is not modelled */
};

struct imm_node {
        enum imm_node_state state;
        mode_t mode;
        uid_t uid;
        gid_t gid;
        const char *target;        /* of a link */
        const struct imm_acl *acl; /* NULL: none beyond the mode */
        enum imm_api api;
        bool self;                        /* of IMM_API_PID...: the service's own process */
        const struct imm_file_caps *caps; /* NULL: none */
        bool immutable, append_only;
        bool below;        /* an entry of it that is not known is known not to exist */
        const char *doubt; /* what could make it another; or NULL */
        const char *why;
};

/* acl.c */
/* The xattr system.posix_acl_access; NULL for what is no ACL of the known version. */
struct imm_acl *imm_acl_parse(const void *data, size_t size, struct imm_arena *a);

enum { IMM_MAY_EXEC = 1, IMM_MAY_WRITE = 2, IMM_MAY_READ = 4 };

/* Which rule gave the bits: for the reasons. */
enum imm_acl_who { IMM_ACL_OWNER, IMM_ACL_USER, IMM_ACL_GROUP, IMM_ACL_OTHER };

/* Which bits of @mask mode and ACL leave to the identity, without capabilities. */
unsigned imm_acl_bits(const struct imm_node *n, const struct imm_identity *id, unsigned mask,
        enum imm_acl_who *ret_who);
bool imm_identity_in_group(const struct imm_identity *id, gid_t gid);
/* What system.conf, or whoever started the host's first process, leaves the manager */
uint64_t imm_caps_of_manager(const struct imm_manager *m);
/* Is this owner mapped in the identity's user namespace? (always true without one) */
bool imm_identity_maps_uid(const struct imm_identity *id, uid_t uid);
bool imm_identity_maps_gid(const struct imm_identity *id, gid_t gid);

/* identity.c: is there such a user or group? OK, what fails for want of it, or unknown; @ret_why */
enum imm_outcome imm_identity_names(const struct imm_manager *m, const char *name, bool group,
        struct imm_arena *a, const char **ret_why);
/* identity.c: is a PAM session opened? */
bool imm_identity_calls_pam(const struct imm_settings *s);
/* identity.c: capabilities(7), the transformation during execve() of a plain program */
void imm_identity_plain_exec(struct imm_identity *id);

/* access/node.c: the root's files, seen once per manager. May be called by several threads. */
const struct imm_node *imm_node_of_root(struct imm_manager *m, const char *path);

/* access/boot.c: what tmpfiles.d makes of the root's files at boot */
struct imm_boot {
        struct imm_map items, parents; /* path -> private */
        IMM_ARRAY(struct imm_boot_change) changes;
        struct imm_strv copies; /* paths of items that are one */
        struct imm_arena *a;
        const struct imm_users *users;
        const struct imm_root *root;
};
void imm_boot_read(struct imm_manager *m, struct imm_arena *a, struct imm_boot *ret);
/* @n, as it was found in the root (or not), becomes what is there after boot. */
void imm_boot_apply(const struct imm_boot *boot, const char *path, struct imm_node *n);
/* What @path is a copy of, if tmpfiles.d makes it one or something above it; else NULL */
const char *imm_boot_copied(const struct imm_boot *boot, const char *path, const char **ret_top);
/* @n, as it is where it was copied from, becomes the copy. */
void imm_boot_own_copy(
        const struct imm_boot *boot, const char *top, const char *path, struct imm_node *n);
/* The same, from the manager's own */
/* What lies below the mount of the kernel's file system there, or of /run */
void imm_node_covered(
        struct imm_manager *m, const char *path, struct imm_arena *a, struct imm_node *ret);
void imm_node_booted(struct imm_manager *m, const char *path, struct imm_node *n);

/* What the kernel reads of a file that it is to execute */
struct imm_program {
        bool known;              /* could be read */
        bool script, elf;        /* neither: execve(2) refuses it, as it does another machine's */
        const char *interpreter; /* of both; NULL: none */
};
const struct imm_program *imm_program_of_root(struct imm_manager *m, const char *path);

/* apifs.c: the virtual files of a booted machine */
struct imm_api_entry {
        const char *path, *owner, *group, *target;
        mode_t mode;
        enum imm_api api;
        unsigned since, until;
};
extern const struct imm_api_entry imm_api_entries[]; /* sorted by path */
extern const size_t imm_api_n_entries;

/* Is @path (of the booted root) a virtual one, that the root's files say nothing about? */
bool imm_api_covers(const struct imm_manager *m, const char *path);
void imm_api_node(struct imm_manager *m, const char *path, struct imm_node *ret);
/* The rules at @path, from the nearest entry above it. */
enum imm_api imm_api_at(const char *path);

/* access/walk.c */
enum imm_walk_end {
        IMM_WALK_FOUND,
        IMM_WALK_ABSENT, /* @at does not exist */
        IMM_WALK_DENIED, /* @at may not be searched */
        IMM_WALK_LOOP,
        IMM_WALK_PROTECTED, /* @at is a link that fs.protected_symlinks lets nobody else follow */
        IMM_WALK_TRACE,     /* @at is a link into another process, which may not be traced */
        IMM_WALK_UNKNOWN,
};

struct imm_walk {
        struct imm_manager *m;
        struct imm_settings *s;
        const struct imm_mount_table *table;
        const struct imm_identity *id;
        const char *program; /* what is executed, if known */
        struct imm_arena *a;
        bool flips; /* reasons: say what would flip the answer, too */
};

struct imm_spot {
        enum imm_walk_end end;
        const char *path;              /* where it is, or would be, without links */
        const char *at;                /* what decided, unless FOUND */
        const struct imm_mount *mount; /* of @at, or of the path itself */
        struct imm_node node;          /* likewise */
        bool outside; /* reached through another process: the manager's own mounts */
};

/* Walks to @path; a link at its end is followed only if @follow. */
void imm_walk_to(const struct imm_walk *w, const char *path, bool follow, struct imm_spot *ret);

/*
 * access/links.c: does fs.protected_symlinks stop @id at the link of the directory @dir, the last
 * name of a path?
 */
bool imm_link_protected(struct imm_manager *m, const struct imm_identity *id,
        const struct imm_node *dir, const struct imm_node *link);
/* ... and the manager, at the end of @path, outside of any sandbox? */
bool imm_link_stops_manager(struct imm_manager *m, const char *path, struct imm_arena *a);
extern const char imm_link_why[]; /* "which ..." */

/* Where in the root's files the spot's own content lies */
const char *imm_spot_file(const struct imm_spot *at, struct imm_arena *a);

/* access/program.c: would execve(2) take it, with the interpreters that it asks for? */
bool imm_program_starts(
        const struct imm_walk *w, const struct imm_spot *at, const char **ret_interpreter);

/* start.c: false, or what fails and where; of a program the origin is the caller's to know */
struct imm_start_fault {
        enum imm_outcome outcome;
        const char *culprit;
        enum imm_setting setting;
        struct imm_origin origin;
        const char *interpreter; /* of the program, which is to blame for it; NULL: it is itself */
        enum imm_start_step step;
        const char *why; /* what refuses it; NULL: it is not there */
};
/* What a user's manager may not ask the kernel for: real-time scheduling */
bool imm_start_scheduling(struct imm_manager *m, const struct imm_settings *s, struct imm_arena *a,
        struct imm_start_fault *ret);
/* machine.c: CPUs and memory nodes that the machine lacks */
bool imm_start_machine(struct imm_manager *m, const struct imm_settings *s, struct imm_arena *a,
        struct imm_start_fault *ret);
/* ... and what is assumed of one that is not known: a line, or NULL */
const char *imm_start_assumes(
        struct imm_manager *m, const struct imm_settings *s, struct imm_arena *a);
/* streams.c: a stream from a socket that nobody has, and one that cannot be opened */
bool imm_start_sockets(struct imm_manager *m, const struct imm_settings *s, struct imm_arena *a,
        struct imm_start_fault *ret);
bool imm_start_streams(struct imm_manager *m, struct imm_settings *s, struct imm_arena *a,
        struct imm_start_fault *ret);
/* rights.c: fills @ret, without a reason; true */
bool imm_start_refuse(struct imm_start_fault *ret, enum imm_start_step step,
        enum imm_outcome outcome, const char *culprit, enum imm_setting setting,
        struct imm_origin origin);
/* pam.c: a service that PAM has no file for, and an account that none of its modules knows */
bool imm_start_pam(struct imm_manager *m, struct imm_settings *s, struct imm_arena *a,
        struct imm_start_fault *ret);
/* mounting.c: what mount(8) and swapon(8) fail for */
bool imm_start_mounting(struct imm_manager *m, struct imm_settings *s, struct imm_arena *a,
        struct imm_start_fault *ret);
/* triggers.c: what a socket, timer, path or automount is to start, and is not there */
bool imm_start_trigger(struct imm_manager *m, const struct imm_settings *s, struct imm_arena *a,
        struct imm_start_fault *ret);
/* sockets.c: whom a socket unit gives its sockets to, if there is nobody of that name */
bool imm_start_socket_owner(const struct imm_manager *m, const struct imm_settings *s,
        struct imm_arena *a, struct imm_start_fault *ret);
/* start.c: it is not there, and nothing could have made it before */
bool imm_start_lacks(struct imm_manager *m, const struct imm_settings *s, const char *path);
bool imm_start_before(struct imm_manager *m, struct imm_settings *s, enum imm_command_kind kind,
        struct imm_arena *a, struct imm_start_fault *ret);
/* rights.c: may whoever starts it open @path outside of its sandbox? @mask: IMM_MAY_* of the file;
 * @ret_why: if that is no matter of its mode */
bool imm_start_may_open(struct imm_manager *m, struct imm_settings *s, const char *path,
        unsigned mask, struct imm_arena *a, const char **ret_why);
/* rights.c: what the root has at @path, or a boot brings, links followed; 0: nothing is known */
mode_t imm_start_mode(struct imm_manager *m, const char *path);
bool imm_start_program(const struct imm_walk *w, const char *program, struct imm_start_fault *ret);

/* access/judge.c */
enum imm_reason {
        IMM_BY_NOTHING,
        IMM_BY_BITS,          /* mode or ACL, allowed or denied */
        IMM_BY_CAPABILITY,    /* allowed; @cap */
        IMM_BY_NO_CAPABILITY, /* denied; @cap would be needed */
        IMM_BY_UNMAPPED,      /* denied: a capability does not reach an owner outside of the user
                                 namespace */
        IMM_BY_READ_ONLY,
        IMM_BY_NO_EXEC,
        IMM_BY_NO_DEV,
        IMM_BY_KERNEL, /* nothing can be made there, or the file takes no writes */
        IMM_BY_IMMUTABLE,
        IMM_BY_FULL, /* a tmpfs of so many files has them */
        IMM_BY_TRACE,
        IMM_BY_TYPE,    /* connect: no socket */
        IMM_BY_SOCKETS, /* connect: it may make no such socket, or not call connect(2) */
        IMM_BY_UNKNOWN,
};

struct imm_verdict {
        int answer; /* -1: cannot be known */
        enum imm_reason by;
        enum imm_acl_who who;
        int cap;
};

/* May it be searched, read, ... : mask of IMM_MAY_*, mounts left out */
struct imm_verdict imm_access_judge_mask(
        const struct imm_walk *w, const struct imm_node *n, unsigned mask);
bool imm_access_judge_trace(const struct imm_walk *w, const struct imm_node *n);
struct imm_verdict imm_access_judge(
        const struct imm_walk *w, const struct imm_spot *at, enum imm_mode mode);

/* access/flip.c: does that line, behind all others of the unit, turn the answer into its opposite?
 */
bool imm_flip_works(
        const struct imm_walk *w, const char *asked, enum imm_mode mode, const char *line);
const char *imm_flip_value(const struct imm_walk *w, const char *path);
/* "; ReadOnlyPaths=/etc would forbid it", or "" */
const char *imm_flip_to_no(const struct imm_walk *w, const char *asked, const struct imm_spot *at,
        enum imm_mode mode, const struct imm_verdict *v);

/* access/why.c: lines for people, appended to to->because */
void imm_access_explain(const struct imm_walk *w, const char *path, const struct imm_spot *spot,
        const struct imm_verdict v[IMM_MODE_N], unsigned modes, struct imm_access *to);
/* Why the service does not get so far that the question arises */
void imm_access_explain_outcome(const struct imm_walk *w, struct imm_access *to);
const char *imm_identity_text(const struct imm_identity *id, struct imm_arena *a);
