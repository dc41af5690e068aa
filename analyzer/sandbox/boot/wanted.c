#include "analyzer/sandbox/boot/units.h"

/* clang-format off */
static const char *const boot_targets[] = {
        "sysinit.target", "local-fs.target", "basic.target", "multi-user.target",
        "graphical.target", "remote-fs.target", "default.target",
};
/* clang-format on */

/* A folder "UNIT.wants" or "UNIT.requires" */
struct wants {
        const char *unit, *path;
        bool seen;
};
typedef IMM_ARRAY(struct wants) all_wants;
typedef IMM_ARRAY(const char *) names;

static int by_unit(const void *a, const void *b) {
        return strcmp(((const struct wants *)a)->unit, ((const struct wants *)b)->unit);
}

static int unit_compare(const void *unit, const void *wants) {
        return strcmp(unit, ((const struct wants *)wants)->unit);
}

static void add_wants(struct imm_arena *a, const char *path, all_wants *wants) {
        static const char *const how[] = {".wants", ".requires"};
        const char *name = imm_base_name(path);

        for (size_t k = 0; k < IMM_ELEMENTSOF(how); k++)
                if (imm_ends_with(name, how[k]))
                        *imm_array_push(a, wants) = (struct wants){
                                imm_strndup(a, name, strlen(name) - strlen(how[k])), path, false};
}

/* The manager is not the system's, or of files alone: the folders are listed here. */
static void list_folders(const struct imm_root *root, struct imm_arena *a, all_wants *wants,
        struct imm_boot_targets *ret) {
        const char *target;
        struct imm_dirent *entries;
        size_t n;

        for (size_t d = 0; d < IMM_MOUNT_UNIT_DIRS; d++) {
                if (imm_after(imm_mount_unit_dirs[d], "/lib/") &&
                        imm_root_readlink(root, "/lib", a, &target) >= 0)
                        continue; /* the same once more */
                if (imm_root_list(root, imm_mount_unit_dirs[d], a, &entries, &n) < 0)
                        continue;
                for (size_t i = 0; i < n; i++) {
                        add_wants(a,
                                imm_printf(a, "%s/%s", imm_mount_unit_dirs[d], entries[i].name),
                                wants);
                        if (imm_ends_with(entries[i].name, ".mount"))
                                imm_strv_add(a, &ret->mounts, entries[i].name);
                }
        }
}

static void list_units(struct imm_manager *m, struct imm_arena *a, all_wants *wants,
        struct imm_boot_targets *ret) {
        struct imm_strv folders = {0};

        if (m->scope == IMM_SCOPE_SYSTEM && m->index) {
                imm_manager_names(m, IMM_UNIT_MOUNT, a, &ret->mounts);
                imm_manager_wants(m, a, &folders);
                for (size_t i = 0; i < folders.n; i++)
                        add_wants(a, folders.v[i], wants);
        } else
                list_folders(m->root, a, wants, ret);
        if (wants->n > 0)
                qsort(wants->v, wants->n, sizeof(*wants->v), by_unit);
}

/* The first of the folders of @unit, or as many as there are */
static size_t wants_of(const all_wants *wants, const char *unit) {
        return imm_first_not_before(unit, wants->v, wants->n, sizeof(*wants->v), unit_compare);
}

void imm_boot_targets_read(
        struct imm_manager *m, struct imm_arena *a, struct imm_boot_targets *ret) {
        const struct imm_root *root = m->root;
        all_wants wants = {0};
        names todo = {0};

        list_units(m, a, &wants, ret);
        for (size_t t = 0; t < IMM_ELEMENTSOF(boot_targets); t++)
                *imm_array_push(a, &todo) = boot_targets[t];
        for (size_t t = 0; t < todo.n; t++)
                for (size_t i = wants_of(&wants, todo.v[t]);
                        i < wants.n && imm_streq(wants.v[i].unit, todo.v[t]); i++) {
                        struct imm_boot_wants w = {.path = wants.v[i].path};

                        if (wants.v[i].seen)
                                continue;
                        wants.v[i].seen = true;
                        if (imm_root_list(root, w.path, a, &w.entries, &w.n) < 0)
                                continue;
                        *imm_array_push(a, &ret->folders) = w;
                        for (size_t e = 0; e < w.n; e++) {
                                size_t k = wants_of(&wants, w.entries[e].name);

                                if (k < wants.n && !wants.v[k].seen &&
                                        imm_streq(wants.v[k].unit, w.entries[e].name) &&
                                        imm_boot_wants(root, ret, wants.v[k].unit, a))
                                        *imm_array_push(a, &todo) = wants.v[k].unit;
                        }
                }
}

bool imm_boot_wants(const struct imm_root *root, const struct imm_boot_targets *boot,
        const char *unit, struct imm_arena *a) {
        imm_array_foreach (w, &boot->folders)
                for (size_t i = 0; i < w->n; i++)
                        if (imm_streq(w->entries[i].name, unit) &&
                                !imm_mount_unit_masked(
                                        root, imm_printf(a, "%s/%s", w->path, unit), a))
                                return true;
        return false;
}
