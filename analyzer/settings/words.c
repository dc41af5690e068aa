/*
 * The words of enumerations, each list in systemd's numeric order (257's where versions differ). An
 * empty word stands for a number that has no name.
 */

#include "analyzer/settings/registry.h"

/* clang-format off */
const char *const imm_words_bind_ipv6_only[] = {"default", "both", "ipv6-only", NULL};
const char *const imm_words_collect_mode[] = {"inactive", "inactive-or-failed", NULL};
const char *const imm_words_device_policy[] = {"auto", "closed", "strict", NULL};
const char *const imm_words_emergency_action[] = {
        "none", "exit", "exit-force", "reboot", "reboot-force", "reboot-immediate", "poweroff",
        "poweroff-force", "poweroff-immediate", "soft-reboot", "soft-reboot-force", "kexec",
        "kexec-force", "halt", "halt-force", "halt-immediate", NULL};
const char *const imm_words_exit_type[] = {"main", "cgroup", NULL};
const char *const imm_words_io_class[] = {"none", "realtime", "best-effort", "idle", NULL};
const char *const imm_words_job_mode[] = {
        "fail", "replace", "replace-irreversibly", "isolate", "flush", "ignore-dependencies",
        "ignore-requirements", "triggering", "restart-dependencies", NULL};
const char *const imm_words_keyring_mode[] = {"inherit", "private", "shared", NULL};
const char *const imm_words_kill_mode[] = {"control-group", "process", "mixed", "none", NULL};
const char *const imm_words_log_facility[] = {
        "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron",
        "authpriv", "ftp", "", "", "", "", "local0", "local1", "local2", "local3", "local4",
        "local5", "local6", "local7", NULL};
const char *const imm_words_log_level[] = {
        "emerg", "alert", "crit", "err", "warning", "notice", "info", "debug", NULL};
const char *const imm_words_managed_oom_mode[] = {"auto", "kill", NULL};
const char *const imm_words_managed_oom_preference[] = {"none", "avoid", "omit", NULL};
const char *const imm_words_no_yes[] = {"no", "yes", NULL};
const char *const imm_words_notify_access[] = {"none", "main", "exec", "all", NULL};
const char *const imm_words_numa_policy[] = {
        "default", "preferred", "bind", "interleave", "local", NULL};
const char *const imm_words_oom_policy[] = {"continue", "stop", "kill", NULL};
const char *const imm_words_preserve_mode[] = {"no", "yes", "restart", NULL};
const char *const imm_words_pressure_watch[] = {"no", "yes", "auto", "skip", NULL};
const char *const imm_words_private_tmp[] = {"no", "connected", "disconnected", NULL};
const char *const imm_words_private_users[] = {"no", "self", "identity", NULL};
const char *const imm_words_proc_subset[] = {"all", "pid", NULL};
const char *const imm_words_propagation[] = {"", "shared", "slave", "private", NULL};
const char *const imm_words_protect_control_groups[] = {"no", "yes", "private", "strict", NULL};
const char *const imm_words_protect_home[] = {"no", "yes", "read-only", "tmpfs", NULL};
const char *const imm_words_protect_proc[] = {
        "default", "noaccess", "invisible", "ptraceable", NULL};
const char *const imm_words_protect_system[] = {"no", "yes", "full", "strict", NULL};
const char *const imm_words_restart[] = {
        "no", "on-success", "on-failure", "on-abnormal", "on-watchdog", "on-abort", "always", NULL};
const char *const imm_words_restart_mode[] = {"normal", "direct", "debug", NULL};
const char *const imm_words_sched_policy[] = {"other", "fifo", "rr", "batch", "", "idle", NULL};
const char *const imm_words_service_type[] = {
        "simple", "forking", "oneshot", "dbus", "notify", "notify-reload", "idle", "exec", NULL};
const char *const imm_words_timeout_failure_mode[] = {"terminate", "abort", "kill", NULL};
const char *const imm_words_timestamping[] = {"off", "us", "ns", NULL};
const char *const imm_words_utmp_mode[] = {"init", "login", "user", NULL};
/* clang-format on */

/* Words that came later than their list */
static const struct {
        const char *const *words;
        size_t first, last;
        unsigned since;
} newer[] = {
        {imm_words_emergency_action, 9, 15, 254},
        {imm_words_job_mode, 8, 8, 254},
        {imm_words_private_tmp, 1, 2, 257},
        {imm_words_private_users, 1, 2, 257},
        {imm_words_protect_control_groups, 2, 3, 257},
        {imm_words_restart_mode, 2, 2, 257},
        {imm_words_service_type, 5, 5, 253},
};

unsigned imm_word_since(const char *const *words, size_t i) {
        for (size_t k = 0; k < IMM_ELEMENTSOF(newer); k++)
                if (newer[k].words == words && i >= newer[k].first && i <= newer[k].last)
                        return newer[k].since;
        return 0;
}
