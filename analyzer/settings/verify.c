/* Combinations of settings that systemd refuses: the unit is bad-setting, no line alone to blame.
 */

#include "analyzer/settings/imply.h"
#include "analyzer/unit/name.h"

#include <string.h>

enum { SIMPLE, FORKING, ONESHOT, DBUS };

#define V(id) imm_parse_peek(p, IMM_SETTING_##id)

static const char *service_fault(struct imm_parse *p) {
        bool start = V(EXEC_START)->commands.n > 0, stop = V(EXEC_STOP)->commands.n > 0;
        bool action = V(SUCCESS_ACTION)->number != 0;
        uint64_t type = V(TYPE)->number, restart = V(RESTART)->number;

        if (!start && !stop && !action)
                return "the service has no ExecStart=, no ExecStop= and no SuccessAction=";
        if (type != ONESHOT && !start)
                return "only a service of Type=oneshot may have no ExecStart=";
        if (!start && !action && V(REMAIN_AFTER_EXIT)->number == 0)
                return "a service without ExecStart= and SuccessAction= needs RemainAfterExit=yes";
        if (type != ONESHOT && V(EXEC_START)->commands.n > 1)
                return "only a service of Type=oneshot may have several ExecStart= commands";
        if (type == ONESHOT && (restart == 1 || restart == 6))
                return "a service of Type=oneshot cannot have Restart=always or on-success";
        if (type == ONESHOT && p->version < 257 && V(RESTART_FORCE_EXIT_STATUS)->strings.n > 0)
                return "a service of Type=oneshot cannot have RestartForceExitStatus=";
        if (type == ONESHOT && V(EXIT_TYPE)->number == 1)
                return "a service of Type=oneshot cannot have ExitType=cgroup";
        if (type == DBUS && !V(BUS_NAME)->string)
                return "a service of Type=dbus needs BusName=";
        if (p->version >= 257 && type == FORKING && V(PRIVATE_PIDS)->number != 0)
                return "a service of Type=forking cannot have PrivatePIDs=yes";
        return NULL;
}

static bool listens_as_stream(struct imm_parse *p) {
        return V(LISTEN_STREAM)->strings.n > 0 || V(LISTEN_SEQUENTIAL_PACKET)->strings.n > 0 ||
               V(LISTEN_FIFO)->strings.n > 0;
}

/* Sockets and FIFOs that the unit makes in the file system */
static size_t nodes(struct imm_parse *p) {
        static const enum imm_setting ids[] = {IMM_SETTING_LISTEN_STREAM,
                IMM_SETTING_LISTEN_DATAGRAM, IMM_SETTING_LISTEN_SEQUENTIAL_PACKET,
                IMM_SETTING_LISTEN_FIFO};
        size_t n = 0;

        for (size_t i = 0; i < IMM_ELEMENTSOF(ids); i++) {
                const struct imm_value *v = imm_parse_peek(p, ids[i]);

                for (size_t k = 0; k < v->strings.n; k++)
                        n += v->strings.v[k].text && *v->strings.v[k].text == '/';
        }
        return n;
}

static const char *socket_fault(struct imm_parse *p) {
        bool others = V(LISTEN_DATAGRAM)->strings.n > 0 || V(LISTEN_NETLINK)->strings.n > 0 ||
                      V(LISTEN_SPECIAL)->strings.n > 0 || V(LISTEN_MESSAGE_QUEUE)->strings.n > 0 ||
                      V(LISTEN_USB_FUNCTION)->strings.n > 0;
        bool accept = V(ACCEPT)->number == 1;

        if (!listens_as_stream(p) && !others)
                return "the socket unit has no Listen...= setting";
        if ((accept || p->version >= 255) && V(MAX_CONNECTIONS)->number == 0)
                return "MaxConnections= is too small";
        if (accept && (others || V(LISTEN_FIFO)->strings.n > 0))
                return "Accept=yes works with stream sockets only";
        if (accept && V(SERVICE)->string)
                return "Accept=yes and Service= exclude each other";
        if (V(SYMLINKS)->strings.n > 0 && nodes(p) != 1)
                return "Symlinks= needs exactly one socket or FIFO in the file system";
        return NULL;
}

/* Does @path, escaped, give one of the unit's names? What is no path cannot be told: yes. */
static bool names_unit(struct imm_parse *p, const char *path, const char *suffix) {
        const char *name;

        if (*path != '/')
                return true;
        name = imm_printf(p->a, "%s%s", imm_unit_name_of_path(path, p->a), suffix);
        return imm_streq(p->u->name, name) || imm_strv_has(&p->u->names, name);
}

static const char *mount_fault(struct imm_parse *p) {
        const char *where = V(WHERE)->string;

        if (where && !names_unit(p, where, ".mount"))
                return "Where= does not match the unit's name";
        if (!V(WHAT)->string && !imm_streq(p->u->name, "-.mount"))
                return "the mount unit has no What=";
        return NULL;
}

static const char *automount_fault(struct imm_parse *p) {
        const char *where = V(AUTOMOUNT_WHERE)->string;

        if (where && imm_streq(where, "/"))
                return "there is no automount of the root";
        return where && !names_unit(p, where, ".automount")
                       ? "Where= does not match the unit's name"
                       : NULL;
}

static const char *timer_fault(struct imm_parse *p) {
        bool values = V(ON_CALENDAR)->strings.n > 0 || V(ON_ACTIVE_SEC)->strings.n > 0 ||
                      V(ON_BOOT_SEC)->strings.n > 0 || V(ON_STARTUP_SEC)->strings.n > 0 ||
                      V(ON_UNIT_ACTIVE_SEC)->strings.n > 0 ||
                      V(ON_UNIT_INACTIVE_SEC)->strings.n > 0;

        return values || V(ON_CLOCK_CHANGE)->number == 1 || V(ON_TIMEZONE_CHANGE)->number == 1
                       ? NULL
                       : "the timer has no On...= setting";
}

static const char *path_fault(struct imm_parse *p) {
        return V(PATH_EXISTS)->strings.n > 0 || V(PATH_EXISTS_GLOB)->strings.n > 0 ||
                               V(PATH_CHANGED)->strings.n > 0 || V(PATH_MODIFIED)->strings.n > 0 ||
                               V(DIRECTORY_NOT_EMPTY)->strings.n > 0
                       ? NULL
                       : "the path unit has no path";
}

static bool below_api(const char *path) {
        static const char *const tops[] = {"/dev", "/sys", "/proc"};

        path += *path == '-';
        for (size_t i = 0; i < IMM_ELEMENTSOF(tops); i++)
                if (imm_path_below(path, tops[i]))
                        return true;
        return false;
}

/* Settings that give a mount namespace by their mere presence, as 257 asks it at load time */
static bool has_mount_namespace(struct imm_parse *p) {
        static const enum imm_setting lists[] = {IMM_SETTING_READ_WRITE_PATHS,
                IMM_SETTING_READ_ONLY_PATHS, IMM_SETTING_INACCESSIBLE_PATHS, IMM_SETTING_EXEC_PATHS,
                IMM_SETTING_NO_EXEC_PATHS, IMM_SETTING_BIND_PATHS, IMM_SETTING_BIND_READ_ONLY_PATHS,
                IMM_SETTING_TEMPORARY_FILE_SYSTEM, IMM_SETTING_MOUNT_IMAGES,
                IMM_SETTING_EXTENSION_IMAGES, IMM_SETTING_EXTENSION_DIRECTORIES};
        static const enum imm_setting numbers[] = {IMM_SETTING_PRIVATE_DEVICES,
                IMM_SETTING_PROTECT_SYSTEM, IMM_SETTING_PROTECT_HOME,
                IMM_SETTING_PROTECT_KERNEL_TUNABLES, IMM_SETTING_PROTECT_KERNEL_MODULES,
                IMM_SETTING_PROTECT_KERNEL_LOGS, IMM_SETTING_PROTECT_CONTROL_GROUPS,
                IMM_SETTING_PROTECT_PROC, IMM_SETTING_PROC_SUBSET, IMM_SETTING_PRIVATE_IPC,
                IMM_SETTING_PRIVATE_PIDS};
        static const enum imm_setting directories[] = {IMM_SETTING_RUNTIME_DIRECTORY,
                IMM_SETTING_STATE_DIRECTORY, IMM_SETTING_CACHE_DIRECTORY,
                IMM_SETTING_LOGS_DIRECTORY, IMM_SETTING_CONFIGURATION_DIRECTORY};
        bool network = V(PRIVATE_NETWORK)->number == 1 || V(NETWORK_NAMESPACE_PATH)->string;
        uint64_t private_mounts = V(PRIVATE_MOUNTS)->number;

        for (size_t i = 0; i < IMM_ELEMENTSOF(lists); i++)
                if (imm_parse_peek(p, lists[i])->paths.n > 0)
                        return true;
        for (size_t i = 0; i < IMM_ELEMENTSOF(numbers); i++)
                if (imm_parse_peek(p, numbers[i])->number != 0)
                        return true;
        for (size_t i = 0; i < IMM_ELEMENTSOF(directories); i++) {
                const struct imm_value *v = imm_parse_peek(p, directories[i]);

                if (v->directories.n > 0 && V(ROOT_DIRECTORY)->string)
                        return true;
                if (v->directories.n > 0 && i > 0 && i < 4 && V(DYNAMIC_USER)->number == 1)
                        return true;
                for (size_t k = 0; k < v->directories.n; k++)
                        if (v->directories.v[k].read_only)
                                return true;
        }
        return V(ROOT_IMAGE)->string || V(IPC_NAMESPACE_PATH)->string ||
               V(MOUNT_FLAGS)->number > 1 || V(PRIVATE_TMP)->number == 2 || private_mounts == 1 ||
               (private_mounts == IMM_MINUS_ONE && network) ||
               (V(ROOT_DIRECTORY)->string && V(MOUNT_APIVFS)->number == 1) ||
               V(BIND_LOG_SOCKETS)->number == 1;
}

static const char *exec_fault(struct imm_parse *p) {
        const char *dir = V(WORKING_DIRECTORY)->string;
        bool dynamic = V(DYNAMIC_USER)->number == 1;
        uint64_t kill_mode = V(KILL_MODE)->number;

        if (p->version >= 257) {
                if (p->m->scope != IMM_SCOPE_SYSTEM && dynamic)
                        return "user units cannot have DynamicUser=";
                if (dynamic && dir && (imm_streq(dir, "~") || imm_streq(dir, "-~")))
                        return "DynamicUser= and WorkingDirectory=~ exclude each other";
                if (dir && below_api(dir) && has_mount_namespace(p))
                        return "WorkingDirectory= is below an API file system, which does not go "
                               "with a mount namespace";
                if (p->u->type != IMM_UNIT_SERVICE && V(PRIVATE_PIDS)->number != 0)
                        return "only services can have PrivatePIDs=";
        }
        if (V(PAM_NAME)->string && kill_mode != 0 &&
                (kill_mode != 2 || (p->u->type != IMM_UNIT_SERVICE && p->version < 257)))
                return "PAMName= needs KillMode=control-group or mixed";
        return NULL;
}

/*
 * Up to 248 a path that the unit requires the mounts of must fit into the name of a mount unit;
 * later versions hash the name.
 */
static bool path_is_too_long(struct imm_parse *p) {
        const char *paths[] = {
                V(ROOT_DIRECTORY)->string, V(ROOT_IMAGE)->string, V(WORKING_DIRECTORY)->string};

        for (size_t i = 0; p->version < 249 && i < IMM_ELEMENTSOF(paths); i++) {
                size_t n = 0;

                /* a slash becomes a dash, what is no plain character takes four bytes */
                for (const char *c = paths[i]; c && *paths[i] == '/' && *c; c++)
                        n += *c == '/' || (*c >= '0' && *c <= '9') || (*c >= 'a' && *c <= 'z') ||
                                             (*c >= 'A' && *c <= 'Z') || *c == '_' || *c == ':' ||
                                             *c == '.'
                                     ? 1
                                     : 4;
                if (n > 0 && n - 1 + strlen(".mount") >= 256)
                        return true;
        }
        return false;
}

void imm_verify(struct imm_parse *p, struct imm_settings *s) {
        const char *fault = NULL;

        switch (p->u->type) {
        case IMM_UNIT_SERVICE:
                fault = p->version >= 257 ? exec_fault(p) : NULL;
                if (!fault)
                        fault = service_fault(p);
                if (!fault)
                        fault = exec_fault(p);
                break;
        case IMM_UNIT_SOCKET:
                fault = socket_fault(p);
                if (!fault)
                        fault = exec_fault(p);
                break;
        case IMM_UNIT_MOUNT:
                fault = p->version >= 257 ? exec_fault(p) : NULL;
                if (!fault)
                        fault = mount_fault(p);
                if (!fault)
                        fault = exec_fault(p);
                break;
        case IMM_UNIT_SWAP:
                if (V(SWAP_WHAT)->string && !names_unit(p, V(SWAP_WHAT)->string, ".swap"))
                        fault = "What= does not match the unit's name";
                if (!fault)
                        fault = exec_fault(p);
                break;
        case IMM_UNIT_AUTOMOUNT:
                fault = automount_fault(p);
                break;
        case IMM_UNIT_TIMER:
                fault = timer_fault(p);
                break;
        case IMM_UNIT_PATH:
                fault = path_fault(p);
                break;
        default:
                break;
        }
        s->load = IMM_LOAD_BAD_SETTING;
        if (path_is_too_long(p)) {
                fault = "a path is too long for the name of a mount unit";
                s->load = IMM_LOAD_ERROR;
        }
        if (!fault) {
                s->load = IMM_LOAD_LOADED;
                return;
        }
        s->load_message = fault;
        imm_diag_add(p->a, p->diags, IMM_DIAG_ERROR, "bad-setting", p->u->fragment, 0, NULL,
                "%s: systemd refuses the unit", fault);
}
