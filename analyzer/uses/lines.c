#include "analyzer/uses/uses-private.h"

/*
 * Commands of a shell's line, and of the unit: which files they write, and what else they do by
 * what they are told. Words that a variable gives are not known.
 */

/* What a command writes of what it is given: everything, what is named last, all but the first,
 * what stands behind an option, "of=FILE" or "-O FILE", or behind "-czf" */
enum given { ALL, LAST, LATER, BEHIND, ARCHIVE };

static const struct writer {
        const char *name;
        enum given given;
        bool makes;
        const char *option; /* with which alone it does */
} writers[] = {
        {"touch", ALL, false, NULL},
        {"tee", ALL, false, NULL},
        {"mkdir", ALL, true, NULL},
        {"truncate", ALL, false, NULL},
        {"accton", ALL, false, NULL},
        {"cp", LAST, false, NULL},
        {"mv", LAST, false, NULL},
        {"ln", LAST, false, NULL},
        {"install", LAST, false, NULL},
        {"rsync", LAST, false, NULL},
        {"sed", LAST, false, "-i"},
        {"chown", LATER, false, NULL},
        {"chgrp", LATER, false, NULL},
        {"chmod", LATER, false, NULL},
        {"dd", BEHIND, false, "of"},
        {"wget", BEHIND, false, "-O"},
        {"curl", BEHIND, false, "-o"},
        {"tar", ARCHIVE, false, NULL},
        {"pg_dump", BEHIND, false, "-f"},
        {"pg_dumpall", BEHIND, false, "-f"},
        {"mysqldump", BEHIND, false, "--result-file"},
};

static bool has_option(const struct imm_strv *words, const char *option) {
        for (size_t i = 1; option && i < words->n; i++)
                if (imm_after(words->v[i], option))
                        return true;
        return !option;
}

/* "2775", "02755", "g+s": with a bit by which others gain rights */
static bool is_set_id(const char *mode) {
        const char *plus = strpbrk(mode, "+=");

        if (plus)
                return strspn(mode, "ugoa") == (size_t)(plus - mode) && strchr(plus, 's') &&
                       strspn(plus + 1, "rwxXst") == strlen(plus + 1);
        mode += strlen(mode) == 5 && *mode == '0';
        return strlen(mode) == 4 && strspn(mode, "01234567") == 4 && ((*mode - '0') & 6);
}

/* "chmod 2775 DIR", "install -m 02755 -d DIR" */
static const char *set_id_mode(const struct imm_strv *words) {
        const char *name = imm_base_name(words->v[0]);
        bool chmod = imm_streq(name, "chmod");

        if (!chmod && !imm_streq(name, "install") && !imm_streq(name, "mkdir"))
                return NULL;
        for (size_t i = 1; i < words->n; i++) {
                const char *word = words->v[i], *mode = imm_after(word, "--mode=");

                if (!mode && imm_after(word, "-m") && word[2])
                        mode = word + 2;
                if (!mode && (chmod ? *word != '-' : imm_after(words->v[i - 1], "-m") != NULL))
                        mode = word;
                if (mode && is_set_id(mode))
                        return mode;
                if (chmod && mode)
                        return NULL;
        }
        return NULL;
}

/* What a command does by its arguments, but for files; false: nothing that is known */
static bool deed_by_arguments(const struct imm_strv *words, struct imm_arena *a, struct deed *ret) {
        const char *name = imm_base_name(words->v[0]), *mode = set_id_mode(words);

        *ret = (struct deed){0};
        if (mode) {
                ret->facility = IMM_FACILITY_SET_ID_FILES;
                ret->says = imm_printf(a, "%s %s", name, mode);
        } else if (imm_streq(name, "hostname") && words->n == 2 && *words->v[1] != '-') {
                ret->facility = IMM_FACILITY_HOSTNAME;
                ret->says = "hostname and a name";
        } else if (imm_streq(name, "date") &&
                   (has_option(words, "-s") || has_option(words, "--set"))) {
                ret->facility = IMM_FACILITY_CLOCK;
                ret->says = "date --set";
        } else
                return false;
        return true;
}

/* Words of the shell's own before a command */
static bool is_keyword(const char *word) {
        static const char *const words[] = {"if", "then", "else", "elif", "do", "while", "until",
                "!", "{", "(", "exec", "command", "sudo", "time"};

        for (size_t i = 0; i < IMM_ELEMENTSOF(words); i++)
                if (imm_streq(word, words[i]))
                        return true;
        return false;
}

static bool ends_command(char c) {
        return c && strchr(";|&()`<>#", c);
}

/* The next word without its quotes; NULL: the command is over. What follows is at *s. */
static const char *take_word(const char **s, const char *end, struct imm_arena *a) {
        const char *at = *s, *word;
        char quote = 0;

        while (at < end && strchr(" \t\\", *at))
                at++;
        if (at < end && strchr("'\"", *at))
                quote = *at++;
        word = at;
        while (at < end && (quote ? *at != quote : !strchr(" \t'\"", *at) && !ends_command(*at)))
                at++;
        *s = at + (quote && at < end);
        return at > word || quote ? imm_strndup(a, word, (size_t)(at - word)) : NULL;
}

static bool is_whole_path(const char *word) {
        return *word == '/' && path_at(word, word + strlen(word), "") == strlen(word);
}

/* The word @k, if it is what the option says: its own or the next one's */
static const char *behind(const struct imm_strv *words, size_t k, const char *option) {
        const char *rest = imm_after(words->v[k], option);

        if (rest && *rest == '=')
                return rest + 1;
        return imm_streq(words->v[k - 1], option) ? words->v[k] : NULL;
}

/* What is behind "-czf" or "cf" */
static const char *archive(const struct imm_strv *words, size_t k) {
        const char *before = words->v[k - 1], *letters = before + (*before == '-');

        return strchr(letters, 'c') && imm_ends_with(letters, "f") &&
                               strspn(letters, "cfvzjJapP") == strlen(letters)
                       ? words->v[k]
                       : NULL;
}

/* "find /srv/old /home/?/tmp -mtime +7 -delete" */
static void find_deleted(struct file *f, const struct imm_strv *words, struct imm_arena *a) {
        if (!imm_streq(imm_base_name(words->v[0]), "find") || !has_option(words, "-delete"))
                return;
        for (size_t k = 1; k < words->n && *words->v[k] == '/'; k++) {
                size_t n = strcspn(words->v[k], "*?[");

                while (words->v[k][n] && n > 1 && words->v[k][n - 1] != '/')
                        n--;
                n -= n > 1 && words->v[k][n - 1] == '/';
                if (path_at(words->v[k], words->v[k] + n, "") == n)
                        add_deed(f, words->v[k], n, true, false, a);
        }
}

void find_command(struct file *f, const struct imm_strv *words, struct imm_arena *a) {
        const char *name = imm_base_name(words->v[0]);
        struct deed d;

        if (deed_by_arguments(words, a, &d))
                put_deed(f, d, a);
        find_deleted(f, words, a);
        for (size_t i = 0; i < IMM_ELEMENTSOF(writers); i++) {
                const struct writer *w = &writers[i];
                size_t first = w->given == LAST ? words->n - 1 : w->given == LATER ? 2 : 1;

                if (!imm_streq(name, w->name) || words->n < 2 || !has_option(words, w->option))
                        continue;
                for (size_t k = first; k < words->n; k++) {
                        const char *path = w->given == BEHIND    ? behind(words, k, w->option)
                                           : w->given == ARCHIVE ? archive(words, k)
                                                                 : words->v[k];

                        if (path && is_whole_path(path))
                                add_deed(f, path, strlen(path), true, w->makes, a);
                }
        }
}

/* Most lines have none of them: no word is taken apart in vain. */
static bool names_any(const char *line, size_t n) {
        static const char *const names[] = {"hostname", "date ", "chmod", "install", "mkdir"};

        if (!memchr(line, '/', n)) { /* no file that it names by its whole path */
                for (size_t i = 0; i < IMM_ELEMENTSOF(names); i++)
                        if (memmem(line, n, names[i], strlen(names[i])))
                                return true;
                return false;
        }
        for (size_t i = 0; i < IMM_ELEMENTSOF(names); i++)
                if (memmem(line, n, names[i], strlen(names[i])))
                        return true;
        for (size_t i = 0; i < IMM_ELEMENTSOF(writers); i++)
                if ((i == 0 || !imm_streq(writers[i].name, writers[i - 1].name)) &&
                        memmem(line, n, writers[i].name, strlen(writers[i].name)))
                        return true;
        return memmem(line, n, "-delete", 7);
}

void find_commands(struct file *f, const char *line, const char *end, struct imm_arena *a) {
        enum { WORDS_MAX = 24 };

        if (!names_any(line, (size_t)(end - line)))
                return;
        while (line < end && *line != '#') {
                struct imm_strv words = {0};
                const char *word;

                while ((word = take_word(&line, end, a)))
                        if (words.n < WORDS_MAX && (words.n > 0 || !is_keyword(word)))
                                *imm_array_push(a, &words) = word;
                if (words.n > 0)
                        find_command(f, &words, a);
                while (line < end && ends_command(*line) && *line != '#')
                        line++;
        }
}
