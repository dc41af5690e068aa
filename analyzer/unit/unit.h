#pragma once

/*
 * Units: found, merged and read, not yet understood.
 *
 * A manager (system or user, of one root) has a search path; a name leads to a fragment, its
 * drop-ins and its aliases; each file is a list of assignments with their lines. What an assignment
 * means is the settings' business (analyzer/settings). Sources: systemd.unit(5), and tests/lab.
 */

#include "analyzer/root/root.h"
#include "analyzer/root/users.h"
#include "base/diag.h"
#include "base/map.h"
#include "base/text.h"

enum imm_scope {
        IMM_SCOPE_SYSTEM,
        IMM_SCOPE_USER,   /* the manager of one user (--user) */
        IMM_SCOPE_GLOBAL, /* the units of all users' managers (--global) */
};

enum imm_unit_type {
        IMM_UNIT_SERVICE,
        IMM_UNIT_SOCKET,
        IMM_UNIT_TARGET,
        IMM_UNIT_DEVICE,
        IMM_UNIT_MOUNT,
        IMM_UNIT_AUTOMOUNT,
        IMM_UNIT_SWAP,
        IMM_UNIT_TIMER,
        IMM_UNIT_PATH,
        IMM_UNIT_SLICE,
        IMM_UNIT_SCOPE,
        IMM_UNIT_TYPE_N,
};
#define IMM_UNIT_TYPE_INVALID IMM_UNIT_TYPE_N

enum imm_load {
        IMM_LOAD_LOADED,
        IMM_LOAD_MASKED,
        IMM_LOAD_NOT_FOUND,
        IMM_LOAD_BAD_SETTING,
        IMM_LOAD_ERROR,
};
const char *imm_load_name(enum imm_load load); /* systemd's words: "bad-setting", ... */

/* One `Key=Value` as it stands after continuation lines were joined; nothing unquoted or expanded.
 */
struct imm_assignment {
        const char *section; /* "Service" */
        const char *key;     /* as spelt; interned per file */
        const char *value;   /* "" for an empty assignment */
        unsigned line;       /* where the key stands, from 1 */
        unsigned section_line;
};

/* A comment "# immure: TEXT" */
struct imm_remark {
        const char *text;
        unsigned line;
};

enum imm_file_kind { IMM_FILE_FRAGMENT, IMM_FILE_DROPIN };

/* A unit file or drop-in, parsed once however many units use it (templates, service.d). */
struct imm_unit_file {
        enum imm_file_kind kind;
        const char *path; /* inside the root, or as given for files named on the command line */
        struct imm_assignment *assignments;
        size_t n_assignments;
        struct imm_diags diags; /* of the syntax: no section, not UTF-8, line too long, ... */
        /*
         * 0, or why systemd would not take it: -EBADMSG (broken section header), -ENOBUFS (a line
         * over 1 MiB), -EILSEQ (not UTF-8); a drop-in is then cut short, not refused. -EACCES,
         * -EINVAL (not a regular file), -EFBIG, -EIO when *we* could not read it.
         */
        int status;
        struct imm_remark *remarks; /* comments that speak to us */
        size_t n_remarks;
};

struct imm_settings; /* analyzer/settings */
struct imm_sandbox;  /* analyzer/sandbox */
struct imm_closure;  /* analyzer/closure */

struct imm_unit {
        const char *name;     /* "foo@bar.service"; the primary name (what the alias link names) */
        const char *prefix;   /* "foo": the part before @ or the suffix */
        const char *instance; /* "bar"; "" for foo@.service; NULL if there is no @. A template's
                                 drop-ins and specifiers are those of systemd-analyze's stand-in */
        enum imm_unit_type type;
        struct imm_strv names; /* all: the primary name first, then aliases, sorted */

        enum imm_load
                load; /* what search and syntax say; the settings may still make it bad-setting */
        const char *load_message; /* one line for people, NULL if loaded */
        const char *fragment;     /* FragmentPath; NULL if there is none */
        const char *obstacle;     /* what stands where the fragment would and cannot be read */
        struct imm_strv dropins;  /* DropInPaths, in systemd's order, dead entries included */

        const struct imm_unit_file **files; /* fragment first, then those drop-ins that are read */
        size_t n_files;

        bool given_by_path;     /* ./x.service on the command line */
        bool unreadable;        /* some file of it could not be read by us: exit status 3 */
        struct imm_diags diags; /* of finding and merging; each file has its own beside them */

        /* Slots filled by the rooms above, each once (see their headers); NULL until asked for. */
        struct imm_settings *settings;
        struct imm_sandbox *sandbox;
        struct imm_closure *closure;

        struct imm_arena *arena; /* owns all of the above */
};

struct imm_manager_options {
        enum imm_scope scope;
        unsigned version; /* systemd's; 0: the root's own, else the newest known */
        const char *user; /* --uid=: name or number; NULL: the lowest regular user of the root */
        const char *unit_path; /* $SYSTEMD_UNIT_PATH, NULL if unset */
};

enum imm_version_source { IMM_VERSION_ASKED, IMM_VERSION_ROOT, IMM_VERSION_NEWEST };
enum { IMM_VERSION_OLDEST = 247, IMM_VERSION_LATEST = 257 };

struct imm_manager {
        const struct imm_root *root; /* borrowed */
        enum imm_scope scope;
        unsigned version;
        enum imm_version_source version_source;
        const struct imm_users *users;
        const struct imm_user *user; /* of a user manager; NULL for the system's */
        struct imm_strv search_path; /* unit directories that exist, most specific first */
        struct imm_diags diags;      /* of the root as a whole: unreadable directories, ... */
        struct imm_map units;        /* name and aliases -> struct imm_unit */
        struct imm_unit **list;      /* each loaded unit once, sorted by name */
        size_t n_list;
        bool blind;    /* a directory of units cannot be seen: what is not found may be there */
        bool complete; /* all units of the root's files are on the list */
        bool alone;    /* the question is one to which no other unit matters (cli/can.c) */
        /* lines: generators, SysV scripts, quadlets, ... and why; empty until asked for */
        struct imm_strv not_analysed;
        bool not_analysed_known;
        void *defaults; /* system.conf/user.conf as understood by analyzer/settings; NULL until
                           asked */
        struct imm_closures *closures; /* analyzer/closure: what units share; NULL until asked */
        struct imm_worlds *worlds;   /* analyzer/sandbox: the root's mounts and files, seen once */
        struct imm_nodes *nodes;     /* analyzer/sandbox: the root's files seen so far; likewise */
        struct imm_bus *bus;         /* analyzer/bus: policies of the system bus; likewise */
        struct imm_network *network; /* analyzer/sandbox: ports and packet filters; likewise */
        struct imm_joins *joins;     /* analyzer/sandbox: who shares namespaces; likewise */
        struct imm_triggers *triggers; /* analyzer/sandbox: sockets by the service they name */
        struct imm_unit_index *index;  /* private to this room */
        struct imm_tmpfiles *tmpfiles; /* sandbox: what is made at boot; likewise */
        struct imm_makers *makers;     /* sandbox: who makes what in /run; likewise */
        struct imm_census *census;     /* rules: which services share a user; likewise */
        struct imm_arena *arena;
        /* analyzer/uses: what programs say, each read once */
        struct imm_use_files *use_files;
        /* sandbox: what the kernel refuses beside permissions; likewise */
        struct imm_protected *protected;
};

/* Opens the manager of @root: search path, index of the directories, no unit yet. */
int imm_manager_open(struct imm_manager **ret, const struct imm_root *root,
        const struct imm_manager_options *options, struct imm_err *err);
struct imm_manager *imm_manager_free(struct imm_manager *m);
IMM_DEFINE_CLEANUP(struct imm_manager *, imm_manager_free)

/*
 * Loads every unit that the root's files name: fragments, instances that are wanted, required or
 * linked, aliases. Templates are listed as `foo@.service`. Afterwards m->list is complete, and what
 * is asked for by name is not added to it; files are read by at most @jobs threads.
 */
int imm_manager_load_all(struct imm_manager *m, unsigned jobs, struct imm_err *err);
/* Fills m->not_analysed, on the first call; before threads begin. */
void imm_manager_find_not_analysed(struct imm_manager *m);
/* Only those of @names, all of them valid: imm_manager_unit() then finds them loaded. */
void imm_manager_load_names(struct imm_manager *m, const struct imm_strv *names, unsigned jobs);

/* The folders NAME.wants, .requires and .upholds of the search path, as paths; none is read. */
void imm_manager_wants(struct imm_manager *m, struct imm_arena *a, struct imm_strv *ret);

/*
 * One unit by name ("x.service", "foo@bar.service", "x" means x.service). Always gives a unit: one
 * that is nowhere has load IMM_LOAD_NOT_FOUND. -EINVAL with @err for what is no unit name. Several
 * threads may ask, but m->units must not be read meanwhile, nor m->list before all are loaded.
 */
int imm_manager_unit(
        struct imm_manager *m, const char *name, struct imm_unit **ret, struct imm_err *err);

/*
 * The same, or NULL where there is no file for it. After imm_manager_load_all() only what that
 * loaded is found: threads that walk the list may ask.
 */
struct imm_unit *imm_manager_find(struct imm_manager *m, const char *name);

/* Names of all units of that type that the root's files name, in order; templates as foo@.socket */
void imm_manager_names(
        struct imm_manager *m, enum imm_unit_type type, struct imm_arena *a, struct imm_strv *ret);

/*
 * A unit file that is not installed: "./x.service", "dir/x.service", "x.service:alias.service",
 * with FILE.d/ and the folders of its prefixes, template and type beside it; the root's drop-ins do
 * not apply to it (given.c says why). The path is one of the host, read with the same care as those
 * of a root. -EINVAL for what is no unit file's name; a file that is not there is a unit not found.
 * It stands in m->list, not in m->units.
 */
/* What is read for such a path: itself, or for "a/x@i.service", which is not there, "a/x@.service"
 * if that is. In @a. */
const char *imm_unit_file_to_read(const char *path, struct imm_arena *a);
int imm_manager_unit_file(
        struct imm_manager *m, const char *path, struct imm_unit **ret, struct imm_err *err);

/* All units that were given so, into @a; how many. May be asked by several threads. */
size_t imm_manager_given(struct imm_manager *m, struct imm_arena *a, struct imm_unit ***ret);

/*
 * What if: @u with one more drop-in of that text, behind all others; @path is where it would lie.
 * It lives in @a, is on no list, and has no settings, sandbox or closure yet.
 */
struct imm_unit *imm_unit_with_dropin(const struct imm_manager *m, const struct imm_unit *u,
        const char *path, const char *text, struct imm_arena *a);

/* What if: @u without the assignment @at of its file @file, as above. */
struct imm_unit *imm_unit_without(
        const struct imm_unit *u, size_t file, size_t at, struct imm_arena *a);

/* Is it a unit name, and of which type? IMM_UNIT_TYPE_INVALID if not. */
enum imm_unit_type imm_unit_name_type(const char *name);
const char *imm_unit_type_name(enum imm_unit_type t); /* "service" */

/*
 * %-specifiers of @text for @u, as systemd's printf functions do it; those of the host come from
 * the root's files. 0; -EINVAL (not known, or malformed), -ENXIO (cannot be known from files: *ret
 * then has the text with that specifier kept). @table says which set is allowed there.
 */
enum imm_specifiers {
        IMM_SPECIFIERS_FULL, /* unit_full_printf */
        IMM_SPECIFIERS_CRED, /* with %d */
        IMM_SPECIFIERS_NAME, /* unit_name_printf: only those of names */
};
int imm_unit_expand(const struct imm_manager *m, const struct imm_unit *u,
        enum imm_specifiers table, const char *text, struct imm_arena *a, const char **ret);
