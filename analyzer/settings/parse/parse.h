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
        struct imm_parse_index *indexes; /* of lists whose items have keys */
        struct imm_call_entry *calls[2]; /* heap: SystemCallFilter=, SystemCallLog= as sets */
        bool replaces; /* set by a parser of a list: earlier assignments do not count any more */
        bool error;    /* with FATAL: not bad-setting but error */
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

/* When all files were read: the sets of system calls become lists */
void imm_calls_finish(struct imm_parse *p);
/* Up to 249 a network inside another one is dropped. */
void imm_ips_reduce(struct imm_parse *p, enum imm_setting id);
const char *imm_controller_name(size_t i); /* bit i of DelegateControllers; NULL at the end */
const char *imm_cap_name(unsigned cap);    /* "cap_chown"; NULL: none */
int imm_cap_by_name(const char *name, unsigned version);
const char *imm_namespace_name(size_t i, uint64_t *ret_flag); /* "cgroup", ...; NULL at the end */
bool imm_text_limit(enum imm_setting id, const char *s, struct imm_arena *a, struct imm_limit *ret);

/* PATH_MAX and UTF-8 are looked at too */
bool imm_parse_expand_path(struct imm_parse *p, const char *text, const char **ret);

enum imm_path_check {
        IMM_PATH_ABSOLUTE = 1 << 0,
        IMM_PATH_RELATIVE = 1 << 1,
        IMM_PATH_NOT_API = 1 << 2, /* not below /proc, /sys and (unless _DEV) /dev; since 257 */
        IMM_PATH_NOT_API_DEV = 1 << 3,
};
/* The path without doubled slashes and dots; NULL and *ret_why if systemd refuses it. */
const char *imm_path_clean(const char *path, unsigned checks, unsigned version, struct imm_arena *a,
        const char **ret_why);
/* The same without any check: ".." stays, and "." if @keep_dots */
const char *imm_path_simplify(
        const char *path, bool keep_dots, unsigned version, struct imm_arena *a);
/* Specifiers and form of one path; NULL after the diagnostic for the word */
const char *imm_parse_path_word(struct imm_parse *p, const char *word, unsigned checks);
/* Resets all settings of this group whose names begin with @prefix: they are one list in systemd.
 */
enum imm_parsed imm_parse_reset_kin(struct imm_parse *p, const char *prefix);
bool imm_path_is_valid(const char *path, unsigned version);
/* No "//", no "." or ".." as a component */
bool imm_path_is_normalized(const char *path, unsigned version);
bool imm_filename_is_valid(const char *name);
bool imm_is_safe_string(const char *s); /* no quotes, backslashes, control characters */
bool imm_fdname_is_valid(const char *s);

/* An empty value: back to the default */
static inline enum imm_parsed imm_parse_emptied(struct imm_parse *p) {
        imm_parse_reset(p, p->id);
        return IMM_PARSED_RESET;
}

/*
 * The words of a value, one by one; false at the end. What cannot be split (an unclosed quote) is
 * said and ends it too.
 */
bool imm_parse_word(struct imm_parse *p, const char **s, const char *separators, unsigned flags,
        const char **ret);
/* The outcome of a list's line of which @taken words count */
static inline enum imm_parsed imm_parse_taken(const struct imm_parse *p, size_t taken) {
        return taken > 0 || !p->partly ? IMM_PARSED_TAKEN : IMM_PARSED_IGNORED;
}

/*
 * Items by key, for lists in which a later one replaces or removes an earlier: their place, or
 * SIZE_MAX. Reset with the value. A removed item stays as a hole (text NULL) until all files were
 * read, so that a hostile list costs no more than its length.
 */
size_t imm_parse_find(struct imm_parse *p, enum imm_setting id, const char *key);
void imm_parse_remember(struct imm_parse *p, enum imm_setting id, const char *key, size_t place);
void imm_parse_add_string(struct imm_parse *p, struct imm_value *v, const char *text);

#define PARSER(name) enum imm_parsed imm_parse_##name(struct imm_parse *p, const char *value);
#include "analyzer/settings/parse/parsers.def"
