#pragma once

/*
 * Names of units: what is one, its parts, and systemd's escaping in them.
 * Source: systemd.unit(5), systemd-escape(1), tests/lab.
 */

#include "analyzer/unit/unit.h"

enum imm_name_kind {
        IMM_NAME_INVALID,
        IMM_NAME_PLAIN,    /* foo.service */
        IMM_NAME_TEMPLATE, /* foo@.service */
        IMM_NAME_INSTANCE, /* foo@bar.service */
};

enum imm_name_kind imm_unit_name_kind(const char *name);
/* "service" -> IMM_UNIT_SERVICE, or IMM_UNIT_TYPE_INVALID */
enum imm_unit_type imm_unit_type_by_name(const char *word);
bool imm_unit_type_may_alias(enum imm_unit_type t);
bool imm_unit_type_may_template(enum imm_unit_type t);

/* The parts of a valid name: "foo", and "bar" (NULL without @, "" for a template) */
const char *imm_unit_name_prefix(const char *name, struct imm_arena *a);
const char *imm_unit_name_instance(const char *name, struct imm_arena *a);
/* "foo@bar.service" -> "foo@.service" */
const char *imm_unit_name_template(const char *name, struct imm_arena *a);
/* "foo@.service" with "bar" -> "foo@bar.service"; NULL if that is no valid name */
const char *imm_unit_name_replace(const char *name, const char *instance, struct imm_arena *a);

/* "a-b\x2dc" -> "a/b-c"; NULL if it is not escaped properly */
const char *imm_unit_name_unescape(const char *text, struct imm_arena *a);
/* The same as an absolute path; NULL if it is none */
const char *imm_unit_name_path(const char *text, struct imm_arena *a);
/* The other way: "a/b-c" -> "a-b\x2dc" */
const char *imm_unit_name_escape(const char *s, struct imm_arena *a);
/* What stands before the suffix of a mount unit's name: "/a-b/c" (normalised) -> "a\x2db-c" */
const char *imm_unit_name_of_path(const char *path, struct imm_arena *a);
