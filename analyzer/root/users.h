#pragma once

/*
 * Users and groups of a root: /etc/passwd, /etc/group, and what sysusers.d would make at boot.
 * The host's own database is never asked (nor NSS): a name that is not there is not known.
 */

#include "analyzer/root/root.h"
#include "base/diag.h"

#include <sys/types.h>

struct imm_user {
        const char *name;
        uid_t uid;
        gid_t gid;
        const char *home, *shell;
        bool from_sysusers; /* not in /etc/passwd: made at boot */
};

struct imm_group {
        const char *name;
        gid_t gid;
        const char **members; /* NULL-terminated */
        bool from_sysusers;
};

struct imm_users;

/*
 * Never fails for odd content; lives in @a. Missing files mean no users but root (systemd's own
 * rule). A file that is there and cannot be read is told in @diags, for then nobody knows who there
 * is.
 */
struct imm_users *imm_users_load(
        const struct imm_root *r, struct imm_arena *a, struct imm_diags *diags);

const struct imm_user *imm_user_by_name(const struct imm_users *u, const char *name);
const struct imm_user *imm_user_by_uid(const struct imm_users *u, uid_t uid);
const struct imm_group *imm_group_by_name(const struct imm_users *u, const char *name);
const struct imm_group *imm_group_by_gid(const struct imm_users *u, gid_t gid);

/*
 * Why there may be a user (or @group) of that name although it was not found: a file that cannot be
 * read, a service of nsswitch.conf(5) that is not looked into, a record of its own in userdb/ (see
 * nss-systemd(8)). NULL: there is none for certain. The answer lives in @a.
 */
const char *imm_users_doubt(
        const struct imm_users *u, const char *name, bool group, struct imm_arena *a);

/*
 * Is nobody (65534) who systemd says, whatever the files have? So it is unless
 * /etc/systemd/dont-synthesize-nobody is there (systemd's user-util.c).
 */
bool imm_users_nobody_is_fixed(const struct imm_users *u);

/* All in order of the files, for questions over users ("the lowest regular uid") and memberships.
 */
const struct imm_user *imm_users_all(const struct imm_users *u, size_t *ret_n);
const struct imm_group *imm_groups_all(const struct imm_users *u, size_t *ret_n);
