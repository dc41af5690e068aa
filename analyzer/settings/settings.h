#pragma once

/*
 * Settings: what a unit's assignments mean to a given systemd.
 *
 * One registry (settings.def) says for each setting its name, section, type, default, versions and
 * list semantics. The effective settings of a unit are computed once per unit and systemd version:
 * assignments in order, then implications, each value with its origin. Sources: systemd.exec(5),
 * systemd.resource-control(5), systemd.service(5), systemd.unit(5), and tests/lab for what they
 * leave open.
 */

#include "analyzer/settings/value.h"
#include "analyzer/unit/unit.h"

struct imm_setting_info {
        const char *name;    /* "ProtectSystem" */
        const char *section; /* group: "Exec" (of services, sockets, mounts, swaps), "CGroup",
                                "Kill", "Service", "Unit", ... */
        enum imm_value_type type;
        unsigned since, until;    /* systemd versions that know it; until 0: still */
        const char *const *words; /* of ENUM, NULL-terminated, in systemd's numeric order */
        bool list;                /* assignments add up; else the last valid one wins */
        bool resets;              /* an empty assignment gives the default back */
        bool fatal; /* an invalid value makes the unit bad-setting; else it is ignored */
        /* In a user's manager: it works; only in a user namespace, which systemd makes by itself
         * from 254 on; it does nothing */
        enum { IMM_USERS_TOO, IMM_USERS_IN_NAMESPACE, IMM_USERS_NEVER } users;
};
/* NULL for IMM_SETTING_N */
const struct imm_setting_info *imm_setting_info(enum imm_setting id);
/* Does that systemd have it? */
bool imm_setting_known(enum imm_setting id, unsigned version);
/* By name, aliases included ("ReadOnlyDirectories"); IMM_SETTING_N if there is none. */
enum imm_setting imm_setting_by_name(const char *name);

/* An assignment that lost: overridden by a later one, reset, or ignored as invalid */
struct imm_superseded {
        const struct imm_unit_file *file;
        const struct imm_assignment *assignment;
        enum imm_setting setting; /* IMM_SETTING_N: not a known one */
        enum { IMM_LOST_OVERRIDDEN, IMM_LOST_RESET, IMM_LOST_IGNORED } how;
        struct imm_origin by; /* the line that won, where there is one */
};

struct imm_settings {
        const struct imm_manager *manager;
        struct imm_unit *unit;
        unsigned version;
        enum imm_load load; /* with bad settings: what systemctl's LoadState= would say */
        const char *load_message;
        bool fragment_cut; /* its fragment was not read to the end: systemd knows no more names */
        struct imm_diags diags;  /* unknown, misspelt, ignored, wrong section: with file and line */
        struct imm_strv unknown; /* "NewSetting=": not in the registry; each once */
        IMM_LIST(imm_superseded) superseded;
        struct imm_setting_slot *slots; /* private: only what differs from the defaults */
        size_t n_slots;
};

/*
 * The effective settings of @u for the manager's own version: computed on the first call, kept in
 * u->settings. Never NULL: a unit that does not load has its defaults. Different units may be asked
 * for in parallel.
 */
struct imm_settings *imm_settings_of(struct imm_manager *m, struct imm_unit *u);

/* The same for another version, into @a; u->settings is untouched (for --systemd-version=247,252
 * and what-if) */
struct imm_settings *imm_settings_compute(
        struct imm_manager *m, struct imm_unit *u, unsigned version, struct imm_arena *a);

/* The effective value, never NULL: a default one (set false) where nothing says otherwise. */
const struct imm_value *imm_setting(const struct imm_settings *s, enum imm_setting id);

/* The @i-th value that is not the default, in order of the settings; NULL behind the last. */
const struct imm_value *imm_setting_own(
        const struct imm_settings *s, size_t i, enum imm_setting *ret);

/*
 * same.c: do two values mean the same, wherever they come from? As a set: whatever the order, and
 * however often something is said. Both must be of one type.
 */
bool imm_value_same(const struct imm_value *a, const struct imm_value *b, bool as_set);
/* All settings but @except (IMM_SETTING_N: all) have the same value in both. */
bool imm_settings_same(
        const struct imm_settings *a, const struct imm_settings *b, enum imm_setting except);
/* Do lines of it change something even where a later one overrides them? */
bool imm_setting_leaves_traces(enum imm_setting id);
/* What @id is where no file says anything */
const struct imm_value *imm_setting_built_in(const struct imm_settings *s, enum imm_setting id);

static inline bool imm_setting_bool(const struct imm_settings *s, enum imm_setting id) {
        return imm_setting(s, id)->number == 1;
}
static inline uint64_t imm_setting_number(const struct imm_settings *s, enum imm_setting id) {
        return imm_setting(s, id)->number;
}
static inline const char *imm_setting_string(const struct imm_settings *s, enum imm_setting id) {
        return imm_setting(s, id)->string;
}
/* The word of an ENUM ("strict"); NULL for other types */
const char *imm_setting_word(const struct imm_settings *s, enum imm_setting id);

/* The value as a unit file would say it, for people and for `show`; in @a. */
char *imm_value_text(enum imm_setting id, const struct imm_value *v, struct imm_arena *a);

/* parse/open-file.c: a line of OpenFile= */
struct imm_open_file {
        const char *path, *name, *options; /* options: "read-only,graceful", "" */
        bool read_only, graceful;
};
/* False and *ret_why where systemd refuses @text */
bool imm_open_file_read(
        const char *text, struct imm_arena *a, struct imm_open_file *ret, const char **ret_why);

/* "foo.service:12", "implied by DynamicUser= (foo.service:3)", "default", "system.conf:4"; in @a.
 */
char *imm_origin_text(const struct imm_origin *o, struct imm_arena *a);

/* Loads system.conf / user.conf and their drop-ins into m->defaults (done by imm_settings_of when
 * needed). */
void imm_manager_defaults_load(struct imm_manager *m);

/*
 * What the system's manager takes from itself, and so from all that it starts:
 * CapabilityBoundingSet=, NoNewPrivileges= and ProtectSystem= of system.conf. NULL where it says
 * nothing.
 */
const struct imm_value *imm_manager_limit(const struct imm_manager *m, enum imm_setting id);

/* DefaultEnvironment= and ManagerEnvironment=: a list of NAME=VALUE; NULL where nothing is said */
enum imm_variables { IMM_VARIABLES_DEFAULT, IMM_VARIABLES_MANAGER };
const struct imm_value *imm_manager_variables(
        const struct imm_manager *m, enum imm_variables which);

/*
 * properties.c: `systemctl show`'s own lines. Writes "KEY=VALUE\n" to @f as systemctl of that
 * version would for the loaded, not started unit. Returns 0, or -ENOENT for a property that this
 * version does not have.
 */
int imm_property_write(struct imm_settings *s, const char *property, FILE *f);
/* All properties known for this unit's type and version, in systemctl's order: name by name until
 * NULL. */
const char *imm_property_name(const struct imm_settings *s, size_t i);

/*
 * flatten.c: one unit file that behaves the same as fragment and drop-ins. With @origins each line
 * carries where it came from as a comment, and what was overridden or reset is shown commented out.
 */
int imm_unit_flatten(struct imm_settings *s, bool origins, FILE *f);
