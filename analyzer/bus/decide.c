#include "analyzer/bus/bus-private.h"

/*
 * Of all rules that match a message the last one decides: those for everybody, then those of the
 * sender's groups, of its user, of whom no console knows, and the mandatory ones. Which is the last
 * is not always known: neither files of one folder nor groups have an order.
 */

static bool same(const char *rule, const char *message) {
        return !rule || imm_streq(rule, message);
}

static bool destination(const struct imm_bus_rule *r, const char *name) {
        const char *rest;

        if (!r->prefix)
                return same(r->peer, name);
        rest = imm_after(name, r->peer);
        return rest && (!*rest || *rest == '.');
}

static bool matches(const struct imm_bus_rule *r, const struct imm_bus_call *call, bool receive) {
        if (r->receive != receive || r->type == IMM_BUS_OTHER_MESSAGE)
                return false;
        /* who it is received from has no name of its own */
        if (receive ? r->peer != NULL : !destination(r, call->name))
                return false;
        return same(r->path, call->path) && same(r->interface, call->interface) &&
               same(r->member, call->member);
}

static bool is_for(const struct imm_bus_policy *p, const struct imm_bus_peer *peer) {
        if (p->context == IMM_BUS_USER)
                return p->id == peer->uid;
        if (p->context != IMM_BUS_GROUP)
                return true;
        for (size_t i = 0; i < peer->n_groups; i++)
                if (peer->groups[i] == p->id)
                        return true;
        return peer->gid == p->id;
}

/* Of one context: the last rule by our order, and those that may come later in the bus' own */
struct tally {
        const struct imm_bus_policy *policy;
        const struct imm_bus_rule *last;
        const struct imm_bus_rule *others[2]; /* that deny, that allow */
        bool groups;                          /* rules of several groups matched */
};

static void take(struct tally *t, const struct imm_bus_policy *p, const struct imm_bus_rule *r) {
        const struct imm_bus_policy *before = t->policy;

        if (t->last) {
                t->groups |= before->id != p->id;
                if (t->groups || (p->folder && p->folder == before->folder &&
                                         !imm_streq(p->entry, before->entry)))
                        t->others[t->last->allow] = t->last;
                else if (p->folder != before->folder)
                        t->others[0] = t->others[1] = NULL;
        }
        t->policy = p;
        t->last = r;
}

struct imm_bus_verdict imm_bus_decide(const struct imm_bus *b, const struct imm_bus_peer *peer,
        const struct imm_bus_call *call, bool receive) {
        struct tally t = {0};

        for (enum imm_bus_context c = 0; c < IMM_BUS_CONTEXT_N; c++) {
                struct tally here = {0};

                imm_array_foreach (p, &b->policies) {
                        if (p->context != c || !is_for(p, peer))
                                continue;
                        imm_array_foreach (r, &p->rules) {
                                if (matches(r, call, receive))
                                        take(&here, p, r);
                        }
                }
                if (here.last)
                        t = here;
        }
        return (struct imm_bus_verdict){t.last, t.last ? t.others[!t.last->allow] : NULL};
}
