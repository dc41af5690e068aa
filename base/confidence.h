#pragma once

/* How sure a statement is that was read from files and not seen happening. */

enum imm_confidence {
        IMM_CERTAIN,  /* it follows: the kernel, the loader or systemd does it */
        IMM_LIKELY,   /* a program will ask for it in its usual work */
        IMM_POSSIBLE, /* it is named somewhere */
        IMM_CONFIDENCE_N,
};
const char *imm_confidence_name(enum imm_confidence c); /* "certain" */
