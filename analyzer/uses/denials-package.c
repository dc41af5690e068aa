#include "analyzer/uses/denials-private.h"

#include <fnmatch.h>

/*
 * Files that the package of the main program brought with it, where a mount hides them: its
 * configuration, its modules, its data. What a package brings for others (documentation, units,
 * completions) is left out.
 */

enum { LIST_MAX = 4 << 20, MOUNTS_MAX = 16 };

static bool is_for_the_program(const char *path) {
        static const char *const tops[] = {"/etc/", "/usr/lib/", "/usr/libexec/", "/usr/share/",
                "/var/lib/", "/var/spool/", "/var/log/", "/opt/"};
        static const char *const others[] = {"/etc/init.d/*", "/etc/default/*",
                "/etc/logrotate.d/*", "/etc/cron*", "/etc/apparmor.d/*", "/etc/ufw/*",
                "/etc/bash_completion.d/*", "/etc/NetworkManager/*", "/etc/network/*",
                "/etc/dhcp/*", "/etc/ppp/*", "/etc/resolvconf/*", "/etc/rsyslog.d/*",
                "/etc/sudoers.d/*", "/etc/X11/*", "/etc/xdg/*", "/etc/init/*", "/etc/pam.d/*",
                "/etc/profile.d/*", "/etc/insserv*", "/etc/sv/*", "/etc/runit/*", "/etc/dbus-1/*",
                "/etc/rc*", "/etc/systemd/*", "/usr/lib/systemd/*", "/usr/lib/tmpfiles.d/*",
                "/usr/lib/sysusers.d/*", "/usr/lib/modules-load.d/*", "/usr/lib/udev/*",
                "/usr/lib/sysctl.d/*", "/usr/lib/debug/*", "/usr/lib/pkgconfig/*",
                "/usr/lib/firewalld/*", "/usr/lib/NetworkManager/*", "/usr/lib/*/pkgconfig/*",
                "/usr/lib/python3/dist-packages/*.egg-info*",
                "/usr/lib/python3/dist-packages/*.dist-info*", "/usr/share/doc*",
                "/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*",
                "/usr/share/lintian/*", "/usr/share/bug/*", "/usr/share/menu/*",
                "/usr/share/applications/*", "/usr/share/pixmaps/*", "/usr/share/icons/*",
                "/usr/share/metainfo/*", "/usr/share/appdata/*", "/usr/share/bash-completion/*",
                "/usr/share/zsh/*", "/usr/share/fish/*", "/usr/share/vim/*", "/usr/share/emacs/*",
                "/usr/share/apport/*", "/usr/share/reportbug/*", "/usr/share/initramfs-tools/*",
                "/usr/share/dbus-1/*", "/usr/share/polkit-1/*", "/usr/share/debconf/*",
                "/usr/share/examples/*", "/usr/share/*/examples/*", "/usr/share/gtk-doc/*",
                "/usr/share/aclocal/*", "/usr/share/augeas/*", "/usr/share/logcheck/*", "*/README*",
                "*.txt", "*.md", "*.html", "*.example", "*.sample", "*/.placeholder", "*.h", "*.a",
                "*.la"};
        bool in = false;

        for (size_t i = 0; i < IMM_ELEMENTSOF(tops); i++)
                in |= imm_after(path, tops[i]) != NULL;
        for (size_t i = 0; in && i < IMM_ELEMENTSOF(others); i++)
                in = fnmatch(others[i], path, FNM_NOESCAPE) != 0;
        return in;
}

/* Something made new or closed stands at the path, or above it */
static bool is_hiding(const struct imm_mount *m, const char *path) {
        if (m->setting >= IMM_SETTING_N)
                return false;
        if (m->inaccessible)
                return true;
        return !m->of_host && !m->host_path && imm_streq(m->fstype, "tmpfs") && m->entries.n == 0 &&
               !imm_streq(m->path, path);
}

static bool restricts_anything(const struct imm_mount_table *t) {
        imm_array_foreach (m, t)
                if ((m->flags & IMM_MOUNT_RDONLY) && m->read_only_by.setting < IMM_SETTING_N)
                        return true;
                else if (is_hiding(m, "") && !imm_path_made_at_run_time(m->path) &&
                         !imm_after(m->path, "/home") && !imm_after(m->path, "/var/tmp"))
                        return true;
        return false;
}

/* The program that the service is, or the script that it is given to an interpreter as */
static const char *main_file(const struct judge *j, enum imm_command_kind *ret_kind) {
        const struct imm_value *v = imm_setting(j->s, IMM_SETTING_EXEC_START);
        const struct imm_command_item *cmd = v->commands.n > 0 ? &v->commands.v[0] : NULL;
        const char *path, *slash, *real;

        if (!cmd || (cmd->flags & IMM_COMMAND_FULLY_PRIVILEGED))
                return NULL;
        *ret_kind = imm_command_kind_of(j->s, IMM_SETTING_EXEC_START, cmd);
        path = cmd->path;
        slash = strrchr(path, '/');
        for (size_t i = 1; is_interpreter(slash ? slash + 1 : path) && i < cmd->argv.n; i++)
                if (*cmd->argv.v[i] == '/') {
                        path = cmd->argv.v[i];
                        slash = strrchr(path, '/');
                }
        if (!slash || is_interpreter(slash + 1) ||
                imm_root_realpath(j->m->root, path, j->a, &real) < 0)
                return NULL;
        return real;
}

static void deny_file(struct judge *j, const char *program, enum imm_command_kind kind,
        const char *package, const char *path, const struct imm_mount *m) {
        const struct imm_use u = {.facility = IMM_FACILITY_READ,
                .kind = kind,
                .confidence = IMM_LIKELY,
                .essential = true,
                .remark = imm_after(path, "/usr/share/"), /* as often for what it can do beside */
                .object = path,
                .evidence =
                        imm_printf(j->a, "%s is of the package %s, as that is", program, package)};

        deny(j, &u, m->setting, &m->origin, "hides");
}

/* Nobody but the program has a use for an empty directory that its package brings */
static bool is_to_be_written(struct judge *j, const char *path) {
        struct imm_dirent *d;
        size_t n;

        return (imm_after(path, "/var/lib/") || imm_after(path, "/var/spool/")) &&
               !imm_after(path, "/var/lib/dpkg") && !imm_after(path, "/var/lib/systemd") &&
               imm_root_list(j->m->root, path, j->a, &d, &n) == 0 && n == 0;
}

static bool stays_root(const struct judge *j) {
        imm_array_foreach (u, j->uses)
                if (u->facility == IMM_FACILITY_SWITCH_USER && !u->remark)
                        return false;
        return true;
}

/* Called as the package or the program is, and of the user that the service is or becomes */
static bool is_its_own(struct judge *j, const char *program, enum imm_command_kind kind,
        const char *package, const char *path) {
        const struct imm_identity *id = &j->sb->identity[j->sb->has[kind] ? kind : j->sb->main];
        const char *name = strrchr(path, '/') + 1, *of = strrchr(program, '/') + 1;
        struct stat st;

        return (imm_streq(name, package) || imm_streq(name, of)) &&
               imm_root_lstat(j->m->root, path, &st) == 0 &&
               (st.st_uid == 0 ? id->uid == 0 && stays_root(j)
                               : id->uid == 0 || id->uid == st.st_uid);
}

static bool is_of_packages(const char *file) {
        return imm_after(file, "/usr/lib/systemd/") || imm_after(file, "/lib/systemd/");
}

bool is_packed(const struct imm_origin *o) {
        return o->file && is_of_packages(o->file);
}

/* Drop-ins of the administrator's left aside */
bool is_packed_without(const struct judge *j, uint64_t cap) {
        const struct imm_unit *whole = j->s->unit;
        const struct imm_unit_file **files = imm_alloc_array(j->a, whole->n_files, sizeof(*files));
        struct imm_unit packed = *whole;
        const struct imm_value *v;

        packed.settings = NULL;
        packed.sandbox = NULL;
        packed.closure = NULL;
        packed.files = files;
        packed.n_files = 0;
        for (size_t i = 0; i < whole->n_files; i++)
                if (is_of_packages(whole->files[i]->path))
                        files[packed.n_files++] = whole->files[i];
        if (packed.n_files == 0)
                return false;
        v = imm_setting(imm_settings_compute(j->m, &packed, j->s->version, j->a),
                IMM_SETTING_CAPABILITY_BOUNDING_SET);
        return v->set && !(v->number & cap);
}

static void deny_directory(struct judge *j, const char *program, enum imm_command_kind kind,
        const char *package, const char *path, const struct imm_mount *m) {
        const struct imm_use u = {.facility = IMM_FACILITY_WRITE,
                .remark = is_packed(&m->read_only_by.origin) ||
                          !is_its_own(j, program, kind, package, path),
                .kind = kind,
                .confidence = IMM_LIKELY,
                .essential = true,
                .partial = true, /* it is empty: written later, if at all */
                .object = path,
                .evidence = imm_printf(j->a, "%s is of the package %s, which brings the directory",
                        program, package)};

        deny_path(j, &u);
}

void deny_package(struct judge *j) {
        const struct imm_mount *told[MOUNTS_MAX];
        const struct imm_mount_table *t;
        const char *program, *package;
        enum imm_command_kind kind;
        struct imm_blob list;
        size_t n_told = 0;
        char *save = NULL;

        program = main_file(j, &kind);
        if (!program)
                return;
        t = &j->sb->mounts[j->sb->has[kind] ? kind : j->sb->main];
        if (!restricts_anything(t) || !(package = imm_package_of(imm_closures_of(j->m), program)) ||
                imm_root_read(j->m->root, imm_printf(j->a, "/var/lib/dpkg/info/%s.list", package),
                        LIST_MAX, j->a, &list, NULL) < 0)
                return;
        for (char *path = strtok_r(imm_strndup(j->a, list.data, list.size), "\n", &save); path;
                path = strtok_r(NULL, "\n", &save)) {
                const struct imm_mount *m = imm_mount_at(t, path);
                bool closed = m && (m->flags & IMM_MOUNT_RDONLY) && !is_hiding(m, path),
                     again = !m || (!closed && !is_hiding(m, path)) || !is_for_the_program(path);
                struct stat st;

                for (size_t i = 0; !again && i < n_told; i++)
                        again = told[i] == m;
                if (again || n_told == MOUNTS_MAX || (closed && !is_to_be_written(j, path)) ||
                        imm_root_lstat(j->m->root, path, &st) < 0 ||
                        (!closed && !S_ISREG(st.st_mode)))
                        continue;
                told[n_told++] = m;
                if (closed)
                        deny_directory(j, program, kind, package, path, m);
                else
                        deny_file(j, program, kind, package, path, m);
        }
}
