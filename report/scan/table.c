#include "report/scan/scan.h"

#include <inttypes.h>

/* The scan as a table: worst first, as wide as its words. */

struct row {
        const struct imm_audited *u;
        const char *change;
        const struct imm_scan_closure *closure; /* NULL: unknown, or not asked for */
        const struct imm_judgement *exposure, *reach;
        const char *rating;
        unsigned counts[IMM_SEVERITY_N];
        size_t n_findings; /* worth mentioning: more than remarks */
};

enum {
        COLUMN_UNIT,
        COLUMN_EXPOSURE,
        COLUMN_RATING,
        COLUMN_REACH,
        COLUMN_FINDINGS,
        COLUMN_NEEDED,
        COLUMN_MISSING,
        COLUMN_EXCESS,
        COLUMN_CHANGE,
        COLUMN_N
};
static const char *const titles[COLUMN_N] = {
        "UNIT", "EXPOSURE", "RATING", "REACH", "FINDINGS", "NEEDED", "MISSING", "EXCESS", "CHANGE"};

struct table {
        const struct imm_audit *audit;
        const struct imm_scan_options *options;
        FILE *f;
        struct imm_arena *a;
        struct row *rows;
        bool has[COLUMN_N];
        const char *titles[COLUMN_N];
        size_t width[COLUMN_N];
};

/* ---- order ---- */

static int compare_figures(const struct imm_judgement *a, const struct imm_judgement *b) {
        int x = a ? a->figure : -1, y = b ? b->figure : -1;

        return y - x;
}

static int by_name(const struct row *a, const struct row *b) {
        return strcmp(a->u->unit->name, b->u->unit->name);
}

static int by_exposure(const void *p, const void *q) {
        const struct row *a = p, *b = q;
        int r = compare_figures(a->exposure, b->exposure);

        if (r == 0)
                r = compare_figures(a->reach, b->reach);
        return r ? r : by_name(a, b);
}

static int by_reach(const void *p, const void *q) {
        int r = compare_figures(((const struct row *)p)->reach, ((const struct row *)q)->reach);

        return r ? r : by_exposure(p, q);
}

static int by_findings(const void *p, const void *q) {
        const struct row *a = p, *b = q;

        for (int s = IMM_SEVERITY_N; s-- > 0;)
                if (a->counts[s] != b->counts[s])
                        return a->counts[s] < b->counts[s] ? 1 : -1;
        return by_exposure(p, q);
}

static int by_unit(const void *p, const void *q) {
        return by_name(p, q);
}

static void sort(struct table *t) {
        static int (*const order[IMM_SCAN_SORT_N])(const void *, const void *) = {
                [IMM_SCAN_BY_EXPOSURE] = by_exposure,
                [IMM_SCAN_BY_REACH] = by_reach,
                [IMM_SCAN_BY_FINDINGS] = by_findings,
                [IMM_SCAN_BY_NAME] = by_unit,
        };

        if (t->audit->n_units > 1)
                qsort(t->rows, t->audit->n_units, sizeof(*t->rows), order[t->options->sort]);
}

/* ---- cells ---- */

static const char *figure(struct table *t, const struct imm_judgement *j) {
        return j ? imm_tenths_text(t->a, j->figure) : "-";
}

static const char *findings(struct table *t, const struct row *r) {
        const char *text = NULL;

        for (int s = IMM_SEVERITY_N; s-- > IMM_SEVERITY_LOW;)
                if (r->counts[s] > 0)
                        text = imm_printf(t->a, "%s%s%u %s", text ? text : "", text ? ", " : "",
                                r->counts[s], imm_severity_name((enum imm_severity)s));
        return text ? text : "-";
}

static const char *rating(const struct row *r) {
        if (r->rating)
                return r->rating;
        if (r->u->partial && r->u->load != IMM_LOAD_LOADED)
                return "unreadable";
        return r->u->load == IMM_LOAD_LOADED ? "no process" : imm_load_name(r->u->load);
}

/* A figure of what the service sees; unknown where it has no view */
static const char *seen(struct table *t, const struct row *r, uint64_t n) {
        if (!r->closure)
                return "-";
        return r->closure->has_view ? imm_printf(t->a, "%" PRIu64, n) : "unknown";
}

static const char *cell(struct table *t, const struct row *r, int column) {
        switch (column) {
        case COLUMN_UNIT:
                return imm_text_escape(t->a, r->u->unit->name);
        case COLUMN_EXPOSURE:
                return figure(t, r->exposure);
        case COLUMN_RATING:
                return rating(r);
        case COLUMN_REACH:
                return figure(t, r->reach);
        case COLUMN_FINDINGS:
                return findings(t, r);
        case COLUMN_NEEDED:
                return r->closure ? imm_printf(t->a, "%" PRIu64, r->closure->needed) : "-";
        case COLUMN_MISSING:
                return seen(t, r, r->closure ? r->closure->missing : 0);
        case COLUMN_EXCESS:
                return seen(t, r, r->closure ? r->closure->excess : 0);
        default:
                return r->change ? r->change : "";
        }
}

static const char *tone(const struct table *t, const struct row *r, int column) {
        const struct imm_judgement *j = column == COLUMN_REACH ? r->reach : r->exposure;

        if (!t->options->color || column == COLUMN_UNIT || column > COLUMN_REACH)
                return "";
        if (!j)
                return r->u->load == IMM_LOAD_LOADED || r->u->load == IMM_LOAD_MASKED
                               ? "\033[90m"
                               : "\033[1;31m";
        return j->figure >= 90   ? "\033[1;31m"
               : j->figure >= 75 ? "\033[33m"
               : j->figure >= 50 ? ""
                                 : "\033[32m";
}

static bool to_the_right(int column) {
        return column == COLUMN_EXPOSURE || column == COLUMN_REACH ||
               (column >= COLUMN_NEEDED && column <= COLUMN_EXCESS);
}

static void put_line(struct table *t, const char *const cells[COLUMN_N], const struct row *r) {
        int last = COLUMN_N - 1;

        while (last > 0 && (!t->has[last] || !*cells[last]))
                last--;
        for (int c = 0; c <= last; c++) {
                size_t pad = t->width[c] - imm_text_width(cells[c]);
                const char *color = r ? tone(t, r, c) : t->options->color ? "\033[1m" : "";

                if (!t->has[c])
                        continue;
                if (to_the_right(c))
                        fprintf(t->f, "%*s", (int)pad, "");
                fprintf(t->f, "%s%s%s", color, cells[c], *color ? "\033[0m" : "");
                if (c < last)
                        fprintf(t->f, "%*s", to_the_right(c) ? 2 : (int)pad + 2, "");
        }
        putc('\n', t->f);
}

/* ---- the whole ---- */

static const struct imm_scorecard *card(const struct imm_audit *a, const char *name) {
        for (size_t i = 0; i < a->n_cards; i++)
                if (imm_streq(a->cards[i]->name, name))
                        return a->cards[i];
        return NULL;
}

/* The scorecard that units are ordered and rated by */
static const struct imm_scorecard *main_card(const struct imm_audit *a) {
        const struct imm_scorecard *systemd = card(a, "systemd");

        for (size_t i = 0; !systemd && i < a->n_cards; i++)
                if (a->cards[i]->figure && !imm_streq(a->cards[i]->name, "reach"))
                        return a->cards[i];
        return systemd;
}

/* Findings that are more than remarks can come of the scorecards asked for. */
static bool may_find(const struct imm_audit *a) {
        for (size_t i = 0; i < a->n_cards; i++)
                for (size_t k = 0; k < a->cards[i]->n_rules; k++)
                        if (a->cards[i]->rules[k]->severity > IMM_SEVERITY_INFO)
                                return true;
        return false;
}

static void fill(struct table *t) {
        const struct imm_audit *a = t->audit;
        const struct imm_scorecard *main = main_card(a);

        t->rows = imm_alloc_array(t->a, a->n_units, sizeof(*t->rows));
        for (size_t i = 0; i < a->n_units; i++) {
                struct row *r = &t->rows[i];

                *r = (struct row){.u = &a->units[i]};
                r->change = t->options->changes ? t->options->changes[i] : NULL;
                if (t->options->closures && t->options->closures[i].known)
                        r->closure = &t->options->closures[i];
                r->exposure = main ? imm_judgement_of(a, r->u, main->name) : NULL;
                r->reach = imm_judgement_of(a, r->u, "reach");
                r->rating = main ? imm_judgement_rating(main, r->exposure) : NULL;
                imm_findings_count(a, r->u, r->counts);
        }
        t->has[COLUMN_UNIT] = t->has[COLUMN_RATING] = true;
        t->has[COLUMN_EXPOSURE] = main;
        memcpy(t->titles, titles, sizeof(titles));
        if (main && !imm_streq(main->name, "systemd"))
                t->titles[COLUMN_EXPOSURE] = "FIGURE";
        t->has[COLUMN_REACH] = card(a, "reach");
        t->has[COLUMN_FINDINGS] = may_find(a);
        for (int c = COLUMN_NEEDED; c <= COLUMN_EXCESS; c++)
                t->has[c] = t->options->closures;
        t->has[COLUMN_CHANGE] = t->options->changes;
}

static void put_rows(struct table *t) {
        size_t n = t->audit->n_units;
        const char *(*cells)[COLUMN_N] = imm_alloc_array(t->a, n, sizeof(*cells));

        for (int c = 0; c < COLUMN_N; c++)
                t->width[c] = t->options->legend ? imm_text_width(t->titles[c]) : 0;
        for (size_t i = 0; i < n; i++)
                for (int c = 0; c < COLUMN_N; c++) {
                        size_t w;

                        cells[i][c] = cell(t, &t->rows[i], c);
                        w = imm_text_width(cells[i][c]);
                        if (w > t->width[c])
                                t->width[c] = w;
                }
        if (t->options->legend)
                put_line(t, t->titles, NULL);
        for (size_t i = 0; i < n; i++)
                put_line(t, cells[i], &t->rows[i]);
}

/* "12 units: 9 UNSAFE, 2 OK, 1 masked" */
static void put_summary(struct table *t) {
        const struct imm_manager *m = t->audit->manager;
        struct imm_strv words = {0};

        for (size_t i = 0; i < t->audit->n_units; i++)
                if (!imm_strv_has(&words, rating(&t->rows[i])))
                        imm_strv_add(t->a, &words, rating(&t->rows[i]));
        fprintf(t->f, "\n%zu %s", t->audit->n_units, t->audit->n_units == 1 ? "unit" : "units");
        for (size_t k = 0; k < words.n; k++) {
                size_t n = 0;

                for (size_t i = 0; i < t->audit->n_units; i++)
                        n += imm_streq(rating(&t->rows[i]), words.v[k]);
                fprintf(t->f, "%s %zu %s", k ? "," : ":", n, words.v[k]);
        }
        fprintf(t->f, "; judged as systemd %u does (%s)\n", m->version,
                imm_report_version_source(m));
}

static void put_not_analysed(struct table *t) {
        const struct imm_strv *l = &t->audit->manager->not_analysed;

        if (l->n > 0)
                fputs("Not analysed:\n", t->f);
        for (size_t i = 0; i < l->n; i++) {
                fputs("  ", t->f);
                imm_text_put(t->f, l->v[i]);
                putc('\n', t->f);
        }
}

void imm_report_table(const struct imm_audit *a, const struct imm_scan_options *o, FILE *f) {
        imm_cleanup(imm_arena_free) struct imm_arena *arena = imm_arena_new();
        struct table t = {.audit = a, .options = o, .f = f, .a = arena};

        fill(&t);
        sort(&t);
        put_rows(&t);
        if (!o->legend)
                return;
        put_summary(&t);
        put_not_analysed(&t);
}

const char *imm_report_version_source(const struct imm_manager *m) {
        switch (m->version_source) {
        case IMM_VERSION_ASKED:
                return "as asked for";
        case IMM_VERSION_ROOT:
                return m->version > IMM_VERSION_LATEST
                               ? "the root's own, newer than all that are known: as the newest is"
                       : m->version < IMM_VERSION_OLDEST
                               ? "the root's own, older than all that are known: as the oldest is"
                               : "the root's own";
        default:
                return "the root has none: the newest known";
        }
}
