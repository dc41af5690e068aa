/* Where results of one run wait for the next; nothing depends on their being there. */

#include "analyzer/closure/closure.h"
#include "cli/cli.h"

#include <time.h>
#include <unistd.h>

/* Seconds in which two changes of a file may get the same time */
enum { TICK = 2 };

static const char *folder(struct imm_arena *a) {
        const char *own = getenv("IMMURE_CACHE"), *cache = getenv("XDG_CACHE_HOME");
        const char *home = getenv("HOME");

        if (own && *own)
                return *own == '/' ? own : NULL;
        if (geteuid() == 0)
                return "/var/cache/immure";
        if (cache && *cache == '/')
                return imm_printf(a, "%s/immure", cache);
        return home && *home == '/' ? imm_printf(a, "%s/.cache/immure", home) : NULL;
}

void imm_cli_cache_use(struct imm_cli *cli) {
        const char *dir = folder(cli->arena);

        if (dir)
                imm_closures_reuse(imm_closures_of(cli->manager),
                        imm_printf(cli->arena, "%s/elf", dir), IMM_VERSION, time(NULL) - TICK);
}

void imm_cli_cache_keep(struct imm_cli *cli) {
        if (cli->manager && cli->manager->closures)
                imm_closures_keep(cli->manager->closures);
}
