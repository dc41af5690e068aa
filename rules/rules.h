#pragma once

/*
 * Rules: what is judged, and the value that every view shows, the audit.
 *
 * A rule is a file in the syntax of units (docs/rules.md): when it applies, the steps that decide
 * how bad a unit is, what to change. A scorecard is a folder of rules and yields one figure from
 * their weights. The steps are built from a closed set of conditions (conditions.def), each a pure
 * function from a unit's facts to yes, no or unknown. Adding a rule or a scorecard is adding files.
 *
 * The audit holds the judgements of one manager's units. Views read it and compute nothing.
 */

#include "analyzer/settings/settings.h"
#include "audit/snapshot.h" /* the words for severities */
#include "base/confidence.h"

/* ---- rules ---- */

/* Private to this room: one [Check] or [Except] section; what is known of a unit */
struct imm_step;
struct imm_facts;

/* One line of [Remedy] Set=: setting and value */
struct imm_remedy {
        const char *setting, *value;
};

struct imm_rule {
        const char *name; /* file name without ".rule" */
        const char *id;   /* what outputs call it; the name where Id= does not say otherwise */
        const char *title, *good, *description, *not_when;
        enum imm_severity severity;
        enum imm_confidence confidence;
        uint64_t weight, range;        /* as the rule says; a policy may say otherwise (below) */
        struct imm_strv documentation; /* "man:systemd.exec(5)", URLs */
        struct imm_remedy *remedies;
        size_t n_remedies;
        const char *remedy;         /* all of them, a line each; NULL: none */
        const char *advice;         /* what to do, where no line is right for all; or NULL */
        enum imm_setting *settings; /* that it is about, the one to change first */
        size_t n_settings;
        struct imm_strv files; /* rule file, then drop-ins, by which it is made */
        const char *text;      /* of the file itself, for explaining */
        uint64_t digest;       /* of all of its text: it tells a rule from one of other content */
        struct imm_match *match;
        struct imm_step *steps;
        size_t n_steps;
        struct imm_strv replaces;
        struct imm_rule **replaced_by;
        size_t n_replaced_by;
        bool excluded; /* by a policy: weight 0 */
};

struct imm_rating {
        const char *name;
        unsigned from; /* tenths */
};

struct imm_scorecard {
        const char *name; /* "systemd" */
        const char *title;
        bool figure;             /* it yields an overall figure, not findings alone */
        bool settings_only;      /* its conditions ask for nothing but settings: cheap */
        bool asks_start;         /* whether it starts: of sockets without commands, too */
        bool all_units;          /* also for units without a process: timers, targets, ... */
        struct imm_rule **rules; /* in force for the version, sorted by id */
        size_t n_rules;
        struct imm_rating *ratings; /* worst first */
        size_t n_ratings;
};

struct imm_profile_file {
        const char *name, *path, *text;
};

/* All scorecards, as they are for one systemd version */
struct imm_rulebook {
        unsigned version;
        struct imm_scorecard **cards; /* sorted by name */
        size_t n_cards;
        struct imm_profile_file *profiles; /* sets of settings to compare with, by name */
        size_t n_profiles;
        const char *stand_in; /* the instance a template is judged through */
        /* Mistakes in rule files, with file and line: level ERROR. The rules concerned are left
         * out; a caller must not report success when there are any. */
        struct imm_diags diags;
        struct imm_arena *arena;
};

struct imm_rules_options {
        unsigned version;            /* systemd's */
        const struct imm_root *root; /* where the directories lie: the running host; NULL: none */
        const char *const *directories; /* highest precedence first; NULL: the usual ones */
        const char *project; /* one more folder, above all others: a repository's own; or NULL */
        const char *policy;  /* a systemd-analyze policy (JSON), a path of the host; may be NULL */
        /* The root that is analysed: its own policy file is honoured as its systemd would; or
         * NULL */
        const struct imm_root *analysed;
};

/* Never fails for what files say: see diags. The result lives until imm_rulebook_free(). */
struct imm_rulebook *imm_rules_load(const struct imm_rules_options *options);
struct imm_rulebook *imm_rulebook_free(struct imm_rulebook *b);
IMM_DEFINE_CLEANUP(struct imm_rulebook *, imm_rulebook_free)
/* One rule or profile file of the host by itself: its mistakes, with file and line, go to @to
 * (strings in @a).
 */
void imm_rule_validate(const struct imm_root *host, const char *path, const char *shown,
        unsigned version, struct imm_arena *a, struct imm_diags *to);
struct imm_scorecard *imm_scorecard_by_name(const struct imm_rulebook *b, const char *name);
/* What the rule asks of a unit, a line for each condition, in the order of its steps */
void imm_rule_asks(const struct imm_rule *r, struct imm_arena *a, struct imm_strv *ret);
bool imm_rules_broken(const struct imm_rulebook *b);

/* ---- judgements ---- */

enum imm_check_state {
        IMM_CHECK_UNMATCHED, /* the rule is not for this unit, or another one replaces it */
        IMM_CHECK_NOT_APPLICABLE,
        IMM_CHECK_GOOD,
        IMM_CHECK_BAD,
        IMM_CHECK_UNKNOWN, /* counts as bad: what was not seen is never clean */
};

struct imm_check {
        uint8_t state; /* imm_check_state */
        uint8_t step;  /* of BAD, UNKNOWN, NOT_APPLICABLE and a GOOD with words of its own: which */
        uint16_t badness;
        uint16_t places; /* at which it holds, each a finding of its own; 0: it is about the unit */
};

/* Where the setting that a check is about comes from, where a file or an implication says it */
struct imm_check_origin {
        unsigned rule; /* index into the scorecard's rules */
        enum imm_setting setting;
        struct imm_origin origin;
};

/* One unit by one scorecard */
struct imm_judgement {
        bool scored;                      /* else there are no checks and no figure */
        uint16_t figure;                  /* tenths */
        uint64_t weight_sum;              /* of the checks that apply */
        struct imm_check *checks;         /* one per rule of the scorecard, in its order */
        struct imm_check_origin *origins; /* in order of the rules; others have their default */
        size_t n_origins;
};

/* ---- the audit ---- */

struct imm_audited {
        struct imm_unit *unit;   /* as it is listed */
        struct imm_unit *judged; /* the same, or a template's stand-in instance */
        enum imm_load load;
        const char *load_message;
        bool partial;                     /* a file of it could not be read */
        struct imm_diags diags;           /* of its settings: what systemd ignores or refuses */
        struct imm_judgement *judgements; /* one per scorecard of the audit */
};

struct imm_audit {
        struct imm_manager *manager;
        const struct imm_rulebook *rules;
        const struct imm_scorecard **cards; /* those asked for */
        size_t n_cards;
        struct imm_audited *units; /* in the order given */
        size_t n_units;
        bool settings_only;        /* no scorecard asks for more than settings */
        struct imm_arena **arenas; /* private */
        size_t n_arenas;
};

struct imm_audit_options {
        const struct imm_scorecard **cards; /* NULL: all of the rulebook */
        size_t n_cards;
        unsigned jobs; /* threads; 0 is 1 */
        /*
         * Called for each unit once it is judged, by the worker that did (below
         * imm_audit_workers()), while all that was found out about it is at hand: see
         * imm_snapshot_judge(). NULL: nobody asks.
         */
        void (*judged)(void *data, unsigned worker, const struct imm_audit *a,
                const struct imm_audited *u, struct imm_facts *facts);
        void *data;
};

/* How many workers imm_audit_run() has at most */
unsigned imm_audit_workers(size_t n_units, unsigned jobs);

/* Judges @units of @m. The rulebook must outlive the audit. */
struct imm_audit *imm_audit_run(struct imm_manager *m, const struct imm_rulebook *rules,
        struct imm_unit **units, size_t n_units, const struct imm_audit_options *options);
struct imm_audit *imm_audit_free(struct imm_audit *a);
IMM_DEFINE_CLEANUP(struct imm_audit *, imm_audit_free)

/* The judgement by the scorecard of that name; NULL if it was not asked for or did not score. */
const struct imm_judgement *imm_judgement_of(
        const struct imm_audit *a, const struct imm_audited *u, const char *card);
/* "UNSAFE"; NULL without a figure */
const char *imm_judgement_rating(const struct imm_scorecard *card, const struct imm_judgement *j);
/* What check @i adds to the figure, in tenths; false: nothing is printed there. */
bool imm_check_share(const struct imm_scorecard *card, const struct imm_judgement *j, size_t i,
        unsigned *ret_tenths);
/* The check's words: what is wrong, or right, or why it does not apply */
const char *imm_check_text(const struct imm_rule *rule, const struct imm_check *check);

/* ---- findings ---- */

struct imm_finding {
        const struct imm_scorecard *card;
        const struct imm_rule *rule;
        const char *setting; /* plain name of the one to change or that breaks; may be NULL */
        enum imm_severity severity;
        enum imm_confidence confidence;
        struct imm_strv evidence; /* lines for people */
        const char *remedy;       /* lines for a unit file, or NULL */
        const char *file;         /* the line that should change */
        unsigned line;
        const char *subject; /* of a place: what tells it from others of the rule; or NULL */
};

/* How many findings of each severity the audit's scorecards have for @u */
void imm_findings_count(
        const struct imm_audit *a, const struct imm_audited *u, unsigned counts[IMM_SEVERITY_N]);
/* The findings themselves, worst first, into @arena */
void imm_findings_of(const struct imm_audit *a, const struct imm_audited *u,
        struct imm_arena *arena, struct imm_finding **ret, size_t *ret_n);
