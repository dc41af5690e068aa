#include "analyzer/closure/closure-private.h"
#include "analyzer/root/nsswitch.h"

#include <errno.h>

/*
 * glibc looks users, hosts and the like up through modules that nsswitch.conf(5) names and that no
 * program links. A program that imports one of these functions is likely to load them, and to read
 * their files.
 */

enum { SERVICE_MAX = 64 }; /* longer words are no name of a module */

static const struct {
        const char *database, *fallback; /* what glibc does without a line for it */
        const char *functions[16];
} databases[] = {
        {"passwd", "files",
                {"getpwnam", "getpwnam_r", "getpwuid", "getpwuid_r", "getpwent", "getpwent_r",
                        "setpwent"}},
        {"group", "files",
                {"getgrnam", "getgrnam_r", "getgrgid", "getgrgid_r", "getgrent", "getgrent_r",
                        "setgrent", "getgrouplist", "initgroups"}},
        {"shadow", "files", {"getspnam", "getspnam_r", "getspent", "getspent_r"}},
        {"gshadow", "files", {"getsgnam", "getsgnam_r", "getsgent", "getsgent_r"}},
        {"hosts", "files dns",
                {"getaddrinfo", "getaddrinfo_a", "getnameinfo", "gethostbyname", "gethostbyname2",
                        "gethostbyname_r", "gethostbyname2_r", "gethostbyaddr", "gethostbyaddr_r"}},
        {"services", "files",
                {"getservbyname", "getservbyname_r", "getservbyport", "getservbyport_r",
                        "getservent", "getservent_r"}},
        {"protocols", "files",
                {"getprotobyname", "getprotobyname_r", "getprotobynumber", "getprotobynumber_r",
                        "getprotoent"}},
        {"networks", "files dns", {"getnetbyname", "getnetbyname_r", "getnetbyaddr", "getnetent"}},
        {"ethers", "files", {"ether_hostton", "ether_ntohost"}},
        {"rpc", "files", {"getrpcbyname", "getrpcbyname_r", "getrpcbynumber", "getrpcent"}},
        {"netgroup", "files", {"innetgr", "setnetgrent", "getnetgrent"}},
};

static const struct {
        const char *service, *database, *path; /* database NULL: any */
} files[] = {
        {"files", "passwd", "/etc/passwd"},
        {"compat", "passwd", "/etc/passwd"},
        {"files", "group", "/etc/group"},
        {"compat", "group", "/etc/group"},
        {"files", "shadow", "/etc/shadow"},
        {"files", "gshadow", "/etc/gshadow"},
        {"files", "hosts", "/etc/hosts"},
        {"files", "services", "/etc/services"},
        {"files", "protocols", "/etc/protocols"},
        {"files", "networks", "/etc/networks"},
        {"files", "ethers", "/etc/ethers"},
        {"files", "rpc", "/etc/rpc"},
        {"dns", "hosts", "/etc/resolv.conf"},
        {"dns", "hosts", "/etc/host.conf"},
        {"dns", "hosts", "/etc/gai.conf"},
};

/* Most names are none of those above, and it is asked of hundreds for each program. */
static bool may_look_up(const char *name) {
        switch (*name) {
        case 'g':
        case 's':
                return name[1] == 'e' && name[2] == 't';
        case 'i':
                return name[1] == 'n';
        case 'e':
                return name[1] == 't' && name[2] == 'h';
        default:
                return false;
        }
}

void note_nss_import(void *data, const char *name) {
        unsigned *bits = data;

        if (!may_look_up(name))
                return;
        for (size_t d = 0; d < IMM_ELEMENTSOF(databases); d++)
                for (const char *const *f = databases[d].functions; *f; f++)
                        if (**f == *name && imm_streq(*f, name))
                                *bits |= 1U << d;
}

static void need_data(struct builder *b, const char *service, const char *database, int by) {
        for (size_t i = 0; i < IMM_ELEMENTSOF(files); i++) {
                struct place p;

                if (!imm_streq(files[i].service, service) ||
                        !imm_streq(files[i].database, database))
                        continue;
                (void)need_file(b,
                        &(struct want){.name = files[i].path,
                                .kind = IMM_NEED_CONFIG,
                                .confidence = IMM_POSSIBLE,
                                .reason = imm_printf(b->arena, "looks up %s", database),
                                .by = by},
                        false, &p, NULL);
        }
}

static void need_service(struct loading *l, struct builder *b, size_t object, const char *service,
        const char *database, enum imm_confidence sure) {
        size_t n;
        int by = loaded_objects(l, &n)[object].need;

        need_data(b, service, database, by);
        if (loader_minor(l) >= 34 && (imm_streq(service, "files") || imm_streq(service, "dns")))
                return; /* since 2.34 libc has these in itself */
        (void)load_module(l, object, imm_printf(b->arena, "libnss_%s.so.2", service), sure,
                imm_printf(b->arena, "looks up %s through", database));
}

void load_nss(struct loading *l, struct builder *b, enum imm_confidence least) {
        enum imm_confidence sure = least > IMM_LIKELY ? least : IMM_LIKELY;
        size_t by[IMM_ELEMENTSOF(databases)], n;
        const struct object *o = loaded_objects(l, &n);
        const char *conf = "/etc/nsswitch.conf", *text = "";
        unsigned wanted = 0;
        struct place p;
        int k;

        for (size_t i = 0; i < n; i++) {
                const char *name = o[i].elf && o[i].elf->soname ? o[i].elf->soname : "";
                unsigned bits;

                if (!o[i].elf || imm_streq(name, "libc.so.6") || imm_after(name, "ld-linux") ||
                        imm_after(name, "libnss_"))
                        continue;
                bits = node_nss(b->c, o[i].place.node) & ~wanted;
                for (size_t d = 0; d < IMM_ELEMENTSOF(databases); d++)
                        if (bits & 1U << d)
                                by[d] = i;
                wanted |= bits;
        }
        if (!wanted)
                return;
        k = need_file(b,
                &(struct want){.name = conf,
                        .kind = IMM_NEED_CONFIG,
                        .confidence = IMM_POSSIBLE,
                        .reason = "says how users and hosts are looked up",
                        .by = o[by[__builtin_ctz(wanted)]].need},
                false, &p, NULL);
        if (k >= 0 && p.node)
                text = node_text(b->c, p.node);
        for (size_t d = 0; d < IMM_ELEMENTSOF(databases); d++) {
                const char *s;

                if (!(wanted & 1U << d))
                        continue;
                s = imm_nss_services(text, databases[d].database, b->arena);
                if (!s)
                        s = databases[d].fallback;
                for (const char *service; (service = imm_nss_next(&s, b->arena));)
                        if (strlen(service) < SERVICE_MAX)
                                need_service(l, b, by[d], service, databases[d].database, sure);
        }
}
