/*
 * Prints what the analyser says of store paths: a line for each of stdin's, tab-separated, the
 * closure of the path. By the store's database, or with "scan" by contents alone.
 *
 *     nix-closure ROOT [scan] <paths
 */

#include "analyzer/closure/nix/nix-private.h"

#include <stdio.h>

static void print_closure(struct nix *x, const char *name, struct imm_diags *diags) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        IMM_ARRAY(struct nix_path *) queue = {0};

        printf("%s", name);
        x->mark++;
        *imm_array_push(a, &queue) = nix_path_get(x, name);
        queue.v[0]->mark = x->mark;
        for (size_t i = 0; i < queue.n; i++) {
                struct nix_path *p = queue.v[i];

                printf("\t%s", p->path);
                nix_references(x, p, diags);
                for (size_t k = 0; k < p->n_refs; k++)
                        if (p->refs[k]->mark != x->mark) {
                                p->refs[k]->mark = x->mark;
                                *imm_array_push(a, &queue) = p->refs[k];
                        }
        }
        printf("\n");
        nix_tell(x, diags);
}

int main(int argc, char **argv) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        imm_cleanup(imm_root_free) struct imm_root *root = NULL;
        struct imm_closures c;
        struct nix plain = {.c = &c, .arena = a}, *x = &plain;
        struct imm_diags diags = {0};
        char *line = NULL;
        size_t cap = 0;
        ssize_t n;

        if (argc < 2 || imm_root_open(&root, argv[1], NULL) < 0) {
                fprintf(stderr, "usage: nix-closure ROOT [scan] <paths\n");
                return 2;
        }
        closures_init(&c, root, a);
        if (argc < 3)
                x = nix_of(&c);
        while ((n = getline(&line, &cap, stdin)) > 0) {
                if (line[n - 1] == '\n')
                        line[n - 1] = 0;
                print_closure(x, line, &diags);
        }
        for (size_t i = 0; i < diags.n; i++)
                fprintf(stderr, "%s: %s\n", diags.v[i].file, diags.v[i].message);
        for (size_t i = 0; i < c.diags.n; i++)
                fprintf(stderr, "%s: %s\n", c.diags.v[i].file, c.diags.v[i].message);
        free(line);
        return diags.n + c.diags.n > 0;
}
