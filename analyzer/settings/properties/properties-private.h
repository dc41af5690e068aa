#pragma once

/*
 * Private to properties*.c: a property is a row of properties.def, its value is written by one
 * format function. A format writes whole lines ("KEY=VALUE\n"): most one, lists of structures one
 * for each item, none for an empty one, as systemctl does.
 */

#include "analyzer/settings/settings.h"

enum imm_property_group {
        IMM_PROPERTIES_Unit,
        IMM_PROPERTIES_Exec,
        IMM_PROPERTIES_CGroup,
        IMM_PROPERTIES_Kill,
        IMM_PROPERTIES_Service,
        IMM_PROPERTIES_Socket,
        IMM_PROPERTIES_Mount,
        IMM_PROPERTIES_Swap,
        IMM_PROPERTIES_Automount,
        IMM_PROPERTIES_Timer,
        IMM_PROPERTIES_Path,
        IMM_PROPERTIES_Scope,
        IMM_PROPERTIES_Device,
};

struct imm_property;

/* What a format function works on */
struct imm_show {
        struct imm_settings *s;
        const struct imm_property *p;
        const struct imm_value *v; /* of the row's setting; NULL where the row names none */
        FILE *f;
};
/* 0, or -ENODATA: cannot be known from files (nothing was written then) */
typedef int (*imm_show_fn)(struct imm_show *w);

struct imm_property {
        const char *name;
        enum imm_property_group group;
        unsigned since, until;
        imm_show_fn format;
        enum imm_setting setting;
        const char *text; /* of the format "fixed" */
};

#define PROPERTY(group, name, since, until, format, ...) int imm_show_##format(struct imm_show *w);
#include "analyzer/settings/properties/properties.def"

/* "KEY=" and what the format says */
int imm_show_line(struct imm_show *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A string property: one with a line break cannot be printed */
int imm_show_text(struct imm_show *w, const char *text);
/* Words, each quoted where a shell would need it; @sorted: systemd has them in hash order */
int imm_show_words(struct imm_show *w, const char *const *words, size_t n, bool sorted);
/* systemd's time spans: "1min 30s" */
void imm_show_span(FILE *f, uint64_t usec);

static inline const struct imm_value *imm_show_get(const struct imm_show *w, enum imm_setting id) {
        return imm_setting(w->s, id);
}
