#include "analyzer/closure/answers/answers.h"

#include <sha256.h>

/*
 * What a closure is asked for, as bytes: what the settings say, with where they say so, and what
 * each kind of command sees. No two questions look alike: a text is preceded by its length, a list
 * by its own.
 */

_Static_assert((int)QUESTION_SIZE == SHA256_DIGEST_LENGTH, "SHA-256");

struct question {
        struct imm_arena *arena;
        const char *file; /* of the origin before, which most share */
        IMM_ARRAY(unsigned char) bytes;
};

static void put_bytes(struct question *q, const void *p, size_t n) {
        while (q->bytes.cap < q->bytes.n + n)
                q->bytes.v = imm_array_grow(q->arena, q->bytes.v, q->bytes.n, &q->bytes.cap, 1);
        if (n > 0)
                memcpy(q->bytes.v + q->bytes.n, p, n);
        q->bytes.n += n;
}

static void digest(const struct question *q, unsigned char ret[QUESTION_SIZE]) {
        SHA256_CTX sum;

        SHA256Init(&sum);
        SHA256Update(&sum, q->bytes.v, q->bytes.n);
        SHA256Final(ret, &sum);
}

static void put_number(struct question *q, uint64_t v) {
        put_bytes(q, &v, sizeof(v));
}

static void put_text(struct question *q, const char *s) {
        uint32_t n = s ? (uint32_t)strlen(s) + 1 : 0;

        put_bytes(q, &n, sizeof(n));
        put_bytes(q, s ? s : "", n);
}

static void put_texts(struct question *q, const struct imm_strv *l) {
        put_number(q, l->n);
        for (size_t i = 0; i < l->n; i++)
                put_text(q, l->v[i]);
}

static void put_origin(struct question *q, const struct imm_origin *o) {
        for (; o; o = o->via) {
                const bool same =
                        o->file && q->file && (o->file == q->file || imm_streq(o->file, q->file));
                const uint32_t numbers[] = {o->line, (uint32_t)o->kind | (uint32_t)o->by << 8 |
                                                             (same ? 1U << 30 : 0) |
                                                             (o->via ? 1U << 31 : 0)};

                put_bytes(q, numbers, sizeof(numbers));
                if (!same)
                        put_text(q, o->file);
                q->file = o->file;
        }
}

/* ---- settings ---- */

static void put_commands(struct question *q, const struct imm_settings *s, enum imm_setting id,
        const struct imm_value *v) {
        put_number(q, v->commands.n);
        for (size_t i = 0; i < v->commands.n; i++) {
                const struct imm_command_item *c = &v->commands.v[i];

                put_number(q, c->flags);
                put_number(q, imm_command_kind_of(s, id, c));
                put_text(q, c->path);
                put_texts(q, &c->argv);
                put_origin(q, &c->origin);
        }
}

static void put_directories(struct question *q, const struct imm_value *v) {
        put_number(q, v->directories.n);
        for (size_t i = 0; i < v->directories.n; i++) {
                put_text(q, v->directories.v[i].path);
                put_origin(q, &v->directories.v[i].origin);
        }
}

static void put_value(struct question *q, const struct imm_settings *s, enum imm_setting id,
        const struct imm_value *v) {
        put_number(q, (uint64_t)id << 32 | v->type);
        put_origin(q, &v->origin);
        switch (v->type) {
        case IMM_VALUE_STRING:
                put_text(q, v->string);
                break;
        case IMM_VALUE_STRINGS:
                put_number(q, v->strings.n);
                for (size_t i = 0; i < v->strings.n; i++) {
                        put_text(q, v->strings.v[i].text);
                        put_origin(q, &v->strings.v[i].origin);
                }
                break;
        case IMM_VALUE_PATHS:
                put_number(q, v->paths.n);
                for (size_t i = 0; i < v->paths.n; i++) {
                        put_text(q, v->paths.v[i].path);
                        put_number(q, v->paths.v[i].ignore_missing);
                        put_origin(q, &v->paths.v[i].origin);
                }
                break;
        case IMM_VALUE_CREDENTIALS:
                put_number(q, v->credentials.n);
                for (size_t i = 0; i < v->credentials.n; i++) {
                        put_text(q, v->credentials.v[i].source);
                        put_origin(q, &v->credentials.v[i].origin);
                }
                break;
        case IMM_VALUE_DIRECTORIES:
                put_directories(q, v);
                break;
        case IMM_VALUE_COMMANDS:
                put_commands(q, s, id, v);
                break;
        case IMM_VALUE_BOOL:
        case IMM_VALUE_TRISTATE:
        case IMM_VALUE_ENUM:
        case IMM_VALUE_NUMBER:
        case IMM_VALUE_SIGNED:
        case IMM_VALUE_USEC:
        case IMM_VALUE_CAPS:
        case IMM_VALUE_NAMESPACES:
                put_number(q, v->number);
                break;
        case IMM_VALUE_SYSCALLS: /* of long lists, and nothing that a file is found by */
                break;
        default:
                put_text(q, imm_value_text(id, v, q->arena));
        }
}

/* All of them, so that none which a closure is made from can be forgotten */
static void put_settings(struct question *q, const struct imm_settings *s) {
        const struct imm_value *v;
        enum imm_setting id;

        put_number(q, s->unit->type);
        for (size_t i = 0; (v = imm_setting_own(s, i, &id)); i++)
                put_value(q, s, id, v);
}

/* ---- what a command sees ---- */

static void put_mount(struct question *q, const struct imm_mount *m) {
        put_text(q, m->path);
        put_text(q, m->fstype);
        put_text(q, m->host_path);
        put_number(q, (uint64_t)m->setting << 8 | m->of_host << 1 | m->inaccessible);
        put_origin(q, &m->origin);
        put_texts(q, &m->layers);
        put_number(q, m->entries.n);
        for (size_t i = 0; i < m->entries.n; i++)
                put_text(q, m->entries.v[i].path);
}

static void put_table(struct question *q, const struct imm_mount_table *t) {
        put_number(q, t->outcome);
        put_number(q, t->n);
        for (size_t i = 0; i < t->n; i++)
                put_mount(q, &t->v[i]);
        for (size_t i = 0; i < t->made.n; i++)
                if (t->made.v[i].target) {
                        put_text(q, t->made.v[i].path);
                        put_text(q, t->made.v[i].target);
                }
        put_text(q, NULL);
}

/* Most services see the same, and it is made into bytes once. */
static void put_host(struct question *q, struct builder *b) {
        struct imm_closures *c = b->c;
        CLOSURES_LOCKED(c);

        if (!c->host_question) {
                struct question host = {.arena = c->arena};

                put_table(&host, b->host);
                c->host_question = imm_alloc(c->arena, QUESTION_SIZE);
                digest(&host, c->host_question);
        }
        put_bytes(q, c->host_question, QUESTION_SIZE);
}

static void put_views(struct question *q, struct builder *b) {
        const struct imm_sandbox *s = b->host ? NULL : builder_sandbox(b);

        put_number(q, b->closure->view != NULL);
        put_number(q, (b->host != NULL) << 1 | (s != NULL));
        if (b->host)
                put_host(q, b);
        for (size_t i = 0; s && i < IMM_KIND_N; i++) {
                put_number(q, s->has[i]);
                if (s->has[i])
                        put_table(q, &s->tried[i]);
        }
        put_number(q, s ? s->main : 0);
}

void question_of(struct builder *b, unsigned char ret[QUESTION_SIZE]) {
        imm_cleanup(imm_arena_free) struct imm_arena *scratch = imm_arena_new();
        struct question q = {.arena = scratch};

        put_number(&q, (uint64_t)b->m->scope << 32 | b->settings->load);
        put_number(&q, (uint64_t)b->m->version << 32 | imm_root_is_running(b->c->root));
        put_text(&q, b->m->user ? b->m->user->home : NULL);
        put_settings(&q, b->settings);
        for (unsigned i = IMM_VARIABLES_DEFAULT; i <= IMM_VARIABLES_MANAGER; i++) {
                const struct imm_value *v = imm_manager_variables(b->m, i);

                put_number(&q, v != NULL);
                if (v)
                        put_value(&q, b->settings, IMM_SETTING_ENVIRONMENT, v);
        }
        put_views(&q, b);
        digest(&q, ret);
}
