#include "analyzer/bus/bus-private.h"

/*
 * polkit's answer without anybody to ask: root is granted everything; else the first rule that
 * gives an answer, else what the action allows any caller; and an action is granted to whom one is
 * that implies it.
 */

static void say(struct imm_arena *a, struct imm_strv *because, const char *file, unsigned line,
        const char *action, const char *how) {
        if (because)
                imm_strv_add(a, because,
                        imm_printf(a, "%s:%u: polkit grants %s: %s", file, line, action, how));
}

/* The places that a "perhaps" would come from are told only if it stays one. */
static int one_action(struct imm_bus *b, struct imm_bus_peer *peer, const char *id,
        struct imm_arena *a, struct imm_strv *because) {
        const struct imm_polkit_action *action = imm_map_get(&b->actions, id);
        const struct imm_polkit_rule *perhaps = NULL;

        if (!action)
                return 0; /* polkit knows no such action and says so */
        imm_array_foreach (r, &b->rules) {
                unsigned outcome = imm_polkit_rule_run(r, peer, id, a);

                if (outcome == IMM_POLKIT_YES && !perhaps) {
                        say(a, because, r->file, r->line, id, "this rule says yes");
                        return 1;
                }
                if (outcome & IMM_POLKIT_YES && !perhaps)
                        perhaps = r;
                if (outcome & IMM_POLKIT_NEXT)
                        continue;
                if (!perhaps)
                        return 0;
                say(a, because, perhaps->file, perhaps->line, id, "this rule may say so");
                return -1;
        }
        if (imm_streq(action->allow_any, "yes")) {
                say(a, because, action->file, action->line, id,
                        "to anybody, without a session too");
                return 1;
        }
        if (!perhaps)
                return 0;
        say(a, because, perhaps->file, perhaps->line, id,
                "this rule may say so, its code is not understood here");
        return -1;
}

int imm_polkit_decide(struct imm_bus *b, struct imm_bus_peer *peer, const char *action,
        struct imm_arena *a, struct imm_strv *because) {
        int best;

        if (peer->uid == 0) {
                if (because)
                        imm_strv_add(a, because, "polkit grants root everything");
                return 1;
        }
        if (!b->has_polkit)
                return 0;
        best = one_action(b, peer, action, a, because);
        imm_array_foreach (i, &b->implying) {
                struct imm_strv more = {0};
                int r;

                if (best == 1)
                        break;
                if (!imm_strv_has(&(*i)->implies, action))
                        continue;
                r = one_action(b, peer, (*i)->id, a, because ? &more : NULL);
                if (r == 0)
                        continue;
                for (size_t k = 0; k < more.n; k++)
                        imm_strv_add(a, because, more.v[k]);
                if (because)
                        imm_strv_add(a, because,
                                imm_printf(a, "%s: %s implies %s", (*i)->file, (*i)->id, action));
                best = r;
        }
        return best;
}
