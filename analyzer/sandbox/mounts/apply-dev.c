/*
 * PrivateDevices=: a /dev of few nodes, put together aside and moved to its place, as what it takes
 * from /dev is the host's, whatever was mounted there since.
 */

#include "analyzer/sandbox/mounts/plan.h"

#include <errno.h>

struct dev {
        struct imm_plan *p;
        const char *aside, *path; /* the folder that it is made in, and it itself */
        bool binds;               /* making a node was refused once, and is not tried again */
};

static const char *inside(const struct dev *d, const char *name) {
        return imm_printf(d->p->a, "%s/%s", d->path, name);
}

/* What cannot be made is not there: systemd goes on */
static void make_link(const struct dev *d, const char *name, const char *target) {
        (void)imm_vfs_mknod(d->p->v, inside(d, name), S_IFLNK | 0777, target);
}

static int make_file_system(const struct dev *d, const char *place) {
        struct imm_vfs *v = d->p->v;
        int r = imm_vfs_mkdir_p(v, d->path, 0755);

        if (r < 0)
                return r;
        return imm_vfs_mount(v, d->path, imm_vfs_fs_new(v, "tmpfs", IMM_VFS_EMPTY, place, 0755),
                IMM_MOUNT_NOSUID | IMM_MOUNT_NOEXEC);
}

static int bind_directories(const struct dev *d) {
        static const struct {
                const char *name;
                bool needed;
        } dirs[] = {{"pts", true}, {"shm", true}, {"mqueue", false}, {"hugepages", false}};

        for (size_t i = 0; i < IMM_ELEMENTSOF(dirs); i++) {
                const char *to = inside(d, dirs[i].name);
                int r;

                (void)imm_vfs_mknod(d->p->v, to, S_IFDIR | 0755, NULL);
                r = imm_vfs_bind(d->p->v, imm_printf(d->p->a, "/dev/%s", dirs[i].name), to, false);
                if (r < 0 && dirs[i].needed)
                        return r;
        }
        return 0;
}

static bool has_log(const struct imm_plan *p) {
        return p->s->version < 257 || !p->root_directory ||
               imm_setting_string(p->s, IMM_SETTING_LOG_NAMESPACE) ||
               (int64_t)imm_setting_number(p->s, IMM_SETTING_BIND_LOG_SOCKETS) != 0;
}

/* Not in a user namespace, and not where the device policy leaves it out */
static bool may_make(const struct dev *d, const char *path, const char *numbers) {
        return !d->p->userns &&
               (d->p->user_manager || imm_device_allowed(d->p->s, path, numbers, 'm'));
}

/* A node is as the host's own; where none can be made, the host's is bound. */
static int make_node(struct dev *d, const char *name, const char *numbers) {
        struct imm_vfs *v = d->p->v;
        const char *host = imm_printf(d->p->a, "/dev/%s", name), *to = inside(d, name);
        struct imm_vpath at;

        if (imm_vfs_lookup(v, host, true, &at) < 0)
                return 0;
        d->binds = d->binds || !may_make(d, host, numbers);
        if (d->binds) {
                int r;

                (void)imm_vfs_mknod(v, to, S_IFREG, NULL);
                r = imm_vfs_bind(v, host, to, false);
                if (r < 0)
                        return r;
        } else {
                (void)imm_vfs_mknod(v, to, imm_vfs_mode(v, at.node), NULL);
                if (imm_streq(name, "tty") && imm_vfs_lookup(v, to, false, &at) >= 0)
                        imm_vfs_change(v, at.node, -1, 0, 0, false);
        }
        (void)imm_vfs_mkdir_p(v, inside(d, "char"), 0755);
        make_link(d, imm_printf(d->p->a, "char/%s", numbers), imm_printf(d->p->a, "../%s", name));
        return 0;
}

static int make_ptmx(struct dev *d) {
        struct imm_vpath at;

        if (imm_vfs_lookup(d->p->v, "/dev/ptmx", false, &at) < 0)
                return -ENOENT;
        if (!S_ISLNK(imm_vfs_mode(d->p->v, at.node)))
                return make_node(d, "ptmx", "5:2");
        make_link(d, "ptmx", "pts/ptmx");
        return 0;
}

static int make_nodes(struct dev *d) {
        static const struct {
                const char *name, *numbers;
        } nodes[] = {{"null", "1:3"}, {"zero", "1:5"}, {"full", "1:7"}, {"random", "1:8"},
                {"urandom", "1:9"}, {"tty", "5:0"}};

        for (size_t i = 0; i < IMM_ELEMENTSOF(nodes); i++) {
                int r = make_node(d, nodes[i].name, nodes[i].numbers);

                if (r < 0)
                        return r;
        }
        return 0;
}

static void make_links(const struct dev *d) {
        static const struct {
                const char *name, *target;
        } links[] = {{"fd", "/proc/self/fd"}, {"stdin", "/proc/self/fd/0"},
                {"stdout", "/proc/self/fd/1"}, {"stderr", "/proc/self/fd/2"}};
        struct imm_vpath at;

        if (imm_vfs_lookup(d->p->v, "/proc/kcore", true, &at) >= 0)
                make_link(d, "core", "/proc/kcore");
        for (size_t i = 0; i < IMM_ELEMENTSOF(links); i++)
                make_link(d, links[i].name, links[i].target);
}

static int move_to(const struct dev *d, const char *place) {
        struct imm_vfs *v = d->p->v;
        struct imm_vpath at;
        int r;

        (void)imm_vfs_mkdir_p(v, place, 0755);
        (void)imm_vfs_umount_recursive(v, place);
        r = imm_vfs_move(v, d->path, place);
        if (r < 0)
                return r;
        if (imm_vfs_lookup(v, d->path, false, &at) >= 0)
                imm_vfs_remove(v, at.node);
        if (imm_vfs_lookup(v, d->aside, false, &at) >= 0)
                imm_vfs_remove(v, at.node);
        return 0;
}

int imm_apply_private_dev(struct imm_plan *p, struct imm_plan_entry *e) {
        struct dev d = {.p = p};
        int r;

        p->v->noting = false; /* the folder aside is one that systemd makes */
        if (p->userns && p->s->version < 254 &&
                !imm_setting_number(p->s, IMM_SETTING_PRIVATE_USERS))
                return -EPERM;
        d.aside = p->s->version >= 255 ? imm_printf(p->a, "%s/systemd/namespace-*", p->runtime)
                                       : "/tmp/namespace-dev-*";
        d.path = imm_printf(p->a, "%s/dev", d.aside);
        r = make_file_system(&d, e->path);
        if (r >= 0)
                r = bind_directories(&d);
        if (r >= 0)
                r = make_ptmx(&d);
        if (r < 0)
                return r;
        if (has_log(p))
                make_link(&d, "log", "/run/systemd/journal/dev-log");
        r = make_nodes(&d);
        if (r < 0)
                return r;
        make_links(&d);
        r = move_to(&d, e->path);
        return r < 0 ? r : 1;
}
