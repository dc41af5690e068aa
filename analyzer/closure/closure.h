#pragma once

/*
 * The closure: which files a service needs, why, and how sure that is; what of it the service's
 * sandbox hides (missing), and what the sandbox shows without need (excess).
 *
 * On Nix the needs are whole store paths: those that the Exec lines name and what they refer to,
 * from the store's database or, without one, from the contents, as Nix itself finds references.
 * Elsewhere they are files: what the kernel and the dynamic loader map is certain, what is read
 * from scripts, arguments and configuration is likely or possible. Sources: ld.so(8), execve(2),
 * the Nix manual ("nix-store --query"), and tests/lab/closure.
 *
 * Nothing here asks the host that analyses: the loader's rules come from the root's own loader.
 * Only which glibc-hwcaps directory wins depends on the processor, and this one's is assumed.
 */

#include "analyzer/sandbox/sandbox.h"
#include "base/confidence.h"

enum imm_need_kind {
        IMM_NEED_PROGRAM,     /* of an Exec line */
        IMM_NEED_INTERPRETER, /* of a script, by #! */
        IMM_NEED_LOADER,      /* of an ELF program: PT_INTERP */
        IMM_NEED_LIBRARY,
        IMM_NEED_MODULE,  /* dlopen notes, NSS */
        IMM_NEED_COMMAND, /* that a script or `sh -c` runs */
        IMM_NEED_CONFIG,  /* a file or directory that is read */
        IMM_NEED_STATE, /* the unit's own directories: made or written by systemd or the service */
        IMM_NEED_STORE_PATH,
        IMM_NEED_KIND_N,
};
const char *imm_need_kind_name(enum imm_need_kind k);

enum { IMM_NEED_BY_UNIT = -1 };

struct imm_need {
        const char *path;      /* as the service finds it, links followed; a store path on Nix */
        const char *host_path; /* where that lies in the root; NULL where nothing stands */
        const char *name;      /* as it was asked for: "libz.so.1", "/usr/bin/python3" */
        struct imm_strv links; /* the symbolic links passed on the way, if any: needed as well */
        enum imm_need_kind kind;
        enum imm_confidence confidence;
        const char *reason;       /* one line */
        int by;                   /* index of the need that asks for this; IMM_NEED_BY_UNIT */
        enum imm_setting setting; /* of IMM_NEED_BY_UNIT: which, and where */
        struct imm_origin origin;
        bool exists;        /* in the root, sandbox or not */
        bool tree;          /* a directory that is needed with all it holds */
        bool created;       /* need not exist: made when the service starts */
        bool optional;      /* of a command whose failure is ignored ('-') */
        int visible;        /* to the command that needs it: 1, 0; -1: cannot be known */
        const char *hidden; /* of visible 0: by what, one line */
};

enum imm_closure_kind { IMM_CLOSURE_FILES, IMM_CLOSURE_NIX };

struct imm_closure {
        enum imm_closure_kind kind;
        struct imm_strv roots; /* store paths, or the programs of the Exec lines (real paths) */
        struct imm_need *v;    /* in order of discovery: each after the one that needs it */
        size_t n, cap;
        struct imm_strv dangling; /* Nix: names of store paths that the store does not have */
        struct imm_strv hops; /* Nix: store paths passed only by links (/run/current-system/...) */
        struct imm_diags diags;
        const struct imm_mount_table *view; /* of the main process; NULL: it gets none, or none that
                                               is known: so are visible, excess and missing */
};

/* Needed for sure or likely, and not seen: what is only possibly needed is no claim. */
bool imm_need_is_missing(const struct imm_need *n);

/* What all units of a manager share: the cached tree, the store's database, loaders, packages. */
struct imm_closures;

/*
 * Opens it (once per manager; later calls give the same). Call it before threads do: then
 * imm_closure_of() may be used by several at once. Freed with the manager. Never fails; what cannot
 * be read (a broken database) is a diagnostic of imm_closures_diags().
 */
struct imm_closures *imm_closures_of(struct imm_manager *m);
/*
 * Reuses what an earlier run found out about programs and libraries, and keeps what this one does,
 * in the file @path of the machine that analyses; elfcache.h says what counts. Beside it lies what
 * a Nix store holds. @since: what changed then or later may change again unnoticed, and is not
 * kept. To be called before any closure is computed; files are read when they are first asked for.
 * imm_closures_keep() writes it where there is something new, and says nothing where it cannot.
 */
void imm_closures_reuse(struct imm_closures *c, const char *path, const char *tag, time_t since);
void imm_closures_keep(struct imm_closures *c);
const struct imm_diags *imm_closures_diags(const struct imm_closures *c);

/* The closure of @u: computed on the first call, kept in u->closure. Never NULL. */
struct imm_closure *imm_closure_of(struct imm_manager *m, struct imm_unit *u);

enum imm_closure_flags {
        IMM_CLOSURE_FULL_UNIT = 1 << 0, /* Nix: the store paths of all settings, not only Exec* */
};
/* The same into @a, with @flags; u->closure is untouched. */
struct imm_closure *imm_closure_compute(
        struct imm_manager *m, struct imm_unit *u, unsigned flags, struct imm_arena *a);

/* ---- what is visible and not needed (excess.c) ---- */

struct imm_excess_group { /* a package, or the files that no package owns below a directory */
        const char *name;
        uint64_t files, bytes;
};

struct imm_excess {
        bool known; /* false: the service has no view, all below is zero */
        uint64_t visible,
                visible_bytes; /* files; of Nix: entries of /nix/store, bytes unknown (0) */
        uint64_t excess, excess_bytes;
        struct imm_strv paths; /* of the excess: store paths, or files as the service sees them, */
        const char *below;     /* each without this, which comes before it; NULL: whole */
        IMM_LIST(imm_excess_group) groups; /* files only: largest first; of _SYSTEM by name */
        size_t all_groups;                 /* how many there are */
};

enum imm_excess_flags {
        IMM_EXCESS_PATHS = 1 << 0,   /* fill paths: a line per file */
        IMM_EXCESS_GROUPS = 1 << 1,  /* fill groups: reads the package database */
        IMM_EXCESS_LARGEST = 1 << 2, /* only the largest groups: IMM_EXCESS_LARGEST_N of them */
        /* Of what is installed alone (/usr, /etc, /opt ...), not of data, and no bytes: quick. Of a
         * service with a root of its own elsewhere: all */
        IMM_EXCESS_SYSTEM = 1 << 3,
};
enum { IMM_EXCESS_LARGEST_N = 15 };
/* How many threads may walk the root, which the first question for excess does; 1 if not told */
void imm_closures_threads(struct imm_closures *c, unsigned n);
/* Excess is going to be asked for: what of that takes long and needs no unit begins in a thread. */
void imm_excess_ahead(struct imm_manager *m);
/* Does what the first question of that kind would, before several threads ask at once. */
void imm_excess_prepare(struct imm_manager *m, unsigned flags);
void imm_excess_compute(struct imm_manager *m, struct imm_unit *u, const struct imm_closure *c,
        unsigned flags, struct imm_arena *a, struct imm_excess *ret);

/*
 * Programs and libraries that a service sees in directories of a whole system (/usr/bin,
 * /nix/store, a root file system that lies in the root) and does not need. What its mounts name one
 * by one, a file, a store path, a directory of one program, is asked for and does not count.
 */
enum imm_unneeded_kind { IMM_UNNEEDED_PROGRAMS, IMM_UNNEEDED_LIBRARIES, IMM_UNNEEDED_N };
struct imm_unneeded {
        bool known; /* false: the service has no view */
        uint64_t n[IMM_UNNEEDED_N];
        const struct imm_mount
                *mount[IMM_UNNEEDED_N]; /* that shows most of them; NULL: none does */
};
void imm_unneeded_compute(struct imm_manager *m, struct imm_unit *u, const struct imm_closure *c,
        struct imm_unneeded *ret);

/* The package that owns @host_path (real path in the root), or NULL: dpkg, apk, rpm (sqlite). */
const char *imm_package_of(struct imm_closures *c, const char *host_path);

/* ---- who owns a line (owner.c) ---- */

enum imm_owner_kind {
        IMM_OWNER_PACKAGE,       /* of the root's package database */
        IMM_OWNER_STORE,         /* a path of the Nix store */
        IMM_OWNER_VENDOR,        /* below /usr, and no package's that could be read */
        IMM_OWNER_ADMINISTRATOR, /* /etc, /usr/local and what else is local */
        IMM_OWNER_USER,          /* a home: the user's own units */
        IMM_OWNER_GENERATOR,     /* written by a generator at every boot */
        IMM_OWNER_RUNTIME,       /* other parts of /run: gone at the next boot */
        IMM_OWNER_REPOSITORY,    /* a file given by its path */
        IMM_OWNER_KIND_N,
};

struct imm_owner {
        enum imm_owner_kind kind;
        /* The package's name and version; a store path's name. Of IMM_OWNER_ADMINISTRATOR: the
         * package that brought a file which was changed since. NULL: none, or unknown. */
        const char *package, *version;
};

/*
 * Who owns @file of @u, a fragment, drop-in or the manager's configuration, and so who can change
 * its lines for good. Links are followed: the owner is that of the text. By the location, the
 * databases of dpkg, apk, pacman and rpm, and dpkg's list of configuration files. Each file is
 * looked up once; may be used by several threads. Strings live as long as @c.
 */
struct imm_owner imm_owner_of(struct imm_closures *c, const struct imm_unit *u, const char *file);
/* "package nginx 1.22.1-9", "administrator": one line, KIND[ PACKAGE[ VERSION]] */
const char *imm_owner_text(const struct imm_owner *o, struct imm_arena *a);
