/* Single values: booleans, words, numbers, time spans, signals, limits. */

#include "analyzer/settings/numbers.h"
#include "analyzer/settings/parse/parse.h"
#include "analyzer/unit/words.h"

#include <inttypes.h>

static enum imm_parsed take(struct imm_parse *p, uint64_t number) {
        struct imm_value *v = imm_parse_value(p);

        v->number = number;
        v->relative = false;
        return IMM_PARSED_TAKEN;
}

static enum imm_parsed take_signed(struct imm_parse *p, int64_t number) {
        return take(p, (uint64_t)number);
}

static enum imm_parsed reset(struct imm_parse *p) {
        imm_parse_reset(p, p->id);
        return IMM_PARSED_RESET;
}

/* An empty value where the registry says that it resets */
static bool resets(const struct imm_parse *p, const char *value) {
        return *value == '\0' && (p->row->flags & IMM_SETTING_RESETS) != 0;
}

static enum imm_parsed bad(struct imm_parse *p, const char *what, const char *value) {
        if (p->row->flags & IMM_SETTING_FATAL)
                return imm_parse_refuse(p, "'%s' is not %s", value, what);
        return imm_parse_ignore(p, "'%s' is not %s", value, what);
}

enum imm_parsed imm_parse_none(struct imm_parse *p, const char *value) {
        return imm_parse_ignore(p, "'%s' cannot be set", value); /* derived ones have no parser */
}

enum imm_parsed imm_parse_obsolete(struct imm_parse *p, const char *value) {
        (void)value;
        return imm_parse_ignore(p, "it has no function any more");
}

enum imm_parsed imm_parse_raw(struct imm_parse *p, const char *value) {
        struct imm_value *v;

        if (resets(p, value))
                return reset(p);
        v = imm_parse_value(p);
        *imm_array_push(p->a, &v->strings) =
                (struct imm_string_item){.text = value, .origin = p->origin};
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_bool(struct imm_parse *p, const char *value) {
        bool b;

        if (!imm_text_bool(value, &b))
                return bad(p, "a boolean", value);
        return take(p, b);
}

/* OnFailureIsolate=, the old way to say OnFailureJobMode= */
enum imm_parsed imm_parse_isolate(struct imm_parse *p, const char *value) {
        enum { REPLACE = 1, ISOLATE = 3 };
        bool b;

        if (!imm_text_bool(value, &b))
                return bad(p, "a boolean", value);
        imm_parse_value_of(p, IMM_SETTING_ON_FAILURE_JOB_MODE)->number = b ? ISOLATE : REPLACE;
        return take(p, b);
}

enum imm_parsed imm_parse_tristate(struct imm_parse *p, const char *value) {
        bool b;
        /* Before these were three-valued, an empty one was an invalid boolean. */
        bool two_valued = (p->id == IMM_SETTING_PRIVATE_MOUNTS && p->version < 254) ||
                          (p->id == IMM_SETTING_MOUNT_APIVFS && p->version < 248);

        if (*value == '\0' && !two_valued)
                return reset(p);
        if (!imm_text_bool(value, &b))
                return bad(p, "a boolean", value);
        return take(p, b);
}

enum imm_parsed imm_parse_enum(struct imm_parse *p, const char *value) {
        const char *const *words = p->row->info.words;
        bool b;

        if (resets(p, value))
                return reset(p);
        if ((p->row->flags & IMM_SETTING_BOOLEAN_TOO) && imm_text_bool(value, &b))
                return take(p, b);
        for (size_t i = 0; words[i]; i++)
                if (*value != '\0' && imm_streq(words[i], value)) {
                        unsigned since = imm_word_since(words, i);

                        if (since > p->version)
                                return imm_parse_ignore(
                                        p, "'%s' is known from systemd %u on", value, since);
                        return take(p, i);
                }
        return bad(p, "one of its words", value);
}

/* A user's manager can but end itself; up to 253 it took any other action for that. */
enum imm_parsed imm_parse_emergency_action(struct imm_parse *p, const char *value) {
        enum { NONE, EXIT, EXIT_FORCE };
        const char *const *words = p->row->info.words;
        size_t i = 0;

        while (words[i] && !imm_streq(words[i], value))
                i++;
        if (p->m->scope == IMM_SCOPE_SYSTEM || i <= EXIT_FORCE || !words[i])
                return imm_parse_enum(p, value);
        if (p->version < 254)
                return take(p, EXIT_FORCE);
        return imm_parse_ignore(p, "'%s' is not for the manager of a user", value);
}

/* Words that also have numbers */
static enum imm_parsed enum_or_number(struct imm_parse *p, const char *value, uint64_t max) {
        const char *const *words = p->row->info.words;
        uint64_t n;

        if (resets(p, value))
                return reset(p);
        for (size_t i = 0; words[i]; i++)
                if (*value != '\0' && imm_streq(words[i], value))
                        return take(p, i);
        if (!imm_text_uint(value, max, &n))
                return bad(p, "one of its words or numbers", value);
        return take(p, n);
}

enum imm_parsed imm_parse_log_level(struct imm_parse *p, const char *value) {
        return enum_or_number(p, value, 7);
}

enum imm_parsed imm_parse_log_facility(struct imm_parse *p, const char *value) {
        return enum_or_number(p, value, 127);
}

enum imm_parsed imm_parse_io_class(struct imm_parse *p, const char *value) {
        return enum_or_number(p, value, 7);
}

/* fifo and rr have priorities from 1 to 99, the others none */
static bool is_realtime(uint64_t policy) {
        return policy == 1 || policy == 2;
}

/* The priority follows where the policy goes. */
enum imm_parsed imm_parse_sched_policy(struct imm_parse *p, const char *value) {
        enum imm_parsed r = enum_or_number(p, value, INT32_MAX);
        int64_t priority = (int64_t)imm_parse_peek(p, IMM_SETTING_CPU_SCHEDULING_PRIORITY)->number;

        if (r == IMM_PARSED_RESET)
                imm_parse_reset(p, IMM_SETTING_CPU_SCHEDULING_PRIORITY);
        else if (r == IMM_PARSED_TAKEN) {
                bool realtime = is_realtime(imm_parse_peek(p, p->id)->number);

                if (realtime && priority < 1)
                        imm_parse_value_of(p, IMM_SETTING_CPU_SCHEDULING_PRIORITY)->number = 1;
                else if (!realtime && priority != 0)
                        imm_parse_value_of(p, IMM_SETTING_CPU_SCHEDULING_PRIORITY)->number = 0;
        }
        return r;
}

enum imm_parsed imm_parse_bind_ipv6_only(struct imm_parse *p, const char *value) {
        bool b;

        if (imm_text_bool(value, &b))
                return take(p, b ? 2 : 1);
        return imm_parse_enum(p, value);
}

static enum imm_parsed unsigned_up_to(struct imm_parse *p, const char *value, uint64_t max) {
        uint64_t n;

        if (resets(p, value))
                return reset(p);
        if (!imm_text_uint(value, max, &n))
                return bad(p, "a number in range", value);
        return take(p, n);
}

static enum imm_parsed signed_between(
        struct imm_parse *p, const char *value, int64_t min, int64_t max) {
        int64_t n;

        if (resets(p, value))
                return reset(p);
        if (!imm_text_int(value, min, max, &n))
                return bad(p, "a number in range", value);
        return take_signed(p, n);
}

enum imm_parsed imm_parse_unsigned(struct imm_parse *p, const char *value) {
        return unsigned_up_to(p, value, UINT32_MAX);
}

enum imm_parsed imm_parse_tty_size(struct imm_parse *p, const char *value) {
        return unsigned_up_to(p, value, UINT16_MAX);
}

enum imm_parsed imm_parse_exit_status(struct imm_parse *p, const char *value) {
        return unsigned_up_to(p, value, UINT8_MAX);
}

enum imm_parsed imm_parse_int(struct imm_parse *p, const char *value) {
        return signed_between(p, value, INT32_MIN, INT32_MAX);
}

enum imm_parsed imm_parse_long(struct imm_parse *p, const char *value) {
        return signed_between(p, value, INT64_MIN, INT64_MAX);
}

enum imm_parsed imm_parse_nice(struct imm_parse *p, const char *value) {
        return signed_between(p, value, -20, 19);
}

enum imm_parsed imm_parse_oom_score_adjust(struct imm_parse *p, const char *value) {
        return signed_between(p, value, -1000, 1000);
}

enum imm_parsed imm_parse_sched_priority(struct imm_parse *p, const char *value) {
        bool realtime = is_realtime(imm_parse_peek(p, IMM_SETTING_CPU_SCHEDULING_POLICY)->number);

        if (p->version >= 250) /* the policy may come later */
                return signed_between(p, value, 0, 99);
        return realtime ? signed_between(p, value, 1, 99) : signed_between(p, value, 0, 0);
}

enum imm_parsed imm_parse_io_priority(struct imm_parse *p, const char *value) {
        return signed_between(p, value, 0, 7);
}

enum imm_parsed imm_parse_mode(struct imm_parse *p, const char *value) {
        uint64_t n;

        if (!imm_text_mode(value, &n))
                return bad(p, "an octal mode", value);
        return take(p, n);
}

enum imm_parsed imm_parse_iec_size(struct imm_parse *p, const char *value) {
        uint64_t n;

        if (!imm_text_size(value, 1024, &n))
                return bad(p, "a size", value);
        return take(p, n);
}

enum imm_parsed imm_parse_sec(struct imm_parse *p, const char *value) {
        uint64_t n;

        if (resets(p, value))
                return reset(p);
        if (!imm_text_usec(value, 1000000, &n))
                return bad(p, "a time span", value);
        return take(p, n);
}

enum imm_parsed imm_parse_pressure_duration(struct imm_parse *p, const char *value) {
        uint64_t n;

        if (resets(p, value))
                return reset(p);
        if (!imm_text_usec(value, 1000000, &n) || n < 1000000 || n == UINT64_MAX)
                return bad(p, "a time span of at least a second", value);
        return take(p, n);
}

enum imm_parsed imm_parse_sec_or_infinity(struct imm_parse *p, const char *value) {
        return imm_parse_sec(p, value);
}

enum imm_parsed imm_parse_sec_fix_0(struct imm_parse *p, const char *value) {
        uint64_t n;

        if (!imm_text_usec(value, 1000000, &n))
                return bad(p, "a time span", value);
        return take(p, n == 0 ? UINT64_MAX : n);
}

enum imm_parsed imm_parse_nsec(struct imm_parse *p, const char *value) {
        uint64_t n;

        if (!imm_text_nsec(value, &n))
                return bad(p, "a time span", value);
        return n == UINT64_MAX ? reset(p) : take(p, n); /* "infinity" is how unset is kept */
}

/* "0-3,5 7" */
static bool is_cpu_list(const char *s) {
        enum { MAX = 8192 };

        while (*(s += strspn(s, " \t,"))) {
                size_t n = strcspn(s, " \t,"), dash = strcspn(s, "-");
                char from[8], to[8];
                uint64_t x;

                if (dash >= n)
                        dash = n;
                if (dash >= sizeof(from) || n - dash > sizeof(to))
                        return false;
                memcpy(from, s, dash);
                from[dash] = '\0';
                if (!imm_text_uint(from, MAX - 1, &x))
                        return false;
                if (dash < n) {
                        memcpy(to, s + dash + 1, n - dash - 1);
                        to[n - dash - 1] = '\0';
                        if (!imm_text_uint(to, MAX - 1, &x))
                                return false;
                }
                s += n;
        }
        return true;
}

/* 247 refuses the whole unit for a bad list (with load state "error"). */
enum imm_parsed imm_parse_cpu_affinity(struct imm_parse *p, const char *value) {
        if (*value == '\0' || imm_streq(value, "numa") || is_cpu_list(value))
                return imm_parse_raw(p, value);
        p->error = p->version <= 247;
        return p->error ? imm_parse_refuse(p, "'%s' is no list of CPUs", value)
                        : imm_parse_ignore(p, "'%s' is no list of CPUs", value);
}

/* TimeoutStartSec=, and TimeoutSec= which sets the stop timeout with it; 0 means none */
enum imm_parsed imm_parse_service_timeout(struct imm_parse *p, const char *value) {
        uint64_t n;

        if (!imm_text_usec(value, 1000000, &n))
                return bad(p, "a time span", value);
        n = n == 0 ? UINT64_MAX : n;
        imm_parse_value_of(p, IMM_SETTING_TIMEOUT_START_SEC)->number = n;
        if (p->id == IMM_SETTING_TIMEOUT_SEC)
                imm_parse_value_of(p, IMM_SETTING_TIMEOUT_STOP_SEC)->number = n;
        return take(p, n);
}

enum imm_parsed imm_parse_timeout_abort(struct imm_parse *p, const char *value) {
        return imm_parse_sec(p, value);
}

enum imm_parsed imm_parse_signal(struct imm_parse *p, const char *value) {
        int n;

        if (!imm_text_signal(value, &n))
                return bad(p, "a signal", value);
        return take(p, (uint64_t)n);
}

/* How each limit reads its numbers */
enum limit_kind { LIMIT_PLAIN, LIMIT_SIZE, LIMIT_SEC, LIMIT_USEC, LIMIT_NICE };

static enum limit_kind limit_kind(enum imm_setting id) {
        switch (id) {
        case IMM_SETTING_LIMIT_CPU:
                return LIMIT_SEC;
        case IMM_SETTING_LIMIT_FSIZE:
        case IMM_SETTING_LIMIT_DATA:
        case IMM_SETTING_LIMIT_STACK:
        case IMM_SETTING_LIMIT_CORE:
        case IMM_SETTING_LIMIT_RSS:
        case IMM_SETTING_LIMIT_AS:
        case IMM_SETTING_LIMIT_MEMLOCK:
        case IMM_SETTING_LIMIT_MSGQUEUE:
                return LIMIT_SIZE;
        case IMM_SETTING_LIMIT_NICE:
                return LIMIT_NICE;
        case IMM_SETTING_LIMIT_RTTIME:
                return LIMIT_USEC;
        default:
                return LIMIT_PLAIN;
        }
}

static bool limit_one(enum limit_kind kind, const char *s, uint64_t *ret) {
        uint64_t n;

        if (kind != LIMIT_NICE && imm_streq(s, "infinity")) {
                *ret = UINT64_MAX;
                return true;
        }
        switch (kind) {
        case LIMIT_PLAIN:
                return imm_text_uint(s, UINT64_MAX - 1, ret);
        case LIMIT_SIZE:
                return imm_text_size(s, 1024, &n) && n < UINT64_MAX && (*ret = n, true);
        case LIMIT_SEC:
                if (!imm_text_usec(s, 1000000, &n))
                        return false;
                *ret = n == UINT64_MAX ? n : n / 1000000 + (n % 1000000 != 0);
                return true;
        case LIMIT_USEC:
                return imm_text_usec(s, 1, ret);
        case LIMIT_NICE:
                /* +N and -N are nice levels, a plain number is the kernel's own */
                if (*s == '+')
                        return imm_text_uint(s + 1, 19, &n) && (*ret = 20 - n, true);
                if (*s == '-')
                        return imm_text_uint(s + 1, 20, &n) && (*ret = 20 + n, true);
                return imm_text_uint(s, 40, ret);
        }
        return false;
}

bool imm_text_limit(
        enum imm_setting id, const char *s, struct imm_arena *a, struct imm_limit *ret) {
        enum limit_kind kind = limit_kind(id);
        struct imm_limit l;
        const char *soft, *hard;

        if (imm_word_next(&s, ":", IMM_WORDS_DONT_COALESCE, a, &soft) <= 0 ||
                !limit_one(kind, soft, &l.soft))
                return false;
        l.hard = l.soft;
        if (s) {
                if (imm_word_next(&s, ":", IMM_WORDS_DONT_COALESCE, a, &hard) < 0 || (s && *s) ||
                        (hard && !limit_one(kind, hard, &l.hard)))
                        return false;
        }
        if (l.soft > l.hard)
                return false;
        *ret = l;
        return true;
}

enum imm_parsed imm_parse_limit(struct imm_parse *p, const char *value) {
        struct imm_limit l;

        if (resets(p, value))
                return reset(p);
        if (!imm_text_limit(p->id, value, p->a, &l))
                return bad(p, "a limit, or SOFT:HARD with SOFT not above HARD", value);
        imm_parse_value(p)->limit = l;
        return IMM_PARSED_TAKEN;
}
