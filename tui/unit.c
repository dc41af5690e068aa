/* The view of one unit: its panes, and what keys do in them. */

#include "tui/model-private.h"

#include <errno.h>

static struct imm_line *current(struct imm_tui *t) {
        size_t at = t->scroll[t->pane].cursor;

        return at < t->lines.n ? &t->lines.v[at] : NULL;
}

/* The reasons belong to the place under the cursor */
static void explain(struct imm_tui *t) {
        struct imm_line *l = current(t);
        imm_err_auto err = IMM_ERR_INIT;

        t->reasons = (struct imm_strv){0};
        if (!l)
                return;
        if (t->pane == IMM_PANE_FINDINGS && t->brief && l->finding)
                imm_finding_words(t, l->finding, t->lines_arena, &t->reasons);
        if (t->pane != IMM_PANE_ACCESS || !l->path)
                return;
        if (t->world.why(t->world.data, t->as_is->unit, imm_trial_dropin(t, t->lines_arena),
                    l->path, t->lines_arena, &t->reasons, &err) < 0)
                imm_tui_say(t, true, "%s", imm_err_text(&err));
        for (size_t i = 0; i < t->reasons.n; i++)
                t->reasons.v[i] = imm_trial_words(t, t->lines_arena, t->reasons.v[i]);
}

void imm_unit_refresh(struct imm_tui *t) {
        static void (*const builders[IMM_PANE_N])(
                struct imm_tui *, imm_lines *, struct imm_arena *) = {
#define PANE(id, letter, title, function) [IMM_PANE_##id] = imm_pane_##function,
                IMM_PANES(PANE)
#undef PANE
        };
        struct imm_scroll *s = &t->scroll[t->pane];
        struct imm_arena *before = t->lines_arena;
        struct imm_line *l = current(t);
        const char *setting = l ? l->setting : NULL;
        const struct imm_state_finding *finding = l ? l->finding : NULL;

        t->lines = (imm_lines){0};
        t->lines_arena = imm_arena_new();
        if (t->state)
                builders[t->pane](t, &t->lines, t->lines_arena);
        for (size_t i = 0; setting && i < t->lines.n; i++)
                if (t->lines.v[i].setting && imm_streq(t->lines.v[i].setting, setting))
                        s->cursor = i;
        for (size_t i = t->lines.n; finding && i-- > 0;)
                if (t->lines.v[i].finding == finding)
                        s->cursor = i;
        imm_arena_free(before);
        if (s->cursor >= t->lines.n)
                s->cursor = t->lines.n ? t->lines.n - 1 : 0;
        while (s->cursor > 0 && t->lines.v[s->cursor].part)
                s->cursor--;
        explain(t);
}

void imm_unit_show(struct imm_tui *t, enum imm_pane pane) {
        t->pane = pane;
        imm_unit_refresh(t);
}

void imm_unit_open(struct imm_tui *t, const char *unit) {
        imm_err_auto err = IMM_ERR_INIT;
        const struct imm_state *s = t->world.state(t->world.data, unit, NULL, &err);

        if (!s) {
                imm_tui_say(t, true, "%s", imm_err_text(&err));
                return;
        }
        t->as_is = t->state = s;
        t->trials = imm_map_get(&t->attempts, imm_trial_key(t, s->unit));
        if (!t->trials) {
                t->trials = imm_new(t->arena, imm_trials);
                imm_map_put(t->arena, &t->attempts, imm_strdup(t->arena, imm_trial_key(t, s->unit)),
                        t->trials);
        } else
                (void)imm_trial_judge(t);
        t->folder = "/";
        t->folded = (struct imm_map){0};
        memset(t->scroll, 0, sizeof(t->scroll));
        t->lines = (imm_lines){0};
        imm_tui_set(&t->search, "");
        t->screen = IMM_SCREEN_UNIT;
        imm_unit_show(t, IMM_PANE_SETTINGS);
        if (t->trials->n > 0)
                imm_tui_say(t, false, "with what you tried before; u takes it back");
}

/* ---- files ---- */

static void source(struct imm_tui *t) {
        struct imm_line *l = current(t);
        imm_err_auto err = IMM_ERR_INIT;
        const char *text = NULL;

        if (!l || !l->file || l->file[0] != '/') {
                imm_tui_say(t, true, "no file says that");
                return;
        }
        if (imm_trial_set_by(t, l->file)) {
                imm_unit_show(t, IMM_PANE_DROPIN); /* it is not there yet */
                return;
        }
        if (t->world.file(t->world.data, l->file, t->arena, &text, &err) < 0)
                imm_tui_say(t, true, "%s", imm_err_text(&err));
        else
                imm_text_open(t, l->file, text, l->line);
}

static void explain_rule(struct imm_tui *t) {
        struct imm_line *l = current(t);
        const struct imm_state_finding *f = l ? l->finding : NULL;
        struct imm_rule_words w = {0};
        struct imm_strv lines = {0};
        const char *s;

        if (!f || !f->scorecard ||
                !t->world.rule(t->world.data, f->scorecard, f->rule, t->arena, &w)) {
                imm_tui_say(t, true, "there is no rule to explain here");
                return;
        }
        s = imm_printf(t->frame, "%s\n\n", w.title ? w.title : f->rule);
        if (w.why)
                imm_text_wrap(t->frame, w.why, t->canvas.cols - 9, &lines);
        for (size_t i = 0; i < lines.n; i++)
                s = imm_printf(t->frame, "%s%s\n", s, lines.v[i]);
        s = imm_printf(t->frame, "%s\nScorecard: %s\nSeverity: %s\n", s, f->scorecard,
                imm_severity_name(f->severity));
        for (size_t i = 0; i < w.documentation.n; i++)
                s = imm_printf(t->frame, "%sDocumentation: %s\n", s, w.documentation.v[i]);
        if (f->remedy)
                s = imm_printf(t->frame, "%sRemedy:\n%s\n", s, f->remedy);
        imm_text_open(t, f->rule, s, 0);
}

/* ---- Access ---- */

bool imm_unit_go(struct imm_tui *t, const char *folder) {
        imm_cleanup(imm_arena_free) struct imm_arena *scratch = imm_arena_new();
        imm_err_auto err = IMM_ERR_INIT;
        struct imm_place *places = NULL;
        size_t n = 0;

        if (t->world.list(t->world.data, t->as_is->unit, imm_trial_dropin(t, scratch), folder,
                    scratch, &places, &n, &err) < 0) {
                imm_tui_say(t, true, "%s", imm_err_text(&err));
                return false;
        }
        t->folder = imm_strdup(t->arena, folder);
        t->scroll[IMM_PANE_ACCESS] = (struct imm_scroll){0};
        imm_unit_show(t, IMM_PANE_ACCESS);
        return true;
}

static bool put_on(struct imm_tui *t, const char *path) {
        for (size_t i = 0; i < t->lines.n; i++)
                if (t->lines.v[i].path && imm_streq(t->lines.v[i].path, path)) {
                        t->scroll[IMM_PANE_ACCESS].cursor = i;
                        explain(t);
                        return true;
                }
        return false;
}

static const char *parent(struct imm_arena *a, const char *path) {
        const char *slash = strrchr(path, '/');

        return slash == path ? "/" : imm_strndup(a, path, (size_t)(slash - path));
}

static void go_up(struct imm_tui *t) {
        const char *from = t->folder;

        if (imm_unit_go(t, parent(t->arena, from)))
                (void)put_on(t, from);
}

/* Shows the place in its folder; what is in no listing, it answers all the same. */
void imm_unit_ask(struct imm_tui *t, const char *path) {
        size_t n = strlen(path);
        imm_err_auto err = IMM_ERR_INIT;

        if (path[0] != '/') {
                imm_tui_say(t, true, "a path starts with /");
                return;
        }
        while (n > 1 && path[n - 1] == '/')
                n--;
        path = imm_strndup(t->arena, path, n);
        if (n > 1 && imm_unit_go(t, parent(t->arena, path)) && put_on(t, path))
                return;
        t->message = NULL;
        if (t->pane != IMM_PANE_ACCESS)
                imm_unit_show(t, IMM_PANE_ACCESS);
        t->scroll[IMM_PANE_ACCESS] = (struct imm_scroll){0};
        t->reasons = (struct imm_strv){0};
        if (t->world.why(t->world.data, t->as_is->unit, imm_trial_dropin(t, t->lines_arena), path,
                    t->lines_arena, &t->reasons, &err) < 0)
                imm_tui_say(t, true, "%s", imm_err_text(&err));
}

/* ---- what if ---- */

/*
 * @text: "Setting=value". @in_place: the value becomes that one, so a list is emptied first; else
 * it is a line more.
 */
bool imm_unit_edit(struct imm_tui *t, const char *text, bool in_place) {
        const char *sign = strchr(text, '='), *name;
        struct imm_about about = {0};
        const struct imm_state_setting *was = NULL;

        bool ok;

        if (!*text)
                return true;
        if (!sign || sign == text) {
                imm_tui_say(t, true, "expected Setting=value");
                return false;
        }
        name = imm_strndup(t->arena, text, (size_t)(sign - text));
        if (!t->world.about(t->world.data, name, t->arena, &about)) {
                imm_tui_say(t, true, "there is no setting '%s'", name);
                return false;
        }
        imm_array_foreach (s, &t->as_is->settings)
                if (imm_streq(s->name, name))
                        was = s;
        if (in_place && about.list && was && was->value && *was->value && sign[1])
                text = imm_printf(t->arena, "%s=\n%s", name, text);
        ok = imm_trial_add(t, text, NULL, in_place || !about.list ? name : NULL);
        imm_unit_refresh(t);
        return ok;
}

/* The value behind this one, of those that there are */
static void toggle(struct imm_tui *t) {
        struct imm_line *l = current(t);
        struct imm_about about = {0};
        const char *value;
        size_t at = 0;

        if (!l || !l->setting || !t->world.about(t->world.data, l->setting, t->arena, &about) ||
                about.values.n == 0) {
                imm_tui_say(t, true, "this one has no list of values; e edits it");
                return;
        }
        value = l->value ? l->value : "";
        while (at < about.values.n && !imm_streq(about.values.v[at], value))
                at++;
        at = at >= about.values.n ? 0 : (at + 1) % about.values.n;
        (void)imm_unit_edit(t, imm_printf(t->arena, "%s=%s", l->setting, about.values.v[at]), true);
}

static void edit(struct imm_tui *t) {
        struct imm_line *l = current(t);
        struct imm_about about = {0};

        if (!l || !l->setting)
                return;
        if (t->world.about(t->world.data, l->setting, t->frame, &about) && about.values.n > 0)
                imm_tui_say(t, false, "%s", imm_words(t->frame, &about.values, 40));
        t->edited = imm_strdup(t->arena, l->setting);
        imm_prompt_open(t, IMM_PROMPT_EDIT,
                imm_printf(t->frame, "%s=%s", l->setting, l->value ? l->value : ""));
}

static void apply(struct imm_tui *t) {
        struct imm_line *l = current(t);
        const struct imm_state_finding *f = l ? l->finding : NULL;

        if (!f || !f->remedy) {
                imm_tui_say(t, true, "there is no remedy to apply here");
                return;
        }
        if (imm_trial_add(t, f->remedy, imm_printf(t->arena, "against %s", f->rule), NULL))
                imm_trial_thin(t, f);
        imm_unit_refresh(t);
}

static void save(struct imm_tui *t) {
        if (t->trials->n == 0)
                imm_tui_say(t, true, "nothing was changed, so there is nothing to write");
        else
                imm_prompt_open(t, IMM_PROMPT_SAVE,
                        t->world.proposed(t->world.data, t->as_is->unit, t->frame));
}

static bool removed(const struct imm_state_finding *f, const struct imm_state *from) {
        imm_array_foreach (i, &from->findings)
                if (imm_streq(i->rule, f->rule))
                        return false;
        return true;
}

void imm_unit_save(struct imm_tui *t, const char *path, bool replace) {
        imm_err_auto err = IMM_ERR_INIT;
        const char *root = t->now && t->now->root ? t->now->root : "/";
        const char *manager = t->scope && !imm_streq(t->scope, "system") ? " --user" : "";
        size_t gone = 0;
        int r;

        imm_array_foreach (f, &t->as_is->findings)
                gone += removed(f, t->state);
        r = t->world.save(
                t->world.data, t->as_is->unit, path, imm_trial_dropin(t, t->frame), replace, &err);
        if (r == -EEXIST && !replace) {
                t->edited = imm_strdup(t->arena, path);
                imm_prompt_open(t, IMM_PROMPT_REPLACE, "");
                return;
        }
        if (r < 0) {
                imm_tui_say(t, true, "%s", imm_err_text(&err));
                return;
        }
        if (r == 0) {
                imm_tui_say(t, false, "written to %s, outside of the unit's own folders", path);
                return;
        }
        imm_tui_say(t, false, "written to %s, %zu finding%s fewer; %s", path, gone,
                gone == 1 ? "" : "s",
                imm_streq(root, "/")
                        ? imm_printf(t->frame,
                                  "to make it hold: systemctl%s daemon-reload && systemctl%s "
                                  "restart %s",
                                  manager, manager, t->as_is->unit)
                        : imm_printf(t->frame, "in %s, for its next start", root));
        t->trials->n = 0;
        t->as_is = t->state = t->world.state(t->world.data, t->as_is->unit, NULL, &err) ?: t->state;
        if (t->pane == IMM_PANE_DROPIN)
                t->pane = IMM_PANE_FINDINGS;
        imm_unit_refresh(t);
}

static void copy(struct imm_tui *t) {
        struct imm_line *l = current(t);
        const char *text = imm_trial_dropin(t, t->frame);
        bool whole = text != NULL;

        if (!text && l && l->finding)
                text = l->finding->remedy;
        if (!text && l && l->setting)
                text = imm_printf(t->frame, "%s=%s\n", l->setting, l->value ? l->value : "");
        if (!text && l)
                text = l->path;
        if (!text)
                return;
        t->world.copy(t->world.data, text);
        imm_tui_say(t, false, "copied %s, if the terminal takes it (OSC 52); w writes a file",
                whole ? "the drop-in" : "the line");
}

/* ---- Mounts ---- */

/* Findings fold to a line each, all at once: below the list stands what the one under the cursor
 * says */
static void fold_findings(struct imm_tui *t) {
        t->brief = !t->brief;
        imm_unit_refresh(t);
}

static void fold(struct imm_tui *t) {
        struct imm_line *l = current(t);

        if (t->pane == IMM_PANE_FINDINGS) {
                fold_findings(t);
                return;
        }
        if (!l || !l->path)
                return;
        imm_map_put(t->arena, &t->folded, imm_strdup(t->arena, l->path),
                imm_map_get(&t->folded, l->path) ? NULL : (void *)(uintptr_t)1);
        imm_unit_refresh(t);
}

static void fold_all(struct imm_tui *t) {
        bool any = false;

        if (t->pane == IMM_PANE_FINDINGS) {
                fold_findings(t);
                return;
        }
        imm_array_foreach (m, &t->state->mounts)
                any |= imm_map_get(&t->folded, m->path) != NULL;
        imm_array_foreach (m, &t->state->mounts)
                if (!imm_streq(m->path, "/"))
                        imm_map_put(t->arena, &t->folded, imm_strdup(t->arena, m->path),
                                any ? NULL : (void *)(uintptr_t)1);
        imm_unit_refresh(t);
}

/* ---- the view ---- */

static void open_line(struct imm_tui *t) {
        struct imm_line *l = current(t);

        if (!l)
                return;
        if (t->pane == IMM_PANE_SETTINGS)
                edit(t);
        else if (t->pane == IMM_PANE_ACCESS) {
                if (l->path && !imm_streq(l->path, t->folder))
                        (void)imm_unit_go(t, l->path);
        } else if (l->file)
                source(t);
}

static void act(struct imm_tui *t, enum imm_action action, int key) {
        switch (action) {
        case IMM_ACTION_OPEN:
                open_line(t);
                break;
        case IMM_ACTION_NEXT_PANE:
                imm_unit_show(t, (t->pane + 1) % IMM_PANE_N);
                break;
        case IMM_ACTION_PREVIOUS_PANE:
                imm_unit_show(t, (t->pane + IMM_PANE_N - 1) % IMM_PANE_N);
                break;
        case IMM_ACTION_PANE:
                if (key >= '1' && key < '1' + IMM_PANE_N)
                        imm_unit_show(t, (enum imm_pane)(key - '1'));
                break;
        case IMM_ACTION_FOLD:
                fold(t);
                break;
        case IMM_ACTION_FOLD_ALL:
                fold_all(t);
                break;
        case IMM_ACTION_TOGGLE:
                toggle(t);
                break;
        case IMM_ACTION_EDIT:
                edit(t);
                break;
        case IMM_ACTION_ADD:
                imm_prompt_open(t, IMM_PROMPT_ADD, "");
                break;
        case IMM_ACTION_APPLY:
                apply(t);
                break;
        case IMM_ACTION_UNDO:
                imm_trial_undo(t);
                imm_unit_refresh(t);
                break;
        case IMM_ACTION_DROPIN:
                imm_unit_show(t, IMM_PANE_DROPIN);
                break;
        case IMM_ACTION_SAVE:
                save(t);
                break;
        case IMM_ACTION_COPY:
                copy(t);
                break;
        case IMM_ACTION_ASK:
                imm_prompt_open(t, IMM_PROMPT_ASK, "/");
                break;
        case IMM_ACTION_SOURCE:
                source(t);
                break;
        case IMM_ACTION_EXPLAIN:
                explain_rule(t);
                break;
        default:
                break;
        }
}

/* Left goes out of a folder; Esc and q leave the unit from anywhere. */
static bool back(struct imm_tui *t, int key) {
        if (t->pane == IMM_PANE_ACCESS && !imm_streq(t->folder, "/") && key != IMM_KEY_ESC &&
                key != 'q') {
                go_up(t);
                return true;
        }
        imm_tui_rows(t); /* what was tried shows there */
        if (t->trials->n > 0)
                imm_tui_say(t, false,
                        "what you tried on %s is not written; it is kept until you leave immure",
                        t->as_is->unit);
        return false;
}

static const char *figures(
        struct imm_tui *t, const char *name, int before, int after, const char *separator) {
        const char *a = imm_tenths_text(t->frame, before) ?: "–",
                   *b = imm_tenths_text(t->frame, after) ?: "–";

        return before == after ? imm_printf(t->frame, "%s %s%s", name, b, separator)
                               : imm_printf(t->frame, "%s %s → %s%s", name, a, b, separator);
}

static void title(struct imm_tui *t, const char **left, const char **right) {
        const struct imm_state *s = t->state, *was = t->as_is;
        bool wide = t->canvas.cols >= 60;

        *left = imm_printf(t->frame, "%s%s", was->unit, t->trials->n ? "  [what if]" : "");
        *right = imm_printf(t->frame, "%s%s",
                figures(t, wide ? "exposure" : "exp", was->exposure, s->exposure, "  "),
                figures(t, "reach", was->reach, s->reach, ""));
}

static const char *tab(const struct imm_tui *t, int i) {
        return imm_printf(t->frame, "%d %s", i + 1, imm_pane_titles[i]);
}

/* Tabs that do not fit go off to the left, so that the current one is seen. */
static int first_tab(const struct imm_tui *t) {
        int width = 1, first = 0;

        for (int i = 0; i <= (int)t->pane; i++)
                width += (int)strlen(tab(t, i)) + 2;
        for (; width > t->canvas.cols && first < (int)t->pane; first++)
                width -= (int)strlen(tab(t, first)) + 2;
        return first;
}

static void tabs(struct imm_tui *t) {
        int col = 1;

        for (int i = first_tab(t); i < IMM_PANE_N && col < t->canvas.cols; i++)
                col = imm_canvas_put(&t->canvas, 1, col, t->canvas.cols - col,
                              i == (int)t->pane ? IMM_STYLE_STRONG | IMM_STYLE_SELECTED
                                                : IMM_STYLE_FAINT,
                              tab(t, i)) +
                      2;
}

static void click(struct imm_tui *t, int col) {
        int at = 1;

        for (int i = first_tab(t); i < IMM_PANE_N; i++) {
                at += (int)strlen(tab(t, i)) + 2;
                if (col < at) {
                        imm_unit_show(t, (enum imm_pane)i);
                        return;
                }
        }
}

static size_t count(const struct imm_tui *t) {
        return t->lines.n;
}

static struct imm_scroll *scroll(struct imm_tui *t) {
        return &t->scroll[t->pane];
}

static void line(struct imm_tui *t, size_t at, struct imm_line *l) {
        *l = t->lines.v[at];
}

static const char *note(struct imm_tui *t) {
        if (t->trials->n > 0)
                return imm_printf(t->frame, "%zu change%s tried: v shows the drop-in, w writes it",
                        t->trials->n, t->trials->n == 1 ? "" : "s");
        return t->pane == IMM_PANE_FINDINGS && t->state->findings.n > 0
                       ? "a tries the remedy: nothing is written before w"
                       : NULL;
}

const struct imm_view imm_view_unit = {
        .title = title,
        .head = tabs,
        .count = count,
        .scroll = scroll,
        .line = line,
        .note = note,
        .moved = explain,
        .act = act,
        .back = back,
        .click = click,
};
