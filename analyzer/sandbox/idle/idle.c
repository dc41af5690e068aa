/* Which lines are idle: each is taken away on trial. */

#include "analyzer/sandbox/idle/idle-private.h"

#include <linux/capability.h>
#include <strings.h>

/* What all trials of one unit may cost; beyond, the rest is taken to have effects */
enum { BUDGET = 200000, LINES_MAX = 10000 };

#define TABLE(id) [IMM_SETTING_##id] = IMM_IDLE_TABLE
#define WORLD(id) [IMM_SETTING_##id] = IMM_IDLE_WORLD
#define VALUE(id) [IMM_SETTING_##id] = IMM_IDLE_VALUE

/* clang-format off */
static const unsigned char classes[IMM_SETTING_N] = {
        TABLE(BIND_LOG_SOCKETS), TABLE(BIND_PATHS), TABLE(BIND_READ_ONLY_PATHS), TABLE(EXEC_PATHS),
        TABLE(INACCESSIBLE_PATHS), TABLE(MOUNT_APIVFS), TABLE(NO_EXEC_PATHS), TABLE(PRIVATE_MOUNTS),
        TABLE(PRIVATE_TMP), TABLE(PROC_SUBSET), TABLE(PROTECT_HOME), TABLE(PROTECT_PROC),
        TABLE(PROTECT_SYSTEM), TABLE(READ_ONLY_PATHS), TABLE(READ_WRITE_PATHS),
        TABLE(TEMPORARY_FILE_SYSTEM),

        WORLD(AMBIENT_CAPABILITIES), WORLD(NO_NEW_PRIVILEGES), WORLD(SUPPLEMENTARY_GROUPS),

        VALUE(CACHE_DIRECTORY), VALUE(CACHE_DIRECTORY_MODE),
        VALUE(CONFIGURATION_DIRECTORY), VALUE(LOGS_DIRECTORY), VALUE(RUNTIME_DIRECTORY), VALUE(STATE_DIRECTORY),
        VALUE(CAPABILITY_BOUNDING_SET),
        VALUE(CONFIGURATION_DIRECTORY_MODE), VALUE(DEVICE_ALLOW), VALUE(DEVICE_POLICY),
        VALUE(DYNAMIC_USER), VALUE(GROUP), VALUE(IP_ADDRESS_ALLOW), VALUE(IP_ADDRESS_DENY),
        VALUE(KEYRING_MODE), VALUE(LOCK_PERSONALITY), VALUE(LOGS_DIRECTORY_MODE),
        VALUE(MEMORY_DENY_WRITE_EXECUTE), VALUE(PASS_ENVIRONMENT), VALUE(PRIVATE_DEVICES),
        VALUE(PRIVATE_IPC), VALUE(PRIVATE_NETWORK), VALUE(PRIVATE_PIDS), VALUE(PRIVATE_USERS),
        VALUE(PROTECT_CLOCK), VALUE(PROTECT_CONTROL_GROUPS), VALUE(PROTECT_HOSTNAME),
        VALUE(PROTECT_KERNEL_LOGS), VALUE(PROTECT_KERNEL_MODULES), VALUE(PROTECT_KERNEL_TUNABLES),
        VALUE(REMOVE_IPC), VALUE(RESTRICT_ADDRESS_FAMILIES), VALUE(RESTRICT_FILE_SYSTEMS),
        VALUE(RESTRICT_NAMESPACES), VALUE(RESTRICT_NETWORK_INTERFACES), VALUE(RESTRICT_REALTIME),
        VALUE(RESTRICT_SUIDSGID), VALUE(ROOT_DIRECTORY), VALUE(RUNTIME_DIRECTORY_MODE),
        VALUE(RUNTIME_DIRECTORY_PRESERVE), VALUE(SECURE_BITS), VALUE(SOCKET_BIND_ALLOW),
        VALUE(SOCKET_BIND_DENY), VALUE(STATE_DIRECTORY_MODE),
        VALUE(SYSTEM_CALL_ARCHITECTURES), VALUE(SYSTEM_CALL_ERROR_NUMBER), VALUE(SYSTEM_CALL_FILTER),
        VALUE(SYSTEM_CALL_LOG), VALUE(UMASK), VALUE(UNSET_ENVIRONMENT), VALUE(USER),
};
/* clang-format on */

/* ---- what is known without a trial ---- */

bool imm_idle_at_line(const struct imm_idle_line *l, const struct imm_origin *o) {
        return o->kind == IMM_ORIGIN_FILE && o->file == l->file->path &&
               o->line == l->assignment->line;
}

/* A mount that nothing else wanted as well: it goes with the line. */
static bool leaves_mount(const struct imm_idle_work *w, const struct imm_idle_line *l) {
        bool leaves = false;

        for (enum imm_command_kind k = 0; k < IMM_KIND_N; k++) {
                if (w->sb->mounts[k].losers.n > 0)
                        return false;
                imm_array_foreach (m, &w->sb->mounts[k])
                        leaves |= m->setting == l->setting && imm_idle_at_line(l, &m->origin);
        }
        return leaves;
}

/* Do other settings of the unit bring it about as well? */
static bool may_be_implied(const struct imm_idle_work *w, enum imm_setting id) {
        switch (id) {
        case IMM_SETTING_CAPABILITY_BOUNDING_SET:
                /* some settings take a few away; so it is only about what leaves most of them */
                return __builtin_popcountll(imm_setting_number(w->s, id)) > 30;
        case IMM_SETTING_DEVICE_POLICY:
                return imm_setting_bool(w->s, IMM_SETTING_PRIVATE_DEVICES);
        default:
                return imm_setting_bool(w->s, IMM_SETTING_DYNAMIC_USER);
        }
}

/* The only line of its setting, which nothing else sets, and not what it is anyway */
static bool decides_alone(
        const struct imm_idle_work *w, const struct imm_idle_line *l, const unsigned *lines) {
        return lines[l->setting] == 1 && !may_be_implied(w, l->setting) &&
               !imm_value_same(imm_setting(w->s, l->setting),
                       imm_setting_built_in(w->s, l->setting), false);
}

/* "no", and what else says in so many words that nothing is wanted: it does not look good */
static bool is_plain_no(const struct imm_value *v, const char *text) {
        static const char *const words[] = {
                "no", "n", "false", "f", "off", "0", "default", "all", "inherit", "kill", ""};

        if (v->type != IMM_VALUE_BOOL && v->type != IMM_VALUE_TRISTATE &&
                v->type != IMM_VALUE_ENUM && v->type != IMM_VALUE_NAMESPACES)
                return *text == '\0';
        for (size_t i = 0; i < IMM_ELEMENTSOF(words); i++)
                if (strcasecmp(words[i], text) == 0)
                        return true;
        return false;
}

/* ---- the trial ---- */

/* Can it be without effect although its value counts? What is seen at once needs no trial. */
static bool may_be_without_effect(const struct imm_idle_work *w, enum imm_setting id) {
        const struct imm_identity *i = &w->sb->identity[w->sb->main];

        switch (classes[id]) {
        case IMM_IDLE_TABLE:
                return true;
        case IMM_IDLE_WORLD:
                return id != IMM_SETTING_NO_NEW_PRIVILEGES || i->uid != 0 ||
                       !(i->cap_bounding & (UINT64_C(1) << CAP_SYS_ADMIN));
        default:
                return false;
        }
}

static bool known(const struct imm_sandbox *sb) {
        for (enum imm_command_kind k = 0; k < IMM_KIND_N; k++)
                if (sb->has[k] && (sb->mounts[k].n == 0 || sb->mounts[k].assumed))
                        return false;
        return true;
}

/* Before 250 a directory named twice was twice in the variable that names them to the service. */
static bool repeats_are_seen(const struct imm_idle_work *w, enum imm_setting id) {
        return w->s->version < 250 && imm_setting_info(id)->type == IMM_VALUE_DIRECTORIES;
}

static void found(struct imm_idle_work *w, const struct imm_idle_line *l, struct imm_idle *i,
        struct imm_idle_list *ret) {
        i->file = l->file;
        i->assignment = l->assignment;
        i->setting = l->setting;
        i->why = imm_strdup(w->a, i->why);
        *imm_array_push(w->a, ret) = *i;
}

static void try(struct imm_idle_work *w, const struct imm_idle_line *l, size_t file, size_t at,
        struct imm_idle_list *ret) {
        struct imm_idle idle = {0};
        struct imm_unit *u = imm_unit_without(w->u, file, at, w->scratch);
        struct imm_settings *without = imm_settings_compute(w->m, u, w->s->version, w->scratch);
        const struct imm_value *now = imm_setting(w->s, l->setting);
        bool same = imm_value_same(
                now, imm_setting(without, l->setting), !repeats_are_seen(w, l->setting));

        if (!imm_settings_same(w->s, without, l->setting))
                return;
        if (same && is_plain_no(now, l->assignment->value))
                return;
        if (!same && !may_be_without_effect(w, l->setting))
                return;
        if (!imm_value_same(now, imm_setting(without, l->setting), false) &&
                classes[l->setting] != IMM_IDLE_VALUE) {
                if (!known(w->sb))
                        return;
                if (!imm_sandbox_same(w->sb, imm_sandbox_assume(w->m, without, w->scratch)))
                        return;
        }
        imm_idle_explain(w, l, without, same, &idle);
        if (!idle.code)
                return;
        if (!same && w->sb->mounts[w->sb->main].assumes.n > 0)
                idle.confidence = IMM_LIKELY;
        found(w, l, &idle, ret);
}

/* What is to be told of a line without a trial; true: told, or nothing to try */
static bool told(
        struct imm_idle_work *w, const struct imm_idle_line *l, struct imm_idle_list *ret) {
        struct imm_idle idle = {.confidence = IMM_CERTAIN};

        if (*l->assignment->value == '\0' ||
                is_plain_no(imm_setting(w->s, l->setting), l->assignment->value))
                return classes[l->setting] == IMM_IDLE_NOT_TRIED;
        idle.why = imm_idle_for_nobody(w, l->setting, &idle.code);
        if (!idle.why) {
                idle.code = "needs-other";
                idle.why = imm_idle_needs_other(w, l->setting);
        }
        if (!idle.why)
                idle.why = imm_idle_undone(w, l, &idle.code);
        if (idle.why)
                found(w, l, &idle, ret);
        return idle.why || classes[l->setting] == IMM_IDLE_NOT_TRIED;
}

/* ---- lines that a later one, or another setting, made void ---- */

/* Of lists that add up, what a line leaves may depend on those before it. */
static bool is_void(struct imm_idle_work *w, const struct imm_superseded *l, size_t *budget) {
        const struct imm_unit *u = w->u;

        if (!imm_setting_info(l->setting)->list)
                return true;
        for (size_t i = 0; i < u->n_files; i++) {
                const struct imm_unit_file *f = u->files[i];
                size_t at = (size_t)(l->assignment - f->assignments);
                struct imm_unit *without;

                if (f != l->file)
                        continue;
                if (*budget < f->n_assignments)
                        return false;
                *budget -= f->n_assignments;
                without = imm_unit_without(u, i, at, w->scratch);
                return imm_settings_same(w->s,
                        imm_settings_compute(w->m, without, w->s->version, w->scratch),
                        IMM_SETTING_N);
        }
        return false;
}

static void superseded(struct imm_idle_work *w, struct imm_idle_list *ret, struct imm_map *gone) {
        size_t budget = BUDGET;

        imm_array_foreach (l, &w->s->superseded) {
                struct imm_idle_line line = {l->file, l->assignment, l->setting};
                struct imm_idle idle = {.confidence = IMM_CERTAIN, .code = "overridden"};
                bool ignored = l->how == IMM_LOST_IGNORED || l->setting >= IMM_SETTING_N, here;

                if (!ignored && !is_void(w, l, &budget))
                        continue;
                imm_map_put(w->scratch, gone,
                        imm_printf(w->scratch, "%p", (const void *)l->assignment), gone);
                if (ignored || imm_setting_leaves_traces(l->setting) ||
                        *l->assignment->value == '\0')
                        continue;
                here = l->by.kind == IMM_ORIGIN_FILE && l->by.file == l->file->path;
                if (!here && classes[l->setting] == IMM_IDLE_NOT_TRIED)
                        continue;
                if (!here)
                        idle.code = "overridden-elsewhere";
                idle.why = imm_printf(w->scratch, "%s=: %s %s", l->assignment->key,
                        l->how == IMM_LOST_RESET ? "reset by" : "overridden by",
                        imm_origin_text(&l->by, w->scratch));
                found(w, &line, &idle, ret);
        }
}

/* Each line is read again; of the mounts, which are made again, each looks at all before it. */
static size_t trial_cost(const struct imm_sandbox *sb, size_t lines) {
        size_t mounts = sb->mounts[sb->main].n;

        return lines + mounts * mounts / 64;
}

static size_t count_lines(const struct imm_idle_work *w, unsigned *lines) {
        const struct imm_unit *u = w->u;
        size_t n = 0;

        for (size_t i = 0; i < u->n_files; i++)
                for (size_t k = 0; k < u->files[i]->n_assignments; k++) {
                        enum imm_setting id = imm_setting_by_name(u->files[i]->assignments[k].key);

                        n++;
                        if (id < IMM_SETTING_N)
                                lines[id]++;
                }
        return n;
}

void imm_idle_find(struct imm_manager *m, struct imm_unit *u, const struct imm_settings *s,
        const struct imm_sandbox *sb, struct imm_arena *a, struct imm_idle_list *ret) {
        imm_cleanup(imm_arena_free) struct imm_arena *scratch = imm_arena_new();
        imm_cleanup(imm_arena_free) struct imm_arena *trial = imm_arena_new();
        struct imm_idle_work w = {m, u, s, sb, a, scratch};
        unsigned *lines = imm_alloc_array(scratch, IMM_SETTING_N, sizeof(*lines));
        size_t all = count_lines(&w, lines), cost, spent = 0;
        struct imm_map gone = {0};

        superseded(&w, ret, &gone);
        if (!sb || all > LINES_MAX)
                return;
        w.scratch = trial;
        cost = trial_cost(sb, all);
        for (size_t i = 0; i < u->n_files; i++)
                for (size_t k = 0; k < u->files[i]->n_assignments; k++) {
                        const struct imm_assignment *x = &u->files[i]->assignments[k];
                        struct imm_idle_line l = {u->files[i], x, imm_setting_by_name(x->key)};

                        if (l.setting >= IMM_SETTING_N ||
                                !imm_setting_known(l.setting, s->version) ||
                                (gone.n > 0 && imm_map_has(&gone,
                                                       imm_printf(trial, "%p", (const void *)x))) ||
                                told(&w, &l, ret) || *x->value == '\0')
                                continue;
                        if (classes[l.setting] == IMM_IDLE_VALUE && decides_alone(&w, &l, lines))
                                continue;
                        if (classes[l.setting] == IMM_IDLE_TABLE && lines[l.setting] == 1 &&
                                !may_be_implied(&w, l.setting) && leaves_mount(&w, &l))
                                continue;
                        if (spent + cost > BUDGET)
                                return;
                        spent += cost;
                        try(&w, &l, i, k, ret);
                        imm_arena_reset(trial);
                }
}
