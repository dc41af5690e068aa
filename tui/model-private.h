#pragma once

/* What the files of tui/ share; nothing here is for others. */

#include "tui/model.h"

/* list.c */
void imm_tui_rows(struct imm_tui *t); /* filters and sorts again, cursor stays on its unit */
void imm_tui_list_line(struct imm_tui *t, size_t at, struct imm_line *ret);
struct imm_list_columns {
        int name, figure, findings, change; /* widths; 0: not shown */
};
struct imm_list_columns imm_list_columns(int cols);
const char *imm_sort_name(enum imm_sort s);
const char *imm_group_name(enum imm_grouping g);

/* panes.c: builds t->lines of the pane shown */
void imm_tui_lines(struct imm_tui *t);
size_t imm_tui_pane_rows(const struct imm_tui *t); /* screen rows that a pane has */

/* whatif.c */
const char *imm_trial_dropin(
        const struct imm_tui *t, struct imm_arena *a); /* NULL without trials */
void imm_trial_add(struct imm_tui *t, const char *lines, const char *why);
void imm_trial_undo(struct imm_tui *t);
void imm_trial_lines(struct imm_tui *t, imm_lines *to, struct imm_arena *a);
const char *imm_trial_path(const struct imm_tui *t, struct imm_arena *a);

/* One span more on @l */
void imm_line_add(struct imm_line *l, const char *text, uint8_t style, int width);

uint8_t imm_tone_of_figure(int tenths);
uint8_t imm_tone_of_severity(enum imm_severity s);
uint8_t imm_tone_of_verdict(enum imm_verdict v);

void imm_tui_say(struct imm_tui *t, bool bad, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));
