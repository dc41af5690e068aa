/*
 * Lists whose items have names, of which the last assignment counts: variables and credentials. A
 * line is idle where all its names are somebody else's in the end. What another file sets is a
 * default that was meant to be changed, as is what EnvironmentFile= may set: neither is told.
 */

#include "analyzer/sandbox/idle/idle-private.h"
#include "analyzer/unit/words.h"

static bool later_here(const struct imm_idle_line *l, const struct imm_origin *o) {
        return o->kind == IMM_ORIGIN_FILE && o->file == l->file->path &&
               o->line > l->assignment->line;
}

/* ---- variables ---- */

static size_t name_length(const char *assignment) {
        return strcspn(assignment, "=");
}

static const struct imm_string_item *variable(
        const struct imm_value *v, const char *name, size_t n) {
        imm_array_foreach (i, &v->strings)
                if (strncmp(i->text, name, n) == 0 && i->text[n] == '=')
                        return i;
        return NULL;
}

/* Is each word of the line a variable that a later line of the file sets? */
static bool is_set_later(const struct imm_idle_work *w, const struct imm_idle_line *l) {
        const struct imm_value *v = imm_setting(w->s, IMM_SETTING_ENVIRONMENT);
        const char *rest = l->assignment->value, *word;
        size_t n = 0;

        while (rest && imm_word_next(&rest, NULL, IMM_WORDS_CUNESCAPE | IMM_WORDS_UNQUOTE,
                               w->scratch, &word) > 0) {
                const struct imm_string_item *now = variable(v, word, name_length(word));

                if (!now || !later_here(l, &now->origin))
                        return false;
                n++;
        }
        return n > 0;
}

/* By its name, or by name and value */
static bool is_unset(const struct imm_settings *s, const char *assignment) {
        imm_array_foreach (u, &imm_setting(s, IMM_SETTING_UNSET_ENVIRONMENT)->strings) {
                size_t n = name_length(u->text);

                if (u->text[n] ? imm_streq(u->text, assignment)
                               : n == name_length(assignment) &&
                                         strncmp(u->text, assignment, n) == 0)
                        return true;
        }
        return false;
}

/* PAM's modules see what is taken out later. */
static bool is_unset_again(const struct imm_idle_work *w, const struct imm_idle_line *l) {
        size_t n = 0;

        if (imm_setting_string(w->s, IMM_SETTING_PAM_NAME))
                return false;
        imm_array_foreach (i, &imm_setting(w->s, IMM_SETTING_ENVIRONMENT)->strings) {
                if (!imm_idle_at_line(l, &i->origin))
                        continue;
                if (!is_unset(w->s, i->text))
                        return false;
                n++;
        }
        return n > 0;
}

static bool passes_what_is_set(const struct imm_idle_work *w, const struct imm_idle_line *l) {
        const struct imm_value *set = imm_setting(w->s, IMM_SETTING_ENVIRONMENT);
        size_t n = 0;

        imm_array_foreach (i, &imm_setting(w->s, IMM_SETTING_PASS_ENVIRONMENT)->strings) {
                if (!imm_idle_at_line(l, &i->origin))
                        continue;
                if (!variable(set, i->text, strlen(i->text)))
                        return false;
                n++;
        }
        return n > 0;
}

static bool has_item(const struct imm_value *v, const struct imm_idle_line *l) {
        imm_array_foreach (i, &v->strings)
                if (imm_idle_at_line(l, &i->origin))
                        return true;
        return false;
}

const char *imm_idle_environment(
        const struct imm_idle_work *w, const struct imm_idle_line *l, const char **ret_code) {
        if (l->setting == IMM_SETTING_PASS_ENVIRONMENT) {
                *ret_code = "outdone";
                return passes_what_is_set(w, l) ? "Environment= sets what it passes on" : NULL;
        }
        *ret_code = "overridden";
        if (!has_item(imm_setting(w->s, l->setting), l))
                return is_set_later(w, l) ? "later lines set the same variables" : NULL;
        *ret_code = "outdone";
        return is_unset_again(w, l) ? "UnsetEnvironment= takes it out again" : NULL;
}

/* ---- credentials ---- */

/* A setting, and the one that shares its names */
static const enum imm_setting pairs[][2] = {
        {IMM_SETTING_LOAD_CREDENTIAL, IMM_SETTING_LOAD_CREDENTIAL_ENCRYPTED},
        {IMM_SETTING_SET_CREDENTIAL, IMM_SETTING_SET_CREDENTIAL_ENCRYPTED},
};

/* Does it still stand for a credential, or does none that is left have its name? */
static bool is_replaced(const struct imm_idle_work *w, const struct imm_idle_line *l,
        const enum imm_setting pair[2]) {
        size_t n = strcspn(l->assignment->value, ":");
        bool replaced = false;

        for (size_t i = 0; i < 2; i++)
                imm_array_foreach (c, &imm_setting(w->s, pair[i])->credentials) {
                        if (imm_idle_at_line(l, &c->origin))
                                return false;
                        replaced |= strlen(c->id) == n &&
                                    memcmp(c->id, l->assignment->value, n) == 0 &&
                                    later_here(l, &c->origin);
                }
        return replaced;
}

const char *imm_idle_credential(
        const struct imm_idle_work *w, const struct imm_idle_line *l, const char **ret_code) {
        *ret_code = "overridden";
        for (size_t i = 0; i < IMM_ELEMENTSOF(pairs); i++)
                if ((l->setting == pairs[i][0] || l->setting == pairs[i][1]) &&
                        is_replaced(w, l, pairs[i]))
                        return "a later line is for the credential of that name";
        return NULL;
}
