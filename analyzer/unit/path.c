/*
 * The search path, as `systemd-analyze unit-paths` prints it for each version and scope.
 */

#include "analyzer/unit/index.h"
#include "analyzer/unit/limits.h"

/* Debian and its kin kept the units of the system in /lib until systemd gave up the split (255). */
static bool units_in_lib(const struct imm_manager *m) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        struct imm_blob b;

        if (m->version >= 255)
                return false;
        if (imm_root_read(m->root, "/etc/os-release", IMM_CONFIG_FILE_MAX, a, &b, NULL) < 0 &&
                imm_root_read(m->root, "/usr/lib/os-release", IMM_CONFIG_FILE_MAX, a, &b, NULL) < 0)
                return false;
        for (const char *l = b.data; l; l = strchr(l, '\n')) {
                const char *v;

                l += *l == '\n';
                v = imm_after(l, "ID=");
                if (!v)
                        v = imm_after(l, "ID_LIKE=");
                if (v) {
                        const char *found = strstr(v, "debian"), *end = strchrnul(v, '\n');

                        if (found && found < end)
                                return true;
                }
        }
        return false;
}

static void add(struct imm_manager *m, struct imm_strv *to, const char *path) {
        size_t n = strlen(path);

        while (n > 1 && path[n - 1] == '/')
                n--;
        path = imm_strndup(m->arena, path, n);
        if (!imm_strv_has(to, path))
                imm_strv_add(m->arena, to, path);
}

static void add_all(struct imm_manager *m, struct imm_strv *to, const char *prefix,
        const char *const *paths, size_t n) {
        for (size_t i = 0; i < n; i++)
                add(m, to, imm_printf(m->arena, "%s%s", prefix, paths[i]));
}
#define ADD(m, to, prefix, ...) \
        add_all(m, to, prefix, (const char *const[]){__VA_ARGS__}, \
                IMM_ELEMENTSOF(((const char *const[]){__VA_ARGS__})))

static void system_path(struct imm_manager *m, struct imm_strv *to) {
        bool lib = units_in_lib(m);

        ADD(m, to, "", "/etc/systemd/system.control", "/run/systemd/system.control",
                "/run/systemd/transient", "/run/systemd/generator.early", "/etc/systemd/system",
                "/etc/systemd/system.attached", "/run/systemd/system",
                "/run/systemd/system.attached", "/run/systemd/generator",
                "/usr/local/lib/systemd/system");
        if (lib)
                add(m, to, "/lib/systemd/system");
        add(m, to, "/usr/lib/systemd/system");
        /* Where /lib is a directory of its own, units may lie there whatever systemd was built for
         * (where it is a link, the index sees that they are the same); one that is known and too
         * new for a split /usr does not look there. */
        if (m->version < 255 || m->version_source != IMM_VERSION_ROOT)
                add(m, to, "/lib/systemd/system");
        add(m, to, "/run/systemd/generator.late");
}

static void global_path(struct imm_manager *m, struct imm_strv *to) {
        ADD(m, to, "", "/etc/systemd/user", "/run/systemd/user", "/usr/local/share/systemd/user",
                "/usr/share/systemd/user", "/usr/local/lib/systemd/user", "/usr/lib/systemd/user");
}

static void user_path(struct imm_manager *m, struct imm_strv *to) {
        const char *home = m->user->home && *m->user->home == '/' ? m->user->home : "/";
        const char *run = imm_printf(m->arena, "/run/user/%u/systemd", m->user->uid);

        ADD(m, to, home, "/.config/systemd/user.control");
        ADD(m, to, run, "/user.control", "/transient", "/generator.early");
        ADD(m, to, home, "/.config/systemd/user");
        if (m->version < 256)
                add(m, to, "/etc/xdg/systemd/user");
        add(m, to, "/etc/systemd/user");
        ADD(m, to, run, "/user");
        add(m, to, "/run/systemd/user");
        ADD(m, to, run, "/generator");
        ADD(m, to, home, "/.local/share/systemd/user");
        ADD(m, to, "", "/usr/local/share/systemd/user", "/usr/share/systemd/user",
                "/usr/local/lib/systemd/user", "/usr/lib/systemd/user");
        ADD(m, to, run, "/generator.late");
}

/*
 * $SYSTEMD_UNIT_PATH replaces the search path; with a colon at its end it comes before it. Set and
 * empty it means no directory at all. What is not absolute is taken from / .
 */
void imm_search_path(struct imm_manager *m, const char *unit_path, struct imm_strv *ret) {
        if (unit_path) {
                for (const char *p = unit_path; *p;) {
                        size_t n = strcspn(p, ":");

                        if (n > 0)
                                add(m, ret,
                                        imm_printf(m->arena, "%s%.*s", *p == '/' ? "" : "/", (int)n,
                                                p));
                        p += n + (p[n] == ':');
                }
                if (!imm_ends_with(unit_path, ":"))
                        return;
        }
        switch (m->scope) {
        case IMM_SCOPE_SYSTEM:
                system_path(m, ret);
                break;
        case IMM_SCOPE_GLOBAL:
                global_path(m, ret);
                break;
        case IMM_SCOPE_USER:
                user_path(m, ret);
                break;
        }
}
