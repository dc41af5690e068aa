#include "analyzer/closure/shell-private.h"

#include <ctype.h>

/*
 * What the words of a script mean: commands that it runs, also by way of others (env, timeout,
 * xargs), files that it reads or names, and what it sets its variables to.
 */

enum { DEPTH_MAX = 6, PARTS_MAX = 200 };
/* Of all scripts and what they read, for one service */
static const size_t SHELL_MAX = 64 << 20;

static void read_text(struct builder *b, const char *text, struct shell_values *values, int by);

/* What a word does where a command's name may stand: shell-words.def */
enum {
        BUILTIN = 1 << 0,   /* is no program */
        LEADS = 1 << 1,     /* the command's name follows it */
        OPENS = 1 << 2,     /* a branch or loop, */
        LOOPS = 1 << 3,     /* one over words that follow, */
        CLOSES = 1 << 4,    /* which this ends */
        SOURCES = 1 << 5,   /* reads a script into this shell */
        EVALUATES = 1 << 6, /* its argument is one */
        DECLARES = 1 << 7,  /* sets variables */
        FORGETS = 1 << 8,   /* sets them to what nobody knows */
        ENTERS = 1 << 9,    /* another working directory */
};
static const struct word {
        const char *name;
        unsigned does;
} words[] = {
#define WORD(name, does) {name, does},
#include "analyzer/closure/shell-words.def"
#undef WORD
};

static int by_name(const void *name, const void *word) {
        return strcmp(name, ((const struct word *)word)->name);
}

static unsigned meaning_of(const char *name) {
        const struct word *w = bsearch(name, words, IMM_ELEMENTSOF(words), sizeof(*words), by_name);

        return w ? w->does : 0;
}

static bool runs_shell(const char *word) {
        static const char *const shells[] = {
                "sh", "bash", "dash", "ksh", "zsh", "ash", "su", "runuser", "flock"};
        const char *name = imm_base_name(word);

        for (size_t i = 0; i < IMM_ELEMENTSOF(shells); i++)
                if (imm_streq(name, shells[i]))
                        return true;
        return false;
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

/* The path that the word means; NULL: it is relative to who knows what. */
static const char *path_of(struct shell *sh, const char *word) {
        const char *cwd = sh->values->cwd;

        if (*word == '/')
                return imm_strdup(sh->b->arena, word);
        return cwd && strlen(cwd) + strlen(word) < PATH_MAX
                       ? path_join(sh->b->arena, cwd, strlen(cwd), word, strlen(word))
                       : NULL;
}

static void run(struct shell *sh, const char *word) {
        if (imm_map_has(&sh->values->ran, word))
                return;
        word = strchr(word, '/') ? path_of(sh, word) : imm_strdup(sh->b->arena, word);
        if (!word)
                return;
        imm_map_put(sh->b->arena, &sh->values->ran, word, sh);
        need_command(sh->b, word, sh->by);
}

/* `. FILE`: its commands run in this very shell, and what it sets holds in it. */
static void source(struct shell *sh, const char *path) {
        imm_cleanup(imm_arena_free) struct imm_arena *scratch = NULL;
        const char *text, *outer = sh->values->file;
        struct place p;
        int k = need_file(sh->b,
                &(struct want){.name = path,
                        .kind = IMM_NEED_CONFIG,
                        .confidence = IMM_LIKELY,
                        .reason = "read by the script",
                        .by = sh->by},
                false, &p, NULL);

        if (k < 0 || !p.node || sh->b->depth >= DEPTH_MAX ||
                imm_map_has(&sh->values->sourced, p.node->host))
                return;
        imm_map_put(sh->b->arena, &sh->values->sourced, p.node->host, p.node);
        scratch = imm_arena_new();
        if (!script_text(sh->b, p.node, scratch, &text))
                return;
        sh->b->depth++;
        sh->values->file = path;
        read_text(sh->b, text, sh->values, k);
        sh->values->file = outer;
        sh->b->depth--;
}

static void argument(struct shell *sh, const char *word, bool sourced) {
        const char *path = strchr(word, '/');

        if (path && sourced)
                path = path_of(sh, word);
        else if (path)
                path = path == word || path[-1] == '=' ? imm_strdup(sh->b->arena, path) : NULL;
        if (path && sourced)
                source(sh, path);
        else if (path)
                need_named(sh->b, path, IMM_LIKELY, "named in the script", sh->by, false);
}

/* `run-parts DIRECTORY`: programs there are run; other files are read by whoever lists them. */
static void parts_of(struct shell *sh, const char *dir) {
        struct builder *b = sh->b;
        struct imm_dirent *e = NULL;
        size_t n = 0;
        struct place p;

        if (*dir != '/' || view_find(&b->view, b->cwd, dir, &p) < 0 || !p.node ||
                !S_ISDIR(p.node->mode))
                return;
        b->unsure = true;
        if (imm_root_list(b->c->root, p.node->host, b->arena, &e, &n) < 0)
                return;
        for (size_t i = 0; i < n && i < PARTS_MAX; i++) {
                const char *path = imm_printf(b->arena, "%s/%s", dir, e[i].name);
                struct place file;

                if (e[i].name[strspn(e[i].name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwx"
                                                "yz0123456789_-.")] ||
                        strchr(e[i].name, '.') == e[i].name ||
                        view_find(&b->view, NULL, path, &file) < 0 || !file.node ||
                        !S_ISREG(file.node->mode))
                        continue;
                if (file.node->mode & 0111)
                        run(sh, path);
                else if (sh->lists)
                        source(sh, path);
        }
}

static void find_functions(struct shell *sh, const char *text) {
        for (const char *line = text; *line; line = *line ? line + 1 : line) {
                const char *keyword; /* with it, "()" may be left out */
                size_t n;

                line += strspn(line, " \t");
                keyword = imm_after(line, "function ");
                line = keyword ? keyword + strspn(keyword, " \t") : line;
                for (n = 0; isalnum((unsigned char)line[n]) || line[n] == '_' || line[n] == '-';
                        n++)
                        ;
                if (n > 0 &&
                        (keyword || ((line[n] == '(' || (line[n] == ' ' && line[n + 1] == '(')) &&
                                            line[n + 1 + (line[n] == ' ')] == ')'))) {
                        const char *name = imm_strndup(sh->b->arena, line, n);

                        imm_map_put(sh->b->arena, &sh->values->functions, name, sh->values);
                }
                line = strchrnul(line, '\n');
        }
}

/* ---- variables ---- */

static bool is_perhaps(const struct shell *sh) {
        return sh->perhaps || sh->nested > 0 || sh->cases > 0 || sh->n_open > 0;
}

/* NAME=VALUE, of which all that it may be is in @v */
static void assign(struct shell *sh, const char *word, const char *const *v, unsigned n) {
        const char *name = imm_strndup(sh->b->arena, word, strcspn(word, "="));

        if (n == 0 && !is_perhaps(sh))
                shell_forget(sh->b, sh->values, name);
        for (unsigned i = 0; i < n; i++) {
                char *text = imm_strdup(sh->b->arena, strchr(v[i], '=') + 1);

                for (char *c = text; *c; c++)
                        if (*c == SHELL_SPLIT)
                                *c = ' ';
                shell_literal(text);
                shell_set(sh->b, sh->values, name, text, i > 0 || is_perhaps(sh));
                if (shell_is_known(text))
                        argument(sh, text, false);
        }
}

/* What stood before a command's name ends with it; without a command it stays. */
static void settle(struct shell *sh) {
        while (sh->prefixed && sh->n_saved > 0)
                shell_restore(sh->b, sh->values, &sh->saved[--sh->n_saved]);
        sh->n_saved = 0;
        sh->prefixed = sh->ended = false;
}

/* A word of `for NAME in WORDS`; false: it is none */
static bool loop(struct shell *sh, const char *word, bool plain) {
        if (sh->loop == LOOP_NAME && plain && *word) {
                sh->loop_name = imm_strdup(sh->b->arena, word);
                shell_forget(sh->b, sh->values, sh->loop_name);
                sh->loop = LOOP_IN;
                return true;
        }
        if (sh->loop == LOOP_IN) {
                sh->loop = imm_streq(word, "in") ? LOOP_WORDS : NO_LOOP;
                return true;
        }
        if (sh->loop == LOOP_WORDS && plain)
                shell_set(sh->b, sh->values, sh->loop_name, word, true);
        return false;
}

/* ---- the words of a command ---- */

/* `case WORD in`: true if @word is a part of that and no more */
static bool is_case(struct shell *sh, const char *word) {
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

static void begin(struct shell *sh, const char *word) {
        const bool function = !sh->wrapper && imm_map_has(&sh->values->functions, word);
        const unsigned does = meaning_of(word);

        sh->sourced = does & SOURCES;
        sh->evaluates = does & EVALUATES;
        sh->declares = does & DECLARES;
        sh->forgets = does & FORGETS;
        sh->loop = does & LOOPS ? LOOP_NAME : NO_LOOP;
        if (does & LOOPS)
                sh->nested++;
        else if (does & CLOSES && sh->nested > 0)
                sh->nested--;
        sh->wrapper = shell_wrapper(imm_base_name(word));
        sh->operands = sh->wrapper ? sh->wrapper->operands : 0;
        sh->takes = sh->lists = false;
        sh->parts = imm_streq(imm_base_name(word), "run-parts");
        sh->enters = does & ENTERS;
        if (sh->enters) {
                sh->from = sh->values->cwd;
                sh->values->cwd = NULL;
        }
        if (!(does & BUILTIN) && !function)
                run(sh, word);
}

/* An argument of cd. In a branch nobody knows whether it is run. */
static void enter(struct shell *sh, const char *word) {
        bool surely = !sh->perhaps && sh->nested == 0 && sh->cases == 0;

        sh->enters = word[0] == '-' && word[1]; /* an option */
        if (sh->enters || !surely || *word == '-')
                return;
        sh->values->cwd = sh->from;
        sh->values->cwd = path_of(sh, word);
}

/* An argument of a command that runs another; true: it is that one's name */
static bool is_wrapped(struct shell *sh, const char *word) {
        if (!sh->wrapper)
                return false;
        if (sh->takes) {
                sh->takes = false;
                return false;
        }
        if (word[0] == '-' && word[1]) {
                if (shell_looks_only(sh->wrapper, word))
                        sh->wrapper = NULL;
                else if (sh->wrapper->starts)
                        sh->operands = shell_starts(sh->wrapper, word) ? 0 : sh->operands;
                else
                        sh->takes = shell_takes_next(sh->wrapper, word);
                return false;
        }
        if (is_assignment(word) &&
                (imm_streq(sh->wrapper->name, "env") || imm_streq(sh->wrapper->name, "sudo") ||
                        imm_streq(sh->wrapper->name, "doas")))
                return false;
        if (sh->operands > 0) {
                sh->operands -= sh->wrapper->starts == NULL;
                return false;
        }
        return true;
}

static void word_of_command(struct shell *sh, const char *word, bool plain) {
        if (!sh->command && !sh->script && plain && is_wrapped(sh, word))
                sh->command = true;
        if (sh->command) {
                sh->shell = false;
                sh->prefixed = sh->n_saved > 0;
        }
        if (sh->script && !sh->command) {
                if (sh->b->depth < DEPTH_MAX) {
                        sh->b->depth++;
                        if (sh->evaluates)
                                read_text(sh->b, word, sh->values, sh->by);
                        else
                                scan_shell(sh->b, word, NULL, sh->by);
                        sh->b->depth--;
                }
        } else if (sh->lines && !sh->command)
                scan_paths(sh->b, word, 0, IMM_LIKELY, "named in the script", sh->by);
        else if (plain && sh->command)
                begin(sh, word);
        else if (plain && *word != '#') {
                argument(sh, word, sh->sourced);
                sh->lists = sh->lists || imm_streq(word, "--list");
                if (sh->parts)
                        parts_of(sh, word);
                if (sh->enters)
                        enter(sh, word);
                if (sh->forgets && *word != '-')
                        shell_forget(sh->b, sh->values, word);
        }
        sh->evaluates = sh->command && plain && sh->evaluates; /* as begin() has found */
        sh->script = sh->evaluates || (sh->shell && !sh->command && imm_streq(word, "-c"));
        sh->shell = sh->shell || runs_shell(word);
        if (sh->command)
                sh->defines = imm_streq(word, "function");
        else if (sh->defines) {
                sh->defines = false;
                sh->command = true;
                return;
        }
        sh->command = false;
}

/* The words that a value outside of quotes is, one by one */
static void words_of_value(struct shell *sh, const char *value) {
        const char *s = value;
        bool split = strchr(s, SHELL_SPLIT);

        while (*s || !split) {
                size_t n = strcspn(s, (const char[]){SHELL_SPLIT, 0});
                char *word = imm_strndup(sh->b->arena, s, n);

                shell_literal(word);
                if (*word && !loop(sh, word, shell_is_known(word)))
                        word_of_command(sh, word, shell_is_known(word));
                s += n + (s[n] != 0);
                if (!*s)
                        return;
        }
}

/* One of the values is what the command goes on with; of the others each may be. */
static void words_of_values(struct shell *sh, const char *const *v, unsigned n) {
        for (unsigned i = n; i-- > 1;) {
                const struct shell before = *sh;

                words_of_value(sh, v[i]);
                *sh = before;
        }
        words_of_value(sh, v[0]);
}

static bool keyword(struct shell *sh, const char *word) {
        const unsigned does = meaning_of(word);

        sh->nested += (does & OPENS) != 0;
        return does & LEADS;
}

static void next_word(struct shell *sh) {
        const char *from = sh->s, *word, *v[SHELL_WORDS_MAX];
        bool rest = sh->continues, plain;
        unsigned n = 1;

        if (sh->ended)
                settle(sh);
        word = v[0] = shell_word(sh, &plain);
        if (sh->s == from)
                sh->s++;
        if (rest) { /* of a word whose beginning nobody knows */
                if (sh->lines)
                        scan_paths(sh->b, word, 0, IMM_LIKELY, "named in the script", sh->by);
                return;
        }
        if (plain && sh->marked) {
                n = shell_expand(sh->b, sh->values, word, v, IMM_ELEMENTSOF(v));
                plain = n > 0;
        }
        if (sh->target) {
                sh->target = false;
                for (unsigned i = 0; plain && i < n; i++)
                        if (shell_is_known(v[i]))
                                argument(sh, v[i], false);
                return;
        }
        if ((sh->command || sh->declares) && is_assignment(word)) {
                sh->assigned = !plain && sh->command;
                if (sh->command && sh->n_saved < SHELL_SAVED_MAX)
                        sh->saved[sh->n_saved++] = shell_save(sh->b, sh->values,
                                imm_strndup(sh->b->arena, word, strcspn(word, "=")));
                assign(sh, word, v, plain ? n : 0);
                return;
        }
        if (!*word || is_case(sh, word) || (sh->command && plain && keyword(sh, word)))
                return;
        if (plain && sh->globs) {
                n = shell_globs(sh->b, v, n, IMM_ELEMENTSOF(v), sh->by);
                plain = n > 0;
        }
        if (plain && (sh->marked || sh->globs))
                words_of_values(sh, v, n);
        else if (!loop(sh, word, plain))
                word_of_command(sh, word, plain);
}

static void read_text(struct builder *b, const char *text, struct shell_values *values, int by) {
        imm_auto_free char *word_room = NULL;
        struct shell sh = {.b = b, .s = text, .values = values, .by = by, .command = true};
        size_t n = strlen(text);
        int outer = values->by;

        if (n > SHELL_MAX - b->shell_read)
                return;
        b->shell_read += n;
        values->by = by;
        sh.word = word_room = imm_xrealloc(NULL, 2 * n + 2, 1); /* a mark with each parameter */
        find_functions(&sh, text);
        while (*sh.s)
                if (!shell_between(&sh))
                        next_word(&sh);
        settle(&sh);
        values->by = outer;
}

void scan_shell(struct builder *b, const char *text, const char *script, int by) {
        const struct command_path path = b->path;
        const char *library_path = b->library_path, *preload = b->preload;
        struct shell_values values = {.script = script, .file = script};

        if (b->depth <= 1) /* of the unit's own command: what that runs may be somewhere else */
                values.cwd = b->cwd ? b->cwd : "/";

        read_text(b, text, &values, by);
        b->path = path;
        b->library_path = library_path;
        b->preload = preload;
}
