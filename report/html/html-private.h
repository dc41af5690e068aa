#pragma once

/*
 * The pieces of the HTML report. Every text from outside goes through imm_text_put_markup(). End
 * tags that HTML lets one leave out are left out: of 500 units they would be a tenth of the page.
 */

#include "report/report.h"

void imm_html_code(FILE *f, const char *s); /* in <code> */
void imm_html_id(FILE *f, const char *s);   /* of an id, or of a link to it */
void imm_html_tenths(FILE *f, int tenths);
const char *imm_html_tone(int tenths); /* CSS class: b(ad), w(arn), g(ood), faint */
const char *imm_html_severity_tone(enum imm_severity s);
const char *imm_html_verdict_tone(enum imm_verdict v);

void imm_html_summary(const struct imm_report *r, FILE *f); /* summary.c: cards, pictures */
void imm_html_changes(const struct imm_report *r, FILE *f); /* changes.c */
void imm_html_units(const struct imm_report *r, const struct imm_state **list, FILE *f);
void imm_html_unit(const struct imm_state *s, FILE *f);   /* unit.c */
void imm_html_access(const struct imm_state *s, FILE *f); /* access.c */
void imm_html_mounts(const struct imm_state *s, FILE *f);
void imm_html_rules(const struct imm_report *r, FILE *f);
