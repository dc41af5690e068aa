#include "analyzer/closure/closure-private.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>

enum {
        PATTERN_DEPTH_MAX = 16,
        PATTERN_FILES_MAX = 1000,
        PATTERN_FOLDERS_MAX = 10000,
        FILLED_IN_MAX = 65536, /* bytes of values in one argument */
};

/* What a unit's settings name: its commands, and the files and directories beside them. */

/* systemd's own, for services that set none; the last two only matter with an unmerged /usr */
static const char default_path[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/* ---- the environment ---- */

void builder_set_variable(struct builder *b, const char *text) {
        size_t n = strlen(text);
        const char *equals = memchr(text, '=', n);

        if (equals)
                imm_map_put(b->arena, &b->environment,
                        imm_strndup(b->arena, text, (size_t)(equals - text)),
                        imm_strndup(b->arena, equals + 1, n - (size_t)(equals + 1 - text)));
}

static void put_variable(void *data, const char *name, const char *value) {
        struct builder *b = data;

        imm_map_put(b->arena, &b->environment, name, (char *)(uintptr_t)value);
}

static void read_environment_file(struct builder *b, struct node *n) {
        struct imm_blob t;

        if (node_read(b->c, n, 1 << 20, b->arena, &t) == 0)
                read_environment_text(t.data, b->m->version, b->arena, put_variable, b);
}

static void add_environment_file(
        struct builder *b, const struct imm_path_item *item, const char *path) {
        struct want w = {.name = path,
                .kind = IMM_NEED_CONFIG,
                .confidence = IMM_LIKELY,
                .reason = "EnvironmentFile=, read by systemd",
                .by = IMM_NEED_BY_UNIT,
                .created = item->ignore_missing,
                .outside = true};
        struct place p;
        int k = view_find(&b->plain, NULL, path, &p);

        if (k == 0 && p.node && S_ISREG(p.node->mode)) {
                (void)need_place(b, &w, &p, true, NULL, NULL);
                read_environment_file(b, p.node);
        } else if (!item->ignore_missing && k != -ENODATA)
                (void)need_absent(b, &w, path, "not there");
}

/* The files that a pattern means, in order, as glob(3) does; @done ends with a slash. */
static void expand_pattern(struct builder *b, const char *done, const char *rest,
        struct imm_strv *ret, unsigned depth, unsigned *folders) {
        size_t len = strcspn(rest, "/"), n = 0;
        const char *part = imm_strndup(b->arena, rest, len), *more = rest + len;
        struct imm_dirent *e = NULL;
        struct place p;

        more += strspn(more, "/");
        if (!strpbrk(part, "*?[")) {
                const char *path = imm_printf(b->arena, "%s%s", done, part);

                if (view_find(&b->plain, NULL, path, &p) < 0 || !p.node)
                        return;
                if (!*more)
                        imm_strv_add(b->arena, ret, path);
                else
                        expand_pattern(b, imm_printf(b->arena, "%s/", path), more, ret, depth + 1,
                                folders);
                return;
        }
        b->unsure = true;
        if (depth > PATTERN_DEPTH_MAX || ++*folders > PATTERN_FOLDERS_MAX ||
                view_find(&b->plain, NULL, done, &p) < 0 || !p.node ||
                imm_root_list(b->c->root, p.node->host, b->arena, &e, &n) < 0)
                return;
        for (size_t i = 0; i < n && ret->n < PATTERN_FILES_MAX; i++) {
                const char *path = imm_printf(b->arena, "%s%s", done, e[i].name);

                if (fnmatch(part, e[i].name, FNM_PERIOD) != 0)
                        continue;
                if (!*more)
                        imm_strv_add(b->arena, ret, path);
                else
                        expand_pattern(b, imm_printf(b->arena, "%s/", path), more, ret, depth + 1,
                                folders);
        }
}

static void set_all(struct builder *b, const struct imm_value *v) {
        for (size_t i = 0; v && v->type == IMM_VALUE_STRINGS && i < v->strings.n; i++)
                builder_set_variable(b, v->strings.v[i].text);
}

/* PassEnvironment= takes from the manager's own, of which ManagerEnvironment= alone is known. */
static void pass_environment(struct builder *b) {
        const struct imm_value *v = imm_setting(b->settings, IMM_SETTING_PASS_ENVIRONMENT);
        const struct imm_value *own = imm_manager_variables(b->m, IMM_VARIABLES_MANAGER);

        for (size_t i = 0; own && i < own->strings.n; i++) {
                const char *text = own->strings.v[i].text;
                size_t n = strcspn(text, "=");

                for (size_t k = 0; v->type == IMM_VALUE_STRINGS && k < v->strings.n; k++)
                        if (strlen(v->strings.v[k].text) == n &&
                                strncmp(v->strings.v[k].text, text, n) == 0)
                                builder_set_variable(b, text);
        }
}

/* ExecSearchPath= is $PATH too */
static void search_path_variable(struct builder *b) {
        const struct imm_value *v = imm_setting(b->settings, IMM_SETTING_EXEC_SEARCH_PATH);
        const char *all = "PATH=";

        for (size_t i = 0; v->type == IMM_VALUE_STRINGS && i < v->strings.n; i++)
                all = imm_printf(b->arena, "%s%s%s", all, i ? ":" : "", v->strings.v[i].text);
        if (v->type == IMM_VALUE_STRINGS && v->strings.n > 0)
                builder_set_variable(b, all);
}

/* In the order in which the later wins. systemd reads all before there is a sandbox. */
static void read_environment(struct builder *b) {
        const struct imm_value *v;

        if (b->m->scope != IMM_SCOPE_SYSTEM) /* a user's manager hands its own on */
                set_all(b, imm_manager_variables(b->m, IMM_VARIABLES_MANAGER));
        set_all(b, imm_manager_variables(b->m, IMM_VARIABLES_DEFAULT));
        search_path_variable(b);
        pass_environment(b);
        set_all(b, imm_setting(b->settings, IMM_SETTING_ENVIRONMENT));
        v = imm_setting(b->settings, IMM_SETTING_ENVIRONMENT_FILE);
        for (size_t i = 0; v->type == IMM_VALUE_PATHS && i < v->paths.n; i++) {
                const struct imm_path_item *item = &v->paths.v[i];
                struct imm_strv files = {0};
                unsigned folders = 0;

                b->setting = IMM_SETTING_ENVIRONMENT_FILE;
                b->origin = item->origin;
                if (strpbrk(item->path, "*?[") && *item->path == '/')
                        expand_pattern(
                                b, "/", item->path + strspn(item->path, "/"), &files, 0, &folders);
                for (size_t k = 0; k < files.n; k++)
                        add_environment_file(b, item, files.v[k]);
                if (files.n == 0)
                        add_environment_file(b, item, item->path);
        }
}

/* UnsetEnvironment= comes last: NAME, or NAME=VALUE for that value alone */
static void unset_variables(struct builder *b) {
        const struct imm_value *v = imm_setting(b->settings, IMM_SETTING_UNSET_ENVIRONMENT);

        for (size_t i = 0; v->type == IMM_VALUE_STRINGS && i < v->strings.n; i++) {
                const char *text = v->strings.v[i].text, *equals = strchrnul(text, '=');
                const char *name = imm_strndup(b->arena, text, (size_t)(equals - text));
                const char *value = imm_map_get(&b->environment, name);

                if (value && (!*equals || imm_streq(equals + 1, value)))
                        imm_map_put(b->arena, &b->environment, name, NULL);
        }
}

static const char *variable(struct builder *b, const char *name) {
        return imm_map_get(&b->environment, name);
}

/* ${NAME} anywhere in @text; "$$" is a dollar sign, and all else stays as it is. */
static const char *expand_braces(struct builder *b, const char *text) {
        imm_auto_free char *done = NULL;
        size_t size = 0, filled_in = 0;
        const char *s = strchr(text, '$');
        FILE *f = s ? open_memstream(&done, &size) : NULL;

        if (!s)
                return text;
        if (!f)
                imm_oom();
        for (; s; s = strchr(text, '$')) {
                const char *name = s + 2, *value;
                size_t n = s[1] == '{'
                                   ? strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrs"
                                                  "tuvwxyz_0123456789")
                                   : 0;

                (void)fwrite(text, 1, (size_t)(s - text), f);
                if (n == 0 || name[n] != '}' || filled_in > FILLED_IN_MAX) {
                        (void)fputc('$', f);
                        text = s + 1 + (s[1] == '$');
                        continue;
                }
                value = variable(b, imm_strndup(b->arena, name, n));
                (void)fputs(value ? value : "", f);
                filled_in += value ? strlen(value) : 0;
                text = name + n + 1;
        }
        (void)fputs(text, f);
        if (fclose(f) != 0)
                imm_oom();
        return imm_strndup(b->arena, done, size);
}

void builder_expand(struct builder *b, const char *arg, struct imm_strv *ret) {
        const char *s;

        if (arg[0] != '$' || arg[1] == '{' || arg[1] == '$' || !arg[1]) {
                imm_strv_add(b->arena, ret, expand_braces(b, arg));
                return;
        }
        s = variable(b, arg + 1);
        for (s = s ? s : ""; *(s += strspn(s, " \t\n")); s += strcspn(s, " \t\n"))
                imm_strv_add(b->arena, ret, imm_strndup(b->arena, s, strcspn(s, " \t\n")));
}

/* ---- a command ---- */

static void set_views(struct builder *b, const struct imm_mount_table *t, const char *prefix) {
        b->blind = !t;
        view_init(&b->view, b->c, t, prefix, b->arena);
        view_init(&b->plain, b->c, NULL, prefix, b->arena);
        b->view.sight = b->plain.sight = b->sight;
        b->hides = t != NULL;
        b->followed = (struct imm_map){0}; /* a program may find other libraries in it */
}

static const char *working_directory(struct builder *b) {
        const char *s = imm_setting_string(b->settings, IMM_SETTING_WORKING_DIRECTORY);

        if (s && *s == '-')
                s++;
        return s && *s == '/' ? s : NULL;
}

static void split_path(struct builder *b, const char *s, struct imm_strv *ret) {
        while (*s) {
                size_t n = strcspn(s, ":");

                if (n > 0 && *s == '/')
                        imm_strv_add(b->arena, ret, imm_strndup(b->arena, s, n));
                s += n + (s[n] != 0);
        }
}

static void set_search_path(struct builder *b) {
        const struct imm_value *v = imm_setting(b->settings, IMM_SETTING_EXEC_SEARCH_PATH);

        b->own = (struct command_path){0};
        for (size_t i = 0; v->type == IMM_VALUE_STRINGS && i < v->strings.n; i++)
                imm_strv_add(b->arena, &b->own.dirs, v->strings.v[i].text);
        if (b->own.dirs.n == 0)
                split_path(b, default_path, &b->own.dirs);
}

const char *builder_search_path(struct builder *b) {
        const char *all = "";

        for (size_t i = 0; i < b->path.dirs.n; i++)
                all = imm_printf(b->arena, "%s%s%s", all, i ? ":" : "", b->path.dirs.v[i]);
        return all;
}

void builder_set_search_path(struct builder *b, const char *text) {
        b->path = (struct command_path){0};
        split_path(b, text, &b->path.dirs);
}

void builder_heed_environment(struct builder *b) {
        const char *s = variable(b, "PATH");

        builder_set_search_path(b, s ? s : default_path);
        b->library_path = variable(b, "LD_LIBRARY_PATH");
        b->preload = variable(b, "LD_PRELOAD");
        b->audit = variable(b, "LD_AUDIT");
}

void builder_enter(
        struct builder *b, enum imm_setting setting, const struct imm_command_item *cmd) {
        const struct imm_sandbox *s = b->host ? NULL : builder_sandbox(b);
        enum imm_command_kind kind = imm_command_kind_of(b->settings, setting, cmd);
        const struct imm_mount_table *t = b->host             ? b->host
                                          : s && s->has[kind] ? &s->tried[kind]
                                                              : NULL;
        const char *root = imm_setting_string(b->settings, IMM_SETTING_ROOT_DIRECTORY);

        if (root && (imm_streq(root, "/") || *root != '/'))
                root = NULL;
        if (t && (!b->closure->view || t->n == 0))
                t = NULL;
        if (!b->view.c || b->view.table != t) /* commands of one kind share what was looked up */
                set_views(b, t, root && !t ? root : "");
        b->cwd = working_directory(b);
        b->kind = kind;
        b->setting = setting;
        b->origin = cmd->origin;
        b->optional = cmd->flags & IMM_COMMAND_IGNORE_FAILURE;
        set_search_path(b);
        builder_heed_environment(b);
}

bool builder_may_read(struct builder *b, const struct place *p) {
        const struct imm_sandbox *s;
        struct imm_access access;

        if (!p->node || (p->node->mode & S_IROTH))
                return true;
        b->guarded = true;
        s = b->settings && b->view.table ? builder_sandbox(b) : NULL;
        if (!s || !s->has[b->kind])
                return true;
        b->unsure = true;
        imm_access_in(b->m, b->settings, s, b->kind, p->path, b->arena, &access);
        return access.allowed[IMM_MODE_READ] != 0;
}

const struct imm_identity *builder_caller(struct builder *b) {
        const struct imm_sandbox *s = builder_sandbox(b);

        b->unsure = true;
        return s && s->has[b->kind] ? &s->caller[b->kind] : NULL;
}

void unit_commands(struct builder *b) {
        set_views(b, NULL, "");
        read_environment(b);
        unset_variables(b);
        b->view.c = NULL;
        for (const enum imm_setting *s = imm_command_lists; *s != IMM_SETTING_N; s++) {
                const struct imm_value *v = imm_setting(b->settings, *s);

                for (size_t i = 0; v->type == IMM_VALUE_COMMANDS && i < v->commands.n; i++)
                        unit_command(b, *s, &v->commands.v[i]);
        }
}

/* ---- other settings ---- */

static const char *manager_home(const struct builder *b) {
        return b->m->user && b->m->user->home ? b->m->user->home : "/root";
}

/* Where StateDirectory= and its kin lie. user: below what, %s the home; NULL: see runtime */
static const struct {
        enum imm_setting setting;
        const char *system, *user;
} directories[] = {
        {IMM_SETTING_RUNTIME_DIRECTORY, "/run", NULL},
        {IMM_SETTING_STATE_DIRECTORY, "/var/lib", "/.local/state"},
        {IMM_SETTING_CACHE_DIRECTORY, "/var/cache", "/.cache"},
        {IMM_SETTING_LOGS_DIRECTORY, "/var/log", "/.local/state/log"},
        {IMM_SETTING_CONFIGURATION_DIRECTORY, "/etc", "/.config"},
};

static void own_directories(struct builder *b) {
        for (size_t d = 0; d < IMM_ELEMENTSOF(directories); d++) {
                const struct imm_value *v = imm_setting(b->settings, directories[d].setting);
                const char *top = directories[d].system;

                if (b->m->scope != IMM_SCOPE_SYSTEM) {
                        if (!directories[d].user)
                                continue; /* $XDG_RUNTIME_DIR: nothing of the root */
                        top = imm_printf(b->arena, "%s%s", manager_home(b), directories[d].user);
                }
                for (size_t i = 0; v->type == IMM_VALUE_DIRECTORIES && i < v->directories.n; i++) {
                        const struct imm_directory_item *item = &v->directories.v[i];
                        struct want w = {
                                .name = imm_printf(b->arena, "%s/%s", top, item->path),
                                .kind = IMM_NEED_STATE,
                                .confidence = IMM_LIKELY,
                                .reason = imm_printf(b->arena,
                                        "%s=", imm_setting_info(directories[d].setting)->name),
                                .by = IMM_NEED_BY_UNIT,
                                .tree = true,
                                .created = true,
                        };
                        struct place p;

                        b->setting = directories[d].setting;
                        b->origin = item->origin;
                        if (need_file(b, &w, false, &p, NULL) < 0) {
                                int k = need_absent(b, &w, w.name, NULL);

                                b->closure->v[k].visible = b->blind ? -1 : 1;
                        }
                }
        }
}

static void own_credentials(struct builder *b) {
        static const enum imm_setting settings[] = {
                IMM_SETTING_LOAD_CREDENTIAL, IMM_SETTING_LOAD_CREDENTIAL_ENCRYPTED};

        for (size_t s = 0; s < IMM_ELEMENTSOF(settings); s++) {
                const struct imm_value *v = imm_setting(b->settings, settings[s]);

                for (size_t i = 0; v->type == IMM_VALUE_CREDENTIALS && i < v->credentials.n; i++) {
                        const struct imm_credential_item *item = &v->credentials.v[i];
                        struct want w = {.name = item->source,
                                .kind = IMM_NEED_CONFIG,
                                .confidence = IMM_LIKELY,
                                .reason = imm_printf(b->arena, "%s=, read by systemd",
                                        imm_setting_info(settings[s])->name),
                                .by = IMM_NEED_BY_UNIT,
                                .outside = true};
                        struct place p;

                        if (!item->source || *item->source != '/')
                                continue;
                        b->setting = settings[s];
                        b->origin = item->origin;
                        if (view_find(&b->plain, NULL, item->source, &p) == 0 && p.node)
                                (void)need_place(b, &w, &p, true, NULL, NULL);
                }
        }
}

static void own_working_directory(struct builder *b) {
        const struct imm_value *v = imm_setting(b->settings, IMM_SETTING_WORKING_DIRECTORY);
        const char *dir = working_directory(b);
        struct place p;

        if (!dir || imm_streq(dir, "/"))
                return;
        b->setting = IMM_SETTING_WORKING_DIRECTORY;
        b->origin = v->origin;
        (void)need_file(b,
                &(struct want){.name = dir,
                        .kind = IMM_NEED_CONFIG,
                        .confidence = IMM_LIKELY,
                        .reason = "WorkingDirectory=",
                        .by = IMM_NEED_BY_UNIT,
                        .created = *v->string == '-'},
                *v->string != '-', &p, NULL);
}

void unit_files(struct builder *b) {
        set_views(b, b->closure->view, "");
        b->cwd = NULL;
        b->optional = false;
        own_credentials(b);
        own_working_directory(b);
        own_directories(b);
        unit_pam(b);
}
