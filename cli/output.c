#include "cli/output.h"

#include "base/mem.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

int imm_output_open(struct imm_output *o, const char *path, struct imm_err *err) {
        imm_auto_free char *real = path ? realpath(path, NULL) : NULL;
        mode_t mask;
        struct stat st;
        int fd;

        *o = (struct imm_output){.f = stdout};
        if (!path)
                return 0;
        o->path = imm_xstrdup(path);
        /* a pipe, a terminal, /dev/stdout: written to, never replaced */
        if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
                o->f = fopen(path, "we");
                return o->f ? 0
                            : imm_err_set(
                                      err, -errno, "cannot write '%s': %s", path, strerror(errno));
        }
        o->f = NULL;
        if (real) { /* a link stays one: the file that it leads to is replaced */
                free(o->path);
                o->path = imm_steal(real);
        }
        if (asprintf(&o->temporary, "%s.XXXXXX", o->path) < 0)
                imm_oom();
        fd = mkstemp(o->temporary);
        if (fd >= 0) {
                mask = umask(0);
                (void)umask(mask);
                (void)fchmod(fd, 0666 & ~mask);
                o->f = fdopen(fd, "w");
                if (!o->f)
                        (void)close(fd);
        }
        if (!o->f) {
                int r = -errno;

                if (fd >= 0)
                        (void)unlink(o->temporary);
                free(o->temporary);
                o->temporary = NULL;
                return imm_err_set(err, r, "cannot write '%s': %s", path, strerror(-r));
        }
        return 0;
}

int imm_output_close(struct imm_output *o, struct imm_err *err) {
        const char *why = NULL;
        bool bad;
        int r = 0;

        if (!o->path) /* stdout: main() looks at it */
                return 0;
        bad = ferror(o->f);
        errno = 0;
        if (fflush(o->f) != 0 || bad || (o->temporary && fsync(fileno(o->f)) < 0))
                r = errno ? -errno : -EIO;
        if (bad && r == -EIO) /* that write's own reason is gone */
                why = "a part of it could not be written; is its file system full?";
        if (fclose(o->f) != 0 && r == 0)
                r = -errno;
        o->f = NULL;
        if (r == 0 && o->temporary && rename(o->temporary, o->path) < 0)
                r = -errno;
        if (r < 0)
                (void)imm_err_set(
                        err, r, "cannot write '%s': %s", o->path, why ? why : strerror(-r));
        else {
                free(o->temporary);
                o->temporary = NULL;
        }
        imm_output_drop(o);
        return r;
}

void imm_output_drop(struct imm_output *o) {
        if (o->temporary) {
                (void)unlink(o->temporary);
                free(o->temporary);
                o->temporary = NULL;
        }
        if (o->f && o->f != stdout)
                (void)fclose(o->f);
        o->f = NULL;
        free(o->path);
        o->path = NULL;
}
