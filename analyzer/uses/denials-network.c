#include "analyzer/uses/denials-private.h"

#include "analyzer/sandbox/network/network.h"

/* Address families, addresses and ports: what of the network a program is refused. */

static bool family_denied(const struct judge *j, const char *family) {
        const struct imm_value *v = imm_setting(j->s, IMM_SETTING_RESTRICT_ADDRESS_FAMILIES);
        bool found = false;

        if (!v->filter && v->strings.n == 0)
                return false;
        for (size_t i = 0; i < v->strings.n; i++)
                found |= imm_streq(v->strings.v[i].text, family);
        return v->allow_list ? !found : found;
}

void deny_families(struct judge *j, const struct imm_use *u) {
        const char *family = facilities[u->facility].families;

        if (*family && family_denied(j, family))
                refuse(j, u, IMM_SETTING_RESTRICT_ADDRESS_FAMILIES, NULL, !u->essential, family,
                        "refuses %s", family);
}

static bool denies_every_address(const struct judge *j) {
        const struct imm_value *v = imm_setting(j->s, IMM_SETTING_IP_ADDRESS_DENY);
        bool v4 = false, v6 = false;

        for (size_t i = 0; i < v->ips.n; i++)
                if (v->ips.v[i].prefix == 0)
                        *(v->ips.v[i].family == 2 ? &v4 : &v6) = true;
        return v4 && v6;
}

/* Addresses of this machine, and nothing else */
static bool allows_only_itself(const struct judge *j) {
        const struct imm_value *v = imm_setting(j->s, IMM_SETTING_IP_ADDRESS_ALLOW);

        for (size_t i = 0; i < v->ips.n; i++) {
                const unsigned char *b = v->ips.v[i].address;
                static const unsigned char one[16] = {[15] = 1};
                bool loop = v->ips.v[i].family == 2
                                    ? b[0] == 127 && v->ips.v[i].prefix >= 8
                                    : memcmp(b, one, sizeof(one)) == 0 && v->ips.v[i].prefix == 128;

                if (!loop)
                        return false;
        }
        return true;
}

static bool covers_port(const struct imm_value *v, unsigned long port, bool all) {
        for (size_t i = 0; i < v->socket_binds.n; i++) {
                const struct imm_socket_bind_item *at = &v->socket_binds.v[i];

                if (all && (at->family || at->protocol))
                        continue; /* of one family or protocol: it may listen by another */
                if (at->n_ports == 0 || (port >= at->port_min && port - at->port_min < at->n_ports))
                        return true;
        }
        return false;
}

/* A port that the configuration names, or any */
static void by_ports(struct judge *j, const struct imm_use *u) {
        const struct imm_value *no = imm_setting(j->s, IMM_SETTING_SOCKET_BIND_DENY),
                               *yes = imm_setting(j->s, IMM_SETTING_SOCKET_BIND_ALLOW);
        unsigned long port = u->object ? strtoul(u->object, NULL, 10) : 0;

        if (u->facility == IMM_FACILITY_NETWORK || no->socket_binds.n == 0 ||
                imm_network_bpf_framework(j->m) == 0)
                return;
        if (port == 0 && yes->socket_binds.n > 0)
                return; /* which it is, is not known */
        if (port == 0)
                port = 65536; /* one of no list */
        if (covers_port(no, port, true) && !covers_port(yes, port, false))
                deny(j, u, IMM_SETTING_SOCKET_BIND_DENY, NULL, "refuses");
}

void deny_network(struct judge *j, const struct imm_use *u) {
        if (u->facility != IMM_FACILITY_NETWORK && u->facility != IMM_FACILITY_LISTEN &&
                u->facility != IMM_FACILITY_PORT)
                return;
        if (imm_setting_bool(j->s, IMM_SETTING_PRIVATE_NETWORK))
                deny(j, u, IMM_SETTING_PRIVATE_NETWORK, NULL, "cuts off");
        if (denies_every_address(j) &&
                (imm_setting(j->s, IMM_SETTING_IP_ADDRESS_ALLOW)->ips.n == 0 ||
                        (u->facility == IMM_FACILITY_NETWORK && allows_only_itself(j))))
                deny(j, u, IMM_SETTING_IP_ADDRESS_DENY, NULL, "cuts off");
        if (family_denied(j, "AF_INET") && family_denied(j, "AF_INET6"))
                deny(j, u, IMM_SETTING_RESTRICT_ADDRESS_FAMILIES, NULL,
                        "refuses AF_INET and AF_INET6");
        by_ports(j, u);
}
