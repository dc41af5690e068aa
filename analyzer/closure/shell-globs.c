#include "analyzer/closure/shell-private.h"

#include <fnmatch.h>

/* Patterns of file names. One that means nothing, or is relative, is left out. */

static bool is_pattern(const char *s) {
        return s[strcspn(s, "*?")] != 0;
}

enum { GLOBS_MAX = 500 }; /* of all scripts of a service: each lists a directory */

/* Only names in one directory: what lies below many is too much to say. */
static unsigned glob(
        struct builder *b, const char *pattern, const char **ret, unsigned max, int by) {
        const char *slash = strrchr(pattern, '/');
        const char *dir = imm_strndup(b->arena, pattern, (size_t)(slash - pattern));
        struct imm_dirent *e = NULL;
        size_t n = 0;
        unsigned found = 0;
        struct place p;

        if (b->shell_globs >= GLOBS_MAX || !*dir || is_pattern(dir) ||
                imm_path_made_at_run_time(dir) || view_find(&b->view, NULL, dir, &p) < 0 ||
                !p.node || !S_ISDIR(p.node->mode))
                return 0;
        b->shell_globs++;
        b->unsure = true; /* another file may come */
        need_named(b, dir, IMM_LIKELY, "named in the script", by, false);
        if (imm_root_list(b->c->root, p.node->host, b->arena, &e, &n) < 0)
                return 0;
        for (size_t i = 0; i < n && found < max; i++)
                if (fnmatch(slash + 1, e[i].name, FNM_PERIOD) == 0)
                        ret[found++] =
                                path_join(b->arena, dir, strlen(dir), e[i].name, strlen(e[i].name));
        return found;
}

unsigned shell_globs(struct builder *b, const char **v, unsigned n, unsigned max, int by) {
        const char *words[SHELL_WORDS_MAX];
        unsigned k = 0;

        for (unsigned i = 0; i < n && k < IMM_ELEMENTSOF(words); i++)
                if (!is_pattern(v[i]))
                        words[k++] = v[i];
                else if (*v[i] == '/' && shell_is_known(v[i]) && strlen(v[i]) < PATH_MAX)
                        k += glob(b, v[i], words + k, (unsigned)IMM_ELEMENTSOF(words) - k, by);
        for (unsigned i = 0; i < k && i < max; i++)
                v[i] = words[i];
        return k < max ? k : max;
}
