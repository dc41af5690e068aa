#pragma once

/*
 * Which namespaces a unit's settings call for, before anything is looked at: the same questions for
 * the identity, the plan and the steps between. Sources: systemd.exec(5), "Sandboxing"; tests/lab.
 */

#include "analyzer/settings/settings.h"

/* A network or IPC namespace, of its own or by a path */
bool imm_needs_network(const struct imm_settings *s);
bool imm_needs_ipc(const struct imm_settings *s);
/* Is the root another than the host's? */
bool imm_needs_root(const struct imm_settings *s);
/* /proc, /sys, /dev and /run are mounted in it */
bool imm_needs_api(const struct imm_settings *s);
/* The journal's sockets are bound into it */
bool imm_needs_log_sockets(const struct imm_settings *s);
/* A mount namespace. @tmp: is there something for PrivateTmp= to mount? */
bool imm_needs_mounts(const struct imm_settings *s, bool tmp);
/* What a user manager cannot give without a user namespace, that is asked for or implied */
bool imm_needs_users(const struct imm_settings *s);

/*
 * Does the device policy leave the right ('r', 'w' or 'm') to one of the devices that every service
 * has, /dev/null and the like? Only the strict one does not by itself. @numbers: "1:3"
 */
bool imm_device_allowed(
        const struct imm_settings *s, const char *path, const char *numbers, char right);
