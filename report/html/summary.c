/* The top of the page: figures, pictures, the table of all units. */

#include "report/html/html-private.h"

struct means {
        int64_t exposure, reach, n_exposure, n_reach;
        unsigned findings[IMM_SEVERITY_N];
        unsigned not_loaded;
        unsigned tones[4]; /* by exposure: bad, fair, good, not scored */
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
                m.tones[u->exposure < 0 ? 3 : u->exposure >= 75 ? 0 : u->exposure >= 50 ? 1 : 2]++;
        }
        return m;
}

static void card(FILE *f, const char *name, const char *tone, int64_t number) {
        fprintf(f, "<li><b class=\"%s\">%lld</b>%s\n", tone, (long long)number, name);
}

static void mean_card(FILE *f, const char *name, int64_t sum, int64_t n) {
        if (n == 0)
                return;
        fprintf(f, "<li><b class=\"%s\">%lld.%lld</b>%s\n", imm_html_tone((int)(sum / n)),
                (long long)(sum / n / 10), (long long)(sum / n % 10), name);
}

/* ---- pictures ---- */

enum { CHART_W = 300, CHART_H = 64, CHART_POINTS = 120 };

static void rating_bar(const struct means *m, FILE *f) {
        static const char classes[] = "bwgf";
        static const char *const names[] = {
                "exposed or unsafe", "medium", "ok or safe", "not scored"};
        unsigned n = 0;
        double x = 0;

        for (size_t i = 0; i < IMM_ELEMENTSOF(m->tones); i++)
                n += m->tones[i];
        if (n == 0)
                return;
        fprintf(f,
                "<figure><figcaption>Units by exposure</figcaption>\n<svg viewBox=\"0 0 %d 14\" "
                "role=img aria-label=\"Units by exposure\">",
                CHART_W);
        for (size_t i = 0; i < IMM_ELEMENTSOF(m->tones); i++) {
                double w = (double)m->tones[i] * CHART_W / n;

                if (m->tones[i])
                        fprintf(f, "<rect class=%c x=%.1f width=%.1f height=14 />", classes[i], x,
                                w > 2 ? w - 1 : w);
                x += w;
        }
        fputs("</svg>\n<ul class=key>", f);
        for (size_t i = 0; i < IMM_ELEMENTSOF(m->tones); i++)
                if (m->tones[i])
                        fprintf(f, "<li><b class=%s>%u</b> %s",
                                i == 3 ? "faint" : (char[]){classes[i], 0}, m->tones[i], names[i]);
        fputs("</ul></figure>\n", f);
}

static long reach_of(const struct imm_report_run *r) {
        return r->reach;
}

static long exposure_of(const struct imm_report_run *r) {
        return r->exposure;
}

static long grave_of(const struct imm_report_run *r) {
        return r->findings[IMM_SEVERITY_CRITICAL] + r->findings[IMM_SEVERITY_HIGH];
}

static void value(FILE *f, long v, bool hundredths) {
        if (hundredths)
                fprintf(f, "%ld.%02ld", v / 100, v % 100);
        else
                fprintf(f, "%ld", v);
}

/* A line over the runs that have the figure: over its own range, so that small steps are seen. */
static void trend(const struct imm_report *r, FILE *f, const char *name, bool hundredths,
        long (*of)(const struct imm_report_run *r)) {
        size_t from = r->n_runs > CHART_POINTS ? r->n_runs - CHART_POINTS : 0, n = 0;
        long low = 0, high = 0, first = 0, last = 0, least, span;
        double x = 0, step;

        for (size_t i = from; i < r->n_runs; i++) {
                long v = of(&r->runs[i]);

                if (v < 0)
                        continue;
                if (n++ == 0)
                        low = high = first = v;
                low = v < low ? v : low;
                high = v > high ? v : high;
                last = v;
        }
        if (n < 2)
                return;
        least = low;
        span = high - low > (hundredths ? 50 : 4) ? high - low : (hundredths ? 50 : 4);
        low -= (span - (high - low)) / 2; /* small steps in the middle */
        step = (double)CHART_W / (double)(n - 1);
        fprintf(f, "<figure><figcaption>%s <b>", name);
        if (first != last) {
                value(f, first, hundredths);
                fputs(" → ", f);
        }
        value(f, last, hundredths);
        fprintf(f,
                "</b></figcaption>\n<svg viewBox=\"0 0 %d %d\" class=trend "
                "preserveAspectRatio=none role=img "
                "aria-label=\"%s over %zu runs\"><line class=z x1=0 x2=%d y1=%d y2=%d "
                "/><polyline class=l points=\"",
                CHART_W, CHART_H, name, n, CHART_W, CHART_H - 1, CHART_H - 1);
        for (size_t i = from; i < r->n_runs; i++) {
                long v = of(&r->runs[i]);

                if (v < 0)
                        continue;
                fprintf(f, "%.1f,%.1f ", x,
                        CHART_H - 6 - (double)(v - low) * (CHART_H - 12) / (double)span);
                x += step;
        }
        fprintf(f, "\"/></svg>\n<p class=faint>%zu runs, lowest ", n);
        value(f, least, hundredths);
        fputs(", highest ", f);
        value(f, high, hundredths);
        fputs("</p></figure>\n", f);
}

void imm_html_summary(const struct imm_report *r, FILE *f) {
        struct means m = means_of(r->now);

        fputs("<h2 id=summary>Summary</h2>\n<ul class=cards>\n", f);
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
        fputs("</ul>\n<div class=charts>\n", f);
        rating_bar(&m, f);
        trend(r, f, "Mean exposure", true, exposure_of);
        trend(r, f, "Mean reach", true, reach_of);
        trend(r, f, "Grave findings", false, grave_of);
        fputs("</div>\n", f);
}

/* ---- all units ---- */

static void row(const struct imm_report *r, const struct imm_state *s, FILE *f) {
        struct imm_counts c = imm_counts_of(s);
        const struct imm_unit_difference *d =
                r->changes ? imm_difference_unit(r->changes, s->unit) : NULL;
        enum imm_verdict v = d ? d->verdict : IMM_VERDICT_SAME;

        fputs("<tr><td><a href=\"#u-", f);
        imm_html_id(f, s->unit);
        fputs("\">", f);
        imm_text_put_markup(f, s->unit);
        fprintf(f, "</a><td class=%s>", imm_html_tone(s->exposure));
        imm_html_tenths(f, s->exposure);
        fprintf(f, "<td class=%s>", imm_html_tone(s->reach));
        imm_html_tenths(f, s->reach);
        for (int i = IMM_SEVERITY_CRITICAL; i >= IMM_SEVERITY_LOW; i--)
                if (c.n[i] == 0)
                        fputs("<td class=faint>0", f);
                else
                        fprintf(f, i >= IMM_SEVERITY_HIGH ? "<td class=b>%u" : "<td>%u", c.n[i]);
        fprintf(f, "<td class=%s>%s\n", imm_html_verdict_tone(v),
                v == IMM_VERDICT_SAME ? (s->load && !imm_streq(s->load, "loaded") ? s->load : "")
                                      : imm_verdict_name(v));
}

void imm_html_units(const struct imm_report *r, const struct imm_state **list, FILE *f) {
        static const char *const titles[] = {
                "Unit", "Exposure", "Reach", "Critical", "High", "Medium", "Low", "State"};

        fputs("<h2 id=worst>Units, worst first</h2>\n<div class=tools><input id=filter type=search "
              "aria-label=\"Filter units\" placeholder=\"Filter units\"><button type=button "
              "id=open>Unfold all</button><button type=button id=close>Fold all</button><span "
              "id=shown role=status class=faint></span></div>\n<div class=wide><table "
              "id=units><thead><tr>",
                f);
        for (size_t i = 0; i < IMM_ELEMENTSOF(titles); i++)
                fprintf(f, "<th scope=col><button type=button>%s</button>", titles[i]);
        fputs("</thead><tbody>\n", f);
        for (size_t i = 0; i < r->now->states.n; i++)
                row(r, list[i], f);
        fputs("</tbody></table></div>\n", f);
}
