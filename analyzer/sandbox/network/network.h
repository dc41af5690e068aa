#pragma once

/*
 * What a service may do with sockets: reach an address, listen on a port. Decided by its network
 * namespace, the address families and system calls that are left to it, the packet filters of the
 * unit and its slices, and, for low ports, its capabilities. Sources: systemd.exec(5),
 * systemd.resource-control(5), network_namespaces(7), unix(7), ip(7); and tests/lab/network.
 *
 * Whether anybody listens there, or a route leads there, is no question to the unit.
 */

#include "analyzer/sandbox/sandbox.h"

enum imm_net_verb { IMM_NET_CONNECT, IMM_NET_LISTEN };
enum imm_net_kind { IMM_NET_TCP, IMM_NET_UDP, IMM_NET_ABSTRACT };

struct imm_net_address {
        enum imm_net_kind kind;
        int family; /* AF_INET, AF_INET6, AF_UNIX; AF_UNSPEC: listening on all addresses */
        unsigned char address[16];
        unsigned port;
        const char *text; /* as it was given */
};

/* Is that meant as an address: does it begin with tcp:, udp: or unix:@ ? */
bool imm_net_is_address(const char *text);
/*
 * "tcp:192.0.2.1:80", "udp:[::1]:53", "unix:@NAME"; to listen "tcp:80" too. -EINVAL with
 * *ret_problem for people. The text is borrowed.
 */
int imm_net_parse(const char *text, enum imm_net_verb verb, struct imm_net_address *ret,
        const char **ret_problem);

struct imm_net_access {
        int allowed; /* 1, 0; -1: cannot be known */
        struct imm_strv because, assumes;
};

/*
 * As the commands of that kind meet it. To connect is to reach what listens there in the machine's
 * own network; to listen is bind(2) and listen(2), in whichever network the service is.
 * @because: false leaves the reasons out.
 */
void imm_net_access_compute(struct imm_manager *m, struct imm_unit *u, enum imm_command_kind kind,
        enum imm_net_verb verb, const struct imm_net_address *to, bool because, struct imm_arena *a,
        struct imm_net_access *ret);
/* The widest over all kinds of command that the unit has */
void imm_net_access_widest(struct imm_manager *m, struct imm_unit *u, enum imm_net_verb verb,
        const struct imm_net_address *to, bool because, struct imm_arena *a,
        struct imm_net_access *ret);

/* The settings of the slice that @s lies in, NULL above -.slice; apart from those that other
 * threads compute. */
struct imm_settings *imm_net_slice_of(struct imm_manager *m, const struct imm_settings *s);

/*
 * The same for who has the unit's sandbox at hand (a judge of many units): the identities are all
 * that is needed of it.
 */
void imm_net_access_of(struct imm_manager *m, struct imm_settings *s, const struct imm_sandbox *sb,
        enum imm_command_kind kind, enum imm_net_verb verb, const struct imm_net_address *to,
        bool because, struct imm_arena *a, struct imm_net_access *ret);

/* May commands of that kind make sockets of @family and call connect(2)? @ret_by: the setting that
 * says no; NULL if nobody asks. */
bool imm_net_may_connect(const struct imm_settings *s, enum imm_command_kind kind, int family,
        enum imm_setting *ret_by);

/* Does the root's systemd filter sockets by libbpf (SocketBind*=, RestrictNetworkInterfaces=)?
 * 1: yes; 0: no, and it starts the service without a word; -1: it is not in the root. */
int imm_network_bpf_framework(struct imm_manager *m);
