#include "rules/waiver.h"

#include "analyzer/unit/syntax.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>

enum { WAIVER_MAX = 1 << 20 };

struct imm_waivers *imm_waivers_new(void) {
        struct imm_arena *a = imm_arena_new();
        struct imm_waivers *w = imm_new(a, struct imm_waivers);

        w->arena = a;
        return w;
}

struct imm_waivers *imm_waivers_free(struct imm_waivers *w) {
        if (w)
                imm_arena_free(w->arena);
        return NULL;
}

/* ---- days (proleptic Gregorian calendar, without a time zone) ---- */

static bool leap(int y) {
        return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
}

static int days_of(int y, int m) {
        static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

        return m == 2 && leap(y) ? 29 : days[m - 1];
}

bool imm_day_parse(const char *text, int *ret) {
        int y, m, d, n = 0, day = 0;

        if (sscanf(text, "%4d-%2d-%2d%n", &y, &m, &d, &n) != 3 || text[n] || n != 10 || y < 1970 ||
                m < 1 || m > 12 || d < 1 || d > days_of(y, m))
                return false;
        for (int i = 1970; i < y; i++)
                day += leap(i) ? 366 : 365;
        for (int i = 1; i < m; i++)
                day += days_of(y, i);
        *ret = day + d - 1;
        return true;
}

const char *imm_day_text(struct imm_arena *a, int day) {
        int y = 1970, m = 1;

        while (day >= (leap(y) ? 366 : 365))
                day -= leap(y++) ? 366 : 365;
        while (day >= days_of(y, m))
                day -= days_of(y, m++);
        return imm_printf(a, "%04d-%02d-%02d", y, m, day + 1);
}

/* ---- reading ---- */

static void mistake(struct imm_waivers *w, const char *file, unsigned line, const char *text) {
        imm_diag_add(
                w->arena, &w->diags, IMM_DIAG_ERROR, "bad-waiver", file, line, NULL, "%s", text);
}

static void words(struct imm_waivers *w, const char *text, struct imm_strv *to) {
        char *copy = imm_strdup(w->arena, text), *save = NULL;

        for (char *s = strtok_r(copy, " \t,", &save); s; s = strtok_r(NULL, " \t,", &save))
                imm_strv_add(w->arena, to, s);
}

/* The last day as it is written; text NULL: nowhere */
struct until {
        const char *text;
        unsigned line;
};

static bool is_blank(const char *s) {
        return !s || s[strspn(s, " \t")] == '\0';
}

/* What every waiver must have */
static void finish(struct imm_waivers *w, struct imm_waiver *v, const struct until *until) {
        bool good = true;

        if (v->rules.n == 0)
                good = false, mistake(w, v->file, v->line, "the waiver names no rule");
        if (!v->in_source && v->units.n == 0)
                good = false,
                mistake(w, v->file, v->line, "the waiver names no unit (Unit=*.service means all)");
        if (is_blank(v->reason))
                good = false, mistake(w, v->file, v->line, "the waiver gives no reason");
        if (!until->text)
                good = false,
                mistake(w, v->file, v->line, "the waiver has no last day (Until=YYYY-MM-DD)");
        else if (!imm_day_parse(until->text, &v->until))
                good = false,
                mistake(w, v->file, until->line,
                        imm_printf(w->arena, "'%s' is no date; expected YYYY-MM-DD", until->text));
        if (good)
                *imm_array_push(w->arena, &w->list) = *v;
}

static void take(struct imm_waivers *w, struct imm_waiver *v, const struct imm_assignment *at,
        struct until *until) {
        if (imm_streq(at->key, "Unit"))
                words(w, at->value, &v->units);
        else if (imm_streq(at->key, "Rule"))
                words(w, at->value, &v->rules);
        else if (imm_streq(at->key, "Reason"))
                v->reason = at->value;
        else if (imm_streq(at->key, "Owner"))
                v->owner = at->value;
        else if (imm_streq(at->key, "Until"))
                *until = (struct until){at->value, at->line};
        else
                mistake(w, v->file, at->line,
                        imm_printf(w->arena, "unknown key '%s' (Unit, Rule, Reason, Owner, Until)",
                                at->key));
}

void imm_waivers_add_file(
        struct imm_waivers *w, const struct imm_root *root, const char *path, const char *shown) {
        static const char *const sections[] = {"Waiver", NULL};
        const struct imm_syntax syntax = {sections, IMM_VERSION_LATEST};
        struct imm_unit_file f = {.kind = IMM_FILE_FRAGMENT, .path = shown};
        struct imm_waiver v = {0};
        struct until until = {0};
        struct imm_blob b = {0};
        int r = imm_root_read(root, path, WAIVER_MAX, w->arena, &b, NULL);

        if (r < 0) {
                mistake(w, shown, 0, imm_printf(w->arena, "cannot be read: %s", strerror(-r)));
                return;
        }
        imm_syntax_parse(&syntax, imm_strndup(w->arena, b.data, b.size), b.size, w->arena, &f);
        imm_array_foreach (d, &f.diags)
                mistake(w, shown, d->line, d->message);
        if (f.status < 0 && f.diags.n == 0)
                mistake(w, shown, 0, "not a valid waiver file");
        for (size_t i = 0; i < f.n_assignments; i++) {
                const struct imm_assignment *at = &f.assignments[i];

                if (i == 0 || at->section_line != v.line) {
                        if (i > 0)
                                finish(w, &v, &until);
                        v = (struct imm_waiver){.file = shown, .line = at->section_line};
                        until = (struct until){0};
                }
                take(w, &v, at, &until);
        }
        if (f.n_assignments > 0)
                finish(w, &v, &until);
        else if (f.status == 0)
                mistake(w, shown, 1, "the file holds no waiver");
}

void imm_waivers_add_folder(struct imm_waivers *w, const struct imm_root *root, const char *dir) {
        struct imm_dirent *e = NULL;
        size_t n = 0;
        int r = imm_root_list(root, dir, w->arena, &e, &n);

        if (r < 0 && r != -ENOENT && r != -ENOTDIR)
                mistake(w, imm_strdup(w->arena, dir), 0,
                        imm_printf(w->arena, "cannot be read: %s", strerror(-r)));
        for (size_t i = 0; i < n; i++)
                if (imm_ends_with(e[i].name, ".waiver")) {
                        const char *path = imm_printf(w->arena, "%s/%s", dir, e[i].name);

                        imm_waivers_add_file(w, root, path, path);
                }
}

/* "allow RULE[,RULE] until=DATE reason=the rest of the line" */
static void read_comment(struct imm_waivers *w, const char *file, unsigned line, const char *text) {
        struct imm_waiver v = {.file = file, .line = line, .in_source = true};
        const char *s = imm_after(text, "allow"), *reason;
        struct until until = {.line = line};
        char *copy, *save = NULL;

        if (!s || !isblank((unsigned char)*s)) {
                mistake(w, file, line, "expected '# immure: allow RULE until=DATE reason=...'");
                return;
        }
        reason = strstr(s, "reason=");
        copy = imm_strndup(w->arena, s, reason ? (size_t)(reason - s) : strlen(s));
        for (char *word = strtok_r(copy, " \t", &save); word; word = strtok_r(NULL, " \t", &save)) {
                const char *day = imm_after(word, "until=");

                if (day)
                        until.text = day;
                else if (strchr(word, '='))
                        mistake(w, file, line,
                                imm_printf(w->arena, "unknown word '%s' (until=, then reason=)",
                                        word));
                else
                        words(w, word, &v.rules);
        }
        if (reason) {
                size_t n = strlen(reason += strlen("reason="));

                while (n > 0 && isspace((unsigned char)reason[n - 1]))
                        n--;
                v.reason = imm_strndup(w->arena, reason, n);
        }
        finish(w, &v, &until);
}

void imm_waivers_add_unit(struct imm_waivers *w, const struct imm_unit *u) {
        for (size_t i = 0; i < u->n_files; i++) {
                const struct imm_unit_file *f = u->files[i];
                bool seen = false;

                if (f->n_remarks == 0)
                        continue;
                imm_array_foreach (v, &w->list)
                        seen |= v->in_source && imm_streq(v->file, f->path);
                for (size_t k = 0; !seen && k < f->n_remarks; k++)
                        read_comment(w, imm_strdup(w->arena, f->path), f->remarks[k].line,
                                f->remarks[k].text);
        }
}

/* ---- applying ---- */

static bool any_matches(const struct imm_strv *globs, const char *text) {
        for (size_t i = 0; text && i < globs->n; i++)
                if (fnmatch(globs->v[i], text, 0) == 0)
                        return true;
        return false;
}

static bool reads(const struct imm_state *s, const char *file) {
        return (s->path && imm_streq(s->path, file)) || imm_strv_has(&s->dropins, file);
}

/* Units of one name in several folders are known by their paths; patterns speak of names too. */
static bool names_unit(const struct imm_strv *globs, const char *unit) {
        const char *slash = strrchr(unit, '/');

        return any_matches(globs, unit) || (slash && any_matches(globs, slash + 1));
}

static bool speaks_of(const struct imm_waiver *v, const struct imm_state *s) {
        return v->in_source ? reads(s, v->file) : names_unit(&v->units, s->unit);
}

/* Rules are named as RULE, or as SCORECARD/RULE */
static bool accepts(const struct imm_waiver *v, const struct imm_state_finding *f) {
        imm_auto_free char *full = NULL;

        if (any_matches(&v->rules, f->rule))
                return true;
        if (!f->scorecard || !f->rule)
                return false;
        if (asprintf(&full, "%s/%s", f->scorecard, f->rule) < 0)
                imm_oom();
        return any_matches(&v->rules, full);
}

const struct imm_waiver *imm_waiver_of(const struct imm_waivers *w, const struct imm_state *s,
        const struct imm_state_finding *f, int today) {
        const struct imm_waiver *found = NULL;

        imm_array_foreach (v, &w->list)
                if (!imm_waiver_expired(v, today) && speaks_of(v, s) && accepts(v, f))
                        found = v;
        return found;
}

static void apply(struct imm_waiver *v, struct imm_snapshot *s, struct imm_state *unit, int today) {
        imm_array_foreach (f, &unit->findings) {
                if (!accepts(v, f))
                        continue;
                v->used++;
                if (!imm_waiver_expired(v, today)) {
                        f->suppressed = imm_strdup(s->arena, v->reason);
                        f->suppressed_in_source = v->in_source;
                }
        }
}

void imm_waivers_apply(struct imm_waivers *w, struct imm_snapshot *s, int today) {
        imm_array_foreach (p, &s->states)
                imm_array_foreach (v, &w->list)
                        if (speaks_of(v, *p)) {
                                v->units_seen++;
                                apply(v, s, *p, today);
                        }
}
