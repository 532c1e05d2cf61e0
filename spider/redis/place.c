/* SPDX-License-Identifier: MIT */
/*
 * place.c - see place.h.
 */
#include "config.h"

#include "spider/redis/place.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <tweed/url.h>

enum { USUAL_PORT = 6379, DATABASES_MAX = 1000000 };

static bool is_database(const char *text, long *ret_database)
{
    char *end;

    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    *ret_database = strtol(text, &end, 10);
    return *end == '\0' && errno == 0 && *ret_database <= DATABASES_MAX;
}

/* 0, -ENOMEM. An empty part is none. */
static int part_decode(const char *text, char **ret_part)
{
    tw_value bytes;

    if (*text == '\0')
        return 0;
    bytes = tw_url_decode(text, strlen(text));
    *ret_part = tw_is_failure(bytes) ? NULL : strdup(tw_bytes_data(bytes));
    tw_release(bytes);
    return *ret_part != NULL ? 0 : -ENOMEM;
}

static int unix_read(struct twi_redis_place *place, const char *url, const char **ret_why)
{
    const char *query = strchr(url, '?');
    size_t length = query != NULL ? (size_t)(query - url) : strlen(url);

    if (query != NULL &&
        (strncmp(query, "?db=", 4) != 0 || !is_database(query + 4, &place->database))) {
        *ret_why = "after the path of a socket only ?db=NUMBER";
        return -EINVAL;
    }
    if (length <= strlen("unix:")) {
        *ret_why = "no path of a socket";
        return -EINVAL;
    }
    place->host = strndup(url, length);
    return place->host != NULL ? 0 : -ENOMEM;
}

static bool is_over_tls(const struct tw_url *url)
{
    return strcmp(url->protocol, "rediss:") == 0;
}

static int parsed_read(struct twi_redis_place *place, const struct tw_url *url,
                       const char **ret_why)
{
    const char *path = url->pathname;

    if (!is_over_tls(url) && strcmp(url->protocol, "redis:") != 0)
        *ret_why = "neither redis:, rediss: nor unix:";
    else if (!url->has_host || url->hostname[0] == '\0')
        *ret_why = "no host";
    else if (url->port == 0)
        *ret_why = "port 0";
    else if (*path != '\0' && strcmp(path, "/") != 0 &&
             !is_database(path + 1, &place->database))
        *ret_why = "the path is not the number of a database";
    else if (url->search[0] != '\0' || url->hash[0] != '\0')
        *ret_why = "something behind the number of the database";
    if (*ret_why != NULL)
        return -EINVAL;
    place->port = url->port > 0 ? (unsigned)url->port : USUAL_PORT;
    place->host = strdup(url->hostname);
    if (place->host == NULL || part_decode(url->username, &place->user) < 0 ||
        part_decode(url->password, &place->password) < 0)
        return -ENOMEM;
    return 0;
}

/* 0, -ENOMEM. `text` may be NULL: `part` stays as it is. */
static int part_replace(char **part, const char *text)
{
    if (text == NULL)
        return 0;
    free(*part);
    *part = strdup(text);
    return *part != NULL ? 0 : -ENOMEM;
}

static int place_trust(struct twi_redis_place *place, tw_tls_context *given)
{
    static const struct tw_tls_options system_trust;
    tw_value failure;

    if (given != NULL) {
        place->tls = tw_tls_context_ref(given);
        return 0;
    }
    failure = tw_tls_context_new(&system_trust, &place->tls);
    tw_release(failure);
    return place->tls != NULL ? 0 : -ENOMEM;
}

int twi_redis_place_read(struct twi_redis_place *place, const char *url,
                         const struct tw_redis_options *options, const char **ret_why)
{
    struct tw_url *parsed = NULL;
    bool is_tls = false;
    int r;

    memset(place, 0, sizeof *place);
    *ret_why = NULL;
    if (strncmp(url, "unix:", strlen("unix:")) == 0) {
        r = unix_read(place, url, ret_why);
    } else {
        r = tw_url_parse(url, strlen(url), NULL, &parsed, ret_why);
        r = r < 0 ? r : parsed_read(place, parsed, ret_why);
        is_tls = r == 0 && is_over_tls(parsed);
        tw_url_free(parsed);
    }
    if (r == 0 && is_tls)
        r = place_trust(place, options->tls);
    if (r == 0)
        r = part_replace(&place->user, options->user);
    return r < 0 ? r : part_replace(&place->password, options->password);
}

void twi_redis_place_free(struct twi_redis_place *place)
{
    free(place->host);
    free(place->user);
    free(place->password);
    if (place->tls != NULL)
        tw_tls_context_unref(place->tls);
}
