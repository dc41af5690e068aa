/* The panes of a unit: each is a function that makes lines from the state. */

#include "tui/model-private.h"

void imm_line_add(struct imm_line *l, const char *text, uint8_t style, int width) {
        if (l->n_spans < IMM_ELEMENTSOF(l->spans))
                l->spans[l->n_spans++] = (struct imm_span){text ? text : "", style, width};
}

static struct imm_line *line(imm_lines *to, struct imm_arena *a) {
        struct imm_line *l = imm_array_push(a, to);

        *l = (struct imm_line){0};
        return l;
}

static void text(imm_lines *to, struct imm_arena *a, const char *s, uint8_t style) {
        imm_line_add(line(to, a), s, style, 0);
}

static const char *origin_text(const struct imm_source_ref *o, struct imm_arena *a) {
        const char *where = o->file ? imm_printf(a, "%s:%u", o->file, o->line) : NULL;

        if (o->by)
                return imm_printf(
                        a, "implied by %s=%s%s", o->by, where ? ", " : "", where ? where : "");
        return where ? where : o->kind ? o->kind : "default";
}

static bool is_default(const struct imm_state_setting *s) {
        return !s->origin.kind || imm_streq(s->origin.kind, "default");
}

/* A finding of the scorecard `ineffective` says that this setting does nothing here. */
static bool without_effect(const struct imm_state *s, const char *name) {
        imm_array_foreach (f, &s->findings)
                if (f->scorecard && imm_streq(f->scorecard, "ineffective") && f->setting &&
                        imm_streq(f->setting, name))
                        return true;
        return false;
}

static void setting(
        struct imm_tui *t, imm_lines *to, struct imm_arena *a, const struct imm_state_setting *s) {
        bool idle = without_effect(t->state, s->name);
        uint8_t style = is_default(s) || idle ? IMM_STYLE_FAINT
                        : s->origin.by        ? IMM_STYLE_NORMAL
                                              : IMM_STYLE_STRONG;
        struct imm_line *l = line(to, a);

        imm_line_add(l, s->name, style, 28);
        imm_line_add(l, s->value, style, t->canvas.cols > 100 ? 34 : 20);
        imm_line_add(l, " ", style, 1);
        imm_line_add(l,
                idle ? imm_printf(a, "no effect; %s", origin_text(&s->origin, a))
                     : origin_text(&s->origin, a),
                idle ? IMM_STYLE_FAIR : IMM_STYLE_FAINT, 0);
        l->setting = s->name;
        l->value = s->value;
        l->file = s->origin.file;
        l->line = s->origin.line;
}

/* What files set or imply first, then the defaults */
static void settings(struct imm_tui *t, imm_lines *to, struct imm_arena *a) {
        for (int pass = 0; pass < 2; pass++)
                imm_array_foreach (s, &t->state->settings)
                        if (is_default(s) == (pass == 1))
                                setting(t, to, a, s);
        if (to->n == 0)
                text(to, a, "Nothing is set: systemd's defaults hold.", IMM_STYLE_FAINT);
}

/* ---- mounts ---- */

static bool below(const char *path, const char *dir) {
        const char *rest = imm_after(path, dir);

        return rest && (*rest == '/' || (dir[0] == '/' && !dir[1] && *rest));
}

static void mounts(struct imm_tui *t, imm_lines *to, struct imm_arena *a) {
        const struct imm_state *s = t->state;
        IMM_ARRAY(const char *) above = {0}; /* the mounts that the current one is below of */
        const char *hidden = NULL;           /* a folded one */

        if (s->outcome && !imm_streq(s->outcome, "ok"))
                text(to, a, imm_printf(a, "Starting the unit would fail: %s", s->outcome),
                        IMM_STYLE_BAD);
        imm_array_foreach (m, &s->mounts) {
                const char *flags, *source;
                struct imm_line *l;
                bool folds, folded;

                while (above.n > 0 && !below(m->path, above.v[above.n - 1]))
                        above.n--;
                if (hidden && below(m->path, hidden))
                        continue;
                hidden = NULL;
                folds = m + 1 < s->mounts.v + s->mounts.n && below(m[1].path, m->path);
                folded = folds && imm_map_get(&t->folded, m->path);
                flags = imm_printf(a, "%s%s%s%s", m->read_only ? "ro" : "rw",
                        m->nosuid ? ",nosuid" : "", m->nodev ? ",nodev" : "",
                        m->noexec ? ",noexec" : "");
                source = !m->fstype || imm_streq(m->fstype, "bind")
                                 ? (m->source && !imm_streq(m->source, m->path)
                                                   ? imm_printf(a, "from %s", m->source)
                                                   : "")
                                 : m->fstype;
                l = line(to, a);
                imm_line_add(l,
                        imm_printf(a, "%*s%s%s", (int)(2 * above.n), "",
                                folded  ? "▸ "
                                : folds ? "▾ "
                                        : "  ",
                                m->path),
                        m->setting ? IMM_STYLE_STRONG : IMM_STYLE_NORMAL,
                        t->canvas.cols > 100 ? 44 : 30);
                imm_line_add(l, flags, m->read_only ? IMM_STYLE_GOOD : IMM_STYLE_FAIR, 23);
                imm_line_add(l, source, IMM_STYLE_NORMAL, 0);
                imm_line_add(l,
                        m->setting
                                ? imm_printf(a, "  %s=  %s", m->setting, origin_text(&m->origin, a))
                                : "",
                        IMM_STYLE_FAINT, 0);
                l->path = m->path;
                l->file = m->origin.file;
                l->line = m->origin.line;
                l->setting = m->setting;
                *imm_array_push(a, &above) = m->path;
                if (folded)
                        hidden = m->path;
        }
        if (to->n == 0)
                text(to, a, "The mounts of this unit are not known.", IMM_STYLE_FAINT);
}

/* ---- access: the file system as the service sees it ---- */

static const char *mark(int can, const char *letter) {
        return can > 0 ? letter : can == 0 ? "-" : "?";
}

static uint8_t level_style(const char *level) {
        if (!level || imm_streq(level, "none"))
                return IMM_STYLE_FAINT;
        return imm_streq(level, "writable") || imm_streq(level, "sticky") ? IMM_STYLE_BAD
               : imm_streq(level, "special")                              ? IMM_STYLE_FAIR
                                                                          : IMM_STYLE_NORMAL;
}

static void access_pane(struct imm_tui *t, imm_lines *to, struct imm_arena *a) {
        const char *dropin = imm_trial_dropin(t, a);
        imm_err_auto err = IMM_ERR_INIT;
        struct imm_place *places = NULL;
        struct imm_line *l;
        size_t n = 0;

        l = line(to, a);
        imm_line_add(l, imm_printf(a, "%s", t->folder), IMM_STYLE_STRONG, 0);
        l->path = t->folder;
        if (t->world.list(t->world.data, t->as_is->unit, dropin, t->folder, a, &places, &n, &err) <
                0) {
                text(to, a, imm_strdup(a, imm_err_text(&err)), IMM_STYLE_BAD);
                return;
        }
        for (size_t i = 0; i < n; i++) {
                const struct imm_place *p = &places[i];

                l = line(to, a);
                imm_line_add(l,
                        imm_printf(a, "  %s%s%s", mark(p->read, "r"), mark(p->write, "w"),
                                mark(p->execute, "x")),
                        level_style(p->level), 6);
                imm_line_add(l, p->level ? p->level : "unknown", level_style(p->level), 10);
                imm_line_add(l,
                        imm_printf(a, "%s%s", p->name,
                                p->directory ? "/"
                                : p->link    ? "@"
                                             : ""),
                        p->directory ? IMM_STYLE_STRONG : IMM_STYLE_NORMAL, 0);
                l->path =
                        imm_printf(a, "%s/%s", imm_streq(t->folder, "/") ? "" : t->folder, p->name);
                l->directory = p->directory;
        }
        if (n == 0)
                text(to, a, "  nothing to see here", IMM_STYLE_FAINT);
}

/* ---- closure ---- */

static void closure(struct imm_tui *t, imm_lines *to, struct imm_arena *a) {
        const struct imm_state *s = t->state;

        if (!s->closure_kind) {
                text(to, a, "What this unit needs is not known.", IMM_STYLE_FAINT);
                return;
        }
        for (size_t i = 0; i < s->missing.n; i++) {
                text(to, a, imm_printf(a, "missing   %s", s->missing.v[i]), IMM_STYLE_BAD);
                to->v[to->n - 1].path = s->missing.v[i];
        }
        text(to, a,
                imm_printf(a, "needs %zu, sees %lld, %zu of them not needed", s->needs.n,
                        (long long)s->visible, s->excess.n),
                IMM_STYLE_STRONG);
        imm_array_foreach (n, &s->needs) {
                struct imm_line *l = line(to, a);

                imm_line_add(l, n->confidence,
                        n->confidence && imm_streq(n->confidence, "certain") ? IMM_STYLE_NORMAL
                                                                             : IMM_STYLE_FAINT,
                        10);
                imm_line_add(l, n->path, IMM_STYLE_NORMAL, t->canvas.cols > 100 ? 60 : 40);
                imm_line_add(l, " ", IMM_STYLE_NORMAL, 1);
                imm_line_add(l, n->reason, IMM_STYLE_FAINT, 0);
                l->path = n->path;
        }
        for (size_t i = 0; i < s->excess.n; i++)
                text(to, a, imm_printf(a, "excess    %s", s->excess.v[i]), IMM_STYLE_FAINT);
}

/* ---- findings ---- */

static void finding(imm_lines *to, struct imm_arena *a, const struct imm_state_finding *f) {
        struct imm_line *l = line(to, a);
        size_t first = to->n - 1;

        imm_line_add(l, imm_severity_name(f->severity), imm_tone_of_severity(f->severity), 9);
        imm_line_add(l, f->rule, IMM_STYLE_STRONG, 0);
        imm_line_add(l,
                f->suppressed ? imm_printf(a, "  accepted: %s", f->suppressed)
                : f->subject  ? imm_printf(a, "  %s", f->subject)
                              : "",
                IMM_STYLE_FAINT, 0);
        for (size_t i = 0; i < f->evidence.n; i++)
                text(to, a, imm_printf(a, "         %s", f->evidence.v[i]), IMM_STYLE_NORMAL);
        if (f->remedy)
                for (const char *s = f->remedy, *end; *s; s = *end ? end + 1 : end) {
                        end = strchrnul(s, '\n');
                        text(to, a, imm_printf(a, "         → %.*s", (int)(end - s), s),
                                IMM_STYLE_GOOD);
                }
        if (f->file)
                text(to, a,
                        imm_printf(a, "         %s:%u%s%s", f->file, f->line, f->owner ? "  " : "",
                                f->owner ? f->owner : ""),
                        IMM_STYLE_FAINT);
        for (size_t i = first; i < to->n; i++) {
                to->v[i].finding = f;
                to->v[i].file = f->file;
                to->v[i].line = f->line;
        }
}

static void findings(struct imm_tui *t, imm_lines *to, struct imm_arena *a) {
        const char *only = t->scorecard ? t->scorecards.v[t->scorecard - 1] : NULL;

        imm_array_foreach (f, &t->state->findings)
                if (!only || (f->scorecard && imm_streq(f->scorecard, only)))
                        finding(to, a, f);
        if (to->n == 0)
                text(to, a, "No findings.", IMM_STYLE_GOOD);
}

/* ---- changes against an earlier run, side by side ---- */

static void change(
        struct imm_tui *t, imm_lines *to, struct imm_arena *a, const struct imm_change *c) {
        int half = (t->canvas.cols - 30) / 2;
        struct imm_line *l = line(to, a);

        imm_line_add(l, c->name, imm_tone_of_verdict(c->verdict), 28);
        imm_line_add(l, c->before ? c->before : "–", IMM_STYLE_NORMAL, half > 10 ? half : 10);
        imm_line_add(l, " ", IMM_STYLE_NORMAL, 1);
        imm_line_add(l, c->after ? c->after : "–", imm_tone_of_verdict(c->verdict), 0);
}

static void changes(struct imm_tui *t, imm_lines *to, struct imm_arena *a) {
        const struct imm_unit_difference *d;

        if (!t->changes) {
                text(to, a, "There is no earlier run to compare with: `immure record` makes one.",
                        IMM_STYLE_FAINT);
                return;
        }
        text(to, a,
                imm_printf(a, "Compared with %s (d: an earlier one)",
                        t->before_name ? t->before_name : "an earlier run"),
                IMM_STYLE_FAINT);
        d = imm_difference_unit(t->changes, t->as_is->unit);
        if (!d) {
                text(to, a, "Nothing changed.", IMM_STYLE_GOOD);
                return;
        }
        text(to, a, imm_verdict_name(d->verdict), imm_tone_of_verdict(d->verdict));
#define EACH(list) \
        imm_array_foreach (c, &d->list) \
        change(t, to, a, c)
        EACH(scores);
        imm_array_foreach (f, &d->fresh)
                text(to, a, imm_printf(a, "new finding: %s", (*f)->rule), IMM_STYLE_BAD);
        imm_array_foreach (f, &d->fixed)
                text(to, a, imm_printf(a, "fixed: %s", (*f)->rule), IMM_STYLE_GOOD);
        EACH(settings);
        EACH(access);
        EACH(mounts);
        EACH(closure);
        EACH(checks);
#undef EACH
}

static void dropin(struct imm_tui *t, imm_lines *to, struct imm_arena *a) {
        imm_trial_lines(t, to, a);
}

void imm_tui_lines(struct imm_tui *t) {
        static void (*const builders[IMM_PANE_N])(
                struct imm_tui *, imm_lines *, struct imm_arena *) = {
#define PANE(id, title, function) [IMM_PANE_##id] = function,
                IMM_PANES(PANE)
#undef PANE
        };
        struct imm_scroll *s = &t->scroll[t->pane];

        t->lines = (imm_lines){0};
        imm_arena_free(t->lines_arena);
        t->lines_arena = imm_arena_new();
        if (t->state)
                builders[t->pane](t, &t->lines, t->lines_arena);
        if (s->cursor >= t->lines.n)
                s->cursor = t->lines.n ? t->lines.n - 1 : 0;
}
