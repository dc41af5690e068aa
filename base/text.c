#include "base/text.h"

#include <errno.h>
#include <stdint.h>
#include <wchar.h>

void imm_strv_add(struct imm_arena *a, struct imm_strv *l, const char *s) {
        if (l->n + 1 >= l->cap)
                l->v = imm_array_grow(a, l->v, l->n, &l->cap, sizeof(*l->v));
        l->v[l->n++] = s;
        l->v[l->n] = NULL;
}

bool imm_strv_has(const struct imm_strv *l, const char *s) {
        for (size_t i = 0; i < l->n; i++)
                if (imm_streq(l->v[i], s))
                        return true;
        return false;
}

bool imm_strv_same(const struct imm_strv *a, const struct imm_strv *b) {
        if (a->n != b->n)
                return false;
        for (size_t i = 0; i < a->n; i++)
                if (!imm_streq(a->v[i], b->v[i]))
                        return false;
        return true;
}

int imm_by_text(const void *a, const void *b) {
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void imm_strv_sort_unique(struct imm_strv *l) {
        size_t n = 0;

        if (l->n == 0)
                return;
        while (n + 1 < l->n && strcmp(l->v[n], l->v[n + 1]) <= 0)
                n++;
        if (n + 1 < l->n) /* most lists are in order already */
                qsort(l->v, l->n, sizeof(*l->v), imm_by_text);
        n = 0;
        for (size_t i = 0; i < l->n; i++)
                if (n == 0 || !imm_streq(l->v[n - 1], l->v[i]))
                        l->v[n++] = l->v[i];
        l->n = n;
        l->v[n] = NULL;
}

size_t imm_utf8_next(const char *text, size_t n, uint32_t *ret) {
        const unsigned char *s = (const unsigned char *)text;
        static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
        size_t len = s[0] < 0x80 ? 1 : s[0] < 0xc0 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
        uint32_t c;

        if (len == 0 || len > n || s[0] > 0xf4)
                return 0;
        c = len == 1 ? s[0] : s[0] & (0x7fu >> len);
        for (size_t i = 1; i < len; i++) {
                if ((s[i] & 0xc0) != 0x80)
                        return 0;
                c = c << 6 | (s[i] & 0x3f);
        }
        if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
                return 0;
        *ret = c;
        return len;
}

bool imm_utf8_valid(const char *s, size_t n) {
        uint32_t c;

        while (n > 0) {
                size_t k = imm_utf8_next(s, n, &c);

                if (k == 0)
                        return false;
                s += k;
                n -= k;
        }
        return true;
}

static bool dangerous(uint32_t c) {
        return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c || (c >= 0x200b && c <= 0x200f) ||
               (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff ||
               (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c < 0xe0080);
}

void imm_text_put(FILE *f, const char *s) {
        size_t n = strlen(s);
        uint32_t c;

        while (n > 0) {
                size_t k = 0;

                while (k < n && s[k] >= 0x20 && s[k] < 0x7f) /* what needs no second look */
                        k++;
                if (k > 0) {
                        fwrite(s, 1, k, f);
                        s += k;
                        n -= k;
                        continue;
                }
                k = imm_utf8_next(s, n, &c);
                if (k == 0) {
                        fprintf(f, "\\x%02x", (unsigned char)*s);
                        k = 1;
                } else if (!dangerous(c))
                        fwrite(s, 1, k, f);
                else if (c < 0x80)
                        fprintf(f, "\\x%02x", (unsigned)c);
                else
                        fprintf(f, "\\u{%04x}", (unsigned)c);
                s += k;
                n -= k;
        }
}

char *imm_text_escape(struct imm_arena *a, const char *s) {
        imm_auto_free char *buf = NULL;
        size_t n = 0;
        FILE *f = open_memstream(&buf, &n);

        if (!f)
                imm_oom();
        imm_text_put(f, s);
        if (fclose(f) != 0)
                imm_oom();
        return imm_strndup(a, buf, n);
}

/* What needs no second look: printable ASCII that means nothing in markup */
static bool plain(unsigned char c) {
        return c >= 0x20 && c < 0x7f && !strchr("&<>\"'", c);
}

void imm_text_put_markup(FILE *f, const char *s) {
        static const char *const named[] = {['&'] = "&amp;",
                ['<'] = "&lt;",
                ['>'] = "&gt;",
                ['"'] = "&quot;",
                ['\''] = "&#39;"};
        size_t n = s ? strlen(s) : 0;
        uint32_t c;

        while (n > 0) {
                size_t k = 0;

                while (k < n && plain((unsigned char)s[k]))
                        k++;
                if (k > 0)
                        fwrite(s, 1, k, f);
                else if ((unsigned char)*s < IMM_ELEMENTSOF(named) && named[(unsigned char)*s]) {
                        fputs(named[(unsigned char)*s], f);
                        k = 1;
                } else if ((k = imm_utf8_next(s, n, &c)) > 0) {
                        char one[5] = {0};

                        memcpy(one, s, k);
                        if ((c & 0xfffe) == 0xfffe) /* no character, in XML neither */
                                fprintf(f, "\\u{%04x}", (unsigned)c);
                        else
                                imm_text_put(f, one);
                } else {
                        fprintf(f, "\\x%02x", (unsigned char)*s);
                        k = 1;
                }
                s += k;
                n -= k;
        }
}

size_t imm_text_width(const char *s) {
        size_t n = strlen(s), width = 0;
        uint32_t c;

        while (n > 0) {
                size_t k = imm_utf8_next(s, n, &c);

                if (k == 0) {
                        width += 4;
                        k = 1;
                } else if (!dangerous(c)) {
                        int w = wcwidth((wchar_t)c);

                        /* where the locale does not know it, something stands for it */
                        width += w > 0 ? (size_t)w : w < 0 && c >= 0x80 ? 1 : 0;
                } else if (c < 0x80)
                        width += 4;
                else
                        width += c > 0xffff ? 9 : 8;
                s += k;
                n -= k;
        }
        return width;
}

bool imm_parse_u64(const char *s, unsigned long long *ret) {
        unsigned long long v = 0;

        if (!*s)
                return false;
        for (; *s; s++) {
                if (*s < '0' || *s > '9' || __builtin_mul_overflow(v, 10, &v) ||
                        __builtin_add_overflow(v, (unsigned)(*s - '0'), &v))
                        return false;
        }
        *ret = v;
        return true;
}
