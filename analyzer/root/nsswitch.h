#pragma once

/* nsswitch.conf(5): where glibc looks users, groups, hosts and the like up. */

#include "base/mem.h"

/*
 * What @conf says of a database: "files [!UNAVAIL=return] systemd"; NULL without a line for it,
 * where glibc has a default of its own. The answer lives in @a.
 */
const char *imm_nss_services(const char *conf, const char *database, struct imm_arena *a);

/*
 * The next service of such a text, from *@s on, without the actions in brackets; NULL at its end.
 * The answer lives in @a.
 */
const char *imm_nss_next(const char **s, struct imm_arena *a);
