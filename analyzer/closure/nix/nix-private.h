#pragma once

/* The Nix store of a root: names, references, and the two ways to learn them. */

#include "analyzer/closure/closure-private.h"

#define NIX_STORE "/nix/store"
enum { NIX_HASH = 32, NIX_NAME_MAX = 211 };

struct nix_path {
        const char *path; /* "/nix/store/HASH-NAME" */
        int64_t id;       /* in the database; 0: not registered there */
        bool exists;      /* on disk */
        bool exists_known, refs_known;
        struct nix_path **refs; /* itself left out */
        size_t n_refs;
        uint64_t mark;  /* the last traversal that met it */
        uint64_t given; /* the last of nix_given() */
        bool searched;  /* its references are those of its contents */
        bool unsure;    /* it may have been added, and then it refers to nothing */
};

struct nix_output {
        const char *name, *path;
        bool bare; /* it has no references, whatever it holds */
};

struct nix_input {
        const char *path; /* of a derivation */
        struct imm_strv outputs;
};

struct nix_derivation {
        bool good;
        IMM_ARRAY(struct nix_output) outputs; /* path NULL: it follows from the contents */
        IMM_ARRAY(struct nix_input) inputs;
        struct imm_strv sources;
        uint64_t given;
};

/* nix/listing.c: what lies in the store's directory */
struct nix_listing {
        struct imm_arena *arena;
        struct imm_dirent *v; /* those with a store path's name, sorted */
        size_t n;
        int error;      /* why it cannot be listed; 0 also where there is none */
        bool fresh;     /* it is one to be kept for the next run */
        struct stat st; /* of the store, from before it was listed */
};
/* What nix_list_ahead() has listed, or is about to; c->lock is held. */
void nix_list(struct imm_closures *c, struct nix_listing *ret);
void nix_listing_keep(const struct imm_closures *c, struct nix_listing *l);

struct nix {
        struct imm_closures *c;
        struct imm_arena *arena;
        struct nix_db *db; /* NULL: there is none, or it cannot be read */
        bool listed;
        struct nix_listing listing;
        uint32_t *by_hash; /* open addressing over what is listed; index plus one */
        size_t n_by_hash;
        struct imm_map paths;    /* path -> struct nix_path */
        struct nix_path **by_id; /* open addressing, by the database's id */
        size_t n_by_id, n_ids;
        uint64_t mark, given;
        struct imm_map derivations;               /* path -> struct nix_derivation */
        IMM_ARRAY(const struct imm_dirent *) drv; /* entries that are derivations, by name */
        bool derivations_listed;
        unsigned depth;  /* of nix_given() */
        uint64_t hashed; /* bytes, to tell what was added from what was built */
};

struct nix *nix_of(struct imm_closures *c);

/* Does a store path's name begin at @s? Its length (HASH-NAME), as long as characters allow; or 0
 */
size_t nix_name_length(const char *s);
bool nix_is_base32(unsigned char c);
bool nix_is_name(const char *s); /* HASH-NAME and nothing more */

/* The entries of /nix/store, read once. */
const struct imm_dirent *nix_entries(struct nix *x, size_t *ret_n);
const struct imm_dirent *nix_entry_by_hash(struct nix *x, const char *hash);

/* Always gives one; it may exist neither on disk nor in the database. */
struct nix_path *nix_path_get(struct nix *x, const char *path);
/* Whatever the database says */
bool nix_path_is_there(struct nix *x, const char *path);
bool nix_path_exists(struct nix *x, struct nix_path *p); /* registered, or on disk */
/* The existing store path that the text at @name (HASH-NAME and perhaps more) means, or NULL */
struct nix_path *nix_path_named(struct nix *x, const char *name, size_t n);
/* Its references; what could not be searched is told in @diags. */
void nix_references(struct nix *x, struct nix_path *p, struct imm_diags *diags);
/* Once a closure was followed: whether the database could be read all along */
void nix_tell(struct nix *x, struct imm_diags *diags);

/*
 * nix/visible.c: the entries of /nix/store with a store path's name that are found in the view of
 * @t, registered or not, without those that are masked; names only, sorted.
 */
void nix_visible(
        struct nix *x, const struct imm_mount_table *t, struct imm_arena *a, struct imm_strv *ret);

/* nix/db.c: 0; -ENOENT: there is none; else @diags say what is wrong. */
int nix_db_open(struct nix_db **ret, struct nix *x, struct imm_diags *diags);
struct nix_db *nix_db_free(struct nix_db *db);
int64_t nix_db_id(struct nix_db *db, const char *path); /* 0: not valid */
const char *nix_db_path(struct nix_db *db, int64_t id, struct imm_arena *a);
/* The path whose name begins with @hash and '-'; NULL if there is none */
const char *nix_db_by_hash(struct nix_db *db, const char *hash, struct imm_arena *a);
int nix_db_references(
        struct nix_db *db, int64_t id, int (*each)(void *data, int64_t reference), void *data);
const char *nix_db_error(
        const struct nix_db *db); /* what went wrong since it was opened, or NULL */

/* nix/derivation.c: what made @p, where that still lies in the store; else NULL */
struct nix_derivation *nix_deriver(
        struct nix *x, const struct nix_path *p, const struct nix_output **ret);
/* Puts those of @refs to the front that the build of @d can have been given. Returns their number.
 */
size_t nix_given(struct nix *x, struct nix_derivation *d, struct nix_path **refs, size_t n);

/*
 * nix/source.c: was it added, not built? Then its references are not those of its contents, @refs:
 * what is left of them stands in front, and @n says how many. -EFBIG: too large to tell.
 */
int nix_added(struct nix *x, const struct nix_path *p, struct nix_path **refs, size_t *n);

/* nix/scan.c: the hashes in the contents of a store path, as Nix finds references */
void nix_scan(struct nix *x, const struct nix_path *p, struct imm_diags *diags,
        void (*found)(void *data, const struct imm_dirent *entry), void *data);
