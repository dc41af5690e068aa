/*
 * Does an extension tree fit the system that it is laid over? systemd compares its
 * extension-release with the os-release below it and fails the namespace if they do not match.
 * Source: systemd-sysext(8), os-release(5).
 */

#include "analyzer/sandbox/mounts/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <strings.h>
#include <sys/utsname.h>
#include <sys/xattr.h>

enum {
        RELEASE_MAX = 1 << 16,
        NAMES_HAVE_VERSIONS = 254, /* name_1.2 is a version of name */
};

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

/* May a file whose name is not the tree's own stand for it? Its author says so. */
static bool is_not_strict(struct imm_plan *p, const char *path) {
        static const char *const no[] = {"0", "no", "n", "false", "f", "off"};
        char name[sizeof("/proc/self/fd/") + 3 * sizeof(int)], value[16];
        imm_auto_close int fd = imm_root_open_path(p->m->root, path, O_NOFOLLOW);
        ssize_t n;

        if (fd < 0)
                return false;
        (void)snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
        n = getxattr(name, "user.extension-release.strict", value, sizeof(value) - 1);
        if (n < 0)
                return false;
        value[n] = '\0';
        for (size_t i = 0; i < IMM_ELEMENTSOF(no); i++)
                if (strcasecmp(value, no[i]) == 0)
                        return true;
        return false;
}

/* The one file in @dir that may stand for the tree @name although none is named like it */
static int find_other(struct imm_plan *p, const char *dir, const char *name, const char **ret) {
        static const char prefix[] = "extension-release.";
        const char *base = imm_strndup(p->a, name, strcspn(name, "_+"));
        struct imm_dirent_stat *entries;
        const char *found = NULL;
        size_t n;
        int r = imm_root_list_stat(p->m->root, dir, p->a, &entries, &n);

        if (r < 0)
                return r;
        for (size_t i = 0; i < n; i++) {
                const char *of = imm_after(entries[i].name, prefix);
                const char *path = imm_printf(p->a, "%s/%s", dir, entries[i].name);

                if (!of || !*of || !S_ISREG(entries[i].mode))
                        continue;
                if (!(p->s->version >= NAMES_HAVE_VERSIONS && imm_streq(of, base)) &&
                        !is_not_strict(p, path))
                        continue;
                if (found)
                        return -ENOTUNIQ;
                found = path;
        }
        *ret = found;
        return found ? 0 : -ENOENT;
}

/* What the tree says about itself, in @dir of it */
static int read_own_release(struct imm_plan *p, const char *tree, const char *dir,
        const char *level, struct release *ret) {
        const struct imm_vpath host = {p->v->root, p->v->root->root};
        const char *slash = strrchr(tree, '/'), *name = slash ? slash + 1 : tree, *other;
        int r;

        dir = imm_printf(p->a, "%s/%s/extension-release.d", tree, dir);
        r = read_release(
                p, host, imm_printf(p->a, "%s/extension-release.%s", dir, name), level, ret);
        if (r != -ENOENT)
                return r;
        r = find_other(p, dir, name, &other);
        return r < 0 ? r : read_release(p, host, other, level, ret);
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
        struct imm_vpath root;
        int r = -ENOENT;

        if (imm_vfs_lookup(p->v, p->root, true, &root) < 0)
                return -ENOENT;
        for (size_t i = 0; i < IMM_ELEMENTSOF(kinds) && r == -ENOENT; i++) {
                if (p->s->version < kinds[i].since)
                        continue;
                r = read_own_release(p, e->source, kinds[i].dir, kinds[i].level, &extension);
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
