#pragma once

/*
 * Preflight: will the commands of a service be started, and if not, with which status and path does
 * its start fail? Only what the root's files decide; what is made at boot is taken for a doubt.
 */

#include "analyzer/sandbox/sandbox.h"
#include "base/confidence.h"

enum imm_preflight_when {
        IMM_PREFLIGHT_START,  /* the service does not start */
        IMM_PREFLIGHT_DOUBT,  /* unless something makes the path first */
        IMM_PREFLIGHT_HIDDEN, /* failure is ignored, of a program that only the sandbox hides */
        /* its program is not installed, and nothing asks for the unit; of a file of a repository,
         * what the machine that it is judged on lacks */
        IMM_PREFLIGHT_ABSENT,
        IMM_PREFLIGHT_LATER, /* it starts; a command for reloading or stopping fails */
};

struct imm_preflight {
        enum imm_preflight_when when;
        enum imm_outcome outcome;
        const char *status;       /* "226/NAMESPACE" */
        const char *culprit;      /* what the journal would name; NULL: nothing */
        enum imm_setting setting; /* that fails, or that hides what is needed */
        struct imm_origin origin; /* of it */
        enum imm_confidence confidence;
        const char *why; /* one line */
};
struct imm_preflight_list {
        struct imm_preflight *v;
        size_t n, cap;
};

/* A socket, timer, path or automount whose unit to start is not there: systemd refuses it. */
bool imm_preflight_lacks_trigger(
        struct imm_manager *m, const struct imm_settings *s, struct imm_arena *a);

/*
 * One failure does not hide the others: a missing user is one, and then it is judged as if it were
 * there. @sb: of these settings, by imm_sandbox_assume(). A unit whose conditions do not hold in
 * the root has none.
 */
void imm_preflight_find(struct imm_manager *m, struct imm_unit *u, struct imm_settings *s,
        const struct imm_sandbox *sb, struct imm_arena *a, struct imm_preflight_list *ret);
