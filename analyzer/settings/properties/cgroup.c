/* Properties of resource control, and lists of a service that need a form of their own. */

#include "analyzer/settings/cpu-set.h"
#include "analyzer/settings/properties/properties-private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>

/* ---- controllers ---- */

/* By bit, as settings number them */
static int controllers(struct imm_show *w, uint64_t mask) {
        static const char *const names[] = {"cpu", "cpuacct", "cpuset", "io", "blkio", "memory",
                "devices", "pids", "bpf-firewall", "bpf-devices", "bpf-foreign", "bpf-socket-bind",
                "bpf-restrict-network-interfaces"};
        const char *words[IMM_ELEMENTSOF(names)];
        size_t n = 0;

        for (size_t i = 0; i < IMM_ELEMENTSOF(names); i++)
                if (mask >> i & 1)
                        words[n++] = names[i];
        return imm_show_words(w, words, n, false);
}

int imm_show_controllers(struct imm_show *w) {
        return controllers(w, w->v->number);
}

int imm_show_delegate_controllers(struct imm_show *w) {
        return controllers(w, imm_setting_bool(w->s, IMM_SETTING_DELEGATE) ? w->v->number : 0);
}

/* ---- numbers ---- */

int imm_show_cpu_weight(struct imm_show *w) {
        return w->v->number == 0 ? imm_show_text(w, "idle") : imm_show_unset(w);
}

/* CPUQuota= is told as the time that it allows in each second. */
int imm_show_cpu_quota(struct imm_show *w) {
        return imm_show_usec(w);
}

int imm_show_pressure_percent(struct imm_show *w) {
        return imm_show_line(w, "%" PRIu64 "%%", w->v->number / 100);
}

int imm_show_pressure_watch(struct imm_show *w) {
        if (w->s->version < 255 && w->v->number <= 1)
                return imm_show_text(w, w->v->number == 1 ? "on" : "off");
        return imm_show_word(w);
}

/* Ten-thousandths there, a share of 2^32-1 here */
int imm_show_pressure(struct imm_show *w) {
        return imm_show_line(w, "%" PRIu64, (w->v->number * UINT32_MAX + 5000) / 10000);
}

/* Weights and limits of block devices: told only where there are none */
int imm_show_device_numbers(struct imm_show *w) {
        return w->v->strings.n > 0 ? -ENODATA : 0;
}

/* ---- sets of CPUs and memory nodes ---- */

int imm_show_cpu_set(struct imm_show *w) {
        unsigned char set[IMM_CPUS_MAX + 1] = {0};
        bool some = false;

        imm_array_foreach (s, &w->v->strings) /* those that the machine has */
                if (imm_streq(s->text, "all") ||
                        (imm_streq(s->text, "numa") && s + 1 == w->v->strings.v + w->v->strings.n))
                        return -ENODATA;
        (void)imm_cpu_set_of(w->v, set);
        fprintf(w->f, "%s=", w->p->name);
        for (size_t i = 0, end; i < IMM_CPUS_MAX; i = end + 1) {
                end = i;
                if (!set[i])
                        continue;
                while (set[end + 1])
                        end++;
                fprintf(w->f, end > i ? "%s%zu-%zu" : "%s%zu", some ? " " : "", i, end);
                some = true;
        }
        putc('\n', w->f);
        return 0;
}

/* A mask without a policy is one for the policy "preferred". */
int imm_show_numa_policy(struct imm_show *w) {
        const char *word = w->v->number < 5 ? imm_setting_word(w->s, w->p->setting) : NULL;
        unsigned char set[IMM_CPUS_MAX] = {0};

        if (!word) {
                w->v = imm_show_get(w, IMM_SETTING_NUMA_MASK);
                word = imm_cpu_set_of(w->v, set) ? "preferred" : "n/a";
                imm_array_foreach (s, &w->v->strings)
                        if (imm_streq(s->text, "all"))
                                word = "preferred";
        }
        return imm_show_text(w, word);
}

/* systemctl has forgotten that these are sets: plain bytes */
int imm_show_byte_set(struct imm_show *w) {
        unsigned char set[IMM_CPUS_MAX] = {0};
        size_t n = imm_cpu_set_of(w->v, set) ? 8 : 0;

        for (size_t i = 0; i < IMM_CPUS_MAX; i++) /* in words of 64 bits */
                if (set[i])
                        n = (i / 64 + 1) * 8;
        fprintf(w->f, "%s=", w->p->name);
        for (size_t i = 0; i < n; i++) {
                unsigned byte = 0;

                for (size_t k = 0; k < 8; k++)
                        byte |= (unsigned)set[i * 8 + k] << k;
                fprintf(w->f, "%02x", byte);
        }
        putc('\n', w->f);
        return 0;
}

/* ---- devices and network ---- */

/* Newest first: the manager puts each in front of its list. */
int imm_show_devices(struct imm_show *w) {
        for (size_t i = w->v->devices.n; i-- > 0;) {
                const struct imm_device_item *d = &w->v->devices.v[i];

                imm_show_line(
                        w, "%s %s%s%s", d->node, d->r ? "r" : "", d->w ? "w" : "", d->m ? "m" : "");
        }
        return 0;
}

/* These too */
int imm_show_bpf_programs(struct imm_show *w) {
        for (size_t i = w->v->strings.n; i-- > 0;)
                imm_show_line(w, "%s", w->v->strings.v[i].text);
        return 0;
}

/* A set in hash order there, sorted here */
int imm_show_ips(struct imm_show *w) {
        size_t n = w->v->ips.n;
        imm_auto_free char **words = imm_xcalloc(n + 1, sizeof(*words));

        for (size_t i = 0; i < n; i++) {
                const struct imm_ip_item *ip = &w->v->ips.v[i];
                char text[INET6_ADDRSTRLEN] = "";

                (void)inet_ntop(ip->family, ip->address, text, sizeof(text));
                if (asprintf(&words[i], "%s/%u", text, ip->prefix) < 0)
                        imm_oom();
        }
        qsort(words, n, sizeof(*words), imm_by_text);
        fprintf(w->f, "%s=", w->p->name);
        for (size_t i = 0; i < n; i++) {
                fprintf(w->f, "%s%s", i > 0 ? " " : "", words[i]);
                free(words[i]);
        }
        putc('\n', w->f);
        return 0;
}

/* systemctl leaves out the colon behind the protocol. */
int imm_show_socket_binds(struct imm_show *w) {
        for (size_t i = w->v->socket_binds.n; i-- > 0;) {
                const struct imm_socket_bind_item *b = &w->v->socket_binds.v[i];
                const char *family = b->family == AF_INET    ? "ipv4:"
                                     : b->family == AF_INET6 ? "ipv6:"
                                                             : "";
                const char *protocol = b->protocol == IPPROTO_TCP   ? "tcp"
                                       : b->protocol == IPPROTO_UDP ? "udp"
                                                                    : "";

                if (b->n_ports == 0)
                        imm_show_line(w, "%s%sany", family, protocol);
                else if (b->n_ports == 1)
                        imm_show_line(w, "%s%s%u", family, protocol, b->port_min);
                else
                        imm_show_line(w, "%s%s%u-%u", family, protocol, b->port_min,
                                b->port_min + b->n_ports - 1);
        }
        return 0;
}

/* ---- services ---- */

/* The number of a signal: "HUP", "SIGHUP", "RTMIN+1", "RTMAX-2"; 0 for what is none */
static int signal_number(const char *s) {
        enum { MIN = 34, MAX = 64 }; /* of real-time ones, as libc counts */
        const char *word = imm_after(s, "SIG"), *rest;

        s = word ? word : s;
        rest = imm_after(s, "RTMIN");
        if (rest)
                return MIN + (*rest == '+' ? atoi(rest + 1) : 0);
        rest = imm_after(s, "RTMAX");
        if (rest)
                return MAX - (*rest == '-' ? atoi(rest + 1) : 0);
        for (int i = 1; i < MIN; i++)
                if (sigabbrev_np(i) && imm_streq(s, sigabbrev_np(i)))
                        return i;
        return 0;
}

/* Numbers first, then signals, each in order */
int imm_show_exit_statuses(struct imm_show *w) {
        enum { RT_MIN = 34 };
        bool status[256] = {false}, signals[65] = {false}, some = false;

        imm_array_foreach (s, &w->v->strings) {
                unsigned long long n;
                int sig;

                if (imm_parse_u64(s->text, &n) && n < IMM_ELEMENTSOF(status))
                        status[n] = true;
                else if ((sig = signal_number(s->text)) > 0 && sig < (int)IMM_ELEMENTSOF(signals))
                        signals[sig] = true;
        }
        fprintf(w->f, "%s=", w->p->name);
        for (size_t i = 0; i < IMM_ELEMENTSOF(status); i++)
                if (status[i]) {
                        fprintf(w->f, "%s%zu", some ? " " : "", i);
                        some = true;
                }
        for (int i = 0; i < (int)IMM_ELEMENTSOF(signals); i++) {
                if (!signals[i])
                        continue;
                if (some)
                        putc(' ', w->f);
                if (i >= RT_MIN)
                        fprintf(w->f, "RTMIN+%d", i - RT_MIN);
                else
                        fputs(sigabbrev_np(i) ? sigabbrev_np(i) : "", w->f);
                some = true;
        }
        putc('\n', w->f);
        return 0;
}
