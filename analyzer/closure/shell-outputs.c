#include "analyzer/closure/shell-private.h"

/*
 * Substitutions whose output the text tells, though nothing is run: where a script lies, and where
 * a program does. Any other command may print what it likes.
 */

enum { NESTED_MAX = 4, OUTPUT_MAX = 1024 /* bytes of one */ };

/* By how they begin, behind "$(" or "`" */
static const struct row {
        const char *begins;
        const char *runs; /* NULL: it is a part of the shell */
        enum shell_gives gives;
        bool enters; /* cd: what it gives is printed by the pwd behind it */
} rows[] = {
        {"dirname ", "dirname", SHELL_DIRECTORY, false},
        {"basename ", "basename", SHELL_NAME, false},
        {"readlink -f ", "readlink", SHELL_REAL, false},
        {"readlink -e ", "readlink", SHELL_REAL, false},
        {"realpath ", "realpath", SHELL_REAL, false},
        {"which ", "which", SHELL_PROGRAM, false},
        {"command -v ", NULL, SHELL_PROGRAM, false},
        {"type -p ", NULL, SHELL_PROGRAM, false},
        {"cd ", NULL, SHELL_SAME, true},
        {"cd -P ", NULL, SHELL_SAME, true},
};

/* Of two that fit the longer one */
static const struct row *row_of(const char *s) {
        const struct row *best = NULL;

        for (size_t i = 0; i < IMM_ELEMENTSOF(rows); i++)
                if (rows[i].begins[0] == s[0] && imm_after(s, rows[i].begins) &&
                        (!best || strlen(best->begins) < strlen(rows[i].begins)))
                        best = &rows[i];
        return best;
}

/* Behind redirections to nowhere, like "&>/dev/null" and "2>&1" */
static const char *pass_redirections(const char *s) {
        for (;;) {
                const char *to = s + strspn(s, " "), *end;

                to += *to == '&' || *to == '1' || *to == '2';
                if (*to++ != '>')
                        return s + strspn(s, " ");
                to += strspn(to, " ");
                end = imm_after(to, "/dev/null");
                if (!end)
                        end = imm_after(to, "&1");
                if (!end)
                        return s;
                s = end;
        }
}

/* Behind "&& pwd", which follows a cd; NULL: something else does */
static const char *pass_pwd(const char *s) {
        const char *rest;

        s = pass_redirections(s);
        rest = imm_after(s, "&&");
        if (!rest)
                rest = imm_after(s, ";");
        if (!rest)
                return NULL;
        rest = imm_after(rest + strspn(rest, " "), "pwd");
        if (!rest)
                return NULL;
        s = imm_after(rest, " -P");
        if (!s)
                s = imm_after(rest, " -L");
        return pass_redirections(s ? s : rest);
}

/* Behind the one word at @s; NULL: it cannot be understood */
static const char *pass_argument(const char *s, unsigned depth) {
        const char *from = s;
        unsigned open = 0;

        for (; s - from < OUTPUT_MAX && *s && !strchr("\n`'*?[;|&<> \\", *s); s++) {
                struct shell_output unused;
                size_t n = 0;

                if (s[0] == '$' && s[1] == '(') {
                        n = shell_output(s, depth + 1, &unused);
                        if (n == 0)
                                return NULL;
                } else if (*s == '$')
                        n = shell_parameter(s);
                else if (*s == '(')
                        open++;
                else if (*s == ')' && open-- == 0)
                        return s;
                s += n > 0 ? n - 1 : 0;
        }
        return s;
}

size_t shell_output(const char *s, unsigned depth, struct shell_output *ret) {
        bool tick = *s == '`';
        const char *at = s + (tick ? 1 : 2), *end;
        const struct row *row;

        at += strspn(at, " ");
        row = depth < NESTED_MAX ? row_of(at) : NULL;
        if (!row)
                return 0;
        at += strlen(row->begins);
        at += strspn(at, " ");
        if (imm_after(at, "-- "))
                at += 2 + strspn(at + 2, " ");
        end = pass_argument(at, depth);
        if (!end || end == at)
                return 0;
        *ret = (struct shell_output){.argument = at, .n = (size_t)(end - at), .gives = row->gives};
        end = row->enters ? pass_pwd(end) : end + strspn(end, " ");
        return end && *end == (tick ? '`' : ')') ? (size_t)(end + 1 - s) : 0;
}

void shell_runs(struct builder *b, const char *s, size_t n, int by) {
        for (const char *end = s + n; (s = memmem(s, (size_t)(end - s), "$(", 2)); s += 2) {
                const struct row *row = row_of(s + 2 + strspn(s + 2, " "));

                if (row && row->runs)
                        need_command(b, row->runs, by);
        }
}
