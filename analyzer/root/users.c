#include "analyzer/root/users.h"

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

/* Each line of a file, without its end; the file's memory is the users' own */
static void each_line(struct imm_users *u, const struct imm_root *r, const char *path,
        void (*line)(struct imm_users *u, char *line)) {
        struct imm_blob b;
        char *text, *next;

        if (imm_root_read(r, path, FILE_MAX, u->a, &b, NULL) < 0)
                return;
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

struct imm_users *imm_users_load(const struct imm_root *r, struct imm_arena *a) {
        struct imm_users *u = imm_new(a, struct imm_users);
        const char **none = imm_alloc_array(a, 1, sizeof(char *));

        u->a = a;
        each_line(u, r, "/etc/passwd", passwd_line);
        each_line(u, r, "/etc/group", group_line);
        if (!imm_user_by_uid(u, 0))
                add_user(u, &(struct imm_user){"root", 0, 0, "/root", "/bin/sh", false});
        if (!imm_group_by_gid(u, 0))
                add_group(u, &(struct imm_group){"root", 0, none, false});
        return u;
}
