#include "analyzer/sandbox/vfs/mountinfo.h"

/* \040 and its like, in place */
static char *unescape(char *s) {
        char *to = s;

        for (const char *p = s; *p; p++)
                if (p[0] == '\\' && p[1] >= '0' && p[1] <= '3' && p[2] >= '0' && p[2] <= '7' &&
                        p[3] >= '0' && p[3] <= '7') {
                        *to++ = (char)((p[1] - '0') * 64 + (p[2] - '0') * 8 + (p[3] - '0'));
                        p += 3;
                } else
                        *to++ = *p;
        *to = '\0';
        return s;
}

static unsigned flags_of(const char *options) {
        static const struct {
                const char *word;
                unsigned flag;
        } words[] = {
                {"ro", IMM_MOUNT_RDONLY},
                {"nosuid", IMM_MOUNT_NOSUID},
                {"nodev", IMM_MOUNT_NODEV},
                {"noexec", IMM_MOUNT_NOEXEC},
        };
        unsigned flags = 0;

        while (*options) {
                size_t n = strcspn(options, ",");

                for (size_t i = 0; i < IMM_ELEMENTSOF(words); i++)
                        if (strlen(words[i].word) == n && strncmp(options, words[i].word, n) == 0)
                                flags |= words[i].flag;
                options += n;
                options += *options == ',';
        }
        return flags;
}

/* "ID PARENT DEV ROOT POINT OPTIONS [TAGS...] - TYPE SOURCE SUPER" */
static bool parse_line(char *line, struct imm_mountinfo *ret) {
        char *field[6], *rest = line, *tail;
        unsigned long long id, parent;

        for (size_t i = 0; i < IMM_ELEMENTSOF(field); i++) {
                field[i] = strsep(&rest, " ");
                if (!rest)
                        return false;
        }
        if (rest[0] == '-' && rest[1] == ' ')
                tail = rest + 2;
        else {
                tail = strstr(rest, " - ");
                if (!tail)
                        return false;
                tail += 3;
        }
        if (!imm_parse_u64(field[0], &id) || !imm_parse_u64(field[1], &parent))
                return false;
        ret->id = (unsigned)id;
        ret->parent = (unsigned)parent;
        ret->device = field[2];
        ret->root = unescape(field[3]);
        ret->path = unescape(field[4]);
        ret->flags = flags_of(field[5]);
        ret->fstype = strsep(&tail, " ");
        if (tail)
                (void)strsep(&tail, " ");
        ret->read_only_fs = tail && (flags_of(tail) & IMM_MOUNT_RDONLY);
        return true;
}

void imm_mountinfo_read(FILE *f, struct imm_arena *a, struct imm_mountinfos *ret) {
        imm_auto_free char *line = NULL;
        size_t size = 0;
        ssize_t n;

        while ((n = getline(&line, &size, f)) > 0) {
                struct imm_mountinfo m = {0};
                char *copy = imm_strndup(a, line, (size_t)n - (line[n - 1] == '\n'));

                if (parse_line(copy, &m))
                        *imm_array_push(a, ret) = m;
        }
}

/* ---- what paths reach ---- */

static const char *key(struct imm_arena *a, unsigned parent, const char *path, size_t n) {
        return imm_printf(a, "%u %.*s", parent, (int)n, path);
}

/* The mount that @path lies on, walked from the top: at each directory the mounts made on the one
 * stood on */
static const struct imm_mountinfo *walk(
        const struct imm_map *children, unsigned first, const char *path, struct imm_arena *a) {
        const struct imm_mountinfo *here = NULL, *over;
        unsigned where = first;

        for (size_t n = 1;; n++) {
                if (n > 1 && path[n] != '/' && path[n] != '\0')
                        continue;
                while ((over = imm_map_get(children, key(a, where, path, n))) && over != here) {
                        here = over;
                        where = over->id;
                }
                if (path[n] == '\0' || imm_streq(path, "/"))
                        return here;
        }
}

void imm_mountinfo_reached(
        const struct imm_mountinfos *all, struct imm_arena *a, struct imm_map *ret) {
        struct imm_arena *scratch = imm_arena_new();
        struct imm_map children = {0}, ids = {0};
        unsigned first = all->n > 0 ? all->v[0].parent : 0;

        imm_array_foreach (m, all)
                imm_map_put(scratch, &ids, imm_printf(scratch, "%u", m->id), m);
        imm_array_foreach (m, all) {
                imm_map_put(
                        scratch, &children, key(scratch, m->parent, m->path, strlen(m->path)), m);
                if (imm_streq(m->path, "/") &&
                        !imm_map_has(&ids, imm_printf(scratch, "%u", m->parent)))
                        first = m->parent;
        }
        imm_array_foreach (m, all) {
                const struct imm_mountinfo *top = walk(&children, first, m->path, scratch);

                if (top && imm_streq(top->path, m->path))
                        imm_map_put(a, ret, m->path, all->v + (top - all->v));
        }
        (void)imm_arena_free(scratch);
}
