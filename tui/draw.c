/* Drawing: a title bar, a head, the lines that fit, what is said of the one under the cursor, the
 * prompt or a message, and the keys. The same for every view. */

#include "tui/model-private.h"

enum { FOOT = 2, DETAIL_MAX = 7 };

/* An ellipsis says that there is more. */
static int clipped(struct imm_canvas *c, int row, int col, int room, uint8_t style, const char *s) {
        if ((int)imm_text_width(s) <= room)
                return imm_canvas_put(c, row, col, room, style, s);
        if (room < 1)
                return col;
        col = imm_canvas_put(c, row, col, room - 1, style, s);
        return imm_canvas_put(c, row, col, 1, style, "…");
}

/* What stands on the right has the room that it needs, what stands on the left the rest. */
static void bar(struct imm_canvas *c, int row, const char *left, const char *right) {
        int n = (int)imm_text_width(right), room = c->cols - 1;

        imm_canvas_fill(c, row, 0, c->cols, IMM_STYLE_TITLE);
        if (n > 0 && n + 2 < c->cols) {
                room = c->cols - n - 3;
                imm_canvas_put(c, row, c->cols - n - 1, n, IMM_STYLE_TITLE, right);
        }
        clipped(c, row, 1, room, IMM_STYLE_TITLE, left);
}

void imm_draw_line(struct imm_canvas *c, int row, const struct imm_line *l) {
        int col = 0;

        for (unsigned i = 0; i < l->n_spans && col < c->cols; i++) {
                const struct imm_span *s = &l->spans[i];
                const char *text = s->text;
                int width = s->width < 0 ? -s->width : s->width, used = (int)imm_text_width(text);
                int start = col, room = width ? width : c->cols - col;

                if (room > c->cols - start)
                        room = c->cols - start;
                if (used > room && s->brief)
                        text = s->brief;
                if (s->width < 0 && used < room)
                        col += room - used;
                col = clipped(c, row, col, room - (col - start), s->style, text);
                if (width)
                        col = start + width;
        }
}

/* Keeps the cursor in sight, and what belongs to its line as far as there is room */
static void scroll_to(struct imm_scroll *s, size_t n, size_t end, size_t h) {
        if (s->cursor < s->top)
                s->top = s->cursor;
        if (end > s->top + h)
                s->top = end - h < s->cursor ? end - h : s->cursor;
        if (s->top > 0 && s->top + h > n)
                s->top = n > h ? n - h : 0;
}

int imm_tui_head_rows(const struct imm_tui *t) {
        return imm_tui_view(t)->head ? 2 : 1;
}

size_t imm_tui_page(const struct imm_tui *t) {
        int n = t->canvas.rows - imm_tui_head_rows(t) - FOOT;

        return n > 1 ? (size_t)n : 1;
}

static const char *joined(const struct imm_line *l, struct imm_arena *a) {
        const char *s = "";

        bool column = false;

        for (unsigned i = 0; i < l->n_spans; i++) {
                const char *text = l->spans[i].text;

                if (text[strspn(text, " ")]) {
                        s = imm_printf(a, "%s%s%s", s, column ? "  " : "", text);
                        column = false;
                }
                column |= l->spans[i].width != 0;
        }
        return s + strspn(s, " ");
}

/* What is said of the line under the cursor: reasons, or all of it where it did not fit */
static struct imm_strv detail(struct imm_tui *t, const struct imm_line *l) {
        int width = t->canvas.cols - 2;
        struct imm_strv lines = {0};
        bool cut = imm_line_width(l) > t->canvas.cols;

        if (t->screen == IMM_SCREEN_UNIT && t->reasons.n > 0) {
                for (size_t i = 0; i < t->reasons.n; i++)
                        imm_text_wrap(t->frame, t->reasons.v[i], width, &lines);
                return lines;
        }
        for (unsigned i = 0; i < l->n_spans; i++)
                cut |= l->spans[i].width &&
                       (int)imm_text_width(l->spans[i].text) > abs(l->spans[i].width);
        if (cut && t->screen != IMM_SCREEN_LIST)
                imm_text_wrap(t->frame, joined(l, t->frame), width, &lines);
        return lines;
}

static void draw_lines(struct imm_tui *t) {
        const struct imm_view *v = imm_tui_view(t);
        struct imm_canvas *c = &t->canvas;
        struct imm_scroll *s = v->scroll(t);
        size_t n = v->count(t), end;
        int top = imm_tui_head_rows(t), height = c->rows - top - FOOT, said, most;
        struct imm_line l = {0};
        struct imm_strv about = {0};

        if (height < 1 || n == 0)
                return;
        if (s->cursor >= n)
                s->cursor = n - 1;
        v->line(t, s->cursor, &l);
        about = detail(t, &l);
        most = height / 2 < DETAIL_MAX ? height / 2 : DETAIL_MAX;
        said = (int)about.n < most ? (int)about.n : most;
        if (said > 0)
                height -= said;
        for (end = s->cursor + 1; end < n && end < s->cursor + (size_t)height; end++) {
                l = (struct imm_line){0};
                v->line(t, end, &l);
                if (!l.part)
                        break;
        }
        scroll_to(s, n, end, (size_t)(height > 0 ? height : 1));
        for (int i = 0; i < height && s->top + (size_t)i < n; i++) {
                l = (struct imm_line){0};
                v->line(t, s->top + (size_t)i, &l);
                imm_draw_line(c, top + i, &l);
                if (s->top + (size_t)i == s->cursor)
                        imm_canvas_select(c, top + i);
        }
        for (int i = 0; i < said; i++)
                imm_canvas_put(c, c->rows - FOOT - said + i, 1, c->cols - 1,
                        i == 0 ? IMM_STYLE_STRONG : IMM_STYLE_NORMAL, about.v[i]);
}

static void draw_prompt(struct imm_tui *t, int row) {
        struct imm_canvas *c = &t->canvas;
        int col = imm_canvas_put(
                c, row, 0, c->cols - 1, IMM_STYLE_KEY, imm_prompt_label(t, t->frame));
        const char *head = imm_strndup(t->frame, t->input, t->input_at);
        int room = c->cols - col - 1, at;

        /* the place where one types stays in sight */
        while ((int)imm_text_width(head) > room && *head)
                do
                        head++;
                while ((*head & 0xc0) == 0x80);
        col = imm_canvas_put(c, row, col, room, IMM_STYLE_STRONG, head);
        at = col;
        col = imm_canvas_put(c, row, col, c->cols - col, IMM_STYLE_STRONG, t->input + t->input_at);
        if (col == at)
                imm_canvas_put(c, row, at, 1, IMM_STYLE_STRONG, " ");
        if (at < c->cols)
                c->cells[row * c->cols + at].style |= IMM_STYLE_SELECTED;
}

/* "Enter", "Tab" as on the key caps; letters as they are */
static const char *cap(struct imm_arena *a, const char *keys) {
        size_t n = strcspn(keys, " ");
        char *s = imm_strndup(a, keys, n);

        if (n > 1 && s[0] >= 'a' && s[0] <= 'z')
                s[0] = (char)(s[0] - 'a' + 'A');
        return s;
}

const char *imm_tui_bar(const struct imm_tui *t, struct imm_arena *a) {
        char letter = imm_tui_letter(t);
        const char *s = "", *more;

        for (int i = 1; i < IMM_ACTION_N; i++) {
                const struct imm_action_info *info = &imm_actions[i];

                if (strchr(info->bar, letter) ||
                        (t->screen == IMM_SCREEN_UNIT && strchr(info->bar, 'U')))
                        more = imm_printf(
                                a, "%s%s%s %s", s, *s ? "  " : "", cap(a, info->keys), info->label);
                else
                        continue;
                if ((int)imm_text_width(more) > t->canvas.cols - 2)
                        return s;
                s = more;
        }
        more = imm_printf(a, "%s  q quit", s);
        return t->screen == IMM_SCREEN_LIST && (int)imm_text_width(more) <= t->canvas.cols - 2
                       ? more
                       : s;
}

/* A long message goes up over the lines; the next key takes it away. */
static void draw_message(struct imm_tui *t, int row) {
        struct imm_canvas *c = &t->canvas;
        struct imm_strv lines = {0};

        imm_text_wrap(t->frame, t->message, c->cols - 2, &lines);
        for (size_t i = 0; i < lines.n && (int)i < row - 1; i++) {
                int at = row - (int)(lines.n - 1 - i);

                imm_canvas_fill(c, at, 0, c->cols, IMM_STYLE_NORMAL);
                imm_canvas_put(c, at, 1, c->cols - 1,
                        t->message_bad ? IMM_STYLE_BAD : IMM_STYLE_GOOD, lines.v[i]);
        }
}

static void draw_foot(struct imm_tui *t) {
        const struct imm_view *v = imm_tui_view(t);
        struct imm_canvas *c = &t->canvas;
        int row = c->rows - FOOT;
        const char *note =
                t->prompt == IMM_PROMPT_NONE && !t->message && v->note ? v->note(t) : NULL;

        bar(c, c->rows - 1,
                t->prompt != IMM_PROMPT_NONE ? imm_prompt_bar(t) : imm_tui_bar(t, t->frame), "");
        if (row < 0)
                return;
        if (t->message)
                draw_message(t, t->prompt == IMM_PROMPT_NONE ? row : row - 1);
        if (t->prompt != IMM_PROMPT_NONE)
                draw_prompt(t, row);
        else if (note)
                clipped(c, row, 1, c->cols - 1, IMM_STYLE_FAINT, note);
}

void imm_tui_draw(struct imm_tui *t) {
        const struct imm_view *v = imm_tui_view(t);
        const char *left = "", *right = "";

        imm_arena_reset(t->frame);
        imm_canvas_clear(&t->canvas);
        v->title(t, &left, &right);
        bar(&t->canvas, 0, left, right);
        if (v->head)
                v->head(t);
        draw_lines(t);
        draw_foot(t);
}
