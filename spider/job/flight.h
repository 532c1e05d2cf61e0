/* SPDX-License-Identifier: MIT */
/*
 * flight.h - which pages' callbacks run right now: so that one that crashes the program is found.
 *
 * A page of memory is shared with the file FOLDER/flight: the numbers in it outlive the program,
 * at the cost of two stores a callback. A start finds those that were left there. One that is
 * left there three times in a row crashes the program: it counts as failed from then on.
 */
#ifndef SPIDER_JOB_FLIGHT_H
#define SPIDER_JOB_FLIGHT_H

#include <stddef.h>
#include <stdint.h>

#include "spider/job/sql.h"

enum { TWI_FLIGHT_SLOTS = 512, TWI_FLIGHT_CRASHES = 3 };

struct twi_flight {
    volatile int64_t *slots; /* NULL: nobody looks */
    size_t used;
};

/* Map FOLDER/flight. 0, or a negative errno and a failure that names it. */
int twi_flight_open(struct twi_flight *flight, const char *folder, tw_value *ret_failure);
void twi_flight_close(struct twi_flight *flight);

/* Count the pages that were left, in the table `job`; those that crashed the program too often
 * get a row in the log, at the time `now`, for which they must be pages below or at `last`. Then
 * the mapping is empty. 0, or a negative errno of SQLite. */
int twi_flight_judge(struct twi_flight *flight, struct twi_sql *sql, int64_t last,
                     int64_t now);

/* The callback of a page begins, or goes on; it awaits, or has returned. They nest. */
void twi_flight_begin(struct twi_flight *flight, int64_t id);
void twi_flight_end(struct twi_flight *flight, int64_t id);

#endif
