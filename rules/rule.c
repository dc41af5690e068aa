#include "rules/rules-private.h"

#include "analyzer/closure/closure.h"
#include "analyzer/unit/syntax.h"
#include "analyzer/unit/words.h"

#include <errno.h>
#include <fnmatch.h>

/*
 * From files to a rule. File and drop-ins are one list of lines, as for units: a later line wins
 * over an earlier one, lists grow, an empty value resets. Sections of the same name are one
 * section, wherever their lines stand; steps are tried in the order in which their sections first
 * appear. Every mistake is said, with file and line; a rule with mistakes is left out.
 */

struct line {
        const char *file;
        const struct imm_assignment *of;
};

struct build {
        struct imm_arena *a;
        struct imm_diags *diags;
        IMM_ARRAY(struct line) lines;
        unsigned version;
        unsigned since, until;
        bool broken;
        struct imm_profiles *profiles;
        struct imm_rule *rule;
};

static void mistake(struct build *b, const struct line *at, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));
static void mistake(struct build *b, const struct line *at, const char *fmt, ...) {
        va_list ap;

        va_start(ap, fmt);
        imm_diag_add(b->a, b->diags, IMM_DIAG_ERROR, "broken-rule", at->file,
                at->of ? at->of->line : 0, NULL, "%s", imm_vprintf(b->a, fmt, ap));
        va_end(ap);
        b->broken = true;
}

/* ---- single values ---- */

static void set_unsigned(
        struct build *b, const struct line *at, uint64_t least, uint64_t most, uint64_t *to) {
        unsigned long long n;

        if (!imm_parse_u64(at->of->value, &n) || n < least || n > most) {
                mistake(b, at, "%s=%s: expected a number from %llu to %llu", at->of->key,
                        at->of->value, (unsigned long long)least, (unsigned long long)most);
                return;
        }
        *to = n;
}

static void set_version(struct build *b, const struct line *at, unsigned *to) {
        uint64_t n = 0;

        if (!*at->of->value)
                *to = 0;
        else {
                set_unsigned(b, at, 1, 9999, &n);
                *to = (unsigned)n;
        }
}

static void set_severity(struct build *b, const struct line *at, int *to) {
        enum imm_severity s;

        if (imm_severity_parse(at->of->value, &s))
                *to = (int)s;
        else
                mistake(b, at, "Severity=%s: expected info, low, medium, high or critical",
                        at->of->value);
}

static void set_confidence(struct build *b, const struct line *at) {
        for (int c = 0; c < IMM_CONFIDENCE_N; c++)
                if (imm_streq(imm_confidence_name(c), at->of->value)) {
                        b->rule->confidence = c;
                        return;
                }
        mistake(b, at, "Confidence=%s: expected certain, likely or possible", at->of->value);
}

static const char *text_or_null(const char *s) {
        return *s ? s : NULL;
}

/* ---- lists ---- */

/* Adds the words of a value; an empty one resets */
static void add_words(struct build *b, const struct line *at, struct imm_strv *to) {
        const char *p = at->of->value, *word;

        if (!*p)
                to->n = 0;
        while (imm_word_next(&p, NULL, IMM_WORDS_RELAX | IMM_WORDS_UNQUOTE, b->a, &word) > 0)
                imm_strv_add(b->a, to, word);
}

static void add_settings(struct build *b, const struct line *at) {
        struct imm_rule *r = b->rule;
        struct imm_strv words = {0};
        enum imm_setting *all;

        add_words(b, at, &words);
        if (words.n == 0)
                r->n_settings = 0;
        all = imm_alloc_array(b->a, r->n_settings + words.n, sizeof(*all));
        if (r->n_settings > 0)
                memcpy(all, r->settings, r->n_settings * sizeof(*all));
        for (size_t i = 0; i < words.n; i++) {
                enum imm_setting id = imm_setting_by_name(words.v[i]);

                if (id == IMM_SETTING_N)
                        mistake(b, at, "Setting=: '%s' is no setting", words.v[i]);
                else
                        all[r->n_settings++] = id;
        }
        r->settings = all;
}

/* Lines add up, an empty one takes all away. */
static void add_text(struct build *b, const char **to, const char *value) {
        *to = !*value || !*to ? text_or_null(value) : imm_printf(b->a, "%s\n%s", *to, value);
}

static void add_remedy(struct build *b, const struct line *at) {
        struct imm_rule *r = b->rule;
        struct imm_remedy *all;
        const char *eq = strchr(at->of->value, '=');

        if (!*at->of->value) {
                r->n_remedies = 0;
                r->remedy = NULL;
                return;
        }
        if (!eq || eq == at->of->value) {
                mistake(b, at, "Set=%s: expected SETTING=VALUE", at->of->value);
                return;
        }
        all = imm_alloc_array(b->a, r->n_remedies + 1, sizeof(*all));
        if (r->n_remedies > 0)
                memcpy(all, r->remedies, r->n_remedies * sizeof(*all));
        all[r->n_remedies++] = (struct imm_remedy){
                imm_strndup(b->a, at->of->value, (size_t)(eq - at->of->value)), eq + 1};
        r->remedies = all;
        r->remedy =
                r->remedy ? imm_printf(b->a, "%s\n%s", r->remedy, at->of->value) : at->of->value;
        if (imm_setting_by_name(all[r->n_remedies - 1].setting) == IMM_SETTING_N)
                mistake(b, at, "Set=: '%s' is no setting", all[r->n_remedies - 1].setting);
}

static void remedy_line(struct build *b, const struct line *at) {
        struct imm_rule *r = b->rule;

        if (imm_streq(at->of->key, "Set"))
                add_remedy(b, at);
        else if (imm_streq(at->of->key, "Do"))
                add_text(b, &r->advice, at->of->value);
        else
                mistake(b, at, "unknown key '%s' in section [Remedy]", at->of->key);
}

/* ---- sections ---- */

static void rule_line(struct build *b, const struct line *at) {
        struct imm_rule *r = b->rule;
        const char *key = at->of->key, *value = at->of->value;
        int severity = r->severity;

        if (imm_streq(key, "Id")) {
                if (strpbrk(value, "/ \t*?["))
                        mistake(b, at, "Id=%s: a name without blanks, '/' and '*' is expected",
                                value);
                r->id = *value ? value : r->name;
        } else if (imm_streq(key, "Title"))
                r->title = text_or_null(value);
        else if (imm_streq(key, "Good"))
                r->good = text_or_null(value);
        else if (imm_streq(key, "Description"))
                add_text(b, &r->description, value);
        else if (imm_streq(key, "NotWhen"))
                add_text(b, &r->not_when, value);
        else if (imm_streq(key, "Severity"))
                set_severity(b, at, &severity);
        else if (imm_streq(key, "Confidence"))
                set_confidence(b, at);
        else if (imm_streq(key, "Weight"))
                set_unsigned(b, at, 0, 1000000, &r->weight);
        else if (imm_streq(key, "Range"))
                set_unsigned(b, at, 1, 10000, &r->range);
        else if (imm_streq(key, "Documentation"))
                add_words(b, at, &r->documentation);
        else if (imm_streq(key, "Setting"))
                add_settings(b, at);
        else if (imm_streq(key, "Replaces"))
                add_words(b, at, &r->replaces);
        else if (imm_streq(key, "Since"))
                set_version(b, at, &b->since);
        else if (imm_streq(key, "Until"))
                set_version(b, at, &b->until);
        else
                mistake(b, at, "unknown key '%s' in section [Rule]", key);
        r->severity = (enum imm_severity)severity;
}

static void add_bits(
        struct build *b, const struct line *at, const char *const *names, size_t n, unsigned *to) {
        struct imm_strv words = {0};
        const char *all = "";

        add_words(b, at, &words);
        if (words.n == 0)
                *to = 0;
        for (size_t k = 0; k < n; k++)
                all = imm_printf(b->a, "%s%s%s", all, k > 0 ? ", " : "", names[k]);
        for (size_t i = 0; i < words.n; i++) {
                size_t k = 0;

                while (k < n && !imm_streq(names[k], words.v[i]))
                        k++;
                if (k == n)
                        mistake(b, at, "%s=: '%s' is none of %s", at->of->key, words.v[i], all);
                else
                        *to |= 1u << k;
        }
}

static void match_line(struct build *b, const struct line *at) {
        static const char *const scopes[] = {
                [IMM_SCOPE_SYSTEM] = "system",
                [IMM_SCOPE_USER] = "user",
                [IMM_SCOPE_GLOBAL] = "global",
        };
        const char *types[IMM_UNIT_TYPE_N];
        const char *key = at->of->key;

        if (!b->rule->match)
                b->rule->match = imm_new(b->a, struct imm_match);
        for (int t = 0; t < IMM_UNIT_TYPE_N; t++)
                types[t] = imm_unit_type_name(t);
        if (imm_streq(key, "Unit"))
                add_words(b, at, &b->rule->match->units);
        else if (imm_streq(key, "Except"))
                add_words(b, at, &b->rule->match->except);
        else if (imm_streq(key, "Package"))
                add_words(b, at, &b->rule->match->packages);
        else if (imm_streq(key, "Type"))
                add_bits(b, at, types, IMM_UNIT_TYPE_N, &b->rule->match->types);
        else if (imm_streq(key, "Scope"))
                add_bits(b, at, scopes, IMM_ELEMENTSOF(scopes), &b->rule->match->scopes);
        else
                mistake(b, at, "unknown key '%s' in section [Match]", key);
}

static bool find_profiles(struct build *b, const struct line *at, struct imm_clause *c) {
        const struct imm_strv *names = &c->argument.words;

        c->argument.profiles = imm_alloc_array(b->a, names->n, sizeof(*c->argument.profiles));
        for (size_t i = 0; b->profiles && i < names->n; i++) {
                const struct imm_profile *p = imm_profile_find(b->profiles, names->v[i]);

                if (!p) {
                        mistake(b, at, "%s=: there is no profile '%s'", at->of->key, names->v[i]);
                        return false;
                }
                c->argument.profiles[c->argument.n_profiles++] = p;
        }
        return true;
}

/* A condition's line as a clause; false after a mistake */
static bool clause_of(struct build *b, const struct line *at, struct imm_clause *ret) {
        const char *value = at->of->value, *problem = NULL;

        *ret = (struct imm_clause){.condition = imm_condition_by_key(at->of->key)};
        if (!ret->condition) {
                mistake(b, at, "unknown key '%s' in section [%s]", at->of->key, at->of->section);
                return false;
        }
        if (*value == '|') {
                ret->trigger = true;
                value++;
        }
        if (*value == '!') {
                ret->negate = true;
                value++;
        }
        ret->text = value;
        if (imm_argument_parse(ret->condition->argument, value, b->version, b->a, &ret->argument,
                    &problem) < 0) {
                mistake(b, at, "%s=%s: %s", at->of->key, at->of->value, problem);
                return false;
        }
        return ret->condition->argument != IMM_ARGUMENT_PROFILES || find_profiles(b, at, ret);
}

static void reset_clauses(struct imm_step *s, const char *key) {
        size_t n = 0;

        for (size_t i = 0; i < s->n_clauses; i++)
                if (!imm_streq(s->clauses[i].condition->key, key))
                        s->clauses[n++] = s->clauses[i];
        s->n_clauses = n;
}

static void step_line(struct build *b, struct imm_step *s, const struct line *at, unsigned *since,
        unsigned *until) {
        const char *key = at->of->key;
        struct imm_clause clause;

        if (imm_streq(key, "Title"))
                s->title = text_or_null(at->of->value);
        else if (imm_streq(key, "Badness") && !s->except)
                set_unsigned(b, at, 0, 10000, &s->badness);
        else if (imm_streq(key, "Severity") && !s->except)
                set_severity(b, at, &s->severity);
        else if (imm_streq(key, "Since"))
                set_version(b, at, since);
        else if (imm_streq(key, "Until"))
                set_version(b, at, until);
        else if (!*at->of->value && imm_condition_by_key(key))
                reset_clauses(s, key);
        else if (clause_of(b, at, &clause))
                s->clauses[s->n_clauses++] = clause;
}

static bool in_force(const struct build *b, unsigned since, unsigned until) {
        return b->version >= since && (until == 0 || b->version <= until);
}

/* The section whose first line is number @first */
static void add_step(struct build *b, size_t first) {
        const char *section = b->lines.v[first].of->section;
        struct imm_step s = {.section = section, .badness = UINT64_MAX, .severity = -1};
        unsigned since = 0, until = 0;
        size_t n = 0;

        s.except = strncmp(section, "Except", 6) == 0;
        s.always = strncmp(section, "Always", 6) == 0;
        for (size_t i = first; i < b->lines.n; i++)
                n += imm_streq(b->lines.v[i].of->section, section);
        s.clauses = imm_alloc_array(b->a, n, sizeof(*s.clauses));
        for (size_t i = first; i < b->lines.n; i++)
                if (imm_streq(b->lines.v[i].of->section, section))
                        step_line(b, &s, &b->lines.v[i], &since, &until);
        if (in_force(b, since, until))
                b->rule->steps[b->rule->n_steps++] = s;
}

static bool first_of_section(const struct build *b, size_t i) {
        for (size_t k = 0; k < i; k++)
                if (imm_streq(b->lines.v[k].of->section, b->lines.v[i].of->section))
                        return false;
        return true;
}

/* "Check", "Check some name" and its kin: what must never, or always, be so */
static bool is_step(const char *section) {
        static const char *const names[] = {"Check", "Never", "Always", "Except"};

        for (size_t i = 0; i < IMM_ELEMENTSOF(names); i++) {
                const char *rest = imm_after(section, names[i]);

                if (rest && (!*rest || *rest == ' '))
                        return true;
        }
        return false;
}

static void read_sections(struct build *b) {
        b->rule->steps = imm_alloc_array(b->a, b->lines.n, sizeof(*b->rule->steps));
        for (size_t i = 0; i < b->lines.n; i++) {
                const struct line *at = &b->lines.v[i];
                const char *section = at->of->section;

                if (imm_streq(section, "Rule"))
                        rule_line(b, at);
                else if (imm_streq(section, "Match"))
                        match_line(b, at);
                else if (imm_streq(section, "Remedy"))
                        remedy_line(b, at);
                else if (!is_step(section))
                        mistake(b, at, "unknown section [%s]", section);
                else if (first_of_section(b, i))
                        add_step(b, i);
        }
}

/* ---- the whole ---- */

static void read_source(struct build *b, const struct imm_rule_source *source) {
        const struct imm_syntax syntax = {.version = b->version};
        struct imm_unit_file *f = imm_new(b->a, struct imm_unit_file);

        f->path = source->path;
        imm_strv_add(b->a, &b->rule->files, source->path);
        imm_syntax_parse(
                &syntax, imm_strndup(b->a, source->text, source->size), source->size, b->a, f);
        imm_array_foreach (d, &f->diags) {
                const struct imm_assignment at = {.line = d->line};

                mistake(b, &(struct line){source->path, &at}, "%s", d->message);
        }
        for (size_t i = 0; i < f->n_assignments; i++) {
                const struct line at = {source->path, &f->assignments[i]};

                if (at.of->section)
                        *imm_array_push(b->a, &b->lines) = at;
                else
                        mistake(b, &at, "%s= stands before the first section", at.of->key);
        }
}

/* The last line of that section and key, or of any key; @ret, of the file's first line, otherwise
 */
static const struct line *find_line(
        const struct build *b, const char *section, const char *key, const struct line *ret) {
        for (size_t i = 0; i < b->lines.n; i++) {
                const struct imm_assignment *of = b->lines.v[i].of;

                if (imm_streq(of->section, section) && (!key || imm_streq(of->key, key)))
                        ret = &b->lines.v[i];
        }
        return ret;
}

static void check_whole(struct build *b) {
        const struct imm_assignment top = {.line = 1};
        const struct line at = {b->rule->files.n ? b->rule->files.v[0] : b->rule->name, &top};
        size_t checks = 0;

        for (size_t i = 0; i < b->rule->n_steps; i++) {
                struct imm_step *s = &b->rule->steps[i];

                checks += !s->except;
                if (s->badness == UINT64_MAX)
                        s->badness = b->rule->range;
                if (s->badness > b->rule->range)
                        mistake(b, find_line(b, s->section, "Badness", &at),
                                "[%s] Badness=%llu is above the rule's Range=%llu", s->section,
                                (unsigned long long)s->badness, (unsigned long long)b->rule->range);
        }
        if (!b->broken && !b->rule->title)
                mistake(b, find_line(b, "Rule", NULL, &at),
                        "no Title= in section [Rule]: say what is wrong with a unit it finds");
        if (!b->broken && checks == 0 && in_force(b, b->since, b->until))
                mistake(b, find_line(b, "Rule", NULL, &at),
                        "nothing is looked for: no condition in a section [Check], [Never] or "
                        "[Always]");
}

/* FNV-1a: nobody gains by making two alike */
static uint64_t digest(const struct imm_rule_source *sources, size_t n) {
        uint64_t h = UINT64_C(0xcbf29ce484222325);

        for (size_t i = 0; i < n; i++)
                for (size_t k = 0; k <= sources[i].size; k++)
                        h = (h ^ (k < sources[i].size ? (unsigned char)sources[i].text[k] : 0xff)) *
                            UINT64_C(0x100000001b3);
        return h;
}

struct imm_rule *imm_rule_build(const char *name, const struct imm_rule_source *sources,
        size_t n_sources, unsigned version, struct imm_profiles *profiles, struct imm_arena *a,
        struct imm_diags *diags) {
        struct build b = {.a = a, .diags = diags, .version = version, .profiles = profiles};

        b.rule = imm_new(a, struct imm_rule);
        b.rule->name = b.rule->id = name;
        b.rule->range = 1;
        b.rule->severity = IMM_SEVERITY_MEDIUM;
        for (size_t i = 0; i < n_sources; i++)
                read_source(&b, &sources[i]);
        if (n_sources > 0)
                b.rule->text = sources[0].text;
        b.rule->digest = digest(sources, n_sources);
        read_sections(&b);
        check_whole(&b);
        return b.broken || !in_force(&b, b.since, b.until) ? NULL : b.rule;
}

static bool any_matches(const struct imm_strv *globs, const char *text) {
        for (size_t i = 0; i < globs->n; i++)
                if (fnmatch(globs->v[i], text, 0) == 0)
                        return true;
        return false;
}

/* The audit has made m->closures before its threads ask. */
static bool of_package(
        const struct imm_match *match, const struct imm_manager *m, const struct imm_unit *u) {
        struct imm_owner o;

        if (!u->fragment || !m->closures)
                return false;
        o = imm_owner_of(m->closures, u, u->fragment);
        return o.package && any_matches(&match->packages, o.package);
}

bool imm_match_covers(
        const struct imm_match *match, const struct imm_manager *m, const struct imm_unit *u) {
        if (!match)
                return true;
        if (match->types && !(match->types >> u->type & 1))
                return false;
        if (match->scopes && !(match->scopes >> m->scope & 1))
                return false;
        if (any_matches(&match->except, u->name))
                return false;
        if (match->packages.n > 0 && !of_package(match, m, u))
                return false;
        return match->units.n == 0 || any_matches(&match->units, u->name);
}

/* ---- in words ---- */

static const char *clause_words(const struct imm_clause *c, struct imm_arena *a) {
        char *text = imm_printf(a, "%s%s", c->negate ? "not: " : "", c->condition->text);

        if (c->argument.setting < IMM_SETTING_N)
                text = imm_printf(a, "%s: %s=", text, imm_setting_info(c->argument.setting)->name);
        for (size_t i = 0; i < c->argument.words.n; i++)
                text = imm_printf(a, "%s%s %s", text, i == 0 ? ":" : "", c->argument.words.v[i]);
        if (c->argument.mask != 0 && c->argument.setting == IMM_SETTING_N)
                text = imm_printf(a, "%s: %s", text, c->text);
        return text;
}

void imm_rule_asks(const struct imm_rule *r, struct imm_arena *a, struct imm_strv *ret) {
        for (size_t i = 0; i < r->n_steps; i++) {
                const struct imm_step *s = &r->steps[i];

                for (size_t k = 0; k < s->n_clauses; k++)
                        imm_strv_add(a, ret,
                                imm_printf(a, "%s%s%s",
                                        k > 0                              ? "  and "
                                        : s->except                        ? "does not apply where "
                                        : i > 0 && !r->steps[i - 1].except ? "or else "
                                                                           : "",
                                        k > 0 && s->clauses[k].trigger ? "(one of those) " : "",
                                        clause_words(&s->clauses[k], a)));
        }
}
