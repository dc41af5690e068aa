#pragma once

/* What the files of this room share: facts of files, uses being collected, the tables. */

#include "analyzer/uses/uses.h"

#include <pthread.h>

/* ---- the tables ---- */

struct facility {
        const char *does;
        uint64_t caps;
        const char *calls, *families;
        uint64_t namespaces;
        enum imm_setting switches[4]; /* ended by IMM_SETTING_N */
};
extern const struct facility facilities[IMM_FACILITY_N];

/*
 * How sure a row of a table is that the service does it, and what a refusal does:
 *   MUST    it does, and stops without
 *   DOES    it does, usually; a refusal stops the service, often at its start
 *   PART    it does, usually; it starts without, and the function that is turned on does not work
 *   CALLS   it makes the call but lives with a refusal: being killed for it is what stops it
 *   MAY     it may, by configuration or on some machines: a remark
 */
enum strength { MUST, DOES, PART, CALLS, MAY };

struct symbol {
        const char *name; /* of an imported function */
        enum imm_facility facility;
        const char *calls;
        enum strength strength;
        const char *object;
};
extern const struct symbol symbols[]; /* sorted by name */
extern const size_t n_symbols;

struct script_word { /* of a script's text */
        const char *text;
        enum imm_facility facility;
        enum strength strength;
        const char *calls, *object, *why;
};

struct deed { /* what a line of a script does, mostly to a file */
        enum imm_facility facility;
        const char *path; /* NULL: of no file */
        const char *says; /* what to tell instead of the path */
        bool makes;       /* nothing, where the path is there */
};

/* ---- files (file.c) ---- */

struct file { /* what a program's or library's file says, read once a run */
        const char *path;
        bool known;           /* it could be read */
        bool elf, bits32, go; /* go: makes its system calls by itself */
        bool executable_stack, text_relocations;
        uint64_t mapped, writable; /* as of struct imm_elf */
        bool serves;               /* it listens on the network */
        bool asks_users;           /* it looks users or groups up */
        bool waits;                /* it listens on sockets of whatever kind */
        bool binds;                /* ... or gives them an address */
        bool addresses;    /* it knows functions that make addresses, not only such as print them */
        bool threads;      /* it makes threads */
        bool sessions;     /* it opens sessions of users (PAM), and runs programs in them */
        bool on_request;   /* it works when somebody logs in or asks on the bus */
        bool glib_threads; /* it has threads of GLib's make */
        bool connects;     /* it knows functions for addresses of the network */
        const char *raises_limits; /* of a Go program: the call by which it does so */
        const char *wakes_by;      /* of a Go program: the call for what wakes its poller */
        bool packed;               /* UPX: it unpacks itself into memory and runs it there */
        const char *drops;      /* the function by which it drops groups before it drops the user */
        bool notifies;          /* it knows $NOTIFY_SOCKET */
        bool pipes;             /* a shell's script with pipelines or command substitution */
        bool gives_user;        /* a script that has start-stop-daemon become another user */
        const char *wants_root; /* what it says to who is not root */
        bool mails;             /* a script that runs a mailer or sudo, which have set-id bits */
        bool fetches;           /* a script that runs curl or wget */
        bool pings;             /* it knows the watchdog's messages */
        bool systemd;           /* one of systemd's own: with code in it that all of them share */
        mode_t mode;
        const struct symbol **imports; /* rows of the table that it imports */
        size_t n_imports;
        const struct script_word **words; /* rows of the table that its text has */
        size_t n_words;
        struct deed *deeds; /* of its lines */
        size_t n_deeds;
        struct imm_strv execs;   /* of a script: what it becomes in the end: name, path, $NAME */
        struct imm_strv values;  /* ... and its lines NAME=/path */
        struct imm_strv strings; /* absolute paths in its data, or in a script's text */
        bool searched;           /* for strings */
        uint64_t size;
};

enum file_parts { FILE_STRINGS = 1 << 0 };
/* Never NULL; the strings only where asked for. Shared by all units: nobody changes it. */
const struct file *file_of(struct imm_manager *m, const char *host_path, unsigned parts);

/* becomes.c: lines of a script that say what it becomes */
void find_execs(struct file *f, const char *data, size_t n, struct imm_arena *a);

/* deeds.c: what lines of a script, and commands of the unit, do to files that they name */
void find_deeds(struct file *f, const char *data, size_t n, bool shell, struct imm_arena *a);

/* ---- uses being collected ---- */

struct collector {
        struct imm_manager *m;
        struct imm_settings *s;
        struct imm_unit *u;
        const struct imm_closure *closure;
        struct imm_arena *a;
        struct imm_uses *to;
        struct imm_map seen; /* facility and object: added already */
        enum imm_command_kind kind;
        bool optional;                    /* of a command whose failure is ignored */
        enum imm_confidence least;        /* nothing is surer than the way to the program */
        bool weak;                        /* what is found now is no more than a remark */
        bool partly[IMM_FACILITY_N];      /* the program starts without these, by its rows */
        bool main_partly[IMM_FACILITY_N]; /* of the main one */
        bool reads_logs;                  /* the daemon watches logs of others */
        bool of_row;                      /* what is added now is a row's own word */
        bool noexec;                      /* files that may not be executed are looked for */
        bool notifies, scripts; /* some file of it knows $NOTIFY_SOCKET; is no ELF program */
        bool awaited;           /* Type= waits for a message */
        bool watched, pings;    /* WatchdogSec= is set; some file knows its messages */
        const char *main_elf;   /* the main program, if it is one that can be judged by itself */
        const char *main_path;  /* the program whose configuration is read */
        bool by_socket;         /* sockets are passed in */
        bool after_network;     /* the unit says that it is started after the network */
        const char *whole[2];   /* names of the main program and the unit */
        size_t n_whole;
        struct imm_strv names;    /* what the daemon is called: by program, unit, package */
        struct imm_map read;      /* configuration files that were read */
        bool says_own;            /* its command says a configuration of the unit's own */
        bool names_places;        /* a configuration names places where something is kept */
        bool names_port;          /* ... and the port to listen on */
        bool listens_not;         /* nothing that the unit starts can listen */
        bool by_default;          /* what is added now, the program does if nobody says otherwise */
        uint64_t switched[2];     /* rows of switches.def that a line turns off, on */
        const char *not_keys;     /* of the file that is read: keys that are for others; or NULL */
        struct imm_map not_ports; /* of others, as a file says that names them again and again */
        unsigned n_read;
};

void use_add(struct collector *c, enum imm_facility f, enum strength how, const char *calls,
        const char *object, const char *fmt, ...) __attribute__((format(printf, 6, 7)));

/* commands.c: the command of the unit that a need of its closure is for, and of which setting that
 * is; NULL: of none */
const struct imm_command_item *command_for(
        const struct collector *c, int need, enum imm_setting *ret);
/* ... the one of ExecStart= that runs this very file; NULL: none does */
const struct imm_command_item *main_command_of(const struct collector *c, const struct imm_need *n);
/* What is added from now on is done by that command */
void set_command(struct collector *c, const struct imm_command_item *cmd, bool main_one);
/* The program at the end of the chain that asked for @need, -1: none; not a library */
int program_of(const struct imm_closure *cl, int need);

/* deeds.c */
void use_deeds(struct collector *c, const struct file *f, const char *path);
void put_deed(struct file *f, struct deed d, struct imm_arena *a);
/* ... with a path, if a setting could refuse it */
void add_deed(
        struct file *f, const char *path, size_t n, bool writes, bool makes, struct imm_arena *a);
/* Is it the kernel's own and of no process: "/proc/stat"? */
bool is_of_kernel(const char *path);
/* The length of the path that begins at @s, 0: none does, or it goes on as something else */
size_t path_at(const char *s, const char *end, const char *stops);

/* lines.c: of a shell's line its commands; one command with its words */
void find_commands(struct file *f, const char *line, const char *end, struct imm_arena *a);
void find_command(struct file *f, const struct imm_strv *words, struct imm_arena *a);
void use_commands(struct collector *c);

/* becomes.c: does the script that names the command become it? */
bool is_become(const struct collector *c, const struct imm_need *n);
/* collect.c: a part of a script in a file of its own */
bool is_sourced(const struct imm_need *n);

/* names.c: questions that a file's name alone answers */
#define PROGRAMS(question, ...) bool question(const char *name);
#define LIBRARIES(question, ...) bool question(const char *library);
#include "analyzer/uses/names.def"
#undef PROGRAMS
#undef LIBRARIES

/* unit.c: what the unit's own text says: how it is started and watched, what it is given to work
 * on; when all files were looked at, whether the message that it waits for can come */
void use_unit(struct collector *c);
void use_arguments(struct collector *c);
void use_readiness(struct collector *c);

/* beside.c: what is installed beside the program of that name */
void use_beside(struct collector *c, const char *name, const char *path);

/* programs.c: what is known about the program of that name */
bool name_matches(const char *pattern, const char *name); /* a star may end the pattern */
void use_program(struct collector *c, const char *name, const char *path);
/* Is it known of the program that it only may do this? Then its imports and paths say no more. */
bool program_only_may(const char *path, enum imm_facility f);
bool is_interpreter(const char *name); /* or one program of many names: its imports say nothing */
/* ... or that it lives with a refusal */
bool program_only_calls(const char *path, enum imm_facility f);
bool program_starts_without(const char *path, enum imm_facility f);
/* Marks in @ret what the program of that name starts without */
void program_parts(const char *name, bool *ret);
/* The library of that file name makes code at run time */
const char *library_jit(const char *name, enum strength *ret);
/* Does it give who executes it more rights? By set-id bits or file capabilities */
bool gains(struct collector *c, const struct file *f, const char *host_path);
/* ... capabilities that the unit does not give as well */
bool brings_capabilities(struct collector *c, const char *host_path);
/* paths in a program's data or a script's text */
void use_string(struct collector *c, const char *path, const char *text, bool script);

/* config.c: the configuration of the unit's daemons; @own: the command that runs the program
 * itself, NULL: a script does */
void use_configuration(struct collector *c, const struct file *program, const char *name,
        const struct imm_command_item *own);
/* Is the path below /etc, or the name, called as the daemon is? */
bool is_own(const struct collector *c, const char *path);
/* By its name it is configuration, no data */
bool is_called_configuration(const char *path);

/* ... one file, or a folder with all in it, whoever else reads it */
void read_configuration(struct collector *c, const char *daemon, const char *path);

/* elsewhere.c: configuration of the command that lies where nothing says */
void use_elsewhere(struct collector *c, const char *daemon, const char *command);
/* ... what a link among configuration stands for */
void use_link(struct collector *c, const char *path);

/* ports.c: ports that a file names so often that they are of others */
void find_ports_of_others(struct collector *c, const char *text);
/* ... can anything that the unit starts listen? False of shell scripts whose tools cannot. */
bool may_listen(const struct collector *c, const struct file *program);

/* sections.c: what is said of one folder on several lines */
struct section {
        const char *path, *from;
        bool named; /* it has begun by its name in brackets */
        int written,
                all_written; /* 1: it is; -1: it is not; 0: nobody says so; before any section */
};
void use_section_line(struct collector *c, struct section *s, const char *line, size_t n,
        const char *file, unsigned number);
void use_section_end(struct collector *c, struct section *s);

/* said.c: a command that says another file than those that the program looks for does without them:
 * they count as read */
void leave_defaults(
        struct collector *c, const struct file *program, const struct imm_command_item *cmd);
/* ... and so does what lies beside them; @reason: why the closure has it, NULL: it has not */
bool is_left(const struct collector *c, const char *path, const char *reason);
/* A script that looks for options in /etc/default; systemd does so where the unit says it */
bool reads_environment(const struct file *program);
/* A value that is a place where daemons keep something */
void note_place(struct collector *c, const char *value);
/* A line that turns something off or on */
void note_switch(struct collector *c, const char *daemon, const char *key, const char *value);
/* What is off, and places of which the configuration names others, are remarks */
void take_back(struct collector *c);

/* sizes.c: in bytes, 0: it is none; those that a line or the unit's words let a program fill */
uint64_t memory_size(const char *text);
void use_size(struct collector *c, const char *daemon, const char *key, const char *value,
        const char *from);
/* ... files open at once that a line lets it have */
void use_files(struct collector *c, const char *daemon, const char *key, const char *value,
        const char *from);
void use_heap(struct collector *c, const char *words, const char *from);

/* Is it the path of a local socket that lasts as long as a service? */
bool is_socket(const char *path);
/* value.c: one word that stands for a path or an address */
void use_argument(struct collector *c, const char *option, const char *value, const char *from);
/* Is the path's first name that of the daemon, or that and a number or suffix? */
bool is_called_as(const struct collector *c, const char *path);

/* Who is root already gains nothing by set-id bits, but what he gives up before. */
enum strength gain_of(const struct collector *c);

/* places.c: what Environment= names; what belongs to the main program by name */
void use_environment(struct collector *c);
void use_places(struct collector *c, const struct file *program);
