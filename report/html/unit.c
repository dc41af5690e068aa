/* One unit: findings, settings with origins, mounts as a tree, access by area, excess and missing.
 */

#include "report/html/html-private.h"

#include "audit/owner.h"
#include "base/map.h"

static void origin(FILE *f, const struct imm_source_ref *o) {
        if (o->by) {
                fputs("by ", f);
                imm_text_put_markup(f, o->by);
                fputs("=", f);
                if (o->file)
                        fputs(", ", f);
        }
        if (o->file) {
                imm_text_put_markup(f, o->file);
                fprintf(f, ":%u", o->line);
        } else if (!o->by)
                imm_text_put_markup(f, o->kind);
}

/* The line, and whose it is; of the unit's own file the head has said that. */
static void where(const struct imm_state *s, const struct imm_state_finding *i, FILE *f) {
        if (!i->file)
                return;
        fputs(" <span class=\"faint\">", f);
        if (s->path && imm_streq(s->path, i->file))
                fprintf(f, "line %u", i->line);
        else {
                imm_text_put_markup(f, i->file);
                fprintf(f, ":%u", i->line);
                if (i->owner) {
                        fputs(" · ", f);
                        imm_text_put_markup(f, i->owner);
                }
        }
        fputs("</span>", f);
}

/* What is grave, with its evidence; remedies stand once for all units, at the end of the page. */
static void grave(const struct imm_state *s, const struct imm_state_finding *i, FILE *f) {
        fprintf(f, "<li><span class=\"tag %s\">%s</span> ", imm_html_severity_tone(i->severity),
                imm_severity_name(i->severity));
        imm_text_put_markup(f, i->rule);
        if (i->confidence && !imm_streq(i->confidence, "certain")) {
                fputs(" (", f);
                imm_text_put_markup(f, i->confidence);
                fputs(")", f);
        }
        if (i->evidence.n > 0) {
                fputs(": ", f);
                imm_text_put_markup(f, i->evidence.v[0]);
        }
        if (i->suppressed) {
                fputs(" <span class=\"faint\">accepted: ", f);
                imm_text_put_markup(f, i->suppressed);
                fputs("</span>", f);
        }
        where(s, i, f);
        fputs("</li>\n", f);
}

static void names(const struct imm_state *s, enum imm_severity severity, FILE *f) {
        bool any = false;

        imm_array_foreach (i, &s->findings) {
                if (i->severity != severity || i->suppressed)
                        continue;
                if (!any)
                        fprintf(f, "<p><b class=\"%s\">%s</b> ", imm_html_severity_tone(severity),
                                imm_severity_name(severity));
                any = true;
                imm_text_put_markup(f, i->rule);
                putc(' ', f);
        }
        if (any)
                fputs("</p>\n", f);
}

static void findings(const struct imm_state *s, FILE *f) {
        if (s->findings.n == 0)
                return;
        fputs("<h3>Findings</h3>\n<ul class=\"f\">\n", f);
        imm_array_foreach (i, &s->findings)
                if (i->severity >= IMM_SEVERITY_HIGH || i->suppressed)
                        grave(s, i, f);
        fputs("</ul>\n", f);
        names(s, IMM_SEVERITY_MEDIUM, f);
        names(s, IMM_SEVERITY_LOW, f);
}

/* Each rule that found something, once: what helps, and how many units it found */
struct glossed {
        const struct imm_state_finding *example;
        size_t units;
};

void imm_html_rules(const struct imm_report *r, FILE *f) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        struct imm_map rules = {0};

        imm_array_foreach (p, &r->now->states)
                imm_array_foreach (i, &(*p)->findings) {
                        struct glossed *g = i->rule ? imm_map_get(&rules, i->rule) : NULL;

                        if (!i->rule || i->severity == IMM_SEVERITY_INFO)
                                continue;
                        if (!g) {
                                g = imm_new(a, struct glossed);
                                g->example = i;
                                imm_map_put(a, &rules, i->rule, g);
                        }
                        g->units++;
                }
        if (rules.n == 0)
                return;
        fputs("<h2 id=\"rules\">What helps</h2>\n<div "
              "class=\"wide\"><table><thead><tr><th>Rule</th>"
              "<th>Severity</th><th class=\"n\">Units</th><th>Remedy</th></tr></thead><tbody>\n",
                f);
        for (size_t i = 0; i < rules.n; i++) {
                const struct glossed *g = rules.v[i].value;

                fputs("<tr><td>", f);
                imm_text_put_markup(f, rules.v[i].key);
                fprintf(f, "</td><td class=\"%s\">%s</td><td class=\"n\">%zu</td><td class=\"p\">",
                        imm_html_severity_tone(g->example->severity),
                        imm_severity_name(g->example->severity), g->units);
                imm_text_put_markup(f, g->example->remedy);
                fputs("</td></tr>\n", f);
        }
        fputs("</tbody></table></div>\n", f);
}

static void settings(const struct imm_state *s, FILE *f) {
        if (s->settings.n == 0)
                return;
        fputs("<h3>Settings</h3>\n<div class=\"wide\"><table><tbody>\n", f);
        imm_array_foreach (i, &s->settings) {
                if (i->origin.kind && imm_streq(i->origin.kind, "default"))
                        continue;
                fputs("<tr><td>", f);
                imm_text_put_markup(f, i->name);
                fputs("</td><td class=\"p\">", f);
                imm_text_put_markup(f, i->value);
                fputs("</td><td class=\"p faint\">", f);
                origin(f, &i->origin);
                fputs("</td></tr>\n", f);
        }
        fputs("</tbody></table></div>\n", f);
}

/* The depth of a path below its nearest ancestor in the (sorted) table */
static unsigned depth_of(const struct imm_state *s, size_t at) {
        unsigned depth = 0;

        for (size_t i = 0; i < at; i++) {
                const char *p = s->mounts.v[i].path, *rest;

                if (!p || !s->mounts.v[at].path)
                        continue;
                rest = imm_after(s->mounts.v[at].path, p);
                if (rest && (*rest == '/' || (p[0] == '/' && !p[1] && *rest)))
                        depth++;
        }
        return depth;
}

static void mounts(const struct imm_state *s, FILE *f) {
        bool own = false;

        imm_array_foreach (m, &s->mounts)
                own |= m->setting != NULL;
        if (s->outcome && !imm_streq(s->outcome, "ok")) {
                fputs("<p class=\"b\">Starting it would fail: ", f);
                imm_text_put_markup(f, s->outcome);
                fputs("</p>\n", f);
        }
        if (s->mounts.n == 0)
                return;
        if (!own) {
                fputs("<p class=\"faint\">No setting mounts anything: it sees the host's own file "
                      "systems.</p>\n",
                        f);
                return;
        }
        fputs("<h3>Mounts</h3>\n<pre class=\"tree\">", f);
        for (size_t i = 0; i < s->mounts.n; i++) {
                const struct imm_state_mount *m = &s->mounts.v[i];

                fprintf(f, "%*s", (int)(2 * depth_of(s, i)), "");
                imm_text_put_markup(f, m->path);
                fprintf(f, "  %s%s%s%s ", m->read_only ? "ro" : "rw", m->nosuid ? ",nosuid" : "",
                        m->nodev ? ",nodev" : "", m->noexec ? ",noexec" : "");
                if (m->fstype && !imm_streq(m->fstype, "bind"))
                        imm_text_put_markup(f, m->fstype);
                else if (m->source && m->path && !imm_streq(m->source, m->path)) {
                        fputs("← ", f);
                        imm_text_put_markup(f, m->source);
                }
                if (m->setting) {
                        fputs("  <span class=\"faint\">", f);
                        imm_text_put_markup(f, m->setting);
                        fputs("=</span>", f);
                }
                putc('\n', f);
        }
        fputs("</pre>\n", f);
}

static int is_writable(const struct imm_state_access *a) {
        return a->write == 1;
}

static int is_readable(const struct imm_state_access *a) {
        return a->write != 1 && a->read == 1;
}

static int is_hidden(const struct imm_state_access *a) {
        return a->write == 0 && a->read == 0 && a->connect != 1;
}

static int is_connectable(const struct imm_state_access *a) {
        return a->connect == 1;
}

static void area(const struct imm_state *s, FILE *f, const char *name, const char *tone,
        int (*in)(const struct imm_state_access *a)) {
        bool any = false;

        imm_array_foreach (a, &s->access) {
                if (!in(a))
                        continue;
                if (!any)
                        fprintf(f, "<p><b class=\"%s\">%s</b> <span class=\"mono\">", tone, name);
                any = true;
                imm_text_put_markup(f, a->path);
                putc(' ', f);
        }
        if (any)
                fputs("</span></p>\n", f);
}

static void access_picture(const struct imm_state *s, FILE *f) {
        if (s->access.n == 0)
                return;
        fputs("<h3>Access</h3>\n", f);
        area(s, f, "can write", "b", is_writable);
        area(s, f, "can connect to", "b", is_connectable);
        area(s, f, "can read", "w", is_readable);
        area(s, f, "sees nothing of", "g", is_hidden);
}

enum { LIST_MAX = 20 };

static void paths(FILE *f, const char *name, const char *tone, const struct imm_strv *l) {
        if (l->n == 0)
                return;
        fprintf(f, "<p><b class=\"%s\">%zu %s</b> <span class=\"mono\">", tone, l->n, name);
        for (size_t i = 0; i < l->n && i < LIST_MAX; i++) {
                imm_text_put_markup(f, l->v[i]);
                putc(' ', f);
        }
        fputs(l->n > LIST_MAX ? "…</span></p>\n" : "</span></p>\n", f);
}

void imm_html_unit(const struct imm_report *r, const struct imm_state *s, FILE *f) {
        fputs("<details data-u=\"", f);
        imm_text_put_markup(f, s->unit);
        fputs("\" id=\"u-", f);
        imm_text_put_markup(f, s->unit);
        fputs("\"><summary><span class=\"u\">", f);
        imm_text_put_markup(f, s->unit);
        fprintf(f, "</span><span class=\"%s\">exposure ", imm_html_tone(s->exposure));
        imm_html_tenths(f, s->exposure);
        fprintf(f, "</span><span class=\"%s\">reach ", imm_html_tone(s->reach));
        imm_html_tenths(f, s->reach);
        fputs("</span></summary>\n<p class=\"faint mono\">", f);
        imm_text_put_markup(f, s->path ? s->path : s->load);
        for (size_t i = 0; i < s->dropins.n; i++) {
                fputs(" + ", f);
                imm_text_put_markup(f, s->dropins.v[i]);
        }
        if (imm_state_owner(s)) {
                fputs(" · ", f);
                imm_text_put_markup(f, imm_state_owner(s));
        }
        fputs("</p>\n", f);
        if (s->load_message) {
                fputs("<p class=\"b\">", f);
                imm_text_put_markup(f, s->load_message);
                fputs("</p>\n", f);
        }
        for (size_t i = 0; i < s->errors.n; i++) {
                fputs("<p class=\"w\">", f);
                imm_text_put_markup(f, s->errors.v[i]);
                fputs("</p>\n", f);
        }
        findings(s, f);
        settings(s, f);
        mounts(s, f);
        access_picture(s, f);
        paths(f, "needed but hidden", "b", &s->missing);
        paths(f, "visible but not needed", "faint", &s->excess);
        fputs("</details>\n", f);
}
