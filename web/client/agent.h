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

/* Somebody under way for whom the agent lives. */
struct twi_agent_user {
    struct twi_list node;
    tw_agent *agent;
    /* The reactor goes: end now, by twi_agent_leave() too. */
    void (*end)(struct twi_agent_user *user);
};

/* Take the agent; undone by leave(). -ENOTCONN when its reactor has gone. */
int twi_agent_enter(struct twi_agent_user *user, tw_agent *agent,
                    void (*end)(struct twi_agent_user *user));
/* Out of the list; the reference is the caller's to drop. Fine again. */
void twi_agent_leave(struct twi_agent_user *user);

struct twi_connections *twi_agent_connections(tw_agent *agent);
struct twi_deadlines *twi_agent_deadlines(tw_agent *agent);
/* The proxy for a host, NULL for none (lent), of the agent unless `given`. 0, or -EINVAL with what
 * is wrong with the environment's. */
int twi_agent_proxy(const tw_agent *agent, bool given, struct twi_proxy *proxy, bool secure,
                    const char *hostname, struct twi_proxy **ret_proxy, const char **ret_why);
/* The context to trust by (lent): `given`, or the agent's. none, or a failure. */
tw_value twi_agent_trust(tw_agent *agent, tw_tls_context *given, tw_tls_context **ret_context);
bool twi_agent_refuses_private(const tw_agent *agent);
/* Where decoded pieces stand on their way to a stream; NULL when there is no memory. */
char *twi_agent_space(tw_agent *agent, size_t *ret_size);
void twi_agent_check_thread(const tw_agent *agent, const char *what);

#endif
