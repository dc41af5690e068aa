/* The @groups, taken apart once for each version. */

#include "analyzer/settings/groups/groups.h"

#include "base/text.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

unsigned imm_group_bit(unsigned version) {
        unsigned bit = 1;

        for (size_t i = 1; imm_group_versions[i] != 0 && imm_group_versions[i] <= version; i++)
                bit <<= 1;
        return bit;
}

const struct imm_group_data *imm_group_find(
        const struct imm_group_data *table, const char *name, unsigned bit) {
        for (; table->name; table++)
                if ((table->mask & bit) && imm_streq(table->name, name))
                        return table;
        return NULL;
}

static int compare(const void *name, const void *call) {
        return strcmp(name, ((const struct imm_call_data *)call)->name);
}

const struct imm_call_data *imm_call_find(const char *name, unsigned bit) {
        const struct imm_call_data *c =
                bsearch(name, imm_calls, imm_n_calls, sizeof(*imm_calls), compare);

        return c && (c->mask & bit) ? c : NULL;
}

/* ---- groups of calls: flat lists, made once for all versions ---- */

struct flat {
        const struct imm_group_data *of;
        unsigned bit;
        unsigned short *v;
        size_t n;
};
static struct {
        struct flat *v;
        size_t n;
} flats;

/* Groups nest by name; systemd's tables nest three deep, the bound is against our own mistakes. */
enum { DEPTH_MAX = 8 };

static void add_items(struct flat *f, const struct imm_group_data *g, unsigned depth) {
        assert(depth < DEPTH_MAX);
        for (const struct imm_group_item *i = g->items; i->name; i++) {
                const struct imm_call_data *call;

                if ((i->mask & f->bit) == 0)
                        continue;
                if (*i->name == '@') {
                        const struct imm_group_data *inner =
                                imm_group_find(imm_call_groups, i->name, f->bit);

                        if (inner)
                                add_items(f, inner, depth + 1);
                        continue;
                }
                call = imm_call_find(i->name, f->bit);
                if (!call)
                        continue;
                if ((f->n & (f->n - 1)) == 0)
                        f->v = imm_xrealloc(f->v, f->n ? f->n * 2 : 1, sizeof(*f->v));
                f->v[f->n++] = (unsigned short)(call - imm_calls);
        }
}

static void make_flats(void) {
        size_t groups = 0, versions = 0;

        while (imm_call_groups[groups].name)
                groups++;
        while (imm_group_versions[versions] != 0)
                versions++;
        flats.v = imm_xcalloc(groups * versions, sizeof(*flats.v));
        for (const struct imm_group_data *g = imm_call_groups; g->name; g++)
                for (size_t k = 0; k < versions; k++) {
                        struct flat *f = &flats.v[flats.n];

                        if ((g->mask & 1U << k) == 0)
                                continue;
                        *f = (struct flat){.of = g, .bit = 1U << k};
                        add_items(f, g, 0);
                        flats.n++;
                }
}

bool imm_group_calls(const char *name, unsigned bit, const unsigned short **ret, size_t *ret_n) {
        static pthread_once_t once = PTHREAD_ONCE_INIT;

        (void)pthread_once(&once, make_flats);
        for (size_t i = 0; i < flats.n; i++)
                if (flats.v[i].bit == bit && imm_streq(flats.v[i].of->name, name)) {
                        *ret = flats.v[i].v;
                        *ret_n = flats.v[i].n;
                        return true;
                }
        return false;
}

int imm_call_number(const struct imm_call_data *c) {
#if defined(__aarch64__)
        return c->arm64;
#else
        return c->x86_64;
#endif
}

#if defined(__x86_64__)
/* i386's own, as libseccomp 2.5 knows them; those that every program of it needs are left out */
static const char *const foreign[] = {"clock_adjtime64", "clock_settime64", "fchown32", "ipc",
        "lchown32", "olduname", "setfsgid32", "setfsuid32", "setgid32", "setgroups32", "setregid32",
        "setresgid32", "setresuid32", "setreuid32", "setuid32", "socketcall", "stime", "umount",
        "vm86", "vm86old"};
#endif

bool imm_call_is_foreign(const struct imm_call_data *c) {
#if defined(__x86_64__)
        for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
                if (strcmp(foreign[i], c->name) == 0)
                        return true;
#else
        (void)c;
#endif
        return false;
}
