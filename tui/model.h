#pragma once

/*
 * The model: the state of the review, and how keys change it. No terminal, no files, no clock:
 * whatever it wants to know of the machine it asks the world, a table of functions, so a test is a
 * sequence of keys and a canvas.
 */

#include "audit/difference.h"
#include "base/map.h"
#include "tui/canvas.h"
#include "tui/keys.h"

/* An entry of a directory as the service sees it */
struct imm_place {
        const char *name;
        const char *level; /* none, readable, special, sticky, writable; NULL: unknown */
        bool directory, link;
        int read, write, execute; /* tristates */
};

/* What is known of a setting by its name, for editing it */
struct imm_about {
        const char *section;    /* of the drop-in: "Service", "Unit" ... */
        bool list;              /* assignments add up; an empty one takes those before back */
        struct imm_strv values; /* to choose from; none: free text */
};

/* The words of a rule */
struct imm_rule_words {
        const char *title, *why;
        struct imm_strv documentation;
};

/* A recorded run */
struct imm_tui_run {
        int64_t id;
        const char *text; /* "run 12  2026-11-22 03:00  657 units" */
};

/* What the model may ask. @dropin: the text of the drop-in that is tried, NULL for the unit as it
 * is. */
struct imm_tui_world {
        void *data;
        /* A unit with all that can be known of it; NULL with @err. Lives as long as the world. */
        const struct imm_state *(*state)(
                void *data, const char *unit, const char *dropin, struct imm_err *err);
        int (*list)(void *data, const char *unit, const char *dropin, const char *dir,
                struct imm_arena *a, struct imm_place **ret, size_t *ret_n, struct imm_err *err);
        /* What the unit can do at @path and why: lines. */
        int (*why)(void *data, const char *unit, const char *dropin, const char *path,
                struct imm_arena *a, struct imm_strv *ret, struct imm_err *err);
        int (*file)(void *data, const char *path, struct imm_arena *a, const char **ret,
                struct imm_err *err);
        bool (*about)(void *data, const char *setting, struct imm_arena *a, struct imm_about *ret);
        bool (*rule)(void *data, const char *scorecard, const char *rule, struct imm_arena *a,
                struct imm_rule_words *ret);
        /* Where a drop-in of the unit is proposed to lie: a path that is free */
        const char *(*proposed)(void *data, const char *unit, struct imm_arena *a);
        /* -EEXIST without @replace if there is something; 1: the unit is read anew, with it; 0: it
         * lies where this unit is not affected */
        int (*save)(void *data, const char *unit, const char *path, const char *text, bool replace,
                struct imm_err *err);
        /* Runs to compare with, newest first, and one of them */
        int (*runs)(void *data, struct imm_arena *a, struct imm_tui_run **ret, size_t *ret_n,
                struct imm_err *err);
        const struct imm_snapshot *(*run)(void *data, int64_t id, struct imm_err *err);
        void (*copy)(void *data, const char *text);
};

/* VIEW(id, function): what is on the screen */
#define IMM_VIEWS(VIEW) \
        VIEW(LIST, list) \
        VIEW(UNIT, unit) \
        VIEW(TEXT, text) \
        VIEW(KEYS, keys) \
        VIEW(RUNS, runs)
enum imm_screen {
#define VIEW(id, name) IMM_SCREEN_##id,
        IMM_VIEWS(VIEW)
#undef VIEW
                IMM_SCREEN_N,
};

/* PANE(id, letter in actions.def, title, function) */
#define IMM_PANES(PANE) \
        PANE(SETTINGS, 'S', "Settings", settings) \
        PANE(MOUNTS, 'M', "Mounts", mounts) \
        PANE(ACCESS, 'X', "Access", access) \
        PANE(CLOSURE, 'C', "Closure", closure) \
        PANE(FINDINGS, 'F', "Findings", findings) \
        PANE(CHANGES, 'H', "Changes", changes) \
        PANE(DROPIN, 'D', "Drop-in", dropin)
enum imm_pane {
#define PANE(id, letter, title, function) IMM_PANE_##id,
        IMM_PANES(PANE)
#undef PANE
                IMM_PANE_N,
};

enum imm_sort {
        IMM_SORT_WORST,
        IMM_SORT_NAME,
        IMM_SORT_EXPOSURE,
        IMM_SORT_REACH,
        IMM_SORT_FINDINGS,
        IMM_SORT_CHANGE,
        IMM_SORT_N
};
enum imm_grouping { IMM_GROUP_NONE, IMM_GROUP_PACKAGE, IMM_GROUP_SLICE, IMM_GROUP_N };

struct imm_span {
        const char *text;
        const char *brief; /* drawn where there is no room for the text; NULL: its beginning is */
        uint8_t style;
        int width; /* columns it fills; 0: as many as it has; negative: right-aligned */
};

/* One line of a view: what it shows, and what the keys can do with it */
struct imm_line {
        struct imm_span spans[7];
        unsigned n_spans;
        bool part;                   /* of the line above: the cursor passes over it */
        const char *setting, *value; /* that can be edited */
        const char *file;            /* to jump to, with ... */
        unsigned line;
        const char *path; /* of a mount, or a place */
        const struct imm_state_finding *finding;
};
typedef IMM_ARRAY(struct imm_line) imm_lines;

struct imm_scroll {
        size_t cursor, top;
};

/* A row of the list: a unit, or the head of a group */
struct imm_row {
        const struct imm_state *state; /* NULL: a head */
        const uint16_t *counts;        /* of its findings, by severity */
        const char *group;
        size_t n; /* units of the group */
};

enum imm_prompt {
        IMM_PROMPT_NONE,
        IMM_PROMPT_FILTER,
        IMM_PROMPT_SEARCH,
        IMM_PROMPT_EDIT,
        IMM_PROMPT_ADD,
        IMM_PROMPT_SAVE,
        IMM_PROMPT_REPLACE,
        IMM_PROMPT_ASK,
        IMM_PROMPT_N
};

/* One change that is tried: "Setting=value" lines as they would stand in a drop-in */
struct imm_trial {
        const char *lines;
        const char *why;     /* "against secrets-readable"; NULL for one made by hand */
        const char *setting; /* that a later change by hand replaces; NULL: none */
};
typedef IMM_ARRAY(struct imm_trial) imm_trials;

/* What only the outside can do; it sets it back */
enum imm_wish { IMM_WISH_NONE, IMM_WISH_RESCAN, IMM_WISH_SCOPE, IMM_WISH_REDRAW };

struct imm_tui {
        struct imm_arena *arena; /* of the whole review */
        struct imm_arena *frame; /* until the next draw */
        struct imm_tui_world world;
        struct imm_canvas canvas;
        bool quit;
        enum imm_wish wish;

        const struct imm_snapshot *now, *before;
        struct imm_difference *changes; /* before → now; NULL without before */
        const char *before_name;
        int64_t before_id;    /* of a run; 0: none */
        const char *scope;    /* whose units: "system", "user", "global" */
        unsigned done, total; /* progress of the analysis; equal when it is over */

        enum imm_screen screen, below; /* below: what text, keys and runs go back to */

        /* the list */
        struct imm_row *rows;   /* filtered, sorted, grouped */
        size_t n_rows, n_shown; /* n_shown: units among them, and in folded groups */
        struct imm_scroll list;
        enum imm_sort sort;
        bool reverse;
        enum imm_grouping group;
        struct imm_map folded_groups;
        char *filter;                     /* owned, never NULL */
        struct imm_strv scorecards;       /* names met in the findings */
        uint16_t *counts;                 /* owned: by unit, scorecard (0: all), severity */
        const struct imm_state **counted; /* owned: the units that they are of */
        size_t n_counted, n_cards;
        size_t scorecard; /* 0: all; else index plus one */

        /* the unit */
        const struct imm_state *state; /* as shown: with the trials */
        const struct imm_state *as_is;
        enum imm_pane pane;
        struct imm_scroll scroll[IMM_PANE_N];
        imm_lines lines; /* of the pane shown */
        struct imm_arena *lines_arena;
        struct imm_map folded;   /* mounts: path -> set */
        bool brief;              /* findings: a line each */
        const char *folder;      /* Access: the directory looked at */
        struct imm_strv reasons; /* of the place, or the folded finding, under the cursor */
        char *search;            /* owned, never NULL */
        imm_trials *trials;      /* of this unit; they stay when one goes back to the list */
        struct imm_map attempts; /* "SCOPE/UNIT" -> its imm_trials */
        bool leaving;            /* it was said that something is not written */

        /* text: a file, or a rule explained */
        const char *text_name;
        struct imm_strv text;
        struct imm_scroll text_scroll;

        struct imm_scroll keys_scroll;

        struct imm_tui_run *runs;
        size_t n_runs;
        struct imm_scroll runs_scroll;

        enum imm_prompt prompt;
        char *input;         /* owned, never NULL */
        size_t input_at;     /* where one types: a byte of it */
        const char *edited;  /* the setting, or the path, that the prompt is about */
        const char *message; /* one line at the bottom until the next key; NULL: none */
        bool message_bad;
};

void imm_tui_init(struct imm_tui *t, struct imm_tui_world world, int rows, int cols);
void imm_tui_done(struct imm_tui *t);

/* A new audit, whole or still growing: the cursor stays on its unit. Borrowed until the next one.
 */
void imm_tui_audit(
        struct imm_tui *t, const struct imm_snapshot *now, unsigned done, unsigned total);
void imm_tui_compare(struct imm_tui *t, const struct imm_snapshot *before, const char *name);
/* Compares with the newest run, if there is one; says nothing. */
void imm_tui_compare_newest(struct imm_tui *t);
/* Back to the list, and nothing kept of the audit's units: it is about to go. */
void imm_tui_forget(struct imm_tui *t);
void imm_tui_tell(struct imm_tui *t, bool bad, const char *text); /* at the bottom */

void imm_tui_open(struct imm_tui *t, const char *unit); /* as Enter does in the list */
void imm_tui_key(struct imm_tui *t, int key);
/* Selects the line; one that is selected already, it opens. Tabs and columns can be clicked too. */
void imm_tui_click(struct imm_tui *t, int row, int col);
void imm_tui_wheel(struct imm_tui *t, bool down);
void imm_tui_resize(struct imm_tui *t, int rows, int cols);

/* Draws the state into t->canvas. */
void imm_tui_draw(struct imm_tui *t);
/* The same for keys that somebody could not know: what the bar shows now. */
const char *imm_tui_bar(const struct imm_tui *t, struct imm_arena *a);
