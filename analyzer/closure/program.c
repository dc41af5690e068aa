#include "analyzer/closure/closure-private.h"

#include <ctype.h>
#include <errno.h>

/*
 * What execve(2) does with a file: an ELF file brings its interpreter and libraries, a script the
 * program of its first line, which may be a script again.
 */

enum { CHAIN_MAX = 5, DEPTH_MAX = 6 };

static bool is_executable(const struct place *p) {
        return p->node && S_ISREG(p->node->mode) && (p->node->mode & 0111) &&
               !(p->mount && (p->mount->flags & IMM_MOUNT_NOEXEC));
}

static int search_path(const struct imm_strv *dirs, struct imm_arena *a, struct view *v,
        const char *name, struct place *ret) {
        for (size_t i = 0; i < dirs->n; i++) {
                const char *dir = dirs->v[i];

                if (view_find(v, NULL, path_join(a, dir, strlen(dir), name, strlen(name)), ret) ==
                                0 &&
                        is_executable(ret))
                        return 0;
        }
        return -ENOENT;
}

/* The same names are looked for again and again: in the plain root once, for all units. */
struct known_commands {
        struct imm_map names; /* -> struct known_command */
};
struct known_command {
        int error;
        struct place place;
        struct found_by by;
};

static const struct known_command *learn(
        struct imm_closures *c, struct command_path *path, const char *name) {
        struct learner *t = learner_take(c);
        struct known_command *k = imm_new(t->arena, struct known_command);
        const struct known_command *had;

        k->error = search_path(&path->dirs, t->scratch, &t->view, name, &k->place);
        if (k->error < 0)
                k->place = (struct place){0};
        {
                CLOSURES_LOCKED(c);

                learner_tell(c, t, &k->by);
                (void)pthread_rwlock_wrlock(&c->known_lock);
                had = imm_map_get(&path->commands->names, name);
                if (!had)
                        imm_map_put(
                                c->arena, &path->commands->names, imm_strdup(c->arena, name), k);
                (void)pthread_rwlock_unlock(&c->known_lock);
        }
        learner_give(c, t);
        return had ? had : k;
}

static struct known_commands *known_commands(struct builder *b, const struct imm_strv *dirs) {
        struct imm_closures *c = b->c;
        struct known_commands *k;
        const char *key = "";
        CLOSURES_LOCKED(c);

        for (size_t i = 0; i < dirs->n; i++)
                key = imm_printf(b->arena, "%s:%s", key, dirs->v[i]);
        k = imm_map_get(&c->commands, key);
        if (!k) {
                k = imm_new(c->arena, struct known_commands);
                imm_map_put(c->arena, &c->commands, imm_strdup(c->arena, key), k);
        }
        return k;
}

static int find_in_path(struct builder *b, struct view *v, struct command_path *path,
        const char *name, struct place *ret) {
        const struct known_command *k;

        if (!path->commands)
                path->commands = known_commands(b, &path->dirs);
        (void)pthread_rwlock_rdlock(&b->c->known_lock);
        k = imm_map_get(&path->commands->names, name);
        (void)pthread_rwlock_unlock(&b->c->known_lock);
        if (!k)
                k = learn(b->c, path, name);
        /* a mount may show the same, and let nothing be executed */
        if (!view_relies(v, &k->by) ||
                (v->table && imm_setting(b->settings, IMM_SETTING_NO_EXEC_PATHS)->paths.n > 0))
                return search_path(&path->dirs, b->arena, v, name, ret);
        *ret = k->place;
        return k->error;
}

static int need_program(struct builder *b, const struct want *w, bool must, struct place *ret) {
        /* systemd looks for the unit's commands by itself, and not in $PATH */
        struct command_path *path = w->by == IMM_NEED_BY_UNIT ? &b->own : &b->path;
        int k;

        if (strchr(w->name, '/')) {
                if (must)
                        return need_file(b, w, true, ret, NULL);
                k = view_find(&b->view, b->cwd, w->name, ret);
                if (k < 0 && b->hides)
                        k = view_find(&b->plain, b->cwd, w->name, ret);
                if (k < 0 || !is_executable(ret))
                        return k < 0 ? k : -EACCES;
                return need_file(b, w, false, ret, NULL);
        }
        if (find_in_path(b, &b->view, path, w->name, ret) == 0)
                return need_place(b, w, ret, true, NULL, NULL);
        if (b->hides && find_in_path(b, &b->plain, path, w->name, ret) == 0) {
                struct place p;

                k = view_find(&b->view, NULL, ret->path, &p);
                return need_place(b, w, ret, false,
                        k < 0 ? hidden_by(b, &p, k) : "not in PATH within the sandbox", NULL);
        }
        *ret = (struct place){.path = w->name};
        return must ? need_absent(b, w, w->name, "not found in PATH") : -ENOENT;
}

/* The next word of @s; @s moves behind it. */
static const char *next_word(struct builder *b, const char **s) {
        size_t n;

        *s += strspn(*s, " \t");
        n = strcspn(*s, " \t");
        *s += n;
        return n ? imm_strndup(b->arena, *s - n, n) : NULL;
}

/* A word as env -S cuts them: with quotes. NULL: none, or one that is not known (${NAME}). */
static const char *quoted_word(struct builder *b, const char **s) {
        char *word, quote = 0;
        size_t n = 0;

        *s += strspn(*s, " \t\n\v\f\r");
        if (!**s || **s == '#')
                return NULL;
        word = imm_alloc(b->arena, strlen(*s) + 1);
        for (; **s && (quote || !isspace((unsigned char)**s)); ++*s) {
                char c = **s;

                if (quote ? c == quote : c == '"' || c == '\'')
                        quote = quote ? 0 : c;
                else if (c == '$' && quote != '\'')
                        return NULL;
                else if (c == '\\' && (quote != '\'' || (*s)[1] == '\\' || (*s)[1] == '\'')) {
                        if (!strchr("\\\"'#$", (*s)[1]) || !(*s)[1])
                                return NULL; /* a control character, and no program's name */
                        word[n++] = *++*s;
                } else
                        word[n++] = c;
        }
        return word;
}

bool env_takes_next(const char *option) {
        return imm_streq(option, "-u") || imm_streq(option, "-C") || imm_streq(option, "--unset") ||
               imm_streq(option, "--chdir");
}

/*
 * The program that `#!/usr/bin/env ARGUMENT` starts: one word, several only with -S. NULL: none, or
 * it is looked for in a PATH of its own.
 */
static const char *word_for_env(struct builder *b, const char *argument) {
        const char *s = argument, *word;

        if (*s != '-')
                return strchr(s, '=') ? NULL : s;
        if (imm_after(s, "--split-string"))
                s += strlen("--split-string");
        else {
                s += 1 + strspn(s + 1, "iv0");
                if (*s != 'S')
                        return NULL;
                s++;
        }
        s += *s == '=';
        while ((word = quoted_word(b, &s)))
                if (env_takes_next(word))
                        (void)quoted_word(b, &s);
                else if (*word != '-' && !strchr(word, '='))
                        return word;
                else if (imm_after(word, "PATH="))
                        return NULL;
        return NULL;
}

static void follow_shebang(
        struct builder *b, int program, const char *line, unsigned chain, enum imm_confidence sure);

static void follow_content(
        struct builder *b, int k, const struct place *p, unsigned chain, const char **interpreter) {
        enum imm_confidence sure = b->closure->v[k].confidence;
        const struct imm_elf *elf;
        const char *line;

        if (!p->node || chain > CHAIN_MAX)
                return;
        elf = node_elf(b->c, p->node);
        if (elf) {
                load_program(b, k, p);
                need_language(b, imm_base_name(p->path), elf, k);
                return;
        }
        line = node_shebang(b->c, p->node);
        if (line) {
                if (b->closure->v[k].visible == 1 && !builder_may_read(b, p)) {
                        b->closure->v[k].visible = 0;
                        b->closure->v[k].hidden = "its interpreter may not read it";
                }
                follow_shebang(b, k, line, chain, sure);
                line += strspn(line, " \t");
                *interpreter = line;
                return;
        }
        need_language(b, imm_base_name(p->path), NULL, k);
        if (p->node->elf_error == -EBADMSG)
                load_program(b, k, p); /* says what is broken */
}

static void follow_shebang(struct builder *b, int program, const char *line, unsigned chain,
        enum imm_confidence sure) {
        const char *s = line, *name = next_word(b, &s), *unused, *rest;
        struct place p;
        size_t n;
        int k;

        if (!name)
                return;
        k = need_program(b,
                &(struct want){.name = name,
                        .kind = IMM_NEED_INTERPRETER,
                        .confidence = sure,
                        .reason = imm_printf(b->arena, "runs the script: #!%s", line),
                        .by = program},
                true, &p);
        if (k < 0)
                return;
        follow_content(b, k, &p, chain + 1, &unused);
        if (!imm_streq(imm_base_name(name), "env"))
                return;
        rest = s + strspn(s, " \t");
        for (n = strlen(rest); n > 0 && isspace((unsigned char)rest[n - 1]); n--)
                ;
        rest = word_for_env(b, imm_strndup(b->arena, rest, n));
        if (!rest || !*rest)
                return;
        k = need_program(b,
                &(struct want){.name = rest,
                        .kind = IMM_NEED_INTERPRETER,
                        .confidence = sure,
                        .reason = imm_printf(b->arena, "env starts it for the script: #!%s", line),
                        .by = program},
                true, &p);
        if (k >= 0)
                follow_content(b, k, &p, chain + 1, &unused);
}

int follow_program(struct builder *b, const struct want *w, bool must) {
        const char *interpreter = NULL;
        enum imm_confidence sure;
        uintptr_t before;
        struct place p;
        int k = need_program(b, w, must, &p);

        if (k < 0 || !p.node)
                return k;
        sure = b->closure->v[k].confidence;
        before = (uintptr_t)imm_map_get(&b->followed, p.path);
        if (before && before - 1 <= sure)
                return k;
        imm_map_put(b->arena, &b->followed, p.path, (void *)((uintptr_t)sure + 1));
        if (b->depth >= DEPTH_MAX)
                return k;
        b->depth++;
        follow_content(b, k, &p, 0, &interpreter);
        if (interpreter)
                scan_script(b, p.node, interpreter, k);
        b->depth--;
        return k;
}
