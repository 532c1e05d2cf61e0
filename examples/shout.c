/* SPDX-License-Identifier: MIT */
/* ./shout - a protocol of one's own: a server that answers each message in capitals, a client whose
 * questions are Deferreds, and their tests in memory, with every message cut at every byte. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <tweed/testing.h>
#include <tweed/tweed.h>

enum { LONGEST = 100 };

/* --- the server ------------------------------------------------------------------------- */

static void question_received(tw_framing_protocol *self, const char *data, size_t length)
{
    char answer[LONGEST];

    for (size_t i = 0; i < length; i++)
        answer[i] = (char)toupper((unsigned char)data[i]);
    tw_framing_send(self, answer, length);
}
static const struct tw_framing_class questions = { TW_NETSTRING, LONGEST, question_received,
                                                   NULL };

static void server_made(tw_protocol *protocol)
{
    ((tw_framing_protocol *)protocol)->framing_class = &questions;
}
static const tw_protocol_class server_class = { "shout server", sizeof(tw_framing_protocol),
                                                TW_FRAMING_PROTOCOL,
                                                .connection_made = server_made };

/* --- the client: answers come in the order of the questions ------------------------------ */

enum { WAITING = 16 };
struct client {
    tw_framing_protocol framing; /* first, as its functions are given a pointer to it */
    tw_deferred *waiting[WAITING];
    unsigned first, count;
};

static tw_deferred *client_ask(struct client *client, const char *text)
{
    unsigned place = (client->first + client->count) % WAITING;
    tw_deferred *answer;

    if (client->count == WAITING || client->framing.protocol.transport == NULL)
        return tw_failed(tw_fail(&tw_error, "cannot ask now"));
    answer = tw_promise(&client->waiting[place], NULL, NULL);
    client->count++;
    tw_framing_send(&client->framing, text, strlen(text));
    return answer;
}

static void client_fire(struct client *client, tw_value answer)
{
    tw_deferred **slot = &client->waiting[client->first];

    client->first = (client->first + 1) % WAITING;
    client->count--;
    tw_fire(slot, answer);
}

static void answer_received(tw_framing_protocol *self, const char *data, size_t length)
{
    struct client *client = (struct client *)self;

    if (client->count > 0)
        client_fire(client, tw_bytes(data, length));
    else
        tw_transport_abort(self->protocol.transport); /* nobody asked */
}
static const struct tw_framing_class answers = { TW_NETSTRING, LONGEST, answer_received,
                                                 NULL };

static void client_made(tw_protocol *protocol)
{
    ((tw_framing_protocol *)protocol)->framing_class = &answers;
}

static void client_lost(tw_protocol *protocol, tw_value reason)
{
    struct client *client = (struct client *)protocol;

    while (client->count > 0)
        client_fire(client, tw_retain(reason));
}
static const tw_protocol_class client_class = { "shout client", sizeof(struct client),
                                                TW_FRAMING_PROTOCOL,
                                                .connection_made = client_made,
                                                .connection_lost = client_lost };

/* --- the tests ---------------------------------------------------------------------------- */

static tw_value show(tw_value answer, void *question)
{
    printf("%s -> %s\n", (char *)question,
           tw_is_failure(answer) ? tw_failure_word(answer) : tw_bytes_data(answer));
    return tw_none();
}

static void ask(tw_protocol *client, char *question)
{
    tw_deferred *answer = client_ask((struct client *)client, question);

    tw_add_both(answer, show, question);
    tw_deferred_unref(answer);
}

static void test_both_ends_with_one_byte_in_each_turn(void)
{
    tw_protocol *client = tw_protocol_new(&client_class);

    tw_memory_pair(client, tw_protocol_new(&server_class), 1);
    ask(client, "hello");
    ask(client, "and again");
    tw_testing_settle();
    tw_transport_lose(client->transport);
    tw_testing_settle();
}

static void test_a_peer_that_leaves_in_the_middle(void)
{
    tw_protocol *client = tw_protocol_new(&client_class);
    tw_string_transport *peer = tw_string_transport_new(client);

    ask(client, "hello");
    printf("sent: %s\n", tw_string_transport_written(peer, &(size_t){ 0 }));
    tw_string_transport_deliver(peer, "5:HEL", 5);
    tw_string_transport_lose(peer, tw_fail(&tw_error_connection_lost, "gone"));
    tw_string_transport_free(peer);
}

static void test_the_calls_that_a_program_makes(void)
{
    struct tw_listen_options where = { .address = "shout.example", .port = 7 };
    tw_factory *factory = tw_factory_of(&server_class, NULL);
    tw_protocol *client = tw_protocol_new(&client_class);
    tw_listener *listener;
    tw_deferred *connected;

    tw_listen(&where, factory, &listener, NULL);
    tw_factory_unref(factory);
    connected = tw_connect("shout.example", 7, NULL, client);
    tw_testing_settle();
    ask(client, "by name");
    tw_testing_settle();
    tw_transport_lose(client->transport);
    tw_listener_close(listener);
    tw_deferred_unref(connected);
    tw_testing_settle();
}

int main(void)
{
    tw_testing_begin();
    test_both_ends_with_one_byte_in_each_turn();
    test_a_peer_that_leaves_in_the_middle();
    test_the_calls_that_a_program_makes();
    printf("left over: %zu\n", tw_testing_end());
    return 0;
}
