#include "analyzer/uses/uses-private.h"

#include <fnmatch.h>

/* What lies beside a program, by the rows of beside.def: a plug-in brings its own needs. */

static const struct {
        const char *program, *path;
        enum imm_facility facility;
        enum strength strength;
        const char *object, *why;
} rows[] = {
#define BESIDE(program, path, facility, strength, object, why) \
        {program, path, IMM_FACILITY_##facility, strength, object, why},
#include "analyzer/uses/beside.def"
#undef BESIDE
};

/* The first path that the pattern names below @top; NULL: there is none */
static const char *find(struct collector *c, const char *top, const char *rest, unsigned depth) {
        size_t n = strcspn(rest, "/");
        const char *name = imm_strndup(c->a, rest, n), *found = NULL;
        struct imm_dirent *e;
        struct stat st;
        size_t n_entries;

        if (!strpbrk(name, "*?[")) {
                const char *at = imm_printf(c->a, "%s/%s", top, name);

                if (imm_root_stat(c->m->root, at, &st) < 0)
                        return NULL;
                return rest[n] ? find(c, at, rest + n + 1, depth) : at;
        }
        if (depth == 0 || imm_root_list(c->m->root, top, c->a, &e, &n_entries) < 0)
                return NULL;
        for (size_t i = 0; i < n_entries && !found; i++) {
                const char *at = imm_printf(c->a, "%s/%s", top, e[i].name);

                if (fnmatch(name, e[i].name, FNM_PERIOD) == 0)
                        found = rest[n] ? find(c, at, rest + n + 1, depth - 1) : at;
        }
        return found;
}

void use_beside(struct collector *c, const char *name, const char *path) {
        for (size_t i = 0; i < IMM_ELEMENTSOF(rows); i++) {
                const char *at = name_matches(rows[i].program, name)
                                         ? find(c, "", rows[i].path + 1, 2)
                                         : NULL;

                if (at)
                        use_add(c, rows[i].facility, rows[i].strength, NULL, rows[i].object,
                                "%s finds %s: %s", path, at, rows[i].why);
        }
}
