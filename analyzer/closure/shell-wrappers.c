#include "analyzer/closure/shell-private.h"

/* Commands that run the command among their arguments: wrappers.def */

static const struct shell_wrapper wrappers[] = {
#define WRAPPER(name, takes, longs, operands, starts) {name, takes, longs, operands, starts},
#include "analyzer/closure/wrappers.def"
#undef WRAPPER
};

const struct shell_wrapper *shell_wrapper(const char *name) {
        for (size_t i = 0; i < IMM_ELEMENTSOF(wrappers); i++)
                if (wrappers[i].name[0] == name[0] && imm_streq(wrappers[i].name, name))
                        return &wrappers[i];
        return NULL;
}

/* Is @word one of the words of @list? */
static bool lists(const char *list, const char *word) {
        size_t n = strlen(word);

        for (const char *s = list; (s = strstr(s, word)); s++)
                if ((s == list || s[-1] == ' ') && (s[n] == ' ' || !s[n]))
                        return true;
        return false;
}

bool shell_takes_next(const struct shell_wrapper *w, const char *word) {
        size_t n = strlen(word);

        if (word[1] != '-') /* of letters together the last one may take it */
                return strchr(w->takes, word[n - 1]) && !strpbrk(word, "0123456789") &&
                       (n == 2 || !strchr(w->takes, word[1]));
        if (n == 2) /* options end */
                return false;
        return lists(w->longs, word + 2);
}

bool shell_looks_only(const struct shell_wrapper *w, const char *word) {
        return imm_streq(w->name, "command") && strpbrk(word, "vV");
}

bool shell_starts(const struct shell_wrapper *w, const char *word) {
        return lists(w->starts, word);
}

size_t shell_wrapped(const struct shell_wrapper *w, const struct imm_strv *argv) {
        unsigned operands = w->operands;

        for (size_t i = 1; i < argv->n; i++) {
                const char *word = argv->v[i];

                if (word[0] == '-' && word[1]) {
                        if (shell_looks_only(w, word))
                                return argv->n;
                        if (w->starts)
                                operands = shell_starts(w, word) ? 0 : operands;
                        else
                                i += shell_takes_next(w, word);
                } else if (operands == 0)
                        return i;
                else
                        operands -= w->starts == NULL;
        }
        return argv->n;
}
