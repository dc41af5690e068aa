/* What if: changes that are tried before anything is written. They make one drop-in, which the
 * world judges. */

#include "tui/model-private.h"

/* ---- the drop-in ---- */

static const char *section_of(const struct imm_tui *t, const char *line, struct imm_arena *a) {
        struct imm_about about = {0};
        const char *name = imm_strndup(a, line, strcspn(line, "="));

        return t->world.about(t->world.data, name, a, &about) && about.section ? about.section
                                                                               : "Service";
}

static bool has_line(const char *text, const char *line, size_t n) {
        for (const char *s = text; (s = strstr(s, line)); s++)
                if ((s == text || s[-1] == '\n') && (s[n] == '\n' || !s[n]))
                        return true;
        return false;
}

/* The lines of one section, each said once: two remedies may ask for the same */
static const char *section(const struct imm_tui *t, struct imm_arena *a, const char *name) {
        const char *text = "";

        imm_array_foreach (i, t->trials) {
                bool said = !i->why;

                for (const char *s = i->lines, *end; *s; s = *end ? end + 1 : end) {
                        const char *line;

                        end = strchrnul(s, '\n');
                        line = imm_strndup(a, s, (size_t)(end - s));
                        if (!*line || !imm_streq(section_of(t, line, a), name) ||
                                (i->why && has_line(text, line, strlen(line))))
                                continue;
                        if (!said)
                                text = imm_printf(a, "%s# %s\n", text, i->why);
                        said = true;
                        text = imm_printf(a, "%s%s\n", text, line);
                }
        }
        return text;
}

const char *imm_trial_dropin(const struct imm_tui *t, struct imm_arena *a) {
        struct imm_strv sections = {0};
        const char *text = "";

        if (!t->trials || t->trials->n == 0)
                return NULL;
        imm_array_foreach (i, t->trials)
                for (const char *s = i->lines, *end; *s; s = *end ? end + 1 : end) {
                        const char *name = section_of(t, s, a);

                        end = strchrnul(s, '\n');
                        if (!imm_strv_has(&sections, name))
                                imm_strv_add(a, &sections, name);
                }
        for (size_t i = 0; i < sections.n; i++)
                text = imm_printf(a, "%s%s[%s]\n%s", text, *text ? "\n" : "", sections.v[i],
                        section(t, a, sections.v[i]));
        return text;
}

/* Is it the file that the trial would be? It is named last among the drop-ins. */
bool imm_trial_set_by(const struct imm_tui *t, const char *file) {
        return t->trials && t->trials->n > 0 && t->state != t->as_is && t->state->dropins.n > 0 &&
               imm_streq(file, t->state->dropins.v[t->state->dropins.n - 1]) &&
               !imm_strv_has(&t->as_is->dropins, file);
}

/* ---- judging ---- */

/* The trials are judged anew; if that fails, it is said, and the unit is shown as it is. */
bool imm_trial_judge(struct imm_tui *t) {
        const char *dropin = imm_trial_dropin(t, t->arena);
        imm_err_auto err = IMM_ERR_INIT;
        const struct imm_state *s = t->as_is;

        if (dropin)
                s = t->world.state(t->world.data, t->as_is->unit, dropin, &err);
        if (!s)
                imm_tui_say(t, true, "%s", imm_err_text(&err));
        t->state = s ? s : t->as_is;
        return s;
}

static bool fires(const struct imm_state *s, const struct imm_state_finding *f) {
        imm_array_foreach (i, &s->findings)
                if (imm_streq(i->rule, f->rule) && imm_streq(i->scorecard ? i->scorecard : "",
                                                           f->scorecard ? f->scorecard : ""))
                        return true;
        return false;
}

/* What @to has and @from has not; of scorecard @card, or of all others */
static size_t more(const struct imm_state *to, const struct imm_state *from, const char *card,
        bool others, const struct imm_state_finding **ret_worst) {
        size_t n = 0;

        imm_array_foreach (f, &to->findings) {
                bool of_card = f->scorecard && imm_streq(f->scorecard, card);

                if (f->suppressed || of_card == others || fires(from, f) ||
                        (of_card && f->severity == IMM_SEVERITY_INFO))
                        continue;
                n++;
                if (!*ret_worst || f->severity > (*ret_worst)->severity)
                        *ret_worst = f;
        }
        return n;
}

static void effect(struct imm_tui *t, const char *what) {
        const struct imm_state *a = t->as_is, *b = t->state;
        const struct imm_state_finding *broken = NULL, *fresh = NULL, *gone = NULL;
        size_t breaks = more(b, a, "breakage", false, &broken),
               adds = more(b, a, "breakage", true, &fresh),
               fixes = more(a, b, "breakage", true, &gone);
        struct imm_arena *f = t->frame;

        imm_tui_say(t, breaks > 0, "%s: exposure %s → %s, reach %s → %s%s%s%s",
                imm_strndup(f, what, strcspn(what, "\n")), imm_tenths_text(f, a->exposure) ?: "–",
                imm_tenths_text(f, b->exposure) ?: "–", imm_tenths_text(f, a->reach) ?: "–",
                imm_tenths_text(f, b->reach) ?: "–",
                fixes ? imm_printf(f, ", %zu finding%s fewer", fixes, fixes == 1 ? "" : "s") : "",
                adds ? imm_printf(f, ", %zu more (%s)", adds, fresh->rule) : "",
                breaks ? imm_printf(f, "; WOULD BREAK: %s%s%s", broken->rule,
                                 broken->evidence.n ? ": " : "",
                                 broken->evidence.n ? broken->evidence.v[0] : "")
                       : "");
}

/* ---- adding and taking back ---- */

const char *imm_trial_key(const struct imm_tui *t, const char *unit) {
        return imm_printf(t->frame, "%s/%s", t->scope ? t->scope : "", unit);
}

static void drop(struct imm_tui *t, size_t at) {
        imm_trials *l = t->trials;

        memmove(&l->v[at], &l->v[at + 1], (l->n - at - 1) * sizeof(*l->v));
        l->n--;
}

static bool as_it_is(const struct imm_tui *t, const char *setting, const char *lines) {
        imm_array_foreach (s, &t->as_is->settings)
                if (imm_streq(s->name, setting))
                        return imm_streq(lines + strlen(setting) + 1, s->value ? s->value : "");
        return false;
}

bool imm_trial_add(struct imm_tui *t, const char *lines, const char *why, const char *setting) {
        struct imm_trial was = {0};

        /* a second change of the same setting takes the place of the first */
        for (size_t i = t->trials->n; setting && i-- > 0;)
                if (t->trials->v[i].setting && imm_streq(t->trials->v[i].setting, setting)) {
                        was = t->trials->v[i];
                        drop(t, i);
                }
        if (was.lines && as_it_is(t, setting, lines)) {
                if (imm_trial_judge(t))
                        imm_tui_say(t, false, "%s: as it was", lines);
                return true;
        }
        *imm_array_push(t->arena, t->trials) = (struct imm_trial){imm_strdup(t->arena, lines),
                why ? imm_strdup(t->arena, why) : NULL,
                setting ? imm_strdup(t->arena, setting) : NULL};
        if (imm_trial_judge(t)) {
                effect(t, lines);
                return true;
        }
        /* what cannot be judged is not kept; the message stays */
        t->trials->n--;
        if (was.lines)
                *imm_array_push(t->arena, t->trials) = was;
        if (t->trials->n > 0) {
                const char *message = t->message;

                (void)imm_trial_judge(t);
                imm_tui_say(t, true, "%s", message);
        }
        return false;
}

/* Line @n of @text, counted from 1 */
static const char *nth_line(struct imm_arena *a, const char *text, unsigned n) {
        for (; n > 1 && *text; n--)
                text += strcspn(text, "\n") + 1;
        return imm_strndup(a, text, strcspn(text, "\n"));
}

enum { TRIED_MAX = 8 }; /* times that one sentence can name it */

/* Lines of the drop-in of which the scorecard `ineffective` says that they do nothing */
static struct imm_strv idle_lines(const struct imm_tui *t) {
        const char *text = imm_trial_dropin(t, t->frame);
        struct imm_strv idle = {0};

        imm_array_foreach (f, &t->state->findings)
                if (f->scorecard && imm_streq(f->scorecard, "ineffective") && f->file && f->line &&
                        imm_trial_set_by(t, f->file))
                        imm_strv_add(t->frame, &idle, nth_line(t->frame, text, f->line));
        return idle;
}

void imm_trial_thin(struct imm_tui *t, const struct imm_state_finding *f) {
        struct imm_trial *last = &t->trials->v[t->trials->n - 1];
        struct imm_strv idle = idle_lines(t);
        const char *whole = last->lines, *rest = "";

        for (const char *s = whole, *end; idle.n > 0 && *s; s = *end ? end + 1 : end) {
                const char *line;

                end = strchrnul(s, '\n');
                line = imm_strndup(t->frame, s, (size_t)(end - s));
                if (!imm_strv_has(&idle, line))
                        rest = imm_printf(t->frame, "%s%s%s", rest, *rest ? "\n" : "", line);
        }
        if (!*rest || imm_streq(rest, whole))
                return;
        last->lines = imm_strdup(t->arena, rest);
        if (!imm_trial_judge(t) || fires(t->state, f)) {
                last->lines = whole;
                (void)imm_trial_judge(t);
        }
        effect(t, last->lines);
}

const char *imm_trial_words(const struct imm_tui *t, struct imm_arena *a, const char *text) {
        const char *file = t->state && t->state->dropins.n > 0
                                   ? t->state->dropins.v[t->state->dropins.n - 1]
                                   : NULL;
        const char *at;

        if (!file || !imm_trial_set_by(t, file))
                return text;
        for (int i = 0; i < TRIED_MAX && (at = strstr(text, file)); i++) {
                const char *behind = at + strlen(file);

                if (*behind == ':')
                        behind += 1 + strspn(behind + 1, "0123456789");
                text = imm_printf(a, "%.*sas tried%s", (int)(at - text), text, behind);
        }
        return text;
}

void imm_trial_undo(struct imm_tui *t) {
        const char *what;

        if (t->trials->n == 0) {
                imm_tui_say(t, true, "nothing to take back");
                return;
        }
        what = imm_printf(t->frame, "taken back %s", t->trials->v[--t->trials->n].lines);
        if (!imm_trial_judge(t))
                return;
        if (t->trials->n > 0)
                effect(t, what);
        else
                imm_tui_say(t, false, "%.*s: all is as it was", (int)strcspn(what, "\n"), what);
}

/* ---- the pane ---- */

static void changed(imm_lines *to, struct imm_arena *a, const struct imm_change *c) {
        imm_line_text(to, a,
                imm_printf(a, "  %s %s: %s → %s", c->what, c->name, c->before ? c->before : "–",
                        c->after ? c->after : "–"),
                imm_tone_of_verdict(c->verdict));
}

static void found(imm_lines *to, struct imm_arena *a, const char *sign,
        const struct imm_state_finding *f, uint8_t style) {
        imm_line_text(to, a,
                imm_printf(a, "  %s %s (%s%s%s)%s%s", sign, f->rule, imm_severity_name(f->severity),
                        f->scorecard ? ", " : "", f->scorecard ? f->scorecard : "",
                        *sign == '+' && f->evidence.n ? ": " : "",
                        *sign == '+' && f->evidence.n ? f->evidence.v[0] : ""),
                style);
}

/* The effect as the difference of two audits of one unit */
static void effects(struct imm_tui *t, imm_lines *to, struct imm_arena *a) {
        struct imm_state *x = (struct imm_state *)(uintptr_t)t->as_is,
                         *y = (struct imm_state *)(uintptr_t)t->state;
        struct imm_snapshot before = {.states = {&x, 1, 1}}, after = {.states = {&y, 1, 1}};
        imm_cleanup(imm_difference_free) struct imm_difference *d =
                imm_difference_of(&before, &after);

        if (d->units.n == 0) {
                imm_line_text(to, a, "  nothing changes", IMM_STYLE_FAINT);
                return;
        }
        imm_array_foreach (c, &d->units.v[0]->scores)
                changed(to, a, c);
        for (int i = IMM_SEVERITY_N - 1; i >= 0; i--)
                imm_array_foreach (f, &d->units.v[0]->fresh)
                        if ((int)(*f)->severity == i)
                                found(to, a, "+", *f, i ? IMM_STYLE_BAD : IMM_STYLE_FAINT);
        for (int i = IMM_SEVERITY_N - 1; i >= 0; i--)
                imm_array_foreach (f, &d->units.v[0]->fixed)
                        if ((int)(*f)->severity == i)
                                found(to, a, "-", *f, i ? IMM_STYLE_GOOD : IMM_STYLE_FAINT);
        imm_array_foreach (c, &d->units.v[0]->access)
                changed(to, a, c);
        imm_array_foreach (c, &d->units.v[0]->mounts)
                changed(to, a, c);
}

void imm_pane_dropin(struct imm_tui *t, imm_lines *to, struct imm_arena *a) {
        const char *text = imm_trial_dropin(t, a), *end;

        if (!text) {
                imm_line_text(to, a, "No change is tried yet.", IMM_STYLE_FAINT);
                imm_line_text(to, a, "", IMM_STYLE_NORMAL);
                imm_line_text(
                        to, a, "1 Settings: Space takes a setting's next value,", IMM_STYLE_FAINT);
                imm_line_text(to, a, "e edits it, + adds one.", IMM_STYLE_FAINT);
                imm_line_text(to, a, "5 Findings: a applies the remedy.", IMM_STYLE_FAINT);
                return;
        }
        imm_line_text(to, a, imm_printf(a, "--- /dev/null"), IMM_STYLE_FAINT);
        imm_line_text(to, a,
                imm_printf(a, "+++ %s", t->world.proposed(t->world.data, t->as_is->unit, a)),
                IMM_STYLE_STRONG);
        for (; *text; text = *end ? end + 1 : end) {
                end = strchrnul(text, '\n');
                imm_line_text(
                        to, a, imm_printf(a, "+ %.*s", (int)(end - text), text), IMM_STYLE_GOOD);
        }
        imm_line_text(to, a, "", IMM_STYLE_NORMAL);
        imm_line_text(to, a, "Effect", IMM_STYLE_STRONG);
        effects(t, to, a);
}
