#include "audit/addresses.h"

#include "base/text.h"

#include <arpa/inet.h>

struct network {
        int family;
        unsigned char address[16];
        unsigned prefix;
};

enum { NETWORKS_MAX = 4096 };

struct networks {
        struct network *v;
        size_t n;
        bool odd; /* not all of it was understood */
};

static bool parse(const char *word, size_t n, struct network *to) {
        char text[INET6_ADDRSTRLEN + sizeof("/128")];
        unsigned long long prefix;
        char *slash;

        if (n >= sizeof(text))
                return false;
        memcpy(text, word, n);
        text[n] = 0;
        slash = strchr(text, '/');
        if (!slash || !imm_parse_u64(slash + 1, &prefix))
                return false;
        *slash = 0;
        to->family = strchr(text, ':') ? AF_INET6 : AF_INET;
        to->prefix = (unsigned)prefix;
        return prefix <= (to->family == AF_INET6 ? 128 : 32) &&
               inet_pton(to->family, text, to->address) == 1;
}

static void read_list(struct networks *to, const char *s) {
        while (s && *(s += strspn(s, " "))) {
                size_t n = strcspn(s, " ");

                if (to->n == NETWORKS_MAX || !parse(s, n, &to->v[to->n]))
                        to->odd = true;
                else
                        to->n++;
                s += n;
        }
}

static bool covers(const struct network *wide, const struct network *narrow) {
        unsigned bytes = wide->prefix / 8, bits = wide->prefix % 8;
        unsigned char mask = (unsigned char)(0xff00 >> bits);

        if (wide->family != narrow->family || wide->prefix > narrow->prefix ||
                memcmp(wide->address, narrow->address, bytes) != 0)
                return false;
        return bits == 0 || ((wide->address[bytes] ^ narrow->address[bytes]) & mask) == 0;
}

/* Are all of @part in one of @whole? Two halves said to be one whole count as more. */
static bool within(const struct networks *part, const struct networks *whole) {
        for (size_t i = 0; i < part->n; i++) {
                bool found = false;

                for (size_t k = 0; k < whole->n && !found; k++)
                        found = covers(&whole->v[k], &part->v[i]);
                if (!found)
                        return false;
        }
        return true;
}

enum imm_verdict imm_addresses_compare(const char *before, const char *after) {
        imm_auto_free struct network *lists = imm_xcalloc(NETWORKS_MAX * 2, sizeof(*lists));
        struct networks old = {lists, 0, false}, new = {lists + NETWORKS_MAX, 0, false};
        bool fewer, more;

        read_list(&old, before);
        read_list(&new, after);
        if (old.odd || new.odd)
                return IMM_VERDICT_CHANGED;
        more = !within(&new, &old);
        fewer = !within(&old, &new);
        return more ? IMM_VERDICT_WORSE : fewer ? IMM_VERDICT_BETTER : IMM_VERDICT_SAME;
}
