#include "analyzer/sandbox/access/access-private.h"

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
        [IMM_OUTCOME_STDIN_FAILURE] = "stdin-failure",
        [IMM_OUTCOME_STDOUT_FAILURE] = "stdout-failure",
        [IMM_OUTCOME_STDERR_FAILURE] = "stderr-failure",
        [IMM_OUTCOME_PAM_FAILURE] = "pam-failure",
        [IMM_OUTCOME_FDS_FAILURE] = "fds-failure",
        [IMM_OUTCOME_SETSCHEDULER_FAILURE] = "setscheduler-failure",
        [IMM_OUTCOME_IOPRIO_FAILURE] = "ioprio-failure",
        [IMM_OUTCOME_CPU_AFFINITY_FAILURE] = "cpu-affinity-failure",
        [IMM_OUTCOME_NUMA_POLICY_FAILURE] = "numa-policy-failure",
        [IMM_OUTCOME_SOCKET_FAILURE] = "socket-failure",
        [IMM_OUTCOME_FILTER_FAILURE] = "filter-failure",
        [IMM_OUTCOME_ENVIRONMENT_FAILURE] = "environment-failure",
        [IMM_OUTCOME_DYNAMIC_USER_FAILURE] = "dynamic-user-failure",
        [IMM_OUTCOME_TRIGGER_FAILURE] = "trigger-failure",
        [IMM_OUTCOME_MOUNT_POINT_FAILURE] = "mount-point-failure",
        [IMM_OUTCOME_MOUNT_FAILURE] = "mount-failure",
        [IMM_OUTCOME_SWAP_FAILURE] = "swap-failure",
        [IMM_OUTCOME_UNKNOWN] = "unknown",
};

const char *imm_outcome_name(enum imm_outcome o) {
        return outcome_names[o];
}

const char *imm_outcome_sentence(enum imm_outcome o, const char *culprit, struct imm_arena *a) {
        if (o == IMM_OUTCOME_UNKNOWN)
                return imm_printf(a, "it cannot be known whether the service starts%s%s",
                        culprit ? ": " : "", culprit ? culprit : "");
        return imm_printf(a, "the service does not start: %s%s%s", imm_outcome_name(o),
                culprit ? ": " : "", culprit ? culprit : "");
}

const char *imm_outcome_status(enum imm_outcome o, enum imm_setting setting) {
        static const char *const texts[IMM_OUTCOME_N] = {
                [IMM_OUTCOME_NAMESPACE_FAILURE] = "226/NAMESPACE",
                [IMM_OUTCOME_EXEC_FAILURE] = "203/EXEC",
                [IMM_OUTCOME_CHDIR_FAILURE] = "200/CHDIR",
                [IMM_OUTCOME_USER_FAILURE] = "217/USER",
                [IMM_OUTCOME_GROUP_FAILURE] = "216/GROUP",
                [IMM_OUTCOME_CREDENTIALS_FAILURE] = "243/CREDENTIALS",
                [IMM_OUTCOME_CHROOT_FAILURE] = "210/CHROOT",
                [IMM_OUTCOME_CAPABILITIES_FAILURE] = "218/CAPABILITIES",
                [IMM_OUTCOME_STATE_DIRECTORY_FAILURE] = "238/STATE_DIRECTORY",
                [IMM_OUTCOME_STDIN_FAILURE] = "208/STDIN",
                [IMM_OUTCOME_STDOUT_FAILURE] = "209/STDOUT",
                [IMM_OUTCOME_STDERR_FAILURE] = "222/STDERR",
                [IMM_OUTCOME_PAM_FAILURE] = "224/PAM",
                [IMM_OUTCOME_FDS_FAILURE] = "202/FDS",
                [IMM_OUTCOME_SETSCHEDULER_FAILURE] = "214/SETSCHEDULER",
                [IMM_OUTCOME_IOPRIO_FAILURE] = "211/IOPRIO",
                [IMM_OUTCOME_NETWORK_FAILURE] = "225/NETWORK",
                [IMM_OUTCOME_CPU_AFFINITY_FAILURE] = "215/CPUAFFINITY",
                [IMM_OUTCOME_NUMA_POLICY_FAILURE] = "242/NUMA_POLICY",
                [IMM_OUTCOME_SOCKET_FAILURE] = "resources",
                [IMM_OUTCOME_FILTER_FAILURE] = "resources",
                [IMM_OUTCOME_ENVIRONMENT_FAILURE] = "resources",
                [IMM_OUTCOME_DYNAMIC_USER_FAILURE] = "resources",
                [IMM_OUTCOME_TRIGGER_FAILURE] = "refused",
                [IMM_OUTCOME_MOUNT_POINT_FAILURE] = "resources",
                [IMM_OUTCOME_MOUNT_FAILURE] = "32",
                [IMM_OUTCOME_SWAP_FAILURE] = "255",
        };

        if (o == IMM_OUTCOME_STATE_DIRECTORY_FAILURE)
                switch (setting) {
                case IMM_SETTING_RUNTIME_DIRECTORY:
                        return "233/RUNTIME_DIRECTORY";
                case IMM_SETTING_CACHE_DIRECTORY:
                        return "239/CACHE_DIRECTORY";
                case IMM_SETTING_LOGS_DIRECTORY:
                        return "240/LOGS_DIRECTORY";
                case IMM_SETTING_CONFIGURATION_DIRECTORY:
                        return "241/CONFIGURATION_DIRECTORY";
                default:
                        break;
                }
        return texts[o];
}

/* Every Exec= list of services, sockets, mounts and swaps; ExecStart= first, it has the main kind
 */
const enum imm_setting imm_command_lists[] = {
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
        IMM_SETTING_N,
};

enum imm_command_kind imm_command_kind_of(
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

        for (const enum imm_setting *list = imm_command_lists; *list != IMM_SETTING_N; list++) {
                const struct imm_value *v = imm_setting(s, *list);

                if (v->type != IMM_VALUE_COMMANDS)
                        continue;
                for (size_t k = 0; k < v->commands.n; k++) {
                        enum imm_command_kind kind =
                                imm_command_kind_of(s, *list, v->commands.v + k);

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

static void set_outcome(struct imm_mount_table *t, enum imm_outcome outcome, const char *culprit,
        struct imm_origin origin) {
        if (outcome != t->outcome)
                t->culprit_source = t->culprit_why = NULL;
        t->outcome = outcome;
        t->culprit = culprit;
        t->culprit_origin = origin;
}

/* A socket is opened without a sandbox: that is for its commands, if it has any. */
static bool runs_nothing(const struct imm_settings *s, const struct imm_sandbox *sb) {
        for (enum imm_command_kind k = 0; k < IMM_KIND_N; k++)
                if (sb->program[k])
                        return false;
        return s->unit->type == IMM_UNIT_SOCKET;
}

static void set_up(struct imm_manager *m, struct imm_settings *s, struct imm_arena *a,
        struct imm_sandbox *sb, enum imm_command_kind kind) {
        struct imm_identity *id = sb->identity + kind;
        struct imm_mount_table *t = sb->mounts + kind;

        if (s->load != IMM_LOAD_LOADED) {
                set_outcome(t, IMM_OUTCOME_NOT_LOADABLE, s->load_message, (struct imm_origin){0});
                return;
        }
        imm_identity_compute(m, s, kind, a, id);
        imm_mount_table_compute(m, s, kind, id, a, t);
        if (runs_nothing(s, sb) && t->outcome != IMM_OUTCOME_OK) {
                imm_mount_table_assume(m, s, kind, id, a, t);
                set_outcome(t, IMM_OUTCOME_OK, NULL, (struct imm_origin){0});
        }
        sb->tried[kind] = *t;
        sb->caller[kind] = *id;
}

/* Of two steps that fail the earlier counts. */
static void or_earlier(struct imm_mount_table *t, enum imm_start_step step,
        enum imm_outcome outcome, const char *culprit, struct imm_origin origin) {
        if (outcome == IMM_OUTCOME_OK || (t->outcome != IMM_OUTCOME_OK && t->step <= step))
                return;
        set_outcome(t, outcome, culprit, origin);
        t->step = step;
}

/* The steps before the sandbox and behind it, up to the program */
static void start(struct imm_manager *m, struct imm_settings *s, struct imm_arena *a,
        struct imm_sandbox *sb, enum imm_command_kind kind) {
        const char *program = sb->program[kind];
        struct imm_identity *id = sb->identity + kind;
        struct imm_mount_table *t = sb->mounts + kind;
        struct imm_start_fault fault;
        const char *assumes;

        if (s->load != IMM_LOAD_LOADED)
                return;
        if (imm_start_socket_owner(m, s, a, &fault))
                or_earlier(t, fault.step, fault.outcome, fault.culprit, fault.origin);
        if (runs_nothing(s, sb))
                return;
        assumes = imm_start_assumes(m, s, a);
        if (assumes)
                imm_strv_add(a, &t->assumes, assumes);
        if (program && (t->outcome == IMM_OUTCOME_OK || t->outcome == IMM_OUTCOME_CHROOT_FAILURE) &&
                imm_start_program(
                        &(struct imm_walk){
                                .m = m, .s = s, .table = t, .id = id, .program = program, .a = a},
                        program, &fault))
                or_earlier(t, fault.step, fault.outcome, fault.culprit,
                        fault.outcome == IMM_OUTCOME_EXEC_FAILURE
                                ? imm_setting(s, IMM_SETTING_EXEC_START)->origin
                                : fault.origin);
        if (imm_start_before(m, s, kind, a, &fault))
                or_earlier(t, fault.step, fault.outcome, fault.culprit, fault.origin);
        if (id->outcome != IMM_OUTCOME_UNKNOWN)
                or_earlier(t, id->step, id->outcome, id->why, id->origin);
        if (t->outcome == IMM_OUTCOME_UNKNOWN && t->step == IMM_STEP_PROGRAM)
                imm_strv_add(a, &t->assumes, imm_printf(a, "whether %s exists in it", program));
        if (t->outcome == IMM_OUTCOME_OK && id->outcome != IMM_OUTCOME_OK)
                set_outcome(t, id->outcome, id->why, id->origin);
        if (t->outcome != IMM_OUTCOME_OK || !program)
                return;
        imm_identity_exec(m, s, t, program, a, id);
        if (id->outcome != IMM_OUTCOME_OK)
                set_outcome(
                        t, id->outcome, id->why, imm_setting(s, IMM_SETTING_EXEC_START)->origin);
}

static struct imm_sandbox *begin(
        struct imm_manager *m, struct imm_settings *s, struct imm_arena *a) {
        struct imm_sandbox *sb = imm_new(a, struct imm_sandbox);

        find_kinds(s, sb);
        for (enum imm_command_kind k = 0; k < IMM_KIND_N; k++)
                if (sb->has[k])
                        set_up(m, s, a, sb, k);
        return sb;
}

static void finish(struct imm_manager *m, struct imm_settings *s, struct imm_arena *a,
        struct imm_sandbox *sb) {
        for (enum imm_command_kind k = 0; k < IMM_KIND_N; k++)
                if (sb->has[k])
                        start(m, s, a, sb, k);
        sb->started = true;
}

static struct imm_sandbox *compute(
        struct imm_manager *m, struct imm_settings *s, struct imm_arena *a) {
        struct imm_sandbox *sb = begin(m, s, a);

        finish(m, s, a, sb);
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

const struct imm_sandbox *imm_sandbox_view_of(struct imm_manager *m, struct imm_unit *u) {
        if (!u->sandbox)
                u->sandbox = begin(m, imm_settings_of(m, u), u->arena);
        return u->sandbox;
}

void imm_sandbox_main_identity(struct imm_manager *m, struct imm_unit *u,
        const struct imm_mount_table *view, struct imm_arena *a, struct imm_identity *ret) {
        struct imm_settings *s = imm_settings_of(m, u);
        struct imm_sandbox kinds = {0};

        find_kinds(s, &kinds);
        imm_identity_compute(m, s, kinds.main, a, ret);
        if (ret->outcome == IMM_OUTCOME_OK && kinds.program[kinds.main])
                imm_identity_exec(m, s, view, kinds.program[kinds.main], a, ret);
}

struct imm_sandbox *imm_sandbox_of(struct imm_manager *m, struct imm_unit *u) {
        (void)imm_sandbox_view_of(m, u);
        if (!u->sandbox->started)
                finish(m, imm_settings_of(m, u), u->arena, u->sandbox);
        return u->sandbox;
}
