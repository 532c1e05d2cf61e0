/*
 * engine.h - what the HTTP client is made of inside.
 *
 *   agent        settings, the pool, deadlines; one or more in a thread
 *     host       the connections to one place in one way: scheme, host and port, proxy, trust
 *       connection  a protocol over a transport; carries one request at a time
 *   request      what a user asked for: one or more hops (redirects), one retry; owns the parser
 *   response     the immutable value that the user gets
 *
 * A request that needs a connection takes the one that was used last; else it stands in its
 * host's line, and the pool opens one for the first in line as the limits allow.
 *
 *   request:  WAITING --> CONNECTING --> TUNNELLING --> EXCHANGING --> (ended)
 *                ^  \______________________________________^  |
 *                +--------------- redirect, retry ------------+
 */
#ifndef WEB_CLIENT_ENGINE_H
#define WEB_CLIENT_ENGINE_H

#include <tweed/client.h>
#include <tweed/tcp.h>

#include "base/list.h"
#include "base/loop.h"
#include "base/map.h"
#include "web/http/body.h"
#include "web/client/deadline.h"
#include "web/http1/http1.h"
#include "web/client/proxy.h"

struct twi_fetch;

/* How many connections may be in the making at once: a listener's queue holds 4096 at most. */
enum { TWI_MAX_CONNECTING = 512 };

struct tw_agent {
    unsigned references; /* users and requests */
    const void *thread;  /* the one that it belongs to */
    bool closed;         /* the reactor goes: nothing is connected any more */
    bool refuse_private;
    size_t max_per_host, max_total, max_idle_per_host, max_uses;
    int64_t idle_timeout, max_age; /* ns; 0: none */
    tw_tls_context *tls;           /* NULL: the thread's default */
    struct twi_proxy *http_proxy, *https_proxy;
    const char *proxy_fault; /* what is wrong with the environment's proxy; static */
    char *no_proxy;          /* NULL: none */

    struct twi_map hosts;
    struct twi_list idle;       /* connections, longest unused first */
    struct twi_list wanting[3]; /* hosts whose line may move, see pool.c */
    struct twi_list requests;
    size_t idle_count, waiting, open, connecting, closing;
    size_t wants; /* hosts in wanting */
    uint64_t connects, sent, reused;

    struct twi_deadlines deadlines;
    struct twi_deadline idle_deadline;
    struct twi_buf scratch; /* heads and keys are written here */
    char *space;            /* decoded pieces, on their way to a stream */
    struct twi_flush pump; /* at the end of a turn: lines move */
    struct twi_loop_end end;
};

struct twi_host {
    tw_agent *agent;
    struct twi_list node;    /* agent->wanting[] */
    struct twi_list idle;    /* connections, used last first */
    struct twi_list waiters; /* requests, in order of arrival */
    size_t idle_count, open; /* open: connecting ones and idle ones included */
    tw_tls_context *context; /* NULL: plain to the origin */
    tw_tls_context *proxy_context; /* NULL: plain to the proxy */
    struct twi_proxy *proxy; /* NULL: direct */
    char *tunnel_authorization; /* Proxy-Authorization set by hand, for CONNECT */
    bool tunnelled;          /* the proxy leads to one origin */
    char *name;              /* of the origin, or of the proxy when it serves all of them */
    unsigned port;
    size_t key_length;
    char key[];
};

struct twi_channel {
    tw_protocol protocol;
    struct twi_host *host;  /* as long as it counts as open */
    struct twi_fetch *fetch;
    struct twi_list node;      /* host->idle */
    struct twi_list idle_node; /* agent->idle */
    int64_t made_at, idle_since;
    size_t uses;
    bool idle, closing;
    struct twi_tunnel *tunnel; /* on the way through a proxy */
};

enum twi_stage { TWI_WAITING, TWI_CONNECTING, TWI_TUNNELLING, TWI_EXCHANGING };
/* Which limit runs beside the total one. */
enum twi_phase {
    TWI_PHASE_NONE,
    TWI_PHASE_CONNECT,
    TWI_PHASE_SEND,
    TWI_PHASE_FIRST_BYTE,
    TWI_PHASE_IDLE,
    TWI_PHASE_DRAIN /* of a redirect's body: at the end it is left */
};

/* On the stack around a call of the user's code, which may end the request. */
struct twi_guard {
    struct twi_guard *outer;
    bool gone;
};

/* What a request fails with once its response is complete. */
struct twi_verdict {
    const tw_error_class *error_class; /* NULL: it does not */
    int64_t number;
    const char *text;
};

struct tw_response; /* response.h */

struct tw_upload {
    bool stalled; /* its source waits for tw_upload_ready() */
};

struct twi_fetch {
    struct twi_list node;   /* agent->requests */
    struct twi_list waiter; /* host->waiters */
    struct twi_deadline deadline;
    tw_agent *agent;
    tw_deferred *done;
    const char *where;
    tw_value (*answer)(
        struct tw_response *response); /* what a success fires with; NULL: itself */
    struct twi_guard *guards;

    /* What was asked for; strings and objects are our own. */
    struct tw_fetch_options options;
    char *owned_method, *owned_agent;
    tw_headers *headers;
    struct twi_proxy *proxy; /* of the options */
    tw_value body;           /* bytes; none */
    struct tw_body_source source;

    /* This hop. */
    const char *method;
    struct tw_url *url;   /* moves into the response when that begins */
    char *authorization;  /* NULL: none */
    struct twi_host *host;
    struct twi_channel *channel;
    tw_deferred *connecting;
    struct twi_proxy *hop_proxy;                     /* lent; NULL: direct */
    tw_tls_context *hop_context, *hop_proxy_context; /* lent; NULL: plain */
    struct tw_response *response;
    struct twi_http1 parser;
    struct twi_http1_limits limits;
    struct twi_body content;
    struct twi_buf pending; /* body bytes that wait for a resume ... */
    struct twi_buf held;    /* ... and what came after them, not parsed yet */
    tw_value lost;          /* the connection ended while they wait */
    struct tw_url *next_url; /* where a redirect leads to */
    struct twi_verdict verdict;
    int64_t resume_call;

    /* The body on its way out. */
    tw_upload upload;
    int64_t upload_left;     /* -1: not known */
    size_t unsent;           /* when last looked at */

    struct tw_response *previous;
    int64_t began, total_at, phase_at; /* ns */
    int64_t queued_at, resolved_at, connected_at, secured_at, sent_at, first_byte_at;
    unsigned redirects;
    uint8_t stage, phase;
    bool retried, reused, has_source, uploading, producing, secrets_dropped, body_dropped,
        paused, streaming, final, processing, stopping, last_use;
};

/* --- fetch.c ------------------------------------------------------------------------ */

/* As tw_agent_request_at(); `answer` (NULL: the response itself) makes what a success fires with
 * and takes over the response. */
tw_deferred *twi_fetch_start(const char *where, tw_agent *agent, const char *url,
                             const struct tw_fetch_options *options,
                             tw_value (*answer)(struct tw_response *response));
/* The end: everything is let go of, then the Deferred fires with `result` (taken). */
void twi_fetch_end(struct twi_fetch *fetch, tw_value result);
/* The same with a failure; `cause` is taken. The response as far as it came goes with it. */
void twi_fetch_fail(struct twi_fetch *fetch, const tw_error_class *error_class, int64_t number,
                    tw_value cause, const char *format, ...) TW_PRINTF(5, 6);
/* The same with a value (taken) of the caller's beside it; `text` NULL names the status. */
void twi_fetch_fail_about(struct twi_fetch *fetch, const tw_error_class *error_class,
                          int64_t number, tw_value value, const char *text);
/* A failure (taken) from below as it is, or with the response so far beside it. */
void twi_fetch_fail_with(struct twi_fetch *fetch, tw_value failure);
/* Go where next_url leads, or once more to the same place. */
void twi_fetch_redirect(struct twi_fetch *fetch);
void twi_fetch_retry(struct twi_fetch *fetch);
/* Its channel is there. */
void twi_fetch_connected(struct twi_fetch *fetch);
/* False when there was no memory for the deadline, and the request has ended. */
bool twi_fetch_set_phase(struct twi_fetch *fetch, enum twi_phase phase, double seconds);
static inline void twi_guard_enter(struct twi_fetch *fetch, struct twi_guard *guard)
{
    guard->gone = false;
    guard->outer = fetch->guards;
    fetch->guards = guard;
}
/* False when the request is gone. */
static inline bool twi_guard_leave(struct twi_fetch *fetch, struct twi_guard *guard)
{
    if (!guard->gone)
        fetch->guards = guard->outer;
    return !guard->gone;
}

/* --- fetch_options.c ---------------------------------------------------------------- */

/* Copy and check. none, or a failure (owned). */
tw_value twi_fetch_take_options(struct twi_fetch *fetch,
                                const struct tw_fetch_options *options);
void twi_fetch_free_options(struct twi_fetch *fetch);
/* Of a request that could not be made; NULL is fine. */
void twi_release_source(const struct tw_body_source *source);

/* --- fetch_head.c ------------------------------------------------------------------- */

/* Write the head of this hop's request into the agent's scratch buffer. 0, -EINVAL, -ENOMEM. */
int twi_fetch_write_head(struct twi_fetch *fetch);

/* --- upload.c ----------------------------------------------------------------------- */

/* Send the body, or begin to. */
void twi_upload_start(struct twi_fetch *fetch);
void twi_upload_stop(struct twi_fetch *fetch);
/* Start over for another hop. */
/* False when it cannot, and the request has ended. */
bool twi_upload_rewind(struct twi_fetch *fetch);

/* --- exchange.c --------------------------------------------------------------------- */

void twi_exchange_begin(struct twi_fetch *fetch);
void twi_exchange_received(struct twi_fetch *fetch, const char *data, size_t length);
char *twi_exchange_buffer(struct twi_fetch *fetch, size_t *size);
void twi_exchange_filled(struct twi_fetch *fetch, size_t length);
/* The connection is gone; `reason` is lent. */
void twi_exchange_lost(struct twi_fetch *fetch, tw_value reason);
/* Enough of a redirect's body: go where it leads. */
void twi_exchange_leave_body(struct twi_fetch *fetch);
/* The response as far as it came (or the one before) as a value, and the request's no more; none
 * when there is none. */
tw_value twi_exchange_response(struct twi_fetch *fetch, bool complete);
void twi_exchange_pause(struct twi_fetch *fetch);
void twi_exchange_resume(struct twi_fetch *fetch);

/* --- channel.c ---------------------------------------------------------------------- */

/* Connect for this request, which has been given a place among the open ones. */
void twi_channel_start(struct twi_fetch *fetch);
/* Give up that attempt. */
void twi_channel_stop(struct twi_fetch *fetch);
/* Close; it counts as open until it is gone. */
void twi_channel_close(struct twi_channel *channel, bool at_once);

/* --- tunnel.c ----------------------------------------------------------------------- */

/* Reach the origin through a connected proxy; ends in twi_fetch_connected() or a failure. */
void twi_tunnel_begin(struct twi_fetch *fetch);
void twi_tunnel_received(struct twi_fetch *fetch, const char *data, size_t length);
void twi_tunnel_free(struct twi_tunnel *tunnel);

/* --- pool.c ------------------------------------------------------------------------- */

/* Get a connection for this request, now or later: twi_fetch_connected(). 0 or -ENOMEM. */
int twi_pool_join(struct twi_fetch *fetch);
/* It no longer waits, or does not want what it has. */
void twi_pool_leave(struct twi_fetch *fetch);
/* The connection has done its request. */
void twi_pool_release(struct twi_channel *channel, bool reusable);
/* A connection, or an attempt, no longer counts as open. */
void twi_pool_lost(struct twi_channel *channel);
void twi_pool_drop_slot(struct twi_host *host);
/* An unused connection that the peer writes to. */
void twi_pool_unwanted(struct twi_channel *channel);
void twi_pool_close_idle(tw_agent *agent);
void twi_pool_pump(struct twi_flush *flush);
void twi_pool_check_ages(struct twi_deadline *deadline);

/* --- agent.c ------------------------------------------------------------------------ */

/* Frees an agent that nobody uses and that has no connections any more. */
void twi_agent_settle(tw_agent *agent);

#endif
