#include "analyzer/unit/index.h"
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
        imm_not_analysed_find(m);
        a = NULL;
        *ret = m;
        return 0;
}

struct imm_manager *imm_manager_free(struct imm_manager *m) {
        if (!m)
                return NULL;
        for (size_t i = 0; i < m->n_list; i++)
                imm_arena_free(m->list[i]->arena);
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

/* What the name map says of a name */
struct found {
        const char *id; /* the primary name */
        struct imm_strv names;
        const struct unit_entry *entry; /* NULL: no fragment */
        int error;                      /* -ELOOP, -ENXIO, -ENOENT */
};

static void add_aliases(struct imm_manager *m, struct imm_arena *a, struct found *f,
        const char *name, const char *instance, const char *fragment_name) {
        const struct imm_strv *aliases = imm_map_get(&m->index->names, name);

        for (size_t i = 0; aliases && i < aliases->n; i++) {
                const char *alias = aliases->v[i];
                const struct unit_entry *other;

                if (instance && *instance && imm_unit_name_kind(alias) == IMM_NAME_TEMPLATE) {
                        alias = imm_unit_name_replace(alias, instance, a);
                        if (!alias)
                                continue;
                        /* that instance may lead elsewhere */
                        if (fragment_name && imm_index_find(m, alias, &other) == 0 &&
                                !imm_streq(strrchr(other->path, '/') + 1, fragment_name))
                                continue;
                }
                imm_strv_add(a, &f->names, alias);
        }
}

/* The fragment's own name is one of the unit's, if something is called so; in an instance's unit as
 * that instance. */
static void add_fragment_name(
        struct imm_arena *a, struct found *f, const char *base, const char *instance) {
        if (instance && *instance && imm_unit_name_kind(base) == IMM_NAME_TEMPLATE)
                base = imm_unit_name_replace(base, instance, a);
        if (base)
                imm_strv_add(a, &f->names, base);
}

/* 247 knows aliases by the name of the file that they all lead to, linked ones included. */
static void add_names_247(struct imm_manager *m, struct imm_arena *a, struct found *f,
        const char *base, const char *instance, bool by_template) {
        const struct unit_entry *own;
        const char *same;

        if (imm_index_find(m, base, &own) == 0 && imm_streq(strrchr(own->path, '/') + 1, base)) {
                same = by_template ? imm_unit_name_replace(base, instance, a) : NULL;
                /* that instance may have a file of its own */
                if (!same || imm_index_find(m, same, &own) < 0 ||
                        imm_streq(strrchr(own->path, '/') + 1, base))
                        add_fragment_name(a, f, base, instance);
        }
        add_aliases(m, a, f, base, instance, by_template ? base : NULL);
}

/* Which fragment @name has, and all its names */
static struct found find_fragment(struct imm_manager *m, const char *name, struct imm_arena *a) {
        const char *instance = imm_unit_name_instance(name, a), *base;
        bool is_instance = instance && *instance, by_template = false;
        struct found f = {.id = name};

        imm_strv_add(a, &f.names, name);
        f.error = imm_index_find(m, name, &f.entry);
        if (f.error == -ELOOP)
                return f;
        if (m->version >= 248)
                add_aliases(m, a, &f, name, instance, NULL);
        if (!f.entry && is_instance) {
                int r = imm_index_find(m, imm_unit_name_template(name, a), &f.entry);

                by_template = r == 0;
                if (r == 0 || r == -ELOOP || f.error == -ENOENT)
                        f.error = r;
        }
        if (!f.entry)
                return f;
        base = strrchr(f.entry->path, '/') + 1;
        if (m->version < 248)
                add_names_247(m, a, &f, base, instance, by_template);
        else if (!imm_streq(base, name)) {
                add_fragment_name(a, &f, base, instance);
                add_aliases(m, a, &f, base, instance, base);
        }
        if (is_instance && imm_unit_name_kind(base) == IMM_NAME_TEMPLATE)
                base = imm_unit_name_replace(base, instance, a);
        if (base && imm_strv_has(&f.names, base))
                f.id = base;
        return f;
}

/* A unit being made: which files it may need, before they were read */
struct draft {
        struct imm_unit *u;
        struct file_slot *fragment;
        struct dropin_list dropins;
        struct file_slot **slots;    /* of the drop-ins */
        const char *target;          /* of a linked fragment */
        const struct odd_entry *odd; /* there is no fragment, although something has the name */
};

static bool is_perpetual(const struct imm_unit *u) {
        return imm_streq(u->name, "-.slice") || imm_streq(u->name, "system.slice") ||
               imm_streq(u->name, "-.mount") || imm_streq(u->name, "init.scope");
}

/* Sets up names and asks for files. @f lives in u->arena. */
static void draft_unit(
        struct imm_manager *m, struct draft *d, const struct found *f, struct imm_arena *a) {
        struct imm_unit *u = imm_new(a, struct imm_unit);
        struct imm_strv others = {0}, real_names = {0};
        const struct odd_entry *odd;

        d->u = u;
        u->arena = a;
        u->name = f->id;
        u->type = imm_unit_name_type(u->name);
        u->prefix = imm_unit_name_prefix(u->name, a);
        u->instance = imm_unit_name_instance(u->name, a);
        for (size_t i = 0; i < f->names.n; i++)
                if (!imm_streq(f->names.v[i], u->name))
                        imm_strv_add(a, &others, f->names.v[i]);
        imm_strv_sort_unique(&others);
        imm_strv_add(a, &u->names, u->name);
        for (size_t i = 0; i < others.n; i++)
                imm_strv_add(a, &u->names, others.v[i]);
        odd = imm_map_get(&m->index->odd, u->name);
        if (f->entry) {
                const struct unit_entry *e = f->entry;

                u->fragment = e->path;
                d->target = e->target;
                d->fragment = imm_file_slot(
                        m, e->path, IMM_FILE_FRAGMENT, u->type, e->dir, e->plain ? e->name : NULL);
        } else if (f->error == -ELOOP)
                imm_diag_add(a, &u->diags, IMM_DIAG_UNREADABLE, "endless-link", u->name, 0, NULL,
                        "%s: endless chain of aliases", u->name);
        else if (odd) {
                d->odd = odd;
                u->obstacle = odd->unreadable ? odd->path : NULL;
                imm_diag_add(a, &u->diags, odd->unreadable ? IMM_DIAG_UNREADABLE : IMM_DIAG_WARNING,
                        odd->unreadable ? "unreadable" : "bad-alias", odd->path, 0, NULL, "%s",
                        odd->why);
        }
        if (!f->entry && u->type != IMM_UNIT_SLICE && u->type != IMM_UNIT_DEVICE &&
                !is_perpetual(u))
                return;
        if (u->instance && !*u->instance) { /* a template: as its stand-in has them */
                for (size_t i = 0; i < u->names.n; i++) {
                        const char *n =
                                imm_unit_name_replace(u->names.v[i], imm_stand_in(m->version), a);

                        if (n)
                                imm_strv_add(a, &real_names, n);
                }
        } else
                real_names = u->names;
        d->dropins = imm_index_dropins(m, &real_names, u->type, a, &u->diags);
        d->slots = imm_alloc_array(a, d->dropins.n, sizeof(*d->slots));
        for (size_t i = 0; i < d->dropins.n; i++) {
                const struct dropin_entry *e = d->dropins.v[i];

                d->slots[i] = imm_file_slot(m, e->path, IMM_FILE_DROPIN, u->type, e->dir, e->rel);
        }
}

static void set_load(struct imm_unit *u, enum imm_load load, const char *message) {
        u->load = load;
        u->load_message = message;
}

/* What the fragment, now read, makes of the unit */
static void judge_fragment(struct draft *d) {
        struct imm_unit *u = d->u;
        const struct file_slot *s = d->fragment;

        if (!s) {
                if (u->type == IMM_UNIT_SLICE || u->type == IMM_UNIT_DEVICE || is_perpetual(u))
                        set_load(u, IMM_LOAD_LOADED, NULL);
                else if (d->odd)
                        set_load(u, d->odd->load, d->odd->why);
                else
                        set_load(u, IMM_LOAD_NOT_FOUND, "no unit file");
                return;
        }
        switch (s->state) {
        case SLOT_READ:
                if (s->file.status == 0) {
                        set_load(u, IMM_LOAD_LOADED, NULL);
                        break;
                }
                set_load(u, IMM_LOAD_ERROR,
                        s->file.status == -EBADMSG  ? "broken section header"
                        : s->file.status == -EILSEQ ? "not valid UTF-8"
                                                    : "a line is too long");
                break;
        case SLOT_MASK:
                if (is_perpetual(u))
                        set_load(u, IMM_LOAD_LOADED, NULL);
                else
                        set_load(u, IMM_LOAD_MASKED, "masked");
                if (d->target && imm_after(d->target, "/dev/") &&
                        !imm_streq(d->target, "/dev/null"))
                        imm_diag_add(u->arena, &u->diags, IMM_DIAG_WARNING, "device", u->fragment,
                                0, NULL, "leads to the device %s; systemd takes it for a mask",
                                d->target);
                break;
        case SLOT_GONE:
                set_load(u, IMM_LOAD_NOT_FOUND, "a link to a file that is not there");
                imm_diag_add(u->arena, &u->diags, IMM_DIAG_WARNING, "dangling-link", u->fragment, 0,
                        NULL, "links to a file that is not there");
                u->fragment = NULL;
                break;
        case SLOT_LOOP:
                set_load(u, IMM_LOAD_NOT_FOUND, "endless symbolic link");
                imm_diag_add(u->arena, &u->diags, IMM_DIAG_UNREADABLE, "endless-link", u->fragment,
                        0, NULL, "endless symbolic link");
                u->fragment = NULL;
                break;
        case SLOT_BROKEN:
        case SLOT_NEW:
                set_load(u, IMM_LOAD_ERROR, "its file cannot be read");
                break;
        }
}

static void finish_unit(const struct imm_manager *m, struct draft *d) {
        struct imm_unit *u = d->u;
        bool with_dropins;

        judge_fragment(d);
        with_dropins =
                u->load == IMM_LOAD_LOADED || (u->load == IMM_LOAD_MASKED && m->version < 255);
        if (u->load == IMM_LOAD_ERROR) { /* systemd gave up before it looked at other names */
                u->names.n = 1;
                u->names.v[1] = NULL;
        }
        u->files = imm_alloc_array(u->arena, d->dropins.n + 1, sizeof(*u->files));
        if (d->fragment && (d->fragment->state == SLOT_READ || d->fragment->state == SLOT_BROKEN))
                u->files[u->n_files++] = &d->fragment->file;
        if (d->dropins.n > 0 && with_dropins) {
                u->dropins.v = imm_alloc_array(u->arena, d->dropins.n + 1, sizeof(char *));
                u->dropins.n = u->dropins.cap = d->dropins.n;
        }
        for (size_t i = 0; with_dropins && i < d->dropins.n; i++) {
                struct file_slot *s = d->slots[i];

                u->dropins.v[i] = d->dropins.v[i]->path;
                if (s->state == SLOT_READ || s->state == SLOT_BROKEN)
                        u->files[u->n_files++] = &s->file;
                else if (s->state == SLOT_GONE || s->state == SLOT_LOOP)
                        imm_diag_add(u->arena, &u->diags, IMM_DIAG_WARNING, "dangling-link",
                                s->file.path, 0, NULL, "the link leads nowhere, ignored");
        }
        for (size_t i = 0; i < u->diags.n; i++)
                if (u->diags.v[i].level == IMM_DIAG_UNREADABLE)
                        u->unreadable = true;
        for (size_t i = 0; i < u->n_files; i++)
                imm_array_foreach (g, &u->files[i]->diags) {
                        if (g->level == IMM_DIAG_UNREADABLE)
                                u->unreadable = true;
                }
}

/* Enters a unit under all names; the list is sorted by the caller */
static void enter(struct imm_manager *m, struct imm_unit *u) {
        struct imm_unit_index *x = m->index;

        for (size_t i = 0; i < u->names.n; i++)
                if (!imm_map_has(&m->units, u->names.v[i]))
                        imm_map_put(m->arena, &m->units, u->names.v[i], u);
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
        struct imm_manager *m, const char *name, bool alone, struct draft *d) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = NULL;
        struct imm_unit *u = imm_map_get(&m->units, name);
        struct found f;

        if (u)
                return u;
        a = imm_arena_new();
        f = find_fragment(m, imm_strdup(a, name), a);
        if (alone) {
                f.id = f.names.v[0];
                f.names.n = 1;
        } else if (!imm_streq(f.id, name)) {
                struct found primary;

                u = imm_map_get(&m->units, f.id);
                if (u && u->fragment && f.entry && imm_streq(u->fragment, f.entry->path))
                        return u;
                primary = find_fragment(m, f.id, a);
                if (!u && primary.entry == f.entry && imm_streq(primary.id, f.id)) {
                        if (!imm_strv_has(&primary.names, name))
                                imm_strv_add(a, &primary.names, imm_strdup(a, name));
                        f = primary;
                } else
                        f.id = imm_strdup(a, name);
        }
        *d = (struct draft){0};
        draft_unit(m, d, &f, a);
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
        struct draft d = {0};
        struct imm_unit *u = find_or_draft(m, name, alone, &d);

        if (u)
                return u;
        imm_files_read(m, 1);
        finish_unit(m, &d);
        enter(m, d.u);
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
                struct draft d;
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
                finish_unit(m, &l->d);
                enter(m, l->d.u);
        }
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
