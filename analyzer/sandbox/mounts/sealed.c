/*
 * Is it an encrypted credential at all? Base64 of a header (what it is encrypted by, the sizes of
 * key, block, initialization vector and tag, little-endian) and what follows; whether a machine has
 * the key is another question. Source: systemd-creds(1); tests/lab.
 */

#include "analyzer/sandbox/mounts/plan.h"
#include "analyzer/unit/words.h"

enum { ID = 16, SIZES = 4, HEADER = ID + SIZES * 4 };

static int digit(char c) {
        if (c >= 'A' && c <= 'Z')
                return c - 'A';
        if (c >= 'a' && c <= 'z')
                return c - 'a' + 26;
        if (c >= '0' && c <= '9')
                return c - '0' + 52;
        return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* The first bytes into @head; how many there are in all, or 0 for what is no Base64 */
static size_t decode(const char *text, unsigned char head[HEADER]) {
        size_t n = 0, letters = 0, fill = 0;
        unsigned bits = 0;

        for (; *text; text++) {
                int d = digit(*text);

                if (d < 0 && strchr(IMM_WHITESPACE, *text))
                        continue;
                if (*text == '=') {
                        fill++;
                        continue;
                }
                if (d < 0 || fill > 0)
                        return 0;
                bits = bits << 6 | (unsigned)d;
                if (letters++ % 4 == 0)
                        continue;
                if (n < HEADER)
                        head[n] = bits >> (6 - 2 * ((letters - 1) % 4)) & 0xff;
                n++;
        }
        return (letters + fill) % 4 == 0 && fill <= 2 ? n : 0;
}

bool imm_credential_is_sealed(const char *text) {
        static const unsigned sizes[SIZES] = {32, 1, 12, 16}; /* of AES-256 in Galois mode */
        unsigned char head[HEADER];
        size_t n = decode(text, head);

        if (n <= HEADER + sizes[2] + sizes[3])
                return false;
        for (size_t i = 0; i < SIZES; i++) {
                const unsigned char *at = head + ID + i * 4;

                if ((at[0] | (unsigned)at[1] << 8 | (unsigned)at[2] << 16 |
                            (unsigned)at[3] << 24) != sizes[i])
                        return false;
        }
        return true;
}
