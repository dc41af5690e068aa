/*
 * The HTML report: one file, nothing from outside, complete without JavaScript. All text goes
 * through imm_text_put_markup(), which escapes for element content and attributes alike; the policy
 * in its head allows exactly the one style and the one script that are in it, by their hashes.
 */

#include "report/assets.h"
#include "report/html/html-private.h"

#include <ctype.h>
#include <sha256.h>
#include <time.h>

void imm_html_code(FILE *f, const char *s) {
        fputs("<code>", f);
        imm_text_put_markup(f, s);
        fputs("</code>", f);
}

/* Names of units are fine as they are, but for what a hostile report holds. */
void imm_html_id(FILE *f, const char *s) {
        for (; *s; s++)
                if (isalnum((unsigned char)*s) || strchr("-_.@:\\", *s))
                        putc(*s, f);
                else
                        fprintf(f, "_%02x", (unsigned char)*s);
}

void imm_html_tenths(FILE *f, int tenths) {
        if (tenths < 0)
                fputs("–", f);
        else
                fprintf(f, "%d.%d", tenths / 10, tenths % 10);
}

/* Good, fair or bad, by the rating's own borders */
const char *imm_html_tone(int tenths) {
        return tenths < 0 ? "faint" : tenths >= 75 ? "b" : tenths >= 50 ? "w" : "g";
}

const char *imm_html_severity_tone(enum imm_severity s) {
        return s >= IMM_SEVERITY_HIGH ? "b" : s == IMM_SEVERITY_MEDIUM ? "w" : "faint";
}

const char *imm_html_verdict_tone(enum imm_verdict v) {
        return v == IMM_VERDICT_WORSE    ? "b"
               : v == IMM_VERDICT_BETTER ? "g"
               : v == IMM_VERDICT_NEW    ? "w"
                                         : "faint";
}

static void hash(FILE *f, const char *content) {
        static const char digits[] =
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        unsigned char d[SHA256_DIGEST_LENGTH + 1] = {0}; /* 33 bytes: eleven groups of three */
        SHA256_CTX c;

        SHA256Init(&c);
        SHA256Update(&c, (const uint8_t *)content, strlen(content));
        SHA256Final(d, &c);
        fputs("'sha256-", f);
        for (size_t i = 0; i < sizeof(d); i += 3) {
                unsigned v = (unsigned)d[i] << 16 | (unsigned)d[i + 1] << 8 | d[i + 2];

                for (int k = 18; k >= 0; k -= 6)
                        putc(i + 3 >= sizeof(d) && k == 0 ? '=' : digits[v >> k & 63], f);
        }
        fputs("'", f);
}

static void head(const struct imm_report *r, FILE *f) {
        const char *host = r->now->host && *r->now->host ? r->now->host : r->now->root;

        fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
              "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
              "style-src ",
                f);
        hash(f, report_css);
        fputs("; script-src ", f);
        hash(f, report_js);
        fputs("; base-uri 'none'; form-action 'none'\">\n"
              "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
              "<meta name=\"referrer\" content=\"no-referrer\">\n<title>immure: ",
                f);
        imm_text_put_markup(f, host);
        fprintf(f, "</title>\n<style>%s</style>\n</head>\n<body>\n", report_css);
        fputs("<a class=skip href=#units>To the table of units</a>\n<header>\n<h1>Audit of ", f);
        imm_text_put_markup(f, host);
        fputs("</h1>\n<p class=faint>", f);
        if (r->now->time) {
                time_t t = (time_t)r->now->time;
                char when[64] = "";
                struct tm tm;

                if (gmtime_r(&t, &tm))
                        (void)strftime(when, sizeof(when), "%e %B %Y, %H:%M UTC", &tm);
                fprintf(f, "%s · ", when);
        }
        fprintf(f, "systemd %u · root ", r->now->systemd);
        imm_html_code(f, r->now->root);
        if (r->now->scope && !imm_streq(r->now->scope, "system")) {
                fputs(" · manager of ", f);
                imm_text_put_markup(f, r->now->scope);
        }
        fputs(" · immure ", f);
        imm_text_put_markup(f, r->now->immure);
        fputs("</p>\n", f);
        if (r->now->partial)
                fputs("<p class=b>Something could not be read: this audit is partial.</p>\n", f);
        fputs("</header>\n<nav aria-label=Sections><a href=#summary>Summary</a>", f);
        if (r->changes)
                fputs("<a href=#changes>What changed</a>", f);
        fputs("<a href=#worst>Units</a><a href=#details>Unit by unit</a><a href=#rules>What "
              "helps</a>",
                f);
        if (r->now->not_analysed.n > 0)
                fputs("<a href=#not-analysed>Not analysed</a>", f);
        fputs("</nav>\n<main>\n", f);
}

static void not_analysed(const struct imm_report *r, FILE *f) {
        if (r->now->not_analysed.n == 0)
                return;
        fputs("<h2 id=not-analysed>Not analysed</h2>\n<ul>\n", f);
        for (size_t i = 0; i < r->now->not_analysed.n; i++) {
                fputs("<li>", f);
                imm_text_put_markup(f, r->now->not_analysed.v[i]);
                fputs("</li>\n", f);
        }
        fputs("</ul>\n", f);
}

void imm_report_html(const struct imm_report *r, FILE *f) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        const struct imm_state **list = imm_worst_first(r->now, a);

        head(r, f);
        imm_html_summary(r, f);
        imm_html_changes(r, f);
        imm_html_units(r, list, f);
        fputs("<h2 id=details>Unit by unit</h2>\n", f);
        for (size_t i = 0; i < r->now->states.n; i++)
                imm_html_unit(list[i], f);
        imm_html_rules(r, f);
        not_analysed(r, f);
        fprintf(f, "</main>\n<script>%s</script>\n</body>\n</html>\n", report_js);
}
