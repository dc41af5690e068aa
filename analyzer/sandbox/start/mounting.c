/*
 * What mount(8) and swapon(8) fail for: no mount point, nothing to mount, no program for the type.
 * Devices come and go with the machine, so nothing is said of them.
 * Sources: systemd.mount(5), mount(8), swapon(8); tests/lab.
 */

#include "analyzer/sandbox/access/access-private.h"
#include "analyzer/sandbox/boot/options.h"

#include <errno.h>
#include <string.h>

static bool fault(struct imm_start_fault *ret, enum imm_outcome outcome, const char *culprit,
        const struct imm_settings *s, enum imm_setting setting, const char *why) {
        imm_start_refuse(
                ret, IMM_STEP_EXEC, outcome, culprit, setting, imm_setting(s, setting)->origin);
        ret->why = why;
        return true;
}

/* ---- where ---- */

/* The first link on the way of a mount point, which systemd refuses; NULL: none */
static const char *link_on_way(const struct imm_manager *m, const char *path, struct imm_arena *a) {
        for (const char *end = path; *end; end += strspn(end, "/")) {
                const char *part;
                struct stat st;

                end += strspn(end, "/");
                end += strcspn(end, "/");
                part = imm_strndup(a, path, (size_t)(end - path));
                if (imm_api_covers(m, part) || imm_root_lstat(m->root, part, &st) < 0)
                        return NULL;
                if (S_ISLNK(st.st_mode))
                        return part;
        }
        return NULL;
}

/* ---- what ---- */

/* Types that are made from a file or a device; of others What= may be any word */
static bool is_of_device(const char *type) {
        static const char *const types[] = {"auto", "bcachefs", "btrfs", "erofs", "exfat", "ext2",
                "ext3", "ext4", "f2fs", "hfsplus", "iso9660", "jfs", "msdos", "nilfs2", "none",
                "ntfs", "ntfs3", "reiserfs", "squashfs", "udf", "vfat", "xfs"};

        for (size_t i = 0; type && i < IMM_ELEMENTSOF(types); i++)
                if (imm_streq(types[i], type))
                        return true;
        return !type;
}

enum found { FOUND, MISSING, DANGLING, BELOW_FILE, NOT_KNOWN };

/* What the root has at @path after its boot, outside of any sandbox */
static enum found look(
        struct imm_manager *m, struct imm_settings *s, const char *path, struct imm_arena *a) {
        const struct imm_identity root = {.cap_effective = UINT64_MAX};
        const struct imm_mount_table bare = {0};
        const struct imm_walk w = {.m = m, .s = s, .table = &bare, .id = &root, .a = a};
        struct imm_spot at;
        struct stat st;

        if (imm_path_below(path, "/dev") || imm_api_covers(m, path) || !imm_start_lacks(m, s, path))
                return NOT_KNOWN;
        imm_walk_to(&w, path, true, &at);
        if (at.end == IMM_WALK_FOUND)
                return FOUND;
        if (at.end != IMM_WALK_ABSENT)
                return NOT_KNOWN;
        if (imm_root_lstat(m->root, path, &st) == 0)
                return DANGLING;
        return imm_root_stat(m->root, path, &st) == -ENOTDIR ? BELOW_FILE : MISSING;
}

static bool is_bind(const char *options, struct imm_arena *a) {
        return options &&
               (imm_mount_option(options, "bind", a) || imm_mount_option(options, "rbind", a));
}

/* Without a type, "server:/path" is one of NFS; tags of devices are looked up. */
static bool is_mere_word(const char *what, const char *type) {
        return !strchr(what, '=') && (type || !strchr(what, ':'));
}

/* A missing source of a bind mount is made, as a directory. */
static bool source_fails(struct imm_manager *m, struct imm_settings *s, struct imm_arena *a,
        struct imm_start_fault *ret) {
        const char *what = imm_setting_string(s, IMM_SETTING_WHAT),
                   *type = imm_setting_string(s, IMM_SETTING_MOUNT_TYPE),
                   *options = imm_setting_string(s, IMM_SETTING_OPTIONS);
        bool binds = is_bind(options, a);
        enum found found;

        if (!what || (!binds && !is_of_device(type)))
                return false;
        if (*what != '/')
                return !binds && is_mere_word(what, type) &&
                       fault(ret, IMM_OUTCOME_MOUNT_FAILURE, imm_printf(a, "What=%s", what), s,
                               IMM_SETTING_WHAT, "which names neither a file nor a device");
        if (!binds && !(what[1] == '/' && !type) && S_ISDIR(imm_start_mode(m, what)))
                return fault(ret, IMM_OUTCOME_MOUNT_FAILURE, what, s, IMM_SETTING_WHAT,
                        "which is a directory: Options=bind");
        found = look(m, s, what, a);
        if (found == DANGLING)
                return fault(ret, IMM_OUTCOME_MOUNT_FAILURE, what, s, IMM_SETTING_WHAT,
                        "which is a link to nothing");
        if (found == BELOW_FILE)
                return fault(ret, IMM_OUTCOME_MOUNT_FAILURE, what, s, IMM_SETTING_WHAT,
                        "which lies below a file");
        return found == MISSING && !binds &&
               fault(ret, IMM_OUTCOME_MOUNT_FAILURE, what, s, IMM_SETTING_WHAT, NULL);
}

/* A file, where only a bind mount of a file could be */
static bool place_fails(struct imm_manager *m, const struct imm_settings *s, const char *where,
        struct imm_arena *a, struct imm_start_fault *ret) {
        mode_t mode = where ? imm_start_mode(m, where) : 0;

        return mode && !S_ISDIR(mode) && !is_bind(imm_setting_string(s, IMM_SETTING_OPTIONS), a) &&
               fault(ret, IMM_OUTCOME_MOUNT_FAILURE, where, s, IMM_SETTING_WHERE,
                       "which is no directory");
}

/* ---- by what ---- */

static const struct {
        const char *type, *option;
} types[] = {
#define MOUNT_TYPE(type, option) {type, option},
#include "analyzer/sandbox/start/mount-types.def"
#undef MOUNT_TYPE
};

static bool has_helper(const struct imm_manager *m, const char *type, struct imm_arena *a) {
        static const char *const dirs[] = {"/sbin", "/sbin/fs.d", "/sbin/fs"};
        struct stat st;

        for (size_t i = 0; i < IMM_ELEMENTSOF(dirs); i++)
                if (imm_root_stat(m->root, imm_printf(a, "%s/mount.%s", dirs[i], type), &st) == 0)
                        return true;
        return false;
}

/* Without one mount(8) takes it from the look of what is mounted. */
static const char *type_of(const struct imm_settings *s) {
        const char *type = imm_setting_string(s, IMM_SETTING_MOUNT_TYPE),
                   *what = imm_setting_string(s, IMM_SETTING_WHAT);

        if (type || !what)
                return type;
        if (imm_after(what, "//"))
                return "cifs";
        return *what != '/' && strstr(what, ":/") ? "nfs" : NULL;
}

static bool helper_fails(const struct imm_manager *m, const struct imm_settings *s,
        struct imm_arena *a, struct imm_start_fault *ret) {
        const char *type = type_of(s), *options = imm_setting_string(s, IMM_SETTING_OPTIONS), *base;

        if (!type || is_bind(options, a) || has_helper(m, type, a))
                return false;
        base = imm_strndup(a, type, strcspn(type, "."));
        for (size_t i = 0; i < IMM_ELEMENTSOF(types); i++)
                if (imm_streq(types[i].type, base) && !has_helper(m, base, a) &&
                        !(types[i].option && options &&
                                imm_mount_option(options, types[i].option, a)))
                        return fault(ret, IMM_OUTCOME_MOUNT_FAILURE,
                                imm_printf(a, "/sbin/mount.%s", base), s, IMM_SETTING_MOUNT_TYPE,
                                NULL);
        return false;
}

bool imm_start_mounting(struct imm_manager *m, struct imm_settings *s, struct imm_arena *a,
        struct imm_start_fault *ret) {
        const char *where = imm_setting_string(s, IMM_SETTING_WHERE), *link,
                   *what = imm_setting_string(s, IMM_SETTING_SWAP_WHAT);

        if (m->scope != IMM_SCOPE_SYSTEM)
                return false;
        if (s->unit->type == IMM_UNIT_SWAP)
                return what && *what == '/' && look(m, s, what, a) == MISSING &&
                       fault(ret, IMM_OUTCOME_SWAP_FAILURE, what, s, IMM_SETTING_SWAP_WHAT, NULL);
        if (where && (link = link_on_way(m, where, a)))
                return fault(ret, IMM_OUTCOME_MOUNT_POINT_FAILURE, where, s, IMM_SETTING_WHERE,
                        imm_printf(a, "where %s is a link", link));
        return place_fails(m, s, where, a, ret) || source_fails(m, s, a, ret) ||
               helper_fails(m, s, a, ret);
}
