#include "analyzer/bus/script.h"

#include <ctype.h>

/* Reads rules files: tokens, then the statements of each function given to polkit.addRule(). */

/* What is deeper or longer is not understood, so that nothing recurses further than this */
enum { TOKENS_MAX = 100000, DEPTH_MAX = 150, HEIGHT_MAX = 1000 };

enum token_kind { T_END, T_NAME, T_TEXT, T_REGEX, T_NUMBER, T_SIGN };

struct token {
        enum token_kind kind;
        const char *text; /* of a text: unescaped */
        unsigned line;
};

struct tokens {
        struct token *v;
        size_t n, cap;
};

/* ---- tokens ---- */

static bool is_name(char c) {
        return isalnum((unsigned char)c) || c == '_' || c == '$';
}

/* A slash divides where a value stands before it, else it begins a regular expression. */
static bool after_value(const struct tokens *t) {
        const struct token *last = t->n > 0 ? &t->v[t->n - 1] : NULL;

        if (!last || last->kind == T_SIGN)
                return last && strchr(")]}", *last->text);
        return last->kind != T_NAME || !imm_streq(last->text, "return");
}

/* Blanks and comments */
static const char *skip(const char *s, unsigned *line) {
        for (;;) {
                if (*s == '\n')
                        ++*line;
                if (isspace((unsigned char)*s)) {
                        s++;
                } else if (s[0] == '/' && s[1] == '/') {
                        s += strcspn(s, "\n");
                } else if (s[0] == '/' && s[1] == '*') {
                        const char *end = strstr(s + 2, "*/");

                        for (; *s && s != end; s++)
                                *line += *s == '\n';
                        s += end ? 2 : 0;
                } else
                        return s;
        }
}

/* From the quote on; NULL: an escape that is not understood, or no end */
static const char *quoted(const char *s, struct imm_arena *a, const char **ret) {
        char quote = *s++, *out = imm_alloc(a, strcspn(s, "\n") + 1);

        *ret = out;
        for (; *s && *s != quote; s++) {
                if (*s == '\n' || (quote == '`' && *s == '$'))
                        return NULL;
                if (*s == '\\') {
                        s++;
                        if (!*s || !strchr("\\'\"`/.-", *s))
                                return NULL;
                }
                *out++ = *s;
        }
        return *s ? s + 1 : NULL;
}

static const char *regex(const char *s, struct imm_arena *a, const char **ret) {
        const char *end = s + 1;

        for (; *end && *end != '/' && *end != '\n'; end++)
                if (*end == '\\' && end[1])
                        end++;
        if (*end != '/')
                return NULL;
        *ret = imm_strndup(a, s + 1, (size_t)(end - s - 1));
        return is_name(end[1]) ? NULL : end + 1;
}

static const char *sign(const char *s, struct imm_arena *a, const char **ret) {
        static const char *const longer[] = {
                "===", "!==", "==", "!=", "&&", "||", "<=", ">=", "=>", "++", "--", "+="};
        size_t n = 1;

        for (size_t i = 0; n == 1 && i < IMM_ELEMENTSOF(longer); i++)
                if (imm_after(s, longer[i]))
                        n = strlen(longer[i]);
        *ret = imm_strndup(a, s, n);
        return s + n;
}

/* false: not understood as a whole */
static bool tokenise(const char *s, struct imm_arena *a, struct tokens *to) {
        unsigned line = 1;

        for (;;) {
                struct token t;

                s = skip(s, &line);
                if (to->n >= TOKENS_MAX)
                        return false;
                t = (struct token){.line = line};
                if (!*s) {
                        *imm_array_push(a, to) = (struct token){T_END, "", line};
                        return true;
                }
                if (*s == '"' || *s == '\'' || *s == '`') {
                        t.kind = T_TEXT;
                        s = quoted(s, a, &t.text);
                } else if (*s == '/' && !after_value(to)) {
                        t.kind = T_REGEX;
                        s = regex(s, a, &t.text);
                } else if (is_name(*s)) {
                        size_t n = 0;

                        while (is_name(s[n]) || (isdigit((unsigned char)*s) && s[n] == '.'))
                                n++;
                        t.kind = isdigit((unsigned char)*s) ? T_NUMBER : T_NAME;
                        t.text = imm_strndup(a, s, n);
                        s += n;
                } else {
                        t.kind = T_SIGN;
                        s = sign(s, a, &t.text);
                }
                if (!s)
                        return false;
                *imm_array_push(a, to) = t;
        }
}

/* ---- statements and expressions ---- */

struct parser {
        const struct token *t;
        struct imm_arena *a;
        unsigned depth;
        bool failed;
};

static struct imm_js_node *expression(struct parser *p);
static struct imm_js_node *statement(struct parser *p);

static bool is(const struct parser *p, const char *text) {
        return (p->t->kind == T_SIGN || p->t->kind == T_NAME) && imm_streq(p->t->text, text);
}

static bool accept(struct parser *p, const char *text) {
        if (!is(p, text))
                return false;
        p->t++;
        return true;
}

static void expect(struct parser *p, const char *text) {
        if (!accept(p, text))
                p->failed = true;
}

static struct imm_js_node *node(struct parser *p, enum imm_js_kind kind) {
        struct imm_js_node *n = imm_new(p->a, struct imm_js_node);

        n->kind = kind;
        return n;
}

/* An expression whose parts are all there */
static struct imm_js_node *whole(struct parser *p, struct imm_js_node *n) {
        const struct imm_js_node *parts[] = {n->a, n->b, n->c};

        for (size_t i = 0; i < IMM_ELEMENTSOF(parts); i++)
                for (const struct imm_js_node *k = parts[i]; k; k = k->next)
                        if (k->height >= n->height)
                                n->height = k->height + 1;
        if (n->height > HEIGHT_MAX)
                p->failed = true;
        return n;
}

/* Items up to @close, which is taken */
static struct imm_js_node *list(struct parser *p, const char *close) {
        struct imm_js_node *first = NULL, **next = &first;

        while (!p->failed && !accept(p, close)) {
                *next = expression(p);
                if (p->failed)
                        break;
                next = &(*next)->next;
                if (!is(p, close))
                        expect(p, ",");
        }
        return first;
}

static struct imm_js_node *primary(struct parser *p) {
        static const enum imm_js_kind kinds[] = {
                [T_NAME] = IMM_JS_NAME,
                [T_TEXT] = IMM_JS_TEXT,
                [T_REGEX] = IMM_JS_REGEX,
                [T_NUMBER] = IMM_JS_NUMBER,
        };
        struct imm_js_node *n;

        if (accept(p, "(")) {
                n = expression(p);
                expect(p, ")");
                return n;
        }
        if (accept(p, "[")) {
                n = node(p, IMM_JS_LIST);
                n->a = list(p, "]");
                return whole(p, n);
        }
        if (p->t->kind == T_END || p->t->kind == T_SIGN || is(p, "function") || is(p, "new")) {
                p->failed = true;
                return node(p, IMM_JS_NAME);
        }
        n = node(p, kinds[p->t->kind]);
        n->text = p->t->text;
        if (n->kind == IMM_JS_NUMBER)
                n->number = strtod(n->text, NULL);
        p->t++;
        return n;
}

static struct imm_js_node *postfix(struct parser *p) {
        struct imm_js_node *n = primary(p), *more;

        while (!p->failed) {
                if (accept(p, ".")) {
                        more = node(p, IMM_JS_MEMBER);
                        more->text = p->t->text;
                        p->failed |= p->t->kind != T_NAME;
                        p->t += p->t->kind != T_END;
                } else if (accept(p, "[")) {
                        more = node(p, IMM_JS_INDEX);
                        more->b = expression(p);
                        expect(p, "]");
                } else if (accept(p, "(")) {
                        more = node(p, IMM_JS_CALL);
                        more->b = list(p, ")");
                } else
                        break;
                more->a = n;
                n = whole(p, more);
        }
        return n;
}

static struct imm_js_node *unary(struct parser *p) {
        static const struct {
                const char *sign;
                enum imm_js_kind kind;
        } signs[] = {{"!", IMM_JS_NOT}, {"-", IMM_JS_MINUS}, {"typeof", IMM_JS_TYPEOF}};

        for (size_t i = 0; i < IMM_ELEMENTSOF(signs); i++)
                if (accept(p, signs[i].sign)) {
                        struct imm_js_node *n = node(p, signs[i].kind);

                        if (++p->depth > DEPTH_MAX)
                                p->failed = true;
                        else
                                n->a = unary(p);
                        p->depth--;
                        return whole(p, n);
                }
        return postfix(p);
}

/* Weakest first */
static const char *const levels[][6] = {
        {"||"},
        {"&&"},
        {"===", "!==", "==", "!="},
        {"<=", ">=", "<", ">"},
        {"+"},
};

static struct imm_js_node *binary(struct parser *p, size_t level) {
        struct imm_js_node *n;

        if (level == IMM_ELEMENTSOF(levels))
                return unary(p);
        n = binary(p, level + 1);
        while (!p->failed) {
                struct imm_js_node *more;
                const char *sign = NULL;

                for (size_t i = 0; levels[level][i] && !sign; i++)
                        if (p->t->kind == T_SIGN && imm_streq(p->t->text, levels[level][i]))
                                sign = levels[level][i];
                if (!sign)
                        break;
                p->t++;
                more = node(p, IMM_JS_BINARY);
                more->text = sign;
                more->a = n;
                more->b = binary(p, level + 1);
                n = whole(p, more);
        }
        return n;
}

static struct imm_js_node *expression(struct parser *p) {
        struct imm_js_node *n, *more;

        if (++p->depth > DEPTH_MAX) {
                p->failed = true;
                p->depth--;
                return node(p, IMM_JS_NAME);
        }
        n = binary(p, 0);
        if (!p->failed && accept(p, "?")) {
                more = node(p, IMM_JS_CHOICE);
                more->a = n;
                more->b = expression(p);
                expect(p, ":");
                more->c = expression(p);
                n = whole(p, more);
        }
        p->depth--;
        return n;
}

static struct imm_js_node *block(struct parser *p) {
        struct imm_js_node *n = node(p, IMM_JS_BLOCK), *last = NULL;

        while (!p->failed && !accept(p, "}")) {
                struct imm_js_node *s = statement(p);

                if (last)
                        last->next = s;
                else
                        n->a = s;
                last = s;
        }
        return n;
}

static struct imm_js_node *var(struct parser *p) {
        struct imm_js_node *n = node(p, IMM_JS_VAR);

        n->text = p->t->text;
        p->failed |= p->t->kind != T_NAME;
        p->t += p->t->kind != T_END;
        if (!p->failed && accept(p, "="))
                n->a = expression(p);
        (void)accept(p, ";");
        return n;
}

static struct imm_js_node *conditional(struct parser *p) {
        struct imm_js_node *n = node(p, IMM_JS_IF);

        expect(p, "(");
        n->a = expression(p);
        expect(p, ")");
        n->b = p->failed ? NULL : statement(p);
        if (!p->failed && accept(p, "else"))
                n->c = statement(p);
        return n;
}

static struct imm_js_node *plain_statement(struct parser *p) {
        static const char *const others[] = {"for", "while", "do", "switch", "try", "throw",
                "function", "break", "continue", "with", "delete", "class", "async", "await"};
        struct imm_js_node *n;

        if (accept(p, "{"))
                return block(p);
        if (accept(p, ";"))
                return node(p, IMM_JS_BLOCK);
        if (accept(p, "if"))
                return conditional(p);
        if (accept(p, "var") || accept(p, "let") || accept(p, "const"))
                return var(p);
        for (size_t i = 0; i < IMM_ELEMENTSOF(others); i++)
                p->failed |= is(p, others[i]);
        n = node(p, is(p, "return") ? IMM_JS_RETURN : IMM_JS_DO);
        if (p->failed || (accept(p, "return") && (accept(p, ";") || is(p, "}"))))
                return n;
        n->a = expression(p);
        /* an assignment, or two statements in one */
        if (!accept(p, ";") && !is(p, "}") && p->t->line == p->t[-1].line)
                p->failed = true;
        return n;
}

static struct imm_js_node *statement(struct parser *p) {
        struct imm_js_node *n;

        if (++p->depth > DEPTH_MAX)
                p->failed = true;
        n = p->failed ? node(p, IMM_JS_BLOCK) : plain_statement(p);
        p->depth--;
        return n;
}

/* ---- rules ---- */

/* What code that is not understood might give back: yes only where it says so somewhere */
static unsigned anything(const struct token *from, const struct token *to) {
        unsigned set = IMM_POLKIT_NO | IMM_POLKIT_AUTH | IMM_POLKIT_NEXT;

        for (const struct token *t = from; t < to; t++)
                if (imm_streq(t->text, "YES") || imm_streq(t->text, "yes") ||
                        imm_streq(t->text, "spawn") || imm_streq(t->text, "Result"))
                        if (!imm_streq(t->text, "Result") || t[1].kind != T_SIGN ||
                                *t[1].text != '.')
                                set |= IMM_POLKIT_YES;
        return set;
}

/* Behind the bracket that closes the one at @t */
static const struct token *behind(const struct token *t) {
        unsigned depth = 0;

        for (; t->kind != T_END; t++) {
                if (t->kind != T_SIGN)
                        continue;
                depth += strchr("([{", *t->text) != NULL;
                if (strchr(")]}", *t->text) && --depth == 0)
                        return t + 1;
        }
        return t;
}

/* "function(action, subject) {" or "(action, subject) => {", up to what is inside */
static bool head(struct parser *p, struct imm_polkit_rule *rule) {
        if (accept(p, "function") && p->t->kind == T_NAME)
                p->t++;
        expect(p, "(");
        rule->action = p->t->text;
        p->failed |= p->failed || p->t->kind != T_NAME;
        if (p->failed)
                return false;
        p->t++;
        expect(p, ",");
        rule->subject = p->t->text;
        if (p->failed || p->t->kind != T_NAME)
                return false;
        p->t++;
        expect(p, ")");
        (void)accept(p, "=>");
        expect(p, "{");
        return !p->failed;
}

static void add_rule(const char *file, const struct token *open, const struct token *end,
        const struct imm_js_node *constants, struct imm_arena *a, struct imm_polkit_rules *to) {
        struct imm_polkit_rule rule = {.file = file, .line = open->line, .constants = constants};
        struct parser p = {.t = open + 1, .a = a};

        rule.otherwise = anything(open, end);
        if (head(&p, &rule)) {
                rule.body = block(&p);
                if (p.failed || p.t + 1 != end)
                        rule.body = NULL;
        }
        *imm_array_push(a, to) = rule;
}

/* Up to a NUL, which the language does not have */
void imm_polkit_script_read(const char *file, const char *text, struct imm_arena *a,
        struct imm_polkit_rules *to, struct imm_map *texts) {
        struct imm_js_node *constants = NULL, **next = &constants;
        struct tokens tokens = {0};
        const struct token *t, *end;

        if (!tokenise(text, a, &tokens)) {
                *imm_array_push(a, to) = (struct imm_polkit_rule){.file = file,
                        .line = 1,
                        .otherwise =
                                IMM_POLKIT_YES | IMM_POLKIT_NO | IMM_POLKIT_AUTH | IMM_POLKIT_NEXT};
                return;
        }
        imm_array_foreach (i, &tokens) {
                if (i->kind == T_TEXT)
                        imm_map_put(a, texts, i->text, NULL);
        }
        for (t = tokens.v; t->kind != T_END; t = end) {
                struct parser p = {.t = t, .a = a};

                end = t + 1;
                if (imm_streq(t->text, "addRule") && t[1].kind == T_SIGN && *t[1].text == '(') {
                        end = behind(t + 1);
                        add_rule(file, t + 1, end, constants, a, to);
                } else if (accept(&p, "var") || accept(&p, "let") || accept(&p, "const")) {
                        *next = var(&p);
                        if (p.failed)
                                *next = NULL;
                        else {
                                next = &(*next)->next;
                                end = p.t;
                        }
                } else if (t->kind == T_SIGN && strchr("({[", *t->text))
                        end = behind(t); /* another function's inside */
        }
}
