#include "analyzer/closure/nix/nix-private.h"

/* What a hash and what a name may hold: asked of every byte of 50,000 names */
enum { DIGIT = 1, NAME = 2 };
static const unsigned char classes[256] = {
        ['0' ... '9'] = DIGIT | NAME,
        ['a' ... 'd'] = DIGIT | NAME,
        ['e'] = NAME,
        ['f' ... 'n'] = DIGIT | NAME,
        ['o'] = NAME,
        ['p' ... 's'] = DIGIT | NAME,
        ['t' ... 'u'] = NAME,
        ['v' ... 'z'] = DIGIT | NAME,
        ['A' ... 'Z'] = NAME,
        ['+'] = NAME,
        ['-'] = NAME,
        ['.'] = NAME,
        ['_'] = NAME,
        ['?'] = NAME,
        ['='] = NAME,
};

bool nix_is_base32(unsigned char c) {
        return classes[c] & DIGIT;
}

size_t nix_name_length(const char *s) {
        unsigned char all = DIGIT;
        size_t n;

        if (strnlen(s, NIX_HASH) < NIX_HASH)
                return 0;
        for (n = 0; n < NIX_HASH; n++) /* to the end: most names are good, and to ask costs more */
                all &= classes[(unsigned char)s[n]];
        if (!all || s[n] != '-')
                return 0;
        for (n++; n <= NIX_HASH + NIX_NAME_MAX; n++)
                if (!(classes[(unsigned char)s[n]] & NAME))
                        break;
        return n > NIX_HASH + 1 ? n : 0;
}

bool nix_is_name(const char *s) {
        size_t n = nix_name_length(s);

        return n > 0 && !s[n];
}

static void free_db(void *data) {
        nix_db_free(((struct nix *)data)->db);
}

struct nix *nix_of(struct imm_closures *c) {
        struct nix *x = c->nix;

        if (x)
                return x;
        x = c->nix = imm_new(c->arena, struct nix);
        x->c = c;
        x->arena = c->arena;
        (void)nix_db_open(&x->db, x, &c->diags);
        imm_arena_defer(c->arena, free_db, x);
        return x;
}

void nix_keep(struct nix *x) {
        nix_listing_keep(x->c, &x->listing);
}

/* ---- what lies in the directory ---- */

static uint64_t hash_of(const char *s) {
        uint64_t v;

        memcpy(&v, s, sizeof(v));
        return (v * UINT64_C(0x9e3779b97f4a7c15)) >> 20;
}

/* Only where hashes are looked for: most closures come from the database. */
static void index_store(struct nix *x) {
        x->n_by_hash = 64;
        while (x->n_by_hash < 2 * x->listing.n)
                x->n_by_hash *= 2;
        x->by_hash = imm_alloc_array(x->arena, x->n_by_hash, sizeof(*x->by_hash));
        for (size_t i = 0; i < x->listing.n; i++) {
                size_t at = hash_of(x->listing.v[i].name) & (x->n_by_hash - 1);

                while (x->by_hash[at])
                        at = (at + 1) & (x->n_by_hash - 1);
                x->by_hash[at] = (uint32_t)i + 1;
        }
}

const struct imm_dirent *nix_entries(struct nix *x, size_t *ret_n) {
        struct nix_listing *l = &x->listing;

        if (!x->listed) {
                nix_list(x->c, l);
                if (l->error)
                        imm_diag_add(x->arena, &x->c->diags, IMM_DIAG_UNREADABLE, "unreadable",
                                NIX_STORE, 0, NULL, "cannot be listed: %s", strerror(-l->error));
        }
        x->listed = true;
        *ret_n = l->n;
        return l->v;
}

const struct imm_dirent *nix_entry_by_hash(struct nix *x, const char *hash) {
        const struct imm_dirent *best = NULL;
        size_t at, n;

        (void)nix_entries(x, &n);
        if (!x->by_hash)
                index_store(x);
        for (at = hash_of(hash) & (x->n_by_hash - 1); x->by_hash[at];
                at = (at + 1) & (x->n_by_hash - 1)) {
                const struct imm_dirent *e = &x->listing.v[x->by_hash[at] - 1];

                /* beside HASH-NAME there may be HASH-NAME.lock and the like */
                if (memcmp(e->name, hash, NIX_HASH) == 0 &&
                        (!best || strlen(e->name) < strlen(best->name)))
                        best = e;
        }
        return best;
}

/* ---- paths ---- */

static struct nix_path *path_add(struct nix *x, const char *path) {
        struct nix_path *p = imm_new(x->arena, struct nix_path);

        p->path = path;
        imm_map_put(x->arena, &x->paths, path, p);
        return p;
}

static struct nix_path **id_slot(struct nix *x, int64_t id) {
        size_t at = ((uint64_t)id * UINT64_C(0x9e3779b97f4a7c15)) >> 20 & (x->n_by_id - 1);

        while (x->by_id[at] && x->by_id[at]->id != id)
                at = (at + 1) & (x->n_by_id - 1);
        return &x->by_id[at];
}

static void id_put(struct nix *x, struct nix_path *p) {
        if (2 * (x->n_ids + 1) > x->n_by_id) {
                struct nix_path **old = x->by_id;
                size_t n = x->n_by_id;

                x->n_by_id = n ? 2 * n : 1024;
                x->by_id = imm_alloc_array(x->arena, x->n_by_id, sizeof(*x->by_id));
                for (size_t i = 0; i < n; i++)
                        if (old[i])
                                *id_slot(x, old[i]->id) = old[i];
        }
        *id_slot(x, p->id) = p;
        x->n_ids++;
}

struct nix_path *nix_path_get(struct nix *x, const char *path) {
        struct nix_path *p = imm_map_get(&x->paths, path);

        if (p)
                return p;
        p = path_add(x, imm_strdup(x->arena, path));
        if (x->db)
                p->id = nix_db_id(x->db, path);
        if (p->id)
                id_put(x, p);
        return p;
}

static struct nix_path *path_by_id(struct nix *x, int64_t id) {
        struct nix_path *p = x->n_by_id ? *id_slot(x, id) : NULL;
        const char *path;

        if (p)
                return p;
        path = nix_db_path(x->db, id, x->arena);
        if (!path)
                return NULL; /* a reference to nothing, which nix-store passes over as well */
        p = imm_map_get(&x->paths, path);
        if (!p)
                p = path_add(x, path);
        p->id = id;
        id_put(x, p);
        return p;
}

static bool is_on_disk(struct nix *x, struct nix_path *p) {
        struct stat st;

        if (!p->exists_known) {
                p->exists_known = true;
                p->exists = imm_root_lstat(x->c->root, p->path, &st) == 0;
        }
        return p->exists;
}

bool nix_path_is_there(struct nix *x, const char *path) {
        return is_on_disk(x, nix_path_get(x, path));
}

bool nix_path_exists(struct nix *x, struct nix_path *p) {
        return p->id != 0 || is_on_disk(x, p);
}

struct nix_path *nix_path_named(struct nix *x, const char *name, size_t n) {
        const char *path = imm_printf(x->arena, NIX_STORE "/%.*s", (int)n, name);
        struct nix_path *p = nix_path_get(x, path);
        const struct imm_dirent *e;

        if (nix_path_exists(x, p))
                return p;
        /* the text goes on behind the name, with characters that a name may have ("=", ".") */
        path = x->db ? nix_db_by_hash(x->db, name, x->arena) : NULL;
        if (!path) {
                e = nix_entry_by_hash(x, name);
                path = e ? imm_printf(x->arena, NIX_STORE "/%s", e->name) : NULL;
        }
        if (path && imm_after(imm_strndup(x->arena, name, n), path + strlen(NIX_STORE "/")))
                return nix_path_get(x, path);
        return NULL;
}

/* ---- references ---- */

struct collect {
        struct nix *x;
        struct nix_path *of;
        bool self; /* it names itself */
        IMM_ARRAY(struct nix_path *) refs;
};

static int add_id(void *data, int64_t reference) {
        struct collect *c = data;
        struct nix_path *p = path_by_id(c->x, reference);

        if (p && p != c->of)
                *imm_array_push(c->x->arena, &c->refs) = p;
        return 0;
}

static void add_entry(void *data, const struct imm_dirent *e) {
        struct collect *c = data;
        struct nix_path *p = nix_path_get(c->x, imm_printf(c->x->arena, NIX_STORE "/%s", e->name));

        p->exists = p->exists_known = true;
        c->self |= p == c->of;
        if (p != c->of)
                *imm_array_push(c->x->arena, &c->refs) = p;
}

/*
 * Which of the hashes found are references: those that the build was given, as far as its
 * derivation tells. Without that, what was added is told by its name.
 */
static void judge_found(struct nix *x, struct nix_path *p, struct collect *c) {
        const struct nix_output *o;
        struct nix_derivation *d = nix_deriver(x, p, &o);

        if (d)
                c->refs.n = o->bare ? 0 : nix_given(x, d, c->refs.v, c->refs.n);
        else if (!c->self) /* what holds its own hash was built */
                p->unsure = nix_added(x, p, c->refs.v, &c->refs.n) < 0;
}

void nix_references(struct nix *x, struct nix_path *p, struct imm_diags *diags) {
        struct collect c = {.x = x, .of = p};

        if (p->refs_known)
                return;
        p->refs_known = true;
        if (p->id)
                (void)nix_db_references(x->db, p->id, add_id, &c);
        /* after a failure, which nix_tell() tells, the database is believed no longer */
        if ((!p->id || nix_db_error(x->db)) && is_on_disk(x, p)) {
                c.refs.n = 0;
                p->searched = true;
                nix_scan(x, p, diags, add_entry, &c);
                if (c.refs.n > 0 && !imm_ends_with(p->path, ".drv"))
                        judge_found(x, p, &c);
        }
        p->refs = c.refs.v;
        p->n_refs = c.refs.n;
}

void nix_tell(struct nix *x, struct imm_diags *diags) {
        if (x->db && nix_db_error(x->db))
                imm_diag_add(x->arena, diags, IMM_DIAG_UNREADABLE, "nix-database",
                        "/nix/var/nix/db/db.sqlite", 0, NULL,
                        "%s: references are looked for in the contents instead",
                        nix_db_error(x->db));
}
