/* SPDX-License-Identifier: MIT */
/* ./site_test - how a site is tested: in memory and virtual time, without a socket or a wait. */
#include <stdio.h>
#include <string.h>

#include <tweed/testing.h>
#include <tweed/tweed.h>

static tw_value say_hello(void *arg)
{
    (void)arg;
    return tw_string("hello after an hour");
}

static tw_value serve_hello(tw_request *request, void *arg)
{
    (void)request;
    (void)arg;
    return tw_wait(tw_defer_later(NULL, 3600, say_hello, NULL));
}

static tw_value note_page(tw_value page, void *arg)
{
    *(bool *)arg = strcmp(tw_bytes_data(page), "hello after an hour") == 0;
    return tw_none();
}

int main(void)
{
    struct tw_listen_options where = { .address = "hello.example", .port = 80 };
    struct tw_fetch_options patience = { .timeout = 7200, .first_byte_timeout = 7200 };
    tw_listener *listener;
    bool is_right = false;
    tw_deferred *page;
    tw_site *site;

    tw_testing_begin();
    site = tw_site_new(NULL);
    tw_site_handle(site, "/", serve_hello, NULL, NULL);
    tw_site_listen(site, &where, &listener, NULL);
    page = tw_get_page_with("http://hello.example/", &patience);
    tw_add_callback(page, note_page, &is_right);
    tw_testing_advance(3601);
    tw_deferred_unref(page);
    tw_listener_close(listener);
    tw_site_unref(site);
    tw_testing_advance(60); /* the client's idle connection goes */
    printf("%s, %zu left over\n", is_right ? "as expected" : "wrong", tw_testing_end());
    return is_right ? 0 : 1;
}
