/*
 * What sockets, timers, paths and automounts are to start, and is not there: systemd refuses to
 * start them. Sources: systemd.socket(5), systemd.timer(5), systemd.path(5), systemd.automount(5);
 * tests/lab.
 */

#include "analyzer/sandbox/access/access-private.h"
#include "analyzer/sandbox/start/preflight.h"

#include <string.h>

/* The setting that names it, if one does */
static enum imm_setting named_by(enum imm_unit_type type) {
        switch (type) {
        case IMM_UNIT_SOCKET:
                return IMM_SETTING_SERVICE;
        case IMM_UNIT_TIMER:
                return IMM_SETTING_UNIT;
        case IMM_UNIT_PATH:
                return IMM_SETTING_PATH_UNIT;
        default:
                return IMM_SETTING_N;
        }
}

/* NULL: none by a name that is known before */
static const char *triggered(const struct imm_settings *s, struct imm_arena *a) {
        enum imm_setting setting = named_by(s->unit->type);
        const char *name = setting < IMM_SETTING_N ? imm_setting_string(s, setting) : NULL;
        const char *dot = strrchr(s->unit->name, '.');
        bool mounts = s->unit->type == IMM_UNIT_AUTOMOUNT;

        if (name && *name)
                return name;
        if (!dot || (setting == IMM_SETTING_N && !mounts))
                return NULL;
        if (s->unit->type == IMM_UNIT_SOCKET && imm_setting_bool(s, IMM_SETTING_ACCEPT))
                return NULL;
        return imm_printf(a, "%.*s.%s", (int)(dot - s->unit->name), s->unit->name,
                mounts ? "mount" : "service");
}

static bool is_there(struct imm_manager *m, const char *name, struct imm_arena *a) {
        const char *at = strchr(name, '@'), *dot = strrchr(name, '.');
        struct imm_unit *u = imm_manager_find(m, name);

        if (!u && at && dot)
                u = imm_manager_find(m, imm_printf(a, "%.*s%s", (int)(at + 1 - name), name, dot));
        return u && u->load != IMM_LOAD_NOT_FOUND;
}

/* Services of scripts, mounts of fstab and what other programs write at boot have no files. */
static bool may_be_generated(struct imm_manager *m, const struct imm_settings *s, const char *name,
        struct imm_arena *a) {
        enum { FSTAB_MAX = 256 * 1024 };
        const char *dot = strrchr(name, '.'), *where;
        struct imm_blob fstab;
        struct stat st;

        if (!dot)
                return true;
        if (imm_streq(dot, ".mount")) {
                where = imm_setting_string(s, IMM_SETTING_AUTOMOUNT_WHERE);
                return !where ||
                       (imm_root_read(m->root, "/etc/fstab", FSTAB_MAX, a, &fstab, NULL) == 0 &&
                               strstr(fstab.data, where));
        }
        return imm_root_stat(m->root, imm_printf(a, "/etc/init.d/%.*s", (int)(dot - name), name),
                       &st) == 0;
}

bool imm_start_trigger(struct imm_manager *m, const struct imm_settings *s, struct imm_arena *a,
        struct imm_start_fault *ret) {
        const char *name = triggered(s, a);
        enum imm_setting setting = named_by(s->unit->type);

        if (!name || s->unit->given_by_path || s->unit->instance || is_there(m, name, a) ||
                may_be_generated(m, s, name, a))
                return false;
        *ret = (struct imm_start_fault){.outcome = IMM_OUTCOME_TRIGGER_FAILURE,
                .culprit = name,
                .setting = setting,
                .step = IMM_STEP_SPAWN,
                .why = "the unit that it is to start, is not there"};
        if (setting < IMM_SETTING_N)
                ret->origin = imm_setting(s, setting)->origin;
        return true;
}

bool imm_preflight_lacks_trigger(
        struct imm_manager *m, const struct imm_settings *s, struct imm_arena *a) {
        struct imm_start_fault ignored;

        return imm_start_trigger(m, s, a, &ignored);
}
