/*
 * What a command's standard streams are opened from, before its sandbox: files, terminals, sockets.
 * Sources: systemd.exec(5), "Logging and standard input/output"; tests/lab.
 */

#include "analyzer/sandbox/access/access-private.h"
#include "analyzer/sandbox/needs.h"

#include <errno.h>

static const struct {
        enum imm_setting id;
        enum imm_outcome outcome;
        bool input;
} streams[] = {
        {IMM_SETTING_STANDARD_INPUT, IMM_OUTCOME_STDIN_FAILURE, true},
        {IMM_SETTING_STANDARD_OUTPUT, IMM_OUTCOME_STDOUT_FAILURE, false},
        {IMM_SETTING_STANDARD_ERROR, IMM_OUTCOME_STDERR_FAILURE, false},
};

/* ---- descriptors of sockets ---- */

/*
 * A stream that is a descriptor of a socket unit, where no socket unit hands any to the service:
 * neither OpenFile= nor the descriptor store make up for it.
 */
bool imm_start_sockets(struct imm_manager *m, const struct imm_settings *s, struct imm_arena *a,
        struct imm_start_fault *ret) {
        for (size_t i = 0; i < IMM_ELEMENTSOF(streams); i++) {
                const struct imm_value *v = imm_setting(s, streams[i].id);
                const char *word = v->string;

                if (!word || (!imm_streq(word, "socket") && !imm_streq(word, "fd") &&
                                     !imm_after(word, "fd:")))
                        continue;
                /* an instance is a connection's; where the file was given, the socket's was not */
                if (s->unit->instance || s->unit->given_by_path ||
                        imm_handed_by_sockets(m, s->unit, a))
                        return false;
                imm_start_refuse(ret, IMM_STEP_SPAWN, IMM_OUTCOME_SOCKET_FAILURE,
                        imm_printf(a, "%s=%s", imm_setting_info(streams[i].id)->name, word),
                        streams[i].id, v->origin);
                ret->why = "and no socket unit hands it a descriptor";
                return true;
        }
        return false;
}

/* ---- terminals ---- */

/* Character devices that are none; /dev/tty is the one that a service has not got */
static bool is_no_terminal(const char *path) {
        static const char *const nodes[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random",
                "/dev/urandom", "/dev/mem", "/dev/port", "/dev/kmsg", "/dev/tty"};

        for (size_t i = 0; i < IMM_ELEMENTSOF(nodes); i++)
                if (imm_streq(path, nodes[i]))
                        return true;
        return false;
}

/* Below /dev only what is known to be there is judged: terminals come and go with the machine. */
static bool terminal_fails(
        struct imm_manager *m, const struct imm_settings *s, const char *path, const char **why) {
        mode_t mode = imm_start_mode(m, path);

        *why = "which is no terminal";
        if (mode)
                return is_no_terminal(path) || (!S_ISCHR(mode) && !S_ISLNK(mode));
        if (imm_api_covers(m, path))
                return is_no_terminal(path);
        *why = NULL;
        return imm_start_lacks(m, s, path);
}

static bool is_terminal(const char *word) {
        static const char *const words[] = {"tty", "tty-force", "tty-fail"};

        for (size_t i = 0; word && i < IMM_ELEMENTSOF(words); i++)
                if (imm_streq(word, words[i]))
                        return true;
        return false;
}

/* ---- files ---- */

/*
 * Where a socket stands systemd connects to it as to a stream: what takes datagrams refuses that.
 * Of others it cannot be known.
 */
static bool is_datagram(const char *path) {
        static const char *const sockets[] = {"/dev/log", "/run/systemd/journal/dev-log",
                "/run/systemd/journal/socket", "/run/systemd/notify"};

        for (size_t i = 0; i < IMM_ELEMENTSOF(sockets); i++)
                if (imm_streq(path, sockets[i]))
                        return true;
        return false;
}

/* Through links that lead to nothing, the file is made where the last of them leads. */
static const char *where_made(struct imm_manager *m, const char *path, struct imm_arena *a) {
        enum { LINKS_MAX = 40 };
        struct stat st;

        for (unsigned i = 0; i < LINKS_MAX; i++) {
                const char *target, *slash = strrchr(path, '/');

                if (!slash || imm_root_lstat(m->root, path, &st) < 0 || !S_ISLNK(st.st_mode) ||
                        imm_root_readlink(m->root, path, a, &target) < 0)
                        break;
                path = *target == '/' ? target
                                      : imm_printf(a, "%.*s/%s", (int)(slash - path), path, target);
        }
        return path;
}

/* Can root, outside of any sandbox, not open it as a stream? */
static bool stream_fails(struct imm_manager *m, struct imm_settings *s, const char *path,
        bool input, struct imm_arena *a, const char **ret_why) {
        mode_t mode = imm_start_mode(m, path);
        const char *slash, *dir;
        struct stat st;

        if (is_datagram(path)) {
                *ret_why = "which takes no streams";
                return true;
        }
        if (mode)
                return (S_ISDIR(mode) && !input) ||
                       !imm_start_may_open(
                               m, s, path, input ? IMM_MAY_READ : IMM_MAY_WRITE, a, ret_why);
        if (input || imm_root_stat(m->root, path, &st) == -ELOOP)
                return imm_start_lacks(m, s, path);
        path = where_made(m, path, a);
        slash = strrchr(path, '/');
        if (!slash || slash == path)
                return false;
        dir = imm_strndup(a, path, (size_t)(slash - path));
        if (imm_root_stat(m->root, dir, &st) == 0)
                return !S_ISDIR(st.st_mode) ||
                       !imm_start_may_open(m, s, dir, IMM_MAY_WRITE | IMM_MAY_EXEC, a, ret_why);
        return imm_start_lacks(m, s, dir);
}

/* /dev/null, which a device policy may refuse: it is in force before */
static bool null_refused(
        struct imm_manager *m, const struct imm_settings *s, const char *text, bool input) {
        return m->scope == IMM_SCOPE_SYSTEM && (text ? imm_streq(text, "null") : input) &&
               !imm_device_allowed(s, "/dev/null", "1:3", input ? 'r' : 'w');
}

/* An input from where an output goes to is opened as that, and made. */
static bool is_both(const struct imm_settings *s, const char *input) {
        const char *file = input ? imm_after(input, "file:") : NULL;
        const char *to[] = {imm_setting_string(s, IMM_SETTING_STANDARD_OUTPUT),
                imm_setting_string(s, IMM_SETTING_STANDARD_ERROR)};

        for (size_t i = 0; file && i < IMM_ELEMENTSOF(to); i++)
                if (to[i] && imm_streq(to[i], input))
                        return true;
        return false;
}

bool imm_start_streams(struct imm_manager *m, struct imm_settings *s, struct imm_arena *a,
        struct imm_start_fault *ret) {
        static const char *const kinds[] = {"file:", "append:", "truncate:"};
        const char *path_of_tty = imm_setting_string(s, IMM_SETTING_TTY_PATH), *why;
        const char *tty = path_of_tty ? path_of_tty : "/dev/console";

        for (size_t i = 0; i < IMM_ELEMENTSOF(streams); i++) {
                const struct imm_value *v = imm_setting(s, streams[i].id);
                bool both = is_both(s, v->string);

                if (is_terminal(v->string) && terminal_fails(m, s, tty, &why)) {
                        imm_start_refuse(ret, IMM_STEP_STREAMS, streams[i].outcome, tty,
                                streams[i].id, v->origin);
                        ret->why = why;
                        return true;
                }
                if (null_refused(m, s, v->string, streams[i].input)) {
                        imm_start_refuse(ret, IMM_STEP_STREAMS, streams[i].outcome, "/dev/null",
                                IMM_SETTING_DEVICE_POLICY,
                                imm_setting(s, IMM_SETTING_DEVICE_POLICY)->origin);
                        ret->why = "which DevicePolicy=strict refuses: DeviceAllow=/dev/null rw";
                        return true;
                }
                for (size_t k = 0; v->string && k < IMM_ELEMENTSOF(kinds); k++) {
                        const char *path = imm_after(v->string, kinds[k]);

                        why = NULL;
                        if (!path || *path != '/' ||
                                !stream_fails(m, s, path, streams[i].input && !both, a, &why))
                                continue;
                        imm_start_refuse(ret, IMM_STEP_STREAMS, streams[i].outcome, path,
                                streams[i].id, v->origin);
                        ret->why = why;
                        return true;
                }
        }
        return false;
}
