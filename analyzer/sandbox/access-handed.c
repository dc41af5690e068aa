#include "analyzer/sandbox/access-private.h"

#include <errno.h>

static struct imm_handed *add(struct imm_arena *a, struct imm_handed_list *to, const char *what,
        const char *path, enum imm_setting setting, struct imm_origin origin) {
        struct imm_handed *h = imm_array_push(a, to);

        *h = (struct imm_handed){.what = what,
                .path = path,
                .read = true,
                .write = true,
                .setting = setting,
                .origin = origin};
        return h;
}

/* OpenFile=PATH[:NAME[:OPTION,...]]; a colon in the path is written \: */
static void add_open_file(
        struct imm_arena *a, struct imm_handed_list *to, const struct imm_string_item *item) {
        const char *colon = item->text, *options;
        struct imm_handed *h;

        while (*colon && *colon != ':')
                colon += *colon == '\\' && colon[1] ? 2 : 1;
        h = add(a, to, "OpenFile=", imm_strndup(a, item->text, (size_t)(colon - item->text)),
                IMM_SETTING_OPEN_FILE, item->origin);
        options = *colon ? strchr(colon + 1, ':') : NULL;
        if (options && strstr(options, "read-only"))
                h->write = false;
}

static void add_standard(
        const struct imm_settings *s, struct imm_arena *a, struct imm_handed_list *to) {
        static const struct {
                enum imm_setting id;
                const char *what;
                bool input;
        } streams[] = {
                {IMM_SETTING_STANDARD_INPUT, "StandardInput=", true},
                {IMM_SETTING_STANDARD_OUTPUT, "StandardOutput=", false},
                {IMM_SETTING_STANDARD_ERROR, "StandardError=", false},
        };
        static const char *const kinds[] = {"file:", "append:", "truncate:"};

        for (size_t i = 0; i < IMM_ELEMENTSOF(streams); i++) {
                const struct imm_value *v = imm_setting(s, streams[i].id);
                struct imm_handed *h = NULL;

                if (!v->string)
                        continue;
                for (size_t k = 0; k < IMM_ELEMENTSOF(kinds); k++) {
                        const char *path = imm_after(v->string, kinds[k]);

                        if (path)
                                h = add(a, to, streams[i].what, path, streams[i].id, v->origin);
                }
                if (imm_streq(v->string, "socket"))
                        add(a, to, streams[i].what, NULL, streams[i].id, v->origin);
                else if (imm_after(v->string, "tty"))
                        add(a, to, streams[i].what,
                                imm_setting_string(s, IMM_SETTING_TTY_PATH)
                                        ? imm_setting_string(s, IMM_SETTING_TTY_PATH)
                                        : "/dev/console",
                                streams[i].id, v->origin);
                if (h) {
                        h->read = streams[i].input;
                        h->write = !streams[i].input;
                }
        }
}

static void add_listen(struct imm_manager *m, struct imm_unit *socket, struct imm_arena *a,
        struct imm_handed_list *to) {
        static const enum imm_setting kinds[] = {
                IMM_SETTING_LISTEN_STREAM,
                IMM_SETTING_LISTEN_DATAGRAM,
                IMM_SETTING_LISTEN_SEQUENTIAL_PACKET,
                IMM_SETTING_LISTEN_FIFO,
                IMM_SETTING_LISTEN_SPECIAL,
                IMM_SETTING_LISTEN_NETLINK,
                IMM_SETTING_LISTEN_MESSAGE_QUEUE,
                IMM_SETTING_LISTEN_USB_FUNCTION,
        };
        struct imm_settings *s = imm_settings_of(m, socket);

        for (size_t i = 0; i < IMM_ELEMENTSOF(kinds); i++) {
                const struct imm_value *v = imm_setting(s, kinds[i]);

                if (v->type != IMM_VALUE_STRINGS)
                        continue;
                for (size_t k = 0; k < v->strings.n; k++)
                        add(a, to, socket->name, v->strings.v[k].text, kinds[i],
                                v->strings.v[k].origin);
        }
}

/* The socket of the same name hands itself to the service; Sockets= names others. */
static void add_sockets(struct imm_manager *m, struct imm_unit *u, const struct imm_settings *s,
        struct imm_arena *a, struct imm_handed_list *to) {
        const struct imm_value *v = imm_setting(s, IMM_SETTING_SOCKETS);
        struct imm_strv names = {0};
        const char *dot = strrchr(u->name, '.');

        if (u->type != IMM_UNIT_SERVICE || !dot)
                return;
        /* an instance may also be one that a socket with Accept=yes starts for each connection */
        imm_strv_add(a, &names, imm_printf(a, "%.*s.socket", (int)(dot - u->name), u->name));
        if (u->instance)
                imm_strv_add(a, &names, imm_printf(a, "%s.socket", u->prefix));
        for (size_t i = 0; i < v->strings.n; i++)
                if (!imm_strv_has(&names, v->strings.v[i].text))
                        imm_strv_add(a, &names, v->strings.v[i].text);
        for (size_t i = 0; i < names.n; i++) {
                struct imm_unit *socket = NULL;

                if (imm_manager_unit(m, names.v[i], &socket, NULL) < 0 ||
                        socket->load != IMM_LOAD_LOADED || socket->type != IMM_UNIT_SOCKET)
                        continue;
                add_listen(m, socket, a, to);
        }
}

void imm_handed_compute(struct imm_manager *m, struct imm_unit *u, struct imm_arena *a,
        struct imm_handed_list *ret) {
        struct imm_settings *s = imm_settings_of(m, u);
        const struct imm_value *v = imm_setting(s, IMM_SETTING_OPEN_FILE);

        *ret = (struct imm_handed_list){0};
        for (size_t i = 0; i < v->strings.n; i++)
                add_open_file(a, ret, v->strings.v + i);
        add_standard(s, a, ret);
        add_sockets(m, u, s, a, ret);
        v = imm_setting(s, IMM_SETTING_FILE_DESCRIPTOR_STORE_MAX);
        if (v->number > 0)
                add(a, ret, "FileDescriptorStoreMax=", NULL, IMM_SETTING_FILE_DESCRIPTOR_STORE_MAX,
                        v->origin);
        v = imm_setting(s, IMM_SETTING_PAM_NAME);
        if (v->string)
                add(a, ret, "PAMName=", NULL, IMM_SETTING_PAM_NAME, v->origin);
}
