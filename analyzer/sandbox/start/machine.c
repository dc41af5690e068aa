/*
 * CPUs and memory nodes: some lists fail on any machine, the others where the machine has nothing
 * of them. Only the running machine is known; a root may be booted on any. Sources:
 * systemd.exec(5), sched_setaffinity(2), set_mempolicy(2); tests/lab.
 */

#include "analyzer/sandbox/access/access-private.h"
#include "analyzer/settings/cpu-set.h"

/* What a line asks for, and what is there of it */
struct resource {
        bool from_nodes; /* CPUAffinity=numa */
        size_t n;        /* that the lines name */
        unsigned first;  /* of them */
        enum { SOME, NONE, NOT_KNOWN } there;
};

static bool read_set(
        const struct imm_manager *m, const char *path, unsigned char *set, struct imm_arena *a) {
        struct imm_blob blob;

        return imm_root_is_host(m->root) &&
               imm_root_read(m->root, path, 4096, a, &blob, NULL) == 0 &&
               imm_cpu_set_add(set, blob.data);
}

/* CPU 0 and node 0 are taken to be everywhere. */
static struct resource ask(const struct imm_manager *m, const struct imm_value *v, const char *path,
        struct imm_arena *a) {
        unsigned char *wanted, *has;
        struct resource r = {.there = SOME};
        size_t hits = 0;

        if (v->strings.n == 0)
                return r;
        r.from_nodes = imm_streq(v->strings.v[v->strings.n - 1].text, "numa");
        wanted = imm_alloc(a, IMM_CPUS_MAX);
        if (!imm_cpu_set_of(v, wanted) || r.from_nodes)
                return r;
        for (unsigned i = IMM_CPUS_MAX; i-- > 0;)
                if (wanted[i]) {
                        r.n++;
                        r.first = i;
                }
        if (r.n == 0 || wanted[0])
                return r;
        has = imm_alloc(a, IMM_CPUS_MAX);
        if (!read_set(m, path, has, a)) {
                r.there = NOT_KNOWN;
                return r;
        }
        for (size_t i = 0; i < IMM_CPUS_MAX; i++)
                hits += wanted[i] && has[i];
        r.there = hits > 0 ? SOME : NONE;
        return r;
}

static struct resource ask_cpus(
        const struct imm_manager *m, const struct imm_settings *s, struct imm_arena *a) {
        return ask(
                m, imm_setting(s, IMM_SETTING_CPU_AFFINITY), "/sys/devices/system/cpu/online", a);
}

static struct resource ask_nodes(
        const struct imm_manager *m, const struct imm_settings *s, struct imm_arena *a) {
        return ask(
                m, imm_setting(s, IMM_SETTING_NUMA_MASK), "/sys/devices/system/node/has_memory", a);
}

static bool is_all(const struct imm_settings *s) {
        imm_array_foreach (word, &imm_setting(s, IMM_SETTING_NUMA_MASK)->strings)
                if (imm_streq(word->text, "all"))
                        return true;
        return false;
}

/* The word; of a mask alone the one that systemd takes; NULL: none that looks at the nodes */
static const char *policy(const struct imm_settings *s, const struct resource *nodes) {
        static const char *const words[] = {"preferred", "bind", "interleave"};
        const struct imm_value *v = imm_setting(s, IMM_SETTING_NUMA_POLICY);
        const char *word = v->set ? imm_setting_word(s, IMM_SETTING_NUMA_POLICY) : NULL;

        if (!word)
                return nodes->n > 0 ? words[0] : NULL;
        for (size_t i = 0; i < IMM_ELEMENTSOF(words); i++)
                if (imm_streq(word, words[i]))
                        return words[i];
        return NULL;
}

static bool refuse(struct imm_start_fault *ret, enum imm_outcome outcome, enum imm_setting id,
        const struct imm_settings *s, const char *culprit, const char *why) {
        imm_start_refuse(
                ret, IMM_STEP_SCHEDULING, outcome, culprit, id, imm_setting(s, id)->origin);
        ret->why = why;
        return true;
}

static bool affinity(const struct imm_settings *s, const struct resource *cpus,
        const struct resource *nodes, struct imm_arena *a, struct imm_start_fault *ret) {
        const char *why = NULL;

        if (cpus->from_nodes && nodes->n == 0 && !is_all(s))
                return refuse(ret, IMM_OUTCOME_CPU_AFFINITY_FAILURE, IMM_SETTING_CPU_AFFINITY, s,
                        "CPUAffinity=numa", "and no NUMAMask= names the nodes");
        if (cpus->from_nodes && nodes->there == NONE)
                why = imm_printf(a, "the machine has no memory node %u", nodes->first);
        else if (cpus->there == NONE)
                why = imm_printf(a, "the machine has no CPU %u", cpus->first);
        return why && refuse(ret, IMM_OUTCOME_CPU_AFFINITY_FAILURE, IMM_SETTING_CPU_AFFINITY, s,
                              NULL, why);
}

static bool memory(const struct imm_settings *s, const struct resource *nodes, struct imm_arena *a,
        struct imm_start_fault *ret) {
        const char *word = policy(s, nodes);
        enum imm_setting at = imm_setting(s, IMM_SETTING_NUMA_POLICY)->set ? IMM_SETTING_NUMA_POLICY
                                                                           : IMM_SETTING_NUMA_MASK;

        if (!word || is_all(s))
                return false;
        if (imm_streq(word, "preferred") ? nodes->n > 1 : nodes->n == 0)
                return refuse(ret, IMM_OUTCOME_NUMA_POLICY_FAILURE, at, s,
                        imm_printf(a, "NUMAPolicy=%s", word),
                        nodes->n > 1 ? "which takes one node" : "and no NUMAMask= names the nodes");
        return nodes->there == NONE &&
               refuse(ret, IMM_OUTCOME_NUMA_POLICY_FAILURE, IMM_SETTING_NUMA_MASK, s, NULL,
                       imm_printf(a, "the machine has no memory node %u", nodes->first));
}

bool imm_start_machine(struct imm_manager *m, const struct imm_settings *s, struct imm_arena *a,
        struct imm_start_fault *ret) {
        const struct resource nodes = ask_nodes(m, s, a), cpus = ask_cpus(m, s, a);

        return affinity(s, &cpus, &nodes, a, ret) || memory(s, &nodes, a, ret);
}

const char *imm_start_assumes(
        struct imm_manager *m, const struct imm_settings *s, struct imm_arena *a) {
        const struct resource nodes = ask_nodes(m, s, a), cpus = ask_cpus(m, s, a);

        if (cpus.there == NOT_KNOWN)
                return imm_printf(a, "whether the machine has CPU %u", cpus.first);
        if (nodes.there == NOT_KNOWN && (cpus.from_nodes || policy(s, &nodes)))
                return imm_printf(a, "whether the machine has memory node %u", nodes.first);
        return NULL;
}
