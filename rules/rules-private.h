#pragma once

/* What the files of this room share: compiled rules, facts, evidence. */

#include "analyzer/sandbox/idle/idle.h"
#include "analyzer/sandbox/network/network.h"
#include "analyzer/uses/uses.h"
#include "base/map.h"
#include "rules/rules.h"

#include <limits.h>

/* ---- arguments of conditions ---- */

enum imm_argument_kind {
        IMM_ARGUMENT_SETTING_WORDS, /* a setting and values of it */
        IMM_ARGUMENT_SETTING_NAMES, /* a setting with a filter and names in it, ~ inverts */
        IMM_ARGUMENT_SETTING_MODES, /* a setting with a filter and modes of it */
        IMM_ARGUMENT_SETTINGS,
        IMM_ARGUMENT_CAPS,
        IMM_ARGUMENT_NAMESPACES,
        IMM_ARGUMENT_SYSCALLS,
        IMM_ARGUMENT_MODE,
        IMM_ARGUMENT_USER_WORDS,
        IMM_ARGUMENT_IP_WORDS,
        IMM_ARGUMENT_PATHS,
        IMM_ARGUMENT_GROUPS,
        IMM_ARGUMENT_ADDRESSES,
        IMM_ARGUMENT_BUS_CALLS,
        IMM_ARGUMENT_SHARED_WORDS,
        IMM_ARGUMENT_REPLACE_WORDS,
        IMM_ARGUMENT_IDLE_WORDS,
        IMM_ARGUMENT_PROFILES,
        IMM_ARGUMENT_START_WORDS,
        IMM_ARGUMENT_UNNEEDED_WORDS,
        IMM_ARGUMENT_YES,
};

enum { IMM_CALL_WORDS = 16 }; /* numbers of system calls: below 1024 */

enum imm_filter_mode {
        IMM_FILTER_ALLOW = 1 << 0,
        IMM_FILTER_DENY = 1 << 1,
        IMM_FILTER_NONE = 1 << 2,
};

enum imm_user_class {
        IMM_USER_ROOT = 1 << 0,
        IMM_USER_NOBODY = 1 << 1,
        IMM_USER_DYNAMIC = 1 << 2,
        IMM_USER_STATIC = 1 << 3,
};

/* What services of one user get of each other */
enum imm_shared {
        IMM_SHARED_PROCESSES = 1 << 0,
        IMM_SHARED_FILES = 1 << 1,
};

/* Whose programs can be replaced */
enum imm_replaces {
        IMM_REPLACES_OWN = 1 << 0,
        IMM_REPLACES_OTHERS = 1 << 1,
};

enum imm_ip_class {
        IMM_IP_ANY = 1 << 0,               /* not everything is denied to begin with */
        IMM_IP_LOCALHOST = 1 << 1,         /* an entry within 127.0.0.0/8 or ::1 is allowed */
        IMM_IP_OTHER = 1 << 2,             /* one that begins elsewhere */
        IMM_IP_NOT_ALL_LOCALHOST = 1 << 3, /* one that is not exactly 127.0.0.0/8 or ::1/128 */
};

/* A named set of settings to compare with (profile.c) */
struct imm_profile {
        const char *name, *path, *text;
        struct imm_settings *settings; /* of a service with nothing else */
        enum imm_setting *wanted;      /* those that it sets itself */
        size_t n_wanted;
};

struct imm_argument {
        enum imm_setting setting;
        uint64_t mask; /* words as bits: of enums, capabilities, namespaces, modes, classes */
        bool inverted;
        struct imm_strv words;
        enum imm_setting *settings;
        size_t n_settings;
        uint64_t calls[IMM_CALL_WORDS];
        struct imm_strv foreign_calls; /* those that 32-bit programs alone have */
        const struct imm_profile **profiles;
        size_t n_profiles;
};

/* ---- facts ---- */

struct imm_evidence {
        enum imm_setting setting; /* IMM_SETTING_N: none */
        struct imm_origin origin;
        const char *text;
};

/*
 * What a condition finds at several places of one unit (lines, paths, calls): each is a finding of
 * its own. Where a place says nothing, the rule does.
 */
struct imm_place {
        const char *setting; /* plain name */
        const char *file;
        unsigned line;
        const char *subject; /* what tells it from others of its rule; NULL: the setting */
        const char *remedy;
        int confidence; /* -1: the rule's */
        struct imm_strv evidence;
};

struct imm_facts {
        struct imm_manager *manager;
        struct imm_unit *unit; /* a copy of its own, to which settings and sandbox are lent */
        struct imm_settings *settings;
        /* All values by setting, where many conditions are asked; else NULL */
        const struct imm_value *const *values;
        /* NULL: nobody wants to know why */
        struct imm_arena *arena;
        IMM_LIST(imm_evidence) evidence;
        IMM_LIST(imm_place) places_found;
        size_t n_places;           /* also where nobody wants to know why */
        struct imm_arena *scratch; /* for what nobody keeps; NULL: there is none */
        /* Made by the first condition that needs it, where the caller has none */
        struct imm_sandbox *sandbox;
        const struct imm_map *places; /* path -> struct imm_site: found before; or NULL */
        struct imm_map seen;          /* path -> struct imm_site_access: of this unit, so far */
        const struct imm_preflight_list *preflight; /* likewise */
        const struct imm_idle_list *idle;           /* made by the first condition that needs it */
        /* of the system-call filter, made by the first condition that needs it */
        bool have_calls;
        uint64_t calls[IMM_CALL_WORDS];        /* named by the filter */
        uint64_t calls_killed[IMM_CALL_WORDS]; /* those without an error of their own */
        /* by other settings than the filter, made when first needed */
        bool have_denied;
        uint64_t calls_denied[IMM_CALL_WORDS];
        struct imm_strv foreign_denied;
        /* what settings refuse to the programs, likewise */
        bool have_denials;
        struct imm_denials denials;
};

/* audit.c: of @u, in @scratch, which is to live as long; settings and, where the audit's scorecards
 * ask for it, the sandbox are there already. */
void imm_facts_open(struct imm_facts *f, const struct imm_audit *audit, const struct imm_unit *u,
        struct imm_arena *scratch);

enum imm_truth { IMM_NO, IMM_YES, IMM_DONT_KNOW };

#define CONDITION(slug, key, argument, needs, text) \
        enum imm_truth imm_condition_##slug( \
                struct imm_facts *facts, const struct imm_argument *argument_);
#include "rules/conditions.def"
#undef CONDITION

/* In order: each includes those before it */
enum imm_needs { IMM_NEEDS_SETTINGS, IMM_NEEDS_SANDBOX };

struct imm_condition {
        const char *key;
        enum imm_argument_kind argument;
        enum imm_needs needs;
        enum imm_truth (*holds)(struct imm_facts *facts, const struct imm_argument *argument);
        const char *text;
};
extern const struct imm_condition imm_conditions[];
extern const size_t imm_conditions_n;
const struct imm_condition *imm_condition_by_key(const char *key);

static inline const struct imm_value *imm_fact(const struct imm_facts *facts, enum imm_setting id) {
        return facts->values ? facts->values[id] : imm_setting(facts->settings, id);
}

/* condition-start.c: is it a word of FailsToStart=? */
bool imm_start_word(const char *word);
/* condition-idle.c: is it a word of IdleLine=? */
bool imm_idle_word(const char *word);
const struct imm_sandbox *imm_facts_sandbox(struct imm_facts *facts);
/* Of the unit's memory: what lives as long as the question */
struct imm_arena *imm_facts_memory(const struct imm_facts *facts);
/* "~" or "~/...": in the home of the unit's user */
static inline bool imm_is_of_home(const char *path) {
        return path[0] == '~' && (path[1] == '/' || !path[1]);
}
/* condition-access.c: what its commands may do at a place, looked at once */
const struct imm_site_access *imm_facts_look(struct imm_facts *facts, const char *path);
/* May commands of that kind connect to the socket at @path? 1, 0, -1 */
int imm_facts_connects(struct imm_facts *facts, enum imm_command_kind kind, const char *path);
/* Evidence that it can, with the reasons */
void imm_facts_say(struct imm_facts *facts, const char *verb, const char *path,
        const struct imm_site_access *seen, enum imm_mode mode);
/* census.c: how many other services run as that user; @traced: those whose processes it may trace;
 * @ret (NULL: any at all is enough to know): their names */
size_t imm_census_others(
        struct imm_facts *facts, const struct imm_identity *id, bool traced, struct imm_strv *ret);
/* No other one: @name is the unit's, or that of its template or an instance of it */
bool imm_census_is_itself(const struct imm_unit *u, const char *name);
/* programs.c: what services execute, collected with the census */
struct imm_programs;
struct imm_programs *imm_programs_new(struct imm_arena *a);
void imm_programs_note(struct imm_manager *m, struct imm_programs *to, const struct imm_unit *u,
        const char *user, struct imm_arena *a, struct imm_arena *scratch);
const struct imm_programs *imm_census_programs(struct imm_facts *facts);
/* condition-filter.c: what all filters of sandboxed commands leave: of the calls asked for, of
 * other ABIs than the machine's own, of one call in that one */
enum imm_truth imm_calls_left(struct imm_facts *facts, const struct imm_argument *argument);
enum imm_truth imm_foreign_left(struct imm_facts *facts);
bool imm_facts_call_left(struct imm_facts *facts, const char *call);
/* Appends a line of evidence, if anybody wants it. */
void imm_evidence_add(struct imm_facts *facts, enum imm_setting setting, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));
/* One place more at which the condition holds; strings are copied. */
void imm_place_add(struct imm_facts *facts, const struct imm_place *place);

/* Reads a condition's value for a systemd version. 0, or -EINVAL with *ret_problem. */
int imm_argument_parse(enum imm_argument_kind kind, const char *text, unsigned version,
        struct imm_arena *a, struct imm_argument *ret, const char **ret_problem);

/* ---- rules ---- */

struct imm_clause {
        const struct imm_condition *condition;
        struct imm_argument argument;
        bool negate, trigger;
        const char *text; /* of the value, for people */
};

struct imm_step {
        const char *section; /* "Check read-only" */
        const char *title;
        bool except;
        bool always;      /* the conditions must hold: it is bad where one does not */
        uint64_t badness; /* where the file says none: the rule's range */
        int severity;     /* -1: the rule's */
        struct imm_clause *clauses;
        size_t n_clauses;
};

struct imm_match {
        struct imm_strv units;    /* globs of names; empty: all */
        struct imm_strv except;   /* globs of names that it is not for */
        struct imm_strv packages; /* globs of the package that the unit's file is of; empty: any */
        unsigned types;           /* bit per imm_unit_type; 0: all */
        unsigned scopes;          /* bit per imm_scope; 0: all */
};
bool imm_match_covers(
        const struct imm_match *match, const struct imm_manager *m, const struct imm_unit *u);

/* One file's text on its way to a rule */
struct imm_rule_source {
        const char *path;
        const char *text;
        size_t size;
};

/*
 * Profiles by name, read when a rule first asks for one; made by imm_rules_load(). @sources: name
 * -> struct imm_rule_source. NULL in imm_rule_build(): profiles are not looked up.
 */
struct imm_profiles {
        struct imm_map sources;
        struct imm_map read; /* name -> struct imm_profile */
        unsigned version;
        struct imm_manager *manager; /* that values are read with */
        struct imm_arena *a;
        struct imm_diags *diags;
};
const struct imm_profile *imm_profile_find(struct imm_profiles *all, const char *name);
/* Reads one; mistakes go to @diags, with file and line. */
struct imm_profile *imm_profile_read(const char *name, const struct imm_rule_source *source,
        struct imm_manager *m, struct imm_arena *a, struct imm_diags *diags);

/* Builds a rule from its file and drop-ins. NULL: there is none (not for this version, or broken:
 * then @diags has grown). */
struct imm_rule *imm_rule_build(const char *name, const struct imm_rule_source *sources,
        size_t n_sources, unsigned version, struct imm_profiles *profiles, struct imm_arena *a,
        struct imm_diags *diags);

/* The paths that its conditions ask about */
void imm_scorecard_paths(
        const struct imm_scorecard *card, struct imm_arena *a, struct imm_strv *ret);
/* scorecard.conf: title, ratings, the stand-in instance */
void imm_scorecard_build(struct imm_scorecard *card, const struct imm_rule_source *sources,
        size_t n_sources, struct imm_rulebook *book);

/* Applies a systemd-analyze policy's text to the scorecard. */
void imm_policy_apply(struct imm_rulebook *book, struct imm_scorecard *card, const char *path,
        const char *text, size_t size);

/* The rules that are compiled in: sorted by path ("systemd/UMask.rule") */
struct imm_builtin {
        const char *path, *text;
};
extern const struct imm_builtin imm_builtins[];
extern const size_t imm_builtins_n;

/* Where the first of the rule's settings that anybody set comes from: its value, else that of the
 * first; *ret_setting says whose. NULL if the rule is about none. */
const struct imm_value *imm_rule_value(
        const struct imm_rule *rule, const struct imm_facts *facts, enum imm_setting *ret_setting);

/* finding.c: as imm_findings_of(), with what is known of the unit already, in no order */
void imm_findings_with(const struct imm_audit *a, const struct imm_audited *u,
        struct imm_facts *facts, struct imm_arena *arena, struct imm_finding **ret, size_t *ret_n);

/* judge.c */
void imm_judge(const struct imm_scorecard *card, struct imm_facts *facts, struct imm_arena *a,
        struct imm_judgement *ret);
/* All clauses of @step over @facts */
enum imm_truth imm_step_holds(const struct imm_step *step, struct imm_facts *facts);
