#include "analyzer/uses/uses-private.h"

#include <fnmatch.h>
#include <linux/capability.h>
#include <sched.h>

/* The tables of what is known: facilities, programs, libraries, texts. */

#define CAP(name) (UINT64_C(1) << CAP_##name)
#define SWITCHES_(a, b, c, d, ...) \
        { IMM_SETTING_##a, IMM_SETTING_##b, IMM_SETTING_##c, IMM_SETTING_##d }
#define IMM_SETTING_END IMM_SETTING_N
#define SWITCHES(...) SWITCHES_(__VA_ARGS__ __VA_OPT__(, ) END, END, END, END, END)
const struct facility facilities[IMM_FACILITY_N] = {
#define FACILITY(id, does_, caps_, calls_, families_, namespaces_, ...) \
        [IMM_FACILITY_##id] = {.does = does_, \
                .caps = caps_, \
                .calls = calls_, \
                .families = families_, \
                .namespaces = namespaces_, \
                .switches = SWITCHES(__VA_ARGS__)},
#include "analyzer/uses/facilities.def"
#undef FACILITY
};

static const struct {
        const char *name;
        enum imm_facility facility;
        enum strength strength;
        const char *object, *why;
} programs[] = {
#define PROGRAM(name, facility, strength, object, why) \
        {name, IMM_FACILITY_##facility, strength, object, why},
#include "analyzer/uses/programs.def"
#undef PROGRAM
};

static const struct {
        const char *prefix;
        enum imm_facility facility;
        enum strength strength;
} texts[] = {
#define TEXT(prefix, facility, strength) {prefix, IMM_FACILITY_##facility, strength},
#include "analyzer/uses/texts.def"
#undef TEXT
};

/* ---- programs ---- */

bool name_matches(const char *pattern, const char *name) {
        size_t n = strlen(pattern);

        if (pattern[n - 1] != '*')
                return imm_streq(pattern, name);
        return strncmp(pattern, name, n - 1) == 0;
}

void use_program(struct collector *c, const char *name, const char *path) {
        c->of_row = true;
        use_beside(c, name, path);
        for (size_t i = 0; i < IMM_ELEMENTSOF(programs); i++)
                if (name_matches(programs[i].name, name)) {
                        c->by_default = programs[i].strength != MUST;
                        use_add(c, programs[i].facility, programs[i].strength, NULL,
                                programs[i].object, "%s: %s", path, programs[i].why);
                }
        c->of_row = c->by_default = false;
}

void program_parts(const char *name, bool *ret) {
        for (size_t i = 0; i < IMM_ELEMENTSOF(programs); i++)
                if (programs[i].strength == PART && name_matches(programs[i].name, name))
                        ret[programs[i].facility] = true;
}

bool gains(struct collector *c, const struct file *f, const char *host_path) {
        return (f->mode & S_ISUID) || ((f->mode & S_ISGID) && (f->mode & S_IXGRP)) ||
               imm_file_caps_of(c->m, host_path);
}

bool brings_capabilities(struct collector *c, const char *host_path) {
        const struct imm_file_caps *caps = imm_file_caps_of(c->m, host_path);

        return caps &&
               (caps->permitted & ~imm_setting_number(c->s, IMM_SETTING_AMBIENT_CAPABILITIES));
}

static bool has_row(const char *path, enum imm_facility f, enum strength strength) {
        const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

        for (size_t i = 0; i < IMM_ELEMENTSOF(programs); i++)
                if (programs[i].facility == f && programs[i].strength == strength &&
                        name_matches(programs[i].name, name))
                        return true;
        return false;
}

bool program_starts_without(const char *path, enum imm_facility f) {
        return has_row(path, f, PART);
}

bool program_only_calls(const char *path, enum imm_facility f) {
        return has_row(path, f, CALLS);
}

bool program_only_may(const char *path, enum imm_facility f) {
        const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
        bool may = false;

        for (size_t i = 0; i < IMM_ELEMENTSOF(programs); i++)
                if (programs[i].facility == f && name_matches(programs[i].name, name)) {
                        if (programs[i].strength != MAY)
                                return false;
                        may = true;
                }
        return may;
}

bool is_interpreter(const char *name) {
        static const char *const names[] = {"sh", "bash", "dash", "ksh*", "zsh*", "busybox",
                "toybox", "python*", "perl*", "ruby*", "php", "php5*", "php7*", "php8*", "node",
                "nodejs", "java", "lua*", "tclsh*", "wish*", "gjs*", "guile*", "mono*", "erl*",
                "beam*", "R", "awk", "gawk", "mawk", "env", "coreutils", "socat", "sbcl", "pypy*",
                "julia", "racket", "ocaml*", "gdb", "qemu-system-*", "systemd", "systemd-executor",
                "udevadm"};

        for (size_t i = 0; i < IMM_ELEMENTSOF(names); i++)
                if (name_matches(names[i], name))
                        return true;
        return false;
}

const char *library_jit(const char *name, enum strength *ret) {
        static const struct {
                const char *prefix;
                enum strength strength;
                const char *why;
        } rows[] = {
                {"libmozjs-", DOES, "SpiderMonkey compiles JavaScript when it runs"},
                {"libnode.so", MUST, "V8 compiles JavaScript when it runs"},
                {"libv8", DOES, "V8 compiles JavaScript when it runs"},
                {"libjavascriptcoregtk", DOES, "JavaScriptCore compiles when it runs"},
                {"libluajit-5.1", PART, "LuaJIT makes its code executable after writing it"},
                {"libmonosgen-", MUST, "Mono compiles when it runs"},
                {"libmonoboehm-", MUST, "Mono compiles when it runs"},
                {"libjvm.so", MUST, "HotSpot reserves writable and executable memory"},
                {"libcoreclr", DOES, ".NET compiles when it runs"},
                {"libpypy", DOES, "PyPy compiles when it runs"},
                {"libLLVM", MAY, "LLVM may compile when it runs"},
                {"libgccjit", MAY, "libgccjit compiles when it runs"},
                {"libguile-3.", DOES, "Guile compiles when it runs, and ends if it cannot"},
                {"libguile-", MAY, "Guile compiles when it runs, if it can"},
        };

        for (size_t i = 0; i < IMM_ELEMENTSOF(rows); i++)
                if (imm_after(name, rows[i].prefix)) {
                        *ret = rows[i].strength;
                        return rows[i].why;
                }
        return NULL;
}

/* ---- texts ---- */

void use_string(struct collector *c, const char *path, const char *text, bool script) {
        for (size_t i = 0; i < IMM_ELEMENTSOF(texts); i++) {
                if (!imm_after(text, texts[i].prefix))
                        continue;
                script |= program_only_may(path, texts[i].facility);
                use_add(c, texts[i].facility,
                        script && texts[i].facility != IMM_FACILITY_JIT ? MAY : texts[i].strength,
                        NULL, text, "%s has the path %s", path, text);
                return;
        }
}
