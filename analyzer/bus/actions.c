#include "analyzer/bus/bus-private.h"

#include <errno.h>

/*
 * polkit's actions (what may be asked for, and what it answers where no rule does) and the files
 * with its rules. Of equally named files the one in the first directory counts.
 */

enum { FILE_MAX = 4 * 1024 * 1024, ACTIONS_MAX = 20000, RULES_MAX = 2000 };

struct reading {
        struct imm_bus *b;
        const char *file;
        struct imm_polkit_action *action; /* that is open */
        bool in_defaults, imply;
};

static void start(struct imm_xml *x, const char *name, const char **attributes) {
        struct reading *r = x->data;
        const char *id = imm_xml_attribute(attributes, "id");
        const char *key = imm_xml_attribute(attributes, "key");

        if (imm_streq(name, "action") && id) {
                r->action = imm_new(r->b->arena, struct imm_polkit_action);
                *r->action = (struct imm_polkit_action){.id = imm_strdup(r->b->arena, id),
                        .allow_any = "no",
                        .file = r->file,
                        .line = x->line};
        }
        r->in_defaults |= imm_streq(name, "defaults");
        if (imm_streq(name, "annotate"))
                r->imply = key && imm_streq(key, "org.freedesktop.policykit.imply");
}

static void imply(struct reading *r, const char *text) {
        while (*text) {
                size_t n = strcspn(text, " \t\r\n");

                if (n > 0)
                        imm_strv_add(r->b->arena, &r->action->implies,
                                imm_strndup(r->b->arena, text, n));
                text += n;
                text += strspn(text, " \t\r\n");
        }
}

static void end(struct imm_xml *x, const char *name, const char *text) {
        struct reading *r = x->data;

        if (imm_streq(name, "defaults"))
                r->in_defaults = false;
        if (!r->action)
                return;
        if (imm_streq(name, "allow_any") && r->in_defaults) {
                r->action->allow_any = imm_strdup(r->b->arena, text);
                r->action->line = x->line;
        }
        if (imm_streq(name, "annotate") && r->imply)
                imply(r, text);
        if (!imm_streq(name, "action"))
                return;
        if (r->b->actions.n < ACTIONS_MAX && !imm_map_has(&r->b->actions, r->action->id)) {
                imm_map_put(r->b->arena, &r->b->actions, r->action->id, r->action);
                if (r->action->implies.n > 0)
                        *imm_array_push(r->b->arena, &r->b->implying) = r->action;
        }
        r->action = NULL;
}

static void broken(struct imm_bus *b, const char *path, unsigned line, const char *why) {
        imm_diag_add(b->arena, &b->diags, IMM_DIAG_WARNING, "broken-policy", path, line, NULL,
                "polkit leaves this file out: %s", why);
}

static bool read_file(
        struct imm_bus *b, const char *path, struct imm_arena *scratch, struct imm_blob *ret) {
        int status = imm_root_read(b->m->root, path, FILE_MAX, scratch, ret, NULL);

        if (status < 0 && status != -ENOENT)
                imm_diag_add(b->arena, &b->diags, IMM_DIAG_UNREADABLE, "unreadable-policy", path, 0,
                        NULL, "polkit's policy cannot be read: %s", strerror(-status));
        return status >= 0;
}

static void read_actions(struct imm_bus *b, const char *path) {
        imm_cleanup(imm_arena_free) struct imm_arena *scratch = imm_arena_new();
        struct reading r = {.b = b, .file = path};
        struct imm_xml x = {.start = start, .end = end, .data = &r};
        struct imm_blob blob;
        const char *problem;

        if (!read_file(b, path, scratch, &blob))
                return;
        problem = imm_xml_read(&x, blob.data, blob.size, scratch);
        if (problem)
                broken(b, path, x.line, problem);
}

static void read_rules(struct imm_bus *b, const char *path) {
        imm_cleanup(imm_arena_free) struct imm_arena *scratch = imm_arena_new();
        struct imm_blob blob;

        if (!read_file(b, path, scratch, &blob) || b->rules.n >= RULES_MAX)
                return;
        if (imm_ends_with(path, "/49-polkit-pkla-compat.rules") && b->authority.n > 0)
                *imm_array_push(b->arena, &b->rules) =
                        (struct imm_polkit_rule){.file = path, .line = 1, .authority = true};
        else
                imm_polkit_script_read(path, blob.data, b->arena, &b->rules, &b->texts);
}

/* The files of all directories by name, the first directory's before the others' */
struct file {
        const char *name, *path;
        size_t rank;
};

static int by_name(const void *a, const void *b) {
        const struct file *x = a, *y = b;
        int r = strcmp(x->name, y->name);

        return r ? r : (x->rank > y->rank) - (x->rank < y->rank);
}

static void each_file(struct imm_bus *b, const char *kind, const char *suffix,
        void (*read)(struct imm_bus *b, const char *path)) {
        imm_cleanup(imm_arena_free) struct imm_arena *scratch = imm_arena_new();
        static const char *const tops[] = {"/etc", "/run", "/usr/local/share", "/usr/share"};
        IMM_ARRAY(struct file) files = {0};
        const char *before = "";

        for (size_t i = 0; i < IMM_ELEMENTSOF(tops); i++) {
                const char *dir = imm_printf(scratch, "%s/polkit-1/%s", tops[i], kind);
                struct imm_dirent *entries;
                size_t n;

                if (imm_root_list(b->m->root, dir, scratch, &entries, &n) < 0)
                        continue;
                for (size_t k = 0; k < n; k++)
                        if (imm_ends_with(entries[k].name, suffix))
                                *imm_array_push(scratch, &files) = (struct file){entries[k].name,
                                        imm_printf(b->arena, "%s/%s", dir, entries[k].name), i};
        }
        if (files.n > 1)
                qsort(files.v, files.n, sizeof(*files.v), by_name);
        imm_array_foreach (f, &files) {
                if (!imm_streq(f->name, before))
                        read(b, f->path);
                before = f->name;
        }
}

/*
 * What a daemon is, its own file tells. From polkit 124 on a caller's groups are those of its
 * process, by a new call; before 0.106 it read other files, and no rules.
 */
static void know_daemon(struct imm_bus *b, const char *path) {
        imm_cleanup(imm_arena_free) struct imm_arena *scratch = imm_arena_new();
        static const char call[] = "polkit_unix_process_get_gids",
                          old[] = "polkit-1/localauthority";
        struct imm_blob blob;

        if (imm_root_read(b->m->root, path, FILE_MAX, scratch, &blob, NULL) < 0)
                return;
        b->polkit_asks_kernel |= memmem(blob.data, blob.size, call, strlen(call)) != NULL;
        b->old_polkit |= memmem(blob.data, blob.size, old, strlen(old)) != NULL;
}

void imm_polkit_read(struct imm_bus *b) {
        static const char *const daemons[] = {"/usr/lib/polkit-1/polkitd", "/usr/libexec/polkitd",
                "/usr/libexec/polkit-1/polkitd", "/usr/lib/policykit-1/polkitd"};
        struct stat st;

        b->has_polkit = imm_map_has(&b->services, "org.freedesktop.PolicyKit1");
        for (size_t i = 0; i < IMM_ELEMENTSOF(daemons); i++) {
                if (imm_root_stat(b->m->root, daemons[i], &st) < 0)
                        continue;
                b->has_polkit = true;
                know_daemon(b, daemons[i]);
        }
        if (!b->has_polkit)
                return;
        each_file(b, "actions", ".policy", read_actions);
        if (b->old_polkit ||
                imm_root_stat(b->m->root, "/usr/bin/pkla-check-authorization", &st) == 0)
                imm_polkit_authority_read(b);
        if (!b->old_polkit)
                each_file(b, "rules.d", ".rules", read_rules);
}
