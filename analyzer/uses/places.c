#include "analyzer/uses/uses-private.h"

/*
 * Places that belong to a daemon by their name, and paths that its unit or its own data name: what
 * is there is there for it. Most settings let it be read; what matters is a mount that hides it.
 */

/* "/srv/app" of "PYTHONPATH=/srv/app:/srv/more" */
static void of_variable(struct collector *c, const char *text) {
        static const char *const others[] = {"PATH", "HOME", "TMPDIR", "TMP", "TEMP", "PWD",
                "SHELL", "XDG_RUNTIME_DIR", "TZ", "LOGNAME", "USER", "NOTIFY_SOCKET", "DISPLAY"};
        const char *equals = strchr(text, '='), *name;
        struct stat st;

        if (!equals)
                return;
        name = imm_strndup(c->a, text, (size_t)(equals - text));
        use_heap(c, equals + 1, imm_printf(c->a, "Environment=%s", name));
        for (size_t i = 0; i < IMM_ELEMENTSOF(others); i++)
                if (imm_streq(others[i], name))
                        return;
        for (const char *at = equals + 1; *at; at += strcspn(at, ":"), at += *at == ':') {
                const char *path = imm_strndup(c->a, at, strcspn(at, ":"));

                if (*path == '/' && path[1] && !imm_path_made_at_run_time(path) &&
                        imm_root_stat(c->m->root, path, &st) == 0)
                        use_add(c, IMM_FACILITY_READ, DOES, NULL, path, "Environment=%s=%s", name,
                                path);
                if (*path == '/' && path[1] &&
                        (!imm_path_made_at_run_time(path) || imm_path_below(path, "/tmp")))
                        use_argument(c, name, path, "Environment=");
        }
}

void use_environment(struct collector *c) {
        const struct imm_value *v = imm_setting(c->s, IMM_SETTING_ENVIRONMENT);

        for (size_t i = 0; i < v->strings.n; i++)
                if (v->strings.v[i].text)
                        of_variable(c, v->strings.v[i].text);
}

/* Programs in a folder that it names, which run with more rights than it has */
static void of_helpers(
        struct collector *c, const struct file *program, const char *dir, const char *real) {
        enum { HELPERS_MAX = 256 };
        struct imm_dirent_stat *d;
        size_t n;

        if (imm_root_list_stat(c->m->root, real, c->a, &d, &n) < 0)
                return;
        for (size_t i = 0; i < n && i < HELPERS_MAX; i++)
                if (S_ISREG(d[i].mode) && (d[i].mode & S_ISUID) && !works_for_root(d[i].name)) {
                        use_add(c, IMM_FACILITY_GAIN, gain_of(c), NULL,
                                imm_printf(c->a, "%s/%s", dir, d[i].name),
                                "%s has the path %s, where %s has set-id bits", program->path, dir,
                                d[i].name);
                        return;
                }
}

/* "app/index/": a folder in the daemon's own is for a part of it, which may be off */
static bool is_part(const char *below) {
        const char *slash = strchr(below, '/');

        return slash && slash[strspn(slash, "/")];
}

/* What the program itself names of what was installed with it, or by its name */
static void of_strings(struct collector *c, const struct file *program) {
        static const char *const tops[] = {"/usr/share/", "/usr/lib/", "/usr/libexec/",
                "/usr/local/", "/opt/", "/var/lib/", "/var/spool/", "/var/cache/"};
        const char *package = imm_package_of(imm_closures_of(c->m), program->path);
        struct stat st;

        for (size_t i = 0; i < program->strings.n; i++) {
                const char *path = program->strings.v[i], *real, *rest = NULL, *other;

                for (size_t k = 0; !rest && k < IMM_ELEMENTSOF(tops); k++)
                        rest = imm_after(path, tops[k]);
                if (!rest || strchr(path, '%') || strchr(path, '*') ||
                        imm_after(path, "/usr/share/doc/") || imm_after(path, "/usr/share/man/") ||
                        imm_after(path, "/usr/share/locale") ||
                        imm_root_realpath(c->m->root, path, c->a, &real) < 0 ||
                        imm_root_stat(c->m->root, real, &st) < 0)
                        continue;
                other = package ? imm_package_of(imm_closures_of(c->m), real) : NULL;
                if (imm_after(path, "/var/")) {
                        if (other && imm_streq(package, other) && S_ISDIR(st.st_mode))
                                use_add(c, IMM_FACILITY_WRITE, is_part(rest) ? PART : DOES, NULL,
                                        path, "%s has the path %s, which is of its package",
                                        program->path, path);
                        continue;
                }
                if (S_ISDIR(st.st_mode) &&
                        (imm_after(path, "/usr/lib/") || imm_after(path, "/usr/libexec/")) &&
                        (is_called_as(c, rest) || (other && imm_streq(package, other))))
                        of_helpers(c, program, path, real);
                if (is_called_as(c, rest) || (other && imm_streq(package, other)))
                        use_add(c, IMM_FACILITY_READ, imm_after(path, "/usr/share/") ? PART : DOES,
                                NULL, path, "%s has the path %s", program->path, path);
        }
}

/* Nothing is lost with it */
static bool is_empty(struct collector *c, const char *path) {
        struct imm_dirent *d;
        size_t n;

        return imm_root_list(c->m->root, path, c->a, &d, &n) == 0 && n == 0;
}

/* Directories called as the program or the unit is. Of a script that is all that is known. */
static void of_names(struct collector *c, const struct file *program) {
        static const struct {
                const char *top;
                enum strength strength;
        } rows[] = {{"/usr/lib", DOES}, {"/usr/libexec", DOES}, {"/usr/share", MAY},
                {"/var/lib", PART}, {"/var/spool", PART}, {"/var/log", PART}, {"/var/cache", MAY}};
        struct stat st;

        for (size_t i = 0; i < c->n_whole; i++)
                for (size_t k = 0; k < IMM_ELEMENTSOF(rows); k++) {
                        const char *path = imm_printf(c->a, "%s/%s", rows[k].top, c->whole[i]);

                        if (strlen(c->whole[i]) > 2 && imm_root_stat(c->m->root, path, &st) == 0 &&
                                S_ISDIR(st.st_mode))
                                use_add(c, IMM_FACILITY_READ,
                                        is_empty(c, path) ? MAY
                                        : program->elf || rows[k].strength == PART
                                                ? rows[k].strength
                                        : rows[k].strength == MAY ? PART
                                                                  : DOES,
                                        NULL, path, "%s is called as the daemon is", path);
                }
}

void use_places(struct collector *c, const struct file *program) {
        of_strings(c, program);
        of_names(c, program);
}
