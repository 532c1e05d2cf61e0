/* SPDX-License-Identifier: MIT */
/*
 * endpoint.c - strings like "tcp:example.org:80:timeout=10", read and followed.
 *
 * A string is a scheme and arguments with or without a name, divided by colons; those without
 * are known by their place. An argument that is never asked for is a mistake.
 */
#include "config.h"

#include <tweed/endpoint.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "net/connect/listen.h"

enum { ARGUMENTS_MAX = 16, PORT_MAX = 65535 };

struct argument {
    const char *name; /* NULL: it has none */
    const char *value;
    int place; /* among those without a name */
    bool used;
};

struct description {
    char *text; /* the string, cut into pieces */
    const char *scheme;
    const char *wrong; /* the mistake, or NULL */
    char *host;        /* "unix:PATH"; else NULL */
    struct argument arguments[ARGUMENTS_MAX];
    size_t count;
};

/* --- reading ------------------------------------------------------------------------------- */

/* Copy from *at to *to up to a divider, and return that; both move on behind it. */
static char description_cut(const char **at, char **to, const char *dividers)
{
    char end;

    while (**at != '\0' && strchr(dividers, **at) == NULL) {
        if (**at == '\\' && (*at)[1] != '\0')
            ++*at;
        *(*to)++ = *(*at)++;
    }
    end = **at;
    *at += end != '\0';
    *(*to)++ = '\0';
    return end;
}

static void description_read(struct description *self, const char *at, char *to)
{
    int place = 0;
    char end;

    do {
        struct argument *argument = &self->arguments[self->count];

        if (self->count++ == ARGUMENTS_MAX) {
            self->wrong = "too many arguments";
            return;
        }
        *argument = (struct argument){ .value = to };
        end = description_cut(&at, &to, ":=");
        if (end == '=') {
            argument->name = argument->value;
            argument->value = to;
            end = description_cut(&at, &to, ":");
        } else {
            argument->place = place++;
        }
    } while (end == ':');
}

/* 0, -ENOMEM. description_complaint() tells what is wrong with it. */
static int description_init(struct description *self, const char *endpoint)
{
    const char *at = endpoint;
    char *to;

    memset(self, 0, sizeof *self);
    /* A piece is never longer than its source, its end included. */
    self->text = to = twi_malloc(strlen(endpoint) + 2);
    if (to == NULL)
        return -ENOMEM;
    self->scheme = to;
    if (description_cut(&at, &to, ":") == ':')
        description_read(self, at, to);
    else
        self->wrong = "no scheme in front, like \"tcp:\"";
    return 0;
}

static void description_free(struct description *self)
{
    twi_free(self->text);
    twi_free(self->host);
}

/* A failure that says what is wrong, or none; for when everything has been taken. */
static tw_value description_complaint(const struct description *self, const char *endpoint)
{
    const char *wrong = self->wrong;

    for (size_t i = 0; wrong == NULL && i < self->count; i++) {
        const struct argument *argument = &self->arguments[i];
        if (!argument->used)
            return tw_fail(&tw_error_url, "%.255s: what is \"%.60s\"?", endpoint,
                           argument->name != NULL ? argument->name : argument->value);
    }
    if (wrong == NULL)
        return tw_none();
    return tw_fail(&tw_error_url, "%.255s: %s", endpoint, wrong);
}

static bool description_is(const struct description *self, const char *scheme)
{
    return strcmp(self->scheme, scheme) == 0;
}

static bool description_is_tls(const struct description *self)
{
    return description_is(self, "tls") || description_is(self, "ssl");
}

/* --- arguments ----------------------------------------------------------------------------- */

/* Take an argument by its name or its place (-1: by name only); NULL if it is missing. */
static const char *description_take(struct description *self, const char *name, int place)
{
    for (size_t i = 0; self->wrong == NULL && i < self->count; i++) {
        struct argument *argument = &self->arguments[i];
        bool it = argument->name != NULL ? strcmp(argument->name, name) == 0
                                         : argument->place == place;
        if (it && !argument->used) {
            argument->used = true;
            return argument->value;
        }
    }
    return NULL;
}

static const char *description_take_one_of(struct description *self, const char *name,
                                           const char *other)
{
    const char *value = description_take(self, name, -1);

    return value != NULL ? value : description_take(self, other, -1);
}

/* Digits of that base and nothing else. */
static unsigned description_take_number(struct description *self, const char *name, int place,
                                        int base, unsigned most, unsigned otherwise)
{
    const char *digits = base == 8 ? "01234567" : "0123456789";
    const char *value = description_take(self, name, place);
    unsigned long number;

    if (value == NULL)
        return otherwise;
    number = strtoul(value, NULL, base);
    if (*value == '\0' || value[strspn(value, digits)] != '\0' || number > most) {
        self->wrong = "not a number that is allowed there";
        return otherwise;
    }
    return (unsigned)number;
}

static double description_take_seconds(struct description *self, const char *name)
{
    const char *value = description_take(self, name, -1);
    char *end;
    double seconds;

    if (value == NULL)
        return 0;
    seconds = strtod(value, &end);
    if (*value == '\0' || *end != '\0' || !(seconds > 0 && seconds <= 1e9))
        self->wrong = "not a number of seconds";
    return seconds;
}

/* "unix:PATH" as tw_connect() and tw_listen() have it; NULL when there is no memory. */
static const char *description_take_path(struct description *self, const char *name)
{
    const char *path = description_take(self, name, 0);
    size_t length = path != NULL ? strlen(path) : 0;

    if (length == 0 && self->wrong == NULL)
        self->wrong = "no path of a socket";
    self->host = twi_malloc(sizeof "unix:" + length);
    if (self->host == NULL)
        return NULL;
    memcpy(self->host, "unix:", sizeof "unix:");
    if (path != NULL)
        memcpy(self->host + sizeof "unix:" - 1, path, length + 1);
    return self->host;
}

static void description_take_identity(struct description *self, struct tw_tls_options *tls)
{
    const char *certificate = description_take_one_of(self, "certKey", "certificate");

    tls->key_file = description_take(self, "privateKey", -1);
    tls->cert_file = certificate != NULL ? certificate : tls->key_file;
}

static bool is_directory(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* --- connecting ---------------------------------------------------------------------------- */

struct client {
    const char *host;
    unsigned port;
    struct tw_connect_options options;
    struct tw_tls_options tls;
};

static void client_take_tls(struct description *self, struct client *client)
{
    const char *roots = description_take_one_of(self, "trustRoots", "caCertsDir");

    client->options.server_name = description_take(self, "hostname", -1);
    description_take_identity(self, &client->tls);
    if (roots != NULL && is_directory(roots))
        client->tls.ca_path = roots;
    else
        client->tls.ca_file = roots;
}

static tw_value client_read(struct description *self, const char *endpoint,
                            struct client *client)
{
    memset(client, 0, sizeof *client);
    client->options.timeout = description_take_seconds(self, "timeout");
    if (description_is(self, "unix")) {
        client->host = description_take_path(self, "path");
        if (client->host == NULL)
            return tw_fail_memory();
    } else if (description_is(self, "tcp") || description_is_tls(self)) {
        client->host = description_take(self, "host", 0);
        client->port = description_take_number(self, "port", 1, 10, PORT_MAX, 0);
        client->options.local_address = description_take(self, "bindAddress", -1);
        if (description_is_tls(self))
            client_take_tls(self, client);
    } else if (self->wrong == NULL) {
        self->wrong = "not one of tcp, tls, ssl, unix";
    }
    return description_complaint(self, endpoint);
}

/* The thread's own context, unless the string names trust or a certificate. */
static tw_value client_context(const struct client *client, tw_tls_context **ret_context)
{
    tw_value failure;

    if (client->tls.ca_file != NULL || client->tls.ca_path != NULL ||
        client->tls.cert_file != NULL)
        return tw_tls_context_new(&client->tls, ret_context);
    failure = tw_tls_client_context(NULL, NULL, false, ret_context);
    if (!tw_is_failure(failure))
        tw_tls_context_ref(*ret_context);
    return failure;
}

tw_deferred *tw_connect_endpoint_at(const char *where, const char *endpoint,
                                    tw_protocol *protocol)
{
    struct description description;
    struct client client;
    tw_deferred *deferred = NULL;
    tw_value failure = tw_fail_memory();

    if (protocol == NULL)
        return NULL;
    if (description_init(&description, endpoint) == 0)
        failure = client_read(&description, endpoint, &client);
    if (!tw_is_failure(failure) && description_is_tls(&description))
        failure = client_context(&client, &client.options.tls);
    if (tw_is_failure(failure)) {
        tw_protocol_free(protocol);
        deferred = tw_fired_at(where, failure);
    } else {
        deferred = tw_connect_at(where, client.host, client.port, &client.options, protocol);
        tw_tls_context_unref(client.options.tls);
    }
    description_free(&description);
    return deferred;
}

/* --- listening ----------------------------------------------------------------------------- */

struct server {
    struct tw_listen_options options;
    struct tw_tls_options tls;
};

static tw_value server_read(struct description *self, const char *endpoint,
                            struct server *server)
{
    struct tw_listen_options *options = &server->options;

    memset(server, 0, sizeof *server);
    options->backlog = (int)description_take_number(self, "backlog", -1, 10, 1 << 20, 0);
    if (description_is(self, "unix")) {
        if (description_take_path(self, "address") == NULL)
            return tw_fail_memory();
        options->address = self->host;
        options->mode = (int)description_take_number(self, "mode", -1, 8, 0777, 0);
        options->lock_file = description_take_number(self, "lockfile", -1, 10, 1, 1) != 0;
    } else if (description_is(self, "tcp") || description_is_tls(self)) {
        options->port = description_take_number(self, "port", 0, 10, PORT_MAX, 0);
        options->address = description_take(self, "interface", -1);
        if (options->address == NULL || options->address[0] == '\0')
            options->address = "0.0.0.0";
        server->tls.server = true;
        if (description_is_tls(self))
            description_take_identity(self, &server->tls);
    } else if (self->wrong == NULL) {
        self->wrong = "not one of tcp, tls, ssl, unix";
    }
    return description_complaint(self, endpoint);
}

int tw_listen_endpoint(const char *endpoint, tw_factory *factory, tw_listener **ret_listener,
                       tw_value *ret_failure)
{
    struct description description;
    struct server server;
    tw_value failure;
    int r;

    if (description_init(&description, endpoint) < 0)
        return twi_listen_failed(tw_fail_memory(), ret_failure);
    failure = server_read(&description, endpoint, &server);
    if (!tw_is_failure(failure) && description_is_tls(&description))
        failure = tw_tls_context_new(&server.tls, &server.options.tls);
    if (tw_is_failure(failure)) {
        r = twi_listen_failed(failure, ret_failure);
    } else {
        r = tw_listen(&server.options, factory, ret_listener, ret_failure);
        tw_tls_context_unref(server.options.tls);
    }
    description_free(&description);
    return r;
}
