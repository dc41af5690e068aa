/* Control groups: weights and limits, devices, networks, sockets. */

#include "analyzer/settings/numbers.h"
#include "analyzer/settings/parse/parse.h"
#include "analyzer/unit/words.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <strings.h>

static enum imm_parsed take(struct imm_parse *p, uint64_t number, bool relative) {
        struct imm_value *v = imm_parse_value(p);

        v->number = number;
        v->relative = relative;
        return IMM_PARSED_TAKEN;
}

static enum imm_parsed in_range(
        struct imm_parse *p, const char *value, uint64_t min, uint64_t max) {
        uint64_t n;

        if (*value == '\0')
                return imm_parse_emptied(p);
        if (!imm_text_uint(value, max, &n) || n < min)
                return imm_parse_ignore(p, "'%s' is no number in range", value);
        return take(p, n, false);
}

enum imm_parsed imm_parse_weight(struct imm_parse *p, const char *value) {
        return in_range(p, value, 1, 10000);
}

enum imm_parsed imm_parse_cpu_weight(struct imm_parse *p, const char *value) {
        if (imm_streq(value, "idle") && p->version >= 252)
                return take(p, 0, false);
        return in_range(p, value, 1, 10000);
}

enum imm_parsed imm_parse_cpu_shares(struct imm_parse *p, const char *value) {
        return in_range(p, value, 2, 262144);
}

enum imm_parsed imm_parse_blkio_weight(struct imm_parse *p, const char *value) {
        return in_range(p, value, 10, 1000);
}

enum imm_parsed imm_parse_cpu_quota(struct imm_parse *p, const char *value) {
        uint64_t n;

        if (*value == '\0')
                return imm_parse_emptied(p);
        if (!imm_text_permyriad(value, p->version, false, &n) || n == 0)
                return imm_parse_ignore(p, "'%s' is no share of a processor", value);
        return take(p, n * 100, false); /* microseconds of each second */
}

enum imm_parsed imm_parse_memory(struct imm_parse *p, const char *value) {
        bool protects =
                imm_ends_with(p->row->info.name, "Low") || imm_ends_with(p->row->info.name, "Min");
        bool may_be_zero = protects || imm_ends_with(p->row->info.name, "SwapMax");
        bool relative = true;
        uint64_t n;

        /* 257 compares with a misspelt name there */
        if (p->id == IMM_SETTING_DEFAULT_STARTUP_MEMORY_LOW)
                may_be_zero = false;
        if (*value == '\0')
                return imm_parse_emptied(p);
        if (imm_streq(value, "infinity"))
                return take(p, UINT64_MAX, false);
        if (!imm_text_permyriad(value, p->version, true, &n)) {
                relative = false;
                if (!imm_text_size(value, 1024, &n))
                        return imm_parse_ignore(p, "'%s' is no size and no percentage", value);
        }
        if (n == UINT64_MAX || (n == 0 && !may_be_zero))
                return imm_parse_ignore(p, "'%s' is out of range", value);
        return take(p, n, relative);
}

enum imm_parsed imm_parse_tasks_max(struct imm_parse *p, const char *value) {
        uint64_t n;

        if (*value == '\0')
                return imm_parse_emptied(p);
        if (imm_streq(value, "infinity"))
                return take(p, UINT64_MAX, false);
        if (imm_text_permyriad(value, p->version, true, &n))
                return take(p, n, true);
        if (!imm_text_uint(value, UINT64_MAX - 1, &n) || n == 0)
                return imm_parse_ignore(p, "'%s' is no number of tasks", value);
        return take(p, n, false);
}

/* Only services and scopes can be delegated, only they and slices be watched for memory */
static bool has_cgroup_of_its_own(const struct imm_parse *p, bool slices_too) {
        return p->u->type == IMM_UNIT_SERVICE || p->u->type == IMM_UNIT_SCOPE ||
               (slices_too && p->u->type == IMM_UNIT_SLICE);
}

enum imm_parsed imm_parse_managed_oom(struct imm_parse *p, const char *value) {
        if (!has_cgroup_of_its_own(p, true))
                return imm_parse_ignore(p, "units of this type do not have it");
        return imm_parse_enum(p, value);
}

enum imm_parsed imm_parse_pressure_limit(struct imm_parse *p, const char *value) {
        uint64_t n;

        if (!has_cgroup_of_its_own(p, true))
                return imm_parse_ignore(p, "units of this type do not have it");
        if (*value == '\0')
                return imm_parse_emptied(p);
        if (!imm_text_permyriad(value, p->version, true, &n))
                return imm_parse_ignore(p, "'%s' is no percentage", value);
        return take(p, n, true);
}

static const char *const controllers[] = {"cpu", "cpuacct", "cpuset", "io", "blkio", "memory",
        "devices", "pids", "bpf-firewall", "bpf-devices", "bpf-foreign", "bpf-socket-bind",
        "bpf-restrict-network-interfaces"};

const char *imm_controller_name(size_t i) {
        return i < IMM_ELEMENTSOF(controllers) ? controllers[i] : NULL;
}

static size_t n_controllers(unsigned version) {
        return version < 249 ? 10 : IMM_ELEMENTSOF(controllers);
}

static uint64_t controller_mask(struct imm_parse *p, const char *s, unsigned flags) {
        uint64_t mask = 0;
        const char *word;

        while (imm_parse_word(p, &s, NULL, flags, &word)) {
                size_t i = 0, n = n_controllers(p->version);

                while (i < n && !imm_streq(controllers[i], word))
                        i++;
                if (i == n)
                        imm_parse_skip(p, "'%s' is no controller", word);
                else
                        mask |= UINT64_C(1) << i;
        }
        return mask;
}

/* Delegate=: a boolean, or the controllers, which then add up */
enum imm_parsed imm_parse_delegate(struct imm_parse *p, const char *value) {
        const uint64_t v2 = 1U << 0 | 1U << 2 | 1U << 3 | 1U << 5 | 1U << 7;
        bool b = true;

        if (!has_cgroup_of_its_own(p, false))
                return imm_parse_ignore(p, "units of this type cannot be delegated");
        if (*value == '\0' || imm_text_bool(value, &b)) {
                uint64_t mask = p->version < 249 ? (1U << n_controllers(p->version)) - 1 : v2;

                imm_parse_value_of(p, IMM_SETTING_DELEGATE_CONTROLLERS)->number =
                        *value != '\0' && b ? mask : 0;
                p->replaces = true;
        } else
                imm_parse_value_of(p, IMM_SETTING_DELEGATE_CONTROLLERS)->number |=
                        controller_mask(p, value, IMM_WORDS_UNQUOTE);
        return take(p, b, false);
}

enum imm_parsed imm_parse_controllers(struct imm_parse *p, const char *value) {
        uint64_t mask;

        if (*value == '\0')
                return imm_parse_emptied(p);
        mask = controller_mask(p, value, 0);
        if (mask == 0)
                return imm_parse_ignore(p, "'%s' names no controller", value);
        return take(p, imm_parse_peek(p, p->id)->number | mask, false);
}

enum imm_parsed imm_parse_delegate_subgroup(struct imm_parse *p, const char *value) {
        static const char *const reserved[] = {"notify_on_release", "release_agent", "tasks"};

        if (!has_cgroup_of_its_own(p, false))
                return imm_parse_ignore(p, "units of this type cannot be delegated");
        if (*value == '\0')
                return imm_parse_emptied(p);
        bool bad = !imm_filename_is_valid(value) || *value == '_' || *value == '.' ||
                   imm_after(value, "cgroup.");
        for (size_t i = 0; i < IMM_ELEMENTSOF(reserved); i++)
                bad = bad || imm_streq(value, reserved[i]);
        for (size_t i = 0; i < IMM_ELEMENTSOF(controllers); i++) {
                const char *rest = imm_after(value, controllers[i]);

                bad = bad || (rest && *rest == '.');
        }
        if (bad)
                return imm_parse_ignore(p, "'%s' is no name for a control group", value);
        imm_parse_value(p)->string = value;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_coredump_filter(struct imm_parse *p, const char *value) {
        static const char *const words[] = {"private-anonymous", "shared-anonymous",
                "private-file-backed", "shared-file-backed", "elf-headers", "private-huge",
                "shared-huge", "private-dax", "shared-dax"};
        uint64_t mask = 0;
        const char *word, *s = value;
        int r;

        if (*value == '\0')
                return imm_parse_emptied(p);
        while ((r = imm_word_next(&s, NULL, 0, p->a, &word)) > 0) {
                size_t i = 0;
                char *end;

                while (i < IMM_ELEMENTSOF(words) && !imm_streq(words[i], word))
                        i++;
                if (i < IMM_ELEMENTSOF(words))
                        mask |= UINT64_C(1) << i;
                else if (imm_streq(word, "default"))
                        mask |= 0x33;
                else if (imm_streq(word, "all"))
                        mask = UINT64_MAX;
                else if (*word != '-' && (mask |= strtoull(word, &end, 16), *end == '\0'))
                        continue;
                else
                        return imm_parse_ignore(p, "'%s' is no kind of memory", word);
        }
        if (r < 0)
                return imm_parse_ignore(p, "it cannot be split into words");
        if (p->values[p->id])
                mask |= p->values[p->id]->number;
        return take(p, mask, false);
}

/* ---- devices ---- */

enum imm_parsed imm_parse_devices(struct imm_parse *p, const char *value) {
        struct imm_device_item item = {.origin = p->origin};
        const char *s = value, *word, *node, *why;

        if (*value == '\0')
                return imm_parse_emptied(p);
        if (imm_word_next(&s, NULL, IMM_WORDS_UNQUOTE, p->a, &word) <= 0)
                return imm_parse_ignore(p, "'%s' cannot be split into words", value);
        if (!imm_parse_expand_path(p, word, &node))
                return imm_parse_ignore(p, "the specifiers of '%s' are not known", word);
        item.node = node;
        if (!imm_after(node, "block-") && !imm_after(node, "char-")) {
                item.node = imm_path_clean(node, 0, p->version, p->a, &why);
                if (!item.node)
                        return imm_parse_ignore(p, "'%s': %s", node, why);
                if (!imm_path_below(item.node, "/dev") &&
                        !imm_path_below(item.node, "/run/systemd/inaccessible"))
                        return imm_parse_ignore(p, "'%s' is no device node", item.node);
        }
        if (!s || *s == '\0')
                s = "rwm";
        if (s[strspn(s, "rwm")] != '\0')
                return imm_parse_ignore(p, "'%s' is not made of r, w and m", s);
        item.r = strchr(s, 'r') != NULL;
        item.w = strchr(s, 'w') != NULL;
        item.m = strchr(s, 'm') != NULL;
        *imm_array_push(p->a, &imm_parse_value(p)->devices) = item;
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_bpf_program(struct imm_parse *p, const char *value) {
        static const char *const types[] = {"ingress", "egress", "sock_create", "sock_ops",
                "device", "bind4", "bind6", "connect4", "connect6", "post_bind4", "post_bind6",
                "sendmsg4", "sendmsg6", "sysctl", "recvmsg4", "recvmsg6", "getsockopt",
                "setsockopt"};
        const char *s = value, *type, *path, *clean, *why;
        size_t i = 0;

        if (*value == '\0')
                return imm_parse_emptied(p);
        if (imm_word_next(&s, ":", 0, p->a, &type) <= 0 || !s || *s == '\0')
                return imm_parse_ignore(p, "'%s' is not TYPE:PATH", value);
        while (i < IMM_ELEMENTSOF(types) && !imm_streq(types[i], type))
                i++;
        if (i == IMM_ELEMENTSOF(types))
                return imm_parse_ignore(p, "'%s' is no type of program", type);
        if (!imm_parse_expand_path(p, s, &path))
                return imm_parse_ignore(p, "the specifiers of '%s' are not known", s);
        clean = imm_path_clean(path, IMM_PATH_ABSOLUTE, p->version, p->a, &why);
        if (!clean)
                return imm_parse_ignore(p, "'%s': %s", path, why);
        imm_parse_add_string(p, imm_parse_value(p), imm_printf(p->a, "%s:%s", type, clean));
        return IMM_PARSED_TAKEN;
}

/* NFTSet=SOURCE:FAMILY:TABLE:SET */
enum imm_parsed imm_parse_nft_set(struct imm_parse *p, const char *value) {
        const char *tuple, *part[5];
        size_t taken = 0;

        if (*value == '\0')
                return imm_parse_emptied(p);
        while (imm_parse_word(
                p, &value, NULL, IMM_WORDS_UNQUOTE | IMM_WORDS_RETAIN_ESCAPE, &tuple)) {
                const char *s = tuple;
                size_t n = 0;

                while (n < 5 && imm_word_next(&s, ":", IMM_WORDS_CUNESCAPE, p->a, &part[n]) > 0)
                        n++;
                if (n != 4 || (!imm_streq(part[0], "cgroup") && !imm_streq(part[0], "user") &&
                                      !imm_streq(part[0], "group"))) {
                        imm_parse_skip(p, "'%s' is not SOURCE:FAMILY:TABLE:SET", tuple);
                        break;
                }
                imm_parse_add_string(p, imm_parse_value(p), tuple);
                taken++;
        }
        return imm_parse_taken(p, taken);
}

/* ---- networks ---- */

static bool is_localhost(const char *s) {
        size_t n = strlen(s);
        static const char *const names[] = {
                "localhost", "localhost.", "localhost.localdomain", "localhost.localdomain."};

        for (size_t i = 0; i < IMM_ELEMENTSOF(names); i++) {
                size_t k = strlen(names[i]);

                if (n >= k && strcasecmp(s + n - k, names[i]) == 0 &&
                        (n == k || s[n - k - 1] == '.'))
                        return true;
        }
        return false;
}

static void mask_address(struct imm_ip_item *x) {
        size_t n = x->family == AF_INET ? 4 : 16;

        for (size_t i = 0; i < n; i++) {
                unsigned bits = x->prefix > i * 8 ? x->prefix - (unsigned)i * 8 : 0;

                if (bits < 8)
                        x->address[i] &= (unsigned char)(0xff00 >> bits);
        }
}

static bool address(const char *s, struct imm_arena *a, struct imm_ip_item *ret) {
        const char *slash = strchr(s, '/');
        const char *host = slash ? imm_strndup(a, s, (size_t)(slash - s)) : s;
        uint64_t prefix;

        ret->family = inet_pton(AF_INET, host, ret->address) == 1    ? AF_INET
                      : inet_pton(AF_INET6, host, ret->address) == 1 ? AF_INET6
                                                                     : AF_UNSPEC;
        if (ret->family == AF_UNSPEC)
                return false;
        prefix = ret->family == AF_INET ? 32 : 128;
        if (slash && !imm_text_uint(slash + 1, prefix, &prefix))
                return false;
        ret->prefix = (unsigned)prefix;
        return true;
}

static const char *address_key(struct imm_arena *a, const struct imm_ip_item *x) {
        char text[INET6_ADDRSTRLEN];

        return imm_printf(
                a, "%s/%u", inet_ntop(x->family, x->address, text, sizeof(text)), x->prefix);
}

static void add_address(struct imm_parse *p, struct imm_ip_item item) {
        struct imm_value *v = imm_parse_value(p);
        const char *key;

        mask_address(&item);
        item.origin = p->origin;
        key = address_key(p->a, &item);
        if (imm_parse_find(p, p->id, key) != SIZE_MAX)
                return;
        imm_parse_remember(p, p->id, key, v->ips.n);
        *imm_array_push(p->a, &v->ips) = item;
}

enum imm_parsed imm_parse_ips(struct imm_parse *p, const char *value) {
        static const struct {
                const char *word;
                struct imm_ip_item v4, v6;
        } words[] = {
                {"any", {.family = AF_INET}, {.family = AF_INET6}},
                {"localhost", {.family = AF_INET, .address = {127}, .prefix = 8},
                        {.family = AF_INET6, .address = {[15] = 1}, .prefix = 128}},
                {"link-local", {.family = AF_INET, .address = {169, 254}, .prefix = 16},
                        {.family = AF_INET6, .address = {0xfe, 0x80}, .prefix = 64}},
                {"multicast", {.family = AF_INET, .address = {224}, .prefix = 4},
                        {.family = AF_INET6, .address = {0xff}, .prefix = 8}},
        };
        const char *word;
        size_t taken = 0;

        if (*value == '\0')
                return imm_parse_emptied(p);
        while (imm_parse_word(p, &value, NULL, 0, &word)) {
                struct imm_ip_item item = {0};
                size_t i = 0;

                while (i < IMM_ELEMENTSOF(words) && !imm_streq(words[i].word, word) &&
                        !(i == 1 && is_localhost(word)))
                        i++;
                if (i < IMM_ELEMENTSOF(words)) {
                        add_address(p, words[i].v4);
                        add_address(p, words[i].v6);
                } else if (address(word, p->a, &item))
                        add_address(p, item);
                else {
                        imm_parse_skip(p, "'%s' is no address or network", word);
                        if (p->version < 250)
                                break; /* the rest of the line went with it */
                        continue;
                }
                taken++;
        }
        return imm_parse_taken(p, taken);
}

void imm_ips_reduce(struct imm_parse *p, enum imm_setting id) {
        struct imm_value *v = p->values[id];
        size_t kept = 0;

        for (size_t i = 0; v && i < v->ips.n; i++) {
                struct imm_ip_item wider = v->ips.v[i];
                bool covered = false;

                while (!covered && wider.prefix > 0) {
                        wider.prefix--;
                        mask_address(&wider);
                        covered = imm_parse_find(p, id, address_key(p->a, &wider)) != SIZE_MAX;
                }
                if (!covered)
                        v->ips.v[kept++] = v->ips.v[i];
        }
        if (v)
                v->ips.n = kept;
}

/* SocketBindAllow=[FAMILY:][PROTOCOL:]PORTS; each part may be missing, but not change its place */
enum imm_parsed imm_parse_socket_binds(struct imm_parse *p, const char *value) {
        struct imm_socket_bind_item item = {.family = AF_UNSPEC, .origin = p->origin};
        const char *s = value, *word;
        unsigned step = 0; /* parts that cannot come any more */
        bool bad = false;
        int r;

        if (*value == '\0')
                return imm_parse_emptied(p);
        while (!bad && (r = imm_word_next(&s, ":", IMM_WORDS_DONT_COALESCE, p->a, &word)) > 0) {
                uint64_t low, high;
                const char *dash;

                if (step < 1 && (imm_streq(word, "ipv4") || imm_streq(word, "ipv6"))) {
                        item.family = word[3] == '4' ? AF_INET : AF_INET6;
                        step = 1;
                } else if (step < 2 && (imm_streq(word, "tcp") || imm_streq(word, "udp"))) {
                        item.protocol = *word == 't' ? IPPROTO_TCP : IPPROTO_UDP;
                        step = 2;
                } else if (step < 3 && imm_streq(word, "any")) {
                        item.n_ports = item.port_min = 0;
                        step = 3;
                } else if (step < 3) {
                        dash = strchr(word, '-');
                        bad = !imm_text_uint(
                                dash ? imm_strndup(p->a, word, (size_t)(dash - word)) : word, 65535,
                                &low);
                        high = low;
                        bad = bad || (dash && !imm_text_uint(dash + 1, 65535, &high)) ||
                              high < low || (p->version < 255 && low == 0);
                        if (!bad) {
                                item.port_min = (unsigned)low;
                                item.n_ports = (unsigned)((high - low + 1) & 0xffff);
                        }
                        step = 3;
                } else
                        bad = true;
        }
        if (bad || (s && *s))
                return imm_parse_ignore(p, "'%s' is not [FAMILY:][PROTOCOL:]PORTS", value);
        *imm_array_push(p->a, &imm_parse_value(p)->socket_binds) = item;
        return IMM_PARSED_TAKEN;
}
