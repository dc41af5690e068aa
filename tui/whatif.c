/* What if: changes that are tried before anything is written. They make one drop-in, which the
 * world judges. */

#include "tui/model-private.h"

const char *imm_trial_dropin(const struct imm_tui *t, struct imm_arena *a) {
        const char *text = "[Service]\n";

        if (t->trials.n == 0)
                return NULL;
        imm_array_foreach (i, &t->trials) {
                if (i->why)
                        text = imm_printf(a, "%s# %s\n", text, i->why);
                text = imm_printf(a, "%s%s\n", text, i->lines);
        }
        return text;
}

const char *imm_trial_path(const struct imm_tui *t, struct imm_arena *a) {
        return imm_printf(a, "/etc/systemd/system/%s.d/50-immure.conf", t->as_is->unit);
}

/* The trials are judged anew; if that fails, it is said, and the unit is shown as it is. */
static bool judge(struct imm_tui *t) {
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

static void effect(struct imm_tui *t, const char *what) {
        const struct imm_state *a = t->as_is, *b = t->state;

        imm_tui_say(t, false,
                "%s: exposure %s → %s, reach %s → %s, findings %zu → %zu (w writes it, u takes it "
                "back)",
                what, imm_tenths_text(t->arena, a->exposure) ?: "–",
                imm_tenths_text(t->arena, b->exposure) ?: "–",
                imm_tenths_text(t->arena, a->reach) ?: "–",
                imm_tenths_text(t->arena, b->reach) ?: "–", a->findings.n, b->findings.n);
}

void imm_trial_add(struct imm_tui *t, const char *lines, const char *why) {
        *imm_array_push(t->arena, &t->trials) = (struct imm_trial){
                imm_strdup(t->arena, lines), why ? imm_strdup(t->arena, why) : NULL};
        if (judge(t)) {
                effect(t, lines);
                return;
        }
        t->trials.n--; /* what cannot be judged is not kept; the message stays */
        t->state = t->as_is;
        if (t->trials.n > 0) {
                const char *message = t->message;

                (void)judge(t);
                t->message = message;
                t->message_bad = true;
        }
}

void imm_trial_undo(struct imm_tui *t) {
        if (t->trials.n == 0) {
                imm_tui_say(t, true, "nothing to take back");
                return;
        }
        t->trials.n--;
        if (judge(t))
                effect(t, "taken back");
}

static void text(imm_lines *to, struct imm_arena *a, const char *s, uint8_t style) {
        struct imm_line *l = imm_array_push(a, to);

        *l = (struct imm_line){0};
        imm_line_add(l, s, style, 0);
}

static void changed(imm_lines *to, struct imm_arena *a, const struct imm_change *c) {
        text(to, a,
                imm_printf(a, "  %s %s: %s → %s", c->what, c->name, c->before ? c->before : "–",
                        c->after ? c->after : "–"),
                imm_tone_of_verdict(c->verdict));
}

/* The effect as the difference of two audits of one unit */
static void effects(struct imm_tui *t, imm_lines *to, struct imm_arena *a) {
        struct imm_state *x = (struct imm_state *)(uintptr_t)t->as_is,
                         *y = (struct imm_state *)(uintptr_t)t->state;
        struct imm_snapshot before = {.states = {&x, 1, 1}}, after = {.states = {&y, 1, 1}};
        imm_cleanup(imm_difference_free) struct imm_difference *d =
                imm_difference_of(&before, &after);

        if (d->units.n == 0) {
                text(to, a, "  nothing changes", IMM_STYLE_FAINT);
                return;
        }
        imm_array_foreach (c, &d->units.v[0]->scores)
                changed(to, a, c);
        imm_array_foreach (f, &d->units.v[0]->fixed)
                text(to, a,
                        imm_printf(a, "  - %s (%s)", (*f)->rule, imm_severity_name((*f)->severity)),
                        IMM_STYLE_GOOD);
        imm_array_foreach (f, &d->units.v[0]->fresh)
                text(to, a,
                        imm_printf(a, "  + %s (%s)", (*f)->rule, imm_severity_name((*f)->severity)),
                        IMM_STYLE_BAD);
        imm_array_foreach (c, &d->units.v[0]->access)
                changed(to, a, c);
}

void imm_trial_lines(struct imm_tui *t, imm_lines *to, struct imm_arena *a) {
        const char *dropin = imm_trial_dropin(t, a), *end;

        if (!dropin) {
                text(to, a, "No change is tried yet.", IMM_STYLE_FAINT);
                text(to, a,
                        "In Settings: space turns a yes/no setting around, e edits one or adds "
                        "another.",
                        IMM_STYLE_FAINT);
                text(to, a, "In Findings: a applies the remedy.", IMM_STYLE_FAINT);
                return;
        }
        text(to, a, imm_trial_path(t, a), IMM_STYLE_STRONG);
        for (; *dropin; dropin = *end ? end + 1 : end) {
                end = strchrnul(dropin, '\n');
                text(to, a, imm_printf(a, "+ %.*s", (int)(end - dropin), dropin), IMM_STYLE_GOOD);
        }
        text(to, a, "", IMM_STYLE_NORMAL);
        text(to, a, "Effect", IMM_STYLE_STRONG);
        effects(t, to, a);
}
