#include "analyzer/uses/uses-private.h"

#include <assert.h>
#include <fnmatch.h>

/*
 * What a command and a configuration say in place of what the program does by itself: another file
 * than the one that it looks for, other places than those that it was built with, and that a part
 * of it is off.
 */

/* "-c FILE", "--config=FILE", or the first word of all */
static const char *said(const struct imm_command_item *cmd, size_t k) {
        static const char *const options[] = {"-c", "-f", "-C", "-conf", "-config", "--conf",
                "--config", "--conf-file", "--config-file", "--configfile", "--configuration"};
        const char *word = cmd->argv.v[k], *before = k > 1 ? cmd->argv.v[k - 1] : "",
                   *equals = *word == '-' ? strchr(word, '=') : NULL;

        if (*word == '/' && k == 1)
                return word;
        for (size_t i = 0; i < IMM_ELEMENTSOF(options); i++) {
                if (*word == '/' && imm_streq(before, options[i]))
                        return word;
                if (equals && strlen(options[i]) == (size_t)(equals - word) &&
                        imm_after(word, options[i]))
                        return equals + 1;
        }
        return NULL;
}

/* Where the program looks for its configuration if nobody says where it is */
static void find_defaults(struct collector *c, const struct file *program, struct imm_strv *ret) {
        for (size_t i = 0; i < program->strings.n; i++) {
                const char *rest = imm_after(program->strings.v[i], "/etc/");

                if (rest && is_own(c, rest) && is_called_configuration(rest))
                        imm_strv_add(c->a, ret, program->strings.v[i]);
        }
        for (size_t i = 0; i < c->names.n; i++) {
                imm_strv_add(c->a, ret, imm_printf(c->a, "/etc/%s.conf", c->names.v[i]));
                imm_strv_add(c->a, ret,
                        imm_printf(c->a, "/etc/%s/%s.conf", c->names.v[i], c->names.v[i]));
        }
}

void leave_defaults(
        struct collector *c, const struct file *program, const struct imm_command_item *cmd) {
        struct imm_strv defaults = {0};
        bool replaced = false, packed = false;
        const char *real;
        struct stat st;

        if (!program->elf || is_interpreter(imm_base_name(program->path)))
                return;
        find_defaults(c, program, &defaults);
        for (size_t k = 1; k < cmd->argv.n; k++) {
                const char *path = said(cmd, k);

                if (!path || !is_called_configuration(path) ||
                        imm_root_stat(c->m->root, path, &st) < 0 || !S_ISREG(st.st_mode))
                        continue;
                if (imm_strv_has(&defaults, path))
                        return;
                replaced = true;
                packed |= imm_package_of(imm_closures_of(c->m), path) != NULL;
        }
        /* a file that came with a package may be the one that the program looks for as well */
        c->says_own = replaced && !packed;
        for (size_t i = 0; replaced && i < defaults.n; i++)
                if (imm_root_realpath(c->m->root, defaults.v[i], c->a, &real) == 0)
                        imm_map_put(c->a, &c->read, real, c);
}

bool is_left(const struct collector *c, const char *path, const char *reason) {
        const char *rest = imm_after(path, "/etc/");

        return c->says_own && rest && is_own(c, rest) &&
               !(reason && (imm_streq(reason, "named in the command's arguments") ||
                                   imm_after(reason, "EnvironmentFile=")));
}

bool reads_environment(const struct file *program) {
        for (size_t i = 0; !program->elf && i < program->strings.n; i++)
                if (imm_after(program->strings.v[i], "/etc/default/"))
                        return true;
        return false;
}

/* ---- places ---- */

static bool is_kept(const struct imm_use *u) {
        return u->facility == IMM_FACILITY_WRITE || u->facility == IMM_FACILITY_UNIX_SOCKET;
}

void note_place(struct collector *c, const char *value) {
        static const char *const tops[] = {"/var/", "/run/", "/srv/", "/opt/", "/tmp/", "/home/"};
        const char *path = strchr(value, '/'); /* "unix:/run/app/socket" */

        for (size_t i = 0; path && i < IMM_ELEMENTSOF(tops); i++)
                c->names_places |= imm_after(path, tops[i]) != NULL;
}

/* ---- what is off ---- */

enum { OFF, ON };

static const struct {
        const char *daemon, *key;
        enum imm_facility facility;
        const char *below; /* of uses of paths: of those there */
} switches[] = {
#define SWITCH(daemon, key, facility, below) {daemon, key, IMM_FACILITY_##facility, below},
#include "analyzer/uses/switches.def"
#undef SWITCH
};

/* It says a place that is not the one that is meant if nobody says any */
static bool is_moved(size_t row, const char *value) {
        return *value == '/' && switches[row].below && !imm_path_below(value, switches[row].below);
}

void note_switch(struct collector *c, const char *daemon, const char *key, const char *value) {
        static const char *const words[][6] = {
                [OFF] = {"no", "off", "false", "0", "none", "never"},
                [ON] = {"yes", "on", "true", "1", "always", "auto"},
        };

        for (size_t i = 0; i < IMM_ELEMENTSOF(switches); i++) {
                if (strcasecmp(switches[i].key, key) != 0 ||
                        fnmatch(switches[i].daemon, daemon, FNM_NOESCAPE) != 0)
                        continue;
                if (is_moved(i, value))
                        c->switched[OFF] |= UINT64_C(1) << i;
                for (size_t w = OFF; w <= ON; w++)
                        for (size_t k = 0; k < IMM_ELEMENTSOF(words[w]); k++)
                                if (strcasecmp(words[w][k], value) == 0)
                                        c->switched[w] |= UINT64_C(1) << i;
        }
}

static bool is_off(const struct collector *c, const struct imm_use *u) {
        static_assert(IMM_ELEMENTSOF(switches) <= 64, "a bit of collector.switched each");

        for (size_t i = 0; i < IMM_ELEMENTSOF(switches); i++) {
                uint64_t bit = UINT64_C(1) << i;

                if ((c->switched[OFF] & bit) && !(c->switched[ON] & bit) &&
                        u->facility == switches[i].facility &&
                        (!switches[i].below ||
                                (u->object && imm_path_below(u->object, switches[i].below))))
                        return true;
        }
        return false;
}

void take_back(struct collector *c) {
        for (size_t i = 0; i < c->to->n; i++) {
                struct imm_use *u = &c->to->v[i];

                if (is_off(c, u) ||
                        (u->by_default && u->facility == IMM_FACILITY_PORT && c->names_port) ||
                        (u->by_default && is_kept(u) && c->says_own && c->names_places))
                        u->remark = true;
        }
}
