#include "rules/rules-private.h"

#include "analyzer/sandbox/network/network.h"

#include <arpa/inet.h>

/* Conditions on sockets that are no files. The widest of the unit's commands counts. */

static int widest(
        struct imm_facts *facts, enum imm_net_verb verb, const struct imm_net_address *to) {
        const struct imm_sandbox *sb = imm_facts_sandbox(facts);
        int best = 0;

        for (enum imm_command_kind k = 0; k < IMM_KIND_N && best != 1; k++) {
                struct imm_net_access a;

                if (!sb->has[k])
                        continue;
                imm_net_access_of(facts->manager, facts->settings, sb, k, verb, to, false,
                        imm_facts_memory(facts), &a);
                if (a.allowed != 0)
                        best = a.allowed;
        }
        return best;
}

static enum imm_truth truth_of(int answer) {
        return answer == 1 ? IMM_YES : answer == 0 ? IMM_NO : IMM_DONT_KNOW;
}

static enum imm_truth ask(struct imm_facts *facts, const struct imm_argument *argument,
        enum imm_net_verb verb, const char *what) {
        enum imm_truth result = IMM_NO;

        for (size_t i = 0; i < argument->words.n; i++) {
                struct imm_net_address to;
                const char *problem;
                enum imm_truth t;

                if (imm_net_parse(argument->words.v[i], verb, &to, &problem) < 0)
                        continue;
                t = truth_of(widest(facts, verb, &to));
                if (t == IMM_YES) {
                        imm_evidence_add(facts, IMM_SETTING_PRIVATE_NETWORK, "%s %s", what,
                                argument->words.v[i]);
                        return IMM_YES;
                }
                if (t == IMM_DONT_KNOW)
                        result = t;
        }
        return result;
}

enum imm_truth imm_condition_can_connect_to(
        struct imm_facts *facts, const struct imm_argument *argument) {
        return ask(facts, argument, IMM_NET_CONNECT, "can connect to");
}

enum imm_truth imm_condition_can_listen_on(
        struct imm_facts *facts, const struct imm_argument *argument) {
        return ask(facts, argument, IMM_NET_LISTEN, "can listen on");
}

/* ---- any address beyond the machine ---- */

static bool is_loopback(const struct imm_ip_item *i) {
        static const unsigned char one[16] = {[15] = 1};

        return i->family == AF_INET ? i->address[0] == 127 : memcmp(i->address, one, 16) == 0;
}

static enum imm_truth try_item(struct imm_facts *facts, const struct imm_ip_item *i) {
        struct imm_net_address to = {.kind = IMM_NET_TCP, .family = i->family, .port = 80};

        memcpy(to.address, i->address, sizeof(to.address));
        return truth_of(widest(facts, IMM_NET_CONNECT, &to));
}

/* Those that lists of allowed addresses name, the slices' too, and one that nobody names */
enum imm_truth imm_condition_can_connect_beyond(
        struct imm_facts *facts, const struct imm_argument *argument) {
        static const struct imm_ip_item samples[] = {
                {.family = AF_INET, .address = {192, 0, 2, 1}},
                {.family = AF_INET6, .address = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}},
        };
        enum imm_truth result = IMM_NO;

        (void)argument;
        for (size_t i = 0; i < IMM_ELEMENTSOF(samples) && result != IMM_YES; i++) {
                enum imm_truth t = try_item(facts, &samples[i]);

                result = t == IMM_NO ? result : t;
        }
        for (const struct imm_settings *s = facts->settings; s && result != IMM_YES;
                s = imm_net_slice_of(facts->manager, s))
                imm_array_foreach (i, &imm_setting(s, IMM_SETTING_IP_ADDRESS_ALLOW)->ips) {
                        enum imm_truth t = is_loopback(i) ? IMM_NO : try_item(facts, i);

                        if (t != IMM_NO)
                                result = t;
                        if (result == IMM_YES)
                                break;
                }
        if (result == IMM_YES)
                imm_evidence_add(facts, IMM_SETTING_IP_ADDRESS_DENY,
                        "addresses beyond the machine can be connected to");
        return result;
}
