/* What all parsers share: the value to change, specifiers, and saying what is ignored. */

#include "analyzer/settings/parse.h"

#include "analyzer/settings/registry.h"

#include <errno.h>

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

void imm_parse_reset(struct imm_parse *p, enum imm_setting id) {
        p->values[id] = NULL;
}

static void say(struct imm_parse *p, enum imm_diag_level level, const char *code, const char *what,
        const char *fmt, va_list ap) {
        const char *text = imm_vprintf(p->a, fmt, ap);

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
        say(p, IMM_DIAG_WARNING, "ignored-value", "; it is ignored", fmt, ap);
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
