#include "rules/rules-private.h"

/* Conditions on what the unit's programs use of the kernel and the machine, and what refuses it. */

static const struct imm_denials *denials_of(struct imm_facts *facts) {
        if (!facts->have_denials) {
                facts->have_denials = true;
                imm_denials_compute(facts->manager, facts->settings, imm_facts_sandbox(facts),
                        imm_facts_memory(facts), &facts->denials);
        }
        return &facts->denials;
}

static bool is_about(const struct imm_argument *argument, enum imm_setting id) {
        for (size_t i = 0; i < argument->n_settings; i++)
                if (argument->settings[i] == id)
                        return true;
        return false;
}

static bool same_line(const struct imm_denial *a, const struct imm_denial *b) {
        if (a->setting != b->setting || a->origin.line != b->origin.line)
                return false;
        return a->origin.file == b->origin.file ||
               (a->origin.file && b->origin.file && imm_streq(a->origin.file, b->origin.file));
}

/* Does a refusal stop the service, a function of it, or nothing? The worst is first in a list. */
enum effect { STOPS, PART, REMARK };

static enum effect effect_of(const struct imm_denial *d) {
        return d->remark ? REMARK : d->partial ? PART : STOPS;
}

/*
 * The line that would let it all happen again: what is named after a list, of whichever kind, is
 * allowed. Without words of which it could be made: NULL.
 */
static const char *remedy_of(
        const struct imm_denials *all, const struct imm_denial *of, struct imm_arena *a) {
        const char *name = imm_setting_info(of->setting)->name, *words = NULL;
        struct imm_strv named = {0};
        bool ambient = false;

        for (size_t i = 0; i < all->n; i++) {
                const struct imm_denial *d = &all->v[i];
                bool told = false;

                if (d->remark != of->remark || !same_line(d, of))
                        continue;
                if (!d->allow)
                        return NULL; /* something of it needs another change */
                for (size_t k = 0; k < named.n && !told; k++)
                        told = imm_streq(named.v[k], d->allow);
                if (told)
                        continue;
                imm_strv_add(a, &named, d->allow);
                words = words ? imm_printf(a, "%s %s", words, d->allow) : d->allow;
                ambient |= d->ambient;
        }
        if (ambient)
                return imm_printf(a, "%s=%s\nAmbientCapabilities=%s", name, words, words);
        return imm_printf(a, "%s=%s", name, words);
}

/* A finding for each line that refuses something, with all that it refuses; the surest is first. */
static enum imm_truth refuses(
        struct imm_facts *facts, const struct imm_argument *argument, enum effect effect) {
        enum { LINES_MAX = 8 };
        const struct imm_denials *all;
        enum imm_truth truth = IMM_NO;
        bool set = false;

        for (size_t i = 0; i < argument->n_settings; i++)
                set |= imm_fact(facts, argument->settings[i])->set;
        if (!set)
                return IMM_NO;
        all = denials_of(facts);
        for (size_t k = 0; k < all->n; k++) {
                const struct imm_denial *d = &all->v[k];
                struct imm_place at = {.setting = imm_setting_info(d->setting)->name,
                        .file = d->origin.file,
                        .line = d->origin.line,
                        .confidence = (int)d->confidence};
                bool told = false;

                if (effect_of(d) != effect || !is_about(argument, d->setting))
                        continue;
                for (size_t i = 0; i < k && !told; i++)
                        told = all->v[i].remark == d->remark && same_line(&all->v[i], d);
                if (told)
                        continue;
                for (size_t i = k; i < all->n && at.evidence.n < LINES_MAX; i++)
                        if (all->v[i].remark == d->remark && same_line(&all->v[i], d)) {
                                imm_strv_add(
                                        imm_facts_memory(facts), &at.evidence, all->v[i].evidence);
                                imm_evidence_add(facts, d->setting, "%s", all->v[i].evidence);
                        }
                at.remedy = remedy_of(all, d, imm_facts_memory(facts));
                imm_place_add(facts, &at);
                truth = IMM_YES;
        }
        return truth;
}

enum imm_truth imm_condition_refuses_use(
        struct imm_facts *facts, const struct imm_argument *argument) {
        return refuses(facts, argument, STOPS);
}

enum imm_truth imm_condition_refuses_function(
        struct imm_facts *facts, const struct imm_argument *argument) {
        return refuses(facts, argument, PART);
}

enum imm_truth imm_condition_may_refuse_use(
        struct imm_facts *facts, const struct imm_argument *argument) {
        return refuses(facts, argument, REMARK);
}
