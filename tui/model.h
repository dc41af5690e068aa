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
        int (*save)(void *data, const char *path, const char *text, struct imm_err *err);
        /* The run before the one compared with now (NULL: the last one); NULL and 0: there is none.
         */
        int (*earlier)(void *data, const struct imm_snapshot *than, const struct imm_snapshot **ret,
                const char **ret_name, struct imm_err *err);
        void (*copy)(void *data, const char *text);
};

enum imm_screen { IMM_SCREEN_LIST, IMM_SCREEN_UNIT, IMM_SCREEN_FILE, IMM_SCREEN_HELP };

#define IMM_PANES(PANE) \
        PANE(SETTINGS, "Settings", settings) \
        PANE(MOUNTS, "Mounts", mounts) \
        PANE(ACCESS, "Access", access_pane) \
        PANE(CLOSURE, "Closure", closure) \
        PANE(FINDINGS, "Findings", findings) \
        PANE(CHANGES, "Changes", changes) \
        PANE(DROPIN, "Drop-in", dropin)
enum imm_pane {
#define PANE(id, title, function) IMM_PANE_##id,
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
        uint8_t style;
        int width; /* columns it fills; 0: as many as it has; negative: right-aligned */
};

/* One line of a pane: what it shows, and what the keys can do with it */
struct imm_line {
        struct imm_span spans[7];
        unsigned n_spans;
        const char *setting, *value; /* that can be edited */
        const char *file;            /* to jump to, with ... */
        unsigned line;
        const char *path; /* of a mount, or a place */
        bool directory;
        const struct imm_state_finding *finding;
};
typedef IMM_ARRAY(struct imm_line) imm_lines;

struct imm_scroll {
        size_t cursor, top;
};

enum imm_prompt {
        IMM_PROMPT_NONE,
        IMM_PROMPT_FILTER,
        IMM_PROMPT_SEARCH,
        IMM_PROMPT_EDIT,
        IMM_PROMPT_SAVE,
        IMM_PROMPT_ASK
};

/* One change that is tried: "Setting=value" lines as they would stand in a drop-in */
struct imm_trial {
        const char *lines;
        const char *why; /* "removes secrets-readable"; NULL for one made by hand */
};

struct imm_tui {
        struct imm_arena *arena; /* of the whole review */
        struct imm_tui_world world;
        struct imm_canvas canvas;
        bool quit;

        const struct imm_snapshot *now, *before;
        struct imm_difference *changes; /* before → now; NULL without before */
        const char *before_name;
        unsigned done, total; /* progress of the analysis; equal when it is over */

        enum imm_screen screen, screen_below_help;
        struct imm_scroll help_scroll;

        /* the list */
        const struct imm_state **rows; /* filtered and sorted; NULL entries: none */
        size_t n_rows;
        struct imm_scroll list;
        enum imm_sort sort;
        bool reverse;
        enum imm_grouping group;
        char *filter;               /* owned, never NULL */
        struct imm_strv scorecards; /* names met in the findings */
        size_t scorecard;           /* 0: all; else index plus one */

        /* the unit */
        const struct imm_state *state; /* as shown: with the trials */
        const struct imm_state *as_is;
        enum imm_pane pane;
        struct imm_scroll scroll[IMM_PANE_N];
        imm_lines lines; /* of the pane shown */
        struct imm_arena *lines_arena;
        struct imm_map folded;   /* mounts: path -> set */
        const char *folder;      /* Access: the directory looked at */
        struct imm_strv reasons; /* of the place under the cursor */
        char *search;            /* owned, never NULL */
        IMM_ARRAY(struct imm_trial) trials;

        /* the file view */
        const char *file_path;
        struct imm_strv file_lines;
        struct imm_scroll file_scroll;

        enum imm_prompt prompt;
        char *input;         /* owned, never NULL */
        const char *edited;  /* setting that the prompt is about */
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

void imm_tui_key(struct imm_tui *t, int key);
void imm_tui_click(struct imm_tui *t, int row, int col, bool twice);
void imm_tui_wheel(struct imm_tui *t, bool down);
void imm_tui_resize(struct imm_tui *t, int rows, int cols);

/* Draws the state into t->canvas. */
void imm_tui_draw(struct imm_tui *t);
