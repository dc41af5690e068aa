#pragma once

/*
 * The part of JavaScript that polkit's rules are usually written in: if, return, var, and
 * expressions over action.id, subject.user, subject.isInGroup() and texts. Anything else makes a
 * rule one whose code is not understood, never a wrong answer.
 */

#include "analyzer/bus/bus-private.h"

enum imm_js_kind {
        /* statements; lists by @next */
        IMM_JS_BLOCK,  /* a: the first statement */
        IMM_JS_IF,     /* a: condition; b, c: statements */
        IMM_JS_RETURN, /* a: expression or NULL */
        IMM_JS_VAR,    /* text: the name; a: expression or NULL */
        IMM_JS_DO,     /* a: an expression whose value nobody wants */
        /* expressions */
        IMM_JS_TEXT,
        IMM_JS_REGEX,
        IMM_JS_NUMBER,
        IMM_JS_NAME,
        IMM_JS_LIST,   /* a: the first item */
        IMM_JS_MEMBER, /* a . text */
        IMM_JS_INDEX,  /* a [b] */
        IMM_JS_CALL,   /* a (b...) */
        IMM_JS_NOT,    /* !a */
        IMM_JS_MINUS,  /* -a */
        IMM_JS_TYPEOF, /* typeof a */
        IMM_JS_BINARY, /* a text b */
        IMM_JS_CHOICE, /* a ? b : c */
};

struct imm_js_node {
        enum imm_js_kind kind;
        const char *text;
        double number;
        unsigned height; /* of the expression */
        const struct imm_js_node *a, *b, *c;
        struct imm_js_node *next;
};
