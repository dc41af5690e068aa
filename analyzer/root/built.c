#include "analyzer/root/root-private.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

/*
 * What NixOS builds is a path of a Nix store: units, configuration and links to programs. A root
 * file system is made of it at boot: /etc has what lies in its etc, /nix is there by then. Here
 * these two are put where they will be. What is made beside them (users, /var, wrappers) is not
 * known. Source: nixpkgs, nixos/modules/system/{activation,etc}, tested with stores of our own.
 *
 * No link leads out of these trees: the kernel follows none, each is read and resolved here.
 */

static const char store[] = "/nix/store/";

static int open_in(int folder, const char *path, int flags) {
        struct open_how how = {
                .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
                .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
        };
        long fd;

        do
                fd = syscall(SYS_openat2, folder, path, &how, sizeof(how));
        while (fd < 0 && (errno == EINTR || errno == EAGAIN));
        return fd < 0 ? -errno : (int)fd;
}

static bool goes_up(const char *path) {
        for (const char *s = path; (s = strstr(s, "..")); s += 2)
                if ((s == path || s[-1] == '/') && (!s[2] || s[2] == '/'))
                        return true;
        return false;
}

/* Behind the first part of @path, if that is @name */
static const char *behind(const char *path, const char *name) {
        const char *rest = imm_after(path, name);

        if (!rest || (*rest && *rest != '/'))
                return NULL;
        return rest + strspn(rest, "/");
}

/* -ELOOP: links, or "..", must be resolved first */
static int open_plainly(const struct imm_root *r, const char *path, int flags) {
        const char *rest;
        int folder = r->fd;

        while (*path == '/' || (*path == '.' && (path[1] == '/' || !path[1])))
                path++;
        if (goes_up(path))
                return -ELOOP;
        if (r->built.etc >= 0 && (rest = behind(path, "etc"))) {
                folder = r->built.etc;
                path = rest;
        } else if (r->built.nix >= 0 && (rest = behind(path, "nix"))) {
                folder = r->built.nix;
                path = rest;
        } else if (r->built.alone && *path)
                return -ENOENT;
        return open_in(folder, *path ? path : ".", flags);
}

int built_open(const struct imm_root *r, const char *path, int flags) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = NULL;
        int fd = open_plainly(r, path, flags), k;
        const char *real, *name = imm_base_name(path);

        if (fd != -ELOOP)
                return fd;
        a = imm_arena_new();
        if (!(flags & O_NOFOLLOW) || !*name || goes_up(name))
                k = imm_root_realpath(r, path, a, &real);
        else {
                k = imm_root_realpath(r, imm_strndup(a, path, (size_t)(name - path)), a, &real);
                real = k < 0 ? NULL : imm_printf(a, "%s/%s", real, name);
        }
        return k < 0 ? k : open_plainly(r, real, flags);
}

/* "HASH-NAME" */
static bool is_store_name(const char *name) {
        enum { HASH = 32 };

        return strspn(name, "0123456789abcdfghijklmnpqrsvwxyz") == HASH && name[HASH] == '-' &&
               name[HASH + 1] && !strchr(name, '/');
}

static bool has_in(int folder, const char *name) {
        imm_auto_close int fd = open_in(folder, name, O_PATH | O_NOFOLLOW);

        return fd >= 0;
}

/* Is that directory what NixOS builds of a configuration? */
static bool is_system(int folder) {
        return has_in(folder, "nixos-version") && has_in(folder, "etc");
}

/* The given directory is a path of a store: it may name all that lies there. */
static void find_store(struct imm_root *r) {
        imm_auto_free char *real = realpath(r->path, NULL), *nix = NULL;
        char *at = real ? strstr(real, store) : NULL;

        while (at && !is_store_name(at + strlen(store)))
                at = strstr(at + 1, store);
        if (!at || has_in(r->fd, "nix/store"))
                return;
        if (asprintf(&nix, "%.*s/nix", (int)(at - real), real) < 0)
                imm_oom();
        r->built.nix = open(nix, O_PATH | O_DIRECTORY | O_CLOEXEC);
        r->built.is = r->built.nix >= 0;
        if (r->built.is && is_system(r->fd))
                r->built.system = imm_xstrdup(at);
}

/* An image whose boot has not made /etc yet: what its profile says will be booted. */
static void find_profile(struct imm_root *r) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        const char *system;
        imm_auto_close int fd = -1;
        struct stat st;

        if (imm_root_lstat(r, "/etc/systemd", &st) == 0 ||
                imm_root_lstat(r, "/etc/static", &st) == 0 ||
                imm_root_realpath(r, imm_root_system(r), a, &system) < 0)
                return;
        if (!is_store_name(
                    imm_base_name(system))) /* where the store is a link, it lies elsewhere */
                return;
        fd = imm_root_open_path(r, system, O_DIRECTORY);
        if (fd >= 0 && is_system(fd))
                r->built.system = imm_xstrdup(system);
}

void built_find(struct imm_root *r) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();

        find_store(r);
        if (!r->built.is)
                find_profile(r);
        if (!r->built.system)
                return;
        r->built.etc = imm_root_open_path(r, imm_printf(a, "%s/etc", r->built.system), O_DIRECTORY);
        r->built.alone = r->built.is;
        r->built.is = r->built.is || r->built.etc >= 0;
}

bool imm_root_is_built(const struct imm_root *r) {
        return r->built.etc >= 0;
}

void built_done(struct built *b) {
        if (b->etc >= 0)
                (void)close(b->etc);
        if (b->nix >= 0)
                (void)close(b->nix);
        free(b->system);
}
