/*
 * `systemctl show` without a manager: the table of properties, and those that tell of the unit
 * itself. How values of settings are written is in properties/format.c (basic types) and
 * properties/exec.c, properties/cgroup.c (the special ones).
 */

#include "analyzer/settings/properties/properties-private.h"

#include <errno.h>

#define IMM_SETTING_NONE IMM_SETTING_N

static const struct imm_property properties[] = {
#define PROPERTY(g, n, s, u, f, i, t) \
        {n, IMM_PROPERTIES_##g, s, u, imm_show_##f, IMM_SETTING_##i, t},
#include "analyzer/settings/properties/properties.def"
};

/* The groups that a type has, in the manager's order; Unit ends each list. */
static const enum imm_property_group *groups_of(enum imm_unit_type type) {
#define SHARED(own) \
        { \
                own, IMM_PROPERTIES_CGroup, IMM_PROPERTIES_Exec, IMM_PROPERTIES_Kill, \
                        IMM_PROPERTIES_Unit \
        }
        static const enum imm_property_group lists[][5] = {
                [IMM_UNIT_SERVICE] = SHARED(IMM_PROPERTIES_Service),
                [IMM_UNIT_SOCKET] = SHARED(IMM_PROPERTIES_Socket),
                [IMM_UNIT_MOUNT] = SHARED(IMM_PROPERTIES_Mount),
                [IMM_UNIT_SWAP] = SHARED(IMM_PROPERTIES_Swap),
                [IMM_UNIT_AUTOMOUNT] = {IMM_PROPERTIES_Automount, IMM_PROPERTIES_Unit},
                [IMM_UNIT_TIMER] = {IMM_PROPERTIES_Timer, IMM_PROPERTIES_Unit},
                [IMM_UNIT_PATH] = {IMM_PROPERTIES_Path, IMM_PROPERTIES_Unit},
                [IMM_UNIT_SLICE] = {IMM_PROPERTIES_CGroup, IMM_PROPERTIES_Unit},
                [IMM_UNIT_SCOPE] = {IMM_PROPERTIES_Scope, IMM_PROPERTIES_CGroup,
                        IMM_PROPERTIES_Kill, IMM_PROPERTIES_Unit},
                [IMM_UNIT_TARGET] = {IMM_PROPERTIES_Unit},
                [IMM_UNIT_DEVICE] = {IMM_PROPERTIES_Device, IMM_PROPERTIES_Unit},
        };
#undef SHARED

        return type < IMM_UNIT_TYPE_N ? lists[type] : lists[IMM_UNIT_TARGET];
}

/* Of a unit that does not load only this much is told. */
static bool told_unloaded(const struct imm_property *p) {
        static const char *const names[] = {"Id", "Names", "LoadState", "FragmentPath"};

        if (p->group == IMM_PROPERTIES_Unit)
                for (size_t i = 0; i < IMM_ELEMENTSOF(names); i++)
                        if (imm_streq(p->name, names[i]))
                                return true;
        return false;
}

static bool exists(const struct imm_settings *s, const struct imm_property *p) {
        if (s->load != IMM_LOAD_LOADED && !told_unloaded(p))
                return false;
        return s->version >= p->since && (p->until == 0 || s->version <= p->until);
}

const char *imm_property_name(const struct imm_settings *s, size_t i) {
        const enum imm_property_group *g = groups_of(s->unit->type);

        for (;; g++) {
                for (size_t k = 0; k < IMM_ELEMENTSOF(properties); k++)
                        if (properties[k].group == *g && exists(s, &properties[k]) && i-- == 0)
                                return properties[k].name;
                if (*g == IMM_PROPERTIES_Unit)
                        return NULL;
        }
}

static const struct imm_property *find(const struct imm_settings *s, const char *name) {
        const enum imm_property_group *g = groups_of(s->unit->type);

        for (;; g++) {
                for (size_t k = 0; k < IMM_ELEMENTSOF(properties); k++)
                        if (properties[k].group == *g &&
                                (properties[k].name == name ||
                                        imm_streq(properties[k].name, name)) &&
                                exists(s, &properties[k]))
                                return &properties[k];
                if (*g == IMM_PROPERTIES_Unit)
                        return NULL;
        }
}

int imm_property_write(struct imm_settings *s, const char *property, FILE *f) {
        const struct imm_property *p = find(s, property);

        if (!p)
                return -ENOENT;
        return p->format(&(struct imm_show){
                .s = s,
                .p = p,
                .v = p->setting < IMM_SETTING_N ? imm_setting(s, p->setting) : NULL,
                .f = f,
        });
}

/* ---- the unit itself ---- */

int imm_show_id(struct imm_show *w) {
        return imm_show_text(w, w->s->unit->name);
}

int imm_show_names_of_unit(struct imm_show *w) {
        const struct imm_strv *names = &w->s->unit->names;

        if (names->n == 0 || w->s->fragment_cut)
                return imm_show_words(w, (const char *[]){w->s->unit->name}, 1, false);
        return imm_show_words(w, names->v, names->n, false);
}

/* "a-b\\x20c.slice" as "/a/b c"; written behind @prefix */
static int show_name_as_path(struct imm_show *w, const char *prefix) {
        const char *name = w->s->unit->prefix;

        fprintf(w->f, "%s=%s/", w->p->name, prefix);
        for (const char *c = name; *c && !imm_streq(name, "-"); c++) {
                unsigned byte;

                if (c[0] == '\\' && c[1] == 'x' && sscanf(c + 2, "%2x", &byte) == 1) {
                        putc((int)byte, w->f);
                        c += 3;
                } else
                        putc(*c == '-' ? '/' : *c, w->f);
        }
        putc('\n', w->f);
        return 0;
}

/* What the manager says where the files say nothing */
int imm_show_description(struct imm_show *w) {
        static const struct {
                const char *unit, *text;
        } own[] = {
                {"-.slice", "Root Slice"},
                {"system.slice", "System Slice"},
                {"-.mount", "Root Mount"},
                {"init.scope", "System and Service Manager"},
        };
        const struct imm_unit *u = w->s->unit;
        const char *text = imm_setting_string(w->s, IMM_SETTING_DESCRIPTION);

        if (text)
                return imm_show_text(w, text);
        for (size_t i = 0; i < IMM_ELEMENTSOF(own); i++)
                if (imm_streq(u->name, own[i].unit))
                        return imm_show_text(w, own[i].text);
        if (u->type == IMM_UNIT_SLICE && w->s->version >= 249)
                return show_name_as_path(w, "Slice ");
        if (u->type == IMM_UNIT_MOUNT)
                return show_name_as_path(w, "");
        if (u->type == IMM_UNIT_SWAP)
                text = imm_setting_string(w->s, IMM_SETTING_SWAP_WHAT);
        return imm_show_text(w, text ? text : u->name);
}

int imm_show_socket_name(struct imm_show *w) {
        if (w->v->string)
                return imm_show_text(w, w->v->string);
        return imm_show_text(w, w->s->version >= 255 && imm_setting_bool(w->s, IMM_SETTING_ACCEPT)
                                        ? "connection"
                                        : w->s->unit->name);
}

int imm_show_load_state(struct imm_show *w) {
        return imm_show_text(w, imm_load_name(w->s->load));
}

int imm_show_fragment_path(struct imm_show *w) {
        return imm_show_text(w, w->s->unit->fragment);
}

int imm_show_dropin_paths(struct imm_show *w) {
        return imm_show_words(w, w->s->unit->dropins.v, w->s->unit->dropins.n, false);
}

int imm_show_can_reload(struct imm_show *w) {
        const char *type = imm_setting_word(w->s, IMM_SETTING_TYPE);

        if (w->s->unit->type != IMM_UNIT_SERVICE)
                return imm_show_text(w, w->s->unit->type == IMM_UNIT_MOUNT ? "yes" : "no");
        return imm_show_text(w, imm_show_get(w, IMM_SETTING_EXEC_RELOAD)->commands.n > 0 ||
                                                (type && imm_streq(type, "notify-reload"))
                                        ? "yes"
                                        : "no");
}

int imm_show_can_clean(struct imm_show *w) {
        static const struct {
                enum imm_setting setting;
                const char *word;
        } kinds[] = {
                {IMM_SETTING_RUNTIME_DIRECTORY, "runtime"},
                {IMM_SETTING_STATE_DIRECTORY, "state"},
                {IMM_SETTING_CACHE_DIRECTORY, "cache"},
                {IMM_SETTING_LOGS_DIRECTORY, "logs"},
                {IMM_SETTING_CONFIGURATION_DIRECTORY, "configuration"},
        };
        const char *words[IMM_ELEMENTSOF(kinds) + 1];
        size_t n = 0;

        if (w->s->unit->type == IMM_UNIT_TIMER && imm_setting_bool(w->s, IMM_SETTING_PERSISTENT))
                words[n++] = "state"; /* its stamp file */
        for (size_t i = 0; i < IMM_ELEMENTSOF(kinds); i++)
                if (imm_show_get(w, kinds[i].setting)->directories.n > 0)
                        words[n++] = kinds[i].word;
        if (w->s->unit->type == IMM_UNIT_SERVICE && w->s->version >= 254 &&
                imm_setting_number(w->s, IMM_SETTING_FILE_DESCRIPTOR_STORE_MAX) > 0)
                words[n++] = "fdstore";
        return imm_show_words(w, words, n, false);
}
