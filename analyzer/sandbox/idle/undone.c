/* Lines that another one of the same kind takes back, or has said already: no trial is needed. */

#include "analyzer/sandbox/idle/idle-private.h"

/* Is it what @a is about and @b too? Of addresses, ports and nodes the wider one. */
typedef bool covers_fn(const void *a, const void *b);

/* A list, and how its items are told apart */
struct list {
        const char *items;
        size_t n, size, origin; /* of an item, and where its origin lies in it */
        covers_fn *covers;
};

static const struct imm_origin *origin_of(const struct list *list, size_t i) {
        return (const void *)(list->items + i * list->size + list->origin);
}

/* Is each item of the line covered by one of @by? Of its own list: by one of another line */
static bool is_covered(
        const struct imm_idle_line *l, const struct list *own, const struct list *by) {
        bool any = false;

        for (size_t i = 0; i < own->n; i++) {
                bool hit = false;

                if (!imm_idle_at_line(l, origin_of(own, i)))
                        continue;
                any = true;
                for (size_t k = 0; !hit && k < by->n; k++)
                        hit = (by->items != own->items || !imm_idle_at_line(l, origin_of(by, k))) &&
                              by->covers(by->items + k * by->size, own->items + i * own->size);
                if (!hit)
                        return false;
        }
        return any;
}

/* ---- addresses ---- */

static bool same_bits(const unsigned char *a, const unsigned char *b, unsigned n) {
        unsigned rest = n % 8;

        return memcmp(a, b, n / 8) == 0 &&
               (rest == 0 || ((a[n / 8] ^ b[n / 8]) & (0xff00U >> rest) & 0xff) == 0);
}

static bool address_covers(const void *a, const void *b) {
        const struct imm_ip_item *x = a, *y = b;

        return x->family == y->family && x->prefix <= y->prefix &&
               same_bits(x->address, y->address, x->prefix);
}

static bool address_meets(const void *a, const void *b) {
        return address_covers(a, b) || address_covers(b, a);
}

static struct list addresses(const struct imm_settings *s, enum imm_setting id) {
        const struct imm_value *v = imm_setting(s, id);

        return (struct list){(const char *)v->ips.v, v->ips.n, sizeof(struct imm_ip_item),
                offsetof(struct imm_ip_item, origin), address_covers};
}

/* Does nothing that the line allows lie in what is denied? */
static bool allows_the_allowed(
        const struct imm_idle_work *w, const struct imm_idle_line *l, const struct list *deny) {
        const struct list allow = addresses(w->s, IMM_SETTING_IP_ADDRESS_ALLOW);
        bool any = false;

        for (size_t i = 0; i < allow.n; i++) {
                if (!imm_idle_at_line(l, origin_of(&allow, i)))
                        continue;
                any = true;
                for (size_t k = 0; k < deny->n; k++)
                        if (address_meets(
                                    allow.items + i * allow.size, deny->items + k * deny->size))
                                return false;
        }
        return any && !imm_idle_slice_denies(w);
}

static const char *address_undone(
        const struct imm_idle_work *w, const struct imm_idle_line *l, const char **ret_code) {
        const struct list own = addresses(w->s, l->setting),
                          deny = addresses(w->s, IMM_SETTING_IP_ADDRESS_DENY),
                          allow = addresses(w->s, IMM_SETTING_IP_ADDRESS_ALLOW);

        *ret_code = "outdone";
        if (l->setting == IMM_SETTING_IP_ADDRESS_DENY && is_covered(l, &own, &allow))
                return "IPAddressAllow= allows all of it, and what is allowed is not denied";
        *ret_code = "repeated";
        if (is_covered(l, &own, &own))
                return "other lines name all of it";
        *ret_code = "needs-other";
        if (l->setting == IMM_SETTING_IP_ADDRESS_ALLOW && allows_the_allowed(w, l, &deny))
                return "nothing of it is denied: IPAddressDeny= names other addresses";
        return NULL;
}

/* ---- ports ---- */

static bool bind_covers(const void *a, const void *b) {
        const struct imm_socket_bind_item *x = a, *y = b;

        if ((x->family != 0 && x->family != y->family) ||
                (x->protocol != 0 && x->protocol != y->protocol))
                return false;
        return x->n_ports == 0 || (y->n_ports > 0 && x->port_min <= y->port_min &&
                                          x->port_min + x->n_ports >= y->port_min + y->n_ports);
}

static struct list binds(const struct imm_settings *s, enum imm_setting id) {
        const struct imm_value *v = imm_setting(s, id);

        return (struct list){(const char *)v->socket_binds.v, v->socket_binds.n,
                sizeof(struct imm_socket_bind_item), offsetof(struct imm_socket_bind_item, origin),
                bind_covers};
}

static const char *bind_undone(
        const struct imm_idle_work *w, const struct imm_idle_line *l, const char **ret_code) {
        const struct list own = binds(w->s, l->setting),
                          allow = binds(w->s, IMM_SETTING_SOCKET_BIND_ALLOW);

        *ret_code = "outdone";
        if (l->setting == IMM_SETTING_SOCKET_BIND_DENY && is_covered(l, &own, &allow))
                return "SocketBindAllow= allows all of it, and what is allowed is not denied";
        *ret_code = "repeated";
        return is_covered(l, &own, &own) ? "other lines name all of it" : NULL;
}

/* ---- devices ---- */

static bool device_covers(const void *a, const void *b) {
        const struct imm_device_item *x = a, *y = b;

        return imm_streq(x->node, y->node) && x->r >= y->r && x->w >= y->w && x->m >= y->m;
}

/* Nodes that every list of allowed devices begins with, but not DevicePolicy=strict */
static bool is_allowed_anyway(const struct imm_device_item *d) {
        static const char *const nodes[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random",
                "/dev/urandom", "/dev/tty", "/dev/ptmx"};

        for (size_t i = 0; i < IMM_ELEMENTSOF(nodes); i++)
                if (imm_streq(nodes[i], d->node))
                        return true;
        return imm_streq(d->node, "char-pts") && !d->m;
}

static const char *allowed_anyway(const struct imm_idle_work *w, const struct imm_idle_line *l) {
        const char *policy = imm_setting_word(w->s, IMM_SETTING_DEVICE_POLICY);
        bool listed = policy && imm_streq(policy, "closed");

        if (policy && imm_streq(policy, "strict"))
                return NULL;
        imm_array_foreach (d, &imm_setting(w->s, IMM_SETTING_DEVICE_ALLOW)->devices) {
                if (!imm_idle_at_line(l, &d->origin))
                        listed = true;
                else if (!is_allowed_anyway(d))
                        return NULL;
        }
        return listed ? "every list of devices allows this one anyway" : NULL;
}

static const char *device_undone(
        const struct imm_idle_work *w, const struct imm_idle_line *l, const char **ret_code) {
        const struct imm_value *v = imm_setting(w->s, l->setting);
        const struct list own = {(const char *)v->devices.v, v->devices.n,
                sizeof(struct imm_device_item), offsetof(struct imm_device_item, origin),
                device_covers};

        *ret_code = "repeated";
        if (is_covered(l, &own, &own))
                return "other lines allow all of it";
        *ret_code = "implied";
        return allowed_anyway(w, l);
}

/* ---- capabilities ---- */

/* What no command's bounding set has left cannot be given to it. */
static const char *ambient_undone(const struct imm_idle_work *w) {
        uint64_t wanted = imm_setting_number(w->s, IMM_SETTING_AMBIENT_CAPABILITIES);

        for (enum imm_command_kind k = 0; k < IMM_KIND_N; k++)
                if (w->sb->has[k] &&
                        (w->sb->identity[k].unknown || (w->sb->identity[k].cap_bounding & wanted)))
                        return NULL;
        return wanted ? "the bounding set has none of them" : NULL;
}

/* ---- architectures ---- */

static bool adds_only_native(const struct imm_idle_work *w, const struct imm_idle_line *l) {
        bool others = false, native = false;

        imm_array_foreach (arch, &imm_setting(w->s, l->setting)->strings) {
                if (!imm_idle_at_line(l, &arch->origin))
                        others = true;
                else if (imm_streq(arch->text, "native"))
                        native = true;
                else
                        return false;
        }
        return others && native;
}

const char *imm_idle_undone(
        const struct imm_idle_work *w, const struct imm_idle_line *l, const char **ret_code) {
        const char *root = imm_setting_string(w->s, IMM_SETTING_ROOT_DIRECTORY), *word;

        switch (l->setting) {
        case IMM_SETTING_ENVIRONMENT:
        case IMM_SETTING_PASS_ENVIRONMENT:
                return imm_idle_environment(w, l, ret_code);
        case IMM_SETTING_LOAD_CREDENTIAL:
        case IMM_SETTING_LOAD_CREDENTIAL_ENCRYPTED:
        case IMM_SETTING_SET_CREDENTIAL:
        case IMM_SETTING_SET_CREDENTIAL_ENCRYPTED:
                return imm_idle_credential(w, l, ret_code);
        case IMM_SETTING_SYSTEM_CALL_ARCHITECTURES:
                *ret_code = "implied";
                return adds_only_native(w, l) ? "the native one is in every list" : NULL;
        case IMM_SETTING_IP_ADDRESS_ALLOW:
        case IMM_SETTING_IP_ADDRESS_DENY:
                return address_undone(w, l, ret_code);
        case IMM_SETTING_SOCKET_BIND_ALLOW:
        case IMM_SETTING_SOCKET_BIND_DENY:
                return bind_undone(w, l, ret_code);
        case IMM_SETTING_DEVICE_ALLOW:
                return device_undone(w, l, ret_code);
        case IMM_SETTING_AMBIENT_CAPABILITIES:
                *ret_code = "outdone";
                return ambient_undone(w);
        case IMM_SETTING_MOUNT_FLAGS:
                *ret_code = "default";
                word = imm_setting_word(w->s, l->setting);
                return word && imm_streq(word, "shared") ? "it is so without the line: the default"
                                                         : NULL;
        case IMM_SETTING_PRIVATE_NETWORK:
                *ret_code = "outdone";
                return imm_setting_string(w->s, IMM_SETTING_NETWORK_NAMESPACE_PATH)
                               ? "NetworkNamespacePath= names the network"
                               : NULL;
        case IMM_SETTING_ROOT_DIRECTORY:
                *ret_code = "default";
                /* with its file systems mounted it gets what a root of its own gets */
                return root && imm_streq(root, "/") &&
                                       imm_setting(w->s, IMM_SETTING_MOUNT_APIVFS)->number != 1
                               ? "it is the root anyway"
                               : NULL;
        default:
                return NULL;
        }
}
