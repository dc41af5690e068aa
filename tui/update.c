/* What keys do: one small function per action. */

#include "tui/model-private.h"

#include <stdarg.h>

void imm_tui_say(struct imm_tui *t, bool bad, const char *fmt, ...) {
        va_list ap;

        va_start(ap, fmt);
        t->message = imm_vprintf(t->arena, fmt, ap);
        va_end(ap);
        t->message_bad = bad;
}

void imm_tui_init(struct imm_tui *t, struct imm_tui_world world, int rows, int cols) {
        *t = (struct imm_tui){
                .arena = imm_arena_new(),
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
        free(t->filter);
        free(t->search);
        free(t->input);
        imm_arena_free(t->lines_arena);
        imm_arena_free(t->arena);
}

static void set_text(char **to, const char *text) {
        char *fresh = imm_xstrdup(text);

        free(*to);
        *to = fresh;
}

static void compare(struct imm_tui *t) {
        t->changes = imm_difference_free(t->changes);
        if (t->now && t->before)
                t->changes = imm_difference_of(t->before, t->now);
}

void imm_tui_audit(
        struct imm_tui *t, const struct imm_snapshot *now, unsigned done, unsigned total) {
        /* a cursor that nobody has moved stays on top, where the worst will be */
        bool first = !t->now || t->list.cursor == 0;
        const struct imm_state *at = t->list.cursor < t->n_rows ? t->rows[t->list.cursor] : NULL;
        const char *unit = at ? imm_strdup(t->arena, at->unit) : NULL;

        t->now = now;
        t->done = done;
        t->total = total;
        t->scorecards = (struct imm_strv){0};
        imm_array_foreach (s, &now->states)
                imm_array_foreach (f, &(*s)->findings)
                        if (f->scorecard && !imm_strv_has(&t->scorecards, f->scorecard))
                                imm_strv_add(t->arena, &t->scorecards,
                                        imm_strdup(t->arena, f->scorecard));
        if (t->scorecard > t->scorecards.n)
                t->scorecard = 0;
        compare(t);
        t->n_rows = 0; /* they pointed into the audit before */
        imm_tui_rows(t);
        if (first)
                t->list = (struct imm_scroll){0};
        for (size_t i = 0; unit && !first && i < t->n_rows; i++)
                if (imm_streq(t->rows[i]->unit, unit))
                        t->list.cursor = i;
}

void imm_tui_compare(struct imm_tui *t, const struct imm_snapshot *before, const char *name) {
        t->before = before;
        t->before_name = name ? imm_strdup(t->arena, name) : NULL;
        compare(t);
        imm_tui_rows(t);
        if (t->screen == IMM_SCREEN_UNIT)
                imm_tui_lines(t);
}

void imm_tui_resize(struct imm_tui *t, int rows, int cols) {
        imm_canvas_resize(&t->canvas, rows, cols);
        if (t->screen == IMM_SCREEN_UNIT)
                imm_tui_lines(t);
}

/* ---- moving ---- */

static struct imm_scroll *scroll(struct imm_tui *t, size_t *ret_n) {
        switch (t->screen) {
        case IMM_SCREEN_LIST:
                *ret_n = t->n_rows;
                return &t->list;
        case IMM_SCREEN_FILE:
                *ret_n = t->file_lines.n;
                return &t->file_scroll;
        case IMM_SCREEN_HELP:
                *ret_n = IMM_ACTION_N - 1;
                return &t->help_scroll;
        default:
                *ret_n = t->lines.n;
                return &t->scroll[t->pane];
        }
}

static struct imm_line *current(struct imm_tui *t) {
        size_t at = t->scroll[t->pane].cursor;

        return t->screen == IMM_SCREEN_UNIT && at < t->lines.n ? &t->lines.v[at] : NULL;
}

/* The reasons belong to the place under the cursor */
static void explain(struct imm_tui *t) {
        struct imm_line *l = current(t);
        imm_err_auto err = IMM_ERR_INIT;

        t->reasons = (struct imm_strv){0};
        if (!l || t->pane != IMM_PANE_ACCESS || !l->path)
                return;
        if (t->world.why(t->world.data, t->as_is->unit, imm_trial_dropin(t, t->lines_arena),
                    l->path, t->lines_arena, &t->reasons, &err) < 0)
                imm_tui_say(t, true, "%s", imm_err_text(&err));
}

static void move(struct imm_tui *t, long by) {
        size_t n = 0;
        struct imm_scroll *s = scroll(t, &n);
        long to = (long)s->cursor + by;

        s->cursor = n == 0 || to < 0 ? 0 : (size_t)to >= n ? n - 1 : (size_t)to;
        explain(t);
}

/* ---- opening and going back ---- */

static void show_pane(struct imm_tui *t, enum imm_pane pane) {
        t->pane = pane;
        imm_tui_lines(t);
        explain(t);
}

static void open_unit(struct imm_tui *t) {
        imm_err_auto err = IMM_ERR_INIT;
        const struct imm_state *s;

        if (t->list.cursor >= t->n_rows)
                return;
        s = t->world.state(t->world.data, t->rows[t->list.cursor]->unit, NULL, &err);
        if (!s) {
                imm_tui_say(t, true, "%s", imm_err_text(&err));
                return;
        }
        t->as_is = t->state = s;
        t->trials.n = 0;
        t->folder = "/";
        t->folded = (struct imm_map){0};
        memset(t->scroll, 0, sizeof(t->scroll));
        set_text(&t->search, "");
        t->screen = IMM_SCREEN_UNIT;
        show_pane(t, IMM_PANE_SETTINGS);
}

static void open_file(struct imm_tui *t, const char *path, unsigned line) {
        imm_err_auto err = IMM_ERR_INIT;
        const char *text = NULL, *end;

        if (t->world.file(t->world.data, path, t->arena, &text, &err) < 0) {
                imm_tui_say(t, true, "%s", imm_err_text(&err));
                return;
        }
        t->file_path = imm_strdup(t->arena, path);
        t->file_lines = (struct imm_strv){0};
        for (; *text; text = *end ? end + 1 : end) {
                end = strchrnul(text, '\n');
                imm_strv_add(t->arena, &t->file_lines,
                        imm_strndup(t->arena, text, (size_t)(end - text)));
        }
        t->file_scroll = (struct imm_scroll){.cursor = line > 0 ? line - 1 : 0};
        if (t->file_scroll.cursor >= t->file_lines.n)
                t->file_scroll.cursor = t->file_lines.n ? t->file_lines.n - 1 : 0;
        t->screen = IMM_SCREEN_FILE;
}

static void prompt(struct imm_tui *t, enum imm_prompt kind, const char *text) {
        t->prompt = kind;
        set_text(&t->input, text);
}

static void edit(struct imm_tui *t) {
        struct imm_line *l = current(t);

        if (t->pane == IMM_PANE_SETTINGS && l && l->setting)
                prompt(t, IMM_PROMPT_EDIT,
                        imm_printf(t->lines_arena, "%s=%s", l->setting, l->value ? l->value : ""));
        else
                prompt(t, IMM_PROMPT_EDIT, "");
}

static void open_line(struct imm_tui *t) {
        struct imm_line *l = current(t);

        if (!l)
                return;
        if (t->pane == IMM_PANE_SETTINGS)
                edit(t);
        else if (t->pane == IMM_PANE_ACCESS && l->directory) {
                t->folder = imm_strdup(t->arena, l->path);
                t->scroll[IMM_PANE_ACCESS] = (struct imm_scroll){0};
                show_pane(t, IMM_PANE_ACCESS);
        } else if (l->file && l->file[0] == '/')
                open_file(t, l->file, l->line);
}

static void go_up(struct imm_tui *t) {
        const char *slash = strrchr(t->folder, '/'), *name = slash + 1;

        t->folder = slash == t->folder
                            ? "/"
                            : imm_strndup(t->arena, t->folder, (size_t)(slash - t->folder));
        t->scroll[IMM_PANE_ACCESS] = (struct imm_scroll){0};
        show_pane(t, IMM_PANE_ACCESS);
        for (size_t i = 0; i < t->lines.n; i++)
                if (t->lines.v[i].directory &&
                        imm_streq(strrchr(t->lines.v[i].path, '/') + 1, name))
                        t->scroll[IMM_PANE_ACCESS].cursor = i;
        explain(t);
}

static void back(struct imm_tui *t, int key) {
        if (t->screen == IMM_SCREEN_HELP)
                t->screen = t->screen_below_help;
        else if (t->screen == IMM_SCREEN_FILE)
                t->screen = IMM_SCREEN_UNIT;
        else if (t->screen == IMM_SCREEN_UNIT) {
                if (t->pane == IMM_PANE_ACCESS && !imm_streq(t->folder, "/") &&
                        key != IMM_KEY_ESC && key != 'q')
                        go_up(t);
                else
                        t->screen = IMM_SCREEN_LIST;
        } else if (*t->filter && key == IMM_KEY_ESC) {
                set_text(&t->filter, "");
                imm_tui_rows(t);
        } else if (key == IMM_KEY_ESC || key == 'q')
                t->quit = true;
}

/* ---- search ---- */

static bool hit(const struct imm_line *l, const char *what) {
        for (unsigned i = 0; i < l->n_spans; i++)
                if (strcasestr(l->spans[i].text, what))
                        return true;
        return false;
}

static void find(struct imm_tui *t, long step, bool from_here) {
        size_t n = t->lines.n, at = t->scroll[t->pane].cursor;

        if (!*t->search || n == 0)
                return;
        for (size_t i = from_here ? 0 : 1; i <= n; i++) {
                size_t k = step > 0 ? (at + i) % n : (at + n - i % n) % n;

                if (hit(&t->lines.v[k], t->search)) {
                        t->scroll[t->pane].cursor = k;
                        explain(t);
                        return;
                }
        }
        imm_tui_say(t, true, "'%s' is not here", t->search);
}

/* ---- what if ---- */

static void refresh(struct imm_tui *t) {
        imm_tui_lines(t);
        explain(t);
}

static void toggle(struct imm_tui *t) {
        struct imm_line *l = current(t);
        bool yes = l && l->value && imm_streq(l->value, "yes"),
             no = l && l->value && imm_streq(l->value, "no");

        if (t->pane != IMM_PANE_SETTINGS || !l || !l->setting || (!yes && !no)) {
                imm_tui_say(
                        t, true, "only a yes/no setting can be turned around; e edits the others");
                return;
        }
        imm_trial_add(t, imm_printf(t->arena, "%s=%s", l->setting, yes ? "no" : "yes"), NULL);
        refresh(t);
}

static void apply(struct imm_tui *t) {
        struct imm_line *l = current(t);

        if (t->pane != IMM_PANE_FINDINGS || !l || !l->finding || !l->finding->remedy) {
                imm_tui_say(t, true, "there is no remedy to apply here; Findings has them");
                return;
        }
        imm_trial_add(t, l->finding->remedy, imm_printf(t->arena, "against %s", l->finding->rule));
        refresh(t);
}

static void save(struct imm_tui *t) {
        if (t->trials.n == 0)
                imm_tui_say(t, true, "nothing was changed, so there is nothing to write");
        else
                prompt(t, IMM_PROMPT_SAVE, imm_trial_path(t, t->lines_arena));
}

static void copy(struct imm_tui *t) {
        struct imm_line *l = current(t);
        const char *text = imm_trial_dropin(t, t->lines_arena);

        if (!text && l && l->setting)
                text = imm_printf(t->lines_arena, "%s=%s\n", l->setting, l->value ? l->value : "");
        if (!text && l)
                text = l->path;
        if (!text)
                return;
        t->world.copy(t->world.data, text);
        imm_tui_say(t, false, "copied");
}

static void fold(struct imm_tui *t) {
        struct imm_line *l = current(t);

        if (t->pane != IMM_PANE_MOUNTS || !l || !l->path)
                return;
        imm_map_put(t->arena, &t->folded, imm_strdup(t->arena, l->path),
                imm_map_get(&t->folded, l->path) ? NULL : (void *)(uintptr_t)1);
        refresh(t);
}

static void earlier(struct imm_tui *t) {
        const struct imm_snapshot *s = NULL;
        imm_err_auto err = IMM_ERR_INIT;
        const char *name = NULL;

        if (t->world.earlier(t->world.data, t->before, &s, &name, &err) < 0) {
                imm_tui_say(t, true, "%s", imm_err_text(&err));
                return;
        }
        if (!s) {
                imm_tui_say(t, true,
                        t->before ? "there is no earlier run than that"
                                  : "there is no run yet: immure record makes one");
                return;
        }
        imm_tui_compare(t, s, name);
        if (t->screen == IMM_SCREEN_UNIT)
                show_pane(t, IMM_PANE_CHANGES);
        imm_tui_say(t, false, "compared with %s", name ? name : "an earlier run");
}

/* ---- the prompt ---- */

static void ask(struct imm_tui *t, const char *path) {
        const char *slash = strrchr(path, '/');

        if (path[0] != '/') {
                imm_tui_say(t, true, "a path starts with /");
                return;
        }
        t->folder = slash == path ? "/" : imm_strndup(t->arena, path, (size_t)(slash - path));
        t->scroll[IMM_PANE_ACCESS] = (struct imm_scroll){0};
        show_pane(t, IMM_PANE_ACCESS);
        for (size_t i = 0; i < t->lines.n; i++)
                if (t->lines.v[i].path && imm_streq(t->lines.v[i].path, path)) {
                        t->scroll[IMM_PANE_ACCESS].cursor = i;
                        explain(t);
                        return;
                }
        imm_tui_say(t, false, "%s is not listed there", path);
}

static void save_to(struct imm_tui *t, const char *path) {
        imm_err_auto err = IMM_ERR_INIT;

        if (t->world.save(t->world.data, path, imm_trial_dropin(t, t->lines_arena), &err) < 0)
                imm_tui_say(t, true, "%s", imm_err_text(&err));
        else
                imm_tui_say(t, false,
                        "written to %s; systemctl daemon-reload and a restart make it hold", path);
}

static void enter(struct imm_tui *t) {
        enum imm_prompt kind = t->prompt;
        const char *text = imm_strdup(t->arena, t->input);

        t->prompt = IMM_PROMPT_NONE;
        switch (kind) {
        case IMM_PROMPT_SEARCH:
                set_text(&t->search, text);
                find(t, 1, true);
                break;
        case IMM_PROMPT_EDIT:
                if (strchr(text, '=')) {
                        imm_trial_add(t, text, NULL);
                        refresh(t);
                } else if (*text)
                        imm_tui_say(t, true, "expected Setting=value");
                break;
        case IMM_PROMPT_SAVE:
                save_to(t, text);
                break;
        case IMM_PROMPT_ASK:
                ask(t, text);
                break;
        default:
                break;
        }
}

static void input_changed(struct imm_tui *t) {
        if (t->prompt == IMM_PROMPT_FILTER) {
                set_text(&t->filter, t->input);
                imm_tui_rows(t);
        }
}

static void prompt_key(struct imm_tui *t, int key) {
        size_t n = strlen(t->input);

        if (key == IMM_KEY_ENTER)
                enter(t);
        else if (key == IMM_KEY_ESC) {
                if (t->prompt == IMM_PROMPT_FILTER) {
                        set_text(&t->filter, "");
                        imm_tui_rows(t);
                }
                t->prompt = IMM_PROMPT_NONE;
        } else if (key == IMM_KEY_BACKSPACE || key == 0x7f || key == 8) {
                while (n > 0 && (t->input[n - 1] & 0xc0) == 0x80)
                        n--;
                if (n > 0)
                        t->input[n - 1] = 0;
                input_changed(t);
        } else if (key == 0x15) { /* ctrl-u */
                t->input[0] = 0;
                input_changed(t);
        } else if (key >= 0x20 && key < 0x110000 && n < 4096) {
                char utf8[5] = "";
                imm_auto_free char *fresh = NULL;

                if (key < 0x80)
                        utf8[0] = (char)key;
                else if (key < 0x800)
                        utf8[0] = (char)(0xc0 | key >> 6), utf8[1] = (char)(0x80 | (key & 0x3f));
                else if (key < 0x10000)
                        utf8[0] = (char)(0xe0 | key >> 12),
                        utf8[1] = (char)(0x80 | (key >> 6 & 0x3f)),
                        utf8[2] = (char)(0x80 | (key & 0x3f));
                else
                        utf8[0] = (char)(0xf0 | key >> 18),
                        utf8[1] = (char)(0x80 | (key >> 12 & 0x3f)),
                        utf8[2] = (char)(0x80 | (key >> 6 & 0x3f)),
                        utf8[3] = (char)(0x80 | (key & 0x3f));
                if (asprintf(&fresh, "%s%s", t->input, utf8) < 0)
                        imm_oom();
                set_text(&t->input, fresh);
                input_changed(t);
        }
}

/* ---- keys ---- */

static void list_key(struct imm_tui *t, enum imm_action action) {
        switch (action) {
        case IMM_ACTION_OPEN:
                open_unit(t);
                break;
        case IMM_ACTION_FILTER:
                prompt(t, IMM_PROMPT_FILTER, t->filter);
                break;
        case IMM_ACTION_SORT:
                t->sort = (t->sort + 1) % IMM_SORT_N;
                imm_tui_rows(t);
                break;
        case IMM_ACTION_REVERSE:
                t->reverse = !t->reverse;
                imm_tui_rows(t);
                break;
        case IMM_ACTION_GROUP:
                t->group = (t->group + 1) % IMM_GROUP_N;
                imm_tui_rows(t);
                break;
        default:
                break;
        }
}

static void unit_key(struct imm_tui *t, enum imm_action action) {
        switch (action) {
        case IMM_ACTION_OPEN:
                open_line(t);
                break;
        case IMM_ACTION_FILTER:
                prompt(t, IMM_PROMPT_SEARCH, "");
                break;
        case IMM_ACTION_NEXT_HIT:
                find(t, 1, false);
                break;
        case IMM_ACTION_PREVIOUS_HIT:
                find(t, -1, false);
                break;
        case IMM_ACTION_NEXT_PANE:
                show_pane(t, (t->pane + 1) % IMM_PANE_N);
                break;
        case IMM_ACTION_PREVIOUS_PANE:
                show_pane(t, (t->pane + IMM_PANE_N - 1) % IMM_PANE_N);
                break;
        case IMM_ACTION_FOLD:
                fold(t);
                break;
        case IMM_ACTION_TOGGLE:
                toggle(t);
                break;
        case IMM_ACTION_EDIT:
                edit(t);
                break;
        case IMM_ACTION_APPLY:
                apply(t);
                break;
        case IMM_ACTION_UNDO:
                imm_trial_undo(t);
                refresh(t);
                break;
        case IMM_ACTION_DROPIN:
                show_pane(t, IMM_PANE_DROPIN);
                break;
        case IMM_ACTION_SAVE:
                save(t);
                break;
        case IMM_ACTION_COPY:
                copy(t);
                break;
        case IMM_ACTION_ASK:
                prompt(t, IMM_PROMPT_ASK, "/");
                break;
        default:
                break;
        }
}

static void next_scorecard(struct imm_tui *t) {
        t->scorecard = (t->scorecard + 1) % (t->scorecards.n + 1);
        imm_tui_rows(t);
        if (t->screen == IMM_SCREEN_UNIT)
                refresh(t);
}

void imm_tui_key(struct imm_tui *t, int key) {
        enum imm_action action = imm_action_of_key(key);
        long page = (long)imm_tui_pane_rows(t);

        t->message = NULL;
        if (t->prompt != IMM_PROMPT_NONE) {
                prompt_key(t, key);
                return;
        }
        switch (action) {
        case IMM_ACTION_DOWN:
                move(t, 1);
                return;
        case IMM_ACTION_UP:
                move(t, -1);
                return;
        case IMM_ACTION_PAGE_DOWN:
                move(t, page);
                return;
        case IMM_ACTION_PAGE_UP:
                move(t, -page);
                return;
        case IMM_ACTION_TOP:
                move(t, -1000000000L);
                return;
        case IMM_ACTION_BOTTOM:
                move(t, 1000000000L);
                return;
        case IMM_ACTION_BACK:
                back(t, key);
                return;
        case IMM_ACTION_HELP:
                if (t->screen != IMM_SCREEN_HELP) {
                        t->screen_below_help = t->screen;
                        t->screen = IMM_SCREEN_HELP;
                }
                return;
        case IMM_ACTION_COMPARE:
                earlier(t);
                return;
        case IMM_ACTION_SCORECARD:
                next_scorecard(t);
                return;
        default:
                break;
        }
        if (t->screen == IMM_SCREEN_LIST)
                list_key(t, action);
        else if (t->screen == IMM_SCREEN_UNIT)
                unit_key(t, action);
}

void imm_tui_click(struct imm_tui *t, int row, int col, bool twice) {
        int head = t->screen == IMM_SCREEN_LIST || t->screen == IMM_SCREEN_UNIT ? 2 : 1;
        size_t n = 0, at;
        struct imm_scroll *s = scroll(t, &n);

        if (t->prompt != IMM_PROMPT_NONE || row < head || row >= t->canvas.rows - 2)
                return;
        at = s->top + (size_t)(row - head);
        if (at >= n)
                return;
        s->cursor = at;
        explain(t);
        if (twice)
                imm_tui_key(t, IMM_KEY_ENTER);
}

void imm_tui_wheel(struct imm_tui *t, bool down) {
        if (t->prompt == IMM_PROMPT_NONE)
                move(t, down ? 3 : -3);
}
