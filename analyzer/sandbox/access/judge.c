#include "analyzer/sandbox/access/access-private.h"

#include <linux/capability.h>

static bool has_cap(const struct imm_identity *id, int cap) {
        return id->cap_effective >> cap & 1;
}

/* capable(): in the machine's own user namespace */
static bool capable(const struct imm_identity *id, int cap) {
        return id->userns == IMM_USERNS_NONE && has_cap(id, cap);
}

/*
 * Another process is the manager here, root with all capabilities that system.conf leaves it: who
 * is its equal in identity, with no fewer of them, may trace it as well.
 */
bool imm_access_judge_trace(const struct imm_walk *w, const struct imm_node *n) {
        const struct imm_identity *id = w->id;

        if (n->self || capable(id, CAP_SYS_PTRACE))
                return true;
        return id->userns == IMM_USERNS_NONE && id->uid == 0 && id->gid == 0 &&
               (imm_caps_of_manager(w->m) & ~id->cap_effective) == 0;
}

static const struct imm_verdict yes = {.answer = 1};
static struct imm_verdict no(enum imm_reason by) {
        return (struct imm_verdict){.by = by};
}

/* Sysctls know root by its number, not by its capabilities. */
static struct imm_verdict judge_sysctl(
        const struct imm_walk *w, const struct imm_node *n, unsigned mask) {
        struct imm_verdict v = {.by = IMM_BY_BITS, .who = IMM_ACL_OTHER};
        mode_t mode = n->mode;

        if (w->id->uid == 0) {
                mode >>= 6;
                v.who = IMM_ACL_OWNER;
        } else if (n->api == IMM_API_NET_SYSCTL && capable(w->id, CAP_NET_ADMIN)) {
                mode >>= 6;
                v.by = IMM_BY_CAPABILITY;
                v.cap = CAP_NET_ADMIN;
        } else if (imm_identity_in_group(w->id, 0)) {
                mode >>= 3;
                v.who = IMM_ACL_GROUP;
        }
        if (S_ISREG(n->mode) && mask & IMM_MAY_EXEC)
                return no(IMM_BY_KERNEL);
        v.answer = (mode & mask) == mask;
        return v;
}

/* A capability helps only over files whose owners are both mapped in the user namespace. */
static bool reaches(const struct imm_walk *w, const struct imm_node *n) {
        return imm_identity_maps_uid(w->id, n->uid) && imm_identity_maps_gid(w->id, n->gid);
}

struct imm_verdict imm_access_judge_mask(
        const struct imm_walk *w, const struct imm_node *n, unsigned mask) {
        struct imm_verdict v = {.by = IMM_BY_BITS};
        int cap = CAP_DAC_OVERRIDE;
        bool could;

        if (n->api == IMM_API_SYSCTL || n->api == IMM_API_NET_SYSCTL)
                return judge_sysctl(w, n, mask);
        if (n->api == IMM_API_PID_FD && n->self && !(mask & IMM_MAY_WRITE))
                return yes; /* one's own descriptors, whatever the mode says */
        v.answer = imm_acl_bits(n, w->id, mask, &v.who) == mask;
        if (v.answer)
                return v;
        could = S_ISDIR(n->mode) || !(mask & IMM_MAY_EXEC) || n->mode & 0111;
        if (S_ISDIR(n->mode) ? !(mask & IMM_MAY_WRITE) : mask == IMM_MAY_READ)
                cap = has_cap(w->id, CAP_DAC_READ_SEARCH) ? CAP_DAC_READ_SEARCH : cap;
        if (!could)
                return v;
        v.cap = cap; /* has it, or would need it */
        if (!has_cap(w->id, cap))
                return v;
        v.answer = reaches(w, n);
        v.by = v.answer ? IMM_BY_CAPABILITY : IMM_BY_UNMAPPED;
        return v;
}

/* What the kernel asks when such a file is opened, whatever its bits */
static struct imm_verdict judge_open(
        const struct imm_walk *w, const struct imm_node *n, bool for_writing) {
        int cap = -1;

        switch (n->api) {
        case IMM_API_PID_TRACE:
                /* the memory's layout is also for those who measure (Linux 6.15) */
                if (S_ISREG(n->mode) &&
                        (capable(w->id, CAP_PERFMON) || capable(w->id, CAP_SYS_ADMIN)))
                        return yes;
                return imm_access_judge_trace(w, n) ? yes : no(IMM_BY_TRACE);
        case IMM_API_PID_ATTACH:
                return imm_access_judge_trace(w, n) ? yes : no(IMM_BY_TRACE);
        case IMM_API_PROC_NET:
        case IMM_API_SYSFS:
                return for_writing && !(n->mode & 0222) ? no(IMM_BY_KERNEL) : yes;
        case IMM_API_RAWIO:
                cap = CAP_SYS_RAWIO;
                break;
        case IMM_API_SYSLOG:
                cap = CAP_SYSLOG;
                break;
        case IMM_API_SYS_ADMIN:
                cap = CAP_SYS_ADMIN;
                break;
        default:
                break;
        }
        if (cap < 0 || capable(w->id, cap))
                return yes;
        return (struct imm_verdict){.by = IMM_BY_NO_CAPABILITY, .cap = cap};
}

static bool is_device(mode_t mode) {
        return S_ISCHR(mode) || S_ISBLK(mode);
}

static struct imm_verdict judge_write(const struct imm_walk *w, const struct imm_spot *at) {
        const struct imm_node *n = &at->node;
        unsigned flags = at->mount ? at->mount->flags : 0;
        struct imm_verdict v;

        if (!S_ISDIR(n->mode) && !S_ISREG(n->mode)) {
                if (is_device(n->mode) && flags & IMM_MOUNT_NODEV)
                        return no(IMM_BY_NO_DEV);
                return imm_access_judge_mask(w, n, IMM_MAY_WRITE);
        }
        if (S_ISDIR(n->mode) && n->api != IMM_API_PLAIN && n->api != IMM_API_CGROUP)
                return no(IMM_BY_KERNEL);
        if (flags & IMM_MOUNT_RDONLY)
                return no(IMM_BY_READ_ONLY);
        if (n->immutable)
                return no(IMM_BY_IMMUTABLE);
        if (S_ISDIR(n->mode) && at->mount && at->mount->full)
                return no(IMM_BY_FULL);
        if (S_ISDIR(n->mode))
                return imm_access_judge_mask(w, n, IMM_MAY_WRITE | IMM_MAY_EXEC);
        v = judge_open(w, n, true);
        return v.answer ? imm_access_judge_mask(w, n, IMM_MAY_WRITE) : v;
}

static struct imm_verdict judge_read(const struct imm_walk *w, const struct imm_spot *at) {
        const struct imm_node *n = &at->node;
        struct imm_verdict v = imm_access_judge_mask(w, n, IMM_MAY_READ);

        if (is_device(n->mode) && at->mount && at->mount->flags & IMM_MOUNT_NODEV)
                return no(IMM_BY_NO_DEV);
        if (v.answer && (S_ISREG(n->mode) || S_ISDIR(n->mode))) {
                struct imm_verdict open = judge_open(w, n, false);

                return open.answer ? v : open;
        }
        return v;
}

struct imm_verdict imm_access_judge(
        const struct imm_walk *w, const struct imm_spot *at, enum imm_mode mode) {
        const struct imm_node *n = &at->node;

        switch (mode) {
        case IMM_MODE_READ:
                return judge_read(w, at);
        case IMM_MODE_WRITE:
                return judge_write(w, at);
        case IMM_MODE_EXECUTE:
                if (S_ISREG(n->mode) && at->mount && at->mount->flags & IMM_MOUNT_NOEXEC)
                        return no(IMM_BY_NO_EXEC);
                if (S_ISDIR(n->mode) && n->api == IMM_API_PID_TRACE &&
                        !imm_access_judge_trace(w, n))
                        return no(IMM_BY_TRACE);
                return imm_access_judge_mask(w, n, IMM_MAY_EXEC);
        case IMM_MODE_CONNECT:
                if (!S_ISSOCK(n->mode))
                        return (struct imm_verdict){.answer = -1, .by = IMM_BY_TYPE};
                return w->id->no_connect ? no(IMM_BY_SOCKETS)
                                         : imm_access_judge_mask(w, n, IMM_MAY_WRITE);
        case IMM_MODE_N:
                break;
        }
        return (struct imm_verdict){.answer = -1, .by = IMM_BY_UNKNOWN};
}

bool imm_may_search(struct imm_manager *m, struct imm_settings *s, const struct imm_mount_table *t,
        const struct imm_identity *id, const char *path, struct imm_arena *a) {
        const struct imm_walk w = {.m = m, .s = s, .table = t, .id = id, .a = a};
        const struct imm_node *n = imm_node_of_root(m, path);

        return n->state != IMM_NODE_PRESENT ||
               imm_access_judge_mask(&w, n, IMM_MAY_EXEC).answer != 0;
}
