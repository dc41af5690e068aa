/* The gate's items as members of an array, put into text by several threads, written in order. */

#include "base/crew.h"
#include "report/gate/gate.h"

/* A round is as much text as is held at once */
enum { PART = 256, PARTS_A_WORKER = 4 };

struct part {
        char *text;
        size_t n;
};

struct round {
        const struct imm_gate_report *r;
        const struct imm_json *j; /* where they are to stand */
        imm_gate_put *put;
        const void *data;
        size_t from; /* first item */
        struct part *parts;
};

/* Each member comes with the comma before it. */
static void write_part(void *data, unsigned worker, size_t i) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        const struct round *w = data;
        const struct imm_gate *g = w->r->gate;
        struct part *p = &w->parts[i];
        FILE *f = open_memstream(&p->text, &p->n);
        struct imm_json j;

        (void)worker;
        if (!f)
                imm_oom();
        j = imm_json_part(w->j, f);
        for (size_t k = w->from + i * PART; k < g->items.n && k < w->from + (i + 1) * PART; k++)
                w->put(w->r, &g->items.v[k], &j, a, w->data);
        if (fclose(f) != 0)
                imm_oom();
}

void imm_gate_items(
        const struct imm_gate_report *r, struct imm_json *j, imm_gate_put *put, const void *data) {
        size_t n = r->gate->items.n, jobs = r->jobs ? r->jobs : 1;
        size_t most = jobs * PARTS_A_WORKER;
        imm_auto_free struct part *parts = imm_xcalloc(most, sizeof(*parts));
        struct round w = {.r = r, .j = j, .put = put, .data = data, .parts = parts};

        for (; w.from < n; w.from += most * PART) {
                size_t left = (n - w.from + PART - 1) / PART, now = left < most ? left : most;

                imm_crew_run(now, 1, (unsigned)jobs, write_part, &w);
                for (size_t i = 0; i < now; i++) {
                        imm_json_append(j, parts[i].text, parts[i].n);
                        free(parts[i].text);
                }
        }
}
