#include "rules/rules-private.h"

#include "analyzer/unit/syntax.h"

#include <errno.h>

/*
 * scorecard.conf: what a scorecard is called, whether it has a figure, its ratings, and the
 * instance that templates are judged through.
 */

static void mistake(struct imm_rulebook *book, const char *file, const struct imm_assignment *at,
        const char *problem) {
        imm_diag_add(book->arena, &book->diags, IMM_DIAG_ERROR, "broken-rule", file, at->line, NULL,
                "%s=%s in section [%s]: %s", at->key, at->value, at->section, problem);
}

/* "7.5" as tenths; -1 if it is no figure */
static int tenths(const char *s) {
        char *end;
        unsigned long whole = strtoul(s, &end, 10);

        if (end == s || *end != '.' || end[1] < '0' || end[1] > '9' || end[2] || whole > 10)
                return -1;
        return (int)(whole * 10) + end[1] - '0';
}

static int worst_first(const void *a, const void *b) {
        return (int)((const struct imm_rating *)b)->from -
               (int)((const struct imm_rating *)a)->from;
}

static void rating(struct imm_scorecard *card, struct imm_rulebook *book, const char *file,
        const struct imm_assignment *at) {
        int from = tenths(at->value);

        if (from < 0)
                mistake(book, file, at, "expected a figure such as 7.5");
        else
                card->ratings[card->n_ratings++] = (struct imm_rating){at->key, (unsigned)from};
}

/* [Instance] 252=i: from that version on */
static void instance(struct imm_rulebook *book, const char *file, const struct imm_assignment *at,
        unsigned long long *best) {
        unsigned long long since;

        if (!imm_parse_u64(at->key, &since))
                mistake(book, file, at, "expected VERSION=INSTANCE");
        else if (since <= book->version && since >= *best) {
                *best = since;
                book->stand_in = at->value;
        }
}

void imm_scorecard_build(struct imm_scorecard *card, const struct imm_rule_source *sources,
        size_t n_sources, struct imm_rulebook *book) {
        const struct imm_syntax syntax = {.version = book->version};
        unsigned long long best = 0;

        for (size_t i = 0; i < n_sources; i++) {
                struct imm_unit_file *f = imm_new(book->arena, struct imm_unit_file);
                struct imm_rating *more;

                f->path = sources[i].path;
                imm_syntax_parse(&syntax,
                        imm_strndup(book->arena, sources[i].text, sources[i].size), sources[i].size,
                        book->arena, f);
                more = imm_alloc_array(
                        book->arena, card->n_ratings + f->n_assignments, sizeof(*more));
                if (card->n_ratings > 0)
                        memcpy(more, card->ratings, card->n_ratings * sizeof(*more));
                card->ratings = more;
                for (size_t k = 0; k < f->n_assignments; k++) {
                        const struct imm_assignment *at = &f->assignments[k];

                        if (imm_streq(at->section, "Scorecard") && imm_streq(at->key, "Title"))
                                card->title = at->value;
                        else if (imm_streq(at->section, "Scorecard") && imm_streq(at->key, "Units"))
                                card->all_units = imm_streq(at->value, "all");
                        else if (imm_streq(at->section, "Ratings"))
                                rating(card, book, f->path, at);
                        else if (imm_streq(at->section, "Instance"))
                                instance(book, f->path, at, &best);
                        else
                                mistake(book, f->path, at, "unknown section or key");
                }
        }
        card->figure = card->n_ratings > 0;
        if (card->n_ratings > 1)
                qsort(card->ratings, card->n_ratings, sizeof(*card->ratings), worst_first);
}

void imm_scorecard_paths(
        const struct imm_scorecard *card, struct imm_arena *a, struct imm_strv *ret) {
        for (size_t i = 0; i < card->n_rules; i++)
                for (size_t k = 0; k < card->rules[i]->n_steps; k++) {
                        const struct imm_step *step = &card->rules[i]->steps[k];

                        for (size_t c = 0; c < step->n_clauses; c++) {
                                const struct imm_clause *clause = &step->clauses[c];

                                if (clause->condition->argument != IMM_ARGUMENT_PATHS)
                                        continue;
                                for (size_t w = 0; w < clause->argument.words.n; w++)
                                        if (!imm_is_of_home(clause->argument.words.v[w]))
                                                imm_strv_add(a, ret, clause->argument.words.v[w]);
                        }
                }
}
