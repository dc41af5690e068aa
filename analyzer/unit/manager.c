#include "analyzer/unit/draft.h"
#include "analyzer/unit/limits.h"
#include "analyzer/unit/words.h"

#include <assert.h>
#include <errno.h>

const char *imm_stand_in(unsigned version) {
        return version >= 255 ? "test_instance" : "i";
}

/* The user whose manager is meant; NULL with @err */
static const struct imm_user *find_user(
        const struct imm_manager *m, const char *name, struct imm_err *err) {
        const struct imm_user *all, *best = NULL;
        unsigned long long uid;
        size_t n;

        if (name) {
                best = imm_user_by_name(m->users, name);
                if (!best && imm_parse_u64(name, &uid) && uid < UINT32_MAX)
                        best = imm_user_by_uid(m->users, (uid_t)uid);
                if (!best)
                        imm_err_set(err, -ESRCH, "no user '%s' in this root", name);
                return best;
        }
        all = imm_users_all(m->users, &n);
        for (size_t i = 0; i < n; i++)
                if (all[i].uid >= 1000 && all[i].uid < 60000 && (!best || all[i].uid < best->uid))
                        best = &all[i];
        if (!best)
                imm_err_set(err, -ESRCH, "no regular user in this root (uid 1000 to 59999)");
        return best;
}

int imm_manager_open(struct imm_manager **ret, const struct imm_root *root,
        const struct imm_manager_options *options, struct imm_err *err) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new_shared();
        struct imm_manager *m = imm_new(a, struct imm_manager);
        unsigned own = imm_root_systemd_version(root);
        struct imm_strv path = {0};

        m->arena = a;
        m->root = root;
        m->scope = options->scope;
        m->version = options->version ? options->version : own ? own : IMM_VERSION_LATEST;
        m->version_source = options->version ? IMM_VERSION_ASKED
                            : own            ? IMM_VERSION_ROOT
                                             : IMM_VERSION_NEWEST;
        m->users = imm_users_load(root, a, &m->diags);
        if (m->scope == IMM_SCOPE_USER) {
                m->user = find_user(m, options->user, err);
                if (!m->user)
                        return -ESRCH;
        }
        m->index = imm_new(a, struct imm_unit_index);
        (void)pthread_mutex_init(&m->index->lock, NULL);
        imm_search_path(m, options->unit_path, &path);
        imm_index_build(m, &path);
        a = NULL;
        *ret = m;
        return 0;
}

struct imm_manager *imm_manager_free(struct imm_manager *m) {
        if (!m)
                return NULL;
        for (size_t i = 0; i < m->n_list; i++)
                imm_arena_free(m->list[i]->arena);
        imm_array_foreach (u, &m->index->later)
                imm_arena_free((*u)->arena);
        for (size_t i = 0; i < m->index->n_dirs; i++)
                (void)close(m->index->dirs[i].fd);
        imm_array_foreach (a, &m->index->arenas) {
                imm_arena_free(*a);
        }
        imm_root_free(m->index->host);
        (void)pthread_mutex_destroy(&m->index->lock);
        imm_arena_free(m->arena);
        return NULL;
}

/*
 * Enters a unit under all names; the list is sorted by the caller. Once all are loaded the list
 * stays as it is: threads walk it while others ask for instances, and for names that no file has.
 */
static void enter(struct imm_manager *m, struct imm_unit *u) {
        struct imm_unit_index *x = m->index;

        for (size_t i = 0; i < u->names.n; i++)
                if (!imm_map_has(&m->units, u->names.v[i]))
                        imm_map_put(m->arena, &m->units, u->names.v[i], u);
        if (x->all_loaded) {
                *imm_array_push(m->arena, &x->later) = u;
                return;
        }
        if (m->n_list == x->list_cap)
                m->list = imm_array_grow(
                        m->arena, m->list, m->n_list, &x->list_cap, sizeof(*m->list));
        m->list[m->n_list++] = u;
}

static int by_unit_name(const void *a, const void *b) {
        return strcmp((*(struct imm_unit *const *)a)->name, (*(struct imm_unit *const *)b)->name);
}

/* Puts the last one where it belongs */
void imm_units_sort_last(struct imm_manager *m) {
        struct imm_unit *u = m->list[m->n_list - 1];
        size_t low = 0, high = m->n_list - 1;

        while (low < high) {
                size_t mid = low + (high - low) / 2;

                if (strcmp(m->list[mid]->name, u->name) <= 0)
                        low = mid + 1;
                else
                        high = mid;
        }
        memmove(&m->list[low + 1], &m->list[low], (m->n_list - 1 - low) * sizeof(*m->list));
        m->list[low] = u;
}

/*
 * Finds the unit of @name: an existing one, or a draft. An alias leads to the draft of the primary
 * name, which must then be known under the alias too. @alone: the name is not merged with others,
 * as systemd leaves it when the file is refused before it comes to that.
 */
static struct imm_unit *find_or_draft(
        struct imm_manager *m, const char *name, bool alone, struct unit_draft *d) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = NULL;
        struct imm_unit *u = imm_map_get(&m->units, name);
        struct unit_names f;

        if (u)
                return u;
        a = imm_arena_new();
        f = imm_unit_names_find(m, imm_strdup(a, name), a);
        if (alone) {
                f.id = f.names.v[0];
                f.names.n = 1;
        } else if (!imm_streq(f.id, name)) {
                struct unit_names primary;

                u = imm_map_get(&m->units, f.id);
                if (u && u->fragment && f.entry && imm_streq(u->fragment, f.entry->path))
                        return u;
                primary = imm_unit_names_find(m, f.id, a);
                if (!u && primary.entry == f.entry && imm_streq(primary.id, f.id)) {
                        if (!imm_strv_has(&primary.names, name))
                                imm_strv_add(a, &primary.names, imm_strdup(a, name));
                        f = primary;
                } else
                        f.id = imm_strdup(a, name);
        }
        *d = (struct unit_draft){0};
        imm_unit_draft(m, d, &f, a);
        a = NULL; /* it is the unit's now */
        return NULL;
}

/* @u was asked for by an alias that it did not have: that of a mask only counts when it is asked */
static void add_name(struct imm_manager *m, struct imm_unit *u, const char *name) {
        name = imm_strdup(u->arena, name);
        imm_map_put(m->arena, &m->units, name, u);
        if (imm_strv_has(&u->names, name))
                return;
        imm_strv_add(u->arena, &u->names, name);
        qsort(u->names.v + 1, u->names.n - 1, sizeof(char *), imm_by_text);
}

/* Refused because of its syntax: under an alias it is a unit of its own */
static bool stands_alone(const struct imm_unit *u, const char *name) {
        return u->load == IMM_LOAD_ERROR && !u->unreadable && !imm_streq(u->name, name);
}

static struct imm_unit *load_one(struct imm_manager *m, const char *name, bool alone) {
        struct unit_draft d = {0};
        struct imm_unit *u = find_or_draft(m, name, alone, &d);

        if (u)
                return u;
        imm_files_read(m, 1);
        imm_unit_finish(m, &d);
        enter(m, d.u);
        if (!m->index->all_loaded)
                imm_units_sort_last(m);
        return d.u;
}

int imm_manager_unit(
        struct imm_manager *m, const char *name, struct imm_unit **ret, struct imm_err *err) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        struct imm_unit *u;

        if (imm_unit_name_kind(name) == IMM_NAME_INVALID)
                name = imm_printf(a, "%s.service", name);
        if (imm_unit_name_kind(name) == IMM_NAME_INVALID)
                return imm_err_set(err, -EINVAL, "'%.*s' is not a unit name",
                        (int)(strlen(name) - strlen(".service")), name);
        (void)pthread_mutex_lock(&m->index->lock);
        u = load_one(m, name, false);
        if (stands_alone(u, name))
                u = load_one(m, name, true);
        else if (!imm_map_has(&m->units, name))
                add_name(m, u, name);
        (void)pthread_mutex_unlock(&m->index->lock);
        *ret = u;
        return 0;
}

struct imm_unit *imm_manager_find(struct imm_manager *m, const char *name) {
        const struct unit_entry *e;
        struct imm_unit *u;

        if (imm_unit_name_kind(name) == IMM_NAME_INVALID)
                return NULL;
        (void)pthread_mutex_lock(&m->index->lock);
        u = imm_map_get(&m->units, name);
        if (!u && !m->index->all_loaded) {
                imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
                bool instance = imm_unit_name_kind(name) == IMM_NAME_INSTANCE;

                if (imm_index_find(m, name, &e) == 0 ||
                        (instance && imm_index_find(m, imm_unit_name_template(name, a), &e) == 0))
                        u = load_one(m, name, false);
        }
        (void)pthread_mutex_unlock(&m->index->lock);
        return u;
}

void imm_manager_names(
        struct imm_manager *m, enum imm_unit_type type, struct imm_arena *a, struct imm_strv *ret) {
        const struct imm_unit_index *x = m->index;
        const struct imm_strv *wanted;

        (void)pthread_mutex_lock(&m->index->lock);
        wanted = imm_index_wanted(m);
        (void)pthread_mutex_unlock(&m->index->lock);
        for (size_t i = 0; i < x->ids.n; i++)
                if (imm_unit_name_type(x->ids.v[i].key) == type)
                        imm_strv_add(a, ret, x->ids.v[i].key);
        for (size_t i = 0; i < wanted->n; i++)
                if (imm_unit_name_type(wanted->v[i]) == type)
                        imm_strv_add(a, ret, wanted->v[i]);
        imm_strv_sort_unique(ret);
}

/* Drafts the units of @names, reads their files together, enters them. */
static void load_names(struct imm_manager *m, const struct imm_strv *names, unsigned jobs) {
        struct load {
                struct unit_draft d;
                const char *asked;
        };
        imm_cleanup(imm_arena_free) struct imm_arena *tmp = imm_arena_new();
        IMM_ARRAY(struct load) drafts = {0};
        struct imm_map drafted = {0}; /* primary names that are under way */

        for (size_t i = 0; i < names->n; i++) {
                struct load l = {.asked = names->v[i]};

                if (imm_map_has(&drafted, l.asked) || find_or_draft(m, l.asked, false, &l.d))
                        continue;
                if (imm_map_has(&drafted, l.d.u->name)) { /* reached by another alias */
                        imm_arena_free(l.d.u->arena);
                        continue;
                }
                for (size_t k = 0; k < l.d.u->names.n; k++)
                        imm_map_put(tmp, &drafted, l.d.u->names.v[k], l.d.u);
                *imm_array_push(tmp, &drafts) = l;
        }
        imm_files_read(m, jobs);
        imm_array_foreach (l, &drafts) {
                imm_unit_finish(m, &l->d);
                enter(m, l->d.u);
        }
}

void imm_manager_load_names(struct imm_manager *m, const struct imm_strv *names, unsigned jobs) {
        (void)pthread_mutex_lock(&m->index->lock);
        load_names(m, names, jobs);
        if (m->n_list > 0)
                qsort(m->list, m->n_list, sizeof(struct imm_unit *), by_unit_name);
        (void)pthread_mutex_unlock(&m->index->lock);
}

/* The instances that a value like Wants= names, with its specifiers, for @u */
static void wanted_by(struct imm_manager *m, const struct imm_unit *u, const char *value,
        struct imm_arena *a, struct imm_strv *to) {
        const char *p = value, *w;

        while (imm_word_next_lenient(
                       &p, NULL, IMM_WORDS_UNQUOTE | IMM_WORDS_RETAIN_ESCAPE, a, &w, NULL) > 0) {
                const struct unit_entry *e;

                if (!strchr(w, '@') || imm_unit_expand(m, u, IMM_SPECIFIERS_NAME, w, a, &w) < 0)
                        continue;
                if (imm_unit_name_kind(w) != IMM_NAME_INSTANCE || imm_map_has(&m->units, w) ||
                        imm_index_find(m, imm_unit_name_template(w, a), &e) < 0)
                        continue;
                imm_strv_add(a, to, w);
        }
}

/* Instances that the files of units from @from on want */
static void collect_wanted(
        struct imm_manager *m, size_t from, struct imm_arena *a, struct imm_strv *to) {
        static const char *const keys[] = {
                "Wants", "Requires", "Requisite", "BindsTo", "Upholds", "OnFailure", "OnSuccess"};

        for (size_t i = from; i < m->n_list; i++) {
                const struct imm_unit *u = m->list[i];

                if (u->load != IMM_LOAD_LOADED || (u->instance && !*u->instance))
                        continue;
                for (size_t k = 0; k < u->n_files; k++)
                        for (size_t j = 0; j < u->files[k]->n_assignments; j++) {
                                const struct imm_assignment *as = &u->files[k]->assignments[j];

                                if (!strchr(as->value, '@') || !imm_streq(as->section, "Unit"))
                                        continue;
                                for (size_t n = 0; n < IMM_ELEMENTSOF(keys); n++)
                                        if (imm_streq(as->key, keys[n]))
                                                wanted_by(m, u, as->value, a, to);
                        }
        }
}

int imm_manager_load_all(struct imm_manager *m, unsigned jobs, struct imm_err *err) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        struct imm_unit_index *x = m->index;
        const struct imm_strv *wanted;
        struct imm_strv names = {0};
        size_t from = 0;

        (void)pthread_mutex_lock(&x->lock);
        imm_dropin_dirs_list(m, jobs);
        for (size_t i = 0; i < x->ids.n; i++)
                imm_strv_add(a, &names, x->ids.v[i].key);
        for (size_t i = 0; i < x->odd.n; i++)
                imm_strv_add(a, &names, x->odd.v[i].key);
        wanted = imm_index_wanted(m);
        for (size_t i = 0; i < wanted->n; i++) {
                const struct unit_entry *e;

                if (imm_index_find(m, imm_unit_name_template(wanted->v[i], a), &e) == 0)
                        imm_strv_add(a, &names, wanted->v[i]);
        }
        imm_strv_sort_unique(&names);
        for (unsigned round = 0; names.n > 0 && round < IMM_WANTED_ROUNDS_MAX; round++) {
                load_names(m, &names, jobs);
                names = (struct imm_strv){0};
                collect_wanted(m, from, a, &names);
                imm_strv_sort_unique(&names);
                from = m->n_list;
        }
        if (m->n_list > 0)
                qsort(m->list, m->n_list, sizeof(struct imm_unit *), by_unit_name);
        x->all_loaded = true;
        m->complete = true;
        (void)pthread_mutex_unlock(&x->lock);
        return 0;
}
