/* SPDX-License-Identifier: MIT */
/*
 * agent.h - settings, the pool, and the requests under way.
 *
 * The files below the agent know only their own parts of it; requests stand above.
 */
#ifndef WEB_CLIENT_AGENT_H
#define WEB_CLIENT_AGENT_H

#include "web/client/connections.h"
#include "web/client/proxy.h"

/* A request under way, which keeps the agent alive. */
struct twi_agent_user {
    struct twi_list node;
    tw_agent *agent;
    /* The reactor is being released: end now, and call twi_agent_leave(). */
    void (*end)(struct twi_agent_user *user);
};

/* Take a reference of the agent, until leave(). -ENOTCONN when its reactor is gone. */
int twi_agent_enter(struct twi_agent_user *user, tw_agent *agent,
                    void (*end)(struct twi_agent_user *user));
/* Leave the list; the caller drops the reference. May be called again. */
void twi_agent_leave(struct twi_agent_user *user);

struct twi_connections *twi_agent_connections(tw_agent *agent);
struct twi_deadlines *twi_agent_deadlines(tw_agent *agent);
/* The proxy for a host, NULL for none (lent), of the agent unless `given`. 0, or -EINVAL with
 * the mistake in the environment's. */
int twi_agent_proxy(const tw_agent *agent, bool given, struct twi_proxy *proxy, bool secure,
                    const char *hostname, struct twi_proxy **ret_proxy, const char **ret_why);
/* The context to trust by (lent): `given`, or the agent's. none, or a failure. */
tw_value twi_agent_trust(tw_agent *agent, tw_tls_context *given, tw_tls_context **ret_context);
tw_cache *twi_agent_cache(const tw_agent *agent); /* lent; NULL: none */
bool twi_agent_refuses_private(const tw_agent *agent);
/* The place of decoded pieces on their way to a stream; NULL when there is no memory. */
char *twi_agent_space(tw_agent *agent, size_t *ret_size);
void twi_agent_check_thread(const tw_agent *agent, const char *what);

#endif
