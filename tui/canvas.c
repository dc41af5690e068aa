#include "tui/canvas.h"

#include <wchar.h>

void imm_canvas_clear(struct imm_canvas *c) {
        for (int i = 0; i < c->rows * c->cols; i++)
                c->cells[i] = (struct imm_cell){" ", IMM_STYLE_NORMAL};
}

void imm_canvas_resize(struct imm_canvas *c, int rows, int cols) {
        rows = rows < 1 ? 1 : rows > 1000 ? 1000 : rows;
        cols = cols < 1 ? 1 : cols > 2000 ? 2000 : cols;
        c->cells = imm_xrealloc(c->cells, (size_t)rows * (size_t)cols, sizeof(*c->cells));
        c->rows = rows;
        c->cols = cols;
        imm_canvas_clear(c);
}

void imm_canvas_done(struct imm_canvas *c) {
        free(c->cells);
        *c = (struct imm_canvas){0};
}

/* What a terminal without UTF-8 gets for the few signs that views use themselves */
static const char *plain(uint32_t c) {
        switch (c) {
        case 0x2502: /* │ */
                return "|";
        case 0x251c: /* ├ */
        case 0x2514: /* └ */
                return "+";
        case 0x2500: /* ─ */
        case 0x2013: /* – */
                return "-";
        case 0x2192: /* → */
                return ">";
        case 0x2026: /* … */
                return "~";
        case 0x25b8: /* ▸ */
                return ">";
        case 0x25be: /* ▾ */
                return "v";
        case 0x25b4: /* ▴ */
                return "^";
        case 0x00b7: /* · */
                return ".";
        default:
                return "?";
        }
}

/* One code point that may be shown; its width, 0 if it takes no room and is left out */
static int cell_of(const struct imm_canvas *c, const char *s, size_t k, uint32_t cp, char text[5]) {
        int width = cp < 0x80 ? 1 : wcwidth((wchar_t)cp);

        if (width <= 0) /* combining, or not printable in this locale */
                return width < 0 && cp >= 0x80 ? (memcpy(text, plain(cp), 2), 1) : 0;
        if (c->ascii && cp >= 0x80) {
                memcpy(text, plain(cp), 2);
                return 1;
        }
        memcpy(text, s, k);
        text[k] = 0;
        return width > 2 ? 2 : width;
}

/* What changes how a terminal shows the sign before it, and so how wide that is */
static bool is_selector(uint32_t cp) {
        return (cp >= 0xfe00 && cp <= 0xfe0f) || cp >= 0xe0000;
}

/* A mark goes onto the sign before it, as long as there is room. */
static void add_mark(struct imm_cell *row, int from, int col, const char *s, size_t k) {
        int at = col - 1;
        size_t n;

        while (at > from && !row[at].text[0])
                at--;
        n = at >= from ? strlen(row[at].text) : sizeof(row->text);
        if (n + k < sizeof(row->text) && n > 0)
                memcpy(mempcpy(row[at].text + n, s, k), "", 1);
}

int imm_canvas_put(
        struct imm_canvas *c, int row, int col, int width, uint8_t style, const char *text) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        const char *s = imm_text_escape(a, text);
        size_t n = strlen(s);
        int start = col, end = width > c->cols - col ? c->cols : col + width;

        if (row < 0 || row >= c->rows || col < 0)
                return col;
        while (n > 0) {
                char cell[5] = "";
                uint32_t cp = 0;
                size_t k = imm_utf8_next(s, n, &cp);
                int w = cell_of(c, s, k, cp, cell);

                if (w == 0 && !c->ascii && cp >= 0x80 && !is_selector(cp))
                        add_mark(c->cells + row * c->cols, start, col, s, k);
                s += k;
                n -= k;
                if (w == 0)
                        continue;
                if (col + w > end)
                        break;
                c->cells[row * c->cols + col] = (struct imm_cell){.style = style};
                memcpy(c->cells[row * c->cols + col].text, cell, sizeof(cell));
                if (w == 2)
                        c->cells[row * c->cols + col + 1] = (struct imm_cell){"", style};
                col += w;
        }
        return col;
}

void imm_canvas_fill(struct imm_canvas *c, int row, int col, int width, uint8_t style) {
        if (row < 0 || row >= c->rows)
                return;
        for (int i = col; i < c->cols && i < col + width; i++)
                c->cells[row * c->cols + i] = (struct imm_cell){" ", style};
}

void imm_canvas_select(struct imm_canvas *c, int row) {
        if (row < 0 || row >= c->rows)
                return;
        for (int i = 0; i < c->cols; i++)
                c->cells[row * c->cols + i].style |= IMM_STYLE_SELECTED;
}

static void put_row(const struct imm_canvas *c, int row, bool styles, FILE *f) {
        static const char letters[] = ".fsgwbtk";
        int last = c->cols - 1;

        _Static_assert(sizeof(letters) - 1 == IMM_STYLE_N, "a letter per style");
        while (last >= 0 && imm_streq(c->cells[row * c->cols + last].text, " ") &&
                (!styles || c->cells[row * c->cols + last].style == IMM_STYLE_NORMAL))
                last--;
        for (int i = 0; i <= last; i++) {
                const struct imm_cell *cell = &c->cells[row * c->cols + i];

                if (!styles)
                        fputs(cell->text, f);
                else if (cell->style & IMM_STYLE_SELECTED)
                        putc('#', f);
                else
                        putc(letters[cell->style], f);
        }
        putc('\n', f);
}

char *imm_canvas_text(const struct imm_canvas *c, bool styles, struct imm_arena *a) {
        imm_auto_free char *text = NULL;
        size_t n = 0;
        FILE *f = open_memstream(&text, &n);

        if (!f)
                imm_oom();
        for (int row = 0; row < c->rows; row++)
                put_row(c, row, false, f);
        for (int row = 0; styles && row < c->rows; row++)
                put_row(c, row, true, f);
        if (fclose(f) != 0)
                imm_oom();
        return imm_strndup(a, text, n);
}
