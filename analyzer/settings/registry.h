#pragma once

/*
 * Private to this room: the rows of settings.def as tables, and how a key of a file finds its row.
 */

#include "analyzer/settings/settings.h"

/* Where a setting may stand; the first are groups of sections */
enum imm_setting_group {
        IMM_GROUP_Exec,
        IMM_GROUP_CGroup,
        IMM_GROUP_Kill,
        IMM_GROUP_Service,
        IMM_GROUP_Unit,
        IMM_GROUP_Socket,
        IMM_GROUP_Mount,
        IMM_GROUP_Automount,
        IMM_GROUP_Swap,
        IMM_GROUP_Slice,
        IMM_GROUP_Scope,
        IMM_GROUP_Timer,
        IMM_GROUP_Path,
        IMM_GROUP_Install,
        IMM_GROUP_N,
};

enum imm_setting_flags {
        IMM_SETTING_ADDS = 1 << 0,
        IMM_SETTING_RESETS = 1 << 1,
        IMM_SETTING_FATAL = 1 << 2,
        IMM_SETTING_BOOLEAN_TOO = 1 << 3,
        IMM_SETTING_SYSTEM_ONLY = 1 << 4,
        IMM_SETTING_NEEDS_USERNS = 1 << 5,
};

struct imm_parse;
enum imm_parsed {
        IMM_PARSED_TAKEN,   /* the value counts, wholly or in part */
        IMM_PARSED_RESET,   /* back to the default */
        IMM_PARSED_IGNORED, /* systemd would ignore it; the diagnostic was made */
        IMM_PARSED_FATAL,   /* the unit is refused; the diagnostic was made */
};
typedef enum imm_parsed (*imm_parser)(struct imm_parse *p, const char *value);

struct imm_setting_row {
        struct imm_setting_info info;
        enum imm_setting_group group;
        unsigned flags;
        imm_parser parser;
};
extern const struct imm_setting_row imm_setting_rows[IMM_SETTING_N];

/* A name as files spell it */
struct imm_setting_key {
        const char *name;
        enum imm_setting_group group;
        enum imm_setting id;
        unsigned since, until;
};

/* The section's bits of groups that it may hold; 0 for a section that units of @type do not have.
 */
unsigned imm_section_groups(const char *section, enum imm_unit_type type);
const char *imm_group_section(enum imm_setting_group g); /* "Service" for Exec: where to move it */

/* The key with that name in one of @groups; NULL if there is none, whatever the version. */
const struct imm_setting_key *imm_setting_key(const char *name, unsigned groups);
/* The most similar name in @groups that @version knows; NULL if none is near. */
const char *imm_setting_nearest(const char *name, unsigned groups, unsigned version);

static inline bool imm_setting_key_known(const struct imm_setting_key *k, unsigned version) {
        return version >= k->since && (k->until == 0 || version <= k->until);
}

/* words.c */
#define WORDS(name) extern const char *const imm_words_##name[];
#include "analyzer/settings/words.def"
/* The first systemd that takes @words[@i]; 0: all */
unsigned imm_word_since(const char *const *words, size_t i);

/* defaults.c: what holds where no file says anything; never NULL */
const struct imm_value *imm_setting_default(const struct imm_manager *m, enum imm_unit_type type,
        unsigned version, enum imm_setting id);
