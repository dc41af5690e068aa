#include "analyzer/sandbox/boot/mounts-private.h"
#include "analyzer/sandbox/boot/options.h"
#include "analyzer/sandbox/vfs/vfs.h"
#include "analyzer/settings/parse/parse.h"

enum { FSTAB_MAX = 1 << 20, FIELDS = 4 };

/* clang-format off */
/* Mounted before any unit is; fstab says no more than their flags. */
static const char *const always[] = {
        "/", "/proc", "/sys", "/dev", "/dev/shm", "/dev/pts", "/run", "/sys/fs/cgroup",
        "/sys/kernel/security", "/sys/fs/pstore", "/sys/fs/bpf", "/sys/firmware/efi/efivars",
};
static const char *const ignored[] = {
        "/sys/fs/selinux", "/dev/console", "/proc/kmsg", "/proc/sys",
        "/proc/sys/kernel/random/boot_id",
};
/* clang-format on */

static bool among(const char *const *v, size_t n, const char *s) {
        for (size_t i = 0; i < n; i++)
                if (imm_streq(v[i], s))
                        return true;
        return false;
}

/* "\040" and the like */
static char *decoded(struct imm_arena *a, const char *s, size_t n) {
        char *out = imm_strndup(a, s, n), *to = out;

        for (const char *p = out; *p;)
                if (p[0] == '\\' && p[1] >= '0' && p[1] <= '3' && p[2] >= '0' && p[2] <= '7' &&
                        p[3] >= '0' && p[3] <= '7') {
                        *to++ = (char)((p[1] - '0') * 64 + (p[2] - '0') * 8 + (p[3] - '0'));
                        p += 4;
                } else
                        *to++ = *p++;
        *to = '\0';
        return out;
}

/* Links on the way are followed by the generator; what is not there yet stays as it is. */
static const char *canonical(const struct imm_boot_reader *r, const char *path) {
        const char *real, *rest = path + strlen(path);

        for (;;) {
                const char *head = imm_strndup(r->a, path, (size_t)(rest - path));

                if (rest == path ||
                        imm_root_realpath(r->m->root, *head ? head : "/", r->a, &real) >= 0)
                        break;
                while (rest > path && *--rest != '/')
                        ;
        }
        if (rest == path)
                return path;
        return imm_printf(r->a, "%s%s", imm_streq(real, "/") ? "" : real, rest);
}

static void fstab_line(
        const struct imm_boot_reader *r, const char *line, size_t n, unsigned number) {
        const char *f[FIELDS] = {NULL}, *end = line + n, *options;
        struct imm_boot_mount b;
        bool made;

        for (size_t i = 0; i < FIELDS; i++) {
                const char *start;

                while (line < end && (*line == ' ' || *line == '\t'))
                        line++;
                start = line;
                while (line < end && *line != ' ' && *line != '\t')
                        line++;
                if (line > start)
                        f[i] = decoded(r->a, start, (size_t)(line - start));
        }
        if (!f[2] || *f[0] == '#' || *f[1] != '/' || imm_streq(f[2], "swap") ||
                imm_streq(f[2], "autofs"))
                return;
        options = f[3] ? f[3] : "defaults";
        b = (struct imm_boot_mount){.what = f[0],
                .path = imm_path_simplify(f[1], false, r->m->version, r->a),
                .type = f[2],
                .file = "/etc/fstab",
                .line = number};
        if (among(always, IMM_ELEMENTSOF(always), b.path)) {
                b.content = IMM_BOOT_FLAGS;
                b.flags = imm_mount_options_flags(options);
                imm_boot_mount_add(r, &b, false);
                return;
        }
        if (among(ignored, IMM_ELEMENTSOF(ignored), b.path) ||
                imm_path_below(b.path, "/run/host") || imm_path_below(b.path, "/sys/fs/cgroup"))
                return;
        b.path = canonical(r, b.path);
        made = !imm_mount_options_end_on(options, "noauto", "auto") &&
               !imm_mount_option(options, "x-systemd.wanted-by", r->a) &&
               !imm_mount_option(options, "x-systemd.required-by", r->a);
        imm_boot_mount_describe(r, &b, options);
        b.doubtful =
                b.content == IMM_BOOT_DEVICE && imm_mount_options_end_on(options, "nofail", "fail");
        if (imm_mount_option(options, "x-systemd.automount", r->a) ||
                imm_mount_option(options, "comment=systemd.automount", r->a)) {
                /* what is mounted there when somebody looks */
                b.content = IMM_BOOT_DEVICE;
                b.type = "autofs";
                b.flags = 0;
        } else if (!made) {
                *imm_array_push(r->a, &r->to->left) = b;
                return;
        }
        imm_boot_mount_add(r, &b, false);
}

void imm_boot_mounts_of_fstab(const struct imm_boot_reader *r) {
        struct imm_blob blob;
        const char *p;
        unsigned line = 1;

        if (imm_root_read(r->m->root, "/etc/fstab", FSTAB_MAX, r->a, &blob, NULL) < 0)
                return;
        for (p = blob.data; *p; line++) {
                size_t n = strcspn(p, "\n");

                fstab_line(r, p, n, line);
                p += n;
                p += *p == '\n';
        }
}
