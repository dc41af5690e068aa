/* Text to numbers. */

#include "analyzer/settings/numbers.h"

#include "analyzer/unit/words.h"
#include "base/text.h"

#include <errno.h>
#include <signal.h>
#include <strings.h>

bool imm_text_bool(const char *s, bool *ret) {
        static const char *const words[2][6] = {
                {"0", "no", "n", "false", "f", "off"}, {"1", "yes", "y", "true", "t", "on"}};

        for (size_t v = 0; v < 2; v++)
                for (size_t i = 0; i < IMM_ELEMENTSOF(words[v]); i++)
                        if (strcasecmp(s, words[v][i]) == 0) {
                                *ret = v == 1;
                                return true;
                        }
        return false;
}

/* White space goes; 0b and 0o are Python's, the rest is strtoul()'s */
static const char *number_start(const char *s, int *base) {
        s += strspn(s, IMM_WHITESPACE);
        if (s[0] == '0' && (s[1] == 'b' || s[1] == 'B')) {
                *base = 2;
                return s + 2;
        }
        if (s[0] == '0' && (s[1] == 'o' || s[1] == 'O')) {
                *base = 8;
                return s + 2;
        }
        return s;
}

bool imm_text_uint(const char *s, uint64_t max, uint64_t *ret) {
        int base = 0;
        char *end;
        unsigned long long l;

        s = number_start(s, &base);
        errno = 0;
        l = strtoull(s, &end, base);
        if (errno != 0 || end == s || *end != '\0' || (l != 0 && s[0] == '-') || l > max)
                return false;
        *ret = l;
        return true;
}

bool imm_text_int(const char *s, int64_t min, int64_t max, int64_t *ret) {
        int base = 0;
        char *end;
        long long l;

        s = number_start(s, &base);
        errno = 0;
        l = strtoll(s, &end, base);
        if (errno != 0 || end == s || *end != '\0' || l < min || l > max)
                return false;
        *ret = l;
        return true;
}

bool imm_text_mode(const char *s, uint64_t *ret) {
        char *end;
        unsigned long l;

        s += strspn(s, IMM_WHITESPACE);
        if (*s == '+' || *s == '-')
                return false;
        errno = 0;
        l = strtoul(s, &end, 8);
        if (errno != 0 || end == s || *end != '\0' || l > 07777)
                return false;
        *ret = l;
        return true;
}

/* The digits behind a decimal point, at least one: a fraction of one; *p goes behind them */
static bool fraction(const char **p, double *ret) {
        double v = 0, place = 1;
        const char *s = *p;

        for (; *s >= '0' && *s <= '9'; s++) {
                place /= 10;
                v += (*s - '0') * place;
        }
        if (s == *p)
                return false;
        *p = s;
        *ret = v;
        return true;
}

bool imm_text_size(const char *s, unsigned base, uint64_t *ret) {
        static const char units[] = "EPTGMKB"; /* each may come once, in this order */
        size_t next = 0;
        uint64_t sum = 0;

        do {
                unsigned long long l;
                uint64_t factor = 1, part;
                double rest = 0;
                const char *p;
                char *end;
                size_t i;

                s += strspn(s, IMM_WHITESPACE);
                errno = 0;
                l = strtoull(s, &end, 10);
                if (errno != 0 || end == s || *s == '-')
                        return false;
                p = end;
                if (*p == '.') {
                        p++;
                        (void)fraction(&p, &rest); /* "10.M" is fine */
                }
                p += strspn(p, IMM_WHITESPACE);

                for (i = next; i < sizeof(units) - 1 && *p != units[i]; i++)
                        ;
                if (i == sizeof(units) - 1 && next > i)
                        return false; /* a second number without a unit */
                for (size_t k = i; k + 1 < sizeof(units) - 1; k++)
                        factor *= base;
                if (i < sizeof(units) - 1)
                        p++;
                next = i + 1;

                if (l == UINT64_MAX || l + (rest > 0) > UINT64_MAX / factor)
                        return false;
                part = l * factor + (uint64_t)(rest * (double)factor);
                if (__builtin_add_overflow(sum, part, &sum))
                        return false;
                s = p;
        } while (*s != '\0');

        *ret = sum;
        return true;
}

struct unit {
        const char *suffix;
        uint64_t nsec;
};
#define SEC UINT64_C(1000000000)
/* The first that fits counts, so longer ones stand before their own beginnings. */
static const struct unit time_units[] = {{"seconds", SEC}, {"second", SEC}, {"sec", SEC},
        {"s", SEC}, {"minutes", 60 * SEC}, {"minute", 60 * SEC}, {"min", 60 * SEC},
        {"months", 2629800 * SEC}, {"month", 2629800 * SEC}, {"M", 2629800 * SEC},
        {"msec", SEC / 1000}, {"ms", SEC / 1000}, {"m", 60 * SEC}, {"hours", 3600 * SEC},
        {"hour", 3600 * SEC}, {"hr", 3600 * SEC}, {"h", 3600 * SEC}, {"days", 86400 * SEC},
        {"day", 86400 * SEC}, {"d", 86400 * SEC}, {"weeks", 604800 * SEC}, {"week", 604800 * SEC},
        {"w", 604800 * SEC}, {"years", 31557600 * SEC}, {"year", 31557600 * SEC},
        {"y", 31557600 * SEC}, {"usec", 1000}, {"us", 1000}, {"\xce\xbcs", 1000},
        {"\xc2\xb5s", 1000}, {"nsec", 1}, {"ns", 1}};

/* The unit that @s begins with, if one of its length is no less than @quantum; else as it was */
static const char *time_unit(const char *s, uint64_t quantum, uint64_t *factor) {
        for (size_t i = 0; i < IMM_ELEMENTSOF(time_units); i++) {
                const char *e =
                        time_units[i].nsec < quantum ? NULL : imm_after(s, time_units[i].suffix);

                if (e) {
                        *factor = time_units[i].nsec / quantum;
                        return e;
                }
        }
        return s;
}

static bool time_add(uint64_t *sum, uint64_t part) {
        if (part >= UINT64_MAX - *sum)
                return false;
        *sum += part;
        return true;
}

/* "1.5h" at the beginning of @s; NULL: there is no such part */
static const char *time_part(const char *s, uint64_t quantum, uint64_t plain, uint64_t *sum) {
        uint64_t factor = plain;
        const char *digits = NULL, *unit, *p;
        long long l;
        char *end;

        errno = 0;
        l = strtoll(s, &end, 10);
        if (*s == '-' || errno != 0 || l < 0)
                return NULL;
        p = end;
        if (*p == '.') {
                digits = ++p;
                p += strspn(p, "0123456789");
                if (p == digits)
                        return NULL;
        } else if (p == s)
                return NULL;

        unit = time_unit(p + strspn(p, IMM_WHITESPACE), quantum, &factor);
        if (unit == p && *p != '\0')
                return NULL;
        if ((uint64_t)l >= UINT64_MAX / factor || !time_add(sum, (uint64_t)l * factor))
                return NULL;
        for (; digits && *digits >= '0' && *digits <= '9'; digits++) {
                factor /= 10;
                if (!time_add(sum, (uint64_t)(*digits - '0') * factor))
                        return NULL;
        }
        return unit;
}

/* In units of @quantum nanoseconds; a plain number counts @plain of them */
static bool text_time(const char *s, uint64_t quantum, uint64_t plain, uint64_t *ret) {
        uint64_t sum = 0;
        const char *p;

        s += strspn(s, IMM_WHITESPACE);
        p = imm_after(s, "infinity");
        if (p) {
                if (p[strspn(p, IMM_WHITESPACE)] != '\0')
                        return false;
                *ret = UINT64_MAX;
                return true;
        }
        if (!*s)
                return false;
        for (; *s; s += strspn(s, IMM_WHITESPACE)) {
                s = time_part(s, quantum, plain, &sum);
                if (!s)
                        return false;
        }
        *ret = sum;
        return true;
}

bool imm_text_usec(const char *s, uint64_t unit, uint64_t *ret) {
        return text_time(s, 1000, unit, ret);
}

bool imm_text_nsec(const char *s, uint64_t *ret) {
        return text_time(s, 1, 1, ret);
}

bool imm_text_permyriad(const char *s, unsigned version, bool bounded, uint64_t *ret) {
        /* sign, its worth in ten-thousandths, digits allowed behind the point */
        static const struct {
                const char *sign;
                unsigned worth, places, since;
        } signs[] = {{"\xe2\x80\xb1", 1, 0, 249}, {"\xe2\x80\xb0", 10, 1, 249},
                {"\xe2\x80\xb0", 10, 0, 0}, {"%", 100, 2, 249}, {"%", 100, 1, 0}};
        size_t n = strlen(s), i;
        char whole[32];
        const char *dot;
        int64_t v;
        uint64_t sum, rest = 0;

        for (i = 0; i < IMM_ELEMENTSOF(signs); i++)
                if (version >= signs[i].since && imm_ends_with(s, signs[i].sign))
                        break;
        if (i == IMM_ELEMENTSOF(signs))
                return false;
        n -= strlen(signs[i].sign);

        dot = signs[i].places > 0 ? memchr(s, '.', n) : NULL;
        if (dot) {
                size_t places = (size_t)(s + n - dot) - 1;
                unsigned worth = signs[i].worth;

                if (places < 1 || places > signs[i].places)
                        return false;
                for (size_t k = 1; k <= places; k++) {
                        if (dot[k] < '0' || dot[k] > '9')
                                return false;
                        worth /= 10;
                        rest += (uint64_t)(dot[k] - '0') * worth;
                }
                n = (size_t)(dot - s);
        }
        if (n >= sizeof(whole))
                return false;
        memcpy(whole, s, n);
        whole[n] = '\0';
        if (!imm_text_int(whole, 0, (INT32_MAX - (int64_t)rest) / signs[i].worth, &v))
                return false;
        sum = (uint64_t)v * signs[i].worth + rest;
        if (bounded && sum > 10000)
                return false;
        *ret = sum;
        return true;
}

static const char *const signal_names[] = {NULL, "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS",
        "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT",
        "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO",
        "PWR", "SYS"};
enum { RT_MIN = 34, RT_MAX = 64 }; /* as the C library has them, two kept for itself */

const char *imm_signal_name(int number) {
        return number > 0 && (size_t)number < IMM_ELEMENTSOF(signal_names) ? signal_names[number]
                                                                           : NULL;
}

bool imm_text_signal(const char *s, int *ret) {
        const char *p;
        int64_t v;

        if (imm_text_int(s, INT32_MIN, INT32_MAX, &v)) {
                if (v < 1 || v > RT_MAX)
                        return false;
                *ret = (int)v;
                return true;
        }
        p = imm_after(s, "SIG");
        if (p)
                s = p;
        for (size_t i = 1; i < IMM_ELEMENTSOF(signal_names); i++)
                if (imm_streq(s, signal_names[i])) {
                        *ret = (int)i;
                        return true;
                }

        p = imm_after(s, "RTMIN");
        if (p) {
                if (*p != '\0' && (*p != '+' || !imm_text_int(p, 0, RT_MAX - RT_MIN, &v)))
                        return false;
                *ret = RT_MIN + (*p ? (int)v : 0);
                return true;
        }
        p = imm_after(s, "RTMAX");
        if (p) {
                if (*p != '\0' && (*p != '-' || !imm_text_int(p, RT_MIN - RT_MAX, 0, &v)))
                        return false;
                *ret = RT_MAX + (*p ? (int)v : 0);
                return true;
        }
        return false;
}

const char *imm_errno_name(int number) {
        return number > 0 ? strerrorname_np(number) : NULL;
}

bool imm_text_errno(const char *s, int *ret) {
        enum { MAX = 4095 };
        static const struct {
                const char *name;
                int number;
        } twice[] = {{"EWOULDBLOCK", EWOULDBLOCK}, {"EDEADLOCK", EDEADLOCK}, {"ENOTSUP", ENOTSUP},
                {"EOPNOTSUPP", EOPNOTSUPP}};
        int64_t v;

        if (*s == 'E' || *s == 'e') { /* systemd's table of names knows no case */
                for (size_t i = 0; i < IMM_ELEMENTSOF(twice); i++)
                        if (strcasecmp(s, twice[i].name) == 0) {
                                *ret = twice[i].number;
                                return true;
                        }
                for (int i = 1; i < 200; i++)
                        if (imm_errno_name(i) && strcasecmp(s, imm_errno_name(i)) == 0) {
                                *ret = i;
                                return true;
                        }
                return false;
        }
        if (!imm_text_int(s, 0, MAX, &v))
                return false;
        *ret = (int)v;
        return true;
}
