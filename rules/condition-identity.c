#include "rules/rules-private.h"

/* Conditions on what the kernel asks beside paths: user, groups, capabilities, calls. The widest of
 * the unit's commands counts. */

static const char *command_of(enum imm_command_kind kind) {
        switch (kind) {
        case IMM_KIND_PRIVILEGED:
                return " in commands with '+'";
        case IMM_KIND_NO_SETUID:
                return " in commands with '!'";
        case IMM_KIND_AMBIENT:
                return " in commands with '!!'";
        default:
                return "";
        }
}

static void name_capability(struct imm_facts *facts, uint64_t caps, enum imm_command_kind kind) {
        if (facts->arena)
                imm_evidence_add(facts, IMM_SETTING_CAPABILITY_BOUNDING_SET, "has %s%s",
                        imm_caps_text(caps & -caps, facts->arena), command_of(kind));
}

/* In the machine's own user namespace: within another one they are worth nothing outside. */
enum imm_truth imm_condition_capability(
        struct imm_facts *facts, const struct imm_argument *argument) {
        const struct imm_sandbox *sb = imm_facts_sandbox(facts);

        for (enum imm_command_kind k = 0; k < IMM_KIND_N; k++) {
                const struct imm_identity *id = &sb->identity[k];
                uint64_t caps = (id->cap_effective | id->cap_permitted) & argument->mask;

                if (!sb->has[k] || id->userns != IMM_USERNS_NONE || caps == 0)
                        continue;
                name_capability(facts, caps, k);
                return IMM_YES;
        }
        return IMM_NO;
}

enum imm_truth imm_condition_runs_as_root(
        struct imm_facts *facts, const struct imm_argument *argument) {
        const struct imm_sandbox *sb = imm_facts_sandbox(facts);

        (void)argument;
        for (enum imm_command_kind k = 0; k < IMM_KIND_N; k++)
                if (sb->has[k] && sb->identity[k].uid == 0) {
                        imm_evidence_add(facts, IMM_SETTING_USER, "runs as root%s", command_of(k));
                        return IMM_YES;
                }
        return IMM_NO;
}

static bool is_member(const struct imm_identity *id, gid_t gid) {
        for (size_t i = 0; i < id->n_groups; i++)
                if (id->groups[i] == gid)
                        return true;
        return id->gid == gid;
}

enum imm_truth imm_condition_in_group(
        struct imm_facts *facts, const struct imm_argument *argument) {
        const struct imm_sandbox *sb = imm_facts_sandbox(facts);

        for (size_t i = 0; i < argument->words.n; i++) {
                const struct imm_group *g =
                        imm_group_by_name(facts->manager->users, argument->words.v[i]);

                for (enum imm_command_kind k = 0; g && k < IMM_KIND_N; k++)
                        if (sb->has[k] && is_member(&sb->identity[k], g->gid)) {
                                imm_evidence_add(facts, IMM_SETTING_SUPPLEMENTARY_GROUPS,
                                        "is in group %s%s", g->name, command_of(k));
                                return IMM_YES;
                        }
        }
        return IMM_NO;
}

enum imm_truth imm_condition_can_gain_privileges(
        struct imm_facts *facts, const struct imm_argument *argument) {
        const struct imm_sandbox *sb = imm_facts_sandbox(facts);

        (void)argument;
        for (enum imm_command_kind k = 0; k < IMM_KIND_N; k++)
                if (sb->has[k] && !sb->identity[k].no_new_privileges) {
                        imm_evidence_add(facts, IMM_SETTING_NO_NEW_PRIVILEGES,
                                "set-id programs and file capabilities have their effect%s",
                                command_of(k));
                        return IMM_YES;
                }
        return IMM_NO;
}

/* Filters are for sandboxed commands; those with '+' have none. */
static bool has_bare_command(struct imm_facts *facts, enum imm_setting setting) {
        if (!imm_facts_sandbox(facts)->has[IMM_KIND_PRIVILEGED])
                return false;
        imm_evidence_add(facts, setting, "%s= does not bind commands with '+'",
                imm_setting_info(setting)->name);
        return true;
}

enum imm_truth imm_condition_can_call(
        struct imm_facts *facts, const struct imm_argument *argument) {
        if (has_bare_command(facts, IMM_SETTING_SYSTEM_CALL_FILTER))
                return IMM_YES;
        return imm_calls_left(facts, argument);
}

enum imm_truth imm_condition_foreign_calls(
        struct imm_facts *facts, const struct imm_argument *argument) {
        (void)argument;
        if (has_bare_command(facts, IMM_SETTING_SYSTEM_CALL_ARCHITECTURES))
                return IMM_YES;
        return imm_foreign_left(facts);
}

enum imm_truth imm_condition_can_unshare(
        struct imm_facts *facts, const struct imm_argument *argument) {
        if (has_bare_command(facts, IMM_SETTING_RESTRICT_NAMESPACES))
                return IMM_YES;
        return imm_condition_allows_namespace(facts, argument);
}

enum imm_truth imm_condition_host_network(
        struct imm_facts *facts, const struct imm_argument *argument) {
        const char *path = imm_fact(facts, IMM_SETTING_NETWORK_NAMESPACE_PATH)->string;

        (void)argument;
        if (imm_fact(facts, IMM_SETTING_PRIVATE_NETWORK)->number != 0 || (path && *path))
                return IMM_NO;
        imm_evidence_add(facts, IMM_SETTING_PRIVATE_NETWORK, "is in the host's network");
        return IMM_YES;
}

/*
 * Processes of one user may trace each other where the other one has no more capabilities:
 * environment, root directory, and, where kernel.yama.ptrace_scope allows it, memory. A user or PID
 * namespace stands between them; ProtectProc= does not, what may be traced is seen.
 */
static bool gets_at_processes(struct imm_facts *facts, const struct imm_identity *id) {
        return id->userns == IMM_USERNS_NONE &&
               imm_fact(facts, IMM_SETTING_PRIVATE_PIDS)->number == 0;
}

/* Many are told roughly: a finding of hundreds of units must not change with each that joins them,
 * or a night costs the history all of them. */
static const char *how_many(struct imm_facts *facts, size_t n) {
        static const unsigned steps[] = {1000, 500, 200, 100, 50, 20};

        for (size_t i = 0; i < IMM_ELEMENTSOF(steps); i++)
                if (n > steps[i])
                        return imm_printf(facts->arena, "more than %u", steps[i]);
        return imm_printf(facts->arena, "%zu", n);
}

static void name_others(
        struct imm_facts *facts, const struct imm_identity *id, const struct imm_strv *others) {
        enum { NAMED = 5 };
        const char *names = "";

        for (size_t i = 0; i < others->n && i < NAMED; i++)
                names = imm_printf(facts->arena, "%s%s%s", names, i ? ", " : "", others->v[i]);
        imm_evidence_add(facts, IMM_SETTING_USER, "shares its identity, %s, with %s other%s: %s%s",
                id->user ? id->user : "its user", how_many(facts, others->n),
                others->n == 1 ? "" : "s", names, others->n > NAMED ? ", ..." : "");
}

/* Of root the files are everybody's business: see the rules on places. */
enum imm_truth imm_condition_shares_identity(
        struct imm_facts *facts, const struct imm_argument *argument) {
        const struct imm_sandbox *sb = imm_facts_sandbox(facts);
        const struct imm_identity *id = &sb->identity[sb->main];
        bool processes = argument->mask & IMM_SHARED_PROCESSES && gets_at_processes(facts, id);
        bool files = argument->mask & IMM_SHARED_FILES && id->uid != 0;
        struct imm_strv others = {0};

        if (id->unknown)
                return IMM_NO;
        processes =
                processes && imm_census_others(facts, id, true, facts->arena ? &others : NULL) > 0;
        if (!processes &&
                (!files || imm_census_others(facts, id, false, facts->arena ? &others : NULL) == 0))
                return IMM_NO;
        if (!facts->arena)
                return IMM_YES;
        name_others(facts, id, &others);
        if (processes)
                imm_evidence_add(facts, IMM_SETTING_PRIVATE_USERS,
                        "nothing keeps it from what /proc shows of their processes");
        else
                imm_evidence_add(facts, IMM_SETTING_USER, "what they own is its own as well");
        return IMM_YES;
}
