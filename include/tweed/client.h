/* SPDX-License-Identifier: MIT */
/*
 * client.h - HTTP requests: get_page, download_page and the agent below them.
 *
 * One engine for all: pooled keep-alive connections with limits, deadlines, redirects, cookies,
 * proxies, content decoding, streaming. TLS is verified.
 *
 *     static tw_value show(tw_value response, void *url)
 *     {
 *         printf("%s: %d, %zu bytes\n", (char *)url, tw_response_status(response),
 *                tw_bytes_length(tw_response_body(response)));
 *         return tw_none();
 *     }
 *     ...
 *     struct tw_fetch_options options = { .user_agent = "example/1", .timeout = 20 };
 *     tw_deferred *response = tw_agent_request(tw_agent_current(), url, &options);
 *     tw_add_callback(response, show, url);
 *     tw_add_errback(response, tw_log_failure, url);
 *     tw_deferred_unref(response);
 *
 * After Twisted's getPage, downloadPage, Agent, HTTPConnectionPool and their wrappers.
 */
#ifndef TWEED_CLIENT_H
#define TWEED_CLIENT_H

#include <tweed/cache.h>
#include <tweed/cookies.h>
#include <tweed/deferred.h>
#include <tweed/form.h>
#include <tweed/headers.h>
#include <tweed/tls.h>
#include <tweed/url.h>

TW_BEGIN

/* --- the agent: settings and a pool of connections ---------------------------------- */

typedef struct tw_agent tw_agent;

/* All zero is the default. Seconds and bytes; a negative limit is none. */
struct tw_agent_options {
    long max_per_host;         /* connections open at once to one host; 0: 100 */
    long max_total;            /* 0: 1000 */
    long max_idle_per_host;    /* 0: as max_per_host */
    double idle_timeout;       /* of an unused connection; 0: 60 */
    long max_uses;             /* requests on one connection; 0: no limit */
    double max_age;            /* of a connection; 0: no limit */
    tw_tls_context *tls;       /* NULL: system's trust */
    /* "[http|https|socks5|socks5h://][user:password@]host[:port]" for all requests; NULL: as the
     * environment says by http_proxy, https_proxy and all_proxy when the agent is made; "": none.
     * The default port is 1080, as for curl. */
    const char *proxy;
    /* Hosts, domains, addresses and networks that are reached directly, comma-separated, or "*";
     * NULL: as no_proxy in the environment says. Counts for a request's own proxy as well. */
    const char *no_proxy;
    /* Refuse loopback, private and link-local addresses (SSRF), in URLs and as the addresses of
     * their names. The proxy itself may have one; names that the proxy resolves are its to
     * refuse. */
    bool refuse_private;
    tw_cache *cache; /* of all requests; counted; NULL: none */
};
/* Counted; belongs to the calling thread. NULL when there is no memory, or errno EINVAL. */
TW_API TW_MUST_USE tw_agent *tw_agent_new(const struct tw_agent_options *options);
/* The calling thread's own agent, which tw_get_page() uses; lent. */
TW_API tw_agent *tw_agent_current(void);
TW_API tw_agent *tw_agent_ref(tw_agent *agent);
/* With the last reference idle connections are closed; requests under way hold a reference.
 * NULL is allowed, here and below: its requests are NULL. */
TW_API void tw_agent_unref(tw_agent *agent);
TW_API void tw_agent_close_idle(tw_agent *agent);
/* The same for the connections to the origin of `url`, and only these; those to a proxy that serves
 * other origins, too, stay. Returns 0, -EINVAL (no http or https URL), -ENOMEM. */
TW_API int tw_agent_close_host(tw_agent *agent, const char *url);
struct tw_agent_counts {
    size_t connections, idle, waiting;
    uint64_t connects, requests, reused;
};
TW_API struct tw_agent_counts tw_agent_counts(const tw_agent *agent);

/* --- a request ---------------------------------------------------------------------- */

/* The handle of an upload, for the code that produces the body. Lent until `release` below is
 * called, redirects and retries included. */
typedef struct tw_upload tw_upload;

/* A body that is produced while it is sent. */
struct tw_body_source {
    /* In bytes; -1 when not known (sent in chunks). A body that ends before is tw_error_misuse;
     * read() is not called for more. */
    int64_t length;
    /* Write at most `size` bytes into `data`; return how many, 0 at the end, -EAGAIN to wait
     * for tw_upload_ready(upload), another negative errno to give up the request. */
    int64_t (*read)(tw_upload *upload, char *data, size_t size, void *arg);
    /* Start over, for a redirect or retry; may be NULL. Returns 0 or a negative errno. */
    int (*rewind)(void *arg);
    /* Called with arg once, also when the request fails at once; may be NULL. */
    tw_release_fn *release;
    void *arg;
};
/* The source of `upload` has more: if its last read() returned -EAGAIN, read() is called again
 * inside this call; otherwise nothing happens. */
TW_API void tw_upload_ready(tw_upload *upload);

enum tw_redirect_policy {
    TW_REDIRECT_FOLLOW, /* as browsers: 301, 302 and 303 turn POST into GET; 307, 308 do not */
    TW_REDIRECT_NONE,   /* a redirect is a response like any other */
    TW_REDIRECT_SAFE,   /* follow for GET and HEAD only; otherwise tw_error_redirect */
    TW_REDIRECT_KEEP    /* 301 and 302 keep the method and the body: getPage's default */
};

/* A request that goes out; lent for the call. */
struct tw_outgoing {
    const char *head; /* as it stands on the wire, with its empty line; can hold credentials */
    size_t length;
    const char *url; /* without credentials */
    /* The other end of its connection, as tw_response_address() tells it. */
    const char *address;
    /* The same request went out before, on a connection that was kept and turned out to be dead
     * (see tw_agent_request()). A redirect is a request of its own. */
    bool resend;
};

/*
 * The pieces that on_wire is called with, lent for the call: with on_request and on_response_head
 * all bytes of a request and its answer as they went over the wire (below TLS), with the framing of
 * chunks, trailers and content codings. on_body and the response's body are what these come to, so
 * an archive has both; tw_response_read() makes the one of the other. An answer that is
 * not read to its end is not whole: the body of a redirect may be left when it is long.
 */
enum tw_wire {
    TW_WIRE_SENT,     /* bytes of the request's body */
    TW_WIRE_RECEIVED, /* bytes of the answer's body */
    TW_WIRE_WHOLE     /* the answer has come to its end; no bytes */
};

/* All zero is the default. Everything is lent for the call. */
struct tw_fetch_options {
    const char *method;          /* NULL: GET, or POST with a body */
    const void *body;            /* copied */
    size_t body_length;
    /* In place of body: a source, the fields of a form, the parts of a multipart form. The last
     * two set Content-Type, unless it is among the headers. */
    const struct tw_body_source *body_source;
    const struct tw_field *form;
    const struct tw_part *parts;
    const struct tw_field *params; /* added to the URL's query */
    const tw_headers *headers;   /* added; Host, User-Agent, Accept-Encoding replace ours */
    const char *user_agent;      /* NULL: "tweed/VERSION"; "": none */
    bool no_accept;              /* send no Accept field */
    const char *user, *password; /* Basic, for the first origin only */
    tw_cookies *cookies;         /* counted: read from and written to; NULL: no cookies */
    /* Send a Cookie field of `headers` in addition to `cookies`, not in their place. */
    bool join_cookies;
    tw_cache *cache;             /* counted, in place of the agent's; NULL: that one */
    /* How the cache is used, and what caches on the way are told; see cache.h. */
    enum tw_cache_mode cache_mode;
    const char *proxy;           /* in place of the agent's; "": none */
    /* Connect to this address, "IP" or "IP:port" (IPv6 with a port in brackets; without one, the
     * URL's), and not to those of the name, which stays in Host, SNI and verification. For the
     * URL's own origin: a redirect to another looks its name up. A connection that was made for
     * an address is used for requests of that same address only. A proxy by CONNECT or SOCKS is
     * asked for the address in place of the name; one that is asked for whole URLs (http through
     * an HTTP proxy) looks names up itself, and the address has no effect. NULL: the name's;
     * tw_error_url if it is no address. */
    const char *address;
    tw_tls_context *tls;         /* in place of the agent's */
    enum tw_redirect_policy redirects;
    int max_redirects;           /* 0: 20; negative: the first one is an error */
    /* Seconds; negative: no limit. `timeout` covers everything: queueing, redirects,
     * retries. */
    double timeout;              /* 0: 300 */
    double connect_timeout;      /* name, TCP, TLS; 0: 30 */
    double first_byte_timeout;   /* from request sent to first byte; 0: 60 */
    double idle_timeout;         /* between bytes; 0: 60 */
    int64_t max_body;            /* decoded bytes; 0: 1 GiB for streams, 64 MiB in memory */
    size_t max_header_bytes;     /* 0: 100,000 */
    size_t max_header_lines;     /* 0: 500 */
    bool no_decode;              /* no Accept-Encoding, body as sent */
    bool http10;                 /* speak HTTP/1.0 */
    bool fail_on_error;          /* a status of 400 or more fails with tw_error_status */
    bool accept_partial;         /* a body cut short is a success, marked incomplete */
    /* Streaming, of the final response only: on_headers is called once, then on_body for each
     * piece of the decoded body, which is not collected; either may be NULL. Arguments are
     * lent. A negative errno ends the request with that. Pause with tw_response_pause(). */
    int (*on_headers)(tw_value response, void *arg);
    int (*on_body)(const char *data, size_t length, void *arg);
    /* Called with each request as it goes out, redirects and resends included. For a log. */
    void (*on_request)(const struct tw_outgoing *request, void *arg);
    /* The answers as they came, for an archive; redirects are among them, interim answers (1xx)
     * are not. First the whole head of each, from its status line to the empty line, before
     * anything is done about it; then on_wire, below. */
    void (*on_response_head)(const char *head, size_t length, void *arg);
    void (*on_wire)(enum tw_wire what, const char *data, size_t length, void *arg);
    void *stream_arg;
};

/*
 * Fires with a response (below) when the body is complete; any HTTP status is a success unless
 * fail_on_error is set. Fails with tw_error_url, _dns, below _connect, _tls, _timeout, _empty,
 * _partial, _protocol, _encoding, _redirect, _toolarge, _connection, _cancelled; the failure's
 * value is the response as far as it came, or none. A cancel closes the connection that the
 * request uses.
 *
 * When its connection ends, a request that has not left is sent again on another. One that was
 * sent on a connection that was used before, and got no answer, is sent again once, if the
 * method allows it and there is no body (RFC 9110, 9.2.2). When there are no descriptors for
 * another connection, requests wait for those that are open, and fail only when none is.
 */
#define tw_agent_request(agent, url, options) \
    tw_agent_request_at(TW_HERE, (agent), (url), (options))
TW_API TW_MUST_USE tw_deferred *tw_agent_request_at(const char *where, tw_agent *agent,
                                                    const char *url,
                                                    const struct tw_fetch_options *options);

/* --- a response: an immutable value ------------------------------------------------- */

TW_API extern const tw_type tw_type_response;
/* Results of accessors live as long as the response; for a value of another type they are 0, ""
 * or none. */
TW_API int tw_response_status(tw_value response);
TW_API const char *tw_response_reason(tw_value response);
TW_API const char *tw_response_version(tw_value response); /* "HTTP/1.1" */
TW_API const tw_headers *tw_response_headers(tw_value response); /* NULL for other types */
TW_API const char *tw_response_header(tw_value response, const char *name); /* NULL if none */
TW_API tw_value tw_response_body(tw_value response); /* bytes, decoded, lent */
TW_API const char *tw_response_url(tw_value response); /* final, without credentials */
TW_API unsigned tw_response_redirects(tw_value response);
TW_API bool tw_response_complete(tw_value response);
/* Where it comes from, with times of 0 for steps that a stored one did not need. */
TW_API enum tw_cache_source tw_response_source(tw_value response);
TW_API tw_value tw_response_previous(tw_value response); /* the redirect before, or none */
/* The other end of the connection that it came by, "127.0.0.1:80" or "[::1]:80", as
 * tw_address_format() writes it; through a proxy the proxy's. "" if there is none: in memory, or
 * when the answer comes from a cache. */
TW_API const char *tw_response_address(tw_value response);
/* Seconds since the request began, on the last hop; 0 for a step that was not reached there.
 * `queued` is the end of the wait for a place in the pool. */
struct tw_response_times {
    double queued, resolved, connected, secured, sent, first_byte, done;
};
TW_API struct tw_response_times tw_response_times(tw_value response);
/* Of the body as received; 0 for a stored response. */
TW_API uint64_t tw_response_wire_bytes(tw_value response);

/* The seconds that the server asks to wait, from `now` (seconds since 1970), before another
 * try: Retry-After, which may be a date (RFC 9110, 10.2.3); 0 when that has passed. Negative if
 * there is no such field. */
TW_API double tw_response_retry_after(tw_value response, double now);

/* Stop and resume the calls of on_body while the response is coming. During a pause only the
 * total limit runs. A resume takes effect in the next turn. */
TW_API void tw_response_pause(tw_value response);
TW_API void tw_response_resume(tw_value response);

/* --- bytes in memory ------------------------------------------------------------------ */

/*
 * Undo the content codings (gzip, deflate, br, zstd) that `headers` name, as for a response that
 * comes: `data` is a body without the framing of chunks, as no_decode gives it.
 *   max         bytes; 0: 64 MiB, negative: no limit
 *   ret_left    how many codings, the first of the list, are unknown and still stand; may be NULL
 * Returns bytes, or tw_error_encoding (damaged, not whole, too many codings), tw_error_toolarge,
 * tw_error_memory.
 */
TW_API TW_MUST_USE tw_value tw_decode(const tw_headers *headers, const void *data,
                                      size_t length, int64_t max, unsigned *ret_left);
/*
 * Read a response from the bytes of an answer as they came: the head that on_response_head was
 * given with the pieces of on_wire behind it, or what an archive kept. `url` is where it is from.
 * Of the options (NULL: defaults) method, max_body, max_header_bytes, max_header_lines, no_decode,
 * accept_partial and fail_on_error count; interim answers at the beginning are passed over, bytes
 * behind the end are not read. Its times are 0, it leads nowhere else.
 * Returns a response, or a failure as tw_agent_request() fails with: tw_error_url, _empty,
 * _partial, _protocol, _encoding, _toolarge, _status, _memory, whose value is the response as far
 * as it goes, or none.
 */
TW_API TW_MUST_USE tw_value tw_response_read(const char *url, const void *data, size_t length,
                                             const struct tw_fetch_options *options);

/* --- get_page ----------------------------------------------------------------------- */

/* Fires with the body as bytes. A status that is not 2xx fails with tw_error_status: number is
 * the status, value the response. */
#define tw_get_page(url) tw_get_page_at(TW_HERE, (url), NULL)
/* The same with options (NULL: defaults), which cover all of getPage's parameters. */
#define tw_get_page_with(url, options) tw_get_page_at(TW_HERE, (url), (options))
TW_API TW_MUST_USE tw_deferred *tw_get_page_at(const char *where, const char *url,
                                               const struct tw_fetch_options *options);

/*
 * Fetch into a file: write a new one beside it, and rename that when whole. Fires with the
 * response (without body). The new file has the mode of the old one; a symbolic link stays, and
 * the file behind it is replaced; a pipe or device is written to in place, in calls that wait
 * for its reader.
 *   resume    write in place, so that a part stays when the transfer breaks; the next call asks for
 *             the missing rest (Range; with If-Range where the file system keeps attributes, so
 *             that a page that has changed comes whole) and appends it. A whole answer replaces
 *             the file once complete. The page is asked for without a content coding.
 * A partial answer must be the one that was asked for: another is tw_error_protocol, one with a
 * content coding tw_error_encoding, both with the file as it was. One that ends before the page
 * does is tw_error_partial, and another call goes on from there. A file error is
 * tw_error_system.
 */
#define tw_download_page(url, path, resume, options) \
    tw_download_page_at(TW_HERE, (url), (path), (resume), (options))
TW_API TW_MUST_USE tw_deferred *tw_download_page_at(const char *where, const char *url,
                                                    const char *path, bool resume,
                                                    const struct tw_fetch_options *options);

TW_END
#endif
