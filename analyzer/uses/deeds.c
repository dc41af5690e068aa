#include "analyzer/uses/uses-private.h"

#include <ctype.h>

/*
 * What commands of the unit and lines of scripts do to files that they name by a whole path: calls
 * that open or make one, redirections of a shell, commands like touch(1). A path that is put
 * together from parts is not known. Whether a script comes by that line is not known either: what
 * it does there is a function that is missed.
 */

enum { DEEDS_MAX = 64, PATH_LENGTH_MAX = 200 };

static bool is_path_byte(char c) {
        return isalnum((unsigned char)c) || (c && strchr("/._-+@%", c));
}

static bool is_name_byte(char c) {
        return isalnum((unsigned char)c) || c == '_';
}

/* What stands for no file of the root, or is everybody's */
static bool is_nobodys(const char *path) {
        static const char *const tops[] = {"/dev", "/tmp", "/var/tmp"};

        for (size_t i = 0; i < IMM_ELEMENTSOF(tops); i++)
                if (imm_path_below(path, tops[i]))
                        return true;
        if (imm_streq(path, "/home") || imm_streq(path, "/root"))
                return false;
        return strchr(path + 1, '/') == NULL || strchr(path, '%') || strstr(path, "/../");
}

/* Of the kernel and no process: "/proc/stat" */
bool is_of_kernel(const char *path) {
        const char *rest = imm_after(path, "/proc/");

        return rest && islower((unsigned char)*rest) && !imm_after(rest, "self") &&
               !imm_after(rest, "thread-self") && !imm_after(rest, "sys");
}

/* False: it is nothing that a setting could refuse. */
static bool deed_of(const char *path, bool writes, enum imm_facility *ret) {
        if (writes && imm_path_below(path, "/sys/fs/cgroup"))
                *ret = IMM_FACILITY_CGROUPS;
        else if (writes && (imm_path_below(path, "/proc") || imm_path_below(path, "/sys")))
                *ret = IMM_FACILITY_TUNABLES;
        else if (writes && !is_nobodys(path))
                *ret = IMM_FACILITY_WRITE;
        else if (!writes && is_of_kernel(path))
                *ret = IMM_FACILITY_PROC_FILE;
        else if (!writes && (imm_after(path, "/home/") || imm_after(path, "/root/")))
                *ret = IMM_FACILITY_READ;
        else
                return false;
        return !imm_after(path, "/proc/self/") && !strstr(path, "//");
}

void put_deed(struct file *f, struct deed d, struct imm_arena *a) {
        if (f->n_deeds >= DEEDS_MAX)
                return;
        if (!f->deeds)
                f->deeds = imm_alloc_array(a, DEEDS_MAX, sizeof(*f->deeds));
        f->deeds[f->n_deeds++] = d;
}

void add_deed(
        struct file *f, const char *path, size_t n, bool writes, bool makes, struct imm_arena *a) {
        struct deed d = {.path = imm_strndup(a, path, n), .makes = makes};

        if (deed_of(d.path, writes, &d.facility))
                put_deed(f, d, a);
}

size_t path_at(const char *s, const char *end, const char *stops) {
        size_t n = 0;

        if (s >= end || *s != '/')
                return 0;
        while (s + n < end && n < PATH_LENGTH_MAX && is_path_byte(s[n]))
                n++;
        return n > 2 && (s + n == end || strchr(stops, s[n])) ? n : 0;
}

/* ---- calls: open("/path", "w") ---- */

/* Behind the path: the mode, which says whether it is written; by default it is read */
static bool opens_to_write(const char *s, const char *end) {
        size_t n = 0;

        while (s < end && strchr(" ,", *s))
                s++;
        if (end - s > 5 && memcmp(s, "mode=", 5) == 0)
                s += 5;
        if (s >= end || (*s != '\'' && *s != '"'))
                return false;
        for (s++; s + n < end && n < 4 && strchr("rwaxbt+", s[n]); n++)
                if (strchr("wax+", s[n]))
                        return true;
        return false;
}

static void find_calls(struct file *f, const char *line, const char *end, struct imm_arena *a) {
        static const struct {
                const char *name;
                bool writes; /* else the mode says */
                bool makes;
        } calls[] = {
                {"open(", false, false},
                {"fopen(", false, false},
                {"makedirs(", true, true},
                {"mkdir(", true, true},
                {"mkdirSync(", true, true},
                {"writeFile(", true, false},
                {"writeFileSync(", true, false},
                {"appendFileSync(", true, false},
                {"file_put_contents(", true, false},
        };

        for (size_t i = 0; i < IMM_ELEMENTSOF(calls); i++) {
                size_t length = strlen(calls[i].name), n;
                const char *s = memmem(line, (size_t)(end - line), calls[i].name, length), *path;

                if (!s || (s > line && is_name_byte(s[-1])) || end - s < (ptrdiff_t)length + 3)
                        continue; /* the first one of a line counts */
                path = s + length + 1;
                if (path[-1] != '\'' && path[-1] != '"')
                        continue;
                n = path_at(path, end, (const char[]){path[-1], 0});
                if (n == 0 || path + n >= end || !strchr("),", path[n + 1]))
                        continue;
                add_deed(f, path, n, calls[i].writes || opens_to_write(path + n + 1, end),
                        calls[i].makes, a);
        }
}

/* chmod(path, 0o2775) */
static void find_modes(struct file *f, const char *line, const char *end, struct imm_arena *a) {
        const char *s = memmem(line, (size_t)(end - line), "chmod", 5);

        for (; s && end - s > 6; s++)
                if (memcmp(s, "0o", 2) == 0 && strspn(s + 2, "01234567") == 4 &&
                        ((s[2] - '0') & 6)) {
                        put_deed(f,
                                (struct deed){.facility = IMM_FACILITY_SET_ID_FILES,
                                        .says = imm_printf(a, "chmod %.6s", s)},
                                a);
                        return;
                }
}

/* ---- shells ---- */

static void find_redirections(
        struct file *f, const char *line, const char *end, struct imm_arena *a) {
        for (const char *s = line; (s = memchr(s, '>', (size_t)(end - s))); s++) {
                const char *before = s;
                bool quoted;
                size_t n;

                if (s > line && !strchr(" \t12&", s[-1]))
                        continue; /* "<b>" and "->" */
                if (before > line && isdigit((unsigned char)before[-1]) &&
                        !(before - 1 == line || strchr(" \t", before[-2])))
                        continue;
                s += s + 1 < end && s[1] == '>';
                for (s++; s < end && strchr(" \t", *s);)
                        s++;
                quoted = s < end && *s == '"';
                n = path_at(s + quoted, end, quoted ? "\"" : " \t;&|)\n");
                if (n > 0)
                        add_deed(f, s + quoted, n, true, false, a);
                if (s >= end)
                        return;
        }
}

void find_deeds(struct file *f, const char *data, size_t n, bool shell, struct imm_arena *a) {
        const char *end = data + n, *stop;

        for (const char *line = data; line < end && f->n_deeds < DEEDS_MAX; line = stop + 1) {
                stop = memchr(line, '\n', (size_t)(end - line));
                stop = stop ? stop : end;
                while (line < stop && strchr(" \t", *line))
                        line++;
                if (line == stop || *line == '#' || imm_after(line, "//"))
                        continue;
                if (shell) {
                        find_redirections(f, line, stop, a);
                        find_commands(f, line, stop, a);
                } else {
                        find_calls(f, line, stop, a);
                        find_modes(f, line, stop, a);
                }
        }
}

static bool is_there(const struct collector *c, const char *path) {
        struct stat st;

        return imm_root_stat(c->m->root, path, &st) == 0;
}

void use_deeds(struct collector *c, const struct file *f, const char *path) {
        for (size_t i = 0; i < f->n_deeds; i++) {
                const struct deed *d = &f->deeds[i];

                if (!d->makes || !is_there(c, d->path))
                        use_add(c, d->facility, PART, NULL, d->path, "%s has a line with %s", path,
                                d->says ? d->says : d->path);
        }
}

/* ---- commands of the unit ---- */

static void of_command(struct collector *c, const struct imm_command_item *cmd) {
        enum strength how = cmd->flags & IMM_COMMAND_IGNORE_FAILURE ? MAY : DOES;
        struct imm_strv words = {0};
        struct file line = {0};

        for (size_t i = 0; i < cmd->argv.n; i++)
                *imm_array_push(c->a, &words) = i > 0 ? cmd->argv.v[i] : cmd->path;
        if (words.n > 0)
                find_command(&line, &words, c->a);
        for (size_t i = 0; i < line.n_deeds; i++) {
                const struct deed *d = &line.deeds[i];

                if (!d->makes || !is_there(c, d->path))
                        use_add(c, d->facility, how, NULL, d->path, "%s %s", cmd->path,
                                d->says ? d->says : d->path);
        }
}

/* sh -c 'LINE' */
static void of_line(struct collector *c, const struct imm_command_item *cmd) {
        struct file line = {0};

        if (cmd->argv.n < 3 || !imm_streq(cmd->argv.v[1], "-c") ||
                !runs_lines(imm_base_name(cmd->path)))
                return;
        find_deeds(&line, cmd->argv.v[2], strlen(cmd->argv.v[2]), true, c->a);
        use_deeds(c, &line, cmd->path);
}

void use_commands(struct collector *c) {
        static const enum imm_setting settings[] = {
                IMM_SETTING_EXEC_START_PRE, IMM_SETTING_EXEC_START, IMM_SETTING_EXEC_START_POST};

        for (size_t s = 0; s < IMM_ELEMENTSOF(settings); s++) {
                const struct imm_value *v = imm_setting(c->s, settings[s]);

                for (size_t i = 0; v->type == IMM_VALUE_COMMANDS && i < v->commands.n; i++) {
                        set_command(c, &v->commands.v[i], settings[s] == IMM_SETTING_EXEC_START);
                        of_command(c, &v->commands.v[i]);
                        of_line(c, &v->commands.v[i]);
                }
        }
}
