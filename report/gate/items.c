/* The gate's items as members of an array, put into text by several threads, written in order. */

#include "base/crew.h"
#include "report/gate/gate.h"

/* A round is as much text as is held at once */
enum { PART = 256, PARTS_A_WORKER = 4 };

struct round {
        const struct imm_gate_report *r;
        const struct imm_json *j; /* where they are to stand */
        imm_gate_put *put;
        const void *data;
        size_t from; /* first item */
        struct imm_json_text *parts;
};

/* Each member comes with the comma before it. */
static void write_part(void *data, unsigned worker, size_t i) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        const struct round *w = data;
        const struct imm_gate *g = w->r->gate;
        struct imm_json j = imm_json_part(w->j, &w->parts[i]);

        (void)worker;
        w->parts[i].n = 0;
        for (size_t k = w->from + i * PART; k < g->items.n && k < w->from + (i + 1) * PART; k++)
                w->put(w->r, &g->items.v[k], &j, a, w->data);
}

void imm_gate_items(
        const struct imm_gate_report *r, struct imm_json *j, imm_gate_put *put, const void *data) {
        size_t n = r->gate->items.n, jobs = r->jobs ? r->jobs : 1;
        size_t most = jobs * PARTS_A_WORKER;
        imm_auto_free struct imm_json_text *parts = imm_xcalloc(most, sizeof(*parts));
        struct round w = {.r = r, .j = j, .put = put, .data = data, .parts = parts};

        for (; w.from < n; w.from += most * PART) {
                size_t left = (n - w.from + PART - 1) / PART, now = left < most ? left : most;

                imm_crew_run(now, 1, (unsigned)jobs, write_part, &w);
                for (size_t i = 0; i < now; i++)
                        imm_json_append(j, parts[i].v, parts[i].n);
        }
        for (size_t i = 0; i < most; i++)
                free(parts[i].v);
}
