/* SPDX-License-Identifier: MIT */
/*
 * backend.h - the reactor's questions to libevent: which descriptors are ready.
 *
 * struct twi_watch (reactor/face.h) is implemented by the same file.
 */
#ifndef REACTOR_BACKEND_H
#define REACTOR_BACKEND_H

#include <stdbool.h>
#include <stdint.h>

#include "reactor/face.h"

struct twi_backend;

/* `name` NULL: the best. 0, -ENOTSUP, -ENOMEM, -EMFILE. */
int twi_backend_new(const char *name, struct twi_backend **ret_backend);
void twi_backend_free(struct twi_backend *backend);
/* In the child of a fork(), where its descriptors are shared with the parent: make them anew. The
 * functions below see to it themselves. */
void twi_backend_part(struct twi_backend *backend);
/* Then: nobody may wait by it any more; watches of it may still be freed. */
void twi_backend_leave(struct twi_backend *backend);
const char *twi_backend_name(const struct twi_backend *backend);

/* Call the watches of ready descriptors; with `block`, wait for one first. Writes the number of
 * calls. 0, or a negative errno when the backend could not wait: a watched descriptor was
 * closed, or memory was short. It then has paused for a moment, lest the caller spin. */
int twi_backend_wait(struct twi_backend *backend, bool block, size_t *ret_calls);
/* End a wait at `at` (CLOCK_MONOTONIC) or before. */
void twi_backend_alarm(struct twi_backend *backend, int64_t at);
/* True if it has a poke to deliver. */
bool twi_backend_busy(const struct twi_backend *backend);

int twi_backend_watch(struct twi_backend *backend, int fd, unsigned events, twi_watch_fn *fn,
                      void *arg, struct twi_watch **ret_watch);

#endif
