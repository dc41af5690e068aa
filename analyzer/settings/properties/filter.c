/* Properties that are lists with a tilde: system calls, families, file systems. */

#include "analyzer/settings/properties/properties-private.h"

/* Without quotes, sorted; a deny-list, and no list at all, begin with a tilde. */
static int put_list(struct imm_show *w, char **words, size_t n) {
        qsort(words, n, sizeof(*words), imm_by_text);
        fprintf(w->f, "%s=%s", w->p->name, w->v->allow_list ? "" : "~");
        for (size_t i = 0; i < n; i++) {
                fprintf(w->f, "%s%s", i > 0 ? " " : "", words[i]);
                free(words[i]);
        }
        putc('\n', w->f);
        return 0;
}

static char *with_error(const char *name, int error) {
        const char *word = error == IMM_SYSCALL_KILL      ? "kill"
                           : error == IMM_SYSCALL_ERRNO_0 ? "0"
                                                          : strerrorname_np(error);
        char *s;

        if ((word ? asprintf(&s, "%s:%s", name, word) : asprintf(&s, "%s:%d", name, error)) < 0)
                imm_oom();
        return s;
}

/*
 * Two calls of other machines have one number here, and the manager keeps numbers. libseccomp's
 * version decides under which name it comes back (2.5.4: the second).
 */
static bool is_twin(const char *name, unsigned version, const char **ret) {
        static const char *const twins[] = {"sys_debug_setcontext", "switch_endian"};

        if (!imm_streq(name, twins[0]) && !imm_streq(name, twins[1]))
                return false;
        *ret = twins[version >= 250 && version < 255];
        return true;
}

int imm_show_syscalls(struct imm_show *w) {
        size_t n = w->v->syscalls.n, k = 0;
        imm_auto_free char **words = imm_xcalloc(n + 1, sizeof(*words));
        bool filter = w->p->setting == IMM_SETTING_SYSTEM_CALL_FILTER, twin = false;

        for (size_t i = 0; i < n; i++) {
                const struct imm_syscall_item *c = &w->v->syscalls.v[i];
                const char *name = c->name;

                if (is_twin(c->name, w->s->version, &name)) {
                        if (twin)
                                continue;
                        twin = true;
                }
                /* in an allow-list a call with an error is one that is not allowed */
                if (filter && c->error != 0 && w->v->allow_list && w->s->version > 247)
                        continue;
                words[k++] =
                        filter && c->error != 0 ? with_error(name, c->error) : imm_xstrdup(name);
        }
        return put_list(w, words, k);
}

/* Debian's systemd was built without BPF up to 254: it tells no more than the kind of list. */
int imm_show_filesystems(struct imm_show *w) {
        if (w->s->version < 255)
                return imm_show_text(w, w->v->allow_list ? "" : "~");
        return imm_show_names(w);
}

int imm_show_names(struct imm_show *w) {
        size_t n = w->v->strings.n;
        imm_auto_free char **words = imm_xcalloc(n + 1, sizeof(*words));

        for (size_t i = 0; i < n; i++)
                words[i] = imm_xstrdup(w->v->strings.v[i].text);
        return put_list(w, words, n);
}

int imm_show_syscall_errno(struct imm_show *w) {
        if (!w->v->set || (int64_t)w->v->number == IMM_SYSCALL_KILL)
                return imm_show_text(w, w->s->version >= 247 ? "2147483646" : "0");
        return imm_show_signed(w);
}
