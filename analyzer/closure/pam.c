#include "analyzer/closure/closure-private.h"

#include <ctype.h>
#include <errno.h>

/*
 * PAMName=: systemd opens a session by /etc/pam.d/NAME before there is a sandbox. The file names
 * modules and other files of its kind; pam.d(5), pam.conf(5).
 */

enum { DEPTH_MAX = 16, DIRECTORIES_MAX = 16 };

struct pam {
        struct builder *b;
        struct imm_strv directories; /* where modules lie */
        unsigned depth;
};

/* /usr/lib/security and, where architectures live side by side, that below each of their names */
static void find_directories(struct pam *p) {
        static const char *const tops[] = {"/usr/lib", "/usr/lib64", "/lib", "/lib64"};
        struct imm_arena *a = p->b->arena;
        struct imm_dirent *e;
        size_t n;

        p->b->unsure = true;
        for (size_t i = 0; i < IMM_ELEMENTSOF(tops); i++) {
                imm_strv_add(a, &p->directories, imm_printf(a, "%s/security", tops[i]));
                if (imm_root_list(p->b->c->root, tops[i], a, &e, &n) < 0)
                        continue;
                for (size_t k = 0; k < n; k++)
                        if (e[k].type == DT_DIR && strstr(e[k].name, "-linux-") &&
                                p->directories.n < DIRECTORIES_MAX)
                                imm_strv_add(a, &p->directories,
                                        imm_printf(a, "%s/%s/security", tops[i], e[k].name));
        }
}

static int need_outside(struct pam *p, const char *path, enum imm_need_kind kind,
        const char *reason, int by, struct place *at) {
        struct want w = {.name = path,
                .kind = kind,
                .confidence = IMM_LIKELY,
                .reason = reason,
                .by = by,
                .outside = true};

        if (view_find(&p->b->plain, NULL, path, at) < 0 || !at->node || !S_ISREG(at->node->mode))
                return -ENOENT;
        return need_place(p->b, &w, at, true, NULL, NULL);
}

static void need_module(struct pam *p, const char *name, bool optional, int by) {
        struct place at;

        if (*name == '/') {
                (void)need_outside(
                        p, name, IMM_NEED_MODULE, "a module of the PAM session", by, &at);
                return;
        }
        for (size_t i = 0; i < p->directories.n; i++)
                if (need_outside(p, imm_printf(p->b->arena, "%s/%s", p->directories.v[i], name),
                            IMM_NEED_MODULE, "a module of the PAM session", by, &at) >= 0)
                        return;
        if (!optional)
                (void)need_absent(p->b,
                        &(struct want){.name = name,
                                .kind = IMM_NEED_MODULE,
                                .confidence = IMM_POSSIBLE,
                                .reason = "a module of the PAM session",
                                .by = by,
                                .outside = true},
                        name, "in none of PAM's directories");
}

static const char *word(struct imm_arena *a, const char **s) {
        size_t n;

        *s += strspn(*s, " \t");
        n = **s == '[' ? strcspn(*s, "]\n") : strcspn(*s, " \t\n");
        n += **s == '[' && (*s)[n] == ']';
        *s += n;
        return imm_strndup(a, *s - n, n);
}

static void read_service(struct pam *p, const char *name, const char *reason, int by);

/* "TYPE CONTROL MODULE ARGUMENTS", "TYPE include SERVICE", "@include SERVICE" */
static void read_line(struct pam *p, const char *line, int by) {
        const char *type = word(p->b->arena, &line), *control = word(p->b->arena, &line), *what;

        if (imm_streq(type, "@include")) {
                read_service(p, control, "included by the PAM service", by);
                return;
        }
        what = word(p->b->arena, &line);
        if (!*what || !isalpha((unsigned char)type[*type == '-']))
                return;
        if (imm_streq(control, "include") || imm_streq(control, "substack"))
                read_service(p, what, "included by the PAM service", by);
        else
                need_module(p, what, *type == '-', by);
}

static void read_service(struct pam *p, const char *name, const char *reason, int by) {
        static const char *const folders[] = {"/etc/pam.d", "/usr/lib/pam.d", "/usr/share/pam.d"};
        struct imm_arena *a = p->b->arena;
        struct place at;
        int k = -ENOENT;

        if (!*name || p->depth >= DEPTH_MAX)
                return;
        if (*name == '/')
                k = need_outside(p, name, IMM_NEED_CONFIG, reason, by, &at);
        for (size_t i = 0; k < 0 && !strchr(name, '/') && i < IMM_ELEMENTSOF(folders); i++)
                k = need_outside(p, imm_printf(a, "%s/%s", folders[i], name), IMM_NEED_CONFIG,
                        reason, by, &at);
        if (k < 0 || imm_map_has(&p->b->scanned, at.node->host))
                return;
        imm_map_put(a, &p->b->scanned, at.node->host, at.node);
        p->depth++;
        for (const char *line = node_text(p->b->c, at.node); *line;) {
                const char *end = strchrnul(line, '\n');
                const char *text = imm_strndup(a, line, (size_t)(end - line));

                text += strspn(text, " \t");
                if (*text && *text != '#')
                        read_line(p, imm_strndup(a, text, strcspn(text, "#")), k);
                line = *end ? end + 1 : end;
        }
        p->depth--;
}

void unit_pam(struct builder *b) {
        const char *name = imm_setting_string(b->settings, IMM_SETTING_PAM_NAME);
        struct pam p = {.b = b};

        if (!name || !*name)
                return;
        b->setting = IMM_SETTING_PAM_NAME;
        b->origin = imm_setting(b->settings, IMM_SETTING_PAM_NAME)->origin;
        find_directories(&p);
        read_service(&p, name, "PAMName=, read by systemd", IMM_NEED_BY_UNIT);
}
