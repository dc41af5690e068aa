/* The parts of a state as tables of columns: the one place that knows both the structs and the SQL.
 */

#include "history/history-private.h"

#include <errno.h>

#define COLUMN(item, kind, name, field) \
        { name, IMM_COLUMN_##kind, offsetof(struct item, field), false }

#define SHARED(item, kind, name, field) \
        { name, IMM_COLUMN_##kind, offsetof(struct item, field), true }

#define ORIGIN(item) \
        COLUMN(item, TEXT, "origin", origin.kind), COLUMN(item, TEXT, "by", origin.by), \
                COLUMN(item, TEXT, "file", origin.file), \
                COLUMN(item, UNSIGNED, "line", origin.line)

static const struct imm_column setting_columns[] = {
        COLUMN(imm_state_setting, TEXT, "name", name),
        COLUMN(imm_state_setting, TEXT, "value", value),
        ORIGIN(imm_state_setting),
};

static const struct imm_column check_columns[] = {
        COLUMN(imm_state_check, TEXT, "id", id),
        COLUMN(imm_state_check, INT, "is_set", set),
        COLUMN(imm_state_check, INT, "exposure", exposure),
};

static const struct imm_column mount_columns[] = {
        COLUMN(imm_state_mount, TEXT, "path", path),
        COLUMN(imm_state_mount, TEXT, "source", source),
        COLUMN(imm_state_mount, TEXT, "fstype", fstype),
        COLUMN(imm_state_mount, BOOL, "read_only", read_only),
        COLUMN(imm_state_mount, BOOL, "nosuid", nosuid),
        COLUMN(imm_state_mount, BOOL, "nodev", nodev),
        COLUMN(imm_state_mount, BOOL, "noexec", noexec),
        COLUMN(imm_state_mount, TEXT, "setting", setting),
        ORIGIN(imm_state_mount),
};

static const struct imm_column access_columns[] = {
        COLUMN(imm_state_access, TEXT, "path", path),
        COLUMN(imm_state_access, INT, "can_exist", exists),
        COLUMN(imm_state_access, INT, "can_read", read),
        COLUMN(imm_state_access, INT, "can_write", write),
        COLUMN(imm_state_access, INT, "can_execute", execute),
        COLUMN(imm_state_access, INT, "can_connect", connect),
        COLUMN(imm_state_access, TEXT, "level", level),
};

static const struct imm_column need_columns[] = {
        COLUMN(imm_state_need, TEXT, "path", path),
        COLUMN(imm_state_need, TEXT, "reason", reason),
        COLUMN(imm_state_need, TEXT, "confidence", confidence),
        COLUMN(imm_state_need, TEXT, "package", package),
};

static const struct imm_column finding_columns[] = {
        SHARED(imm_state_finding, TEXT, "rule", rule),
        SHARED(imm_state_finding, TEXT, "scorecard", scorecard),
        SHARED(imm_state_finding, TEXT, "setting", setting),
        SHARED(imm_state_finding, UNSIGNED, "severity", severity),
        SHARED(imm_state_finding, TEXT, "confidence", confidence),
        SHARED(imm_state_finding, LINES, "evidence", evidence),
        SHARED(imm_state_finding, TEXT, "remedy", remedy),
        COLUMN(imm_state_finding, TEXT, "file", file),
        COLUMN(imm_state_finding, TEXT, "owner", owner),
        COLUMN(imm_state_finding, UNSIGNED, "line", line),
        SHARED(imm_state_finding, TEXT, "subject", subject),
        SHARED(imm_state_finding, TEXT, "suppressed", suppressed),
};

static const struct imm_column text_columns[] = {
        COLUMN(imm_text_item, TEXT, "kind", kind),
        COLUMN(imm_text_item, TEXT, "value", value),
};

const struct imm_part_kind imm_part_kinds[] = {
#define ROW(id, table_, columns_, compared, item, list_) \
        [id] = {table_, #list_, NULL, columns_, IMM_ELEMENTSOF(columns_), compared, \
                sizeof(struct item), offsetof(struct imm_state, list_)}
        ROW(IMM_PART_SETTING, "part_setting", setting_columns, 3, imm_state_setting, settings),
        ROW(IMM_PART_CHECK, "part_check", check_columns, 3, imm_state_check, checks),
        ROW(IMM_PART_MOUNT, "part_mount", mount_columns, 7, imm_state_mount, mounts),
        ROW(IMM_PART_ACCESS, "part_access", access_columns, 6, imm_state_access, access),
        ROW(IMM_PART_NEED, "part_need", need_columns, 4, imm_state_need, needs),
        [IMM_PART_FINDING] = {"part_finding", "findings", "finding", finding_columns,
                IMM_ELEMENTSOF(finding_columns), IMM_ELEMENTSOF(finding_columns),
                sizeof(struct imm_state_finding), offsetof(struct imm_state, findings)},
#undef ROW
        [IMM_PART_TEXT] = {"part_text", "texts", NULL, text_columns, IMM_ELEMENTSOF(text_columns),
                IMM_ELEMENTSOF(text_columns), sizeof(struct imm_text_item), 0},
};

static const struct {
        const char *kind;
        size_t list;
} text_lists[] = {
        {"dropin", offsetof(struct imm_state, dropins)},
        {"excess", offsetof(struct imm_state, excess)},
        {"missing", offsetof(struct imm_state, missing)},
        {"error", offsetof(struct imm_state, errors)},
};

bool imm_column_value(
        const struct imm_column *c, const char *item, const char **ret_text, int64_t *ret_int) {
        const void *p = item + c->offset;

        switch (c->type) {
        case IMM_COLUMN_TEXT:
                memcpy(ret_text, p, sizeof(*ret_text));
                return true;
        case IMM_COLUMN_LINES: /* neither */
                return false;
        case IMM_COLUMN_INT:
                *ret_int = *(const int *)p;
                return false;
        case IMM_COLUMN_UNSIGNED:
                *ret_int = *(const unsigned *)p;
                return false;
        case IMM_COLUMN_BOOL:
                *ret_int = *(const bool *)p;
                return false;
        }
        return false;
}

void imm_column_put(const struct imm_column *c, char *item, const char *text, int64_t number,
        struct imm_arena *a) {
        void *p = item + c->offset;

        switch (c->type) {
        case IMM_COLUMN_TEXT:
                memcpy(p, &text, sizeof(text));
                break;
        case IMM_COLUMN_LINES:
                imm_history_lines(text, a, p);
                break;
        case IMM_COLUMN_INT:
                *(int *)p = (int)number;
                break;
        case IMM_COLUMN_UNSIGNED:
                *(unsigned *)p = (unsigned)number;
                break;
        case IMM_COLUMN_BOOL:
                *(bool *)p = number == 1;
                break;
        }
}

int imm_item_check(struct imm_history *h, const struct imm_part_kind *k, const char *item,
        struct imm_err *err) {
        const char *name = NULL;
        int64_t ignored;

        if (imm_column_value(&k->columns[0], item, &name, &ignored) && name)
                return 0;
        return imm_err_set(err, -EINVAL, "history '%s' is damaged: a row of %s has no %s", h->path,
                k->table, k->columns[0].name);
}

size_t imm_part_width(const struct imm_part_kind *k) {
        size_t n = k->shared ? 1 : 0;

        for (size_t i = 0; i < k->n_columns; i++)
                n += imm_column_compared(k, i);
        return n;
}

struct imm_items imm_part_items(
        const struct imm_state *s, enum imm_part part, struct imm_arena *a) {
        IMM_ARRAY(struct imm_text_item) texts = {0};
        struct imm_items items;

        if (part != IMM_PART_TEXT) {
                memcpy(&items, (const char *)s + imm_part_kinds[part].list, sizeof(items));
                return items;
        }
        for (size_t k = 0; k < IMM_ELEMENTSOF(text_lists); k++) {
                struct imm_strv l;

                memcpy(&l, (const char *)s + text_lists[k].list, sizeof(l));
                for (size_t i = 0; i < l.n; i++)
                        *imm_array_push(a, &texts) =
                                (struct imm_text_item){text_lists[k].kind, l.v[i]};
        }
        return (struct imm_items){(char *)texts.v, texts.n, texts.cap};
}

void imm_part_put(
        struct imm_state *s, enum imm_part part, struct imm_items items, struct imm_arena *a) {
        if (part != IMM_PART_TEXT) {
                memcpy((char *)s + imm_part_kinds[part].list, &items, sizeof(items));
                return;
        }
        for (size_t i = 0; i < items.n; i++) {
                const struct imm_text_item *t =
                        (const void *)(items.v + i * sizeof(struct imm_text_item));

                for (size_t k = 0; t->kind && t->value && k < IMM_ELEMENTSOF(text_lists); k++)
                        if (imm_streq(t->kind, text_lists[k].kind))
                                imm_strv_add(a,
                                        (struct imm_strv *)(void *)((char *)s + text_lists[k].list),
                                        t->value);
        }
}

const char *imm_part_insert_sql(enum imm_part part, struct imm_arena *a) {
        const struct imm_part_kind *k = &imm_part_kinds[part];
        const char *marks = k->shared ? "?,?,?" : "?,?";

        for (size_t i = 0; i < k->n_columns; i++)
                if (!k->columns[i].shared)
                        marks = imm_printf(a, "%s,?", marks);
        return imm_printf(a, "INSERT INTO %s VALUES (%s)", k->table, marks);
}

const char *imm_part_shared_find_sql(enum imm_part part, struct imm_arena *a) {
        const struct imm_part_kind *k = &imm_part_kinds[part];
        const char *terms = "hash = ?";

        for (size_t i = 0; i < k->n_columns; i++)
                if (k->columns[i].shared)
                        terms = imm_printf(a, "%s AND %s IS ?", terms, k->columns[i].name);
        return imm_printf(a, "SELECT id FROM %s WHERE %s", k->shared, terms);
}

const char *imm_part_shared_add_sql(enum imm_part part, struct imm_arena *a) {
        const struct imm_part_kind *k = &imm_part_kinds[part];
        const char *names = "hash", *marks = "?";

        for (size_t i = 0; i < k->n_columns; i++) {
                if (!k->columns[i].shared)
                        continue;
                names = imm_printf(a, "%s, %s", names, k->columns[i].name);
                marks = imm_printf(a, "%s,?", marks);
        }
        return imm_printf(a, "INSERT INTO %s (%s) VALUES (%s)", k->shared, names, marks);
}

const char *imm_part_select_sql(enum imm_part part, struct imm_arena *a) {
        const struct imm_part_kind *k = &imm_part_kinds[part];
        const char *columns = "", *joins = "";

        if (k->shared)
                joins = imm_printf(a, " JOIN %s s ON s.id = p.%s", k->shared, k->shared);
        for (size_t i = 0; i < k->n_columns; i++) {
                const struct imm_column *c = &k->columns[i];
                const char *comma = i ? ", " : "", *from = c->shared ? "s" : "p";

                if (c->type != IMM_COLUMN_TEXT) {
                        columns = imm_printf(a, "%s%s%s.%s", columns, comma, from, c->name);
                        continue;
                }
                columns = imm_printf(a, "%s%st%zu.value", columns, comma, i);
                joins = imm_printf(
                        a, "%s LEFT JOIN text t%zu ON t%zu.id = %s.%s", joins, i, i, from, c->name);
        }
        return imm_printf(a, "SELECT %s FROM %s p%s WHERE p.part = ?1 ORDER BY p.row", columns,
                k->table, joins);
}
