/*
 * Credentials: found by LoadCredential= and its kin, and put below /run before the namespace.
 * Sources: systemd.exec(5) for LoadCredential=, ImportCredential= and SetCredential=; tests/lab.
 */

#include "analyzer/sandbox/access/access-private.h"
#include "analyzer/sandbox/mounts/plan.h"

#include <errno.h>
#include <fnmatch.h>

enum {
        CREDENTIALS_OF_FOLDERS = 251,       /* LoadCredential= takes a folder */
        CREDENTIALS_BY_ACL = 254,           /* they lie on a tmpfs, which has ACLs */
        CREDENTIALS_SIZE_MAX = 1024 * 1024, /* systemd's own */
        CREDENTIALS_SEALED_MAX = CREDENTIALS_SIZE_MAX + 128 * 1024, /* encrypted */
        CREDENTIALS_READ_MAX = 4 * CREDENTIALS_SIZE_MAX, /* more than a service can have of them */
        CREDENTIALS_DEPTH_MAX = 32,
        TMPFS_PAGE = 4096, /* or more, and then there are fewer */
        TMPFS_PAGES = CREDENTIALS_SIZE_MAX / TMPFS_PAGE,
        TMPFS_FILES = 1024 - 1, /* of systemd's, without the directory */
};

static const enum imm_setting sets[] = {
        IMM_SETTING_SET_CREDENTIAL, IMM_SETTING_SET_CREDENTIAL_ENCRYPTED};
static const enum imm_setting loads[] = {
        IMM_SETTING_LOAD_CREDENTIAL, IMM_SETTING_LOAD_CREDENTIAL_ENCRYPTED};

/* Where credentials are looked for by their names; the plain ones first */
static const char *const stores[] = {"/etc/credstore", "/run/credstore", "/usr/local/lib/credstore",
        "/usr/lib/credstore", "/etc/credstore.encrypted", "/run/credstore.encrypted",
        "/usr/local/lib/credstore.encrypted", "/usr/lib/credstore.encrypted"};
enum { PLAIN_STORES = 4 };

/* In what is decrypted: is it a file of the root that holds nothing encrypted? */
static bool is_not_sealed(struct imm_plan *p, const char *path) {
        imm_cleanup(imm_arena_free) struct imm_arena *scratch = NULL;
        struct imm_blob blob;

        if (p->credentials_read > CREDENTIALS_READ_MAX)
                return false;
        scratch = imm_arena_new();
        if (imm_root_read(p->m->root, path, CREDENTIALS_SEALED_MAX, scratch, &blob, NULL) < 0)
                return false;
        p->credentials_read += blob.size;
        if (p->credentials_read > CREDENTIALS_READ_MAX)
                imm_strv_add(p->out, &p->t->assumes, "that all credentials can be decrypted");
        return memchr(blob.data, 0, blob.size) || !imm_credential_is_sealed(blob.data);
}

/*
 * What is looked for in the stores: of LoadCredential= in the plain ones, of
 * LoadCredentialEncrypted= in all, and what is found is decrypted; ImportCredential= decrypts what
 * lies encrypted.
 */
enum search { LOAD, LOAD_ENCRYPTED, IMPORT };

/*
 * The credentials that @pattern finds in the stores, into @to: by their own names, or by @rename
 * and what the pattern leaves open. What is not a file cannot be read: -EISDIR; what cannot be
 * decrypted: -EBADMSG.
 */
static int search_stores(struct imm_plan *p, enum search how, const char *pattern,
        const char *rename, struct imm_map *to) {
        size_t fixed = strlen(pattern) - (imm_ends_with(pattern, "*") ? 1 : 0);

        for (size_t i = 0; i < (how == LOAD ? PLAIN_STORES : IMM_ELEMENTSOF(stores)); i++) {
                bool opens = how == LOAD_ENCRYPTED || i >= PLAIN_STORES;
                struct imm_dirent *entries;
                size_t n;

                if (imm_root_list(p->m->root, stores[i], p->a, &entries, &n) < 0)
                        continue;
                for (size_t k = 0; k < n; k++) {
                        const char *name = entries[k].name, *at;
                        struct stat st;

                        if (fnmatch(pattern, name, FNM_PERIOD) != 0)
                                continue;
                        at = imm_printf(p->a, "%s/%s", stores[i], name);
                        if (imm_root_stat(p->m->root, at, &st) == 0 && S_ISDIR(st.st_mode))
                                return -EISDIR;
                        if (opens && is_not_sealed(p, at))
                                return -EBADMSG;
                        if (rename)
                                name = imm_printf(p->a, "%s%s", rename, name + fixed);
                        if (!imm_map_has(to, name))
                                imm_map_put(p->a, to, name, NULL);
                }
        }
        return 0;
}

static bool is_credential_name(const char *name) {
        size_t n = strlen(name);

        for (const char *c = name; *c; c++)
                if (*c < ' ' || *c >= 127 || *c == ':' || *c == '/')
                        return false;
        return n > 0 && n <= 255 && !imm_streq(name, ".") && !imm_streq(name, "..");
}

/* What is left for all of them together: bytes that are read, and on a tmpfs what it holds */
struct room {
        uint64_t bytes;
        size_t pages, files;
        struct imm_map set; /* by the unit itself: these may be missing */
};

static struct room room_of(const struct imm_plan *p) {
        bool on_tmpfs = p->s->version >= CREDENTIALS_BY_ACL && !p->user_manager;
        struct room room = {.bytes = CREDENTIALS_SIZE_MAX,
                .pages = on_tmpfs ? TMPFS_PAGES : SIZE_MAX,
                .files = on_tmpfs ? TMPFS_FILES : SIZE_MAX};

        for (size_t i = 0; i < IMM_ELEMENTSOF(sets); i++)
                imm_array_foreach (c, &imm_setting(p->s, sets[i])->credentials)
                        imm_map_put(p->a, &room.set, c->id, NULL);
        return room;
}

static int take_room(const char *id, uint64_t size, struct room *left) {
        uint64_t add = strlen(id) + size;
        size_t pages = (size + TMPFS_PAGE - 1) / TMPFS_PAGE;

        if (size > CREDENTIALS_SIZE_MAX || add > left->bytes)
                return -E2BIG;
        if (left->files == 0 || pages > left->pages)
                return -ENOSPC;
        left->bytes -= add;
        left->pages -= pages;
        left->files--;
        return 0;
}

/* May the manager read the file, where it is not root's? */
static bool is_readable(struct imm_plan *p, const char *path) {
        const char *real;
        enum imm_acl_who who;

        return !p->user_manager || !p->id || imm_root_realpath(p->m->root, path, p->a, &real) < 0 ||
               imm_acl_bits(imm_node_of_root(p->m, real), p->id, IMM_MAY_READ, &who);
}

/* The files below a folder, each named by its way from @id on with "_" for "/" */
static int load_folder(struct imm_plan *p, const char *path, const char *id, bool encrypted,
        unsigned depth, struct imm_map *found, struct room *left) {
        struct imm_dirent_stat *e;
        size_t n;
        int r = imm_root_list_stat(p->m->root, path, p->a, &e, &n);

        for (size_t i = 0; r >= 0 && i < n; i++) {
                const char *name = imm_printf(p->a, "%s_%s", id, e[i].name);
                const char *at = imm_printf(p->a, "%s/%s", path, e[i].name);

                if (e[i].name[0] == '.')
                        continue;
                if (S_ISDIR(e[i].mode)) {
                        if (depth < CREDENTIALS_DEPTH_MAX && is_readable(p, at))
                                r = load_folder(p, at, name, encrypted, depth + 1, found, left);
                        continue;
                }
                if (!S_ISREG(e[i].mode))
                        continue;
                if (!is_credential_name(name))
                        return -EINVAL;
                if (imm_map_has(found, name))
                        continue;
                if (!is_readable(p, at))
                        return -EACCES;
                if (encrypted && is_not_sealed(p, at))
                        return -EBADMSG;
                r = take_room(name, e[i].size, left);
                imm_map_put(p->a, found, name, NULL);
        }
        return r;
}

/* LoadCredential=ID:/PATH */
static int load_path(struct imm_plan *p, const char *id, const char *path, bool encrypted,
        struct imm_map *found, struct room *left) {
        struct imm_vpath at;
        struct stat st;
        int r = imm_vfs_lookup(p->v, path, true, &at);

        if (r < 0)
                return r;
        if (at.node->fs->of_host && !at.node->uncertain && !is_readable(p, path))
                return -EACCES;
        if (imm_link_stops_manager(p->m, path, p->a))
                return -EPERM;
        if (S_ISDIR(imm_vfs_mode(p->v, at.node))) {
                if (p->s->version < CREDENTIALS_OF_FOLDERS)
                        return -EISDIR;
                if (!at.node->fs->of_host || at.node->uncertain)
                        return 0;
                return load_folder(p, path, id, encrypted, 0, found, left);
        }
        if (S_ISSOCK(imm_vfs_mode(p->v, at.node))) {
                /* it is connected to */
                imm_plan_fail(p, IMM_STEP_CREDENTIALS, IMM_OUTCOME_UNKNOWN, path, NULL);
                imm_strv_add(p->out, &p->t->assumes, imm_printf(p->out, "what %s answers", path));
                return -ECONNREFUSED;
        }
        if (encrypted && at.node->fs->of_host && !at.node->uncertain && is_not_sealed(p, path))
                return -EBADMSG;
        imm_map_put(p->a, found, id, NULL);
        if (at.node->fs->of_host && imm_root_stat(p->m->root, path, &st) == 0 &&
                S_ISREG(st.st_mode) && st.st_size > 0)
                return take_room(id, (uint64_t)st.st_size, left);
        return 0;
}

static void refuse(
        struct imm_plan *p, const char *culprit, const struct imm_origin *origin, int error) {
        if (p->t->outcome != IMM_OUTCOME_OK)
                return;
        imm_plan_fail(p, IMM_STEP_CREDENTIALS, IMM_OUTCOME_CREDENTIALS_FAILURE, culprit, origin);
        if (error == -EBADMSG)
                p->t->culprit_why = "which is no encrypted credential";
        else if (error == -ENOSPC)
                p->t->culprit_why = "which is too much for the tmpfs of credentials: 256 pages in "
                                    "1023 files";
        else if (error == -EPERM)
                p->t->culprit_why = imm_link_why;
}

/* What LoadCredential= finds, into @found; a negative errno where a source must be there and is not
 */
static int find_sources(
        struct imm_plan *p, enum imm_setting setting, struct imm_map *found, struct room *left) {
        const struct imm_value *v = imm_setting(p->s, setting);

        imm_array_foreach (c, &v->credentials) {
                struct imm_map names = {0};
                int r = -ENOENT;

                if (c->source && c->source[0] == '/') {
                        r = load_path(p, c->id, c->source, c->encrypted, found, left);
                        if (r >= 0)
                                continue;
                } else if (p->s->version >= 248) {
                        /* a name may be missing */
                        r = search_stores(p, c->encrypted ? LOAD_ENCRYPTED : LOAD,
                                c->source ? c->source : c->id, NULL, &names);
                        if (r == 0 && names.n == 0)
                                continue;
                }
                if (r >= 0)
                        imm_map_put(p->a, found, c->id, NULL);
                else if (r != -ENOENT || !imm_map_has(&left->set, c->id)) {
                        refuse(p, c->source ? c->source : c->id, &c->origin, r);
                        return r;
                }
        }
        return 0;
}

static int find_credentials(struct imm_plan *p, bool *ret_any, struct imm_map *found) {
        struct room left = room_of(p);
        const struct imm_value *v;

        for (size_t i = 0; i < IMM_ELEMENTSOF(loads); i++) {
                int r = find_sources(p, loads[i], found, &left);

                if (r < 0)
                        return r;
                *ret_any |= imm_setting(p->s, loads[i])->credentials.n > 0;
        }
        v = imm_setting(p->s, IMM_SETTING_IMPORT_CREDENTIAL);
        *ret_any |= v->credentials.n > 0;
        imm_array_foreach (c, &v->credentials) {
                int r = search_stores(p, IMPORT, c->id, c->source, found);

                if (r < 0) {
                        refuse(p, c->id, &c->origin, r);
                        return r;
                }
        }
        for (size_t i = 0; i < IMM_ELEMENTSOF(sets); i++) {
                v = imm_setting(p->s, sets[i]);
                *ret_any |= v->credentials.n > 0;
                imm_array_foreach (c, &v->credentials) {
                        int r;

                        if (imm_map_has(found, c->id))
                                continue;
                        if (c->encrypted && !imm_credential_is_sealed(c->source)) {
                                refuse(p, c->id, &c->origin, -EBADMSG);
                                return -EBADMSG;
                        }
                        imm_map_put(p->a, found, c->id, NULL);
                        r = take_room(c->id, c->encrypted ? 1 : strlen(c->source), &left);
                        if (r < 0) {
                                refuse(p, c->id, &c->origin, r);
                                return r;
                        }
                }
        }
        return 0;
}

int imm_plan_credentials_make(struct imm_plan *p) {
        enum { NONE = IMM_MOUNT_NODEV | IMM_MOUNT_NOSUID | IMM_MOUNT_NOEXEC };
        /* where an ACL tells whom they are for, they stay root's own */
        bool root_owns = p->as_root && p->s->version >= CREDENTIALS_BY_ACL;
        uid_t uid = p->id && !root_owns ? p->id->uid : 0;
        gid_t gid = p->id && !root_owns ? p->id->gid : 0;
        struct imm_map found = {0};
        bool any = false, empty;
        struct imm_vfs_fs *fs;
        const char *dir;
        int r;

        r = find_credentials(p, &any, &found);
        if (r < 0 || !any)
                return r;
        dir = imm_printf(p->a, "%s/credentials", p->runtime);
        p->credentials = imm_printf(p->a, "%s/%s", dir, p->s->unit->name);
        empty = found.n == 0 && !p->user_manager && p->s->version >= 253 && p->s->version < 257;
        if (empty) /* and nothing of it stays */
                return 0;
        r = imm_vfs_mkdir_p(p->v, p->credentials, 0700);
        if (r < 0) {
                imm_plan_fail(p, IMM_STEP_CREDENTIALS, IMM_OUTCOME_CREDENTIALS_FAILURE,
                        p->credentials, NULL);
                return r;
        }
        if (!p->user_manager) {
                fs = imm_vfs_fs_new(p->v, p->s->version >= CREDENTIALS_BY_ACL ? "tmpfs" : "ramfs",
                        IMM_VFS_EMPTY, p->credentials, 0500);
                fs->root->uid = uid;
                fs->root->gid = gid;
                fs->of_credentials = true;
                r = imm_vfs_mount(p->v, p->credentials, fs, NONE);
        }
        for (size_t i = 0; r >= 0 && i < found.n; i++) {
                const char *path = imm_printf(p->a, "%s/%s", p->credentials, found.v[i].key);
                struct imm_vpath at;

                (void)imm_vfs_mknod(p->v, path, S_IFREG | 0400, NULL);
                if (imm_vfs_lookup(p->v, path, false, &at) >= 0)
                        imm_vfs_change(p->v, at.node, -1, uid, gid, false);
        }
        if (r >= 0) {
                struct imm_vpath at;

                if (imm_vfs_lookup(p->v, p->credentials, false, &at) >= 0 &&
                        at.node->fs->of_credentials)
                        at.mount->flags |= IMM_MOUNT_RDONLY;
        }
        return r;
}
