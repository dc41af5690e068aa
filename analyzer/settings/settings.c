/*
 * The effective settings of a unit: its assignments in order, then what they imply. While they are
 * computed the values lie in an array by setting; what is kept is only what differs from the
 * defaults, sorted by setting.
 */

#include "analyzer/settings/settings.h"

#include "analyzer/settings/imply.h"
#include "analyzer/settings/parse/parse.h"
#include "analyzer/settings/registry.h"

#include <assert.h>
#include <errno.h>

struct imm_setting_slot {
        enum imm_setting id;
        struct imm_value value;
};

/* Assignments that count for a setting, newest first */
struct part {
        const struct imm_unit_file *file;
        const struct imm_assignment *assignment;
        struct part *before;
};

struct compute {
        struct imm_settings *s;
        struct imm_parse parse;
        struct part *parts[IMM_SETTING_N];
        struct imm_value *values[IMM_SETTING_N];
        unsigned nearest_left; /* names to look for neighbours of: not for a million odd lines */
};

static void lost(struct compute *c, const struct part *x, enum imm_setting id, int how,
        const struct imm_origin *by) {
        struct imm_superseded *l = imm_array_push(c->parse.a, &c->s->superseded);

        *l = (struct imm_superseded){
                .file = x->file, .assignment = x->assignment, .setting = id, .by = *by};
        l->how = how;
}

static void lost_all(struct compute *c, enum imm_setting id, int how) {
        size_t first = c->s->superseded.n;

        for (struct part *x = c->parts[id]; x; x = x->before)
                lost(c, x, id, how, &c->parse.origin);
        c->parts[id] = NULL;

        /* in the order of the files */
        for (size_t i = first, j = c->s->superseded.n; i + 1 < j; i++) {
                struct imm_superseded t = c->s->superseded.v[i];

                c->s->superseded.v[i] = c->s->superseded.v[--j];
                c->s->superseded.v[j] = t;
        }
}

static void diag(struct compute *c, const char *code, const char *key, const char *message) {
        imm_diag_add(c->parse.a, &c->s->diags, IMM_DIAG_WARNING, code, c->parse.origin.file,
                c->parse.origin.line, key, "%s", message);
}

/* A key that this systemd does not know in that section: why, as far as can be told. */
static void unknown(struct compute *c, const struct imm_unit_file *f,
        const struct imm_assignment *x, const struct imm_setting_key *key, unsigned groups) {
        struct imm_arena *a = c->parse.a;
        const struct imm_setting_key *other = key ? NULL : imm_setting_key(x->key, ~0U);
        const char *nearest;
        struct part part = {.file = f, .assignment = x};

        if (key && c->s->version < key->since)
                diag(c, "newer-setting", x->key,
                        imm_printf(a, "%s= is known from systemd %u on, this is %u: ignored",
                                x->key, key->since, c->s->version));
        else if (key)
                diag(c, "unknown-setting", x->key,
                        imm_printf(a, "%s= is not known any more after systemd %u: ignored", x->key,
                                key->until));
        else if (other && imm_setting_key_known(other, c->s->version))
                diag(c, "wrong-section", x->key,
                        imm_printf(a, "%s= belongs into [%s], in [%s] it is ignored", x->key,
                                imm_group_section(other->group), x->section));
        else {
                nearest = c->nearest_left > 0 ? (c->nearest_left--, imm_setting_nearest(x->key,
                                                                            groups, c->s->version))
                                              : NULL;
                diag(c, nearest ? "misspelt-setting" : "unknown-setting", x->key,
                        nearest ? imm_printf(a,
                                          "%s= is not known in [%s], did you mean %s=? "
                                          "It is ignored",
                                          x->key, x->section, nearest)
                                : imm_printf(a, "%s= is not known in [%s]: ignored", x->key,
                                          x->section));
        }
        lost(c, &part, key ? key->id : IMM_SETTING_N, IMM_LOST_IGNORED, &(struct imm_origin){0});
}

static enum imm_parsed apply(struct compute *c, const struct imm_unit_file *f,
        const struct imm_assignment *x, const struct imm_setting_key *key) {
        struct imm_parse *p = &c->parse;
        const struct imm_setting_row *row = &imm_setting_rows[key->id];
        struct part part = {.file = f, .assignment = x}, *kept;
        enum imm_parsed parsed;

        p->id = key->id;
        p->row = row;
        p->key = key->name;
        p->replaces = p->partly = p->error = false;
        parsed = row->parser(p, x->value);

        switch (parsed) {
        case IMM_PARSED_RESET:
                /* some share one list, and all of them are empty now */
                for (size_t id = 0; id < IMM_SETTING_N; id++)
                        if (c->parts[id] && !c->values[id])
                                lost_all(c, (enum imm_setting)id, IMM_LOST_RESET);
                break;
        case IMM_PARSED_TAKEN:
                if (p->replaces || (row->flags & IMM_SETTING_ADDS) == 0)
                        lost_all(c, key->id, IMM_LOST_OVERRIDDEN);
                kept = imm_new(p->a, struct part);
                *kept = part;
                kept->before = c->parts[key->id];
                c->parts[key->id] = kept;
                break;
        case IMM_PARSED_IGNORED:
        case IMM_PARSED_FATAL:
                lost(c, &part, key->id, IMM_LOST_IGNORED, &(struct imm_origin){0});
                break;
        }
        return parsed;
}

/* What stands behind a fatal line of a drop-in is not read. */
static void cut(struct compute *c, const struct imm_unit_file *f, size_t from) {
        for (size_t i = from; i < f->n_assignments; i++) {
                const struct imm_assignment *x = &f->assignments[i];
                const struct imm_setting_key *key =
                        imm_setting_key(x->key, imm_section_groups(x->section, c->s->unit->type));
                struct part part = {.file = f, .assignment = x};

                lost(c, &part, key ? key->id : IMM_SETTING_N, IMM_LOST_IGNORED,
                        &(struct imm_origin){0});
        }
}

/* Returns false when systemd stops reading the file at a line: behind the last one in *ret_end. */
static bool read_file(struct compute *c, const struct imm_unit_file *f, size_t *ret_end) {
        const char *section = NULL;
        unsigned groups = 0, section_line = 0;

        for (size_t i = 0; i < f->n_assignments; i++) {
                const struct imm_assignment *x = &f->assignments[i];
                const struct imm_setting_key *key;

                c->parse.origin = (struct imm_origin){
                        .kind = IMM_ORIGIN_FILE, .file = f->path, .line = x->line};
                if (!section || x->section_line != section_line ||
                        !imm_streq(x->section, section)) {
                        section = x->section;
                        section_line = x->section_line;
                        groups = imm_section_groups(section, c->s->unit->type);
                        if (groups == 0 && !imm_after(section, "X-"))
                                imm_diag_add(c->parse.a, &c->s->diags, IMM_DIAG_WARNING,
                                        "unknown-section", f->path, x->line, NULL,
                                        "section [%s] is not one of %s units: all of it is ignored",
                                        section, imm_unit_type_name(c->s->unit->type));
                }
                if (groups == 0)
                        continue;

                key = imm_setting_key(x->key, groups);
                if (!key || !imm_setting_key_known(key, c->s->version)) {
                        if (!imm_after(x->key, "X-"))
                                unknown(c, f, x, key, groups);
                        continue;
                }
                if (apply(c, f, x, key) == IMM_PARSED_FATAL) {
                        *ret_end = i + 1;
                        return false;
                }
        }
        return true;
}

/*
 * A line that is fatal makes the unit bad-setting when it stands in the fragment. In a drop-in it
 * only ends the reading of that drop-in (config_parse()'s result is not looked at there).
 */
static void read_files(struct compute *c) {
        struct imm_settings *s = c->s;

        for (size_t i = 0; i < s->unit->n_files; i++) {
                const struct imm_unit_file *f = s->unit->files[i];
                struct imm_diag *d;
                size_t end = 0;

                if (read_file(c, f, &end))
                        continue;
                d = &s->diags.v[s->diags.n - 1];
                if (f->kind == IMM_FILE_DROPIN) {
                        d->level = IMM_DIAG_WARNING;
                        d->message = imm_printf(
                                c->parse.a, "%s; the rest of this file is ignored", d->message);
                        cut(c, f, end);
                        continue;
                }
                s->load = c->parse.error ? IMM_LOAD_ERROR : IMM_LOAD_BAD_SETTING;
                s->load_message = d->message;
                s->fragment_cut = true;
                return;
        }
}

/* What was assigned and is now something else because another setting wants it so */
static void overridden_by_implication(struct compute *c) {
        for (size_t id = 0; id < IMM_SETTING_N; id++) {
                const struct imm_value *v = c->values[id];

                if (!c->parts[id] || !v || v->origin.kind != IMM_ORIGIN_IMPLIED ||
                        imm_setting_rows[id].info.list)
                        continue;
                c->parse.origin = v->origin;
                lost_all(c, (enum imm_setting)id, IMM_LOST_OVERRIDDEN);
        }
}

/* What only counts when all lines were read: holes go, sets become lists */
static void finish(struct compute *c) {
        struct imm_parse *p = &c->parse;

        imm_calls_finish(p);
        if (p->version < 250) {
                imm_ips_reduce(p, IMM_SETTING_IP_ADDRESS_ALLOW);
                imm_ips_reduce(p, IMM_SETTING_IP_ADDRESS_DENY);
        }
        for (size_t id = 0; id < IMM_SETTING_N; id++) {
                struct imm_value *v = c->values[id];
                size_t kept = 0;

                if (!v)
                        continue;
                if (v->type == IMM_VALUE_STRINGS || v->type == IMM_VALUE_NAMES) {
                        for (size_t i = 0; i < v->strings.n; i++)
                                if (v->strings.v[i].text)
                                        v->strings.v[kept++] = v->strings.v[i];
                        v->strings.n = kept;
                } else if (v->type == IMM_VALUE_CREDENTIALS) {
                        for (size_t i = 0; i < v->credentials.n; i++)
                                if (v->credentials.v[i].id)
                                        v->credentials.v[kept++] = v->credentials.v[i];
                        v->credentials.n = kept;
                } else if (v->type == IMM_VALUE_CAPS)
                        v->number &= IMM_CAPS_ALL;
        }
}

static void keep(struct compute *c) {
        struct imm_settings *s = c->s;
        size_t n = 0;

        for (size_t id = 0; id < IMM_SETTING_N; id++)
                n += c->values[id] != NULL;
        s->slots = imm_alloc_array(c->parse.a, n, sizeof(*s->slots));
        for (size_t id = 0; id < IMM_SETTING_N; id++)
                if (c->values[id])
                        s->slots[s->n_slots++] = (struct imm_setting_slot){
                                .id = (enum imm_setting)id, .value = *c->values[id]};
}

static void list_unknown(struct imm_settings *s, struct imm_arena *a) {
        struct imm_map seen = {0};

        imm_array_foreach (d, &s->diags) {
                if (!d->setting || !imm_streq(d->code, "unknown-setting") ||
                        imm_map_has(&seen, d->setting))
                        continue;
                imm_map_put(a, &seen, d->setting, s);
                imm_strv_add(a, &s->unknown, imm_printf(a, "%s=", d->setting));
        }
}

struct imm_settings *imm_settings_compute(
        struct imm_manager *m, struct imm_unit *u, unsigned version, struct imm_arena *a) {
        struct imm_settings *s = imm_new(a, struct imm_settings);
        struct compute c = {.s = s,
                .nearest_left = 100,
                .parse = {.m = m, .u = u, .version = version, .a = a, .diags = &s->diags}};

        c.parse.values = c.values;
        *s = (struct imm_settings){.manager = m,
                .unit = u,
                .version = version,
                .load = u->load,
                .load_message = u->load_message};
        imm_manager_defaults_load(m);

        if (s->load != IMM_LOAD_LOADED)
                return s;
        read_files(&c);
        finish(&c);
        if (s->load == IMM_LOAD_LOADED) {
                imm_imply(&c.parse, s);
                overridden_by_implication(&c);
        }
        if (s->load == IMM_LOAD_LOADED)
                keep(&c);
        list_unknown(s, a);
        return s;
}

struct imm_settings *imm_settings_of(struct imm_manager *m, struct imm_unit *u) {
        if (!u->settings)
                u->settings = imm_settings_compute(m, u, m->version, u->arena);
        return u->settings;
}

const struct imm_value *imm_setting(const struct imm_settings *s, enum imm_setting id) {
        size_t from = 0, to = s->n_slots;

        assert(id < IMM_SETTING_N);
        while (from < to) {
                size_t i = from + (to - from) / 2;

                if (s->slots[i].id == id)
                        return &s->slots[i].value;
                if (s->slots[i].id < id)
                        from = i + 1;
                else
                        to = i;
        }
        return imm_setting_default(s->manager, s->unit->type, s->version, id);
}

const struct imm_value *imm_setting_built_in(const struct imm_settings *s, enum imm_setting id) {
        return imm_setting_default(s->manager, s->unit->type, s->version, id);
}

const struct imm_value *imm_setting_own(
        const struct imm_settings *s, size_t i, enum imm_setting *ret) {
        if (i >= s->n_slots)
                return NULL;
        *ret = s->slots[i].id;
        return &s->slots[i].value;
}

const char *imm_setting_word(const struct imm_settings *s, enum imm_setting id) {
        const struct imm_setting_row *row = &imm_setting_rows[id];
        uint64_t number = imm_setting(s, id)->number;

        if (row->info.type != IMM_VALUE_ENUM)
                return NULL;
        /* Before it had words it was a boolean */
        if ((row->flags & IMM_SETTING_BOOLEAN_TOO) && number == 1 &&
                imm_word_since(row->info.words, 1) > s->version)
                return "yes";
        for (size_t i = 0; row->info.words[i]; i++)
                if (i == number)
                        return row->info.words[i][0] ? row->info.words[i] : NULL;
        return NULL;
}
