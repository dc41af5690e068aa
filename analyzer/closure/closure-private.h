#pragma once

/* What the files of this room share: the cached tree, a service's view of it, needs being built. */

#include "analyzer/closure/closure.h"
#include "analyzer/closure/elf/elffile.h"

#include <pthread.h>

/* ---- the root's tree, each file looked at once per run (tree.c) ---- */

struct answers;
struct elfcache;
struct ldcache;
struct ldso;
struct nix;
struct nix_ahead;
struct nix_listing;
struct packages;
struct walk;

enum walk_kind { WALK_ALL, WALK_SYSTEM, WALK_N };

/* A file by its host path (real: no links above it); what was found out about it is kept here. */
struct node {
        const char *host;
        int error; /* 0, or why lstat(2) failed: all else is zero then */
        mode_t mode;
        uid_t uid;
        gid_t gid;
        dev_t dev;
        ino_t ino;
        uint64_t size;
        struct timespec mtime, ctime;
        const char *target; /* of a symbolic link */
        int folder;         /* an open directory that it lies in; -1: none */
        const char *name;   /* there */
        unsigned number;    /* of all nodes */
        bool read;          /* its content, or how much that is, was asked for */

        /* Set behind what they speak of, so that it can be read without the lock then */
        bool elf_known, ldso_known, cache_known, text_known;
        const char *text;       /* of node_text() */
        int elf_error;          /* of imm_elf_read(), or of opening */
        const char *elf_why;    /* of -EBADMSG */
        struct imm_elf *elf;    /* NULL unless elf_error is 0 */
        const char *shebang;    /* first line of a script behind "#!", NULL if it is none */
        struct imm_blob script; /* all of it, if that came with the first line; else data is NULL */
        unsigned nss;           /* which databases its imports look up (nss.c) */
        struct ldso *ldso;      /* of a loader */
        struct ldcache *cache;  /* of an ld.so.cache */
};

/* Files are asked for by all threads all the time: what lies in one directory is in one of these.
 */
enum { TREE_PARTS = 32 };
struct tree_part {
        pthread_mutex_t lock; /* not held while a file is asked for */
        struct imm_arena *arena;
        struct imm_map nodes;   /* host path -> struct node */
        struct imm_map folders; /* host path -> struct folder (tree.c) */
};

/* Files are read by several threads at once: a file belongs to one of these by its path. */
enum { READERS = 8 };
struct file_reader {
        pthread_mutex_t lock;
        struct imm_arena *arena; /* of what is kept; NULL until used */
};

struct imm_closures {
        struct imm_manager *m;
        const struct imm_root *root;
        pthread_mutex_t lock; /* recursive: each function below that looks at the rest takes it */
        struct imm_arena *arena;
        struct tree_part tree[TREE_PARTS];
        unsigned n_nodes; /* of all parts; counted without a lock, like n_open */
        struct imm_diags diags;
        const char *cache_path, *cache_tag; /* of imm_closures_reuse(); NULL: none */
        time_t since;
        struct elfcache *elfcache;      /* NULL until asked */
        struct answers *answers;        /* likewise */
        struct nix *nix;                /* NULL until asked */
        struct nix_ahead *nix_ahead;    /* a thread that lists the store; NULL: none does */
        struct packages *packages;      /* NULL until asked */
        struct packages *unit_packages; /* of systemd's files alone; NULL until asked */
        struct owners *owners;          /* NULL until asked */
        struct walk *walks[WALK_N];     /* NULL until asked */
        unsigned threads;               /* of a walk */
        struct file_reader readers[READERS];
        pthread_mutex_t scratch_lock;       /* of these: memory for a file while it is read */
        struct imm_arena *scratch[READERS]; /* as many as there were readers at once */
        unsigned n_scratch;
        unsigned n_open;                   /* directories that stay open */
        pthread_rwlock_t known_lock;       /* of the maps of what is known, these: */
        struct known_libraries *libraries; /* the first of a list; elf/search.c */
        struct imm_map
                programs[IMM_POSSIBLE + 1]; /* by confidence: path -> known_program; elf/known.c */
        struct imm_map commands;            /* PATH -> struct known_commands; program.c */
        struct imm_mount_table *host_table; /* NULL until asked */
        unsigned char *host_question;       /* the same as part of a question; likewise */
        struct learner *learners;           /* that are free */
        struct imm_map watched;             /* path -> the number of its watch plus one */
};

/* Of memory in @arena, which is the caller's; closures_done() ends it, but not the memory. */
void closures_init(struct imm_closures *c, const struct imm_root *root, struct imm_arena *arena);
void closures_done(struct imm_closures *c);

static inline struct imm_closures *closures_lock(struct imm_closures *c) {
        (void)pthread_mutex_lock(&c->lock);
        return c;
}
static inline void closures_unlockp(struct imm_closures **c) {
        (void)pthread_mutex_unlock(&(*c)->lock);
}
/* Until the end of the block */
#define CLOSURES_LOCKED(c) \
        struct imm_closures *locked_ __attribute__((cleanup(closures_unlockp), unused)) = \
                closures_lock(c)

static inline bool node_knows(const bool *known) {
        return __atomic_load_n(known, __ATOMIC_ACQUIRE);
}
static inline void node_learned(bool *known) {
        __atomic_store_n(known, true, __ATOMIC_RELEASE);
}
void tree_init(struct imm_closures *c);
void tree_done(struct imm_closures *c); /* the memory is the arena's */
struct node *node_get(struct imm_closures *c, const char *host);
/* The file's ELF tables, or NULL: node->elf_error says why (-ENOEXEC: no ELF file). */
const struct imm_elf *node_elf(struct imm_closures *c, struct node *n);
/* The content of a regular file, as imm_root_read() */
int node_read(struct imm_closures *c, struct node *n, size_t max, struct imm_arena *a,
        struct imm_blob *ret);
/* Something depends on the content from now on. */
static inline void node_minds_content(struct node *n) {
        __atomic_store_n(&n->read, true, __ATOMIC_RELAXED);
}
/* The content of a small file that is asked for again and again; "" if it cannot be read */
const char *node_text(struct imm_closures *c, struct node *n);
/* Which databases of the name service its imports look up: a bit for each (nss.c) */
unsigned node_nss(struct imm_closures *c, struct node *n);
void note_nss_import(void *bits, const char *name);
/* The line behind #!, as the kernel would cut it; NULL if it is no script. */
const char *node_shebang(struct imm_closures *c, struct node *n);

/* ---- what an answer was found by (answers/sight.c) ---- */

/* All that was looked at on the way, each once; what is not there was looked at as well. */
struct sight {
        struct imm_arena *arena;
        IMM_ARRAY(struct node *) nodes;
        uint64_t *has; /* a bit for each node's number */
        size_t n_has;
        bool repeats; /* of a few, some of them twice */
};
void sight_add(struct sight *s, struct node *n);
void sight_add_all(struct sight *s, const struct sight *from);
/* A copy of @s into @a, which nothing can be added to; @s is empty then */
struct sight sight_take(struct sight *s, struct imm_arena *a);

/* ---- what is kept between runs (kept.c) ---- */

/* The device whose files can be known again by inode and times */
dev_t kept_device(void);
/* The whole of a file that nobody else can have written, or NULL */
unsigned char *kept_read(const char *path, size_t max, struct imm_arena *a, size_t *ret_n);
/* Of what lies in such a file: whether it is whole */
uint64_t kept_sum(const unsigned char *p, size_t n);
/* Whole or not at all, and not a word if it cannot be done */
void kept_write(const char *path, const void *data, size_t size, struct imm_arena *a);
/* A file beside @path, named PREFIX-DEVICE-INODE after a directory of the root */
const char *kept_beside(
        const char *path, const char *prefix, const struct stat *of, struct imm_arena *a);
/* Removes what lies beside @path and was named so, but was not written for long */
void kept_tidy(const char *path, const char *prefix, time_t now, struct imm_arena *a);
/* What tells this very program from any other, also of the same version */
const char *kept_program(struct imm_arena *a);

/* ---- what a command of the service sees (view.c) ---- */

struct view {
        struct imm_closures *c;
        const struct imm_mount_table *table; /* NULL: the plain root, below @prefix */
        const char *prefix;                  /* "" or a RootDirectory= that is only assumed */
        struct imm_map dirs;                 /* directories resolved before: path -> struct place */
        bool *shows;                         /* of each mount: mount_shows_root() */
        struct imm_strv others; /* mounts that show something else than the root there */
        unsigned char *agrees;  /* of view_is_root(), by the watch's number */
        size_t n_agrees;
        struct imm_strv *touched; /* where set: the directories and links that are looked into */
        struct imm_strv *passed;  /* where set: what the walk steps on, as "PATH/." */
        bool dotted;              /* meanwhile: a link was followed that has "." or ".." in it */
        bool relative;            /* a path was looked up that depends on the working directory */
        struct sight *sight;      /* where set: all that is looked at */
        struct imm_arena *arena;
};

struct place {
        const char *path;              /* in the view, all links followed */
        struct node *node;             /* in the root; NULL: on a file system that is made new */
        struct imm_strv links;         /* links passed, in the view's paths */
        const struct imm_mount *mount; /* of -EACCES: what hides it; else what it lies on */
};

void view_init(struct view *v, struct imm_closures *c, const struct imm_mount_table *t,
        const char *prefix, struct imm_arena *a);
/* @dir/@name (no slash is doubled); for the many paths that a search tries */
char *path_join(
        struct imm_arena *a, const char *dir, size_t n_dir, const char *name, size_t n_name);

/*
 * Looks @path up from @cwd (NULL: "/"). 0; -ENOENT, -ENOTDIR, -ELOOP; -EACCES: hidden by an
 * inaccessible node; -ENODATA: on a file system whose content is not known (/proc ...).
 */
int view_find(struct view *v, const char *cwd, const char *path, struct place *ret);

/* Is there anything at @path, an absolute one? A link there is not followed. */
bool view_has(struct view *v, const char *path);

/*
 * What was found out in the plain root holds in every view that shows the same at the paths that
 * were looked at. Each such path has a number, so that a view is asked once for it.
 */
struct watch {
        const char *path;
        unsigned number;
};
struct watches {
        struct watch *v;
        size_t n, cap;
};
/* Adds @touched, what a view has noted there, to @w. c->lock is held. */
void watch_add(struct imm_closures *c, const struct imm_strv *touched, struct watches *w);
/* What is found out once for all units: where that has looked */
struct found_by {
        struct watches watches;
        struct sight sight;
};
/* Does the view show at all watched paths, and below them, just what the root has there? Then it
 * has looked at all of it itself. */
bool view_relies(struct view *v, const struct found_by *f);

/* For what is found out once for all units: a view of the plain root that notes where it looks.
 * No lock is held meanwhile; each has memory of its own. */
struct learner {
        struct learner *next;
        struct imm_arena *arena;   /* of what is learnt */
        struct imm_arena *scratch; /* emptied when it is given back */
        struct view view;
        struct imm_strv touched;
        struct sight sight;
};
struct learner *learner_take(struct imm_closures *c);
/* Where it has looked; c->lock is held. */
void learner_tell(struct imm_closures *c, struct learner *t, struct found_by *ret);
void learner_give(struct imm_closures *c, struct learner *t);

/* Does @m show files of the root? Not those that are mounted over with something new at boot. */
bool mount_shows_root(const struct imm_closures *c, const struct imm_mount *m);
/* Where @path, which lies on @m, is in the root, if @m shows what is at @top there */
const char *mount_host_path(
        const char *top, const struct imm_mount *m, const char *path, struct imm_arena *a);

/* ---- all files of the root, in one walk (walk/) ---- */

/* What tells whether other things lie in a directory than before */
struct seen_folder {
        uint64_t dev, ino;
        int64_t mtime, ctime;
        uint32_t mtime_n, ctime_n;
};

struct walked_folder {
        struct seen_folder seen;
        uint32_t node;
        bool fresh; /* it was listed: what is kept did not know it */
};

struct walk_node {
        const char *name;
        uint32_t parent, end; /* end: the first node behind all that is below this one */
        uint32_t folder;      /* of a directory that was looked into: its number plus one */
        uint32_t
                group; /* index into the walk's groups; of regular files, once they are filled in */
        mode_t mode;
        uid_t uid;
        gid_t gid;
        uint64_t size;
};

struct walk {
        enum walk_kind kind;
        struct walk_node *v; /* in order of a depth-first walk; the first is the root */
        size_t n;
        struct walked_folder *folders; /* those that were looked into, in the same order */
        size_t n_folders;
        uint32_t *slots; /* of walk_below(): nodes by parent and name; 0 is free */
        size_t n_slots;
        uint32_t *files; /* regular files, and their bytes, before each node and behind the last */
        uint64_t *bytes;
        struct imm_excess_group
                *groups; /* who owns files: packages, then places; NULL: not asked */
        size_t n_groups, groups_cap;
        uint32_t *groups_by_name;
        uint32_t *closed; /* directories that not everybody may search */
        size_t n_closed, closed_cap;
        struct imm_map real; /* of walk_find_real(): host path -> index plus one, or UINTPTR_MAX */
};
/*
 * WALK_ALL: every file, with its size. WALK_SYSTEM: the trees in which things are installed
 * (walk_is_system()), and of files their number alone, which takes a tenth of the time.
 */
struct walk *walk_of(struct imm_closures *c, enum walk_kind kind);
/* Is a top directory of that name, or what lies at that path, one that WALK_SYSTEM goes into? */
bool walk_is_system(const char *path);
/* The node of @host (a real path, in @n bytes), of a name in a directory; SIZE_MAX if there is none
 */
size_t walk_find(const struct walk *w, const char *host);
size_t walk_find_n(const struct walk *w, const char *host, size_t n);
size_t walk_below(const struct walk *w, size_t parent, const char *name, size_t n);
/* The same, with links followed where it is not there as it is */
size_t walk_find_real(struct imm_closures *c, struct walk *w, const char *host);
char *walk_path(const struct walk *w, size_t i, struct imm_arena *a);
/* Leaves what lies in which directory for the next run (walk/kept.c). */
void walk_keep(struct imm_closures *c, const struct walk *w);

/* packages.c: fills the groups in, which are all files of the root, and each node's own */
void walk_groups(struct imm_closures *c, struct walk *w);
/* Of a real path with "/systemd/" in it; false: no package's. The version may be NULL. */
bool package_of_unit_file(struct imm_closures *c, const char *host_path, const char **ret_name,
        const char **ret_version);
uint32_t package_add(struct packages *p, const char *name);
void package_set_version(struct packages *p, uint32_t package, const char *version);
/* @path as listed. Of an index of all files it must live as long as that. */
void package_own(struct packages *p, const char *path, uint32_t package);
/* The file @name in @dir, which ends with a slash; none that no kernel could open */
void package_own_in(struct packages *p, const char *dir, const char *name, uint32_t package);
/* May @size bytes more be read or made? False, which is told once, for what no real database has */
bool package_may_take(struct packages *p, uint64_t size);
/* rpm.c; diagnostics, where there is a database that cannot be read, in @a */
void read_rpm(struct packages *p, const struct imm_root *root, struct imm_arena *a,
        struct imm_diags *diags);

/* ---- needs being collected (needs.c) ---- */

struct command_path {
        struct imm_strv dirs;
        struct known_commands *commands; /* that are known to be found by it; NULL until asked */
};

struct builder {
        struct imm_closures *c;
        struct imm_manager *m;
        struct imm_unit *u;
        struct imm_settings *settings;
        struct imm_closure *closure;
        struct imm_arena *arena;
        struct imm_map index;               /* path -> index of the need plus one */
        const struct imm_mount_table *host; /* of a service without a mount namespace: all see it */

        /* of the command that is being followed */
        struct view view;  /* what it sees */
        struct view plain; /* the root without the sandbox: where hidden things are looked for */
        bool hides;        /* the two differ */
        bool blind;        /* there is no view: what is visible cannot be known */
        const char *cwd;
        struct imm_map environment; /* Environment= and the files that EnvironmentFile= names */
        struct command_path own;    /* where systemd looks for the command itself */
        struct command_path path;   /* $PATH, for all that it starts */
        const char *library_path, *preload, *audit; /* LD_*, NULL if unset */
        enum imm_command_kind kind; /* whose identity it is executed with: builder_caller() */
        bool guarded;               /* a file was met that not everybody may read */
        bool optional;              /* the command's failure is ignored */
        enum imm_setting setting;
        struct imm_origin origin;
        struct sight *sight;     /* all that the answer depends on; NULL: nobody asks for that */
        bool unsure;             /* it depends on more than that, as on all that lies in a folder */
        unsigned depth;          /* of programs in scripts of programs */
        size_t shell_read;       /* bytes of shell scripts */
        size_t shell_expanded;   /* bytes that their expansions came to */
        unsigned shell_globs;    /* patterns in them that were looked up */
        struct imm_map followed; /* programs by path: how sure they were when followed, plus one */
        struct imm_map scanned;  /* texts that were searched for paths */
};

struct want { /* one thing asked for */
        const char *name;
        enum imm_need_kind kind;
        enum imm_confidence confidence;
        const char *reason;
        int by;
        bool tree, created;
        bool outside; /* systemd reads it before there is a sandbox */
};

/*
 * Looks @w->name up for the current command (first in its view, then in the plain root) and adds
 * it. Returns its index, negative if it is nowhere; with @must a need is added even then.
 */
int need_file(struct builder *b, const struct want *w, bool must, struct place *ret, bool *ret_new);
/* Adds what was found already: @visible false: only in the plain root, @why says what hides it. */
int need_place(struct builder *b, const struct want *w, const struct place *p, bool visible,
        const char *why, bool *ret_new);
int need_absent(struct builder *b, const struct want *w, const char *path, const char *why);
/* As @n was found in the plain root, where the view is the same */
int need_known(struct builder *b, const struct want *w, const struct imm_need *n);
const char *hidden_by(struct builder *b, const struct place *p, int error);

/* ---- ELF programs and the loader's search (loader.c, ldso.c, ldcache.c) ---- */

/* Everything that the dynamic loader maps for the ELF file at need @program. */
void load_program(struct builder *b, int program, const struct place *at);
/* A library that a program loads later: by @name, as dlopen(3) of the object at @by finds it. */
struct loading;
struct object {
        struct place place;
        const struct imm_elf *elf; /* NULL: broken, or not read */
        const char *opened;        /* the path by which it was found */
        const char *origin;        /* $ORIGIN; NULL if it cannot be known */
        size_t loader;             /* index of the object that asked first; of the main one: 0 */
        int need;
        bool done; /* what it needs was loaded, or is being */
};
const struct object *loaded_objects(const struct loading *l, size_t *ret_n);
unsigned loader_minor(const struct loading *l); /* of glibc 2.minor */
int load_module(struct loading *l, size_t by, const char *name, enum imm_confidence confidence,
        const char *reason);

struct ldso { /* how a root's dynamic loader searches, read from its own file */
        bool musl;
        unsigned minor;              /* of glibc 2.minor; 0: before 2.33, or not known */
        struct imm_strv directories; /* the built-in ones, in order, without a slash at the end */
        const char *lib;             /* $LIB */
        const char *cache, *preload; /* paths of ld.so.cache and ld.so.preload */
        const char *search_path,
                *path_file;       /* of musl: directories, and the file that has others */
        struct imm_strv variants; /* of a directory: "glibc-hwcaps/x86-64-v3", ..., last "" */
        const char *platform;     /* $PLATFORM */
};
const struct ldso *node_ldso(struct imm_closures *c, struct node *n);

struct ldcache_entry {
        int32_t flags;
        uint64_t hwcap;
        const char *level; /* of a glibc-hwcaps entry: "x86-64-v3" */
        const char *path;
};
/* The entries for @name, best first as ldconfig sorted them; NULL if there are none. */
const struct ldcache_entry *ldcache_find(
        const struct ldcache *cache, const char *name, size_t *ret_n);
const struct ldcache *node_ldcache(struct imm_closures *c, struct node *n);

/* This machine's processor, for loaders of its own architecture (cpu.c). */
struct cpu {
        unsigned level; /* x86-64-vN, 1 to 4; 0: not x86-64 */
        const char *platform;
        bool avx512_1; /* glibc's old name for what Skylake servers have */
};
const struct cpu *cpu_here(void);

/* Name service modules and their data, for programs that look users or hosts up (nss.c). */
void load_nss(struct loading *l, struct builder *b, enum imm_confidence least);

/* ---- programs, scripts, and what else a unit names ---- */

/*
 * A file that is executed: ELF or script, with all that the kernel and the loader map for it, and
 * what its text names. @w->name without a slash is looked for in the command's PATH. Returns the
 * need's index or a negative errno; with @must it is added even when it is nowhere.
 */
int follow_program(struct builder *b, const struct want *w, bool must);

/* NAME=VALUE into the environment of the command that is followed */
void builder_set_variable(struct builder *b, const char *text);
/* The words that systemd makes of an argument: ${NAME} is put in, $NAME alone is several words */
void builder_expand(struct builder *b, const char *arg, struct imm_strv *ret);
/* From now on the command, and all that it starts, goes by that environment. */
void builder_heed_environment(struct builder *b);
/* $PATH of all that the command starts */
const char *builder_search_path(struct builder *b);
void builder_set_search_path(struct builder *b, const char *text);

/* Does this option of env(1) take the next word for its own? */
bool env_takes_next(const char *option);

/* What a script's text or a shell's -c argument runs and names (scripts.c). */
/* @script: $0, or NULL */
void scan_shell(struct builder *b, const char *text, const char *script, int by);
/* What a script in another @language runs (calls.c) */
void scan_calls(struct builder *b, const char *text, const char *language, int by);
void scan_script(struct builder *b, struct node *n, const char *interpreter, int by);
/* The text of a script, if it is one; in @a or of the file's own */
bool script_text(struct builder *b, struct node *n, struct imm_arena *a, const char **ret);
/* An absolute path that is named somewhere: an existing file, directory or program */
void need_named(struct builder *b, const char *path, enum imm_confidence sure, const char *reason,
        int by, bool look_inside);
/* A command that a script runs, by its path or its name; one that is told by the directory it is
 * run in (dir/x) is left out; @name stays */
void need_command(struct builder *b, const char *name, int by);
/* Where the standard library of the interpreter @name ("python3.11") lies, if it is one; @elf: the
 * interpreter itself, NULL if it is no ELF file */
void need_language(struct builder *b, const char *name, const struct imm_elf *elf, int by);
/* Each absolute path in @text: a '/' that does not go on a word, up to what cannot be in a path */
enum scan_flags {
        SCAN_COMMENTS = 1 << 0, /* '#' begins one */
        SCAN_INSIDE = 1 << 1,   /* files that are named are searched in turn */
};
void scan_paths(struct builder *b, const char *text, enum scan_flags flags,
        enum imm_confidence sure, const char *reason, int by);
/* Absolute paths in a configuration file */
void scan_config(struct builder *b, struct node *n, int by);

/* envfile.c: each assignment of a file of EnvironmentFile=, in order */
void read_environment_text(const char *s, unsigned version, struct imm_arena *a,
        void (*each)(void *data, const char *name, const char *value), void *data);

/* command.c: a line of Exec*= */
void unit_command(struct builder *b, enum imm_setting setting, const struct imm_command_item *cmd);

/* unit.c: the Exec lines with all that they bring, and the files that other settings name */
void unit_commands(struct builder *b);
void unit_files(struct builder *b);
void unit_pam(struct builder *b); /* pam.c: the session of PAMName= */

/* Leaves the list of the store for the next run (nix/store.c). */
/* Leaves the list of the store's directory for the next run. */
void nix_keep(struct nix *x);
/* Has the store's directory listed by a thread (nix/listing.c), and waits for that; c->lock is
 * held. *ret, which may be NULL: what it holds. */
void nix_list_ahead(struct imm_closures *c);
void nix_ahead_wait(struct imm_closures *c, struct nix_listing *ret);
/* nix.c: true: the Exec lines name store paths, and the closure is of these */
bool unit_store_paths(struct builder *b, unsigned flags);
/* As far as it is set up, computed when first asked for; NULL: the unit is not loaded */
const struct imm_sandbox *builder_sandbox(struct builder *b);
/* As whom the command executes programs; NULL: unknown. The answer then depends on more. */
const struct imm_identity *builder_caller(struct builder *b);
/* May the command's own identity read the file? True where that cannot be known. */
bool builder_may_read(struct builder *b, const struct place *p);
/* Prepares the builder for following @cmd: what it sees, its directory and environment. */
void builder_enter(struct builder *b, enum imm_setting setting, const struct imm_command_item *cmd);
