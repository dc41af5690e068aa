/*
 * Addresses as people write them, and which settings leave them to a service. What is expected here
 * was measured on booted systemds (tests/lab/ask/network); these rows keep it when no lab can run.
 */

#include "analyzer/sandbox/network/network.h"
#include "analyzer/sandbox/sandbox.h"
#include "tests/unit/tree.h"

#include <sys/socket.h>

TEST(addresses_are_read) {
        static const struct {
                const char *text;
                enum imm_net_verb verb;
                int family; /* 0 (AF_UNSPEC): any; -1: refused */
                unsigned port;
        } cases[] = {
                {"tcp:127.0.0.1:80", IMM_NET_CONNECT, AF_INET, 80},
                {"udp:192.0.2.1:65535", IMM_NET_CONNECT, AF_INET, 65535},
                {"tcp:[::1]:80", IMM_NET_CONNECT, AF_INET6, 80},
                {"tcp:[2001:db8::1]:443", IMM_NET_LISTEN, AF_INET6, 443},
                {"tcp:80", IMM_NET_LISTEN, AF_UNSPEC, 80},
                {"unix:@a b", IMM_NET_CONNECT, AF_UNIX, 0},
                {"tcp:[::ffff:192.0.2.1]:80", IMM_NET_CONNECT, AF_INET, 80},
                {"udp:[::ffff:1]:80", IMM_NET_CONNECT, AF_INET6, 80},
                {"tcp:80", IMM_NET_CONNECT, -1, 0},
                {"tcp:", IMM_NET_LISTEN, -1, 0},
                {"tcp:0", IMM_NET_LISTEN, -1, 0},
                {"tcp:65536", IMM_NET_LISTEN, -1, 0},
                {"tcp:127.0.0.1", IMM_NET_CONNECT, -1, 0},
                {"tcp:127.0.0.1:", IMM_NET_CONNECT, -1, 0},
                {"tcp:127.0.0.256:1", IMM_NET_CONNECT, -1, 0},
                {"tcp:::1:80", IMM_NET_CONNECT, -1, 0},
                {"tcp:[::1:80", IMM_NET_CONNECT, -1, 0},
                {"tcp:[]:80", IMM_NET_CONNECT, -1, 0},
                {"tcp:[127.0.0.1]:80", IMM_NET_CONNECT, -1, 0},
                {"tcp:localhost:80", IMM_NET_CONNECT, -1, 0},
                {"tcp:[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]:80",
                        IMM_NET_CONNECT, -1, 0},
                {"sctp:127.0.0.1:80", IMM_NET_CONNECT, -1, 0},
                {"unix:/run/x", IMM_NET_CONNECT, -1, 0},
                {"unix:@", IMM_NET_CONNECT, -1, 0},
        };

        for (size_t i = 0; i < IMM_ELEMENTSOF(cases); i++) {
                struct imm_net_address a;
                const char *problem;
                int r = imm_net_parse(cases[i].text, cases[i].verb, &a, &problem);

                assert_int_equal(r, cases[i].family < 0 ? -EINVAL : 0);
                if (r < 0)
                        continue;
                assert_int_equal(a.family, cases[i].family);
                assert_int_equal(a.port, cases[i].port);
        }
}

/* -1, 0 or 1: what the most that x.service of @lines runs may do at the address */
static int allowed(
        enum imm_scope scope, const char *lines, enum imm_net_verb verb, const char *at) {
        const struct imm_manager_options options = {
                .version = 257, .scope = scope, .user = "alice"};
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        imm_cleanup(imm_manager_free) struct imm_manager *m = NULL;
        struct imm_root *root = NULL;
        struct imm_net_address to;
        struct imm_net_access access;
        const struct imm_sandbox *sb;
        struct imm_unit *u;
        const char *problem;
        int most = -1;

        tree_file(scope == IMM_SCOPE_USER ? "etc/systemd/user/x.service"
                                          : "etc/systemd/system/x.service",
                imm_printf(a, "[Service]\nExecStart=/usr/bin/true\n%s\n", lines));
        assert_int_equal(imm_root_open(&root, tree, NULL), 0);
        assert_int_equal(imm_manager_open(&m, root, &options, NULL), 0);
        assert_int_equal(imm_manager_unit(m, "x.service", &u, NULL), 0);
        assert_int_equal(imm_net_parse(at, verb, &to, &problem), 0);
        sb = imm_sandbox_of(m, u);
        for (enum imm_command_kind k = 0; k < IMM_KIND_N; k++)
                if (sb->has[k] && most < 1) {
                        imm_net_access_of(
                                m, imm_settings_of(m, u), sb, k, verb, &to, false, a, &access);
                        most = access.allowed > most ? access.allowed : most;
                }
        m = imm_manager_free(m);
        imm_root_free(root);
        return most;
}

TEST(settings_leave_addresses_or_take_them) {
        static const struct {
                const char *lines;
                enum imm_net_verb verb;
                const char *at;
                int want;
        } rows[] = {
                {"", IMM_NET_CONNECT, "tcp:192.0.2.1:80", 1},
                {"", IMM_NET_LISTEN, "tcp:80", 1},
                /* a network of its own has a loopback to listen on */
                {"PrivateNetwork=yes", IMM_NET_CONNECT, "tcp:127.0.0.1:80", 0},
                {"PrivateNetwork=yes", IMM_NET_CONNECT, "unix:@x", 0},
                {"PrivateNetwork=yes", IMM_NET_LISTEN, "tcp:80", 1},
                {"NetworkNamespacePath=/proc/1/ns/net", IMM_NET_CONNECT, "tcp:127.0.0.1:80", 1},
                {"NetworkNamespacePath=/run/netns/x", IMM_NET_CONNECT, "tcp:127.0.0.1:80", -1},
                /* low ports ask for a capability, in the user namespace that has the network */
                {"User=alice", IMM_NET_LISTEN, "tcp:1023", 0},
                {"User=alice", IMM_NET_LISTEN, "tcp:1024", 1},
                {"User=alice\nAmbientCapabilities=CAP_NET_BIND_SERVICE", IMM_NET_LISTEN, "tcp:80",
                        1},
                {"CapabilityBoundingSet=~CAP_NET_BIND_SERVICE", IMM_NET_LISTEN, "udp:53", 0},
                {"PrivateUsers=yes", IMM_NET_LISTEN, "tcp:80", 0},
                {"PrivateUsers=yes", IMM_NET_LISTEN, "tcp:8080", 1},
                {"User=alice", IMM_NET_LISTEN, "unix:@x", 1},
                /* families: an IPv6 socket also speaks to IPv4 addresses */
                {"RestrictAddressFamilies=AF_UNIX", IMM_NET_CONNECT, "tcp:127.0.0.1:80", 0},
                {"RestrictAddressFamilies=AF_UNIX", IMM_NET_CONNECT, "unix:@x", 1},
                {"RestrictAddressFamilies=AF_INET6", IMM_NET_CONNECT, "tcp:127.0.0.1:80", 1},
                {"RestrictAddressFamilies=AF_INET", IMM_NET_CONNECT, "tcp:[::1]:80", 0},
                {"RestrictAddressFamilies=~AF_INET AF_INET6", IMM_NET_CONNECT, "tcp:127.0.0.1:80",
                        0},
                {"RestrictAddressFamilies=~AF_NETLINK", IMM_NET_CONNECT, "tcp:127.0.0.1:80", 1},
                {"RestrictAddressFamilies=none", IMM_NET_CONNECT, "unix:@x", 0},
                /* calls: what an allow list is to lose with an error stays in it, with that error
                 */
                {"SystemCallFilter=~connect:EPERM", IMM_NET_CONNECT, "tcp:127.0.0.1:80", 0},
                {"SystemCallFilter=~connect:EPERM", IMM_NET_LISTEN, "tcp:80", 1},
                {"SystemCallFilter=~listen:EPERM", IMM_NET_LISTEN, "tcp:80", 0},
                {"SystemCallFilter=~bind:EPERM", IMM_NET_LISTEN, "udp:53", 0},
                {"SystemCallFilter=~socket:EPERM", IMM_NET_CONNECT, "unix:@x", 0},
                {"SystemCallFilter=@system-service", IMM_NET_CONNECT, "tcp:127.0.0.1:80", 1},
                {"SystemCallFilter=@system-service\nSystemCallFilter=~connect:EPERM",
                        IMM_NET_CONNECT, "tcp:127.0.0.1:80", 0},
                {"SystemCallFilter=@system-service\nSystemCallFilter=connect:EPERM",
                        IMM_NET_CONNECT, "tcp:127.0.0.1:80",
                        1}, /* what is allowed takes no error: ignored */
                /* packets */
                {"IPAddressDeny=any", IMM_NET_CONNECT, "tcp:127.0.0.1:80", 0},
                {"IPAddressDeny=any\nIPAddressAllow=127.0.0.2", IMM_NET_CONNECT, "tcp:127.0.0.2:80",
                        1},
                {"IPAddressDeny=any\nIPAddressAllow=127.0.0.2", IMM_NET_CONNECT, "tcp:127.0.0.3:80",
                        0},
                {"IPAddressDeny=10.0.0.0/9", IMM_NET_CONNECT, "tcp:10.128.0.1:80", 1},
                {"IPAddressDeny=10.0.0.0/9", IMM_NET_CONNECT, "tcp:10.127.255.255:80", 0},
                {"IPAddressDeny=any", IMM_NET_CONNECT, "unix:@x", 1},
                /* "+" is for all but packets and the network itself */
                {"RestrictAddressFamilies=AF_UNIX\nExecStartPre=+/usr/bin/true", IMM_NET_CONNECT,
                        "tcp:127.0.0.1:80", 1},
        };

        tree_file("etc/passwd", "root:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/:/bin/sh\n");
        tree_file("etc/group", "root:x:0:\nalice:x:1000:\n");
        tree_file("usr/bin/true", "");
        assert_int_equal(chmod(tree_path("usr/bin/true"), 0755), 0);
        for (size_t i = 0; i < IMM_ELEMENTSOF(rows); i++) {
                int got = allowed(IMM_SCOPE_SYSTEM, rows[i].lines, rows[i].verb, rows[i].at);

                if (got != rows[i].want)
                        fail_msg("%s: %s: %i", rows[i].lines, rows[i].at, got);
        }
        /* a user's manager makes no network without a user namespace */
        assert_int_equal(allowed(IMM_SCOPE_USER, "", IMM_NET_CONNECT, "tcp:127.0.0.1:80"), 1);
        assert_int_equal(allowed(IMM_SCOPE_USER, "PrivateNetwork=yes\nPrivateUsers=yes",
                                 IMM_NET_CONNECT, "tcp:127.0.0.1:80"),
                0);
}

int main(void) {
        const struct CMUnitTest tests[] = {cmocka_unit_test(addresses_are_read),
                cmocka_unit_test(settings_leave_addresses_or_take_them)};

        return cmocka_run_group_tests(tests, tree_make, tree_remove);
}
