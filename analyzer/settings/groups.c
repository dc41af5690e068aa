/* The @groups, taken apart once for each version. */

#include "analyzer/settings/groups.h"

#include "base/text.h"

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

int imm_call_number(const struct imm_call_data *c) {
#if defined(__aarch64__)
        return c->arm64;
#else
        return c->x86_64;
#endif
}
