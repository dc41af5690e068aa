/* What the manager has loaded, by its own bus: no bus daemon is needed for root and for oneself. */

#include "analyzer/host/host.h"
#include "analyzer/host/libsystemd.h"

#include <errno.h>
#include <sys/capability.h>
#include <sys/socket.h>

#define DESTINATION "org.freedesktop.systemd1"
#define MANAGER_PATH "/org/freedesktop/systemd1"
#define MANAGER_INTERFACE "org.freedesktop.systemd1.Manager"

static inline void bus_closep(sd_bus **b) {
        (void)imm_sd.bus_flush_close_unref(*b);
}
static inline void message_unrefp(sd_bus_message **m) {
        (void)imm_sd.bus_message_unref(*m);
}
static inline void error_freep(sd_bus_error *e) {
        imm_sd.bus_error_free(e);
}

/* The manager's private socket; else the bus */
static int open_bus(struct imm_manager *m, struct imm_arena *a, sd_bus **ret) {
        __attribute__((cleanup(bus_closep))) sd_bus *bus = NULL;
        const char *address = "unix:path=/run/systemd/private";
        int r;

        if (m->scope == IMM_SCOPE_USER) {
                if (!m->user)
                        return -ESRCH;
                address = imm_printf(a, "unix:path=/run/user/%u/systemd/private", m->user->uid);
        } else if (geteuid() != 0) /* the private socket would hang up on anybody else */
                return imm_sd.bus_open_system(ret);
        r = imm_sd.bus_new(&bus);
        if (r < 0)
                return r;
        r = imm_sd.bus_set_address(bus, address);
        if (r >= 0)
                r = imm_sd.bus_start(bus);
        if (r >= 0) {
                *ret = imm_steal(bus);
                return 0;
        }
        return m->scope == IMM_SCOPE_USER ? imm_sd.bus_open_user(ret) : imm_sd.bus_open_system(ret);
}

/* ---- values as systemctl show writes them ---- */

static int read_strings(sd_bus_message *msg, struct imm_arena *a, const char **ret) {
        const char *s, *all = "";
        int r = imm_sd.bus_message_enter_container(msg, SD_BUS_TYPE_ARRAY, "s");

        if (r < 0)
                return r;
        while ((r = imm_sd.bus_message_read_basic(msg, 's', &s)) > 0)
                all = *all ? imm_printf(a, "%s %s", all, s) : imm_strdup(a, s);
        if (r < 0)
                return r;
        *ret = all;
        return imm_sd.bus_message_exit_container(msg);
}

/* (bas): an allow list, or with '~' a deny list */
static int read_filter(sd_bus_message *msg, struct imm_arena *a, const char **ret) {
        int allow, r = imm_sd.bus_message_enter_container(msg, SD_BUS_TYPE_STRUCT, "bas");
        const char *list;

        if (r < 0)
                return r;
        r = imm_sd.bus_message_read_basic(msg, 'b', &allow);
        if (r >= 0)
                r = read_strings(msg, a, &list);
        if (r < 0)
                return r;
        *ret = allow ? list : imm_printf(a, "~%s", list);
        return imm_sd.bus_message_exit_container(msg);
}

/* a(ssbt): source, destination, may be missing, recursively */
static int read_binds(sd_bus_message *msg, struct imm_arena *a, const char **ret) {
        const char *from, *to, *all = "";
        int optional, r = imm_sd.bus_message_enter_container(msg, SD_BUS_TYPE_ARRAY, "(ssbt)");
        uint64_t flags;

        if (r < 0)
                return r;
        while ((r = imm_sd.bus_message_read(msg, "(ssbt)", &from, &to, &optional, &flags)) > 0)
                all = imm_printf(a, "%s%s%s%s%s%s%s", all, *all ? " " : "", optional ? "-" : "",
                        from, *to ? ":" : "", to, flags ? ":rbind" : "");
        if (r < 0)
                return r;
        *ret = all;
        return imm_sd.bus_message_exit_container(msg);
}

/* a(ss): place and options */
static int read_pairs(sd_bus_message *msg, struct imm_arena *a, const char **ret) {
        const char *one, *two, *all = "";
        int r = imm_sd.bus_message_enter_container(msg, SD_BUS_TYPE_ARRAY, "(ss)");

        if (r < 0)
                return r;
        while ((r = imm_sd.bus_message_read(msg, "(ss)", &one, &two)) > 0)
                all = imm_printf(a, "%s%s%s%s%s", all, *all ? " " : "", one, *two ? ":" : "", two);
        if (r < 0)
                return r;
        *ret = all;
        return imm_sd.bus_message_exit_container(msg);
}

/* The value of a variant; *ret stays NULL for types that are not compared */
static int read_value(
        sd_bus_message *msg, const char *type, struct imm_arena *a, const char **ret) {
        const char *s;
        uint64_t t;
        int b;

        if (imm_streq(type, "b")) {
                int r = imm_sd.bus_message_read_basic(msg, 'b', &b);

                *ret = b ? "yes" : "no";
                return r;
        }
        if (imm_streq(type, "s")) {
                int r = imm_sd.bus_message_read_basic(msg, 's', &s);

                *ret = r < 0 ? NULL : imm_strdup(a, s);
                return r;
        }
        if (imm_streq(type, "t")) {
                int r = imm_sd.bus_message_read_basic(msg, 't', &t);

                *ret = r < 0 ? NULL : imm_printf(a, "%llu", (unsigned long long)t);
                return r;
        }
        if (imm_streq(type, "u")) {
                uint32_t u;
                int r = imm_sd.bus_message_read_basic(msg, 'u', &u);

                *ret = r < 0 ? NULL : imm_printf(a, "%u", u);
                return r;
        }
        if (imm_streq(type, "as"))
                return read_strings(msg, a, ret);
        if (imm_streq(type, "(bas)"))
                return read_filter(msg, a, ret);
        if (imm_streq(type, "a(ssbt)"))
                return read_binds(msg, a, ret);
        if (imm_streq(type, "a(ss)"))
                return read_pairs(msg, a, ret);
        return imm_sd.bus_message_skip(msg, type);
}

static int read_properties(sd_bus_message *msg, struct imm_arena *a, struct imm_map *ret) {
        int r = imm_sd.bus_message_enter_container(msg, SD_BUS_TYPE_ARRAY, "{sv}");

        if (r < 0)
                return r;
        while ((r = imm_sd.bus_message_enter_container(msg, SD_BUS_TYPE_DICT_ENTRY, "sv")) > 0) {
                const char *name, *type, *value = NULL;

                r = imm_sd.bus_message_read_basic(msg, 's', &name);
                if (r >= 0)
                        r = imm_sd.bus_message_peek_type(msg, NULL, &type);
                if (r >= 0)
                        r = imm_sd.bus_message_enter_container(msg, SD_BUS_TYPE_VARIANT, type);
                if (r >= 0)
                        r = read_value(msg, type, a, &value);
                if (r >= 0)
                        r = imm_sd.bus_message_exit_container(msg);
                if (r >= 0)
                        r = imm_sd.bus_message_exit_container(msg);
                if (r < 0)
                        return r;
                if (value)
                        imm_map_put(a, ret, imm_strdup(a, name), (void *)(uintptr_t)value);
        }
        return r < 0 ? r : imm_sd.bus_message_exit_container(msg);
}

static const char *text(const struct imm_live *l, const char *name) {
        const char *s = imm_map_get(&l->properties, name);

        return s ? s : "";
}

static uint64_t number(const struct imm_live *l, const char *name) {
        unsigned long long n;

        return imm_parse_u64(text(l, name), &n) ? n : 0;
}

/* ---- the questions ---- */

/* Whoever answers; 1 is the system's in any case */
static pid_t manager_pid(const struct imm_manager *m, sd_bus *bus) {
        sd_bus_creds *creds = NULL;
        pid_t pid = 0;

        if (m->scope == IMM_SCOPE_USER &&
                imm_sd.bus_get_owner_creds(bus, SD_BUS_CREDS_PID, &creds) >= 0)
                (void)imm_sd.bus_creds_get_pid(creds, &pid);
        (void)imm_sd.bus_creds_unref(creds);
        return pid > 0 ? pid : 1;
}

/*
 * Are its process numbers ours? Whoever listens, the manager or the bus, has none here that runs
 * outside of this process's pid namespace.
 */
static bool numbers_are_ours(sd_bus *bus) {
        struct ucred peer;
        socklen_t size = sizeof(peer);
        int fd = imm_sd.bus_get_fd(bus);

        return fd < 0 || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 || peer.pid != 0;
}

static void manager_version(sd_bus *bus, struct imm_live *ret) {
        __attribute__((cleanup(error_freep))) sd_bus_error error = SD_BUS_ERROR_NULL;
        imm_auto_free char *version = NULL;

        /* "252.39-1~deb12u1" */
        if (imm_sd.bus_get_property_string(bus, DESTINATION, MANAGER_PATH, MANAGER_INTERFACE,
                    "Version", &error, &version) >= 0)
                ret->manager_version = (unsigned)strtoul(version, NULL, 10);
}

static int unit_properties(sd_bus *bus, const char *unit, struct imm_arena *a, struct imm_live *ret,
        sd_bus_error *error) {
        __attribute__((cleanup(message_unrefp))) sd_bus_message *found = NULL;
        __attribute__((cleanup(message_unrefp))) sd_bus_message *all = NULL;
        const char *path;
        int r;

        /* not LoadUnit: asking must not make the manager load what it has not */
        r = imm_sd.bus_call_method(bus, DESTINATION, MANAGER_PATH, MANAGER_INTERFACE, "GetUnit",
                error, &found, "s", unit);
        if (r < 0)
                return imm_sd.bus_error_has_name(error, "org.freedesktop.systemd1.NoSuchUnit") ? 0
                                                                                               : r;
        r = imm_sd.bus_message_read_basic(found, 'o', &path);
        if (r < 0)
                return r;
        r = imm_sd.bus_call_method(bus, DESTINATION, path, "org.freedesktop.DBus.Properties",
                "GetAll", error, &all, "s", "");
        if (r >= 0)
                r = read_properties(all, a, &ret->properties);
        if (r < 0)
                return r;
        ret->loaded = true;
        return 0;
}

static void ask(struct imm_manager *m, const char *unit, struct imm_arena *a, struct imm_live *ret,
        pid_t *ret_pid, pid_t *ret_manager) {
        __attribute__((cleanup(error_freep))) sd_bus_error error = SD_BUS_ERROR_NULL;
        __attribute__((cleanup(bus_closep))) sd_bus *bus = NULL;
        int r = open_bus(m, a, &bus);

        if (r >= 0) {
                manager_version(bus, ret);
                *ret_manager = manager_pid(m, bus);
                r = unit_properties(bus, unit, a, ret, &error);
        }
        if (r < 0) {
                imm_strv_add(a, &ret->unseen,
                        imm_printf(a, "the manager did not answer: %s%s",
                                imm_sd.bus_error_is_set(&error) ? error.message : strerror(-r),
                                m->scope == IMM_SCOPE_SYSTEM && geteuid() != 0
                                        ? "; root asks it without the system bus"
                                        : ""));
                return;
        }
        ret->manager_seen = true;
        ret->active = ret->loaded ? text(ret, "ActiveState") : "inactive";
        ret->sub = ret->loaded ? text(ret, "SubState") : "dead";
        ret->need_daemon_reload = imm_streq(text(ret, "NeedDaemonReload"), "yes");
        ret->started = number(ret, "ExecMainStartTimestamp");
        *ret_pid = (pid_t)number(ret, "MainPID");
        if (*ret_pid > 0 && !numbers_are_ours(bus)) {
                imm_strv_add(a, &ret->unseen,
                        imm_printf(a,
                                "the main process: the manager runs in another pid namespace, "
                                "where "
                                "it is %d",
                                *ret_pid));
                *ret_pid = 0;
        }
}

void imm_live_ask_manager(struct imm_manager *m, const char *unit, struct imm_arena *a,
        struct imm_live *ret, pid_t *ret_pid, pid_t *ret_manager) {
        imm_err_auto err = IMM_ERR_INIT;

        if (imm_sd_load(&err) < 0)
                imm_strv_add(a, &ret->unseen,
                        imm_printf(a, "the manager was not asked: %s", imm_err_text(&err)));
        else
                ask(m, unit, a, ret, ret_pid, ret_manager);
}
