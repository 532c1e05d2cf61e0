/* SPDX-License-Identifier: MIT */
/*
 * feed.h - a file of items, written exactly once.
 *
 * The job's database is the truth, a feed's file a copy that can be made again. The bytes of a
 * transaction's items are committed with it as rows ("tail"), beside how long the file is then
 * ("feed"); only afterwards they are written into the file. A start writes the rows once more
 * and cuts off what follows them; a checkpoint makes sure that the file is on the disk, and
 * forgets them.
 *
 *   opening      twi_feed_open(), the row of a new feed is committed, twi_feed_restore() for
 *                each row of its tail in order, twi_feed_settle()
 *   transaction  twi_feed_add() ..., twi_feed_writes(), twi_feed_state(), commit,
 * twi_feed_apply();
 *                or twi_feed_undo() when it was rolled back
 *   checkpoint   twi_feed_sync(), then in one transaction the tail's rows that are not raw go and
 *                the feed's row is written
 *
 * A compressed feed is written in frames of 256 KiB of items or 5 seconds; until one is closed
 * its items stand in the tail only, as raw rows. A list of JSON or an XML document has its end
 * behind the last item after each transaction; the next one is written over it. Items to standard
 * output are not repeatable: after a crash the last ones may come twice.
 *
 * Everything here belongs to one thread, which may be another than the reactor's: of libtweed
 * only failures are made, which may be moved to the reactor's thread.
 */
#ifndef SPIDER_JOB_FEED_H
#define SPIDER_JOB_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tweed/value.h>

struct twi_feed;

/* Read during twi_feed_open() only. */
struct twi_feed_options {
    const char *path;          /* feed_name.h says how it is written */
    const char *const *fields; /* only these, in this order, NULL at the end; NULL: all */
    long batch;                /* items in a file; 0: all in one */
    const char *spider;        /* its name */
    int64_t started;           /* the job's start in ms since 1970 */
    bool append, overwrite;    /* a file that is there: neither refuses it */
};

enum { TWI_FEED_OPEN, TWI_FEED_CLOSED };

/* A row of table `feed`. */
struct twi_feed_state {
    const char *path,
        *format;         /* with name and time filled in: no two feeds of a job share one */
    const char *columns;       /* of CSV, a list in JSON; else NULL */
    int64_t batch;             /* number of the file, from 1 on */
    int64_t items;             /* of this job, in this file */
    int64_t at;                /* bytes of it that are committed; rows of a database */
    int64_t synced;            /* that are on the disk for sure */
    int64_t raw;               /* bytes of the open frame */
    int state;
};

/* A row of table `tail`. */
struct twi_feed_write {
    int64_t batch, at; /* raw: place in the open frame */
    bool is_raw;
    const char *data;
    size_t length;
    const struct twi_feed_write *next;
};

/* --- opening ------------------------------------------------------------------------------- */

/* The path that the state of such a feed has, to be freed. 0, -EINVAL, -ENOMEM. */
int twi_feed_path(const struct twi_feed_options *options, char **ret_path,
                  tw_value *ret_failure);
/* Check the path, its format and what stands there. Nothing on the disk changes.
 *   state   as committed; NULL: a new feed
 * 0, or a negative errno and a failure that names the file and what to do about it: -EINVAL (no
 * such format, impossible options), -EEXIST (it is there and may not be touched), -EISDIR and
 * others (it is no file). */
int twi_feed_open(const struct twi_feed_options *options, const struct twi_feed_state *state,
                  struct twi_feed **ret_feed, tw_value *ret_failure);
/* A row of the tail, in the order in which they were added. */
int twi_feed_restore(struct twi_feed *feed, const struct twi_feed_write *row,
                     tw_value *ret_failure);
/* Make the file what is committed, with its folders. -ESTALE: it is shorter than it was for sure;
 * -ENOENT: it is gone. */
int twi_feed_settle(struct twi_feed *feed, tw_value *ret_failure);
/* Nothing is written. */
void twi_feed_free(struct twi_feed *feed);

/* --- a transaction ------------------------------------------------------------------------- */

/* Add an item, the JSON text of an object, known by `id` in databases. A full batch is closed,
 * and the next begun. -EBUSY: twi_feed_apply() is due; -EINVAL: not an object; -ENOMEM. After a
 * failure undo. */
int twi_feed_add(struct twi_feed *feed, const char *json, size_t length, const char *id,
                 tw_value *ret_failure);
/* Close the frame that is open, if any. 0, -EBUSY, -ENOMEM. */
int twi_feed_close_frame(struct twi_feed *feed);
/* The run ends here. Apply then gives a last batch its name. A feed that is added to later goes
 * on, with a new file if it has batches. 0, -EBUSY, -ENOMEM. */
int twi_feed_finish(struct twi_feed *feed);
/* The rows to be added, once, after all else; they live until twi_feed_apply() or _undo().
 *   ret_drop_raw  the feed's raw rows go first
 * 0, -ENOMEM: undo. */
int twi_feed_writes(struct twi_feed *feed, const struct twi_feed_write **ret_first,
                    bool *ret_drop_raw);
/* The row to be written then; lent until the next call. */
const struct twi_feed_state *twi_feed_state(const struct twi_feed *feed);
/* It was rolled back: as before the first addition. */
void twi_feed_undo(struct twi_feed *feed);
/* It was committed: write. After any error it may be tried again, unless the feed is lost. */
int twi_feed_apply(struct twi_feed *feed, tw_value *ret_failure);

/* --- now and then -------------------------------------------------------------------------- */

/* Is it time for twi_feed_close_frame()? `now_ms` is monotonic. */
bool twi_feed_wants_frame(struct twi_feed *feed, int64_t now_ms);
/* Put on the disk all that was applied; `synced` says so. -EBUSY: twi_feed_apply() is due. */
int twi_feed_sync(struct twi_feed *feed, tw_value *ret_failure);
/* Has a sync failed, here or of a full batch? The system may have let go of what it could not
 * write, so no other sync is trusted: apply and sync fail until it is mended. */
bool twi_feed_is_lost(const struct twi_feed *feed);
/* Mend it: forget what was done to the file, as after twi_feed_open() with what is committed. The
 * tail is to be restored, which also does what apply was to do, and the feed settled. */
void twi_feed_reopen(struct twi_feed *feed);
/* There is no tail: trust the next sync for want of something better. */
void twi_feed_forgive(struct twi_feed *feed);
/* Batches below this number are on the disk under their names, so rows of them may go with the
 * next transaction: who takes such a file away must not find it again after a crash. */
int64_t twi_feed_kept_batches(const struct twi_feed *feed);
/* Members of items that had no column, since the last call; the name of one of them. */
int64_t twi_feed_unknown(struct twi_feed *feed, const char **ret_name);

#endif
