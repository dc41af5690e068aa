/* The panes of a unit: each is a function that makes lines from the state. */

#include "audit/owner.h"
#include "tui/model-private.h"

void imm_line_add(struct imm_line *l, const char *text, uint8_t style, int width) {
        if (l->n_spans < IMM_ELEMENTSOF(l->spans))
                l->spans[l->n_spans++] =
                        (struct imm_span){.text = text ? text : "", .style = style, .width = width};
}

struct imm_line *imm_line_new(imm_lines *to, struct imm_arena *a) {
        struct imm_line *l = imm_array_push(a, to);

        *l = (struct imm_line){0};
        return l;
}

struct imm_line *imm_line_text(imm_lines *to, struct imm_arena *a, const char *s, uint8_t style) {
        struct imm_line *l = imm_line_new(to, a);

        imm_line_add(l, s, style, 0);
        return l;
}

int imm_line_width(const struct imm_line *l) {
        int n = 0;

        for (unsigned i = 0; i < l->n_spans; i++) {
                int width = l->spans[i].width;

                n += width < 0 ? -width : width ? width : (int)imm_text_width(l->spans[i].text);
        }
        return n;
}

/* The bytes of the next character, and the columns that it takes */
static size_t next_char(const char *s, int *ret_width) {
        char one[8] = "";
        uint32_t c;
        size_t k = imm_utf8_next(s, strnlen(s, 4), &c);

        k = k ? k : 1;
        memcpy(one, s, k);
        *ret_width = (int)imm_text_width(one);
        return k;
}

/* One pass: a text may be a megabyte of signs that take no room */
void imm_text_wrap(struct imm_arena *a, const char *text, int width, struct imm_strv *ret) {
        width = width < 8 ? 8 : width;
        while (*text) {
                size_t n = 0, blank = 0;
                int used = 0, w;

                while (text[n] && text[n] != '\n') {
                        size_t k = next_char(text + n, &w);

                        if (used + w > width && n > 0)
                                break;
                        if (text[n] == ' ')
                                blank = n;
                        used += w;
                        n += k;
                }
                if (text[n] && text[n] != '\n' && text[n] != ' ' && blank > 0)
                        n = blank;
                imm_strv_add(a, ret, imm_strndup(a, text, n));
                text += n;
                text += *text == '\n' ? 1 : strspn(text, " ");
        }
}

#define TITLE(id, letter, title, function) [IMM_PANE_##id] = title,
const char *const imm_pane_titles[IMM_PANE_N] = {IMM_PANES(TITLE)};
#undef TITLE

static const char *origin_text(const struct imm_source_ref *o, struct imm_arena *a) {
        const char *where = o->file ? imm_printf(a, "%s:%u", o->file, o->line) : NULL;

        if (o->by)
                return imm_printf(
                        a, "implied by %s=%s%s", o->by, where ? ", " : "", where ? where : "");
        return where ? where : o->kind ? o->kind : "default";
}

/* Where there is no room for all of a path: the line in it is worth more than its beginning. */
static void add_origin(struct imm_line *l, const char *before, const struct imm_source_ref *o,
        uint8_t style, struct imm_arena *a) {
        struct imm_source_ref brief = *o;

        imm_line_add(l, imm_printf(a, "%s%s", before, origin_text(o, a)), style, 0);
        if (!o->file)
                return;
        brief.file = imm_printf(a, "…/%s", imm_base_name(o->file));
        l->spans[l->n_spans - 1].brief = imm_printf(a, "%s%s", before, origin_text(&brief, a));
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

/* A wide screen has room for a value and for a file's path, a narrow one for the file's name */
static int width_of_value(int cols) {
        return cols < 60 ? 8 : cols <= 100 ? 22 : cols <= 120 ? 38 : cols < 162 ? cols - 82 : 80;
}

static void setting(
        struct imm_tui *t, imm_lines *to, struct imm_arena *a, const struct imm_state_setting *s) {
        bool idle = without_effect(t->state, s->name),
             tried = s->origin.file && imm_trial_set_by(t, s->origin.file);
        uint8_t style = tried                   ? IMM_STYLE_FAIR
                        : is_default(s) || idle ? IMM_STYLE_FAINT
                        : s->origin.by          ? IMM_STYLE_NORMAL
                                                : IMM_STYLE_STRONG;
        struct imm_line *l = imm_line_new(to, a);

        imm_line_add(l, s->name, style, t->canvas.cols < 60 ? 18 : 27);
        imm_line_add(l, " ", style, 1);
        imm_line_add(l, s->value, style, width_of_value(t->canvas.cols));
        imm_line_add(l, " ", style, 1);
        if (tried)
                imm_line_add(l,
                        s->origin.by ? imm_printf(a, "tried, implied by %s=", s->origin.by)
                                     : "tried, not written",
                        IMM_STYLE_FAIR, 0);
        else
                add_origin(l, idle ? "no effect; " : "", &s->origin,
                        idle ? IMM_STYLE_FAIR : IMM_STYLE_FAINT, a);
        l->setting = s->name;
        l->value = s->value;
        l->file = s->origin.file;
        l->line = s->origin.line;
}

/* 0: a file, the manager or a trial says so; 1: implied; 2: the default */
static int rank(const struct imm_state_setting *s) {
        return is_default(s) ? 2 : s->origin.by != NULL;
}

/* As it was before anything was tried: a line does not move from under the cursor */
static int place_of(const struct imm_tui *t, const struct imm_state_setting *s) {
        imm_array_foreach (i, &t->as_is->settings)
                if (imm_streq(i->name, s->name))
                        return rank(i);
        return rank(s);
}

void imm_pane_settings(struct imm_tui *t, imm_lines *to, struct imm_arena *a) {
        if (t->state->load_message)
                imm_line_text(to, a, t->state->load_message, IMM_STYLE_BAD);
        for (size_t i = 0; i < t->state->errors.n; i++)
                imm_line_text(to, a, t->state->errors.v[i], IMM_STYLE_BAD);
        for (int pass = 0; pass < 3; pass++)
                imm_array_foreach (s, &t->state->settings)
                        if (place_of(t, s) == pass)
                                setting(t, to, a, s);
        if (to->n == 0)
                imm_line_text(to, a, "Nothing is set: systemd's defaults hold.", IMM_STYLE_FAINT);
}

/* ---- mounts ---- */

/* What the mount is for the service, in a few words */
static const char *what(const struct imm_state_mount *m, struct imm_arena *a) {
        if (m->fstype && !imm_streq(m->fstype, "bind"))
                return m->fstype;
        if (m->source && imm_after(m->source, "/run/systemd/inaccessible"))
                return "inaccessible";
        return m->source && !imm_streq(m->source, m->path) ? imm_printf(a, "from %s", m->source)
                                                           : "";
}

static void mount_line(struct imm_tui *t, imm_lines *to, struct imm_arena *a,
        const struct imm_state_mount *m, size_t depth, const char *sign) {
        bool tried = m->origin.file && imm_trial_set_by(t, m->origin.file);
        int cols = t->canvas.cols;
        struct imm_line *l = imm_line_new(to, a);

        imm_line_add(l, imm_printf(a, "%*s%s%s", (int)(2 * depth), "", sign, m->path),
                tried        ? IMM_STYLE_FAIR
                : m->setting ? IMM_STYLE_STRONG
                             : IMM_STYLE_NORMAL,
                cols > 160   ? 64
                : cols > 100 ? 45
                : cols < 60  ? 22
                             : 30);
        imm_line_add(l, " ", IMM_STYLE_NORMAL, 1);
        imm_line_add(l,
                imm_printf(a, "%s%s%s%s ", m->read_only ? "ro" : "rw", m->nosuid ? ",nosuid" : "",
                        m->nodev ? ",nodev" : "", m->noexec ? ",noexec" : ""),
                m->read_only ? IMM_STYLE_GOOD : IMM_STYLE_FAIR, cols < 60 ? 0 : 24);
        imm_line_add(l, what(m, a), IMM_STYLE_NORMAL, 0);
        if (m->setting) {
                const char *by = imm_printf(a, "%s%s=  ", *what(m, a) ? "  " : "", m->setting);

                if (tried)
                        imm_line_add(l, imm_printf(a, "%stried", by), IMM_STYLE_FAINT, 0);
                else
                        add_origin(l, by, &m->origin, IMM_STYLE_FAINT, a);
        }
        l->path = m->path;
        l->file = m->origin.file;
        l->line = m->origin.line;
}

void imm_pane_mounts(struct imm_tui *t, imm_lines *to, struct imm_arena *a) {
        const struct imm_state *s = t->state;
        IMM_ARRAY(const char *) above = {0}; /* the mounts that the current one is below of */
        const char *hidden = NULL;           /* a folded one */

        if (s->outcome && !imm_streq(s->outcome, "ok"))
                imm_line_text(to, a, imm_printf(a, "Starting the unit would fail: %s", s->outcome),
                        IMM_STYLE_BAD);
        imm_array_foreach (m, &s->mounts) {
                bool folds, folded;

                while (above.n > 0 && !imm_path_is_inside(m->path, above.v[above.n - 1]))
                        above.n--;
                if (hidden && imm_path_is_inside(m->path, hidden))
                        continue;
                hidden = NULL;
                folds = m + 1 < s->mounts.v + s->mounts.n && imm_path_is_inside(m[1].path, m->path);
                folded = folds && imm_map_get(&t->folded, m->path);
                mount_line(t, to, a, m, above.n, folded ? "▸ " : folds ? "▾ " : "  ");
                *imm_array_push(a, &above) = m->path;
                if (folded)
                        hidden = m->path;
        }
        if (s->mounts.n == 0)
                imm_line_text(to, a, "The mounts of this unit are not known.", IMM_STYLE_FAINT);
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

void imm_pane_access(struct imm_tui *t, imm_lines *to, struct imm_arena *a) {
        const char *dropin = imm_trial_dropin(t, a);
        imm_err_auto err = IMM_ERR_INIT;
        struct imm_place *places = NULL;
        struct imm_line *l;
        size_t n = 0;

        l = imm_line_text(to, a, t->folder, IMM_STYLE_STRONG);
        l->path = t->folder;
        if (t->world.list(t->world.data, t->as_is->unit, dropin, t->folder, a, &places, &n, &err) <
                0) {
                imm_line_text(to, a, imm_strdup(a, imm_err_text(&err)), IMM_STYLE_BAD);
                return;
        }
        for (size_t i = 0; i < n; i++) {
                const struct imm_place *p = &places[i];

                l = imm_line_new(to, a);
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
        }
        if (n == 0)
                imm_line_text(to, a, "  nothing to see here", IMM_STYLE_FAINT);
}

/* ---- closure ---- */

static void need(
        struct imm_tui *t, imm_lines *to, struct imm_arena *a, const struct imm_state_need *n) {
        struct imm_line *l = imm_line_new(to, a);
        bool certain = n->confidence && imm_streq(n->confidence, "certain");

        imm_line_add(l, n->confidence, certain ? IMM_STYLE_NORMAL : IMM_STYLE_FAINT, 10);
        imm_line_add(l, n->path, IMM_STYLE_NORMAL,
                t->canvas.cols > 160   ? 90
                : t->canvas.cols > 100 ? 60
                                       : 40);
        imm_line_add(l, " ", IMM_STYLE_NORMAL, 1);
        imm_line_add(l, n->reason, IMM_STYLE_FAINT, 0);
        l->path = n->path;
}

void imm_pane_closure(struct imm_tui *t, imm_lines *to, struct imm_arena *a) {
        const struct imm_state *s = t->state;

        if (!s->closure_kind) {
                imm_line_text(to, a, "What this unit needs is not known.", IMM_STYLE_FAINT);
                return;
        }
        imm_line_text(to, a,
                s->visible < 0
                        ? imm_printf(a, "needs %zu files; what it sees is not known", s->needs.n)
                        : imm_printf(a, "needs %zu, %zu of them missing; sees %lld", s->needs.n,
                                  s->missing.n, (long long)s->visible),
                IMM_STYLE_STRONG);
        for (size_t i = 0; i < s->missing.n; i++)
                imm_line_text(to, a, imm_printf(a, "missing   %s", s->missing.v[i]), IMM_STYLE_BAD)
                        ->path = s->missing.v[i];
        imm_array_foreach (n, &s->needs)
                need(t, to, a, n);
        if (s->excess.n > 0)
                imm_line_text(to, a,
                        imm_streq(s->closure_kind, "nix")
                                ? "Seen and not needed:"
                                : "Seen and not needed, by package, the largest first:",
                        IMM_STYLE_STRONG);
        for (size_t i = 0; i < s->excess.n; i++)
                imm_line_text(
                        to, a, imm_printf(a, "excess    %s", s->excess.v[i]), IMM_STYLE_FAINT);
}

/* ---- findings ---- */

static void wrapped(struct imm_tui *t, imm_lines *to, struct imm_arena *a, const char *sign,
        const char *what, uint8_t style) {
        int margin = t->canvas.cols < 60 ? 2 : 9;
        struct imm_strv lines = {0};

        imm_text_wrap(a, what, t->canvas.cols - margin - (int)imm_text_width(sign), &lines);
        for (size_t i = 0; i < lines.n; i++)
                imm_line_text(to, a,
                        imm_printf(a, "%*s%s%s", margin, "", i ? (*sign ? "  " : "") : sign,
                                lines.v[i]),
                        style);
}

static void each_line(struct imm_tui *t, imm_lines *to, struct imm_arena *a, const char *sign,
        const char *text, uint8_t style) {
        for (const char *end; *text; text = *end ? end + 1 : end) {
                end = strchrnul(text, '\n');
                wrapped(t, to, a, sign, imm_strndup(a, text, (size_t)(end - text)), style);
        }
}

/* "/lib/x.service:4  of package x 1; override it in /etc/systemd/system/x.service.d" */
static const char *origin_of_finding(
        const struct imm_tui *t, const struct imm_state_finding *f, struct imm_arena *a) {
        const char *where = imm_owner_override(t->as_is, f, a), *end;

        if (imm_trial_set_by(t, f->file))
                return "in what is tried";
        end = where ? strrchr(where, '/') : NULL;
        return imm_printf(a, "%s:%u%s%s%s%.*s", f->file, f->line, f->owner ? "  of " : "",
                f->owner ? f->owner : "", end ? "; override it in " : "",
                end ? (int)(end - where) : 0, end ? where : "");
}

void imm_finding_words(struct imm_tui *t, const struct imm_state_finding *f, struct imm_arena *a,
        struct imm_strv *ret) {
        imm_strv_add(a, ret, f->rule);
        for (size_t i = 0; i < f->evidence.n; i++)
                imm_strv_add(a, ret, imm_trial_words(t, a, f->evidence.v[i]));
        for (const char *s = f->remedy ? f->remedy : "", *end; *s; s = *end ? end + 1 : end) {
                end = strchrnul(s, '\n');
                imm_strv_add(a, ret, imm_printf(a, "→ %.*s", (int)(end - s), s));
        }
        if (f->file)
                imm_strv_add(a, ret, origin_of_finding(t, f, a));
}

static void finding_head(struct imm_tui *t, imm_lines *to, struct imm_arena *a,
        const struct imm_state_finding *f, const char *title) {
        struct imm_line *l = imm_line_new(to, a);

        imm_line_add(l, imm_severity_name(f->severity), imm_tone_of_severity(f->severity), 9);
        imm_line_add(l, f->rule, IMM_STYLE_STRONG, 0);
        imm_line_add(l,
                f->suppressed ? imm_printf(a, "  accepted: %s", f->suppressed)
                : title       ? imm_printf(a, "  %s", title)
                : f->subject  ? imm_printf(a, "  %s", f->subject)
                              : "",
                IMM_STYLE_NORMAL, 0);
        if (f->scorecard && t->canvas.cols >= 60)
                imm_line_add(l,
                        imm_printf(a, "  [%s%s%s]", f->scorecard,
                                f->confidence && !imm_streq(f->confidence, "certain") ? ", " : "",
                                f->confidence && !imm_streq(f->confidence, "certain")
                                        ? f->confidence
                                        : ""),
                        IMM_STYLE_FAINT, 0);
}

static void finding(
        struct imm_tui *t, imm_lines *to, struct imm_arena *a, const struct imm_state_finding *f) {
        struct imm_rule_words w = {0};
        size_t first = to->n;

        if (f->scorecard)
                (void)t->world.rule(t->world.data, f->scorecard, f->rule, a, &w);
        finding_head(t, to, a, f, w.title);
        if (!t->brief) {
                for (size_t i = 0; i < f->evidence.n; i++)
                        wrapped(t, to, a, "", imm_trial_words(t, a, f->evidence.v[i]),
                                IMM_STYLE_NORMAL);
                if (f->remedy)
                        each_line(t, to, a, "→ ", f->remedy, IMM_STYLE_GOOD);
                for (size_t i = 0; i < w.documentation.n; i++)
                        wrapped(t, to, a, "", imm_printf(a, "see %s", w.documentation.v[i]),
                                IMM_STYLE_FAINT);
                if (f->file)
                        wrapped(t, to, a, "", origin_of_finding(t, f, a), IMM_STYLE_FAINT);
        }
        for (size_t i = first; i < to->n; i++) {
                to->v[i].part = i > first;
                to->v[i].finding = f;
                to->v[i].file = f->file;
                to->v[i].line = f->line;
        }
}

/* Worst first; what is accepted comes last. */
void imm_pane_findings(struct imm_tui *t, imm_lines *to, struct imm_arena *a) {
        const char *only = t->scorecard ? t->scorecards.v[t->scorecard - 1] : NULL;

        if (only)
                imm_line_text(to, a,
                        imm_printf(a, "Findings of %s alone (c: the next scorecard)", only),
                        IMM_STYLE_FAINT);
        for (int severity = IMM_SEVERITY_N - 1; severity >= -1; severity--)
                imm_array_foreach (f, &t->state->findings)
                        if ((f->suppressed ? -1 : (int)f->severity) == severity &&
                                (!only || (f->scorecard && imm_streq(f->scorecard, only))))
                                finding(t, to, a, f);
        if (to->n == (only != NULL))
                imm_line_text(to, a, "No findings.", IMM_STYLE_GOOD);
}

/* ---- changes against an earlier run, side by side ---- */

static void change(
        struct imm_tui *t, imm_lines *to, struct imm_arena *a, const struct imm_change *c) {
        int cols = t->canvas.cols, name = cols < 60 ? 14 : 28, half = (cols - name - 3) / 2;
        struct imm_line *l = imm_line_new(to, a);

        imm_line_add(l, c->name, imm_tone_of_verdict(c->verdict), name);
        imm_line_add(l, " ", IMM_STYLE_NORMAL, 1);
        imm_line_add(l, c->before ? c->before : "–", IMM_STYLE_NORMAL, half);
        imm_line_add(l, " ", IMM_STYLE_NORMAL, 2);
        imm_line_add(l, c->after ? c->after : "–", imm_tone_of_verdict(c->verdict), half);
}

static void sides(struct imm_tui *t, imm_lines *to, struct imm_arena *a) {
        const struct imm_change head = {
                "", "", t->before_name ? t->before_name : "before", "now", IMM_VERDICT_SAME};

        change(t, to, a, &head);
}

/* Those of severity info are told as a number: they would hide the others. */
static void remarks(imm_lines *to, struct imm_arena *a, const char *what,
        const struct imm_state_finding *const *v, size_t n) {
        size_t k = 0;

        for (size_t i = 0; i < n; i++)
                k += v[i]->severity == IMM_SEVERITY_INFO;
        if (k > 0)
                imm_line_text(to, a, imm_printf(a, "%s: %zu info", what, k), IMM_STYLE_FAINT);
}

void imm_pane_changes(struct imm_tui *t, imm_lines *to, struct imm_arena *a) {
        const struct imm_unit_difference *d;

        if (!t->changes) {
                imm_line_text(to, a,
                        "There is no earlier run to compare with: `immure record` makes one.",
                        IMM_STYLE_FAINT);
                return;
        }
        imm_line_text(to, a,
                imm_printf(a, "Compared with %s (d: the one before, D: choose)",
                        t->before_name ? t->before_name : "an earlier run"),
                IMM_STYLE_FAINT);
        d = imm_difference_unit(t->changes, t->as_is->unit);
        if (!d) {
                imm_line_text(to, a, "Nothing changed.", IMM_STYLE_GOOD);
                return;
        }
        imm_line_text(to, a, imm_verdict_name(d->verdict), imm_tone_of_verdict(d->verdict));
        sides(t, to, a);
#define EACH(list) \
        imm_array_foreach (c, &d->list) \
        change(t, to, a, c)
        EACH(scores);
        for (int i = IMM_SEVERITY_N - 1; i > IMM_SEVERITY_INFO; i--)
                imm_array_foreach (f, &d->fresh)
                        if ((int)(*f)->severity == i)
                                imm_line_text(to, a,
                                        imm_printf(a, "new finding: %s (%s)%s%s", (*f)->rule,
                                                imm_severity_name((*f)->severity),
                                                (*f)->evidence.n ? "  " : "",
                                                (*f)->evidence.n ? (*f)->evidence.v[0] : ""),
                                        IMM_STYLE_BAD);
        for (int i = IMM_SEVERITY_N - 1; i > IMM_SEVERITY_INFO; i--)
                imm_array_foreach (f, &d->fixed)
                        if ((int)(*f)->severity == i)
                                imm_line_text(to, a,
                                        imm_printf(a, "fixed: %s (%s)", (*f)->rule,
                                                imm_severity_name((*f)->severity)),
                                        IMM_STYLE_GOOD);
        remarks(to, a, "new findings", d->fresh.v, d->fresh.n);
        remarks(to, a, "fixed", d->fixed.v, d->fixed.n);
        EACH(settings);
        EACH(access);
        EACH(mounts);
        EACH(closure);
        EACH(checks);
#undef EACH
}
