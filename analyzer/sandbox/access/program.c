#include "analyzer/sandbox/access/access-private.h"

/* The kernel follows as many scripts that run scripts */
enum { SCRIPTS_MAX = 5 };

/*
 * execve(2) wants a regular file that may be executed, is ELF or starts with "#!", and the same of
 * the interpreter that it names. What could not be read is taken for good: an answer must not
 * depend on what we, not the service, may see.
 */
bool imm_program_starts(
        const struct imm_walk *w, const struct imm_spot *at, const char **ret_interpreter) {
        const struct imm_program *p;
        struct imm_spot here = *at, next;
        unsigned scripts = 0;
        bool is_loader = false; /* of an ELF program: what it asks for itself is not looked at */

        *ret_interpreter = NULL;
        for (;;) {
                if (here.end == IMM_WALK_UNKNOWN)
                        return true;
                if (here.end != IMM_WALK_FOUND || !S_ISREG(here.node.mode) ||
                        imm_access_judge(w, &here, IMM_MODE_EXECUTE).answer == 0)
                        return false;
                if (here.node.api != IMM_API_PLAIN)
                        return true;
                p = imm_program_of_root(w->m, imm_spot_file(&here, w->a));
                if (!p->known)
                        return true;
                if (!p->script && !p->elf)
                        return false;
                if (!p->interpreter || is_loader)
                        return p->elf;
                if (p->script && ++scripts > SCRIPTS_MAX)
                        return false;
                is_loader = p->elf;
                *ret_interpreter = p->interpreter;
                imm_walk_to(w, p->interpreter, true, &next);
                here = next;
        }
}
