#include "analyzer/uses/uses-private.h"

#include <errno.h>

/* A unit's uses: from its closure, file by file; its own settings; the configuration. */

enum { OBJECTS_MAX = 400 };

static enum imm_confidence confidence_of(enum strength how) {
        return how == MUST ? IMM_CERTAIN : how == MAY ? IMM_POSSIBLE : IMM_LIKELY;
}

void use_add(struct collector *c, enum imm_facility f, enum strength how, const char *calls,
        const char *object, const char *fmt, ...) {
        struct imm_use u = {.facility = f,
                .kind = c->kind,
                .confidence = confidence_of(how),
                .essential = how != CALLS,
                .partial = how == PART,
                .remark = how == MAY || c->optional || c->weak,
                .calls = calls,
                .object = object};
        const char *key = imm_printf(c->a, "%d %d %d %s %s", (int)f, (int)c->kind, (int)u.remark,
                object ? object : "", calls ? calls : "");
        va_list ap;

        if (c->by_socket && (f == IMM_FACILITY_PORT || f == IMM_FACILITY_LISTEN))
                return; /* systemd listens */
        if (imm_map_has(&c->seen, key) || c->seen.n > OBJECTS_MAX)
                return;
        if (c->least > u.confidence)
                u.confidence = c->least;
        va_start(ap, fmt);
        u.evidence = imm_vprintf(c->a, fmt, ap);
        va_end(ap);
        imm_map_put(c->a, &c->seen, key, c);
        *imm_array_push(c->a, c->to) = u;
}

static const char *base_name(const char *path) {
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

/* ---- files of the closure ---- */

/* The program at the end of the chain that asked for @need: not a library */
static int program_of(const struct imm_closure *cl, int need) {
        while (need >= 0 &&
                (cl->v[need].kind == IMM_NEED_LIBRARY || cl->v[need].kind == IMM_NEED_LOADER ||
                        cl->v[need].kind == IMM_NEED_MODULE))
                need = cl->v[need].by;
        return need;
}

static int unit_need_of(const struct imm_closure *cl, int need) {
        while (need >= 0 && cl->v[need].by >= 0)
                need = cl->v[need].by;
        return need;
}

/* The command of the unit that a need is for */
static const struct imm_command_item *command_of(
        const struct collector *c, const struct imm_need *top) {
        const struct imm_value *v;

        if (top->setting >= IMM_SETTING_N)
                return NULL;
        v = imm_setting(c->s, top->setting);
        for (size_t i = 0; v->type == IMM_VALUE_COMMANDS && i < v->commands.n; i++)
                if (v->commands.v[i].origin.line == top->origin.line &&
                        v->commands.v[i].origin.file == top->origin.file)
                        return &v->commands.v[i];
        return NULL;
}

/* The main command that runs this file: the closure has a program once, with its first command. */
static const struct imm_command_item *main_command_of(
        const struct collector *c, const struct imm_need *n) {
        const struct imm_value *v = imm_setting(c->s, IMM_SETTING_EXEC_START);

        if (!n->name || n->kind == IMM_NEED_LIBRARY || n->kind == IMM_NEED_CONFIG ||
                n->kind == IMM_NEED_MODULE)
                return NULL;
        for (size_t i = 0; i < v->commands.n; i++)
                if (imm_streq(base_name(v->commands.v[i].path), base_name(n->name)))
                        return &v->commands.v[i];
        return NULL;
}

/* ... or one of those that it is for */
static const struct imm_command_item *main_command(const struct collector *c, int need) {
        const struct imm_command_item *cmd = NULL;

        for (; need >= 0 && !cmd; need = c->closure->v[need].by)
                cmd = main_command_of(c, &c->closure->v[need]);
        return cmd;
}

/* ... of all that name one of the files on the way, the one that the need is for */
static const struct imm_command_item *command_naming(
        const struct collector *c, int need, enum imm_setting *ret) {
        static const enum imm_setting settings[] = {
                IMM_SETTING_EXEC_START, IMM_SETTING_EXEC_START_PRE, IMM_SETTING_EXEC_START_POST};

        for (; need >= 0; need = c->closure->v[need].by)
                for (size_t s = 0; s < IMM_ELEMENTSOF(settings); s++) {
                        const struct imm_value *v = imm_setting(c->s, settings[s]);

                        for (size_t i = 0; i < v->commands.n; i++)
                                for (size_t k = 1; k < v->commands.v[i].argv.n; k++)
                                        if (c->closure->v[need].name &&
                                                imm_streq(v->commands.v[i].argv.v[k],
                                                        c->closure->v[need].name)) {
                                                *ret = settings[s];
                                                return &v->commands.v[i];
                                        }
                }
        return NULL;
}

/* Which command a need is for, and of which setting that is */
static const struct imm_command_item *command_for(
        const struct collector *c, int need, enum imm_setting *ret) {
        const struct imm_need *top = &c->closure->v[unit_need_of(c->closure, need)];
        const struct imm_command_item *cmd = main_command(c, need);

        *ret = cmd ? IMM_SETTING_EXEC_START : top->setting;
        if (!cmd)
                cmd = command_naming(c, need, ret);
        return cmd ? cmd : command_of(c, top);
}

static void set_command(struct collector *c, const struct imm_command_item *cmd, bool main_one) {
        c->kind = IMM_KIND_PLAIN;
        c->optional = cmd && (cmd->flags & IMM_COMMAND_IGNORE_FAILURE) && !main_one;
        if (!cmd)
                return;
        if (cmd->flags & IMM_COMMAND_FULLY_PRIVILEGED)
                c->kind = IMM_KIND_PRIVILEGED;
        else if (cmd->flags & IMM_COMMAND_NO_SETUID)
                c->kind = IMM_KIND_NO_SETUID;
        else if (cmd->flags & IMM_COMMAND_AMBIENT_MAGIC)
                c->kind = IMM_KIND_AMBIENT;
}

static bool runs_threads(const char *name) {
        static const char *const names[] = {
                "node", "nodejs", "java", "mono", "mono-sgen", "dotnet", "beam.smp", "jsvc"};

        for (size_t i = 0; i < IMM_ELEMENTSOF(names); i++)
                if (imm_streq(names[i], name))
                        return true;
        return false;
}

/* What the loader and the kernel make of the file itself */
static void of_image(
        struct collector *c, const struct imm_need *n, const struct file *f, const char *program) {
        enum strength how;
        const char *why = library_jit(base_name(n->path), &how);

        if (why && n->kind == IMM_NEED_LIBRARY)
                use_add(c, IMM_FACILITY_JIT, how, NULL, NULL, "%s loads %s: %s", program,
                        base_name(n->path), why);
        if (n->kind == IMM_NEED_PROGRAM && runs_threads(base_name(n->path)))
                use_add(c, IMM_FACILITY_CHILDREN, MUST, NULL, NULL,
                        "%s runs threads of its own beside the program", n->path);
        if (f->bits32 && n->kind != IMM_NEED_LIBRARY)
                use_add(c, IMM_FACILITY_ARCH_32, MUST, NULL, n->path, "%s is a 32-bit program",
                        n->path);
        if (n->kind == IMM_NEED_LIBRARY && n->confidence == IMM_CERTAIN && f->executable_stack)
                use_add(c, IMM_FACILITY_JIT, MUST, NULL, NULL,
                        "%s, which %s loads, asks for an executable stack", base_name(n->path),
                        program);
        if (n->confidence == IMM_CERTAIN && f->text_relocations)
                use_add(c, IMM_FACILITY_JIT, MUST, NULL, NULL,
                        "the loader writes into the code of %s (text relocations)", n->path);
}

/*
 * What the loader does before the program begins: without a way to open and map libraries nothing
 * starts. The names are those of the C libraries since 2.31.
 */
static void of_loading(struct collector *c, const struct imm_need *n) {
        static const struct {
                const char *calls;
                enum strength strength;
        } rows[] = {{"execve", MUST}, {"openat", MUST}, {"read", MUST}, {"mmap", MUST},
                {"mprotect", MUST}, {"fstat|newfstatat", MUST}, {"close", CALLS},
                {"access|faccessat|faccessat2", CALLS}};

        for (size_t i = 0; i < IMM_ELEMENTSOF(rows); i++)
                use_add(c, IMM_FACILITY_CALL, rows[i].strength, rows[i].calls, NULL,
                        "%s is loaded with its libraries", n->path);
}

/* A part of the program that its sandbox may hide, or not let it execute */
static void of_part(struct collector *c, const struct imm_need *n, const char *program) {
        bool hidden = n->visible == 0, read = n->kind == IMM_NEED_CONFIG;

        if (n->confidence == IMM_POSSIBLE || n->kind == IMM_NEED_STATE || n->optional)
                return;
        if (!hidden && (read || !c->noexec))
                return;
        use_add(c, IMM_FACILITY_LOAD,
                n->kind == IMM_NEED_LIBRARY || n->kind == IMM_NEED_LOADER ? MUST : DOES,
                hidden ? "" : NULL, n->path, "%s: %s", program, n->reason);
}

static enum strength strength_of(const struct symbol *s, const struct file *f, const char *path) {
        if (program_only_may(path, s->facility))
                return MAY;
        if (f->systemd && s->facility == IMM_FACILITY_PERSONALITY)
                return MAY; /* of what starts other programs, which few of systemd's do */
        return s->strength;
}

/* GLib's releases that give new threads the scheduling of others: 2.64 to 2.76 */
static bool has_scheduling_glib(const struct collector *c) {
        for (size_t i = 0; i < c->closure->n; i++) {
                const char *path = c->closure->v[i].path,
                           *at = path ? strstr(path, "/libglib-2.0.so.0.") : NULL;
                unsigned long release;

                if (!at)
                        continue;
                release = strtoul(at + strlen("/libglib-2.0.so.0."), NULL, 10) / 100;
                if (release >= 64 && release <= 76)
                        return true;
        }
        return false;
}

static void of_sessions(struct collector *c, const struct file *f, const char *path) {
        static const char *const others[] = {"su", "runuser", "sudo", "doas", "pkexec"};

        for (size_t i = 0; i < IMM_ELEMENTSOF(others); i++)
                if (imm_streq(base_name(path), others[i]))
                        return; /* for one program, which the unit names */
#define WHY "%s opens sessions of users, and runs programs in them"
        use_add(c, IMM_FACILITY_READ, PART, NULL, "/home", WHY, path);
        use_add(c, IMM_FACILITY_SHARED_TMP, PART, NULL, "/tmp", WHY, path);
        if (f->drops)
                use_add(c, IMM_FACILITY_GAIN, PART, NULL, NULL, WHY, path);
#undef WHY
}

static void of_imports(struct collector *c, const struct file *f, const char *path) {
        if (f->drops && !f->systemd && !f->go)
                use_add(c, IMM_FACILITY_SWITCH_USER,
                        program_only_may(path, IMM_FACILITY_SWITCH_USER) ? MAY
                        : f->on_request || program_starts_without(path, IMM_FACILITY_SWITCH_USER)
                                ? PART
                                : DOES,
                        "setgroups", NULL, "%s imports %s and functions that set the user", path,
                        f->drops);
        for (size_t i = 0; i < f->n_imports; i++) {
                const struct symbol *s = f->imports[i];

                use_add(c, s->facility, strength_of(s, f, path), s->calls, s->object,
                        "%s imports %s", path, s->name);
        }
        if (f->glib_threads && has_scheduling_glib(c))
                use_add(c, IMM_FACILITY_CALL, CALLS, "sched_setattr", NULL,
                        "%s makes threads by way of GLib, which sets their scheduling", path);
        if (f->sessions && !f->systemd)
                of_sessions(c, f, path);
        if (f->connects && c->after_network)
                use_add(c, IMM_FACILITY_NETWORK, PART, NULL, NULL,
                        "%s knows addresses of the network, after which the unit is started", path);
        if (f->threads)
                use_add(c, IMM_FACILITY_CHILDREN, DOES, "", NULL, "%s imports pthread_create",
                        path);
        if (f->serves)
                use_add(c, IMM_FACILITY_LISTEN, DOES, NULL, NULL,
                        "%s imports listen, accept and functions for network addresses", path);
}

/* It makes its calls by itself: what its run-time does, and what the names of its functions say */
static void of_go(struct collector *c, const struct file *f, const char *path) {
        use_add(c, IMM_FACILITY_CHILDREN, MUST, NULL, NULL,
                "%s is written in Go, which has threads", path);
        use_add(c, IMM_FACILITY_CALL, CALLS, "pipe2", NULL, "%s: Go's run-time wakes itself so",
                path);
        if (f->raises_limits)
                use_add(c, IMM_FACILITY_LIMITS, CALLS, f->raises_limits, NULL,
                        "%s: Go raises the number of open files when it starts", path);
        if (f->serves)
                use_add(c, IMM_FACILITY_LISTEN, DOES, NULL, NULL,
                        "%s has Go's functions for servers", path);
}

/* A library that is the program's own: in a folder of its own, not where all libraries lie */
static bool is_private(const char *library) {
        const char *rest = imm_after(library, "/usr/lib/");

        if (!rest || strstr(library, "/libsystemd-"))
                return false;
        if (imm_after(rest, "x86_64-linux-gnu/") || imm_after(rest, "aarch64-linux-gnu/"))
                rest = strchr(rest, '/') + 1;
        return strchr(rest, '/') != NULL && !imm_after(rest, "glibc-hwcaps/");
}

/* It is one of many that share it: what it can do, not all of them do */
static void of_private(struct collector *c, const struct file *f, const char *path) {
        c->weak = true;
        of_imports(c, f, path);
        c->weak = false;
}

static bool follows_options(const char *name) {
        return imm_streq(name, "node") || imm_streq(name, "nodejs");
}

static bool has_option(const struct imm_command_item *cmd, const char *option) {
        for (size_t i = 1; cmd && i < cmd->argv.n; i++)
                if (imm_streq(cmd->argv.v[i], option))
                        return true;
        return false;
}

/* Set-id for the sake of users; services that run it are mostly root */
static bool works_for_root(const char *name) {
        static const char *const names[] = {"su", "mount", "umount", "passwd", "newgrp", "chsh",
                "chfn", "gpasswd", "chage", "expiry", "wall", "write", "crontab", "at", "ssh-agent",
                "unix_chkpwd", "dotlockfile", "screen"};

        for (size_t i = 0; i < IMM_ELEMENTSOF(names); i++)
                if (imm_streq(names[i], name))
                        return true;
        return false;
}

/* Not a job of the same name in /etc */
static bool is_in_programs(const char *path) {
        return strstr(path, "/bin/") || strstr(path, "/sbin/") || strstr(path, "/lib") ||
               strstr(path, "/share/");
}

/* A script that names them asks for a list or a comparison as often as for the deed. */
static bool only_asks(const struct imm_need *n, const char *name) {
        static const char *const names[] = {"mount", "umount", "dpkg", "busybox", "btrfs", "ip",
                "sysctl", "pgrep", "ps", "hostname", "systemctl"};

        for (size_t i = 0; n->kind == IMM_NEED_COMMAND && i < IMM_ELEMENTSOF(names); i++)
                if (imm_streq(names[i], name))
                        return true;
        return false;
}

/* Does the script that names the command become it? */
static bool is_become(const struct collector *c, const struct imm_need *n) {
        const struct imm_need *by = n->by >= 0 ? &c->closure->v[n->by] : NULL;
        const struct file *script;

        if (n->kind != IMM_NEED_COMMAND || !by || !by->host_path || by->kind != IMM_NEED_PROGRAM)
                return false;
        script = file_of(c->m, by->host_path, FILE_STRINGS);
        for (size_t i = 0; i < script->execs.n; i++)
                if (imm_streq(base_name(script->execs.v[i]), base_name(n->path)) ||
                        (n->name && imm_streq(base_name(script->execs.v[i]), base_name(n->name))))
                        return true;
        return false;
}

static void of_program(struct collector *c, const struct imm_need *n, const struct file *f,
        const struct imm_command_item *cmd) {
        const char *name = base_name(n->name ? n->name : n->path), *real = base_name(n->path);

        c->weak = only_asks(n, name);
        if (is_in_programs(n->path) && (!follows_options(name) || !has_option(cmd, "--jitless"))) {
                use_program(c, name, n->path);
                if (!imm_streq(name, real))
                        use_program(c, real, n->path);
        }
        c->weak = false;
        if (gains(c, f, n->host_path))
                use_add(c, IMM_FACILITY_GAIN,
                        n->kind == IMM_NEED_PROGRAM || works_for_root(name) ? MAY : DOES, NULL,
                        n->path, "%s is a program with set-id bits or capabilities", n->path);
        if (f->elf && !f->go)
                of_loading(c, n);
        if (f->go && n->kind == IMM_NEED_PROGRAM)
                of_go(c, f, n->path);
        if (is_interpreter(real) || f->go)
                return;
        if (n->kind == IMM_NEED_PROGRAM || is_become(c, n))
                of_imports(c, f, n->path);
        for (size_t i = 0; n->kind != IMM_NEED_INTERPRETER && i < f->strings.n; i++)
                use_string(c, n->path, f->strings.v[i], !f->elf || n->kind != IMM_NEED_PROGRAM);
}

/* A unit that others hang on, or that only prepares something: its name says nothing of it */
static bool does_nothing(const char *program) {
        static const char *const names[] = {"true", "false", "sleep", "echo", "touch", "test",
                "mkdir", "rm", "cp", "mv", "ln", "chmod", "chown", "install", "systemctl", "env"};

        for (size_t i = 0; i < IMM_ELEMENTSOF(names); i++)
                if (imm_streq(names[i], program))
                        return true;
        return false;
}

/* Programs of one name from several packages are told apart by the unit's */
static void of_unit_name(struct collector *c, const struct imm_need *n) {
        const char *suffix = strrchr(c->u->name, '.');
        size_t size = suffix ? (size_t)(suffix - c->u->name) : strlen(c->u->name),
               at = strcspn(c->u->name, "@");
        const char *unit = imm_strndup(c->a, c->u->name, at < size ? at : size);

        if (does_nothing(base_name(n->path)) || does_nothing(base_name(n->name)))
                return;
        if (!imm_streq(unit, base_name(n->path)) || !is_in_programs(n->path))
                use_program(c, unit, n->path);
}

/* A part of a script in a file of its own */
static bool is_sourced(const struct imm_need *n) {
        return n->kind == IMM_NEED_CONFIG && imm_streq(n->reason, "read by the script");
}

/* Libraries that do not send the message for the program; of others that is not known */
static bool never_notifies(const char *library) {
        static const char *const names[] = {"libc.", "libm.", "libpthread.", "libdl.", "librt.",
                "libgcc_s.", "libstdc++.", "libcrypto.", "libssl.", "libz.", "libcap.",
                "libcap-ng.", "libcrypt.", "libselinux.", "libpcre", "libresolv.", "libnsl.",
                "libutil.", "libplain.", "libevent", "libev.", "libpcap.", "libnl-", "liblzma.",
                "libzstd.", "liblz4.", "libbz2.", "libpam.", "libaudit.", "libseccomp."};

        for (size_t i = 0; i < IMM_ELEMENTSOF(names); i++)
                if (imm_after(library, names[i]))
                        return true;
        return false;
}

/* What it runs is not in its own text */
static bool runs_scripts(const char *library) {
        static const char *const names[] = {"libluajit-", "liblua5", "libpython", "libperl.",
                "libruby", "libguile", "libmozjs", "libtcl", "libphp", "libnode.", "libjvm."};

        for (size_t i = 0; i < IMM_ELEMENTSOF(names); i++)
                if (imm_after(library, names[i]))
                        return true;
        return false;
}

/* Libraries for everything, in which sockets are a part */
static bool is_general(const char *library) {
        static const char *const names[] = {"libc.", "libgio-", "libsystemd", "libdbus-", "libQt",
                "libpython", "libperl", "libruby", "libapr-", "libnss", "libresolv", "libtirpc",
                "libudev", "libpulse", "libX11", "libxcb", "libICE", "libgnutls", "libcrypto",
                "libssl", "libevent", "libuv", "libboost", "libglib", "libpam"};

        for (size_t i = 0; i < IMM_ELEMENTSOF(names); i++)
                if (imm_after(library, names[i]))
                        return true;
        return false;
}

static bool is_notify(const struct imm_settings *s) {
        const char *type = imm_setting_word(s, IMM_SETTING_TYPE);

        return type && imm_after(type, "notify");
}

static void of_need(struct collector *c, int k) {
        const struct imm_need *n = &c->closure->v[k];
        int program = program_of(c->closure, k);
        const struct imm_command_item *cmd;
        enum imm_setting setting;
        const struct file *f;
        bool runs = n->kind == IMM_NEED_PROGRAM || n->kind == IMM_NEED_INTERPRETER ||
                    n->kind == IMM_NEED_COMMAND,
             main;

        if (!n->exists || !n->host_path || program < 0 || (n->tree && n->visible != 0))
                return;
        if (!runs && n->kind != IMM_NEED_LIBRARY && !is_sourced(n) && n->visible != 0)
                return;
        cmd = command_for(c, k, &setting);
        set_command(c, cmd, setting == IMM_SETTING_EXEC_START);
        if (c->kind == IMM_KIND_PRIVILEGED || n->confidence == IMM_POSSIBLE)
                return;
        c->least = IMM_CERTAIN;
        if (n->by >= 0) /* the unit's own programs: preflight.c */
                of_part(c, n, c->closure->v[program].path);
        if (n->tree || (!runs && n->kind != IMM_NEED_LIBRARY && !is_sourced(n)))
                return;
        c->least = runs && n->kind != IMM_NEED_COMMAND ? IMM_CERTAIN : IMM_LIKELY;
        if (n->kind == IMM_NEED_LIBRARY)
                c->least = IMM_CERTAIN;
        main = setting == IMM_SETTING_EXEC_START &&
               (n->kind == IMM_NEED_PROGRAM || (runs && main_command_of(c, n)));
        f = file_of(c->m, n->host_path, runs || is_sourced(n) ? FILE_STRINGS : 0);
        if (!f->known)
                return;
        c->notifies |= (f->notifies && !strstr(n->path, "/libsystemd.so")) ||
                       (n->kind == IMM_NEED_LIBRARY && !never_notifies(base_name(n->path)));
        if (c->watched && !c->pings && !strstr(n->path, "/libsystemd.so") &&
                !(n->kind == IMM_NEED_LIBRARY && never_notifies(base_name(n->path))))
                c->pings = runs_scripts(base_name(n->path)) ||
                           file_of(c->m, n->host_path, FILE_STRINGS)->pings;
        if (main)
                c->main_elf = f->elf && !is_interpreter(base_name(n->path)) ? n->path : NULL;
        c->scripts |= runs && !f->elf;
        if (n->kind == IMM_NEED_COMMAND && imm_streq(base_name(n->path), "systemd-notify") &&
                n->by >= 0 && c->closure->v[n->by].kind == IMM_NEED_PROGRAM && is_notify(c->s))
                use_add(c, IMM_FACILITY_NOTIFY_HELPER, DOES, NULL, n->path, "%s runs %s",
                        c->closure->v[n->by].path, n->path);
        if (is_sourced(n)) {
                for (size_t i = 0; i < f->strings.n; i++)
                        use_string(c, n->path, f->strings.v[i], true);
                return;
        }
        of_image(c, n, f, c->closure->v[program].path);
        if (runs)
                of_program(c, n, f, cmd);
        else if (is_private(n->path) && c->closure->v[program].kind == IMM_NEED_PROGRAM &&
                 !is_interpreter(base_name(c->closure->v[program].path)))
                of_private(c, f, n->path);
        else if (n->kind == IMM_NEED_LIBRARY && f->serves && c->after_network &&
                 !is_general(base_name(n->path)))
                use_add(c, IMM_FACILITY_NETWORK, PART, NULL, NULL,
                        "%s loads %s, which serves the network, after which the unit is started",
                        c->closure->v[program].path, base_name(n->path));
        if (main) {
                of_unit_name(c, n);
                use_configuration(c, f, base_name(n->path));
        }
        if (n->kind == IMM_NEED_COMMAND && (!f->elf || is_become(c, n)))
                use_configuration(c, f, base_name(n->path));
}

/* ---- the unit's own text ---- */

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

static void of_arguments(struct collector *c) {
        const struct imm_value *v = imm_setting(c->s, IMM_SETTING_EXEC_START);

        for (size_t i = 0; v->type == IMM_VALUE_COMMANDS && i < v->commands.n; i++) {
                const struct imm_command_item *cmd = &v->commands.v[i];

                set_command(c, cmd, true);
                if (c->kind == IMM_KIND_PRIVILEGED)
                        continue;
                for (size_t k = 1; k < cmd->argv.n; k++) {
                        const char *word = cmd->argv.v[k], *equals = strchr(word, '=');

                        if (*word == '-' && equals)
                                use_argument(c, imm_strndup(c->a, word, (size_t)(equals - word)),
                                        equals + 1, cmd->path);
                        else if (*word != '-')
                                use_argument(c,
                                        *cmd->argv.v[k - 1] == '-' ? cmd->argv.v[k - 1] : "", word,
                                        cmd->path);
                }
        }
}

static void of_unit(struct collector *c) {
        const char *type = imm_setting_word(c->s, IMM_SETTING_TYPE),
                   *pid = imm_setting_string(c->s, IMM_SETTING_PID_FILE);

        c->least = IMM_CERTAIN;
        set_command(c, NULL, true);
        if (type && imm_after(type, "notify"))
                use_add(c, IMM_FACILITY_NOTIFY, MUST, NULL, NULL, "Type=%s", type);
        if (is_notify(c->s) && c->u->n_files > 1 &&
                file_says(c->u->files[0], "Service", "NotifyAccess", "all"))
                use_add(c, IMM_FACILITY_NOTIFY_HELPER, DOES, NULL, NULL, "%s: NotifyAccess=all",
                        c->u->files[0]->path);
        if (type && imm_streq(type, "dbus"))
                use_add(c, IMM_FACILITY_BUS, MUST, NULL, NULL, "Type=dbus");
        if (type && imm_streq(type, "forking") && pid && *pid == '/')
                use_add(c, IMM_FACILITY_PID_FILE, MUST, NULL, pid, "PIDFile=%s", pid);
}

/* The variable's name is in every program that sends the message, or the call of libsystemd's */
static void of_readiness(struct collector *c) {
        const char *type = imm_setting_word(c->s, IMM_SETTING_TYPE);

        if (type && imm_after(type, "notify") && c->main_elf && !c->notifies && !c->scripts)
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

void imm_uses_compute(
        struct imm_manager *m, struct imm_settings *s, struct imm_arena *a, struct imm_uses *ret) {
        struct collector c = {
                .m = m,
                .s = s,
                .u = s->unit,
                .a = a,
                .to = ret,
        };

        *ret = (struct imm_uses){0};
        if (s->load != IMM_LOAD_LOADED)
                return;
        c.closure = imm_closure_of(m, s->unit);
        if (c.closure->kind == IMM_CLOSURE_NIX) /* its needs are whole packages */
                return;
        c.by_socket = has_socket(&c);
        c.after_network = is_after_network(c.u);
        c.noexec = imm_setting(s, IMM_SETTING_NO_EXEC_PATHS)->paths.n > 0;
        c.watched = is_watched(s);
        of_unit(&c);
        use_environment(&c);
        for (size_t i = 0; i < c.closure->n; i++)
                of_need(&c, (int)i);
        c.least = IMM_CERTAIN;
        of_arguments(&c);
        of_readiness(&c);
}
