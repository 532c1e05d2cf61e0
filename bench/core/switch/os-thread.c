/* SPDX-License-Identifier: MIT */
/* The kernel's own switch: two threads, one core, futex through semaphores. */
#include "bench.h"
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
static sem_t a, b;
static void *peer(void *p)
{
    for (long n = (long)p; n-- > 0;) {
        sem_wait(&a);
        sem_post(&b);
    }
    return NULL;
}
static void *nop(void *p)
{
    return p;
}
static void run_switch(long n)
{
    pthread_t t;
    sem_init(&a, 0, 0);
    sem_init(&b, 0, 0);
    pthread_create(&t, NULL, peer, (void *)(n / 2));
    for (n /= 2; n-- > 0;) {
        sem_post(&a);
        sem_wait(&b);
    }
    pthread_join(t, NULL);
}
static void run_create(long n)
{
    pthread_t t;
    while (n--) {
        pthread_create(&t, NULL, nop, NULL);
        pthread_join(t, NULL);
    }
}
int main(int ac, char **v)
{
    cpu_set_t s;
    CPU_ZERO(&s);
    CPU_SET(sched_getcpu(), &s);
    sched_setaffinity(0, sizeof s, &s);
    struct bcase t[] = { { "switch", run_switch, 200000, 0 },
                         { "create", run_create, 20000, 0 },
                         { 0 } };
    return bench_main(ac, v, t);
}
