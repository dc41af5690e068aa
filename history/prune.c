/* Retention: the newest runs of each host and root stay; content that nobody points at goes. */

#include "history/history-private.h"

/* References are not SQLite's to follow: it would walk a table for every row that goes. */
static int drop_runs(struct imm_history *h, unsigned keep, unsigned *ret, struct imm_err *err) {
        imm_auto_stmt *q = NULL;
        int r;

        r = imm_history_prepare(h,
                "DELETE FROM run WHERE id IN (SELECT id FROM (SELECT id, row_number() OVER "
                "(PARTITION BY host, root, scope ORDER BY id DESC) AS age FROM run) WHERE age > ?)",
                &q, err);
        if (r < 0)
                return r;
        (void)sqlite3_bind_int64(q, 1, keep);
        r = imm_history_step(h, q, err);
        *ret = (unsigned)sqlite3_changes(h->db);
        if (r >= 0 && *ret > 0)
                r = imm_history_exec(h,
                        "DELETE FROM run_state WHERE run NOT IN (SELECT id FROM run);"
                        "DELETE FROM run_note WHERE run NOT IN (SELECT id FROM run)",
                        err);
        return r;
}

/* Parts nobody's state names any more; their texts are few and stay until they are many. */
static int drop_content(struct imm_history *h, struct imm_err *err) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        const char *used = "",
                   *texts = "SELECT unit FROM state UNION SELECT path FROM state UNION "
                            "SELECT load FROM state UNION SELECT load_message FROM state UNION "
                            "SELECT package "
                            "FROM state UNION SELECT rating FROM state UNION SELECT outcome FROM "
                            "state UNION "
                            "SELECT closure_kind FROM state UNION SELECT value FROM run_note UNION "
                            "SELECT rules FROM run";
        int r;

        for (enum imm_part p = 0; p < IMM_PART_N; p++)
                used = imm_printf(a, "%s%sSELECT %s FROM state", used, p ? " UNION " : "",
                        imm_part_kinds[p].state_column);
        r = imm_history_exec(h,
                imm_printf(a,
                        "DELETE FROM state WHERE id NOT IN (SELECT state FROM run_state);"
                        "DELETE FROM part WHERE id NOT IN (%s)",
                        used),
                err);
        for (enum imm_part p = 0; r >= 0 && p < IMM_PART_N; p++) {
                const struct imm_part_kind *k = &imm_part_kinds[p];

                r = imm_history_exec(h,
                        imm_printf(a, "DELETE FROM %s WHERE part NOT IN (SELECT id FROM part)",
                                k->table),
                        err);
                if (r >= 0 && k->shared)
                        r = imm_history_exec(h,
                                imm_printf(a, "DELETE FROM %s WHERE id NOT IN (SELECT %s FROM %s)",
                                        k->shared, k->shared, k->table),
                                err);
                for (size_t i = 0; i < k->n_columns; i++)
                        if (k->columns[i].type == IMM_COLUMN_TEXT)
                                texts = imm_printf(a, "%s UNION SELECT %s FROM %s", texts,
                                        k->columns[i].name,
                                        k->columns[i].shared ? k->shared : k->table);
        }
        if (r >= 0)
                r = imm_history_exec(h,
                        imm_printf(a,
                                "DELETE FROM text WHERE id NOT IN (%s "
                                "EXCEPT SELECT NULL)",
                                texts),
                        err);
        return r;
}

int imm_history_prune(
        struct imm_history *h, unsigned keep, unsigned *ret_dropped, struct imm_err *err) {
        unsigned dropped = 0;
        int r;

        r = imm_history_exec(h, "BEGIN IMMEDIATE", err);
        if (r < 0)
                return r;
        r = drop_runs(h, keep, &dropped, err);
        if (r >= 0 && dropped > 0)
                r = drop_content(h, err);
        if (r >= 0)
                r = imm_history_exec(h, "COMMIT", err);
        if (r < 0) {
                (void)sqlite3_exec(h->db, "ROLLBACK", NULL, NULL, NULL);
                return r;
        }
        if (ret_dropped)
                *ret_dropped = dropped;
        return 0;
}
