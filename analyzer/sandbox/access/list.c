/* What stands in a directory as the service sees it: names from the root's files, from what systemd
 * makes, from the virtual files of a booted machine, and from mounts right below. */

#include "analyzer/sandbox/access/access-private.h"

#include <errno.h>

/* The part of @path right below @dir; NULL if it is not below */
static const char *child(struct imm_arena *a, const char *path, const char *dir) {
        const char *rest = imm_streq(dir, "/") ? path : imm_after(path, dir), *end;

        if (!rest || *rest != '/' || !rest[1])
                return NULL;
        end = strchrnul(++rest, '/');
        return imm_strndup(a, rest, (size_t)(end - rest));
}

static void add_api(
        struct imm_manager *m, const char *dir, struct imm_arena *a, struct imm_strv *to) {
        for (size_t i = 0; i < imm_api_n_entries; i++) {
                const struct imm_api_entry *e = &imm_api_entries[i];
                const char *name = child(a, e->path, dir);

                if (name && !strpbrk(name, "*?[") && e->since <= m->version &&
                        (!e->until || m->version <= e->until))
                        imm_strv_add(a, to, name);
        }
}

static int add_files(
        struct imm_manager *m, const char *host, struct imm_arena *a, struct imm_strv *to) {
        struct imm_dirent *e = NULL;
        size_t n = 0;
        int r = imm_root_list(m->root, host, a, &e, &n);

        for (size_t i = 0; r >= 0 && i < n; i++)
                imm_strv_add(a, to, e[i].name);
        return r;
}

int imm_access_list(struct imm_manager *m, struct imm_unit *u, const char *dir, struct imm_arena *a,
        struct imm_strv *ret) {
        struct imm_sandbox *b = imm_sandbox_of(m, u);
        const struct imm_mount_table *t = &b->mounts[b->main];
        const struct imm_walk w = {
                m, imm_settings_of(m, u), t, &b->identity[b->main], b->program[b->main], a};
        struct imm_spot spot;
        const char *host = NULL;

        if (t->outcome != IMM_OUTCOME_OK)
                return -EACCES;
        imm_walk_to(&w, dir, true, &spot);
        if (spot.end != IMM_WALK_FOUND)
                return spot.end == IMM_WALK_ABSENT ? -ENOENT : -EACCES;
        if (spot.node.state == IMM_NODE_PRESENT && !S_ISDIR(spot.node.mode))
                return -ENOTDIR;
        if (spot.mount && spot.mount->host_path) {
                const char *rest = imm_streq(spot.mount->path, "/")
                                           ? spot.path
                                           : imm_after(spot.path, spot.mount->path);

                host = imm_printf(a, "%s%s",
                        imm_streq(spot.mount->host_path, "/") ? "" : spot.mount->host_path,
                        rest && !imm_streq(rest, "/") ? rest : "");
                if (!*host)
                        host = "/";
        }
        if (host && !imm_api_covers(m, host))
                (void)add_files(m, host, a, ret);
        else
                add_api(m, host ? host : spot.path, a, ret);
        if (spot.mount && imm_streq(spot.mount->path, spot.path))
                imm_array_foreach (e, &spot.mount->entries) {
                        const char *name = child(a, imm_printf(a, "/%s", e->path), "/");

                        if (name)
                                imm_strv_add(a, ret, name);
                }
        imm_array_foreach (i, t) {
                const char *name = child(a, i->path, spot.path);

                if (name)
                        imm_strv_add(a, ret, name);
        }
        imm_strv_sort_unique(ret);
        return 0;
}
