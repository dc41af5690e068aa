#pragma once

/*
 * The system bus: which calls to privileged services a process may make, by the root's own files.
 *
 * Two gates stand before a privileged method. The bus itself passes a message on or not, by the
 * policies of dbus-daemon(1). The service behind it asks polkit(8), which grants it to root, by a
 * rule, or by what the action allows "any" caller; a service has no login session, and nobody who
 * could type a password for it. Sources: those manuals, and tests/lab/escapes.
 *
 * Whether the socket can be reached at all is the sandbox's business, not asked here.
 */

#include "analyzer/unit/unit.h"

struct imm_bus;

/* Read on the first call, kept in the manager; threads may ask at the same time. */
struct imm_bus *imm_bus_of(struct imm_manager *m);
/* Odd files: those that the bus or polkit skip, with the reason */
const struct imm_diags *imm_bus_diags(const struct imm_bus *b);

/*
 * A process as the bus and polkit see it. Equal ones are one; it lives as long as the bus. @user:
 * the name of a user that is made with the service, NULL for those of the root's own files.
 */
struct imm_bus_peer;
struct imm_bus_peer *imm_bus_peer_of(struct imm_bus *b, uid_t uid, gid_t gid, const gid_t *groups,
        size_t n_groups, const char *user);

/*
 * A call, written NAME:INTERFACE.MEMBER[:ACTION]. A part that begins with a dot continues the name:
 * "org.freedesktop.systemd1:.Manager.Reload:.reload-daemon". ACTION is what the service asks polkit
 * for; without one the bus alone decides.
 */
struct imm_bus_call {
        const char *name, *path, *interface, *member, *action;
};
/* Strings in @a; false for what is none */
bool imm_bus_call_parse(const char *text, struct imm_arena *a, struct imm_bus_call *ret);

/*
 * Would it be done for @peer without anybody typing a password? 1, 0, -1: cannot be known (a rule
 * whose code is not understood). @because, in @a: one line for each gate, with file and line; NULL
 * for a quick answer.
 */
int imm_bus_may_call(struct imm_bus *b, struct imm_bus_peer *peer, const char *call,
        struct imm_arena *a, struct imm_strv *because);

/* The same for polkit alone, for services that ask it about callers of their own sockets */
int imm_polkit_grants(struct imm_bus *b, struct imm_bus_peer *peer, const char *action,
        struct imm_arena *a, struct imm_strv *because);
