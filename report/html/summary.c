/* The top of the page: figures, trend, what changed, the table of all units. */

#include "report/html/html-private.h"

struct means {
        int64_t exposure, reach, n_exposure, n_reach;
        unsigned findings[IMM_SEVERITY_N];
        unsigned not_loaded;
};

static struct means means_of(const struct imm_snapshot *s) {
        struct means m = {0};

        imm_array_foreach (p, &s->states) {
                const struct imm_state *u = *p;
                struct imm_counts c = imm_counts_of(u);

                if (u->exposure >= 0) {
                        m.exposure += u->exposure;
                        m.n_exposure++;
                }
                if (u->reach >= 0) {
                        m.reach += u->reach;
                        m.n_reach++;
                }
                for (int i = 0; i < IMM_SEVERITY_N; i++)
                        m.findings[i] += c.n[i];
                m.not_loaded += u->load && !imm_streq(u->load, "loaded");
        }
        return m;
}

static void card(FILE *f, const char *name, const char *tone, int64_t number) {
        fprintf(f, "<li><b class=\"%s\">%lld</b>%s</li>\n", tone, (long long)number, name);
}

static void mean_card(FILE *f, const char *name, int64_t sum, int64_t n) {
        if (n == 0)
                return;
        fprintf(f, "<li><b class=\"%s\">%lld.%lld</b>%s</li>\n", imm_html_tone((int)(sum / n)),
                (long long)(sum / n / 10), (long long)(sum / n % 10), name);
}

enum { TREND_W = 720, TREND_H = 140, TREND_PAD = 28 };

static void trend_line(const struct imm_report *r, FILE *f, const char *class, bool reach) {
        size_t drawn = 0;

        fprintf(f, "<polyline class=\"%s\" points=\"", class);
        for (size_t i = 0; i < r->n_runs; i++) {
                int v = reach ? r->runs[i].reach : r->runs[i].exposure;
                long x = TREND_PAD + (long)i * (TREND_W - 2 * TREND_PAD) / (long)(r->n_runs - 1);

                if (v >= 0) /* hundredths of 0 to 10 */
                        fprintf(f, "%s%ld,%ld", drawn++ ? " " : "", x,
                                TREND_H - TREND_PAD - (long)v * (TREND_H - 2 * TREND_PAD) / 1000);
        }
        fputs("\"/>\n", f);
}

static void trend(const struct imm_report *r, FILE *f) {
        const struct imm_report_run *a, *b;

        if (r->n_runs < 2)
                return;
        a = &r->runs[0];
        b = &r->runs[r->n_runs - 1];
        fprintf(f,
                "<h2 id=\"trend\">Trend</h2>\n<svg viewBox=\"0 0 %d %d\" width=\"%d\" "
                "height=\"%d\" role=\"img\" "
                "aria-label=\"Mean exposure from %d.%02d to %d.%02d over %zu runs\">\n",
                TREND_W, TREND_H, TREND_W, TREND_H, a->exposure / 100, a->exposure % 100,
                b->exposure / 100, b->exposure % 100, r->n_runs);
        for (int v = 0; v <= 10; v += 5)
                fprintf(f, "<text x=\"6\" y=\"%d\">%d</text>\n",
                        TREND_H - TREND_PAD - v * (TREND_H - 2 * TREND_PAD) / 10 + 4, v);
        trend_line(r, f, "l1", false);
        trend_line(r, f, "l2", true);
        fprintf(f,
                "<text x=\"%d\" y=\"%d\">run %lld</text><text x=\"%d\" y=\"%d\" "
                "text-anchor=\"end\">run %lld</text>\n</svg>\n",
                TREND_PAD, TREND_H - 8, (long long)a->id, TREND_W - TREND_PAD, TREND_H - 8,
                (long long)b->id);
        fprintf(f,
                "<p class=\"faint\">Mean exposure (blue) and mean reach (red); findings of high or "
                "critical severity: %u, then %u.</p>\n",
                a->findings[IMM_SEVERITY_HIGH] + a->findings[IMM_SEVERITY_CRITICAL],
                b->findings[IMM_SEVERITY_HIGH] + b->findings[IMM_SEVERITY_CRITICAL]);
}

void imm_html_summary(const struct imm_report *r, FILE *f) {
        struct means m = means_of(r->now);

        fputs("<h2 id=\"summary\">Summary</h2>\n<ul class=\"cards\">\n", f);
        card(f, "units", "", (int64_t)r->now->states.n);
        mean_card(f, "mean exposure", m.exposure, m.n_exposure);
        mean_card(f, "mean reach", m.reach, m.n_reach);
        for (int i = IMM_SEVERITY_CRITICAL; i >= IMM_SEVERITY_MEDIUM; i--)
                card(f, imm_severity_name((enum imm_severity)i),
                        m.findings[i] ? imm_html_severity_tone((enum imm_severity)i) : "g",
                        m.findings[i]);
        if (m.not_loaded)
                card(f, "not loadable or masked", "", m.not_loaded);
        if (r->changes) {
                card(f, "worse than before", r->changes->counts[IMM_VERDICT_WORSE] ? "b" : "g",
                        (int64_t)r->changes->counts[IMM_VERDICT_WORSE]);
                card(f, "better than before", "g", (int64_t)r->changes->counts[IMM_VERDICT_BETTER]);
        }
        fputs("</ul>\n", f);
        trend(r, f);
}

/* ---- what changed ---- */

static void change(FILE *f, const struct imm_change *c) {
        fputs("<li>", f);
        if (c->verdict == IMM_VERDICT_WORSE || c->verdict == IMM_VERDICT_BETTER)
                fprintf(f, "<span class=\"%s\">%s</span> ", imm_html_verdict_tone(c->verdict),
                        imm_verdict_name(c->verdict));
        fprintf(f, "%s <code>", c->what);
        imm_text_put_markup(f, c->name);
        fputs("</code>: ", f);
        imm_text_put_markup(f, c->before ? c->before : "–");
        fputs(" → ", f);
        imm_text_put_markup(f, c->after ? c->after : "–");
        fputs("</li>\n", f);
}

static void changed_unit(const struct imm_unit_difference *u, FILE *f) {
        fputs("<details><summary><span class=\"u\">", f);
        imm_text_put_markup(f, u->unit);
        fprintf(f, "</span><span class=\"tag %s\">%s</span></summary>\n<ul class=\"f\">\n",
                imm_html_verdict_tone(u->verdict), imm_verdict_name(u->verdict));
#define EACH(list) \
        imm_array_foreach (c, &u->list) \
        change(f, c)
        EACH(scores);
        imm_array_foreach (p, &u->fresh) {
                fputs("<li><span class=\"b\">new finding</span> ", f);
                imm_text_put_markup(f, (*p)->rule);
                fputs("</li>\n", f);
        }
        imm_array_foreach (p, &u->fixed) {
                fputs("<li><span class=\"g\">fixed</span> ", f);
                imm_text_put_markup(f, (*p)->rule);
                fputs("</li>\n", f);
        }
        EACH(settings);
        EACH(access);
        EACH(mounts);
        EACH(closure);
#undef EACH
        fputs("</ul></details>\n", f);
}

void imm_html_changes(const struct imm_report *r, FILE *f) {
        if (!r->changes)
                return;
        fputs("<h2 id=\"changes\">Changed since the run before</h2>\n", f);
        if (r->changes->units.n == 0)
                fputs("<p>Nothing.</p>\n", f);
        for (int pass = 0; pass < 2; pass++) /* what is worse comes first */
                imm_array_foreach (p, &r->changes->units)
                        if (((*p)->verdict == IMM_VERDICT_WORSE) == (pass == 0))
                                changed_unit(*p, f);
}

/* ---- all units ---- */

static void heading(FILE *f, const char *name, bool number) {
        fprintf(f, "<th scope=\"col\"%s><button type=\"button\">%s</button></th>",
                number ? " class=\"n\"" : "", name);
}

static void row(const struct imm_report *r, const struct imm_state *s, FILE *f) {
        struct imm_counts c = imm_counts_of(s);
        const struct imm_unit_difference *d =
                r->changes ? imm_difference_unit(r->changes, s->unit) : NULL;
        enum imm_verdict v = d ? d->verdict : IMM_VERDICT_SAME;

        fputs("<tr data-u=\"", f);
        imm_text_put_markup(f, s->unit);
        fputs("\"><td class=\"p\"><a href=\"#u-", f);
        imm_text_put_markup(f, s->unit);
        fputs("\">", f);
        imm_text_put_markup(f, s->unit);
        fprintf(f, "</a></td><td class=\"n %s\" data-v=\"%d\">", imm_html_tone(s->exposure),
                s->exposure);
        imm_html_tenths(f, s->exposure);
        fprintf(f, "</td><td class=\"n %s\" data-v=\"%d\">", imm_html_tone(s->reach), s->reach);
        imm_html_tenths(f, s->reach);
        fputs("</td>", f);
        for (int i = IMM_SEVERITY_CRITICAL; i >= IMM_SEVERITY_LOW; i--)
                fprintf(f, "<td class=\"n\" data-v=\"%u\">%u</td>", c.n[i], c.n[i]);
        fprintf(f, "<td class=\"%s\">%s</td></tr>\n", imm_html_verdict_tone(v),
                v == IMM_VERDICT_SAME ? (s->load && !imm_streq(s->load, "loaded") ? s->load : "")
                                      : imm_verdict_name(v));
}

void imm_html_units(const struct imm_report *r, const struct imm_state **list, FILE *f) {
        fputs("<h2 id=\"worst\">Units, worst first</h2>\n<div class=\"tools\"><label>Filter "
              "<input id=\"filter\" type=\"search\" placeholder=\"name\"></label>"
              "<button type=\"button\" id=\"open\">Unfold all</button><button type=\"button\" "
              "id=\"close\">Fold all</button>"
              "<span id=\"shown\" role=\"status\" class=\"faint\"></span></div>\n<div "
              "class=\"wide\"><table id=\"units\"><thead><tr>",
                f);
        heading(f, "Unit", false);
        heading(f, "Exposure", true);
        heading(f, "Reach", true);
        heading(f, "Critical", true);
        heading(f, "High", true);
        heading(f, "Medium", true);
        heading(f, "Low", true);
        heading(f, "State", false);
        fputs("</tr></thead><tbody>\n", f);
        for (size_t i = 0; i < r->now->states.n; i++)
                row(r, list[i], f);
        fputs("</tbody></table></div>\n", f);
}
