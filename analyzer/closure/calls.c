#include "analyzer/closure/closure-private.h"

#include <ctype.h>
#include <limits.h>

/*
 * Programs that a script in Python, Perl and the like runs, by the texts of calls.def. The language
 * is not read: a literal behind such a text is a command, or its first word; so is what a variable
 * there is set to somewhere.
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
        char ends[IMM_ELEMENTSOF(calls) + 1]; /* the bytes they end with, each once */
        bool before[256];                     /* and what stands before these */
};

static void rows_of(const char *language, struct rows *ret) {
        *ret = (struct rows){0};
        for (size_t i = 0; i < IMM_ELEMENTSOF(calls); i++) {
                struct row r = {.text = calls[i].text, .n = strlen(calls[i].text)};
                char last = r.text[r.n - 1];

                if (!imm_after(language, calls[i].language))
                        continue;
                r.quotes = strchr("\"'`{/|", last) || imm_after(r.text, "qx") ||
                           imm_after(r.text, "%x");
                ret->v[ret->n++] = r;
                if (!strchr(ret->ends, last))
                        ret->ends[strlen(ret->ends)] = last;
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

/* ---- what variables are set to ---- */

enum { NAMES_MAX = 4096, VALUES_MAX = 4 };

/* Where in the text values of a variable begin */
struct variable {
        unsigned n;
        const char *v[VALUES_MAX];
};

struct script {
        struct builder *b;
        const char *text;
        int by;
        unsigned left; /* calls that are followed yet */
        bool variables_known;
        struct imm_map variables; /* name -> struct variable, once a call was given one */
};

/* The name at @s, without the sign that Perl, Ruby and PHP put before it; 0: there is none */
static size_t variable_name(const char *s, const char **ret) {
        size_t n = 0;

        s += *s == '$' || *s == '@';
        *ret = s;
        if (isdigit((unsigned char)*s))
                return 0;
        while (is_word_byte(s[n]))
                n++;
        return n;
}

/* Of a line like "my $NAME = ..." */
static void note_assignment(struct script *t, const char *line) {
        static const char *const before[] = {
                "my ", "our ", "local ", "const ", "let ", "var ", "self."};
        const char *name, *value;
        struct variable *v;
        size_t n;

        line += strspn(line, " \t");
        for (size_t i = 0; i < IMM_ELEMENTSOF(before); i++)
                if (imm_after(line, before[i]))
                        line += strlen(before[i]);
        n = variable_name(line, &name);
        value = name + n + strspn(name + n, " \t");
        if (n == 0 || n > NAME_MAX || value[0] != '=' || strchr("=~>", value[1]) ||
                t->variables.n >= NAMES_MAX)
                return;
        name = imm_strndup(t->b->arena, name, n);
        v = imm_map_get(&t->variables, name);
        if (!v) {
                v = imm_new(t->b->arena, struct variable);
                imm_map_put(t->b->arena, &t->variables, name, v);
        }
        if (v->n < VALUES_MAX)
                v->v[v->n++] = value + 1;
}

static const struct variable *variable_at(struct script *t, const char *s) {
        const char *name;
        size_t n;

        s += strspn(s, " \t\n");
        s = imm_after(s, "self.") ? s + strlen("self.") : s;
        n = variable_name(s, &name);
        if (n == 0 || n > NAME_MAX || strchr("(.[", name[n]))
                return NULL;
        for (const char *line = t->text; !t->variables_known && *line;) {
                note_assignment(t, line);
                line = strchrnul(line, '\n');
                line += *line == '\n';
        }
        t->variables_known = true;
        return imm_map_get(&t->variables, imm_strndup(t->b->arena, name, n));
}

/* Behind a call's text at @s, which ends with @quote or with none */
static void called(struct script *t, const char *s, char quote) {
        char *command = literal(t->b, s, quote);
        const struct variable *v;

        if (command) {
                runs(t->b, command, t->by);
                return;
        }
        v = quote ? NULL : variable_at(t, s);
        for (unsigned i = 0; v && i < v->n; i++) {
                command = literal(t->b, v->v[i], 0);
                if (command)
                        runs(t->b, command, t->by);
        }
}

void scan_calls(struct builder *b, const char *text, const char *language, int by) {
        struct script t = {.b = b, .text = text, .by = by, .left = CALLS_MAX};
        const char *line = text, *seen = text; /* up to where it was looked for */
        struct rows rows;

        rows_of(language, &rows);
        if (rows.n == 0)
                return;
        for (const char *s = text; t.left > 0 && *(s += strcspn(s, rows.ends)); s++) {
                if (s == text || !rows.before[(unsigned char)s[-1]])
                        continue;
                for (size_t i = 0; i < rows.n && t.left > 0; i++)
                        if (is_call(text, s, &rows.v[i])) {
                                const char *end = memrchr(seen, '\n', (size_t)(s - seen));

                                line = end ? end + 1 : line;
                                seen = s;
                                if (is_comment(line))
                                        break;
                                t.left--;
                                called(&t, s + 1, rows.v[i].quotes ? *s : 0);
                        }
        }
}
