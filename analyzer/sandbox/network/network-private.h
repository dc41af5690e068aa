#pragma once

#include "analyzer/sandbox/network/network.h"
#include "base/map.h"

enum { IMM_NETWORK_NOT_ASKED = -2 };

struct imm_network {
        unsigned port_start; /* of the machine's own network */
        int bpf;
        struct imm_map slices; /* name -> struct imm_settings, or NULL */
        struct imm_arena *arena;
};

/* network/machine.c: the first port that anybody may bind in the machine's own network */
unsigned imm_network_port_start(struct imm_manager *m);
/* The settings of a slice, apart from those that other threads compute; NULL: no such name */
struct imm_settings *imm_network_slice(struct imm_manager *m, const char *name);
