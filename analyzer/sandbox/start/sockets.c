/*
 * What a socket unit does beside its commands: its sockets are given to a user and a group by a
 * process of its own, which fails if there is none of that name, whatever kind of socket it is.
 * Sources: systemd.socket(5), SocketUser=; tests/lab.
 */

#include "analyzer/sandbox/access/access-private.h"

bool imm_start_socket_owner(const struct imm_manager *m, const struct imm_settings *s,
        struct imm_arena *a, struct imm_start_fault *ret) {
        static const enum imm_setting ids[] = {IMM_SETTING_SOCKET_USER, IMM_SETTING_SOCKET_GROUP};

        for (size_t i = 0; s->unit->type == IMM_UNIT_SOCKET && i < IMM_ELEMENTSOF(ids); i++) {
                const struct imm_value *v = imm_setting(s, ids[i]);
                enum imm_outcome outcome;
                const char *why;

                if (!v->string || !*v->string)
                        continue;
                outcome = imm_identity_names(m, v->string, i == 1, a, &why);
                if (outcome == IMM_OUTCOME_OK)
                        continue;
                *ret = (struct imm_start_fault){.outcome = outcome,
                        .culprit = why,
                        .setting = ids[i],
                        .origin = v->origin,
                        .step = IMM_STEP_EXEC};
                return true;
        }
        return false;
}
