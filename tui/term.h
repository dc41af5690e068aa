#pragma once

/*
 * The terminal: the only file behind this header includes curses. It shows canvases and gives keys;
 * it is put back as it was whatever ends the program (q, SIGTERM, SIGHUP, a closed terminal, no
 * memory).
 */

#include "base/err.h"
#include "tui/canvas.h"

enum imm_event_kind {
        IMM_EVENT_NONE, /* the time is over, or somebody called imm_term_wake() */
        IMM_EVENT_KEY,
        IMM_EVENT_RESIZE,
        IMM_EVENT_CLICK,
        IMM_EVENT_WHEEL,
        IMM_EVENT_END, /* a signal, or the terminal is gone */
};

struct imm_event {
        enum imm_event_kind kind;
        int key;      /* KEY */
        int row, col; /* CLICK; RESIZE: the new size */
        bool down;    /* WHEEL */
};

/* One at a time. -ENOTTY, -EINVAL with @err where no terminal can be had. */
int imm_term_open(bool color, struct imm_err *err);
/* May be called when none is open. The signal that ended the review, 0: none */
int imm_term_close(void);
void imm_term_redraw(void); /* from scratch, whatever was written over it */
void imm_term_size(int *ret_rows, int *ret_cols);
bool imm_term_ascii(void); /* the locale is not UTF-8 */
void imm_term_show(const struct imm_canvas *c);
struct imm_event imm_term_wait(int timeout_ms);
void imm_term_wake(void);             /* from any thread */
void imm_term_copy(const char *text); /* to the clipboard, where the terminal takes OSC 52 */
