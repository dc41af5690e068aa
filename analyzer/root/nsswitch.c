#include "analyzer/root/nsswitch.h"

#include <ctype.h>
#include <string.h>

const char *imm_nss_services(const char *conf, const char *database, struct imm_arena *a) {
        size_t n = strlen(database);

        for (const char *line = conf; *line; line = *line ? line + 1 : line) {
                const char *end = strchrnul(line, '\n'),
                           *stop = memchr(line, '#', (size_t)(end - line));

                while (line < end && isblank((unsigned char)*line))
                        line++;
                if (!stop)
                        stop = end;
                if ((size_t)(stop - line) > n && strncmp(line, database, n) == 0) {
                        const char *s = line + n;

                        while (s < stop && isblank((unsigned char)*s))
                                s++;
                        if (s < stop && *s == ':')
                                return imm_strndup(a, s + 1, (size_t)(stop - s - 1));
                }
                line = end;
        }
        return NULL;
}

const char *imm_nss_next(const char **s, struct imm_arena *a) {
        for (const char *at = *s;;) {
                size_t n;

                at += strspn(at, " \t\r");
                if (*at == '[') {
                        at = strchrnul(at, ']');
                        at += *at != '\0';
                        continue;
                }
                n = strcspn(at, " \t\r[");
                *s = at + n;
                return n > 0 ? imm_strndup(a, at, n) : NULL;
        }
}
