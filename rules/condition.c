#include "rules/rules-private.h"

/* The table of conditions, and what they share. */

const struct imm_condition imm_conditions[] = {
#define CONDITION(slug, key, argument, needs, text) \
        {key, IMM_ARGUMENT_##argument, IMM_NEEDS_##needs, imm_condition_##slug, text},
#include "rules/conditions.def"
#undef CONDITION
};
const size_t imm_conditions_n = IMM_ELEMENTSOF(imm_conditions);

const struct imm_condition *imm_condition_by_key(const char *key) {
        for (size_t i = 0; i < imm_conditions_n; i++)
                if (imm_streq(imm_conditions[i].key, key))
                        return &imm_conditions[i];
        return NULL;
}

void imm_place_add(struct imm_facts *facts, const struct imm_place *place) {
        struct imm_arena *a = facts->arena;
        struct imm_place *copy;

        facts->n_places++;
        if (!a)
                return;
        copy = imm_array_push(a, &facts->places_found);
        *copy = *place;
        copy->setting = place->setting ? imm_strdup(a, place->setting) : NULL;
        copy->file = place->file ? imm_strdup(a, place->file) : NULL;
        copy->subject = place->subject ? imm_strdup(a, place->subject) : NULL;
        copy->remedy = place->remedy ? imm_strdup(a, place->remedy) : NULL;
        copy->evidence = (struct imm_strv){0};
        for (size_t i = 0; i < place->evidence.n; i++)
                imm_strv_add(a, &copy->evidence, imm_strdup(a, place->evidence.v[i]));
}

void imm_evidence_add(struct imm_facts *facts, enum imm_setting setting, const char *fmt, ...) {
        struct imm_evidence e = {.setting = setting};
        va_list ap;

        if (!facts->arena)
                return;
        va_start(ap, fmt);
        e.text = imm_vprintf(facts->arena, fmt, ap);
        va_end(ap);
        if (setting < IMM_SETTING_N)
                e.origin = imm_fact(facts, setting)->origin;
        *imm_array_push(facts->arena, &facts->evidence) = e;
}
