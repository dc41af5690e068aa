#include "rules/rules-private.h"

#include "analyzer/settings/groups.h"

#include <sys/socket.h>

/* Conditions over lists that allow or deny: system calls, address families, IP addresses. */

static enum imm_filter_mode mode_of(const struct imm_value *v) {
        if (v->allow_list)
                return IMM_FILTER_ALLOW;
        return v->strings.n > 0 ? IMM_FILTER_DENY : IMM_FILTER_NONE;
}

static const char *const mode_names[] = {"allows only", "denies", "is not there"};

enum imm_truth imm_condition_filter_mode(
        struct imm_facts *facts, const struct imm_argument *argument) {
        enum imm_filter_mode mode = mode_of(imm_fact(facts, argument->setting));

        imm_evidence_add(facts, argument->setting, "%s= %s",
                imm_setting_info(argument->setting)->name, mode_names[__builtin_ctz(mode)]);
        return (mode & argument->mask) != 0;
}

enum imm_truth imm_condition_filter_lists(
        struct imm_facts *facts, const struct imm_argument *argument) {
        const struct imm_value *v = imm_fact(facts, argument->setting);

        for (size_t i = 0; i < v->strings.n; i++)
                if (imm_strv_has(&argument->words, v->strings.v[i].text) != argument->inverted) {
                        imm_evidence_add(facts, argument->setting, "%s= names %s",
                                imm_setting_info(argument->setting)->name, v->strings.v[i].text);
                        return IMM_YES;
                }
        return IMM_NO;
}

/* ---- system calls ---- */

static void set_call(uint64_t *set, int number) {
        if (number >= 0 && number < 64 * IMM_CALL_WORDS)
                set[number / 64] |= UINT64_C(1) << (number % 64);
}

/*
 * Calls that the architecture lacks have no number and cannot be made: they do not count. A call
 * with an error of its own is denied, in a list of allowed ones too.
 */
static void collect_calls(struct imm_facts *facts) {
        const struct imm_value *v = imm_fact(facts, IMM_SETTING_SYSTEM_CALL_FILTER);

        facts->have_calls = true;
        for (size_t i = 0; i < v->syscalls.n; i++) {
                if (v->syscalls.v[i].error == 0)
                        set_call(facts->calls_killed, v->syscalls.v[i].number);
                if (v->syscalls.v[i].error == 0 || !v->allow_list)
                        set_call(facts->calls, v->syscalls.v[i].number);
        }
}

static const char *call_name(int number) {
        for (size_t i = 0; i < imm_n_calls; i++)
                if (imm_call_number(&imm_calls[i]) == number)
                        return imm_calls[i].name;
        return "a call";
}

static enum imm_truth leaves_one(
        struct imm_facts *facts, const uint64_t *listed, const struct imm_argument *argument) {
        bool allow = imm_fact(facts, IMM_SETTING_SYSTEM_CALL_FILTER)->allow_list;

        for (size_t i = 0; i < IMM_CALL_WORDS; i++) {
                uint64_t left = argument->calls[i] & (allow ? listed[i] : ~listed[i]);

                if (left && !facts->arena)
                        return IMM_YES;
                if (left) {
                        imm_evidence_add(facts, IMM_SETTING_SYSTEM_CALL_FILTER,
                                "SystemCallFilter= leaves %s",
                                call_name((int)(i * 64) + __builtin_ctzll(left)));
                        return IMM_YES;
                }
        }
        return IMM_NO;
}

bool imm_facts_call_left(struct imm_facts *facts, const char *call) {
        const struct imm_value *v = imm_fact(facts, IMM_SETTING_SYSTEM_CALL_FILTER);
        const struct imm_call_data *data =
                imm_call_find(call, imm_group_bit(facts->manager->version));
        int n = data ? imm_call_number(data) : -1;

        if (!facts->have_calls)
                collect_calls(facts);
        if (n < 0 || n >= 64 * IMM_CALL_WORDS)
                return false;
        return (facts->calls[n / 64] >> (n % 64) & 1) == v->allow_list;
}

enum imm_truth imm_condition_allows_system_call(
        struct imm_facts *facts, const struct imm_argument *argument) {
        if (!facts->have_calls)
                collect_calls(facts);
        return leaves_one(facts, facts->calls, argument);
}

enum imm_truth imm_condition_system_call_not_killed(
        struct imm_facts *facts, const struct imm_argument *argument) {
        if (!facts->have_calls)
                collect_calls(facts);
        return leaves_one(facts, facts->calls_killed, argument);
}

/* ---- IP addresses ---- */

static bool is_localhost(const struct imm_ip_item *ip) {
        static const unsigned char one[16] = {[15] = 1};

        return ip->family == AF_INET ? ip->address[0] == 127 : memcmp(ip->address, one, 16) == 0;
}

static bool denies_all(const struct imm_facts *facts) {
        const struct imm_value *v = imm_fact(facts, IMM_SETTING_IP_ADDRESS_DENY);
        bool v4 = false, v6 = false;

        for (size_t i = 0; i < v->ips.n; i++)
                if (v->ips.v[i].prefix == 0)
                        *(v->ips.v[i].family == AF_INET ? &v4 : &v6) = true;
        return v4 && v6;
}

/* Only a denial of everything makes the entries of IPAddressAllow= matter. */
enum imm_truth imm_condition_allows_ip(
        struct imm_facts *facts, const struct imm_argument *argument) {
        const struct imm_value *v = imm_fact(facts, IMM_SETTING_IP_ADDRESS_ALLOW);
        unsigned found = 0;

        if (!denies_all(facts)) {
                imm_evidence_add(facts, IMM_SETTING_IP_ADDRESS_DENY,
                        "IPAddressDeny= does not deny everything");
                found = IMM_IP_ANY | IMM_IP_LOCALHOST | IMM_IP_OTHER | IMM_IP_NOT_ALL_LOCALHOST;
                return (found & argument->mask) != 0;
        }
        for (size_t i = 0; i < v->ips.n; i++) {
                const struct imm_ip_item *ip = &v->ips.v[i];
                bool local = is_localhost(ip);
                bool whole = local && ip->prefix == (ip->family == AF_INET ? 8 : 128);

                found |= local ? IMM_IP_LOCALHOST : IMM_IP_OTHER;
                if (!whole)
                        found |= IMM_IP_NOT_ALL_LOCALHOST;
        }
        if (found & argument->mask)
                imm_evidence_add(facts, IMM_SETTING_IP_ADDRESS_ALLOW, "IPAddressAllow=%s",
                        facts->arena ? imm_value_text(IMM_SETTING_IP_ADDRESS_ALLOW, v, facts->arena)
                                     : "");
        return (found & argument->mask) != 0;
}
