#pragma once

/* A world for the review without a machine: what it answers is made from a snapshot. */

#include "tui/model.h"

#include <errno.h>
#include <stdio.h>

struct world {
        struct imm_snapshot *now;
        struct imm_state tried;
        struct imm_state_finding broken, idle;
        struct imm_strv dropins;
        char *saved_path, *saved_text, *copied;
        struct imm_snapshot *earlier;
        size_t n_runs;
};

static const struct imm_state *state(
        void *data, const char *unit, const char *dropin, struct imm_err *err) {
        struct world *w = data;
        struct imm_state *s = imm_snapshot_find(w->now, unit);

        if (!dropin)
                return s;
        if (strstr(dropin, "Broken")) {
                imm_err_set(err, -EINVAL, "Broken= is not known");
                return NULL;
        }
        w->tried = *s;
        w->tried.exposure -= 2;
        w->tried.findings.n = 0;
        imm_strv_add(w->now->arena, &w->dropins, "/etc/tried.conf");
        w->tried.dropins = w->dropins;
        memset(&w->tried.settings, 0, sizeof(w->tried.settings));
        imm_array_foreach (i, &s->settings) {
                const char *name = imm_printf(w->now->arena, "\n%s=", i->name),
                           *at = strstr(dropin, name);
                struct imm_state_setting *to = imm_array_push(w->now->arena, &w->tried.settings);

                *to = *i;
                if (!at)
                        continue;
                at += strlen(name);
                to->value = imm_strndup(w->now->arena, at, strcspn(at, "\n"));
                to->origin = (struct imm_source_ref){"file", NULL, "/etc/tried.conf", 2};
        }
        if (strstr(dropin, "ProtectHome=")) { /* which it needs */
                w->broken = (struct imm_state_finding){.rule = "home-needed",
                        .scorecard = "breakage",
                        .setting = "ProtectHome",
                        .severity = IMM_SEVERITY_HIGH};
                imm_strv_add(w->now->arena, &w->broken.evidence, "it keeps its data in /home");
                w->tried.findings.v = &w->broken;
                w->tried.findings.n = 1;
        }
        if (strstr(dropin, "/idle")) { /* a line that does nothing */
                w->idle = (struct imm_state_finding){.rule = "outdone",
                        .scorecard = "ineffective",
                        .severity = IMM_SEVERITY_MEDIUM,
                        .file = "/etc/tried.conf",
                        .line = 1};
                for (const char *c = dropin; c < strstr(dropin, "/idle"); c++)
                        w->idle.line += *c == '\n';
                w->tried.findings.v = &w->idle;
                w->tried.findings.n = 1;
        }
        return &w->tried;
}

static int list(void *data, const char *unit, const char *dropin, const char *dir,
        struct imm_arena *a, struct imm_place **ret, size_t *ret_n, struct imm_err *err) {
        static const struct imm_place root[] = {
                {"etc", "readable", true, false, 1, 0, 1}, {"tmp", "sticky", true, false, 1, 1, 1}};
        static const struct imm_place etc[] = {{"shadow", "none", false, false, 0, 0, 0}};
        bool top = imm_streq(dir, "/");

        *ret_n = top ? 2 : 1;
        *ret = imm_alloc_array(a, 2, sizeof(**ret));
        memcpy(*ret, top ? root : etc, *ret_n * sizeof(**ret));
        return 0;
}

static int why(void *data, const char *unit, const char *dropin, const char *path,
        struct imm_arena *a, struct imm_strv *ret, struct imm_err *err) {
        imm_strv_add(a, ret, imm_printf(a, "because of %s", path));
        if (dropin)
                imm_strv_add(a, ret, "no: so says /etc/tried.conf:3; without it, yes");
        return 0;
}

static int file(
        void *data, const char *path, struct imm_arena *a, const char **ret, struct imm_err *err) {
        *ret = "[Service]\nExecStart=/x\nUser=alpha\nProtectSystem=yes\n";
        return 0;
}

static bool about(void *data, const char *setting, struct imm_arena *a, struct imm_about *ret) {
        static const struct {
                const char *name, *section;
                bool list;
                const char *values[4];
        } known[] = {
                {"PrivateTmp", "Service", false, {"no", "yes"}},
                {"ProtectSystem", "Service", false, {"no", "yes", "full"}},
                {"ReadWritePaths", "Service", true, {NULL}},
                {"User", "Service", false, {NULL}},
                {"ProtectHome", "Service", false, {"no", "yes"}},
                {"Broken", "Service", false, {NULL}},
                {"After", "Unit", true, {NULL}},
        };

        for (size_t i = 0; i < IMM_ELEMENTSOF(known); i++) {
                if (!imm_streq(known[i].name, setting))
                        continue;
                *ret = (struct imm_about){.section = known[i].section, .list = known[i].list};
                for (size_t k = 0; k < 4 && known[i].values[k]; k++)
                        imm_strv_add(a, &ret->values, known[i].values[k]);
                return true;
        }
        return false;
}

static bool rule(void *data, const char *scorecard, const char *name, struct imm_arena *a,
        struct imm_rule_words *ret) {
        *ret = (struct imm_rule_words){"Everybody's /tmp", "Others can put files there.", {0}};
        imm_strv_add(a, &ret->documentation, "man:systemd.exec(5)");
        return true;
}

static const char *proposed(void *data, const char *unit, struct imm_arena *a) {
        return imm_printf(a, "/etc/systemd/system/%s.d/50-immure.conf", unit);
}

static int save(void *data, const char *unit, const char *path, const char *text, bool replace,
        struct imm_err *err) {
        struct world *w = data;

        if (imm_streq(path, "/there") && !replace)
                return -EEXIST;
        free(w->saved_path);
        free(w->saved_text);
        w->saved_path = imm_xstrdup(path);
        w->saved_text = imm_xstrdup(text);
        return imm_after(path, "/etc/systemd/") != NULL;
}

static int runs(void *data, struct imm_arena *a, struct imm_tui_run **ret, size_t *ret_n,
        struct imm_err *err) {
        struct world *w = data;

        *ret = imm_alloc_array(a, 2, sizeof(**ret));
        (*ret)[0] = (struct imm_tui_run){2, "run 2  yesterday"};
        (*ret)[1] = (struct imm_tui_run){1, "run 1  the day before"};
        *ret_n = w->n_runs;
        return 0;
}

static const struct imm_snapshot *run(void *data, int64_t id, struct imm_err *err) {
        struct world *w = data;

        return w->earlier;
}

static void copy(void *data, const char *text) {
        struct world *w = data;

        free(w->copied);
        w->copied = imm_xstrdup(text);
}

static inline struct imm_tui_world world_of(struct world *w) {
        return (struct imm_tui_world){
                w, state, list, why, file, about, rule, proposed, save, runs, run, copy};
}

static inline void world_done(struct world *w) {
        imm_snapshot_free(w->now);
        imm_snapshot_free(w->earlier);
        free(w->saved_path);
        free(w->saved_text);
        free(w->copied);
}

/* Keys as one types them: letters as they are, names in <> */
static inline void type_keys(struct imm_tui *t, const char *keys) {
        while (*keys) {
                const char *end = *keys == '<' ? strchr(keys, '>') : NULL;

                if (end) {
                        imm_tui_key(t, imm_key_by_name(keys + 1, (size_t)(end - keys - 1)));
                        keys = end + 1;
                } else
                        imm_tui_key(t, (unsigned char)*keys++);
                imm_tui_draw(t); /* as the terminal does between two keys */
        }
        imm_tui_draw(t);
}
