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

/* The slice that systemd puts a service in that says none; instances share one */
static const char *slice_of(struct imm_arena *a, const struct imm_tui *t, const char *unit) {
        const char *at = strchr(unit, '@'),
                   *app = t->scope && !imm_streq(t->scope, "system") ? "app" : "system";

        return at ? imm_printf(a, "%s-%.*s.slice", app, (int)(at - unit), unit)
                  : imm_printf(a, "%s.slice", app);
}

static const char *group_of(struct imm_tui *t, const struct imm_state *s) {
        const char *g = NULL;

        if (t->group == IMM_GROUP_PACKAGE)
                g = s->package ? s->package : "no package";
        if (t->group == IMM_GROUP_SLICE) {
                g = setting(s, "Slice");
                if (!g || !*g)
                        g = slice_of(t->frame, t, s->unit);
        }
        return g ? g : "";
}

static enum imm_verdict verdict_of(const struct imm_tui *t, const struct imm_state *s) {
        const struct imm_unit_difference *d =
                t->changes ? imm_difference_unit(t->changes, s->unit) : NULL;

        return d ? d->verdict : IMM_VERDICT_SAME;
}

static bool tried(const struct imm_tui *t, const struct imm_state *s) {
        const imm_trials *trials = imm_map_get(&t->attempts, imm_trial_key(t, s->unit));

        return trials && trials->n > 0;
}

/* What a row is sorted by, computed once per row: 5,000 rows are sorted between two key strokes */
struct sorted {
        const struct imm_state *s;
        const uint16_t *counts;
        const char *group;
        long key;
};

static long key_of(const struct imm_tui *t, const struct imm_state *s, const uint16_t *n) {
        static const int order[] = {[IMM_VERDICT_WORSE] = 5,
                [IMM_VERDICT_NEW] = 4,
                [IMM_VERDICT_BETTER] = 3,
                [IMM_VERDICT_CHANGED] = 2,
                [IMM_VERDICT_GONE] = 1};
        long weight = 0, figures = (long)(s->reach + 1) * 128 + (s->exposure + 1);

        switch (t->sort) {
        case IMM_SORT_EXPOSURE:
                return s->exposure;
        case IMM_SORT_REACH:
                return s->reach;
        case IMM_SORT_CHANGE:
                return order[verdict_of(t, s)];
        case IMM_SORT_WORST:
        case IMM_SORT_FINDINGS:
                for (int i = IMM_SEVERITY_N - 1; i >= 0; i--)
                        weight = weight * 64 + (n[i] < 63 ? n[i] : 63);
                if (t->sort == IMM_SORT_FINDINGS)
                        return weight;
                /* of one scorecard, what it found; else the figures */
                return t->scorecard ? weight << 16 | figures : figures << 32 | weight;
        default:
                return 0;
        }
}

static int compare(const void *a, const void *b) {
        const struct sorted *x = a, *y = b;
        int r = (y->key > x->key) - (y->key < x->key);

        return r ? r : strcmp(x->s->unit, y->s->unit);
}

static int reversed(const void *a, const void *b) {
        return -compare(a, b);
}

static int by_group(const void *a, const void *b) {
        const struct sorted *const *x = a, *const *y = b;
        int r = strcmp((*x)->group, (*y)->group);

        return r ? r : (*x > *y) - (*x < *y); /* in a group, as they are sorted */
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

/* Rows of groups, each behind its head; of a folded one the head alone */
static void grouped(struct imm_tui *t, const struct sorted *w, size_t n) {
        imm_auto_free const struct sorted **order = imm_xcalloc(n, sizeof(struct sorted *));

        for (size_t i = 0; i < n; i++)
                order[i] = &w[i];
        if (n > 1)
                qsort(order, n, sizeof(struct sorted *), by_group);
        for (size_t i = 0, end; i < n; i = end) {
                const char *name = imm_strdup(t->arena, order[i]->group);

                for (end = i; end < n && imm_streq(order[end]->group, order[i]->group); end++)
                        ;
                t->rows[t->n_rows++] = (struct imm_row){.group = name, .n = end - i};
                for (size_t k = i; k < end && !imm_map_get(&t->folded_groups, name); k++)
                        t->rows[t->n_rows++] =
                                (struct imm_row){order[k]->s, order[k]->counts, name, 0};
        }
}

/* Units that the run compared with had and that are there no more: behind all others, unless it
 * is the change that one looks for */
static size_t add_gone(struct imm_tui *t, struct sorted *w) {
        static const uint16_t none[IMM_SEVERITY_N];
        bool in_order = t->sort == IMM_SORT_NAME || t->sort == IMM_SORT_CHANGE;
        size_t n = 0;

        if (t->changes)
                imm_array_foreach (p, &t->changes->units) {
                        const struct imm_state *s = (*p)->before;

                        if ((*p)->verdict == IMM_VERDICT_GONE && wanted(t, s))
                                w[n++] = (struct sorted){s, none, group_of(t, s),
                                        in_order ? key_of(t, s, none) : -1};
                }
        return n;
}

void imm_tui_rows(struct imm_tui *t) {
        const struct imm_state *at = t->rows ? imm_tui_selected(t) : NULL;
        const char *unit = at ? imm_strdup(t->frame, at->unit) : NULL;
        imm_auto_free struct sorted *w = NULL;
        size_t n = t->now ? t->now->states.n : 0, k = 0, cards = t->scorecards.n + 1,
               most = n + (t->changes ? t->changes->counts[IMM_VERDICT_GONE] : 0);

        free(t->rows);
        t->rows = imm_xcalloc(2 * most, sizeof(*t->rows));
        t->n_rows = 0;
        w = imm_xcalloc(most, sizeof(*w));
        for (size_t i = 0; i < n; i++) {
                const struct imm_state *s = t->now->states.v[i];
                const uint16_t *counts = t->counts + (i * cards + t->scorecard) * IMM_SEVERITY_N;

                if (wanted(t, s))
                        w[k++] = (struct sorted){s, counts, group_of(t, s), key_of(t, s, counts)};
        }
        t->n_shown = k;
        k += add_gone(t, w + k);
        if (k > 1)
                qsort(w, k, sizeof(*w), t->reverse ? reversed : compare);
        if (t->group != IMM_GROUP_NONE)
                grouped(t, w, k);
        else
                for (size_t i = 0; i < k; i++)
                        t->rows[t->n_rows++] =
                                (struct imm_row){.state = w[i].s, .counts = w[i].counts};
        if (t->list.cursor >= t->n_rows)
                t->list.cursor = t->n_rows ? t->n_rows - 1 : 0;
        for (size_t i = 0; unit && i < t->n_rows; i++)
                if (t->rows[i].state && imm_streq(t->rows[i].state->unit, unit)) {
                        t->list.cursor = i;
                        break;
                }
}

void imm_tui_arrange(struct imm_tui *t) {
        bool top = t->list.cursor == 0;

        imm_tui_rows(t);
        if (top)
                t->list = (struct imm_scroll){0};
}

const struct imm_state *imm_tui_selected(const struct imm_tui *t) {
        return t->list.cursor < t->n_rows ? t->rows[t->list.cursor].state : NULL;
}

/* ---- how it looks ---- */

/* A narrow screen keeps the name and the figures, then the findings, then the change. */
static const struct column {
        const char *title, *brief;
        enum imm_sort sort;
        int width, narrow; /* 0: what the others leave; narrow: below 60 columns, 0: not there */
        int from;          /* columns of the screen that it needs */
} columns[] = {
        {"UNIT", "UNIT", IMM_SORT_NAME, 0, 0, 0},
        {"EXPOSURE", "EXP", IMM_SORT_EXPOSURE, 9, 6, 0},
        {"REACH", "REACH", IMM_SORT_REACH, 9, 6, 0},
        {"FINDINGS", "FINDINGS", IMM_SORT_FINDINGS, 16, 16, 50},
        {"CHANGE", "CHANGE", IMM_SORT_CHANGE, 13, 13, 70},
};

static int width_of(const struct imm_tui *t, const struct column *c) {
        int cols = t->canvas.cols, rest = cols;

        if (cols < c->from)
                return 0;
        if (c->width)
                return cols < 60 ? c->narrow : c->width;
        for (size_t i = 1; i < IMM_ELEMENTSOF(columns); i++)
                rest -= width_of(t, &columns[i]);
        return rest < 12 ? 12 : rest;
}

/* The order, the groups, what is compared with: as much of it as there is room for */
static const char *order(const struct imm_tui *t, int room) {
        const char *s =
                imm_printf(t->frame, "%s%s", sort_names[t->sort], t->reverse ? " reversed" : "");
        const char *more[] = {t->group ? group_names[t->group] : NULL,
                t->before_name ? imm_printf(t->frame, "compared with %s", t->before_name) : NULL};

        for (size_t i = 0; i < IMM_ELEMENTSOF(more); i++) {
                const char *longer = more[i] ? imm_printf(t->frame, "%s, %s", s, more[i]) : s;

                if ((int)imm_text_width(longer) <= room)
                        s = longer;
        }
        return s;
}

static void title(struct imm_tui *t, const char **left, const char **right) {
        const char *place = !t->now                         ? ""
                            : t->now->host && *t->now->host ? t->now->host
                                                            : t->now->root;
        size_t gone = t->changes ? t->changes->counts[IMM_VERDICT_GONE] : 0;

        *left = imm_printf(t->frame, "immure  %s%s%s  %zu of %zu units%s%s%s%s%s",
                place ? place : "", t->scope && !imm_streq(t->scope, "system") ? "  " : "",
                t->scope && !imm_streq(t->scope, "system") ? t->scope : "", t->n_shown,
                t->now ? t->now->states.n : 0, gone ? imm_printf(t->frame, ", %zu gone", gone) : "",
                *t->filter ? "  filter: " : "", t->filter, t->scorecard ? "  scorecard: " : "",
                t->scorecard ? t->scorecards.v[t->scorecard - 1] : "");
        *right = t->done < t->total ? imm_printf(t->frame, "analysing: %u of %u", t->done, t->total)
                                    : order(t, t->canvas.cols - (int)imm_text_width(*left) - 4);
}

static void head(struct imm_tui *t) {
        struct imm_line l = {0};

        for (size_t i = 0; i < IMM_ELEMENTSOF(columns); i++) {
                int width = width_of(t, &columns[i]);

                bool by = t->sort == columns[i].sort;
                const char *sign = !by || t->canvas.cols < 60 ? ""
                                   : t->reverse == (i == 0)   ? "▾"
                                                              : "▴"; /* names: a to z */

                if (width)
                        imm_line_add(&l,
                                imm_printf(t->frame, "%s%s%s", i ? sign : "",
                                        t->canvas.cols < 60 ? columns[i].brief : columns[i].title,
                                        i ? "" : sign),
                                by ? IMM_STYLE_KEY : IMM_STYLE_FAINT, i ? -width : width);
        }
        imm_draw_line(&t->canvas, 1, &l);
}

/* A click on a column's title sorts by it, another one turns it around */
static void click(struct imm_tui *t, int col) {
        int at = 0;

        for (size_t i = 0; i < IMM_ELEMENTSOF(columns); i++) {
                at += width_of(t, &columns[i]);
                if (col >= at)
                        continue;
                t->reverse = t->sort == columns[i].sort && !t->reverse;
                t->sort = columns[i].sort;
                imm_tui_arrange(t);
                return;
        }
}

static void figure(struct imm_line *l, struct imm_arena *a, int tenths, int width) {
        const char *text = imm_tenths_text(a, tenths);

        imm_line_add(l, text ? text : "–", imm_tone_of_figure(tenths), -width);
}

static const char *state_of(
        const struct imm_tui *t, const struct imm_state *s, enum imm_verdict v) {
        if (tried(t, s))
                return "tried";
        if (v != IMM_VERDICT_SAME)
                return imm_verdict_name(v);
        return s->load && !imm_streq(s->load, "loaded") ? s->load : "";
}

static void unit_line(struct imm_tui *t, const struct imm_row *r, struct imm_line *l) {
        static const char letters[] = "ilmhc";
        const struct imm_state *s = r->state;
        enum imm_verdict v = verdict_of(t, s);
        const uint16_t *n = r->counts;
        bool gone = v == IMM_VERDICT_GONE;
        const char *counts = "";
        int worst = -1, width;

        for (int i = IMM_SEVERITY_N - 1; i > IMM_SEVERITY_INFO; i--) {
                if (n[i] == 0)
                        continue;
                if (worst < 0)
                        worst = i;
                counts = imm_printf(t->frame, "%s %u%c", counts, n[i], letters[i]);
        }
        imm_line_add(
                l, s->unit, gone ? IMM_STYLE_FAINT : IMM_STYLE_NORMAL, width_of(t, &columns[0]));
        figure(l, t->frame, gone ? -1 : s->exposure, width_of(t, &columns[1]));
        figure(l, t->frame, gone ? -1 : s->reach, width_of(t, &columns[2]));
        width = width_of(t, &columns[3]);
        if (width)
                imm_line_add(l, counts,
                        worst < 0 ? IMM_STYLE_FAINT
                                  : imm_tone_of_severity((enum imm_severity)worst),
                        -width);
        width = width_of(t, &columns[4]);
        if (width)
                imm_line_add(l, state_of(t, s, v), imm_tone_of_verdict(v), -width);
}

static void line(struct imm_tui *t, size_t at, struct imm_line *l) {
        const struct imm_row *r = &t->rows[at];

        if (r->state)
                unit_line(t, r, l);
        else
                imm_line_add(l,
                        imm_printf(t->frame, "%s%s  %zu unit%s",
                                imm_map_get(&t->folded_groups, r->group) ? "▸ " : "▾ ", r->group,
                                r->n, r->n == 1 ? "" : "s"),
                        IMM_STYLE_STRONG, 0);
}

/* What the unit is, where the list has no room for it */
static const char *note(struct imm_tui *t) {
        const struct imm_state *s = imm_tui_selected(t);
        const char *what = s ? setting(s, "Description") : NULL;

        if (t->n_rows == 0)
                return *t->filter ? "nothing matches the filter; Esc takes it away" : "no units";
        if (!s)
                return NULL;
        if (verdict_of(t, s) == IMM_VERDICT_GONE)
                return imm_printf(t->frame, "gone: it was there in %s%s%s", t->before_name,
                        s->path ? ", " : "", s->path ? s->path : "");
        if (s->load_message)
                return s->load_message;
        return imm_printf(t->frame, "%s%s%s%s%s", what ? what : "", what && s->path ? "  " : "",
                s->path ? s->path : "", s->package && (what || s->path) ? "  " : "",
                s->package ? s->package : "");
}

/* ---- what keys do ---- */

static void fold(struct imm_tui *t, const char *group, bool yes) {
        imm_map_put(t->arena, &t->folded_groups, group, yes ? (void *)(uintptr_t)1 : NULL);
}

static void fold_one(struct imm_tui *t) {
        const char *group = t->list.cursor < t->n_rows ? t->rows[t->list.cursor].group : NULL;

        if (!group)
                return;
        fold(t, group, !imm_map_get(&t->folded_groups, group));
        imm_tui_rows(t);
        for (size_t i = 0; i < t->n_rows; i++)
                if (!t->rows[i].state && imm_streq(t->rows[i].group, group))
                        t->list.cursor = i;
}

static void fold_all(struct imm_tui *t) {
        bool open = false;

        for (size_t i = 0; i < t->n_rows; i++)
                open |= t->rows[i].state != NULL;
        for (size_t i = 0; i < t->n_rows; i++)
                if (!t->rows[i].state)
                        fold(t, t->rows[i].group, open);
        imm_tui_rows(t);
}

static void act(struct imm_tui *t, enum imm_action action, int key) {
        const struct imm_state *s = imm_tui_selected(t);

        (void)key;
        switch (action) {
        case IMM_ACTION_OPEN:
                if (s && verdict_of(t, s) == IMM_VERDICT_GONE)
                        imm_tui_say(t, true, "'%s' is gone: there is nothing to look at", s->unit);
                else if (s)
                        imm_unit_open(t, s->unit);
                else
                        fold_one(t);
                break;
        case IMM_ACTION_SORT:
                t->sort = (t->sort + 1) % IMM_SORT_N;
                imm_tui_arrange(t);
                break;
        case IMM_ACTION_REVERSE:
                t->reverse = !t->reverse;
                imm_tui_arrange(t);
                break;
        case IMM_ACTION_GROUP:
                t->group = (t->group + 1) % IMM_GROUP_N;
                imm_tui_rows(t);
                break;
        case IMM_ACTION_FOLD:
                fold_one(t);
                break;
        case IMM_ACTION_FOLD_ALL:
                fold_all(t);
                break;
        default:
                break;
        }
}

/* What was tried and not written goes with the review: it is said once before */
static bool asked_before(struct imm_tui *t) {
        const char *one = NULL;
        size_t n = 0;

        imm_array_foreach (e, &t->attempts)
                if (((const imm_trials *)e->value)->n > 0) {
                        one = e->key;
                        n++;
                }
        if (n == 0 || t->leaving)
                return true;
        t->leaving = true;
        imm_tui_say(t, true, "what you tried on %s is not written: once more leaves without it",
                n == 1 ? strchr(one, '/') + 1 : imm_printf(t->frame, "%zu units", n));
        return false;
}

/* Esc takes the filter away before it quits */
static bool back(struct imm_tui *t, int key) {
        if (*t->filter && key == IMM_KEY_ESC) {
                imm_tui_set(&t->filter, "");
                imm_tui_rows(t);
                return true;
        }
        return (key == IMM_KEY_ESC || key == 'q') && !asked_before(t);
}

static size_t rows(const struct imm_tui *t) {
        return t->n_rows;
}

static struct imm_scroll *scroll(struct imm_tui *t) {
        return &t->list;
}

const struct imm_view imm_view_list = {
        .letter = 'L',
        .title = title,
        .head = head,
        .count = rows,
        .scroll = scroll,
        .line = line,
        .note = note,
        .act = act,
        .back = back,
        .click = click,
};
