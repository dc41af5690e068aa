#pragma once

/*
 * Settings from text: a unit in memory, without a root. Lines of [Service] in, values as text out.
 */

#include "analyzer/settings/settings.h"
#include "analyzer/unit/syntax.h"
#include "tests/unit/test.h"

struct bench {
        struct imm_arena *a;
        struct imm_manager m;
        struct imm_unit u;
        struct imm_unit_file files[4];
        const struct imm_unit_file *list[4];
};

static inline struct bench *bench_new(unsigned version, enum imm_scope scope, const char *name) {
        struct imm_arena *a = imm_arena_new();
        struct bench *b = imm_new(a, struct bench);
        const char *dot = strrchr(name, '.'), *at = strchr(name, '@');

        b->a = a;
        b->m = (struct imm_manager){.scope = scope, .version = version, .arena = a};
        b->u = (struct imm_unit){.name = name,
                .prefix = imm_strndup(a, name, (size_t)((at ? at : dot) - name)),
                .instance = at ? imm_strndup(a, at + 1, (size_t)(dot - at - 1)) : NULL,
                .type = imm_unit_name_type(name),
                .fragment = "/etc/systemd/system/x.service",
                .files = b->list,
                .arena = a};
        return b;
}

/* The first file is the fragment, the others are drop-ins. */
static inline void bench_file(struct bench *b, const char *path, const char *text) {
        struct imm_unit_file *f = &b->files[b->u.n_files];
        const struct imm_syntax syntax = {.version = b->m.version};
        size_t n = strlen(text);

        *f = (struct imm_unit_file){
                .kind = b->u.n_files == 0 ? IMM_FILE_FRAGMENT : IMM_FILE_DROPIN, .path = path};
        imm_syntax_parse(&syntax, imm_strndup(b->a, text, n), n, b->a, f);
        b->list[b->u.n_files++] = f;
}

/* The settings of a service that starts /bin/true and has @lines */
static inline struct imm_settings *bench_service(struct bench *b, const char *lines) {
        bench_file(b, "/etc/systemd/system/x.service",
                imm_printf(b->a, "[Service]\nExecStart=/bin/true\n%s\n", lines));
        return imm_settings_of(&b->m, &b->u);
}

static inline const char *bench_text(struct bench *b, const char *setting) {
        enum imm_setting id = imm_setting_by_name(setting);

        assert_int_not_equal(id, IMM_SETTING_N);
        return imm_value_text(id, imm_setting(b->u.settings, id), b->a);
}

static inline const char *bench_origin(struct bench *b, const char *setting) {
        return imm_origin_text(
                &imm_setting(b->u.settings, imm_setting_by_name(setting))->origin, b->a);
}

/* @lines on @version make @setting say @want */
static inline void check(
        unsigned version, const char *lines, const char *setting, const char *want) {
        struct bench *b = bench_new(version, IMM_SCOPE_SYSTEM, "x.service");
        const struct imm_settings *s = bench_service(b, lines);
        const char *text = bench_text(b, setting);

        if (s->load != IMM_LOAD_LOADED || strcmp(text, want) != 0)
                fail_msg("%u: %s: %s is '%s' (%s), not '%s'", version, lines, setting, text,
                        s->load == IMM_LOAD_LOADED ? "loaded" : s->load_message, want);
        imm_arena_free(b->a);
}

static inline void check_load(unsigned version, const char *lines, enum imm_load want) {
        struct bench *b = bench_new(version, IMM_SCOPE_SYSTEM, "x.service");
        const struct imm_settings *s = bench_service(b, lines);

        if (s->load != want)
                fail_msg("%u: %s: load is %d, not %d (%s)", version, lines, s->load, want,
                        s->load_message ? s->load_message : "");
        imm_arena_free(b->a);
}
