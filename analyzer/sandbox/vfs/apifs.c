#include "analyzer/sandbox/access/access-private.h"

#define TYPE_DIR S_IFDIR
#define TYPE_REG S_IFREG
#define TYPE_LNK S_IFLNK
#define TYPE_CHR S_IFCHR
#define TYPE_BLK S_IFBLK
#define TYPE_FIFO S_IFIFO
#define TYPE_SOCK S_IFSOCK

const struct imm_api_entry imm_api_entries[] = {
#define ENTRY(path, type, mode, owner, group, since, until, how, target) \
        {path, owner, group, target, TYPE_##type | (mode), IMM_API_##how, since, until},
#include "analyzer/sandbox/vfs/apifs.def"
#undef ENTRY
};
const size_t imm_api_n_entries = IMM_ELEMENTSOF(imm_api_entries);

/* Debian's numbers, for a root whose database lacks the name */
static const struct {
        const char *name;
        unsigned id;
} usual_ids[] = {
        {"root", 0},
        {"tty", 5},
        {"disk", 6},
        {"kmem", 15},
        {"utmp", 43},
        {"systemd-network", 998},
        {"systemd-journal", 999},
};

static unsigned usual_id(const char *name) {
        for (size_t i = 0; i < IMM_ELEMENTSOF(usual_ids); i++)
                if (imm_streq(usual_ids[i].name, name))
                        return usual_ids[i].id;
        return 0;
}

static uid_t owner_of(const struct imm_manager *m, const char *name) {
        const struct imm_user *u =
                imm_streq(name, "root") ? NULL : imm_user_by_name(m->users, name);

        return u ? u->uid : usual_id(name);
}

static gid_t group_of(const struct imm_manager *m, const char *name) {
        const struct imm_group *g =
                imm_streq(name, "root") ? NULL : imm_group_by_name(m->users, name);

        return g ? g->gid : usual_id(name);
}

/* The first row of @path's first @n bytes; rows of one path stand together. */
static const struct imm_api_entry *find(const char *path, size_t n) {
        size_t low = 0, high = imm_api_n_entries;

        while (low < high) {
                size_t mid = low + (high - low) / 2;
                const char *p = imm_api_entries[mid].path;
                int c = strncmp(p, path, n);

                if (c < 0)
                        low = mid + 1;
                else
                        high = mid;
        }
        if (low == imm_api_n_entries || strncmp(imm_api_entries[low].path, path, n) != 0 ||
                imm_api_entries[low].path[n])
                return NULL;
        return imm_api_entries + low;
}

bool imm_api_covers(const struct imm_manager *m, const char *path) {
        if (path[0] == '\0' || !strchr("pdrs", path[1])) /* most paths, and this is asked a lot */
                return false;
        /* on the running host only processes need the table: the service is none of them yet */
        if (imm_path_below(path, "/proc"))
                return true;
        return !imm_root_is_running(m->root) &&
               (imm_path_below(path, "/sys") || imm_path_below(path, "/dev") ||
                       imm_path_below(path, "/run"));
}

enum imm_api imm_api_at(const char *path) {
        for (size_t n = strlen(path); n > 0; n--) {
                const struct imm_api_entry *e;

                if (path[n] && path[n] != '/')
                        continue;
                e = find(path, n);
                if (e)
                        return e->api;
        }
        return IMM_API_PLAIN;
}

/* The user's bus is there where its package is installed and its socket enabled. */
static mode_t user_bus(struct imm_manager *m) {
        static const char *const enabled[] = {
                "/etc/systemd/user/sockets.target.wants/dbus.socket",
                "/usr/lib/systemd/user/sockets.target.wants/dbus.socket",
        };

        for (size_t i = 0; i < IMM_ELEMENTSOF(enabled); i++)
                if (imm_node_of_root(m, enabled[i])->state != IMM_NODE_ABSENT)
                        return S_IFSOCK | 0666;
        return 0;
}

/* What the user's manager and its runtime directory service make below /run/user */
static bool runtime_directory(struct imm_manager *m, const char *path, struct imm_node *ret) {
        static const struct {
                const char *path;
                mode_t mode;
                unsigned since, until;
        } made[] = {
                {"", S_IFDIR | 0700, 0, 0},
                {"/systemd", S_IFDIR | 0755, 0, 0},
                {"/systemd/inaccessible", S_IFDIR | 0755, 0, 254},
                {"/systemd/inaccessible", S_IFDIR | 0555, 255, 0},
                {"/systemd/inaccessible/dir", S_IFDIR, 0, 0},
                {"/systemd/inaccessible/fifo", S_IFIFO, 0, 0},
                {"/systemd/inaccessible/reg", S_IFREG, 0, 0},
                {"/systemd/inaccessible/sock", S_IFSOCK, 0, 0},
                {"/systemd/notify", S_IFSOCK | 0755, 0, 254},
                {"/systemd/notify", S_IFSOCK | 0775, 255, 0},
                {"/systemd/private", S_IFSOCK | 0755, 0, 247},
                {"/systemd/private", S_IFSOCK | 0700, 248, 0},
                {"/systemd/propagate", S_IFDIR | 0755, 254, 0},
                {"/systemd/propagate", 0, 0, 253},
                {"/systemd/units", S_IFDIR | 0755, 0, 0},
        };
        const char *rest = imm_after(path, "/run/user/");
        const char *digits = rest;
        unsigned long uid = 0;
        mode_t mode = 0;

        if (!rest || m->scope == IMM_SCOPE_SYSTEM || !m->user)
                return false;
        for (; *rest >= '0' && *rest <= '9' && uid < UINT32_MAX; rest++)
                uid = uid * 10 + (unsigned)(*rest - '0');
        if (rest == digits || uid != m->user->uid)
                return false;
        if (imm_streq(rest, "/bus"))
                mode = user_bus(m);
        else {
                size_t i = 0;

                while (i < IMM_ELEMENTSOF(made) &&
                        !(imm_streq(made[i].path, rest) && m->version >= made[i].since &&
                                (!made[i].until || m->version <= made[i].until)))
                        i++;
                if (i == IMM_ELEMENTSOF(made))
                        return false;
                mode = made[i].mode;
        }
        *ret = (struct imm_node){.mode = mode, .uid = m->user->uid, .gid = m->user->gid};
        if (!mode)
                ret->state = IMM_NODE_ABSENT;
        return true;
}

/* /run/systemd/journal.NAMESPACE of LogNamespace= has the same sockets as the journal's own. */
static const char *usual_path(const char *path, struct imm_arena *a) {
        const char *rest = imm_after(path, "/run/systemd/journal.");

        if (!rest)
                return path;
        return imm_printf(a, "/run/systemd/journal%s", strchrnul(rest, '/'));
}

/* The running host has its own kernel: what is there, and its bits, are to be seen. */
static void as_it_runs(struct imm_manager *m, const char *path, struct imm_node *ret) {
        const char *proc = imm_after(path, "/proc/");
        const struct imm_node *real;

        /* processes are those of whoever looks */
        if (!proc || (*proc >= '0' && *proc <= '9') || *proc == '@' ||
                imm_path_below(proc, "self") || imm_path_below(proc, "thread-self"))
                return;
        real = imm_node_of_root(m, path);
        if (real->state == IMM_NODE_ABSENT)
                *ret = *real;
        if (real->state != IMM_NODE_PRESENT || S_ISLNK(real->mode))
                return;
        ret->mode = real->mode;
        ret->uid = real->uid;
        ret->gid = real->gid;
}

static void node_of_table(struct imm_manager *m, const char *path, struct imm_node *ret) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = NULL;
        const struct imm_api_entry *e;
        bool some;

        if (imm_after(path, "/run/systemd/journal.")) {
                a = imm_arena_new(); /* rare */
                path = usual_path(path, a);
        }
        e = find(path, strlen(path));
        some = e;

        for (; e && e < imm_api_entries + imm_api_n_entries && imm_streq(e->path, path); e++) {
                if (m->version < e->since || (e->until && m->version > e->until))
                        continue;
                *ret = (struct imm_node){
                        .mode = e->mode,
                        .uid = owner_of(m, e->owner),
                        .gid = group_of(m, e->group),
                        .target = e->target,
                        .api = e->api,
                };
                return;
        }
        if (runtime_directory(m, path, ret))
                return;
        *ret = (struct imm_node){
                /* in the table, but not for this version */
                .state = some ? IMM_NODE_ABSENT : IMM_NODE_UNKNOWN,
                .api = imm_api_at(path),
                .why = some ? NULL : "what lies there after boot cannot be known from files",
        };
        if (!some)
                imm_node_booted(m, path, ret);
}

void imm_api_node(struct imm_manager *m, const char *path, struct imm_node *ret) {
        node_of_table(m, path, ret);
        if (ret->state == IMM_NODE_PRESENT && imm_root_is_running(m->root))
                as_it_runs(m, path, ret);
}
