#include "analyzer/root/root-private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

/* The folder of @path, made where it is missing; each step is resolved inside the root. */
static int folder_of(const struct imm_root *r, const char *path, struct imm_arena *a) {
        int fd = imm_root_open_path(r, "/", O_DIRECTORY);

        for (const char *s = path + 1, *end; (end = strchr(s, '/')); s = end + 1) {
                const char *name = imm_strndup(a, s, (size_t)(end - s)), *so_far;
                int k;

                if (fd < 0)
                        return fd;
                if (s == end)
                        continue;
                if (mkdirat(fd, name, 0755) < 0 && errno != EEXIST) {
                        k = -errno;
                        (void)close(fd);
                        return k;
                }
                (void)close(fd);
                so_far = imm_strndup(a, path, (size_t)(end - path));
                fd = imm_root_open_path(r, so_far, O_DIRECTORY);
        }
        return fd;
}

static int write_all(int fd, const char *text, size_t size) {
        while (size > 0) {
                ssize_t n = write(fd, text, size);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                text += n;
                size -= (size_t)n;
        }
        return fsync(fd) < 0 ? -errno : 0;
}

static int replace(int dir, const char *name, const char *text, size_t size, struct imm_arena *a) {
        const char *temporary = imm_printf(a, ".%s.%ld", name, (long)getpid());
        int fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644),
            k;

        if (fd < 0)
                return -errno;
        k = write_all(fd, text, size);
        if (close(fd) < 0 && k == 0)
                k = -errno;
        if (k == 0 && renameat(dir, temporary, dir, name) < 0)
                k = -errno;
        if (k < 0)
                (void)unlinkat(dir, temporary, 0);
        return k;
}

int imm_root_write(const struct imm_root *r, const char *path, const char *text, size_t size,
        struct imm_err *err) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        const char *name = strrchr(path, '/');
        imm_auto_close int dir = -1;
        int k;

        if (path[0] != '/' || !name[1] || strcmp(name + 1, "..") == 0 || strcmp(name + 1, ".") == 0)
                return imm_err_set(err, -EINVAL, "'%s' is not the absolute path of a file", path);
        if (r->built.is)
                return imm_err_set(
                        err, -EROFS, "'%s' would lie in a Nix store, which is not changed", path);
        dir = folder_of(r, path, a);
        k = dir < 0 ? dir : replace(dir, name + 1, text, size, a);
        if (k < 0)
                return imm_err_set(err, k, "cannot write '%s': %s", path, strerror(-k));
        return 0;
}
