/* Drawing: a title bar, the lines that fit, a prompt or a message, the keys. */

#include "tui/model-private.h"

enum { LIST_HEAD = 2, UNIT_HEAD = 2, FOOT = 2, REASONS_MAX = 6 };

static void bar(struct imm_canvas *c, int row, const char *left, const char *right) {
        int n = (int)imm_text_width(right);

        imm_canvas_fill(c, row, 0, c->cols, IMM_STYLE_TITLE);
        imm_canvas_put(c, row, 0, c->cols, IMM_STYLE_TITLE, left);
        if (n > 0 && n < c->cols)
                imm_canvas_put(c, row, c->cols - n, n, IMM_STYLE_TITLE, right);
}

static void draw_line(struct imm_canvas *c, int row, const struct imm_line *l) {
        int col = 0;

        for (unsigned i = 0; i < l->n_spans; i++) {
                const struct imm_span *s = &l->spans[i];
                int room = s->width < 0 ? -s->width : s->width, used = (int)imm_text_width(s->text);
                int start = col;

                if (s->width < 0 && used < room)
                        col += room - used;
                col = imm_canvas_put(
                        c, row, col, room ? room - (col - start) : c->cols, s->style, s->text);
                if (room)
                        col = start + room;
        }
}

/* Keeps the cursor in sight; @height rows */
static void scroll_to(struct imm_scroll *s, size_t n, int height) {
        size_t h = height > 0 ? (size_t)height : 1;

        if (s->cursor < s->top)
                s->top = s->cursor;
        if (s->cursor >= s->top + h)
                s->top = s->cursor - h + 1;
        if (s->top > 0 && s->top + h > n)
                s->top = n > h ? n - h : 0;
}

static void draw_list(struct imm_tui *t) {
        struct imm_canvas *c = &t->canvas;
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        const char *title, *state;
        struct imm_list_columns w = imm_list_columns(c->cols);
        struct imm_line head = {0};
        int height = c->rows - LIST_HEAD - FOOT;

        imm_arena_free(t->lines_arena);
        t->lines_arena = imm_arena_new();
        title = imm_printf(a, " immure  %s  %zu of %zu units%s%s%s%s",
                t->now && t->now->host ? t->now->host : "", t->n_rows,
                t->now ? t->now->states.n : 0, *t->filter ? "  filter: " : "", t->filter,
                t->scorecard ? "  scorecard: " : "",
                t->scorecard ? t->scorecards.v[t->scorecard - 1] : "");
        state = t->done < t->total
                        ? imm_printf(a, "analysing %u of %u ", t->done, t->total)
                        : imm_printf(a, "%s%s%s%s%s ", imm_sort_name(t->sort),
                                  t->reverse ? " reversed" : "", t->group ? ", " : "",
                                  t->group ? imm_group_name(t->group) : "",
                                  t->before_name
                                          ? imm_printf(a, ", compared with %s", t->before_name)
                                          : "");
        bar(c, 0, title, state);
        imm_line_add(&head, "UNIT", IMM_STYLE_FAINT, w.name);
        imm_line_add(&head, w.figure < 9 ? "EXP" : "EXPOSURE", IMM_STYLE_FAINT, -w.figure);
        imm_line_add(&head, "REACH", IMM_STYLE_FAINT, -w.figure);
        if (w.findings)
                imm_line_add(&head, "FINDINGS", IMM_STYLE_FAINT, -w.findings);
        if (w.change)
                imm_line_add(&head, "CHANGE", IMM_STYLE_FAINT, -w.change);
        draw_line(c, 1, &head);
        scroll_to(&t->list, t->n_rows, height);
        for (int i = 0; i < height && t->list.top + (size_t)i < t->n_rows; i++) {
                struct imm_line l;

                imm_tui_list_line(t, t->list.top + (size_t)i, &l);
                draw_line(c, LIST_HEAD + i, &l);
                if (t->list.top + (size_t)i == t->list.cursor)
                        imm_canvas_select(c, LIST_HEAD + i);
        }
        if (t->n_rows == 0)
                imm_canvas_put(c, LIST_HEAD, 1, c->cols - 1, IMM_STYLE_FAINT,
                        *t->filter ? "no unit matches the filter (Esc takes it away)" : "no units");
}

static void draw_tabs(struct imm_tui *t) {
        static const char *const titles[] = {
#define PANE(id, title, function) [IMM_PANE_##id] = title,
                IMM_PANES(PANE)
#undef PANE
        };
        struct imm_canvas *c = &t->canvas;
        int col = 1, first = 0;

        /* on a narrow screen the tabs start so that the current one is there */
        for (int i = 0, w = 0; i <= (int)t->pane; i++) {
                w += (int)strlen(titles[i]) + 2;
                while (w > c->cols - 2 && first < i)
                        w -= (int)strlen(titles[first++]) + 2;
        }
        for (int i = first; i < IMM_PANE_N && col < c->cols; i++) {
                uint8_t style =
                        i == (int)t->pane ? IMM_STYLE_STRONG | IMM_STYLE_SELECTED : IMM_STYLE_FAINT;

                col = imm_canvas_put(c, 1, col, c->cols - col, style, titles[i]) + 2;
        }
}

static void draw_lines(struct imm_tui *t, int top, int height, struct imm_scroll *s) {
        scroll_to(s, t->lines.n, height);
        for (int i = 0; i < height && s->top + (size_t)i < t->lines.n; i++) {
                draw_line(&t->canvas, top + i, &t->lines.v[s->top + (size_t)i]);
                if (s->top + (size_t)i == s->cursor)
                        imm_canvas_select(&t->canvas, top + i);
        }
}

static void draw_unit(struct imm_tui *t) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        struct imm_canvas *c = &t->canvas;
        const struct imm_state *s = t->state, *was = t->as_is;
        int reasons = t->pane == IMM_PANE_ACCESS ? (int)t->reasons.n : 0;
        const char *figures;

        if (reasons > REASONS_MAX)
                reasons = REASONS_MAX;
        if (reasons > (c->rows - 6) / 2)
                reasons = (c->rows - 6) / 2 > 0 ? (c->rows - 6) / 2 : 0;
        figures = imm_printf(a, "exposure %s  reach %s ", imm_tenths_text(a, s->exposure) ?: "–",
                imm_tenths_text(a, s->reach) ?: "–");
        if (s != was)
                figures = imm_printf(a, "exposure %s → %s  reach %s → %s ",
                        imm_tenths_text(a, was->exposure) ?: "–",
                        imm_tenths_text(a, s->exposure) ?: "–",
                        imm_tenths_text(a, was->reach) ?: "–", imm_tenths_text(a, s->reach) ?: "–");
        bar(c, 0, imm_printf(a, " %s%s", was->unit, t->trials.n ? "  [what if]" : ""), figures);
        draw_tabs(t);
        draw_lines(t, UNIT_HEAD, c->rows - UNIT_HEAD - FOOT - (reasons ? reasons + 1 : 0),
                &t->scroll[t->pane]);
        for (int i = 0; i < reasons; i++)
                imm_canvas_put(c, c->rows - FOOT - reasons + i, 1, c->cols - 1,
                        i == 0 ? IMM_STYLE_STRONG : IMM_STYLE_NORMAL, t->reasons.v[i]);
}

static void draw_file(struct imm_tui *t) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        struct imm_canvas *c = &t->canvas;
        int height = c->rows - 1 - FOOT;
        struct imm_scroll *s = &t->file_scroll;

        bar(c, 0, imm_printf(a, " %s", t->file_path),
                imm_printf(a, "line %zu of %zu ", s->cursor + 1, t->file_lines.n));
        scroll_to(s, t->file_lines.n, height);
        for (int i = 0; i < height && s->top + (size_t)i < t->file_lines.n; i++) {
                size_t at = s->top + (size_t)i;

                imm_canvas_put(c, 1 + i, 0, 6, IMM_STYLE_FAINT, imm_printf(a, "%5zu", at + 1));
                imm_canvas_put(c, 1 + i, 7, c->cols - 7, IMM_STYLE_NORMAL, t->file_lines.v[at]);
                if (at == s->cursor)
                        imm_canvas_select(c, 1 + i);
        }
}

static void draw_help(struct imm_tui *t) {
        struct imm_canvas *c = &t->canvas;
        struct imm_scroll *s = &t->help_scroll;
        int height = c->rows - 1 - FOOT;
        size_t n = IMM_ACTION_N - 1;

        bar(c, 0, " Keys", "immure ");
        scroll_to(s, n, height);
        for (int i = 0; i < height && s->top + (size_t)i < n; i++) {
                const struct imm_action_info *info = &imm_actions[s->top + (size_t)i + 1];

                imm_canvas_put(c, 1 + i, 2, 18, IMM_STYLE_KEY, info->keys);
                imm_canvas_put(c, 1 + i, 21, c->cols - 21, IMM_STYLE_NORMAL, info->help);
                if (s->top + (size_t)i == s->cursor)
                        imm_canvas_select(c, 1 + i);
        }
}

static void draw_foot(struct imm_tui *t) {
        static const char *const labels[] = {
                [IMM_PROMPT_NONE] = "",
                [IMM_PROMPT_FILTER] = "Filter: ",
                [IMM_PROMPT_SEARCH] = "Search: ",
                [IMM_PROMPT_EDIT] = "Try: ",
                [IMM_PROMPT_SAVE] = "Write drop-in to: ",
                [IMM_PROMPT_ASK] = "Path: ",
        };
        static const char *const hints[] = {
                [IMM_SCREEN_LIST] =
                        " Enter open  / filter  s sort  o group  d compare  ? help  q quit",
                [IMM_SCREEN_UNIT] = (" Tab pane  Enter open  a apply remedy  space toggle  e edit  "
                                     "v drop-in  w write  ? help"),
                [IMM_SCREEN_FILE] = " q back",
                [IMM_SCREEN_HELP] = " q back",
        };
        struct imm_canvas *c = &t->canvas;
        int row = c->rows - FOOT;

        if (t->prompt != IMM_PROMPT_NONE) {
                int col = imm_canvas_put(c, row, 0, c->cols, IMM_STYLE_KEY, labels[t->prompt]);
                int room = c->cols - col - 1, width = (int)imm_text_width(t->input);
                const char *s = t->input;

                /* the end of a long input is what one types at */
                while (width > room && *s) {
                        do
                                s++;
                        while ((*s & 0xc0) == 0x80);
                        width = (int)imm_text_width(s);
                }
                col = imm_canvas_put(c, row, col, room, IMM_STYLE_STRONG, s);
                imm_canvas_put(c, row, col, 1, IMM_STYLE_NORMAL | IMM_STYLE_SELECTED, " ");
        } else if (t->message)
                imm_canvas_put(c, row, 1, c->cols - 1,
                        t->message_bad ? IMM_STYLE_BAD : IMM_STYLE_GOOD, t->message);
        bar(c, c->rows - 1, hints[t->screen], "");
}

size_t imm_tui_pane_rows(const struct imm_tui *t) {
        int n = t->canvas.rows -
                (t->screen == IMM_SCREEN_UNIT || t->screen == IMM_SCREEN_LIST ? 2 : 1) - FOOT;

        return n > 1 ? (size_t)n : 1;
}

void imm_tui_draw(struct imm_tui *t) {
        imm_canvas_clear(&t->canvas);
        switch (t->screen) {
        case IMM_SCREEN_LIST:
                draw_list(t);
                break;
        case IMM_SCREEN_UNIT:
                draw_unit(t);
                break;
        case IMM_SCREEN_FILE:
                draw_file(t);
                break;
        case IMM_SCREEN_HELP:
                draw_help(t);
                break;
        }
        draw_foot(t);
}
