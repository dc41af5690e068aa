#include "analyzer/bus/script.h"

#include <ctype.h>
#include <regex.h>

/*
 * Runs a rule for one action and caller. What is not known stays unknown through every operator,
 * and a branch on it is taken both ways: the outcome is a set.
 */

enum { REGEX_MAX = 200, VARS_MAX = 64 };
enum { FALLS_THROUGH = 1 << 4 };

enum value_kind { V_UNKNOWN, V_NOTHING, V_BOOL, V_NUMBER, V_TEXT, V_REGEX, V_LIST, V_OBJECT };
enum object { O_ACTION, O_SUBJECT, O_POLKIT, O_RESULT };

struct value {
        enum value_kind kind;
        double number; /* of a bool: 0 or 1 */
        const char *text;
        const struct imm_js_node *list;
        enum object object;
};

struct variable {
        const char *name;
        struct value value;
};

struct run {
        const struct imm_polkit_rule *rule;
        const struct imm_bus_peer *peer;
        const char *action;
        struct imm_arena *a;
        struct variable vars[VARS_MAX];
        size_t n_vars;
};

static const struct value unknown = {.kind = V_UNKNOWN};
static const struct value nothing = {.kind = V_NOTHING};

static struct value truth(bool b) {
        return (struct value){.kind = V_BOOL, .number = b};
}
static struct value number(double n) {
        return (struct value){.kind = V_NUMBER, .number = n};
}
static struct value text(const char *s) {
        return s ? (struct value){.kind = V_TEXT, .text = s} : unknown;
}
static struct value object(enum object o) {
        return (struct value){.kind = V_OBJECT, .object = o};
}

static struct value eval(struct run *r, const struct imm_js_node *n);

/* 1, 0, -1: not known */
static int holds(struct value v) {
        switch (v.kind) {
        case V_UNKNOWN:
                return -1;
        case V_NOTHING:
                return 0;
        case V_BOOL:
        case V_NUMBER:
                return v.number < 0 || v.number > 0;
        case V_TEXT:
                return *v.text != 0;
        default:
                return 1;
        }
}

/* Of one kind; the loose operator's conversions are not worth their rules */
static struct value equal(struct value a, struct value b) {
        if (a.kind == V_UNKNOWN || b.kind == V_UNKNOWN)
                return unknown;
        if (a.kind == V_NOTHING || b.kind == V_NOTHING)
                return truth(a.kind == b.kind);
        if (a.kind != b.kind || a.kind >= V_REGEX)
                return unknown;
        return truth(a.kind == V_TEXT ? imm_streq(a.text, b.text)
                                      : !(a.number < b.number || a.number > b.number));
}

static struct value opposite(struct value v) {
        int h = holds(v);

        return h < 0 ? unknown : truth(!h);
}

/* ---- names and members ---- */

static struct value name(struct run *r, const char *s) {
        static const struct {
                const char *name;
                struct value value;
        } words[] = {
                {"true", {.kind = V_BOOL, .number = 1}},
                {"false", {.kind = V_BOOL}},
                {"null", {.kind = V_NOTHING}},
                {"undefined", {.kind = V_NOTHING}},
                {"polkit", {.kind = V_OBJECT, .object = O_POLKIT}},
        };

        if (imm_streq(s, r->rule->action))
                return object(O_ACTION);
        if (imm_streq(s, r->rule->subject))
                return object(O_SUBJECT);
        for (size_t i = r->n_vars; i-- > 0;)
                if (imm_streq(r->vars[i].name, s))
                        return r->vars[i].value;
        for (size_t i = 0; i < IMM_ELEMENTSOF(words); i++)
                if (imm_streq(words[i].name, s))
                        return words[i].value;
        return unknown;
}

static struct value result(const char *s) {
        static const char *const results[][2] = {
                {"YES", "yes"},
                {"NO", "no"},
                {"AUTH_SELF", "auth_self"},
                {"AUTH_SELF_KEEP", "auth_self_keep"},
                {"AUTH_ADMIN", "auth_admin"},
                {"AUTH_ADMIN_KEEP", "auth_admin_keep"},
        };

        for (size_t i = 0; i < IMM_ELEMENTSOF(results); i++)
                if (imm_streq(results[i][0], s))
                        return text(results[i][1]);
        return nothing; /* NOT_HANDLED, and what is no result at all */
}

static struct value member(struct run *r, const struct imm_js_node *n) {
        struct value of = eval(r, n->a);

        if (of.kind == V_TEXT && imm_streq(n->text, "length"))
                return number((double)strlen(of.text));
        if (of.kind != V_OBJECT)
                return unknown;
        if (of.object == O_RESULT)
                return result(n->text);
        if (of.object == O_POLKIT)
                return imm_streq(n->text, "Result") ? object(O_RESULT) : unknown;
        if (of.object == O_ACTION)
                return imm_streq(n->text, "id") ? text(r->action) : unknown;
        if (imm_streq(n->text, "user"))
                return text(r->peer->user);
        /* a service has no session */
        if (imm_streq(n->text, "local") || imm_streq(n->text, "active"))
                return truth(false);
        return unknown;
}

/* ---- calls ---- */

/* JavaScript's expressions as POSIX's extended ones, where both mean the same */
static struct value match(const char *pattern, const char *s, struct imm_arena *a) {
        char *out = imm_alloc(a, 2 * strlen(pattern) + 1), *to = out;
        regex_t re;
        bool found;

        if (strlen(pattern) > REGEX_MAX)
                return unknown;
        for (const char *p = pattern; *p; p++) {
                if (*p == '\\' && p[1] && ispunct((unsigned char)p[1])) {
                        *to++ = *p++;
                } else if (strchr("\\{}", *p) || (*p == '?' && p > pattern && p[-1] == '('))
                        return unknown;
                *to++ = *p;
        }
        if (regcomp(&re, out, REG_EXTENDED | REG_NOSUB) != 0)
                return unknown;
        found = regexec(&re, s, 0, NULL, 0) == 0;
        regfree(&re);
        return truth(found);
}

static struct value in_group(const struct run *r, struct value group) {
        if (group.kind != V_TEXT)
                return unknown;
        return truth(imm_strv_has(&r->peer->user_groups, group.text));
}

static struct value of_text(struct run *r, const char *what, const char *s, struct value argument) {
        const char *found;

        if (imm_streq(what, "toString") || imm_streq(what, "valueOf"))
                return text(s);
        if (argument.kind == V_REGEX && (imm_streq(what, "match") || imm_streq(what, "search")))
                return imm_streq(what, "match") ? match(argument.text, s, r->a) : unknown;
        if (argument.kind != V_TEXT)
                return unknown;
        found = strstr(s, argument.text);
        if (imm_streq(what, "indexOf"))
                return number(found ? (double)(found - s) : -1);
        if (imm_streq(what, "includes"))
                return truth(found);
        if (imm_streq(what, "startsWith"))
                return truth(found == s);
        if (imm_streq(what, "endsWith"))
                return truth(imm_ends_with(s, argument.text));
        return unknown;
}

static struct value of_list(
        struct run *r, const char *what, const struct imm_js_node *items, struct value wanted) {
        bool position = imm_streq(what, "indexOf"), doubt = false;
        int at = 0;

        if (!position && !imm_streq(what, "includes"))
                return unknown;
        for (; items; items = items->next, at++) {
                struct value same = equal(eval(r, items), wanted);

                doubt |= same.kind == V_UNKNOWN;
                if (holds(same) == 1 && !doubt)
                        return position ? number(at) : truth(true);
        }
        return doubt ? unknown : position ? number(-1) : truth(false);
}

static struct value call(struct run *r, const struct imm_js_node *n) {
        const struct imm_js_node *callee = n->a;
        struct value of, argument;

        if (callee->kind != IMM_JS_MEMBER)
                return unknown;
        of = eval(r, callee->a);
        argument = n->b ? eval(r, n->b) : nothing;
        if (n->b && n->b->next && of.kind != V_OBJECT)
                return unknown; /* where to begin */
        switch (of.kind) {
        case V_OBJECT:
                if (of.object == O_SUBJECT && imm_streq(callee->text, "isInGroup"))
                        return in_group(r, argument);
                return of.object == O_POLKIT && imm_streq(callee->text, "log") ? nothing : unknown;
        case V_TEXT:
                return of_text(r, callee->text, of.text, argument);
        case V_REGEX:
                return imm_streq(callee->text, "test") && argument.kind == V_TEXT
                               ? match(of.text, argument.text, r->a)
                               : unknown;
        case V_LIST:
                return of_list(r, callee->text, of.list, argument);
        default:
                return unknown;
        }
}

/* ---- operators ---- */

static struct value compare(const char *sign, struct value a, struct value b) {
        if (a.kind != V_NUMBER || b.kind != V_NUMBER)
                return unknown;
        if (*sign == '<')
                return truth(sign[1] ? a.number <= b.number : a.number < b.number);
        return truth(sign[1] ? a.number >= b.number : a.number > b.number);
}

static struct value binary(struct run *r, const struct imm_js_node *n) {
        struct value a = eval(r, n->a), b;
        bool and = *n->text == '&', or = *n->text == '|';
        int h = holds(a);

        if ((and&&h == 0) || (or &&h == 1))
                return a;
        b = eval(r, n->b);
        if (and || or) {
                if (h >= 0)
                        return b;
                /* a false one decides "and", whatever the other is */
                return holds(b) == (and? 0 : 1) ? b : unknown;
        }
        if (*n->text == '=')
                return equal(a, b);
        if (*n->text == '!')
                return opposite(equal(a, b));
        if (*n->text == '+')
                return a.kind == V_TEXT && b.kind == V_TEXT
                               ? text(imm_printf(r->a, "%s%s", a.text, b.text))
                               : unknown;
        return compare(n->text, a, b);
}

static struct value choice(struct run *r, const struct imm_js_node *n) {
        int h = holds(eval(r, n->a));

        return h < 0 ? unknown : eval(r, h ? n->b : n->c);
}

static struct value eval(struct run *r, const struct imm_js_node *n) {
        switch (n->kind) {
        case IMM_JS_TEXT:
                return text(n->text);
        case IMM_JS_REGEX:
                return (struct value){.kind = V_REGEX, .text = n->text};
        case IMM_JS_NUMBER:
                return number(n->number);
        case IMM_JS_NAME:
                return name(r, n->text);
        case IMM_JS_LIST:
                return (struct value){.kind = V_LIST, .list = n->a};
        case IMM_JS_MEMBER:
                return member(r, n);
        case IMM_JS_CALL:
                return call(r, n);
        case IMM_JS_NOT:
                return opposite(eval(r, n->a));
        case IMM_JS_MINUS: {
                struct value v = eval(r, n->a);

                return v.kind == V_NUMBER ? number(-v.number) : unknown;
        }
        case IMM_JS_BINARY:
                return binary(r, n);
        case IMM_JS_CHOICE:
                return choice(r, n);
        default:
                return unknown;
        }
}

/* ---- statements ---- */

static unsigned outcome_of(struct value v) {
        if (v.kind == V_NOTHING)
                return IMM_POLKIT_NEXT;
        if (v.kind != V_TEXT)
                return IMM_POLKIT_YES | IMM_POLKIT_NO | IMM_POLKIT_AUTH | IMM_POLKIT_NEXT;
        if (imm_streq(v.text, "yes"))
                return IMM_POLKIT_YES;
        return imm_streq(v.text, "no") ? IMM_POLKIT_NO : IMM_POLKIT_AUTH;
}

static void set(struct run *r, const char *to, struct value v) {
        for (size_t i = 0; i < r->n_vars; i++)
                if (imm_streq(r->vars[i].name, to)) {
                        r->vars[i].value = unknown; /* twice: which one counts is not followed */
                        return;
                }
        if (r->n_vars < VARS_MAX)
                r->vars[r->n_vars++] = (struct variable){to, v};
}

static unsigned run(struct run *r, const struct imm_js_node *n, bool certain);

static unsigned conditional(struct run *r, const struct imm_js_node *n, bool certain) {
        int h = holds(eval(r, n->a));
        unsigned set = 0;

        if (h != 0)
                set |= run(r, n->b, certain && h == 1);
        if (h != 1)
                set |= n->c ? run(r, n->c, certain && h == 0) : FALLS_THROUGH;
        return set;
}

static unsigned run(struct run *r, const struct imm_js_node *n, bool certain) {
        unsigned set_ = FALLS_THROUGH;

        switch (n->kind) {
        case IMM_JS_BLOCK:
                for (const struct imm_js_node *s = n->a; s && set_ & FALLS_THROUGH; s = s->next)
                        set_ = (set_ & ~(unsigned)FALLS_THROUGH) |
                               run(r, s, certain && set_ == FALLS_THROUGH);
                return set_;
        case IMM_JS_IF:
                return conditional(r, n, certain);
        case IMM_JS_RETURN:
                return n->a ? outcome_of(eval(r, n->a)) : IMM_POLKIT_NEXT;
        case IMM_JS_VAR:
                set(r, n->text, n->a && certain ? eval(r, n->a) : n->a ? unknown : nothing);
                return set_;
        default:
                (void)eval(r, n->a);
                return set_;
        }
}

unsigned imm_polkit_rule_run(const struct imm_polkit_rule *rule, const struct imm_bus_peer *peer,
        const char *action, struct imm_arena *a) {
        struct run r = {.rule = rule, .peer = peer, .action = action, .a = a};
        unsigned outcome;

        if (!rule->body)
                return rule->otherwise;
        for (const struct imm_js_node *n = rule->constants; n; n = n->next)
                set(&r, n->text, n->a ? eval(&r, n->a) : nothing);
        outcome = run(&r, rule->body, true);
        if (outcome & FALLS_THROUGH)
                outcome |= IMM_POLKIT_NEXT;
        return outcome & ~(unsigned)FALLS_THROUGH;
}
