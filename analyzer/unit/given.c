/*
 * Unit files that are named by their path: not installed, so nothing of the root applies to them
 * but what lies beside them: their own drop-in folders, those of their prefixes, template and type.
 * (systemd-analyze looks into the same folders, and into the host's search path after them; a gate
 * whose answer depends on the machine that it runs on is no gate, so that part is left out.)
 *
 * "FILE:ALIAS" reads FILE as if it were called ALIAS; an instance without a file of its own is read
 * from the template beside it.
 */

#include "analyzer/unit/index.h"
#include "analyzer/unit/limits.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>

/* A small manager of one directory: the search path is where the file lies. Listed once. */
struct beside {
        struct imm_manager m;
        struct imm_unit_index x;
        struct search_dir dir;
};

static int host_of(struct imm_manager *m, struct imm_err *err) {
        return m->index->host ? 0 : imm_root_open(&m->index->host, "/", err);
}

static const char *absolute(const char *path, struct imm_arena *a) {
        imm_auto_free char *cwd = NULL;

        if (*path == '/')
                return path;
        cwd = getcwd(NULL, 0);
        return cwd ? imm_printf(a, "%s/%s", cwd, path) : NULL;
}

/* Splits "FILE:ALIAS"; a file whose own name has a colon is meant as it stands. */
static const char *split_alias(const char *given, struct imm_arena *a, const char **ret_alias) {
        const char *colon = strrchr(given, ':'), *slash = strrchr(given, '/');
        struct stat st;

        *ret_alias = NULL;
        if (!colon || colon == given || (slash && colon < slash) ||
                imm_unit_name_kind(colon + 1) == IMM_NAME_INVALID || lstat(given, &st) == 0)
                return given;
        *ret_alias = colon + 1;
        return imm_strndup(a, given, (size_t)(colon - given));
}

static struct beside *beside_of(struct imm_manager *m, const char *folder) {
        struct beside *b = imm_map_get(&m->index->beside, folder);
        struct imm_dirent *e;
        size_t n;
        int r;

        if (b)
                return b;
        folder = imm_strdup(m->arena, folder);
        b = imm_new(m->arena, struct beside);
        b->m = (struct imm_manager){
                .root = m->index->host, .version = m->version, .arena = m->arena, .index = &b->x};
        b->dir = (struct search_dir){.fd = -1, .path = folder, .real = folder};
        b->x.dirs = &b->dir;
        b->x.n_dirs = 1;
        imm_map_put(m->arena, &m->index->beside, folder, b);
        r = imm_root_list(m->index->host, folder, m->arena, &e, &n);
        if (r < 0) {
                if (r != -ENOENT && r != -ENOTDIR)
                        imm_diag_add(m->arena, &m->diags, IMM_DIAG_UNREADABLE,
                                "unreadable-directory", folder, 0, NULL,
                                "whether there are drop-ins cannot be seen: %s", strerror(-r));
                return b;
        }
        for (size_t i = 0; i < n; i++) {
                struct dropin_dirs *dirs;

                if ((e[i].type != DT_DIR && e[i].type != DT_LNK) || !imm_ends_with(e[i].name, ".d"))
                        continue;
                dirs = imm_new(b->m.arena, struct dropin_dirs);
                *imm_array_push(b->m.arena, &dirs->list) =
                        (struct dropin_dir){.name = e[i].name, .link = true};
                imm_map_put(b->m.arena, &b->x.dropins, e[i].name, dirs);
        }
        return b;
}

static void take_file(struct imm_manager *m, struct imm_unit *u, const char *path,
        const char *shown, enum imm_file_kind kind) {
        struct file_slot *s = imm_new(u->arena, struct file_slot);

        s->file = (struct imm_unit_file){.kind = kind, .path = shown};
        s->type = u->type;
        imm_file_read_from(m->index->host, path, m->version, s, u->arena);
        if (kind == IMM_FILE_FRAGMENT) {
                switch (s->state) {
                case SLOT_READ:
                        u->load = s->file.status == 0 ? IMM_LOAD_LOADED : IMM_LOAD_ERROR;
                        u->load_message = s->file.status == 0 ? NULL : "not a valid unit file";
                        break;
                case SLOT_MASK:
                        u->load = IMM_LOAD_MASKED;
                        u->load_message = "masked";
                        break;
                case SLOT_GONE:
                        u->load = IMM_LOAD_NOT_FOUND;
                        u->load_message = "no such file";
                        break;
                default:
                        u->load = IMM_LOAD_ERROR;
                        u->load_message = "its file cannot be read";
                        u->unreadable = true;
                        if (s->state == SLOT_LOOP)
                                imm_diag_add(u->arena, &u->diags, IMM_DIAG_UNREADABLE,
                                        "endless-link", shown, 0, NULL, "endless symbolic link");
                }
        } else if (s->state == SLOT_BROKEN)
                imm_array_foreach (g, &s->file.diags) {
                        if (g->level == IMM_DIAG_UNREADABLE)
                                u->unreadable = true;
                }
        else if (s->state != SLOT_READ && s->state != SLOT_MASK)
                imm_diag_add(u->arena, &u->diags, IMM_DIAG_WARNING, "dangling-link", shown, 0, NULL,
                        "the link leads nowhere, ignored");
        if (s->state == SLOT_READ || s->state == SLOT_BROKEN)
                u->files[u->n_files++] = &s->file;
}

static struct imm_unit *read_given(struct imm_manager *m, const char *shown, const char *path,
        const char *name, struct imm_arena *a) {
        struct imm_unit *u = imm_new(a, struct imm_unit);
        const char *slash = strrchr(path, '/'), *shown_slash = strrchr(shown, '/'), *folder;
        struct imm_strv names = {0};
        struct beside *beside;
        struct dropin_list drop;

        u->arena = a;
        u->given_by_path = true;
        u->name = name;
        u->type = imm_unit_name_type(name);
        u->prefix = imm_unit_name_prefix(name, a);
        u->instance = imm_unit_name_instance(name, a);
        imm_strv_add(a, &u->names, name);
        u->fragment = shown;
        folder = slash == path ? "/" : imm_strndup(a, path, (size_t)(slash - path));
        if (imm_root_realpath(m->index->host, folder, a, &folder) == 0)
                path = imm_printf(a, "%s%s", imm_streq(folder, "/") ? "" : folder, slash);
        imm_strv_add(a, &names,
                u->instance && !*u->instance
                        ? imm_unit_name_replace(name, imm_stand_in(m->version), a)
                        : name);
        /* called by another name it keeps the folder that is called like the file */
        if (!imm_streq(slash + 1, name) && imm_unit_name_type(slash + 1) == u->type)
                imm_strv_add(a, &names, slash + 1);
        beside = beside_of(m, folder);
        drop = imm_index_dropins(&beside->m, &names, u->type, a, &u->diags);
        imm_array_foreach (d, &beside->m.diags) /* of its folders, which others read too */
                *imm_array_push(m->arena, &m->diags) = *d;
        beside->m.diags.n = 0;
        u->files = imm_alloc_array(a, drop.n + 1, sizeof(*u->files));
        take_file(m, u, path, shown, IMM_FILE_FRAGMENT);
        if (u->load != IMM_LOAD_LOADED)
                return u;
        for (size_t i = 0; i < drop.n; i++) {
                const char *p = drop.v[i]->path, *as = p, *rest = imm_after(p, folder);

                if (rest && *rest == '/') /* named the way that the file was */
                        as = shown_slash ? imm_printf(a, "%.*s%s", (int)(shown_slash - shown),
                                                   shown, rest)
                                         : imm_strdup(a, rest + 1);
                imm_strv_add(a, &u->dropins, as);
                take_file(m, u, p, as, IMM_FILE_DROPIN);
        }
        return u;
}

const char *imm_unit_file_to_read(const char *path, struct imm_arena *a) {
        const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *template;
        struct stat st;

        if (imm_unit_name_kind(name) != IMM_NAME_INSTANCE || lstat(path, &st) == 0)
                return path;
        template =
                imm_printf(a, "%.*s%s", (int)(name - path), path, imm_unit_name_template(name, a));
        return lstat(template, &st) == 0 ? template : path;
}

int imm_manager_unit_file(
        struct imm_manager *m, const char *path, struct imm_unit **ret, struct imm_err *err) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        const char *file, *alias, *name, *full, *slash;
        struct imm_unit *u;
        int r;

        file = split_alias(imm_strdup(a, path), a, &alias);
        slash = strrchr(file, '/');
        name = alias ? alias : slash ? slash + 1 : file;
        if (imm_unit_name_kind(name) == IMM_NAME_INVALID)
                return imm_err_set(err, -EINVAL, "'%s' is not the name of a unit file", path);
        file = imm_unit_file_to_read(file, a);
        full = absolute(file, a);
        if (!full)
                return imm_err_set(err, -errno, "cannot find the working directory");
        (void)pthread_mutex_lock(&m->index->lock);
        r = host_of(m, err);
        if (r == 0) {
                u = read_given(m, file, full, name, a);
                if (m->n_list == m->index->list_cap)
                        m->list = imm_array_grow(m->arena, m->list, m->n_list, &m->index->list_cap,
                                sizeof(*m->list));
                m->list[m->n_list++] = u;
                imm_units_sort_last(m);
                a = NULL;
                *ret = u;
        }
        (void)pthread_mutex_unlock(&m->index->lock);
        return r;
}

size_t imm_manager_given(struct imm_manager *m, struct imm_arena *a, struct imm_unit ***ret) {
        IMM_ARRAY(struct imm_unit *) given = {0};

        (void)pthread_mutex_lock(&m->index->lock);
        for (size_t i = 0; i < m->n_list; i++)
                if (m->list[i]->given_by_path)
                        *imm_array_push(a, &given) = m->list[i];
        (void)pthread_mutex_unlock(&m->index->lock);
        *ret = given.v;
        return given.n;
}
