#include "analyzer/sandbox/boot/mounts-private.h"
#include "analyzer/sandbox/boot/options.h"
#include "analyzer/sandbox/vfs/vfs.h"
#include "analyzer/settings/parse/parse.h"
#include "analyzer/unit/name.h"

/* clang-format off */
static const char *const kernel_types[] = {
        "proc", "sysfs", "devtmpfs", "devpts", "mqueue", "hugetlbfs", "debugfs", "tracefs",
        "cgroup", "cgroup2", "securityfs", "configfs", "fusectl", "binfmt_misc", "bpf", "pstore",
        "efivarfs", "nfsd", "rpc_pipefs", "selinuxfs", "smackfs", "autofs",
};
/* clang-format on */

static bool of_kernel(const char *type) {
        for (size_t i = 0; i < IMM_ELEMENTSOF(kernel_types); i++)
                if (imm_streq(kernel_types[i], type))
                        return true;
        return false;
}

static unsigned long number(const char *s, int base, unsigned long otherwise) {
        char *end;
        unsigned long n = s ? strtoul(s, &end, base) : otherwise;

        return s && (*s < '0' || *s > '9' || *end) ? otherwise : n;
}

static uid_t owner(const struct imm_boot_reader *r, const char *options) {
        const char *name = imm_mount_option(options, "uid", r->a);
        const struct imm_user *u = name ? imm_user_by_name(r->m->users, name) : NULL;

        return u ? u->uid : (uid_t)number(name, 10, 0);
}

static gid_t group(const struct imm_boot_reader *r, const char *options) {
        const char *name = imm_mount_option(options, "gid", r->a);
        const struct imm_group *g = name ? imm_group_by_name(r->m->users, name) : NULL;

        return g ? g->gid : (gid_t)number(name, 10, 0);
}

void imm_boot_mount_describe(
        const struct imm_boot_reader *r, struct imm_boot_mount *b, const char *options) {
        struct imm_dirent *entries;
        size_t n;

        b->flags = imm_mount_options_flags(options);
        b->recursive = imm_mount_option(options, "rbind", r->a) != NULL;
        if (b->recursive || imm_mount_option(options, "bind", r->a)) {
                b->content = IMM_BOOT_BIND;
                b->type = "bind";
        } else if (imm_streq(b->type, "tmpfs") || imm_streq(b->type, "ramfs")) {
                b->content = IMM_BOOT_EMPTY;
                b->mode = (mode_t)number(imm_mount_option(options, "mode", r->a), 8,
                                  imm_streq(b->type, "tmpfs") ? 01777 : 0755) &
                          07777;
                b->uid = owner(r, options);
                b->gid = group(r, options);
        } else if (of_kernel(b->type))
                b->content = IMM_BOOT_KERNEL;
        else {
                b->content = IMM_BOOT_DEVICE;
                b->filled = imm_root_list(r->m->root, b->path, r->a, &entries, &n) == 0 && n > 0 &&
                            !(n == 1 && imm_streq(entries[0].name, "lost+found"));
        }
}

void imm_boot_mount_add(
        const struct imm_boot_reader *r, const struct imm_boot_mount *b, bool stronger) {
        const uintptr_t old = (uintptr_t)imm_map_get(&r->to->by_path, b->path); /* index + 1 */

        if (old == 0) {
                *imm_array_push(r->a, r->to) = *b;
                imm_map_put(r->a, &r->to->by_path, b->path, (void *)(uintptr_t)r->to->n);
        } else if (stronger)
                r->to->v[old - 1] = *b;
}

/* ---- mount units ---- */

static const char *unit_name(struct imm_arena *a, const char *path) {
        return imm_printf(a, "%s.mount", imm_unit_name_of_path(path, a));
}

enum why { OF_FSTAB, WANTED, LEFT };

static void unit_of_root(const struct imm_boot_reader *r, const char *name, enum why how) {
        struct imm_mount_unit u;
        struct imm_boot_mount b;

        if (!imm_mount_unit_read(r->m->root, name, r->a, &u) || !u.where || *u.where != '/' ||
                !u.what || strchr(u.where, '%'))
                return;
        b = (struct imm_boot_mount){.what = u.what,
                .path = imm_path_simplify(u.where, false, r->m->version, r->a),
                .type = u.type ? u.type : "auto",
                .file = u.file};
        /* the kernel's own places are in a table */
        if (imm_path_below(b.path, "/proc") || imm_path_below(b.path, "/sys") ||
                imm_path_below(b.path, "/dev") || imm_streq(b.path, "/tmp") ||
                imm_streq(b.path, "/run/lock") || imm_streq(b.path, "/run") ||
                imm_streq(b.path, "/"))
                return;
        imm_boot_mount_describe(r, &b, u.options);
        if (u.holds == 0)
                return;
        if (how == LEFT || u.holds < 0)
                *imm_array_push(r->a, &r->to->left) = b;
        else if (how == WANTED || imm_after(u.file, "/etc/"))
                imm_boot_mount_add(r, &b, imm_after(u.file, "/etc/"));
}

/* Is there a mount of that unit? */
static bool is_made(const struct imm_boot_reader *r, const char *unit) {
        imm_array_foreach (b, r->to)
                if (b->content != IMM_BOOT_FLAGS && imm_streq(unit_name(r->a, b->path), unit))
                        return true;
        return false;
}

static void read_units(const struct imm_boot_reader *r) {
        struct imm_boot_targets *boot = &r->to->targets;
        size_t of_fstab = r->to->n;

        for (size_t i = 0; i < of_fstab;
                i++) /* fstab wants it, and an administrator's unit is it */
                if (r->to->v[i].content != IMM_BOOT_FLAGS)
                        unit_of_root(r, unit_name(r->a, r->to->v[i].path), OF_FSTAB);
        imm_boot_targets_read(r->m, r->a, boot);
        imm_array_foreach (w, &boot->folders)
                for (size_t i = 0; i < w->n; i++)
                        if (imm_ends_with(w->entries[i].name, ".mount") &&
                                imm_boot_wants(r->m->root, boot, w->entries[i].name, r->a))
                                unit_of_root(r, w->entries[i].name, WANTED);
        /* nobody wants it by a link; a service that needs the path, or says so in its file, may */
        for (size_t i = 0; i < boot->mounts.n; i++)
                if (!imm_boot_wants(r->m->root, boot, boot->mounts.v[i], r->a) &&
                        !is_made(r, boot->mounts.v[i]))
                        unit_of_root(r, boot->mounts.v[i], LEFT);
}

static int by_path(const void *a, const void *b) {
        return strcmp(
                ((const struct imm_boot_mount *)a)->path, ((const struct imm_boot_mount *)b)->path);
}

void imm_boot_mounts_read(struct imm_manager *m, struct imm_arena *a, struct imm_boot_mounts *ret) {
        const struct imm_boot_reader r = {.m = m, .to = ret, .a = a};

        if (imm_root_is_running(m->root))
                return;
        imm_boot_mounts_of_fstab(&r);
        read_units(&r);
        if (ret->n > 0)
                qsort(ret->v, ret->n, sizeof(*ret->v), by_path);
}

/* The first bytes of a path: itself, or a directory above it */
struct prefix {
        const char *path;
        size_t n;
};

static int before(const void *key, const void *item) {
        const struct prefix *k = key;
        const char *path = ((const struct imm_boot_mount *)item)->path;
        int r = strncmp(k->path, path, k->n);

        return r != 0 ? r : path[k->n] ? -1 : 0;
}

const struct imm_boot_mount *imm_boot_mount_at(
        const struct imm_boot_mounts *all, const char *path) {
        struct prefix k = {path, strlen(path)};

        for (;;) {
                size_t i = imm_first_not_before(&k, all->v, all->n, sizeof(*all->v), before);

                if (i < all->n && before(&k, &all->v[i]) == 0 &&
                        all->v[i].content != IMM_BOOT_FLAGS)
                        return &all->v[i];
                if (k.n <= 1)
                        return NULL;
                while (k.n > 1 && path[k.n - 1] != '/')
                        k.n--;
                k.n -= k.n > 1; /* the slash is of "/" only */
        }
}

const struct imm_boot_mount *imm_boot_mount_left(
        const struct imm_boot_mounts *all, const char *path) {
        imm_array_foreach (b, &all->left)
                if (imm_path_below(path, b->path))
                        return b;
        return NULL;
}

const char *imm_boot_mount_text(const struct imm_boot_mount *b, struct imm_arena *a) {
        return b->line ? imm_printf(a, "%s:%u", b->file, b->line) : b->file;
}
