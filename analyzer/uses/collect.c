#include "analyzer/uses/uses-private.h"

#include <errno.h>

/* A unit's uses: from its closure, file by file; its own settings; the configuration. */

enum { OBJECTS_MAX = 400 };

static enum imm_confidence confidence_of(enum strength how) {
        return how == MUST ? IMM_CERTAIN : how == MAY ? IMM_POSSIBLE : IMM_LIKELY;
}

/* What the program would do by itself somebody says as well */
static void settle(struct collector *c, enum imm_facility f, const char *object) {
        imm_array_foreach (u, c->to)
                if (u->facility == f && u->object && imm_streq(u->object, object))
                        u->by_default = false;
}

void use_add(struct collector *c, enum imm_facility f, enum strength how, const char *calls,
        const char *object, const char *fmt, ...) {
        struct imm_use u = {.facility = f,
                .kind = c->kind,
                .confidence = confidence_of(how),
                .essential = how != CALLS,
                .partial = how == PART || (c->partly[f] && !c->of_row) || c->optional,
                .remark = how == MAY || c->weak,
                .by_default = c->by_default || (c->of_row && f == IMM_FACILITY_PORT),
                .calls = calls,
                .object = object};
        const char *key = imm_printf(c->a, "%d %d %d %s %s", (int)f, (int)c->kind, (int)u.remark,
                object ? object : "", calls ? calls : "");
        va_list ap;

        if (c->kind == IMM_KIND_PRIVILEGED && f != IMM_FACILITY_DEVICE)
                return; /* only the control group's rules hold for it */
        if (c->by_socket && (f == IMM_FACILITY_PORT || f == IMM_FACILITY_LISTEN))
                return; /* systemd listens */
        if (imm_map_has(&c->seen, key)) {
                if (object && !c->by_default)
                        settle(c, f, object);
                return;
        }
        if (c->seen.n > OBJECTS_MAX)
                return;
        if (c->least > u.confidence)
                u.confidence = c->least;
        va_start(ap, fmt);
        u.evidence = imm_vprintf(c->a, fmt, ap);
        va_end(ap);
        imm_map_put(c->a, &c->seen, key, c);
        *imm_array_push(c->a, c->to) = u;
}

/* ---- files of the closure ---- */

/* What the loader and the kernel make of the file itself */
static void of_image(
        struct collector *c, const struct imm_need *n, const struct file *f, const char *program) {
        enum strength how;
        const char *why = library_jit(imm_base_name(n->path), &how);

        if (why && n->kind == IMM_NEED_LIBRARY)
                use_add(c, IMM_FACILITY_JIT, how, NULL, NULL, "%s loads %s: %s", program,
                        imm_base_name(n->path), why);
        if ((n->kind == IMM_NEED_PROGRAM || is_become(c, n)) &&
                runs_threads(imm_base_name(n->path))) {
                use_add(c, IMM_FACILITY_CHILDREN, MUST, NULL, NULL,
                        "%s runs threads of its own beside the program", n->path);
                use_add(c, IMM_FACILITY_ADDRESSES, DOES, NULL, NULL,
                        "%s reserves room for its heap and code", n->path);
                use_add(c, IMM_FACILITY_FILES, DOES, NULL, NULL,
                        "%s opens its own files before the program's", n->path);
        }
        if (n->kind == IMM_NEED_PROGRAM || n->kind == IMM_NEED_INTERPRETER)
                if (sets_signals(imm_base_name(n->path)))
                        use_add(c, IMM_FACILITY_CALL, CALLS, "rt_sigaction", NULL,
                                "%s sets what signals do before it runs anything", n->path);
        if (f->bits32 && n->kind != IMM_NEED_LIBRARY)
                use_add(c, IMM_FACILITY_ARCH_32, MUST, NULL, n->path, "%s is a 32-bit program",
                        n->path);
        if (n->kind == IMM_NEED_LIBRARY && n->confidence == IMM_CERTAIN && f->executable_stack)
                use_add(c, IMM_FACILITY_JIT, MUST, NULL, NULL,
                        "%s, which %s loads, asks for an executable stack", imm_base_name(n->path),
                        program);
        if (n->kind == IMM_NEED_PROGRAM && f->packed)
                use_add(c, IMM_FACILITY_JIT, DOES, NULL, NULL,
                        "%s is packed by UPX: it unpacks itself into memory, and runs it", n->path);
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
        /* what is given to an interpreter by its arguments is read, not executed */
        read |= imm_streq(n->reason, "the script that the interpreter runs");
        if (!hidden && (read || !c->noexec))
                return;
        /* an interpreter has its own library elsewhere, there is what somebody may have added */
        use_add(c, IMM_FACILITY_LOAD,
                n->kind == IMM_NEED_LIBRARY || n->kind == IMM_NEED_LOADER ? MUST
                : n->tree && imm_path_below(n->path, "/usr/local")        ? MAY
                                                                          : DOES,
                hidden ? "" : NULL, n->path, "%s: %s", program, n->reason);
}

static bool has_library(const struct collector *c, const char *name) {
        for (size_t i = 0; i < c->closure->n; i++)
                if (c->closure->v[i].kind == IMM_NEED_LIBRARY &&
                        imm_after(imm_base_name(c->closure->v[i].path), name))
                        return true;
        return false;
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
        if (opens_one_session(imm_base_name(path)))
                return;
#define WHY "%s opens sessions of users, and runs programs in them"
        use_add(c, IMM_FACILITY_READ, PART, NULL, "/home", WHY, path);
        use_add(c, IMM_FACILITY_SHARED_TMP, PART, NULL, "/tmp", WHY, path);
        if (f->drops)
                use_add(c, IMM_FACILITY_GAIN, PART, NULL, NULL, WHY, path);
#undef WHY
}

/*
 * It has a local socket's path: that is where it listens, if it prints addresses and makes none;
 * else it may well listen there alone.
 */
static enum strength listens(const struct file *f) {
        for (size_t i = 0; i < f->strings.n; i++)
                if (is_socket(f->strings.v[i]))
                        return f->addresses ? PART : MAY;
        return DOES;
}

/* The C library holds signals back while it makes one. */
static void of_threads(struct collector *c, const char *path, const char *why) {
        use_add(c, IMM_FACILITY_CHILDREN, DOES, "", NULL, "%s %s", path, why);
        use_add(c, IMM_FACILITY_CALL, CALLS, "rt_sigprocmask", NULL, "%s %s", path, why);
}

static bool imports(const struct file *f, const char *name) {
        for (size_t i = 0; i < f->n_imports; i++)
                if (imm_streq(f->imports[i]->name, name))
                        return true;
        return false;
}

/*
 * What stays in the foreground and knows fork(2) may well make its pipes for children only, which
 * come when there is something to do. Others tell their starter by a pipe that they are ready.
 */
static bool is_for_children(
        const struct collector *c, const struct file *f, const struct symbol *s) {
        const char *type = imm_setting_word(c->s, IMM_SETTING_TYPE);

        return s->facility == IMM_FACILITY_CALL && s->calls && imm_after(s->calls, "pipe") &&
               !imm_after(s->calls, "pipe2|") && imports(f, "fork") && type &&
               (imm_streq(type, "simple") || imm_streq(type, "exec"));
}

static void of_imports(struct collector *c, const struct file *f, const char *path) {
        const bool optional = c->optional;

        if (f->drops && !f->systemd && !f->go)
                use_add(c, IMM_FACILITY_SWITCH_USER,
                        program_only_may(path, IMM_FACILITY_SWITCH_USER)     ? MAY
                        : program_only_calls(path, IMM_FACILITY_SWITCH_USER) ? CALLS
                        : f->on_request || program_starts_without(path, IMM_FACILITY_SWITCH_USER)
                                ? PART
                                : DOES,
                        "setgroups", NULL, "%s imports %s and functions that set the user", path,
                        f->drops);
        for (size_t i = 0; i < f->n_imports; i++) {
                const struct symbol *s = f->imports[i];

                /* PAM may be built without */
                if (s->facility == IMM_FACILITY_PAM_AUDIT && !has_library(c, "libaudit.so"))
                        continue;
                c->optional = optional || is_for_children(c, f, s);
                use_add(c, s->facility, strength_of(s, f, path), s->calls, s->object,
                        "%s imports %s", path, s->name);
                c->optional = optional;
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
                of_threads(c, path, "imports pthread_create");
        if (f->asks_users)
                use_add(c, IMM_FACILITY_CALL, CALLS, "socket", NULL,
                        "%s looks users up: the C library asks nscd(8) first", path);
        if (f->glib_threads) {
                of_threads(c, path, "uses GLib, which has threads of its own");
                use_add(c, IMM_FACILITY_CALL, CALLS, "clone", NULL,
                        "%s uses GLib, which has threads of its own", path);
        }
        if (f->threads && f->waits)
                use_add(c, IMM_FACILITY_FILES, DOES, "", NULL,
                        "%s imports listen and pthread_create", path);
        if (f->serves)
                use_add(c, IMM_FACILITY_LISTEN, listens(f), NULL, NULL,
                        "%s imports listen, accept and functions for network addresses", path);
}

/* A single value is both limits: there is nothing to raise. */
static bool has_fixed_files(const struct imm_settings *s) {
        const struct imm_value *v = imm_setting(s, IMM_SETTING_LIMIT_NOFILE);

        return v->set && v->limit.soft == v->limit.hard;
}

/* It makes its calls by itself: what its run-time does, and what the names of its functions say */
static void of_go(struct collector *c, const struct file *f, const char *path) {
        use_add(c, IMM_FACILITY_CHILDREN, MUST, NULL, NULL,
                "%s is written in Go, which has threads", path);
        use_add(c, IMM_FACILITY_CALL, MUST, "clone", NULL, "%s is written in Go, which has threads",
                path);
        use_add(c, IMM_FACILITY_ADDRESSES, DOES, NULL, NULL,
                "%s is written in Go, which keeps its books of memory in it", path);
        use_add(c, IMM_FACILITY_CALL, CALLS, "rt_sigaction", NULL,
                "%s: Go's run-time catches all signals when it starts", path);
        use_add(c, IMM_FACILITY_CALL, CALLS, "openat", NULL,
                "%s: Go's run-time reads how large pages are when it starts", path);
        use_add(c, IMM_FACILITY_CALL, CALLS, "read", NULL,
                "%s: Go's run-time reads how large pages are when it starts", path);
        if (f->serves)
                use_add(c, IMM_FACILITY_CALL, CALLS, "epoll_create1", NULL,
                        "%s: Go's run-time waits for the network by epoll", path);
        use_add(c, IMM_FACILITY_CALL, CALLS, f->wakes_by, NULL, "%s: Go's run-time wakes itself so",
                path);
        if (f->raises_limits && !has_fixed_files(c->s))
                use_add(c, IMM_FACILITY_LIMITS, CALLS, f->raises_limits, NULL,
                        "%s: Go raises the number of open files when it starts", path);
        if (f->serves) {
                use_add(c, IMM_FACILITY_FILES, DOES, "", NULL, "%s has Go's functions for servers",
                        path);
                use_add(c, IMM_FACILITY_LISTEN, DOES, NULL, NULL,
                        "%s has Go's functions for servers", path);
        }
}

/* A library that is the program's own: in a folder of its own, not where all libraries lie */
static bool is_private(const char *library) {
        const char *rest = imm_after(library, "/usr/lib/"), *slash;

        if (!rest || strstr(library, "/libsystemd-"))
                return false;
        slash = strchr(rest, '/');
        if (slash && memmem(rest, (size_t)(slash - rest), "-linux-", strlen("-linux-")))
                rest = slash + 1; /* multiarch: "x86_64-linux-gnu" */
        return strchr(rest, '/') != NULL && !imm_after(rest, "glibc-hwcaps/");
}

/* "/usr/lib/freeradius/libfreeradius-server.so": nobody else has a use for it */
static bool is_of_the_daemon(const struct collector *c, const char *library) {
        const char *name = c->main_elf ? imm_base_name(c->main_elf) : "", *dir;
        size_t unit = strcspn(c->u->name, "@.");

        dir = imm_strndup(c->a, library, (size_t)(strrchr(library, '/') - library));
        dir = imm_base_name(dir);
        return imm_streq(dir, name) || (strlen(dir) == unit && strncmp(dir, c->u->name, unit) == 0);
}

/* It is one of many that share it: what it can do, not all of them do */
static void of_private(struct collector *c, const struct file *f, const char *path) {
        if (is_of_the_daemon(c, path))
                for (size_t i = 0; i < f->n_imports; i++)
                        if (f->imports[i]->facility == IMM_FACILITY_CALL)
                                use_add(c, IMM_FACILITY_CALL, f->imports[i]->strength,
                                        f->imports[i]->calls, NULL, "%s imports %s", path,
                                        f->imports[i]->name);
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

/* Not a job of the same name in /etc */
static bool is_in_programs(const char *path) {
        return strstr(path, "/bin/") || strstr(path, "/sbin/") || strstr(path, "/lib") ||
               strstr(path, "/share/");
}

/*
 * What the program does when somebody asks, not when it starts: by its rows; what works for a
 * client on the bus keeps its state for him, what opens sessions makes its calls for them.
 */
static void find_parts(struct collector *c, const struct imm_need *n, const struct file *f) {
        memset(c->partly, 0, sizeof(c->partly));
        program_parts(imm_base_name(n->path), c->partly);
        if (n->name)
                program_parts(imm_base_name(n->name), c->partly);
        if (f->on_request)
                c->partly[IMM_FACILITY_WRITE] = true;
        if (f->sessions)
                c->partly[IMM_FACILITY_CALL] = c->partly[IMM_FACILITY_CAPABILITIES] = true;
}

/*
 * A program that the daemon's data name by its path, and that gains privileges: the mailer, or a
 * helper in a folder of its own. Commands for users, which many name, are no sign.
 */
static void of_helper(struct collector *c, const char *program, const char *path) {
        bool mailer = imm_streq(path, "/usr/sbin/sendmail") || imm_streq(path, "/usr/lib/sendmail");
        const char *real;
        struct stat st;

        if (!mailer && !imm_after(path, "/usr/lib/") && !imm_after(path, "/usr/libexec/"))
                return;
        if (imm_root_stat(c->m->root, path, &st) < 0 || !S_ISREG(st.st_mode) ||
                !(st.st_mode & 0111) || imm_root_realpath(c->m->root, path, c->a, &real) < 0 ||
                !gains(c, file_of(c->m, real, 0), real))
                return;
        use_add(c, IMM_FACILITY_GAIN, DOES, NULL, path,
                "%s has the path of %s, a program with set-id bits or capabilities", program, path);
}

/* What a script's text says that it does */
static void of_words(struct collector *c, const struct imm_need *n, const struct file *f) {
        for (size_t i = 0; i < f->n_words; i++) {
                const struct script_word *w = f->words[i];

                use_add(c, w->facility, w->facility == IMM_FACILITY_GAIN ? gain_of(c) : w->strength,
                        w->calls, w->object, "%s: %s", n->path, w->why);
        }
}

static void of_program(struct collector *c, const struct imm_need *n, const struct file *f,
        const struct imm_command_item *cmd) {
        const char *name = imm_base_name(n->name ? n->name : n->path),
                   *real = imm_base_name(n->path);

        c->weak = n->kind == IMM_NEED_COMMAND && only_asks(name);
        find_parts(c, n, f);
        if (is_in_programs(n->path) && (!follows_options(name) || !has_option(cmd, "--jitless"))) {
                use_program(c, name, n->path);
                if (!imm_streq(name, real))
                        use_program(c, real, n->path);
        }
        c->weak = false;
        if (n->by < 0 && n->kind == IMM_NEED_PROGRAM && gives_files_away(name))
                use_add(c, IMM_FACILITY_CHOWN, MUST, NULL, NULL, "%s is a command of the unit",
                        n->path);
        if (gives_files_away(name)) /* for whoever asks: refused or not, it makes the call */
                use_add(c, IMM_FACILITY_CALL, CALLS, "fchownat", NULL, "%s gives files away",
                        n->path);
        if (n->kind == IMM_NEED_COMMAND && !is_become(c, n))
                use_add(c, IMM_FACILITY_CHILDREN, DOES, "", NULL, "%s is run by a script", n->path);
        if (f->pipes)
                use_add(c, IMM_FACILITY_CALL, CALLS, "pipe|pipe2", NULL,
                        "%s is a script that takes what its commands print", n->path);
        of_words(c, n, f);
        use_deeds(c, f, n->path);
        if (f->gives_user)
                use_add(c, IMM_FACILITY_SWITCH_USER, DOES, "setgroups", NULL,
                        "%s has start-stop-daemon become another user", n->path);
        if (f->wants_root && n->kind == IMM_NEED_PROGRAM)
                use_add(c, IMM_FACILITY_ROOT, DOES, NULL, NULL, "%s says that it %s", n->path,
                        f->wants_root);
        if (gains(c, f, n->host_path)) /* a daemon's own file has none without a reason */
                use_add(c, IMM_FACILITY_GAIN,
                        n->kind == IMM_NEED_PROGRAM && n->by < 0 &&
                                        brings_capabilities(c, n->host_path)
                                ? DOES
                        : n->kind == IMM_NEED_PROGRAM || works_for_root(name) ? MAY
                                                                              : DOES,
                        NULL, n->path, "%s is a program with set-id bits or capabilities", n->path);
        if (f->elf && !f->go)
                of_loading(c, n);
        if (f->go && n->kind == IMM_NEED_PROGRAM)
                of_go(c, f, n->path);
        if (is_interpreter(real) || f->go)
                return;
        if (n->kind == IMM_NEED_PROGRAM || is_become(c, n))
                of_imports(c, f, n->path);
        if (does_nothing(real)) /* what it says depends on what it is asked for */
                return;
        for (size_t i = 0; n->kind != IMM_NEED_INTERPRETER && i < f->strings.n; i++) {
                use_string(c, n->path, f->strings.v[i], !f->elf || n->kind != IMM_NEED_PROGRAM);
                if (f->elf && n->kind == IMM_NEED_PROGRAM)
                        of_helper(c, n->path, f->strings.v[i]);
        }
}

/* Programs of one name from several packages are told apart by the unit's */
static void of_unit_name(struct collector *c, const struct imm_need *n) {
        const char *suffix = strrchr(c->u->name, '.');
        size_t size = suffix ? (size_t)(suffix - c->u->name) : strlen(c->u->name),
               at = strcspn(c->u->name, "@");
        const char *unit = imm_strndup(c->a, c->u->name, at < size ? at : size);

        if (does_nothing(imm_base_name(n->path)) || does_nothing(imm_base_name(n->name)))
                return;
        if (!imm_streq(unit, imm_base_name(n->path)) || !is_in_programs(n->path))
                use_program(c, unit, n->path);
}

bool is_sourced(const struct imm_need *n) {
        return n->kind == IMM_NEED_CONFIG && imm_streq(n->reason, "read by the script");
}

static bool runs(const struct imm_need *n) {
        return n->kind == IMM_NEED_PROGRAM || n->kind == IMM_NEED_INTERPRETER ||
               n->kind == IMM_NEED_COMMAND;
}

/* Is it run beside the unit's script? Of "sh -c" the last command is what the shell becomes. */
static bool is_child(const struct collector *c, const struct imm_need *n) {
        const struct imm_need *by = n->by >= 0 ? &c->closure->v[n->by] : NULL;

        return n->kind == IMM_NEED_COMMAND && by && by->kind == IMM_NEED_PROGRAM && by->by < 0 &&
               by->host_path && !file_of(c->m, by->host_path, 0)->elf && !is_become(c, n);
}

/* Who of them may send the messages that the manager waits for */
static void of_messages(struct collector *c, const struct imm_need *n, const struct file *f) {
        const char *name = imm_base_name(n->path);
        bool library = n->kind == IMM_NEED_LIBRARY, speaks = !library || !never_notifies(name);

        c->notifies |= (f->notifies && !strstr(n->path, "/libsystemd.so")) || (library && speaks);
        if (c->watched && !c->pings && speaks && !strstr(n->path, "/libsystemd.so"))
                c->pings = runs_scripts(name) || file_of(c->m, n->host_path, FILE_STRINGS)->pings;
        if (imm_streq(name, "systemd-notify")) {
                if (n->kind == IMM_NEED_COMMAND && n->by >= 0 &&
                        c->closure->v[n->by].kind == IMM_NEED_PROGRAM && c->awaited)
                        use_add(c, IMM_FACILITY_NOTIFY_HELPER, DOES, NULL, n->path, "%s runs %s",
                                c->closure->v[n->by].path, n->path);
        } else if (c->awaited && f->elf && f->notifies && !f->systemd && is_child(c, n))
                use_add(c, IMM_FACILITY_NOTIFY_HELPER, DOES, NULL, NULL,
                        "%s, which is a script, runs %s and stays", c->closure->v[n->by].path,
                        n->path);
}

/* A library for devices of one kind: the program talks to them by it, and it by libusb */
static void of_usb(struct collector *c, const struct imm_need *n, const struct imm_need *program) {
        const struct imm_need *by = n->by >= 0 ? &c->closure->v[n->by] : NULL;

        if (by && by->kind == IMM_NEED_LIBRARY && by->by >= 0 &&
                program->kind == IMM_NEED_PROGRAM && &c->closure->v[by->by] == program &&
                !is_interpreter(imm_base_name(program->path)))
                use_add(c, IMM_FACILITY_DEVICE, PART, NULL, "/dev/bus/usb",
                        "%s loads %s, which finds its devices by %s", program->path,
                        imm_base_name(by->path), imm_base_name(n->path));
}

static void of_library(struct collector *c, const struct imm_need *n, const struct file *f,
        const struct imm_need *program) {
        const char *name = imm_base_name(n->path);

        if (imm_after(name, "libusb-"))
                of_usb(c, n, program);
        if (is_private(n->path) && program->kind == IMM_NEED_PROGRAM &&
                !is_interpreter(imm_base_name(program->path)))
                of_private(c, f, n->path);
        else if (f->serves && c->after_network && !is_general(name))
                use_add(c, IMM_FACILITY_NETWORK, PART, NULL, NULL,
                        "%s loads %s, which serves the network, after which the unit is started",
                        program->path, name);
}

/* What is in a program, library or sourced script that the service reaches by its command */
static void of_code(struct collector *c, const struct imm_need *n, const struct imm_need *program,
        const struct imm_command_item *cmd, bool main) {
        const struct file *f =
                file_of(c->m, n->host_path, runs(n) || is_sourced(n) ? FILE_STRINGS : 0);
        const char *name = imm_base_name(n->path);

        if (!f->known)
                return;
        of_messages(c, n, f);
        if (main)
                c->main_elf = f->elf && !is_interpreter(name) ? n->path : NULL;
        c->scripts |= runs(n) && !f->elf;
        for (size_t i = 0; is_sourced(n) && i < f->strings.n; i++)
                use_string(c, n->path, f->strings.v[i], true);
        if (is_sourced(n)) {
                of_words(c, n, f);
                use_deeds(c, f, n->path);
                return;
        }
        of_image(c, n, f, program->path);
        if (runs(n))
                of_program(c, n, f, cmd);
        else
                of_library(c, n, f, program);
        if (main)
                of_unit_name(c, n);
        if (main && n->kind == IMM_NEED_PROGRAM)
                memcpy(c->main_partly, c->partly, sizeof(c->partly));
        if (main || (n->kind == IMM_NEED_COMMAND && (!f->elf || is_become(c, n))))
                use_configuration(c, f, name, main && n->by < 0 ? cmd : NULL);
}

static void of_need(struct collector *c, int k) {
        const struct imm_need *n = &c->closure->v[k], *program;
        int by = program_of(c->closure, k);
        bool code = runs(n) || n->kind == IMM_NEED_LIBRARY || is_sourced(n), main;
        const struct imm_command_item *cmd;
        enum imm_setting setting;

        if (!n->exists || !n->host_path || by < 0 || (n->tree && n->visible != 0))
                return;
        if (!code && n->visible != 0)
                return;
        program = &c->closure->v[by];
        cmd = command_for(c, k, &setting);
        set_command(c, cmd, setting == IMM_SETTING_EXEC_START);
        if (n->confidence == IMM_POSSIBLE)
                return;
        c->least = IMM_CERTAIN;
        if (n->by >= 0) /* the unit's own programs: preflight.c */
                of_part(c, n, program->path);
        if (n->tree || !code)
                return;
        if (n->kind == IMM_NEED_COMMAND || is_sourced(n))
                c->least = IMM_LIKELY;
        main = setting == IMM_SETTING_EXEC_START &&
               (n->kind == IMM_NEED_PROGRAM || (runs(n) && main_command_of(c, n)));
        of_code(c, n, program, cmd, main);
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
        use_unit(&c);
        for (size_t i = 0; i < c.closure->n; i++)
                of_need(&c, (int)i);
        c.least = IMM_CERTAIN;
        memcpy(c.partly, c.main_partly, sizeof(c.partly));
        use_environment(&c);
        use_commands(&c);
        use_arguments(&c);
        use_readiness(&c);
        take_back(&c);
}
