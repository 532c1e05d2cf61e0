/* SPDX-License-Identifier: MIT */
/*
 * credentials.c - Basic authentication (RFC 7617).
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "web/http/base64.h"
#include "web/http/headers.h"
#include "web/http/quoted.h"
#include "web/server/request.h"

/* The time that it takes depends on the lengths only. */
static bool same_secret(const char *a, const char *b)
{
    size_t length = strlen(b);
    unsigned char difference = 0;

    if (strlen(a) != length)
        return false;
    for (size_t i = 0; i < length; i++)
        difference |= (unsigned char)(a[i] ^ b[i]);
    return difference == 0;
}

/* The scheme's name is compared without case (RFC 9110, 11.1), the credentials with it. */
static bool has_credentials(const tw_request *request, const char *expected)
{
    const char *sent = twi_headers_value(request->headers, TWI_HEADER_AUTHORIZATION);

    if (sent == NULL || strncasecmp(sent, "Basic ", 6) != 0)
        return false;
    sent += 6 + strspn(sent + 6, " ");
    return same_secret(sent, expected + 6);
}

static void ask_for_credentials(tw_request *request, const char *realm)
{
    struct twi_buf challenge = { 0 };
    int r = twi_buf_append_text(&challenge, "Basic realm=");

    if (r == 0)
        r = twi_quoted_append(&challenge, realm);
    if (r == 0)
        r = twi_buf_append(&challenge, ", charset=\"UTF-8\"", sizeof ", charset=\"UTF-8\"");
    if (r == 0)
        r = tw_request_set_header(request, "WWW-Authenticate", challenge.data);
    twi_buf_free(&challenge);
    if (r < 0)
        tw_request_error(request, 500, "The server could not ask for a password.");
    else
        tw_request_error(request, 401, "A password is needed.");
}

bool tw_request_authorized(tw_request *request, const char *realm, const char *user,
                           const char *password)
{
    char *expected = twi_basic_credentials(user, password);
    bool is_right = false;

    if (expected == NULL)
        tw_request_error(request, 503, "out of memory");
    else if (has_credentials(request, expected))
        is_right = true;
    else
        ask_for_credentials(request, realm);
    twi_free(expected);
    return is_right;
}
