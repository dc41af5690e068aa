#include "analyzer/sandbox/access/access-private.h"

/* The kernel's limits */
enum { MAX_LINKS = 40, MAX_PATH = 4096 };

static int made_compare(const void *key, const void *item) {
        return strcmp(key, ((const struct imm_made *)item)->path);
}

static const struct imm_made *made_find(const struct imm_made *v, size_t n, const char *path) {
        return n ? bsearch(path, v, n, sizeof(*v), made_compare) : NULL;
}

static void from_made(const struct imm_made *made, struct imm_node *ret) {
        *ret = (struct imm_node){
                .state = made->mode ? IMM_NODE_PRESENT : IMM_NODE_ABSENT,
                .mode = made->mode,
                .uid = made->uid,
                .gid = made->gid,
                .target = made->target,
                .below = true,
        };
}

static const char *join(struct imm_arena *a, const char *top, const char *rest) {
        if (!*rest)
                return top;
        while (*rest == '/')
                rest++;
        return imm_printf(a, "%s/%s", imm_streq(top, "/") ? "" : top, rest);
}

static bool numeric(const char *s, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (s[i] < '0' || s[i] > '9')
                        return false;
        return n > 0;
}

static bool is_word(const char *s, size_t n, const char *word) {
        return strlen(word) == n && memcmp(s, word, n) == 0;
}

enum { HIDE_NOTHING, HIDE_ACCESS, HIDE_NAMES, HIDE_UNTRACEABLE };

/* Is @option among the mount's options, between commas? */
static bool has_option(const struct imm_mount *m, const char *option) {
        size_t n = strlen(option);

        for (const char *p = m->options; p; p = strchr(p, ',')) {
                p += *p == ',';
                if (strncmp(p, option, n) == 0 && (p[n] == ',' || !p[n]))
                        return true;
        }
        return false;
}

static int hidden_processes(const struct imm_walk *w, const struct imm_mount *m) {
        if (has_option(m, "hidepid=ptraceable") || has_option(m, "hidepid=4"))
                return HIDE_UNTRACEABLE;
        if (imm_identity_in_group(w->id, 0)) /* procfs' gid= is left at root's group */
                return HIDE_NOTHING;
        if (has_option(m, "hidepid=noaccess") || has_option(m, "hidepid=1"))
                return HIDE_ACCESS;
        return has_option(m, "hidepid=invisible") || has_option(m, "hidepid=2") ? HIDE_NAMES
                                                                                : HIDE_NOTHING;
}

static bool is_word_setting(const struct imm_walk *w, enum imm_setting id, const char *value) {
        const char *word = w->s ? imm_setting_word(w->s, id) : NULL;

        return word && imm_streq(word, value);
}

/* procfs: @rest is "" or "/..." below its top; @fresh: the mount, if it is one of the service's own
 */
static void proc_node(const struct imm_walk *w, const char *rest, const struct imm_mount *fresh,
        struct imm_node *ret) {
        const char *name = *rest ? rest + 1 : rest;
        size_t n = strcspn(name, "/");
        bool process = is_word(name, n, "@self") || numeric(name, n);

        if (fresh && n > 0 && !process && !is_word(name, n, "self") &&
                !is_word(name, n, "thread-self") && has_option(fresh, "subset=pid")) {
                *ret = (struct imm_node){
                        .state = IMM_NODE_ABSENT, .why = "ProcSubset=pid leaves processes alone"};
                return;
        }
        imm_api_node(w->m, imm_printf(w->a, "/proc%s", rest), ret);
        if (ret->state != IMM_NODE_PRESENT || !process)
                return;
        if (is_word(name, n, "@self")) {
                ret->self = true;
                if (!w->id->undumpable && ret->uid == 0) {
                        ret->uid = w->id->uid;
                        ret->gid = w->id->gid;
                }
                return;
        }
        if (!fresh || imm_access_judge_trace(w, ret))
                return;
        switch (hidden_processes(w, fresh)) {
        case HIDE_ACCESS:
                if (!name[n])
                        ret->api = IMM_API_PID_TRACE;
                break;
        case HIDE_NAMES:
        case HIDE_UNTRACEABLE:
                *ret = (struct imm_node){.state = IMM_NODE_ABSENT, .why = "ProtectProc= hides it"};
                break;
        default:
                break;
        }
}

/* The directory above @path that systemd makes; @given: and gives to the service with all below */
static const struct imm_made *made_above(
        const struct imm_walk *w, const struct imm_mount_table *t, const char *path, bool given) {
        size_t n = strlen(path);

        if (t->made.n == 0)
                return NULL;
        while (n > 1) {
                const struct imm_made *m;

                while (n > 0 && path[n - 1] != '/')
                        n--;
                if (n <= 1)
                        break;
                n--;
                m = made_find(t->made.v, t->made.n, imm_strndup(w->a, path, n));
                if (m && (m->recursive || !given))
                        return m;
        }
        return NULL;
}

/*
 * The own cgroup at the top of a cgroup namespace: the files are those of any other, but for what
 * is delegated, and nothing is below.
 */
static void own_cgroup_node(
        const struct imm_walk *w, const char *group, const char *rest, struct imm_node *ret) {
        const struct imm_made *made =
                made_find(w->table->made.v, w->table->made.n, join(w->a, group, rest));

        imm_api_node(w->m, *rest ? join(w->a, "/sys/fs/cgroup/init.scope", rest) : "/sys/fs/cgroup",
                ret);
        if (*rest && (ret->state == IMM_NODE_UNKNOWN || S_ISDIR(ret->mode)))
                *ret = (struct imm_node){.state = IMM_NODE_ABSENT};
        if (w->m->scope != IMM_SCOPE_SYSTEM && w->m->user) { /* made by the user's manager */
                ret->uid = w->m->user->uid;
                ret->gid = w->m->user->gid;
        }
        if (made && ret->state == IMM_NODE_PRESENT) {
                ret->uid = made->uid;
                ret->gid = made->gid;
        }
}

/* What stands at @path of the booted root itself: what systemd made, the kernel's files, the root's
 */
static void host_node(const struct imm_walk *w, const char *path, struct imm_node *ret) {
        const struct imm_mount_table *t = w->table;
        const struct imm_made *made = made_find(t->made.v, t->made.n, path);

        if (made) {
                from_made(made, ret);
                return;
        }
        if (imm_api_covers(w->m, path)) {
                if (imm_after(path, "/proc"))
                        proc_node(w, path + strlen("/proc"), NULL, ret);
                else
                        imm_api_node(w->m, path, ret);
                if (ret->state == IMM_NODE_UNKNOWN && imm_root_is_running(w->m->root)) {
                        enum imm_api api = ret->api;

                        *ret = *imm_node_of_root(w->m, path);
                        ret->api = api;
                } else if (ret->state == IMM_NODE_UNKNOWN) {
                        /* in a new directory of the unit's own */
                        made = made_above(w, t, path, false);
                        if (made && ret->api == IMM_API_CGROUP)
                                own_cgroup_node(w, made->path, path + strlen(made->path), ret);
                        else if (made)
                                ret->state = IMM_NODE_ABSENT;
                }
                return;
        }
        made = made_above(w, t, path, false);
        if (made && made->from) /* DynamicUser= moves /var/lib/X to /var/lib/private/X, and back */
                *ret = *imm_node_of_root(w->m, join(w->a, made->from, path + strlen(made->path)));
        else
                *ret = *imm_node_of_root(w->m, path);
        if (imm_root_is_running(w->m->root) && imm_after(path, "/sys")) {
                ret->api = imm_api_at(path);
                /* in the unit's own group, which it has only while it runs */
                if (made && ret->state == IMM_NODE_ABSENT && ret->api == IMM_API_CGROUP)
                        own_cgroup_node(w, made->path, path + strlen(made->path), ret);
        }
        made = ret->state == IMM_NODE_PRESENT ? made_above(w, t, path, true) : NULL;
        if (made) {
                ret->uid = made->uid;
                ret->gid = made->gid;
                ret->acl = NULL;
        }
}

/* What is mounted in the machine's /sys is not in a new one: there are only the empty mount points.
 */
static void bare_sysfs(const struct imm_walk *w, const char *path, struct imm_node *n) {
        const char *slash = strrchr(path, '/');
        bool point;

        if (n->api == IMM_API_SYSFS || slash == path)
                return;
        point = imm_api_at(imm_strndup(w->a, path, (size_t)(slash - path))) == IMM_API_SYSFS;
        *n = (struct imm_node){.mode = S_IFDIR | 0555, .api = IMM_API_SYSFS};
        if (!point)
                n->state = IMM_NODE_ABSENT;
}

/* In a new file system of a kind that systemd does not fill itself */
static bool kernel_node(const struct imm_walk *w, const struct imm_mount *m, const char *rest,
        struct imm_node *ret) {
        const char *path = m->kernel_path ? join(w->a, m->kernel_path, rest) : NULL;

        if (!path)
                return false;
        if (imm_streq(m->fstype, "proc"))
                proc_node(w, path + strlen("/proc"), m, ret);
        else if (imm_streq(m->fstype, "cgroup2"))
                own_cgroup_node(w, m->kernel_path, rest, ret);
        else {
                imm_api_node(w->m, path, ret);
                if (imm_streq(m->fstype, "sysfs"))
                        bare_sysfs(w, path, ret);
        }
        return true;
}

static void new_node(const struct imm_walk *w, const struct imm_mount *m, const char *rest,
        struct imm_node *ret) {
        const struct imm_made *made;

        if (kernel_node(w, m, rest, ret))
                return;
        if (!*rest) {
                *ret = (struct imm_node){
                        .mode = S_IFDIR | (m->mode & 07777),
                        .uid = m->uid,
                        .gid = m->gid,
                        .below = true,
                };
                return;
        }
        made = made_find(m->entries.v, m->entries.n, rest + 1);
        if (!made)
                made = made_find(m->entries.v, m->entries.n, rest);
        if (made)
                from_made(made, ret);
        else
                *ret = (struct imm_node){.state = IMM_NODE_ABSENT};
}

/* An inaccessible node, of the type of what it hides */
static void inaccessible_node(const struct imm_mount *m, const char *rest, struct imm_node *ret) {
        static const struct {
                const char *name;
                mode_t mode;
        } kinds[] = {
                {"reg", S_IFREG},
                {"dir", S_IFDIR},
                {"chr", S_IFCHR},
                {"blk", S_IFBLK},
                {"fifo", S_IFIFO},
                {"sock", S_IFSOCK},
        };
        const char *source = m->host_path ? m->host_path : m->source;
        const char *slash = source ? strrchr(source, '/') : NULL;

        *ret = (struct imm_node){.state = IMM_NODE_ABSENT};
        if (*rest)
                return;
        *ret = (struct imm_node){.mode = S_IFDIR, .uid = m->uid, .gid = m->gid};
        for (size_t i = 0; slash && i < IMM_ELEMENTSOF(kinds); i++)
                if (imm_streq(slash + 1, kinds[i].name))
                        ret->mode = kinds[i].mode;
}

/* Of an overlay: the topmost layer that has it */
static void layer_node(const struct imm_walk *w, const struct imm_mount *m, const char *rest,
        struct imm_node *ret) {
        *ret = (struct imm_node){.state = IMM_NODE_ABSENT};
        for (size_t i = 0; i < m->layers.n && ret->state == IMM_NODE_ABSENT; i++)
                host_node(w, join(w->a, m->layers.v[i], rest), ret);
}

/*
 * An id-mapped mount shows what nobody owns as the service's own, and all else as nobody's: that
 * cannot be written by anyone.
 */
static void map_owner(const struct imm_walk *w, struct imm_node *n) {
        enum { NOBODY = 65534 };
        uid_t uid = w->id->userns == IMM_USERNS_SELF ? w->id->mapped_uid : w->id->uid;

        if (n->uid == uid)
                return; /* made by systemd, as it is seen */
        n->immutable |= n->uid != NOBODY;
        n->uid = n->uid == NOBODY ? uid : NOBODY;
        n->gid = n->gid == NOBODY ? w->id->gid : NOBODY;
}

static void node_at(const struct imm_walk *w, const char *path, const struct imm_mount *m,
        struct imm_node *ret) {
        const char *rest;

        if (!m) {
                host_node(w, path, ret);
                return;
        }
        rest = imm_streq(m->path, "/") ? path : path + strlen(m->path);
        if (imm_streq(rest, "/"))
                rest = "";
        if (m->inaccessible)
                inaccessible_node(m, rest, ret);
        else if (m->layers.n > 0)
                layer_node(w, m, rest, ret);
        else if (m->of_host && *rest && imm_streq(m->fstype, "tmpfs") &&
                 imm_streq(m->path, m->host_path ? m->host_path : "") &&
                 !imm_api_covers(w->m, path) && !imm_root_is_running(w->m->root)) {
                /* empty at boot, but for what tmpfiles.d puts there */
                *ret = (struct imm_node){.state = IMM_NODE_ABSENT};
                imm_node_booted(w->m, path, ret);
        } else if (m->host_path) {
                const char *host = join(w->a, m->host_path, rest);

                if (imm_streq(m->host_path, "/") && !imm_streq(m->path, "/") &&
                        imm_api_covers(w->m, host))
                        imm_node_covered(w->m, host, w->a, ret);
                else
                        host_node(w, host, ret);
                /* a bind that left out what is mounted in it */
                if (*rest && imm_after(m->host_path, "/sys") && imm_api_covers(w->m, host) &&
                        imm_api_at(m->host_path) == IMM_API_SYSFS)
                        bare_sysfs(w, host, ret);
        } else if (m->of_host)
                host_node(w, path, ret);
        else
                new_node(w, m, rest, ret);
        if (m->id_mapped && ret->state == IMM_NODE_PRESENT)
                map_owner(w, ret);
}

static int mount_compare(const void *key, const void *item) {
        return strcmp(key, ((const struct imm_mount *)item)->path);
}

/* The mount at @path itself, or the one that its directory lies on */
static const struct imm_mount *step_mount(
        const struct imm_walk *w, const char *path, const struct imm_mount *m, bool outside) {
        const struct imm_mount *at;

        if (outside)
                return NULL;
        at = w->table->n
                     ? bsearch(path, w->table->v, w->table->n, sizeof(*w->table->v), mount_compare)
                     : NULL;
        return at ? at : m;
}

struct position {
        const char *path;
        const struct imm_mount *mount;
        struct imm_node node;
        bool outside;
};

static void go(const struct imm_walk *w, struct position *p, const char *path) {
        p->path = path;
        p->mount = step_mount(w, path, p->mount, p->outside);
        node_at(w, path, p->mount, &p->node);
}

static void go_root(const struct imm_walk *w, struct position *p) {
        p->mount = NULL;
        go(w, p, "/");
}

static void go_up(const struct imm_walk *w, struct position *p) {
        const char *slash = strrchr(p->path, '/');
        const char *up =
                slash == p->path ? "/" : imm_strndup(w->a, p->path, (size_t)(slash - p->path));

        p->path = up;
        p->mount = p->outside ? NULL : imm_mount_at(w->table, up);
        node_at(w, up, p->mount, &p->node);
}

static void end_at(
        struct imm_spot *ret, enum imm_walk_end end, const struct position *p, const char *path) {
        *ret = (struct imm_spot){
                .end = end,
                .path = path,
                .at = p->path,
                .mount = p->mount,
                .node = p->node,
                .outside = p->outside,
        };
}

/*
 * A link that the kernel follows by itself: *p is where it leads, or the root from which *rest, put
 * together anew, leads there.
 */
static void follow_magic(const struct imm_walk *w, struct position *p, const char **rest) {
        const char *target = p->node.target;
        bool self = p->node.self;

        if (imm_streq(target, "@ns")) {
                p->node = (struct imm_node){.mode = S_IFREG | 0444, .api = IMM_API_PROC_NET};
                return;
        }
        p->outside |= !self;
        if (imm_streq(target, "@exe")) {
                target = self ? w->program : "/usr/lib/systemd/systemd";
        } else if (imm_streq(target, "@cwd") && self && w->s) {
                const char *dir = imm_setting_string(w->s, IMM_SETTING_WORKING_DIRECTORY);

                target = dir && *dir == '/' ? dir : dir ? NULL : "/";
        } else
                target = "/";
        if (!target) {
                p->node = (struct imm_node){.state = IMM_NODE_UNKNOWN};
                return;
        }
        go_root(w, p);
        *rest = imm_printf(w->a, "%s%s", target, *rest);
}

const char *imm_spot_file(const struct imm_spot *at, struct imm_arena *a) {
        const struct imm_mount *m = at->mount;
        const char *rest = at->path;

        if (!m || !m->host_path)
                return at->path;
        if (!imm_streq(m->path, "/"))
                rest += strlen(m->path);
        return join(a, m->host_path, rest);
}

/* The service is the first process of its own PID namespace. */
static bool is_own_first(
        const struct imm_walk *w, const struct position *at, const char *name, size_t n) {
        const struct imm_mount *m = at->mount;

        return n == 1 && *name == '1' && m && !m->host_path && m->kernel_path &&
               imm_streq(m->kernel_path, "/proc") && imm_streq(at->path, m->path) &&
               is_word_setting(w, IMM_SETTING_PRIVATE_PIDS, "yes");
}

/* May the next name be looked up in there? */
static enum imm_walk_end search(const struct imm_walk *w, const struct position *p) {
        if (p->node.state == IMM_NODE_UNKNOWN)
                return IMM_WALK_UNKNOWN;
        if (!S_ISDIR(p->node.mode))
                return IMM_WALK_ABSENT;
        if (imm_access_judge_mask(w, &p->node, IMM_MAY_EXEC).answer == 0 ||
                (p->node.api == IMM_API_PID_TRACE && !imm_access_judge_trace(w, &p->node)))
                return IMM_WALK_DENIED;
        return IMM_WALK_FOUND;
}

/* From the name of @n bytes at @rest in the directory @p to what it stands for, not over links */
static void go_to(const struct imm_walk *w, struct position *p, const char *rest, size_t n) {
        if (is_word(rest, n, "."))
                return;
        if (is_word(rest, n, ".."))
                go_up(w, p);
        else if (is_own_first(w, p, rest, n))
                go(w, p, imm_printf(w->a, "%s/@self", p->path));
        else
                go(w, p, imm_printf(w->a, "%s/%.*s", p->path[1] ? p->path : "", (int)n, rest));
}

/* Over the link @p of the directory @dir, with what is behind it in the path */
static enum imm_walk_end follow_link(const struct imm_walk *w, struct position *p,
        const struct position *dir, const char **rest) {
        if (p->node.api == IMM_API_PID_LINK) {
                if (!imm_access_judge_trace(w, &p->node))
                        return IMM_WALK_TRACE;
                follow_magic(w, p, rest);
                return IMM_WALK_FOUND;
        }
        *rest = imm_printf(w->a, "%s%s", p->node.target, *rest);
        if (**rest == '/') {
                p->outside = false; /* absolute links start at the service's own root */
                go_root(w, p);
        } else
                *p = *dir;
        return IMM_WALK_FOUND;
}

/* As far as @p gets; what is left of the path when a part cannot be passed is not looked at */
static enum imm_walk_end walk(
        const struct imm_walk *w, const char *rest, bool follow, struct position *p) {
        enum imm_walk_end end;
        unsigned links = 0;

        for (rest += strspn(rest, "/"); *rest; rest += strspn(rest, "/")) {
                struct position dir = *p;
                size_t n = strcspn(rest, "/");

                end = search(w, p);
                if (end != IMM_WALK_FOUND)
                        return end;
                go_to(w, p, rest, n);
                if (p->node.state == IMM_NODE_ABSENT)
                        return IMM_WALK_ABSENT;
                rest += n;
                if (p->node.state == IMM_NODE_UNKNOWN || !S_ISLNK(p->node.mode) ||
                        (!follow && !*rest)) /* a slash behind it asks for what it leads to */
                        continue;
                if (++links > MAX_LINKS || strlen(rest) > 2 * MAX_PATH)
                        return IMM_WALK_LOOP;
                if (!rest[strspn(rest, "/")] &&
                        imm_link_protected(w->m, w->id, &dir.node, &p->node))
                        return IMM_WALK_PROTECTED;
                end = follow_link(w, p, &dir, &rest);
                if (end != IMM_WALK_FOUND)
                        return end;
        }
        return p->node.state == IMM_NODE_UNKNOWN ? IMM_WALK_UNKNOWN : IMM_WALK_FOUND;
}

void imm_walk_to(const struct imm_walk *w, const char *path, bool follow, struct imm_spot *ret) {
        struct position p = {0};
        enum imm_walk_end end;

        go_root(w, &p);
        if (strlen(path) >= MAX_PATH) {
                p.node = (struct imm_node){
                        .state = IMM_NODE_ABSENT, .why = "the kernel takes no path of that length"};
                end_at(ret, IMM_WALK_ABSENT, &p, path);
                return;
        }
        end = walk(w, path, follow, &p);
        end_at(ret, end, &p, end == IMM_WALK_FOUND ? p.path : path);
        ret->at = imm_path_of_process(ret->at, w->a);
        ret->path = imm_path_of_process(ret->path, w->a);
}
