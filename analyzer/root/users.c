#include "analyzer/root/users.h"
#include "analyzer/root/nsswitch.h"

#include <errno.h>

#include "base/map.h"
#include "base/text.h"

#include <limits.h>

/*
 * Far above real databases; a larger one is not read at all. Bounds for one line's fields come from
 * the file's size.
 */
enum { FILE_MAX = 16 * 1024 * 1024 };

/* Where systemd-sysusers starts to hand out ids, going down */
enum { SYSTEM_ID_MAX = 999, SYSTEM_ID_MIN = 1 };

struct imm_users {
        struct imm_arena *a;
        const struct imm_root *root;
        struct imm_diags *diags;
        const char *user_doubt, *group_doubt; /* see imm_users_doubt() */
        bool nobody_is_fixed;
        IMM_ARRAY(struct imm_user) users;
        IMM_ARRAY(struct imm_group) groups;
        struct imm_map users_by_name, groups_by_name; /* to index + 1 */
        struct imm_map uids, gids;                    /* by decimal text, to index + 1 */
};

static const char *id_key(struct imm_arena *a, unsigned id) {
        return imm_printf(a, "%u", id);
}

static size_t index_of(const struct imm_map *m, const char *key) {
        return (size_t)(uintptr_t)imm_map_get(m, key);
}

static void put_index(struct imm_users *u, struct imm_map *m, const char *key, size_t i) {
        if (!imm_map_has(m, key))
                imm_map_put(u->a, m, key, (void *)(uintptr_t)(i + 1));
}

const struct imm_user *imm_user_by_name(const struct imm_users *u, const char *name) {
        size_t i = index_of(&u->users_by_name, name);

        return i ? &u->users.v[i - 1] : NULL;
}

const struct imm_user *imm_user_by_uid(const struct imm_users *u, uid_t uid) {
        char key[16];
        size_t i;

        (void)snprintf(key, sizeof(key), "%u", uid);
        i = index_of(&u->uids, key);
        return i ? &u->users.v[i - 1] : NULL;
}

const struct imm_group *imm_group_by_name(const struct imm_users *u, const char *name) {
        size_t i = index_of(&u->groups_by_name, name);

        return i ? &u->groups.v[i - 1] : NULL;
}

const struct imm_group *imm_group_by_gid(const struct imm_users *u, gid_t gid) {
        char key[16];
        size_t i;

        (void)snprintf(key, sizeof(key), "%u", gid);
        i = index_of(&u->gids, key);
        return i ? &u->groups.v[i - 1] : NULL;
}

const struct imm_user *imm_users_all(const struct imm_users *u, size_t *ret_n) {
        *ret_n = u->users.n;
        return u->users.v;
}

const struct imm_group *imm_groups_all(const struct imm_users *u, size_t *ret_n) {
        *ret_n = u->groups.n;
        return u->groups.v;
}

static bool parse_id(const char *s, unsigned *ret) {
        unsigned long long v;

        if (!imm_parse_u64(s, &v) || v >= UINT32_MAX || v == 65535)
                return false; /* both spellings of "no id" */
        *ret = (unsigned)v;
        return true;
}

static void add_user(struct imm_users *u, const struct imm_user *user) {
        if (imm_map_has(&u->users_by_name, user->name))
                return; /* the first entry counts */
        *imm_array_push(u->a, &u->users) = *user;
        put_index(u, &u->users_by_name, user->name, u->users.n - 1);
        put_index(u, &u->uids, id_key(u->a, user->uid), u->users.n - 1);
}

static void add_group(struct imm_users *u, const struct imm_group *group) {
        if (imm_map_has(&u->groups_by_name, group->name))
                return;
        *imm_array_push(u->a, &u->groups) = *group;
        put_index(u, &u->groups_by_name, group->name, u->groups.n - 1);
        put_index(u, &u->gids, id_key(u->a, group->gid), u->groups.n - 1);
}

/* Splits @line at ':' into exactly @n fields, the last one takes the rest; false if there are less
 */
static bool fields(char *line, char **ret, size_t n) {
        for (size_t i = 0; i < n; i++) {
                ret[i] = line;
                if (i + 1 == n)
                        break;
                line = strchr(line, ':');
                if (!line)
                        return false;
                *line++ = 0;
        }
        return true;
}

static void passwd_line(struct imm_users *u, char *line) {
        struct imm_user user = {0};
        unsigned uid, gid;
        char *f[7];

        if (!*line || *line == '#' || *line == '+' || *line == '-' || !fields(line, f, 7) ||
                !*f[0] || !parse_id(f[2], &uid) || !parse_id(f[3], &gid))
                return;
        user = (struct imm_user){.name = f[0], .uid = uid, .gid = gid, .home = f[5], .shell = f[6]};
        add_user(u, &user);
}

static void group_line(struct imm_users *u, char *line) {
        struct imm_group group = {0};
        size_t n = 0;
        unsigned gid;
        char *f[4], *save = NULL;

        if (!*line || *line == '#' || *line == '+' || *line == '-' || !fields(line, f, 4) ||
                !*f[0] || !parse_id(f[2], &gid))
                return;
        group.name = f[0];
        group.gid = gid;
        for (const char *p = f[3]; *p; p++)
                n += *p == ',';
        group.members = imm_alloc_array(u->a, n + 2, sizeof(char *));
        n = 0;
        for (char *m = strtok_r(f[3], ",", &save); m; m = strtok_r(NULL, ",", &save))
                group.members[n++] = m;
        add_group(u, &group);
}

static void unseen(struct imm_users *u, const char *path, int error) {
        u->user_doubt = u->group_doubt = imm_printf(u->a, "%s cannot be read", path);
        imm_diag_add(u->a, u->diags, IMM_DIAG_UNREADABLE, "unreadable", path, 0, NULL,
                "which users and groups there are cannot be seen: %s", strerror(-error));
}

/* Refused, and no mask, no file of another kind */
static bool is_denied(int error) {
        return error == -EACCES || error == -EPERM || error == -EIO;
}

/* Each line of a file, without its end; the file's memory is the users' own */
static void each_line(struct imm_users *u, const struct imm_root *r, const char *path,
        void (*line)(struct imm_users *u, char *line)) {
        struct imm_blob b;
        char *text, *next;
        int k = imm_root_read(r, path, FILE_MAX, u->a, &b, NULL);

        if (k < 0) {
                if (k != -ENOENT && k != -ENOTDIR)
                        unseen(u, path, k);
                return;
        }
        text = imm_strndup(u->a, b.data, b.size);
        for (; *text; text = next) {
                char *end = text + strcspn(text, "\n");

                next = *end ? end + 1 : end;
                *end = 0;
                if (end > text && end[-1] == '\r')
                        end[-1] = 0;
                line(u, text);
        }
}

/* ---- sysusers.d: what systemd-sysusers would make at boot ---- */

struct sysuser {
        char kind; /* u, g, m */
        const char *name, *id, *home, *shell;
};
struct sysusers {
        IMM_ARRAY(struct sysuser) v;
        const struct imm_root *root;
};
enum { SYSUSERS_LOCKED = 257 }; /* the first to know "u!", which makes a locked account */

/* The next word of a line: quotes group, a backslash makes the next character plain */
static char *next_word(char **p) {
        char *s = *p + strspn(*p, " \t"), *word = s, *to = s, quote = 0;

        if (!*s)
                return NULL;
        for (; *s && (quote || (*s != ' ' && *s != '\t')); s++) {
                if (quote ? *s == quote : *s == '"' || *s == '\'')
                        quote = quote ? 0 : *s;
                else {
                        if (*s == '\\' && s[1])
                                s++;
                        *to++ = *s;
                }
        }
        *p = *s ? s + 1 : s;
        *to = 0;
        return word;
}

static bool is_user_name(const char *s) {
        size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-");

        return n > 0 && n < 256 && !s[n] && !strchr("0123456789-.", *s);
}

static bool knows_locked(const struct imm_root *r) {
        unsigned version = imm_root_systemd_version(r);

        return version == 0 || version >= SYSUSERS_LOCKED;
}

static void sysusers_line(struct imm_users *u, struct sysusers *to, char *line) {
        struct sysuser item = {0};
        char *w[6] = {0};

        line += strspn(line, " \t");
        if (!*line || *line == '#' || *line == ';')
                return;
        for (size_t i = 0; i < 6; i++) {
                w[i] = next_word(&line);
                if (w[i] && imm_streq(w[i], "-"))
                        w[i] = NULL;
        }
        if (!w[0] || !strchr("ugm", w[0][0]) || !w[1] || !is_user_name(w[1]))
                return;
        if (w[0][1] && (!imm_streq(w[0], "u!") || !knows_locked(to->root)))
                return;
        item = (struct sysuser){w[0][0], w[1], w[2], w[4], w[5]};
        if (item.kind == 'm' && (!w[2] || !is_user_name(w[2])))
                return;
        *imm_array_push(u->a, &to->v) = item;
}

static bool gid_is_free(const struct imm_users *u, unsigned id) {
        return !imm_group_by_gid(u, id);
}

static bool id_is_free(const struct imm_users *u, unsigned id) {
        return !imm_user_by_uid(u, id) && gid_is_free(u, id);
}

/* systemd-sysusers counts down from the highest system id; that is where a guess begins */
static bool allocate(const struct imm_users *u, unsigned *next, unsigned *ret) {
        for (; *next >= SYSTEM_ID_MIN; (*next)--)
                if (id_is_free(u, *next)) {
                        *ret = (*next)--;
                        return true;
                }
        return false;
}

/* The owner of the path, which counts as a wish only among the system's ids */
static bool owner_of(const struct imm_root *r, const char *path, bool group, unsigned *ret) {
        struct stat st;

        if (imm_root_stat(r, path, &st) < 0)
                return false;
        *ret = group ? st.st_gid : st.st_uid;
        return *ret >= SYSTEM_ID_MIN && *ret <= SYSTEM_ID_MAX;
}

static void make_group(struct imm_users *u, const struct imm_root *r, const char *name,
        const char *id, unsigned *next) {
        const char **none = imm_alloc_array(u->a, 1, sizeof(char *));
        unsigned gid;
        bool known;

        if (imm_group_by_name(u, name))
                return;
        known = id && (*id == '/' ? owner_of(r, id, true, &gid) : parse_id(id, &gid));
        if ((known && gid_is_free(u, gid)) || allocate(u, next, &gid))
                add_group(u, &(struct imm_group){name, gid, none, true});
}

static void make_user(
        struct imm_users *u, const struct imm_root *r, const struct sysuser *item, unsigned *next) {
        struct imm_user user = {.name = item->name,
                .home = item->home ? item->home : "/",
                .shell = item->shell ? item->shell : "/usr/sbin/nologin",
                .from_sysusers = true};
        const char *id = item->id, *colon = id ? strchr(id, ':') : NULL;
        const struct imm_group *group = imm_group_by_name(u, item->name);
        unsigned uid, gid;
        bool known = false;

        if (imm_user_by_name(u, item->name))
                return;
        if (id && *id == '/') {
                known = owner_of(r, id, false, &uid);
                colon = NULL;
        } else if (id)
                known = parse_id(colon ? imm_strndup(u->a, id, (size_t)(colon - id)) : id, &uid);
        if (colon) {
                group = imm_group_by_name(u, colon + 1);
                if (!group && parse_id(colon + 1, &gid))
                        group = imm_group_by_gid(u, gid);
                if (!group)
                        return; /* it must be there: systemd-sysusers refuses, too */
        }
        known = known && !imm_user_by_uid(u, uid);
        /* a user without an id of its own takes its group's number, if that is free */
        if (!known && group && !imm_user_by_uid(u, group->gid)) {
                uid = group->gid;
                known = true;
        }
        if (!known && !allocate(u, next, &uid))
                return;
        if (!group) {
                /* its number, or that of the path's group, or any */
                if (!(id && *id == '/' && owner_of(r, id, true, &gid)))
                        gid = uid;
                if (!gid_is_free(u, gid) && !allocate(u, next, &gid))
                        return;
                add_group(u, &(struct imm_group){item->name, gid,
                                     imm_alloc_array(u->a, 1, sizeof(char *)), true});
                group = imm_group_by_name(u, item->name);
        }
        user.uid = uid;
        user.gid = group->gid;
        add_user(u, &user);
}

/* Members that lines add to a group, behind those that it has */
struct members {
        IMM_ARRAY(const char *) v;
};

static void make_member(
        struct imm_users *u, struct imm_map *lists, const char *user, const char *group) {
        const struct imm_group *g = imm_group_by_name(u, group);
        struct members *l = imm_map_get(lists, group);

        if (!g)
                return;
        if (!l) {
                l = imm_new(u->a, struct members);
                imm_map_put(u->a, lists, group, l);
                for (size_t i = 0; g->members[i]; i++)
                        *imm_array_push(u->a, &l->v) = g->members[i];
        }
        *imm_array_push(u->a, &l->v) = user;
}

static void set_members(struct imm_users *u, const struct imm_map *lists) {
        for (size_t i = 0; i < lists->n; i++) {
                struct members *l = lists->v[i].value;
                size_t at = index_of(&u->groups_by_name, lists->v[i].key);

                *imm_array_push(u->a, &l->v) = NULL;
                u->groups.v[at - 1].members = l->v.v;
        }
}

static void read_sysusers(struct imm_users *u, const struct imm_root *r, struct sysusers *to) {
        static const char *const folders[] = {"/etc/sysusers.d", "/run/sysusers.d",
                "/usr/local/lib/sysusers.d", "/usr/lib/sysusers.d"};
        struct imm_map paths = {0};
        struct imm_strv names = {0};

        for (size_t i = 0; i < IMM_ELEMENTSOF(folders); i++) {
                struct imm_dirent *e;
                size_t n;

                int k = imm_root_list(r, folders[i], u->a, &e, &n);

                if (k < 0) {
                        if (is_denied(k))
                                unseen(u, folders[i], k);
                        continue;
                }
                for (struct imm_dirent *f = e; f < e + n; f++) {
                        if (f->name[0] == '.' || !imm_ends_with(f->name, ".conf") ||
                                imm_map_has(&paths, f->name))
                                continue;
                        imm_map_put(u->a, &paths, f->name,
                                imm_printf(u->a, "%s/%s", folders[i], f->name));
                        imm_strv_add(u->a, &names, f->name);
                }
        }
        imm_strv_sort_unique(&names);
        for (size_t i = 0; i < names.n; i++) {
                const char *path = imm_map_get(&paths, names.v[i]);
                struct imm_blob b;
                int k = imm_root_read(r, path, FILE_MAX, u->a, &b, NULL);

                if (k < 0) {
                        if (is_denied(k))
                                unseen(u, path, k);
                        continue;
                }
                for (char *l = imm_strndup(u->a, b.data, b.size), *next; *l; l = next) {
                        char *end = l + strcspn(l, "\r\n");

                        next = *end ? end + 1 : end;
                        *end = 0;
                        sysusers_line(u, to, l);
                }
        }
}

/* Groups first, then users, then memberships, as systemd-sysusers does it */
static void make_sysusers(struct imm_users *u, const struct imm_root *r) {
        struct sysusers items = {.root = r};
        struct imm_map lists = {0};
        unsigned next = SYSTEM_ID_MAX;

        read_sysusers(u, r, &items);
        imm_array_foreach (i, &items.v) {
                if (i->kind == 'g')
                        make_group(u, r, i->name, i->id, &next);
                else if (i->kind == 'm') /* a membership makes its group, too */
                        make_group(u, r, i->id, NULL, &next);
        }
        imm_array_foreach (i, &items.v) {
                if (i->kind == 'u')
                        make_user(u, r, i, &next);
        }
        imm_array_foreach (i, &items.v) {
                if (i->kind == 'm') {
                        make_user(u, r, &(struct sysuser){.kind = 'u', .name = i->name}, &next);
                        make_member(u, &lists, i->name, i->id);
                }
        }
        set_members(u, &lists);
}

/* ---- users from elsewhere ---- */

static const char *foreign_service(struct imm_users *u, const char *conf, const char *database) {
        const char *s = imm_nss_services(conf, database, u->a);

        for (const char *service; s && (service = imm_nss_next(&s, u->a));)
                if (!imm_streq(service, "files") && !imm_streq(service, "compat") &&
                        !imm_streq(service, "systemd"))
                        return imm_printf(u->a,
                                "/etc/nsswitch.conf has %s asked too, which is not looked into",
                                service);
        return NULL;
}

static void read_nsswitch(struct imm_users *u) {
        static const char path[] = "/etc/nsswitch.conf";
        const char *text;
        struct imm_blob b;
        int k = imm_root_read(u->root, path, FILE_MAX, u->a, &b, NULL);

        if (k < 0) {
                if (is_denied(k))
                        unseen(u, path, k);
                return;
        }
        text = imm_strndup(u->a, b.data, b.size);
        if (!u->user_doubt)
                u->user_doubt = foreign_service(u, text, "passwd");
        if (!u->group_doubt)
                u->group_doubt = foreign_service(u, text, "group");
}

const char *imm_users_doubt(
        const struct imm_users *u, const char *name, bool group, struct imm_arena *a) {
        static const char *const folders[] = {"/etc/userdb", "/run/userdb", "/run/host/userdb",
                "/usr/local/lib/userdb", "/usr/lib/userdb"};
        const char *doubt = group ? u->group_doubt : u->user_doubt;

        for (size_t i = 0; !doubt && !strchr(name, '/') && i < IMM_ELEMENTSOF(folders); i++) {
                const char *path =
                        imm_printf(a, "%s/%s.%s", folders[i], name, group ? "group" : "user");
                struct stat st;

                if (imm_root_stat(u->root, path, &st) == 0)
                        doubt = imm_printf(a, "%s is not looked into", path);
        }
        return doubt;
}

struct imm_users *imm_users_load(
        const struct imm_root *r, struct imm_arena *a, struct imm_diags *diags) {
        struct imm_users *u = imm_new(a, struct imm_users);
        const char **none = imm_alloc_array(a, 1, sizeof(char *));
        struct stat st;

        u->a = a;
        u->root = r;
        u->diags = diags;
        each_line(u, r, "/etc/passwd", passwd_line);
        each_line(u, r, "/etc/group", group_line);
        if (!imm_user_by_uid(u, 0))
                add_user(u, &(struct imm_user){"root", 0, 0, "/root", "/bin/sh", false});
        if (!imm_group_by_gid(u, 0))
                add_group(u, &(struct imm_group){"root", 0, none, false});
        make_sysusers(u, r);
        if (imm_root_is_built(r) && imm_root_stat(r, "/etc/passwd", &st) < 0)
                u->user_doubt = u->group_doubt = "the activation of this system makes them";
        read_nsswitch(u);
        u->nobody_is_fixed = imm_root_stat(r, "/etc/systemd/dont-synthesize-nobody", &st) < 0;
        return u;
}

bool imm_users_nobody_is_fixed(const struct imm_users *u) {
        return u->nobody_is_fixed;
}
