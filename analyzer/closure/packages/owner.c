#include "analyzer/closure/closure-private.h"

#include <md5.h>

/*
 * Who owns a line. The location says most; the package database says which package, and dpkg's
 * sums of configuration files whether a file of /etc is still as the package brought it.
 */

enum { STATUS_MAX = 256 << 20, FILE_MAX = 4 << 20 };

struct owners {
        struct imm_map files;   /* as named -> struct imm_owner */
        struct imm_map folders; /* as named -> without links */
        bool status;            /* dpkg's was read */
        struct imm_map versions;
        struct imm_map sums; /* configuration files of systemd's folders, by their path */
};

/* ---- dpkg's status: versions, and the sums of configuration files ---- */

static void read_conffile(struct imm_closures *c, char *line) {
        char *save = NULL, *path = strtok_r(line, " ", &save), *sum = strtok_r(NULL, " ", &save);

        if (path && sum && strstr(path, "/systemd/"))
                imm_map_put(c->arena, &c->owners->sums, imm_strdup(c->arena, path),
                        imm_strdup(c->arena, sum));
}

static void read_status(struct imm_closures *c) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        const char *package = NULL, *value;
        bool conffiles = false;
        struct imm_blob b;
        char *s, *line;

        if (imm_root_read(c->root, "/var/lib/dpkg/status", STATUS_MAX, a, &b, NULL) < 0)
                return;
        for (s = imm_strndup(a, b.data, b.size); (line = strsep(&s, "\n"));) {
                if (conffiles && *line == ' ') {
                        read_conffile(c, line + 1);
                        continue;
                }
                conffiles = imm_streq(line, "Conffiles:");
                if ((value = imm_after(line, "Package: ")))
                        package = value;
                else if (package && (value = imm_after(line, "Version: ")))
                        imm_map_put(c->arena, &c->owners->versions, imm_strdup(c->arena, package),
                                imm_strdup(c->arena, value));
        }
}

static bool is_changed(struct imm_closures *c, const char *path) {
        static const char digits[] = "0123456789abcdef";
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        const char *sum = imm_map_get(&c->owners->sums, path);
        unsigned char d[MD5_DIGEST_LENGTH];
        struct imm_blob b;
        MD5_CTX md5;

        if (!sum || strlen(sum) != 2 * sizeof(d) ||
                imm_root_read(c->root, path, FILE_MAX, a, &b, NULL) < 0)
                return false;
        MD5Init(&md5);
        MD5Update(&md5, (const uint8_t *)b.data, b.size);
        MD5Final(d, &md5);
        for (size_t i = 0; i < sizeof(d); i++)
                if (sum[2 * i] != digits[d[i] >> 4] || sum[2 * i + 1] != digits[d[i] & 15])
                        return true;
        return false;
}

/* ---- by location ---- */

/* "HASH-NAME" of a path in the store: NAME */
static const char *store_name(struct imm_closures *c, const char *path) {
        const char *base = imm_after(path, "/nix/store/"), *dash;

        dash = base ? strchr(base, '-') : NULL;
        if (!dash || dash > base + strcspn(base, "/"))
                return NULL;
        return imm_strndup(c->arena, dash + 1, strcspn(dash + 1, "/"));
}

static enum imm_owner_kind by_location(const char *path) {
        if (imm_path_is_inside(path, "/nix/store"))
                return IMM_OWNER_STORE;
        if (imm_path_is_inside(path, "/run"))
                return strstr(path, "/systemd/generator") ? IMM_OWNER_GENERATOR : IMM_OWNER_RUNTIME;
        if (imm_path_is_inside(path, "/home") || strstr(path, "/.config/systemd/") ||
                strstr(path, "/.local/share/systemd/"))
                return IMM_OWNER_USER;
        if (imm_path_is_inside(path, "/usr/local"))
                return IMM_OWNER_ADMINISTRATOR;
        if (imm_path_is_inside(path, "/usr") || imm_path_is_inside(path, "/lib"))
                return IMM_OWNER_VENDOR;
        return IMM_OWNER_ADMINISTRATOR;
}

/* @file without links; most lie in few folders, whose links are followed once. */
static const char *real_path(struct imm_closures *c, const char *file) {
        const char *slash = strrchr(file, '/'), *folder, *real = NULL;
        struct stat st;

        if (!slash || slash == file)
                return file;
        folder = imm_strndup(c->arena, file, (size_t)(slash - file));
        real = imm_map_get(&c->owners->folders, folder);
        if (!real) {
                if (imm_root_realpath(c->root, folder, c->arena, &real) < 0)
                        return file;
                imm_map_put(c->arena, &c->owners->folders, folder, (void *)(uintptr_t)real);
        }
        real = imm_printf(c->arena, "%s%s", real[1] ? real : "", slash);
        if (imm_root_lstat(c->root, real, &st) < 0)
                return file;
        if (S_ISLNK(st.st_mode) && imm_root_realpath(c->root, file, c->arena, &real) < 0)
                return file;
        return real;
}

static struct imm_owner find(struct imm_closures *c, const char *file) {
        struct imm_owner o = {0};
        const char *real = real_path(c, file);

        o.kind = by_location(real);
        if (o.kind == IMM_OWNER_STORE)
                o.package = store_name(c, real);
        if (o.kind == IMM_OWNER_STORE || o.kind == IMM_OWNER_GENERATOR ||
                o.kind == IMM_OWNER_RUNTIME || o.kind == IMM_OWNER_USER ||
                !strstr(real, "/systemd/") ||
                !package_of_unit_file(c, real, &o.package, &o.version))
                return o;
        if (!c->owners->status) {
                c->owners->status = true;
                read_status(c);
        }
        if (!o.version)
                o.version = imm_map_get(&c->owners->versions, o.package);
        o.kind = is_changed(c, real) ? IMM_OWNER_ADMINISTRATOR : IMM_OWNER_PACKAGE;
        return o;
}

static bool is_given(const struct imm_unit *u, const char *file) {
        for (size_t i = 0; u->given_by_path && i < u->n_files; i++)
                if (imm_streq(u->files[i]->path, file))
                        return true;
        return u->given_by_path && u->fragment && imm_streq(u->fragment, file);
}

struct imm_owner imm_owner_of(struct imm_closures *c, const struct imm_unit *u, const char *file) {
        struct imm_owner *known;

        if (is_given(u, file))
                return (struct imm_owner){.kind = IMM_OWNER_REPOSITORY};
        (void)pthread_mutex_lock(&c->lock);
        if (!c->owners)
                c->owners = imm_new(c->arena, struct owners);
        known = imm_map_get(&c->owners->files, file);
        if (!known) {
                known = imm_new(c->arena, struct imm_owner);
                *known = find(c, file);
                imm_map_put(c->arena, &c->owners->files, imm_strdup(c->arena, file), known);
        }
        (void)pthread_mutex_unlock(&c->lock);
        return *known;
}

const char *imm_owner_text(const struct imm_owner *o, struct imm_arena *a) {
        static const char *const names[IMM_OWNER_KIND_N] = {
                [IMM_OWNER_PACKAGE] = "package",
                [IMM_OWNER_STORE] = "store",
                [IMM_OWNER_VENDOR] = "vendor",
                [IMM_OWNER_ADMINISTRATOR] = "administrator",
                [IMM_OWNER_USER] = "user",
                [IMM_OWNER_GENERATOR] = "generator",
                [IMM_OWNER_RUNTIME] = "runtime",
                [IMM_OWNER_REPOSITORY] = "repository",
        };

        if (!o->package)
                return names[o->kind];
        return imm_printf(a, "%s %s%s%s", names[o->kind], o->package, o->version ? " " : "",
                o->version ? o->version : "");
}
