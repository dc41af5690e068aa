#include "rules/rules-private.h"

#include "analyzer/settings/groups/groups.h"
#include "analyzer/unit/syntax.h"

/*
 * Profiles: named sets of settings to compare with, written as a piece of a unit file. Each value
 * is read by the rules that a unit's are, in a service that has nothing else. A unit meets a value
 * that it has, or a stricter one where settings have an order.
 */

#define PROFILE_COMMAND "\n[Service]\nExecStart=/bin/true\n"

static unsigned count_lines(const char *s) {
        unsigned n = 1;

        for (; (s = strchr(s, '\n')); s++)
                n++;
        return n;
}

/* A profile is for several versions: what one of them does not have is no mistake there. */
static bool is_of_other_version(const struct imm_diag *d, unsigned version) {
        enum imm_setting id = d->setting ? imm_setting_by_name(d->setting) : IMM_SETTING_N;

        return id != IMM_SETTING_N && !imm_setting_known(id, version);
}

static void mistakes(const struct imm_profile *p, const struct imm_diags *from, unsigned version,
        unsigned lines, struct imm_arena *a, struct imm_diags *to) {
        imm_array_foreach (d, from)
                if (d->level >= IMM_DIAG_WARNING && d->line <= lines &&
                        !is_of_other_version(d, version))
                        imm_diag_add(a, to, IMM_DIAG_ERROR, "broken-profile", p->path, d->line,
                                NULL, "%s", d->message);
}

struct imm_profile *imm_profile_read(const char *name, const struct imm_rule_source *source,
        struct imm_manager *m, struct imm_arena *a, struct imm_diags *diags) {
        const struct imm_syntax syntax = {imm_unit_sections(IMM_UNIT_SERVICE), m->version};
        struct imm_profile *p = imm_new(a, struct imm_profile);
        struct imm_unit_file *f = imm_new(a, struct imm_unit_file);
        struct imm_unit *u = imm_new(a, struct imm_unit);
        const char *text = imm_strndup(a, source->text, source->size);
        char *whole = imm_printf(a, "%s" PROFILE_COMMAND, text);
        unsigned lines = count_lines(text);
        const struct imm_value *v;
        enum imm_setting id;

        *p = (struct imm_profile){.name = name, .path = source->path, .text = text};
        f->path = source->path;
        imm_syntax_parse(&syntax, whole, strlen(whole), a, f);
        mistakes(p, &f->diags, m->version, lines, a, diags);
        u->name = "profile.service";
        u->prefix = "profile";
        u->type = IMM_UNIT_SERVICE;
        imm_strv_add(a, &u->names, u->name);
        u->load = f->status == 0 ? IMM_LOAD_LOADED : IMM_LOAD_ERROR;
        u->fragment = source->path;
        u->given_by_path = true;
        u->files = imm_alloc_array(a, 1, sizeof(*u->files));
        u->files[u->n_files++] = f;
        u->arena = a;
        p->settings = imm_settings_compute(m, u, m->version, a);
        mistakes(p, &p->settings->diags, m->version, lines, a, diags);
        p->wanted = imm_alloc_array(a, IMM_SETTING_N, sizeof(*p->wanted));
        for (size_t i = 0; (v = imm_setting_own(p->settings, i, &id)); i++)
                if (v->origin.kind == IMM_ORIGIN_FILE && v->origin.line <= lines)
                        p->wanted[p->n_wanted++] = id;
        if (f->n_assignments == 1) /* the command alone */
                imm_diag_add(a, diags, IMM_DIAG_ERROR, "broken-profile", p->path, 1, NULL,
                        "the profile sets nothing");
        return p;
}

/* ---- is a value as strict as another? ---- */

/* From what protects least to what protects most */
static const struct {
        enum imm_setting id;
        const char *words[6];
} orders[] = {
        {IMM_SETTING_PROTECT_SYSTEM, {"no", "yes", "full", "strict"}},
        {IMM_SETTING_PROTECT_HOME, {"no", "read-only", "tmpfs", "yes"}},
        {IMM_SETTING_PROTECT_PROC, {"default", "noaccess", "invisible", "ptraceable"}},
        {IMM_SETTING_PROC_SUBSET, {"all", "pid"}},
        {IMM_SETTING_DEVICE_POLICY, {"auto", "closed", "strict"}},
};

static int rank(size_t order, const char *word) {
        for (int i = 0; orders[order].words[i]; i++)
                if (imm_streq(orders[order].words[i], word))
                        return i;
        return -1;
}

static bool enum_meets(
        enum imm_setting id, const struct imm_value *want, const struct imm_value *is) {
        const char *const *words = imm_setting_info(id)->words;

        if (want->number == is->number)
                return true;
        for (size_t i = 0; i < IMM_ELEMENTSOF(orders); i++)
                if (orders[i].id == id)
                        return rank(i, words[is->number]) >= 0 &&
                               rank(i, words[is->number]) > rank(i, words[want->number]);
        return false;
}

/* Lists of texts: all that is wanted is there */
static bool strings_meet(const struct imm_value *want, const struct imm_value *is) {
        for (size_t i = 0; i < want->strings.n; i++) {
                bool found = false;

                for (size_t k = 0; k < is->strings.n; k++)
                        found |= imm_streq(want->strings.v[i].text, is->strings.v[k].text);
                if (!found)
                        return false;
        }
        return true;
}

static bool paths_meet(const struct imm_value *want, const struct imm_value *is) {
        for (size_t i = 0; i < want->paths.n; i++) {
                bool found = false;

                for (size_t k = 0; k < is->paths.n; k++)
                        found |= imm_streq(want->paths.v[i].path, is->paths.v[k].path);
                if (!found)
                        return false;
        }
        return true;
}

/* Filters of names: nothing is allowed that is not wanted. Of a deny-list nobody knows all else. */
static bool names_meet(const struct imm_value *want, const struct imm_value *is) {
        if (!want->filter)
                return true;
        if (!is->filter || (want->allow_list && !is->allow_list))
                return false;
        if (want->allow_list)
                return strings_meet(is, want);
        if (!is->allow_list)
                return strings_meet(want, is);
        for (size_t i = 0; i < is->strings.n; i++)
                for (size_t k = 0; k < want->strings.n; k++)
                        if (imm_streq(is->strings.v[i].text, want->strings.v[k].text))
                                return false;
        return true;
}

static void calls_of(const struct imm_value *v, uint64_t bits[IMM_CALL_WORDS]) {
        memset(bits, 0, IMM_CALL_WORDS * sizeof(*bits));
        for (size_t i = 0; i < v->syscalls.n; i++) {
                int n = v->syscalls.v[i].number;

                if (n >= 0 && n < 64 * IMM_CALL_WORDS)
                        bits[n / 64] |= UINT64_C(1) << (n % 64);
        }
        for (size_t i = 0; !v->allow_list && i < IMM_CALL_WORDS; i++)
                bits[i] = ~bits[i];
}

static bool calls_meet(const struct imm_value *want, const struct imm_value *is) {
        uint64_t x[IMM_CALL_WORDS], y[IMM_CALL_WORDS];

        if (!want->filter)
                return true;
        if (!is->filter)
                return false;
        calls_of(want, x);
        calls_of(is, y);
        for (size_t i = 0; i < IMM_CALL_WORDS; i++)
                if (y[i] & ~x[i])
                        return false;
        return true;
}

static bool meets(enum imm_setting id, const struct imm_value *want, const struct imm_value *is,
        struct imm_arena *a) {
        switch (want->type) {
        case IMM_VALUE_BOOL:
        case IMM_VALUE_TRISTATE:
                return want->number == is->number;
        case IMM_VALUE_ENUM:
                return enum_meets(id, want, is);
        case IMM_VALUE_CAPS:
        case IMM_VALUE_NAMESPACES:
                return (is->number & ~want->number) == 0;
        case IMM_VALUE_STRINGS:
                return strings_meet(want, is);
        case IMM_VALUE_PATHS:
                return paths_meet(want, is);
        case IMM_VALUE_NAMES:
                return names_meet(want, is);
        case IMM_VALUE_SYSCALLS:
                return calls_meet(want, is);
        default:
                break;
        }
        if (id == IMM_SETTING_UMASK)
                return (want->number & ~is->number) == 0;
        return imm_streq(imm_value_text(id, want, a), imm_value_text(id, is, a));
}

/* ---- the condition ---- */

static const char *line_of(enum imm_setting id, const struct imm_value *v, struct imm_arena *a) {
        const char *text = imm_value_text(id, v, a);

        return imm_printf(a, "%s=%s", imm_setting_info(id)->name, text ? text : "");
}

/* What the profile's own file says: it can be pasted as it stands. */
static const char *lines_of(const struct imm_profile *p, enum imm_setting id, struct imm_arena *a) {
        const struct imm_unit_file *f = p->settings->unit->files[0];
        const char *all = NULL;

        for (size_t i = 0; i < f->n_assignments; i++) {
                const struct imm_assignment *at = &f->assignments[i];

                if (imm_setting_by_name(at->key) == id)
                        all = imm_printf(a, "%s%s%s=%s", all ? all : "", all ? "\n" : "", at->key,
                                at->value);
        }
        return all;
}

static void differs(struct imm_facts *facts, const struct imm_profile *p, enum imm_setting id) {
        struct imm_arena *a = imm_facts_memory(facts);
        const struct imm_value *is = imm_fact(facts, id);
        const struct imm_origin *o = &is->origin;
        struct imm_place at = {.setting = imm_setting_info(id)->name, .confidence = -1};

        if (facts->arena) {
                for (; o && o->kind == IMM_ORIGIN_IMPLIED; o = o->via)
                        ;
                if (o && (o->kind == IMM_ORIGIN_FILE || o->kind == IMM_ORIGIN_MANAGER)) {
                        at.file = o->file;
                        at.line = o->line;
                }
                at.subject = p->name;
                at.remedy = lines_of(p, id, a);
                imm_strv_add(a, &at.evidence, line_of(id, is, a));
                imm_strv_add(a, &at.evidence,
                        imm_printf(a, "profile '%s' (%s) has %s", p->name, p->path,
                                line_of(id, imm_setting(p->settings, id), a)));
        }
        imm_place_add(facts, &at);
}

enum imm_truth imm_condition_unlike_profile(
        struct imm_facts *facts, const struct imm_argument *argument) {
        enum imm_truth truth = IMM_NO;

        for (size_t i = 0; i < argument->n_profiles; i++) {
                const struct imm_profile *p = argument->profiles[i];

                for (size_t k = 0; k < p->n_wanted; k++) {
                        enum imm_setting id = p->wanted[k];

                        if (meets(id, imm_setting(p->settings, id), imm_fact(facts, id),
                                    imm_facts_memory(facts)))
                                continue;
                        differs(facts, p, id);
                        truth = IMM_YES;
                }
        }
        return truth;
}
