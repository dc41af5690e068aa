#include "analyzer/uses/uses-private.h"

/* Ports that a file of configuration names, and who listens there: others, where it names them over
 * and over, or nobody that the unit starts */

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

static bool is_shell_script(const struct collector *c, const struct file *program) {
        imm_array_foreach (n, c->closure) {
                const struct imm_need *of = n->by >= 0 ? &c->closure->v[n->by] : NULL;

                if (n->kind == IMM_NEED_INTERPRETER && of && of->host_path &&
                        imm_streq(of->host_path, program->path) &&
                        runs_lines(imm_base_name(n->path)))
                        return true;
        }
        return false;
}

/* A program that can bind a socket, or a library that waits for connections; or nobody knows */
static bool can_listen(const struct collector *c, const struct imm_need *n) {
        const char *name = imm_base_name(n->path);
        const struct file *f;

        if (!n->host_path || n->kind == IMM_NEED_CONFIG || n->kind == IMM_NEED_LOADER)
                return false;
        f = file_of(c->m, n->host_path, 0);
        if (n->kind == IMM_NEED_LIBRARY)
                return f->waits;
        return f->go || f->binds || (is_interpreter(name) && !runs_lines(name));
}

bool may_listen(const struct collector *c, const struct file *program) {
        if (program->elf || !is_shell_script(c, program))
                return true;
        for (size_t i = 0; i < program->execs.n; i++)
                if (*program->execs.v[i] == '$')
                        return true; /* who knows what that is */
        imm_array_foreach (n, c->closure)
                if (can_listen(c, n))
                        return true;
        return false;
}
