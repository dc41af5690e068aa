/* Whether the service would start at all (analyzer/sandbox/start/preflight.h). */

#include "analyzer/sandbox/start/preflight.h"
#include "rules/rules-private.h"

static const char *const words[] = {
        [IMM_PREFLIGHT_START] = "start",
        [IMM_PREFLIGHT_DOUBT] = "doubt",
        [IMM_PREFLIGHT_HIDDEN] = "hidden",
        [IMM_PREFLIGHT_ABSENT] = "absent",
        [IMM_PREFLIGHT_LATER] = "later",
};

bool imm_start_word(const char *word) {
        for (size_t i = 0; i < IMM_ELEMENTSOF(words); i++)
                if (imm_streq(words[i], word))
                        return true;
        return false;
}

enum imm_truth imm_condition_fails_to_start(
        struct imm_facts *facts, const struct imm_argument *argument) {
        size_t before = facts->n_places;

        if (!facts->preflight) {
                struct imm_arena *a = imm_facts_memory(facts);
                struct imm_preflight_list *list = imm_new(a, struct imm_preflight_list);

                imm_preflight_find(facts->manager, facts->unit, facts->settings,
                        imm_facts_sandbox(facts), a, list);
                imm_absent_find(facts->manager, facts->settings, a, list);
                imm_loading_find(facts->manager, facts->settings, a, list);
                facts->preflight = list;
        }
        imm_array_foreach (p, facts->preflight) {
                const struct imm_origin *o = &p->origin;
                struct imm_place place = {.subject = p->why, .confidence = (int)p->confidence};

                if (!imm_strv_has(&argument->words, words[p->when]))
                        continue;
                while (o && o->kind == IMM_ORIGIN_IMPLIED)
                        o = o->via;
                if (o && o->file) {
                        place.file = o->file;
                        place.line = o->line;
                }
                if (p->setting < IMM_SETTING_N)
                        place.setting = imm_setting_info(p->setting)->name;
                if (facts->arena)
                        imm_strv_add(facts->arena, &place.evidence, p->why);
                imm_place_add(facts, &place);
        }
        return facts->n_places > before;
}
