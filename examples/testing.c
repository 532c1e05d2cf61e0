/* SPDX-License-Identifier: MIT */
/* ./testing - a whole program under test: a client that tries again, a server that comes late.
 * Time is virtual and connections are in memory, so the minute that this takes is over at once. */
#include <stdio.h>
#include <string.h>

#include <tweed/testing.h>
#include <tweed/tweed.h>

/* The function under test fetches a page, trying again every ten seconds. */
static tw_value fetch_patiently(void *url)
{
    for (int tries = 1;; tries++) {
        tw_value page = tw_await(tw_get_page(url));
        if (!tw_is_failure(page) || tries == 10)
            return page;
        printf("%2.0f s: %s\n", tw_clock_seconds(tw_reactor_clock()), tw_failure_word(page));
        tw_sleep(10);
    }
}

static tw_value answer(tw_request *request, void *arg)
{
    (void)request, (void)arg;
    return tw_string("hello");
}

static tw_value note(tw_value page, void *arg)
{
    *(bool *)arg = strcmp(tw_bytes_data(page), "hello") == 0;
    return tw_none();
}

static int server_comes_late(void)
{
    struct tw_listen_options options = { .address = "shop.example", .port = 80 };
    tw_site *site = tw_site_new(NULL);
    tw_listener *listener = NULL;
    bool right = false;
    tw_deferred *page;

    tw_site_handle(site, "/", answer, NULL, NULL);
    page = tw_inline_callbacks(fetch_patiently, "http://shop.example/");
    tw_add_callback(page, note, &right);
    tw_testing_advance(25); /* nobody listens yet */
    tw_site_listen(site, &options, &listener, NULL);
    tw_testing_advance(10);
    printf("%s after %.0f s\n", right ? "there" : "not there",
           tw_clock_seconds(tw_reactor_clock()));
    tw_deferred_unref(page);
    tw_listener_close(listener);
    tw_site_unref(site);
    tw_agent_close_idle(tw_agent_current());
    return right ? 0 : 1;
}

int main(void)
{
    int status = 1;

    if (tw_testing_begin() == 0) {
        status = server_comes_late();
        tw_testing_settle();
        printf("left over: %zu\n", tw_testing_end());
    }
    return status;
}
