#include "analyzer/closure/closure-private.h"

#include <ctype.h>

/*
 * Commands and paths in the text of a shell script. Nothing is run or expanded: a word with an
 * expansion in it names nothing, text within quotes and here-documents is no command, and what
 * cannot be read as shell at all costs some words, never more.
 * Source: the shell command language of POSIX.1-2017, and bash(1) for what scripts use beside it.
 */

/* A "(", a "$(" or a "`" that is open */
struct shell_open {
        bool tick;
        bool quoted;  /* within double quotes, which go on behind it */
        bool command; /* a command's name follows behind it: it is the value of an assignment */
};
/* A here-document that begins on the next line */
struct here {
        const char *end;
        bool tabs; /* before its end are taken off: <<- */
};
enum { SHELL_OPEN_MAX = 64, HERE_MAX = 8, LOST_HERES_MAX = 8, DEPTH_MAX = 6 };

struct shell {
        struct builder *b;
        const char *s;
        char *word; /* room for the longest there can be */
        int by;
        struct imm_map functions; /* defined in the text itself */
        struct shell_open open[SHELL_OPEN_MAX];
        unsigned n_open;
        bool quoted;    /* the next word begins within double quotes */
        bool continues; /* the next word is the rest of one with a substitution in it */
        bool command;   /* the next word is a command's name */
        bool sourced;   /* the command is `.`: its argument is a script */
        bool target;    /* behind `<` or `>` */
        bool lines;     /* the word just read has several */
        bool shell;     /* the command is, or runs, a shell */
        bool script;    /* behind its -c */
        bool subject;   /* behind `case`, before `in` */
        bool assigned;  /* within NAME=VALUE, which is no command's name */
        unsigned cases; /* that are open */
        struct here here[HERE_MAX];
        unsigned n_here, lost_heres;
        const char *next[2]; /* the next ' and ", where they were looked for; "" if there is none */
};

static bool is_among(const char *w, const char *const *words, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (words[i][0] == w[0] && imm_streq(w, words[i]))
                        return true;
        return false;
}

static bool is_keyword(const char *w) {
        static const char *const words[] = {"if", "then", "else", "elif", "do", "while", "until",
                "!", "{", "time", "exec", "command", "nohup", "sudo", "builtin", "eval"};

        return is_among(w, words, IMM_ELEMENTSOF(words));
}

static bool is_builtin(const char *w) {
        static const char *const words[] = {"[", "[[", ":", ".", "alias", "bg", "bind", "break",
                "case", "cd", "continue", "declare", "done", "echo", "enable", "esac", "exit",
                "export", "false", "fi", "fg", "for", "function", "getopts", "hash", "in", "jobs",
                "kill", "let", "local", "printf", "pwd", "read", "readonly", "return", "select",
                "set", "shift", "shopt", "source", "test", "trap", "true", "type", "typeset",
                "ulimit", "umask", "unalias", "unset", "wait", "}"};

        return is_among(w, words, IMM_ELEMENTSOF(words));
}

/* Is it NAME=...? */
static bool is_assignment(const char *w) {
        const char *s = w;

        if (!isalpha((unsigned char)*s) && *s != '_')
                return false;
        while (isalnum((unsigned char)*s) || *s == '_')
                s++;
        return *s == '=';
}

/* Is the quote that is open at @s closed somewhere? One that is not ends with its line. */
static bool is_closed(struct shell *sh, const char *s, char quote) {
        const char **next = &sh->next[quote == '"'];

        if (!*next || (**next && *next < s))
                *next = strchrnul(s, quote);
        return **next;
}

/* What a byte of a word may do; most do nothing */
enum { ENDS_WORD = 1, EXPANDS = 2, QUOTES = 4 };
static const unsigned char marks[256] = {
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
        ['*'] = EXPANDS,
        ['?'] = EXPANDS,
        ['`'] = QUOTES,
        ['\''] = QUOTES,
        ['"'] = QUOTES,
        ['\\'] = QUOTES,
};

static bool is_in_ticks(const struct shell *sh) {
        return sh->n_open > 0 && sh->open[sh->n_open - 1].tick;
}

/*
 * Reads a word; its quotes are taken off. *ret_plain: nothing in it is expanded. Command
 * substitutions within it are left for the caller: reading stops before "$(" and "`".
 */
static const char *shell_word(struct shell *sh, bool *ret_plain) {
        char *out = sh->word;
        size_t n = 0;
        char quote = sh->quoted ? '"' : 0;

        *ret_plain = !sh->continues;
        sh->quoted = sh->continues = sh->lines = false;
        for (; *sh->s; sh->s++) {
                char c = *sh->s;

                if (!marks[(unsigned char)c]) {
                        out[n++] = c;
                        continue;
                }
                if (c == '\n') {
                        if (!quote || !is_closed(sh, sh->s, quote))
                                break;
                        sh->lines = true;
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
                        out[n++] = *++sh->s;
                else {
                        if (quote != '\'' && (marks[(unsigned char)c] & EXPANDS))
                                *ret_plain = false;
                        out[n++] = c;
                }
        }
        out[n] = 0;
        return out;
}

static void shell_command(struct shell *sh, const char *word) {
        const char *at = word + strcspn(word, "/");

        if (imm_map_has(&sh->functions, word) || (*at && word[0] != '/') || strlen(word) > 255)
                return;
        if (*at && imm_path_made_at_run_time(word))
                return;
        (void)follow_program(sh->b,
                &(struct want){.name = imm_strdup(sh->b->arena, word),
                        .kind = IMM_NEED_COMMAND,
                        .confidence = IMM_LIKELY,
                        .reason = "run by the script",
                        .by = sh->by},
                false);
}

static void shell_argument(struct shell *sh, const char *word, bool sourced) {
        const char *path = strchr(word, '/');

        if (!path || (path != word && path[-1] != '='))
                return;
        path = imm_strdup(sh->b->arena, path);
        if (!sourced) {
                need_named(sh->b, path, IMM_LIKELY, "named in the script", sh->by, false);
                return;
        }
        struct place p;
        int k = need_file(sh->b,
                &(struct want){.name = path,
                        .kind = IMM_NEED_CONFIG,
                        .confidence = IMM_LIKELY,
                        .reason = "read by the script",
                        .by = sh->by},
                false, &p, NULL);

        if (k >= 0 && p.node && sh->b->depth < DEPTH_MAX) {
                sh->b->depth++;
                scan_script(sh->b, p.node, "/bin/sh", k);
                sh->b->depth--;
        }
}

static void shell_find_functions(struct shell *sh, const char *text) {
        for (const char *line = text; *line; line = *line ? line + 1 : line) {
                size_t n;

                line += strspn(line, " \t");
                if (imm_after(line, "function "))
                        line += 9;
                for (n = 0; isalnum((unsigned char)line[n]) || line[n] == '_' || line[n] == '-';
                        n++)
                        ;
                if (n > 0 && (line[n] == '(' || (line[n] == ' ' && line[n + 1] == '(')) &&
                        line[n + 1 + (line[n] == ' ')] == ')') {
                        const char *name = imm_strndup(sh->b->arena, line, n);

                        imm_map_put(sh->b->arena, &sh->functions, name, sh);
                }
                line = strchrnul(line, '\n');
        }
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
static void shell_pattern(struct shell *sh) {
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

/* A substitution or subshell begins. */
static void shell_opens(struct shell *sh) {
        if (sh->n_open < SHELL_OPEN_MAX)
                sh->open[sh->n_open++] = (struct shell_open){
                        .tick = *sh->s == '`', .quoted = sh->quoted, .command = sh->assigned};
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
        struct shell_open o = {0};

        if (sh->n_open > 0)
                o = sh->open[--sh->n_open];
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

        if (sh->quoted && strchr(";|&()", *sh->s))
                return false;
        if (end) {
                sh->s = end;
                goes_on(sh, sh->quoted);
                sh->sourced = false;
                return true;
        }
        if (*sh->s == ')' || (*sh->s == '`' && is_in_ticks(sh)))
                shell_closes(sh);
        else if (*sh->s == '(' || *sh->s == '`' || (*sh->s == '$' && sh->s[1] == '('))
                shell_opens(sh);
        else if (strchr(";|&", *sh->s)) {
                sh->quoted = sh->continues = false;
                sh->s++;
                sh->command = true;
        } else
                return false;
        sh->assigned = sh->command && sh->continues;
        sh->sourced = sh->target = sh->script = false;
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
        if (*sh->s++ != '\n')
                return true;
        sh->command = true;
        sh->sourced = sh->target = sh->script = false;
        for (unsigned i = 0; i < sh->n_here && sh->lost_heres < LOST_HERES_MAX; i++)
                skip_here(sh, &sh->here[i]);
        sh->n_here = 0;
        return true;
}

/* What stands between words; false: a word is next */
static bool shell_between(struct shell *sh) {
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
                shell_pattern(sh);
                return true;
        }
        return shell_operator(sh) || shell_redirection(sh);
}

/* `case WORD in`: true if @word is a part of that and no more */
static bool shell_case(struct shell *sh, const char *word) {
        if (sh->subject && imm_streq(word, "in")) {
                sh->subject = false;
                sh->cases++;
                shell_pattern(sh);
                return true;
        }
        if (sh->command && imm_streq(word, "case"))
                sh->subject = true;
        if (sh->command && imm_streq(word, "esac") && sh->cases > 0)
                sh->cases--;
        return false;
}

static bool runs_shell(const char *word) {
        static const char *const words[] = {
                "sh", "bash", "dash", "ksh", "zsh", "ash", "su", "runuser"};

        return is_among(imm_base_name(word), words, IMM_ELEMENTSOF(words));
}

/* The name of a command, or one of its arguments */
static void shell_word_of_command(struct shell *sh, const char *word, bool plain) {
        if (sh->command)
                sh->shell = false;
        if (sh->script && sh->b->depth < DEPTH_MAX) {
                sh->b->depth++;
                scan_shell(sh->b, word, sh->by);
                sh->b->depth--;
        } else if (sh->lines && !sh->command)
                scan_paths(sh->b, word, 0, IMM_LIKELY, "named in the script", sh->by);
        else if (plain && sh->command) {
                sh->sourced = imm_streq(word, ".") || imm_streq(word, "source");
                if (!is_builtin(word))
                        shell_command(sh, word);
        } else if (plain && *word != '#')
                shell_argument(sh, word, sh->sourced);
        sh->script = sh->shell && !sh->command && imm_streq(word, "-c");
        sh->shell = sh->shell || runs_shell(word);
}

static void shell_next_word(struct shell *sh) {
        const char *from = sh->s, *word;
        bool rest = sh->continues, plain;

        word = shell_word(sh, &plain);
        if (sh->s == from)
                sh->s++;
        if (rest) { /* of a word whose beginning nobody knows */
                if (sh->lines)
                        scan_paths(sh->b, word, 0, IMM_LIKELY, "named in the script", sh->by);
                return;
        }
        if (sh->target) {
                sh->target = false;
                if (plain)
                        shell_argument(sh, word, false);
                return;
        }
        if (sh->command && !plain && is_assignment(word)) {
                sh->assigned = true;
                return;
        }
        if (!*word || shell_case(sh, word))
                return;
        if (sh->command && plain && is_assignment(word)) {
                shell_argument(sh, word, false);
                return;
        }
        if (sh->command && plain && is_keyword(word))
                return;
        shell_word_of_command(sh, word, plain);
        sh->command = false;
}

void scan_shell(struct builder *b, const char *text, int by) {
        imm_auto_free char *word_room = imm_xrealloc(NULL, strlen(text) + 1, 1);
        struct shell sh = {.b = b, .s = text, .word = word_room, .by = by, .command = true};

        shell_find_functions(&sh, text);
        while (*sh.s)
                if (!shell_between(&sh))
                        shell_next_word(&sh);
}
