/*
 * Conditions on what a command finds at a path of its own view, whatever stands there in the root:
 * other conditions ask for places of the root, wherever the service sees them.
 */

#include "analyzer/closure/closure.h"
#include "rules/rules-private.h"

static enum imm_truth ask(struct imm_facts *facts, const struct imm_argument *argument, bool write,
        const char *verb) {
        const struct imm_sandbox *sb = imm_facts_sandbox(facts);
        enum imm_truth truth = IMM_NO;

        for (size_t i = 0; i < argument->words.n; i++)
                for (enum imm_command_kind k = 0; k < IMM_KIND_N; k++) {
                        struct imm_access x;
                        int answer;

                        if (!sb->has[k])
                                continue;
                        imm_access_in(facts->manager, facts->settings, sb, k, argument->words.v[i],
                                imm_facts_memory(facts), &x);
                        answer = write ? x.allowed[IMM_MODE_WRITE] : x.exists;
                        if (answer == 1) {
                                imm_evidence_add(
                                        facts, IMM_SETTING_N, "%s %s", verb, argument->words.v[i]);
                                return IMM_YES;
                        }
                        if (answer < 0)
                                truth = IMM_DONT_KNOW;
                }
        return truth;
}

enum imm_truth imm_condition_view_has(
        struct imm_facts *facts, const struct imm_argument *argument) {
        return ask(facts, argument, false, "finds");
}

enum imm_truth imm_condition_view_writes(
        struct imm_facts *facts, const struct imm_argument *argument) {
        return ask(facts, argument, true, "may write to");
}

/* Where the root is the system's, all of it is seen: that is told without looking at each file. */
static bool has_system_root(const struct imm_mount_table *t) {
        const struct imm_mount *top = imm_mount_at(t, "/");

        return top && top->host_path && imm_streq(top->host_path, "/");
}

enum imm_truth imm_condition_shows_unneeded(
        struct imm_facts *facts, const struct imm_argument *argument) {
        static const char *const names[] = {
                [IMM_UNNEEDED_PROGRAMS] = "programs", [IMM_UNNEEDED_LIBRARIES] = "libraries"};
        const struct imm_sandbox *sb = imm_facts_sandbox(facts);
        const struct imm_mount_table *t = &sb->mounts[sb->main];
        struct imm_unneeded x;
        enum imm_truth truth = IMM_NO;

        if (t->n == 0 || has_system_root(t))
                return t->outcome == IMM_OUTCOME_UNKNOWN ? IMM_DONT_KNOW : IMM_NO;
        imm_unneeded_compute(facts->manager, facts->unit,
                imm_closure_compute(facts->manager, facts->unit, 0, imm_facts_memory(facts)), &x);
        if (!x.known)
                return t->outcome == IMM_OUTCOME_UNKNOWN ? IMM_DONT_KNOW : IMM_NO;
        for (unsigned k = 0; k < IMM_UNNEEDED_N; k++) {
                if (!(argument->mask & UINT64_C(1) << k) || x.n[k] == 0)
                        continue;
                truth = IMM_YES;
                imm_evidence_add(facts, x.mount[k] ? x.mount[k]->setting : IMM_SETTING_N,
                        "sees %llu %s that it does not need%s%s", (unsigned long long)x.n[k],
                        names[k], x.mount[k] ? ", most below " : "",
                        x.mount[k] ? x.mount[k]->path : "");
        }
        return truth;
}
