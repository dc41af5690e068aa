#include "analyzer/uses/uses-private.h"

/* Ports that a file of configuration names over and over: those of others */

/* The number behind "port", "port:" or "port =" of a line; "": it has none */
static const char *port_in(struct imm_arena *a, const char *line, size_t n) {
        const char *end = line + n;

        for (; line < end && strchr(" \t\"'-{", *line); line++)
                ;
        if (end - line < 6 || strncasecmp(line, "port", 4) != 0 || !strchr(" \t=:\"'", line[4]))
                return "";
        for (line += 4; line < end && strchr(" \t=:\"'", *line); line++)
                ;
        return imm_strndup(a, line, strspn(line, "0123456789"));
}

/*
 * "port: 443" again and again: nobody listens there more than once or twice, but there are lists of
 * those that are watched, checked or written to.
 */
void find_ports_of_others(struct collector *c, const char *text) {
        enum { OWN_MAX = 2 };
        struct imm_map seen = {0};

        for (const char *line = text, *end; *line; line = *end ? end + 1 : end) {
                const char *port;
                unsigned n = 0;

                end = strchrnul(line, '\n');
                port = port_in(c->a, line, (size_t)(end - line));
                if (!*port)
                        continue;
                while (n < OWN_MAX && imm_map_has(&seen, imm_printf(c->a, "%s %u", port, n)))
                        n++;
                imm_map_put(c->a, n < OWN_MAX ? &seen : &c->not_ports,
                        n < OWN_MAX ? imm_printf(c->a, "%s %u", port, n) : port, c);
        }
}
