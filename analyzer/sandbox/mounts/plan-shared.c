/*
 * What a service shares with others: namespaces that a path names, and what JoinsNamespaceOf=
 * leaves of PrivateTmp=. Source: systemd.unit(5), systemd.exec(5); tests/lab.
 */

#include "analyzer/sandbox/access/access-private.h"
#include "analyzer/sandbox/mounts/plan.h"

#include <errno.h>
#include <linux/magic.h>
#include <sys/statfs.h>

/* ---- by a path ---- */

/* On a running host the file itself tells; what may not be looked at is believed. */
static int open_on_host(
        const struct imm_root *root, const char *path, const char *type, struct imm_arena *a) {
        const char *target, *rest;
        imm_auto_close int fd = -1;
        struct statfs fs;

        if (imm_root_readlink(root, path, a, &target) >= 0 && (rest = strstr(target, ":[")) &&
                !strchr(target, '/'))
                return (size_t)(rest - target) == strlen(type) && imm_after(target, type) ? 0
                                                                                          : -EINVAL;
        fd = imm_root_open_path(root, path, 0);
        if (fd < 0)
                return fd == -EACCES || fd == -EPERM ? 0 : fd;
        return fstatfs(fd, &fs) < 0 || fs.f_type == NSFS_MAGIC ? 0 : -EINVAL;
}

/* A namespace's file; what may or may not be there is believed. */
static int open_namespace(struct imm_plan *p, const char *path, const char *type) {
        const char *name = strrchr(path, '/');
        struct imm_vpath at;
        int r;

        if (imm_root_is_running(p->m->root))
                return open_on_host(p->m->root, path, type, p->a);
        /* the kernel follows links to namespaces by itself */
        if (imm_vfs_lookup(p->v, path, false, &at) >= 0 && S_ISLNK(imm_vfs_mode(p->v, at.node))) {
                const char *target = imm_vfs_target(p->v, at.node);

                if (target && imm_streq(target, "@ns"))
                        return p->user_manager && imm_after(path, "/proc/1/") ? -EACCES
                               : imm_streq(name + 1, type)                    ? 0
                                                                              : -EINVAL;
        }
        p->v->trusting = p->v->noting = true;
        r = imm_vfs_lookup(p->v, path, true, &at);
        p->v->trusting = p->v->noting = false;
        if (r < 0)
                return r;
        return at.node->uncertain ? 0 : -EINVAL;
}

/* Before 254 IPCNamespacePath= is forgotten where nothing else is shared with other units. */
bool imm_plan_forgets_ipc(const struct imm_settings *s) {
        return s->version < 254 && !imm_needs_network(s) &&
               !imm_setting_bool(s, IMM_SETTING_PRIVATE_IPC) &&
               imm_setting_number(s, IMM_SETTING_PRIVATE_TMP) == 0;
}

int imm_plan_namespaces_open(struct imm_plan *p) {
        static const struct {
                enum imm_setting setting;
                const char *type;
                enum imm_outcome outcome;
        } paths[] = {
                {IMM_SETTING_NETWORK_NAMESPACE_PATH, "net", IMM_OUTCOME_NETWORK_FAILURE},
                {IMM_SETTING_IPC_NAMESPACE_PATH, "ipc", IMM_OUTCOME_NAMESPACE_FAILURE},
        };

        if (!p->joined.own) /* what another unit made is taken, or there is nothing to take */
                return 0;
        for (size_t i = 0; i < IMM_ELEMENTSOF(paths); i++) {
                const struct imm_value *v = imm_setting(p->s, paths[i].setting);
                int r;

                if (!v->string || (paths[i].setting == IMM_SETTING_IPC_NAMESPACE_PATH &&
                                          imm_plan_forgets_ipc(p->s)))
                        continue;
                r = open_namespace(p, v->string, paths[i].type);
                if (r < 0) {
                        imm_plan_fail(
                                p, IMM_STEP_NAMESPACES, paths[i].outcome, v->string, &v->origin);
                        return r;
                }
        }
        return 0;
}

/* ---- images ---- */

static bool image_is_missing(struct imm_plan *p, const char *path) {
        struct imm_vpath at;
        int r;

        p->v->trusting = p->v->noting = true;
        r = imm_vfs_lookup(p->v, path, true, &at);
        p->v->trusting = p->v->noting = false;
        return r == -ENOENT || r == -ENOTDIR;
}

/* Less than the smallest block of a device holds no file system, and no directory is an image. */
static const char *cannot_be_image(struct imm_plan *p, const char *path) {
        enum { BLOCK = 512 };
        struct stat st;

        if (imm_api_covers(p->m, path) || imm_root_stat(p->m->root, path, &st) < 0)
                return NULL;
        if (S_ISDIR(st.st_mode))
                return "which is a directory";
        return S_ISREG(st.st_mode) && st.st_size < BLOCK ? "which holds no file system" : NULL;
}

/* @to: where it was to be mounted, which is what the journal names; or NULL */
static bool refuse_image(
        struct imm_plan *p, const char *path, const char *to, const struct imm_origin *origin) {
        bool missing = image_is_missing(p, path), first = p->t->outcome == IMM_OUTCOME_OK;
        const char *why = missing ? NULL : cannot_be_image(p, path);

        if (!missing && !why)
                return false;
        if (first && missing && to)
                p->t->culprit_source = imm_strdup(p->out, path);
        else if (first)
                p->t->culprit_why = why;
        imm_plan_fail(p, IMM_STEP_MOUNTS, IMM_OUTCOME_NAMESPACE_FAILURE, missing && to ? to : path,
                origin);
        return true;
}

bool imm_plan_refuses_root_image(struct imm_plan *p) {
        const struct imm_value *v = imm_setting(p->s, IMM_SETTING_ROOT_IMAGE);

        return v->string && refuse_image(p, v->string, NULL, &v->origin);
}

void imm_plan_images_find(struct imm_plan *p) {
        static const enum imm_setting settings[] = {
                IMM_SETTING_EXTENSION_IMAGES, IMM_SETTING_MOUNT_IMAGES};

        for (size_t i = 0; i < IMM_ELEMENTSOF(settings); i++) {
                imm_array_foreach (item, &imm_setting(p->s, settings[i])->strings) {
                        const char *path = imm_strndup(p->a, item->text, strcspn(item->text, ":"));
                        const char *to = item->text + strlen(path);

                        if (*path == '/')
                                (void)refuse_image(p, path,
                                        settings[i] == IMM_SETTING_MOUNT_IMAGES && *to == ':'
                                                ? imm_strndup(p->a, to + 1, strcspn(to + 1, ":"))
                                                : NULL,
                                        &item->origin);
                }
        }
}

/* ---- by JoinsNamespaceOf= ---- */

bool imm_plan_has_tmp(const struct imm_plan *p) {
        uint64_t how = imm_setting_number(p->s, IMM_SETTING_PRIVATE_TMP);

        return how == 2 || (how == 1 && (p->joined.own || p->joined.tmp));
}
