/*
 * Who judged. A run and a report say which immure made them and by which rules. What another immure
 * or another rule says of a unit is no news of the unit: it is told, and is neither better nor
 * worse. Where one side does not say, it is taken for the same.
 */

#include "audit/difference-private.h"

/* The rule of a line "SCORECARD/RULE DIGEST" */
static const char *rule_of(struct imm_arena *a, const char *line) {
        return imm_strndup(a, line, strcspn(line, " "));
}

void imm_judges_compare(struct imm_arena *arena, const struct imm_snapshot *a,
        const struct imm_snapshot *b, struct imm_judges *ret) {
        size_t i = 0, k = 0;

        *ret = (struct imm_judges){.before = a->immure, .after = b->immure};
        ret->other_immure = a->immure && b->immure && !imm_streq(a->immure, b->immure);
        if (a->rules.n == 0 || b->rules.n == 0)
                return;
        while (i < a->rules.n || k < b->rules.n) {
                int r = i == a->rules.n   ? 1
                        : k == b->rules.n ? -1
                                          : strcmp(a->rules.v[i], b->rules.v[k]);

                if (r < 0)
                        imm_strv_add(arena, &ret->rules, rule_of(arena, a->rules.v[i]));
                if (r > 0)
                        imm_strv_add(arena, &ret->rules, rule_of(arena, b->rules.v[k]));
                i += r <= 0;
                k += r >= 0;
        }
        imm_strv_sort_unique(&ret->rules);
}

bool imm_judges_agree(const struct imm_judges *j, const char *card, const char *rule) {
        size_t n;

        if (j->other_immure)
                return false;
        n = card ? strlen(card) : 0;
        for (size_t i = 0; n > 0 && i < j->rules.n; i++)
                if (strncmp(j->rules.v[i], card, n) == 0 && j->rules.v[i][n] == '/' &&
                        (!rule || imm_streq(j->rules.v[i] + n + 1, rule)))
                        return false;
        return true;
}

const char *imm_judges_note(const struct imm_judges *j, struct imm_arena *a) {
        enum { NAMED = 3 };
        const char *names = "";

        if (j->other_immure)
                return imm_printf(a,
                        "judged by immure %s, before by %s: findings, checks and figures that "
                        "differ count as changed, neither better nor worse",
                        j->after, j->before);
        if (j->rules.n == 0)
                return NULL;
        for (size_t i = 0; i < j->rules.n && i < NAMED; i++)
                names = imm_printf(a, "%s%s%s", names, i ? ", " : "", j->rules.v[i]);
        return imm_printf(a,
                "%zu %s not as before (%s%s): what %s counts as changed, neither better nor worse",
                j->rules.n, j->rules.n == 1 ? "rule is" : "rules are", names,
                j->rules.n > NAMED ? ", …" : "", j->rules.n == 1 ? "it finds" : "they find");
}

void imm_judges_json(const struct imm_judges *j, struct imm_json *to) {
        if (!j->other_immure && j->rules.n == 0) {
                imm_json_null(to, "judges");
                return;
        }
        imm_json_object(to, "judges");
        imm_json_string(to, "before", j->before);
        imm_json_string(to, "after", j->after);
        imm_json_array(to, "rules");
        for (size_t i = 0; i < j->rules.n; i++)
                imm_json_string(to, NULL, j->rules.v[i]);
        imm_json_end(to);
        imm_json_end(to);
}
