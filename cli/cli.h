#pragma once

/*
 * The command line: common options, and what a verb is.
 *
 * One file per verb in this folder, each with one `struct imm_verb`; main.c lists them. Options are
 * rows of tables, from which parsing, --help and the completions are made. Verbs print; nothing
 * below this folder does.
 */

#include "analyzer/unit/unit.h"
#include "base/json.h"

enum imm_exit {
        IMM_EXIT_OK = 0,
        IMM_EXIT_NO = 1,      /* the answer is "no": gate failed, access denied, differences */
        IMM_EXIT_USAGE = 2,   /* usage or configuration error; a named unit that does not exist */
        IMM_EXIT_PARTIAL = 3, /* something could not be read or written */
        IMM_EXIT_NOTHING = 4, /* there was nothing to analyse */
};

enum imm_option_kind {
        IMM_OPTION_FLAG,     /* bool *: set to true */
        IMM_OPTION_OFF,      /* bool *: set to false (--no-legend) */
        IMM_OPTION_STRING,   /* const char ** */
        IMM_OPTION_STRINGS,  /* struct imm_strv *: may be given again, and split at commas */
        IMM_OPTION_UNSIGNED, /* unsigned * */
        IMM_OPTION_CALL,     /* parse(cli, value): value NULL if it was left out */
};

struct imm_cli;

struct imm_option {
        const char *name;
        char letter;         /* 0: none */
        const char *metavar; /* NULL: takes no value; "[X]" in brackets: may be left out */
        const char *help;
        enum imm_option_kind kind;
        void *to;
        /* of CALL; 0 or -EINVAL with cli->err set */
        int (*parse)(struct imm_cli *cli, const char *value);
};

struct imm_verb {
        const char *name;
        const char *arguments;            /* "UNIT PATH…" */
        const char *summary;              /* one line */
        const char *details;              /* more lines for `immure VERB --help`, or NULL */
        const struct imm_option *options; /* its own, ended by a row without name; or NULL */
        bool live;                        /* it can ask the running manager too */
        bool targets;                     /* it takes several --systemd-version= */
        int (*run)(struct imm_cli *cli);  /* an imm_exit */
};

struct imm_cli {
        const struct imm_verb *verb;
        const char **args; /* what is no option, without the verb; NULL-terminated */
        size_t n_args;

        const char *root_dir;
        enum imm_scope scope;
        const char *user;
        struct imm_strv versions;   /* --systemd-version=, in the order given */
        struct imm_strv scorecards; /* --scorecard= */
        enum imm_json_format json;
        bool legend, pager, quiet, live;
        bool silent; /* not even errors are said: the caller has its own words for them */
        const char *db;
        unsigned jobs; /* never 0 */
        bool color;    /* stdout is a terminal that may be coloured */

        struct imm_arena *arena; /* for what lives as long as the call */
        struct imm_err err;
        bool partial; /* something could not be read: exit status 3 unless worse is said */

        struct imm_root *root;
        struct imm_manager *manager;
};

/* Opens --root= and its manager into cli->root and cli->manager. An imm_exit; its message is
 * already said. */
int imm_cli_open(struct imm_cli *cli);

/* For verbs whose text does not say by which systemd they judge: a line on stderr where that is not
 * the root's own, nor one that was asked for. */
void imm_cli_say_version(struct imm_cli *cli);

/* What is kept between runs for speed: /var/cache/immure, $XDG_CACHE_HOME/immure, or the folder
 * that $IMMURE_CACHE names ("off": nothing is kept). Between opening and the end of the call. */
void imm_cli_cache_use(struct imm_cli *cli);
void imm_cli_cache_keep(struct imm_cli *cli);

/* Says "immure: ..." on stderr, escaped; NULL err: nothing. Returns @status, so that it can end a
 * verb. */
int imm_cli_fail(struct imm_cli *cli, int status, const struct imm_err *err);
int imm_cli_usage(struct imm_cli *cli, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Writes diagnostics to stderr, one a line: "PATH:LINE: warning: ...". --quiet leaves out notes and
 * warnings. */
void imm_cli_diags(struct imm_cli *cli, const struct imm_diags *d);

/* Says what of the root as a whole could not be read (users, system.conf, folders of units), which
 * makes any answer about it partial. For verbs that do not say all diagnostics of the manager. */
void imm_cli_unseen(struct imm_cli *cli);

/* The exit status of a verb that did its work: 0, or 3 after something could not be read. */
static inline int imm_cli_done(const struct imm_cli *cli) {
        return cli->partial ? IMM_EXIT_PARTIAL : IMM_EXIT_OK;
}

/*
 * The unit that an argument names: a path ("./x.service", "x.service:alias.service"; whatever has a
 * slash, or is an existing file with a unit suffix of which no unit is installed) or a unit's name.
 * An imm_exit; *ret is set with 0 only. A unit that is nowhere comes back with IMM_LOAD_NOT_FOUND
 * and 0: the verb says so and ends with 2.
 */
int imm_cli_unit(struct imm_cli *cli, const char *arg, struct imm_unit **ret);

/* "ssh*", "*.socket": several units, of those that are installed; not a file's path */
bool imm_cli_is_glob(const char *arg);
/* A unit that an argument names, not one that a pattern or no argument at all brought in */
bool imm_cli_is_named(struct imm_cli *cli, const struct imm_unit *u);
/*
 * Whether a unit that was not found is nowhere. Where a directory of units cannot be seen that is
 * not known of an installed one: it is unreadable then (cli->partial).
 */
bool imm_cli_is_nowhere(struct imm_cli *cli, const struct imm_unit *u);
/* Whether any unit is like it; after imm_cli_units() was given it */
bool imm_cli_glob_matches(const struct imm_cli *cli, const char *glob);

/*
 * Units by names and globs over all that are installed ("ssh*", "*.socket"), in order of the
 * arguments, each once. No argument: all loaded (services only unless @all_types). An imm_exit.
 */
int imm_cli_units(struct imm_cli *cli, const char *const *args, size_t n_args, bool all_types,
        struct imm_unit ***ret, size_t *ret_n);

/*
 * The units that a verb is given, by name, path or glob, as often as it is given them; what is to
 * be said of their files is said. @ret_missing: an argument is no unit or like none, which is said
 * too. An imm_exit; imm_cli_named_done() is that of a verb which did its work on them.
 */
int imm_cli_named(struct imm_cli *cli, struct imm_unit ***ret, size_t *ret_n, bool *ret_missing);
int imm_cli_named_done(const struct imm_cli *cli, size_t n, bool missing);
/* One unit by its name: of that one alone JSON makes a document */
bool imm_cli_names_one(const struct imm_cli *cli);

/* Colours by meaning; "" when cli->color is off. Close with imm_cli_plain(). */
enum imm_tone { IMM_TONE_GOOD, IMM_TONE_FAIR, IMM_TONE_BAD, IMM_TONE_FAINT, IMM_TONE_BOLD };
const char *imm_cli_tone(const struct imm_cli *cli, enum imm_tone tone);
const char *imm_cli_plain(const struct imm_cli *cli);

/* Width of the terminal, or 0 when stdout is none. */
unsigned imm_cli_width(void);
