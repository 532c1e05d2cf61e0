/* SPDX-License-Identifier: MIT */
/*
 * endpoint.h - where to connect or listen, said in a string: for options and settings.
 *
 * To connect:
 *   tcp:HOST:PORT[:timeout=SECONDS][:bindAddress=LITERAL]
 *   tls:HOST:PORT[...as tcp][:hostname=NAME][:trustRoots=FILE|DIRECTORY]
 *       [:certificate=FILE][:privateKey=FILE]
 *   unix:PATH[:timeout=SECONDS]
 * To listen:
 *   tcp:PORT[:interface=LITERAL][:backlog=N]       all of IPv4 without interface, as with Twisted
 *   ssl:PORT:privateKey=FILE[:certKey=FILE][...as tcp]     PEM; the certificate may be in one file
 *   unix:PATH[:mode=OCTAL][:lockfile=0][:backlog=N]
 *
 * "ssl" and "tls" are the same; "certKey" and "certificate", "caCertsDir" and "trustRoots" too.
 * The parts that stand without a name may be given with it: "tcp:host=HOST:port=PORT",
 * "unix:path=PATH", "unix:address=PATH". A backslash makes the character behind it an ordinary
 * one: "::1" is written "\:\:1". After Twisted's clientFromString and serverFromString.
 */
#ifndef TWEED_ENDPOINT_H
#define TWEED_ENDPOINT_H

#include <tweed/tcp.h>

TW_BEGIN

/* Connect `protocol` (taken): as tw_connect(). Also fails with tw_error_url for a string that
 * cannot be read, and tw_error_tls for a certificate, key or trust that cannot be used. */
#define tw_connect_endpoint(endpoint, protocol) \
    tw_connect_endpoint_at(TW_HERE, (endpoint), (protocol))
TW_API TW_MUST_USE tw_deferred *tw_connect_endpoint_at(const char *where, const char *endpoint,
                                                       tw_protocol *protocol);

/* Listen: as tw_listen(). A string that cannot be read is -EINVAL and tw_error_url. */
TW_API int tw_listen_endpoint(const char *endpoint, tw_factory *factory,
                              tw_listener **ret_listener, tw_value *ret_failure);

TW_END
#endif
