/*
 * CPU scheduling: the kernel takes a priority from 1 to 99 with the real-time policies, and none
 * with the others. Real-time scheduling in a user's manager: the kernel takes real-time I/O from
 * nobody without privileges, and real-time CPU scheduling up to RLIMIT_RTPRIO, which is 0 unless
 * somebody said otherwise. The system's manager may ask for both.
 */

#include "analyzer/sandbox/access/access-private.h"

#include <inttypes.h>
#include <strings.h>

enum { MAX = 256 * 1024 };

/* A line, no comment, that speaks of the limit */
static bool speaks_of_limit(const struct imm_manager *m, const char *path, struct imm_arena *a) {
        struct imm_blob blob;
        char *save = NULL;

        if (imm_root_read(m->root, path, MAX, a, &blob, NULL) < 0)
                return false;
        for (char *line = strtok_r(imm_strdup(a, blob.data), "\n", &save); line;
                line = strtok_r(NULL, "\n", &save)) {
                line += strspn(line, " \t");
                if (!strchr("#;", *line) && strcasestr(line, "rtprio"))
                        return true;
        }
        return false;
}

/* user@.service opens a session. */
static bool pam_may_raise(const struct imm_manager *m, struct imm_arena *a) {
        struct imm_dirent *e;
        size_t n;

        if (speaks_of_limit(m, "/etc/security/limits.conf", a))
                return true;
        if (imm_root_list(m->root, "/etc/security/limits.d", a, &e, &n) < 0)
                return false;
        for (size_t i = 0; i < n; i++)
                if (speaks_of_limit(m, imm_printf(a, "/etc/security/limits.d/%s", e[i].name), a))
                        return true;
        return false;
}

/* The unit that the user's manager is, with what system.conf gives to all */
static bool limit_may_be_raised(const struct imm_manager *m, struct imm_arena *a) {
        const struct imm_manager_options options = {
                .scope = IMM_SCOPE_SYSTEM, .version = m->version};
        imm_cleanup(imm_manager_free) struct imm_manager *system = NULL;
        const struct imm_value *v;
        struct imm_unit *u;

        if (pam_may_raise(m, a) || imm_manager_open(&system, m->root, &options, NULL) < 0 ||
                imm_manager_unit(system, imm_printf(a, "user@%u.service", m->user->uid), &u, NULL) <
                        0)
                return true;
        v = imm_setting(imm_settings_of(system, u), IMM_SETTING_LIMIT_RTPRIO);
        return v->set && v->limit.soft > 0;
}

static bool refused(struct imm_start_fault *ret, enum imm_outcome outcome, enum imm_setting id,
        const struct imm_value *v, const char *word, struct imm_arena *a) {
        *ret = (struct imm_start_fault){.outcome = outcome,
                .culprit = imm_printf(a, "%s=%s", imm_setting_info(id)->name, word),
                .setting = id,
                .origin = v->origin,
                .why = "which takes rights that a user's manager has not",
                .step = IMM_STEP_SCHEDULING};
        return true;
}

/* The priority that does not go with the policy: the last of their lines decides both. */
static bool bad_priority(
        const struct imm_settings *s, struct imm_arena *a, struct imm_start_fault *ret) {
        const char *policy = imm_setting_word(s, IMM_SETTING_CPU_SCHEDULING_POLICY);
        const struct imm_value *v = imm_setting(s, IMM_SETTING_CPU_SCHEDULING_PRIORITY);
        bool realtime = policy && (imm_streq(policy, "fifo") || imm_streq(policy, "rr"));

        if (!v->set || (v->number == 0) != realtime)
                return false;
        *ret = (struct imm_start_fault){.outcome = IMM_OUTCOME_SETSCHEDULER_FAILURE,
                .culprit = imm_printf(a, "CPUSchedulingPriority=%" PRIu64, v->number),
                .setting = IMM_SETTING_CPU_SCHEDULING_PRIORITY,
                .origin = v->origin,
                .why = realtime ? "which no real-time policy has"
                                : "which takes CPUSchedulingPolicy=fifo or rr before it",
                .step = IMM_STEP_SCHEDULING};
        return true;
}

bool imm_start_scheduling(struct imm_manager *m, const struct imm_settings *s, struct imm_arena *a,
        struct imm_start_fault *ret) {
        const char *cpu = imm_setting_word(s, IMM_SETTING_CPU_SCHEDULING_POLICY),
                   *io = imm_setting_word(s, IMM_SETTING_IO_SCHEDULING_CLASS);

        if (bad_priority(s, a, ret))
                return true;
        if (m->scope == IMM_SCOPE_SYSTEM || !m->user || m->user->uid == 0)
                return imm_start_machine(m, s, a, ret);
        if (cpu && (imm_streq(cpu, "fifo") || imm_streq(cpu, "rr")) && !limit_may_be_raised(m, a))
                return refused(ret, IMM_OUTCOME_SETSCHEDULER_FAILURE,
                        IMM_SETTING_CPU_SCHEDULING_POLICY,
                        imm_setting(s, IMM_SETTING_CPU_SCHEDULING_POLICY), cpu, a);
        if (imm_start_machine(m, s, a, ret))
                return true;
        if (io && imm_streq(io, "realtime"))
                return refused(ret, IMM_OUTCOME_IOPRIO_FAILURE, IMM_SETTING_IO_SCHEDULING_CLASS,
                        imm_setting(s, IMM_SETTING_IO_SCHEDULING_CLASS), io, a);
        return false;
}
