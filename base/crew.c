#include "base/crew.h"

#include <pthread.h>
#include <stdatomic.h>

struct crew {
        void (*item)(void *data, unsigned worker, size_t i);
        void *data;
        size_t n, batch;
        atomic_size_t next;
};

struct worker {
        struct crew *crew;
        unsigned self;
        pthread_t thread;
};

static void *work(void *data) {
        const struct worker *w = data;
        struct crew *c = w->crew;

        for (;;) {
                size_t from = atomic_fetch_add(&c->next, c->batch);

                if (from >= c->n)
                        return NULL;
                for (size_t i = from; i < c->n && i < from + c->batch; i++)
                        c->item(c->data, w->self, i);
        }
}

unsigned imm_crew_size(size_t n, size_t batch, unsigned jobs) {
        size_t useful = n / batch + (n % batch != 0);

        if (useful > IMM_CREW_MAX)
                useful = IMM_CREW_MAX;
        if (useful > jobs)
                useful = jobs;
        return useful > 0 ? (unsigned)useful : 1;
}

void imm_crew_run(size_t n, size_t batch, unsigned jobs,
        void (*item)(void *data, unsigned worker, size_t i), void *data) {
        struct crew crew = {.item = item, .data = data, .n = n, .batch = batch};
        struct worker workers[IMM_CREW_MAX];
        unsigned size = imm_crew_size(n, batch, jobs), started = 1;

        for (unsigned i = 0; i < size; i++)
                workers[i] = (struct worker){.crew = &crew, .self = i};
        while (started < size &&
                pthread_create(&workers[started].thread, NULL, work, &workers[started]) == 0)
                started++;
        (void)work(&workers[0]);
        for (unsigned i = 1; i < started; i++)
                (void)pthread_join(workers[i].thread, NULL);
}
