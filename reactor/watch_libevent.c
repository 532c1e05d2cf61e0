/* SPDX-License-Identifier: MIT */
/*
 * watch_libevent.c - the only file that sees libevent: which descriptors are ready, and waiting.
 *
 * libevent gets no timers, signals, locks or threads to look after, so its turn is one wait and
 * one call for each ready descriptor. A watch lives in one struct event; when a direction is
 * added for a while (waiting to write), a second event from a pool carries it, so that the
 * first stays registered. Every idle connection has a watch, so rarely used members are kept
 * apart. libevent's messages go to the log.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <unistd.h>

#ifdef HAVE_SYS_TIMERFD_H
#include <sys/timerfd.h>
#endif

#include <event2/event.h>
#include <event2/event_struct.h>

#include <tweed/log.h>

#include "base/alloc.h"
#include "base/fork.h"
#include "base/slab.h"
#include "reactor/backend.h"
#include "reactor/loop.h"

enum { FAILED_PAUSE_MS = 1 };

struct twi_backend {
    struct event_base *base;
    struct twi_list pokes;
    size_t calls; /* made since the beginning */
    int64_t alarm; /* a wait ends then at the latest; INT64_MAX: never */
    int alarm_fd;
    struct event alarm_event;
    bool edge, select, epoll;
    bool left; /* to the parent process */
    unsigned owned; /* twi_forks when its descriptors were made */
};

/* A second event and a poke that is due: few watches need them, and not for long. */
struct extra {
    struct event event;
    struct twi_watch *watch;
    struct twi_list poke; /* next NULL: none asked for */
    bool added;           /* `event` is */
};

struct twi_watch {
    struct event event;
    twi_watch_fn *fn;
    void *arg;
    struct extra *extra; /* NULL: none */
#if TWI_DEBUG
    const void *owner; /* the thread */
#endif
};

static struct twi_slab watches = TWI_SLAB(struct twi_watch);
static struct twi_slab extras = TWI_SLAB(struct extra);

/* --- libevent's surroundings ------------------------------------------------------------- */

/* errno is kept: callers look at it after a failed call. */
static void log_line(int severity, const char *text)
{
    static const enum tw_log_level levels[] = {
        [EVENT_LOG_DEBUG] = TW_LOG_DEBUG,
        [EVENT_LOG_MSG] = TW_LOG_INFO,
        [EVENT_LOG_WARN] = TW_LOG_DEBUG, /* failures come back as return values too */
        [EVENT_LOG_ERR] = TW_LOG_CRITICAL,
    };
    int saved = errno;

    if (severity >= 0 && severity <= EVENT_LOG_ERR)
        tw_log(levels[severity], "reactor.libevent", "%s", text);
    errno = saved;
}

/* Both are the process's. An allocator is handed on only when the program asked for one; without a
 * place to log to, libevent would write to standard error. */
static void libevent_set_up(void)
{
    if (twi_alloc_is_replaced())
        event_set_mem_functions(twi_malloc, twi_realloc, twi_free);
    event_set_log_callback(log_line);
}

/* libevent ends the process when it gets no socket pair for signals, which it always makes: see
 * first that there are descriptors to be had. */
static int check_descriptors(void)
{
    int fds[4], count = 0, r = 0;

    while (count < 4) {
        fds[count] = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
        if (fds[count] < 0 && errno == EBADF)
            fds[count] = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (fds[count] < 0) {
            r = errno == ENFILE ? -ENFILE : -EMFILE;
            break;
        }
        count++;
    }
    while (count > 0)
        close(fds[--count]);
    return r;
}

/* libevent can only be told what to avoid. A build without Linux's calls takes epoll only when it
 * is asked for. */
static int avoid_others(struct event_config *config, const char *name)
{
    static const char *const names[] = { "epoll",  "poll",    "select",
                                         "kqueue", "devpoll", "evport" };
    int r = name != NULL ? -ENOTSUP : 0;

    if (!TWI_LINUX && name == NULL && event_config_avoid_method(config, "epoll") < 0)
        return -ENOMEM;
    for (size_t i = 0; name != NULL && i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i], name) == 0)
            r = 0;
        else if (event_config_avoid_method(config, names[i]) < 0)
            return -ENOMEM;
    }
    return r;
}

/* False only when it is certain that this libevent has no such method. */
static bool may_have(const char *name)
{
    const char **method = name != NULL ? event_get_supported_methods() : NULL;

    if (method == NULL)
        return true;
    while (*method != NULL && strcmp(*method, name) != 0)
        method++;
    return *method != NULL;
}

static int base_new(const char *name, struct event_base **ret_base)
{
    struct event_config *config = event_config_new();
    int r = config != NULL ? avoid_others(config, name) : -ENOMEM;

    if (r == 0 &&
        event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV |
                                          EVENT_BASE_FLAG_NO_CACHE_TIME) < 0)
        r = -ENOMEM;
    if (r == 0) {
        *ret_base = event_base_new_with_config(config);
        if (*ret_base == NULL)
            r = may_have(name) ? -ENOMEM : -ENOTSUP;
    }
    if (config != NULL)
        event_config_free(config);
    return r;
}

/* --- the alarm --------------------------------------------------------------------------- */

/* A timerfd is exact, where epoll's milliseconds and libevent's coarse clock are not, and costs a
 * system call only when the alarm moves forward: an early one is left to ring in vain. */

#ifdef HAVE_SYS_TIMERFD_H
static void alarm_rang(evutil_socket_t fd, short what, void *arg)
{
    struct twi_backend *backend = arg;
    uint64_t times;

    (void)what;
    backend->alarm = INT64_MAX;
    if (!backend->edge && read(fd, &times, sizeof times) < 0)
        return;
}

static int alarm_open(struct twi_backend *backend)
{
    short what = EV_READ | EV_PERSIST;

    if (backend->edge)
        what |= EV_ET | EV_CLOSED;
    backend->alarm_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (backend->alarm_fd < 0)
        return -errno;
    event_assign(&backend->alarm_event, backend->base, backend->alarm_fd, what, alarm_rang,
                 backend);
    if (event_add(&backend->alarm_event, NULL) == 0)
        return 0;
    close(backend->alarm_fd);
    return -ENOMEM;
}

static void alarm_close(struct twi_backend *backend)
{
    event_del(&backend->alarm_event);
    close(backend->alarm_fd);
}

static int alarm_set(struct twi_backend *backend, int64_t at)
{
    struct itimerspec when = { .it_value = { at / TWI_SECOND, at % TWI_SECOND } };

    return timerfd_settime(backend->alarm_fd, TFD_TIMER_ABSTIME, &when, NULL);
}
#else
static void alarm_rang(evutil_socket_t fd, short what, void *arg)
{
    struct twi_backend *backend = arg;

    (void)fd;
    (void)what;
    backend->alarm = INT64_MAX;
}

static int alarm_open(struct twi_backend *backend)
{
    return evtimer_assign(&backend->alarm_event, backend->base, alarm_rang, backend);
}

static void alarm_close(struct twi_backend *backend)
{
    event_del(&backend->alarm_event);
}

static int alarm_set(struct twi_backend *backend, int64_t at)
{
    int64_t us = (at - twi_monotonic_ns() + 999) / 1000;
    struct timeval delay = { us > 0 ? us / 1000000 : 0, us > 0 ? us % 1000000 : 0 };

    return event_add(&backend->alarm_event, &delay);
}
#endif

/* --- through a fork ----------------------------------------------------------------------- */

/* A child shares the set of what is watched, and the alarm, with its parent until it makes its own.
 * Descriptors that the child has closed cannot be watched anew, and need not be. */
static void backend_own(struct twi_backend *backend)
{
    backend->owned = twi_forks;
    event_reinit(backend->base);
    alarm_close(backend);
    backend->alarm = INT64_MAX;
    if (alarm_open(backend) < 0)
        tw_log(TW_LOG_ERROR, "reactor", "the child of a fork has no alarm of its own");
}

static void backend_forked(struct twi_backend *backend)
{
    if (backend->left) {
        tw_log(TW_LOG_CRITICAL, "reactor",
               "the child of a fork has left the reactor and returned into it");
        abort();
    }
    backend_own(backend);
}

/* Before anything is changed or waited for. */
static inline void backend_make_own(struct twi_backend *backend)
{
    if (__builtin_expect(backend->owned != twi_forks, 0))
        backend_forked(backend);
}

void twi_backend_alarm(struct twi_backend *backend, int64_t at)
{
    backend_make_own(backend);
    if (at < backend->alarm && alarm_set(backend, at) == 0)
        backend->alarm = at;
}

void twi_backend_part(struct twi_backend *backend)
{
    backend_make_own(backend);
}

void twi_backend_leave(struct twi_backend *backend)
{
    alarm_close(backend);
    backend->left = true;
    backend->owned = twi_forks - 1;
}

/* --- making and releasing ------------------------------------------------------------------ */

int twi_backend_new(const char *name, struct twi_backend **ret_backend)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const int edge = EV_FEATURE_ET | EV_FEATURE_EARLY_CLOSE;
    struct twi_backend *backend;
    int r;

    pthread_once(&once, libevent_set_up);
    r = check_descriptors();
    if (r < 0)
        return r;
    backend = twi_calloc(1, sizeof *backend);
    if (backend == NULL)
        return -ENOMEM;
    r = base_new(name, &backend->base);
    if (r < 0)
        goto fail_free;
    twi_list_init(&backend->pokes);
    backend->owned = twi_forks;
    backend->alarm = INT64_MAX;
    backend->edge = (event_base_get_features(backend->base) & edge) == edge;
    backend->select = strcmp(twi_backend_name(backend), "select") == 0;
    backend->epoll = strcmp(twi_backend_name(backend), "epoll") == 0;
    r = alarm_open(backend);
    if (r < 0)
        goto fail_base;
    *ret_backend = backend;
    return 0;

fail_base:
    event_base_free(backend->base);
fail_free:
    twi_free(backend);
    return r;
}

void twi_backend_free(struct twi_backend *backend)
{
    if (backend == NULL)
        return;
    alarm_close(backend);
    event_base_free(backend->base);
    twi_free(backend);
}

const char *twi_backend_name(const struct twi_backend *backend)
{
    return event_base_get_method(backend->base);
}

/* --- readiness --------------------------------------------------------------------------- */

static unsigned from_libevent(short what)
{
    unsigned ready = 0;

    _Static_assert(EV_READ == TWI_READABLE << 1 && EV_WRITE == TWI_WRITABLE << 1, "one shift");
    ready = ((unsigned)what >> 1) & (TWI_READABLE | TWI_WRITABLE);
    if ((what & EV_CLOSED) != 0)
        ready |= TWI_HANGUP;
    return ready;
}

static short to_libevent(unsigned events)
{
    unsigned what = (events & (TWI_READABLE | TWI_WRITABLE)) << 1 | EV_PERSIST;

    if ((events & TWI_EDGE) != 0)
        what |= EV_ET | EV_CLOSED;
    return (short)what;
}

/* The readiness that an event was made for. */
static unsigned events_of(const struct event *event)
{
    unsigned what = (unsigned)event_get_events(event);

    return (what >> 1 & (TWI_READABLE | TWI_WRITABLE)) | ((what & EV_ET) != 0 ? TWI_EDGE : 0);
}

/* The backend of the calling thread, to which its watches belong. */
static struct twi_backend *here(void)
{
    return twi_loop_here->backend;
}

__attribute__((noinline)) /* nearly always nobody wants to know */
static void
watch_call_timed(struct twi_watch *watch, struct twi_slow *slow, unsigned ready)
{
    twi_watch_fn *fn = watch->fn;

    twi_slow_begin(slow);
    fn(ready, watch->arg);
    TWI_SLOW_END(slow, "descriptor", fn);
}

static void watch_ready(evutil_socket_t fd, short what, void *arg)
{
    struct twi_watch *watch = arg;
    struct twi_loop *loop = twi_loop_here;

    (void)fd;
    loop->backend->calls++;
    if (__builtin_expect(loop->slow.watched, 0))
        watch_call_timed(watch, &loop->slow, from_libevent(what));
    else
        watch->fn(from_libevent(what), watch->arg);
}

static void extra_drop_if_unused(struct twi_watch *watch)
{
    struct extra *extra = watch->extra;

    if (extra->added || extra->poke.next != NULL)
        return;
    watch->extra = NULL;
    twi_slab_free(&extras, extra);
}

static void deliver_pokes(struct twi_backend *backend)
{
    struct twi_list pokes = TWI_LIST_INIT(pokes), *node;

    twi_list_splice(&pokes, &backend->pokes);
    while ((node = twi_list_take_first(&pokes)) != NULL) {
        struct twi_watch *watch = TWI_CONTAINER(node, struct extra, poke)->watch;
        node->next = NULL;
        extra_drop_if_unused(watch);
        backend->calls++;
        watch->fn(TWI_READABLE, watch->arg);
    }
}

int twi_backend_wait(struct twi_backend *backend, bool block, size_t *ret_calls)
{
    size_t before = backend->calls;
    int r;

    backend_make_own(backend);
    if (!twi_list_empty(&backend->pokes)) {
        block = false;
        deliver_pokes(backend);
    }
    r = event_base_loop(backend->base, EVLOOP_ONCE | (block ? 0 : EVLOOP_NONBLOCK));
    *ret_calls = backend->calls - before;
    if (r < 0 && block)
        poll(NULL, 0, FAILED_PAUSE_MS);
    return r < 0 ? -EBADF : 0;
}

bool twi_backend_busy(const struct twi_backend *backend)
{
    return !twi_list_empty(&backend->pokes);
}

/* --- watches ----------------------------------------------------------------------------- */

static inline void check_owner(const struct twi_watch *watch)
{
#if TWI_DEBUG
    twi_assert_thread(watch->owner, "a watch");
#else
    (void)watch;
#endif
}

static int watch_add(struct event *event)
{
    errno = 0;
    if (event_add(event, NULL) == 0)
        return 0;
    return errno != 0 ? -errno : -ENOMEM;
}

/* Refuse a descriptor that the backend would accept without a word and fail on later. */
static int check_fd(const struct twi_backend *backend, int fd)
{
    if (fd < 0)
        return -EBADF;
    if (backend->select && fd >= FD_SETSIZE)
        return -EMFILE;
    if (!backend->epoll && fcntl(fd, F_GETFD) < 0)
        return -EBADF;
    return 0;
}

int twi_backend_watch(struct twi_backend *backend, int fd, unsigned events, twi_watch_fn *fn,
                      void *arg, struct twi_watch **ret_watch)
{
    struct twi_watch *watch;
    int r = check_fd(backend, fd);

    if (r < 0)
        return r;
    backend_make_own(backend);
    watch = twi_slab_alloc(&watches);
    if (watch == NULL)
        return -ENOMEM;
    if (!backend->edge)
        events &= ~(unsigned)TWI_EDGE;
    watch->fn = fn;
    watch->arg = arg;
    watch->extra = NULL;
#if TWI_DEBUG
    watch->owner = twi_thread_self();
#endif
    event_assign(&watch->event, backend->base, fd, to_libevent(events), watch_ready, watch);
    if ((events & (TWI_READABLE | TWI_WRITABLE)) != 0)
        r = watch_add(&watch->event);
    if (r < 0) {
        twi_slab_free(&watches, watch);
        return r;
    }
    *ret_watch = watch;
    return 0;
}

int twi_watch_new(int fd, unsigned events, twi_watch_fn *fn, void *arg,
                  struct twi_watch **ret_watch)
{
    struct twi_loop *loop = twi_loop_get();

    if (loop == NULL)
        return -ENOMEM;
    return twi_backend_watch(loop->backend, fd, events, fn, arg, ret_watch);
}

static struct extra *watch_extra(struct twi_watch *watch)
{
    struct extra *extra = watch->extra;

    if (extra != NULL)
        return extra;
    extra = twi_slab_alloc(&extras);
    if (extra == NULL)
        return NULL;
    extra->watch = watch;
    extra->poke.next = NULL;
    extra->added = false;
    watch->extra = extra;
    return extra;
}

static int extra_add(struct twi_watch *watch, unsigned events)
{
    struct extra *extra = watch_extra(watch);
    int r;

    if (extra == NULL)
        return -ENOMEM;
    event_assign(&extra->event, event_get_base(&watch->event), event_get_fd(&watch->event),
                 to_libevent(events), watch_ready, watch);
    r = watch_add(&extra->event);
    extra->added = r == 0;
    extra_drop_if_unused(watch);
    return r;
}

static void extra_remove(struct twi_watch *watch)
{
    if (watch->extra == NULL || !watch->extra->added)
        return;
    event_del(&watch->extra->event);
    watch->extra->added = false;
    extra_drop_if_unused(watch);
}

/* Give the first event another set: remove it and add it again. */
static int watch_replace(struct twi_watch *watch, unsigned events)
{
    struct event_base *base = event_get_base(&watch->event);
    evutil_socket_t fd = event_get_fd(&watch->event);
    int r = 0;

    extra_remove(watch);
    event_del(&watch->event);
    event_assign(&watch->event, base, fd, to_libevent(events), watch_ready, watch);
    if ((events & (TWI_READABLE | TWI_WRITABLE)) != 0)
        r = watch_add(&watch->event);
    if (r < 0)
        event_assign(&watch->event, base, fd, to_libevent(0), watch_ready, watch);
    return r;
}

int twi_watch_change(struct twi_watch *watch, unsigned events)
{
    bool has_extra = watch->extra != NULL && watch->extra->added;
    unsigned base = events_of(&watch->event);

    check_owner(watch);
    backend_make_own(here());
    if (!here()->edge)
        events &= ~(unsigned)TWI_EDGE;
    if (events == (has_extra ? base | events_of(&watch->extra->event) : base))
        return 0;
    if (events == base) {
        extra_remove(watch);
        return 0;
    }
    if (has_extra || base == 0 || (events & base) != base)
        return watch_replace(watch, events);
    return extra_add(watch, (events & ~base) | (events & TWI_EDGE));
}

void twi_watch_set(struct twi_watch *watch, twi_watch_fn *fn, void *arg)
{
    watch->fn = fn;
    watch->arg = arg;
}

int twi_watch_poke(struct twi_watch *watch)
{
    struct extra *extra = watch_extra(watch);

    check_owner(watch);
    if (extra == NULL)
        return -ENOMEM;
    if (extra->poke.next == NULL)
        twi_list_append(&here()->pokes, &extra->poke);
    return 0;
}

void twi_watch_free(struct twi_watch *watch)
{
    struct extra *extra;

    if (watch == NULL)
        return;
    check_owner(watch);
    if (twi_loop_here != NULL)
        backend_make_own(here());
    extra_remove(watch);
    extra = watch->extra;
    if (extra != NULL) {
        twi_list_remove(&extra->poke);
        twi_slab_free(&extras, extra);
    }
    event_del(&watch->event);
    twi_slab_free(&watches, watch);
}

bool twi_watch_has_edge(void)
{
    struct twi_loop *loop = twi_loop_get();
    return loop != NULL && loop->backend->edge;
}
