/*
 * The registry: settings.def as tables, and names to rows. Names are looked up in one hash table
 * that is built once; a file's key is then found among the groups that its section may hold.
 */

#include "analyzer/settings/registry.h"
#include "analyzer/settings/parse/parse.h"

#include <pthread.h>
#include <strings.h>

#define imm_words_none NULL
#define L IMM_SETTING_ADDS
#define R IMM_SETTING_RESETS
#define F IMM_SETTING_FATAL
#define B IMM_SETTING_BOOLEAN_TOO
#define S IMM_SETTING_SYSTEM_ONLY
#define N IMM_SETTING_NEEDS_USERNS

const struct imm_setting_row imm_setting_rows[IMM_SETTING_N] = {
#define SETTING(i, n, g, t, s, u, p, f, w, d) \
        [IMM_SETTING_##i] = { \
                .info = {.name = n, \
                        .section = #g, \
                        .type = IMM_VALUE_##t, \
                        .since = s, \
                        .until = u, \
                        .words = imm_words_##w, \
                        .list = ((f)&L) != 0, \
                        .resets = ((f)&R) != 0, \
                        .fatal = ((f)&F) != 0, \
                        .users = ((f)&S)   ? IMM_USERS_NEVER \
                                 : ((f)&N) ? IMM_USERS_IN_NAMESPACE \
                                           : IMM_USERS_TOO}, \
                .group = IMM_GROUP_##g, \
                .flags = f, \
                .parser = imm_parse_##p, \
        },
#include "analyzer/settings/settings.def"
};

static const struct imm_setting_key keys[] = {
#define SETTING(i, n, g, t, s, u, ...) {n, IMM_GROUP_##g, IMM_SETTING_##i, s, u},
#define ALIAS(n, g, i, s, u) {n, IMM_GROUP_##g, IMM_SETTING_##i, s, u},
#include "analyzer/settings/settings.def"
};

#undef L
#undef R
#undef F
#undef B
#undef S
#undef N

enum { N_KEYS = IMM_ELEMENTSOF(keys), N_SLOTS = 2048 };
_Static_assert(N_KEYS * 2 < N_SLOTS, "the hash table is at most half full");

static uint16_t slots[N_SLOTS]; /* index into keys plus one */
static pthread_once_t slots_once = PTHREAD_ONCE_INIT;

static size_t hash(const char *s) {
        uint32_t h = 2166136261U;

        for (; *s; s++)
                h = (h ^ (unsigned char)*s) * 16777619U;
        return (h ^ h >> 15) % N_SLOTS;
}

static void slots_build(void) {
        for (size_t i = 0; i < N_KEYS; i++) {
                size_t k = hash(keys[i].name);

                while (slots[k] != 0)
                        k = (k + 1) % N_SLOTS;
                slots[k] = (uint16_t)(i + 1);
        }
}

const struct imm_setting_key *imm_setting_key(const char *name, unsigned groups) {
        (void)pthread_once(&slots_once, slots_build);

        for (size_t k = hash(name); slots[k] != 0; k = (k + 1) % N_SLOTS) {
                const struct imm_setting_key *key = &keys[slots[k] - 1];

                if ((groups & 1U << key->group) != 0 && imm_streq(key->name, name))
                        return key;
        }
        return NULL;
}

const struct imm_setting_info *imm_setting_info(enum imm_setting id) {
        return id < IMM_SETTING_N ? &imm_setting_rows[id].info : NULL;
}

bool imm_setting_known(enum imm_setting id, unsigned version) {
        const struct imm_setting_info *i = imm_setting_info(id);

        return i && version >= i->since && (i->until == 0 || version <= i->until);
}

enum imm_setting imm_setting_by_name(const char *name) {
        /* Several sections have a TimeoutSec=: services come first, then [Unit] */
        static const unsigned order[] = {1U << IMM_GROUP_Service,
                1U << IMM_GROUP_Exec | 1U << IMM_GROUP_CGroup | 1U << IMM_GROUP_Kill,
                1U << IMM_GROUP_Unit, ~0U};

        for (size_t i = 0; i < IMM_ELEMENTSOF(order); i++) {
                const struct imm_setting_key *key = imm_setting_key(name, order[i]);

                if (key)
                        return key->id;
        }
        return IMM_SETTING_N;
}

#define G(g) (1U << IMM_GROUP_##g)
static const struct {
        const char *section;
        enum imm_unit_type type; /* IMM_UNIT_TYPE_N: all have it */
        unsigned groups;
} sections[] = {
        {"Unit", IMM_UNIT_TYPE_N, G(Unit)},
        {"Install", IMM_UNIT_TYPE_N, G(Install)},
        {"Service", IMM_UNIT_SERVICE, G(Service) | G(Exec) | G(CGroup) | G(Kill)},
        {"Socket", IMM_UNIT_SOCKET, G(Socket) | G(Exec) | G(CGroup) | G(Kill)},
        {"Mount", IMM_UNIT_MOUNT, G(Mount) | G(Exec) | G(CGroup) | G(Kill)},
        {"Swap", IMM_UNIT_SWAP, G(Swap) | G(Exec) | G(CGroup) | G(Kill)},
        {"Slice", IMM_UNIT_SLICE, G(Slice) | G(CGroup)},
        {"Scope", IMM_UNIT_SCOPE, G(Scope) | G(CGroup) | G(Kill)},
        {"Automount", IMM_UNIT_AUTOMOUNT, G(Automount)},
        {"Timer", IMM_UNIT_TIMER, G(Timer)},
        {"Path", IMM_UNIT_PATH, G(Path)},
};
#undef G

unsigned imm_section_groups(const char *section, enum imm_unit_type type) {
        for (size_t i = 0; i < IMM_ELEMENTSOF(sections); i++)
                if (imm_streq(sections[i].section, section) &&
                        (sections[i].type == type || sections[i].type == IMM_UNIT_TYPE_N))
                        return sections[i].groups;
        return 0;
}

const char *imm_group_section(enum imm_setting_group g) {
        for (size_t i = 0; i < IMM_ELEMENTSOF(sections); i++)
                if (sections[i].groups & 1U << g)
                        return sections[i].section;
        return "Unit";
}

/* Changes from @a to @b: letters put in, left out, replaced or swapped with the next; case is free
 */
static unsigned distance(const char *a, size_t n, const char *b, size_t m) {
        enum { MAX = 64 };
        unsigned row[3][MAX + 1];
        unsigned *before = row[0], *last = row[1], *now = row[2];

        if (n > MAX || m > MAX)
                return MAX;
        for (size_t j = 0; j <= m; j++)
                last[j] = (unsigned)j;
        for (size_t i = 1; i <= n; i++) {
                unsigned *t;

                now[0] = (unsigned)i;
                for (size_t j = 1; j <= m; j++) {
                        bool same = strncasecmp(a + i - 1, b + j - 1, 1) == 0;
                        unsigned d = last[j - 1] + !same;

                        if (last[j] + 1 < d)
                                d = last[j] + 1;
                        if (now[j - 1] + 1 < d)
                                d = now[j - 1] + 1;
                        if (i > 1 && j > 1 && strncasecmp(a + i - 1, b + j - 2, 1) == 0 &&
                                strncasecmp(a + i - 2, b + j - 1, 1) == 0 && before[j - 2] + 1 < d)
                                d = before[j - 2] + 1;
                        now[j] = d;
                }
                t = before;
                before = last;
                last = now;
                now = t;
        }
        return last[m];
}

const char *imm_setting_nearest(const char *name, unsigned groups, unsigned version) {
        size_t n = strlen(name);
        unsigned best = n < 6 ? 2 : n < 12 ? 3 : 4; /* more changes than that is another word */
        const char *found = NULL;

        for (size_t i = 0; i < N_KEYS; i++) {
                size_t m = strlen(keys[i].name);
                unsigned d;

                if ((groups & 1U << keys[i].group) == 0 ||
                        !imm_setting_key_known(&keys[i], version) || m + best <= n || n + best <= m)
                        continue;
                d = distance(name, n, keys[i].name, m);
                if (d < best) {
                        best = d;
                        found = keys[i].name;
                }
        }
        return found;
}
