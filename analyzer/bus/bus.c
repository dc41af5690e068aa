#include "analyzer/bus/bus-private.h"

#include <assert.h>

/* One call through both gates, and what is kept of answers. */

static pthread_mutex_t opening = PTHREAD_MUTEX_INITIALIZER;

static void done(void *data) {
        struct imm_bus *b = data;

        (void)pthread_mutex_destroy(&b->lock);
        imm_arena_free(b->arena);
}

/*
 * dbus-daemon turns away whom its user database does not name, and the manager keeps it from asking
 * for users that are made with their services (which would be asking the manager itself);
 * dbus-broker(1) takes numbers.
 */
static bool knows_dynamic_users(const struct imm_root *root) {
        imm_cleanup(imm_arena_free) struct imm_arena *scratch = imm_arena_new();
        static const char *const links[] = {
                "/etc/systemd/system/dbus.service", "/usr/lib/systemd/system/dbus.service"};
        const char *target;

        for (size_t i = 0; i < IMM_ELEMENTSOF(links); i++)
                if (imm_root_readlink(root, links[i], scratch, &target) == 0 &&
                        strstr(target, "broker"))
                        return true;
        return false;
}

struct imm_bus *imm_bus_of(struct imm_manager *m) {
        struct imm_bus *b;

        assert(m);
        (void)pthread_mutex_lock(&opening);
        b = m->bus;
        if (!b) {
                b = imm_new(m->arena, struct imm_bus);
                b->m = m;
                b->arena = imm_arena_new();
                (void)pthread_mutex_init(&b->lock, NULL);
                imm_arena_defer(m->arena, done, b);
                b->knows_dynamic = knows_dynamic_users(m->root);
                imm_bus_config_read(b);
                imm_bus_services_read(b);
                imm_polkit_read(b);
                m->bus = b;
        }
        (void)pthread_mutex_unlock(&opening);
        return b;
}

const struct imm_diags *imm_bus_diags(const struct imm_bus *b) {
        return &b->diags;
}

/* ---- who ---- */

static bool in_group(const struct imm_bus_peer *p, gid_t gid) {
        for (size_t i = 0; i < p->n_groups; i++)
                if (p->groups[i] == gid)
                        return true;
        return p->gid == gid;
}

static void find_names(struct imm_bus *b, struct imm_bus_peer *p) {
        const struct imm_users *users = b->m->users;
        const struct imm_user *u = imm_user_by_uid(users, p->uid);
        const struct imm_group *g;
        size_t n;

        p->user = u ? u->name : p->uid == 0 ? "root" : NULL;
        g = imm_groups_all(users, &n);
        for (size_t i = 0; i < n; i++) {
                bool in = b->polkit_asks_kernel ? in_group(p, g[i].gid) : u && g[i].gid == u->gid;

                for (const char **member = g[i].members;
                        !b->polkit_asks_kernel && p->user && !in && member && *member; member++)
                        in = imm_streq(*member, p->user);
                if (in)
                        imm_strv_add(b->arena, &p->user_groups, g[i].name);
        }
}

/* A name that no rule speaks of is like any other: thousands of services then are one peer. */
static const char *worth_knowing(const struct imm_bus *b, const char *user) {
        return imm_map_has(&b->texts, user) ? user : "";
}

struct imm_bus_peer *imm_bus_peer_of(struct imm_bus *b, uid_t uid, gid_t gid, const gid_t *groups,
        size_t n_groups, const char *user) {
        imm_cleanup(imm_arena_free) struct imm_arena *scratch = imm_arena_new();
        const char *name = user ? worth_knowing(b, user) : NULL;
        const char *key =
                imm_printf(scratch, "%u:%u:%d%s", uid, gid, name != NULL, name ? name : "");
        struct imm_bus_peer *p;

        for (size_t i = 0; i < n_groups; i++)
                key = imm_printf(scratch, "%s,%u", key, groups[i]);
        (void)pthread_mutex_lock(&b->lock);
        p = imm_map_get(&b->peers, key);
        if (!p) {
                p = imm_new(b->arena, struct imm_bus_peer);
                p->uid = uid;
                p->gid = gid;
                p->groups = imm_alloc_array(b->arena, n_groups, sizeof(*p->groups));
                if (n_groups > 0)
                        memcpy(p->groups, groups, n_groups * sizeof(*groups));
                p->n_groups = n_groups;
                p->dynamic = user != NULL;
                find_names(b, p);
                if (name) {
                        p->user = imm_strdup(b->arena, name);
                        imm_strv_add(b->arena, &p->user_groups, p->user);
                }
                imm_map_put(b->arena, &b->peers, imm_strdup(b->arena, key), p);
        }
        (void)pthread_mutex_unlock(&b->lock);
        return p;
}

/* ---- what ---- */

static const char *whole_name(const char *name, const char *part, size_t n, struct imm_arena *a) {
        const char *before = n > 0 && *part == '.' ? name : "";

        return imm_printf(a, "%s%.*s", before, (int)n, part);
}

/* The object that carries a service's main interface is called as the service is. */
static const char *usual_path(const char *name, struct imm_arena *a) {
        char *path = imm_printf(a, "/%s", name);

        for (char *p = path; *p; p++)
                if (*p == '.')
                        *p = '/';
        return path;
}

bool imm_bus_call_parse(const char *text, struct imm_arena *a, struct imm_bus_call *ret) {
        size_t n = strcspn(text, ":"), k;
        const char *method, *dot;

        if (n == 0 || *text == '.' || !text[n])
                return false;
        *ret = (struct imm_bus_call){.name = imm_strndup(a, text, n)};
        text += n + 1;
        k = strcspn(text, ":");
        method = whole_name(ret->name, text, k, a);
        dot = strrchr(method, '.');
        if (!dot || dot == method || !dot[1])
                return false;
        ret->interface = imm_strndup(a, method, (size_t)(dot - method));
        ret->member = dot + 1;
        ret->path = usual_path(ret->name, a);
        if (!text[k])
                return true;
        text += k + 1;
        if (!*text || strchr(text, ':'))
                return false;
        ret->action = whole_name(ret->name, text, strlen(text), a);
        return true;
}

/* ---- may it? ---- */

/* A verdict that hangs on the order of two files, or of two groups */
static bool in_doubt(
        const struct imm_bus_verdict *v, struct imm_arena *a, struct imm_strv *because) {
        if (v->rival && because)
                imm_strv_add(a, because,
                        imm_printf(a,
                                "%s:%u and %s:%u contradict each other, and which the bus reads "
                                "last is not known",
                                v->rule->file, v->rule->line, v->rival->file, v->rival->line));
        return v->rival;
}

/* 1, 0, or -1 */
static int bus_passes(struct imm_bus *b, struct imm_bus_peer *peer, const struct imm_bus_call *call,
        struct imm_arena *a, struct imm_strv *because) {
        struct imm_bus_verdict send = imm_bus_decide(b, peer, call, false), receive;
        const struct imm_bus_service *s = imm_map_get(&b->services, call->name);
        const struct imm_user *u = s ? imm_user_by_name(b->m->users, s->user) : NULL;
        const struct imm_bus_peer owner = {.uid = u ? u->uid : 0, .gid = u ? u->gid : 0};

        receive = imm_bus_decide(b, &owner, call, true);
        if ((!send.rival && !(send.rule && send.rule->allow)) ||
                (!receive.rival && receive.rule && !receive.rule->allow))
                return 0;
        if (in_doubt(&send, a, because) || in_doubt(&receive, a, because))
                return -1;
        if (!because)
                return 1;
        imm_strv_add(a, because,
                imm_printf(a, "%s:%u: the bus lets it send %s.%s to %s", send.rule->file,
                        send.rule->line, call->interface, call->member, call->name));
        if (s)
                imm_strv_add(a, because,
                        imm_printf(a, "%s: %s runs as %s, started on demand", s->file, s->name,
                                s->user));
        return 1;
}

static int decide(struct imm_bus *b, struct imm_bus_peer *peer, const char *text,
        struct imm_arena *a, struct imm_strv *because) {
        struct imm_bus_call call;
        int passes, done;

        if (!imm_bus_call_parse(text, a, &call))
                return 0;
        if (peer->dynamic && !b->knows_dynamic)
                return 0;
        passes = b->configured ? bus_passes(b, peer, &call, a, because) : 0;
        if (passes == 0) {
                if (b->in_doubt && because)
                        imm_strv_add(a, because, "a policy of the bus could not be read");
                return b->in_doubt ? -1 : 0;
        }
        if (peer->uid == 0) {
                if (because && passes > 0)
                        imm_strv_add(a, because, "the service does what root asks for");
                return passes;
        }
        done = call.action ? imm_polkit_decide(b, peer, call.action, a, because) : 1;
        return done > 0 ? passes : done;
}

typedef int decider(struct imm_bus *b, struct imm_bus_peer *peer, const char *text,
        struct imm_arena *a, struct imm_strv *because);

/* Answers are kept, for all who ask as the same peer; reasons from when somebody wants them */
struct known_answer {
        int answer;
        bool told;
        struct imm_strv because;
};

static int answer(decider *how, struct imm_bus *b, struct imm_bus_peer *peer, const char *text,
        struct imm_arena *a, struct imm_strv *because) {
        struct known_answer *k;

        (void)pthread_mutex_lock(&b->lock);
        k = imm_map_get(&peer->answers, text);
        if (!k) {
                k = imm_new(b->arena, struct known_answer);
                imm_map_put(b->arena, &peer->answers, imm_strdup(b->arena, text), k);
                k->answer = -2;
        }
        if (k->answer == -2 || (because && !k->told)) {
                imm_cleanup(imm_arena_free) struct imm_arena *scratch = imm_arena_new();
                struct imm_strv lines = {0};

                k->answer = how(b, peer, text, scratch, because ? &lines : NULL);
                k->told = because != NULL;
                for (size_t i = 0; i < lines.n; i++)
                        imm_strv_add(b->arena, &k->because, imm_strdup(b->arena, lines.v[i]));
        }
        for (size_t i = 0; because && i < k->because.n; i++)
                imm_strv_add(a, because, k->because.v[i]);
        (void)pthread_mutex_unlock(&b->lock);
        return k->answer;
}

int imm_bus_may_call(struct imm_bus *b, struct imm_bus_peer *peer, const char *call,
        struct imm_arena *a, struct imm_strv *because) {
        return answer(decide, b, peer, call, a, because);
}

int imm_polkit_grants(struct imm_bus *b, struct imm_bus_peer *peer, const char *action,
        struct imm_arena *a, struct imm_strv *because) {
        return answer(imm_polkit_decide, b, peer, action, a, because);
}
