#include "analyzer/uses/uses-private.h"

/* What the unit's own text says of what it does. */

static bool is_notify(const struct imm_settings *s) {
        const char *type = imm_setting_word(s, IMM_SETTING_TYPE);

        return type && imm_after(type, "notify");
}

/* Has it a line of that key, of whose words one is @word (NULL: any)? */
static bool file_says(
        const struct imm_unit_file *f, const char *section, const char *key, const char *word) {
        for (size_t k = 0; k < f->n_assignments; k++) {
                const struct imm_assignment *at = &f->assignments[k];

                if (imm_streq(at->section, section) && imm_streq(at->key, key) &&
                        (!word || strstr(at->value, word)))
                        return true;
        }
        return false;
}

static bool says(const struct imm_unit *u, const char *section, const char *key, const char *word) {
        for (size_t i = 0; i < u->n_files; i++)
                if (file_says(u->files[i], section, key, word))
                        return true;
        return false;
}

static bool is_after_network(const struct imm_unit *u) {
        return says(u, "Unit", "After", "network.target") ||
               says(u, "Unit", "After", "network-online.target");
}

/* It can be enabled by itself, and its socket is not: then it opens its sockets */
static bool is_started_without(const struct collector *c, const char *socket) {
        struct stat st;

        return says(c->u, "Install", "WantedBy", NULL) &&
               imm_root_lstat(c->m->root,
                       imm_printf(c->a, "/etc/systemd/system/sockets.target.wants/%s", socket),
                       &st) < 0;
}

static bool has_socket(const struct collector *c) {
        const char *dot = strrchr(c->u->name, '.');
        struct imm_unit *socket = NULL;
        const char *name = imm_printf(c->a, "%.*s.socket", (int)(dot - c->u->name), c->u->name);

        if (imm_setting(c->s, IMM_SETTING_SOCKETS)->strings.n > 0)
                return true;
        return imm_manager_unit(c->m, name, &socket, NULL) == 0 &&
               socket->load == IMM_LOAD_LOADED && !is_started_without(c, name);
}

/* A shell's script that becomes no other program: -p may mean anything to it */
static bool is_only_shell(const struct collector *c, const struct imm_command_item *cmd) {
        static const char *const shells[] = {"sh", "dash", "bash", "busybox"};
        bool shell = false;

        for (size_t i = 0; i < c->closure->n; i++) {
                const struct imm_need *n = &c->closure->v[i];
                const char *by = n->by >= 0 ? c->closure->v[n->by].path : NULL;

                if (n->kind == IMM_NEED_COMMAND && is_become(c, n))
                        return false;
                for (size_t k = 0; n->kind == IMM_NEED_INTERPRETER && by &&
                                   imm_streq(by, cmd->path) && k < IMM_ELEMENTSOF(shells);
                        k++)
                        shell |= imm_streq(imm_base_name(n->path), shells[k]);
        }
        return shell;
}

/* What stands before a value without an option: of some it is the port to listen on. */
static const char *option_of(const char *before) {
        static const char *const servers[] = {"http.server", "SimpleHTTPServer"};

        for (size_t i = 0; i < IMM_ELEMENTSOF(servers); i++)
                if (imm_streq(before, servers[i]))
                        return "port";
        return *before == '-' ? before : "";
}

void use_arguments(struct collector *c) {
        const struct imm_value *v = imm_setting(c->s, IMM_SETTING_EXEC_START);

        for (size_t i = 0; v->type == IMM_VALUE_COMMANDS && i < v->commands.n; i++) {
                const struct imm_command_item *cmd = &v->commands.v[i];

                set_command(c, cmd, true);
                for (size_t k = 1; k < cmd->argv.n; k++) {
                        const char *word = cmd->argv.v[k], *equals = strchr(word, '=');

                        use_heap(c, word, cmd->path);
                        use_size(c, imm_base_name(cmd->path),
                                *word == '-' && equals
                                        ? imm_strndup(c->a, word, (size_t)(equals - word))
                                        : cmd->argv.v[k - 1],
                                *word == '-' && equals ? equals + 1 : word, cmd->path);
                        if (*word == '-' && equals)
                                use_argument(c, imm_strndup(c->a, word, (size_t)(equals - word)),
                                        equals + 1, cmd->path);
                        else if (*word != '-' && imm_streq(cmd->argv.v[k - 1], "-p") &&
                                 is_only_shell(c, cmd))
                                continue;
                        else if (*word != '-')
                                use_argument(c, option_of(cmd->argv.v[k - 1]), word, cmd->path);
                }
        }
}

/* The variable's name is in every program that sends the message, or the call of libsystemd's */
void use_readiness(struct collector *c) {
        if (c->awaited && c->main_elf && !c->notifies && !c->scripts)
                use_add(c, IMM_FACILITY_NEVER_NOTIFIES, DOES, NULL, NULL,
                        "%s has no NOTIFY_SOCKET and imports no sd_notify", c->main_elf);
        if (c->watched && c->main_elf && !c->pings && !c->scripts)
                use_add(c, IMM_FACILITY_NEVER_PINGS, DOES, NULL, NULL,
                        "%s has no text of the watchdog's messages", c->main_elf);
}

/* Signs of life are asked for: 0 and infinity ask for none */
static bool is_watched(const struct imm_settings *s) {
        const struct imm_value *v = imm_setting(s, IMM_SETTING_WATCHDOG_SEC);
        const char *type = imm_setting_word(s, IMM_SETTING_TYPE);

        if (type && imm_streq(type, "oneshot"))
                return false; /* watched when it has started: then it is over */
        return v->set && v->number > 0 && v->number != IMM_MINUS_ONE;
}

/* Are users looked up in the network by the process that asks? (Others have a daemon for it.) */
static bool asks_network_for_users(const struct collector *c) {
        struct imm_blob b;
        char *save = NULL;

        if (imm_root_read(c->m->root, "/etc/nsswitch.conf", 64 << 10, c->a, &b, NULL) < 0)
                return false;
        for (char *line = strtok_r(imm_strndup(c->a, b.data, b.size), "\n", &save); line;
                line = strtok_r(NULL, "\n", &save)) {
                const char *rest = imm_after(line, "passwd:"), *word;

                while (rest && *(rest += strspn(rest, " \t")) && *rest != '#') {
                        word = imm_strndup(c->a, rest, strcspn(rest, " \t"));
                        if (imm_streq(word, "nis") || imm_streq(word, "nisplus"))
                                return true;
                        rest += strlen(word);
                }
        }
        return false;
}

static void of_users(struct collector *c) {
        const struct imm_value *v = imm_setting(c->s, IMM_SETTING_EXEC_START);
        const char *program = v->commands.n > 0 ? v->commands.v[0].path : NULL;

        if (program && works_with_users(imm_base_name(program)) && asks_network_for_users(c))
                use_add(c, IMM_FACILITY_NETWORK, PART, NULL, NULL,
                        "/etc/nsswitch.conf: users are looked up by NIS, and %s does that itself",
                        program);
}

void use_unit(struct collector *c) {
        const char *type = imm_setting_word(c->s, IMM_SETTING_TYPE),
                   *pid = imm_setting_string(c->s, IMM_SETTING_PID_FILE);

        c->by_socket = has_socket(c);
        c->after_network = is_after_network(c->u);
        c->noexec = imm_setting(c->s, IMM_SETTING_NO_EXEC_PATHS)->paths.n > 0;
        c->awaited = is_notify(c->s);
        c->watched = is_watched(c->s);
        c->least = IMM_CERTAIN;
        set_command(c, NULL, true);
        if (c->awaited)
                use_add(c, IMM_FACILITY_NOTIFY, MUST, NULL, NULL, "Type=%s", type);
        if (c->awaited && c->u->n_files > 1 &&
                file_says(c->u->files[0], "Service", "NotifyAccess", "all"))
                use_add(c, IMM_FACILITY_NOTIFY_HELPER, PART, NULL, NULL, "%s: NotifyAccess=all",
                        c->u->files[0]->path);
        if (type && imm_streq(type, "forking")) {
                use_add(c, IMM_FACILITY_CHILDREN, DOES, "", NULL,
                        "Type=forking: the program starts another, and ends");
                use_add(c, IMM_FACILITY_CALL, DOES, "clone|vfork", NULL,
                        "Type=forking: the program starts another, and ends");
        }
        if (type && imm_streq(type, "dbus"))
                use_add(c, IMM_FACILITY_BUS, MUST, NULL, NULL, "Type=dbus");
        if (type && imm_streq(type, "forking") && pid && *pid == '/')
                use_add(c, IMM_FACILITY_PID_FILE, MUST, NULL, pid, "PIDFile=%s", pid);
        of_users(c);
}
