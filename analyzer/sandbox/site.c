/*
 * Places: what is left of a part of the root, wherever the service meets it. A directory that an
 * empty tmpfs covers is not the place, a bind mount of it under another name is. Judged as if the
 * unit could start: a missing user or program makes nobody safer.
 */

#include "analyzer/sandbox/access/access-private.h"
#include "analyzer/sandbox/vfs/vfs.h"

/* ---- the place itself ---- */

void imm_site_find(
        struct imm_manager *m, const char *path, struct imm_arena *a, struct imm_site *ret) {
        const struct imm_identity root = {.cap_effective = UINT64_MAX};
        const struct imm_mount_table bare = {0};
        const struct imm_walk w = {.m = m, .table = &bare, .id = &root, .a = a};
        struct imm_spot at;

        *ret = (struct imm_site){.path = path};
        imm_walk_to(&w, path, true, &at);
        if (at.end == IMM_WALK_FOUND || at.end == IMM_WALK_UNKNOWN)
                ret->file = imm_strdup(a, at.end == IMM_WALK_FOUND ? at.path : path);
        ret->unknown = at.end == IMM_WALK_UNKNOWN;
        if (at.end == IMM_WALK_FOUND) {
                ret->mode = at.node.mode;
                ret->uid = at.node.uid;
                ret->gid = at.node.gid;
        }
}

bool imm_sandbox_known(const struct imm_sandbox *sb, enum imm_command_kind kind) {
        switch (sb->mounts[kind].outcome) {
        case IMM_OUTCOME_NOT_LOADABLE:
        case IMM_OUTCOME_UNKNOWN:
                return false;
        default:
                return sb->mounts[kind].n > 0;
        }
}

/* ---- one place through one table ---- */

struct look {
        struct imm_walk w;
        const struct imm_site *place;
        struct imm_site_access *to;
};

static const char *join(struct imm_arena *a, const char *top, const char *rest) {
        return imm_printf(a, "%s%s", imm_streq(top, "/") ? "" : top, rest);
}

/* "" for @path itself, "/..." for what is below it; NULL otherwise */
static const char *below(const char *path, const char *top) {
        const char *rest;

        if (imm_streq(top, "/"))
                return imm_streq(path, "/") ? "" : path;
        rest = imm_after(path, top);
        return rest && (!*rest || *rest == '/') ? rest : NULL;
}

/* In a /proc of a PID namespace of its own other processes stand under the same numbers. */
static bool is_of_own_processes(const struct look *l, const struct imm_mount *m, const char *rest) {
        return m->setting == IMM_SETTING_PRIVATE_PIDS && imm_streq(m->kernel_path, "/proc") &&
               rest[0] == '/' && rest[1] >= '0' && rest[1] <= '9' &&
               imm_setting(l->w.s, IMM_SETTING_PRIVATE_PIDS)->number != 0;
}

/* Which part of the booted root the spot is; NULL for what is made new */
static const char *file_of(const struct look *l, const struct imm_spot *at) {
        const char *rest;

        if (!at->mount)
                return at->path;
        if (at->mount->inaccessible)
                return NULL;
        if (at->mount->host_path)
                return imm_spot_file(at, l->w.a);
        rest = at->mount->kernel_path ? below(at->path, at->mount->path) : NULL;
        if (!rest || is_of_own_processes(l, at->mount, rest))
                return NULL;
        return join(l->w.a, at->mount->kernel_path, rest);
}

void imm_site_in(struct imm_manager *m, struct imm_settings *s, const struct imm_sandbox *sb,
        enum imm_command_kind kind, const char *path, struct imm_arena *a, struct imm_site *ret) {
        /* the manager finds it, whatever the command's user may search */
        const struct imm_identity root = {.cap_effective = UINT64_MAX};
        struct look l = {.w = {m, s, sb->mounts + kind, &root, sb->program[kind], a}};
        struct imm_spot at;

        *ret = (struct imm_site){.path = path};
        if (!imm_sandbox_known(sb, kind))
                return;
        imm_walk_to(&l.w, path, true, &at);
        if (at.end != IMM_WALK_FOUND)
                return;
        ret->file = file_of(&l, &at);
        ret->mode = at.node.mode;
        ret->uid = at.node.uid;
        ret->gid = at.node.gid;
}

static void widen(int *to, int answer) {
        if (answer == 1 || (answer == -1 && *to == 0))
                *to = answer;
}

static void add(struct look *l, const struct imm_spot *at) {
        bool socket = S_ISSOCK(at->node.mode);

        for (enum imm_mode i = 0; i < IMM_MODE_N; i++) {
                int before = l->to->allowed[i];

                if (i == IMM_MODE_CONNECT && !socket)
                        continue;
                widen(&l->to->allowed[i], imm_access_judge(&l->w, at, i).answer);
                if (before != 1 && l->to->allowed[i] == 1)
                        l->to->seen_at[i] = at->path;
        }
}

/* A new file here can be executed, whatever it is that stands here */
static void add_new_executable(struct look *l, const struct imm_spot *at) {
        if (!S_ISDIR(at->node.mode) || at->node.api != IMM_API_PLAIN ||
                (at->mount && at->mount->flags & IMM_MOUNT_NOEXEC))
                return;
        widen(&l->to->new_executable, imm_access_judge(&l->w, at, IMM_MODE_WRITE).answer);
}

static void all_unknown(struct imm_site_access *to) {
        for (enum imm_mode i = 0; i < IMM_MODE_N; i++)
                widen(&to->allowed[i], -1);
        widen(&to->new_executable, -1);
        for (int i = 0; i < 2; i++) {
                widen(&to->part[i], -1);
                widen(&to->others[i], -1);
                widen(&to->whole[i], -1);
        }
}

/* What may be done to the part of the root that is @file, were there no mounts of the service */
static int bare_answer(const struct look *l, const char *file, enum imm_mode mode) {
        const struct imm_mount_table bare = {0};
        struct imm_walk w = l->w;
        struct imm_spot at;

        w.table = &bare;
        imm_walk_to(&w, file, true, &at);
        return at.end == IMM_WALK_FOUND ? imm_access_judge(&w, &at, mode).answer : 0;
}

/* Does a mount below @view take something of the place away that the identity would have? */
static bool is_whole(struct look *l, const char *view, enum imm_mode mode) {
        imm_array_foreach (m, l->w.table) {
                const char *rest = below(m->path, view), *file, *now;
                struct imm_spot at;

                if (!rest || !*rest || m->of_host || m->setting == IMM_SETTING_N)
                        continue; /* those that systemd makes by itself come with any namespace */
                file = join(l->w.a, l->place->file, rest);
                imm_walk_to(&l->w, m->path, true, &at);
                now = at.end == IMM_WALK_FOUND ? file_of(l, &at) : NULL;
                if (now && imm_streq(now, file) && imm_access_judge(&l->w, &at, mode).answer != 0)
                        continue;
                if (bare_answer(l, file, mode) == 1)
                        return false;
        }
        return true;
}

/* Not one's own, and no place like /var/tmp, which all share and other rules are about */
static bool is_others(const struct imm_node *n, uid_t uid) {
        if (S_ISDIR(n->mode) && n->mode & S_ISVTX && n->mode & S_IWOTH)
                return false;
        return n->uid != uid || uid == 0;
}

/* Mounts of what lies below the place, at @m->path in the service's view */
static void add_part(struct look *l, const struct imm_mount *m) {
        static const enum imm_mode modes[] = {IMM_MODE_READ, IMM_MODE_WRITE};
        struct imm_spot at;

        imm_walk_to(&l->w, m->path, true, &at);
        if (at.end != IMM_WALK_FOUND || at.mount != m)
                return;
        for (int i = 0; i < 2; i++) {
                int answer = imm_access_judge(&l->w, &at, modes[i]).answer;

                widen(&l->to->part[i], answer);
                if (is_others(&at.node, l->w.id->uid))
                        widen(&l->to->others[i], answer);
                if (answer == 1 && !l->to->seen_at[modes[i]])
                        l->to->seen_at[modes[i]] = at.path;
        }
}

static void add_whole(struct look *l, const char *view) {
        if (l->to->allowed[IMM_MODE_READ] == 1 && l->to->whole[0] == 0)
                l->to->whole[0] = is_whole(l, view, IMM_MODE_READ);
        if (l->to->allowed[IMM_MODE_WRITE] == 1 && l->to->whole[1] == 0)
                l->to->whole[1] = is_whole(l, view, IMM_MODE_WRITE);
}

/* Bind mounts that show the place, or a part of it, elsewhere */
static void add_mounts(struct look *l, const char *seen) {
        const char *file = l->place->file;

        imm_array_foreach (m, l->w.table) {
                const char *rest, *view;
                struct imm_spot at;

                if (!m->host_path || m->inaccessible || strchr(m->host_path, '*'))
                        continue;
                rest = below(m->host_path, file);
                if (rest && *rest && !m->of_host) {
                        add_part(l, m);
                        continue;
                }
                rest = below(file, m->host_path);
                if (!rest)
                        continue;
                view = *rest ? join(l->w.a, m->path, rest) : m->path;
                if (imm_streq(view, seen))
                        continue;
                imm_walk_to(&l->w, view, true, &at);
                if (at.end != IMM_WALK_FOUND || at.mount != m)
                        continue;
                add(l, &at);
                add_whole(l, at.path);
        }
}

/* What the root does not have can only be on a file system that is made for the service. */
static bool may_be_made(const struct look *l) {
        const struct imm_mount *m = imm_mount_at(l->w.table, l->place->path);

        return m && !m->host_path && !m->kernel_path;
}

static void look(struct look *l) {
        struct imm_spot at;
        const char *file = NULL;

        if (!l->place->file && !may_be_made(l))
                return;
        imm_walk_to(&l->w, l->place->path, true, &at);
        if (at.end == IMM_WALK_FOUND) {
                add_new_executable(l, &at);
                file = file_of(l, &at);
        }
        if (!l->place->file)
                return;
        if (at.end == IMM_WALK_UNKNOWN) {
                all_unknown(l->to);
                return;
        }
        if (file && imm_streq(file, l->place->file)) {
                add(l, &at);
                add_whole(l, at.path);
        }
        add_mounts(l, at.path);
}

void imm_site_access(struct imm_manager *m, struct imm_settings *s, const struct imm_sandbox *sb,
        const struct imm_site *place, struct imm_arena *a, struct imm_site_access *ret) {
        *ret = (struct imm_site_access){0};
        for (enum imm_command_kind k = 0; k < IMM_KIND_N; k++) {
                struct look l = {
                        .w = {m, s, sb->mounts + k, sb->identity + k, sb->program[k], a},
                        .place = place,
                        .to = ret,
                };

                if (!sb->has[k])
                        continue;
                if (imm_sandbox_known(sb, k))
                        look(&l);
                else if (place->file)
                        all_unknown(ret);
        }
        widen(&ret->part[0], ret->allowed[IMM_MODE_READ]);
        widen(&ret->part[1], ret->allowed[IMM_MODE_WRITE]);
        widen(&ret->others[0], ret->allowed[IMM_MODE_READ]);
        widen(&ret->others[1], ret->allowed[IMM_MODE_WRITE]);
}
