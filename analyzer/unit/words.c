#include "analyzer/unit/words.h"

#include <assert.h>
#include <errno.h>

static int digit(char c, unsigned base) {
        int v = -1;

        if (c >= '0' && c <= '9')
                v = c - '0';
        else if (c >= 'a' && c <= 'f')
                v = c - 'a' + 10;
        else if (c >= 'A' && c <= 'F')
                v = c - 'A' + 10;
        return v >= 0 && (unsigned)v < base ? v : -1;
}

/* @n digits at @s; false if one is missing */
static bool number(const char *s, unsigned n, unsigned base, uint32_t *ret) {
        uint32_t v = 0;

        for (unsigned i = 0; i < n; i++) {
                int d = digit(s[i], base);

                if (d < 0)
                        return false;
                v = v * base + (unsigned)d;
        }
        *ret = v;
        return true;
}

static bool is_character(uint32_t c) {
        return c < 0x110000 && (c & 0xfffff800) != 0xd800 && (c < 0xfdd0 || c > 0xfdef) &&
               (c & 0xfffe) != 0xfffe;
}

static size_t put_utf8(char out[4], uint32_t c) {
        unsigned more = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
        static const unsigned char lead[] = {0, 0xc0, 0xe0, 0xf0};

        out[0] = (char)(lead[more] | (c >> (6 * more)));
        for (unsigned i = 1; i <= more; i++)
                out[i] = (char)(0x80 | ((c >> (6 * (more - i))) & 0x3f));
        return more + 1;
}

int imm_unescape_one(const char *s, char out[4], size_t *ret_n) {
        static const char from[] = "abfnrtv\\\"'s", to[] = "\a\b\f\n\r\t\v\\\"' ";
        const char *simple;
        uint32_t c;

        if (!*s)
                return -EINVAL;
        simple = strchr(from, *s);
        if (simple) {
                out[0] = to[simple - from];
                *ret_n = 1;
                return 1;
        }
        if (*s == 'x' || digit(*s, 8) >= 0) { /* a byte, whatever the encoding */
                if (!(*s == 'x' ? number(s + 1, 2, 16, &c) : number(s, 3, 8, &c)))
                        return -EINVAL;
                if (c == 0 || c > 255)
                        return -EINVAL;
                out[0] = (char)c;
                *ret_n = 1;
                return 3;
        }
        if (*s == 'u' || *s == 'U') {
                unsigned n = *s == 'u' ? 4 : 8;

                /* the short form is taken as it is, surrogates included */
                if (!number(s + 1, n, 16, &c) || c == 0 || (n == 8 && !is_character(c)))
                        return -EINVAL;
                *ret_n = put_utf8(out, c);
                return (int)n + 1;
        }
        return -EINVAL;
}

int imm_unescape(const char *s, bool relax, struct imm_arena *a, const char **ret) {
        char *to = imm_alloc(a, strlen(s) + 1), *t = to;

        while (*s) {
                size_t n = 0;
                int k;

                if (*s != '\\') {
                        *t++ = *s++;
                        continue;
                }
                k = imm_unescape_one(s + 1, t, &n); /* never gives more bytes than it takes */
                if (k < 0) {
                        if (!relax)
                                return k;
                        *t++ = *s++;
                        continue;
                }
                t += n;
                s += k + 1;
        }
        *t = 0;
        *ret = to;
        return 0;
}

struct scan {
        const char *p; /* NULL once the text is used up */
        char *out;     /* NULL: only count */
        size_t n;
        bool begun; /* there is a word, if perhaps an empty one */
};

static void put(struct scan *s, char c) {
        if (s->out)
                s->out[s->n] = c;
        s->n++;
}

/* The sets have a few bytes: this is where the time of reading settings goes */
static inline bool is_in(char c, const char *set) {
        for (; *set; set++)
                if (*set == c)
                        return true;
        return false;
}

/* What a backslash before s->p makes of it. 1: go on; 0: the text ends here. */
static int scan_escape(struct scan *s, const char *separators, unsigned flags, char quote) {
        char bytes[4], c = *s->p;
        size_t n = 0;
        int k;

        if (!c) {
                if ((flags & IMM_WORDS_UNESCAPE_RELAX) && (!quote || (flags & IMM_WORDS_RELAX))) {
                        put(s, '\\');
                        return 0;
                }
                return flags & IMM_WORDS_RELAX ? 0 : -EINVAL;
        }
        if (!(flags & (IMM_WORDS_CUNESCAPE | IMM_WORDS_UNESCAPE_SEPARATORS))) {
                put(s, c);
                s->p++;
                return 1;
        }
        k = flags & IMM_WORDS_CUNESCAPE ? imm_unescape_one(s->p, bytes, &n) : -EINVAL;
        if (k > 0) {
                for (size_t i = 0; i < n; i++)
                        put(s, bytes[i]);
                s->p += k;
                return 1;
        }
        if ((flags & IMM_WORDS_UNESCAPE_SEPARATORS) &&
                (is_in(c, separators) || (c == '\\' && !(flags & IMM_WORDS_V247))))
                put(s, c);
        else if (flags & IMM_WORDS_UNESCAPE_RELAX) {
                put(s, '\\');
                put(s, c);
        } else
                return -EINVAL;
        s->p++;
        return 1;
}

/* What ends a word: the separator, and its like that follow */
static void scan_separator(struct scan *s, const char *separators, unsigned flags) {
        if (flags & IMM_WORDS_RETAIN_SEPARATORS)
                return;
        if (flags & IMM_WORDS_DONT_COALESCE) {
                s->p++;
                return;
        }
        while (is_in(*s->p, separators))
                s->p++;
        if (!*s->p)
                s->p = NULL;
}

/* One word from s->p; 0, or -EINVAL with s->p at the culprit */
static int scan_word(struct scan *s, const char *separators, unsigned flags) {
        bool one_by_one = flags & IMM_WORDS_DONT_COALESCE;
        char quote = 0;

        s->begun = one_by_one;
        if (!one_by_one)
                while (is_in(*s->p, separators))
                        s->p++;
        if (!*s->p) {
                s->p = NULL;
                return 0;
        }
        s->begun = true;
        for (;;) {
                char c = *s->p;

                if (!c) {
                        if (quote && !(flags & IMM_WORDS_RELAX))
                                return -EINVAL;
                        s->p = NULL;
                        return 0;
                }
                if (c == '\\' && !(flags & IMM_WORDS_RETAIN_ESCAPE)) {
                        int k;

                        s->p++;
                        k = scan_escape(s, separators, flags, quote);
                        if (k < 0)
                                return k;
                        if (k == 0) {
                                s->p = NULL;
                                return 0;
                        }
                        continue;
                }
                if (quote ? c == quote
                          : ((c == '"' || c == '\'') &&
                                    (flags & (IMM_WORDS_UNQUOTE | IMM_WORDS_KEEP_QUOTE)))) {
                        quote = quote ? 0 : c;
                        if (!(flags & IMM_WORDS_UNQUOTE))
                                put(s, c);
                        s->p++;
                        continue;
                }
                if (!quote && is_in(c, separators)) {
                        scan_separator(s, separators, flags);
                        return 0;
                }
                put(s, c);
                s->p++;
        }
}

int imm_word_next(const char **p, const char *separators, unsigned flags, struct imm_arena *a,
        const char **ret) {
        struct scan s = {.p = *p};
        int r;

        assert((flags & (IMM_WORDS_KEEP_QUOTE | IMM_WORDS_UNQUOTE)) !=
                (IMM_WORDS_KEEP_QUOTE | IMM_WORDS_UNQUOTE));
        if (!separators)
                separators = IMM_WHITESPACE;
        *ret = NULL;
        if (!s.p)
                return 0;
        r = scan_word(&s, separators, flags); /* first only counted: words may be long */
        if (r < 0) {
                *p = s.p;
                return r;
        }
        if (s.begun) {
                struct scan again = {.p = *p};

                again.out = imm_alloc(a, s.n + 1);
                (void)scan_word(&again, separators, flags);
                assert(again.n == s.n);
                *ret = again.out;
        }
        *p = s.p;
        return s.begun;
}

int imm_word_next_lenient(const char **p, const char *separators, unsigned flags,
        struct imm_arena *a, const char **ret, bool *ret_odd) {
        const char *start = *p;
        int r;

        if (ret_odd)
                *ret_odd = false;
        r = imm_word_next(p, separators, flags, a, ret);
        if (r != -EINVAL || (flags & IMM_WORDS_UNESCAPE_RELAX))
                return r;
        *p = start;
        r = imm_word_next(p, separators, flags | IMM_WORDS_UNESCAPE_RELAX, a, ret);
        if (r >= 0 && ret_odd)
                *ret_odd = true;
        return r;
}
