#include "analyzer/closure/closure-private.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

/* Files of the machine that analyses, in which one run leaves something for the next. */

/*
 * Inode and times tell files apart where the kernel keeps them, on the file system that this
 * machine runs from. An image that somebody else made can have any, on a device that another had
 * before.
 */
dev_t kept_device(void) {
        struct stat st;

        return stat("/", &st) < 0 ? 0 : st.st_dev;
}

unsigned char *kept_read(const char *path, size_t max, struct imm_arena *a, size_t *ret_n) {
        imm_auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        unsigned char *p;
        size_t done = 0, n;
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
                (st.st_mode & 022) || (uint64_t)st.st_size > max)
                return NULL;
        n = (size_t)st.st_size;
        p = imm_alloc(a, n + 1);
        while (done < n) {
                ssize_t k = read(fd, p + done, n - done);

                if (k <= 0)
                        return NULL;
                done += (size_t)k;
        }
        *ret_n = n;
        return p;
}

uint64_t kept_sum(const unsigned char *p, size_t n) {
        uint64_t sum = n, word;

        for (; n >= sizeof(word); n -= sizeof(word), p += sizeof(word)) {
                memcpy(&word, p, sizeof(word));
                sum = (sum ^ word) * UINT64_C(0x9e3779b97f4a7c15);
                sum ^= sum >> 29;
        }
        for (; n > 0; n--)
                sum = (sum ^ *p++) * UINT64_C(0x9e3779b97f4a7c15);
        return sum;
}

/* The last folder of the path; those above it are there or not ours to make. */
static void make_folder(const char *path, struct imm_arena *a) {
        const char *slash = strrchr(path, '/');

        if (slash && slash > path)
                (void)mkdir(imm_strndup(a, path, (size_t)(slash - path)), 0700);
}

void kept_write(const char *path, const void *data, size_t size, struct imm_arena *a) {
        const char *temporary = imm_printf(a, "%s.%d", path, getpid());
        imm_auto_close int fd = -1;
        bool good;

        make_folder(path, a);
        fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
                return;
        good = write(fd, data, size) == (ssize_t)size;
        if (!good || rename(temporary, path) < 0)
                (void)unlink(temporary);
}

static const char *folder_of(const char *path, struct imm_arena *a) {
        const char *slash = strrchr(path, '/');

        return imm_strndup(a, path, slash ? (size_t)(slash - path) : 0);
}

const char *kept_beside(
        const char *path, const char *prefix, const struct stat *of, struct imm_arena *a) {
        return imm_printf(a, "%s/%s-%llx-%llx", folder_of(path, a), prefix,
                (unsigned long long)of->st_dev, (unsigned long long)of->st_ino);
}

enum { LONG_AGO = 60 * 24 * 3600 };

void kept_tidy(const char *path, const char *prefix, time_t now, struct imm_arena *a) {
        int fd = open(folder_of(path, a), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *d = fd < 0 ? NULL : fdopendir(fd);
        const struct dirent *e;
        struct stat st;

        if (!d && fd >= 0)
                (void)close(fd);
        while (d && (e = readdir(d))) {
                const char *rest = imm_after(e->d_name, prefix);

                if (rest && *rest == '-' && fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
                        S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
                        st.st_mtim.tv_sec < now - LONG_AGO)
                        (void)unlinkat(fd, e->d_name, 0);
        }
        if (d)
                (void)closedir(d);
}

const char *kept_program(struct imm_arena *a) {
        struct stat st;

        if (stat("/proc/self/exe", &st) < 0)
                return NULL;
        return imm_printf(a, "%llx.%llx.%llx.%llx.%lx.%llx.%lx", (unsigned long long)st.st_dev,
                (unsigned long long)st.st_ino, (unsigned long long)st.st_size,
                (unsigned long long)st.st_mtim.tv_sec, (unsigned long)st.st_mtim.tv_nsec,
                (unsigned long long)st.st_ctim.tv_sec, (unsigned long)st.st_ctim.tv_nsec);
}
