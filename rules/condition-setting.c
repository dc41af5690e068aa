#include "rules/rules-private.h"

/* Conditions that look at one setting's value as it stands. */

static bool one_of(const struct imm_strv *words, const char *s) {
        return imm_strv_has(words, s ? s : "");
}

/* Lists: something is there, and nothing but these words */
static bool all_of(const struct imm_strv *words, const struct imm_value *v) {
        for (size_t i = 0; i < v->strings.n; i++)
                if (!one_of(words, v->strings.v[i].text))
                        return false;
        return v->strings.n > 0;
}

static bool value_is(const struct imm_value *v, const struct imm_argument *argument) {
        switch (v->type) {
        case IMM_VALUE_BOOL:
        case IMM_VALUE_ENUM:
                return v->number < 64 && argument->mask >> v->number & 1;
        case IMM_VALUE_TRISTATE: /* -1, 0, 1 */
                return argument->mask >> (v->number + 1) & 1;
        case IMM_VALUE_STRING:
                return one_of(&argument->words, v->string);
        case IMM_VALUE_STRINGS:
        case IMM_VALUE_NAMES:
        case IMM_VALUE_RAW:
                return all_of(&argument->words, v);
        default:
                return false; /* argument.c lets no other type through */
        }
}

static void say(struct imm_facts *facts, enum imm_setting id) {
        const char *name = imm_setting_info(id)->name, *text;

        if (!facts->arena)
                return;
        text = imm_value_text(id, imm_fact(facts, id), facts->arena);
        imm_evidence_add(facts, id, "%s=%s", name, text ? text : "");
}

enum imm_truth imm_condition_setting_is(
        struct imm_facts *facts, const struct imm_argument *argument) {
        say(facts, argument->setting);
        return value_is(imm_fact(facts, argument->setting), argument);
}

static bool given(const struct imm_value *v) {
        switch (v->type) {
        case IMM_VALUE_STRING:
                return v->string && *v->string;
        case IMM_VALUE_STRINGS:
        case IMM_VALUE_PATHS:
        case IMM_VALUE_BINDS:
        case IMM_VALUE_TMPFS:
        case IMM_VALUE_DIRECTORIES:
        case IMM_VALUE_COMMANDS:
        case IMM_VALUE_CREDENTIALS:
        case IMM_VALUE_DEVICES:
        case IMM_VALUE_IPS:
        case IMM_VALUE_SOCKET_BINDS:
        case IMM_VALUE_SYSCALLS:
        case IMM_VALUE_NAMES:
        case IMM_VALUE_RAW:
                return v->strings.n > 0; /* all lists have one shape */
        default:
                return v->number != 0;
        }
}

enum imm_truth imm_condition_setting_given(
        struct imm_facts *facts, const struct imm_argument *argument) {
        for (size_t i = 0; i < argument->n_settings; i++)
                if (given(imm_fact(facts, argument->settings[i]))) {
                        say(facts, argument->settings[i]);
                        return IMM_YES;
                }
        return IMM_NO;
}

enum imm_truth imm_condition_umask_leaves(
        struct imm_facts *facts, const struct imm_argument *argument) {
        say(facts, IMM_SETTING_UMASK);
        return (argument->mask & ~imm_fact(facts, IMM_SETTING_UMASK)->number) != 0;
}

enum imm_truth imm_condition_bounding_capability(
        struct imm_facts *facts, const struct imm_argument *argument) {
        uint64_t caps = imm_fact(facts, IMM_SETTING_CAPABILITY_BOUNDING_SET)->number;

        say(facts, IMM_SETTING_CAPABILITY_BOUNDING_SET);
        return (caps & argument->mask) != 0;
}

enum imm_truth imm_condition_allows_namespace(
        struct imm_facts *facts, const struct imm_argument *argument) {
        uint64_t flags = imm_fact(facts, IMM_SETTING_RESTRICT_NAMESPACES)->number;

        say(facts, IMM_SETTING_RESTRICT_NAMESPACES);
        return (flags & argument->mask) != 0;
}

/*
 * A name decides before DynamicUser= does: with User=root the allocated user is root, and "nobody"
 * is the kernel's overflow user, shared by whatever has no other.
 */
enum imm_truth imm_condition_runs_as(struct imm_facts *facts, const struct imm_argument *argument) {
        const char *user = imm_fact(facts, IMM_SETTING_USER)->string;
        bool dynamic = imm_fact(facts, IMM_SETTING_DYNAMIC_USER)->number == 1;
        bool named = user && *user,
             root = named && (imm_streq(user, "root") || imm_streq(user, "0"));
        enum imm_user_class class = named && imm_streq(user, "nobody") ? IMM_USER_NOBODY
                                    : root                             ? IMM_USER_ROOT
                                    : dynamic                          ? IMM_USER_DYNAMIC
                                    : named                            ? IMM_USER_STATIC
                                                                       : IMM_USER_ROOT;

        if (dynamic)
                say(facts, IMM_SETTING_DYNAMIC_USER);
        say(facts, IMM_SETTING_USER);
        return (class & argument->mask) != 0;
}
