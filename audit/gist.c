/* Changes for people: a filter of four hundred calls is told by what came and went. */

#include "audit/difference.h"
#include "base/map.h"

enum { LONG = 90, WORDS = 6 };

static void split(struct imm_arena *a, const char *s, struct imm_strv *to, struct imm_map *seen) {
        char *copy = imm_strdup(a, s), *save = NULL;

        for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
                imm_strv_add(a, to, w);
                imm_map_put(a, seen, w, w);
        }
}

static const char *missing(struct imm_arena *a, const char *text, char sign,
        const struct imm_strv *l, const struct imm_map *in) {
        size_t n = 0;

        for (size_t i = 0; i < l->n; i++)
                if (!imm_map_has(in, l->v[i]) && n++ < WORDS)
                        text = imm_printf(a, "%s%s%c%s", text, *text ? " " : "", sign, l->v[i]);
        return n > WORDS ? imm_printf(a, "%s and %zu more", text, n - WORDS) : text;
}

static const char *shorten(struct imm_arena *a, const char *s) {
        size_t n = LONG * 2 / 3, words = 1;

        if (!s || strlen(s) <= LONG)
                return s;
        for (const char *p = s; *p; p++)
                words += *p == ' ';
        while (n > 0 && s[n] != ' ')
                n--;
        if (n == 0) /* one long word: not within a character */
                for (n = LONG * 2 / 3; n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80;)
                        n--;
        return words > WORDS ? imm_printf(a, "%.*s … (%zu words)", (int)n, s, words)
                             : imm_printf(a, "%.*s …", (int)n, s);
}

void imm_change_sides(struct imm_arena *a, const struct imm_change *c, const char **ret_before,
        const char **ret_after) {
        struct imm_map had = {0}, has = {0};
        struct imm_strv before = {0}, after = {0};
        const char *text;

        *ret_before = shorten(a, c->before);
        *ret_after = shorten(a, c->after);
        if (!c->before || !c->after || *ret_before == c->before || *ret_after == c->after)
                return;
        split(a, c->before, &before, &had);
        split(a, c->after, &after, &has);
        if (before.n <= WORDS || after.n <= WORDS)
                return;
        text = missing(a, missing(a, "", '+', &after, &had), '-', &before, &has);
        if (!*text)
                return;
        *ret_before = imm_printf(a, "%zu words", before.n);
        *ret_after = imm_printf(a, "%zu words: %s", after.n, text);
}
