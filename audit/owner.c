#include "audit/owner.h"

/* The folder where a drop-in of the administrator's overrides @path, or NULL */
static const char *overrides(const char *path) {
        if (!path)
                return NULL;
        if (strstr(path, "/systemd/user/") || strstr(path, "/systemd/user-"))
                return "/etc/systemd/user";
        return strstr(path, "/systemd/") ? "/etc/systemd/system" : NULL;
}

static bool is_unit_file(const struct imm_state *s, const struct imm_state_finding *f) {
        return f->file &&
               ((s->path && imm_streq(s->path, f->file)) || imm_strv_has(&s->dropins, f->file));
}

/* Files that somebody else's updates replace */
static bool is_overridable(const struct imm_state_finding *f) {
        return imm_after(f->owner, "package ") || imm_streq(f->owner, "vendor") ||
               imm_streq(f->owner, "generator");
}

const char *imm_owner_override(
        const struct imm_state *s, const struct imm_state_finding *f, struct imm_arena *a) {
        const char *folder;

        if (!f->owner || !is_overridable(f) || !is_unit_file(s, f))
                return NULL;
        folder = overrides(f->file);
        return folder ? imm_printf(a, "%s/%s.d/50-override.conf", folder, s->unit) : NULL;
}

const char *imm_owner_line(
        const struct imm_state *s, const struct imm_state_finding *f, struct imm_arena *a) {
        const char *override = imm_owner_override(s, f, a);

        if (!f->owner || !override)
                return f->owner;
        return imm_printf(a, "%s (override here: %s)", f->owner, override);
}

const char *imm_state_owner(const struct imm_state *s) {
        if (s->package)
                return s->package;
        imm_array_foreach (f, &s->findings)
                if (s->path && f->file && f->owner && imm_streq(s->path, f->file))
                        return f->owner;
        return NULL;
}

/* The next word of *@s, or NULL */
static const char *word(const char **s, struct imm_arena *a) {
        const char *from = *s;
        size_t n = strcspn(from, " ");

        *s = from + n + (from[n] == ' ');
        return n > 0 ? imm_strndup(a, from, n) : NULL;
}

void imm_owner_json(
        const struct imm_state *s, const struct imm_state_finding *f, struct imm_json *j) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = NULL;
        const char *rest = f->owner, *package, *version, *override;

        if (!rest) {
                imm_json_null(j, "owner");
                return;
        }
        if (!strchr(rest, ' ') && !is_overridable(f)) { /* most of them: one word */
                imm_json_object(j, "owner");
                imm_json_string(j, "kind", rest);
                imm_json_end(j);
                return;
        }
        a = imm_arena_new();
        imm_json_object(j, "owner");
        imm_json_string(j, "kind", word(&rest, a));
        package = word(&rest, a);
        version = word(&rest, a);
        if (package) {
                imm_json_string(j, "package", package);
                imm_json_string(j, "version", version);
        }
        override = imm_owner_override(s, f, a);
        if (override)
                imm_json_string(j, "override", override);
        imm_json_end(j);
}
