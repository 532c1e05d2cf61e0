/* SPDX-License-Identifier: MIT */
/* ./ownership - what an await gives is lent until the body ends; tw_drop() lets it go early. */
#include <stdio.h>

#include <tweed/tweed.h>

static int living;

static void gone(void *arg)
{
    (void)arg;
    living--;
}

/* Something big. */
static tw_deferred *make(void)
{
    living++;
    return tw_succeed(tw_box(NULL, gone));
}

static tw_value hoard(void *arg)
{
    (void)arg;
    for (int i = 0; i < 100; i++)
        tw_await(make());
    printf("hoard: %d live\n", living);
    return tw_none();
}

static tw_value tidy(void *arg)
{
    (void)arg;
    for (int i = 0; i < 100; i++) {
        tw_value thing = tw_await(make());
        tw_drop(&thing);
    }
    printf("tidy: %d live\n", living);
    return tw_await(make()); /* returned: it goes to who awaits this body */
}

int main(void)
{
    tw_value thing;

    tw_release(tw_block_on(tw_inline_callbacks(hoard, NULL)));
    printf("%d live\n", living);
    thing = tw_block_on(tw_inline_callbacks(tidy, NULL));
    printf("%d live\n", living);
    tw_release(thing);
    printf("%d live\n", living);
    return 0;
}
