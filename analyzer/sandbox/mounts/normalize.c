/*
 * Putting the plan in order, as systemd does before the first mount and again after each link that
 * an entry's path led through: prefixes first, at one path the mightier mode; then what is double,
 * outside of the root, hidden or without effect is dropped. Dropped entries are kept as losers.
 */

#include "analyzer/sandbox/mounts/plan.h"

/* Prefixes first, then by bytes of the components */
static int compare_paths(const char *a, const char *b) {
        for (;; a++, b++) {
                unsigned char c = *a == '/' ? 1 : (unsigned char)*a,
                              d = *b == '/' ? 1 : (unsigned char)*b;

                if (c != d)
                        return c < d ? -1 : 1;
                if (c == '\0')
                        return 0;
        }
}

static int compare(const void *a, const void *b) {
        const struct imm_plan_entry *x = *(struct imm_plan_entry *const *)a,
                                    *y = *(struct imm_plan_entry *const *)b;
        static const enum imm_plan_mode first[] = {
                IMM_PLAN_EXTENSION_DIRECTORY, IMM_PLAN_PRIVATE_TMPFS};
        int r;

        /* what others are built upon comes first */
        for (size_t i = 0; i < IMM_ELEMENTSOF(first); i++)
                if ((x->mode == first[i]) != (y->mode == first[i]))
                        return x->mode == first[i] ? -1 : 1;
        r = compare_paths(x->path, y->path);
        if (r != 0)
                return r;
        return (int)x->mode - (int)y->mode;
}

bool imm_plan_entry_read_only(const struct imm_plan_entry *e) {
        return e->read_only || e->mode == IMM_PLAN_READ_ONLY || e->mode == IMM_PLAN_INACCESSIBLE;
}

bool imm_plan_entry_noexec(const struct imm_plan_entry *e) {
        return e->noexec || e->mode == IMM_PLAN_NOEXEC || e->mode == IMM_PLAN_INACCESSIBLE ||
               e->mode == IMM_PLAN_PRIVATE_SYSFS || e->mode == IMM_PLAN_BIND_SYSFS ||
               e->mode == IMM_PLAN_PROCFS;
}

static const char *name_of(const struct imm_plan_entry *e) {
        return e->setting == IMM_SETTING_N ? "systemd" : imm_setting_info(e->setting)->name;
}

static void lost(struct imm_plan *p, const struct imm_plan_entry *e, const char *why) {
        if (e->setting == IMM_SETTING_N)
                return;
        *imm_array_push(p->out, &p->t->losers) =
                (struct imm_mount_loser){imm_strdup(p->out, e->plain), e->setting, e->origin, why};
}

static void drop_duplicates(struct imm_plan *p) {
        struct imm_plan_entry *previous = NULL;
        size_t n = 0;

        for (size_t i = 0; i < p->entries.n; i++) {
                struct imm_plan_entry *e = p->entries.v[i];

                if (previous && compare_paths(e->path, previous->path) == 0 &&
                        e->state == IMM_PLAN_PENDING && previous->state == IMM_PLAN_PENDING) {
                        if (!imm_plan_entry_read_only(previous) && imm_plan_entry_read_only(e))
                                previous->read_only_by = e;
                        previous->read_only = previous->read_only || imm_plan_entry_read_only(e);
                        if (p->q.exec_rounds) {
                                if (!imm_plan_entry_noexec(previous) && imm_plan_entry_noexec(e))
                                        previous->noexec_by = e;
                                previous->noexec = previous->noexec || imm_plan_entry_noexec(e);
                                previous->exec =
                                        previous->exec || e->exec || e->mode == IMM_PLAN_EXEC;
                        }
                        if (e->setting != previous->setting || e->mode != previous->mode)
                                lost(p, e,
                                        imm_printf(p->out, "at the same path %s by %s wins",
                                                imm_plan_mode_text(previous->mode),
                                                name_of(previous)));
                        continue;
                }
                p->entries.v[n++] = previous = e;
        }
        p->entries.n = n;
}

static void drop_outside(struct imm_plan *p) {
        size_t n = 0;

        for (size_t i = 0; i < p->entries.n; i++) {
                struct imm_plan_entry *e = p->entries.v[i];

                if (e->mode != IMM_PLAN_EXTENSION_DIRECTORY && e->mode != IMM_PLAN_PRIVATE_TMPFS &&
                        !imm_path_below(e->path, p->root)) {
                        lost(p, e, "outside of RootDirectory=");
                        continue;
                }
                p->entries.v[n++] = e;
        }
        p->entries.n = n;
}

static void drop_hidden(struct imm_plan *p) {
        const struct imm_plan_entry *by = NULL;
        size_t n = 0;

        for (size_t i = 0; i < p->entries.n; i++) {
                struct imm_plan_entry *e = p->entries.v[i];

                if (by && imm_path_below(e->path, by->path)) {
                        lost(p, e,
                                imm_printf(p->out, "below inaccessible %s (%s)", by->plain,
                                        name_of(by)));
                        continue;
                }
                by = e->mode == IMM_PLAN_INACCESSIBLE ? e : NULL;
                p->entries.v[n++] = e;
        }
        p->entries.n = n;
}

static bool is_access(enum imm_plan_mode mode) {
        return mode == IMM_PLAN_READ_ONLY || mode == IMM_PLAN_READ_WRITE ||
               mode == IMM_PLAN_READ_WRITE_IMPLICIT;
}

/* What lies below an entry follows it: the nearest above one is the last one, or above that. */
static void drop_without_effect(struct imm_plan *p) {
        size_t n = 0;

        for (size_t i = 0; i < p->entries.n; i++) {
                struct imm_plan_entry *e = p->entries.v[i];
                const struct imm_plan_entry *above = n > 0 ? p->entries.v[n - 1] : NULL;

                while (above && !imm_path_below(e->path, above->path))
                        above = above->above;
                if (above && is_access(e->mode) && above->mode == e->mode) {
                        lost(p, e,
                                imm_printf(p->out, "%s is %s already (%s)", above->plain,
                                        imm_plan_mode_text(above->mode), name_of(above)));
                        continue;
                }
                e->above = above;
                p->entries.v[n++] = e;
        }
        p->entries.n = n;
}

/* Stable, as systemd's own (glibc's merge sort is) */
static void sort(struct imm_plan *p) {
        for (size_t i = 1; i < p->entries.n; i++) {
                struct imm_plan_entry *e = p->entries.v[i];
                size_t low = 0, high = i;

                if (compare(&p->entries.v[i - 1], &e) <= 0)
                        continue;
                while (low < high) {
                        size_t mid = low + (high - low) / 2;

                        if (compare(&p->entries.v[mid], &e) <= 0)
                                low = mid + 1;
                        else
                                high = mid;
                }
                memmove(&p->entries.v[low + 1], &p->entries.v[low], (i - low) * sizeof(e));
                p->entries.v[low] = e;
        }
}

void imm_plan_normalize(struct imm_plan *p) {
        sort(p);
        drop_duplicates(p);
        drop_outside(p);
        drop_hidden(p);
        drop_without_effect(p);
}
