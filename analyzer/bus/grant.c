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

/* The program that reads *.pkla files, asked by a rule: what it says nothing about goes on. */
static unsigned ask_authority(const struct imm_bus *b, const struct imm_bus_peer *peer,
        const char *id, struct imm_arena *a, const struct imm_polkit_entry **ret) {
        *ret = imm_polkit_authority_says(b, peer, id, a);
        if (!*ret)
                return IMM_POLKIT_NEXT;
        return imm_streq((*ret)->result, "yes")  ? IMM_POLKIT_YES
               : imm_streq((*ret)->result, "no") ? IMM_POLKIT_NO
                                                 : IMM_POLKIT_AUTH;
}

/* An old polkit: no rules, and what *.pkla files say stands above what the action does. */
static int by_authority(struct imm_bus *b, struct imm_bus_peer *peer,
        const struct imm_polkit_action *action, struct imm_arena *a, struct imm_strv *because) {
        const struct imm_polkit_entry *e;
        unsigned outcome = ask_authority(b, peer, action->id, a, &e);

        if (outcome == IMM_POLKIT_YES)
                say(a, because, e->file, e->line, action->id, "this section says yes");
        else if (outcome == IMM_POLKIT_NEXT && imm_streq(action->allow_any, "yes"))
                say(a, because, action->file, action->line, action->id,
                        "to anybody, without a session too");
        else
                return 0;
        return 1;
}

/* The places that a "perhaps" would come from are told only if it stays one. */
static int one_action(struct imm_bus *b, struct imm_bus_peer *peer, const char *id,
        struct imm_arena *a, struct imm_strv *because) {
        const struct imm_polkit_action *action = imm_map_get(&b->actions, id);
        const struct imm_polkit_rule *perhaps = NULL;

        if (!action)
                return 0; /* polkit knows no such action and says so */
        if (b->old_polkit)
                return by_authority(b, peer, action, a, because);
        imm_array_foreach (r, &b->rules) {
                const struct imm_polkit_entry *e = NULL;
                unsigned outcome = r->authority ? ask_authority(b, peer, id, a, &e)
                                                : imm_polkit_rule_run(r, peer, id, a);

                if (outcome == IMM_POLKIT_YES && !perhaps) {
                        say(a, because, e ? e->file : r->file, e ? e->line : r->line, id,
                                e ? "this section says yes" : "this rule says yes");
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
