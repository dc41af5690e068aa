/*
 * Does an extension tree fit the system that it is laid over? systemd compares its
 * extension-release with the os-release below it and fails the namespace if they do not match.
 * Source: systemd-sysext(8), os-release(5).
 */

#include "analyzer/sandbox/mounts/plan.h"

#include <errno.h>
#include <sys/utsname.h>

enum { RELEASE_MAX = 1 << 16 };

struct release {
        const char *id, *id_like, *version_id, *level, *architecture;
};

/* KEY=VALUE, the value perhaps quoted */
static void take(
        struct imm_arena *a, const char *line, size_t n, const char *key, const char **to) {
        size_t k = strlen(key);

        if (n <= k || strncmp(line, key, k) != 0 || line[k] != '=')
                return;
        line += k + 1;
        n -= k + 1;
        if (n >= 2 && (line[0] == '"' || line[0] == '\'') && line[n - 1] == line[0]) {
                line++;
                n -= 2;
        }
        *to = n > 0 ? imm_strndup(a, line, n) : NULL;
}

static int read_release(struct imm_plan *p, struct imm_vpath root, const char *path,
        const char *level, struct release *ret) {
        struct imm_blob blob;
        struct imm_vpath at;
        int r = imm_vfs_lookup_from(p->v, root, path, true, &at);

        if (r < 0)
                return r;
        if (!at.node->fs->of_host || !S_ISREG(imm_vfs_mode(p->v, at.node)))
                return -ENOENT;
        r = imm_root_read(p->m->root, imm_printf(p->a, "%s%s", at.node->fs->prefix, at.node->path),
                RELEASE_MAX, p->a, &blob, NULL);
        if (r < 0)
                return r;
        for (const char *line = blob.data; *line;) {
                size_t n = strcspn(line, "\r\n");

                take(p->a, line, n, "ID", &ret->id);
                take(p->a, line, n, "ID_LIKE", &ret->id_like);
                take(p->a, line, n, "VERSION_ID", &ret->version_id);
                take(p->a, line, n, "ARCHITECTURE", &ret->architecture);
                take(p->a, line, n, level, &ret->level);
                line += n;
                line += strspn(line, "\r\n");
        }
        return 0;
}

static bool has_word(const char *words, const char *word) {
        size_t k = strlen(word);

        while (words && *words) {
                size_t n = strcspn(words, " \t");

                if (n == k && strncmp(words, word, n) == 0)
                        return true;
                words += n;
                words += strspn(words, " \t");
        }
        return false;
}

static bool runs_here(const char *architecture) {
        struct utsname u;
        const char *here = uname(&u) < 0 ? "" : u.machine;

        if (!architecture || imm_streq(architecture, "_any"))
                return true;
        if (imm_streq(here, "x86_64"))
                here = "x86-64";
        else if (imm_streq(here, "aarch64"))
                here = "arm64";
        return imm_streq(architecture, here);
}

static bool fits(const struct imm_plan *p, const struct release *e, const struct release *os) {
        if (!e->id || !runs_here(e->architecture))
                return false;
        if (imm_streq(e->id, "_any"))
                return true;
        if (!imm_streq(e->id, os->id) && !(p->s->version >= 256 && has_word(os->id_like, e->id)))
                return false;
        if (os->level && e->level)
                return imm_streq(os->level, e->level);
        if (os->version_id)
                return e->version_id && imm_streq(os->version_id, e->version_id);
        return true;
}

int imm_plan_extension_check(struct imm_plan *p, const struct imm_plan_entry *e) {
        static const struct {
                const char *dir, *level;
                unsigned since;
        } kinds[] = {
                {"usr/lib", "SYSEXT_LEVEL", 0},
                {"etc", "CONFEXT_LEVEL", 256},
        };
        struct release extension = {0}, os = {0};
        struct imm_vpath host = {p->v->root, p->v->root->root}, root;
        const char *slash = strrchr(e->source, '/'), *name = slash ? slash + 1 : e->source;
        int r = -ENOENT;

        if (imm_vfs_lookup(p->v, p->root, true, &root) < 0)
                return -ENOENT;
        for (size_t i = 0; i < IMM_ELEMENTSOF(kinds) && r == -ENOENT; i++) {
                if (p->s->version < kinds[i].since)
                        continue;
                r = read_release(p, host,
                        imm_printf(p->a, "%s/%s/extension-release.d/extension-release.%s",
                                e->source, kinds[i].dir, name),
                        kinds[i].level, &extension);
                if (r < 0 && r != -ENOENT)
                        return r;
                if (r == 0 && read_release(p, root, "/etc/os-release", kinds[i].level, &os) < 0 &&
                        read_release(p, root, "/usr/lib/os-release", kinds[i].level, &os) < 0)
                        return -ENOENT;
        }
        if (r < 0)
                return r == -ENOENT && e->ignore ? 0 : r;
        if (!os.id)
                return -EINVAL;
        return fits(p, &extension, &os) ? 1 : -ESTALE;
}
