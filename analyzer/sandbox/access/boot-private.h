#pragma once

/* tmpfiles.d, inside: boot.c reads the lines and makes, boot-change.c takes away and adjusts. */

#include "analyzer/sandbox/access/access-private.h"

struct imm_boot_item {
        mode_t type;            /* S_IF...; 0: whatever is there */
        bool creates, replaces; /* replaces: what is no link, or with '=', of another type */
        bool exact;
        bool has_mode, has_uid, has_gid, mode_at_creation, owner_at_creation, masked;
        mode_t mode;
        uid_t uid;
        gid_t gid;
        const char *target; /* of a link */
        const char *copy;   /* of what is a copy: of what */
};

/* A line that makes nothing, but changes what is there, wherever its pattern fits */
struct imm_boot_change {
        char what; /* r R D z m Z a A, as in tmpfiles.d */
        bool more; /* '+' */
        const char *pattern;
        size_t plain; /* bytes of it before the first wildcard */
        struct imm_boot_item item;
        const char *acl;
};

/* What is gone before anything is made */
bool imm_boot_removes(const struct imm_boot *boot, const char *path, const struct imm_node *n);
/* Owners, modes and ACLs, when all is made */
void imm_boot_adjust(const struct imm_boot *boot, const char *path, struct imm_node *n);
/* Gives what is there the item's owner and mode. */
void imm_boot_own(const struct imm_boot *boot, const struct imm_boot_item *i, struct imm_node *n);
