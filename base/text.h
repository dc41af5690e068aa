#pragma once

/* Strings: views, lists, and making hostile text fit to print. */

#include "base/mem.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Mostly the first letters tell: then no call is worth its price. */
static inline bool imm_streq(const char *a, const char *b) {
        return *a == *b && strcmp(a, b) == 0;
}
/* As strcmp(3); NULL is the same as NULL and comes first */
static inline int imm_strcmp(const char *a, const char *b) {
        return a == b ? 0 : !a || !b ? (a != NULL) - (b != NULL) : strcmp(a, b);
}
static inline bool imm_same_text(const char *a, const char *b) {
        return imm_strcmp(a, b) == 0;
}
/* For qsort(3) and bsearch(3) over an array of strings: by their bytes */
int imm_by_text(const void *a, const void *b);
/* The rest of @s behind @prefix, or NULL */
static inline const char *imm_after(const char *s, const char *prefix) {
        size_t n;

        if (*prefix && *s != *prefix)
                return NULL;
        n = strlen(prefix);
        return strncmp(s, prefix, n) == 0 ? s + n : NULL;
}
/*
 * The rest of @path behind @prefix without a leading slash, "" of @prefix itself, or NULL; both
 * normalised. Asked about all mounts for each line of a plan: mostly the first letters tell.
 */
static inline const char *imm_path_below(const char *path, const char *prefix) {
        size_t n = 0;

        if (prefix[0] == '/' && !prefix[1])
                return path[0] == '/' ? path + 1 : NULL;
        while (prefix[n] && path[n] == prefix[n])
                n++;
        if (prefix[n])
                return NULL;
        if (path[n] == '\0')
                return path + n;
        return path[n] == '/' ? path + n + 1 : NULL;
}
/* Is @path in @dir or in a directory below it, and not @dir itself? */
static inline bool imm_path_is_inside(const char *path, const char *dir) {
        const char *rest = imm_path_below(path, dir);

        return rest && *rest;
}
static inline bool imm_ends_with(const char *s, const char *suffix) {
        size_t n = strlen(s), k = strlen(suffix);

        return n >= k && memcmp(s + n - k, suffix, k) == 0;
}
/* What is behind the last slash of @path, all of it without one */
static inline const char *imm_base_name(const char *path) {
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

/* A list of strings, NULL-terminated when v is not NULL. */
struct imm_strv {
        const char **v;
        size_t n, cap;
};
void imm_strv_add(struct imm_arena *a, struct imm_strv *l, const char *s); /* borrows @s */
/* The same strings in the same order */
bool imm_strv_same(const struct imm_strv *a, const struct imm_strv *b);
bool imm_strv_has(const struct imm_strv *l, const char *s);
void imm_strv_sort_unique(struct imm_strv *l);

bool imm_utf8_valid(const char *s, size_t n);
/* Bytes of the well-formed sequence at @s (at most @n bytes) and its code point; 0 if there is
 * none. */
size_t imm_utf8_next(const char *s, size_t n, uint32_t *ret);

/*
 * Writes @s to a terminal or text file so that it can only be read: control characters (C0, DEL,
 * C1, also as UTF-8), invalid bytes and bidirectional overrides come out as \xNN or \u{NNNN}.
 */
void imm_text_put(FILE *f, const char *s);
/* The same for HTML and XML, element content and attributes alike; NULL is nothing */
void imm_text_put_markup(FILE *f, const char *s);
/* imm_text_put() into an arena */
char *imm_text_escape(struct imm_arena *a, const char *s);
/* Columns that imm_text_put()'s output takes on a terminal */
size_t imm_text_width(const char *s);

/* Decimal, no sign, no blanks, whole string: true and *ret, else false */
bool imm_parse_u64(const char *s, unsigned long long *ret);
