/* SPDX-License-Identifier: MIT */
/*
 * log.h - the log at the exit of the program.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

/* Call fn() while the program exits. Events go to standard error meanwhile, unless the program has
 * said that nobody listens: its observer's argument may be gone by now. */
void twi_log_at_exit(void (*fn)(void));

#endif
