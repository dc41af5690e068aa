#include "analyzer/sandbox/network/network-private.h"

#include "analyzer/sandbox/joins.h"
#include "analyzer/sandbox/needs.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <sys/capability.h>
#include <sys/syscall.h>

/* ---- addresses ---- */

bool imm_net_is_address(const char *text) {
        return imm_after(text, "tcp:") || imm_after(text, "udp:") || imm_after(text, "unix:");
}

static bool parse_port(const char *text, unsigned *ret) {
        unsigned long long n;

        if (!imm_parse_u64(text, &n) || n < 1 || n > 65535)
                return false;
        *ret = (unsigned)n;
        return true;
}

/* "1.2.3.4:80", "[::1]:80", and "80" */
static bool parse_ip(const char *text, struct imm_net_address *to) {
        const char *colon = strrchr(text, ':'), *open = text;
        char host[INET6_ADDRSTRLEN + 1];
        size_t n;

        if (!colon) {
                to->family = AF_UNSPEC;
                return parse_port(text, &to->port);
        }
        n = (size_t)(colon - text);
        to->family = *text == '[' ? AF_INET6 : AF_INET;
        if (to->family == AF_INET6) {
                if (n < 2 || text[n - 1] != ']')
                        return false;
                open++;
                n -= 2;
        }
        if (n >= sizeof(host))
                return false;
        memcpy(host, open, n);
        host[n] = 0;
        return inet_pton(to->family, host, to->address) == 1 && parse_port(colon + 1, &to->port);
}

/*
 * What the kernel makes of it before a filter sees a packet: ::ffff:192.0.2.1 is sent as IPv4, and
 * who connects to no address at all is connected to the loopback interface.
 */
static void as_sent(struct imm_net_address *to, enum imm_net_verb verb) {
        static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff}, none[16] = {0};

        if (to->family == AF_INET6 && memcmp(to->address, mapped, sizeof(mapped)) == 0) {
                to->family = AF_INET;
                memmove(to->address, to->address + 12, 4);
                memset(to->address + 4, 0, 12);
        }
        if (verb == IMM_NET_CONNECT && to->family == AF_INET && memcmp(to->address, none, 4) == 0)
                memcpy(to->address, (const unsigned char[]){127, 0, 0, 1}, 4);
        else if (verb == IMM_NET_CONNECT && to->family == AF_INET6 &&
                 memcmp(to->address, none, 16) == 0)
                to->address[15] = 1;
}

int imm_net_parse(const char *text, enum imm_net_verb verb, struct imm_net_address *ret,
        const char **ret_problem) {
        const char *rest = imm_after(text, "unix:");

        *ret = (struct imm_net_address){.kind = IMM_NET_ABSTRACT, .family = AF_UNIX, .text = text};
        *ret_problem = "expected tcp:ADDRESS:PORT, udp:ADDRESS:PORT (an IPv6 address in brackets) "
                       "or unix:@NAME";
        if (rest) {
                if (*rest == '/')
                        *ret_problem = "a socket in the file system is asked for by its path alone";
                return rest[0] == '@' && rest[1] ? 0 : -EINVAL;
        }
        ret->kind = imm_after(text, "udp:") ? IMM_NET_UDP : IMM_NET_TCP;
        rest = imm_after(text, "tcp:") ?: imm_after(text, "udp:");
        if (!rest || !parse_ip(rest, ret))
                return -EINVAL;
        as_sent(ret, verb);
        if (verb == IMM_NET_CONNECT && ret->family == AF_UNSPEC) {
                *ret_problem = "to connect takes an address: tcp:127.0.0.1:80, tcp:[::1]:80";
                return -EINVAL;
        }
        return 0;
}

/* ---- one question ---- */

struct question {
        struct imm_manager *m;
        struct imm_settings *s;
        const struct imm_identity *id;
        enum imm_command_kind kind;
        enum imm_net_verb verb;
        const struct imm_net_address *to;
        bool because;
        struct imm_arena *a;
        struct imm_net_access *ret;
        struct imm_joined joined; /* whose network it has */
};

static const char *const verbs[] = {[IMM_NET_CONNECT] = "connect", [IMM_NET_LISTEN] = "listen"};

static void say(const struct question *q, int answer, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));
static void say(const struct question *q, int answer, const char *fmt, ...) {
        static const char *const words[] = {"unknown", "no", "yes"};
        va_list ap;
        char *text;

        if (!q->because)
                return;
        va_start(ap, fmt);
        text = imm_vprintf(q->a, fmt, ap);
        va_end(ap);
        imm_strv_add(q->a, &q->ret->because,
                imm_printf(q->a, "%s: %s: %s", verbs[q->verb], words[answer + 1], text));
}

/* "PrivateNetwork=yes (file:line)" without the value */
static const char *named(
        const struct question *q, const struct imm_settings *s, enum imm_setting id) {
        if (!q->because)
                return "";
        return imm_printf(q->a, "%s= (%s)", imm_setting_info(id)->name,
                imm_origin_text(&imm_setting(s, id)->origin, q->a));
}

/* ---- the network that it is in ---- */

enum where { MACHINE, OWN, NAMED };

static bool makes_network(const struct question *q) {
        return q->m->scope == IMM_SCOPE_SYSTEM || q->id->userns != IMM_USERNS_NONE;
}

static enum where where_is(const struct question *q) {
        const char *path = q->joined.net_path;

        if (!q->joined.net) /* also: it was to have one, and the unit that it joins made none */
                return MACHINE;
        if (path && *path)
                return imm_streq(path, "/proc/1/ns/net") ? MACHINE : NAMED;
        return makes_network(q) ? OWN : MACHINE;
}

/* What gives it the network that it is in */
static const char *of_network(const struct question *q) {
        const char *path = imm_setting_string(q->s, IMM_SETTING_NETWORK_NAMESPACE_PATH);

        if (!q->because)
                return "";
        if (q->joined.own)
                return named(q, q->s,
                        path && *path ? IMM_SETTING_NETWORK_NAMESPACE_PATH
                                      : IMM_SETTING_PRIVATE_NETWORK);
        return imm_printf(q->a, "JoinsNamespaceOf= (%s was there first)", q->joined.maker);
}

static void say_joined(const struct question *q) {
        const struct imm_value *v = imm_setting(q->s, IMM_SETTING_JOINS_NAMESPACE_OF);

        imm_array_foreach (i, &v->strings)
                say(q, q->ret->allowed, "what %s listens on there could be reached (%s)", i->text,
                        imm_origin_text(&i->origin, q->a));
}

/* False: the question is answered. */
static bool pass_network(const struct question *q, enum where w) {
        if (q->verb == IMM_NET_LISTEN || w == MACHINE)
                return true;
        if (w == NAMED) {
                q->ret->allowed = -1;
                say(q, -1,
                        "it is in the network that %s names; what that leads to is not in the "
                        "root's files",
                        of_network(q));
                return false;
        }
        q->ret->allowed = 0;
        say(q, 0,
                "%s gives it a network of its own, with nothing but a loopback interface; "
                "PrivateNetwork=no would put it into the machine's",
                of_network(q));
        say_joined(q);
        return false;
}

/* ---- address families and system calls ---- */

static bool family_allowed(const struct imm_settings *s, const char *name) {
        const struct imm_value *v = imm_setting(s, IMM_SETTING_RESTRICT_ADDRESS_FAMILIES);
        bool listed = false;

        imm_array_foreach (i, &v->strings)
                listed |= imm_streq(i->text, name);
        return v->allow_list ? listed : !listed;
}

static bool call_allowed(const struct imm_settings *s, int number) {
        const struct imm_value *v = imm_setting(s, IMM_SETTING_SYSTEM_CALL_FILTER);

        imm_array_foreach (i, &v->syscalls)
                if (i->number == number)
                        return v->allow_list && i->error == 0;
        return !v->allow_list;
}

static const char *family_name(int family) {
        return family == AF_UNIX ? "AF_UNIX" : family == AF_INET ? "AF_INET" : "AF_INET6";
}

bool imm_net_may_connect(const struct imm_settings *s, enum imm_command_kind kind, int family,
        enum imm_setting *ret_by) {
        enum imm_setting by;

        if (kind == IMM_KIND_PRIVILEGED)
                return true;
        if (!family_allowed(s, family_name(family)))
                by = IMM_SETTING_RESTRICT_ADDRESS_FAMILIES;
        else if (!call_allowed(s, SYS_socket) || !call_allowed(s, SYS_connect))
                by = IMM_SETTING_SYSTEM_CALL_FILTER;
        else
                return true;
        if (ret_by)
                *ret_by = by;
        return false;
}

/* An IPv6 socket also speaks to IPv4 addresses (::ffff:192.0.2.1). */
static bool pass_family(const struct question *q) {
        int family = q->to->family;
        bool v4, v6;

        if (q->kind == IMM_KIND_PRIVILEGED)
                return true;
        v4 = family_allowed(q->s, "AF_INET");
        v6 = family_allowed(q->s, "AF_INET6");
        if (family == AF_UNIX        ? family_allowed(q->s, "AF_UNIX")
                : family == AF_INET6 ? v6
                                     : v4 || v6) {
                if (family == AF_INET && !v4)
                        say(q, 1,
                                "%s leaves no AF_INET, but an AF_INET6 socket reaches IPv4 "
                                "addresses too",
                                named(q, q->s, IMM_SETTING_RESTRICT_ADDRESS_FAMILIES));
                return true;
        }
        q->ret->allowed = 0;
        say(q, 0, "%s leaves no %s sockets; naming %s there would allow them",
                named(q, q->s, IMM_SETTING_RESTRICT_ADDRESS_FAMILIES),
                family == AF_UNSPEC ? "AF_INET or AF_INET6" : family_name(family),
                family == AF_UNSPEC ? "AF_INET" : family_name(family));
        return false;
}

static bool pass_calls(const struct question *q) {
        static const struct {
                const char *name;
                int number;
                bool connect, listen, stream;
        } calls[] = {
                {"socket", SYS_socket, true, true, false},
                {"connect", SYS_connect, true, false, false},
                {"bind", SYS_bind, false, true, false},
                {"listen", SYS_listen, false, true, true},
        };

        if (q->kind == IMM_KIND_PRIVILEGED)
                return true;
        for (size_t i = 0; i < IMM_ELEMENTSOF(calls); i++) {
                if (!(q->verb == IMM_NET_CONNECT ? calls[i].connect : calls[i].listen) ||
                        (calls[i].stream && q->to->kind == IMM_NET_UDP) ||
                        call_allowed(q->s, calls[i].number))
                        continue;
                q->ret->allowed = 0;
                say(q, 0, "%s leaves no %s(2); SystemCallFilter=@network-io would allow it",
                        named(q, q->s, IMM_SETTING_SYSTEM_CALL_FILTER), calls[i].name);
                return false;
        }
        return true;
}

/* ---- filters of the control group: the unit's and its slices' ---- */

struct imm_settings *imm_net_slice_of(struct imm_manager *m, const struct imm_settings *s) {
        const char *name = imm_setting_string(s, IMM_SETTING_SLICE);

        return name && *name ? imm_network_slice(m, name) : NULL;
}

enum { SLICES_MAX = 64 };

static bool matches(const struct imm_ip_item *i, const struct imm_net_address *to) {
        unsigned whole = i->prefix / 8, rest = i->prefix % 8;

        if (i->family != to->family || memcmp(i->address, to->address, whole) != 0)
                return false;
        return rest == 0 || ((i->address[whole] ^ to->address[whole]) >> (8 - rest)) == 0;
}

static const struct imm_ip_item *find_ip(
        const struct imm_settings *s, enum imm_setting id, const struct imm_net_address *to) {
        imm_array_foreach (i, &imm_setting(s, id)->ips)
                if (matches(i, to))
                        return i;
        return NULL;
}

static const char *ip_text(const struct question *q, const struct imm_ip_item *i) {
        char host[INET6_ADDRSTRLEN] = "";

        if (!q->because)
                return "";
        (void)inet_ntop(i->family, i->address, host, sizeof(host));
        return imm_printf(q->a, "%s/%u (%s)", host, i->prefix, imm_origin_text(&i->origin, q->a));
}

/*
 * The lists of the unit and of all slices above are one: what any allows is allowed, else what any
 * denies is denied. Longest prefixes play no part between the two lists.
 */
static bool pass_addresses(const struct question *q) {
        const struct imm_ip_item *deny = NULL, *allow = NULL;
        const struct imm_settings *by = NULL;
        unsigned n = 0;

        for (struct imm_settings *s = q->s; s && n < SLICES_MAX;
                s = imm_net_slice_of(q->m, s), n++) {
                const struct imm_ip_item *d = find_ip(s, IMM_SETTING_IP_ADDRESS_DENY, q->to);

                if (!allow)
                        allow = find_ip(s, IMM_SETTING_IP_ADDRESS_ALLOW, q->to);
                if (d && !deny) {
                        deny = d;
                        by = s;
                }
        }
        if (!deny)
                return true;
        if (allow) {
                say(q, 1, "IPAddressAllow=%s lets it pass", ip_text(q, allow));
                return true;
        }
        q->ret->allowed = 0;
        say(q, 0,
                "IPAddressDeny=%s%s%s drops the packets; IPAddressAllow= of that address would "
                "let them pass",
                ip_text(q, deny), by == q->s ? "" : " of ", by == q->s ? "" : by->unit->name);
        return false;
}

static bool is_loopback(const struct imm_net_address *to) {
        static const unsigned char one[16] = {[15] = 1};

        return to->family == AF_INET ? to->address[0] == 127 : memcmp(to->address, one, 16) == 0;
}

static bool lists_loopback(const struct imm_value *v) {
        imm_array_foreach (i, &v->strings)
                if (imm_streq(i->text, "lo"))
                        return true;
        return false;
}

/* A filter that needs libbpf: false where this systemd has none */
static bool has_effect(
        const struct question *q, const struct imm_settings *s, enum imm_setting id) {
        if (imm_network_bpf_framework(q->m) != 0)
                return true;
        say(q, 1,
                "%s has no effect: this systemd was built without BPF programs, or libbpf is not "
                "installed",
                named(q, s, id));
        return false;
}

/* Each slice has a filter of its own, and all must let pass. */
static bool pass_interfaces(const struct question *q) {
        unsigned n = 0;

        for (struct imm_settings *s = q->s; s && n < SLICES_MAX;
                s = imm_net_slice_of(q->m, s), n++) {
                const struct imm_value *v = imm_setting(s, IMM_SETTING_RESTRICT_NETWORK_INTERFACES);

                if ((!v->allow_list && v->strings.n == 0) ||
                        (is_loopback(q->to) && lists_loopback(v) == v->allow_list) ||
                        !has_effect(q, s, IMM_SETTING_RESTRICT_NETWORK_INTERFACES))
                        continue;
                q->ret->allowed =
                        is_loopback(q->to) && imm_network_bpf_framework(q->m) == 1 ? 0 : -1;
                say(q, q->ret->allowed, "%s leaves %s",
                        named(q, s, IMM_SETTING_RESTRICT_NETWORK_INTERFACES),
                        is_loopback(q->to) ? "no loopback interface"
                                           : "some interfaces only, and the route decides which "
                                             "is taken");
                return false;
        }
        return true;
}

static bool bind_matches(
        const struct imm_socket_bind_item *i, const struct imm_net_address *to, int family) {
        int protocol = to->kind == IMM_NET_UDP ? IPPROTO_UDP : IPPROTO_TCP;

        return (i->family == AF_UNSPEC || i->family == family) &&
               (i->protocol == 0 || i->protocol == protocol) &&
               (i->n_ports == 0 ||
                       (to->port >= i->port_min && to->port < i->port_min + i->n_ports));
}

static const struct imm_socket_bind_item *find_bind(const struct imm_settings *s,
        enum imm_setting id, const struct imm_net_address *to, int family) {
        imm_array_foreach (i, &imm_setting(s, id)->socket_binds)
                if (bind_matches(i, to, family))
                        return i;
        return NULL;
}

/* Of one family; each slice has a filter of its own, and all must let pass. */
static bool may_bind(const struct question *q, int family, struct imm_settings **ret_by) {
        unsigned n = 0;

        for (struct imm_settings *s = q->s; s && n < SLICES_MAX; s = imm_net_slice_of(q->m, s), n++)
                if (!find_bind(s, IMM_SETTING_SOCKET_BIND_ALLOW, q->to, family) &&
                        find_bind(s, IMM_SETTING_SOCKET_BIND_DENY, q->to, family)) {
                        *ret_by = s;
                        return false;
                }
        return true;
}

static bool pass_bind(const struct question *q) {
        bool v4 = q->kind == IMM_KIND_PRIVILEGED || family_allowed(q->s, "AF_INET");
        bool v6 = q->kind == IMM_KIND_PRIVILEGED || family_allowed(q->s, "AF_INET6");
        struct imm_settings *by = NULL;

        if ((q->to->family != AF_INET6 && v4 && may_bind(q, AF_INET, &by)) ||
                (q->to->family != AF_INET && v6 && may_bind(q, AF_INET6, &by)) || !by ||
                !has_effect(q, by, IMM_SETTING_SOCKET_BIND_DENY))
                return true;
        q->ret->allowed = imm_network_bpf_framework(q->m) == 1 ? 0 : -1;
        say(q, q->ret->allowed, "%s%s%s denies that port; SocketBindAllow= of it would allow it",
                named(q, by, IMM_SETTING_SOCKET_BIND_DENY), by == q->s ? "" : " of ",
                by == q->s ? "" : by->unit->name);
        return false;
}

/* Who is no root has no such filters made for it, and starts without. */
static bool pass_filters(const struct question *q) {
        if (q->m->scope != IMM_SCOPE_SYSTEM)
                return true;
        if (q->verb == IMM_NET_LISTEN)
                return pass_bind(q);
        return pass_addresses(q) && pass_interfaces(q);
}

/* ---- low ports ---- */

static bool pass_port(const struct question *q, enum where w) {
        unsigned start = w == MACHINE ? imm_network_port_start(q->m) : 1024;
        uint64_t caps = q->id->cap_effective | q->id->cap_permitted;
        bool own =
                q->id->userns == IMM_USERNS_NONE || (w == OWN && q->m->scope != IMM_SCOPE_SYSTEM);

        if (q->to->port >= start)
                return true;
        if (own && caps & UINT64_C(1) << CAP_NET_BIND_SERVICE) {
                say(q, 1, "port %u is below %u, and it has CAP_NET_BIND_SERVICE", q->to->port,
                        start);
                return true;
        }
        q->ret->allowed = w == NAMED ? -1 : 0;
        say(q, q->ret->allowed,
                "port %u is below %u (net.ipv4.ip_unprivileged_port_start), and it has no "
                "CAP_NET_BIND_SERVICE; %s would allow it",
                q->to->port, start,
                q->id->uid == 0 ? "CAP_NET_BIND_SERVICE in CapabilityBoundingSet="
                                : "AmbientCapabilities=CAP_NET_BIND_SERVICE");
        return false;
}

/* ---- all of it ---- */

/* What is not modelled and could make the answer smaller */
static void add_assumptions(const struct question *q) {
        static const enum imm_setting opaque[] = {IMM_SETTING_IP_INGRESS_FILTER_PATH,
                IMM_SETTING_IP_EGRESS_FILTER_PATH, IMM_SETTING_BPF_PROGRAM,
                IMM_SETTING_SELINUX_CONTEXT, IMM_SETTING_APP_ARMOR_PROFILE,
                IMM_SETTING_SMACK_PROCESS_LABEL};

        for (size_t i = 0; q->because && i < IMM_ELEMENTSOF(opaque); i++)
                if (imm_setting(q->s, opaque[i])->set)
                        imm_strv_add(q->a, &q->ret->assumes,
                                imm_printf(q->a, "%s=", imm_setting_info(opaque[i])->name));
        if (q->because)
                imm_assumes_unknown(q->s, q->a, &q->ret->assumes);
}

static void say_where(const struct question *q, enum where w) {
        if (w == OWN) {
                say(q, 1, "in a network of its own, by %s: nobody else reaches it there",
                        of_network(q));
                say_joined(q);
        } else if (w == NAMED)
                say(q, 1, "in the network that %s names", of_network(q));
        else if (imm_needs_network(q->s) && !q->joined.own && !q->joined.net)
                say(q, 1,
                        "it is in the machine's network: it shares what %s has made "
                        "(JoinsNamespaceOf=), and that made no network",
                        q->joined.maker);
        else if (q->to->kind == IMM_NET_ABSTRACT)
                say(q, 1,
                        "it is in the machine's network, whose abstract sockets have no "
                        "permissions");
        else
                say(q, 1,
                        "it is in the machine's network, and no setting of the unit or its "
                        "slices is against it");
}

void imm_net_access_of(struct imm_manager *m, struct imm_settings *s, const struct imm_sandbox *sb,
        enum imm_command_kind kind, enum imm_net_verb verb, const struct imm_net_address *to,
        bool because, struct imm_arena *a, struct imm_net_access *ret) {
        struct question q = {m, s, sb->identity + kind, kind, verb, to, because, a, ret, {0}};
        enum where w;
        bool port;

        *ret = (struct imm_net_access){.allowed = 1};
        if (s->load != IMM_LOAD_LOADED) {
                ret->allowed = -1;
                say(&q, -1, "the unit is %s", imm_load_name(s->load));
                return;
        }
        add_assumptions(&q);
        if (imm_needs_network(s))
                imm_joined_of(m, s, a, &q.joined);
        if (q.joined.unsure)
                imm_strv_add(a, &ret->assumes, q.joined.unsure);
        w = where_is(&q);
        if (!pass_family(&q) || !pass_calls(&q) || !pass_network(&q, w))
                return;
        port = to->kind == IMM_NET_ABSTRACT || verb != IMM_NET_LISTEN || pass_port(&q, w);
        if (ret->allowed == 0 || (to->kind != IMM_NET_ABSTRACT && !pass_filters(&q)) || !port)
                return; /* a certain no is said before what is not known */
        say_where(&q, w);
}

void imm_net_access_compute(struct imm_manager *m, struct imm_unit *u, enum imm_command_kind kind,
        enum imm_net_verb verb, const struct imm_net_address *to, bool because, struct imm_arena *a,
        struct imm_net_access *ret) {
        const struct imm_sandbox *sb = imm_sandbox_of(m, u);
        const struct imm_mount_table *t = sb->mounts + kind;

        imm_net_access_of(m, imm_settings_of(m, u), sb, kind, verb, to, because, a, ret);
        if (t->outcome == IMM_OUTCOME_OK ||
                (t->outcome == IMM_OUTCOME_UNKNOWN && !sb->identity[kind].unknown))
                return;
        *ret = (struct imm_net_access){.allowed = -1};
        if (because)
                imm_strv_add(a, &ret->because, imm_outcome_sentence(t->outcome, t->culprit, a));
}

void imm_net_access_widest(struct imm_manager *m, struct imm_unit *u, enum imm_net_verb verb,
        const struct imm_net_address *to, bool because, struct imm_arena *a,
        struct imm_net_access *ret) {
        const struct imm_sandbox *sb = imm_sandbox_of(m, u);

        imm_net_access_compute(m, u, sb->main, verb, to, because, a, ret);
        for (enum imm_command_kind k = 0; k < IMM_KIND_N; k++) {
                struct imm_net_access other;

                if (!sb->has[k] || k == sb->main || ret->allowed == 1)
                        continue;
                imm_net_access_compute(m, u, k, verb, to, because, a, &other);
                if (other.allowed == 0 || other.allowed == ret->allowed)
                        continue;
                if (because)
                        imm_strv_add(a, &other.because,
                                imm_printf(a, "that is for commands with '%s'; the others:",
                                        k == IMM_KIND_PRIVILEGED  ? "+"
                                        : k == IMM_KIND_NO_SETUID ? "!"
                                        : k == IMM_KIND_AMBIENT   ? "!!"
                                                                  : "no prefix"));
                for (size_t i = 0; i < ret->because.n; i++)
                        imm_strv_add(a, &other.because, ret->because.v[i]);
                *ret = other;
        }
}
