/* What the kernel shows of a process. */

#include "analyzer/host/host.h"

#include <errno.h>
#include <inttypes.h>

static const char *const ns_files[IMM_NS_N] = {
        [IMM_NS_MNT] = "mnt",
        [IMM_NS_USER] = "user",
        [IMM_NS_NET] = "net",
        [IMM_NS_IPC] = "ipc",
        [IMM_NS_PID] = "pid",
};

static int by_number(const void *a, const void *b) {
        gid_t x = *(const gid_t *)a, y = *(const gid_t *)b;

        return (x > y) - (x < y);
}

static void read_groups(const char *text, struct imm_arena *a, struct imm_process *p) {
        IMM_ARRAY(gid_t) l = {0};

        while (*text) {
                char *end;
                unsigned long n = strtoul(text, &end, 10);

                if (end == text)
                        break;
                *imm_array_push(a, &l) = (gid_t)n;
                text = end;
        }
        if (l.n > 0)
                qsort(l.v, l.n, sizeof(*l.v), by_number);
        p->groups = l.v;
        p->n_groups = l.n;
}

static void read_status_line(const char *line, struct imm_arena *a, struct imm_process *p) {
        const struct {
                const char *key;
                uint64_t *to;
        } caps[] = {
                {"CapInh:", &p->cap_inheritable},
                {"CapPrm:", &p->cap_permitted},
                {"CapEff:", &p->cap_effective},
                {"CapBnd:", &p->cap_bounding},
                {"CapAmb:", &p->cap_ambient},
        };
        unsigned real, effective;
        const char *rest;

        for (size_t i = 0; i < IMM_ELEMENTSOF(caps); i++)
                if ((rest = imm_after(line, caps[i].key)))
                        *caps[i].to = strtoull(rest, NULL, 16);
        /* systemd names its child by the program in parentheses until then */
        if ((rest = imm_after(line, "Name:\t")))
                p->not_yet = *rest == '(';
        if ((rest = imm_after(line, "Uid:")) && sscanf(rest, "%u %u", &real, &effective) == 2)
                p->uid = effective;
        if ((rest = imm_after(line, "Gid:")) && sscanf(rest, "%u %u", &real, &effective) == 2)
                p->gid = effective;
        if ((rest = imm_after(line, "Groups:")))
                read_groups(rest, a, p);
        if ((rest = imm_after(line, "NoNewPrivs:")))
                p->no_new_privileges = strtoul(rest, NULL, 10) != 0;
        if ((rest = imm_after(line, "Seccomp:")))
                p->seccomp = (unsigned)strtoul(rest, NULL, 10);
}

static FILE *open_proc(pid_t pid, const char *name) {
        imm_auto_free char *path = NULL;

        if (asprintf(&path, "/proc/%d/%s", pid, name) < 0)
                imm_oom();
        return fopen(path, "re");
}

static int read_status(pid_t pid, struct imm_arena *a, struct imm_process *p) {
        imm_auto_free char *line = NULL;
        FILE *f = open_proc(pid, "status");
        size_t size = 0;

        if (!f)
                return -errno;
        while (getline(&line, &size, f) > 0)
                read_status_line(line, a, p);
        (void)fclose(f);
        return 0;
}

static int read_mounts(pid_t pid, struct imm_arena *a, struct imm_mountinfos *ret) {
        FILE *f = open_proc(pid, "mountinfo");

        if (!f)
                return -errno;
        imm_mountinfo_read(f, a, ret);
        (void)fclose(f);
        /* what may not be looked at opens, and is empty */
        return ret->n > 0 ? 0 : -EACCES;
}

/* 1: another one than the manager's; -1: cannot be seen, *ret_pid not looked at */
static int own_namespace(
        pid_t pid, pid_t manager, const char *which, struct imm_arena *a, pid_t *ret_pid) {
        struct stat mine, its;

        if (stat(imm_printf(a, "/proc/%d/ns/%s", pid, which), &mine) < 0) {
                *ret_pid = pid;
                return -1;
        }
        if (stat(imm_printf(a, "/proc/%d/ns/%s", manager, which), &its) < 0) {
                *ret_pid = manager;
                return -1;
        }
        return mine.st_ino != its.st_ino || mine.st_dev != its.st_dev;
}

static const char *why_unseen(int r) {
        return r == -EACCES || r == -EPERM ? "; root may look at it"
               : r == -ENOENT              ? ": it ended, or /proc does not show it"
                                           : "";
}

static void unseen(struct imm_live *l, struct imm_arena *a, pid_t pid, const char *what, int r) {
        imm_strv_add(a, &l->unseen,
                imm_printf(a, "/proc/%d/%s: %s%s", pid, what, strerror(-r), why_unseen(r)));
}

/* A mount has one number: who has one of the manager's is in its namespace. */
static bool shares_mount(const struct imm_process *p) {
        struct imm_map theirs = {0};
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();

        imm_array_foreach (m, &p->manager_mounts)
                imm_map_put(a, &theirs, imm_printf(a, "%u", m->id), (void *)(uintptr_t)m);
        imm_array_foreach (m, &p->mounts)
                if (imm_map_has(&theirs, imm_printf(a, "%u", m->id)))
                        return true;
        return false;
}

static void look_at_mounts(pid_t pid, pid_t manager, struct imm_arena *a, struct imm_live *ret) {
        struct imm_process *p = &ret->process;
        pid_t who = pid;
        int r = read_mounts(pid, a, &p->mounts);

        if (r >= 0) {
                who = manager;
                r = read_mounts(manager, a, &p->manager_mounts);
        }
        if (r < 0) {
                unseen(ret, a, who, "mountinfo", r);
                return;
        }
        p->mounts_seen = true;
        if (p->own[IMM_NS_MNT] < 0)
                p->own[IMM_NS_MNT] = !shares_mount(p);
        imm_mountinfo_reached(&p->mounts, a, &p->reached);
}

void imm_live_look(pid_t pid, pid_t manager, struct imm_arena *a, struct imm_live *ret) {
        struct imm_process *p = &ret->process;
        const char *hidden = "";
        pid_t who = pid;
        int r;

        p->pid = pid;
        r = read_status(pid, a, p);
        if (r < 0) {
                unseen(ret, a, pid, "status", r);
                return;
        }
        if (p->not_yet) {
                imm_strv_add(a, &ret->unseen,
                        imm_printf(a, "process %d is only being set up: ask again", pid));
                return;
        }
        ret->process_seen = true;
        for (size_t i = 0; i < IMM_NS_N; i++)
                p->own[i] = own_namespace(pid, manager, ns_files[i], a, &who);
        look_at_mounts(pid, manager, a, ret);
        for (size_t i = 0; i < IMM_NS_N; i++)
                if (p->own[i] < 0)
                        hidden = imm_printf(a, "%s%s%s", hidden, *hidden ? ", " : "", ns_files[i]);
        if (*hidden)
                imm_strv_add(a, &ret->unseen,
                        imm_printf(a,
                                "/proc/%d/ns: %s%s (whether these namespaces are its own: %s)", who,
                                strerror(EACCES), why_unseen(-EACCES), hidden));
}
