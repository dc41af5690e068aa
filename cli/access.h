#pragma once

/* What the verbs about access (can, who) share. */

#include "analyzer/sandbox/network/network.h"
#include "cli/cli.h"

/* What is asked: a mode (-1: all) at paths, or listening on addresses */
struct imm_cli_place {
        const char *text; /* as it was given */
        bool is_address;
        struct imm_net_address address;
};
struct imm_cli_asked {
        int mode;
        bool listen; /* mode is IMM_MODE_CONNECT then: one answer, too */
        struct imm_cli_place *places;
        size_t n;
};
/* "[MODE] PLACE...": absolute paths or addresses, one at least. An imm_exit, its message already
 * said. */
int imm_cli_places(struct imm_cli *cli, const char **args, size_t n, struct imm_cli_asked *ret);
/* The widest answer, or that of the main command alone; of an address in allowed[CONNECT]. */
void imm_cli_answer(struct imm_cli *cli, struct imm_unit *u, const struct imm_cli_asked *asked,
        const struct imm_cli_place *place, bool widest, unsigned because, struct imm_arena *a,
        struct imm_access *ret);
/* The fields of an answer, into the object that is open */
void imm_cli_access_json(struct imm_json *j, const struct imm_cli_asked *asked,
        const struct imm_cli_place *place, const struct imm_access *a);
/* handed.c: descriptors from outside, as the list "handed" and as a line each */
void imm_cli_handed_json(struct imm_json *j, const struct imm_handed_list *l, struct imm_arena *a);
void imm_cli_handed_line(const struct imm_handed *h, struct imm_arena *a);
