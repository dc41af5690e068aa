#pragma once

/*
 * The root: the file system tree that is analysed, the running host or `--root=DIR`.
 *
 * The only door to files for the whole analyzer. Every path is absolute *inside* the root and is
 * resolved there (openat2 with RESOLVE_IN_ROOT: no link, absolute or with "..", leads out). Nothing
 * is opened that is not a regular file or a directory; no automount is triggered; sizes are
 * bounded. A root may be used by several threads at once, after it was opened.
 */

#include "base/err.h"
#include "base/mem.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct imm_root;

/*
 * @dir: NULL or "/" is the running host. What NixOS builds, a path of a Nix store with a system in
 * it ("result"), is no root by itself: it is judged as its boot would leave it, with /etc of the
 * system and /nix of the store that it lies in. So is an image of NixOS that was never booted. Of
 * other paths of a store, /nix is likewise the store that they lie in.
 */
int imm_root_open(struct imm_root **ret, const char *dir, struct imm_err *err);
struct imm_root *imm_root_free(struct imm_root *r);
IMM_DEFINE_CLEANUP(struct imm_root *, imm_root_free)

bool imm_root_is_host(const struct imm_root *r);
/*
 * The host, and systemd runs it: its mounts, /run, /proc and /dev are those that services meet. In
 * a bare container or a chroot they are not, and the host is judged as an image is: as if booted.
 */
bool imm_root_is_running(const struct imm_root *r);
const char *imm_root_path(const struct imm_root *r); /* as given; "/" for the host */
/* Is /etc that of a system which was built and never activated? Users, /var and more are not made.
 */
bool imm_root_is_built(const struct imm_root *r);
/* What /run/current-system of NixOS is a link to once it is booted; need not exist */
const char *imm_root_system(const struct imm_root *r);

/*
 * What went wrong, in the same words for all of these: -ENOENT (also a part of the path that is no
 * directory, -ENOTDIR), -ELOOP, -EACCES and -EPERM, -EFBIG (over the limit), -EINVAL (not a regular
 * file, or not a directory), -EIO ... They are outcomes here: no err object, the caller knows what
 * the path meant to it.
 */

struct imm_blob {
        const char *data; /* @size bytes and a NUL behind them */
        size_t size;
};

/* The content of a regular file of at most @max bytes. ret_st may be NULL. */
int imm_root_read(const struct imm_root *r, const char *path, size_t max, struct imm_arena *a,
        struct imm_blob *ret, struct stat *ret_st);

struct imm_dirent {
        const char *name;
        unsigned char type; /* DT_*; DT_UNKNOWN never */
};

/* A directory's entries without . and .., sorted by byte value. */
int imm_root_list(const struct imm_root *r, const char *path, struct imm_arena *a,
        struct imm_dirent **ret, size_t *ret_n);
/* Those whose names are @wanted, of a directory that may have tens of thousands and is not the top;
 * with @threads more than one by two of them, which both ask. */
int imm_root_list_wanted(const struct imm_root *r, const char *path,
        bool (*wanted)(const char *name), unsigned threads, struct imm_arena *a,
        struct imm_dirent **ret, size_t *ret_n);

/* The same with what lstat(2) says of each; an entry that vanished meanwhile is left out. */
struct imm_dirent_stat {
        const char *name;
        mode_t mode;
        uid_t uid;
        gid_t gid;
        dev_t dev;
        ino_t ino;
        uint64_t size;
};
int imm_root_list_stat(const struct imm_root *r, const char *path, struct imm_arena *a,
        struct imm_dirent_stat **ret, size_t *ret_n);

/*
 * For many directories, one below the other: a descriptor of one, which can be listed, another of
 * one that lies in it (no link, never elsewhere; @only_look: an O_PATH one, for what _in()
 * functions do), and the list of an open one, as imm_root_list().
 */
int imm_root_open_folder(const struct imm_root *r, const char *path);
int imm_root_open_folder_in(int folder, const char *name, bool only_look);
int imm_root_list_opened(int fd, struct imm_arena *a, struct imm_dirent **ret, size_t *ret_n);

/*
 * Lies @path where things are made at boot or by what runs then (/run, /dev, /tmp, /proc, ...)? An
 * image does not tell whether they are there, and no package brings them.
 */
bool imm_path_made_at_run_time(const char *path);

/* May the file system mounted at @path be walked? Not those of the kernel, of the network, FUSE,
 * or an automount (none of which is triggered by asking). */
bool imm_root_may_walk(const struct imm_root *r, const char *path);

int imm_root_stat(const struct imm_root *r, const char *path, struct stat *ret);  /* follows */
int imm_root_lstat(const struct imm_root *r, const char *path, struct stat *ret); /* does not */
int imm_root_readlink(
        const struct imm_root *r, const char *path, struct imm_arena *a, const char **ret);

/*
 * Of an entry of a directory that imm_root_open_path() opened: many of one cost less so. What is
 * opened must be the regular file that @seen says (of lstat: device, inode and type): else -ESTALE.
 */
int imm_root_lstat_in(int folder, const char *name, struct stat *ret);
int imm_root_readlink_in(int folder, const char *name, struct imm_arena *a, const char **ret);
int imm_root_open_file_in(
        int folder, const char *name, const struct stat *seen, struct stat *ret_st);
int imm_root_read_in(int folder, const char *name, const struct stat *seen, size_t max,
        struct imm_arena *a, struct imm_blob *ret);

/* The path inside the root with all links followed and . and .. gone; the file must exist. */
int imm_root_realpath(
        const struct imm_root *r, const char *path, struct imm_arena *a, const char **ret);

/* An O_PATH (and O_CLOEXEC) descriptor; add O_NOFOLLOW, O_DIRECTORY. For ACLs, xattrs and the like.
 */
int imm_root_open_path(const struct imm_root *r, const char *path, int flags);

/* A readable descriptor of a regular file, for readers that seek (ELF, databases). */
int imm_root_open_file(const struct imm_root *r, const char *path, struct stat *ret_st);

/*
 * The one thing that is ever written: a file that somebody asked for (a drop-in). Its folder is
 * made, it comes whole or not at all, and no link leads it out of the root. Negative errno with
 * @err.
 */
int imm_root_write(const struct imm_root *r, const char *path, const char *text, size_t size,
        struct imm_err *err);

/*
 * systemd's version in the root, by its libsystemd-shared-N.so (there may be no package database);
 * 0 if there is none.
 */
unsigned imm_root_systemd_version(const struct imm_root *r);
