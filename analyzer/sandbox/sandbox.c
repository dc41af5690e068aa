#include "analyzer/sandbox/access-private.h"

static const char *const outcome_names[IMM_OUTCOME_N] = {
        [IMM_OUTCOME_OK] = "ok",
        [IMM_OUTCOME_NOT_LOADABLE] = "not-loadable",
        [IMM_OUTCOME_NAMESPACE_FAILURE] = "namespace-failure",
        [IMM_OUTCOME_EXEC_FAILURE] = "exec-failure",
        [IMM_OUTCOME_CHDIR_FAILURE] = "chdir-failure",
        [IMM_OUTCOME_USER_FAILURE] = "user-failure",
        [IMM_OUTCOME_GROUP_FAILURE] = "group-failure",
        [IMM_OUTCOME_CREDENTIALS_FAILURE] = "credentials-failure",
        [IMM_OUTCOME_CHROOT_FAILURE] = "chroot-failure",
        [IMM_OUTCOME_CAPABILITIES_FAILURE] = "capabilities-failure",
        [IMM_OUTCOME_NETWORK_FAILURE] = "network-failure",
        [IMM_OUTCOME_STATE_DIRECTORY_FAILURE] = "state-directory-failure",
        [IMM_OUTCOME_UNKNOWN] = "unknown",
};

const char *imm_outcome_name(enum imm_outcome o) {
        return outcome_names[o];
}

/* Every Exec= list of services, sockets, mounts and swaps; ExecStart= first, it has the main kind
 */
static const enum imm_setting commands[] = {
        IMM_SETTING_EXEC_START,
        IMM_SETTING_EXEC_CONDITION,
        IMM_SETTING_EXEC_START_PRE,
        IMM_SETTING_EXEC_START_POST,
        IMM_SETTING_EXEC_RELOAD,
        IMM_SETTING_EXEC_STOP,
        IMM_SETTING_EXEC_STOP_POST,
        IMM_SETTING_SOCKET_EXEC_START_PRE,
        IMM_SETTING_SOCKET_EXEC_START_POST,
        IMM_SETTING_EXEC_STOP_PRE,
        IMM_SETTING_SOCKET_EXEC_STOP_POST,
};

static enum imm_command_kind kind_of(
        const struct imm_settings *s, enum imm_setting list, const struct imm_command_item *c) {
        if (c->flags & IMM_COMMAND_FULLY_PRIVILEGED)
                return IMM_KIND_PRIVILEGED;
        if (list != IMM_SETTING_EXEC_START &&
                imm_setting_bool(s, IMM_SETTING_PERMISSIONS_START_ONLY))
                return IMM_KIND_PRIVILEGED;
        if (c->flags & IMM_COMMAND_NO_SETUID)
                return IMM_KIND_NO_SETUID;
        return c->flags & IMM_COMMAND_AMBIENT_MAGIC ? IMM_KIND_AMBIENT : IMM_KIND_PLAIN;
}

/* Which kinds there are, and the program that stands for each */
static void find_kinds(const struct imm_settings *s, struct imm_sandbox *sb) {
        bool main_known = false;

        for (size_t i = 0; i < IMM_ELEMENTSOF(commands); i++) {
                const struct imm_value *v = imm_setting(s, commands[i]);

                if (v->type != IMM_VALUE_COMMANDS)
                        continue;
                for (size_t k = 0; k < v->commands.n; k++) {
                        enum imm_command_kind kind = kind_of(s, commands[i], v->commands.v + k);

                        if (!sb->program[kind])
                                sb->program[kind] = v->commands.v[k].path;
                        sb->has[kind] = true;
                        if (!main_known)
                                sb->main = kind;
                        main_known = true;
                }
        }
        sb->has[sb->main] = true;
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
                if (ret->end == IMM_WALK_FOUND && S_ISREG(ret->node.mode))
                        return at;
        }
        return program;
}

static void set_outcome(struct imm_mount_table *t, enum imm_outcome outcome, const char *culprit,
        struct imm_origin origin) {
        t->outcome = outcome;
        t->culprit = culprit;
        t->culprit_origin = origin;
}

/* WorkingDirectory= as a path; NULL where it is not known or fails nothing */
static const char *working_directory(const struct imm_walk *w) {
        const char *dir = imm_setting_string(w->s, IMM_SETTING_WORKING_DIRECTORY);
        const struct imm_user *u;

        if (!dir || *dir == '-' || *dir == '!' ||
                !imm_setting(w->s, IMM_SETTING_WORKING_DIRECTORY)->set)
                return NULL;
        if (*dir == '/')
                return dir;
        u = imm_user_by_name(w->m->users, w->id->user ? w->id->user : "root");
        return u ? u->home : NULL;
}

/*
 * What is found out about the program and its directory when the namespace stands: in systemd's
 * order the program is looked up, the working directory entered, the program executed.
 */
static void check_start(const struct imm_walk *w, struct imm_mount_table *t, const char *program) {
        struct imm_origin start = imm_setting(w->s, IMM_SETTING_EXEC_START)->origin;
        const struct imm_mount_table bare = {0};
        const struct imm_walk host = {.m = w->m, .s = w->s, .table = &bare, .id = w->id, .a = w->a};
        const char *dir = working_directory(w);
        struct imm_spot spot, at;

        /* systemd looks before a mere chroot(2), and opens what it finds */
        program = absolute(t->root_directory && !t->has_namespace ? &host : w, program, &spot);
        /* nothing is executed on a noexec mount, whatever may be there */
        if (spot.end == IMM_WALK_ABSENT || spot.end == IMM_WALK_LOOP ||
                (spot.end == IMM_WALK_UNKNOWN && spot.mount &&
                        (spot.mount->flags & IMM_MOUNT_NOEXEC))) {
                set_outcome(t, IMM_OUTCOME_EXEC_FAILURE, program, start);
                return;
        }
        if (dir) {
                imm_walk_to(w, dir, true, &at);
                if (at.end != IMM_WALK_UNKNOWN &&
                        (at.end != IMM_WALK_FOUND || !S_ISDIR(at.node.mode) ||
                                imm_access_judge(w, &at, IMM_MODE_EXECUTE).answer == 0)) {
                        set_outcome(t, IMM_OUTCOME_CHDIR_FAILURE, dir,
                                imm_setting(w->s, IMM_SETTING_WORKING_DIRECTORY)->origin);
                        return;
                }
        }
        if (!imm_program_starts(w, &spot))
                set_outcome(t, IMM_OUTCOME_EXEC_FAILURE, program, start);
}

static void compute_kind(struct imm_manager *m, struct imm_settings *s, struct imm_arena *a,
        struct imm_sandbox *sb, enum imm_command_kind kind) {
        const char *program = sb->program[kind];
        struct imm_identity *id = sb->identity + kind;
        struct imm_mount_table *t = sb->mounts + kind;

        imm_identity_compute(m, s, kind, a, id);
        imm_mount_table_compute(m, s, kind, id, a, t);
        if (id->outcome == IMM_OUTCOME_USER_FAILURE || id->outcome == IMM_OUTCOME_GROUP_FAILURE) {
                set_outcome(t, id->outcome, id->why, id->origin);
                return;
        }
        if (t->outcome != IMM_OUTCOME_OK || !program)
                return;
        check_start(
                &(struct imm_walk){
                        .m = m, .s = s, .table = t, .id = id, .program = program, .a = a},
                t, program);
        if (t->outcome == IMM_OUTCOME_OK && id->outcome != IMM_OUTCOME_OK)
                set_outcome(t, id->outcome, id->why, id->origin);
        if (t->outcome != IMM_OUTCOME_OK)
                return;
        imm_identity_exec(m, s, t, program, a, id);
        if (id->outcome != IMM_OUTCOME_OK)
                set_outcome(
                        t, id->outcome, id->why, imm_setting(s, IMM_SETTING_EXEC_START)->origin);
}

static struct imm_sandbox *compute(
        struct imm_manager *m, struct imm_settings *s, struct imm_arena *a) {
        struct imm_sandbox *sb = imm_new(a, struct imm_sandbox);

        find_kinds(s, sb);
        for (enum imm_command_kind k = 0; k < IMM_KIND_N; k++) {
                if (!sb->has[k])
                        continue;
                if (s->load != IMM_LOAD_LOADED) {
                        set_outcome(sb->mounts + k, IMM_OUTCOME_NOT_LOADABLE, s->load_message,
                                (struct imm_origin){0});
                        continue;
                }
                compute_kind(m, s, a, sb, k);
        }
        return sb;
}

/* What cannot be set up is left out, and the program is taken to be there. */
struct imm_sandbox *imm_sandbox_assume(
        struct imm_manager *m, struct imm_settings *s, struct imm_arena *a) {
        struct imm_sandbox *sb = compute(m, s, a);

        for (enum imm_command_kind k = 0; k < IMM_KIND_N; k++) {
                struct imm_mount_table *t = &sb->mounts[k];

                if (!sb->has[k] || t->n > 0 || t->outcome == IMM_OUTCOME_NOT_LOADABLE)
                        continue;
                imm_mount_table_assume(m, s, k, &sb->identity[k], a, t);
        }
        return sb;
}

struct imm_sandbox *imm_sandbox_compute(
        struct imm_manager *m, struct imm_unit *u, struct imm_arena *a) {
        return compute(m, imm_settings_of(m, u), a);
}

struct imm_sandbox *imm_sandbox_of(struct imm_manager *m, struct imm_unit *u) {
        if (!u->sandbox)
                u->sandbox = imm_sandbox_compute(m, u, u->arena);
        return u->sandbox;
}
