/* Addresses as people write them; what they lead to is asked in tests/lab/ask/network. */

#include "analyzer/sandbox/network/network.h"
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

int main(void) {
        const struct CMUnitTest tests[] = {cmocka_unit_test(addresses_are_read)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
