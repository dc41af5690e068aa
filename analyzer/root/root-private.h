#pragma once

/* What the files of this room share. */

#include "analyzer/root/root.h"

/* A system of NixOS that no boot has made a root of yet, or another path of a Nix store (built.c)
 */
struct built {
        bool is;      /* any of it holds: paths are resolved by built_open() */
        bool alone;   /* the root has /etc and /nix and nothing else */
        int etc, nix; /* what stands for /etc and /nix; -1: the root's own */
        char *system; /* where the system is, in the root; NULL: none */
};

struct imm_root {
        int fd;
        bool host, running;
        char *path;
        unsigned systemd_version;
        struct built built;
};

/* Finds out whether @r, which is open, is one. */
void built_find(struct imm_root *r);
int built_open(const struct imm_root *r, const char *path, int flags);
void built_done(struct built *b);
