#pragma once

/*
 * Private to this room: what the @groups of SystemCallFilter= and RestrictFileSystems= hold in each
 * systemd version (groups-data.c), and the system calls by name.
 */

#include <stdbool.h>
#include <stddef.h>

struct imm_group_item {
        const char *name; /* a call or file system, or another "@group" */
        unsigned mask;    /* bit per entry of imm_group_versions */
};
struct imm_group_data {
        const char *name;
        unsigned mask;
        const struct imm_group_item *items;
};
struct imm_call_data {
        const char *name;
        int x86_64, arm64;
        unsigned mask; /* the versions whose libseccomp resolves the name */
};

extern const unsigned imm_group_versions[]; /* ascending, 0 ends */
extern const struct imm_call_data imm_calls[];
extern const size_t imm_n_calls;
extern const struct imm_group_data imm_call_groups[], imm_filesystem_groups[];

/* The bit for a systemd version: that of the newest table that is not newer */
unsigned imm_group_bit(unsigned version);
const struct imm_group_data *imm_group_find(
        const struct imm_group_data *table, const char *name, unsigned bit);
const struct imm_call_data *imm_call_find(const char *name, unsigned bit);
/* A group of calls with those it names taken apart: indices into imm_calls; false: there is none */
bool imm_group_calls(const char *name, unsigned bit, const unsigned short **ret, size_t *ret_n);
int imm_call_number(const struct imm_call_data *c); /* on this machine; negative: it lacks it */
/* One that this machine's 64-bit programs lack and its 32-bit ones have */
bool imm_call_is_foreign(const struct imm_call_data *c);
