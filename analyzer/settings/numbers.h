#pragma once

/*
 * Private to this room: text to numbers, as systemd reads them. Each returns false for what systemd
 * refuses, *ret is then untouched. Sources: systemd.syntax(7), systemd.time(7), tests.
 */

#include <stdbool.h>
#include <stdint.h>

bool imm_text_bool(const char *s, bool *ret);
/* Leading white space, "+", 0x, 0b, 0o and octal 0 are fine */
bool imm_text_uint(const char *s, uint64_t max, uint64_t *ret);
bool imm_text_int(const char *s, int64_t min, int64_t max, int64_t *ret);
bool imm_text_mode(const char *s, uint64_t *ret); /* octal, at most 07777 */
/* "1G 512M", "1.5K"; @base 1000 or 1024 */
bool imm_text_size(const char *s, unsigned base, uint64_t *ret);
/* "1min 30s", "infinity" as UINT64_MAX; a plain number counts @unit microseconds */
bool imm_text_usec(const char *s, uint64_t unit, uint64_t *ret);
bool imm_text_nsec(const char *s, uint64_t *ret);
/* "12.34%" and per mille, in ten-thousandths; the finer ones since systemd 249 */
bool imm_text_permyriad(const char *s, unsigned version, bool bounded, uint64_t *ret);
/* "SIGTERM", "TERM", "RTMIN+3", "15" */
bool imm_text_signal(const char *s, int *ret);
const char *imm_signal_name(int number); /* without SIG; NULL for RT signals and nonsense */
/* "EPERM", "1"; 0 too */
bool imm_text_errno(const char *s, int *ret);
const char *imm_errno_name(int number); /* NULL if there is none */
