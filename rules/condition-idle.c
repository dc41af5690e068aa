/*
 * Lines that look good and do nothing: those that systemd ignores, as its diagnostics say, and
 * those that it takes without a consequence (analyzer/sandbox/idle/idle.h).
 */

#include "rules/rules-private.h"

static const char *const words[] = {
        /* of diagnostics; what is none of these is an "ignored-file" */
        "bad-setting",
        "ignored-file",
        "ignored-value",
        "ignored-word",
        "misspelt-setting",
        "newer-setting",
        "no-assignment",
        "no-key",
        "no-section",
        "unknown-section",
        "unknown-setting",
        "wrong-section",
        /* of diagnostics, and no line of the unit */
        "hidden-dropin",
        /* found by trial */
        "default",
        "implied",
        "missing-path",
        "needs-other",
        "outdone",
        "overridden",
        "overridden-elsewhere",
        "privileged-commands",
        "repeated",
        "user-scope",
        "without-effect",
};

bool imm_idle_word(const char *word) {
        for (size_t i = 0; i < IMM_ELEMENTSOF(words); i++)
                if (imm_streq(words[i], word))
                        return true;
        return false;
}

static bool asked_for(const struct imm_argument *argument, const char *code) {
        return imm_strv_has(&argument->words, imm_idle_word(code) ? code : "ignored-file");
}

static void add(struct imm_facts *facts, const char *setting, const char *file, unsigned line,
        enum imm_confidence confidence, const char *why) {
        struct imm_place place = {.setting = setting,
                .file = file,
                .line = line ? line : 1,
                .subject = why,
                .confidence = (int)confidence};

        if (facts->arena)
                imm_strv_add(facts->arena, &place.evidence, why);
        imm_place_add(facts, &place);
}

static void diagnostics(struct imm_facts *facts, const struct imm_argument *argument,
        const struct imm_diags *diags) {
        imm_array_foreach (d, diags) {
                bool hidden = d->level == IMM_DIAG_NOTE && imm_streq(d->code, "hidden-dropin");

                if ((d->level == IMM_DIAG_WARNING || hidden) && d->file &&
                        asked_for(argument, d->code))
                        add(facts, d->setting, d->file, d->line, IMM_CERTAIN, d->message);
        }
}

static bool has_process(enum imm_unit_type t) {
        return t == IMM_UNIT_SERVICE || t == IMM_UNIT_SOCKET || t == IMM_UNIT_MOUNT ||
               t == IMM_UNIT_SWAP;
}

static const struct imm_idle_list *idle_lines(struct imm_facts *facts) {
        struct imm_arena *a = imm_facts_memory(facts);
        struct imm_idle_list *list;

        if (facts->idle)
                return facts->idle;
        list = imm_new(a, struct imm_idle_list);
        if (facts->settings->load == IMM_LOAD_LOADED)
                imm_idle_find(facts->manager, facts->unit, facts->settings,
                        has_process(facts->unit->type) ? imm_facts_sandbox(facts) : NULL, a, list);
        return facts->idle = list;
}

enum imm_truth imm_condition_idle_line(
        struct imm_facts *facts, const struct imm_argument *argument) {
        size_t before = facts->n_places;

        diagnostics(facts, argument, &facts->unit->diags);
        for (size_t i = 0; i < facts->unit->n_files; i++)
                diagnostics(facts, argument, &facts->unit->files[i]->diags);
        diagnostics(facts, argument, &facts->settings->diags);
        imm_array_foreach (l, idle_lines(facts)) {
                if (imm_strv_has(&argument->words, l->code))
                        add(facts, l->assignment->key, l->file->path, l->assignment->line,
                                l->confidence, l->why);
        }
        return facts->n_places > before;
}
