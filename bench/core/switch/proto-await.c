/* SPDX-License-Identifier: MIT */
/* A coroutine awaiting a Deferred, from the two sketches: the whole step (make a
 * Deferred, suspend, fire it, resume, read the result, free) and a whole
 * "inlineCallbacks" call that starts a coroutine on a pooled stack, awaits once
 * and returns. `ready` awaits a Deferred that has already fired: no switch. */
#define SLAB
#define JMP
#define FPU
#define main proto_main
#define bytes d_bytes
#include "../deferred/proto.h"
#undef main
#undef bytes
#define main asm_main
#include "asm.h"
#undef main
struct aw {
    co *c;
    res r;
};
static res wake(res r, void *p)
{
    struct aw *a = p;
    a->r = r;
    co_resume(a->c);
    return r;
}
static inline res await(D *d)
{
    if (d->called && !d->paused && d->i == d->n) {
        res r = d->r;
        d_free(d);
        return r;
    }
    struct aw a = { cur, { 0, 0 } };
    d_add(d, wake, wake, &a);
    co_yield (cur);
    return a.r;
}
static D *pending;
static void loop_body(co *c)
{
    (void)c;
    for (;;) {
        pending = d_new();
        hits += (long)await(pending).v;
    }
}
static void run_await(long n)
{
    static char *s;
    static co c;
    if (!s) {
        s = malloc(STK);
        co_init(&c, s, STK, loop_body);
        co_resume(&c);
    }
    while (n--) {
        D *d = pending;
        d_fire(d, (void *)1);
        d_free(d);
    }
}
static void call_body(co *c)
{
    (void)c;
    pending = d_new();
    hits += (long)await(pending).v;
}
static void run_call(long n)
{
    static char *s;
    co c;
    if (!s)
        s = malloc(STK);
    while (n--) {
        co_init(&c, s, STK, call_body);
        co_resume(&c);
        D *d = pending;
        d_fire(d, (void *)1);
        d_free(d);
    }
}
static long todo;
static void ready_body(co *c)
{
    for (;;) {
        while (todo-- > 0) {
            D *d = d_new();
            d_fire(d, (void *)1);
            hits += (long)await(d).v;
        }
        co_yield (c);
    }
}
static void run_ready(long n)
{
    static char *s;
    static co c;
    if (!s) {
        s = malloc(STK);
        co_init(&c, s, STK, ready_body);
    }
    todo = n;
    co_resume(&c);
}
int main(int ac, char **v)
{
    struct bcase t[] = { { "await", run_await, 5000000, 0 },
                         { "create", run_call, 2000000, 0 },
                         { "ready", run_ready, 5000000, 0 },
                         { 0 } };
    return bench_main(ac, v, t);
}
