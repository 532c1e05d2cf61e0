/* SPDX-License-Identifier: MIT */
/* ./session ORIGIN - one agent for many requests, with a query, headers, a form, JSON, bytes and a
 * proxy: aiohttp's ClientSession. Connections are kept and used again. */
#include <stdio.h>

#include <tweed/tweed.h>

static tw_agent *session;

/* Says what came; the response, or the failure. */
static tw_value show(const char *what, const char *url, const struct tw_fetch_options *options)
{
    tw_value response = tw_await(tw_agent_request(session, url, options));

    if (tw_is_failure(response))
        printf("%s: %s\n", what, tw_failure_message(response));
    else
        printf("%s: %d %s", what, tw_response_status(response),
               tw_bytes_data(tw_response_body(response)));
    return response;
}

static void show_json(const char *url)
{
    static const char json[] = "{\"yarn\": \"wool\", \"grams\": 50}";
    tw_headers *headers = tw_headers_new();

    tw_headers_set(headers, "Content-Type", "application/json");
    tw_headers_set(headers, "X-Mine", "with a header of mine");
    show("json", url,
         &(struct tw_fetch_options){
             .body = json, .body_length = sizeof json - 1, .headers = headers });
    tw_headers_free(headers);
}

static void show_bytes(const char *url)
{
    tw_value response = tw_await(tw_agent_request(session, url, NULL));
    tw_value body = tw_response_body(response);

    printf("bytes: %s, %zu of them, %.3s\n", tw_response_header(response, "Content-Type"),
           tw_bytes_length(body), tw_bytes_data(body) + 1);
}

static tw_value run(void *origin)
{
    static const struct tw_field fields[] = { { "q", "wool & silk" },
                                              { "page", "2" },
                                              { NULL, NULL } };
    char echo[300], image[300];

    snprintf(echo, sizeof echo, "%s/echo", (char *)origin);
    snprintf(image, sizeof image, "%s/images/plain.png", (char *)origin);
    show("get", echo, NULL);
    show("params", echo, &(struct tw_fetch_options){ .params = fields });
    show("form", echo, &(struct tw_fetch_options){ .form = fields });
    show("put", echo, &(struct tw_fetch_options){ .method = "PUT", .form = fields });
    show_json(echo);
    show_bytes(image);
    return show("proxy", "http://far.example/echo",
                &(struct tw_fetch_options){ .proxy = origin, .timeout = 5 });
}

int main(int argc, char **argv)
{
    struct tw_agent_options settings = { .max_per_host = 4, .proxy = "" };
    struct tw_agent_counts counts;
    tw_value last;
    int failed;

    if (argc != 2) {
        fprintf(stderr, "usage: session ORIGIN\n");
        return 2;
    }
    session = tw_agent_new(&settings);
    last = tw_block_on(tw_inline_callbacks(run, argv[1]));
    failed = tw_is_failure(last);
    tw_release(last);
    counts = tw_agent_counts(session);
    printf("%u requests over %u connections\n", (unsigned)counts.requests,
           (unsigned)counts.connects);
    tw_agent_unref(session);
    return failed;
}
