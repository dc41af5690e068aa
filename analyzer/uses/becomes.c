#include "analyzer/uses/uses-private.h"

#include <ctype.h>

/*
 * What a shell's script becomes in the end: the program behind `exec`, or the one that
 * start-stop-daemon(8) starts, by its path or by a variable which the script, or one that it reads,
 * sets to a path. Nothing is run: of a variable any value that is written somewhere will do.
 */

enum { EXECS_MAX = 8, VALUES_MAX = 64, WORD_MAX = 200 };

static bool is_path_byte(char c) {
        return isalnum((unsigned char)c) || (c && strchr("/._-+@%*#", c));
}

static bool is_name_byte(char c) {
        return isalnum((unsigned char)c) || c == '_';
}

/* The word at @s, its quotes taken off: a path, a name, or "$NAME" of "${NAME}"; NULL: neither */
static const char *word_at(const char *s, const char *end, struct imm_arena *a) {
        size_t n = 0;

        while (s < end && strchr(" \t(\"'", *s))
                s++;
        if (s < end && *s == '$') {
                s += 1 + (s + 1 < end && s[1] == '{');
                while (s + n < end && n < WORD_MAX && is_name_byte(s[n]))
                        n++;
                return n > 0 ? imm_printf(a, "$%.*s", (int)n, s) : NULL;
        }
        while (s + n < end && n < WORD_MAX && is_path_byte(s[n]))
                n++;
        return n > 1 && *s != '-' ? imm_strndup(a, s, n) : NULL;
}

static void add_exec(struct file *f, const char *word, struct imm_arena *a) {
        if (word && f->execs.n < EXECS_MAX)
                imm_strv_add(a, &f->execs, word);
}

/* "NAME=/path" at the beginning of a line */
static void find_value(struct file *f, const char *line, const char *end, struct imm_arena *a) {
        const char *name = line, *value;

        if (end - line > 7 && imm_after(line, "export "))
                name = line += 7;
        while (line < end && is_name_byte(*line))
                line++;
        if (line == name || line - name > WORD_MAX || line >= end || *line != '=' ||
                f->values.n >= VALUES_MAX)
                return;
        value = word_at(line + 1, end, a);
        if (value && *value == '/')
                imm_strv_add(
                        a, &f->values, imm_printf(a, "%.*s=%s", (int)(line - name), name, value));
}

/* What follows the option, behind a space or "="; NULL: the line has it not */
static const char *behind_option(const char *line, const char *end, const char *option) {
        const size_t n = strlen(option);
        const char *at = memmem(line, (size_t)(end - line), option, n);

        return at && at > line && at + n < end && strchr(" \t", at[-1]) && strchr(" \t=", at[n])
                       ? at + n + 1
                       : NULL;
}

/* "start-stop-daemon --start --chuid USER --exec PROGRAM" */
static void find_start(struct file *f, const char *line, const char *end, struct imm_arena *a) {
        static const char *const options[] = {"--exec", "-x", "--startas", "-a"};
        const size_t size = (size_t)(end - line);
        const char *daemon = memmem(line, size, "start-stop-daemon", 17);

        if (!daemon || memmem(daemon, (size_t)(end - daemon), "--stop", 6) ||
                memmem(daemon, (size_t)(end - daemon), " -K", 3))
                return;
        f->gives_user |= behind_option(line, end, "--chuid") || behind_option(line, end, "-c");
        for (size_t i = 0; i < IMM_ELEMENTSOF(options); i++) {
                const char *program = behind_option(line, end, options[i]);

                if (program)
                        add_exec(f, word_at(program, end, a), a);
        }
}

/* Where the line at @s ends, with those that it goes on with */
static const char *line_end(const char *s, const char *end) {
        for (const char *at = s; (at = memchr(at, '\n', (size_t)(end - at))); at++)
                if (at == s || at[-1] != '\\')
                        return at;
        return end;
}

/* Behind "exec" as a command: at the line's beginning, or "a && exec PROGRAM"; NULL: there is none
 */
static const char *behind_exec(const char *line, const char *end) {
        for (const char *s = line; (s = memmem(s, (size_t)(end - s), "exec", 4)); s++) {
                const char *before = s;

                if (end - s < 7 || !strchr(" (", s[4]) || (s > line && !strchr(" \t;&|", s[-1])))
                        continue;
                while (before > line && strchr(" \t", before[-1]))
                        before--;
                if (before == line || strchr(";&|", before[-1]))
                        return s + 4;
        }
        return NULL;
}

void find_execs(struct file *f, const char *data, size_t n, struct imm_arena *a) {
        const char *end = data + n, *next;

        for (const char *line = data; line < end; line = next) {
                const char *stop = line_end(line, end), *exec;

                next = stop < end ? stop + 1 : end;
                while (line < stop && strchr(" \t", *line))
                        line++;
                if (line == stop || *line == '#')
                        continue;
                exec = behind_exec(line, stop);
                if (exec)
                        add_exec(f, word_at(exec, stop, a), a);
                find_start(f, line, stop, a);
                find_value(f, line, stop, a);
        }
}

/* Does the word of a script stand for that program, by a value that @f sets? */
static bool stands_for(const char *word, const struct file *f, const struct imm_need *n) {
        size_t length = strlen(word) - 1;

        for (size_t i = 0; i < f->values.n; i++) {
                const char *value = f->values.v[i];

                if (strncmp(value, word + 1, length) == 0 && value[length] == '=' &&
                        imm_streq(imm_base_name(value), imm_base_name(n->name ? n->name : n->path)))
                        return true;
        }
        return false;
}

/* The script that reads it, and reads it not by another; -1: none does */
static int reader_of(const struct imm_closure *cl, int at) {
        while (at >= 0 && is_sourced(&cl->v[at]))
                at = cl->v[at].by;
        return at;
}

/* ... by a value of the script, or of what it reads */
static bool is_meant(const struct collector *c, const char *word, const struct file *script, int at,
        const struct imm_need *n) {
        if (stands_for(word, script, n))
                return true;
        for (size_t i = 0; i < c->closure->n; i++) {
                const struct imm_need *read = &c->closure->v[i];

                if (read->host_path && is_sourced(read) && reader_of(c->closure, (int)i) == at &&
                        stands_for(word, file_of(c->m, read->host_path, FILE_STRINGS), n))
                        return true;
        }
        return false;
}

/* "sh -c 'exec PROGRAM'": of a command of the unit, whoever else runs the program before */
static bool is_of_line(const struct collector *c, const struct imm_need *n) {
        const struct imm_value *v = imm_setting(c->s, IMM_SETTING_EXEC_START);

        imm_array_foreach (cmd, &v->commands) {
                struct file line = {0};

                if (cmd->argv.n < 3 || !runs_lines(imm_base_name(cmd->path)) ||
                        !imm_streq(cmd->argv.v[1], "-c"))
                        continue;
                find_execs(&line, cmd->argv.v[2], strlen(cmd->argv.v[2]), c->a);
                for (size_t i = 0; i < line.execs.n; i++)
                        if (imm_streq(imm_base_name(line.execs.v[i]),
                                    imm_base_name(n->name ? n->name : n->path)))
                                return true;
        }
        return false;
}

bool is_become(const struct collector *c, const struct imm_need *n) {
        const struct file *script;
        const struct imm_need *by;
        int at;

        if (n->kind != IMM_NEED_COMMAND)
                return false;
        if (is_of_line(c, n))
                return true;
        at = reader_of(c->closure, n->by);
        by = at >= 0 ? &c->closure->v[at] : NULL;
        if (!by || !by->host_path || by->kind != IMM_NEED_PROGRAM)
                return false;
        script = file_of(c->m, by->host_path, FILE_STRINGS);
        if (script->elf)
                return false;
        for (size_t i = 0; i < script->execs.n; i++) {
                const char *word = script->execs.v[i];

                if (*word == '$' ? is_meant(c, word, script, at, n)
                                 : imm_streq(imm_base_name(word), imm_base_name(n->path)) ||
                                           (n->name && imm_streq(imm_base_name(word),
                                                               imm_base_name(n->name))))
                        return true;
        }
        return false;
}
