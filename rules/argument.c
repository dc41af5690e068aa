#include "rules/rules-private.h"

#include "analyzer/bus/bus.h"
#include "analyzer/settings/groups/groups.h"
#include "analyzer/unit/words.h"

#include <errno.h>
#include <sched.h>
#include <sys/capability.h>

/* Values of conditions: read once, when the rule is loaded, into what the conditions compare. */

struct work {
        struct imm_arena *a;
        unsigned version;
        struct imm_argument *to;
        const char *problem;
};

static int fail(struct work *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static int fail(struct work *w, const char *fmt, ...) {
        va_list ap;

        va_start(ap, fmt);
        w->problem = imm_vprintf(w->a, fmt, ap);
        va_end(ap);
        return -EINVAL;
}

static int setting_named(struct work *w, const char *name, enum imm_setting *ret) {
        *ret = imm_setting_by_name(name);
        return *ret == IMM_SETTING_N ? fail(w, "'%s' is no setting", name) : 0;
}

/* A word from a list whose items are bits in order of @names */
static int add_bit(struct work *w, const char *const *names, size_t n, const char *word) {
        const char *all = names[0];

        for (size_t i = 0; i < n; i++)
                if (imm_streq(names[i], word)) {
                        w->to->mask |= UINT64_C(1) << i;
                        return 0;
                }
        for (size_t i = 1; i < n; i++)
                all = imm_printf(w->a, "%s, %s", all, names[i]);
        return fail(w, "'%s' is none of %s", word, all);
}

static int add_enum(struct work *w, const struct imm_setting_info *info, const char *word) {
        for (size_t i = 0; info->words[i]; i++)
                if (imm_streq(info->words[i], word)) {
                        w->to->mask |= UINT64_C(1) << i;
                        return 0;
                }
        /* what was a boolean once: PrivateTmp=yes is now one of several kinds of it */
        if (imm_streq(word, "yes") && imm_streq(info->words[0], "no")) {
                for (size_t i = 1; info->words[i]; i++)
                        w->to->mask |= UINT64_C(1) << i;
                return 0;
        }
        return fail(w, "%s= has no value '%s'", info->name, word);
}

static int add_value(struct work *w, const struct imm_setting_info *info, const char *word) {
        static const char *const booleans[] = {"no", "yes"};
        static const char *const tristates[] = {"unset", "no", "yes"};

        switch (info->type) {
        case IMM_VALUE_BOOL:
                return add_bit(w, booleans, 2, word);
        case IMM_VALUE_TRISTATE:
                return add_bit(w, tristates, 3, word);
        case IMM_VALUE_ENUM:
                return add_enum(w, info, word);
        case IMM_VALUE_STRING:
        case IMM_VALUE_STRINGS:
        case IMM_VALUE_NAMES:
        case IMM_VALUE_RAW:
                imm_strv_add(w->a, &w->to->words, word);
                return 0;
        default:
                return fail(w, "%s= cannot be compared with words", info->name);
        }
}

/* Filters: lists that allow or deny */
static int is_filter(struct work *w, enum imm_setting id) {
        const struct imm_setting_info *info = imm_setting_info(id);

        if (info->type == IMM_VALUE_NAMES || info->type == IMM_VALUE_SYSCALLS)
                return 0;
        return fail(w, "%s= is no list that allows or denies", info->name);
}

static int add_setting_word(
        struct work *w, enum imm_argument_kind kind, const char *word, size_t at) {
        static const char *const modes[] = {"allow", "deny", "none"};
        int r;

        if (at == 0) {
                r = setting_named(w, word, &w->to->setting);
                if (r == 0 && kind != IMM_ARGUMENT_SETTING_WORDS)
                        r = is_filter(w, w->to->setting);
                return r;
        }
        if (kind == IMM_ARGUMENT_SETTING_WORDS)
                return add_value(w, imm_setting_info(w->to->setting), word);
        if (kind == IMM_ARGUMENT_SETTING_MODES)
                return add_bit(w, modes, 3, word);
        if (at == 1 && *word == '~') {
                w->to->inverted = true;
                word++;
        }
        if (*word)
                imm_strv_add(w->a, &w->to->words, word);
        return 0;
}

static int add_setting(struct work *w, const char *word) {
        struct imm_argument *to = w->to;
        enum imm_setting id, *more;
        int r = setting_named(w, word, &id);

        if (r < 0)
                return r;
        more = imm_alloc_array(w->a, to->n_settings + 1, sizeof(*more));
        if (to->n_settings > 0)
                memcpy(more, to->settings, to->n_settings * sizeof(*more));
        more[to->n_settings++] = id;
        to->settings = more;
        return 0;
}

static int add_capability(struct work *w, const char *word) {
        cap_value_t value;

        if (cap_from_name(word, &value) < 0 || value > 63)
                return fail(w, "'%s' is no capability", word);
        w->to->mask |= UINT64_C(1) << value;
        return 0;
}

static int add_namespace(struct work *w, const char *word) {
        static const struct {
                const char *name;
                uint64_t flag;
        } namespaces[] = {
                {"cgroup", CLONE_NEWCGROUP},
                {"ipc", CLONE_NEWIPC},
                {"net", CLONE_NEWNET},
                {"mnt", CLONE_NEWNS},
                {"pid", CLONE_NEWPID},
                {"user", CLONE_NEWUSER},
                {"uts", CLONE_NEWUTS},
        };

        for (size_t i = 0; i < IMM_ELEMENTSOF(namespaces); i++)
                if (imm_streq(namespaces[i].name, word)) {
                        w->to->mask |= namespaces[i].flag;
                        return 0;
                }
        return fail(w, "'%s' is no kind of namespace", word);
}

static void add_call(struct work *w, const struct imm_call_data *call) {
        int number = call ? imm_call_number(call) : -1;

        if (number >= 0 && number < 64 * IMM_CALL_WORDS)
                w->to->calls[number / 64] |= UINT64_C(1) << (number % 64);
        else if (call && imm_call_is_foreign(call))
                imm_strv_add(w->a, &w->to->foreign_calls, call->name);
}

/* Names that this version or architecture does not know are no mistake: nobody makes such a call.
 * Those that none knows are misspelt, and would never be found. */
static int add_calls(struct work *w, const char *word) {
        unsigned bit = imm_group_bit(w->version);
        const unsigned short *calls;
        size_t n;

        if (*word != '@') {
                if (!imm_call_find(word, UINT_MAX))
                        return fail(w, "'%s' is no system call that is known", word);
                add_call(w, imm_call_find(word, bit));
                return 0;
        }
        if (!imm_group_calls(word, bit, &calls, &n))
                return fail(w, "systemd %u has no group '%s'", w->version, word);
        for (size_t i = 0; i < n; i++)
                add_call(w, &imm_calls[calls[i]]);
        return 0;
}

static int add_mode(struct work *w, const char *word) {
        char *end;
        unsigned long mode = strtoul(word, &end, 8);

        if (*end || mode > 07777 || *word < '0' || *word > '7')
                return fail(w, "'%s' is no file mode", word);
        w->to->mask |= mode;
        return 0;
}

/* Kinds whose words are bits, in this order */
static const struct {
        enum imm_argument_kind kind;
        const char *words[4];
} word_lists[] = {
        {IMM_ARGUMENT_USER_WORDS, {"root", "nobody", "dynamic", "static"}},
        {IMM_ARGUMENT_SHARED_WORDS, {"processes", "files"}},
        {IMM_ARGUMENT_REPLACE_WORDS, {"own", "others"}},
        {IMM_ARGUMENT_UNNEEDED_WORDS, {"programs", "libraries"}},
        {IMM_ARGUMENT_IP_WORDS, {"any", "localhost", "other", "not-all-of-localhost"}},
};

static int add_listed(struct work *w, enum imm_argument_kind kind, const char *word) {
        for (size_t i = 0; i < IMM_ELEMENTSOF(word_lists); i++)
                if (word_lists[i].kind == kind) {
                        size_t n = 0;

                        while (n < IMM_ELEMENTSOF(word_lists[i].words) && word_lists[i].words[n])
                                n++;
                        return add_bit(w, word_lists[i].words, n, word);
                }
        return 0;
}

/* A word that is kept as it is, when it is one of its kind */
static int add_text(struct work *w, enum imm_argument_kind kind, const char *word) {
        struct imm_net_address address;
        const char *problem;

        if (kind == IMM_ARGUMENT_PATHS && *word != '/' && !imm_is_of_home(word))
                return fail(w, "'%s' is no absolute path", word);
        if (kind == IMM_ARGUMENT_ADDRESSES &&
                imm_net_parse(word, IMM_NET_LISTEN, &address, &problem) < 0)
                return fail(w, "'%s': %s", word, problem);
        if (kind == IMM_ARGUMENT_BUS_CALLS &&
                !imm_bus_call_parse(word, w->a, &(struct imm_bus_call){0}))
                return fail(w, "'%s' is no NAME:INTERFACE.MEMBER[:ACTION]", word);
        if (kind == IMM_ARGUMENT_START_WORDS && !imm_start_word(word))
                return fail(w, "expected start, doubt, hidden, absent or later");
        if (kind == IMM_ARGUMENT_IDLE_WORDS && !imm_idle_word(word))
                return fail(w, "'%s' is no reason for a line to do nothing", word);
        imm_strv_add(w->a, &w->to->words, word);
        return 0;
}

static int add_word(struct work *w, enum imm_argument_kind kind, const char *word, size_t at) {
        switch (kind) {
        case IMM_ARGUMENT_SETTING_WORDS:
        case IMM_ARGUMENT_SETTING_NAMES:
        case IMM_ARGUMENT_SETTING_MODES:
                return add_setting_word(w, kind, word, at);
        case IMM_ARGUMENT_SETTINGS:
                return add_setting(w, word);
        case IMM_ARGUMENT_CAPS:
                return add_capability(w, word);
        case IMM_ARGUMENT_NAMESPACES:
                return add_namespace(w, word);
        case IMM_ARGUMENT_SYSCALLS:
                return add_calls(w, word);
        case IMM_ARGUMENT_MODE:
                return add_mode(w, word);
        case IMM_ARGUMENT_USER_WORDS:
        case IMM_ARGUMENT_SHARED_WORDS:
        case IMM_ARGUMENT_REPLACE_WORDS:
        case IMM_ARGUMENT_UNNEEDED_WORDS:
        case IMM_ARGUMENT_IP_WORDS:
                return add_listed(w, kind, word);
        case IMM_ARGUMENT_PATHS:
        case IMM_ARGUMENT_ADDRESSES:
        case IMM_ARGUMENT_GROUPS:
        case IMM_ARGUMENT_PROFILES:
        case IMM_ARGUMENT_BUS_CALLS:
        case IMM_ARGUMENT_START_WORDS:
        case IMM_ARGUMENT_IDLE_WORDS:
                return add_text(w, kind, word);
        case IMM_ARGUMENT_YES:
                return imm_streq(word, "yes") ? 0 : fail(w, "expected 'yes'; '!' negates");
        }
        return 0;
}

int imm_argument_parse(enum imm_argument_kind kind, const char *text, unsigned version,
        struct imm_arena *a, struct imm_argument *ret, const char **ret_problem) {
        struct imm_argument argument = {.setting = IMM_SETTING_N};
        struct work w = {.a = a, .version = version, .to = &argument};
        size_t least = kind <= IMM_ARGUMENT_SETTING_MODES ? 2 : 1, n = 0;
        const char *word;
        int r;

        for (;; n++) {
                r = imm_word_next(&text, NULL, IMM_WORDS_UNQUOTE | IMM_WORDS_CUNESCAPE, a, &word);
                if (r < 0)
                        r = fail(&w, "a quote that is not closed, or an unknown escape");
                if (r > 0)
                        r = add_word(&w, kind, word, n) < 0 ? -EINVAL : 1;
                if (r <= 0)
                        break;
        }
        if (r == 0 && n < least)
                r = fail(&w, least == 2 ? "expected a setting and what it is compared with"
                                        : "expected a value");
        if (r < 0) {
                *ret_problem = w.problem;
                return r;
        }
        *ret = argument;
        return 0;
}
