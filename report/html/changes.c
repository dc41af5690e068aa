/* What changed since the run that is compared with: what is worse comes first. */

#include "report/html/html-private.h"

static void item(FILE *f, enum imm_verdict v, const char *what) {
        fprintf(f, "<li><span class=%s>%s</span><span>", imm_html_verdict_tone(v), what);
}

static void change(FILE *f, const struct imm_change *c) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        const char *before, *after;

        imm_change_sides(a, c, &before, &after);
        item(f, c->verdict, c->what);
        imm_html_code(f, c->name);
        fputs(" ", f);
        imm_text_put_markup(f, before ? before : "–");
        fputs(" → ", f);
        imm_text_put_markup(f, after ? after : "–");
        fputs("</span>\n", f);
}

static void findings(FILE *f, const struct imm_state_finding *const *v, size_t n,
        enum imm_verdict verdict, const char *what) {
        size_t remarks = 0;

        for (size_t i = 0; i < n; i++) {
                if (v[i]->severity == IMM_SEVERITY_INFO) {
                        remarks++;
                        continue;
                }
                item(f, verdict, what);
                fprintf(f, "<b class=%s>", imm_html_severity_tone(v[i]->severity));
                imm_text_put_markup(f, v[i]->rule);
                fprintf(f, "</b> <i>%s</i> ", imm_severity_name(v[i]->severity));
                if (v[i]->evidence.n > 0)
                        imm_text_put_markup(f, v[i]->evidence.v[0]);
                fputs("</span>\n", f);
        }
        if (remarks > 0) {
                item(f, IMM_VERDICT_CHANGED, what);
                fprintf(f, "<i>%zu remark%s</i></span>\n", remarks, remarks > 1 ? "s" : "");
        }
}

/* Of a unit that came, its own section tells all; of one that went, nothing is left to tell. */
static void brief(const struct imm_unit_difference *u, FILE *f) {
        if (!u->after) {
                fputs("<p class=faint>It is not there any more.</p>\n", f);
                return;
        }
        fputs("<p>See <a href=\"#u-", f);
        imm_html_id(f, u->unit);
        fputs("\">its section</a>.</p>\n", f);
}

static void count(FILE *f, const char **comma, size_t n, const char *one, const char *many) {
        if (n == 0)
                return;
        fprintf(f, "%s%zu %s", *comma, n, n == 1 ? one : many);
        *comma = ", ";
}

static size_t grave(const struct imm_state_finding *const *v, size_t n) {
        size_t k = 0;

        for (size_t i = 0; i < n; i++)
                k += v[i]->severity > IMM_SEVERITY_INFO;
        return k;
}

/* What there is to see, before it is unfolded: the settings by name, as they are the cause. */
static void gist(const struct imm_unit_difference *u, FILE *f) {
        enum { NAMED = 3 };
        const char *comma = "";
        size_t n = 0;

        if (!u->before || !u->after)
                return;
        fputs("<span class=gist>", f);
        imm_array_foreach (c, &u->settings) {
                if (n++ >= NAMED)
                        continue;
                fputs(comma, f);
                imm_text_put_markup(f, c->name);
                comma = ", ";
        }
        if (n > NAMED)
                fprintf(f, " and %zu more", n - NAMED);
        count(f, &comma, grave(u->fresh.v, u->fresh.n), "new finding", "new findings");
        count(f, &comma, grave(u->fixed.v, u->fixed.n), "fixed", "fixed");
        if (!*comma) {
                count(f, &comma, u->closure.n, "needed file", "needed files");
                count(f, &comma, u->access.n, "place", "places");
                count(f, &comma, u->fresh.n + u->fixed.n, "remark", "remarks");
        }
        fputs("</span>", f);
}

static void unit(const struct imm_unit_difference *u, FILE *f) {
        fputs("<details id=\"c-", f);
        imm_html_id(f, u->unit);
        fputs("\"><summary><span class=u>", f);
        imm_text_put_markup(f, u->unit);
        fputs("</span>", f);
        gist(u, f);
        imm_array_foreach (c, &u->scores)
                if (imm_streq(c->what, "score") && u->before && u->after)
                        fprintf(f, "<span><i>%s</i> <b class=%s>%s → %s</b></span>", c->name,
                                imm_html_verdict_tone(c->verdict), c->before ? c->before : "–",
                                c->after ? c->after : "–");
        fprintf(f, "<span class=\"tag %s\">%s</span></summary>\n",
                imm_html_verdict_tone(u->verdict), imm_verdict_name(u->verdict));
        if (!u->before || !u->after) {
                brief(u, f);
        } else {
                fputs("<ul class=t>\n", f);
                imm_array_foreach (c, &u->scores)
                        if (!imm_streq(c->what, "score"))
                                change(f, c);
                imm_array_foreach (c, &u->settings)
                        change(f, c);
                findings(f, u->fresh.v, u->fresh.n, IMM_VERDICT_WORSE, "new");
                findings(f, u->fixed.v, u->fixed.n, IMM_VERDICT_BETTER, "fixed");
                imm_array_foreach (c, &u->access)
                        change(f, c);
                imm_array_foreach (c, &u->mounts)
                        change(f, c);
                imm_array_foreach (c, &u->closure)
                        change(f, c);
                fputs("</ul>\n", f);
        }
        fputs("</details>\n", f);
}

void imm_html_changes(const struct imm_report *r, FILE *f) {
        static const enum imm_verdict order[] = {IMM_VERDICT_WORSE, IMM_VERDICT_NEW,
                IMM_VERDICT_BETTER, IMM_VERDICT_CHANGED, IMM_VERDICT_GONE};

        const char *note;

        if (!r->changes)
                return;
        fputs("<h2 id=changes>What changed since the run before</h2>\n", f);
        note = imm_judges_note(&r->changes->judges, r->changes->arena);
        if (r->changes->units.n == 0)
                fputs("<p class=faint>Nothing.</p>\n", f);
        else if (note) {
                fputs("<p>", f);
                imm_text_put_markup(f, note);
                fputs(".</p>\n", f);
        }
        for (size_t i = 0; i < IMM_ELEMENTSOF(order); i++)
                imm_array_foreach (p, &r->changes->units)
                        if ((*p)->verdict == order[i])
                                unit(*p, f);
}
