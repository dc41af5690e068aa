#pragma once

/* A SQLite database of the root that is read in place, whatever its mode, locks and file system. */

#include "analyzer/root/root.h"

struct sqlite3;
struct rodb;

/*
 * 0: *ret_db is open for reading (set "PRAGMA locking_mode = EXCLUSIVE" first of all). Else a
 * negative errno, -ENOENT where there is none, and *ret_why in words.
 */
int rodb_open(struct rodb **ret, const struct imm_root *root, const char *path,
        struct sqlite3 **ret_db, const char **ret_why);
struct rodb *rodb_free(struct rodb *v); /* after the connection was closed; accepts NULL */
