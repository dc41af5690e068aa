/* Properties of execution: commands, environment, limits, scheduling, identity. */

#include "analyzer/settings/properties/properties-private.h"

#include <errno.h>
#include <inttypes.h>

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

/* ---- namespaces ---- */

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
