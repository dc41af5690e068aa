#include "report/report.h"

void imm_report_json(const struct imm_report *r, bool pretty, FILE *f) {
        struct imm_json j = imm_json_on(f, pretty ? IMM_JSON_PRETTY : IMM_JSON_SHORT);

        imm_snapshot_json(r->now, &j);
}
