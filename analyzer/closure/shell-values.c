#include "analyzer/closure/shell-private.h"

#include <ctype.h>
#include <fnmatch.h>

/*
 * What variables of a shell script hold, as far as its text says so in plain words: a value that a
 * branch or loop sets is one of several that there may be, any other takes the place of the one
 * before. What a command prints, or a user or the caller's environment gives, is not known, and a
 * word with it in it is left out.
 */

enum {
        VALUES_MAX = 16,
        WORDS_MAX = 16,
        VALUE_LENGTH_MAX = 4096,
        PARAMETER_MAX = 1024, /* bytes between "${" and "}" */
        NAMES_MAX = 4096,
        NESTED_MAX = 4,
        EXPANDED_MAX = 16 << 20, /* bytes that expansions of a unit's scripts come to */
};

/* What stands behind an array's name for its first value, which the name alone means as well */
#define FIRST "[0]"

struct value {
        unsigned n; /* 0: it is not known */
        const char *v[VALUES_MAX];
};

static size_t name_length(const char *s) {
        size_t n = 0;

        if (!isalpha((unsigned char)*s) && *s != '_')
                return *s == '0';
        while (isalnum((unsigned char)s[n]) || s[n] == '_')
                n++;
        return n;
}

/* Behind the '}' that closes what begins behind "${"; NULL: not on this line, or far away */
static const char *closing(const char *s) {
        const char *end = s + strnlen(s, PARAMETER_MAX);
        unsigned open = 0;

        for (; s < end && *s != '\n' && *s != '`'; s++)
                if (s[0] == '$' && s[1] == '(')
                        return NULL;
                else if (*s == '\\' && s[1])
                        s++;
                else if (s[0] == '$' && s[1] == '{')
                        open++;
                else if (*s == '}' && open-- == 0)
                        return s + 1;
        return NULL;
}

size_t shell_parameter(const char *s) {
        const char *name = s + 1, *end;
        struct shell_output unused;
        size_t n;

        if (*s == '`' || *name == '(')
                return shell_output(s, 0, &unused);
        if (*name != '{')
                return name_length(name) ? 1 + name_length(name) : 0;
        n = name_length(++name);
        n += n > 0 && imm_after(name + n, FIRST) ? strlen(FIRST) : 0;
        if (n == 0 || !strchr("}:-=%#", name[n]) || (name[n] == ':' && !strchr("-=", name[n + 1])))
                return 0;
        end = closing(name + n);
        return end ? (size_t)(end - s) : 0;
}

static struct value *value_of(const struct shell_values *to, const char *name) {
        return imm_map_get(&to->values, name);
}

void shell_forget(struct builder *b, struct shell_values *to, const char *name) {
        struct value *v = value_of(to, name);

        if (v)
                v->n = 0;
        else if (to->values.n < NAMES_MAX)
                imm_map_put(b->arena, &to->values, imm_strdup(b->arena, name),
                        imm_new(b->arena, struct value));
}

void shell_set(struct builder *b, struct shell_values *to, const char *name, const char *text,
        bool perhaps) {
        struct value *v = value_of(to, name);

        if (!v) {
                shell_forget(b, to, name);
                v = value_of(to, name);
        }
        if (!v || strlen(text) > VALUE_LENGTH_MAX)
                return;
        if (!perhaps)
                v->n = 0;
        for (unsigned i = 0; i < v->n; i++)
                if (imm_streq(v->v[i], text))
                        return;
        if (v->n < VALUES_MAX)
                v->v[v->n++] = imm_strdup(b->arena, text);
        if (imm_streq(name, "PATH")) {
                builder_set_search_path(b, text);
                to->ran = (struct imm_map){0};
        } else if (!perhaps && imm_streq(name, "LD_LIBRARY_PATH"))
                b->library_path = v->v[0];
        else if (!perhaps && imm_streq(name, "LD_PRELOAD"))
                b->preload = v->v[0];
}

struct shell_saved shell_save(
        struct builder *b, const struct shell_values *from, const char *name) {
        const struct value *v = value_of(from, name);
        struct shell_saved s = {
                imm_strdup(b->arena, name), NULL, b->path, b->library_path, b->preload};

        if (v) {
                s.value = imm_new(b->arena, struct value);
                *s.value = *v;
        }
        return s;
}

void shell_restore(struct builder *b, struct shell_values *to, const struct shell_saved *saved) {
        imm_map_put(b->arena, &to->values, saved->name, saved->value);
        if (imm_streq(saved->name, "PATH")) {
                b->path = saved->path;
                to->ran = (struct imm_map){0};
        }
        b->library_path = saved->library_path;
        b->preload = saved->preload;
}

/* ---- expansion ---- */

struct words {
        unsigned n;
        const char *v[WORDS_MAX];
};

static void words_add(struct words *w, const char *s) {
        for (unsigned i = 0; i < w->n; i++)
                if (imm_streq(w->v[i], s))
                        return;
        if (w->n < WORDS_MAX && strlen(s) <= VALUE_LENGTH_MAX)
                w->v[w->n++] = s;
}

static bool expand(struct builder *b, struct shell_values *from, const char *text, unsigned depth,
        struct words *ret);

/* May expansions come to @n bytes more? Scripts whose values double again and again come to all
 * memory. */
static bool affords(struct builder *b, size_t n) {
        if (n > EXPANDED_MAX - b->shell_expanded)
                return false;
        b->shell_expanded += n;
        return true;
}

/* ${NAME%PATTERN} and its kin, with one or two of the sign; NULL: that would take too long */
static const char *without(struct builder *b, const char *s, const char *how, const char *pattern) {
        size_t n = strlen(s);
        bool longest = how[1] == *how;
        char *copy;

        /* each of the cuts may be compared with all of the pattern from each of its bytes on */
        if (!affords(b, (n + 1) * (n + 1) * (1 + strlen(pattern) / 8)))
                return NULL;
        copy = imm_strndup(b->arena, s, n);
        for (size_t i = 0; i <= n; i++) {
                size_t cut = longest ? n - i : i; /* so many bytes go */
                bool matches;

                if (*how == '%')
                        matches = fnmatch(pattern, s + n - cut, 0) == 0;
                else {
                        copy[cut] = 0;
                        matches = fnmatch(pattern, copy, 0) == 0;
                        copy[cut] = s[cut];
                }
                if (!matches)
                        continue;
                if (*how == '#')
                        return s + cut;
                copy[n - cut] = 0;
                return copy;
        }
        return s;
}

/* What dirname(1) and basename(1) print */
static const char *part_of(struct builder *b, const char *path, enum shell_gives gives) {
        size_t n = strlen(path), dir;

        while (n > 1 && path[n - 1] == '/')
                n--;
        for (dir = n; dir > 0 && path[dir - 1] != '/';)
                dir--;
        if (gives == SHELL_NAME)
                return n > 1 ? imm_strndup(b->arena, path + dir, n - dir) : path;
        if (dir == 0)
                return ".";
        while (dir > 1 && path[dir - 1] == '/')
                dir--;
        return imm_strndup(b->arena, path, dir);
}

/* What readlink(1) with -f prints; the path itself where there is nothing */
static const char *real_path(struct builder *b, const char *path) {
        struct place p;

        if (view_find(&b->view, b->cwd, path, &p) < 0 &&
                (!b->hides || view_find(&b->plain, b->cwd, path, &p) < 0))
                return path;
        return p.path;
}

static const char *printed(struct builder *b, const char *argument, enum shell_gives gives) {
        if (gives == SHELL_DIRECTORY || gives == SHELL_NAME)
                return part_of(b, argument, gives);
        return gives == SHELL_REAL ? real_path(b, argument) : argument;
}

/* What "$(...)" at @s gives, as shell_parameter() has found it */
static bool output(struct builder *b, struct shell_values *from, const char *s, unsigned depth,
        struct words *ret) {
        struct words words = {0};
        struct shell_output o;
        char *text, *to;

        if (shell_output(s, 0, &o) == 0)
                return false;
        text = to = imm_strndup(b->arena, o.argument, o.n);
        for (const char *c = text; *c; c++)
                if (*c != '"')
                        *to++ = *c;
        *to = 0;
        if (!expand(b, from, text, depth + 1, &words))
                return false;
        for (unsigned i = 0; i < words.n; i++) {
                if (!shell_is_known(words.v[i]))
                        return false;
                words_add(ret, printed(b, words.v[i], o.gives));
                if (o.gives == SHELL_PROGRAM)
                        need_command(b, words.v[i], from->by);
        }
        return true;
}

/* What the parameter of @n bytes at @s may be; false: nobody knows */
static bool parameter(struct builder *b, struct shell_values *from, const char *s, size_t n,
        unsigned depth, struct words *ret) {
        bool curly = s[1] == '{';
        const char *name = s + 1 + curly, *known, *how, *operand;
        size_t length = name_length(name);
        struct value *v;

        if (s[1] == '(')
                return output(b, from, s, depth, ret);
        name = imm_strndup(b->arena, name, length);
        how = s + 1 + curly + length;
        how += imm_after(how, FIRST) && curly ? strlen(FIRST) : 0;
        v = value_of(from, name);
        known = !v && *name != '0' ? imm_map_get(&b->environment, name) : NULL;
        for (unsigned i = 0; v && i < v->n; i++)
                words_add(ret, v->v[i]);
        if (!v && imm_streq(name, "PATH"))
                known = builder_search_path(b);
        if (known)
                words_add(ret, known);
        if (*name == '0' && from->script)
                words_add(ret, from->script);
        if (imm_streq(name, "BASH_SOURCE") && from->file)
                words_add(ret, from->file);
        if (!curly || *how == '}')
                return ret->n > 0;
        operand = how + 1 + (how[1] == *how || *how == ':');
        operand = imm_strndup(b->arena, operand, (size_t)(s + n - 1 - operand));
        if (*how == '%' || *how == '#') {
                if (strpbrk(operand, "$\"'\\"))
                        return false;
                for (unsigned i = 0; i < ret->n; i++)
                        if (!shell_is_known(ret->v[i]) ||
                                !(ret->v[i] = without(b, ret->v[i], how, operand)))
                                return false;
                return ret->n > 0;
        }
        if (ret->n > 0 && (*how != ':' || *ret->v[0]))
                return true;
        ret->n = 0;
        if (strpbrk(operand, "\"'\\*?[") || !expand(b, from, operand, depth + 1, ret))
                return false;
        if (how[*how == ':'] == '=')
                shell_set(b, from, name, ret->v[0], true);
        return true;
}

static const char unknown[] = {SHELL_UNKNOWN, 0};

bool shell_is_known(const char *text) {
        return !strchr(text, SHELL_UNKNOWN);
}

/* A value that stands outside of quotes is words of their own. */
static const char *split(struct builder *b, const char *s) {
        char *copy = imm_strdup(b->arena, s);

        for (char *c = copy; *c; c++)
                if (isspace((unsigned char)*c))
                        *c = SHELL_SPLIT;
        return copy;
}

/* @s and the first @n bytes of @more */
static const char *joined(struct builder *b, const char *s, const char *more, size_t n) {
        size_t had = strlen(s);
        char *p;

        if (n == 0)
                return s;
        p = imm_alloc_raw(b->arena, had + n + 1);
        memcpy(p, s, had);
        memcpy(p + had, more, n);
        p[had + n] = 0;
        return p;
}

/* All that @text may be, with its parameters between marks or as they are written */
static bool expand(struct builder *b, struct shell_values *from, const char *text, unsigned depth,
        struct words *ret) {
        struct words done = {.n = 1, .v = {""}};

        if (depth > NESTED_MAX)
                return false;
        while (*text) {
                size_t n = strcspn(text, "$"), mark = n > 0 && text[n] ? text[n - 1] : 0;
                bool marked = mark == SHELL_BARE || mark == SHELL_QUOTED;
                struct words values = {0}, next = {0};

                for (unsigned i = 0; i < done.n; i++) {
                        if (!affords(b, strlen(done.v[i]) + n))
                                return false;
                        done.v[i] = joined(b, done.v[i], text, n - marked);
                }
                text += n;
                if (!*text)
                        break;
                n = shell_parameter(text);
                if (n == 0)
                        return false;
                if (!parameter(b, from, text, n, depth, &values)) {
                        if (depth > 0)
                                return false;
                        values = (struct words){.n = 1, .v = {unknown}};
                }
                text += n;
                for (unsigned i = 0; i < done.n; i++)
                        for (unsigned k = 0; k < values.n; k++) {
                                const char *v = values.v[k];

                                if (!affords(b, strlen(done.v[i]) + 2 * strlen(v)))
                                        return false;
                                if (mark == SHELL_BARE)
                                        v = split(b, v);
                                words_add(&next, joined(b, done.v[i], v, strlen(v)));
                        }
                done = next;
        }
        for (unsigned i = 0; i < done.n; i++)
                words_add(ret, done.v[i]);
        return ret->n > 0;
}

unsigned shell_expand(struct builder *b, struct shell_values *from, const char *text,
        const char **ret, unsigned max) {
        struct words w = {0};

        if (!expand(b, from, text, 0, &w))
                return 0;
        for (unsigned i = 0; i < w.n && i < max; i++)
                ret[i] = w.v[i];
        return w.n < max ? w.n : max;
}
