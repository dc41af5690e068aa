#include "analyzer/closure/shell-private.h"

#include <ctype.h>

/*
 * The words of a shell script's text, and where commands begin. Nothing is run: text within quotes
 * and here-documents is no command, and what cannot be read as shell at all costs some words, never
 * more. What the words mean: shell-commands.c.
 * Source: the shell command language of POSIX.1-2017, and bash(1) for what scripts use beside it.
 */

/* Is the quote that is open at @s closed somewhere? One that is not ends with its line. */
static bool is_closed(struct shell *sh, const char *s, char quote) {
        const char **next = &sh->next[quote == '"'];

        if (!*next || (**next && *next < s))
                *next = strchrnul(s, quote);
        return **next;
}

/* What a byte of a word may do; most do nothing */
enum { ENDS_WORD = 1, EXPANDS = 2, QUOTES = 4, GLOBS = 8 };
static const unsigned char marks[256] = {
        [SHELL_BARE... SHELL_UNKNOWN] =
                EXPANDS, /* no text has them: what they stand for is not known */
        [' '] = ENDS_WORD,
        ['\t'] = ENDS_WORD,
        ['\n'] = ENDS_WORD,
        ['\v'] = ENDS_WORD,
        ['\f'] = ENDS_WORD,
        ['\r'] = ENDS_WORD,
        [';'] = ENDS_WORD,
        ['|'] = ENDS_WORD,
        ['&'] = ENDS_WORD,
        ['('] = ENDS_WORD,
        [')'] = ENDS_WORD,
        ['<'] = ENDS_WORD,
        ['>'] = ENDS_WORD,
        ['$'] = EXPANDS,
        ['*'] = GLOBS,
        ['?'] = GLOBS,
        ['`'] = QUOTES,
        ['\''] = QUOTES,
        ['"'] = QUOTES,
        ['\\'] = QUOTES,
};

static bool is_in_ticks(const struct shell *sh) {
        return sh->n_open > 0 && sh->open[sh->n_open - 1].tick;
}

/* A dollar sign that begins no parameter */
static char literal(char c) {
        return c == '$' ? SHELL_DOLLAR : c;
}

void shell_literal(char *word) {
        while ((word = strchr(word, SHELL_DOLLAR)))
                *word = '$';
}

/* The length of a parameter that can be understood; 0: there is none. "`" within "`" ends. */
static size_t parameter_at(const struct shell *sh) {
        return *sh->s == '$' || (*sh->s == '`' && !is_in_ticks(sh)) ? shell_parameter(sh->s) : 0;
}

/* As "$(...)" where it is "`...`", for which there is room: two bytes for each of the text */
static size_t put_parameter(struct shell *sh, char *out, size_t n) {
        bool tick = *sh->s == '`';
        char *p = out;

        if (tick)
                p = mempcpy(mempcpy(p, "$(", 2), sh->s + 1, n - 2);
        else
                p = mempcpy(p, sh->s, n);
        if (tick)
                *p++ = ')';
        shell_runs(sh->b, out, (size_t)(p - out), sh->by);
        return (size_t)(p - out);
}

/*
 * Reads a word; its quotes are taken off. *ret_plain: nothing in it is expanded. Command
 * substitutions within it are left for the caller: reading stops before "$(" and "`".
 */
const char *shell_word(struct shell *sh, bool *ret_plain) {
        char *out = sh->word;
        size_t n = 0;
        char quote = sh->quoted ? '"' : 0;

        *ret_plain = !sh->continues;
        sh->quoted = sh->continues = sh->lines = sh->marked = sh->globs = false;
        for (; *sh->s; sh->s++) {
                char c = *sh->s;
                size_t parameter;

                if (!marks[(unsigned char)c]) {
                        out[n++] = c;
                        continue;
                }
                if (c == '\n') {
                        if (!quote || !is_closed(sh, sh->s, quote))
                                break;
                        sh->lines = true;
                }
                if (quote != '\'' && (parameter = parameter_at(sh))) {
                        out[n++] = quote ? SHELL_QUOTED : SHELL_BARE;
                        n += put_parameter(sh, out + n, parameter);
                        sh->s += parameter - 1;
                        sh->marked = true;
                        continue;
                }
                if (c == '`' || (c == '$' && sh->s[1] == '(')) {
                        if (quote != '\'') {
                                *ret_plain = *ret_plain && c == '`' && is_in_ticks(sh) && !quote;
                                sh->quoted = quote == '"';
                                break;
                        }
                } else if (!quote && (marks[(unsigned char)c] & ENDS_WORD))
                        break;
                if (quote && c == quote)
                        quote = 0;
                else if (!quote && (c == '"' || c == '\''))
                        quote = c;
                else if (c == '\\' && quote != '\'' && sh->s[1] && sh->s[1] != '\n')
                        out[n++] = literal(*++sh->s);
                else {
                        if (quote != '\'' && (marks[(unsigned char)c] & EXPANDS))
                                *ret_plain = false;
                        sh->globs |= !quote && (marks[(unsigned char)c] & GLOBS);
                        out[n++] = quote == '\'' || c != '$' ? literal(c) : c;
                }
        }
        out[n] = 0;
        if (!sh->marked)
                shell_literal(out);
        return out;
}

static void skip_comments(struct shell *sh) {
        for (;;) {
                const char *s = sh->s + strspn(sh->s, " \t\n");

                if (*s != '#')
                        return;
                sh->s = strchrnul(s, '\n');
        }
}

/* In `case WORD in`, and behind `;;`, stand patterns: everything up to a ')' that closes none. */
void shell_pattern(struct shell *sh) {
        unsigned open = 0;

        skip_comments(sh);
        sh->command = true;
        sh->s += strspn(sh->s, " \t\n");
        if (imm_after(sh->s, "esac"))
                return;
        sh->s += *sh->s == '(';
        for (; *sh->s && *sh->s != '\n'; sh->s++) {
                if (*sh->s == '\\' && sh->s[1] && sh->s[1] != '\n')
                        sh->s++;
                else if (*sh->s == '(')
                        open++;
                else if (*sh->s == ')' && open-- == 0) {
                        sh->s++;
                        return;
                }
        }
}

static void shell_ends_command(struct shell *sh) {
        sh->sourced = sh->target = sh->script = sh->declares = sh->forgets = false;
        sh->wrapper = NULL;
        sh->loop = NO_LOOP;
        sh->ended = true;
}

/* NAME(): a function, whose commands follow */
static bool is_function(const struct shell *sh) {
        return *sh->s == '(' && sh->s[1 + strspn(sh->s + 1, " \t")] == ')';
}

/* A substitution or subshell begins. */
static void shell_opens(struct shell *sh) {
        if (sh->n_open < SHELL_OPEN_MAX)
                sh->open[sh->n_open++] = (struct shell_open){.tick = *sh->s == '`',
                        .quoted = sh->quoted,
                        .command = sh->assigned,
                        .cwd = sh->values->cwd};
        sh->quoted = sh->continues = false;
        sh->s += *sh->s == '$' ? 2 : 1;
        sh->command = true;
}

/* The word that @sh stands behind a part of goes on, @quoted or not. */
static void goes_on(struct shell *sh, bool quoted) {
        sh->quoted = quoted;
        sh->continues = quoted ||
                        (*sh->s && !isspace((unsigned char)*sh->s) && !strchr(";|&()<>`", *sh->s));
}

static void shell_closes(struct shell *sh) {
        struct shell_open o = {.cwd = sh->values->cwd};

        if (sh->n_open > 0)
                o = sh->open[--sh->n_open];
        sh->values->cwd = o.cwd;
        sh->s++;
        sh->command = o.command;
        goes_on(sh, o.quoted);
}

/* Behind "$((...))" that is on one line and runs nothing; NULL: there is none */
static const char *arithmetic_end(const char *s) {
        unsigned open = 0;

        if (s[0] != '$' || s[1] != '(' || s[2] != '(')
                return NULL;
        for (s++; *s && !strchr("\n`$", *s); s++)
                if (*s == '(')
                        open++;
                else if (*s == ')' && --open == 0)
                        return s[-1] == ')' ? s + 1 : NULL;
        return NULL;
}

/* At a character that ends words and begins or ends something; false: at none */
static bool shell_operator(struct shell *sh) {
        const char *end = arithmetic_end(sh->s);

        if ((sh->quoted && strchr(";|&()", *sh->s)) || parameter_at(sh))
                return false;
        if (end) {
                sh->s = end;
                goes_on(sh, sh->quoted);
                sh->sourced = false;
                return true;
        }
        if (*sh->s == ')' || (*sh->s == '`' && is_in_ticks(sh)))
                shell_closes(sh);
        else if (is_function(sh)) {
                sh->s = strchr(sh->s, ')') + 1;
                sh->command = true;
        } else if (*sh->s == '(' || *sh->s == '`' || (*sh->s == '$' && sh->s[1] == '('))
                shell_opens(sh);
        else if (strchr(";|&", *sh->s)) {
                sh->quoted = sh->continues = false;
                sh->perhaps = *sh->s != ';' && sh->s[1] == *sh->s;
                sh->s += 1 + sh->perhaps;
                sh->command = true;
        } else
                return false;
        sh->assigned = sh->command && sh->continues;
        shell_ends_command(sh);
        return true;
}

/* "<<END" or "<<-END": what is said from the next line on is no shell. */
static void shell_here(struct shell *sh) {
        bool plain, tabs = sh->s[2] == '-';
        const char *from, *word;

        sh->s += 2 + tabs;
        from = sh->s += strspn(sh->s, " \t");
        word = shell_word(sh, &plain);
        if (sh->s != from && sh->n_here < HERE_MAX)
                sh->here[sh->n_here++] = (struct here){imm_strdup(sh->b->arena, word), tabs};
}

static bool shell_redirection(struct shell *sh) {
        if (sh->quoted || (*sh->s != '<' && *sh->s != '>'))
                return false;
        if (sh->s[0] == '<' && sh->s[1] == '<' && sh->s[2] != '<') {
                shell_here(sh);
                return true;
        }
        sh->s += strspn(sh->s, "<>");
        sh->s += strspn(sh->s, "&|");
        sh->s += strspn(sh->s, " \t");
        sh->target = *sh->s != '(';
        return true;
}

/* Does the here-document end at @line? Within a substitution that can end there too. */
static bool is_end(const struct shell *sh, const struct here *h, const char *line) {
        const char *rest = imm_after(line + (h->tabs ? strspn(line, "\t") : 0), h->end);

        return rest && (!*rest || *rest == '\n' || (sh->n_open > 0 && strchr("`)", *rest)));
}

/* At the first line of a here-document: behind it, and the paths in it are possible. */
static void skip_here(struct shell *sh, const struct here *h) {
        const char *line = sh->s;

        while (*line && !is_end(sh, h, line)) {
                line = strchrnul(line, '\n');
                line += *line == '\n';
        }
        if (!*line) { /* a shift in arithmetic, or not shell */
                sh->lost_heres++;
                return;
        }
        scan_paths(sh->b, imm_strndup(sh->b->arena, sh->s, (size_t)(line - sh->s)), 0, IMM_POSSIBLE,
                "named in text within the script", sh->by);
        sh->s = line + (h->tabs ? strspn(line, "\t") : 0) + strlen(h->end);
}

static bool shell_space(struct shell *sh) {
        if (!isspace((unsigned char)*sh->s) ||
                (sh->quoted && (*sh->s != '\n' || is_closed(sh, sh->s, '"'))))
                return false;
        sh->quoted = sh->continues = sh->assigned = false;
        if (*sh->s++ != '\n') {
                sh->s += strspn(sh->s, " \t");
                return true;
        }
        sh->command = true;
        sh->perhaps = false;
        shell_ends_command(sh);
        for (unsigned i = 0; i < sh->n_here && sh->lost_heres < LOST_HERES_MAX; i++)
                skip_here(sh, &sh->here[i]);
        sh->n_here = 0;
        return true;
}

/* What stands between words; false: a word is next */
bool shell_between(struct shell *sh) {
        if (!marks[(unsigned char)*sh->s] && *sh->s != '#')
                return false;
        if (shell_space(sh))
                return true;
        if (sh->s[0] == '\\' && sh->s[1] == '\n') { /* the line goes on */
                sh->s += 2;
                return true;
        }
        if (*sh->s == '#' && !sh->quoted && !sh->continues) {
                sh->s = strchrnul(sh->s, '\n');
                return true;
        }
        if (sh->cases > 0 && *sh->s == ';' && (sh->s[1] == ';' || sh->s[1] == '&')) {
                sh->s += 2 + (sh->s[2] == '&');
                shell_ends_command(sh);
                shell_pattern(sh);
                return true;
        }
        return shell_operator(sh) || shell_redirection(sh);
}
