/*
 * StateDirectory= and its kin, and credentials: made on disk before the namespace, brought into it
 * by bind mounts. Sources: systemd.exec(5) for RuntimeDirectory= and LoadCredential=; tests/lab.
 */

#include "analyzer/sandbox/access/access-private.h"
#include "analyzer/sandbox/mounts/plan.h"

#include <errno.h>
#include <fnmatch.h>

static const struct {
        enum imm_setting setting, mode;
        const char *system;
        const char *word;
} kinds[IMM_DIR_N] = {
        [IMM_DIR_RUNTIME] = {IMM_SETTING_RUNTIME_DIRECTORY, IMM_SETTING_RUNTIME_DIRECTORY_MODE,
                "/run", "RuntimeDirectory"},
        [IMM_DIR_STATE] = {IMM_SETTING_STATE_DIRECTORY, IMM_SETTING_STATE_DIRECTORY_MODE,
                "/var/lib", "StateDirectory"},
        [IMM_DIR_CACHE] = {IMM_SETTING_CACHE_DIRECTORY, IMM_SETTING_CACHE_DIRECTORY_MODE,
                "/var/cache", "CacheDirectory"},
        [IMM_DIR_LOGS] = {IMM_SETTING_LOGS_DIRECTORY, IMM_SETTING_LOGS_DIRECTORY_MODE, "/var/log",
                "LogsDirectory"},
        [IMM_DIR_CONFIGURATION] = {IMM_SETTING_CONFIGURATION_DIRECTORY,
                IMM_SETTING_CONFIGURATION_DIRECTORY_MODE, "/etc", "ConfigurationDirectory"},
};

enum { NOBODY = 65534 };

static const char *user_prefix(struct imm_plan *p, enum imm_exec_dir d) {
        const char *home = p->m->user->home;

        switch (d) {
        case IMM_DIR_RUNTIME:
                return p->runtime;
        case IMM_DIR_STATE:
                return imm_printf(
                        p->a, "%s/%s", home, p->q.state_home ? ".local/state" : ".config");
        case IMM_DIR_CACHE:
                return imm_printf(p->a, "%s/.cache", home);
        case IMM_DIR_LOGS:
                return imm_printf(
                        p->a, "%s/%s", home, p->q.state_home ? ".local/state/log" : ".config/log");
        default:
                return imm_printf(p->a, "%s/.config", home);
        }
}

static int by_path(const void *a, const void *b) {
        const struct imm_plan_dir *x = a, *y = b;
        const char *s = x->item->path, *t = y->item->path;

        /* a directory before what is in it, whatever byte sorts before '/' */
        for (;; s++, t++) {
                unsigned char c = *s == '/' ? 1 : (unsigned char)*s,
                              d = *t == '/' ? 1 : (unsigned char)*t;

                if (c != d)
                        return c < d ? -1 : 1;
                if (c == '\0')
                        return 0;
        }
}

static bool is_private(const struct imm_plan *p, enum imm_exec_dir d) {
        if (!imm_setting_bool(p->s, IMM_SETTING_DYNAMIC_USER) || d == IMM_DIR_CONFIGURATION)
                return false;
        return d != IMM_DIR_RUNTIME ||
               imm_setting_number(p->s, IMM_SETTING_RUNTIME_DIRECTORY_PRESERVE) != 0;
}

void imm_plan_dirs_prepare(struct imm_plan *p) {
        for (enum imm_exec_dir d = 0; d < IMM_DIR_N; d++) {
                const struct imm_value *v = imm_setting(p->s, kinds[d].setting);

                p->prefix[d] = p->user_manager ? user_prefix(p, d) : kinds[d].system;
                imm_array_foreach (item, &v->directories)
                        *imm_array_push(p->a, &p->dirs[d]) = (struct imm_plan_dir){
                                .item = item,
                                .setting = kinds[d].setting,
                                .private = is_private(p, d),
                        };
                if (!p->q.sorted_dirs || p->dirs[d].n == 0)
                        continue;
                qsort(p->dirs[d].v, p->dirs[d].n, sizeof(struct imm_plan_dir), by_path);
                for (size_t i = 1; i < p->dirs[d].n; i++)
                        for (size_t j = i; j-- > 0;)
                                if (imm_path_below(p->dirs[d].v[i].item->path,
                                            p->dirs[d].v[j].item->path)) {
                                        p->dirs[d].v[i].only_create = true;
                                        break;
                                }
        }
}

static const char *public_path(const struct imm_plan *p, enum imm_exec_dir d, const char *name) {
        return imm_printf(p->a, "%s/%s", p->prefix[d], name);
}

static const char *private_path(const struct imm_plan *p, enum imm_exec_dir d, const char *name) {
        return imm_printf(p->a, "%s/private/%s", p->prefix[d], name);
}

/* What a link at @at says to lead to @to: "../" out of what the two do not share */
static const char *relative(struct imm_arena *a, const char *to, const char *at) {
        const char *text = "", *rest;
        size_t shared = 0, n;

        for (size_t i = 0; at[i] != '\0' && (at[i] == to[i] || to[i] == '\0'); i++) {
                if (at[i] == '/')
                        shared = i;
                if (to[i] == '\0')
                        break;
        }
        for (const char *out = at + shared + 1; (out = strchr(out, '/')); out++)
                text = imm_printf(a, "../%s", text);
        rest = to + shared + (to[shared] == '/');
        n = strlen(text);
        if (*rest == '\0')
                return n == 0 ? "." : imm_strndup(a, text, n - 1);
        return imm_printf(a, "%s%s", text, rest);
}

int imm_plan_link(struct imm_plan *p, const char *to, const char *at) {
        const char *text = relative(p->a, to, at), *found;
        struct imm_vpath there;
        int r = imm_vfs_mknod(p->v, at, S_IFLNK | 0777, text);

        if (r != -EEXIST)
                return r;
        if (at[strlen(at) - 1] == '/' || imm_vfs_lookup(p->v, at, false, &there) < 0 ||
                !S_ISLNK(imm_vfs_mode(p->v, there.node)))
                return -EEXIST;
        found = imm_vfs_target(p->v, there.node);
        return found && imm_streq(found, text) ? 0 : -EEXIST;
}

/* The place of private directories; there already, it must be a directory: a link is refused. */
static int make_private_root(struct imm_plan *p, enum imm_exec_dir d) {
        const char *path = imm_printf(p->a, "%s/private", p->prefix[d]);
        int r = imm_vfs_mknod(p->v, path, S_IFDIR | 0700, NULL);
        struct imm_vpath at;

        if (r != -EEXIST)
                return r;
        r = imm_vfs_lookup(p->v, path, false, &at);
        if (r < 0)
                return r;
        return S_ISDIR(imm_vfs_mode(p->v, at.node)) ? 0 : -ENOTDIR;
}

static int make_private(struct imm_plan *p, enum imm_exec_dir d, const struct imm_plan_dir *dir,
        const char *path, const char **ret) {
        const char *pp = private_path(p, d, dir->item->path);
        unsigned mode = (unsigned)imm_setting_number(p->s, kinds[d].mode);
        struct imm_vpath old, new;
        int r;

        r = make_private_root(p, d);
        if (r < 0)
                return r;
        r = imm_vfs_mkdir_parents(p->v, pp, 0755);
        if (r < 0)
                return r;
        /* it was public before, and is moved */
        if (imm_vfs_lookup(p->v, pp, false, &new) < 0 &&
                imm_vfs_lookup(p->v, path, false, &old) >= 0 &&
                S_ISDIR(imm_vfs_mode(p->v, old.node)))
                r = imm_vfs_rename(p->v, old, pp);
        else
                r = imm_vfs_mknod(p->v, pp, S_IFDIR | mode, NULL);
        if (r < 0 && r != -EEXIST)
                return r;
        *ret = pp;
        return dir->only_create ? 0 : imm_plan_link(p, pp, path);
}

static int make_public(
        struct imm_plan *p, enum imm_exec_dir d, const struct imm_plan_dir *dir, const char *path) {
        unsigned mode = (unsigned)imm_setting_number(p->s, kinds[d].mode);
        const char *leads, *was;
        struct imm_vpath at, old;
        int r;

        if (d != IMM_DIR_CONFIGURATION && imm_vfs_lookup(p->v, path, false, &at) >= 0 &&
                S_ISLNK(imm_vfs_mode(p->v, at.node))) {
                r = imm_vfs_chase(p->v, path, &leads);
                if (r < 0)
                        return r;
                was = private_path(p, d, dir->item->path);
                if (imm_vfs_chase(p->v, was, &was) >= 0 && imm_streq(was, leads) &&
                        imm_vfs_lookup(p->v, was, true, &old) >= 0) {
                        /* it was a dynamic user's, and moves back */
                        imm_vfs_remove(p->v, at.node);
                        r = imm_vfs_rename(p->v, old, path);
                        if (r < 0)
                                return r;
                }
        }
        return imm_vfs_mknod(p->v, path, S_IFDIR | mode, NULL);
}

static void own(
        struct imm_plan *p, enum imm_exec_dir d, struct imm_plan_dir *dir, const char *path) {
        unsigned mode = (unsigned)imm_setting_number(p->s, kinds[d].mode);
        uid_t uid = p->id ? p->id->uid : 0, owner;
        gid_t gid = p->id ? p->id->gid : 0, group;
        struct imm_vpath at;

        if (imm_vfs_lookup(p->v, path, true, &at) < 0)
                return;
        imm_vfs_change(p->v, at.node, (int)mode, (uid_t)-1, (gid_t)-1, false);
        if (p->user_manager)
                return;
        owner = at.node->made_uid;
        group = at.node->made_gid;
        if (p->q.id_mapped && uid != 0 && gid != 0) {
                if (owner == NOBODY && group == NOBODY) {
                        dir->id_mapped = true;
                        return;
                }
                if (dir->private && owner == 0 && group == 0) {
                        dir->id_mapped = true;
                        uid = gid = NOBODY;
                }
        }
        /* what is in it is looked at only where the directory itself is not as it should be */
        imm_vfs_change(p->v, at.node, -1, uid, gid,
                owner != uid || group != gid ||
                        ((mode & (S_ISUID | S_ISGID)) &&
                                imm_setting_bool(p->s, IMM_SETTING_DYNAMIC_USER)));
}

/* An older version kept state below ~/.config: what is there is linked to. */
static bool links_to_old_state(
        struct imm_plan *p, enum imm_exec_dir d, const char *name, const char *path) {
        const char *old;
        struct imm_vpath at;

        if (!p->user_manager || !p->q.state_home || (d != IMM_DIR_STATE && d != IMM_DIR_LOGS) ||
                imm_vfs_lookup(p->v, path, false, &at) >= 0)
                return false;
        old = imm_printf(p->a, "%s/%s%s", p->prefix[IMM_DIR_CONFIGURATION],
                d == IMM_DIR_LOGS ? "log/" : "", name);
        return imm_vfs_lookup(p->v, old, false, &at) >= 0 && imm_plan_link(p, old, path) >= 0;
}

/* The owner is changed through a descriptor, which some versions open without following links. */
static int may_own(struct imm_plan *p, enum imm_exec_dir d, const char *path) {
        bool follows = p->s->version >= 254 && (p->user_manager || p->s->version < 257);
        struct imm_vpath at;
        int r = imm_vfs_lookup(p->v, path, follows, &at);

        if (r < 0)
                return r;
        /* ... and has to read, with the mode that it has by then */
        if (p->user_manager && p->s->version < 254 &&
                !(imm_setting_number(p->s, kinds[d].mode) & S_IRUSR))
                return -EACCES;
        if (S_ISDIR(imm_vfs_mode(p->v, at.node)) || (p->user_manager && p->s->version >= 254))
                return 0;
        return S_ISLNK(imm_vfs_mode(p->v, at.node)) ? -ELOOP : -ENOTDIR;
}

static int make_one(struct imm_plan *p, enum imm_exec_dir d, struct imm_plan_dir *dir) {
        const char *path = public_path(p, d, dir->item->path), *target = path;
        int r;

        r = imm_vfs_mkdir_parents(p->v, path, 0755);
        if (r < 0)
                return r;
        if (links_to_old_state(p, d, dir->item->path, path))
                return 0;
        if (dir->private)
                r = make_private(p, d, dir, path, &target);
        else {
                r = make_public(p, d, dir, path);
                if (r == -EEXIST)
                        r = d == IMM_DIR_CONFIGURATION ? 1 : 0;
        }
        if (r != 0)
                return r < 0 ? r : 0;
        r = may_own(p, d, target);
        if (r == 0)
                own(p, d, dir, target);
        return r;
}

int imm_plan_dirs_make(struct imm_plan *p) {
        for (enum imm_exec_dir d = 0; d < IMM_DIR_N; d++) {
                for (size_t i = 0; i < p->dirs[d].n; i++) {
                        struct imm_plan_dir *dir = &p->dirs[d].v[i];
                        int r = make_one(p, d, dir);

                        /* without a namespace the links are made on disk */
                        for (size_t l = 0;
                                r >= 0 && !p->needs_namespace && l < dir->item->symlinks.n; l++) {
                                const char *at = public_path(p, d, dir->item->symlinks.v[l]);

                                r = imm_vfs_mkdir_parents(p->v, at, 0755);
                                if (r >= 0)
                                        r = imm_plan_link(
                                                p, public_path(p, d, dir->item->path), at);
                        }
                        if (r < 0) {
                                imm_plan_fail(p, IMM_STEP_DIRECTORIES,
                                        IMM_OUTCOME_STATE_DIRECTORY_FAILURE,
                                        public_path(p, d, dir->item->path), &dir->item->origin);
                                return r;
                        }
                }
        }
        return 0;
}

void imm_plan_dirs_add(struct imm_plan *p) {
        bool rootfs = p->root_directory && !imm_streq(p->root_directory, "/");

        for (enum imm_exec_dir d = 0; d < IMM_DIR_N; d++) {
                bool private = p->dirs[d].n > 0 && p->dirs[d].v[0].private;

                if (private && !rootfs) {
                        struct imm_plan_entry *e = imm_plan_add(p, IMM_PLAN_EMPTY_DIR,
                                imm_printf(p->a, "%s/private", p->prefix[d]), kinds[d].setting,
                                &p->dirs[d].v[0].item->origin);

                        e->read_only = true;
                        e->flags = IMM_MOUNT_NOSUID | IMM_MOUNT_NODEV | IMM_MOUNT_NOEXEC;
                        e->why = "other services' private directories are hidden";
                }
                for (size_t i = 0; i < p->dirs[d].n; i++) {
                        const struct imm_plan_dir *dir = &p->dirs[d].v[i];
                        const char *name = dir->item->path, *at = public_path(p, d, name),
                                   *from = private ? private_path(p, d, name) : at;
                        struct imm_plan_entry *e;

                        for (size_t l = 0; p->s->version >= 248 && l < dir->item->symlinks.n; l++) {
                                imm_strv_add(p->a, &p->links, at);
                                imm_strv_add(p->a, &p->links,
                                        public_path(p, d, dir->item->symlinks.v[l]));
                        }
                        if (private && !rootfs && !dir->only_create && p->s->version >= 248) {
                                imm_strv_add(p->a, &p->links, from);
                                imm_strv_add(p->a, &p->links, at);
                        }
                        if (dir->only_create && !dir->item->read_only)
                                continue;
                        e = imm_plan_add(p, IMM_PLAN_BIND_RECURSIVE, private && rootfs ? at : from,
                                kinds[d].setting, &dir->item->origin);
                        e->source = from;
                        e->nosuid = imm_setting_bool(p->s, IMM_SETTING_DYNAMIC_USER);
                        e->read_only = dir->item->read_only;
                        e->id_mapped = dir->id_mapped;
                }
        }
}

/* ---- credentials ---- */

enum {
        CREDENTIALS_OF_FOLDERS = 251,       /* LoadCredential= takes a folder */
        CREDENTIALS_BY_ACL = 254,           /* they lie on a tmpfs, which has ACLs */
        CREDENTIALS_SIZE_MAX = 1024 * 1024, /* systemd's own */
        CREDENTIALS_DEPTH_MAX = 32,
};

static bool set_too(const struct imm_plan *p, const char *id) {
        static const enum imm_setting sets[] = {
                IMM_SETTING_SET_CREDENTIAL, IMM_SETTING_SET_CREDENTIAL_ENCRYPTED};

        for (size_t i = 0; i < IMM_ELEMENTSOF(sets); i++) {
                const struct imm_value *v = imm_setting(p->s, sets[i]);

                imm_array_foreach (c, &v->credentials)
                        if (imm_streq(c->id, id))
                                return true;
        }
        return false;
}

/* Where credentials are looked for by their names */
static const char *const stores[] = {"/etc/credstore", "/run/credstore", "/usr/local/lib/credstore",
        "/usr/lib/credstore", "/etc/credstore.encrypted", "/run/credstore.encrypted",
        "/usr/local/lib/credstore.encrypted", "/usr/lib/credstore.encrypted"};

/*
 * The credentials that @pattern finds in the stores, into @to: by their own names, or by @rename
 * and what the pattern leaves open. What is not a file cannot be read: -EISDIR.
 */
static int search_stores(
        struct imm_plan *p, const char *pattern, const char *rename, struct imm_strv *to) {
        size_t fixed = strlen(pattern) - (imm_ends_with(pattern, "*") ? 1 : 0);

        for (size_t i = 0; i < IMM_ELEMENTSOF(stores); i++) {
                struct imm_dirent *entries;
                size_t n;

                if (imm_root_list(p->m->root, stores[i], p->a, &entries, &n) < 0)
                        continue;
                for (size_t k = 0; k < n; k++) {
                        const char *name = entries[k].name;
                        struct stat st;

                        if (fnmatch(pattern, name, FNM_PERIOD) != 0)
                                continue;
                        if (imm_root_stat(p->m->root, imm_printf(p->a, "%s/%s", stores[i], name),
                                    &st) == 0 &&
                                S_ISDIR(st.st_mode))
                                return -EISDIR;
                        if (rename)
                                name = imm_printf(p->a, "%s%s", rename, name + fixed);
                        if (!imm_strv_has(to, name))
                                imm_strv_add(p->a, to, name);
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

/* All of them together must not be larger. */
static int take_size(const char *id, uint64_t size, uint64_t *left) {
        uint64_t add = strlen(id) + size;

        if (size > CREDENTIALS_SIZE_MAX || add > *left)
                return -E2BIG;
        *left -= add;
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
static int load_folder(struct imm_plan *p, const char *path, const char *id, unsigned depth,
        struct imm_strv *found, uint64_t *left) {
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
                                r = load_folder(p, at, name, depth + 1, found, left);
                        continue;
                }
                if (!S_ISREG(e[i].mode))
                        continue;
                if (!is_credential_name(name))
                        return -EINVAL;
                if (imm_strv_has(found, name))
                        continue;
                if (!is_readable(p, at))
                        return -EACCES;
                r = take_size(name, e[i].size, left);
                imm_strv_add(p->a, found, name);
        }
        return r;
}

/* LoadCredential=ID:/PATH */
static int load_path(struct imm_plan *p, const char *id, const char *path, struct imm_strv *found,
        uint64_t *left) {
        struct imm_vpath at;
        struct stat st;
        int r = imm_vfs_lookup(p->v, path, true, &at);

        if (r < 0)
                return r;
        if (at.node->fs->of_host && !at.node->uncertain && !is_readable(p, path))
                return -EACCES;
        if (S_ISDIR(imm_vfs_mode(p->v, at.node))) {
                if (p->s->version < CREDENTIALS_OF_FOLDERS)
                        return -EISDIR;
                if (!at.node->fs->of_host || at.node->uncertain)
                        return 0;
                return load_folder(p, path, id, 0, found, left);
        }
        if (S_ISSOCK(imm_vfs_mode(p->v, at.node))) {
                /* it is connected to */
                imm_plan_fail(p, IMM_STEP_CREDENTIALS, IMM_OUTCOME_UNKNOWN, path, NULL);
                imm_strv_add(p->out, &p->t->assumes, imm_printf(p->out, "what %s answers", path));
                return -ECONNREFUSED;
        }
        imm_strv_add(p->a, found, id);
        if (at.node->fs->of_host && imm_root_stat(p->m->root, path, &st) == 0 &&
                S_ISREG(st.st_mode) && st.st_size > 0)
                return take_size(id, (uint64_t)st.st_size, left);
        return 0;
}

/* What LoadCredential= finds, into @found; a negative errno where a source must be there and is not
 */
static int find_sources(
        struct imm_plan *p, enum imm_setting setting, struct imm_strv *found, uint64_t *left) {
        const struct imm_value *v = imm_setting(p->s, setting);

        imm_array_foreach (c, &v->credentials) {
                struct imm_strv names = {0};
                int r = -ENOENT;

                if (c->source && c->source[0] == '/') {
                        r = load_path(p, c->id, c->source, found, left);
                        if (r >= 0)
                                continue;
                } else if (p->s->version >= 248) {
                        /* a name may be missing */
                        r = search_stores(p, c->source ? c->source : c->id, NULL, &names);
                        if (r == 0 && names.n == 0)
                                continue;
                }
                if (r >= 0)
                        imm_strv_add(p->a, found, c->id);
                else if (r != -ENOENT || !set_too(p, c->id)) {
                        imm_plan_fail(p, IMM_STEP_CREDENTIALS, IMM_OUTCOME_CREDENTIALS_FAILURE,
                                c->source ? c->source : c->id, &c->origin);
                        return r;
                }
        }
        return 0;
}

static int find_credentials(struct imm_plan *p, bool *ret_any, struct imm_strv *found) {
        static const enum imm_setting sets[] =
                {
                        IMM_SETTING_SET_CREDENTIAL,
                        IMM_SETTING_SET_CREDENTIAL_ENCRYPTED,
                },
                                      loads[] = {
                                              IMM_SETTING_LOAD_CREDENTIAL,
                                              IMM_SETTING_LOAD_CREDENTIAL_ENCRYPTED,
                                      };
        uint64_t left = CREDENTIALS_SIZE_MAX;
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
                int r = search_stores(p, c->id, c->source, found);

                if (r < 0) {
                        imm_plan_fail(p, IMM_STEP_CREDENTIALS, IMM_OUTCOME_CREDENTIALS_FAILURE,
                                c->id, &c->origin);
                        return r;
                }
        }
        for (size_t i = 0; i < IMM_ELEMENTSOF(sets); i++) {
                v = imm_setting(p->s, sets[i]);
                *ret_any |= v->credentials.n > 0;
                imm_array_foreach (c, &v->credentials)
                        if (!imm_strv_has(found, c->id))
                                imm_strv_add(p->a, found, c->id);
        }
        return 0;
}

int imm_plan_credentials_make(struct imm_plan *p) {
        enum { NONE = IMM_MOUNT_NODEV | IMM_MOUNT_NOSUID | IMM_MOUNT_NOEXEC };
        /* where an ACL tells whom they are for, they stay root's own */
        bool root_owns = p->as_root && p->s->version >= CREDENTIALS_BY_ACL;
        uid_t uid = p->id && !root_owns ? p->id->uid : 0;
        gid_t gid = p->id && !root_owns ? p->id->gid : 0;
        struct imm_strv found = {0};
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
                const char *path = imm_printf(p->a, "%s/%s", p->credentials, found.v[i]);
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
