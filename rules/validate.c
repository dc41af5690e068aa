/* A rule file by itself, before it is put where rules are found. */

#include "rules/rules-private.h"

#include <errno.h>

enum { RULE_FILE_MAX = 256 * 1024 };

/* "profiles/NAME.conf", whichever way it was named */
static bool is_profile(const char *shown, const char *path) {
        return imm_ends_with(shown, ".conf") && strstr(path, "/profiles/");
}

static void check_profile(const struct imm_root *host, const struct imm_rule_source *s,
        unsigned version, struct imm_arena *a, struct imm_diags *to) {
        struct imm_manager_options options = {.version = version};
        imm_cleanup(imm_manager_free) struct imm_manager *m = NULL;

        if (imm_manager_open(&m, host, &options, NULL) < 0)
                return;
        (void)imm_profile_read("profile", s, m, a, to);
}

void imm_rule_validate(const struct imm_root *host, const char *path, const char *shown,
        unsigned version, struct imm_arena *a, struct imm_diags *to) {
        struct imm_rule_source s = {.path = imm_strdup(a, shown)};
        const char *slash = strrchr(shown, '/'), *name = slash ? slash + 1 : shown;
        struct imm_blob b = {0};
        int r = imm_root_read(host, path, RULE_FILE_MAX, a, &b, NULL);

        if (r < 0) {
                imm_diag_add(a, to, IMM_DIAG_ERROR, "unreadable-rule", s.path, 0, NULL,
                        "cannot be read: %s", strerror(-r));
                return;
        }
        s.text = b.data;
        s.size = b.size;
        if (is_profile(shown, path)) {
                check_profile(host, &s, version, a, to);
                return;
        }
        if (!imm_ends_with(name, ".rule") || strlen(name) == strlen(".rule")) {
                imm_diag_add(a, to, IMM_DIAG_ERROR, "bad-rule", s.path, 0, NULL,
                        "a rule's file is called NAME.rule, a profile's profiles/NAME.conf");
                return;
        }
        (void)imm_rule_build(
                imm_strndup(a, name, strlen(name) - strlen(".rule")), &s, 1, version, NULL, a, to);
}
