#pragma once

/*
 * The index of a manager's unit directories: each is listed once, then every question about names
 * is a look-up. Private to this room.
 *
 * `ids` says for each name what systemd's name map says: the file that defines it, or the name that
 * it is an alias of. `odd` has the names that only something unusable defines.
 */

#include "analyzer/unit/name.h"

#include <pthread.h>

struct search_dir {
        const char *path; /* as systemd spells it: what FragmentPath begins with */
        const char *real; /* without links */
        int fd;           /* O_PATH */
};

struct unit_entry {
        const char *name;
        const char *path;   /* the fragment's path; NULL for an alias */
        const char *alias;  /* the name that it stands for; NULL for a fragment */
        const char *target; /* of a linked one: where the link leads */
        unsigned dir;       /* index of the search_dir */
        bool plain;         /* a regular file right in the directory */
};

struct odd_entry {
        const char *path, *why;
        bool unreadable;    /* not: systemd ignores it and so do we */
        enum imm_load load; /* NOT_FOUND where systemd was seen to say so */
};

/* One file of a drop-in directory */
struct dropin_entry {
        const char *name, *path;
        const char *rel; /* relative to the search_dir, for a regular file in a real directory */
        unsigned dir;
};

struct dropin_dir {
        unsigned dir; /* index of the search_dir */
        const char *name;
        bool link; /* the directory itself is one */
        bool listed;
        int error;                  /* of listing it, until it was told */
        struct dropin_entry *files; /* sorted by name */
        size_t n_files;
};

struct wants_dir {
        unsigned dir; /* index of the search_dir */
        const char *name;
};

struct dropin_dirs { /* of one name ("foo.service.d"), most important search_dir first */
        IMM_ARRAY(struct dropin_dir) list;
};

/* What is known of a file once it was tried */
enum slot_state {
        SLOT_NEW,
        SLOT_READ,
        SLOT_MASK,   /* empty, /dev/null or another device */
        SLOT_GONE,   /* a link to nowhere */
        SLOT_LOOP,   /* an endless link */
        SLOT_BROKEN, /* could not be read: file.status says why */
};

struct file_slot {
        struct imm_unit_file file;
        enum slot_state state;
        enum imm_unit_type type;
        unsigned dir;
        const char *rel; /* see dropin_entry */
};

/* Reads all pending files with at most @jobs threads. */
void imm_files_read(struct imm_manager *m, unsigned jobs);
/* The slot of a file, a new one pending; @path must live as long as the manager. */
struct file_slot *imm_file_slot(struct imm_manager *m, const char *path, enum imm_file_kind kind,
        enum imm_unit_type type, unsigned dir, const char *rel);
/* Reads one file of @root now, for files given by path. */
void imm_file_read_from(const struct imm_root *root, const char *path, unsigned version,
        struct file_slot *s, struct imm_arena *a);

struct imm_unit_index {
        struct search_dir *dirs;
        size_t n_dirs;
        struct imm_strv expanded; /* the search path and its real paths: what is inside is alias */
        struct imm_map parents;   /* folder as linked to -> struct parent */
        struct imm_map ids;       /* name -> struct unit_entry */
        struct imm_map odd;       /* name -> struct odd_entry */
        struct imm_map names;     /* name of a fragment -> struct imm_strv of its aliases */
        struct imm_map dropins;   /* "foo.service.d" -> struct dropin_dirs */
        IMM_ARRAY(struct wants_dir) wants;
        struct imm_strv wanted; /* see imm_index_wanted() */
        bool wanted_listed;
        struct imm_map files; /* path -> struct file_slot */
        IMM_ARRAY(struct file_slot *) pending;
        IMM_ARRAY(struct imm_arena *) arenas; /* of the threads that read files */
        size_t list_cap;
        struct imm_root *host; /* for files given by path; NULL until needed */
        struct imm_map beside; /* folder of such files -> what lies in it (given.c) */
        bool all_loaded;
        IMM_ARRAY(struct imm_unit *) later; /* asked for by name after that */
        pthread_mutex_t lock;               /* one at a time adds units */
};

/* Lists the directories of @paths; those that are not there are left out. */
void imm_index_build(struct imm_manager *m, const struct imm_strv *paths);

/*
 * Follows aliases from @name to the entry that has a path: 0; -ENOENT if the name is not known,
 * -ENXIO if an alias leads to no unit, -ELOOP.
 */
int imm_index_find(struct imm_manager *m, const char *name, const struct unit_entry **ret);

/* Instances that links in .wants/ and the like, or drop-in folders of their own, name; sorted */
const struct imm_strv *imm_index_wanted(struct imm_manager *m);

/* Is the path, resolved in the root, empty or a device: what systemd takes for a mask? 1, 0, -errno
 */
int imm_index_is_mask(const struct imm_root *r, const char *path);

/* The drop-ins of a unit with these names, in order; hidden ones are noted in @diags. */
struct dropin_list {
        const struct dropin_entry **v;
        size_t n;
};
struct dropin_list imm_index_dropins(struct imm_manager *m, const struct imm_strv *names,
        enum imm_unit_type type, struct imm_arena *a, struct imm_diags *diags);

/* manager.c: puts the last unit of m->list where it belongs */
void imm_units_sort_last(struct imm_manager *m);

/* Lists a drop-in directory, into @a; different ones may be listed at once. */
void imm_dropin_dir_list(struct imm_manager *m, struct dropin_dir *d, struct imm_arena *a);
/* Lists all of them, with at most @jobs threads */
void imm_dropin_dirs_list(struct imm_manager *m, unsigned jobs);

/* Opens what lies in a directory, without following any link; a descriptor or -errno */
int imm_open_below(int dir, const char *rel, int flags);
/* The entries of such a directory, as root.h has them but in no order; 0 or -errno */
int imm_list_below(
        int dir, const char *rel, struct imm_arena *a, struct imm_dirent **ret, size_t *n);

/* path.c: all directories of the manager's search path, existing or not, in systemd's order */
void imm_search_path(struct imm_manager *m, const char *unit_path, struct imm_strv *ret);

/* The instance by which a template is judged: that of this version's systemd-analyze */
const char *imm_stand_in(unsigned version);
