#pragma once

#include "analyzer/bus/bus.h"

#include <pthread.h>

/* ---- xml.c: a small, bounded reader on expat; no entity and nothing outside the file ---- */

struct imm_xml {
        void (*start)(struct imm_xml *x, const char *element, const char **attributes);
        void (*end)(struct imm_xml *x, const char *element, const char *text);
        void *data;
        unsigned line;       /* of the event */
        const char *problem; /* set by a handler: the file is not taken */
        bool limit;          /* it is not taken by us: others might */
};
/* NULL, or why the file is not taken (in @a), with x->line */
const char *imm_xml_read(struct imm_xml *x, const char *text, size_t size, struct imm_arena *a);
const char *imm_xml_attribute(const char **attributes, const char *name);

/* ---- config.c, decide.c: the policies of the bus ---- */

enum imm_bus_message { IMM_BUS_ANY_MESSAGE, IMM_BUS_METHOD_CALL, IMM_BUS_OTHER_MESSAGE };

struct imm_bus_rule {
        bool allow, receive;
        enum imm_bus_message type;
        const char *peer, *path, *interface, *member; /* NULL: any; peer: destination or sender */
        bool prefix;                                  /* of the destination */
        const char *file;
        unsigned line;
};

enum imm_bus_context {
        IMM_BUS_DEFAULT,
        IMM_BUS_GROUP,
        IMM_BUS_USER,
        IMM_BUS_NOT_AT_CONSOLE,
        IMM_BUS_MANDATORY,
        IMM_BUS_CONTEXT_N,
        IMM_BUS_IGNORED = IMM_BUS_CONTEXT_N, /* of the console's user, or of nobody known */
};

/* One <policy>: for a user or group @id, where the context has one */
struct imm_bus_policy {
        enum imm_bus_context context;
        unsigned id;
        IMM_ARRAY(struct imm_bus_rule) rules;
        /* The <includedir> that it came by, 0: none, and the file there. The bus takes the files of
         * a folder as the kernel lists them: which of two comes later is not known. */
        unsigned folder;
        const char *entry;
};

struct imm_bus_policies {
        struct imm_bus_policy *v;
        size_t n, cap;
};

/* A service that the bus starts on demand */
struct imm_bus_service {
        const char *name, *user, *unit, *file;
};

/* ---- actions.c, script.c, grant.c: polkit ---- */

struct imm_polkit_action {
        const char *id, *allow_any, *file;
        unsigned line;
        struct imm_strv implies;
};

/* What a rule's function may give back */
enum {
        IMM_POLKIT_YES = 1 << 0,
        IMM_POLKIT_NO = 1 << 1,
        IMM_POLKIT_AUTH = 1 << 2,
        IMM_POLKIT_NEXT = 1 << 3,
};

struct imm_js_node;
struct imm_polkit_rule {
        const char *file;
        unsigned line;
        const char *action, *subject; /* the parameters' names */
        const struct imm_js_node *body;
        const struct imm_js_node *constants; /* of the file's own top level, before it */
        bool authority;                      /* it asks the program that reads *.pkla files */
        unsigned otherwise; /* with no body: what it might give back, its code not understood */
};
struct imm_polkit_rules {
        struct imm_polkit_rule *v;
        size_t n, cap;
};
void imm_polkit_script_read(const char *file, const char *text, struct imm_arena *a,
        struct imm_polkit_rules *to, struct imm_map *texts);
/* What @rule gives back for @action asked for by @peer: a set */
unsigned imm_polkit_rule_run(const struct imm_polkit_rule *rule, const struct imm_bus_peer *peer,
        const char *action, struct imm_arena *a);

/* authority.c: a section of a *.pkla file */
struct imm_polkit_entry {
        struct imm_strv identities, actions; /* patterns */
        const char *result;                  /* for who has no session; NULL: it says nothing */
        bool other_results;                  /* it says something for sessions */
        const char *file;
        unsigned line;
};
struct imm_polkit_entries { /* of a folder */
        struct imm_polkit_entry **v;
        size_t n, cap;
};
void imm_polkit_entries_read(struct imm_bus *b, const char *file, const char *text, size_t size,
        struct imm_polkit_entries *to);
void imm_polkit_authority_read(struct imm_bus *b);
/* The section that decides; NULL: none does */
const struct imm_polkit_entry *imm_polkit_authority_says(const struct imm_bus *b,
        const struct imm_bus_peer *peer, const char *action, struct imm_arena *a);

/* ---- the whole ---- */

struct imm_bus_peer {
        uid_t uid;
        gid_t gid;
        gid_t *groups;
        size_t n_groups;
        bool dynamic;
        const char *user;            /* name, or NULL */
        struct imm_strv user_groups; /* as polkit sees them */
        struct imm_map answers;      /* text of a call or action -> struct known_answer (bus.c) */
};

struct imm_bus {
        struct imm_manager *m;
        pthread_mutex_t lock;
        struct imm_arena *arena;
        struct imm_diags diags;
        bool configured;         /* there is a bus */
        bool in_doubt;           /* something of it could not be read: no "no" is certain */
        bool knows_dynamic;      /* users that are made with their services have a name there */
        bool polkit_asks_kernel; /* for a caller's groups, where older ones ask the user database */
        bool has_polkit;
        bool old_polkit; /* before 0.106: *.pkla files instead of rules */
        struct imm_bus_policies policies;
        unsigned n_folders;
        struct imm_map services;      /* name -> struct imm_bus_service */
        struct imm_strv service_dirs; /* those of its own configuration */
        struct imm_map actions;       /* id -> struct imm_polkit_action */
        IMM_ARRAY(const struct imm_polkit_action *) implying;
        struct imm_polkit_rules rules;
        IMM_ARRAY(struct imm_polkit_entries) authority; /* by folder */
        struct imm_map texts; /* that its rules compare with, for their keys */
        struct imm_map peers;
};

void imm_bus_config_read(struct imm_bus *b);
void imm_bus_services_read(struct imm_bus *b);
void imm_polkit_read(struct imm_bus *b);

/* What the bus makes of a message */
struct imm_bus_verdict {
        const struct imm_bus_rule *rule; /* that decides; NULL: none */
        const struct imm_bus_rule
                *rival; /* says the opposite, and may decide as well; NULL: none */
};
struct imm_bus_verdict imm_bus_decide(const struct imm_bus *b, const struct imm_bus_peer *peer,
        const struct imm_bus_call *call, bool receive);
/* Unlocked, never from the cache */
int imm_polkit_decide(struct imm_bus *b, struct imm_bus_peer *peer, const char *action,
        struct imm_arena *a, struct imm_strv *because);
