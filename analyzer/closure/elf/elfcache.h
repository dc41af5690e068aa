#pragma once

/*
 * What was found out about programs and libraries, kept between runs: the ELF tables, a script's
 * first line, the name services asked for. A record counts for the very file alone: device, inode,
 * size, modification and change time are those it was made from, and the file lies on the file
 * system that this machine runs from. What changed just before the run is not kept: it may change
 * again within the same tick of the file system's clock. The cache decides nothing: it may be
 * missing, broken, somebody else's or unwritable, and then everything is read anew.
 */

#include "analyzer/closure/closure-private.h"

struct elfcache;

/*
 * Reads the cache at @path, a file of the machine that analyses. @tag: whose records count (the
 * program's version). @since: files that changed then or later are not kept. Not taken: what is no
 * regular file, belongs to another user, can be written by others, or is broken anywhere. Never
 * fails; lives in @a.
 */
struct elfcache *elfcache_open(
        const char *path, const char *tag, time_t since, struct imm_arena *a);

/* Fills in what is known of @n's content: true if there is a record. */
bool elfcache_get(struct elfcache *e, struct node *n, struct imm_arena *a);

/* Writes the records of all files of @c, which has a cache, and those that were not asked for,
 * whole or not at all. */
void elfcache_save(const struct imm_closures *c);
