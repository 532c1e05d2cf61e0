/* SPDX-License-Identifier: MIT */
/*
 * server.h - an HTTP server: a site answers requests with handlers or files.
 *
 *     static tw_value hello(tw_request *request, void *arg)
 *     {
 *         tw_request_answer(request, 200, "text/plain", tw_string("hello\n"));
 *         return tw_none();
 *     }
 *     ...
 *     struct tw_listen_options options = { .port = 8080 };
 *     tw_site *site = tw_site_new(NULL);
 *     tw_site_handle(site, "/hello", hello, NULL, NULL);
 *     tw_site_files(site, "/", "public");
 *     tw_site_listen(site, &options, &listener, NULL);
 *     return tw_reactor_run();
 *
 * After Twisted's web.server.Site and web.resource; parsing is strict, RFC 9112.
 */
#ifndef TWEED_SERVER_H
#define TWEED_SERVER_H

#include <tweed/deferred.h>
#include <tweed/headers.h>
#include <tweed/tcp.h>

TW_BEGIN

typedef struct tw_site tw_site;
typedef struct tw_request tw_request;

/* Answer `request`: now, or later by tw_request_finish(). Return none when the answer has been or
 * will be given by the request functions, bytes to send them as the whole body, a failure for a
 * 500, or a Deferred (tw_wait()) of any of these. The request is lent; it stays valid until it is
 * finished, even if the client goes before (see tw_request_on_gone()). */
typedef tw_value tw_handler(tw_request *request, void *arg);

/* All zero is the default. */
struct tw_site_options {
    size_t max_request_line;   /* 0: 8192 -> 414 */
    size_t max_header_bytes;   /* 0: 32768 -> 431 */
    size_t max_header_lines;   /* 0: 100 -> 431 */
    int64_t max_body;          /* 0: 1 MiB -> 413; negative: none */
    double header_timeout;     /* 0: 10 s for all headers -> 408 */
    double idle_timeout;       /* 0: 15 s */
    double body_rate;          /* 0: 100 B/s over 10 s */
    /* How long a client may read none of the bytes that wait for it, also while its connection
     * is being closed, before the connection is aborted. 0: 30 s; negative: no limit. */
    double send_timeout;
    /* How long a client that has shut down its sending side may wait for the next bytes of its
     * answers before it counts as gone. 0: 60 s; negative: no limit. */
    double half_close_timeout;
    unsigned max_pipelined;    /* answers queued before reading stops; 0: 16 */
    unsigned max_connections;  /* 0: no limit */
    const char *server_name;   /* Server field; NULL: "tweed"; "": none */
    /* For a log, once for each request: all of its answer has been handed to the system, or
     * the client has gone (tw_request_answer_cut()). Everything is lent; tw_request_transport()
     * still names the client. */
    void (*on_finished)(tw_request *request, void *arg);
    void *arg;
};
/* Counted. NULL when there is no memory. */
TW_API TW_MUST_USE tw_site *tw_site_new(const struct tw_site_options *options);
TW_API tw_site *tw_site_ref(tw_site *site);
TW_API void tw_site_unref(tw_site *site);
/*
 * Handle `path` exactly, or everything below it when it ends with "/". The longest match wins.
 *
 * The path is read as a request's is (tw_request_path()): escapes are decoded, "." and ".." are
 * resolved; routes are matched segment by segment. "*" handles `OPTIONS *`, which is otherwise
 * answered with 204. "" handles CONNECT, which is otherwise answered with 501; there are no
 * tunnels, and the connection ends with the answer.
 * `release` (may be NULL) is called with arg once. Returns 0, -EINVAL, -EEXIST, -ENOMEM.
 */
TW_API int tw_site_handle(tw_site *site, const char *path, tw_handler *handler, void *arg,
                          tw_release_fn *release);

/* How files are served. All zero is the default. */
struct tw_files_options {
    bool hidden; /* serve, and list, names that begin with a dot, too */
};
/*
 * Serve the files below `directory` at `path` (ends with "/"): types, index.html or a listing,
 * Last-Modified, ETag, conditions, ranges, HEAD, X-Content-Type-Options.
 *
 * There is no way out of the directory. Symbolic links are followed where they stay inside; one
 * with an absolute path if that leads through the directory itself. Names that begin with a dot
 * are not found (/.well-known/ needs a route of its own); pipes and devices are refused.
 * Returns as tw_site_handle(), or the error of open(). `options` NULL: the default.
 */
TW_API int tw_site_files(tw_site *site, const char *path, const char *directory);
TW_API int tw_site_files_with(tw_site *site, const char *path, const char *directory,
                              const struct tw_files_options *options);
/* For tw_listen(). Counted by the caller. */
TW_API TW_MUST_USE tw_factory *tw_site_factory(tw_site *site);
/* Listen with it. As tw_listen(). */
TW_API int tw_site_listen(tw_site *site, const struct tw_listen_options *options,
                          tw_listener **ret_listener, tw_value *ret_failure);

/* --- the request ------------------------------------------------------------------------- */

TW_API const char *tw_request_method(const tw_request *request);
TW_API const char *tw_request_target(const tw_request *request); /* as sent */
/*
 * The path, without the query, in the one form that routes are matched on and files are found
 * by: it is split at "/", then each segment is decoded, and "." and ".." are resolved (RFC
 * 3986, 5.2.4). Empty segments stay; an escaped slash does not split a segment, and reads "%2F"
 * here. "*" for `OPTIONS *`, "" for CONNECT. Handlers never see a path that leads up from the
 * root, or holds a NUL or a broken escape: it is answered with 400.
 */
TW_API const char *tw_request_path(const tw_request *request);
/*
 * Segment `index` of the path, decoded, with "/" for an escaped slash; NULL past the last one.
 * "/" has one segment, which is empty; "/a/b" has two; "/a/" has "a" and an empty one.
 */
TW_API const char *tw_request_segment(const tw_request *request, size_t index);
TW_API const char *tw_request_query(const tw_request *request);  /* after "?", or ""; form.h */
TW_API const char *tw_request_version(const tw_request *request);
TW_API const tw_headers *tw_request_headers(const tw_request *request);
TW_API const char *tw_request_header(const tw_request *request, const char *name);
TW_API tw_value tw_request_body(const tw_request *request); /* bytes, lent */
/* For addresses and options; lent. NULL once the client has gone. */
TW_API tw_transport *tw_request_transport(tw_request *request);

/* --- the answer: status and headers first, then bytes, then finish ----------------------- */

/* Unless noted, functions that send return 0, -EALREADY (finished), -ENOTCONN (the client has gone)
 * or -ENOMEM (the connection is aborted). */

/* `reason` is copied; NULL: the usual one. 0, -EINVAL (not 200 to 999; CR, LF, NUL), -EALREADY
 * (headers are sent), -ENOMEM. */
TW_API int tw_request_set_status(tw_request *request, int status, const char *reason);
/* 0, -EINVAL (not a field's name; CR, LF, NUL; Transfer-Encoding, which the server sets itself;
 * a Content-Length that is no number), -EALREADY (headers are sent), -ENOMEM. "Connection:
 * close" closes the connection after this answer. */
TW_API int tw_request_set_header(tw_request *request, const char *name, const char *value);
TW_API int tw_request_add_header(tw_request *request, const char *name, const char *value);
/* Send a piece of the body: in chunks (until close in 1.0) unless Content-Length was set.
 * Dropped for HEAD. Also -EMSGSIZE (more than Content-Length said): then nothing was sent. */
TW_API int tw_request_write(tw_request *request, const void *data, size_t length);
/* Ends the request on any result except -EALREADY; 0 when the client has gone. -EMSGSIZE: less was
 * written than Content-Length said, and the connection is aborted. */
TW_API int tw_request_finish(tw_request *request);
/* Status, Content-Type and body in one call, and finish. `body` is taken; a failure in its
 * place makes a 500 and -EINVAL. Without memory the connection is aborted and the request over
 * (-ENOMEM); after -EALREADY, and -EINVAL for another reason, nothing has happened. */
TW_API int tw_request_answer(tw_request *request, int status, const char *content_type,
                             tw_value body);
/* A plain page that says what is wrong; `text` is escaped. */
TW_API int tw_request_error(tw_request *request, int status, const char *text);
/* True if the request's method is in the list ("GET, HEAD"). If not, answers the request with
 * 405 and Allow, or with 501 for a method that HTTP does not have. */
TW_API bool tw_request_allow(tw_request *request, const char *methods);
/* True if the request comes with these Basic credentials (RFC 7617), compared in constant time.
 * If not, answers the request with 401 and asks for `realm`, any text that a field may have;
 * quotes in it are escaped. */
TW_API bool tw_request_authorized(tw_request *request, const char *realm, const char *user,
                                  const char *password);
/* Call fn(request, arg) once if the client goes before the answer is finished; replaces an
 * earlier fn. It is not called if the answer is finished or the client gone already, nor if the
 * answer, or the transport that it is being sent on, has a producer, whose stop() is called
 * instead. A client that only shuts down its sending side has not gone: its answers are sent
 * (RFC 9112, 9.6). */
TW_API void tw_request_on_gone(tw_request *request, void (*fn)(tw_request *request, void *arg),
                               void *arg);
TW_API int tw_request_answer_status(const tw_request *request);
/* The number of bytes of the body that the handler has given; in on_finished, that were handed
 * to the system (of an answer that was cut, the framing of unsent chunks counts as unsent
 * bytes). */
TW_API uint64_t tw_request_answer_bytes(const tw_request *request);
/* In on_finished: true if the answer did not go out whole. */
TW_API bool tw_request_answer_cut(const tw_request *request);

/* --- the client's pace ------------------------------------------------------------------- */

/*
 * A handler that writes faster than the client reads fills the memory. It keeps to the client's
 * pace by waiting now and then, in a coroutine
 *
 *     while (next_piece(&piece) && tw_request_write(request, piece.data, piece.length) == 0)
 *         tw_await(tw_request_drain(request));
 *
 * or by a producer.
 */

/* The number of bytes of this answer that have not been handed to the system, bytes that wait
 * behind earlier answers included. 0 once it is finished, or the client has gone. */
TW_API size_t tw_request_pending(const tw_request *request);
/* Fires with none: at once while no more than 64 KiB are pending, otherwise when no more than
 * 16 KiB are left or the answer is finished. Fails with tw_error_connection_lost when the
 * client has gone. May be cancelled. asyncio's StreamWriter.drain(). */
TW_API TW_MUST_USE tw_deferred *tw_request_drain(tw_request *request);
/* As tw_transport_register_producer(), with the marks of tw_request_drain(), for this answer only:
 * a transport carries those of other requests too. Also -EALREADY (finished). Finishing the answer
 * unregisters it; stop() is called instead of what tw_request_on_gone() set. Twisted's
 * Request.registerProducer(). */
TW_API int tw_request_register_producer(tw_request *request,
                                        const struct tw_producer *producer, bool push,
                                        void *arg);
TW_API void tw_request_unregister_producer(tw_request *request);

TW_END
#endif
