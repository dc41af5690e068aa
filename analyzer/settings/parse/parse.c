/* What all parsers share: the value to change, specifiers, and saying what is ignored. */

#include "analyzer/settings/parse/parse.h"

#include "analyzer/settings/registry.h"
#include "analyzer/unit/words.h"

#include <errno.h>
#include <limits.h>

const struct imm_value *imm_parse_peek(struct imm_parse *p, enum imm_setting id) {
        return p->values[id] ? p->values[id]
                             : imm_setting_default(p->m, p->u->type, p->version, id);
}

struct imm_value *imm_parse_value_of(struct imm_parse *p, enum imm_setting id) {
        struct imm_value *v = p->values[id];

        if (!v) {
                v = imm_new(p->a, struct imm_value);
                *v = *imm_setting_default(p->m, p->u->type, p->version, id);
                p->values[id] = v;
        }
        v->set = true;
        v->origin = p->origin;
        return v;
}

struct imm_value *imm_parse_value(struct imm_parse *p) {
        return imm_parse_value_of(p, p->id);
}

struct imm_parse_index {
        enum imm_setting id;
        struct imm_map map; /* key -> place plus one */
        struct imm_parse_index *next;
};

void imm_parse_reset(struct imm_parse *p, enum imm_setting id) {
        p->values[id] = NULL;
        for (struct imm_parse_index *i = p->indexes; i; i = i->next)
                if (i->id == id)
                        i->map = (struct imm_map){0};
}

size_t imm_parse_find(struct imm_parse *p, enum imm_setting id, const char *key) {
        for (struct imm_parse_index *i = p->indexes; i; i = i->next)
                if (i->id == id)
                        return (size_t)(uintptr_t)imm_map_get(&i->map, key) - 1;
        return SIZE_MAX;
}

void imm_parse_remember(struct imm_parse *p, enum imm_setting id, const char *key, size_t place) {
        struct imm_parse_index *i = p->indexes;

        while (i && i->id != id)
                i = i->next;
        if (!i) {
                i = imm_new(p->a, struct imm_parse_index);
                *i = (struct imm_parse_index){.id = id, .next = p->indexes};
                p->indexes = i;
        }
        imm_map_put(p->a, &i->map, key, (void *)(uintptr_t)(place + 1));
}

void imm_parse_add_string(struct imm_parse *p, struct imm_value *v, const char *text) {
        *imm_array_push(p->a, &v->strings) =
                (struct imm_string_item){.text = text, .origin = p->origin};
}

bool imm_parse_word(struct imm_parse *p, const char **s, const char *separators, unsigned flags,
        const char **ret) {
        int r = imm_word_next(s, separators, flags, p->a, ret);

        if (r < 0)
                imm_parse_skip(p, "a quote is not closed, or an escape is not known, from '%s' on",
                        *s ? *s : "");
        return r > 0;
}

static bool is_secret(enum imm_setting id) {
        return id == IMM_SETTING_ENVIRONMENT || id == IMM_SETTING_SET_CREDENTIAL ||
               id == IMM_SETTING_SET_CREDENTIAL_ENCRYPTED ||
               id == IMM_SETTING_STANDARD_INPUT_DATA || id == IMM_SETTING_STANDARD_INPUT_TEXT;
}

/* What a message quotes of such a setting may be the secret: it goes to logs and into reports. */
static const char *without_quotes(struct imm_parse *p, const char *text) {
        const char *from = strchr(text, '\''), *to = strrchr(text, '\'');

        return !from || from == to
                       ? text
                       : imm_printf(p->a, "%.*s'…'%s", (int)(from - text), text, to + 1);
}

__attribute__((format(printf, 5, 0))) static void say(struct imm_parse *p,
        enum imm_diag_level level, const char *code, const char *what, const char *fmt,
        va_list ap) {
        const char *text = imm_vprintf(p->a, fmt, ap);

        if (is_secret(p->id))
                text = without_quotes(p, text);
        imm_diag_add(p->a, p->diags, level, code, p->origin.file, p->origin.line, p->key,
                "%s=: %s%s", p->key, text, what);
}

enum imm_parsed imm_parse_ignore(struct imm_parse *p, const char *fmt, ...) {
        va_list ap;

        va_start(ap, fmt);
        say(p, IMM_DIAG_WARNING, "ignored-value", "; the line is ignored", fmt, ap);
        va_end(ap);
        return IMM_PARSED_IGNORED;
}

enum imm_parsed imm_parse_refuse(struct imm_parse *p, const char *fmt, ...) {
        va_list ap;

        va_start(ap, fmt);
        say(p, IMM_DIAG_ERROR, "bad-setting", "", fmt, ap);
        va_end(ap);
        return IMM_PARSED_FATAL;
}

void imm_parse_skip(struct imm_parse *p, const char *fmt, ...) {
        va_list ap;

        va_start(ap, fmt);
        say(p, IMM_DIAG_WARNING, "ignored-word", "; it is ignored", fmt, ap);
        va_end(ap);
        p->partly = true;
}

bool imm_parse_expand(struct imm_parse *p, const char *text, const char **ret) {
        int r;

        if (!strchr(text, '%')) {
                *ret = text;
                return true;
        }
        r = imm_unit_expand(p->m, p->u, IMM_SPECIFIERS_FULL, text, p->a, ret);
        return r >= 0 || r == -ENXIO; /* what files cannot tell stays as it is written */
}

bool imm_parse_expand_path(struct imm_parse *p, const char *text, const char **ret) {
        const char *path;

        if (!imm_parse_expand(p, text, &path))
                return false;
        /* Before 248 there was no limit here, only the check of the path itself */
        if (p->version >= 248 && strlen(path) >= PATH_MAX)
                return false;
        *ret = path;
        return true;
}
