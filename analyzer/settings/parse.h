#pragma once

/*
 * Private to this room: reading values. A parser gets the text of one assignment and changes the
 * value of its setting in @p (imm_parse_value), exactly as that systemd would; what it refuses it
 * says through imm_parse_ignore() or imm_parse_refuse() and returns their result. Parsers do not
 * look beyond @p, so a test is a string in and a value out.
 */

#include "analyzer/settings/registry.h"

struct imm_parse {
        struct imm_manager *m;
        const struct imm_unit *u;
        unsigned version;
        struct imm_arena *a;
        struct imm_diags *diags;
        struct imm_value **values; /* by id; NULL: the default */

        /* of the assignment at hand */
        enum imm_setting id;
        const struct imm_setting_row *row;
        const char *key; /* as spelt */
        struct imm_origin origin;
        bool replaces; /* set by a parser of a list: earlier assignments do not count any more */
        bool partly;   /* set by imm_parse_skip(): some words were ignored */
};

/* The value to change: a copy of the default at first. Its origin becomes the present line. */
struct imm_value *imm_parse_value(struct imm_parse *p);
struct imm_value *imm_parse_value_of(struct imm_parse *p, enum imm_setting id);
/* As it is now, for reading */
const struct imm_value *imm_parse_peek(struct imm_parse *p, enum imm_setting id);
void imm_parse_reset(struct imm_parse *p, enum imm_setting id);

enum imm_parsed imm_parse_ignore(struct imm_parse *p, const char *fmt, ...)
        __attribute__((format(printf, 2, 3)));
enum imm_parsed imm_parse_refuse(struct imm_parse *p, const char *fmt, ...)
        __attribute__((format(printf, 2, 3)));
/* One word of the value is ignored, the rest counts. */
void imm_parse_skip(struct imm_parse *p, const char *fmt, ...)
        __attribute__((format(printf, 2, 3)));

/* Specifiers; false (and nothing said) when systemd would not resolve them. */
bool imm_parse_expand(struct imm_parse *p, const char *text, const char **ret);

bool imm_text_limit(enum imm_setting id, const char *s, struct imm_arena *a, struct imm_limit *ret);

#define PARSER(name) enum imm_parsed imm_parse_##name(struct imm_parse *p, const char *value);
#include "analyzer/settings/parsers.def"
