#pragma once

/* What the files that compare uses with settings share. */

#include "analyzer/uses/uses-private.h"

#include <linux/capability.h>

#define CAP_BIT(name) (UINT64_C(1) << CAP_##name)

struct judge {
        struct imm_manager *m;
        struct imm_settings *s;
        const struct imm_sandbox *sb;
        struct imm_arena *a;
        struct imm_denials *to;
        const struct imm_uses *uses;
};

/* The use is refused by @setting; @how ends a sentence: "denies keyctl", "is read-only". */
void deny(struct judge *j, const struct imm_use *u, enum imm_setting setting,
        const struct imm_origin *origin, const char *fmt, ...)
        __attribute__((format(printf, 5, 6)));
/* The same, and the service goes on without */
void mention(struct judge *j, const struct imm_use *u, enum imm_setting setting,
        const struct imm_origin *origin, const char *fmt, ...)
        __attribute__((format(printf, 5, 6)));

/* Either; @allow: what a further line of the setting would have to name */
void refuse(struct judge *j, const struct imm_use *u, enum imm_setting setting,
        const struct imm_origin *origin, bool remark, const char *allow, const char *fmt, ...)
        __attribute__((format(printf, 7, 8)));

/* Who the command of that use is */
const struct imm_identity *identity_of(const struct judge *j, const struct imm_use *u);
bool switch_is_on(const struct judge *j, enum imm_setting id);

/* denials-capabilities.c: what a use cannot do without */
void deny_capabilities(struct judge *j, const struct imm_use *u);

/* "CAP_KILL" of "cap_kill" */
const char *written_names(const char *names, struct imm_arena *a);

/* denials-limits.c: limits that are too small */
void deny_memory_limit(struct judge *j, const struct imm_use *u);
void deny_task_limits(struct judge *j, const struct imm_use *u);
void deny_address_limit(struct judge *j, const struct imm_use *u);
void deny_memory_size(struct judge *j, const struct imm_use *u);
void deny_file_limit(struct judge *j, const struct imm_use *u);
void deny_realtime(struct judge *j, const struct imm_use *u);
void deny_file_size(struct judge *j, const struct imm_use *u);

/* denials-network.c: address families; addresses and ports */
void deny_families(struct judge *j, const struct imm_use *u);
void deny_network(struct judge *j, const struct imm_use *u);

/* denials-files.c: uses with an object that is a path */
void deny_path(struct judge *j, const struct imm_use *u);

/* denials-unit.c: settings of the unit against each other, and against its program's file */
void deny_by_unit(struct judge *j);

/* denials-capabilities.c: a user that a drop-in gives to a program that says it is for root */
void deny_user(struct judge *j, const struct imm_use *u);

/* denials-package.c: files of the main program's package that a mount hides */
void deny_package(struct judge *j);
/* Is the line of an installed package? Who packs it knows, and has tried it. */
bool is_packed(const struct imm_origin *o);
/* Do the package's own files take the capability away? They were tried before they were packed. */
bool is_packed_without(const struct judge *j, uint64_t cap);
