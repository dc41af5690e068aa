#include "analyzer/settings/cpu-set.h"

bool imm_cpu_set_add(unsigned char *set, const char *s) {
        while (*(s += strspn(s, " \t,\n"))) {
                unsigned long from, to;
                char *end;

                if (*s < '0' || *s > '9')
                        return false;
                from = to = strtoul(s, &end, 10);
                if (*end == '-' && end[1] >= '0' && end[1] <= '9')
                        to = strtoul(end + 1, &end, 10);
                if ((*end && !strchr(" \t,\n", *end)) || to >= IMM_CPUS_MAX)
                        return false;
                for (; from <= to; from++)
                        set[from] = 1;
                s = end;
        }
        return true;
}

bool imm_cpu_set_of(const struct imm_value *v, unsigned char *set) {
        bool some = false;

        imm_array_foreach (s, &v->strings) {
                unsigned char line[IMM_CPUS_MAX] = {0};

                if (!imm_cpu_set_add(line, s->text))
                        continue;
                some = true;
                for (size_t i = 0; i < IMM_CPUS_MAX; i++)
                        set[i] |= line[i];
        }
        return some;
}
