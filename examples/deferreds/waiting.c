/* SPDX-License-Identifier: MIT */
/* ./waiting - a callback that returns a Deferred makes its chain wait for that one. */
#include <stdio.h>

#include <tweed/tweed.h>

static tw_deferred *price_slot;

static tw_deferred *ask_price(const char *name)
{
    printf("asking for the price of %s\n", name);
    return tw_promise(&price_slot, NULL, NULL);
}

static tw_value find_price(tw_value name, void *arg)
{
    (void)arg;
    return tw_wait(ask_price(tw_bytes_data(name)));
}

static tw_value print_price(tw_value price, void *arg)
{
    (void)arg;
    printf("it is %d\n", (int)tw_integer_of(price));
    return tw_none();
}

int main(void)
{
    tw_deferred *d = tw_succeed(tw_string("rye bread"));

    tw_add_callback(d, find_price, NULL);
    tw_add_callback(d, print_price, NULL);
    printf("waiting: %s\n", tw_deferred_waiting_on(d) != NULL ? "yes" : "no");
    tw_fire(&price_slot, tw_integer(3));
    printf("waiting: %s\n", tw_deferred_waiting_on(d) != NULL ? "yes" : "no");
    tw_deferred_unref(d);
    return 0;
}
