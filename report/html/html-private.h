#pragma once

/* The pieces of the HTML report. Every text from outside goes through imm_text_put_markup(). */

#include "report/report.h"

void imm_html_tenths(FILE *f, int tenths);
const char *imm_html_tone(int tenths); /* CSS class */
const char *imm_html_severity_tone(enum imm_severity s);
const char *imm_html_verdict_tone(enum imm_verdict v);

void imm_html_summary(const struct imm_report *r, FILE *f); /* summary.c: cards and trend */
void imm_html_changes(const struct imm_report *r, FILE *f);
void imm_html_units(const struct imm_report *r, const struct imm_state **list, FILE *f);
void imm_html_unit(const struct imm_report *r, const struct imm_state *s, FILE *f); /* unit.c */
void imm_html_rules(const struct imm_report *r, FILE *f);
