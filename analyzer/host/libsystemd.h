#pragma once

/*
 * libsystemd, for whoever talks to the manager or the journal: it brings five libraries of
 * compression and cryptography, and is loaded when it is asked for. sd_NAME() is imm_sd.NAME().
 */

#include "base/err.h"

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-bus.h>
#include <systemd/sd-journal.h>

#define IMM_SD_FUNCTIONS(X) \
        X(bus_call_method) \
        X(bus_creds_get_pid) \
        X(bus_creds_unref) \
        X(bus_error_free) \
        X(bus_error_has_name) \
        X(bus_error_is_set) \
        X(bus_flush_close_unref) \
        X(bus_get_fd) \
        X(bus_get_owner_creds) \
        X(bus_get_property_string) \
        X(bus_message_enter_container) \
        X(bus_message_exit_container) \
        X(bus_message_peek_type) \
        X(bus_message_read) \
        X(bus_message_read_basic) \
        X(bus_message_skip) \
        X(bus_message_unref) \
        X(bus_new) \
        X(bus_open_system) \
        X(bus_open_user) \
        X(bus_set_address) \
        X(bus_start) \
        X(journal_send)

struct imm_sd {
#define IMM_SD_MEMBER(name) __typeof__(&sd_##name) name;
        IMM_SD_FUNCTIONS(IMM_SD_MEMBER)
#undef IMM_SD_MEMBER
};
extern struct imm_sd imm_sd;

/* Before any of them is called; by one thread at a time. Done once, however often it is asked. */
int imm_sd_load(struct imm_err *err);
