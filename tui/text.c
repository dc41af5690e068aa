/* Three small views: a text (a file, a rule explained), the keys, the runs to compare with. */

#include "tui/model-private.h"

/* ---- a text ---- */

/* Tabs as eight blanks wide: the canvas would show them as what they are */
static const char *untabbed(struct imm_arena *a, const char *s, size_t n) {
        size_t tabs = 0, k = 0;
        char *line;

        for (size_t i = 0; i < n; i++)
                tabs += s[i] == '\t';
        line = imm_alloc(a, n + 8 * tabs + 1);
        for (size_t i = 0; i < n; i++)
                if (s[i] == '\t')
                        do
                                line[k++] = ' ';
                        while (k % 8);
                else
                        line[k++] = s[i];
        return line;
}

void imm_text_open(struct imm_tui *t, const char *name, const char *text, unsigned line) {
        t->text = (struct imm_strv){0};
        t->text_name = imm_strdup(t->arena, name);
        for (const char *s = text, *end; *s; s = *end ? end + 1 : end) {
                end = strchrnul(s, '\n');
                imm_strv_add(t->arena, &t->text, untabbed(t->arena, s, (size_t)(end - s)));
        }
        t->text_scroll = (struct imm_scroll){0};
        if (line > 0 && t->text.n > 0)
                t->text_scroll.cursor = line <= t->text.n ? line - 1 : t->text.n - 1;
        /* the line with what stands around it */
        t->text_scroll.top = t->text_scroll.cursor > imm_tui_page(t) / 2
                                     ? t->text_scroll.cursor - imm_tui_page(t) / 2
                                     : 0;
        t->below = t->screen;
        t->screen = IMM_SCREEN_TEXT;
}

static void text_title(struct imm_tui *t, const char **left, const char **right) {
        *left = t->text_name;
        *right = imm_printf(t->frame, "line %zu of %zu", t->text_scroll.cursor + 1, t->text.n);
}

static size_t text_count(const struct imm_tui *t) {
        return t->text.n;
}

static struct imm_scroll *text_scroll(struct imm_tui *t) {
        return &t->text_scroll;
}

static void text_line(struct imm_tui *t, size_t at, struct imm_line *l) {
        const char *s = t->text.v[at], *sign = s + strspn(s, " ");
        bool quiet = *sign == '#' || *sign == ';', section = *sign == '[';

        imm_line_add(l, imm_printf(t->frame, "%5zu", at + 1), IMM_STYLE_FAINT, 7);
        imm_line_add(l, s,
                quiet     ? IMM_STYLE_FAINT
                : section ? IMM_STYLE_STRONG
                          : IMM_STYLE_NORMAL,
                0);
}

static void nothing(struct imm_tui *t, enum imm_action action, int key) {
        (void)t;
        (void)action;
        (void)key;
}

const struct imm_view imm_view_text = {
        .letter = 'T',
        .title = text_title,
        .count = text_count,
        .scroll = text_scroll,
        .line = text_line,
        .act = nothing,
};

/* ---- the keys ---- */

static const char *const tour[] = {
        "In short: Enter opens the unit under the cursor, 5 shows its findings.",
        "a tries a finding's remedy: scores, access and what would break follow.",
        "v shows the drop-in that makes it, with its effect; u takes a step back.",
        "w and Enter write it; systemctl daemon-reload and a restart make it hold.",
        "",
        "Exposure is systemd's figure, reach what it really gets at: 10.0 is worst.",
        "Findings: critical, high, medium, low. Change: since the run compared with.",
        "",
};

static void keys_title(struct imm_tui *t, const char **left, const char **right) {
        *left = "Keys";
        *right = "immure";
}

static size_t keys_count(const struct imm_tui *t) {
        return IMM_ELEMENTSOF(tour) + IMM_ACTION_N - 1;
}

static struct imm_scroll *keys_scroll(struct imm_tui *t) {
        return &t->keys_scroll;
}

static void keys_line(struct imm_tui *t, size_t at, struct imm_line *l) {
        const struct imm_action_info *info;
        const char *where;

        if (at < IMM_ELEMENTSOF(tour)) {
                imm_line_add(l, tour[at], IMM_STYLE_NORMAL, 0);
                return;
        }
        info = &imm_actions[at - IMM_ELEMENTSOF(tour) + 1];
        where = strchr(info->where, 'A')   ? ""
                : strchr(info->where, 'U') ? (strchr(info->where, 'L') ? "" : "unit")
                : strchr(info->where, 'L') ? "list"
                : strchr(info->where, 'F') ? "findings"
                : strchr(info->where, 'S') ? "settings"
                                           : "";
        imm_line_add(l, imm_printf(t->frame, " %s", info->keys), IMM_STYLE_KEY, 18);
        imm_line_add(l, " ", IMM_STYLE_NORMAL, 1);
        imm_line_add(l, info->help, IMM_STYLE_NORMAL, t->canvas.cols > 88 ? 66 : 0);
        if (t->canvas.cols > 88)
                imm_line_add(l, where, IMM_STYLE_FAINT, 0);
}

const struct imm_view imm_view_keys = {
        .letter = 'K',
        .title = keys_title,
        .count = keys_count,
        .scroll = keys_scroll,
        .line = keys_line,
        .act = nothing,
};

/* ---- runs ---- */

static void runs_title(struct imm_tui *t, const char **left, const char **right) {
        *left = "Compare with";
        *right = imm_printf(t->frame, "%zu run%s", t->n_runs, t->n_runs == 1 ? "" : "s");
}

static size_t runs_count(const struct imm_tui *t) {
        return t->n_runs;
}

static struct imm_scroll *runs_scroll(struct imm_tui *t) {
        return &t->runs_scroll;
}

static void runs_line(struct imm_tui *t, size_t at, struct imm_line *l) {
        imm_line_add(l, t->runs[at].id == t->before_id ? "* " : "  ", IMM_STYLE_STRONG, 2);
        imm_line_add(l, t->runs[at].text, IMM_STYLE_NORMAL, 0);
}

static void runs_act(struct imm_tui *t, enum imm_action action, int key) {
        if (action != IMM_ACTION_OPEN || t->runs_scroll.cursor >= t->n_runs)
                return;
        t->screen = t->below;
        imm_tui_compared_with(t, &t->runs[t->runs_scroll.cursor]);
        if (t->screen == IMM_SCREEN_UNIT)
                imm_unit_show(t, IMM_PANE_CHANGES);
}

const struct imm_view imm_view_runs = {
        .letter = 'R',
        .title = runs_title,
        .count = runs_count,
        .scroll = runs_scroll,
        .line = runs_line,
        .act = runs_act,
};
