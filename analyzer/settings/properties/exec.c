/* Properties of execution: commands, identity, sandbox, limits, standard streams. */

#include "analyzer/settings/properties/properties-private.h"

#include <errno.h>
#include <inttypes.h>

static int by_bytes(const void *a, const void *b) {
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* ---- commands ---- */

static void put_command(struct imm_show *w, const struct imm_command_item *c, const char *kind) {
        fprintf(w->f, "%s={ path=%s ; argv[]=", w->p->name, c->path);
        for (size_t i = 0; i < c->argv.n; i++)
                fprintf(w->f, "%s%s", i > 0 ? " " : "", c->argv.v[i]);
        fprintf(w->f,
                " ; %s ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }\n",
                kind);
}

int imm_show_commands(struct imm_show *w) {
        imm_array_foreach (c, &w->v->commands)
                put_command(w, c,
                        c->flags & IMM_COMMAND_IGNORE_FAILURE ? "ignore_errors=yes"
                                                              : "ignore_errors=no");
        return 0;
}

int imm_show_commands_ex(struct imm_show *w) {
        static const struct {
                unsigned flag;
                const char *word;
        } flags[] = {
                /* in systemd's order */
                {IMM_COMMAND_IGNORE_FAILURE, "ignore-failure"},
                {IMM_COMMAND_FULLY_PRIVILEGED, "privileged"},
                {IMM_COMMAND_NO_SETUID, "no-setuid"},
                {IMM_COMMAND_AMBIENT_MAGIC, "ambient"},
                {IMM_COMMAND_NO_ENV_EXPAND, "no-env-expand"},
        };

        imm_array_foreach (c, &w->v->commands) {
                char text[96] = "flags=";
                size_t n = strlen(text);

                for (size_t i = 0; i < IMM_ELEMENTSOF(flags); i++)
                        if (c->flags & flags[i].flag)
                                n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s",
                                        text[n - 1] == '=' ? "" : " ", flags[i].word);
                put_command(w, c, text);
        }
        return 0;
}

/* ---- limits ---- */

/*
 * Without a line a service gets what the kernel gave to the manager. Most of that is the same on
 * every machine; the number of processes and signals goes by its memory, and locked memory went by
 * the kernel's version before systemd set it (254).
 */
static int limit(struct imm_show *w, bool soft) {
        static const struct {
                enum imm_setting id;
                struct imm_limit limit;
        } kernel[] = {
                {IMM_SETTING_LIMIT_STACK, {8388608, UINT64_MAX}},
                {IMM_SETTING_LIMIT_CORE, {0, UINT64_MAX}},
                {IMM_SETTING_LIMIT_NOFILE, {1024, 524288}},
                {IMM_SETTING_LIMIT_MEMLOCK, {8388608, 8388608}},
                {IMM_SETTING_LIMIT_MSGQUEUE, {819200, 819200}},
                {IMM_SETTING_LIMIT_NICE, {0, 0}},
                {IMM_SETTING_LIMIT_RTPRIO, {0, 0}},
        };
        struct imm_limit l = {UINT64_MAX, UINT64_MAX};
        uint64_t n;

        if (w->v->set)
                l = w->v->limit;
        else if (w->p->setting == IMM_SETTING_LIMIT_NPROC ||
                 w->p->setting == IMM_SETTING_LIMIT_SIGPENDING ||
                 (w->p->setting == IMM_SETTING_LIMIT_MEMLOCK && w->s->version < 254) ||
                 w->s->manager->scope != IMM_SCOPE_SYSTEM)
                return -ENODATA;
        else
                for (size_t i = 0; i < IMM_ELEMENTSOF(kernel); i++)
                        if (kernel[i].id == w->p->setting)
                                l = kernel[i].limit;
        n = soft ? l.soft : l.hard;
        return n == UINT64_MAX ? imm_show_text(w, "infinity") : imm_show_line(w, "%" PRIu64, n);
}

int imm_show_hard_limit(struct imm_show *w) {
        return limit(w, false);
}

int imm_show_soft_limit(struct imm_show *w) {
        return limit(w, true);
}

/* ---- file mode creation mask ---- */

/* The first line of @file that has @word, NULL if there is none; comments do not count. */
static const char *config_line(
        const struct imm_root *r, const char *file, const char *word, struct imm_arena *a) {
        struct imm_blob blob;

        if (imm_root_read(r, file, 1 << 20, a, &blob, NULL) < 0)
                return NULL;
        for (char *rest = imm_strdup(a, blob.data), *line; (line = strsep(&rest, "\n"));) {
                line[strcspn(line, "#")] = '\0';
                if (strstr(line, word))
                        return line;
        }
        return NULL;
}

/* Does the session of user@.service go through pam_umask? Its stack, and what that includes */
static bool pam_umask(const struct imm_root *r, struct imm_arena *a) {
        static const char *const included[] = {
                "common-session", "common-session-noninteractive", "systemd-user"};
        const char *stack = "/etc/pam.d/systemd-user";
        struct stat st;

        if (imm_root_stat(r, stack, &st) < 0)
                stack = "/usr/lib/pam.d/systemd-user";
        if (config_line(r, stack, "pam_umask.so", a))
                return true;
        for (size_t i = 0; i < IMM_ELEMENTSOF(included); i++) {
                const char *line = config_line(r, stack, included[i], a);

                /* the plain name is a part of the longer one */
                if (line && imm_ends_with(line, included[i]) &&
                        config_line(
                                r, imm_printf(a, "/etc/pam.d/%s", included[i]), "pam_umask.so", a))
                        return true;
        }
        return false;
}

/*
 * From 254 on units of a user's manager inherit its mask, and pam_umask may have changed that: a
 * user with a group of the same name shares with it (USERGROUPS_ENAB).
 */
int imm_show_umask(struct imm_show *w) {
        const struct imm_manager *m = w->s->manager;
        imm_cleanup(imm_arena_free) struct imm_arena *a = NULL;
        const struct imm_group *g;
        const char *line;
        unsigned mask = 0022;

        if (w->v->set || m->scope != IMM_SCOPE_USER || w->s->version < 254 || !m->user)
                return imm_show_mode(w);
        a = imm_arena_new();
        if (!pam_umask(m->root, a))
                return imm_show_mode(w);
        line = config_line(m->root, "/etc/login.defs", "UMASK", a);
        if (line)
                (void)sscanf(line, "UMASK %o", &mask);
        g = imm_group_by_gid(m->users, m->user->gid);
        line = config_line(m->root, "/etc/login.defs", "USERGROUPS_ENAB", a);
        if (line && strstr(line, "yes") && g && imm_streq(g->name, m->user->name))
                mask = (mask & ~070U) | (mask >> 3 & 070);
        return imm_show_line(w, "%04o", mask & 0777);
}

/* ---- environment and streams ---- */

int imm_show_env_files(struct imm_show *w) {
        imm_array_foreach (p, &w->v->paths)
                imm_show_line(
                        w, "%s (ignore_errors=%s)", p->path, p->ignore_missing ? "yes" : "no");
        return 0;
}

int imm_show_stdio(struct imm_show *w) {
        const char *s = w->v->string ? w->v->string : "";

        return imm_show_line(w, "%.*s", (int)strcspn(s, ":"), s);
}

int imm_show_stdio_name(struct imm_show *w) {
        const char *s = w->v->string ? w->v->string : "", *name = imm_after(s, "fd:");

        if (!name && imm_streq(s, "fd"))
                name = w->p->setting == IMM_SETTING_STANDARD_INPUT    ? "stdin"
                       : w->p->setting == IMM_SETTING_STANDARD_OUTPUT ? "stdout"
                                                                      : "stderr";
        return imm_show_text(w, name);
}

static void put_base64(FILE *f, const char *data, size_t n) {
        static const char digits[] =
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

        for (size_t i = 0; i < n; i += 3) {
                uint32_t x = (uint32_t)(unsigned char)data[i] << 16;

                if (i + 1 < n)
                        x |= (uint32_t)(unsigned char)data[i + 1] << 8;
                if (i + 2 < n)
                        x |= (unsigned char)data[i + 2];
                putc(digits[x >> 18 & 63], f);
                putc(digits[x >> 12 & 63], f);
                putc(i + 1 < n ? digits[x >> 6 & 63] : '=', f);
                putc(i + 2 < n ? digits[x & 63] : '=', f);
        }
}

/* A line of StandardInputText= or StandardInputData=, and when it was read */
struct input {
        const struct imm_string_item *line;
        size_t file;
        bool text;
};

static int by_line(const void *a, const void *b) {
        const struct input *x = a, *y = b;

        if (x->file != y->file)
                return x->file < y->file ? -1 : 1;
        return (x->line->origin.line > y->line->origin.line) -
               (x->line->origin.line < y->line->origin.line);
}

static size_t add_input(struct imm_show *w, struct input *to, enum imm_setting id, bool text) {
        const struct imm_value *v = imm_show_get(w, id);
        const struct imm_unit *u = w->s->unit;
        size_t file = 0;

        for (size_t i = 0; i < v->strings.n; i++) {
                while (file < u->n_files && v->strings.v[i].origin.file != u->files[file]->path)
                        file++;
                to[i] = (struct input){&v->strings.v[i], file, text};
        }
        return v->strings.n;
}

/* The text, or what the base64 stands for, behind the @n bytes at @to */
static size_t decode(char *to, const struct input *in) {
        static const char digits[] =
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        size_t n = 0, bits = 0;
        uint32_t x = 0;

        if (in->text) {
                n = strlen(in->line->text);
                memcpy(to, in->line->text, n);
                to[n] = '\n';
                return n + 1;
        }
        for (const char *c = in->line->text; *c && *c != '='; c++) {
                const char *d = strchr(digits, *c);

                if (!d)
                        continue;
                x = x << 6 | (uint32_t)(d - digits);
                bits += 6;
                if (bits >= 8) {
                        bits -= 8;
                        to[n++] = (char)(x >> bits & 0xff);
                }
        }
        return n;
}

int imm_show_input_data(struct imm_show *w) {
        size_t n = imm_show_get(w, IMM_SETTING_STANDARD_INPUT_TEXT)->strings.n +
                   imm_show_get(w, IMM_SETTING_STANDARD_INPUT_DATA)->strings.n,
               size = 1, k;
        imm_auto_free struct input *in = imm_xcalloc(n + 1, sizeof(*in));
        imm_auto_free char *data = NULL;

        k = add_input(w, in, IMM_SETTING_STANDARD_INPUT_TEXT, true);
        (void)add_input(w, in + k, IMM_SETTING_STANDARD_INPUT_DATA, false);
        qsort(in, n, sizeof(*in), by_line);
        for (size_t i = 0; i < n; i++)
                size += strlen(in[i].line->text) + 1;
        data = imm_xcalloc(size, 1);
        size = 0;
        for (size_t i = 0; i < n; i++)
                size += decode(data + size, &in[i]);
        fprintf(w->f, "%s=", w->p->name);
        put_base64(w->f, data, size);
        putc('\n', w->f);
        return 0;
}

int imm_show_syslog_priority(struct imm_show *w) {
        return imm_show_line(w, "%" PRIu64,
                imm_setting_number(w->s, IMM_SETTING_SYSLOG_FACILITY) << 3 |
                        imm_setting_number(w->s, IMM_SETTING_SYSLOG_LEVEL));
}

int imm_show_log_extra_fields(struct imm_show *w) {
        fprintf(w->f, "%s=", w->p->name);
        imm_array_foreach (s, &w->v->strings)
                fprintf(w->f, "%s%s", s == w->v->strings.v ? "" : " ", s->text);
        putc('\n', w->f);
        return 0;
}

/* Two sets: what is let through, what is not */
int imm_show_log_patterns(struct imm_show *w) {
        size_t n = w->v->strings.n;
        imm_auto_free const char **sorted = imm_xcalloc(n + 1, sizeof(*sorted));

        for (size_t i = 0; i < n; i++)
                sorted[i] = w->v->strings.v[i].text;
        qsort(sorted, n, sizeof(*sorted), by_bytes);
        for (size_t i = 0; i < n; i++)
                if (i == 0 || !imm_streq(sorted[i], sorted[i - 1]))
                        imm_show_line(w, "%s", sorted[i]);
        return 0;
}

int imm_show_lines(struct imm_show *w) {
        imm_array_foreach (s, &w->v->strings)
                imm_show_line(w, "%s", s->text);
        return 0;
}

/* ---- scheduling ---- */

/* 247 reads CoredumpFilter= and notes down another setting as set. */
int imm_show_coredump_filter(struct imm_show *w) {
        if (w->s->version <= 247)
                return imm_show_text(w, "0x33");
        return imm_show_line(w, "0x%" PRIx64, w->v->number & UINT32_MAX);
}

/* What the manager itself has counts where nothing is set; 247 tells the kernel's raw "none". */
int imm_show_io_class(struct imm_show *w) {
        bool any = w->v->set || imm_show_get(w, IMM_SETTING_IO_SCHEDULING_PRIORITY)->set;

        if (!w->v->set)
                return imm_show_text(w, any || w->s->version > 247 ? "2" : "0");
        if (w->v->number == 0 && w->s->version > 247)
                return imm_show_text(w, "2"); /* none is best-effort */
        return imm_show_number(w);
}

int imm_show_io_priority(struct imm_show *w) {
        const struct imm_value *class = imm_show_get(w, IMM_SETTING_IO_SCHEDULING_CLASS);

        if (!w->v->set && w->s->version <= 247)
                return imm_show_text(w, "0");
        if (class->set && class->number == 0 && w->s->version > 247)
                return imm_show_text(w, "4");
        return imm_show_number(w);
}

int imm_show_same_group(struct imm_show *w) {
        return imm_show_text(w, w->s->unit->type == IMM_UNIT_MOUNT ? "yes" : "no");
}

int imm_show_timer_slack(struct imm_show *w) {
        return w->v->set ? imm_show_number(w) : imm_show_text(w, "50000");
}

int imm_show_cpus_from_numa(struct imm_show *w) {
        size_t n = w->v->strings.n;

        return imm_show_text(
                w, n > 0 && imm_streq(w->v->strings.v[n - 1].text, "numa") ? "yes" : "no");
}

/* ---- identity ---- */

int imm_show_working_directory(struct imm_show *w) {
        const char *s = w->v->string ? w->v->string : "";

        return *s == '-' ? imm_show_line(w, "!%s", s + 1) : imm_show_text(w, s);
}

int imm_show_caps(struct imm_show *w) {
        static const char *const names[] = {"chown", "dac_override", "dac_read_search", "fowner",
                "fsetid", "kill", "setgid", "setuid", "setpcap", "linux_immutable",
                "net_bind_service", "net_broadcast", "net_admin", "net_raw", "ipc_lock",
                "ipc_owner", "sys_module", "sys_rawio", "sys_chroot", "sys_ptrace", "sys_pacct",
                "sys_admin", "sys_boot", "sys_nice", "sys_resource", "sys_time", "sys_tty_config",
                "mknod", "lease", "audit_write", "audit_control", "setfcap", "mac_override",
                "mac_admin", "syslog", "wake_alarm", "block_suspend", "audit_read", "perfmon",
                "bpf", "checkpoint_restore"};
        bool some = false;

        fprintf(w->f, "%s=", w->p->name);
        for (size_t i = 0; i < IMM_ELEMENTSOF(names); i++)
                if (w->v->number >> i & 1) {
                        fprintf(w->f, "%scap_%s", some ? " " : "", names[i]);
                        some = true;
                }
        putc('\n', w->f);
        return 0;
}

int imm_show_login_environment(struct imm_show *w) {
        if (w->v->number == 0 || w->v->number == 1)
                return imm_show_bool(w);
        return imm_show_text(w, imm_setting_string(w->s, IMM_SETTING_USER) ||
                                                imm_setting_bool(w->s, IMM_SETTING_DYNAMIC_USER) ||
                                                imm_setting_string(w->s, IMM_SETTING_PAM_NAME)
                                        ? "yes"
                                        : "no");
}

int imm_show_label(struct imm_show *w) {
        return imm_show_text(w, w->v->string);
}

int imm_show_credential_names(struct imm_show *w) {
        size_t n = w->v->credentials.n;
        imm_auto_free const char **words = imm_xcalloc(n + 1, sizeof(*words));

        for (size_t i = 0; i < n; i++)
                words[i] = w->v->credentials.v[i].id;
        return imm_show_words(w, words, n, false);
}

/* ---- sandbox ---- */

static bool has_root(const struct imm_show *w) {
        const char *dir = imm_setting_string(w->s, IMM_SETTING_ROOT_DIRECTORY);

        return (dir && !imm_streq(dir, "/") && *dir) ||
               imm_setting_string(w->s, IMM_SETTING_ROOT_IMAGE);
}

/* 247 reads MountAPIVFS= and forgets that it was set. */
static bool mount_apivfs(const struct imm_show *w) {
        uint64_t n = imm_setting_number(w->s, IMM_SETTING_MOUNT_APIVFS);

        if (w->s->version >= 248 && n <= 1)
                return n == 1;
        return has_root(w);
}

int imm_show_mount_apivfs(struct imm_show *w) {
        return imm_show_text(w, mount_apivfs(w) ? "yes" : "no");
}

int imm_show_bind_log_sockets(struct imm_show *w) {
        bool yes;

        if (imm_setting_string(w->s, IMM_SETTING_LOG_NAMESPACE))
                yes = true;
        else if (w->v->number <= 1)
                yes = w->v->number == 1;
        else
                yes = mount_apivfs(w) ||
                      (has_root(w) && imm_setting_bool(w->s, IMM_SETTING_PRIVATE_DEVICES));
        return imm_show_text(w, yes ? "yes" : "no");
}

int imm_show_binds(struct imm_show *w) {
        bool some = false;

        fprintf(w->f, "%s=", w->p->name);
        imm_array_foreach (b, &w->v->binds) {
                fprintf(w->f, "%s%s%s:%s%s", some ? " " : "", b->ignore_missing ? "-" : "",
                        b->source, b->destination, b->recursive ? ":rbind" : "");
                some = true;
        }
        putc('\n', w->f);
        return 0;
}

int imm_show_tmpfs(struct imm_show *w) {
        bool some = false;

        fprintf(w->f, "%s=", w->p->name);
        imm_array_foreach (t, &w->v->tmpfs) {
                fprintf(w->f, "%s%s%s%s", some ? " " : "", t->path,
                        t->options && *t->options ? ":" : "", t->options ? t->options : "");
                some = true;
        }
        putc('\n', w->f);
        return 0;
}

/* From 250 on the settings keep the paths sorted (without the prefix "private/"). */
int imm_show_directories(struct imm_show *w) {
        size_t n = w->v->directories.n;
        imm_auto_free const char **words = imm_xcalloc(n + 1, sizeof(*words));

        for (size_t i = 0; i < n; i++)
                words[i] = w->v->directories.v[i].path;
        return imm_show_words(w, words, n, false);
}

/* Paths without a link are told with an empty one. */
int imm_show_directory_symlinks(struct imm_show *w) {
        size_t n = w->v->directories.n;
        const struct imm_directory_item *v = w->v->directories.v;

        for (size_t i = 0; i < n; i++) {
                for (size_t k = 0; k < v[i].symlinks.n; k++)
                        imm_show_line(w, "%s:%s", v[i].path, v[i].symlinks.v[k]);
                if (v[i].symlinks.n == 0 && w->s->version >= 257)
                        imm_show_line(w, "%s:", v[i].path);
        }
        return 0;
}

int imm_show_mount_flags(struct imm_show *w) {
        return imm_show_word(w);
}

int imm_show_namespaces(struct imm_show *w) {
        static const struct {
                uint64_t flag;
                const char *word;
        } kinds[] = {
                /* in systemd's order */
                {0x02000000, "cgroup"},
                {0x08000000, "ipc"},
                {0x40000000, "net"},
                {0x00020000, "mnt"},
                {0x20000000, "pid"},
                {0x10000000, "user"},
                {0x04000000, "uts"},
                {IMM_NAMESPACE_TIME, "time"},
        };
        uint64_t n = w->v->number, seven = n & IMM_NAMESPACES_ALL;
        bool some = false;

        if (seven == 0 || seven == IMM_NAMESPACES_ALL)
                return imm_show_text(w, seven ? "no" : "yes");
        fprintf(w->f, "%s=", w->p->name);
        for (size_t i = 0; i < IMM_ELEMENTSOF(kinds); i++)
                if (n & kinds[i].flag) {
                        fprintf(w->f, "%s%s", some ? " " : "", kinds[i].word);
                        some = true;
                }
        putc('\n', w->f);
        return 0;
}

/* ---- lists with a tilde ---- */

/* Without quotes, sorted; a deny-list, and no list at all, begin with a tilde. */
static int put_list(struct imm_show *w, char **words, size_t n) {
        qsort(words, n, sizeof(*words), by_bytes);
        fprintf(w->f, "%s=%s", w->p->name, w->v->allow_list ? "" : "~");
        for (size_t i = 0; i < n; i++) {
                fprintf(w->f, "%s%s", i > 0 ? " " : "", words[i]);
                free(words[i]);
        }
        putc('\n', w->f);
        return 0;
}

static char *with_error(const char *name, int error) {
        const char *word = error == IMM_SYSCALL_KILL      ? "kill"
                           : error == IMM_SYSCALL_ERRNO_0 ? "0"
                                                          : strerrorname_np(error);
        char *s;

        if ((word ? asprintf(&s, "%s:%s", name, word) : asprintf(&s, "%s:%d", name, error)) < 0)
                imm_oom();
        return s;
}

/*
 * Two calls of other machines have one number here, and the manager keeps numbers. libseccomp's
 * version decides under which name it comes back (2.5.4: the second).
 */
static bool is_twin(const char *name, unsigned version, const char **ret) {
        static const char *const twins[] = {"sys_debug_setcontext", "switch_endian"};

        if (!imm_streq(name, twins[0]) && !imm_streq(name, twins[1]))
                return false;
        *ret = twins[version >= 250 && version < 255];
        return true;
}

int imm_show_syscalls(struct imm_show *w) {
        size_t n = w->v->syscalls.n, k = 0;
        imm_auto_free char **words = imm_xcalloc(n + 1, sizeof(*words));
        bool filter = w->p->setting == IMM_SETTING_SYSTEM_CALL_FILTER, twin = false;

        for (size_t i = 0; i < n; i++) {
                const struct imm_syscall_item *c = &w->v->syscalls.v[i];
                const char *name = c->name;

                if (is_twin(c->name, w->s->version, &name)) {
                        if (twin)
                                continue;
                        twin = true;
                }
                /* in an allow-list a call with an error is one that is not allowed */
                if (filter && c->error != 0 && w->v->allow_list && w->s->version > 247)
                        continue;
                words[k++] =
                        filter && c->error != 0 ? with_error(name, c->error) : imm_xstrdup(name);
        }
        return put_list(w, words, k);
}

/* Debian's systemd was built without BPF up to 254: it tells no more than the kind of list. */
int imm_show_filesystems(struct imm_show *w) {
        if (w->s->version < 255)
                return imm_show_text(w, w->v->allow_list ? "" : "~");
        return imm_show_names(w);
}

int imm_show_names(struct imm_show *w) {
        size_t n = w->v->strings.n;
        imm_auto_free char **words = imm_xcalloc(n + 1, sizeof(*words));

        for (size_t i = 0; i < n; i++)
                words[i] = imm_xstrdup(w->v->strings.v[i].text);
        return put_list(w, words, n);
}

int imm_show_syscall_errno(struct imm_show *w) {
        if (!w->v->set || (int64_t)w->v->number == IMM_SYSCALL_KILL)
                return imm_show_text(w, w->s->version >= 247 ? "2147483646" : "0");
        return imm_show_signed(w);
}

/* ---- images ---- */

/* A path is told by one property, what is no path (hexadecimal, base64:...) by the other. */
static int hash_path(struct imm_show *w) {
        const char *s = w->v->string;

        return imm_show_text(w, s && *s == '/' ? s : "");
}

/* Less than 128 bits are refused. */
int imm_show_root_hash(struct imm_show *w) {
        const char *s = w->v->string ? w->v->string : "";
        size_t n = strspn(s, "0123456789abcdefABCDEF");

        return imm_show_text(w, n >= 32 && n % 2 == 0 && s[n] == '\0' ? s : "");
}

int imm_show_root_hash_path(struct imm_show *w) {
        return hash_path(w);
}

int imm_show_root_hash_signature(struct imm_show *w) {
        const char *s = w->v->string ? imm_after(w->v->string, "base64:") : NULL;

        return imm_show_text(w, s);
}

int imm_show_root_hash_signature_path(struct imm_show *w) {
        return hash_path(w);
}

/* A policy is told in a normal form; only what is the same in every form is known here. */
int imm_show_image_policy(struct imm_show *w) {
        const char *s = w->v->string;

        if (!s)
                return imm_show_text(w,
                        "root=verity+signed+encrypted+unprotected+absent:"
                        "usr=verity+signed+encrypted+unprotected+absent:"
                        "home=encrypted+unprotected+absent:srv=encrypted+unprotected+absent:"
                        "tmp=encrypted+unprotected+absent:var=encrypted+unprotected+absent");
        if (imm_streq(s, "*") || imm_streq(s, "-") || imm_streq(s, "~"))
                return imm_show_text(w, s);
        return -ENODATA;
}

int imm_show_images(struct imm_show *w) {
        if (w->v->strings.n > 0)
                return -ENODATA;
        return imm_show_text(w, "");
}

/* Up to 248 systemctl could not print them, an empty list included. */
int imm_show_root_image_options(struct imm_show *w) {
        if (w->s->version <= 247)
                return imm_show_text(w, "[unprintable]");
        return w->v->strings.n > 0 ? -ENODATA : 0;
}
