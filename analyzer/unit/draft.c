#include "analyzer/unit/draft.h"

#include "analyzer/unit/limits.h"

#include <assert.h>
#include <errno.h>

static void add_aliases(struct imm_manager *m, struct imm_arena *a, struct unit_names *f,
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
        struct imm_arena *a, struct unit_names *f, const char *base, const char *instance) {
        if (instance && *instance && imm_unit_name_kind(base) == IMM_NAME_TEMPLATE)
                base = imm_unit_name_replace(base, instance, a);
        if (base)
                imm_strv_add(a, &f->names, base);
}

/* 247 knows aliases by the name of the file that they all lead to, linked ones included. */
static void add_names_247(struct imm_manager *m, struct imm_arena *a, struct unit_names *f,
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

struct unit_names imm_unit_names_find(
        struct imm_manager *m, const char *name, struct imm_arena *a) {
        const char *instance = imm_unit_name_instance(name, a), *base;
        bool is_instance = instance && *instance, by_template = false;
        struct unit_names f = {.id = name};

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

static bool is_perpetual(const struct imm_unit *u) {
        return imm_streq(u->name, "-.slice") || imm_streq(u->name, "system.slice") ||
               imm_streq(u->name, "-.mount") || imm_streq(u->name, "init.scope");
}

void imm_unit_draft(struct imm_manager *m, struct unit_draft *d, const struct unit_names *f,
        struct imm_arena *a) {
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
static void judge_fragment(struct unit_draft *d) {
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

void imm_unit_finish(const struct imm_manager *m, struct unit_draft *d) {
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
