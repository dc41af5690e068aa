#include "analyzer/sandbox/boot/units.h"

#include "analyzer/sandbox/access/access-private.h"
#include "analyzer/unit/syntax.h"

#include <errno.h>

enum { FILE_MAX = 1 << 16 };

/* clang-format off */
const char *const imm_mount_unit_dirs[IMM_MOUNT_UNIT_DIRS] = {
        "/etc/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system",
        "/lib/systemd/system",
};
/* clang-format on */

bool imm_mount_unit_masked(const struct imm_root *root, const char *path, struct imm_arena *a) {
        const char *target;

        return imm_root_readlink(root, path, a, &target) >= 0 && imm_streq(target, "/dev/null");
}

/* Does a condition hold, as far as files tell? 1, 0, or -1 */
static int condition(const struct imm_root *root, const char *key, const char *value) {
        bool negated = *value == '!', directory = imm_streq(key, "ConditionPathIsDirectory");
        struct stat st;
        int r;

        value += negated;
        if (*value == '/' && imm_streq(key, "ConditionPathIsSymbolicLink")) {
                r = imm_root_lstat(root, value, &st); /* one that is there is not mounted over */
                return r < 0 ? -1 : S_ISLNK(st.st_mode) != negated;
        }
        if (*value != '/' || strchr(value, '%') || imm_path_made_at_run_time(value) ||
                (!directory && !imm_streq(key, "ConditionPathExists")))
                return -1;
        r = imm_root_stat(root, value, &st);
        if (r < 0 && r != -ENOENT && r != -ENOTDIR)
                return -1;
        return (r == 0 && (!directory || S_ISDIR(st.st_mode))) != negated;
}

/* The values of [Mount] in one file over those that were there */
static void read_unit(const struct imm_root *root, const char *path, struct imm_arena *a,
        struct imm_mount_unit *to) {
        static const struct imm_syntax all_sections = {.version = IMM_VERSION_LATEST};
        const struct {
                const char *key, **value;
        } keys[] = {{"What", &to->what}, {"Where", &to->where}, {"Type", &to->type},
                {"Options", &to->options}};
        struct imm_unit_file file = {.path = path};
        struct imm_blob blob;

        if (imm_root_read(root, path, FILE_MAX, a, &blob, NULL) < 0)
                return;
        imm_syntax_parse(&all_sections, imm_strndup(a, blob.data, blob.size), blob.size, a, &file);
        for (size_t i = 0; i < file.n_assignments; i++)
                for (size_t k = 0; k < IMM_ELEMENTSOF(keys); k++)
                        if (imm_streq(file.assignments[i].section, "Mount") &&
                                imm_streq(file.assignments[i].key, keys[k].key))
                                *keys[k].value = file.assignments[i].value;
        for (size_t i = 0; i < file.n_assignments; i++) {
                const struct imm_assignment *line = &file.assignments[i];
                int holds;

                if (!imm_streq(line->section, "Unit") ||
                        (!imm_after(line->key, "Condition") && !imm_after(line->key, "Assert")))
                        continue;
                holds = condition(root, line->key, line->value);
                if (holds < to->holds || to->holds == 1)
                        to->holds = holds == 1 ? to->holds : holds;
        }
}

bool imm_mount_unit_read(const struct imm_root *root, const char *unit, struct imm_arena *a,
        struct imm_mount_unit *ret) {
        struct stat st;

        *ret = (struct imm_mount_unit){.options = "", .holds = 1};
        for (size_t d = 0; d < IMM_MOUNT_UNIT_DIRS && !ret->file; d++) {
                const char *path = imm_printf(a, "%s/%s", imm_mount_unit_dirs[d], unit);

                if (imm_root_lstat(root, path, &st) >= 0)
                        ret->file = path;
        }
        if (!ret->file || imm_mount_unit_masked(root, ret->file, a))
                return false;
        read_unit(root, ret->file, a, ret);
        for (size_t d = IMM_MOUNT_UNIT_DIRS; d-- > 0;) {
                const char *dir = imm_printf(a, "%s/%s.d", imm_mount_unit_dirs[d], unit);
                struct imm_dirent *entries;
                size_t n;

                if (imm_root_list(root, dir, a, &entries, &n) < 0)
                        continue;
                for (size_t i = 0; i < n; i++)
                        if (imm_ends_with(entries[i].name, ".conf"))
                                read_unit(
                                        root, imm_printf(a, "%s/%s", dir, entries[i].name), a, ret);
        }
        return true;
}
