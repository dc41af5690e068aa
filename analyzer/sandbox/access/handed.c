#include "analyzer/sandbox/access/access-private.h"

#include <pthread.h>

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

static void add_open_file(
        struct imm_arena *a, struct imm_handed_list *to, const struct imm_string_item *item) {
        struct imm_open_file o;
        const char *why;

        if (imm_open_file_read(item->text, a, &o, &why))
                add(a, to, "OpenFile=", o.path, IMM_SETTING_OPEN_FILE, item->origin)->write =
                        !o.read_only;
}

/* What is read from and written to by the same words is one descriptor for both. */
static bool is_one_for_both(const struct imm_settings *s, const char *file) {
        const char *in = imm_setting_string(s, IMM_SETTING_STANDARD_INPUT);
        const char *out = imm_setting_string(s, IMM_SETTING_STANDARD_OUTPUT);
        const char *error = imm_setting_string(s, IMM_SETTING_STANDARD_ERROR);

        return in && imm_after(file, "file:") && imm_streq(in, file) &&
               ((out && imm_streq(out, file)) || (error && imm_streq(error, file)));
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
                        h->read = streams[i].input || is_one_for_both(s, v->string);
                        h->write = !streams[i].input || is_one_for_both(s, v->string);
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
        const struct imm_settings *s = imm_settings_compute(m, socket, m->version, a);

        for (size_t i = 0; i < IMM_ELEMENTSOF(kinds); i++) {
                const struct imm_value *v = imm_setting(s, kinds[i]);

                if (v->type != IMM_VALUE_STRINGS)
                        continue;
                for (size_t k = 0; k < v->strings.n; k++)
                        add(a, to, socket->name, v->strings.v[k].text, kinds[i],
                                v->strings.v[k].origin);
        }
}

/* ---- which sockets ---- */

/* Sockets that name the service they hand themselves to: found once per manager. */
struct imm_triggers {
        struct imm_map by_service; /* name -> struct imm_strv of sockets */
        struct imm_arena *a;
};

static void triggers_done(void *data) {
        struct imm_triggers *t = data;

        imm_arena_free(t->a);
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static bool has_key(const struct imm_unit *u, const char *key) {
        for (size_t i = 0; i < u->n_files; i++)
                for (size_t k = 0; k < u->files[i]->n_assignments; k++)
                        if (imm_streq(u->files[i]->assignments[k].key, key))
                                return true;
        return false;
}

static struct imm_unit *find_socket(struct imm_manager *m, const char *name) {
        struct imm_unit *u = imm_manager_find(m, name);

        return u && u->type == IMM_UNIT_SOCKET && u->load == IMM_LOAD_LOADED ? u : NULL;
}

static struct imm_triggers *find_triggers(struct imm_manager *m) {
        struct imm_arena *a = imm_arena_new();
        struct imm_triggers *t = imm_new(a, struct imm_triggers);
        imm_cleanup(imm_arena_free) struct imm_arena *scratch = imm_arena_new();
        struct imm_strv names = {0};

        imm_manager_names(m, IMM_UNIT_SOCKET, scratch, &names);
        for (size_t i = 0; i < names.n; i++) {
                struct imm_unit *u = find_socket(m, names.v[i]);
                const char *service;
                struct imm_strv *to;

                if (!u || !has_key(u, "Service"))
                        continue;
                service = imm_setting_string(
                        imm_settings_compute(m, u, m->version, scratch), IMM_SETTING_SERVICE);
                if (!service)
                        continue;
                to = imm_map_get(&t->by_service, service);
                if (!to) {
                        to = imm_new(a, struct imm_strv);
                        imm_map_put(a, &t->by_service, imm_strdup(a, service), to);
                }
                if (!imm_strv_has(to, u->name))
                        imm_strv_add(a, to, u->name);
        }
        t->a = a;
        imm_arena_defer(m->arena, triggers_done, t);
        return t;
}

static const struct imm_strv *triggers_of(struct imm_manager *m, const char *service) {
        pthread_mutex_lock(&lock);
        if (!m->triggers)
                m->triggers = find_triggers(m);
        pthread_mutex_unlock(&lock);
        return imm_map_get(&m->triggers->by_service, service);
}

static void add_name(struct imm_arena *a, struct imm_strv *to, const char *name) {
        if (!imm_strv_has(to, name))
                imm_strv_add(a, to, name);
}

/*
 * The socket of @name, if it is one that hands itself to the service of that name: with Accept=yes
 * that is an instance for each connection, and Service= names another.
 */
static void add_namesake(struct imm_manager *m, const char *name, bool accepts, struct imm_arena *a,
        struct imm_strv *to) {
        struct imm_unit *u = find_socket(m, name);
        const struct imm_settings *s;

        if (!u)
                return;
        s = imm_settings_compute(m, u, m->version, a);
        if (imm_setting_bool(s, IMM_SETTING_ACCEPT) == accepts &&
                !imm_setting_string(s, IMM_SETTING_SERVICE))
                add_name(a, to, u->name);
}

static void find_sockets(struct imm_manager *m, struct imm_unit *u, const struct imm_settings *s,
        struct imm_arena *a, struct imm_strv *names) {
        const struct imm_value *v = imm_setting(s, IMM_SETTING_SOCKETS);

        if (u->type != IMM_UNIT_SERVICE)
                return;
        for (size_t i = 0; i < u->names.n; i++) {
                const char *name = u->names.v[i], *dot = strrchr(name, '.');
                const struct imm_strv *others = triggers_of(m, name);

                add_namesake(
                        m, imm_printf(a, "%.*s.socket", (int)(dot - name), name), false, a, names);
                for (size_t k = 0; others && k < others->n; k++)
                        add_name(a, names, others->v[k]);
        }
        if (u->instance)
                add_namesake(m, imm_printf(a, "%s.socket", u->prefix), true, a, names);
        for (size_t i = 0; i < v->strings.n; i++)
                add_name(a, names, v->strings.v[i].text);
}

bool imm_handed_by_sockets(struct imm_manager *m, struct imm_unit *u, struct imm_arena *a) {
        struct imm_strv names = {0};

        find_sockets(m, u, imm_settings_of(m, u), a, &names);
        for (size_t i = 0; i < names.n; i++)
                if (find_socket(m, names.v[i]))
                        return true;
        return false;
}

static void add_sockets(struct imm_manager *m, struct imm_unit *u, const struct imm_settings *s,
        struct imm_arena *a, struct imm_handed_list *to) {
        struct imm_strv names = {0};

        find_sockets(m, u, s, a, &names);
        for (size_t i = 0; i < names.n; i++) {
                struct imm_unit *socket = find_socket(m, names.v[i]);

                if (socket)
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
