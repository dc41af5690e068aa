#pragma once

/*
 * JoinsNamespaceOf=: whose /tmp, network and IPC namespace a unit gets. The first of the units that
 * share makes what its own settings call for, and nothing is added for those that come later: who
 * asks for PrivateTmp= and joins a unit that made but a network has the host's /tmp.
 *
 * From 254 on the relation is mutual and reaches as far as it leads; before, a unit looks at those
 * that it names, and at nobody else. Sources: systemd.unit(5), tests/lab.
 */

#include "analyzer/settings/settings.h"

struct imm_joined {
        const char *maker; /* the unit whose it is; the unit's own name where it shares nothing */
        bool own;          /* it is the unit's own */
        bool tmp, net;     /* what the maker made; where it is the unit's own: as it says */
        const char *net_path; /* the maker's NetworkNamespacePath= */
        const char *unsure;   /* what this hangs on, for `assumes`; NULL if it is certain */
};

/* Into @a. All units may have to be read for it, once, unless @m->alone. */
void imm_joined_of(struct imm_manager *m, const struct imm_settings *s, struct imm_arena *a,
        struct imm_joined *ret);
