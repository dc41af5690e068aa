#include "analyzer/uses/denials-private.h"

#include <inttypes.h>

/* Limits that leave less than a program is known to begin with: memory locked, tasks, files, bytes.
 */

void deny_memory_limit(struct judge *j, const struct imm_use *u) {
        const struct imm_value *v = imm_setting(j->s, IMM_SETTING_LIMIT_MEMLOCK);
        const struct imm_identity *id = identity_of(j, u);

        if (id->cap_effective & CAP_BIT(IPC_LOCK))
                return;
        if (!(id->cap_bounding & CAP_BIT(IPC_LOCK)) && id->uid == 0)
                deny(j, u, IMM_SETTING_CAPABILITY_BOUNDING_SET, NULL, "lacks cap_ipc_lock");
        else if (v->set && v->limit.soft < 64 << 20)
                deny(j, u, IMM_SETTING_LIMIT_MEMLOCK, NULL, "limits");
}

/* Of several threads or processes the limit lets none be made beside the first. */
void deny_task_limits(struct judge *j, const struct imm_use *u) {
        const struct imm_identity *id = identity_of(j, u);
        const struct imm_value *tasks = imm_setting(j->s, IMM_SETTING_TASKS_MAX),
                               *nproc = imm_setting(j->s, IMM_SETTING_LIMIT_NPROC);
        uint64_t least = u->calls ? 2 : 8; /* run-times have threads of their own */

        if (tasks->set && !tasks->relative && tasks->number < least)
                deny(j, u, IMM_SETTING_TASKS_MAX, NULL, "limits to %" PRIu64, tasks->number);
        if (nproc->set && nproc->limit.soft < least && id->uid != 0)
                deny(j, u, IMM_SETTING_LIMIT_NPROC, NULL, "limits to %" PRIu64, nproc->limit.soft);
}

/* Go keeps its books of memory in some 600 MiB of addresses; run-times reserve heaps and code. */
void deny_address_limit(struct judge *j, const struct imm_use *u) {
        const struct imm_value *v = imm_setting(j->s, IMM_SETTING_LIMIT_AS);

        if (v->set && v->limit.soft < UINT64_C(400) << 20)
                deny(j, u, IMM_SETTING_LIMIT_AS, NULL, "limits to %" PRIu64 " bytes",
                        v->limit.soft);
}

/*
 * What a server with threads has open before the first client: its three standard files, sockets,
 * pollers, logs and data; run-times have their own beside. Or as many as its configuration says.
 */
void deny_file_limit(struct judge *j, const struct imm_use *u) {
        const struct imm_value *v = imm_setting(j->s, IMM_SETTING_LIMIT_NOFILE);
        uint64_t least = u->object ? strtoull(u->object, NULL, 10) : u->calls ? 8 : 33;

        if (u->object && (identity_of(j, u)->cap_effective & CAP_BIT(SYS_RESOURCE)))
                return; /* it raises the limit */
        if (v->set && v->limit.soft < least && v->limit.hard < least)
                deny(j, u, IMM_SETTING_LIMIT_NOFILE, NULL, "limits to %" PRIu64, v->limit.hard);
}

/* What it fills does not fit: the kernel ends it, or it waits for what is written to swap. */
void deny_memory_size(struct judge *j, const struct imm_use *u) {
        const struct imm_value *v = imm_setting(j->s, IMM_SETTING_MEMORY_MAX);

        if (v->set && !v->relative && u->object && v->number < memory_size(u->object))
                deny(j, u, IMM_SETTING_MEMORY_MAX, NULL, "limits to %" PRIu64 " bytes", v->number);
}

/* The first byte of a file is too much: the kernel ends who writes it by SIGXFSZ. */
void deny_file_size(struct judge *j, const struct imm_use *u) {
        static const char *const others[] = {"/dev", "/proc", "/sys"};
        const struct imm_value *v = imm_setting(j->s, IMM_SETTING_LIMIT_FSIZE);
        struct imm_use later = *u;

        if (!v->set || v->limit.soft > 0 || is_socket(u->object))
                return;
        for (size_t i = 0; i < IMM_ELEMENTSOF(others); i++) {
                const char *rest = imm_after(u->object, others[i]);

                if (rest && (!*rest || *rest == '/'))
                        return; /* what is written there is no regular file */
        }
        /* what is there is opened, what is new is made: when more is to be kept, it ends */
        later.partial |= u->facility == IMM_FACILITY_WRITE && u->confidence > IMM_CERTAIN;
        deny(j, &later, IMM_SETTING_LIMIT_FSIZE, NULL, "limits to 0 bytes");
}

/* Who asks the kernel for it needs the privilege, or a limit that grants it. */
void deny_realtime(struct judge *j, const struct imm_use *u) {
        const struct imm_value *v = imm_setting(j->s, IMM_SETTING_LIMIT_RTPRIO);
        const struct imm_identity *id = identity_of(j, u);
        struct imm_use later = *u;

        if (!u->essential || id->uid != 0 || (id->cap_effective & CAP_BIT(SYS_NICE)) ||
                (v->set && v->limit.soft > 0))
                return;
        later.partial = true; /* most go on, and are late */
        if (!(id->cap_bounding & CAP_BIT(SYS_NICE)))
                refuse(j, &later, IMM_SETTING_CAPABILITY_BOUNDING_SET, NULL, false, "CAP_SYS_NICE",
                        "lacks cap_sys_nice");
}
