#include "analyzer/sandbox/access/access-private.h"

#include <linux/capability.h>
#include <linux/securebits.h>
#include <stdarg.h>
#include <sys/socket.h>

static void say(const struct imm_walk *w, struct imm_access *to, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));
static void say(const struct imm_walk *w, struct imm_access *to, const char *fmt, ...) {
        va_list ap;
        const char *line;

        va_start(ap, fmt);
        line = imm_vprintf(w->a, fmt, ap);
        va_end(ap);
        if (!imm_strv_has(&to->because, line))
                imm_strv_add(w->a, &to->because, line);
}

/* "CAP_DAC_OVERRIDE" */
static const char *cap_text(int cap, struct imm_arena *a) {
        char *text;

        if (cap < 0)
                return "a capability";
        text = imm_strdup(a, imm_caps_text(UINT64_C(1) << cap, a));
        for (char *p = text; *p; p++)
                if (*p >= 'a' && *p <= 'z')
                        *p = (char)(*p - 'a' + 'A');
        return text;
}

const char *imm_identity_text(const struct imm_identity *id, struct imm_arena *a) {
        const char *space = id->userns == IMM_USERNS_NONE ? "" : " in a user namespace";

        if (id->dynamic)
                return imm_printf(a, "the dynamic user %s%s", id->user ? id->user : "", space);
        if (id->uid == 0)
                return imm_printf(
                        a, "root%s%s", id->cap_effective ? "" : " without capabilities", space);
        if (id->user)
                return imm_printf(a, "%s (uid %u)%s", id->user, id->uid, space);
        return imm_printf(a, "uid %u%s", id->uid, space);
}

static const char *user_text(const struct imm_walk *w, uid_t uid) {
        const struct imm_user *u = imm_user_by_uid(w->m->users, uid);

        return uid == 0 ? "root" : u ? u->name : imm_printf(w->a, "%u", uid);
}

static const char *group_text(const struct imm_walk *w, gid_t gid) {
        const struct imm_group *g = imm_group_by_gid(w->m->users, gid);

        return gid == 0 ? "root" : g ? g->name : imm_printf(w->a, "%u", gid);
}

/* "svc:team 0640", with an ACL if there is one */
static const char *owner_text(const struct imm_walk *w, const struct imm_node *n) {
        return imm_printf(w->a, "%s:%s %04o%s", user_text(w, n->uid), group_text(w, n->gid),
                (unsigned)n->mode & 07777, n->acl ? " with an ACL" : "");
}

/* "ProtectSystem=strict, implied by DynamicUser= (foo.service:12)" */
static const char *setting_text(
        const struct imm_walk *w, enum imm_setting id, const struct imm_origin *o) {
        const struct imm_setting_info *info = imm_setting_info(id);
        const char *word = imm_setting_word(w->s, id);
        const char *from = imm_origin_text(o, w->a);

        if (!word && imm_setting(w->s, id)->type == IMM_VALUE_BOOL)
                word = imm_setting_bool(w->s, id) ? "yes" : "no";
        return imm_printf(w->a, "%s=%s, %s", info->name, word ? word : "", from);
}

static const char *mount_text(const struct imm_walk *w, const struct imm_mount *m) {
        if (m->setting < IMM_SETTING_N)
                return setting_text(w, m->setting, &m->origin);
        if (m->why)
                return m->why;
        return m->of_host ? "the machine's own mount" : "systemd itself";
}

/* The settings that wanted something else there, in systemd's order */
static void say_losers(const struct imm_walk *w, const char *path, struct imm_access *to) {
        for (size_t i = 0; i < w->table->losers.n; i++) {
                const struct imm_mount_loser *l = w->table->losers.v + i;
                size_t n = strlen(l->path);

                if (strncmp(path, l->path, n) != 0 || (n > 1 && path[n] && path[n] != '/'))
                        continue;
                if (l->setting < IMM_SETTING_N)
                        say(w, to, "lost: %s for %s: %s", setting_text(w, l->setting, &l->origin),
                                l->path, l->why ? l->why : "overridden");
        }
}

static const char *const verbs[IMM_MODE_N] = {"read", "write", "execute", "connect"};

/* What the mode and the ACL say for this identity, in words */
static const char *bits_text(
        const struct imm_walk *w, const struct imm_node *n, const struct imm_verdict *v) {
        static const char *const who[] = {
                [IMM_ACL_OWNER] = "as its owner",
                [IMM_ACL_USER] = "by an ACL entry",
                [IMM_ACL_GROUP] = "by a group",
                [IMM_ACL_OTHER] = "as anybody else",
        };

        return imm_printf(w->a, "%s, and %s counts %s", owner_text(w, n),
                imm_identity_text(w->id, w->a), who[v->who]);
}

/* Who made the mount as it is: what set the flag, where that is known, or the mount itself */
static const char *cause_text(
        const struct imm_walk *w, const struct imm_mount *m, const struct imm_mount_cause *c) {
        if (c->setting < IMM_SETTING_N)
                return setting_text(w, c->setting, &c->origin);
        return c->why ? c->why : mount_text(w, m);
}

/* The line that is as good as none of that setting */
static const char *off_text(const struct imm_walk *w, enum imm_setting id) {
        const struct imm_setting_info *info = imm_setting_info(id);
        bool word = imm_after(info->name, "Protect") || imm_after(info->name, "Private");

        return imm_printf(w->a, "%s=%s", info->name, word ? "no" : "");
}

/*
 * What would lift the flag: an exception for the path, or the setting's absence. Nothing is said
 * where that alone would not do; then what is left in the way is.
 */
static const char *lift_text(const struct imm_walk *w, const char *asked, const struct imm_spot *at,
        enum imm_mode mode, const struct imm_mount_cause *c, unsigned flag,
        enum imm_setting exception) {
        const struct imm_mount *m = at->mount;
        enum imm_setting by = c->setting < IMM_SETTING_N ? c->setting : m->setting;
        struct imm_mount free_of_it = *m;
        struct imm_spot lifted = *at;
        struct imm_verdict v;
        const char *path;

        free_of_it.flags &= ~flag;
        lifted.mount = &free_of_it;
        v = imm_access_judge(w, &lifted, mode);
        if (v.answer == 0)
                return v.by != IMM_BY_BITS ? ""
                                           : imm_printf(w->a, "; beside that, %s is %s", at->path,
                                                     bits_text(w, &at->node, &v));
        path = imm_flip_value(w, at->path);
        if (!w->flips || by >= IMM_SETTING_N)
                return "";
        path = path ? imm_printf(w->a, "%s=%s", imm_setting_info(exception)->name, path) : NULL;
        if (path && imm_flip_works(w, asked, mode, path))
                return imm_printf(w->a, "; %s would allow it", path);
        /* without a bind something else would be there */
        if (by != IMM_SETTING_BIND_PATHS && by != IMM_SETTING_BIND_READ_ONLY_PATHS &&
                imm_flip_works(w, asked, mode, off_text(w, by)))
                return imm_printf(
                        w->a, "; without %s= it would not be", imm_setting_info(by)->name);
        return "";
}

/* Would the file's owner be let in, all the way? */
static bool owner_may(const struct imm_walk *w, const struct imm_spot *at, enum imm_mode mode) {
        const struct imm_user *u = imm_user_by_uid(w->m->users, at->node.uid);
        struct imm_identity id = *w->id;
        struct imm_walk as = *w;
        struct imm_spot there;

        if (!u)
                return false;
        id.uid = u->uid;
        if (!imm_setting_string(w->s, IMM_SETTING_GROUP))
                id.gid = u->gid;
        id.n_groups = 0;
        id.cap_effective = u->uid == 0 ? id.cap_bounding : 0;
        as.id = &id;
        imm_walk_to(&as, at->path, true, &there);
        return there.end == IMM_WALK_FOUND && imm_access_judge(&as, &there, mode).answer == 1;
}

/* Which capability would let it in, as a line of the unit; NULL: none */
static const char *capability_line(
        const struct imm_walk *w, const char *asked, enum imm_mode mode, int cap) {
        bool root = w->id->uid == 0 && !(w->id->secure_bits & SECBIT_NOROOT);
        const char *line = imm_printf(w->a, "%s=%s",
                root ? "CapabilityBoundingSet" : "AmbientCapabilities", cap_text(cap, w->a));

        return (root ? imm_caps_of_manager(w->m) : w->id->cap_bounding) >> cap & 1 &&
                               imm_flip_works(w, asked, mode, line)
                       ? line
                       : NULL;
}

/* Which user or capability the bits would let in; "" where that cannot be said in short */
static const char *other_text(const struct imm_walk *w, const char *asked,
        const struct imm_spot *at, const struct imm_verdict *v, enum imm_mode mode) {
        const char *cap, *user = NULL;

        /* a user's manager gives neither another user nor a capability, and where the program has
         * privileges of its own, these are what counts */
        if (!w->flips || v->cap <= 0 || w->id->userns != IMM_USERNS_NONE ||
                w->m->scope != IMM_SCOPE_SYSTEM || w->id->set_id)
                return "";
        if (w->id->uid != 0 && at->node.uid != w->id->uid && owner_may(w, at, mode)) {
                user = imm_printf(w->a, "User=%s", user_text(w, at->node.uid));
                if (!imm_flip_works(w, asked, mode, user))
                        user = NULL;
        }
        cap = capability_line(w, asked, mode, v->cap);
        if (!user && !cap)
                return "";
        return imm_printf(w->a, "; %s%s%s would allow it", user ? user : "",
                user && cap ? " or " : "", cap ? cap : "");
}

static void say_bits(const struct imm_walk *w, const char *asked, const struct imm_spot *at,
        enum imm_mode mode, const struct imm_verdict *v, struct imm_access *to) {
        const struct imm_mount *m = at->mount;

        if (m && m->inaccessible)
                say(w, to,
                        "%s: no: %s is made inaccessible by %s; without it the files behind it "
                        "would decide",
                        verbs[mode], imm_path_of_process(m->path, w->a), mount_text(w, m));
        else
                say(w, to, "%s: no: %s is %s%s", verbs[mode], at->path, bits_text(w, &at->node, v),
                        other_text(w, asked, at, v, mode));
}

static void say_sockets(const struct imm_walk *w, const char *asked, struct imm_access *to) {
        enum imm_setting by = IMM_SETTING_RESTRICT_ADDRESS_FAMILIES;
        const char *line;

        (void)imm_net_may_connect(w->s, IMM_KIND_PLAIN, AF_UNIX, &by);
        line = by == IMM_SETTING_SYSTEM_CALL_FILTER ? "SystemCallFilter=@network-io"
                                                    : "RestrictAddressFamilies=AF_UNIX";
        if (!w->flips || !imm_flip_works(w, asked, IMM_MODE_CONNECT, line))
                line = NULL;
        say(w, to, "connect: no: %s= (%s) leaves it no %s%s%s%s", imm_setting_info(by)->name,
                imm_origin_text(&imm_setting(w->s, by)->origin, w->a),
                by == IMM_SETTING_SYSTEM_CALL_FILTER ? "socket(2) and connect(2)"
                                                     : "AF_UNIX sockets",
                line ? "; " : "", line ? line : "", line ? " would allow it" : "");
}

/* The capability whose lack is the reason */
static const char *wants_capability(
        const struct imm_walk *w, const char *asked, enum imm_mode mode, int cap) {
        const char *line = w->flips && w->m->scope == IMM_SCOPE_SYSTEM
                                   ? capability_line(w, asked, mode, cap)
                                   : NULL;

        return line ? imm_printf(w->a, "; %s would allow it", line) : "";
}

static void say_no(const struct imm_walk *w, const char *asked, const struct imm_spot *at,
        enum imm_mode mode, const struct imm_verdict *v, struct imm_access *to) {
        const char *verb = verbs[mode];
        const struct imm_mount *m = at->mount;

        switch (v->by) {
        case IMM_BY_READ_ONLY:
                say(w, to, "%s: no: %s is read-only by %s%s", verb,
                        imm_path_of_process(m->path, w->a), cause_text(w, m, &m->read_only_by),
                        lift_text(w, asked, at, mode, &m->read_only_by, IMM_MOUNT_RDONLY,
                                IMM_SETTING_READ_WRITE_PATHS));
                break;
        case IMM_BY_NO_EXEC:
                say(w, to, "%s: no: %s is mounted noexec by %s%s", verb,
                        imm_path_of_process(m->path, w->a), cause_text(w, m, &m->noexec_by),
                        lift_text(w, asked, at, mode, &m->noexec_by, IMM_MOUNT_NOEXEC,
                                IMM_SETTING_EXEC_PATHS));
                break;
        case IMM_BY_NO_DEV:
                say(w, to, "%s: no: device nodes do nothing on %s, mounted nodev by %s", verb,
                        imm_path_of_process(m->path, w->a), mount_text(w, m));
                break;
        case IMM_BY_KERNEL:
                say(w, to, "%s: no: the kernel takes none there, whoever asks", verb);
                break;
        case IMM_BY_FULL:
                say(w, to,
                        "%s: no: no more files can be made on %s by its nr_inodes=, mounted by %s",
                        verb, imm_path_of_process(m->path, w->a), mount_text(w, m));
                break;
        case IMM_BY_IMMUTABLE:
                say(w, to, "%s: no: %s has the immutable attribute", verb, at->path);
                break;
        case IMM_BY_TRACE:
                say(w, to, "%s: no: only for those who may trace the process%s", verb,
                        wants_capability(w, asked, mode, CAP_SYS_PTRACE));
                break;
        case IMM_BY_SOCKETS:
                say_sockets(w, asked, to);
                break;
        case IMM_BY_NO_CAPABILITY:
                say(w, to, "%s: no: it takes %s, which %s does not have%s", verb,
                        cap_text(v->cap, w->a), imm_identity_text(w->id, w->a),
                        wants_capability(w, asked, mode, v->cap));
                break;
        case IMM_BY_UNMAPPED:
                say(w, to,
                        "%s: no: %s is %s, owned by somebody outside of the service's user "
                        "namespace, where its capabilities do not reach",
                        verb, at->path, owner_text(w, &at->node));
                break;
        case IMM_BY_BITS:
                say_bits(w, asked, at, mode, v, to);
                break;
        default:
                break;
        }
}

static void say_yes(const struct imm_walk *w, const char *asked, const struct imm_spot *at,
        enum imm_mode mode, const struct imm_verdict *v, struct imm_access *to) {
        const struct imm_mount *m = at->mount;
        /* the root's own files at their own place: who remounted them gave nothing */
        bool same = m && m->host_path && imm_streq(m->host_path, m->path);
        const char *where = m && m->setting < IMM_SETTING_N && !same
                                    ? imm_printf(w->a, " (%s: %s)",
                                              imm_path_of_process(m->path, w->a), mount_text(w, m))
                                    : "";
        const char *flip = w->flips ? imm_flip_to_no(w, asked, at, mode, v) : "";

        if (m && m->inaccessible)
                say(w, to,
                        "%s: yes: an empty stand-in that %s put there, mode 0000, which root may "
                        "%s",
                        verbs[mode], mount_text(w, m), verbs[mode]);
        else if (v->by == IMM_BY_CAPABILITY)
                say(w, to, "%s: yes: %s is %s, but %s has %s%s%s", verbs[mode], at->path,
                        owner_text(w, &at->node), imm_identity_text(w->id, w->a),
                        cap_text(v->cap, w->a), where, flip);
        else
                say(w, to, "%s: yes: %s is %s%s%s", verbs[mode], at->path,
                        bits_text(w, &at->node, v), where, flip);
}

/* A device policy is no part of access(2), and yet decides what open(2) says. */
static void say_device(const struct imm_walk *w, const struct imm_spot *at, struct imm_access *to) {
        const char *policy = imm_setting_word(w->s, IMM_SETTING_DEVICE_POLICY);

        if (!S_ISCHR(at->node.mode) && !S_ISBLK(at->node.mode))
                return;
        if ((policy && !imm_streq(policy, "auto")) ||
                imm_setting(w->s, IMM_SETTING_DEVICE_ALLOW)->devices.n > 0)
                say(w, to,
                        "the device policy (DevicePolicy=%s, DeviceAllow=) decides beside that "
                        "whether it can be opened",
                        policy ? policy : "auto");
}

static void say_end(const struct imm_walk *w, const char *path, const struct imm_spot *at,
        struct imm_access *to) {
        switch (at->end) {
        case IMM_WALK_ABSENT:
                say(w, to, "%s does not exist for the service%s%s", at->at,
                        at->node.why ? ": " : "", at->node.why ? at->node.why : "");
                if (at->mount && at->mount->setting < IMM_SETTING_N)
                        say(w, to, "%s is what %s put there",
                                imm_path_of_process(at->mount->path, w->a),
                                mount_text(w, at->mount));
                break;
        case IMM_WALK_DENIED:
                say(w, to,
                        "%s cannot be reached: %s may not be searched: %s, and the service runs "
                        "as %s",
                        path, at->at,
                        at->mount && at->mount->inaccessible
                                ? imm_printf(
                                          w->a, "made inaccessible by %s", mount_text(w, at->mount))
                                : owner_text(w, &at->node),
                        imm_identity_text(w->id, w->a));
                break;
        case IMM_WALK_LOOP:
                say(w, to, "%s is a loop of symbolic links", at->at);
                break;
        case IMM_WALK_PROTECTED:
                say(w, to,
                        "%s is not followed: a link of %s in a directory where anybody may make "
                        "one, and fs.protected_symlinks lets only that user follow it; the service "
                        "runs as %s",
                        at->at, user_text(w, at->node.uid), imm_identity_text(w->id, w->a));
                break;
        case IMM_WALK_TRACE:
                say(w, to, "%s leads into another process, which %s may not trace", at->at,
                        imm_identity_text(w->id, w->a));
                break;
        case IMM_WALK_UNKNOWN:
                say(w, to, "%s: %s", at->at, at->node.why ? at->node.why : "cannot be known");
                break;
        case IMM_WALK_FOUND:
                break;
        }
}

void imm_access_explain(const struct imm_walk *w, const char *path, const struct imm_spot *at,
        const struct imm_verdict v[IMM_MODE_N], unsigned modes, struct imm_access *to) {
        if (at->end != IMM_WALK_FOUND) {
                say_end(w, path, at, to);
                say_losers(w, at->at, to);
                return;
        }
        if (!imm_streq(path, at->path))
                say(w, to, "%s is %s", path, at->path);
        for (enum imm_mode i = 0; i < IMM_MODE_N; i++)
                if (!(modes & 1U << i))
                        continue;
                else if (v[i].answer == 0)
                        say_no(w, path, at, i, v + i, to);
                else if (v[i].answer == 1)
                        say_yes(w, path, at, i, v + i, to);
        if (to->new_executable == 1)
                say(w, to, "new files can be made there and executed");
        else if (S_ISDIR(at->node.mode) && to->allowed[IMM_MODE_WRITE] == 1)
                say(w, to, "new files can be made there, but not executed");
        say_device(w, at, to);
        say_losers(w, at->path, to);
}

void imm_access_explain_outcome(const struct imm_walk *w, struct imm_access *to) {
        const struct imm_mount_table *t = w->table;

        say(w, to, "%s", imm_outcome_sentence(t->outcome, t->culprit, w->a));
}
