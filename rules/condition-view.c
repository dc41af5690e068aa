/*
 * Conditions on what a command finds at a path of its own view, whatever stands there in the root:
 * other conditions ask for places of the root, wherever the service sees them.
 */

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
