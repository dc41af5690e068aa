#include "analyzer/closure/closure-private.h"

#include <ctype.h>

/*
 * Programs that a script in Python, Perl and the like runs, by the texts of calls.def. The language
 * is not read: a literal behind such a text is a command, or its first word.
 */

enum { LITERAL_MAX = 1000, CALLS_MAX = 2000, DEPTH_MAX = 6 };

static const struct {
        const char *language, *text;
} calls[] = {
#define CALL(language, text) {language, text},
#include "analyzer/closure/calls.def"
#undef CALL
};

static bool is_word_byte(char c) {
        return isalnum((unsigned char)c) || c == '_';
}

static char closes(char quote) {
        return quote == '{' ? '}' : quote == '(' ? ')' : quote;
}

/* The literal that begins at @s, where its quote may be a letter before; NULL: none does */
static char *literal(struct builder *b, const char *s, char quote) {
        bool filled = false; /* f"{x}": what stands in braces is not known */
        const char *end;

        if (!quote) {
                s += strspn(s, " \t\n([");
                for (; *s && strchr("rbuf", *s); s++)
                        filled |= *s == 'f';
                quote = *s++;
        }
        if (!strchr("\"'`{(/|", quote) || !quote || *s == quote)
                return NULL;
        for (end = s; *end && *end != '\n' && *end != closes(quote) && !(filled && *end == '{');)
                if (end++ - s == LITERAL_MAX)
                        return NULL;
        if (!*end || *end == '\n')
                return NULL;
        if (*end == '{') /* the words before it are known */
                while (end > s && !isspace((unsigned char)end[-1]))
                        end--;
        return imm_strndup(b->arena, s, (size_t)(end - s));
}

static void runs(struct builder *b, char *command, int by) {
        command += strspn(command, " \t");
        if (strpbrk(command, " \t|;&<>")) {
                if (b->depth < DEPTH_MAX) {
                        b->depth++;
                        scan_shell(b, command, NULL, by);
                        b->depth--;
                }
                return;
        }
        if (!strpbrk(command, "$@*%\\\"'"))
                need_command(b, command, by);
}

static bool is_comment(const char *line) {
        line += strspn(line, " \t");
        return *line == '#' || (line[0] == '/' && line[1] == '/');
}

/* The rows of a language, found by their last bytes: brackets and quotes, which are rare */
struct rows {
        struct row {
                const char *text;
                size_t n;
                bool quotes; /* its last byte opens the literal */
        } v[IMM_ELEMENTSOF(calls)];
        size_t n;
        bool ends[256], before[256]; /* the bytes they end with, and what stands before these */
};

static void rows_of(const char *language, struct rows *ret) {
        *ret = (struct rows){.ends = {['\n'] = true}};
        for (size_t i = 0; i < IMM_ELEMENTSOF(calls); i++) {
                struct row r = {.text = calls[i].text, .n = strlen(calls[i].text)};
                char last = r.text[r.n - 1];

                if (!imm_after(language, calls[i].language))
                        continue;
                r.quotes = strchr("\"'`{/|", last) || imm_after(r.text, "qx") ||
                           imm_after(r.text, "%x");
                ret->v[ret->n++] = r;
                ret->ends[(unsigned char)last] = true;
                ret->before[(unsigned char)r.text[r.n - 2]] = true;
        }
}

/* Does the text of the call end with the byte at @s? */
static bool is_call(const char *text, const char *s, const struct row *r) {
        const char *from = s + 1 - r->n;

        return (size_t)(s + 1 - text) >= r->n && *s == r->text[r->n - 1] &&
               memcmp(from, r->text, r->n) == 0 &&
               !(from > text && is_word_byte(*from) && is_word_byte(from[-1]));
}

void scan_calls(struct builder *b, const char *text, const char *language, int by) {
        struct rows rows;
        unsigned left = CALLS_MAX;
        bool comment = is_comment(text);

        rows_of(language, &rows);
        for (const char *s = text; rows.n > 0 && left > 0 && *s; s++) {
                if (!rows.ends[(unsigned char)*s])
                        continue;
                if (*s == '\n')
                        comment = is_comment(s + 1);
                if (s == text || !rows.before[(unsigned char)s[-1]])
                        continue;
                for (size_t i = 0; i < rows.n && !comment; i++) {
                        char *command;

                        if (!is_call(text, s, &rows.v[i]) || left == 0)
                                continue;
                        left--;
                        command = literal(b, s + 1, rows.v[i].quotes ? *s : 0);
                        if (command)
                                runs(b, command, by);
                }
        }
}
