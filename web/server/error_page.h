/* SPDX-License-Identifier: MIT */
/*
 * error_page.h - answers that report an error.
 */
#ifndef WEB_SERVER_ERROR_PAGE_H
#define WEB_SERVER_ERROR_PAGE_H

#include "web/server/answer.h"

/* The handler failed: log it (`failure` is lent) and answer 500, or cut the answer short. */
void twi_request_failed(tw_request *request, tw_value failure);

#endif
