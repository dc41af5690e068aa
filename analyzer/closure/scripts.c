#include "analyzer/closure/closure-private.h"

#include <ctype.h>
#include <errno.h>
#include <strings.h>

/*
 * What texts name. A script's commands and absolute paths are likely, what a configuration file
 * names is possible: nothing is run or evaluated, and a word with an expansion in it is left out.
 * Only what exists in the root counts.
 */

enum { TEXT_MAX = 1 << 20, PATHS_MAX = 4096 };

static bool is_path_byte(char c) {
        return isalnum((unsigned char)c) || (c && strchr("/._-+@%~=", c)) ||
               (unsigned char)c >= 0x80;
}

/* A directory that is somebody's own, not one that everything lies in: all of it is needed. */
static bool is_own_directory(const char *path) {
        static const char *const shared[] = {"/etc/default", "/usr/bin", "/usr/sbin", "/usr/lib",
                "/usr/share", "/usr/local", "/usr/include", "/usr/libexec", "/usr/lib64",
                "/usr/src", "/var/lib", "/var/log", "/var/cache", "/var/spool", "/var/tmp",
                "/var/mail", "/var/opt", "/var/backups", "/usr/local/bin", "/usr/local/sbin",
                "/usr/local/lib", "/nix/store", "/etc/systemd", "/etc/init.d"};
        unsigned parts = 0;

        for (const char *s = path; *s; s++)
                parts += s[0] == '/' && s[1] && s[1] != '/';
        for (size_t i = 0; i < IMM_ELEMENTSOF(shared); i++)
                if (imm_streq(path, shared[i]))
                        return false;
        return parts >= 2 && !imm_after(path, "/home/");
}

void need_named(struct builder *b, const char *path, enum imm_confidence sure, const char *reason,
        int by, bool look_inside) {
        struct want w = {.name = path,
                .kind = IMM_NEED_CONFIG,
                .confidence = sure,
                .reason = reason,
                .by = by};
        struct place p;
        bool fresh;
        int k;

        if (imm_streq(path, "/") || imm_path_made_at_run_time(path) || strlen(path) > 1024)
                return;
        if (view_find(&b->view, b->cwd, path, &p) < 0 &&
                (!b->hides || view_find(&b->plain, b->cwd, path, &p) < 0))
                return;
        if (!p.node || (!S_ISREG(p.node->mode) && !S_ISDIR(p.node->mode)))
                return;
        if (S_ISREG(p.node->mode) && (p.node->mode & 0111) && sure <= IMM_LIKELY) {
                w.kind = IMM_NEED_COMMAND;
                (void)follow_program(b, &w, false);
                return;
        }
        if (S_ISDIR(p.node->mode)) {
                if (strcspn(path + 1, "/") == strlen(path + 1))
                        return; /* /etc: says nothing */
                w.tree = is_own_directory(p.path);
        }
        k = need_file(b, &w, false, &p, &fresh);
        if (k >= 0 && look_inside && S_ISREG(p.node->mode))
                scan_config(b, p.node, k);
}

static bool is_text(const struct imm_blob *t) {
        return !memchr(t->data, 0, t->size < 4096 ? t->size : 4096);
}

static bool read_text(
        struct builder *b, struct node *n, struct imm_arena *a, struct imm_blob *ret) {
        if (node_knows(&n->elf_known) && n->script.data) {
                *ret = n->script;
                return is_text(ret);
        }
        node_minds_content(n);
        return n->size <= TEXT_MAX && node_read(b->c, n, TEXT_MAX, a, ret) == 0 && is_text(ret);
}

void scan_paths(struct builder *b, const char *text, enum scan_flags flags,
        enum imm_confidence sure, const char *reason, int by) {
        struct imm_map seen = {0};
        const char *line = text;

        for (const char *s = text; *s && seen.n < PATHS_MAX;) {
                size_t n = 0;
                char *path;

                if (*s == '\n')
                        line = s + 1;
                if ((flags & SCAN_COMMENTS) && *s == '#' &&
                        (s == line || isspace((unsigned char)s[-1]))) {
                        s = strchrnul(s, '\n');
                        continue;
                }
                if (*s != '/' || s[1] == '/' || s[1] == '*' ||
                        (s > text && (is_path_byte(s[-1]) || strchr("$}*)", s[-1])) &&
                                s[-1] != '=')) {
                        s++;
                        continue;
                }
                while (is_path_byte(s[n]))
                        n++;
                if (n > 1 && n < 1024 && !strchr("$*?[{`", s[n] ? s[n] : ' ')) {
                        path = imm_strndup(b->arena, s, n);
                        while (n > 1 && strchr("/.=", path[n - 1]))
                                path[--n] = 0;
                        if (n > 1 && !imm_map_has(&seen, path)) {
                                imm_map_put(b->arena, &seen, path, path);
                                need_named(b, path, sure, reason, by, flags & SCAN_INSIDE);
                        }
                        n = strlen(path);
                }
                s += n > 0 ? n : 1;
        }
}

/* A page is what a program writes or serves: what it tells of is no need. */
static bool is_page(const char *text) {
        return strncasecmp(text, "<!doctype html", strlen("<!doctype html")) == 0 ||
               strncasecmp(text, "<html", strlen("<html")) == 0;
}

void scan_config(struct builder *b, struct node *n, int by) {
        imm_cleanup(imm_arena_free) struct imm_arena *scratch = NULL;
        struct imm_blob t;

        if (imm_map_has(&b->scanned, n->host))
                return;
        imm_map_put(b->arena, &b->scanned, n->host, n);
        scratch = imm_arena_new();
        if (read_text(b, n, scratch, &t) && !is_page(t.data))
                scan_paths(b, t.data, SCAN_COMMENTS, IMM_POSSIBLE, "named in a configuration file",
                        by);
}

/* ---- shell ---- */

/* A "(", a "$(" or a "`" that is open */
struct shell_open {
        bool tick;
        bool quoted;  /* within double quotes, which go on behind it */
        bool command; /* a command's name follows behind it: it is the value of an assignment */
};
enum { SHELL_OPEN_MAX = 64 };

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

/*
 * Reads a word; its quotes are taken off. *ret_plain: nothing in it is expanded. Command
 * substitutions within it are left for the caller: reading stops before "$(" and "`".
 */
static const char *shell_word(struct shell *sh, bool *ret_plain) {
        char *out = sh->word;
        size_t n = 0;
        char quote = sh->quoted ? '"' : 0;

        *ret_plain = !sh->continues;
        sh->quoted = sh->continues = false;
        for (; *sh->s; sh->s++) {
                char c = *sh->s;

                if (c == '\n')
                        break; /* also within quotes: a line at a time is enough */
                if (c == '`' || (c == '$' && sh->s[1] == '(')) {
                        if (quote != '\'') {
                                *ret_plain = false;
                                sh->quoted = quote == '"';
                                break;
                        }
                } else if (!quote && (isspace((unsigned char)c) || strchr(";|&()<>", c)))
                        break;
                if (quote && c == quote)
                        quote = 0;
                else if (!quote && (c == '"' || c == '\''))
                        quote = c;
                else if (c == '\\' && quote != '\'' && sh->s[1] && sh->s[1] != '\n')
                        out[n++] = *++sh->s;
                else {
                        if (quote != '\'' && strchr("$*?", c))
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

        if (k >= 0 && p.node && sh->b->depth < 6) {
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
static void skip_pattern(struct shell *sh) {
        unsigned open = 0;

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

/* A substitution or subshell begins. @assigned: it is part of a value that is assigned. */
static void shell_opens(struct shell *sh, bool assigned) {
        if (sh->n_open < SHELL_OPEN_MAX)
                sh->open[sh->n_open++] = (struct shell_open){
                        .tick = *sh->s == '`', .quoted = sh->quoted, .command = assigned};
        sh->quoted = sh->continues = false;
        sh->s += *sh->s == '$' ? 2 : 1;
}

/* It ends: the word that it stands in goes on. Is a command's name next? */
static bool shell_closes(struct shell *sh) {
        struct shell_open o = {0};

        if (sh->n_open > 0)
                o = sh->open[--sh->n_open];
        sh->s++;
        sh->quoted = o.quoted;
        sh->continues = o.quoted ||
                        (*sh->s && !isspace((unsigned char)*sh->s) && !strchr(";|&()<>`", *sh->s));
        return o.command;
}

/* At a character that ends words and begins or ends something; false: at none */
static bool shell_operator(struct shell *sh, bool *command, bool *assigned) {
        bool tick = sh->n_open > 0 && sh->open[sh->n_open - 1].tick;

        if (*sh->s == ')' || (*sh->s == '`' && tick))
                *command = shell_closes(sh);
        else if (*sh->s == '(' || *sh->s == '`' || (*sh->s == '$' && sh->s[1] == '(')) {
                shell_opens(sh, *assigned);
                *command = true;
        } else if (strchr(";|&", *sh->s)) {
                sh->quoted = sh->continues = false;
                sh->s++;
                *command = true;
        } else
                return false;
        *assigned = *command && sh->continues;
        return true;
}

void scan_shell(struct builder *b, const char *text, int by) {
        imm_auto_free char *word_room = imm_xrealloc(NULL, strlen(text) + 1, 1);
        struct shell sh = {.b = b, .s = text, .word = word_room, .by = by};
        bool command = true, sourced = false; /* the next word is a command's name */
        bool subject = false;                 /* behind `case`, before `in` */
        bool assigned = false;                /* within NAME=VALUE, which is no command's name */
        unsigned cases = 0;

        shell_find_functions(&sh, text);
        while (*sh.s) {
                const char *word, *from = sh.s;
                bool plain, rest;

                if (isspace((unsigned char)*sh.s) && (!sh.quoted || *sh.s == '\n')) {
                        sh.quoted = sh.continues = assigned = false;
                        if (*sh.s == '\n') {
                                command = !(sh.s > text && sh.s[-1] == '\\');
                                sourced = false;
                        }
                        sh.s++;
                        continue;
                }
                if (*sh.s == '#' && !sh.quoted && !sh.continues) {
                        sh.s = strchrnul(sh.s, '\n');
                        continue;
                }
                if (cases > 0 && *sh.s == ';' && (sh.s[1] == ';' || sh.s[1] == '&')) {
                        sh.s += 2 + (sh.s[2] == '&');
                        skip_comments(&sh);
                        skip_pattern(&sh);
                        command = true;
                        continue;
                }
                if (!(sh.quoted && strchr(";|&()", *sh.s)) &&
                        shell_operator(&sh, &command, &assigned)) {
                        sourced = false;
                        continue;
                }
                if (!sh.quoted && (*sh.s == '<' || *sh.s == '>')) {
                        sh.s++;
                        continue;
                }
                rest = sh.continues;
                word = shell_word(&sh, &plain);
                if (sh.s == from)
                        sh.s++;
                if (rest) /* of a word whose beginning nobody knows */
                        continue;
                if (command && !plain && is_assignment(word)) {
                        assigned = true;
                        continue;
                }
                if (!*word)
                        continue;
                if (subject && imm_streq(word, "in")) {
                        subject = false;
                        cases++;
                        skip_comments(&sh);
                        skip_pattern(&sh);
                        command = true;
                        continue;
                }
                if (command && imm_streq(word, "case"))
                        subject = true;
                if (command && imm_streq(word, "esac") && cases > 0)
                        cases--;
                if (command && plain && is_assignment(word)) {
                        shell_argument(&sh, word, false);
                        continue;
                }
                if (command && plain && is_keyword(word))
                        continue;
                if (command && plain) {
                        sourced = imm_streq(word, ".") || imm_streq(word, "source");
                        if (!is_builtin(word))
                                shell_command(&sh, word);
                } else if (plain && *word != '#')
                        shell_argument(&sh, word, sourced);
                command = false;
        }
}

/* ---- scripts in general ---- */

/* Where a language's own library lies; %s is the interpreter's version as its name says it. */
static const struct {
        const char *interpreter;
        const char *trees[8];
} libraries[] = {
        {"python", {"/usr/lib/python%s", "/usr/lib64/python%s", "/usr/lib/python3/dist-packages",
                           "/usr/local/lib/python%s"}},
        {"perl", {"/etc/perl", "/usr/share/perl", "/usr/share/perl5",
                         "/usr/lib/x86_64-linux-gnu/perl", "/usr/lib/x86_64-linux-gnu/perl5",
                         "/usr/lib/x86_64-linux-gnu/perl-base", "/usr/lib64/perl5"}},
        {"ruby", {"/usr/lib/ruby", "/usr/share/ruby", "/usr/share/rubygems-integration"}},
        {"node", {"/usr/share/nodejs", "/usr/lib/node_modules"}},
        {"php", {"/usr/share/php", "/usr/lib/php", "/etc/php"}},
};

void need_language(struct builder *b, const char *name, int by) {
        for (size_t i = 0; i < IMM_ELEMENTSOF(libraries); i++) {
                const char *version = imm_after(name, libraries[i].interpreter);
                struct place p;

                if (!version || (*version && !isdigit((unsigned char)*version)))
                        continue;
                for (const char *const *t = libraries[i].trees; *t; t++) {
                        const char *token = strstr(*t, "%s"), *path = *t;

                        if (token)
                                path = imm_printf(
                                        b->arena, "%.*s%s", (int)(token - *t), *t, version);
                        (void)need_file(b,
                                &(struct want){.name = path,
                                        .kind = IMM_NEED_CONFIG,
                                        .confidence = IMM_LIKELY,
                                        .reason = "the interpreter's library",
                                        .by = by,
                                        .tree = true},
                                false, &p, NULL);
                }
        }
}

/* The last word of the first line that names a program: "python3" of "/usr/bin/env -S python3 -u"
 */
static const char *language_of(struct builder *b, const char *line) {
        const char *s = line, *name = "";

        while (*s) {
                size_t n = strcspn(s, " \t");
                const char *slash = memrchr(s, '/', n), *from = slash ? slash + 1 : s;
                const char *word = imm_strndup(b->arena, from, (size_t)(s + n - from));

                if (*word && *word != '-' && !imm_streq(word, "env"))
                        return word;
                s += n + strspn(s + n, " \t");
        }
        return name;
}

void scan_script(struct builder *b, struct node *n, const char *interpreter, int by) {
        static const char *const shells[] = {"sh", "bash", "dash", "ksh", "zsh", "ash", "busybox"};
        imm_cleanup(imm_arena_free) struct imm_arena *scratch = NULL;
        const char *name = language_of(b, interpreter);
        struct imm_blob t;

        if (imm_map_has(&b->scanned, n->host))
                return;
        imm_map_put(b->arena, &b->scanned, n->host, n);
        scratch = imm_arena_new();
        if (!read_text(b, n, scratch, &t))
                return;
        for (size_t i = 0; i < IMM_ELEMENTSOF(shells); i++)
                if (imm_streq(name, shells[i])) {
                        scan_shell(b, t.data, by);
                        return;
                }
        scan_paths(b, t.data, SCAN_COMMENTS, IMM_LIKELY, "named in the script", by);
}
