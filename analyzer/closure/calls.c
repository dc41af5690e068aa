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
        end = s + strcspn(s, (const char[]){closes(quote), '\n', filled ? '{' : '\n', 0});
        if (!*end || *end == '\n' || end - s > LITERAL_MAX)
                return NULL;
        if (*end == '{') /* the words before it are known */
                while (end > s && !isspace((unsigned char)end[-1]))
                        end--;
        return imm_strndup(b->arena, s, (size_t)(end - s));
}

static void runs(struct builder *b, char *command, int by) {
        const char *at;

        command += strspn(command, " \t");
        if (strpbrk(command, " \t|;&<>")) {
                if (b->depth < DEPTH_MAX) {
                        b->depth++;
                        scan_shell(b, command, NULL, by);
                        b->depth--;
                }
                return;
        }
        at = strchr(command, '/');
        if (!*command || strpbrk(command, "$@*%\\\"'") || (at && at != command) ||
                (at && imm_path_made_at_run_time(command)))
                return;
        (void)follow_program(b,
                &(struct want){.name = command,
                        .kind = IMM_NEED_COMMAND,
                        .confidence = IMM_LIKELY,
                        .reason = "run by the script",
                        .by = by},
                false);
}

static bool is_in_comment(const char *text, const char *s) {
        const char *line = s;

        while (line > text && line[-1] != '\n')
                line--;
        line += strspn(line, " \t");
        return *line == '#' || (line[0] == '/' && line[1] == '/');
}

void scan_calls(struct builder *b, const char *text, const char *language, int by) {
        unsigned left = CALLS_MAX;

        for (size_t i = 0; i < IMM_ELEMENTSOF(calls); i++) {
                const char *call = calls[i].text, *s = text;
                size_t n = strlen(call);

                if (!imm_after(language, calls[i].language))
                        continue;
                for (; left > 0 && (s = strstr(s, call)); s += n) {
                        bool quoted = strchr("\"'`{/|", call[n - 1]) || imm_after(call, "qx") ||
                                      imm_after(call, "%x");
                        char *command;

                        left--;
                        if ((s > text && is_word_byte(*call) && is_word_byte(s[-1])) ||
                                is_in_comment(text, s))
                                continue;
                        command = literal(b, s + n, quoted ? call[n - 1] : 0);
                        if (command)
                                runs(b, command, by);
                }
        }
}
