#include "analyzer/closure/closure-private.h"

/*
 * The files of EnvironmentFile=, by systemd's own rules, which are hardly a shell's: lines end at
 * CR as well, quotes mean something only before the first plain character, blanks around '=' and
 * at a line's end are dropped.
 */

static const char blanks[] = " \t", line_ends[] = "\r\n";

static bool is_one_of(char c, const char *set) {
        return c && strchr(set, c);
}

/* Up to the closing quote; @n counts what is written to @out. Returns what comes behind it. */
static const char *quoted(const char *s, char quote, char *out, size_t *n) {
        for (; *s && *s != quote; s++) {
                if (quote == '"' && *s == '\\' && s[1]) {
                        s++;
                        if (*s == '\n')
                                continue;
                        if (!is_one_of(*s, "\"\\`$"))
                                out[(*n)++] = '\\';
                }
                out[(*n)++] = *s;
        }
        return *s ? s + 1 : s;
}

/* The rest of a line that a plain character or a backslash begins */
static const char *plain(const char *s, char *out, size_t *n) {
        size_t keep = *n;

        for (; *s && !is_one_of(*s, line_ends); s++) {
                bool escaped = *s == '\\';

                if (escaped && !*++s)
                        break;
                if (escaped && is_one_of(*s, line_ends)) {
                        keep = *n;
                        continue;
                }
                out[(*n)++] = *s;
                if (escaped || !is_one_of(*s, blanks))
                        keep = *n;
        }
        *n = keep;
        return s;
}

static const char *read_value(const char *s, char *out, size_t *n) {
        for (;;) {
                s += strspn(s, blanks);
                if (*s == '\'' || *s == '"')
                        s = quoted(s + 1, *s, out, n);
                else
                        return plain(s, out, n);
        }
}

static const char *pass_comment(const char *s, unsigned version) {
        for (; *s && !is_one_of(*s, line_ends); s++)
                if (*s == '\\' && s[1] && (version < 254 || !is_one_of(s[1], line_ends)))
                        s++;
        return s;
}

void read_environment_text(const char *s, unsigned version, struct imm_arena *a,
        void (*each)(void *data, const char *name, const char *value), void *data) {
        char *out = imm_alloc(a, strlen(s) + 1);

        while (*(s += strspn(s, " \t\r\n"))) {
                const char *name = s;
                size_t n = strcspn(s, "=\r\n"), length = 0;

                if (*s == '#' || *s == ';') {
                        s = pass_comment(s, version);
                        continue;
                }
                s += n;
                if (*s != '=')
                        continue;
                while (n > 0 && is_one_of(name[n - 1], blanks))
                        n--;
                s = read_value(s + 1, out, &length);
                if (n > 0)
                        each(data, imm_strndup(a, name, n), imm_strndup(a, out, length));
        }
}
