#include "analyzer/closure/answers/answers.h"

/* What must be the same of a path for an answer that depends on it to hold */

bool witness_of(
        const struct node *n, dev_t trusted, time_t since, struct pool *p, struct witness *ret) {
        struct witness w = {.path = pool_put(p, n->host), .error = n->error};

        if (n->error == 0) {
                w.mode = S_ISDIR(n->mode) ? S_IFDIR : n->mode;
                w.target = pool_put(p, n->target);
                w.uid = S_ISREG(n->mode) ? n->uid : 0;
                w.gid = S_ISREG(n->mode) ? n->gid : 0;
        }
        if (n->error == 0 && S_ISREG(n->mode) && n->read) {
                if (n->dev != trusted || n->ctime.tv_sec >= since)
                        return false;
                w.read = 1;
                w.dev = n->dev;
                w.ino = n->ino;
                w.size = n->size;
                w.mtime = n->mtime.tv_sec;
                w.mtime_n = (uint32_t)n->mtime.tv_nsec;
                w.ctime = n->ctime.tv_sec;
                w.ctime_n = (uint32_t)n->ctime.tv_nsec;
        }
        *ret = w;
        return true;
}

static bool same_content(const struct witness *w, const struct node *n) {
        return w->dev == n->dev && w->ino == n->ino && w->size == n->size &&
               w->mtime == n->mtime.tv_sec && w->mtime_n == (uint32_t)n->mtime.tv_nsec &&
               w->ctime == n->ctime.tv_sec && w->ctime_n == (uint32_t)n->ctime.tv_nsec;
}

bool witness_holds(const struct witness *w, const struct node *n, const char *target) {
        if (n->error != w->error)
                return false;
        if (n->error < 0)
                return true;
        if (S_ISDIR(n->mode))
                return w->mode == S_IFDIR;
        if (n->mode != w->mode)
                return false;
        if (n->target || target)
                return n->target && target && imm_streq(n->target, target);
        if (!S_ISREG(n->mode))
                return true;
        return n->uid == w->uid && n->gid == w->gid && (!w->read || same_content(w, n));
}
