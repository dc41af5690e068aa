/*
 * Real-time scheduling in a user's manager. The kernel takes real-time I/O from nobody without
 * privileges, and real-time CPU scheduling up to RLIMIT_RTPRIO, which is 0 unless somebody said
 * otherwise. The system's manager may ask for both.
 */

#include "analyzer/sandbox/access/access-private.h"

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

/* PAM's limits, the manager's defaults, and the settings of user@.service */
static bool limit_may_be_raised(const struct imm_manager *m, struct imm_arena *a) {
        static const char *const files[] = {"/etc/security/limits.conf", "/etc/systemd/system.conf",
                "/etc/systemd/system/user@.service", "/usr/lib/systemd/system/user@.service"};
        static const char *const dirs[] = {"/etc/security/limits.d", "/etc/systemd/system.conf.d",
                "/usr/lib/systemd/system.conf.d", "/etc/systemd/system/user@.service.d",
                "/usr/lib/systemd/system/user@.service.d", "/etc/systemd/system/user-.service.d",
                "/etc/systemd/system/service.d"};

        for (size_t i = 0; i < IMM_ELEMENTSOF(files); i++)
                if (speaks_of_limit(m, files[i], a))
                        return true;
        for (size_t i = 0; i < IMM_ELEMENTSOF(dirs); i++) {
                struct imm_dirent *e;
                size_t n;

                if (imm_root_list(m->root, dirs[i], a, &e, &n) < 0)
                        continue;
                for (size_t k = 0; k < n; k++)
                        if (speaks_of_limit(m, imm_printf(a, "%s/%s", dirs[i], e[k].name), a))
                                return true;
        }
        return false;
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

bool imm_start_scheduling(struct imm_manager *m, const struct imm_settings *s, struct imm_arena *a,
        struct imm_start_fault *ret) {
        const char *cpu = imm_setting_word(s, IMM_SETTING_CPU_SCHEDULING_POLICY),
                   *io = imm_setting_word(s, IMM_SETTING_IO_SCHEDULING_CLASS);

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
