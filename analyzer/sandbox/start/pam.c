/*
 * PAMName=: a service that PAM has no file for, and one whose account is none. A dynamic user is in
 * no passwd: unless the name service asks systemd, pam_unix knows nobody of its name.
 * Sources: pam.conf(5), nsswitch.conf(5), nss-systemd(8); tests/lab.
 */

#include "analyzer/sandbox/access/access-private.h"

#include <string.h>
#include <strings.h>

enum { FILE_MAX = 64 * 1024, DEPTH_MAX = 8, LINES_MAX = 256 };

static const char *const dirs[] = {"/etc/pam.d", "/usr/lib/pam.d", "/usr/etc/pam.d"};

/* ---- its file ---- */

static bool refuse(const struct imm_settings *s, const char *culprit, const char *why,
        struct imm_start_fault *ret) {
        imm_start_refuse(ret, IMM_STEP_PAM, IMM_OUTCOME_PAM_FAILURE, culprit, IMM_SETTING_PAM_NAME,
                imm_setting(s, IMM_SETTING_PAM_NAME)->origin);
        ret->why = why;
        return true;
}

static bool has_file(struct imm_manager *m, const char *name, struct imm_arena *a) {
        bool any = false; /* then /etc/pam.conf, which Debian has, is not read */
        struct stat st;

        for (size_t i = 0; i < IMM_ELEMENTSOF(dirs); i++) {
                any |= imm_root_stat(m->root, dirs[i], &st) == 0 && S_ISDIR(st.st_mode);
                if (imm_root_stat(m->root, imm_printf(a, "%s/%s", dirs[i], name), &st) == 0 ||
                        imm_root_stat(m->root, imm_printf(a, "%s/other", dirs[i]), &st) == 0)
                        return true;
        }
        return !any && imm_root_stat(m->root, "/etc/pam.conf", &st) == 0;
}

/* ---- its account ---- */

/* What a stack says of a user that is in no passwd; what is not understood is not judged. */
enum answer { NOTHING, PASSES, FAILS, NOT_KNOWN };

struct stack {
        struct imm_manager *m;
        struct imm_arena *a;
        size_t lines;
        unsigned skip; /* lines that a number jumps over */
        bool failed;   /* by what is required; the rest is asked all the same */
        bool passed;
};

/* Of "[success=1 default=ignore]" the action for @result */
static const char *action_of(const char *control, const char *result, struct imm_arena *a) {
        const char *otherwise = "ignore";
        char *save = NULL;

        for (char *word = strtok_r(imm_strdup(a, control), " \t[]", &save); word;
                word = strtok_r(NULL, " \t[]", &save)) {
                const char *action = strchr(word, '=');
                size_t n = action ? (size_t)(action - word) : 0;

                if (n == strlen(result) && strncmp(word, result, n) == 0)
                        return action + 1;
                if (n == strlen("default") && strncmp(word, "default", n) == 0)
                        otherwise = action + 1;
        }
        return otherwise;
}

/* The four words for actions are short for these. */
static const char *in_brackets(const char *control) {
        static const char *const words[][2] = {
                {"required", "[success=ok new_authtok_reqd=ok ignore=ignore default=bad]"},
                {"requisite", "[success=ok new_authtok_reqd=ok ignore=ignore default=die]"},
                {"sufficient", "[success=done new_authtok_reqd=done default=ignore]"},
                {"optional", "[success=ok new_authtok_reqd=ok default=ignore]"},
        };

        for (size_t i = 0; i < IMM_ELEMENTSOF(words); i++)
                if (strcasecmp(control, words[i][0]) == 0)
                        return words[i][1];
        return *control == '[' ? control : NULL;
}

static enum answer ask_module(struct stack *s, const char *control, const char *module) {
        bool passes = imm_streq(module, "pam_permit.so");
        const char *action, *result = passes ? "success" : NULL;

        if (imm_streq(module, "pam_unix.so"))
                result = "user_unknown";
        else if (imm_streq(module, "pam_deny.so"))
                result = "acct_expired";
        if (!result || !(control = in_brackets(control)))
                return NOT_KNOWN;
        action = action_of(control, result, s->a);
        if (*action >= '0' && *action <= '9') {
                unsigned long lines = strtoul(action, NULL, 10);

                s->skip = lines < LINES_MAX ? (unsigned)lines : LINES_MAX;
        } else if (imm_streq(action, "bad") || imm_streq(action, "die"))
                s->failed = true;
        else if (imm_streq(action, "ok") || imm_streq(action, "done"))
                s->passed = passes;
        else if (!imm_streq(action, "ignore"))
                return NOT_KNOWN;
        if (imm_streq(action, "die") || (imm_streq(action, "done") && !s->failed))
                return s->failed ? FAILS : PASSES;
        return NOTHING;
}

static enum answer ask_file(struct stack *s, const char *name, unsigned depth);

/* "account required pam_unix.so", "@include common-account", "account include common-account" */
static enum answer ask_line(struct stack *s, char *line, unsigned depth) {
        char *type, *control, *end, *module;

        line += strspn(line, " \t");
        line[strcspn(line, "#")] = 0;
        if (*line == 0)
                return NOTHING;
        if (s->lines++ > LINES_MAX)
                return NOT_KNOWN;
        type = strsep(&line, " \t");
        if (*type == '-')
                type++;
        if (!line)
                return NOT_KNOWN;
        line += strspn(line, " \t");
        if (imm_streq(type, "@include")) {
                line[strcspn(line, " \t")] = 0;
                return ask_file(s, line, depth + 1);
        }
        if (strcasecmp(type, "account") != 0)
                return NOTHING;
        if (s->skip > 0) {
                s->skip--;
                return NOTHING;
        }
        end = *line == '[' ? strchr(line, ']') : line + strcspn(line, " \t") - 1;
        if (!end || !end[1])
                return NOT_KNOWN;
        control = imm_strndup(s->a, line, (size_t)(end + 1 - line));
        module = end + 1 + strspn(end + 1, " \t");
        module[strcspn(module, " \t")] = 0;
        if (imm_streq(control, "include"))
                return ask_file(s, module, depth + 1);
        return ask_module(s, control, module);
}

static enum answer ask_file(struct stack *s, const char *name, unsigned depth) {
        struct imm_blob blob;
        char *save = NULL;

        if (depth > DEPTH_MAX || strchr(name, '/') ||
                imm_root_read(s->m->root, imm_printf(s->a, "/etc/pam.d/%s", name), FILE_MAX, s->a,
                        &blob, NULL) < 0)
                return NOT_KNOWN;
        for (char *line = strtok_r(imm_strdup(s->a, blob.data), "\n", &save); line;
                line = strtok_r(NULL, "\n", &save)) {
                enum answer answer;

                if (imm_ends_with(line, "\\"))
                        return NOT_KNOWN;
                answer = ask_line(s, line, depth);
                if (answer != NOTHING)
                        return answer;
        }
        return NOTHING;
}

/* Does the name service find users in /etc/passwd only? What else there is may know the user. */
static bool only_files_have_users(struct imm_manager *m, struct imm_arena *a) {
        struct imm_blob blob;
        char *save = NULL;

        if (imm_root_read(m->root, "/etc/nsswitch.conf", FILE_MAX, a, &blob, NULL) < 0)
                return true;
        for (char *line = strtok_r(imm_strdup(a, blob.data), "\n", &save); line;
                line = strtok_r(NULL, "\n", &save)) {
                const char *sources;

                line += strspn(line, " \t");
                sources = imm_after(line, "passwd:");
                if (!sources)
                        continue;
                line[strcspn(line, "#")] = 0;
                sources += strspn(sources, " \t");
                sources = imm_after(sources, "files");
                return sources && sources[strspn(sources, " \t")] == 0;
        }
        return true;
}

static bool account_fails(struct imm_manager *m, const char *name, struct imm_arena *a) {
        struct stack s = {.m = m, .a = a};
        enum answer answer;

        if (!only_files_have_users(m, a))
                return false;
        answer = ask_file(&s, name, 0);
        if (answer == NOT_KNOWN && s.lines == 0)
                answer = ask_file(&s, "other", 0);
        return answer == FAILS || (answer == NOTHING && (s.failed || !s.passed) && s.lines > 0);
}

bool imm_start_pam(struct imm_manager *m, struct imm_settings *s, struct imm_arena *a,
        struct imm_start_fault *ret) {
        const char *name = imm_setting_string(s, IMM_SETTING_PAM_NAME);
        struct imm_identity id;

        if (!name || !imm_identity_calls_pam(s))
                return false;
        if (!has_file(m, name, a))
                return refuse(s, imm_printf(a, "/etc/pam.d/%s", name), NULL, ret);
        if (m->scope != IMM_SCOPE_SYSTEM || !imm_setting_bool(s, IMM_SETTING_DYNAMIC_USER))
                return false;
        imm_identity_compute(m, s, IMM_KIND_PLAIN, a, &id);
        return id.dynamic && account_fails(m, name, a) &&
               refuse(s, imm_printf(a, "PAMName=%s", name),
                       "whose account modules know no dynamic user", ret);
}
