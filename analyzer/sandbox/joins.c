#include "analyzer/sandbox/joins.h"

#include "analyzer/sandbox/needs.h"

#include <pthread.h>
#include <stdarg.h>

enum {
        MUTUAL = 254,     /* systemd's version from which on the relation has two ends */
        MEMBERS_MAX = 64, /* of those that share; more is not followed */
        DEPTH_MAX = 8,
        READERS = 4, /* threads, where all units are read for one question */
};

/* What counts of a unit that shares */
struct member {
        struct imm_strv names; /* the primary one first */
        struct imm_strv joins, after, before, needs;
        bool makes; /* something that can be shared */
        bool tmp, net;
        bool stays; /* what it made is there as long as it is up: not so for a program that ends */
        const char *net_path;
};

struct members {
        IMM_ARRAY(struct member *) list;
};

struct imm_joins {
        struct imm_map by_name;  /* every name -> struct member */
        struct imm_map named_by; /* name -> struct members */
};

/* ---- one member ---- */

static void add_names(const struct imm_settings *s, enum imm_setting id, struct imm_arena *a,
        struct imm_strv *to) {
        const struct imm_value *v = imm_setting(s, id);

        imm_array_foreach (item, &v->strings) {
                imm_strv_add(a, to, imm_strdup(a, item->text));
        }
}

static bool hides(const struct imm_settings *s, const char *path) {
        const struct imm_value *v = imm_setting(s, IMM_SETTING_INACCESSIBLE_PATHS);

        imm_array_foreach (p, &v->paths)
                if (imm_streq(p->path, path))
                        return true;
        return false;
}

static struct member *member_of(const struct imm_settings *s, struct imm_arena *a) {
        struct member *m = imm_new(a, struct member);
        bool private_tmp = imm_setting_number(s, IMM_SETTING_PRIVATE_TMP) == 1;
        const char *type = imm_setting_word(s, IMM_SETTING_TYPE);
        const struct imm_unit *u = s->unit;

        for (size_t i = 0; i < u->names.n; i++)
                imm_strv_add(a, &m->names, imm_strdup(a, u->names.v[i]));
        add_names(s, IMM_SETTING_JOINS_NAMESPACE_OF, a, &m->joins);
        add_names(s, IMM_SETTING_AFTER, a, &m->after);
        add_names(s, IMM_SETTING_BEFORE, a, &m->before);
        add_names(s, IMM_SETTING_REQUIRES, a, &m->needs);
        add_names(s, IMM_SETTING_BINDS_TO, a, &m->needs);
        add_names(s, IMM_SETTING_REQUISITE, a, &m->needs);
        add_names(s, IMM_SETTING_WANTS, a, &m->needs);
        m->net = imm_needs_network(s);
        m->net_path = imm_setting_string(s, IMM_SETTING_NETWORK_NAMESPACE_PATH);
        if (m->net_path)
                m->net_path = imm_strdup(a, m->net_path);
        m->tmp = private_tmp && !(hides(s, "/tmp") && (hides(s, "/var/tmp") || hides(s, "/var")));
        m->makes = private_tmp || m->net ||
                   (s->version >= MUTUAL ? imm_needs_ipc(s)
                                         : imm_setting_bool(s, IMM_SETTING_PRIVATE_IPC) &&
                                                   imm_setting_known(
                                                           IMM_SETTING_PRIVATE_IPC, s->version));
        m->makes = m->makes && u->type == IMM_UNIT_SERVICE && s->load == IMM_LOAD_LOADED &&
                   !(u->instance && !*u->instance);
        m->stays = !type || !imm_streq(type, "oneshot") ||
                   imm_setting_bool(s, IMM_SETTING_REMAIN_AFTER_EXIT);
        return m;
}

static bool has_name_of(const struct imm_strv *names, const struct member *m) {
        for (size_t i = 0; i < m->names.n; i++)
                if (imm_strv_has(names, m->names.v[i]))
                        return true;
        return false;
}

static bool same(const struct member *x, const struct member *y) {
        return x == y || imm_streq(x->names.v[0], y->names.v[0]);
}

/* Does @x start before @y, by what the two say? A unit or target between them counts too. */
static bool says_before(const struct member *x, const struct member *y) {
        if (has_name_of(&x->before, y) || has_name_of(&y->after, x))
                return true;
        for (size_t i = 0; i < x->before.n; i++)
                if (imm_strv_has(&y->after, x->before.v[i]))
                        return true;
        return false;
}

/* ---- who shares with whom, over all units ---- */

static bool speaks_of_joining(const struct imm_unit *u) {
        for (size_t i = 0; i < u->n_files; i++)
                for (size_t k = 0; k < u->files[i]->n_assignments; k++) {
                        const char *key = u->files[i]->assignments[k].key;

                        if (*key == 'J' && imm_streq(key, "JoinsNamespaceOf"))
                                return true;
                }
        return false;
}

static struct member *enter(struct imm_manager *m, struct imm_unit *u, unsigned version,
        struct imm_arena *a, struct imm_joins *to) {
        imm_cleanup(imm_arena_free) struct imm_arena *scratch = NULL;
        struct member *known = imm_map_get(&to->by_name, u->name);

        if (known)
                return known;
        scratch = imm_arena_new();
        known = member_of(imm_settings_compute(m, u, version, scratch), a);
        for (size_t i = 0; i < known->names.n; i++)
                imm_map_put(a, &to->by_name, known->names.v[i], known);
        return known;
}

static void enter_namer(struct imm_manager *m, struct imm_unit *u, unsigned version,
        struct imm_arena *a, struct imm_joins *to) {
        struct member *namer = enter(m, u, version, a, to);

        for (size_t i = 0; i < namer->joins.n; i++) {
                const char *name = namer->joins.v[i];
                struct imm_unit *named = imm_manager_find(m, name);
                struct members *by;

                if (named)
                        name = enter(m, named, version, a, to)->names.v[0];
                by = imm_map_get(&to->named_by, name);
                if (!by) {
                        by = imm_new(a, struct members);
                        imm_map_put(a, &to->named_by, name, by);
                }
                *imm_array_push(a, &by->list) = namer;
        }
}

static void enter_all(
        struct imm_manager *m, unsigned version, struct imm_arena *a, struct imm_joins *to) {
        for (size_t i = 0; i < m->n_list; i++) {
                struct imm_unit *u = m->list[i];

                if (u->load == IMM_LOAD_LOADED && !(u->instance && !*u->instance) &&
                        !u->given_by_path && speaks_of_joining(u))
                        enter_namer(m, u, version, a, to);
        }
}

static const struct imm_joins *joins_of(struct imm_manager *m, unsigned version) {
        static pthread_mutex_t counting = PTHREAD_MUTEX_INITIALIZER;
        const struct imm_manager_options options = {
                .scope = m->scope, .version = m->version, .user = m->user ? m->user->name : NULL};
        imm_cleanup(imm_manager_free) struct imm_manager *all = NULL;
        struct imm_joins *j;

        (void)pthread_mutex_lock(&counting);
        j = m->joins;
        if (!j) {
                j = imm_new(m->arena, struct imm_joins);
                if (m->complete)
                        enter_all(m, version, m->arena, j);
                else if (imm_manager_open(&all, m->root, &options, NULL) == 0 &&
                         imm_manager_load_all(all, READERS, NULL) == 0)
                        enter_all(all, version, m->arena, j);
                m->joins = j;
        }
        (void)pthread_mutex_unlock(&counting);
        return j;
}

/* ---- those that share with one unit ---- */

struct group {
        struct imm_manager *m;
        const struct imm_joins *joins; /* NULL: only what units name */
        unsigned version;
        struct imm_arena *a;
        struct member *v[MEMBERS_MAX]; /* the first one is asked about */
        size_t n;
        bool cut;
        bool before[MEMBERS_MAX][MEMBERS_MAX];
};

static struct member *find(struct group *g, const char *name) {
        struct member *known = g->joins ? imm_map_get(&g->joins->by_name, name) : NULL;
        struct imm_unit *u;

        if (known)
                return known;
        for (size_t i = 0; i < g->n; i++)
                if (imm_strv_has(&g->v[i]->names, name))
                        return g->v[i];
        u = imm_manager_find(g->m, name);
        /* not imm_settings_of(): another thread may be at that unit */
        return u && u->load == IMM_LOAD_LOADED
                       ? member_of(imm_settings_compute(g->m, u, g->version, g->a), g->a)
                       : NULL;
}

static void add(struct group *g, struct member *m) {
        for (size_t i = 0; i < g->n; i++)
                if (same(g->v[i], m))
                        return;
        if (g->n == MEMBERS_MAX)
                g->cut = true;
        else
                g->v[g->n++] = m;
}

static void gather(struct group *g) {
        for (size_t i = 0; i < g->n; i++) {
                struct member *x = g->v[i];

                for (size_t k = 0; k < x->joins.n; k++) {
                        struct member *y = find(g, x->joins.v[k]);

                        if (y)
                                add(g, y);
                }
                for (size_t k = 0; g->joins && k < x->names.n; k++) {
                        const struct members *by = imm_map_get(&g->joins->named_by, x->names.v[k]);

                        for (size_t j = 0; by && j < by->list.n; j++)
                                add(g, by->list.v[j]);
                }
        }
}

static void put_in_order(struct group *g) {
        for (size_t i = 0; i < g->n; i++)
                for (size_t k = 0; k < g->n; k++)
                        g->before[i][k] = i != k && says_before(g->v[i], g->v[k]);
        for (size_t via = 0; via < g->n; via++)
                for (size_t i = 0; i < g->n; i++)
                        for (size_t k = 0; g->before[i][via] && k < g->n; k++)
                                g->before[i][k] |= g->before[via][k];
}

/* Is @i rather first than @k? Where nothing says so: who is named, then by name */
static bool rather_first(const struct group *g, size_t i, size_t k) {
        const struct member *x = g->v[i], *y = g->v[k];
        bool named = has_name_of(&y->joins, x), names = has_name_of(&x->joins, y);

        if (g->before[i][k] != g->before[k][i])
                return g->before[i][k];
        if (named != names)
                return named;
        return strcmp(x->names.v[0], y->names.v[0]) < 0;
}

static void give(struct group *g, const struct member *m, struct imm_joined *ret) {
        ret->own = m == g->v[0];
        ret->maker = imm_strdup(g->a, m->names.v[0]);
        ret->tmp = m->tmp;
        ret->net = m->net;
        ret->net_path = m->net_path;
}

__attribute__((format(printf, 3, 4))) static void doubt(
        const struct group *g, struct imm_joined *ret, const char *fmt, ...) {
        va_list ap;

        if (ret->unsure)
                return;
        va_start(ap, fmt);
        ret->unsure = imm_vprintf(g->a, fmt, ap);
        va_end(ap);
}

static const char *name_of(const struct member *m) {
        return m->names.v[0];
}

/* May it have made something that is there when the unit asked about starts? */
static bool may_have_made(const struct group *g, size_t i) {
        return g->v[i]->makes && !g->before[0][i] && (g->v[i]->stays || !g->before[i][0]);
}

/* All that are connected have one: that of the first that makes something */
static void find_mutual(struct group *g, struct imm_joined *ret) {
        size_t first = 0;

        for (size_t i = 1; i < g->n; i++)
                if (may_have_made(g, i) && rather_first(g, i, first))
                        first = i;
        for (size_t i = 1; i < g->n; i++) /* what is said counts more than what is likely */
                if (may_have_made(g, i) && g->before[i][first])
                        first = i;
        if (first != 0 && !g->before[first][0])
                doubt(g, ret, "whether %s starts before it", name_of(g->v[first]));
        for (size_t i = 1; i < g->n; i++)
                if (may_have_made(g, i) && i != first && !g->before[first][i])
                        doubt(g, ret, "whether %s starts before %s", name_of(g->v[i]),
                                first == 0 ? "it" : name_of(g->v[first]));
        if (first != 0 && !has_name_of(&g->v[0]->needs, g->v[first]))
                doubt(g, ret, "whether %s runs when it starts", name_of(g->v[first]));
        give(g, g->v[first], ret);
}

/*
 * Whose @x gets of those that it names: one that made its own, and did not share itself. NULL: its
 * own.
 */
static struct member *find_named(
        struct group *g, struct member *x, unsigned depth, struct imm_joined *ret) {
        struct member *found = NULL;

        for (size_t i = 0; i < x->joins.n; i++) {
                struct member *y = find(g, x->joins.v[i]);
                bool before, behind;

                if (!y || same(x, y) || !y->makes || same(y, g->v[0]))
                        continue;
                before = says_before(y, x);
                behind = says_before(x, y);
                if (behind || (before && !y->stays) ||
                        (depth < DEPTH_MAX && find_named(g, y, depth + 1, ret)))
                        continue;
                if (found)
                        doubt(g, ret, "which of %s and %s is asked first", name_of(found),
                                name_of(y));
                else if (!before)
                        doubt(g, ret, "whether %s starts before %s", name_of(y),
                                depth == 0 ? "it" : name_of(x));
                else if (!has_name_of(&x->needs, y))
                        doubt(g, ret, "whether %s runs when %s starts", name_of(y),
                                depth == 0 ? "it" : name_of(x));
                if (!found)
                        found = y;
        }
        return found;
}

void imm_joined_of(struct imm_manager *m, const struct imm_settings *s, struct imm_arena *a,
        struct imm_joined *ret) {
        struct member *self = member_of(s, a), *other;
        struct group g = {.m = m, .version = s->version, .a = a, .v = {self}, .n = 1};
        bool shares = self->tmp || self->net || imm_needs_ipc(s) ||
                      imm_setting_number(s, IMM_SETTING_PRIVATE_TMP) == 1;

        *ret = (struct imm_joined){0};
        give(&g, self, ret);
        if (!shares || s->load != IMM_LOAD_LOADED)
                return;
        if (s->version < MUTUAL) {
                other = find_named(&g, self, 0, ret);
                if (other)
                        give(&g, other, ret);
                return;
        }
        if (!s->unit->given_by_path &&
                (!m->alone || imm_setting_string(s, IMM_SETTING_ROOT_DIRECTORY)))
                g.joins = joins_of(m, s->version);
        gather(&g);
        if (g.n == 1)
                return;
        put_in_order(&g);
        find_mutual(&g, ret);
        if (g.cut && !ret->unsure)
                ret->unsure = "which of the many units that share its namespaces starts first";
}
