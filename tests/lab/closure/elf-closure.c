/*
 * Prints what the analyser says of programs: a line for each, tab-separated, the program first and
 * then all that is certain. Programs come on stdin, a path inside ROOT a line.
 *
 *     elf-closure ROOT <programs
 */

#include "analyzer/closure/closure-private.h"

#include <stdio.h>

static void print_closure(struct imm_closures *c, const char *program, const char *library_path) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        struct imm_closure closure = {0};
        struct builder b = {
                .c = c,
                .closure = &closure,
                .arena = a,
                .view = {.c = c, .prefix = "", .arena = a},
                .plain = {.c = c, .prefix = "", .arena = a},
                .library_path = library_path,
                .setting = IMM_SETTING_N,
        };
        struct want w = {.name = program, .reason = "asked for", .by = IMM_NEED_BY_UNIT};
        struct place p;
        int k = need_file(&b, &w, true, &p, NULL);

        printf("%s", program);
        if (k >= 0 && p.node)
                load_program(&b, k, &p);
        for (size_t i = 0; i < closure.n; i++)
                if (closure.v[i].confidence == IMM_CERTAIN)
                        printf("\t%s%s", closure.v[i].exists ? "" : "missing:", closure.v[i].path);
        printf("\n");
}

int main(int argc, char **argv) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        imm_cleanup(imm_root_free) struct imm_root *root = NULL;
        struct imm_closures c;
        char *line = NULL;
        size_t cap = 0;
        ssize_t n;

        if (argc != 2 || imm_root_open(&root, argv[1], NULL) < 0) {
                fprintf(stderr, "usage: elf-closure ROOT <programs\n");
                return 2;
        }
        closures_init(&c, root, a);
        while ((n = getline(&line, &cap, stdin)) > 0) {
                if (line[n - 1] == '\n')
                        line[n - 1] = 0;
                print_closure(&c, line, getenv("LIBRARY_PATH"));
        }
        free(line);
        return 0;
}
