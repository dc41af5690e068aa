#include "analyzer/uses/uses-private.h"

#include <assert.h>

/*
 * Configuration that is found by a row of elsewhere.def alone, names in a folder of configuration
 * that stand for files elsewhere, and udev's rules, which run commands.
 */

enum kind { LINES, RULES, LINKS };

static const struct {
        const char *command, *path;
        enum kind kind;
        const char *keys;
} rows[] = {
#define ELSEWHERE(command, path, kind, keys) {command, path, kind, keys},
#include "analyzer/uses/elsewhere.def"
#undef ELSEWHERE
};

/* ---- links ---- */

/* What a link in a folder of configuration stands for, where a mount could hide it */
void use_link(struct collector *c, const char *path) {
        static const char *const tops[] = {
                "/home/", "/root/", "/srv/", "/opt/", "/mnt/", "/media/"};
        const char *target;

        if (imm_root_readlink(c->m->root, path, c->a, &target) < 0)
                return;
        for (size_t i = 0; i < IMM_ELEMENTSOF(tops); i++)
                if (imm_after(target, tops[i]))
                        use_add(c, IMM_FACILITY_READ, PART, NULL, target, "%s is a link to %s",
                                path, target);
}

static void use_links(struct collector *c, const char *path) {
        struct imm_dirent *d;
        size_t n;

        if (imm_root_list(c->m->root, path, c->a, &d, &n) < 0)
                return;
        for (size_t i = 0; i < n; i++)
                if (d[i].type == DT_LNK)
                        use_link(c, imm_printf(c->a, "%s/%s", path, d[i].name));
}

/* ---- udev's rules ---- */

/* The command of RUN+="…" */
static void of_run(struct collector *c, const char *command, const char *from) {
        const char *path = imm_strndup(c->a, command, strcspn(command, " \t")),
                   *name = imm_base_name(path);

        if (imm_streq(name, "mount") || imm_streq(name, "umount"))
                use_add(c, IMM_FACILITY_MOUNT_HOST, PART, NULL, NULL, "%s: RUN %s", from, command);
        else if (*path == '/')
                use_argument(c, "RUN command", path, from);
}

static void of_rule(struct collector *c, const char *line, size_t n, const char *from) {
        const char *end = line + n, *at = line;

        while (at < end && (*at == ' ' || *at == '\t'))
                at++;
        if (at == end || *at == '#' || n > 4096)
                return;
        while ((at = memmem(at, (size_t)(end - at), "RUN", 3))) {
                const char *quote = memchr(at, '"', (size_t)(end - at)), *close;
                bool builtin = imm_after(at, "RUN{builtin}") != NULL;

                at += 3;
                if (!quote || !(close = memchr(quote + 1, '"', (size_t)(end - quote - 1))))
                        return;
                if (!builtin && (*at == '+' || *at == '=' || *at == ':' || *at == '{'))
                        of_run(c, imm_strndup(c->a, quote + 1, (size_t)(close - quote - 1)), from);
                at = close + 1;
        }
}

static void read_rules(struct collector *c, const char *path) {
        enum { FILES_MAX = 100, FILE_MAX = 256 << 10 };
        struct imm_dirent *d;
        size_t n;

        if (imm_root_list(c->m->root, path, c->a, &d, &n) < 0)
                return;
        for (size_t i = 0; i < n && i < FILES_MAX; i++) {
                const char *at = imm_printf(c->a, "%s/%s", path, d[i].name);
                struct imm_blob b;
                unsigned number = 0;

                if (!imm_ends_with(at, ".rules") ||
                        imm_root_read(c->m->root, at, FILE_MAX, c->a, &b, NULL) < 0)
                        continue;
                for (const char *line = b.data; *line; line = *line ? line + 1 : line) {
                        const char *end = strchrnul(line, '\n');

                        of_rule(c, line, (size_t)(end - line),
                                imm_printf(c->a, "%s:%u", at, ++number));
                        line = end;
                }
        }
}

/* ---- rows ---- */

void use_elsewhere(struct collector *c, const char *daemon, const char *command) {
        for (size_t i = 0; i < IMM_ELEMENTSOF(rows); i++) {
                if (!imm_streq(rows[i].command, command))
                        continue;
                switch (rows[i].kind) {
                case LINES:
                        c->not_keys = rows[i].keys;
                        read_configuration(c, daemon, rows[i].path);
                        c->not_keys = NULL;
                        break;
                case RULES:
                        read_rules(c, rows[i].path);
                        break;
                case LINKS:
                        use_links(c, rows[i].path);
                        break;
                }
        }
}
