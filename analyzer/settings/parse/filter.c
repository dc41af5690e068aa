/* Allow-lists and deny-lists: system calls, address families, file systems, network interfaces. */

#include "analyzer/settings/groups/groups.h"
#include "analyzer/settings/numbers.h"
#include "analyzer/settings/parse/parse.h"
#include "analyzer/unit/words.h"

#include <errno.h>
#include <net/if.h>

/* ---- lists of names ---- */

/* Does systemd have a set for it already? An emptied one still counts. */
static bool has_set(const struct imm_value *v) {
        return v->strings.cap > 0;
}

static void make_set(struct imm_parse *p, struct imm_value *v) {
        if (!has_set(v)) {
                (void)imm_array_push(p->a, &v->strings);
                v->strings.n = 0;
        }
        v->filter = true;
}

static void put_name(struct imm_parse *p, struct imm_value *v, const char *name, bool put) {
        size_t place = imm_parse_find(p, p->id, name);

        if (put && place == SIZE_MAX) {
                make_set(p, v);
                imm_parse_remember(p, p->id, name, v->strings.n);
                imm_parse_add_string(p, v, name);
        } else if (!put && place != SIZE_MAX) {
                v->strings.v[place].text = NULL;
                imm_parse_remember(p, p->id, name, SIZE_MAX);
        }
}

static const char *const families[] = {"AF_ALG", "AF_APPLETALK", "AF_ASH", "AF_ATMPVC", "AF_ATMSVC",
        "AF_AX25", "AF_BLUETOOTH", "AF_BRIDGE", "AF_CAIF", "AF_CAN", "AF_DECnet", "AF_ECONET",
        "AF_IB", "AF_IEEE802154", "AF_INET", "AF_INET6", "AF_IPX", "AF_IRDA", "AF_ISDN", "AF_IUCV",
        "AF_KCM", "AF_KEY", "AF_LLC", "AF_MCTP", "AF_MPLS", "AF_NETBEUI", "AF_NETLINK", "AF_NETROM",
        "AF_NFC", "AF_PACKET", "AF_PHONET", "AF_PPPOX", "AF_QIPCRTR", "AF_RDS", "AF_ROSE",
        "AF_RXRPC", "AF_SECURITY", "AF_SMC", "AF_SNA", "AF_TIPC", "AF_UNIX", "AF_VSOCK",
        "AF_WANPIPE", "AF_X25", "AF_XDP"};

/* In any case of letters, as systemd's own table is searched */
static const char *family(const char *name, unsigned version) {
        if (strcasecmp(name, "AF_LOCAL") == 0 || strcasecmp(name, "AF_FILE") == 0)
                return "AF_UNIX";
        if (strcasecmp(name, "AF_ROUTE") == 0)
                return "AF_NETLINK";
        if (strcasecmp(name, "AF_MCTP") == 0 && version < 252) /* a matter of its C library */
                return NULL;
        for (size_t i = 0; i < IMM_ELEMENTSOF(families); i++)
                if (strcasecmp(families[i], name) == 0)
                        return families[i];
        return NULL;
}

enum imm_parsed imm_parse_address_families(struct imm_parse *p, const char *value) {
        bool invert = *value == '~';
        struct imm_value *v;
        const char *word;

        if (*value == '\0')
                return imm_parse_emptied(p);
        if (imm_streq(value, "none") && p->version >= 249) {
                imm_parse_reset(p, p->id);
                v = imm_parse_value(p);
                v->filter = v->allow_list = p->replaces = true;
                return IMM_PARSED_TAKEN;
        }
        v = imm_parse_value(p);
        if (!has_set(v))
                v->allow_list = !invert;
        make_set(p, v);
        value += invert;
        while (imm_parse_word(p, &value, NULL, IMM_WORDS_UNQUOTE, &word)) {
                const char *name = family(word, p->version);

                if (name)
                        put_name(p, v, name, invert != v->allow_list);
                else
                        imm_parse_skip(p, "'%s' is no address family", word);
        }
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_filesystems(struct imm_parse *p, const char *value) {
        unsigned bit = imm_group_bit(p->version);
        bool invert = *value == '~';
        struct imm_value *v;
        const char *word;

        if (*value == '\0')
                return imm_parse_emptied(p);
        v = imm_parse_value(p);
        if (!has_set(v))
                v->allow_list = !invert;
        value += invert;
        while (imm_parse_word(p, &value, NULL, IMM_WORDS_UNQUOTE, &word)) {
                const struct imm_group_data *g;

                if (*word != '@') {
                        put_name(p, v, word, invert != v->allow_list);
                        continue;
                }
                g = imm_group_find(imm_filesystem_groups, word, bit);
                if (!g)
                        imm_parse_skip(p, "'%s' is no group of file systems", word);
                for (const struct imm_group_item *i = g ? g->items : NULL; i && i->name; i++)
                        if (i->mask & bit)
                                put_name(p, v, i->name, invert != v->allow_list);
        }
        return IMM_PARSED_TAKEN;
}

/* Alternative names, which may be longer, since 255 */
static bool is_interface_name(const char *s, unsigned version) {
        size_t n = strlen(s);
        int64_t number;

        if (n == 0 || n >= (version < 255 ? IFNAMSIZ : 128) || imm_streq(s, ".") ||
                imm_streq(s, "..") || imm_streq(s, "all") || imm_streq(s, "default") ||
                imm_text_int(s, 1, INT32_MAX, &number) || s[strspn(s, "0123456789")] == '\0')
                return false;
        for (; *s; s++)
                if (*s <= ' ' || *s >= 127 || *s == ':' || *s == '/' || *s == '%')
                        return false;
        return true;
}

enum imm_parsed imm_parse_interfaces(struct imm_parse *p, const char *value) {
        bool invert = *value == '~', empty = true, allow;
        struct imm_value *v;
        const char *word;

        if (*value == '\0') { /* which kind of list it was is not forgotten */
                allow = imm_parse_peek(p, p->id)->allow_list;
                imm_parse_reset(p, p->id);
                v = imm_parse_value(p);
                v->allow_list = allow;
                v->set = false;
                return IMM_PARSED_RESET;
        }
        v = imm_parse_value(p);
        for (size_t i = 0; empty && i < v->strings.n; i++)
                empty = !v->strings.v[i].text;
        if (empty)
                v->allow_list = !invert;
        value += invert;
        while (imm_parse_word(p, &value, NULL, IMM_WORDS_UNQUOTE, &word))
                if (is_interface_name(word, p->version))
                        put_name(p, v, word, invert != v->allow_list);
                else
                        imm_parse_skip(p, "'%s' is no name of a network interface", word);
        return IMM_PARSED_TAKEN;
}

/* ---- system calls ---- */

struct imm_call_entry {
        bool in;
        int error;
        const struct imm_origin *origin;
};

static struct imm_call_entry *call_set(struct imm_parse *p) {
        struct imm_call_entry **set = &p->calls[p->id == IMM_SETTING_SYSTEM_CALL_LOG];

        if (!*set)
                *set = imm_xcalloc(imm_n_calls, sizeof(**set));
        return *set;
}

/* How one line, or the implicit @default, changes the set */
struct call_change {
        struct imm_call_entry *set;
        bool put;
        int error;
        unsigned bit;
        const struct imm_origin *origin;
};

static bool change_call(const struct call_change *c, const char *name) {
        const struct imm_call_data *call = imm_call_find(name, c->bit);

        if (call)
                c->set[call - imm_calls] = (struct imm_call_entry){
                        .in = c->put, .error = c->error, .origin = c->origin};
        return call != NULL;
}

static bool change_group(const struct call_change *c, const char *name) {
        const struct imm_call_entry entry = {.in = c->put, .error = c->error, .origin = c->origin};
        const unsigned short *calls;
        size_t n;

        if (!imm_group_calls(name, c->bit, &calls, &n))
                return false;
        for (size_t i = 0; i < n; i++)
                c->set[calls[i]] = entry;
        return true;
}

static void change(struct imm_parse *p, const struct call_change *c, const char *name) {
        if (*name == '@' ? !change_group(c, name) : !change_call(c, name))
                imm_parse_skip(p,
                        *name == '@' ? "'%s' is no group of system calls"
                                     : "'%s' is no system call",
                        name);
}

/* "name:error"; NULL if the error is none. *ret_error 0: there is none at all */
static const char *call_and_error(struct imm_parse *p, const char *word, int *ret_error) {
        const char *colon = strchr(word, ':');

        *ret_error = 0;
        if (!colon)
                return word;
        if (imm_streq(colon + 1, "kill"))
                *ret_error = IMM_SYSCALL_KILL;
        else if (!imm_text_errno(colon + 1, ret_error))
                return NULL;
        else if (*ret_error == 0)
                *ret_error = IMM_SYSCALL_ERRNO_0;
        return colon == word ? NULL : imm_strndup(p->a, word, (size_t)(colon - word));
}

static enum imm_parsed calls(struct imm_parse *p, const char *value, bool log) {
        bool invert = *value == '~', first = !p->values[p->id];
        struct imm_origin *origin;
        struct call_change c;
        struct imm_value *v;
        const char *word, *name;

        if (*value == '\0') {
                memset(call_set(p), 0, imm_n_calls * sizeof(struct imm_call_entry));
                return imm_parse_emptied(p);
        }
        v = imm_parse_value(p);
        origin = imm_new(p->a, struct imm_origin);
        *origin = p->origin;
        v->filter = true;
        if (first)
                v->allow_list = !invert;
        c = (struct call_change){.set = call_set(p),
                .put = true,
                .bit = imm_group_bit(p->version),
                .origin = origin};
        if (first && !invert && !log)
                (void)change_group(&c, "@default");

        value += invert;
        while (imm_parse_word(p, &value, NULL, 0, &word)) {
                name = log && p->version >= 248 ? word : call_and_error(p, word, &c.error);
                if (!name || (log && c.error != 0)) {
                        imm_parse_skip(p, "'%s' has no valid error", word);
                        continue;
                }
                if (!invert && c.error != 0 && p->version >= 248) {
                        imm_parse_skip(p, "'%s': what is allowed gives no error", word);
                        continue;
                }
                c.put = invert != v->allow_list || (invert && c.error != 0 && p->version >= 248);
                change(p, &c, name);
                c.error = 0;
        }
        return IMM_PARSED_TAKEN;
}

enum imm_parsed imm_parse_syscall_filter(struct imm_parse *p, const char *value) {
        return calls(p, value, false);
}

enum imm_parsed imm_parse_syscall_log(struct imm_parse *p, const char *value) {
        return calls(p, value, true);
}

void imm_calls_finish(struct imm_parse *p) {
        static const enum imm_setting ids[] = {
                IMM_SETTING_SYSTEM_CALL_FILTER, IMM_SETTING_SYSTEM_CALL_LOG};

        for (size_t k = 0; k < IMM_ELEMENTSOF(ids); k++) {
                struct imm_call_entry *set = p->calls[k];
                struct imm_value *v = p->values[ids[k]];
                size_t n = 0;

                for (size_t i = 0; set && v && i < imm_n_calls; i++)
                        n += set[i].in;
                if (n > 0) {
                        v->syscalls.v = imm_alloc_array(p->a, n, sizeof(*v->syscalls.v));
                        v->syscalls.n = 0;
                        v->syscalls.cap = n;
                        for (size_t i = 0; i < imm_n_calls; i++)
                                if (set[i].in)
                                        v->syscalls.v[v->syscalls.n++] =
                                                (struct imm_syscall_item){.name = imm_calls[i].name,
                                                        .number = imm_call_number(&imm_calls[i]),
                                                        .error = set[i].error,
                                                        .origin = *set[i].origin};
                }
                free(set);
                p->calls[k] = NULL;
        }
}

enum imm_parsed imm_parse_syscall_archs(struct imm_parse *p, const char *value) {
        static const struct {
                const char *name;
                unsigned since;
        } archs[] = {{"native", 0}, {"x86", 0}, {"x86-64", 0}, {"x32", 0}, {"arm", 0}, {"arm64", 0},
                {"loongarch64", 255}, {"mips", 0}, {"mips64", 0}, {"mips64-n32", 0}, {"mips-le", 0},
                {"mips64-le", 0}, {"mips64-le-n32", 0}, {"parisc", 248}, {"parisc64", 248},
                {"ppc", 0}, {"ppc64", 0}, {"ppc64-le", 0}, {"riscv64", 0}, {"s390", 0},
                {"s390x", 0}};
        const char *word;
        size_t taken = 0;

        if (*value == '\0')
                return imm_parse_emptied(p);
        while (imm_parse_word(p, &value, NULL, IMM_WORDS_UNQUOTE, &word)) {
                size_t i = 0;

                while (i < IMM_ELEMENTSOF(archs) &&
                        (!imm_streq(archs[i].name, word) || archs[i].since > p->version))
                        i++;
                if (i == IMM_ELEMENTSOF(archs)) {
                        imm_parse_skip(p, "'%s' is no architecture", word);
                        continue;
                }
                put_name(p, imm_parse_value(p), archs[i].name, true);
                taken++;
        }
        return imm_parse_taken(p, taken);
}

enum imm_parsed imm_parse_syscall_errno(struct imm_parse *p, const char *value) {
        int e;

        if (*value == '\0' || imm_streq(value, "kill"))
                return imm_parse_emptied(p);
        if (!imm_text_errno(value, &e) || e == 0)
                return imm_parse_ignore(p, "'%s' is no error number", value);
        imm_parse_value(p)->number = (uint64_t)e;
        return IMM_PARSED_TAKEN;
}
