#include "analyzer/uses/uses-private.h"

#include <inttypes.h>

/*
 * Limits that leave a program no room to be loaded: the kernel and the dynamic loader map it, its
 * loader and its libraries, and give it a stack, before a line of it runs. What they take at least
 * is known from the files; what a program takes beyond that is not, and never claimed.
 * Sources: execve(2), getrlimit(2), the kernel's fs/exec.c; tests/lab/preflight.
 */

/* What a process has of its own: the stack that execve(2) makes, clocks and calls of the kernel */
enum {
        OF_KERNEL = 32 * 1024,
        STACK_MADE = (128 + 4) * 1024,
        STACK_NEVER = 4096,
        STACK_RARELY = 8192
};

struct image {
        const char *path;
        bool loaded;                       /* by a dynamic loader: there are libraries */
        uint64_t mapped, writable;         /* by the kernel: the program and its loader */
        uint64_t all_mapped, all_writable; /* ... and the libraries */
};

static bool starts_service(const struct imm_need *n) {
        return n->setting == IMM_SETTING_EXEC_CONDITION ||
               n->setting == IMM_SETTING_EXEC_START_PRE || n->setting == IMM_SETTING_EXEC_START;
}

/* Is it what execve(2) is given by a command of the start: the program, or a script's interpreter?
 */
static bool is_executed(const struct imm_closure *cl, const struct imm_need *n) {
        while (n->exists && !n->optional && n->confidence == IMM_CERTAIN &&
                n->kind == IMM_NEED_INTERPRETER && n->by >= 0)
                n = &cl->v[n->by];
        return n->exists && !n->optional && n->kind == IMM_NEED_PROGRAM && starts_service(n);
}

static const struct imm_need *process_of(const struct imm_closure *cl, const struct imm_need *n) {
        while (n->confidence == IMM_CERTAIN && n->exists && n->by >= 0 &&
                (n->kind == IMM_NEED_LIBRARY || n->kind == IMM_NEED_LOADER))
                n = &cl->v[n->by];
        return n;
}

static bool image_of(struct imm_manager *m, const struct imm_closure *cl,
        const struct imm_need *process, struct image *ret) {
        const struct file *f = process->host_path ? file_of(m, process->host_path, 0) : NULL;

        if (!f || !f->elf)
                return false;
        *ret = (struct image){.path = process->path, .mapped = f->mapped, .writable = f->writable};
        imm_array_foreach (n, cl) {
                if ((n->kind != IMM_NEED_LIBRARY && n->kind != IMM_NEED_LOADER) ||
                        process_of(cl, n) != process || !n->host_path)
                        continue;
                f = file_of(m, n->host_path, 0);
                ret->loaded = true;
                if (n->kind == IMM_NEED_LOADER) {
                        ret->mapped += f->mapped;
                        ret->writable += f->writable;
                } else {
                        ret->all_mapped += f->mapped;
                        ret->all_writable += f->writable;
                }
        }
        ret->all_mapped += ret->mapped;
        ret->all_writable += ret->writable;
        return true;
}

struct finder {
        struct imm_settings *s;
        struct imm_arena *a;
        struct imm_preflight_list *to;
        const struct image *image;
};

static void found(const struct finder *w, enum imm_setting id, enum imm_confidence confidence,
        bool killed, const char *text) {
        struct imm_preflight *p = imm_array_push(w->a, w->to);

        *p = (struct imm_preflight){.when = IMM_PREFLIGHT_START,
                .outcome = IMM_OUTCOME_EXEC_FAILURE,
                .status = killed ? "11/SEGV" : "127",
                .culprit = w->image->path,
                .setting = id,
                .origin = imm_setting(w->s, id)->origin,
                .confidence = confidence};
        p->why = imm_printf(w->a, "%s: %s, %s", p->status, p->culprit, text);
}

/* @kernel: what it takes before the loader can say a word */
static bool too_small(const struct finder *w, enum imm_setting id, uint64_t limit, uint64_t kernel,
        uint64_t all, const char *what) {
        if (limit >= all)
                return false;
        found(w, id, IMM_CERTAIN, limit < kernel,
                imm_printf(w->a, "which takes %" PRIu64 " bytes of %s%s, where %s= leaves %" PRIu64,
                        all, what, w->image->loaded ? " with its libraries" : "",
                        imm_setting_info(id)->name, limit));
        return true;
}

/* Is there nothing left for systemd itself, before the loader? */
static bool is_told(const struct finder *w, enum imm_setting id) {
        imm_array_foreach (p, w->to)
                if (p->setting == id)
                        return true;
        return false;
}

static void judge(const struct finder *w) {
        const struct image *i = w->image;
        const struct imm_value *as = imm_setting(w->s, IMM_SETTING_LIMIT_AS),
                               *data = imm_setting(w->s, IMM_SETTING_LIMIT_DATA),
                               *stack = imm_setting(w->s, IMM_SETTING_LIMIT_STACK),
                               *files = imm_setting(w->s, IMM_SETTING_LIMIT_NOFILE);
        uint64_t made =
                stack->set && stack->limit.soft < STACK_MADE ? stack->limit.soft : STACK_MADE;

        if (as->set && too_small(w, IMM_SETTING_LIMIT_AS, as->limit.soft,
                               i->mapped + made + OF_KERNEL, i->all_mapped + made, "addresses"))
                return;
        /* the kernel takes the hard limit for a soft one of 0 */
        if (data->set && too_small(w, IMM_SETTING_LIMIT_DATA,
                                 data->limit.soft ? data->limit.soft : data->limit.hard,
                                 i->writable, i->all_writable, "data"))
                return;
        if (stack->set && i->loaded && stack->limit.soft <= STACK_RARELY)
                found(w, IMM_SETTING_LIMIT_STACK,
                        stack->limit.soft <= STACK_NEVER ? IMM_CERTAIN : IMM_LIKELY, true,
                        "whose loader LimitSTACK= leaves too little stack");
        /* from 248 on systemd itself has none left, and says so */
        else if (files->set && i->all_mapped > i->mapped && w->s->version < 248 &&
                 files->limit.soft <= 3 && !is_told(w, IMM_SETTING_LIMIT_NOFILE))
                found(w, IMM_SETTING_LIMIT_NOFILE, IMM_CERTAIN, false,
                        "whose libraries LimitNOFILE= leaves no descriptor to be opened by");
}

void imm_loading_find(struct imm_manager *m, struct imm_settings *s, struct imm_arena *a,
        struct imm_preflight_list *ret) {
        static const enum imm_setting limits[] = {IMM_SETTING_LIMIT_AS, IMM_SETTING_LIMIT_DATA,
                IMM_SETTING_LIMIT_STACK, IMM_SETTING_LIMIT_NOFILE};
        const struct imm_closure *cl;
        bool any = false;

        if (s->load != IMM_LOAD_LOADED || s->unit->type != IMM_UNIT_SERVICE)
                return;
        for (size_t i = 0; i < IMM_ELEMENTSOF(limits); i++) {
                const struct imm_value *v = imm_setting(s, limits[i]);

                any |= v->set && v->limit.soft < UINT64_C(1) << 32;
        }
        if (!any)
                return;
        cl = imm_closure_of(m, s->unit);
        for (size_t i = 0; cl->kind == IMM_CLOSURE_FILES && i < cl->n; i++) {
                const struct imm_need *n = &cl->v[i];
                struct image image;

                if (is_executed(cl, n) && image_of(m, cl, n, &image))
                        judge(&(struct finder){s, a, ret, &image});
        }
}
