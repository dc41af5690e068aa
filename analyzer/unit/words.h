#pragma once

/*
 * Words of a value: separators, quotes and backslash escapes, as systemd takes them apart.
 *
 * Each setting chooses its own flags (quotes may or may not group, escapes may or may not be
 * decoded), so the flags are systemd's own set, by meaning. Bytes only: what a word means is the
 * settings' business. Sources: systemd.syntax(7), systemd.service(5) "Command lines", tests/lab.
 */

#include "base/mem.h"

#include <stdbool.h>
#include <stdint.h>

enum imm_words {
        /* an unclosed quote ends with the text; a backslash at the end is dropped */
        IMM_WORDS_RELAX = 1 << 0,
        /* \n, \x41, \101, \u20ac ... become what they say; without this a backslash just goes */
        IMM_WORDS_CUNESCAPE = 1 << 1,
        /* with one of the unescaping flags: unknown escapes and a last backslash stay as they are
         */
        IMM_WORDS_UNESCAPE_RELAX = 1 << 2,
        /* a backslash before a separator (or a backslash, but see _V247) makes it plain */
        IMM_WORDS_UNESCAPE_SEPARATORS = 1 << 3,
        /* "..." and '...' group, and stay in the word */
        IMM_WORDS_KEEP_QUOTE = 1 << 4,
        /* "..." and '...' group, and go */
        IMM_WORDS_UNQUOTE = 1 << 5,
        /* each separator ends a word: there are empty ones */
        IMM_WORDS_DONT_COALESCE = 1 << 6,
        /* a backslash is a byte like any other */
        IMM_WORDS_RETAIN_ESCAPE = 1 << 7,
        /* *p stays on the separator */
        IMM_WORDS_RETAIN_SEPARATORS = 1 << 8,
        /* 247: UNESCAPE_SEPARATORS does not know "\\" */
        IMM_WORDS_V247 = 1 << 9,
};

/* systemd's white space */
#define IMM_WHITESPACE " \t\n\r"

/*
 * The next word of *p, into @a. 1 with *ret and *p behind it (NULL when nothing is left); 0 with
 * *ret NULL at the end; -EINVAL for an unclosed quote or a bad escape, *p is then where it stopped.
 * @separators NULL: white space.
 */
int imm_word_next(const char **p, const char *separators, unsigned flags, struct imm_arena *a,
        const char **ret);

/*
 * As most list settings read: a bad escape is kept as it stands (*ret_odd is then set, if wanted),
 * only an unclosed quote is -EINVAL.
 */
int imm_word_next_lenient(const char **p, const char *separators, unsigned flags,
        struct imm_arena *a, const char **ret, bool *ret_odd);

/*
 * One escape sequence, @s standing behind the backslash. The number of bytes it takes, and what it
 * gives: at most 4 bytes in @out, *ret_n of them. -EINVAL if it is none; a NUL is none.
 */
int imm_unescape_one(const char *s, char out[4], size_t *ret_n);

/* The whole text unescaped. @relax: what is no escape stays; else -EINVAL. */
int imm_unescape(const char *s, bool relax, struct imm_arena *a, const char **ret);
