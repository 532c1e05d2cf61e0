/* SPDX-License-Identifier: MIT */
/*
 * tweed.h - all of the library, by layer. Each header is the manual of its noun.
 *
 * base: values, failures, and the ground below
 *   api.h               marks that every header needs: TW_API, TW_HERE
 *   value.h             two words that travel along a chain: numbers, bytes, lists
 *   failure.h           why something did not work, as a value
 *   log.h               events and their observer
 *   clock.h             time and timed calls, real or virtual
 *   alloc.h             the one allocator behind everything
 *   version.h           which tweed this is
 *
 * defer: results that come later, and code that waits for them
 *   deferred.h          a result that will exist later
 *   deferred_list.h     many Deferreds as one: list, gather, race, map
 *   results.h           many results one by one
 *   task.h              work that repeats; a cooperator; later
 *   inline_callbacks.h  await, coroutines as Deferreds, groups
 *   coroutine.h         coroutines and generators by hand
 *   pool.h              a pool of coroutines, a given number at a time
 *   sync.h              semaphore, lock, condition, event, barrier
 *   queue.h             values wait for takers, or takers for values
 *   channel.h           values go from sender to receiver; select
 *
 * reactor: the loop of a thread, and work beside it
 *   reactor.h           timed calls, descriptors, signals; run and stop
 *   thread.h            blocking functions on a pool of threads
 *   process_pool.h      functions that run in other processes
 *
 * net: bytes between programs
 *   transport.h         protocols and the connections they speak over
 *   tcp.h               connect and listen: TCP, UNIX sockets, TLS over them
 *   tls.h               whom to trust and who we are
 *   endpoint.h          where to connect or listen, said in a string
 *   reconnect.h         keep a connection
 *   resolver.h          names to addresses
 *   stream.h            a connection in straight-line code
 *   line.h              protocols made of lines
 *   framing.h           protocols made of strings with their length in front
 *   pipe.h              any descriptor as a transport
 *   process.h           child processes: pipes, signals, their end
 *
 * web: URLs and HTTP
 *   url.h               URLs: parse, resolve, serialise
 *   headers.h           header fields
 *   form.h              queries, forms, files to upload
 *   cookies.h           a cookie jar
 *   client.h            get a page, download a file; the agent below
 *   server.h            a site: handlers and files
 *
 * Programs under test include testing.h besides: virtual time, connections in memory.
 */
#ifndef TWEED_TWEED_H
#define TWEED_TWEED_H

#include <tweed/alloc.h>
#include <tweed/api.h>
#include <tweed/clock.h>
#include <tweed/failure.h>
#include <tweed/log.h>
#include <tweed/value.h>
#include <tweed/version.h>

#include <tweed/channel.h>
#include <tweed/coroutine.h>
#include <tweed/deferred.h>
#include <tweed/deferred_list.h>
#include <tweed/inline_callbacks.h>
#include <tweed/pool.h>
#include <tweed/queue.h>
#include <tweed/results.h>
#include <tweed/sync.h>
#include <tweed/task.h>

#include <tweed/process_pool.h>
#include <tweed/reactor.h>
#include <tweed/thread.h>

#include <tweed/endpoint.h>
#include <tweed/framing.h>
#include <tweed/line.h>
#include <tweed/pipe.h>
#include <tweed/process.h>
#include <tweed/reconnect.h>
#include <tweed/resolver.h>
#include <tweed/stream.h>
#include <tweed/tcp.h>
#include <tweed/tls.h>
#include <tweed/transport.h>

#include <tweed/cache.h>
#include <tweed/client.h>
#include <tweed/cookies.h>
#include <tweed/form.h>
#include <tweed/headers.h>
#include <tweed/server.h>
#include <tweed/url.h>

#endif
