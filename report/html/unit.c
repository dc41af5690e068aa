/* One unit: findings by what ends them, settings as files have them, mounts, access, excess. */

#include "report/html/html-private.h"

#include "audit/owner.h"
#include "base/map.h"

/* ---- findings: what ends them, and what it ends ---- */

static bool is_shown(const struct imm_state_finding *i) {
        return i->severity > IMM_SEVERITY_INFO || i->suppressed;
}

/* The first line of it: further ones are refinements, which the table at the end has whole. */
static const char *remedy_of(const struct imm_state_finding *i, struct imm_arena *a) {
        const char *text = i->suppressed ? "accepted" : i->remedy ? i->remedy : "";

        return imm_strndup(a, text, strcspn(text, "\n"));
}

static bool has_remedy(const struct imm_state_finding *i, const char *text) {
        const char *own = i->suppressed ? "accepted" : i->remedy ? i->remedy : "";
        const char *rest = imm_after(own, text);

        return rest && (!*rest || *rest == '\n');
}

/* The line, and whose it is, where that is another file than the unit's own */
static void where(const struct imm_state *s, const struct imm_state_finding *i, FILE *f) {
        if (!i->file || (s->path && imm_streq(s->path, i->file)))
                return;
        fputs(" <i>", f);
        imm_text_put_markup(f, i->file);
        fprintf(f, ":%u", i->line);
        if (i->owner) {
                fputs(" · ", f);
                imm_text_put_markup(f, i->owner);
        }
        fputs("</i>", f);
}

static void finding(const struct imm_state *s, const struct imm_state_finding *i, FILE *f) {
        fputs(i->severity >= IMM_SEVERITY_HIGH ? "<dd><b>" : "<dd><b class=w>", f);
        imm_text_put_markup(f, i->rule);
        fputs("</b>", f);
        if (i->evidence.n > 0) {
                putc(' ', f);
                imm_text_put_markup(f, i->evidence.v[0]);
        }
        if (i->confidence && !imm_streq(i->confidence, "certain")) {
                fputs(" <i>", f);
                imm_text_put_markup(f, i->confidence);
                fputs("</i>", f);
        }
        where(s, i, f);
        if (i->suppressed) {
                fputs(" <i>accepted: ", f);
                imm_text_put_markup(f, i->suppressed);
                fputs("</i>", f);
        }
        putc('\n', f);
}

static void remedy(const char *text, FILE *f) {
        fputs("<dt>", f);
        imm_text_put_markup(f, imm_streq(text, "accepted") ? "Accepted"
                               : *text                     ? text
                                                           : "No single setting ends");
        putc('\n', f);
}

/* Told by name alone: what is slight, and what reach finds of middling weight, whose names say it
 * all. In a page of 500 units they are most of what there is to tell. */
static bool is_brief(const struct imm_state_finding *i) {
        return !i->suppressed && (i->severity == IMM_SEVERITY_LOW ||
                                         (i->severity == IMM_SEVERITY_MEDIUM && i->scorecard &&
                                                 imm_streq(i->scorecard, "reach")));
}

/* Those of a remedy in one line */
static void brief(
        const struct imm_state *s, const char *text, enum imm_severity severity, FILE *f) {
        bool any = false;

        imm_array_foreach (i, &s->findings) {
                if (i->severity != severity || !is_brief(i) || !has_remedy(i, text))
                        continue;
                if (!any)
                        fprintf(f, "<dd><%s>%s</%s> ", severity == IMM_SEVERITY_MEDIUM ? "u" : "i",
                                imm_severity_name(severity),
                                severity == IMM_SEVERITY_MEDIUM ? "u" : "i");
                else
                        fputs(", ", f);
                any = true;
                imm_text_put_markup(f, i->rule);
        }
        if (any)
                putc('\n', f);
}

static bool is_slight(const struct imm_state_finding *i) {
        return i->severity == IMM_SEVERITY_LOW && !i->suppressed;
}

/* What is slight, and not ended by what graver findings ask for: the table at the end tells how */
static void others(
        const struct imm_state *s, const struct imm_map *remedies, struct imm_arena *a, FILE *f) {
        bool any = false;

        imm_array_foreach (i, &s->findings) {
                if (!is_slight(i) || imm_map_has(remedies, remedy_of(i, a)))
                        continue;
                fputs(any ? ", " : "<dt><a href=#rules>Of less weight</a><dd>", f);
                any = true;
                imm_text_put_markup(f, i->rule);
        }
        if (any)
                putc('\n', f);
}

static void findings(const struct imm_state *s, FILE *f) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        struct imm_map remedies = {0};
        size_t remarks = 0;

        imm_array_foreach (i, &s->findings)
                if (!is_shown(i))
                        remarks++;
                else if (!is_slight(i) && !imm_map_has(&remedies, remedy_of(i, a)))
                        imm_map_put(a, &remedies, remedy_of(i, a), a);
        if (s->findings.n == 0)
                return;
        fputs("<h3>What to change, and what that ends</h3>\n<dl>\n", f);
        for (size_t k = 0; k < remedies.n; k++) {
                const char *text = remedies.v[k].key;

                remedy(text, f);
                imm_array_foreach (i, &s->findings)
                        if (is_shown(i) && !is_brief(i) && has_remedy(i, text))
                                finding(s, i, f);
                brief(s, text, IMM_SEVERITY_MEDIUM, f);
                brief(s, text, IMM_SEVERITY_LOW, f);
        }
        others(s, &remedies, a, f);
        fputs("</dl>\n", f);
        if (remarks)
                fprintf(f, "<p class=faint>and %zu remark%s</p>\n", remarks,
                        remarks > 1 ? "s" : "");
}

/* ---- rules: each that found something, once ---- */

struct glossed {
        const struct imm_state_finding *example;
        size_t units;
};

static int many_first(const void *a, const void *b) {
        const struct glossed *x = *(struct glossed *const *)a, *y = *(struct glossed *const *)b;
        int r = (int)y->example->severity - (int)x->example->severity;

        if (r == 0)
                r = (x->units < y->units) - (x->units > y->units);
        return r ? r : strcmp(x->example->rule, y->example->rule);
}

void imm_html_rules(const struct imm_report *r, FILE *f) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        struct imm_map rules = {0};
        struct glossed **list;

        imm_array_foreach (p, &r->now->states)
                imm_array_foreach (i, &(*p)->findings) {
                        struct glossed *g = i->rule ? imm_map_get(&rules, i->rule) : NULL;

                        if (!i->rule || i->severity == IMM_SEVERITY_INFO || i->suppressed)
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
        list = imm_alloc_array(a, rules.n, sizeof(struct glossed *));
        for (size_t i = 0; i < rules.n; i++)
                list[i] = rules.v[i].value;
        qsort(list, rules.n, sizeof(struct glossed *), many_first);
        fputs("<h2 id=rules>What helps</h2>\n<div class=wide><table><thead><tr><th scope=col>Rule"
              "<th scope=col>Severity<th scope=col class=n>Findings<th scope=col>What ends "
              "it</thead><tbody>\n",
                f);
        for (size_t i = 0; i < rules.n; i++) {
                const struct imm_state_finding *e = list[i]->example;

                fputs("<tr><td>", f);
                imm_text_put_markup(f, e->rule);
                fprintf(f, "<td class=%s>%s<td class=n>%zu<td class=p>",
                        imm_html_severity_tone(e->severity), imm_severity_name(e->severity),
                        list[i]->units);
                for (const char *line = e->remedy, *end; line && *line;
                        line = *end ? end + 1 : end) {
                        end = strchrnul(line, '\n');
                        imm_text_put_markup(f, imm_strndup(a, line, (size_t)(end - line)));
                        fputs(*end ? "<br>" : "", f);
                }
                putc('\n', f);
        }
        fputs("</tbody></table></div>\n", f);
}

/* ---- settings, as the files that say them ---- */

static bool is_from(const struct imm_state_setting *i, const char *file) {
        return !i->origin.by && i->origin.file && imm_streq(i->origin.file, file);
}

static int by_line(const void *a, const void *b) {
        const struct imm_state_setting *x = *(const struct imm_state_setting *const *)a;
        const struct imm_state_setting *y = *(const struct imm_state_setting *const *)b;

        if (x->origin.line != y->origin.line)
                return x->origin.line < y->origin.line ? -1 : 1;
        return strcmp(x->name, y->name);
}

/* In the order of its lines */
static void of_file(const struct imm_state *s, const char *file, FILE *f) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        IMM_ARRAY(const struct imm_state_setting *) lines = {0};

        imm_array_foreach (i, &s->settings)
                if (is_from(i, file))
                        *imm_array_push(a, &lines) = i;
        if (lines.n == 0)
                return;
        qsort(lines.v, lines.n, sizeof(const struct imm_state_setting *), by_line);
        fputs("<i>", f);
        imm_text_put_markup(f, file);
        fputs("</i>\n", f);
        imm_array_foreach (p, &lines) {
                fprintf(f, "%4u  ", (*p)->origin.line);
                imm_text_put_markup(f, (*p)->name);
                putc('=', f);
                imm_text_put_markup(f, (*p)->value);
                putc('\n', f);
        }
}

static void of_none(const struct imm_state *s, FILE *f) {
        bool any = false;

        imm_array_foreach (i, &s->settings) {
                if (i->origin.file && !i->origin.by)
                        continue;
                if (!i->origin.by && (!i->origin.kind || imm_streq(i->origin.kind, "default")))
                        continue;
                if (!any)
                        fputs("<i>implied</i>\n", f);
                any = true;
                fputs("      ", f);
                imm_text_put_markup(f, i->name);
                putc('=', f);
                imm_text_put_markup(f, i->value);
                fputs("  <i>by ", f);
                imm_text_put_markup(f, i->origin.by ? i->origin.by : i->origin.kind);
                fputs(i->origin.by ? "=</i>\n" : "</i>\n", f);
        }
}

static void settings(const struct imm_state *s, FILE *f) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        struct imm_map files = {0};

        if (s->settings.n == 0)
                return;
        fputs("<h3>Settings</h3>\n<pre>", f);
        if (s->path)
                imm_map_put(a, &files, s->path, a);
        imm_array_foreach (i, &s->settings)
                if (i->origin.file && !i->origin.by)
                        imm_map_put(a, &files, i->origin.file, a);
        for (size_t i = 0; i < files.n; i++)
                of_file(s, files.v[i].key, f);
        of_none(s, f);
        fputs("</pre>\n", f);
}

/* ---- the rest ---- */

enum { LIST_MAX = 12 };

static void paths(FILE *f, const char *name, const struct imm_strv *l, size_t max) {
        if (l->n == 0)
                return;
        fprintf(f, "<h3>%s</h3>\n<p class=p>", name);
        for (size_t i = 0; i < l->n && i < max; i++) {
                imm_text_put_markup(f, l->v[i]);
                putc(' ', f);
        }
        if (l->n > max)
                fprintf(f, "<i>and %zu more</i>", l->n - max);
        fputs("</p>\n", f);
}

static void head(const struct imm_state *s, FILE *f) {
        struct imm_counts c = imm_counts_of(s);

        fputs("<details id=\"u-", f);
        imm_html_id(f, s->unit);
        fputs("\"><summary><span class=u>", f);
        imm_text_put_markup(f, s->unit);
        fputs("</span>", f);
        for (int i = IMM_SEVERITY_CRITICAL; i >= IMM_SEVERITY_HIGH; i--)
                if (c.n[i])
                        fprintf(f, "<span class=b>%u %s</span>", c.n[i],
                                imm_severity_name((enum imm_severity)i));
        fprintf(f, "<span><i>exposure</i> <b class=%s>", imm_html_tone(s->exposure));
        imm_html_tenths(f, s->exposure);
        fprintf(f, "</b></span><span><i>reach</i> <b class=%s>", imm_html_tone(s->reach));
        imm_html_tenths(f, s->reach);
        fputs("</b></span></summary>\n<p class=faint>", f);
        imm_html_code(f, s->path ? s->path : s->load);
        for (size_t i = 0; i < s->dropins.n; i++) {
                fputs(" + ", f);
                imm_html_code(f, s->dropins.v[i]);
        }
        if (imm_state_owner(s)) {
                fputs(" · ", f);
                imm_text_put_markup(f, imm_state_owner(s));
        }
        fputs("</p>\n", f);
}

void imm_html_unit(const struct imm_state *s, FILE *f) {
        head(s, f);
        if (s->load_message) {
                fputs("<p class=b>", f);
                imm_text_put_markup(f, s->load_message);
                fputs("</p>\n", f);
        }
        for (size_t i = 0; i < s->errors.n; i++) {
                fputs("<p class=w>", f);
                imm_text_put_markup(f, s->errors.v[i]);
                fputs("</p>\n", f);
        }
        findings(s, f);
        settings(s, f);
        imm_html_mounts(s, f);
        imm_html_access(s, f);
        paths(f, "Needed, but hidden", &s->missing, SIZE_MAX);
        paths(f, "Seen, but not needed", &s->excess, LIST_MAX);
        fputs("</details>\n", f);
}
