#include "rules/rules-private.h"

#include <jansson.h>

/*
 * The JSON policies of systemd-analyze(1) (--security-policy=): an object by check id; weight,
 * range and descriptions replace the rule's, weight 0 excludes it. What is no such thing is
 * ignored there, so it is here.
 */

static void set_text(struct imm_arena *a, json_t *item, const char *key, const char **to) {
        const char *text = json_string_value(json_object_get(item, key));

        if (text)
                *to = imm_strdup(a, text);
}

/* 100.0 is a whole number there too. */
static bool get_number(json_t *item, const char *key, uint64_t *ret) {
        const double most = 9223372036854775808.0;
        json_t *v = json_object_get(item, key);
        double real = json_is_real(v) ? json_real_value(v) : -1;

        if (json_is_integer(v) && json_integer_value(v) >= 0)
                *ret = (uint64_t)json_integer_value(v);
        else if (real >= 0 && real < most && (double)(uint64_t)real >= real)
                *ret = (uint64_t)real;
        else
                return false;
        return true;
}

static void apply_to(
        struct imm_rulebook *book, struct imm_rule *r, json_t *item, const char *path) {
        uint64_t n;

        if (get_number(item, "weight", &n)) {
                r->weight = n;
                r->excluded = n == 0;
        }
        /* below a unit's badness systemd-analyze aborts; here it is the worst that can be (judge.c)
         */
        if (get_number(item, "range", &n)) {
                if (n == 0)
                        imm_diag_add(book->arena, &book->diags, IMM_DIAG_ERROR, "broken-policy",
                                path, 0, NULL, "%s: a range of 0", r->id);
                else
                        r->range = n;
        }
        set_text(book->arena, item, "description_bad", &r->title);
        set_text(book->arena, item, "description_good", &r->good);
}

/* Of what is said twice the first counts there; the library would take the last. */
static json_t *load(char *text, size_t size, json_error_t *e) {
        enum { TWICE_MAX = 1000, LAST = 0x7f, FIRST = 0x7b };

        for (unsigned i = 0; i < TWICE_MAX; i++) {
                json_t *policy =
                        json_loadb(text, size, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, e);
                size_t end = e->position > 0 ? (size_t)e->position : 0;
                char *c;

                if (policy || json_error_code(e) != json_error_duplicate_key)
                        return policy;
                /* behind the closing quote of the key: its last letter becomes one of nobody's */
                if (end < 3 || end > size || text[end - 1] != '"')
                        return NULL;
                c = &text[end - 2];
                *c = *c > FIRST && *c != LAST ? (char)(*c - 1) : *c == LAST ? LAST - 1 : LAST;
        }
        return NULL;
}

void imm_policy_apply(struct imm_rulebook *book, struct imm_scorecard *card, const char *path,
        const char *text, size_t size) {
        json_error_t e;
        json_t *policy = load(imm_strndup(book->arena, text, size), size, &e);

        if (!policy) {
                imm_diag_add(book->arena, &book->diags, IMM_DIAG_ERROR, "broken-policy", path,
                        e.line > 0 ? (unsigned)e.line : 0, NULL, "no JSON: %s", e.text);
                return;
        }
        for (size_t i = 0; json_is_object(policy) && i < card->n_rules; i++) {
                json_t *item = json_object_get(policy, card->rules[i]->id);

                if (json_is_object(item))
                        apply_to(book, card->rules[i], item, path);
        }
        json_decref(policy);
}
