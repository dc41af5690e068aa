/* What all views have in common: the audit they show, moving, searching, going in and back. */

#include "tui/model-private.h"

#include <ctype.h>
#include <stdarg.h>

void imm_tui_say(struct imm_tui *t, bool bad, const char *fmt, ...) {
        va_list ap;

        va_start(ap, fmt);
        t->message = imm_vprintf(t->arena, fmt, ap);
        va_end(ap);
        t->message_bad = bad;
}

void imm_tui_tell(struct imm_tui *t, bool bad, const char *text) {
        imm_tui_say(t, bad, "%s", text);
}

void imm_tui_set(char **to, const char *text) {
        char *fresh = imm_xstrdup(text);

        free(*to);
        *to = fresh;
}

void imm_tui_init(struct imm_tui *t, struct imm_tui_world world, int rows, int cols) {
        *t = (struct imm_tui){
                .arena = imm_arena_new(),
                .frame = imm_arena_new(),
                .lines_arena = imm_arena_new(),
                .world = world,
                .filter = imm_xstrdup(""),
                .search = imm_xstrdup(""),
                .input = imm_xstrdup(""),
                .folder = "/",
        };
        imm_canvas_resize(&t->canvas, rows, cols);
        imm_tui_rows(t);
}

void imm_tui_done(struct imm_tui *t) {
        imm_difference_free(t->changes);
        imm_canvas_done(&t->canvas);
        free(t->rows);
        free(t->counts);
        free(t->counted);
        free(t->filter);
        free(t->search);
        free(t->input);
        imm_arena_free(t->lines_arena);
        imm_arena_free(t->frame);
        imm_arena_free(t->arena);
}

/* ---- what is shown ---- */

static void compare(struct imm_tui *t) {
        t->changes = imm_difference_free(t->changes);
        /* units that are not analysed yet would count as changed */
        if (t->now && t->before && t->done == t->total)
                t->changes = imm_difference_of(t->before, t->now);
}

static void find_scorecards(struct imm_tui *t) {
        const char *chosen = t->scorecard ? t->scorecards.v[t->scorecard - 1] : NULL;
        const char *last = "";

        t->scorecards = (struct imm_strv){0};
        t->scorecard = 0;
        if (t->done < t->total) /* findings are still coming in */
                return;
        imm_array_foreach (s, &t->now->states)
                imm_array_foreach (f, &(*s)->findings) {
                        if (!f->scorecard || imm_streq(f->scorecard, last) ||
                                imm_strv_has(&t->scorecards, f->scorecard))
                                continue;
                        last = imm_strdup(t->arena, f->scorecard);
                        imm_strv_add(t->arena, &t->scorecards, last);
                }
        imm_strv_sort_unique(&t->scorecards);
        for (size_t i = 0; chosen && i < t->scorecards.n; i++)
                if (imm_streq(t->scorecards.v[i], chosen))
                        t->scorecard = i + 1;
}

static size_t card_of(const struct imm_tui *t, const char *name, size_t guess) {
        if (guess > 0 && imm_streq(t->scorecards.v[guess - 1], name))
                return guess;
        for (size_t i = 0; i < t->scorecards.n; i++)
                if (imm_streq(t->scorecards.v[i], name))
                        return i + 1;
        return 0;
}

static void count_one(const struct imm_tui *t, const struct imm_state *s, uint16_t *to) {
        size_t card = 0;

        memset(to, 0, t->n_cards * IMM_SEVERITY_N * sizeof(*to));
        imm_array_foreach (f, &s->findings) {
                if (f->suppressed)
                        continue;
                to[f->severity] += to[f->severity] < UINT16_MAX;
                card = f->scorecard && t->n_cards > 1 ? card_of(t, f->scorecard, card) : 0;
                if (card > 0)
                        to[card * IMM_SEVERITY_N + f->severity]++;
        }
}

/* Counted once a unit: lists of 5,000 are filled in and sorted between two key strokes */
static void count(struct imm_tui *t) {
        size_t cards = t->scorecards.n + 1, n = t->now->states.n;

        if (n != t->n_counted || cards != t->n_cards) {
                free(t->counts);
                free(t->counted);
                t->counts = imm_xcalloc(n * cards * IMM_SEVERITY_N, sizeof(*t->counts));
                t->counted = imm_xcalloc(n, sizeof(const struct imm_state *));
                t->n_counted = n;
                t->n_cards = cards;
        }
        for (size_t i = 0; i < n; i++)
                if (t->counted[i] != t->now->states.v[i]) {
                        t->counted[i] = t->now->states.v[i];
                        count_one(t, t->counted[i], t->counts + i * cards * IMM_SEVERITY_N);
                }
}

void imm_tui_audit(
        struct imm_tui *t, const struct imm_snapshot *now, unsigned done, unsigned total) {
        /* a cursor that nobody has moved stays on top, where the worst will be */
        bool first = !t->now || t->list.cursor == 0;

        t->now = now;
        t->done = done;
        t->total = total;
        find_scorecards(t);
        count(t);
        compare(t);
        imm_tui_rows(t);
        if (first)
                t->list = (struct imm_scroll){0};
}

void imm_tui_compare(struct imm_tui *t, const struct imm_snapshot *before, const char *name) {
        t->before = before;
        t->before_name = name ? imm_strdup(t->arena, name) : NULL;
        compare(t);
        imm_tui_rows(t);
        if (t->screen == IMM_SCREEN_UNIT)
                imm_unit_refresh(t);
}

void imm_tui_forget(struct imm_tui *t) {
        t->screen = IMM_SCREEN_LIST;
        t->prompt = IMM_PROMPT_NONE;
        t->state = t->as_is = NULL;
        t->lines = (imm_lines){0};
        t->changes = imm_difference_free(t->changes);
        t->now = t->before = NULL;
        t->n_rows = t->n_shown = t->n_counted = 0;
        t->list = (struct imm_scroll){0};
        t->before_id = 0;
        t->trials = NULL; /* what was tried stays in attempts: units may come back */
}

void imm_tui_resize(struct imm_tui *t, int rows, int cols) {
        imm_canvas_resize(&t->canvas, rows, cols);
        if (t->state)
                imm_unit_refresh(t);
}

/* ---- views ---- */

const struct imm_view *imm_tui_view(const struct imm_tui *t) {
        static const struct imm_view *const views[IMM_SCREEN_N] = {
#define VIEW(id, name) [IMM_SCREEN_##id] = &imm_view_##name,
                IMM_VIEWS(VIEW)
#undef VIEW
        };

        return views[t->screen];
}

char imm_tui_letter(const struct imm_tui *t) {
        static const char panes[IMM_PANE_N] = {
#define PANE(id, letter, title, function) [IMM_PANE_##id] = letter,
                IMM_PANES(PANE)
#undef PANE
        };
        char letter = imm_tui_view(t)->letter;

        return letter ? letter : panes[t->pane];
}

bool imm_tui_takes(const struct imm_tui *t, const char *where) {
        return strchr(where, 'A') || strchr(where, imm_tui_letter(t)) ||
               (t->screen == IMM_SCREEN_UNIT && strchr(where, 'U'));
}

/* ---- moving ---- */

static bool is_part(struct imm_tui *t, size_t at) {
        struct imm_line l = {0};

        imm_tui_view(t)->line(t, at, &l);
        return l.part;
}

/* Lines that belong to the one above are passed over, on in the direction of the move. */
static size_t landing(struct imm_tui *t, size_t from, size_t to, size_t n) {
        size_t at = to;

        if (to >= from)
                while (at < n && is_part(t, at))
                        at++;
        if (at == n)
                at = to;
        while (at > 0 && is_part(t, at))
                at--;
        return at;
}

void imm_tui_move(struct imm_tui *t, long by) {
        const struct imm_view *v = imm_tui_view(t);
        size_t n = v->count(t);
        struct imm_scroll *s = v->scroll(t);
        long to = (long)s->cursor + by;
        size_t at = n == 0 || to < 0 ? 0 : (size_t)to >= n ? n - 1 : (size_t)to;

        if (n > 0)
                s->cursor = landing(t, s->cursor, at, n);
        if (v->moved)
                v->moved(t);
}

/* ---- search ---- */

static bool contains(const char *text, const char *what) {
        size_t n = strlen(what);

        for (; *text; text++)
                if (strncasecmp(text, what, n) == 0)
                        return true;
        return n == 0;
}

static bool hit(struct imm_tui *t, size_t at, const char *what) {
        struct imm_line l = {0};

        imm_tui_view(t)->line(t, at, &l);
        for (unsigned i = 0; i < l.n_spans; i++)
                if (contains(l.spans[i].text, what))
                        return true;
        return false;
}

void imm_tui_find(struct imm_tui *t, long step, bool from_here) {
        const struct imm_view *v = imm_tui_view(t);
        const char *what = t->screen == IMM_SCREEN_LIST ? t->filter : t->search;
        size_t n = v->count(t), at = n ? v->scroll(t)->cursor : 0;

        if (!*what && t->screen != IMM_SCREEN_LIST) {
                imm_tui_say(t, true, "nothing was searched for yet: / does");
                return;
        }
        for (size_t i = from_here ? 0 : 1; n > 0 && i <= n; i++) {
                size_t k = step > 0 ? (at + i) % n : (at + n - i % n) % n;

                if (!hit(t, k, what))
                        continue;
                v->scroll(t)->cursor = landing(t, k + 1, k, n);
                if (is_part(t, k) && v->scroll(t)->cursor == at && !from_here)
                        continue; /* another line of the same thing */
                if (v->moved)
                        v->moved(t);
                return;
        }
        imm_tui_say(t, true, "'%s' is not here", what);
}

/* ---- runs ---- */

void imm_tui_compared_with(struct imm_tui *t, const struct imm_tui_run *run) {
        imm_err_auto err = IMM_ERR_INIT;
        const struct imm_snapshot *s = t->world.run(t->world.data, run->id, &err);

        if (!s) {
                imm_tui_say(t, true, "%s", imm_err_text(&err));
                return;
        }
        t->before_id = run->id;
        imm_tui_compare(t, s, imm_printf(t->arena, "run %lld", (long long)run->id));
}

static bool load_runs(struct imm_tui *t, bool quiet) {
        imm_err_auto err = IMM_ERR_INIT;
        int r = t->world.runs(t->world.data, t->arena, &t->runs, &t->n_runs, &err);

        if (quiet)
                return r >= 0 && t->n_runs > 0;
        if (r < 0)
                imm_tui_say(t, true, "%s", imm_err_text(&err));
        else if (t->n_runs == 0)
                imm_tui_say(t, true, "there is no run yet: immure record makes one");
        return r >= 0 && t->n_runs > 0;
}

void imm_tui_compare_newest(struct imm_tui *t) {
        if (load_runs(t, true))
                imm_tui_compared_with(t, &t->runs[0]);
}

/* The run before the one compared with; behind the oldest comes the newest again */
static void earlier(struct imm_tui *t) {
        size_t at = 0;

        if (!load_runs(t, false))
                return;
        while (at < t->n_runs && t->before_id && t->runs[at].id >= t->before_id)
                at++;
        if (at >= t->n_runs)
                at = 0;
        imm_tui_compared_with(t, &t->runs[at]);
        if (t->screen == IMM_SCREEN_UNIT)
                imm_unit_show(t, IMM_PANE_CHANGES);
        if (t->before)
                imm_tui_say(t, false, "compared with %s%s", t->runs[at].text,
                        t->n_runs == 1 ? ", the only one there is" : "");
}

static void choose_run(struct imm_tui *t) {
        if (!load_runs(t, false))
                return;
        t->below = t->screen;
        t->screen = IMM_SCREEN_RUNS;
        t->runs_scroll = (struct imm_scroll){0};
        for (size_t i = 0; i < t->n_runs; i++)
                if (t->runs[i].id == t->before_id)
                        t->runs_scroll.cursor = i;
}

/* ---- keys ---- */

static void back(struct imm_tui *t, int key) {
        const struct imm_view *v = imm_tui_view(t);

        if (v->back && v->back(t, key))
                return;
        if (t->screen == IMM_SCREEN_LIST)
                t->quit |= key == IMM_KEY_ESC || key == 'q';
        else if (t->screen == IMM_SCREEN_UNIT)
                t->screen = IMM_SCREEN_LIST;
        else
                t->screen = t->below;
}

static void next_scorecard(struct imm_tui *t) {
        if (t->scorecards.n == 0)
                return;
        t->scorecard = (t->scorecard + 1) % (t->scorecards.n + 1);
        imm_tui_arrange(t);
        if (t->screen == IMM_SCREEN_UNIT)
                imm_unit_show(t, IMM_PANE_FINDINGS);
        imm_tui_say(t, false, "findings of %s",
                t->scorecard ? t->scorecards.v[t->scorecard - 1] : "all scorecards");
}

static void find_prompt(struct imm_tui *t) {
        if (t->screen == IMM_SCREEN_LIST)
                imm_prompt_open(t, IMM_PROMPT_FILTER, t->filter);
        else
                imm_prompt_open(t, IMM_PROMPT_SEARCH, "");
}

/* How far the cursor moves; 0: the action is no move */
static long step_of(const struct imm_tui *t, enum imm_action action) {
        enum { TO_THE_END = 1000000000 };

        switch (action) {
        case IMM_ACTION_DOWN:
                return 1;
        case IMM_ACTION_UP:
                return -1;
        case IMM_ACTION_PAGE_DOWN:
                return (long)imm_tui_page(t);
        case IMM_ACTION_PAGE_UP:
                return -(long)imm_tui_page(t);
        case IMM_ACTION_TOP:
                return -TO_THE_END;
        case IMM_ACTION_BOTTOM:
                return TO_THE_END;
        default:
                return 0;
        }
}

void imm_tui_key(struct imm_tui *t, int key) {
        enum imm_action action;
        long step;

        t->message = NULL;
        imm_arena_reset(t->frame);
        if (t->prompt != IMM_PROMPT_NONE) {
                imm_prompt_key(t, key);
                return;
        }
        action = imm_action_of_key(key);
        if (action != IMM_ACTION_BACK)
                t->leaving = false;
        if (action == IMM_ACTION_NONE || !imm_tui_takes(t, imm_actions[action].where))
                return;
        step = step_of(t, action);
        if (step != 0) {
                imm_tui_move(t, step);
                return;
        }
        switch (action) {
        case IMM_ACTION_BACK:
        case IMM_ACTION_OUT:
                back(t, key);
                return;
        case IMM_ACTION_HELP:
                if (t->screen == IMM_SCREEN_LIST || t->screen == IMM_SCREEN_UNIT)
                        t->below = t->screen;
                t->screen = IMM_SCREEN_KEYS;
                return;
        case IMM_ACTION_FILTER:
                find_prompt(t);
                return;
        case IMM_ACTION_NEXT_HIT:
                imm_tui_find(t, 1, false);
                return;
        case IMM_ACTION_PREVIOUS_HIT:
                imm_tui_find(t, -1, false);
                return;
        case IMM_ACTION_COMPARE:
                earlier(t);
                return;
        case IMM_ACTION_RUNS:
                choose_run(t);
                return;
        case IMM_ACTION_SCORECARD:
                next_scorecard(t);
                return;
        case IMM_ACTION_RESCAN:
                t->wish = IMM_WISH_RESCAN;
                return;
        case IMM_ACTION_SCOPE:
                t->wish = IMM_WISH_SCOPE;
                return;
        case IMM_ACTION_REDRAW:
                t->wish = IMM_WISH_REDRAW;
                return;
        default:
                imm_tui_view(t)->act(t, action, key);
        }
}

void imm_tui_open(struct imm_tui *t, const char *unit) {
        for (size_t i = 0; i < t->n_rows; i++)
                if (t->rows[i].state && imm_streq(t->rows[i].state->unit, unit))
                        t->list.cursor = i;
        imm_unit_open(t, unit);
}

/* ---- the mouse ---- */

void imm_tui_click(struct imm_tui *t, int row, int col) {
        const struct imm_view *v = imm_tui_view(t);
        int head = imm_tui_head_rows(t);
        struct imm_scroll *s = v->scroll(t);
        size_t n = v->count(t), at;

        t->message = NULL;
        imm_arena_reset(t->frame);
        if (t->prompt != IMM_PROMPT_NONE)
                return;
        if (row == 1 && head == 2 && v->click)
                v->click(t, col);
        if (row < head || row - head >= (int)imm_tui_page(t))
                return;
        at = s->top + (size_t)(row - head);
        if (at >= n)
                return;
        at = landing(t, at + 1, at, n);
        if (at == s->cursor) {
                imm_tui_key(t, IMM_KEY_ENTER);
                return;
        }
        s->cursor = at;
        if (v->moved)
                v->moved(t);
}

void imm_tui_wheel(struct imm_tui *t, bool down) {
        imm_arena_reset(t->frame);
        if (t->prompt == IMM_PROMPT_NONE)
                imm_tui_move(t, down ? 3 : -3);
}
