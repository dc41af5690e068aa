#include "rules/rules-private.h"

#include "analyzer/bus/bus.h"

/*
 * What the system bus does for a command: its socket must be reached, which is the sandbox's
 * question, and then the bus and polkit must agree, by the root's own files.
 */

#define BUS_SOCKET "/run/dbus/system_bus_socket"

static struct imm_bus_peer *peer_of(struct imm_facts *facts, enum imm_command_kind kind) {
        const struct imm_identity *id = &imm_facts_sandbox(facts)->identity[kind];

        return imm_bus_peer_of(imm_bus_of(facts->manager), id->uid, id->gid, id->groups,
                id->n_groups, id->dynamic ? id->user : NULL);
}

static void tell(struct imm_facts *facts, const struct imm_strv *lines) {
        for (size_t i = 0; i < lines->n; i++)
                imm_evidence_add(facts, IMM_SETTING_N, "%s", lines->v[i]);
}

/* All that is granted is told, not the first alone. */
static int ask(struct imm_facts *facts, enum imm_command_kind kind,
        const struct imm_argument *argument, struct imm_strv *because) {
        struct imm_bus_peer *peer = peer_of(facts, kind);
        int best = 0;

        for (size_t i = 0; i < argument->words.n; i++) {
                struct imm_strv lines = {0};
                int r = imm_bus_may_call(imm_bus_of(facts->manager), peer, argument->words.v[i],
                        facts->arena, facts->arena ? &lines : NULL);

                if (r == 1 || (r == -1 && best == 0))
                        best = r;
                for (size_t k = 0; r != 0 && k < lines.n; k++)
                        if (!imm_strv_has(because, lines.v[k]))
                                imm_strv_add(facts->arena, because, lines.v[k]);
                if (best == 1 && !facts->arena)
                        break;
        }
        return best;
}

enum imm_truth imm_condition_bus_grants(
        struct imm_facts *facts, const struct imm_argument *argument) {
        const struct imm_sandbox *sb = imm_facts_sandbox(facts);
        enum imm_truth truth = IMM_NO;

        for (enum imm_command_kind k = 0; k < IMM_KIND_N; k++) {
                struct imm_strv because = {0};
                int reached = sb->has[k] ? imm_facts_connects(facts, k, BUS_SOCKET) : 0, granted;

                if (reached == 0)
                        continue;
                granted = ask(facts, k, argument, &because);
                if (granted == 0)
                        continue;
                truth = reached == 1 && granted == 1 ? IMM_YES : IMM_DONT_KNOW;
                imm_facts_say(facts, "connect to", BUS_SOCKET, imm_facts_look(facts, BUS_SOCKET),
                        IMM_MODE_CONNECT);
                tell(facts, &because);
                if (truth == IMM_YES)
                        break;
        }
        return truth;
}
