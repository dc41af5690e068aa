/* The snapshot as JSON, out and in. One list of members per object, side by side. */

#include "audit/owner.h"

#include <errno.h>
#include <jansson.h>

/* ---- out ---- */

static void put_strings(struct imm_json *j, const char *key, const struct imm_strv *l) {
        imm_json_array(j, key);
        for (size_t i = 0; i < l->n; i++)
                imm_json_string(j, NULL, l->v[i]);
        imm_json_end(j);
}

static void put_tenths(struct imm_json *j, const char *key, int tenths) {
        char text[16];

        (void)snprintf(text, sizeof(text), "%d.%d", tenths / 10, tenths % 10);
        imm_json_string(j, key, tenths < 0 ? NULL : text);
}

/* A file of the manager's own configuration: system.conf, user.conf.d/x.conf */
static bool is_managers(const char *file) {
        static const char *const names[] = {"system.conf", "user.conf"};
        const char *slash = strrchr(file, '/');

        for (size_t i = 0; slash && i < IMM_ELEMENTSOF(names); i++) {
                size_t n = strlen(names[i]);
                const char *folder = slash - file > (ptrdiff_t)n + 3 ? slash - n - 3 : NULL;

                if (imm_streq(slash + 1, names[i]) ||
                        (folder && folder[0] == '/' && strncmp(folder + 1, names[i], n) == 0 &&
                                strncmp(slash - 2, ".d", 2) == 0))
                        return true;
        }
        return false;
}

static void put_place(struct imm_json *j, const struct imm_source_ref *o) {
        if (!o->file)
                return;
        imm_json_string(j, "file", o->file);
        imm_json_uint(j, "line", o->line);
}

/* As everywhere: what is implied says by what, and why that is so */
static void put_origin(struct imm_json *j, const struct imm_source_ref *o) {
        imm_json_object(j, "origin");
        imm_json_string(j, "kind", o->kind ? o->kind : "default");
        if (!o->by)
                put_place(j, o);
        else {
                imm_json_string(j, "by", o->by);
                if (o->file) {
                        imm_json_object(j, "origin");
                        imm_json_string(j, "kind", is_managers(o->file) ? "manager" : "file");
                        put_place(j, o);
                        imm_json_end(j);
                }
        }
        imm_json_end(j);
}

static void put_settings(struct imm_json *j, const struct imm_state *s) {
        imm_json_object(j, "settings");
        imm_array_foreach (v, &s->settings) {
                imm_json_object(j, v->name);
                imm_json_string(j, "value", v->value);
                put_origin(j, &v->origin);
                imm_json_end(j);
        }
        imm_json_end(j);
}

static void put_checks(struct imm_json *j, const struct imm_state *s) {
        imm_json_array(j, "checks");
        imm_array_foreach (c, &s->checks) {
                imm_json_object(j, NULL);
                imm_json_string(j, "id", c->id);
                imm_json_tristate(j, "set", c->set);
                put_tenths(j, "exposure", c->exposure);
                imm_json_end(j);
        }
        imm_json_end(j);
}

void imm_mount_json(const struct imm_state_mount *m, struct imm_json *j) {
        imm_json_string(j, "path", m->path);
        imm_json_string(j, "source", m->source);
        imm_json_string(j, "fstype", m->fstype);
        imm_json_bool(j, "read_only", m->read_only);
        imm_json_bool(j, "nosuid", m->nosuid);
        imm_json_bool(j, "nodev", m->nodev);
        imm_json_bool(j, "noexec", m->noexec);
        imm_json_string(j, "setting", m->setting);
}

static void put_mounts(struct imm_json *j, const struct imm_state *s) {
        imm_json_array(j, "mounts");
        imm_array_foreach (m, &s->mounts) {
                imm_json_object(j, NULL);
                imm_mount_json(m, j);
                put_origin(j, &m->origin);
                imm_json_end(j);
        }
        imm_json_end(j);
}

static void put_access(struct imm_json *j, const struct imm_state *s) {
        imm_json_array(j, "access");
        imm_array_foreach (a, &s->access) {
                imm_json_object(j, NULL);
                imm_json_string(j, "path", a->path);
                imm_json_tristate(j, "exists", a->exists);
                imm_json_tristate(j, "read", a->read);
                imm_json_tristate(j, "write", a->write);
                imm_json_tristate(j, "execute", a->execute);
                imm_json_tristate(j, "connect", a->connect);
                imm_json_string(j, "level", a->level);
                imm_json_end(j);
        }
        imm_json_end(j);
}

static void put_closure(struct imm_json *j, const struct imm_state *s) {
        if (!s->closure_kind)
                return;
        imm_json_object(j, "closure");
        imm_json_string(j, "kind", s->closure_kind);
        imm_json_array(j, "paths");
        imm_array_foreach (n, &s->needs) {
                imm_json_object(j, NULL);
                imm_json_string(j, "path", n->path);
                imm_json_string(j, "reason", n->reason);
                imm_json_string(j, "confidence", n->confidence);
                imm_json_string(j, "package", n->package);
                imm_json_end(j);
        }
        imm_json_end(j);
        imm_json_uint(j, "needed", s->needs.n);
        if (s->visible < 0)
                imm_json_null(j, "visible");
        else
                imm_json_int(j, "visible", s->visible);
        put_strings(j, "excess", &s->excess);
        put_strings(j, "missing", &s->missing);
        imm_json_end(j);
}

void imm_finding_json(
        const struct imm_state *s, const struct imm_state_finding *f, struct imm_json *j) {
        imm_json_object(j, NULL);
        imm_json_string(j, "rule", f->rule);
        imm_json_string(j, "scorecard", f->scorecard);
        imm_json_string(j, "setting", f->setting);
        imm_json_string(j, "severity", imm_severity_name(f->severity));
        imm_json_string(j, "confidence", f->confidence);
        put_strings(j, "evidence", &f->evidence);
        imm_json_string(j, "remedy", f->remedy);
        imm_json_string(j, "file", f->file);
        if (f->line)
                imm_json_uint(j, "line", f->line);
        else
                imm_json_null(j, "line");
        imm_owner_json(s, f, j);
        imm_json_string(j, "subject", f->subject);
        if (f->suppressed)
                imm_json_string(j, "suppressed", f->suppressed);
        imm_json_end(j);
}

void imm_findings_json(const struct imm_state *s, struct imm_json *j) {
        imm_json_array(j, "findings");
        imm_array_foreach (f, &s->findings)
                imm_finding_json(s, f, j);
        imm_json_end(j);
}

void imm_state_json(const struct imm_state *s, struct imm_json *j) {
        imm_json_string(j, "unit", s->unit);
        imm_json_string(j, "path", s->path);
        put_strings(j, "dropins", &s->dropins);
        imm_json_string(j, "load", s->load);
        if (s->load_message)
                imm_json_string(j, "message", s->load_message);
        imm_json_string(j, "package", s->package);
        put_tenths(j, "exposure", s->exposure);
        imm_json_string(j, "rating", s->rating);
        put_tenths(j, "reach", s->reach);
        imm_json_string(j, "outcome", s->outcome);
        put_settings(j, s);
        put_checks(j, s);
        put_mounts(j, s);
        put_access(j, s);
        put_closure(j, s);
        imm_findings_json(s, j);
        put_strings(j, "errors", &s->errors);
}

void imm_snapshot_json(const struct imm_snapshot *s, struct imm_json *j) {
        imm_json_object(j, NULL);
        imm_json_string(j, "schema", "immure.report/1");
        imm_json_string(j, "immure", s->immure);
        imm_json_string(j, "host", s->host);
        imm_json_string(j, "root", s->root);
        imm_json_string(j, "scope", s->scope);
        imm_json_uint(j, "systemd", s->systemd);
        if (s->time)
                imm_json_int(j, "time", s->time);
        imm_json_bool(j, "partial", s->partial);
        put_strings(j, "rules", &s->rules);
        imm_json_array(j, "units");
        imm_array_foreach (p, &s->states) {
                imm_json_object(j, NULL);
                imm_state_json(*p, j);
                imm_json_end(j);
        }
        imm_json_end(j);
        put_strings(j, "not_analysed", &s->not_analysed);
        imm_json_end(j);
}

/* ---- in ---- */

static const char *get_string(struct imm_arena *a, const json_t *o, const char *key) {
        const char *s = json_string_value(json_object_get(o, key));

        return s ? imm_strdup(a, s) : NULL;
}

static int get_tristate(const json_t *o, const char *key) {
        const json_t *v = json_object_get(o, key);

        return json_is_boolean(v) ? json_is_true(v) : -1;
}

static int64_t get_int(const json_t *o, const char *key, int64_t fallback) {
        const json_t *v = json_object_get(o, key);

        return json_is_integer(v) ? json_integer_value(v) : fallback;
}

static void get_strings(
        struct imm_arena *a, const json_t *o, const char *key, struct imm_strv *to) {
        const json_t *list = json_object_get(o, key), *v;
        size_t i;

        json_array_foreach(list, i, v) {
                const char *s = json_string_value(v);

                if (!s) /* closure lists may hold objects with a path */
                        s = json_string_value(json_object_get(v, "path"));
                if (s)
                        imm_strv_add(a, to, imm_strdup(a, s));
        }
}

/* Reports of 0.1 had file and line beside `by`. */
static struct imm_source_ref get_origin(struct imm_arena *a, const json_t *o) {
        const json_t *v = json_object_get(o, "origin"), *place = v, *inner;

        for (unsigned depth = 0; depth < 8 && (inner = json_object_get(place, "origin")); depth++)
                place = inner;
        return (struct imm_source_ref){
                .kind = get_string(a, v, "kind"),
                .by = get_string(a, v, "by"),
                .file = get_string(a, place, "file"),
                .line = (unsigned)get_int(place, "line", 0),
        };
}

static void get_settings(struct imm_arena *a, struct imm_state *s, json_t *o) {
        json_t *v;
        const char *name;

        json_object_foreach(json_object_get(o, "settings"), name, v) *
                imm_array_push(a, &s->settings) = (struct imm_state_setting){
                .name = imm_strdup(a, name),
                .value = get_string(a, v, "value"),
                .origin = get_origin(a, v),
        };
}

static void get_checks(struct imm_arena *a, struct imm_state *s, const json_t *o) {
        const json_t *v;
        size_t i;

        json_array_foreach(json_object_get(o, "checks"), i, v) *
                imm_array_push(a, &s->checks) = (struct imm_state_check){
                .id = get_string(a, v, "id"),
                .set = get_tristate(v, "set"),
                .exposure = imm_tenths_parse(json_string_value(json_object_get(v, "exposure"))),
        };
}

static void get_mounts(struct imm_arena *a, struct imm_state *s, const json_t *o) {
        const json_t *v;
        size_t i;

        json_array_foreach(json_object_get(o, "mounts"), i, v) * imm_array_push(a, &s->mounts) =
                (struct imm_state_mount){
                        .path = get_string(a, v, "path"),
                        .source = get_string(a, v, "source"),
                        .fstype = get_string(a, v, "fstype"),
                        .read_only = get_tristate(v, "read_only") == 1,
                        .nosuid = get_tristate(v, "nosuid") == 1,
                        .nodev = get_tristate(v, "nodev") == 1,
                        .noexec = get_tristate(v, "noexec") == 1,
                        .setting = get_string(a, v, "setting"),
                        .origin = get_origin(a, v),
                };
}

static void get_access(struct imm_arena *a, struct imm_state *s, const json_t *o) {
        const json_t *v;
        size_t i;

        json_array_foreach(json_object_get(o, "access"), i, v) * imm_array_push(a, &s->access) =
                (struct imm_state_access){
                        .path = get_string(a, v, "path"),
                        .exists = get_tristate(v, "exists"),
                        .read = get_tristate(v, "read"),
                        .write = get_tristate(v, "write"),
                        .execute = get_tristate(v, "execute"),
                        .connect = get_tristate(v, "connect"),
                        .level = get_string(a, v, "level"),
                };
}

static void get_closure(struct imm_arena *a, struct imm_state *s, const json_t *o) {
        const json_t *c = json_object_get(o, "closure"), *v;
        size_t i;

        if (!json_is_object(c))
                return;
        s->closure_kind = get_string(a, c, "kind");
        s->visible = get_int(c, "visible", -1);
        get_strings(a, c, "excess", &s->excess);
        get_strings(a, c, "missing", &s->missing);
        json_array_foreach(json_object_get(c, "paths"), i, v) * imm_array_push(a, &s->needs) =
                (struct imm_state_need){
                        .path = get_string(a, v, "path"),
                        .reason = get_string(a, v, "reason"),
                        .confidence = get_string(a, v, "confidence"),
                        .package = get_string(a, v, "package"),
                };
}

/* As imm_owner_json() writes it, or one line */
static const char *get_owner(struct imm_arena *a, const json_t *o) {
        const json_t *v = json_object_get(o, "owner");
        const char *kind = json_string_value(json_object_get(v, "kind"));
        const char *package = json_string_value(json_object_get(v, "package"));
        const char *version = json_string_value(json_object_get(v, "version"));

        if (!kind)
                return get_string(a, o, "owner");
        return imm_printf(a, "%s%s%s%s%s", kind, package ? " " : "", package ? package : "",
                package && version ? " " : "", package && version ? version : "");
}

static void get_findings(struct imm_arena *a, struct imm_state *s, const json_t *o) {
        const json_t *v;
        size_t i;

        json_array_foreach(json_object_get(o, "findings"), i, v) {
                struct imm_state_finding f = {
                        .rule = get_string(a, v, "rule"),
                        .scorecard = get_string(a, v, "scorecard"),
                        .setting = get_string(a, v, "setting"),
                        .confidence = get_string(a, v, "confidence"),
                        .remedy = get_string(a, v, "remedy"),
                        .file = get_string(a, v, "file"),
                        .owner = get_owner(a, v),
                        .line = (unsigned)get_int(v, "line", 0),
                        .subject = get_string(a, v, "subject"),
                        .suppressed = get_string(a, v, "suppressed"),
                };
                const char *severity = json_string_value(json_object_get(v, "severity"));

                if (severity)
                        (void)imm_severity_parse(severity, &f.severity);
                get_strings(a, v, "evidence", &f.evidence);
                *imm_array_push(a, &s->findings) = f;
        }
}

static void get_state(struct imm_snapshot *to, json_t *o) {
        const char *unit = json_string_value(json_object_get(o, "unit"));
        struct imm_arena *a = to->arena;
        struct imm_state *s;

        s = imm_snapshot_add(to, unit);
        s->path = get_string(a, o, "path");
        s->load = get_string(a, o, "load");
        s->load_message = get_string(a, o, "message");
        s->package = get_string(a, o, "package");
        s->exposure = imm_tenths_parse(json_string_value(json_object_get(o, "exposure")));
        s->rating = get_string(a, o, "rating");
        s->reach = imm_tenths_parse(json_string_value(json_object_get(o, "reach")));
        s->outcome = get_string(a, o, "outcome");
        get_strings(a, o, "dropins", &s->dropins);
        get_strings(a, o, "errors", &s->errors);
        get_settings(a, s, o);
        get_checks(a, s, o);
        get_mounts(a, s, o);
        get_access(a, s, o);
        get_closure(a, s, o);
        get_findings(a, s, o);
}

/* What entries are called: without it they could be compared with nothing. */
static const struct {
        const char *list, *key;
} keys[] = {{"checks", "id"}, {"mounts", "path"}, {"access", "path"}, {"findings", "rule"},
        {"paths", "path"}};

static int check_unit(const json_t *unit, size_t number, const char *name, struct imm_err *err) {
        const char *called = json_string_value(json_object_get(unit, "unit"));
        const json_t *closure = json_object_get(unit, "closure"), *v;
        size_t i;

        if (!called)
                return imm_err_set(
                        err, -EINVAL, "'%s': the unit number %zu has no name", name, number);
        for (size_t k = 0; k < IMM_ELEMENTSOF(keys); k++) {
                bool needs = imm_streq(keys[k].list, "paths");

                json_array_foreach(json_object_get(needs ? closure : unit, keys[k].list), i,
                        v) if (!json_string_value(json_object_get(v,
                                       keys[k].key))) return imm_err_set(err, -EINVAL,
                        "'%s': '%s': number %zu of its %s has no \"%s\"", name, called, i + 1,
                        keys[k].list, keys[k].key);
        }
        return 0;
}

static void json_freep(json_t **j) {
        json_decref(*j);
}

int imm_snapshot_from_json(struct imm_snapshot **ret, const char *text, size_t n, const char *name,
        struct imm_err *err) {
        imm_cleanup(imm_snapshot_free) struct imm_snapshot *s = NULL;
        __attribute__((cleanup(json_freep))) json_t *doc = NULL;
        const char *schema;
        json_error_t e;
        json_t *v;
        size_t i;

        doc = json_loadb(text, n, JSON_REJECT_DUPLICATES, &e);
        if (!doc)
                return imm_err_set(
                        err, -EINVAL, "'%s' is no JSON: line %d: %s", name, e.line, e.text);
        schema = json_string_value(json_object_get(doc, "schema"));
        if (!schema || !imm_streq(schema, "immure.report/1"))
                return imm_err_set(err, -EINVAL,
                        "'%s' is no report of immure (expected \"schema\": \"immure.report/1\", "
                        "found %s)",
                        name, schema ? schema : "none");
        if (!json_is_array(json_object_get(doc, "units")))
                return imm_err_set(err, -EINVAL, "'%s' has no list of units", name);
        json_array_foreach(json_object_get(doc, "units"), i, v) {
                int r = check_unit(v, i + 1, name, err);

                if (r < 0)
                        return r;
        }
        s = imm_snapshot_new();
        s->time = get_int(doc, "time", 0);
        s->host = get_string(s->arena, doc, "host");
        s->root = get_string(s->arena, doc, "root");
        s->scope = get_string(s->arena, doc, "scope");
        s->immure = get_string(s->arena, doc, "immure");
        s->systemd = (unsigned)get_int(doc, "systemd", 0);
        s->partial = get_tristate(doc, "partial") == 1;
        get_strings(s->arena, doc, "rules", &s->rules);
        imm_strv_sort_unique(&s->rules);
        get_strings(s->arena, doc, "not_analysed", &s->not_analysed);
        json_array_foreach(json_object_get(doc, "units"), i, v) get_state(s, v);
        imm_snapshot_sort(s);
        *ret = imm_steal(s);
        return 0;
}
