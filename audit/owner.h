#pragma once

/*
 * Whose line a finding points to, so that "fix it upstream" and "override it here" are told apart.
 *
 * A finding holds it as one line, "KIND[ PACKAGE[ VERSION]]" ("package nginx 1.22.1-9",
 * "administrator"); analyzer/closure/closure.h has the kinds. Lines of a package, of /usr and of
 * generators come back with the next update or boot: there the administrator's way is a drop-in.
 */

#include "audit/snapshot.h"

/* The drop-in that would override the line; NULL where it can be changed where it stands. */
const char *imm_owner_override(
        const struct imm_state *s, const struct imm_state_finding *f, struct imm_arena *a);
/* For people: the owner, and where to override it. NULL without an owner. */
const char *imm_owner_line(
        const struct imm_state *s, const struct imm_state_finding *f, struct imm_arena *a);
/* The owner of the unit's own file, as far as package or findings tell it; or NULL */
const char *imm_state_owner(const struct imm_state *s);
/* The member "owner": {"kind", "package", "version", "override"}, or null */
void imm_owner_json(
        const struct imm_state *s, const struct imm_state_finding *f, struct imm_json *j);
