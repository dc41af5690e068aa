#pragma once

/*
 * The canvas: a grid of cells that views draw into. It knows no terminal; what shows it (curses, or
 * a test as text) copies cells. Styles are meanings, colours are the terminal's business.
 */

#include "base/mem.h"
#include "base/text.h"

#include <stdint.h>

enum imm_style {
        IMM_STYLE_NORMAL,
        IMM_STYLE_FAINT,
        IMM_STYLE_STRONG,
        IMM_STYLE_GOOD,
        IMM_STYLE_FAIR,
        IMM_STYLE_BAD,
        IMM_STYLE_TITLE, /* bars at the top and the bottom */
        IMM_STYLE_KEY,   /* a key's name in a bar or the help */
        IMM_STYLE_N,
        IMM_STYLE_SELECTED = 0x80, /* or-ed: the line under the cursor */
};

struct imm_cell {
        char text[10]; /* a sign as UTF-8, with marks on it; "" is the right half of a wide one */
        uint8_t style; /* enum imm_style */
};

struct imm_canvas {
        int rows, cols;
        struct imm_cell *cells; /* rows * cols, row by row */
        bool ascii; /* no UTF-8: other characters are shown as '?' or a plain stand-in */
};

void imm_canvas_resize(struct imm_canvas *c, int rows, int cols); /* cleared */
void imm_canvas_clear(struct imm_canvas *c);
void imm_canvas_done(struct imm_canvas *c);

/*
 * Draws @text from @col on, at most @width columns, clipped to the canvas; control characters come
 * out escaped, so no text can move anything. Returns the column behind it.
 */
int imm_canvas_put(
        struct imm_canvas *c, int row, int col, int width, uint8_t style, const char *text);
/* Gives the cells of a row from @col on @style, keeping their text (fill: blanks first). */
void imm_canvas_fill(struct imm_canvas *c, int row, int col, int width, uint8_t style);
void imm_canvas_select(struct imm_canvas *c, int row);

/* As text, a line per row without trailing blanks; @styles: a second block with a letter per style.
 */
char *imm_canvas_text(const struct imm_canvas *c, bool styles, struct imm_arena *a);
