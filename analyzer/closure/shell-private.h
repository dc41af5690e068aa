#pragma once

/* What the files that read shell scripts share. */

#include "analyzer/closure/closure-private.h"

/* What is known of the variables of one shell, and of the files that it reads with `.` */
struct shell_values {
        int by;                 /* the file that is being read */
        const char *script;     /* $0; NULL: unknown */
        const char *file;       /* ${BASH_SOURCE[0]}; likewise */
        const char *cwd;        /* where `cd` has led; NULL: unknown */
        struct imm_map values;  /* name -> what it may be */
        struct imm_map sourced; /* files that were read in it */
        struct imm_map functions;
        struct imm_map ran; /* commands that were looked for in the PATH as it is */
};

/* Before a parameter in a word, whether it stood in quotes; between the words that a value is; for
 * a dollar sign that is one; for what a parameter is that nobody knows */
enum { SHELL_BARE = 1, SHELL_QUOTED, SHELL_SPLIT, SHELL_DOLLAR, SHELL_UNKNOWN };
enum { SHELL_WORDS_MAX = 16 };

/* The length of a parameter that can be understood at @s, a '$' or '`'; 0: there is none */
size_t shell_parameter(const char *s);
/* Does the value have no SHELL_UNKNOWN in it? */
bool shell_is_known(const char *text);

/* Substitutions whose output can be told (shell-outputs.c) */
enum shell_gives { SHELL_SAME, SHELL_REAL, SHELL_DIRECTORY, SHELL_NAME, SHELL_PROGRAM };
struct shell_output {
        const char *argument; /* of @n bytes, with its quotes and parameters */
        size_t n;
        enum shell_gives gives; /* which part of the argument */
};
/* The length of the "$(...)" or "`...`" at @s; 0: it is another */
size_t shell_output(const char *s, unsigned depth, struct shell_output *ret);
/* The commands of a parameter of @n bytes, which may be the output of some */
void shell_runs(struct builder *b, const char *s, size_t n, int by);
/* @perhaps: in a branch; what it was before may hold as well */
void shell_set(struct builder *b, struct shell_values *to, const char *name, const char *text,
        bool perhaps);
void shell_forget(struct builder *b, struct shell_values *to, const char *name);
/* What a variable is, to be so again: `NAME=VALUE command` sets it for that command alone */
struct shell_saved {
        const char *name;
        struct value *value; /* NULL: it was not set */
        struct command_path path;
        const char *library_path, *preload;
};
struct shell_saved shell_save(struct builder *b, const struct shell_values *from, const char *name);
void shell_restore(struct builder *b, struct shell_values *to, const struct shell_saved *saved);
/* All that a word with marked parameters may be, each perhaps with SHELL_UNKNOWN in it; 0: it is
 * not known at all */
unsigned shell_expand(struct builder *b, struct shell_values *from, const char *text,
        const char **ret, unsigned max);

/* The files that patterns among the @n words at @v mean, of which there is room for @max, instead
 * of them. Returns how many words there are then (shell-globs.c). */
unsigned shell_globs(struct builder *b, const char **v, unsigned n, unsigned max, int by);

/* What a command does with its arguments (shell-wrappers.c) */
struct shell_wrapper {
        const char *name;
        const char *takes;  /* letters of options whose value is the next word */
        const char *longs;  /* long ones likewise, each with a space behind it */
        unsigned operands;  /* so many words stand before the command */
        const char *starts; /* or one of these options; NULL: none */
};
/* NULL: it runs no other command */
const struct shell_wrapper *shell_wrapper(const char *name);
/* Is the word behind the option @word its value? */
bool shell_takes_next(const struct shell_wrapper *w, const char *word);
/* Does it only look for the command, with the option @word? */
bool shell_looks_only(const struct shell_wrapper *w, const char *word);
/* Does the command follow the option @word, where such a one @w has? */
bool shell_starts(const struct shell_wrapper *w, const char *word);
/* Which of the command's words is the program that it runs; as many as there are: none */
size_t shell_wrapped(const struct shell_wrapper *w, const struct imm_strv *argv);

/* ---- a script being read (shell.c) ---- */

/* A "(", a "$(" or a "`" that is open */
struct shell_open {
        bool tick;
        bool quoted;     /* within double quotes, which go on behind it */
        bool command;    /* a command's name follows behind it: it is the value of an assignment */
        const char *cwd; /* behind it again */
};
/* A here-document that begins on the next line */
struct here {
        const char *end;
        bool tabs; /* before its end are taken off: <<- */
};
enum { SHELL_SAVED_MAX = 8, SHELL_OPEN_MAX = 64, HERE_MAX = 8, LOST_HERES_MAX = 8 };

struct shell {
        struct builder *b;
        const char *s;
        char *word; /* room for the longest there can be */
        int by;
        struct shell_values *values;
        struct shell_open open[SHELL_OPEN_MAX];
        unsigned n_open;
        bool quoted;      /* the next word begins within double quotes */
        bool continues;   /* the next word is the rest of one with a substitution in it */
        bool command;     /* the next word is a command's name */
        bool sourced;     /* the command is `.`: its argument is a script */
        bool target;      /* behind `<` or `>` */
        bool lines;       /* the word just read has several */
        bool shell;       /* the command is, or runs, a shell */
        bool script;      /* behind its -c */
        bool evaluates;   /* behind `eval` or `trap`: a script for this very shell */
        bool enters;      /* the command is cd, */
        const char *from; /* before which this was the working directory */
        bool defines;     /* the command is `function`: behind its name stands another */
        bool parts;       /* the command is run-parts */
        bool lists;       /* with --list */
        bool subject;     /* behind `case`, before `in` */
        bool assigned;    /* within NAME=VALUE, which is no command's name */
        bool marked;      /* the word has parameters, each with a mark before it */
        bool globs;       /* it has a pattern outside of quotes */
        bool perhaps;     /* behind `&&` or `||` */
        struct shell_saved saved[SHELL_SAVED_MAX]; /* set before the command's name */
        unsigned n_saved;
        bool prefixed;   /* the command has come: they hold for it alone */
        bool ended;      /* the command, and with it what holds for it alone */
        bool declares;   /* the command sets variables: export NAME=VALUE */
        bool forgets;    /* the command gives them a value of its own: read NAME */
        unsigned nested; /* branches, loops and functions that are open */
        unsigned cases;  /* that are open */
        enum { NO_LOOP, LOOP_NAME, LOOP_IN, LOOP_WORDS } loop; /* for NAME in WORDS */
        const char *loop_name;
        const struct shell_wrapper *wrapper; /* the command runs another, which comes */
        unsigned operands;                   /* behind so many words */
        bool takes;                          /* and behind the value of an option */
        struct here here[HERE_MAX];
        unsigned n_here, lost_heres;
        const char *next[2]; /* the next ' and ", where they were looked for; "" if there is none */
};

/*
 * Reads a word; its quotes are taken off. *ret_plain: it is known but for its parameters.
 */
const char *shell_word(struct shell *sh, bool *ret_plain);
/* Puts dollar signs where they were meant as such. */
void shell_literal(char *word);
/* What stands between words; false: a word is next */
bool shell_between(struct shell *sh);
/* At `case WORD in` and behind `;;`: patterns */
void shell_pattern(struct shell *sh);
