/* The list of units: which ones, in which order, and a line for each. */

#include "tui/model-private.h"

#include <ctype.h>

static const char *const sort_names[] = {
        [IMM_SORT_WORST] = "worst first",
        [IMM_SORT_NAME] = "name",
        [IMM_SORT_EXPOSURE] = "exposure",
        [IMM_SORT_REACH] = "reach",
        [IMM_SORT_FINDINGS] = "findings",
        [IMM_SORT_CHANGE] = "change",
};

static const char *const group_names[] = {
        [IMM_GROUP_NONE] = "not grouped",
        [IMM_GROUP_PACKAGE] = "by package",
        [IMM_GROUP_SLICE] = "by slice",
};

const char *imm_sort_name(enum imm_sort s) {
        return sort_names[s];
}

const char *imm_group_name(enum imm_grouping g) {
        return group_names[g];
}

uint8_t imm_tone_of_figure(int tenths) {
        return tenths < 0     ? IMM_STYLE_FAINT
               : tenths >= 75 ? IMM_STYLE_BAD
               : tenths >= 50 ? IMM_STYLE_FAIR
                              : IMM_STYLE_GOOD;
}

uint8_t imm_tone_of_severity(enum imm_severity s) {
        return s >= IMM_SEVERITY_HIGH     ? IMM_STYLE_BAD
               : s == IMM_SEVERITY_MEDIUM ? IMM_STYLE_FAIR
                                          : IMM_STYLE_FAINT;
}

uint8_t imm_tone_of_verdict(enum imm_verdict v) {
        return v == IMM_VERDICT_WORSE    ? IMM_STYLE_BAD
               : v == IMM_VERDICT_BETTER ? IMM_STYLE_GOOD
               : v == IMM_VERDICT_NEW    ? IMM_STYLE_FAIR
                                         : IMM_STYLE_FAINT;
}

static const char *setting(const struct imm_state *s, const char *name) {
        imm_array_foreach (i, &s->settings)
                if (imm_streq(i->name, name))
                        return i->value;
        return NULL;
}

static const char *group_of(const struct imm_tui *t, const struct imm_state *s) {
        const char *g = NULL;

        if (t->group == IMM_GROUP_PACKAGE)
                g = s->package;
        if (t->group == IMM_GROUP_SLICE)
                g = setting(s, "Slice");
        return g ? g : "";
}

static void count(const struct imm_tui *t, const struct imm_state *s, unsigned n[IMM_SEVERITY_N]) {
        const char *only = t->scorecard ? t->scorecards.v[t->scorecard - 1] : NULL;

        memset(n, 0, IMM_SEVERITY_N * sizeof(*n));
        imm_array_foreach (f, &s->findings)
                if (!f->suppressed && (!only || (f->scorecard && imm_streq(f->scorecard, only))))
                        n[f->severity]++;
}

static enum imm_verdict verdict_of(const struct imm_tui *t, const struct imm_state *s) {
        const struct imm_unit_difference *d =
                t->changes ? imm_difference_unit(t->changes, s->unit) : NULL;

        return d ? d->verdict : IMM_VERDICT_SAME;
}

/* What a row is sorted by, computed once per row: 5,000 rows are sorted between two key strokes */
struct sorted {
        const struct imm_state *s;
        const char *group;
        long key;
};

static long key_of(const struct imm_tui *t, const struct imm_state *s) {
        unsigned n[IMM_SEVERITY_N];
        long weight = 0;

        switch (t->sort) {
        case IMM_SORT_EXPOSURE:
                return s->exposure;
        case IMM_SORT_REACH:
                return s->reach;
        case IMM_SORT_CHANGE: {
                enum imm_verdict v = verdict_of(t, s);

                return v == IMM_VERDICT_WORSE    ? 4
                       : v == IMM_VERDICT_NEW    ? 3
                       : v == IMM_VERDICT_BETTER ? 2
                                                 : v != IMM_VERDICT_SAME;
        }
        case IMM_SORT_WORST:
        case IMM_SORT_FINDINGS:
                count(t, s, n);
                for (int i = IMM_SEVERITY_N - 1; i >= 0; i--)
                        weight = weight * 64 + (n[i] < 63 ? n[i] : 63);
                if (t->sort == IMM_SORT_WORST)
                        weight += ((long)(s->reach + 1) * 128 + (s->exposure + 1)) << 32;
                return weight;
        default:
                return 0;
        }
}

static int worst_first(const void *a, const void *b) {
        const struct sorted *x = a, *y = b;
        int r = strcmp(x->group, y->group);

        if (r == 0)
                r = (y->key > x->key) - (y->key < x->key);
        return r ? r : strcmp(x->s->unit, y->s->unit);
}

static bool contains(const char *text, const char *part) {
        for (; *text; text++) {
                size_t i = 0;

                while (part[i] &&
                        tolower((unsigned char)text[i]) == tolower((unsigned char)part[i]))
                        i++;
                if (!part[i])
                        return true;
        }
        return !*part;
}

static bool wanted(const struct imm_tui *t, const struct imm_state *s) {
        return contains(s->unit, t->filter) || (s->package && contains(s->package, t->filter));
}

void imm_tui_rows(struct imm_tui *t) {
        const struct imm_state *at = t->list.cursor < t->n_rows ? t->rows[t->list.cursor] : NULL;
        imm_auto_free struct sorted *w = NULL;
        size_t n = t->now ? t->now->states.n : 0, k = 0;

        free(t->rows);
        t->rows = imm_xcalloc(n, sizeof(const struct imm_state *));
        w = imm_xcalloc(n, sizeof(*w));
        for (size_t i = 0; i < n; i++) {
                const struct imm_state *s = t->now->states.v[i];

                if (wanted(t, s))
                        w[k++] = (struct sorted){s, group_of(t, s), key_of(t, s)};
        }
        if (k > 1)
                qsort(w, k, sizeof(*w), worst_first);
        t->n_rows = k;
        t->list.cursor = k == 0 ? 0 : t->list.cursor < k ? t->list.cursor : k - 1;
        for (size_t i = 0; i < k; i++) {
                t->rows[i] = w[t->reverse ? k - 1 - i : i].s;
                if (at && imm_streq(t->rows[i]->unit, at->unit))
                        t->list.cursor = i;
        }
}

/* A narrow screen keeps the name and the figures, then the findings, then the change. */
struct imm_list_columns imm_list_columns(int cols) {
        struct imm_list_columns w = {.figure = cols < 60 ? 6 : 9,
                .findings = cols < 50 ? 0 : 18,
                .change = cols < 70 ? 0 : 9};

        w.name = cols - 2 * w.figure - w.findings - w.change;
        if (w.name < 12)
                w.name = 12;
        return w;
}

static void figure(struct imm_line *l, struct imm_arena *a, int tenths, int width) {
        const char *text = imm_tenths_text(a, tenths);

        imm_line_add(l, text ? text : "–", imm_tone_of_figure(tenths), -width);
}

static const char *state_of(
        const struct imm_tui *t, const struct imm_state *s, enum imm_verdict v) {
        if (v != IMM_VERDICT_SAME)
                return imm_verdict_name(v);
        if (s->load && !imm_streq(s->load, "loaded"))
                return s->load;
        return t->group != IMM_GROUP_NONE ? group_of(t, s) : "";
}

void imm_tui_list_line(struct imm_tui *t, size_t at, struct imm_line *l) {
        static const char letters[] = "ilmhc";
        struct imm_list_columns w = imm_list_columns(t->canvas.cols);
        const struct imm_state *s = t->rows[at];
        enum imm_verdict v = verdict_of(t, s);
        struct imm_arena *a = t->lines_arena;
        unsigned n[IMM_SEVERITY_N];
        const char *counts = "";
        int worst = -1;

        *l = (struct imm_line){0};
        count(t, s, n);
        for (int i = IMM_SEVERITY_N - 1; i > IMM_SEVERITY_INFO; i--) {
                if (n[i] == 0)
                        continue;
                if (worst < 0)
                        worst = i;
                counts = imm_printf(a, "%s %u%c", counts, n[i], letters[i]);
        }
        imm_line_add(l, s->unit, IMM_STYLE_NORMAL, w.name);
        figure(l, a, s->exposure, w.figure);
        figure(l, a, s->reach, w.figure);
        if (w.findings)
                imm_line_add(l, counts,
                        worst < 0 ? IMM_STYLE_FAINT
                                  : imm_tone_of_severity((enum imm_severity)worst),
                        -w.findings);
        if (w.change)
                imm_line_add(l, state_of(t, s, v), imm_tone_of_verdict(v), -w.change);
}
