/* SPDX-License-Identifier: MIT */
/*
 * failure.h - why something did not work: a counted, immutable value.
 *
 * A failure has a class (tw_failure_is() follows parents), a message, a native number (errno,
 * HTTP status, TLS code), a cause, the place where it was made and, if wanted, a value of the
 * user's. No stack is captured. After Twisted's twisted.python.failure.
 */
#ifndef TWEED_FAILURE_H
#define TWEED_FAILURE_H

#include <tweed/value.h>

TW_BEGIN

/* Static storage. `word` is the short word that tools print; NULL means the parent's. */
typedef struct tw_error_class {
    const char *name;
    const struct tw_error_class *parent;
    const char *word;
} tw_error_class;

/* The tree of classes, two spaces for each level; the word in brackets.
 *   tw_error                                  [other]
 *     tw_error_memory                         out of memory; one immortal failure
 *     tw_error_cancelled                      [aborted] somebody called tw_cancel()
 *     tw_error_abandoned                      the Deferred waited for died unfired
 *     tw_error_closed                         thrown into a coroutine that is closed
 *     tw_error_timeout                        [timeout]
 *     tw_error_misuse                         a call that the rules forbid
 *       tw_error_already_called
 *     tw_error_first                          a list's first error: cause, index as number
 *     tw_error_group                          several: tw_failure_value() is the list
 *     tw_error_queue_full, tw_error_queue_empty
 *     tw_error_queue_closed                   no more values go through it
 *     tw_error_barrier_broken
 *     tw_error_system                         a system call's errno is the number
 *     tw_error_url                            [url]
 *     tw_error_dns                            [dns]
 *     tw_error_connect                        [connect]
 *       tw_error_connect_refused, tw_error_connect_no_route, tw_error_connect_bind
 *       tw_error_connect_timeout              [timeout]
 *     tw_error_connection                     [aborted] the end of a connection
 *       tw_error_connection_done              ended cleanly
 *       tw_error_connection_lost              broken by the network or the peer
 *       tw_error_connection_aborted           we aborted it
 *     tw_error_tls                            [tls]
 *     tw_error_protocol                       [protocol] the peer broke the protocol
 *     tw_error_empty                          [empty] connection ended before any answer
 *     tw_error_partial                        [partial] answer cut short; value: its beginning
 *     tw_error_encoding                       [encoding] content or transfer coding
 *     tw_error_redirect                       [redirect] too many redirects
 *     tw_error_toolarge                       [toolarge] a limit was crossed
 *     tw_error_cache                          [cache] only stored answers may be used, and
 *                                             there is none, or it is damaged
 *     tw_error_process                        [process] a child process; its exit status
 *                                             was taken by other code
 *       tw_error_process_start                it could not be started; number: the errno
 *       tw_error_process_done                 ended with exit status 0
 *       tw_error_process_terminated           with another: the number; negative: a signal
 *       tw_error_process_errors               it wrote to standard error
 *       tw_error_worker_lost                  a process pool's worker died
 *     tw_error_status                         [status] HTTP status is the number; value: response
 */
TW_API extern const tw_error_class tw_error, tw_error_memory, tw_error_cancelled,
    tw_error_abandoned, tw_error_closed, tw_error_timeout, tw_error_misuse,
    tw_error_already_called, tw_error_first, tw_error_group, tw_error_queue_full,
    tw_error_queue_empty, tw_error_queue_closed, tw_error_barrier_broken, tw_error_system,
    tw_error_url, tw_error_dns, tw_error_connect, tw_error_connect_refused,
    tw_error_connect_no_route, tw_error_connect_bind, tw_error_connect_timeout,
    tw_error_connection, tw_error_connection_done, tw_error_connection_lost,
    tw_error_connection_aborted, tw_error_tls, tw_error_protocol, tw_error_empty,
    tw_error_partial, tw_error_encoding, tw_error_redirect, tw_error_toolarge, tw_error_cache,
    tw_error_process, tw_error_process_start, tw_error_process_done,
    tw_error_process_terminated, tw_error_process_errors, tw_error_worker_lost,
    tw_error_status;

/* Make a failure: tw_fail(&tw_error_url, "no host in %s", text). The message is copied. Out of
 * memory gives the static failure of tw_error_memory. */
#define tw_fail(error_class, ...) tw_fail_at(TW_HERE, (error_class), __VA_ARGS__)
TW_API TW_MUST_USE tw_value tw_fail_at(const char *where, const tw_error_class *error_class,
                                       const char *format, ...) TW_PRINTF(3, 4);
/* The same from an errno (positive or negative): text of strerror(), number errno. */
#define tw_fail_errno(error_class, number) tw_fail_errno_at(TW_HERE, (error_class), (number))
TW_API TW_MUST_USE tw_value tw_fail_errno_at(const char *where,
                                             const tw_error_class *error_class, int number);
/* The immortal failure of tw_error_memory; may cross threads. */
TW_API tw_value tw_fail_memory(void);

/* Everything a failure can carry. `cause` and `value` are taken. `message` is copied. */
struct tw_failure_fields {
    const tw_error_class *error_class;
    const char *message;
    const char *where; /* static storage; TW_HERE */
    int64_t number;
    tw_value cause; /* a failure, or none */
    tw_value value; /* anything of the user's: a foreign exception, a response, a list */
};
TW_API TW_MUST_USE tw_value tw_fail_with(const struct tw_failure_fields *fields);

/* True if the failure's class is `error_class` or below it; false for a value that is no
 * failure. Twisted's check(); for trap(), return the failure when this is false. */
TW_API bool tw_failure_is(tw_value failure, const tw_error_class *error_class);
/* Like tw_failure_is(), but looks along the causes too. */
TW_API bool tw_failure_has(tw_value failure, const tw_error_class *error_class);

/* Accessors; strings and lent values live as long as the failure. */
TW_API const tw_error_class *tw_failure_class(tw_value failure);
TW_API const char *tw_failure_message(tw_value failure);
TW_API const char *tw_failure_word(tw_value failure); /* never NULL; "other" by default */
TW_API const char *tw_failure_where(tw_value failure);
TW_API int64_t tw_failure_number(tw_value failure);
TW_API tw_value tw_failure_cause(tw_value failure);
TW_API tw_value tw_failure_value(tw_value failure);

TW_END
#endif
