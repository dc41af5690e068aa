#pragma once

/*
 * What is evidently a secret in the texts of a unit, replaced by "(redacted)".
 *
 * Reports and the history go to more readers than a unit's own file has. Values of Environment= and
 * of credentials are secrets by themselves; a command line is what an audit is about, so of it only
 * what says itself that it is a secret goes: the value of a name like --password= or API_TOKEN=,
 * the password in a URL, what follows "Authorization:", variables given to env, the password
 * options of some well-known programs, and tokens whose form is known. Switches (--auth-token=no),
 * references
 * ($TOKEN, %d/token, --password-file=/etc/x) and plain paths are none. docs/history.md has the list
 * for people.
 *
 * Each takes what it gave before as it is, and returns its argument when nothing is secret.
 */

#include "base/mem.h"

#include <stdbool.h>

/* Command lines, as in the value of ExecStart=. In @a or @s itself. */
const char *imm_redact_command(struct imm_arena *a, const char *s);
/* Any other text (a sentence of a finding, Options=): assignments and URLs alone */
const char *imm_redact_text(struct imm_arena *a, const char *s);
/* Assignments as in Environment=: the names stay */
const char *imm_redact_assignments(struct imm_arena *a, const char *s);
