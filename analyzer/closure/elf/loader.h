#pragma once

/* Between the loader's two halves: what is loaded in which order (loader.c), and where a name is
 * found (search.c). */

#include "analyzer/closure/closure-private.h"

struct known_libraries;

/* Directories that are looked into for the libraries of one program: real ones need thousands. */
enum { TRIES_MAX = 200000 };

struct loading {
        struct builder *b;
        const struct ldso *ldso;
        const struct imm_elf *main;
        struct known_libraries *known; /* NULL until asked */
        IMM_ARRAY(struct object) objects;
        struct imm_map by_name; /* names, paths and sonames of objects -> index plus one */
        enum imm_confidence confidence;
        bool ended; /* glibc leaves a list of directories where links go in circles */
        bool secure;
        unsigned tries;           /* directories looked into */
        struct imm_map places[2]; /* directories -> where in them, of the view and the plain root */
        bool soft; /* what is loaded now the program does without: hidden, it is hardly missed */
        struct {
                bool known;
                const struct ldcache *cache;
        } caches[2]; /* as the view and as the plain root have it */
};

struct found {
        struct place place;
        const char *opened, *how;
        const char *reason; /* "needs NAME, found by HOW"; NULL: still to be made */
        bool visible;
};

/*
 * Where ld.so finds @name for the object @loader: in the service's view or, only if it is not
 * there, in the plain root, which tells what the sandbox hides.
 */
bool library_find(struct loading *l, const char *name, size_t loader, struct found *ret);

/* Does the work of load_program() in the builder's own view, for a program with an interpreter. */
void load_here(struct builder *b, int program, const struct place *at);
/* A program that may gain privileges by its mode, and then not be told where it lies */
bool origin_may_not_count(const struct imm_elf *e, const struct node *n);
/* Does it by what is known of the program (known.c); false: that does not hold for this service. */
bool load_known(struct builder *b, int program, const struct place *at);
