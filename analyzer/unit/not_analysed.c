/*
 * What would add units or settings to this root and is not seen by reading unit files: told, with
 * the reason, instead of silence.
 */

#include "analyzer/unit/index.h"

#include <stdarg.h>

struct lister {
        struct imm_manager *m;
        struct imm_arena *a;
        struct imm_dirent *e;
        size_t n;
};

static bool list(struct lister *l, const char *path) {
        l->n = 0;
        return imm_root_list(l->m->root, path, l->a, &l->e, &l->n) == 0;
}

__attribute__((format(printf, 2, 3))) static void say(struct imm_manager *m, const char *fmt, ...) {
        va_list ap;

        va_start(ap, fmt);
        imm_strv_add(m->arena, &m->not_analysed, imm_vprintf(m->arena, fmt, ap));
        va_end(ap);
}

/* Where generators' output of this boot is among the unit directories, they were heard. */
static bool generators_have_run(const struct imm_manager *m) {
        for (size_t i = 0; i < m->search_path.n; i++)
                if (strstr(m->search_path.v[i], "/systemd/generator"))
                        return true;
        return false;
}

static void generators(struct lister *l) {
        static const char *const folders[] = {"/run/systemd", "/etc/systemd",
                "/usr/local/lib/systemd", "/usr/lib/systemd", "/lib/systemd"};
        const char *kind =
                l->m->scope == IMM_SCOPE_SYSTEM ? "system-generators" : "user-generators";
        struct imm_map seen = {0};

        if (generators_have_run(l->m))
                return;
        for (size_t i = 0; i < IMM_ELEMENTSOF(folders); i++) {
                const char *folder = imm_printf(l->a, "%s/%s", folders[i], kind);

                if (!list(l, folder))
                        continue;
                for (size_t k = 0; k < l->n; k++) {
                        const char *path = imm_printf(l->a, "%s/%s", folder, l->e[k].name);

                        if (l->e[k].name[0] == '.' || imm_map_has(&seen, l->e[k].name))
                                continue;
                        imm_map_put(l->a, &seen, l->e[k].name, l);
                        if (l->e[k].type == DT_DIR || imm_index_is_mask(l->m->root, path) > 0)
                                continue;
                        say(l->m, "generator %s: what it adds at boot is not seen (it is not run)",
                                path);
                }
        }
}

static void sysv_scripts(struct lister *l) {
        if (l->m->scope != IMM_SCOPE_SYSTEM || !list(l, "/etc/init.d"))
                return;
        for (size_t i = 0; i < l->n; i++) {
                const char *name = l->e[i].name, *unit;
                const char *path = imm_printf(l->a, "/etc/init.d/%s", name);
                size_t n = strlen(name);
                struct stat st;

                if (name[0] == '.' || imm_root_stat(l->m->root, path, &st) < 0 ||
                        !S_ISREG(st.st_mode) || !(st.st_mode & S_IXUSR))
                        continue;
                if (imm_ends_with(name, ".sh"))
                        n -= 3;
                unit = imm_printf(l->a, "%.*s.service", (int)n, name);
                if (imm_map_has(&l->m->index->ids, unit))
                        continue;
                say(l->m, "SysV script %s: there is no %s; systemd makes one from it at boot", path,
                        unit);
        }
}

static void images(struct lister *l) {
        static const struct {
                const char *path, *what;
        } folders[] = {
                {"/etc/extensions", "system extension"},
                {"/run/extensions", "system extension"},
                {"/var/lib/extensions", "system extension"},
                {"/run/confexts", "configuration extension"},
                {"/var/lib/confexts", "configuration extension"},
                {"/usr/lib/confexts", "configuration extension"},
                {"/usr/local/lib/confexts", "configuration extension"},
                {"/etc/portables", "portable service image"},
                {"/run/portables", "portable service image"},
                {"/var/lib/portables", "portable service image"},
                {"/usr/local/lib/portables", "portable service image"},
                {"/usr/lib/portables", "portable service image"},
        };

        for (size_t i = 0; i < IMM_ELEMENTSOF(folders); i++) {
                if (!list(l, folders[i].path))
                        continue;
                for (size_t k = 0; k < l->n; k++)
                        if (l->e[k].name[0] != '.')
                                say(l->m, "%s %s/%s: units in it are not read", folders[i].what,
                                        folders[i].path, l->e[k].name);
        }
}

static void quadlets_in(struct lister *l, const char *path, unsigned depth) {
        static const char *const kinds[] = {
                ".container", ".pod", ".kube", ".volume", ".network", ".image", ".build"};
        struct lister here = *l;

        if (!list(&here, path))
                return;
        for (size_t k = 0; k < here.n; k++) {
                const char *p = imm_printf(l->a, "%s/%s", path, here.e[k].name);

                if (here.e[k].type == DT_DIR && depth > 0 &&
                        !(l->m->scope == IMM_SCOPE_SYSTEM && imm_streq(here.e[k].name, "users")))
                        quadlets_in(l, p, depth - 1);
                if (here.e[k].type != DT_REG && here.e[k].type != DT_LNK)
                        continue;
                for (size_t i = 0; i < IMM_ELEMENTSOF(kinds); i++)
                        if (imm_ends_with(here.e[k].name, kinds[i]))
                                say(l->m,
                                        "quadlet %s: the unit that podman makes from it at boot "
                                        "is not seen",
                                        p);
        }
}

static void quadlets(struct lister *l) {
        static const char *const of_system[] = {"/run/containers/systemd",
                "/etc/containers/systemd", "/usr/share/containers/systemd"};

        if (l->m->scope == IMM_SCOPE_SYSTEM) {
                for (size_t i = 0; i < IMM_ELEMENTSOF(of_system); i++)
                        quadlets_in(l, of_system[i], 4);
                return;
        }
        quadlets_in(l, "/etc/containers/systemd/users", 4);
        quadlets_in(l, "/usr/share/containers/systemd/users", 4);
        if (l->m->user)
                quadlets_in(
                        l, imm_printf(l->a, "%s/.config/containers/systemd", l->m->user->home), 4);
}

/* Units where this systemd does not look any more */
static void lib(struct lister *l) {
        const char *real;

        if (l->m->scope != IMM_SCOPE_SYSTEM || l->m->version < 255 ||
                l->m->version_source != IMM_VERSION_ROOT ||
                imm_root_realpath(l->m->root, "/lib/systemd/system", l->a, &real) < 0 ||
                !imm_streq(real, "/lib/systemd/system") || !list(l, real) || l->n == 0)
                return;
        say(l->m, "units in %s: systemd %u does not look there (/usr is not merged)", real,
                l->m->version);
}

void imm_manager_find_not_analysed(struct imm_manager *m) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        struct lister l = {.m = m, .a = a};

        if (m->not_analysed_known)
                return;
        m->not_analysed_known = true;
        generators(&l);
        lib(&l);
        sysv_scripts(&l);
        images(&l);
        quadlets(&l);
}
