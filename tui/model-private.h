#pragma once

/* What the files of tui/ share; nothing here is for others. */

#include "tui/model.h"

/*
 * A view: what one screen shows and does. Moving, searching, the mouse and drawing are the same for
 * all of them and know a view by this table alone.
 */
struct imm_view {
        char letter; /* in actions.def; 0: the pane's */
        void (*title)(struct imm_tui *t, const char **left, const char **right);
        void (*head)(struct imm_tui *t); /* draws row 1; NULL: there is none */
        size_t (*count)(const struct imm_tui *t);
        struct imm_scroll *(*scroll)(struct imm_tui *t);
        /* Line @at, its text in t->frame or longer-lived */
        void (*line)(struct imm_tui *t, size_t at, struct imm_line *ret);
        const char *(*note)(struct imm_tui *t); /* a word on the line under the cursor; or NULL */
        void (*moved)(struct imm_tui *t);       /* the cursor is elsewhere; or NULL */
        void (*act)(struct imm_tui *t, enum imm_action action, int key);
        bool (*back)(struct imm_tui *t, int key);  /* false: nothing to go back to here; or NULL */
        void (*click)(struct imm_tui *t, int col); /* on the head; or NULL */
};
#define VIEW(id, name) extern const struct imm_view imm_view_##name;
IMM_VIEWS(VIEW)
#undef VIEW
const struct imm_view *imm_tui_view(const struct imm_tui *t);
char imm_tui_letter(const struct imm_tui *t);
bool imm_tui_takes(const struct imm_tui *t, const char *where);

/* update.c */
void imm_tui_say(struct imm_tui *t, bool bad, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));
void imm_tui_set(char **to, const char *text); /* a string that the model owns */
void imm_tui_find(struct imm_tui *t, long step, bool from_here);
void imm_tui_move(struct imm_tui *t, long by);
void imm_tui_compared_with(struct imm_tui *t, const struct imm_tui_run *run);

/* prompt.c */
void imm_prompt_open(struct imm_tui *t, enum imm_prompt kind, const char *text);
void imm_prompt_key(struct imm_tui *t, int key);
const char *imm_prompt_bar(const struct imm_tui *t); /* what its keys do */
/* Words to choose from, on one line, @most of them */
const char *imm_words(struct imm_arena *a, const struct imm_strv *words, size_t most);
const char *imm_prompt_label(const struct imm_tui *t, struct imm_arena *a);

/* list.c */
void imm_tui_rows(struct imm_tui *t);    /* filters and sorts again, cursor stays on its unit */
void imm_tui_arrange(struct imm_tui *t); /* the same in a new order; a cursor on top stays there */
const struct imm_state *imm_tui_selected(const struct imm_tui *t);

/* unit.c */
void imm_unit_open(struct imm_tui *t, const char *unit);
void imm_unit_refresh(struct imm_tui *t); /* the lines of the pane anew */
void imm_unit_show(struct imm_tui *t, enum imm_pane pane);
void imm_unit_ask(struct imm_tui *t, const char *path);
/* False, with the reason said: it cannot be tried */
bool imm_unit_edit(struct imm_tui *t, const char *text, bool in_place);
void imm_unit_save(struct imm_tui *t, const char *path, bool replace);
bool imm_unit_go(struct imm_tui *t, const char *folder); /* Access: into that folder */

/* panes.c, access.c: the lines of each pane */
#define PANE(id, letter, title, function) \
        void imm_pane_##function(struct imm_tui *t, imm_lines *to, struct imm_arena *a);
IMM_PANES(PANE)
#undef PANE
/* All that a finding says, as lines to be wrapped */
void imm_finding_words(struct imm_tui *t, const struct imm_state_finding *f, struct imm_arena *a,
        struct imm_strv *ret);
extern const char *const imm_pane_titles[IMM_PANE_N];

/* text.c */
void imm_text_open(struct imm_tui *t, const char *name, const char *text, unsigned line);

/* whatif.c */
const char *imm_trial_dropin(
        const struct imm_tui *t, struct imm_arena *a); /* NULL without trials */
/* False: it cannot be judged, which is said, and is not kept */
bool imm_trial_add(struct imm_tui *t, const char *lines, const char *why, const char *setting);
/* Lines of the last trial without effect beside the others go, if @f is removed all the same. */
void imm_trial_thin(struct imm_tui *t, const struct imm_state_finding *f);
/* @text, where the drop-in that is not written yet is called "as tried" */
const char *imm_trial_words(const struct imm_tui *t, struct imm_arena *a, const char *text);
/* By what the trials of a unit are kept: scopes may have units of the same name. In t->frame. */
const char *imm_trial_key(const struct imm_tui *t, const char *unit);
void imm_trial_undo(struct imm_tui *t);
/* The unit with the trials kept for it */
bool imm_trial_judge(struct imm_tui *t);
bool imm_trial_set_by(const struct imm_tui *t, const char *name);

/* One more line; one more span on it */
struct imm_line *imm_line_new(imm_lines *to, struct imm_arena *a);
struct imm_line *imm_line_text(imm_lines *to, struct imm_arena *a, const char *s, uint8_t style);
void imm_line_add(struct imm_line *l, const char *text, uint8_t style, int width);
int imm_line_width(const struct imm_line *l);
/* @text in lines of at most @width columns, broken at blanks where there are any */
void imm_text_wrap(struct imm_arena *a, const char *text, int width, struct imm_strv *ret);

uint8_t imm_tone_of_figure(int tenths);
uint8_t imm_tone_of_severity(enum imm_severity s);
uint8_t imm_tone_of_verdict(enum imm_verdict v);

/* draw.c */
int imm_tui_head_rows(const struct imm_tui *t);
size_t imm_tui_page(const struct imm_tui *t); /* lines that fit */
void imm_draw_line(struct imm_canvas *c, int row, const struct imm_line *l);
