#pragma once

/* A unit that runs one script, and what it needs by that. */

#include "tests/unit/closure.h"

static struct world *w;

/* What x.service needs, that runs @text; the programs are there, and a file of the same names. */
static inline const struct imm_closure *needs_of(const char *text) {
        static const char *const programs[] = {
                "one", "two", "three", "four", "five", "six", "seven", "never"};

        for (size_t i = 0; i < IMM_ELEMENTSOF(programs); i++) {
                char rel[64];

                assert_true(snprintf(rel, sizeof(rel), "usr/bin/%s", programs[i]) > 0);
                script(rel, "program");
                assert_true(snprintf(rel, sizeof(rel), "usr/share/x/%s", programs[i]) > 0);
                tree_file(rel, "");
        }
        script("usr/bin/x", text);
        service("[Service]\nExecStart=/bin/x\n");
        w = world_new();
        return imm_closure_of(w->m, unit(w, "x.service"));
}

/* It runs the programs @names ("one two"), and never "never". Ends what needs_of() began. */
static inline void runs(const struct imm_closure *c, const char *names) {
        char *list = imm_strdup(w->arena, names), *save = NULL;

        for (char *name = strtok_r(list, " ", &save); name; name = strtok_r(NULL, " ", &save))
                assert_need(c, imm_printf(w->arena, "/usr/bin/%s", name), IMM_LIKELY, 1);
        assert_null(need(c, "/usr/bin/never"));
        world_free(w);
}
