/* SPDX-License-Identifier: MIT */
/*
 * service.c - see service.h.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "reactor/face.h"
#include "web/server/service.h"

static const char ok_line[] = "HTTP/1.1 200 OK\r\n";

static int service_set_up(struct twi_service *service, void (*expired)(struct twi_wait *wait))
{
    const struct twi_site_times *times = &service->site->times;
    const char *name = service->site->server_name;

    twi_wait_queue_init(&service->waits[TWI_WAIT_IDLE], times->idle, expired);
    twi_wait_queue_init(&service->waits[TWI_WAIT_HEADER], times->header, expired);
    twi_wait_queue_init(&service->waits[TWI_WAIT_BODY], times->body, expired);
    twi_wait_queue_init(&service->waits[TWI_WAIT_LINGER], times->linger, expired);
    service->server_length = *name == '\0' ? 0 : strlen(name) + 10;
    service->ok_length = sizeof ok_line - 1 + service->server_length + TWI_DATE_LINE_LENGTH;
    service->ok_lines = twi_format("%s%s%s%s%*s", ok_line,
                                   *name == '\0' ? "" : "Server: ", name,
                                   *name == '\0' ? "" : "\r\n", TWI_DATE_LINE_LENGTH, "");
    service->empty = tw_bytes("", 0);
    return service->ok_lines == NULL || tw_is_failure(service->empty) ? -ENOMEM : 0;
}

struct twi_service *twi_service_new(tw_site *site, void (*expired)(struct twi_wait *wait))
{
    struct twi_service *service = twi_calloc(1, sizeof *service);

    if (service == NULL)
        return NULL;
    service->refs = 1;
    service->site = tw_site_ref(site);
    if (service_set_up(service, expired) == 0)
        return service;
    twi_service_unref(service);
    return NULL;
}

struct twi_service *twi_service_ref(struct twi_service *service)
{
    service->refs++;
    return service;
}

void twi_service_unref(struct twi_service *service)
{
    if (--service->refs > 0)
        return;
    for (unsigned i = 0; i < TWI_WAIT_COUNT; i++)
        twi_wait_queue_end(&service->waits[i]);
    if (service->spare_parser != NULL) {
        twi_http1_free(service->spare_parser);
        twi_free(service->spare_parser);
    }
    tw_headers_free(service->spare_headers);
    twi_buf_free(&service->scratch);
    tw_release(service->empty);
    twi_free(service->ok_lines);
    tw_site_unref(service->site);
    twi_free(service);
}

void twi_service_update_date(struct twi_service *service)
{
    int64_t now = twi_loop_now();
    char *line = service->ok_lines + service->ok_length - TWI_DATE_LINE_LENGTH;
    struct timespec wall;

    if (now < service->date_until)
        return;
    clock_gettime(CLOCK_REALTIME, &wall);
    service->date_until = now + TWI_SECOND - wall.tv_nsec;
    memcpy(line, "Date: ", 6);
    twi_http_date_format(wall.tv_sec, line + 6);
    memcpy(line + TWI_DATE_LINE_LENGTH - 2, "\r\n", 2);
}

const char *twi_service_server_line(const struct twi_service *service)
{
    return service->ok_lines + sizeof ok_line - 1;
}

const char *twi_service_date_line(struct twi_service *service)
{
    twi_service_update_date(service);
    return service->ok_lines + service->ok_length - TWI_DATE_LINE_LENGTH;
}

struct twi_http1 *twi_service_take_parser(struct twi_service *service)
{
    struct twi_http1 *parser = service->spare_parser;

    if (parser != NULL) {
        service->spare_parser = NULL;
    } else {
        parser = twi_malloc(sizeof *parser);
        if (parser == NULL)
            return NULL;
        twi_http1_init_server(parser, &service->site->limits);
    }
    if (parser->headers == NULL) {
        parser->headers = service->spare_headers;
        service->spare_headers = NULL;
    }
    return parser;
}

void twi_service_give_parser(struct twi_service *service, struct twi_http1 *parser)
{
    if (service->spare_parser == NULL) {
        twi_http1_begin(parser, NULL);
        service->spare_parser = parser;
        return;
    }
    twi_http1_free(parser);
    twi_free(parser);
}

void twi_service_give_headers(struct twi_service *service, tw_headers *headers)
{
    if (headers == NULL)
        return;
    if (service->spare_headers == NULL) {
        twi_headers_clear(headers);
        service->spare_headers = headers;
        return;
    }
    tw_headers_free(headers);
}
