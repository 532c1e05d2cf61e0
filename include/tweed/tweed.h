/* SPDX-License-Identifier: MIT */
/*
 * tweed.h - all of the core.
 */
#ifndef TWEED_TWEED_H
#define TWEED_TWEED_H

#include <tweed/alloc.h>
#include <tweed/channel.h>
#include <tweed/client.h>
#include <tweed/clock.h>
#include <tweed/cookies.h>
#include <tweed/coroutine.h>
#include <tweed/deferred.h>
#include <tweed/deferred_list.h>
#include <tweed/endpoint.h>
#include <tweed/failure.h>
#include <tweed/form.h>
#include <tweed/framing.h>
#include <tweed/headers.h>
#include <tweed/inline_callbacks.h>
#include <tweed/line.h>
#include <tweed/log.h>
#include <tweed/pipe.h>
#include <tweed/process.h>
#include <tweed/pool.h>
#include <tweed/queue.h>
#include <tweed/process_pool.h>
#include <tweed/reactor.h>
#include <tweed/reconnect.h>
#include <tweed/resolver.h>
#include <tweed/results.h>
#include <tweed/server.h>
#include <tweed/stream.h>
#include <tweed/sync.h>
#include <tweed/task.h>
#include <tweed/tcp.h>
#include <tweed/thread.h>
#include <tweed/tls.h>
#include <tweed/transport.h>
#include <tweed/url.h>
#include <tweed/value.h>
#include <tweed/version.h>

#endif
