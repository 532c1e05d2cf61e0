/* SPDX-License-Identifier: MIT */
/* ./dialogue - two who speak in turn: a condition. */
#include <stdio.h>

#include <tweed/tweed.h>

struct speaker {
    const char *name;
    const char *lines[4];
    bool begins;
};

static struct speaker ann = { "Ann", { "Knock, knock.", "Etch.", "Bless you!", NULL }, true };
static struct speaker bob = { "Bob",
                              { "Who's there?", "Etch who?", "Very funny.", NULL },
                              false };

static tw_lock *lock;
static tw_condition *said_something;

static tw_value speak(void *arg)
{
    const struct speaker *speaker = arg;

    tw_await(tw_lock_acquire(lock));
    if (!speaker->begins)
        tw_await(tw_condition_wait(said_something));
    for (int i = 0; speaker->lines[i] != NULL; i++) {
        printf("%s: %s\n", speaker->name, speaker->lines[i]);
        tw_condition_notify(said_something, 1);
        if (speaker->begins || speaker->lines[i + 1] != NULL)
            tw_await(tw_condition_wait(said_something)); /* the other one has the lock */
    }
    tw_lock_release(lock);
    printf("%s has said everything\n", speaker->name);
    return tw_none();
}

int main(void)
{
    tw_deferred *speakers[2];

    lock = tw_lock_new();
    said_something = tw_condition_new(lock);
    speakers[0] = tw_inline_callbacks(speak, &bob);
    speakers[1] = tw_inline_callbacks(speak, &ann);
    tw_release(tw_block_on(tw_gather(speakers, 2)));
    tw_condition_free(said_something);
    tw_lock_free(lock);
    return 0;
}
