#pragma once

/*
 * Typed values of settings, and their origins.
 *
 * A value is what systemd's manager would hold after loading: parsed, specifiers expanded, lists
 * merged and reset, invalid assignments dropped. Each item of a list has its own origin, so that a
 * mount or a permission can name the line that made it.
 */

#include "base/mem.h"
#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

#define IMM_MINUS_ONE UINT64_MAX /* -1 as a number */
#define IMM_CAPS_ALL ((UINT64_C(1) << 41) - 1)
/* CLONE_NEWCGROUP, NEWIPC, NEWNET, NEWNS, NEWPID, NEWUSER, NEWUTS */
#define IMM_NAMESPACES_ALL UINT64_C(0x7e020000)
#define IMM_NAMESPACE_TIME UINT64_C(0x80) /* told, but of no effect */

enum imm_setting { /* one per row of settings.def */
#define SETTING(id, ...) IMM_SETTING_##id,
#include "analyzer/settings/settings.def"
#undef SETTING
        IMM_SETTING_N,
};

enum imm_origin_kind {
        IMM_ORIGIN_DEFAULT, /* built into systemd */
        IMM_ORIGIN_FILE,    /* file and line */
        IMM_ORIGIN_IMPLIED, /* by another setting, which has an origin itself */
        IMM_ORIGIN_MANAGER, /* system.conf or user.conf: file and line */
};

struct imm_origin {
        enum imm_origin_kind kind;
        unsigned line;
        const char *file;
        enum imm_setting by;          /* of IMPLIED */
        const struct imm_origin *via; /* of IMPLIED: the origin of @by; may be NULL (default) */
};

/* ReadWritePaths= and its kin. The path is normalised; the prefixes are taken off. */
struct imm_path_item {
        const char *path;
        bool ignore_missing; /* - */
        bool in_root;        /* + : relative to RootDirectory= */
        struct imm_origin origin;
};

/* BindPaths=, BindReadOnlyPaths=: each has its own list, @order is the place among both */
struct imm_bind_item {
        const char *source, *destination;
        bool ignore_missing, read_only, recursive;
        size_t order;
        struct imm_origin origin;
};

struct imm_tmpfs_item {
        const char *path, *options; /* options: as written, "" if none */
        struct imm_origin origin;
};

/* StateDirectory= and its kin */
struct imm_directory_item {
        const char *path;         /* relative: "foo/bar" */
        struct imm_strv symlinks; /* "dst" of path:dst, since 252 */
        bool read_only;           /* :ro, since 257 */
        struct imm_origin origin;
};

enum imm_command_flags {
        IMM_COMMAND_IGNORE_FAILURE = 1 << 0,   /* - */
        IMM_COMMAND_FULLY_PRIVILEGED = 1 << 1, /* + */
        IMM_COMMAND_NO_SETUID = 1 << 2,        /* ! */
        IMM_COMMAND_AMBIENT_MAGIC = 1 << 3,    /* !! */
        IMM_COMMAND_NO_ENV_EXPAND = 1 << 4,    /* : */
        IMM_COMMAND_ARGV0 = 1 << 5,            /* @ */
        IMM_COMMAND_VIA_SHELL = 1 << 6,        /* |, since 258 */
};

struct imm_command_item {
        const char *path;     /* as systemd resolved it: absolute, or a name to look up in PATH */
        struct imm_strv argv; /* argv[0] included */
        unsigned flags;
        struct imm_origin origin;
};

struct imm_credential_item {
        const char *id;
        const char *source; /* Load: path or name; Set: the data as text; Import: NULL */
        bool encrypted;
        struct imm_origin origin;
};

struct imm_device_item {
        const char *node; /* "/dev/null", "char-rtc", "block-*" */
        bool r, w, m;
        struct imm_origin origin;
};

struct imm_ip_item {
        int family; /* AF_INET, AF_INET6 */
        unsigned char address[16];
        unsigned prefix;
        struct imm_origin origin;
};

struct imm_socket_bind_item {
        int family;                 /* AF_UNSPEC: any */
        int protocol;               /* IPPROTO_TCP, _UDP; 0: any */
        unsigned n_ports, port_min; /* n_ports 0: any port */
        struct imm_origin origin;
};

/* A plain list of strings with the origin of each: SupplementaryGroups=, Environment=, ... */
struct imm_string_item {
        const char *text;
        struct imm_origin origin;
};

enum imm_errno_action {
        IMM_SYSCALL_KILL = -1,
        IMM_SYSCALL_LOG = -2,
        IMM_SYSCALL_ERRNO_0 = -3, /* ":0": the call does nothing and succeeds */
};                                /* else a positive errno */

/* LimitNOFILE= and its kin; UINT64_MAX is infinity */
struct imm_limit {
        uint64_t soft, hard;
};

/* SystemCallFilter=, SystemCallLog=: the calls that the final list names, groups expanded. */
struct imm_syscall_item {
        const char *name;
        int number; /* native libseccomp number, negative for a call that this architecture lacks */
        int error;  /* of a deny-list: errno, or 0: the unit's SystemCallErrorNumber= */
        struct imm_origin origin;
};

#define IMM_LIST(type) \
        struct { \
                struct type *v; \
                size_t n, cap; \
        }

enum imm_value_type {
        IMM_VALUE_BOOL,     /* number: 0, 1 */
        IMM_VALUE_TRISTATE, /* number: -1 unset, 0, 1 */
        IMM_VALUE_ENUM,     /* number: index into the setting's words (imm_setting_words) */
        IMM_VALUE_NUMBER,   /* number: integers, modes, bytes, masks; UINT64_MAX is infinity */
        IMM_VALUE_SIGNED,   /* number, as int64_t */
        IMM_VALUE_USEC,     /* number: microseconds; UINT64_MAX is infinity */
        IMM_VALUE_STRING,   /* string: NULL if unset; a path is one too */
        IMM_VALUE_LIMIT,    /* limit */
        IMM_VALUE_STRINGS,  /* strings */
        IMM_VALUE_PATHS,
        IMM_VALUE_BINDS,
        IMM_VALUE_TMPFS,
        IMM_VALUE_DIRECTORIES,
        IMM_VALUE_COMMANDS,
        IMM_VALUE_CREDENTIALS,
        IMM_VALUE_DEVICES,
        IMM_VALUE_IPS,
        IMM_VALUE_SOCKET_BINDS,
        IMM_VALUE_CAPS,       /* number: bit per capability */
        IMM_VALUE_NAMESPACES, /* number: CLONE_NEW* flags that are *allowed* */
        IMM_VALUE_SYSCALLS,   /* allow_list and syscalls */
        IMM_VALUE_NAMES, /* allow_list and strings: address families, file systems, interfaces */
        IMM_VALUE_RAW, /* strings: the assignments' text; known to exist, not understood further */
        IMM_VALUE_TYPE_N,
};

struct imm_value {
        enum imm_value_type type;
        bool set;        /* by a file, an implication or the manager: not the built-in default */
        bool allow_list; /* of SYSCALLS and NAMES: true: what is listed is allowed; false: denied */
        bool filter;     /* of SYSCALLS and NAMES: there is a filter at all */
        bool relative;   /* of NUMBER: ten-thousandths of what the machine has (MemoryMax=50%) */
        struct imm_origin origin; /* of the value as a whole: the last line that changed it */
        union {
                uint64_t number;
                const char *string;
                struct imm_limit limit;
                IMM_LIST(imm_string_item) strings;
                IMM_LIST(imm_path_item) paths;
                IMM_LIST(imm_bind_item) binds;
                IMM_LIST(imm_tmpfs_item) tmpfs;
                IMM_LIST(imm_directory_item) directories;
                IMM_LIST(imm_command_item) commands;
                IMM_LIST(imm_credential_item) credentials;
                IMM_LIST(imm_device_item) devices;
                IMM_LIST(imm_ip_item) ips;
                IMM_LIST(imm_socket_bind_item) socket_binds;
                IMM_LIST(imm_syscall_item) syscalls;
        };
};
