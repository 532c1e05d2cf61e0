/* SPDX-License-Identifier: MIT */
/*
 * service.c - see service.h.
 */
#include "config.h"

#include "base/alloc.h"
#include "web/server/service.h"

struct twi_service *twi_service_new(tw_site *site, void (*expired)(struct twi_wait *wait),
                                    void (*stalled)(struct twi_wait *wait))
{
    const struct twi_site_times *times = &site->times;
    struct twi_service *service = twi_calloc(1, sizeof *service);

    if (service == NULL)
        return NULL;
    service->refs = 1;
    service->site = tw_site_ref(site);
    twi_wait_queue_init(&service->waits[TWI_WAIT_IDLE], times->idle, expired);
    twi_wait_queue_init(&service->waits[TWI_WAIT_HEADER], times->header, expired);
    twi_wait_queue_init(&service->waits[TWI_WAIT_BODY], times->body, expired);
    twi_wait_queue_init(&service->waits[TWI_WAIT_LINGER], times->linger, expired);
    twi_wait_queue_init(&service->waits[TWI_WAIT_HALF], times->half, expired);
    twi_wait_queue_init(&service->waits[TWI_WAIT_SEND], times->send, stalled);
    service->empty = tw_bytes("", 0);
    if (twi_head_lines_init(&service->lines, site->server_name) == 0 &&
        !tw_is_failure(service->empty))
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
    twi_head_lines_free(&service->lines);
    tw_site_unref(service->site);
    twi_free(service);
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
