/* What socket, timer and path units wait for. */

#include "analyzer/settings/numbers.h"
#include "analyzer/settings/parse/parse.h"
#include "analyzer/unit/words.h"

#include <arpa/inet.h>
#include <strings.h>
#include <sys/un.h>

enum form { FORM_NONE, FORM_PATH, FORM_ABSTRACT, FORM_VSOCK, FORM_INET };

static bool is_port(const char *s) {
        uint64_t n;

        return *s != '\0' && !strchr(IMM_WHITESPACE, *s) && imm_text_uint(s, 65535, &n) && n > 0;
}

/* vsock:CID:PORT, vsock:TYPE:CID:PORT; an empty CID is any */
static bool is_vsock(const char *s, struct imm_arena *a) {
        static const char *const kinds[] = {"", "-stream", "-dgram", "-seqpacket"};
        const char *rest = imm_after(s, "vsock"), *colon, *cid;
        uint64_t n;

        if (!rest)
                return false;
        for (size_t i = 1; i < IMM_ELEMENTSOF(kinds); i++)
                if (imm_after(rest, kinds[i])) {
                        rest = imm_after(rest, kinds[i]);
                        break;
                }
        if (*rest != ':')
                return false;
        colon = strchr(rest + 1, ':');
        if (!colon || !imm_text_uint(colon + 1, UINT32_MAX, &n))
                return false;
        cid = imm_strndup(a, rest + 1, (size_t)(colon - rest - 1));
        return *cid == '\0' || imm_text_uint(cid, UINT32_MAX, &n);
}

/* PORT, IPV4:PORT, [IPV6]:PORT, [IPV6%INTERFACE]:PORT or [IPV6]:PORT%INTERFACE */
static bool is_inet(const char *s, struct imm_arena *a) {
        unsigned char address[16];
        const char *end, *scope;
        char *host;

        if (is_port(s))
                return true;
        if (*s == '[') {
                end = strchr(s, ']');
                if (!end || end[1] != ':')
                        return false;
                host = imm_strndup(a, s + 1, (size_t)(end - s - 1));
                scope = strchr(host, '%');
                if (scope)
                        host = imm_strndup(a, host, (size_t)(scope - host));
                scope = strchr(end + 2, '%');
                return inet_pton(AF_INET6, host, address) == 1 &&
                       is_port(scope ? imm_strndup(a, end + 2, (size_t)(scope - end - 2))
                                     : end + 2);
        }
        end = strchr(s, ':');
        if (!end)
                return false;
        host = imm_strndup(a, s, (size_t)(end - s));
        return inet_pton(AF_INET, host, address) == 1 && is_port(end + 1);
}

static enum form address_form(const char *s, struct imm_arena *a) {
        size_t room = sizeof(((struct sockaddr_un *)NULL)->sun_path);

        if (*s == '/')
                return strlen(s) < room ? FORM_PATH : FORM_NONE;
        if (*s == '@')
                return s[1] != '\0' && strlen(s) <= room ? FORM_ABSTRACT : FORM_NONE;
        if (is_vsock(s, a))
                return FORM_VSOCK;
        return is_inet(s, a) ? FORM_INET : FORM_NONE;
}

static enum imm_parsed add(struct imm_parse *p, const char *text) {
        const char *rest = imm_after(text, "/var/run/");

        imm_parse_add_string(
                p, imm_parse_value(p), rest ? imm_printf(p->a, "/run/%s", rest) : text);
        return IMM_PARSED_TAKEN;
}

/* ListenStream= and its kin; they are one list in systemd */
enum imm_parsed imm_parse_listen(struct imm_parse *p, const char *value) {
        bool path = p->id == IMM_SETTING_LISTEN_FIFO || p->id == IMM_SETTING_LISTEN_SPECIAL ||
                    p->id == IMM_SETTING_LISTEN_MESSAGE_QUEUE ||
                    p->id == IMM_SETTING_LISTEN_USB_FUNCTION;
        const char *text;
        enum form form;

        if (*value == '\0')
                return imm_parse_reset_kin(p, "Listen");
        if (path) {
                text = imm_parse_path_word(p, value,
                        IMM_PATH_ABSOLUTE |
                                (p->id == IMM_SETTING_LISTEN_SPECIAL ? 0U : IMM_PATH_NOT_API));
                return text ? add(p, text) : IMM_PARSED_IGNORED;
        }
        if (!imm_parse_expand_path(p, value, &text))
                return imm_parse_ignore(p, "the specifiers of '%s' are not known", value);
        if (p->id == IMM_SETTING_LISTEN_NETLINK)
                return add(p, text);
        form = address_form(text, p->a);
        if (form == FORM_NONE)
                return imm_parse_ignore(p, "'%s' is no address to listen on", text);
        if (p->id == IMM_SETTING_LISTEN_SEQUENTIAL_PACKET && form != FORM_PATH &&
                form != FORM_ABSTRACT)
                return imm_parse_ignore(p, "'%s' is no address of a UNIX socket", text);
        return add(p, text);
}

/* Does it look like a calendar event? Times, dates and the words of systemd.time(7) */
static bool is_calendar(const char *s) {
        static const char *const words[] = {"minutely", "hourly", "daily", "weekly", "monthly",
                "quarterly", "semi-annually", "semiannually", "biannually", "bi-annually", "yearly",
                "annually", "anually"};
        static const char days[] = "montuewedthufrisatsun";

        for (size_t i = 0; i < IMM_ELEMENTSOF(words); i++)
                if (strcasecmp(s, words[i]) == 0)
                        return true;
        if (strpbrk(s, "0123456789*"))
                return true;
        for (size_t i = 0; i < sizeof(days) - 1; i += 3)
                if (strncasecmp(s, days + i, 3) == 0)
                        return true;
        return false;
}

/* OnCalendar=, OnBootSec= and their kin: one list too */
enum imm_parsed imm_parse_timer(struct imm_parse *p, const char *value) {
        const char *text;
        uint64_t usec;

        if (*value == '\0')
                return imm_parse_reset_kin(p, "On");
        if (!imm_parse_expand(p, value, &text))
                return imm_parse_ignore(p, "the specifiers of '%s' are not known", value);
        if (p->id == IMM_SETTING_ON_CALENDAR ? !is_calendar(text)
                                             : !imm_text_usec(text, 1000000, &usec))
                return imm_parse_ignore(p, "'%s' is no time", text);
        imm_parse_add_string(p, imm_parse_value(p), text);
        return IMM_PARSED_TAKEN;
}
