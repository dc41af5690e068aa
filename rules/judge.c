#include "rules/rules-private.h"

/* Steps over facts, and the arithmetic of a figure. */

static enum imm_truth negated(enum imm_truth t) {
        return t == IMM_YES ? IMM_NO : t == IMM_NO ? IMM_YES : IMM_DONT_KNOW;
}

/* [Always]: what does not hold is what is wrong, and is said. */
static enum imm_truth always(const struct imm_step *step, struct imm_facts *facts) {
        enum imm_truth broken = IMM_NO, any = IMM_NO;
        bool triggers = false;

        for (size_t i = 0; i < step->n_clauses; i++) {
                const struct imm_clause *c = &step->clauses[i];
                size_t said = facts->evidence.n;
                enum imm_truth t = c->condition->holds(facts, &c->argument);

                if (c->negate)
                        t = negated(t);
                if (t == IMM_YES)
                        facts->evidence.n = said;
                else
                        imm_evidence_add(facts, IMM_SETTING_N, "%s: %s=%s%s",
                                t == IMM_NO ? "it is not so" : "it cannot be known",
                                c->condition->key, c->negate ? "!" : "", c->text);
                triggers |= c->trigger;
                if (c->trigger && any != IMM_YES && t != IMM_NO)
                        any = t;
                if (c->trigger || t == IMM_YES)
                        continue;
                if (broken != IMM_YES)
                        broken = t == IMM_NO ? IMM_YES : IMM_DONT_KNOW;
        }
        if (!triggers || any == IMM_YES || broken == IMM_YES)
                return broken;
        return any == IMM_NO ? IMM_YES : IMM_DONT_KNOW;
}

/* As systemd's conditions: all plain ones must hold, and of those with | one */
enum imm_truth imm_step_holds(const struct imm_step *step, struct imm_facts *facts) {
        enum imm_truth all = IMM_YES, any = IMM_NO;
        bool triggers = false;

        if (step->always)
                return always(step, facts);
        for (size_t i = 0; i < step->n_clauses; i++) {
                const struct imm_clause *c = &step->clauses[i];
                enum imm_truth t = c->condition->holds(facts, &c->argument);

                if (c->negate)
                        t = negated(t);
                if (!c->trigger) {
                        if (t == IMM_NO)
                                return IMM_NO;
                        if (t == IMM_DONT_KNOW)
                                all = t;
                        continue;
                }
                triggers = true;
                if (any != IMM_YES && t != IMM_NO)
                        any = t;
        }
        if (!triggers)
                return all;
        if (any == IMM_NO)
                return IMM_NO;
        return all == IMM_YES ? any : all;
}

static bool excepted(const struct imm_rule *rule, struct imm_facts *facts, struct imm_check *ret) {
        for (size_t i = 0; i < rule->n_steps; i++)
                if (rule->steps[i].except && imm_step_holds(&rule->steps[i], facts) == IMM_YES) {
                        *ret = (struct imm_check){IMM_CHECK_NOT_APPLICABLE, (uint8_t)i, 0, 0};
                        return true;
                }
        return false;
}

static struct imm_check outcome(
        enum imm_check_state state, const struct imm_rule *rule, size_t i, size_t places) {
        return (struct imm_check){.state = (uint8_t)state,
                .step = (uint8_t)i,
                .badness = (uint16_t)(rule->steps[i].badness < rule->range ? rule->steps[i].badness
                                                                           : rule->range),
                .places = (uint16_t)(places < UINT16_MAX ? places : UINT16_MAX)};
}

/*
 * The first step that holds decides. Steps before it that may hold, for all that is known, count
 * where they are worse: what was not seen is never clean.
 */
static struct imm_check decide(const struct imm_rule *rule, struct imm_facts *facts) {
        struct imm_check check = {.state = IMM_CHECK_GOOD, .step = UINT8_MAX}, maybe = {0};

        for (size_t i = 0; i < rule->n_steps; i++) {
                const struct imm_step *s = &rule->steps[i];
                enum imm_truth t;

                facts->n_places = 0;
                t = s->except ? IMM_NO : imm_step_holds(s, facts);
                if (t == IMM_YES) {
                        check = outcome(s->badness > 0 ? IMM_CHECK_BAD : IMM_CHECK_GOOD, rule, i,
                                facts->n_places);
                        break;
                }
                if (t == IMM_DONT_KNOW && s->badness > maybe.badness)
                        maybe = outcome(IMM_CHECK_UNKNOWN, rule, i, facts->n_places);
        }
        return maybe.badness > check.badness ? maybe : check;
}

static bool is_replaced(const struct imm_rule *rule, const struct imm_facts *facts) {
        for (size_t i = 0; i < rule->n_replaced_by; i++)
                if (imm_match_covers(rule->replaced_by[i]->match, facts->manager, facts->unit))
                        return true;
        return false;
}

static struct imm_check check_one(const struct imm_rule *rule, struct imm_facts *facts) {
        struct imm_check check = {.state = IMM_CHECK_UNMATCHED};

        if (!imm_match_covers(rule->match, facts->manager, facts->unit) ||
                is_replaced(rule, facts) || excepted(rule, facts, &check))
                return check;
        if (rule->excluded)
                return (struct imm_check){IMM_CHECK_NOT_APPLICABLE, UINT8_MAX, 0, 0};
        return decide(rule, facts);
}

static uint64_t ceil_div(uint64_t a, uint64_t b) {
        return a / b + (a % b != 0);
}

/* The settings themselves may be gone before a view asks: what it needs of origins is kept. */
static struct imm_origin copy_origin(const struct imm_origin *o, struct imm_arena *a) {
        struct imm_origin copy = *o;

        if (o->via) {
                struct imm_origin *via = imm_new(a, struct imm_origin);

                *via = copy_origin(o->via, a);
                copy.via = via;
        }
        return copy;
}

static void keep_origins(const struct imm_scorecard *card, const struct imm_facts *facts,
        struct imm_arena *scratch, struct imm_arena *a, struct imm_judgement *j) {
        struct imm_check_origin *found = imm_alloc_array(scratch, card->n_rules, sizeof(*found));
        size_t n = 0;

        for (size_t i = 0; facts->settings->n_slots > 0 && i < card->n_rules; i++) {
                enum imm_setting id;
                const struct imm_value *v = imm_rule_value(card->rules[i], facts, &id);

                if (v && v->origin.kind != IMM_ORIGIN_DEFAULT)
                        found[n++] = (struct imm_check_origin){(unsigned)i, id, v->origin};
        }
        j->origins = imm_alloc_array(a, n, sizeof(*found));
        for (size_t i = 0; i < n; i++) {
                j->origins[i] = found[i];
                j->origins[i].origin = copy_origin(&found[i].origin, a);
        }
        j->n_origins = n;
}

static bool applies(const struct imm_check *c) {
        return c->state >= IMM_CHECK_GOOD;
}

void imm_judge(const struct imm_scorecard *card, struct imm_facts *facts, struct imm_arena *a,
        struct imm_judgement *ret) {
        uint64_t sum = 0;

        *ret = (struct imm_judgement){.scored = true};
        ret->checks = imm_alloc_array(a, card->n_rules, sizeof(*ret->checks));
        for (size_t i = 0; i < card->n_rules; i++) {
                const struct imm_rule *r = card->rules[i];

                ret->checks[i] = check_one(r, facts);
                if (!applies(&ret->checks[i]))
                        continue;
                sum += ceil_div(ret->checks[i].badness * r->weight, r->range);
                ret->weight_sum += r->weight;
        }
        if (ret->weight_sum > 0)
                ret->figure = (uint16_t)ceil_div(sum * 100, ret->weight_sum);
        keep_origins(card, facts, facts->scratch ? facts->scratch : a, a, ret);
}

const char *imm_judgement_rating(const struct imm_scorecard *card, const struct imm_judgement *j) {
        if (!j || !j->scored || !card->figure || j->weight_sum == 0)
                return NULL;
        for (size_t i = 0; i < card->n_ratings; i++)
                if (j->figure >= card->ratings[i].from)
                        return card->ratings[i].name;
        return NULL;
}

bool imm_check_share(const struct imm_scorecard *card, const struct imm_judgement *j, size_t i,
        unsigned *ret_tenths) {
        const struct imm_check *c = &j->checks[i];
        const struct imm_rule *r = card->rules[i];

        if (!applies(c) || c->badness == 0 || j->weight_sum == 0)
                return false;
        *ret_tenths =
                (unsigned)ceil_div(ceil_div(c->badness * r->weight * 100, r->range), j->weight_sum);
        return true;
}

const char *imm_check_text(const struct imm_rule *rule, const struct imm_check *check) {
        if (check->step < rule->n_steps && rule->steps[check->step].title)
                return rule->steps[check->step].title;
        switch (check->state) {
        case IMM_CHECK_GOOD:
                return rule->good ? rule->good : rule->title;
        case IMM_CHECK_NOT_APPLICABLE:
                return rule->excluded ? "left out by the policy" : "does not apply";
        default:
                return rule->title;
        }
}

const struct imm_value *imm_rule_value(
        const struct imm_rule *rule, const struct imm_facts *facts, enum imm_setting *ret_setting) {
        for (size_t i = 0; i < rule->n_settings; i++) {
                const struct imm_value *v = imm_fact(facts, rule->settings[i]);

                *ret_setting = rule->settings[i];
                if (v->set)
                        return v;
        }
        if (rule->n_settings == 0)
                return NULL;
        *ret_setting = rule->settings[0];
        return imm_fact(facts, rule->settings[0]);
}
