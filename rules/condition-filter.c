#include "rules/rules-private.h"

#include "analyzer/settings/groups/groups.h"

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

static void deny_call(struct imm_facts *facts, const struct imm_call_data *call) {
        set_call(facts->calls_denied, imm_call_number(call));
        if (imm_call_is_foreign(call))
                imm_strv_add(imm_facts_memory(facts), &facts->foreign_denied, call->name);
}

static void deny_word(struct imm_facts *facts, const char *word) {
        unsigned bit = imm_group_bit(facts->manager->version);
        const struct imm_call_data *call;
        const unsigned short *calls;
        size_t n;

        if (*word != '@') {
                call = imm_call_find(word, bit);
                if (call)
                        deny_call(facts, call);
                return;
        }
        if (!imm_group_calls(word, bit, &calls, &n))
                return;
        for (size_t i = 0; i < n; i++)
                deny_call(facts, &imm_calls[calls[i]]);
}

/* Settings with a filter of their own beside SystemCallFilter=: it answers EPERM */
static void collect_denied(struct imm_facts *facts) {
        static const struct {
                enum imm_setting setting;
                const char *words[3];
        } filters[] = {
                {IMM_SETTING_PROTECT_KERNEL_MODULES, {"@module"}},
                {IMM_SETTING_PROTECT_CLOCK, {"@clock"}},
                {IMM_SETTING_PRIVATE_DEVICES, {"@raw-io"}},
                {IMM_SETTING_PROTECT_KERNEL_LOGS, {"syslog"}},
                {IMM_SETTING_PROTECT_HOSTNAME, {"sethostname", "setdomainname"}},
        };

        facts->have_denied = true;
        for (size_t i = 0; i < IMM_ELEMENTSOF(filters); i++) {
                if (imm_fact(facts, filters[i].setting)->number == 0)
                        continue;
                for (size_t k = 0; filters[i].words[k]; k++)
                        deny_word(facts, filters[i].words[k]);
        }
}

/* What all filters together leave of the calls asked for */
static bool left_of(struct imm_facts *facts, const uint64_t *asked, uint64_t left[IMM_CALL_WORDS]) {
        bool allow = imm_fact(facts, IMM_SETTING_SYSTEM_CALL_FILTER)->allow_list, any = false;

        if (!facts->have_calls)
                collect_calls(facts);
        if (!facts->have_denied)
                collect_denied(facts);
        for (size_t i = 0; i < IMM_CALL_WORDS; i++) {
                left[i] = asked[i] & (allow ? facts->calls[i] : ~facts->calls[i]) &
                          ~facts->calls_denied[i];
                any |= left[i] != 0;
        }
        return any;
}

bool imm_facts_call_left(struct imm_facts *facts, const char *call) {
        const struct imm_call_data *data =
                imm_call_find(call, imm_group_bit(facts->manager->version));
        uint64_t asked[IMM_CALL_WORDS] = {0}, left[IMM_CALL_WORDS];

        if (data)
                set_call(asked, imm_call_number(data));
        return left_of(facts, asked, left);
}

/* ---- other ABIs ---- */

/* A filter by names binds all ABIs of the machine; a name that one of them alone has must be in it
 * all the same. */
static bool allows_foreign(const struct imm_facts *facts) {
#if defined(__aarch64__)
        static const char own[] = "arm64";
#else
        static const char own[] = "x86-64";
#endif
        const struct imm_value *v = imm_fact(facts, IMM_SETTING_SYSTEM_CALL_ARCHITECTURES);

        if (v->strings.n == 0)
                return true;
        for (size_t i = 0; i < v->strings.n; i++)
                if (!imm_streq(v->strings.v[i].text, "native") &&
                        !imm_streq(v->strings.v[i].text, own))
                        return true;
        return false;
}

static bool is_filtered(const struct imm_value *v, const char *name) {
        bool named = false;

        for (size_t i = 0; i < v->syscalls.n; i++)
                named |= imm_streq(v->syscalls.v[i].name, name) &&
                         (v->syscalls.v[i].error == 0 || !v->allow_list);
        return named != v->allow_list;
}

static void name_calls(struct imm_facts *facts, const uint64_t left[IMM_CALL_WORDS]) {
        const char *names[IMM_CALL_WORDS * 64 * 2];
        size_t n_names = 0, size = 1;
        uint64_t any = 0;
        char *text, *end;

        for (size_t i = 0; i < IMM_CALL_WORDS; i++)
                any |= left[i];
        if (!facts->arena || !any)
                return;
        for (size_t i = 0; i < imm_n_calls && n_names < IMM_ELEMENTSOF(names); i++) {
                int n = imm_call_number(&imm_calls[i]);

                if (n < 0 || n >= 64 * IMM_CALL_WORDS || !(left[n / 64] >> (n % 64) & 1))
                        continue;
                names[n_names++] = imm_calls[i].name;
                size += strlen(imm_calls[i].name) + 1;
        }
        text = end = imm_alloc(facts->arena, size);
        for (size_t i = 0; i < n_names; i++)
                end = stpcpy(stpcpy(end, " "), names[i]);
        if (*text)
                imm_evidence_add(facts, IMM_SETTING_SYSTEM_CALL_FILTER, "calls left:%s", text);
}

enum imm_truth imm_calls_left(struct imm_facts *facts, const struct imm_argument *argument) {
        const struct imm_value *v = imm_fact(facts, IMM_SETTING_SYSTEM_CALL_FILTER);
        uint64_t left[IMM_CALL_WORDS];
        bool any = left_of(facts, argument->calls, left);
        const char *names = "";

        if (any && !facts->arena)
                return IMM_YES;
        name_calls(facts, left);
        for (size_t i = 0; allows_foreign(facts) && i < argument->foreign_calls.n; i++) {
                if (is_filtered(v, argument->foreign_calls.v[i]) ||
                        imm_strv_has(&facts->foreign_denied, argument->foreign_calls.v[i]))
                        continue;
                any = true;
                if (facts->arena)
                        names = imm_printf(
                                facts->arena, "%s %s", names, argument->foreign_calls.v[i]);
        }
        if (*names)
                imm_evidence_add(facts, IMM_SETTING_SYSTEM_CALL_ARCHITECTURES,
                        "calls left to 32-bit programs:%s", names);
        return any ? IMM_YES : IMM_NO;
}

enum imm_truth imm_foreign_left(struct imm_facts *facts) {
        const struct imm_value *v = imm_fact(facts, IMM_SETTING_RESTRICT_ADDRESS_FAMILIES);

        if (!allows_foreign(facts))
                return IMM_NO;
        imm_evidence_add(facts, IMM_SETTING_SYSTEM_CALL_ARCHITECTURES,
                "SystemCallArchitectures= leaves the calls of 32-bit programs");
        if (v->allow_list || v->strings.n > 0)
                imm_evidence_add(facts, IMM_SETTING_RESTRICT_ADDRESS_FAMILIES,
                        "RestrictAddressFamilies= does not bind them");
        return IMM_YES;
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
