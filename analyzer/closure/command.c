#include "analyzer/closure/shell-private.h"

/*
 * A line of Exec*=: its program, and what of its arguments is a program again: the script of an
 * interpreter, what env(1) and its like start, what a dynamic loader is told to load.
 */

enum { WRAPPED_MAX = 8 };

static void follow_arguments(struct builder *b, struct imm_strv *argv, int by, unsigned depth);

static bool is_shell(const char *name) {
        static const char *const names[] = {"sh", "bash", "dash", "ksh", "zsh", "ash"};

        for (size_t i = 0; i < IMM_ELEMENTSOF(names); i++)
                if (imm_streq(name, names[i]))
                        return true;
        return false;
}

/* With a version, or without; node_exporter and php-fpm8.2 are programs of their own. */
static bool is_language(const char *name) {
        static const char *const names[] = {"python", "perl", "ruby", "nodejs", "node", "php"};

        for (size_t i = 0; i < IMM_ELEMENTSOF(names); i++) {
                const char *rest = imm_after(name, names[i]);

                if (rest && !rest[strspn(rest, "0123456789.")])
                        return true;
        }
        return is_shell(name);
}

static void run_text(struct builder *b, const struct imm_strv *argv, size_t i, int by) {
        if (i < argv->n)
                scan_shell(b, argv->v[i], NULL, by);
}

/* `sh -c TEXT` and `python3 SCRIPT`: the argument is the program. Returns its index, or 0. */
static size_t script_argument(struct builder *b, const struct imm_strv *argv, int by) {
        const char *name = imm_base_name(argv->v[0]);
        struct place p;

        if (!is_language(name))
                return 0;
        for (size_t i = 1; i < argv->n; i++) {
                const char *arg = argv->v[i];

                if (is_shell(name) && *arg == '-' && arg[1] != '-' && strchr(arg, 'c')) {
                        run_text(b, argv, i + 1, by);
                        return i + 1;
                }
                if (*arg == '-')
                        continue;
                int k = need_file(b,
                        &(struct want){.name = arg,
                                .kind = IMM_NEED_COMMAND,
                                .confidence = IMM_LIKELY,
                                .reason = "the script that the interpreter runs",
                                .by = by},
                        false, &p, NULL);

                if (k >= 0 && p.node && S_ISREG(p.node->mode))
                        scan_script(b, p.node, name, k);
                return i;
        }
        return 0;
}

/* `su USER -c TEXT`, `flock FILE -c TEXT`: the index of the text, or 0 */
static size_t text_argument(struct builder *b, const struct imm_strv *argv, int by) {
        const char *name = imm_base_name(argv->v[0]);

        if (!imm_streq(name, "su") && !imm_streq(name, "runuser") && !imm_streq(name, "flock"))
                return 0;
        for (size_t i = 1; i < argv->n; i++)
                if (imm_streq(argv->v[i], "-c") || imm_streq(argv->v[i], "--command")) {
                        run_text(b, argv, i + 1, by);
                        return i + 1;
                }
        return 0;
}

/* ---- programs that other programs start ---- */

/* What changes the environment of the program behind it, put back at the end */
struct outer {
        struct imm_map environment, followed;
        bool changed; /* then the same program may find other libraries */
};

static void change_environment(struct builder *b, struct outer *o) {
        if (o->changed)
                return;
        o->changed = true;
        o->environment = b->environment;
        o->followed = b->followed;
        b->environment = b->followed = (struct imm_map){0};
        for (size_t i = 0; i < o->environment.n; i++)
                imm_map_put(b->arena, &b->environment, o->environment.v[i].key,
                        o->environment.v[i].value);
}

static void restore_environment(struct builder *b, struct outer *o) {
        if (!o->changed)
                return;
        b->environment = o->environment;
        b->followed = o->followed;
        builder_heed_environment(b);
}

/* `env -S "A=B PROGRAM ARGUMENT"`: the words of the one, where nothing in it is quoted or expanded
 */
static struct imm_strv split_for_env(struct builder *b, const struct imm_strv *argv) {
        struct imm_strv all = {0};

        for (size_t i = 0; i < argv->n; i++) {
                const char *arg = argv->v[i], *text = imm_after(arg, "--split-string=");

                if (!text && i > 0 && all.n == 1)
                        text = imm_after(arg, "-S");
                if (text && !*text && i + 1 < argv->n)
                        text = argv->v[++i];
                if (!text || strpbrk(text, "\"'\\$#")) {
                        imm_strv_add(b->arena, &all, arg);
                        continue;
                }
                while (*(text += strspn(text, " \t"))) {
                        size_t n = strcspn(text, " \t");

                        imm_strv_add(b->arena, &all, imm_strndup(b->arena, text, n));
                        text += n;
                }
        }
        return all;
}

/* `env -u NAME NAME=VALUE PROGRAM`: the index of what it starts, with what it is given */
static size_t behind_env(struct builder *b, const struct imm_strv *argv, struct outer *o) {
        size_t i;

        for (i = 1; i < argv->n; i++) {
                const char *arg = argv->v[i];
                const char *unset = imm_after(arg, "--unset=");

                if (!unset && i + 1 < argv->n &&
                        (imm_streq(arg, "-u") || imm_streq(arg, "--unset")))
                        unset = argv->v[i + 1];
                i += env_takes_next(arg);
                if (*arg != '-' && !strchr(arg, '='))
                        break;
                change_environment(b, o);
                if (imm_streq(arg, "-") || imm_streq(arg, "-i") ||
                        imm_streq(arg, "--ignore-environment"))
                        b->environment = (struct imm_map){0};
                else if (unset)
                        imm_map_put(b->arena, &b->environment, unset, NULL);
                else if (*arg != '-')
                        builder_set_variable(b, arg);
        }
        return i;
}

static bool is_loader(const char *name) {
        return (imm_after(name, "ld-") || imm_after(name, "ld.so") || imm_after(name, "ld64.so")) &&
               strstr(name, ".so");
}

/* `ld.so --library-path LIST PROGRAM`, as ld.so(8) has it */
static size_t behind_loader(struct builder *b, const struct imm_strv *argv, struct outer *o) {
        static const struct {
                const char *option, *variable; /* NULL: none that matters */
        } options[] = {
                {"--library-path", "LD_LIBRARY_PATH"},
                {"--preload", "LD_PRELOAD"},
                {"--audit", "LD_AUDIT"},
                {"--inhibit-rpath", NULL},
                {"--argv0", NULL},
                {"--glibc-hwcaps-prepend", NULL},
                {"--glibc-hwcaps-mask", NULL},
        };
        size_t i;

        for (i = 1; i < argv->n && argv->v[i][0] == '-'; i++)
                for (size_t k = 0; k < IMM_ELEMENTSOF(options); k++) {
                        const char *value = imm_after(argv->v[i], options[k].option);

                        if (!value || (*value && *value != '='))
                                continue;
                        value = *value ? value + 1 : i + 1 < argv->n ? argv->v[++i] : "";
                        if (options[k].variable) {
                                change_environment(b, o);
                                builder_set_variable(b,
                                        imm_printf(b->arena, "%s=%s", options[k].variable, value));
                        }
                        break;
                }
        return i;
}

/* The program that the command starts, with all behind it. Returns its index, or 0. */
static size_t wrapped_program(struct builder *b, struct imm_strv *argv, int by, unsigned depth) {
        const char *name = imm_base_name(argv->v[0]);
        const struct shell_wrapper *w = shell_wrapper(name);
        bool loader = is_loader(name), env = imm_streq(name, "env");
        struct outer o = {0};
        struct imm_strv rest;
        size_t i;
        int k;

        if ((!w && !loader) || depth >= WRAPPED_MAX)
                return 0;
        if (env)
                *argv = split_for_env(b, argv);
        i = env      ? behind_env(b, argv, &o)
            : loader ? behind_loader(b, argv, &o)
                     : shell_wrapped(w, argv);
        if (o.changed)
                builder_heed_environment(b);
        if (i < argv->n) {
                rest = (struct imm_strv){.v = argv->v + i, .n = argv->n - i};
                k = follow_program(b,
                        &(struct want){.name = argv->v[i],
                                .kind = IMM_NEED_COMMAND,
                                .confidence = IMM_LIKELY,
                                .reason = imm_printf(b->arena, "started by %s", name),
                                .by = by},
                        env || loader);
                if (k >= 0)
                        follow_arguments(b, &rest, k, depth + 1);
                else
                        i = 0;
        }
        restore_environment(b, &o);
        return i;
}

static void follow_arguments(struct builder *b, struct imm_strv *argv, int by, unsigned depth) {
        size_t script, end = argv->n;

        if (argv->n == 0)
                return;
        script = script_argument(b, argv, by);
        if (script == 0)
                script = text_argument(b, argv, by);
        if (script == 0) {
                end = wrapped_program(b, argv, by, depth);
                end = end ? end : argv->n;
        }
        for (size_t i = 1; i < end; i++)
                if (i != script)
                        scan_paths(b, argv->v[i], SCAN_INSIDE, IMM_LIKELY,
                                "named in the command's arguments", by);
}

void unit_command(struct builder *b, enum imm_setting setting, const struct imm_command_item *cmd) {
        struct imm_strv argv = {0};
        int k;

        if (!cmd->path || !*cmd->path)
                return;
        builder_enter(b, setting, cmd);
        k = follow_program(b,
                &(struct want){.name = cmd->path,
                        .kind = IMM_NEED_PROGRAM,
                        .confidence = IMM_CERTAIN,
                        .reason = imm_printf(b->arena, "%s=", imm_setting_info(setting)->name),
                        .by = IMM_NEED_BY_UNIT},
                true);
        if (k < 0)
                return;
        if (!imm_strv_has(&b->closure->roots, b->closure->v[k].path))
                imm_strv_add(b->arena, &b->closure->roots, b->closure->v[k].path);
        imm_strv_add(b->arena, &argv, cmd->path); /* "@" may give it another name */
        for (size_t i = 1; i < cmd->argv.n; i++)
                builder_expand(b, cmd->argv.v[i], &argv);
        follow_arguments(b, &argv, k, 0);
}
