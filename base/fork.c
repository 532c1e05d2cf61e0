/* SPDX-License-Identifier: MIT */
/*
 * fork.c - counting the forks, and going through them with free locks.
 */
#include "config.h"

#include <pthread.h>
#include <stddef.h>

#include "base/fork.h"
#include "base/hooks.h"

unsigned twi_forks;

static pthread_mutex_t locks[TWI_LOCKS] = {
    [TWI_LOCK_SLABS] = PTHREAD_MUTEX_INITIALIZER,
    [TWI_LOCK_OVERFLOW] = PTHREAD_MUTEX_INITIALIZER,
    [TWI_LOCK_REACTORS] = PTHREAD_MUTEX_INITIALIZER,
    [TWI_LOCK_SIGNALS] = PTHREAD_MUTEX_INITIALIZER,
    [TWI_LOCK_CHILDREN] = PTHREAD_MUTEX_INITIALIZER,
    [TWI_LOCK_TRUST] = PTHREAD_MUTEX_INITIALIZER,
};
static struct twi_fork_hook *hooks;

void twi_lock(enum twi_lock lock)
{
    pthread_mutex_lock(&locks[lock]);
}

void twi_unlock(enum twi_lock lock)
{
    pthread_mutex_unlock(&locks[lock]);
}

void twi_fork_hook(struct twi_fork_hook *hook)
{
    hook->next_ = hooks;
    hooks = hook;
}

static void before_fork(void)
{
    for (size_t i = 0; i < TWI_LOCKS; i++)
        pthread_mutex_lock(&locks[i]);
}

static void after_fork(void)
{
    for (size_t i = TWI_LOCKS; i-- > 0;)
        pthread_mutex_unlock(&locks[i]);
}

static void after_fork_in_child(void)
{
    after_fork();
    twi_forks++;
    for (struct twi_fork_hook *hook = hooks; hook != NULL; hook = hook->next_)
        hook->child();
}

TWI_AT_START static void forks_hook(void)
{
    pthread_atfork(before_fork, after_fork, after_fork_in_child);
}
