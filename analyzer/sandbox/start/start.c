/*
 * What can go wrong when a command is started, beside its mounts: what is opened for it before, the
 * working directory, and the program itself.
 */

#include "analyzer/sandbox/access/access-private.h"
#include "analyzer/sandbox/needs.h"
#include "analyzer/sandbox/vfs/makers.h"
#include "analyzer/sandbox/vfs/vfs.h"
#include "base/text.h"

#include <errno.h>
#include <fnmatch.h>

/* ---- before the sandbox: by the manager, or with its rights and its view ---- */

/* In a place that is empty at boot, and nothing could have made it before */
static bool made_by_nobody(
        struct imm_manager *m, const struct imm_settings *s, enum imm_own own, const char *path) {
        return imm_path_made_at_run_time(path) &&
               imm_maker_of(m, s->unit, own, path) == IMM_MAKER_NOBODY;
}

static bool may_be_made(struct imm_manager *m, const struct imm_settings *s, const char *path) {
        return imm_path_made_at_run_time(path) && !made_by_nobody(m, s, IMM_OWN_NOTHING, path);
}

bool imm_start_lacks(struct imm_manager *m, const struct imm_settings *s, const char *path) {
        struct stat st;
        int r = imm_root_stat(m->root, path, &st);

        return r == -ELOOP || ((r == -ENOENT || r == -ENOTDIR) && !may_be_made(m, s, path));
}

/*
 * What the pattern means, into @to; false: nothing, and nothing makes it before. Patterns in
 * folders' names are not tried.
 */
static bool glob_finds(struct imm_manager *m, const struct imm_settings *s, const char *pattern,
        struct imm_arena *a, struct imm_strv *to) {
        const char *slash = strrchr(pattern, '/');
        const char *dir = imm_strndup(a, pattern, slash == pattern ? 1 : (size_t)(slash - pattern));
        struct imm_dirent *entries;
        size_t n;

        if (!strpbrk(pattern, "*?[")) {
                imm_strv_add(a, to, pattern);
                return !imm_start_lacks(m, s, pattern);
        }
        if (strpbrk(dir, "*?["))
                return true;
        if (imm_root_list(m->root, dir, a, &entries, &n) < 0)
                return !imm_start_lacks(m, s, dir);
        for (size_t i = 0; i < n; i++)
                if (fnmatch(slash + 1, entries[i].name, FNM_PERIOD) == 0)
                        imm_strv_add(
                                a, to, imm_printf(a, "%s/%s", dir[1] ? dir : "", entries[i].name));
        return to->n > 0 || may_be_made(m, s, pattern);
}

/* "NAME=value" that is no UTF-8; what a backslash goes on with may be a comment */
static bool has_bad_value(const char *text) {
        bool goes_on = false;

        for (size_t n; *text; text += n + (text[n] ? 1 : 0)) {
                const char *line = text + strspn(text, " \t");

                n = strcspn(text, "\n");
                if (!goes_on && !strchr("#;", *line) &&
                        memchr(line, '=', n - (size_t)(line - text)) && !imm_utf8_valid(text, n))
                        return true;
                goes_on = n > 0 && text[n - 1] == '\\';
        }
        return false;
}

/* What has no end, and what is no text, is read as no environment. */
static bool is_no_text(struct imm_manager *m, const char *path, const char **ret_why) {
        static const char *const endless[] = {
                "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"};
        enum { MAX = 1024 * 1024 };
        imm_cleanup(imm_arena_free) struct imm_arena *scratch = NULL;
        struct imm_blob blob;

        for (size_t i = 0; i < IMM_ELEMENTSOF(endless); i++)
                if (imm_streq(path, endless[i])) {
                        *ret_why = "which has no end";
                        return true;
                }
        if (imm_api_covers(m, path))
                return false;
        scratch = imm_arena_new();
        if (imm_root_read(m->root, path, MAX, scratch, &blob, NULL) < 0)
                return false;
        if (memchr(blob.data, 0, blob.size))
                *ret_why = "which holds NUL bytes";
        else if (has_bad_value(blob.data))
                *ret_why = "which is no UTF-8";
        return *ret_why != NULL;
}

static bool environment(struct imm_manager *m, struct imm_settings *s, struct imm_arena *a,
        struct imm_start_fault *ret) {
        const struct imm_value *v = imm_setting(s, IMM_SETTING_ENVIRONMENT_FILE);

        imm_array_foreach (file, &v->paths) {
                struct imm_strv found = {0};
                const char *why = NULL;
                bool fails;

                if (file->ignore_missing || *file->path != '/')
                        continue;
                fails = !glob_finds(m, s, file->path, a, &found);
                for (size_t i = 0; !fails && i < found.n; i++) {
                        mode_t mode = imm_start_mode(m, found.v[i]);

                        fails = S_ISDIR(mode) || S_ISSOCK(mode) ||
                                is_no_text(m, found.v[i], &why) ||
                                !imm_start_may_open(m, s, found.v[i], IMM_MAY_READ, a, &why);
                }
                if (!fails)
                        continue;
                imm_start_refuse(ret, IMM_STEP_SPAWN, IMM_OUTCOME_ENVIRONMENT_FAILURE, file->path,
                        IMM_SETTING_ENVIRONMENT_FILE, file->origin);
                ret->why = why;
                return true;
        }
        return false;
}

/* OpenFile=PATH[:NAME[:OPTIONS]], which the commands of ExecStart= get */
static bool open_files(struct imm_manager *m, struct imm_settings *s, enum imm_command_kind kind,
        struct imm_arena *a, struct imm_start_fault *ret) {
        const struct imm_value *v = imm_setting(s, IMM_SETTING_OPEN_FILE),
                               *start = imm_setting(s, IMM_SETTING_EXEC_START);
        bool gets = false;

        for (size_t i = 0; i < start->commands.n; i++)
                gets |= imm_command_kind_of(s, IMM_SETTING_EXEC_START, start->commands.v + i) ==
                        kind;
        for (size_t i = 0; gets && i < v->strings.n; i++) {
                const char *path, *why = NULL;
                struct imm_open_file o;
                bool read_only;
                struct stat st;

                if (!imm_open_file_read(v->strings.v[i].text, a, &o, &why) || o.graceful)
                        continue;
                why = NULL;
                path = o.path;
                read_only = o.read_only;
                if (imm_start_lacks(m, s, path) ||
                        (!read_only && imm_root_stat(m->root, path, &st) == 0 &&
                                S_ISDIR(st.st_mode)) ||
                        !imm_start_may_open(m, s, path,
                                read_only ? IMM_MAY_READ : IMM_MAY_READ | IMM_MAY_WRITE, a, &why)) {
                        imm_start_refuse(ret, IMM_STEP_FDS, IMM_OUTCOME_FDS_FAILURE, path,
                                IMM_SETTING_OPEN_FILE, v->strings.v[i].origin);
                        ret->why = why;
                        return true;
                }
        }
        return false;
}

/* Programs of IPEgressFilterPath= and its sister, which are pinned in a file system of their own */
static bool packet_filters(
        struct imm_manager *m, const struct imm_settings *s, struct imm_start_fault *ret) {
        static const enum imm_setting ids[] = {
                IMM_SETTING_IP_INGRESS_FILTER_PATH, IMM_SETTING_IP_EGRESS_FILTER_PATH};

        for (size_t i = 0; i < IMM_ELEMENTSOF(ids); i++)
                imm_array_foreach (path, &imm_setting(s, ids[i])->strings) {
                        if (m->scope == IMM_SCOPE_SYSTEM &&
                                !imm_path_below(path->text, "/sys/fs/bpf") &&
                                (imm_start_lacks(m, s, path->text) ||
                                        imm_start_mode(m, path->text))) {
                                imm_start_refuse(ret, IMM_STEP_SPAWN, IMM_OUTCOME_FILTER_FAILURE,
                                        path->text, ids[i], path->origin);
                                if (imm_start_mode(m, path->text))
                                        ret->why = "which is no program for packets";
                                return true;
                        }
                }
        return false;
}

bool imm_start_before(struct imm_manager *m, struct imm_settings *s, enum imm_command_kind kind,
        struct imm_arena *a, struct imm_start_fault *ret) {
        return packet_filters(m, s, ret) || environment(m, s, a, ret) ||
               imm_start_sockets(m, s, a, ret) || open_files(m, s, kind, a, ret) ||
               imm_start_streams(m, s, a, ret) || imm_start_scheduling(m, s, a, ret) ||
               (kind == IMM_KIND_PLAIN && imm_start_pam(m, s, a, ret));
}

/* ---- in it ---- */

/* Where the walk cannot tell */
static bool never_made(const struct imm_walk *w, enum imm_own own, const char *path) {
        return !w->table->root_directory && made_by_nobody(w->m, w->s, own, path);
}

static const char *absolute(const struct imm_walk *w, const char *program, struct imm_spot *ret) {
        static const char *const path[] = {
                "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"};
        const struct imm_value *own = imm_setting(w->s, IMM_SETTING_EXEC_SEARCH_PATH);
        size_t n = own->strings.n ? own->strings.n : IMM_ELEMENTSOF(path);

        if (*program == '/') {
                imm_walk_to(w, program, true, ret);
                return program;
        }
        for (size_t i = 0; i < n; i++) {
                const char *at = imm_printf(
                        w->a, "%s/%s", own->strings.n ? own->strings.v[i].text : path[i], program);

                imm_walk_to(w, at, true, ret);
                if (ret->end == IMM_WALK_FOUND && S_ISREG(ret->node.mode) &&
                        (ret->node.mode & 0111) &&
                        !(ret->mount && (ret->mount->flags & IMM_MOUNT_NOEXEC)))
                        return at;
        }
        return program;
}

/* What WorkingDirectory=~ stands for; NULL: systemd finds none, and gives up */
static const char *home(const struct imm_walk *w) {
        bool old = w->s->version < 256; /* no directory: the manager's own */
        const char *name = imm_setting_string(w->s, IMM_SETTING_USER);
        const struct imm_user *u;

        if (w->m->scope != IMM_SCOPE_SYSTEM)
                return w->m->user ? w->m->user->home : NULL;
        if (imm_setting_bool(w->s, IMM_SETTING_DYNAMIC_USER) && w->id->dynamic)
                return old ? "/root" : NULL;
        if (!name || imm_streq(name, "root") || imm_streq(name, "0"))
                return "/root";
        if ((imm_streq(name, "nobody") || imm_streq(name, "65534")) &&
                imm_users_nobody_is_fixed(w->m->users))
                return old ? "/root" : "/";
        u = imm_user_by_name(w->m->users, w->id->uid == 0 ? name : w->id->user);
        if (!u || (old && (!*u->home || imm_streq(u->home, "/"))))
                return "/root";
        return u->home;
}

/* A user of its own that has yet to be made: where its home will be is not known. */
static bool lacks_user(const struct imm_walk *w) {
        const char *name = imm_setting_string(w->s, IMM_SETTING_USER);

        return w->m->scope == IMM_SCOPE_SYSTEM && name && !(*name >= '0' && *name <= '9') &&
               !imm_streq(name, "root") &&
               !(imm_streq(name, "nobody") && imm_users_nobody_is_fixed(w->m->users)) &&
               !w->id->dynamic && !imm_user_by_name(w->m->users, name);
}

/* WorkingDirectory= as a path; NULL where nothing fails */
static const char *working_directory(const struct imm_walk *w) {
        const char *dir = imm_setting_string(w->s, IMM_SETTING_WORKING_DIRECTORY);

        if (!dir || *dir == '-' || *dir == '!' ||
                !imm_setting(w->s, IMM_SETTING_WORKING_DIRECTORY)->set)
                return NULL;
        if (*dir == '/')
                return dir;
        if (lacks_user(w))
                return NULL;
        dir = home(w);
        return dir ? dir : "/~ of a dynamic user";
}

/* Who looks the program up, before the user is changed: root, in the user namespace if there is one
 */
static struct imm_identity manager_of(const struct imm_walk *w) {
        struct imm_identity id = {.cap_bounding = IMM_CAPS_ALL,
                .cap_permitted = IMM_CAPS_ALL,
                .cap_effective = IMM_CAPS_ALL,
                .user = "root",
                .userns = w->id->userns,
                .mapped_uid = w->id->mapped_uid,
                .mapped_gid = w->id->mapped_gid,
                .maps_root = w->id->maps_root};

        return w->m->scope == IMM_SCOPE_SYSTEM ? id : *w->id;
}

/*
 * Who enters the working directory and executes the program: the service's user, and of the
 * manager's capabilities what that leaves. The bounding set takes them from root, and gives ambient
 * ones to others, with execve(2) only.
 */
static struct imm_identity starter_of(const struct imm_walk *w) {
        struct imm_identity id = *w->id;

        if (w->m->scope == IMM_SCOPE_SYSTEM && id.userns == IMM_USERNS_NONE)
                id.cap_effective = id.uid == 0 ? imm_caps_of_manager(w->m) : 0;
        return id;
}

/*
 * Where the service itself may not search, the manager's own rights say whether there is one at
 * all.
 */
static void look_as_manager(const struct imm_walk *w, const char *program, struct imm_spot *spot) {
        const struct imm_identity root = manager_of(w);
        struct imm_walk as_root = *w;
        struct imm_spot seen;

        if (spot->end != IMM_WALK_DENIED || w->id->userns != IMM_USERNS_NONE ||
                w->m->scope != IMM_SCOPE_SYSTEM)
                return;
        as_root.id = &root;
        imm_walk_to(&as_root, program, true, &seen);
        if (seen.end == IMM_WALK_ABSENT || seen.end == IMM_WALK_LOOP)
                *spot = seen;
}

/* Does fs.protected_symlinks stop the manager or the service's user, who both look the program up?
 */
static bool link_stops(const struct imm_walk *w, const char *program, const struct imm_spot *spot) {
        const struct imm_identity root = manager_of(w);
        struct imm_walk as_manager = *w;
        struct imm_spot seen;

        if (spot->end != IMM_WALK_FOUND || imm_streq(spot->path, program))
                return spot->end == IMM_WALK_PROTECTED;
        as_manager.id = &root;
        imm_walk_to(&as_manager, program, true, &seen);
        return seen.end == IMM_WALK_PROTECTED;
}

/* Is it something that the manager could not execute either? */
static bool refuses_manager(const struct imm_walk *w, const struct imm_spot *spot) {
        const struct imm_identity root = manager_of(w);
        struct imm_walk as_root = *w;

        if (spot->end != IMM_WALK_FOUND)
                return false;
        as_root.id = &root;
        return (w->s->version >= 248 && !S_ISREG(spot->node.mode)) ||
               imm_access_judge(&as_root, spot, IMM_MODE_EXECUTE).answer == 0;
}

/* A mount whose content cannot be known lies where the root has the program. */
static bool may_hide(const struct imm_walk *host, const struct imm_spot *spot, const char *path) {
        struct imm_spot below;

        if (spot->end != IMM_WALK_UNKNOWN || !spot->mount || spot->mount->of_host)
                return false;
        imm_walk_to(host, path, true, &below);
        return below.end == IMM_WALK_FOUND;
}

/*
 * From 248 on, and until it asked the kernel about the descriptor itself, systemd looked at the
 * program that it had opened through /proc/self/fd: in a sandbox whose /proc has none the program
 * cannot be executed, while without any procfs another way is taken.
 */
static bool lacks_descriptors(const struct imm_walk *w) {
        const struct imm_identity manager = manager_of(w);
        struct imm_walk as_manager = *w;
        struct imm_spot fd, proc;

        if (w->s->version < 248 || w->s->version > 256 || !w->table->has_namespace)
                return false;
        as_manager.id = &manager;
        imm_walk_to(&as_manager, "/proc/self/fd", true, &fd);
        if (fd.end == IMM_WALK_UNKNOWN ||
                (fd.end == IMM_WALK_FOUND && fd.node.api == IMM_API_PID_FD && fd.node.self))
                return false;
        imm_walk_to(&as_manager, "/proc", true, &proc);
        if (proc.end == IMM_WALK_FOUND && S_ISDIR(proc.node.mode))
                return proc.mount && (imm_streq(proc.mount->fstype, "proc") ||
                                             (proc.mount->host_path &&
                                                     imm_after(proc.mount->host_path, "/proc")));
        return proc.end != IMM_WALK_ABSENT && proc.end != IMM_WALK_UNKNOWN;
}

/*
 * LimitNOFILE= is in force before the program is opened, and where there is a mount namespace
 * before its mounts are made: how many descriptors that takes, without any that sockets hand over.
 * Type=exec waits for one; from 255 on a program of its own does all this, and has one more. What
 * 247 needs no descriptor for the program's loader cannot do then.
 */
static unsigned numbers_needed(const struct imm_walk *w) {
        enum { OF_STREAMS = 3, OF_MOUNTS = 3 };
        const char *type = imm_setting_word(w->s, IMM_SETTING_TYPE);
        unsigned of_exec = type && imm_streq(type, "exec") ? 1 : 0;

        /* 254 mounts the /sys of a network of its own aside, and moves it there */
        if (w->table->has_namespace && w->s->version == 254 && imm_needs_network(w->s))
                return OF_STREAMS + OF_MOUNTS + 6 +
                       (imm_setting_string(w->s, IMM_SETTING_NETWORK_NAMESPACE_PATH) ? 1 : 0);
        if (w->table->has_namespace)
                return OF_STREAMS + OF_MOUNTS + (w->s->version >= 254 ? 2 : 0);
        if (w->s->version < 248)
                return 0;
        return OF_STREAMS + 1 + of_exec + (w->s->version >= 255 ? 1 : 0);
}

static bool lacks_numbers(
        const struct imm_walk *w, const char *program, struct imm_start_fault *ret) {
        enum { OF_STREAMS = 3 };
        const struct imm_value *v = imm_setting(w->s, IMM_SETTING_LIMIT_NOFILE);

        if (!v->set || v->limit.soft >= numbers_needed(w))
                return false;
        if (w->table->has_namespace)
                imm_start_refuse(ret, IMM_STEP_MOUNTS, IMM_OUTCOME_NAMESPACE_FAILURE, NULL,
                        IMM_SETTING_LIMIT_NOFILE, v->origin);
        else if (v->limit.soft <= OF_STREAMS)
                imm_start_refuse(ret, IMM_STEP_PROGRAM, IMM_OUTCOME_EXEC_FAILURE, program,
                        IMM_SETTING_LIMIT_NOFILE, v->origin);
        else
                imm_start_refuse(ret, IMM_STEP_FDS, IMM_OUTCOME_FDS_FAILURE, NULL,
                        IMM_SETTING_LIMIT_NOFILE, v->origin);
        ret->why = "where LimitNOFILE= leaves systemd too few descriptors";
        return true;
}

static bool starts_not(const struct imm_walk *w, const char *program, struct imm_start_fault *ret) {
        const struct imm_mount_table bare = {0};
        const struct imm_walk host = {.m = w->m, .s = w->s, .table = &bare, .id = w->id, .a = w->a};
        const char *dir = working_directory(w), *interpreter;
        const struct imm_walk *before;
        struct imm_spot spot, at;

        /*
         * In systemd's order: the program is looked up, before a mere chroot(2) outside of it, the
         * working directory entered, the program executed.
         */
        if (lacks_numbers(w, program, ret))
                return true;
        before = w->table->root_directory && !w->table->has_namespace ? &host : w;
        program = absolute(before, program, &spot);
        look_as_manager(w, program, &spot);
        if (link_stops(before, program, &spot)) {
                imm_start_refuse(ret, IMM_STEP_PROGRAM, IMM_OUTCOME_EXEC_FAILURE, program,
                        IMM_SETTING_EXEC_START, (struct imm_origin){0});
                ret->why = imm_link_why;
                return true;
        }
        /* nothing is executed on a noexec mount, whatever may be there */
        if (spot.end == IMM_WALK_ABSENT || spot.end == IMM_WALK_LOOP || lacks_descriptors(w) ||
                refuses_manager(w, &spot) ||
                (spot.end == IMM_WALK_UNKNOWN && never_made(w, IMM_OWN_ALL, program)) ||
                (spot.end == IMM_WALK_UNKNOWN && spot.mount &&
                        (spot.mount->flags & IMM_MOUNT_NOEXEC)))
                return imm_start_refuse(ret, IMM_STEP_PROGRAM, IMM_OUTCOME_EXEC_FAILURE, program,
                        IMM_SETTING_EXEC_START, (struct imm_origin){0});
        if (w->table->outcome != IMM_OUTCOME_OK) /* there is no root to go on in */
                return false;
        if (dir) {
                imm_walk_to(w, dir, true, &at);
                if (at.end == IMM_WALK_UNKNOWN
                                ? never_made(w, IMM_OWN_NOTHING, dir)
                                : at.end != IMM_WALK_FOUND || !S_ISDIR(at.node.mode) ||
                                          imm_access_judge(w, &at, IMM_MODE_EXECUTE).answer == 0)
                        return imm_start_refuse(ret, IMM_STEP_CHDIR, IMM_OUTCOME_CHDIR_FAILURE, dir,
                                IMM_SETTING_WORKING_DIRECTORY,
                                imm_setting(w->s, IMM_SETTING_WORKING_DIRECTORY)->origin);
        }
        if (!w->table->root_directory && may_hide(&host, &spot, program))
                return imm_start_refuse(ret, IMM_STEP_PROGRAM, IMM_OUTCOME_UNKNOWN, program,
                        IMM_SETTING_EXEC_START, spot.mount->origin);
        if (imm_program_starts(w, &spot, &interpreter))
                return false;
        imm_start_refuse(ret, IMM_STEP_EXEC, IMM_OUTCOME_EXEC_FAILURE, program,
                IMM_SETTING_EXEC_START, (struct imm_origin){0});
        ret->interpreter = interpreter;
        return true;
}

bool imm_start_program(const struct imm_walk *w, const char *program, struct imm_start_fault *ret) {
        const struct imm_identity id = starter_of(w);
        struct imm_walk as_starter = *w;

        as_starter.id = &id;
        return starts_not(&as_starter, program, ret);
}
