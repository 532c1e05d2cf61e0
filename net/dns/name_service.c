/* SPDX-License-Identifier: MIT */
/*
 * name_service.c - getaddrinfo(3) on a thread.
 *
 * A call is held by its caller and by the thread's job; both let go on the reactor's thread, so
 * its count needs no atomics. The job's thread fills the call and the Deferred hands it over.
 */
#include "config.h"

#include "net/dns/name_service.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <tweed/thread.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/posix.h"
#include "reactor/face.h"

#define NSSWITCH_SIZE_MAX 16384

typedef int lookup_fn(const char *name, const char *service, const struct addrinfo *hints,
                      struct addrinfo **ret_list);

struct twi_name_call {
    unsigned references;
    twi_name_done *done; /* NULL: cancelled */
    void *arg;
    tw_deferred *deferred;
    lookup_fn *lookup;
    int number, error; /* of getaddrinfo(), and its errno */
    size_t count;
    union tw_socket_address list[TWI_ADDRESSES_MAX];
    char name[];
};

static const struct twi_name_system real_system = { "/etc/nsswitch.conf", getaddrinfo, NULL };
static _Thread_local const struct twi_name_system *current;

static const struct twi_name_system *system_here(void)
{
    return current != NULL ? current : &real_system;
}

void twi_name_service_set(const struct twi_name_system *system)
{
    current = system;
}

const char *twi_name_service_servers(void)
{
    return system_here()->servers;
}

bool twi_name_service_allowed(void)
{
    return current != NULL || !twi_loop_is_virtual();
}

/* --- nsswitch.conf ------------------------------------------------------------------------- */

/* A file that is not there is empty. 0, or a negative errno: it cannot be read now. */
static int read_text(const char *path, char text[NSSWITCH_SIZE_MAX + 1])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    size_t length = 0;
    ssize_t got = 1;

    if (fd < 0 && twi_is_exhaustion(errno))
        return -errno;
    while (fd >= 0 && got > 0 && length < NSSWITCH_SIZE_MAX) {
        got = read(fd, text + length, NSSWITCH_SIZE_MAX - length);
        if (got < 0 && errno == EINTR)
            got = 1;
        else if (got > 0)
            length += (size_t)got;
    }
    if (fd >= 0)
        close(fd);
    text[length] = '\0';
    return 0;
}

/* "files mdns4_minimal [NOTFOUND=return] dns": the part in brackets is no source. */
static bool names_more(char *sources)
{
    char *bracket, *end, *rest = NULL;

    while ((bracket = strchr(sources, '[')) != NULL) {
        end = strchr(bracket, ']');
        memset(bracket, ' ', end != NULL ? (size_t)(end + 1 - bracket) : strlen(bracket));
    }
    for (char *word = strtok_r(sources, " \t\r", &rest); word != NULL;
         word = strtok_r(NULL, " \t\r", &rest)) {
        if (strcmp(word, "files") != 0 && strcmp(word, "dns") != 0)
            return true;
    }
    return false;
}

/* Without the file or the line the sources are DNS and files. */
static int nsswitch_read_more(const char *path, bool *ret_more)
{
    char text[NSSWITCH_SIZE_MAX + 1], *rest = NULL;
    int r = read_text(path, text);

    if (r < 0)
        return r;
    *ret_more = false;
    for (char *line = strtok_r(text, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        line += strspn(line, " \t");
        line[strcspn(line, "#")] = '\0';
        if (strncmp(line, "hosts:", 6) == 0)
            *ret_more = names_more(line + 6);
    }
    return 0;
}

bool twi_name_service_has_more(struct twi_name_service *service, int64_t now_ns)
{
    if (service->checked_ns != 0 && now_ns - service->checked_ns < TWI_SECOND)
        return service->more;
    /* While it cannot be read it is as it was. */
    if (nsswitch_read_more(system_here()->nsswitch, &service->more) == 0)
        service->checked_ns = now_ns;
    return service->more;
}

bool twi_name_service_is_local(const char *name)
{
    size_t length = strlen(name);

    return strchr(name, '.') == NULL ||
           (length > 6 && strcmp(name + length - 6, ".local") == 0);
}

/* --- a call -------------------------------------------------------------------------------- */

tw_value twi_name_failure(const char *name, int number, const char *text)
{
    char message[TWI_NAME_SIZE + 256];

    snprintf(message, sizeof message, "%s: %s", name, text);
    return tw_fail_with(&(struct tw_failure_fields){
        .error_class = &tw_error_dns,
        .message = message,
        .where = TW_HERE,
        .number = number,
    });
}

tw_value twi_name_failure_system(const char *name, int error)
{
    char message[TWI_NAME_SIZE + 256], reason[64];

    if (error == ENOMEM || error == -ENOMEM)
        return tw_fail_memory();
    snprintf(message, sizeof message, "%s: %s", name,
             strerror_r(error < 0 ? -error : error, reason, sizeof reason));
    return tw_fail_with(&(struct tw_failure_fields){
        .error_class = &tw_error_dns,
        .message = message,
        .where = TW_HERE,
        .number = EAI_SYSTEM,
        .cause = tw_fail_errno(&tw_error_system, error),
    });
}

static void call_unref(void *arg)
{
    struct twi_name_call *call = arg;

    if (--call->references == 0)
        twi_free(call);
}

static void call_take_list(struct twi_name_call *call, const struct addrinfo *node)
{
    for (; node != NULL && call->count < TWI_ADDRESSES_MAX; node = node->ai_next) {
        union tw_socket_address address;

        if ((node->ai_family != AF_INET && node->ai_family != AF_INET6) ||
            node->ai_addrlen > sizeof address)
            continue;
        memset(&address, 0, sizeof address);
        memcpy(&address, node->ai_addr, node->ai_addrlen);
        if (!twi_addresses_have(call->list, call->count, &address))
            call->list[call->count++] = address;
    }
}

/* Runs on a thread. Without AI_ADDRCONFIG: another place decides which address to try. */
static tw_value look_up(void *arg)
{
    static const struct addrinfo hints = { .ai_family = AF_UNSPEC,
                                           .ai_socktype = SOCK_STREAM };
    struct twi_name_call *call = arg;
    struct addrinfo *list = NULL;

    call->number = call->lookup(call->name, NULL, &hints, &list);
    call->error = errno;
    if (call->number == 0) {
        call_take_list(call, list);
        freeaddrinfo(list);
    }
    return tw_none();
}

/* The failure that says why there is no address; `result` is the job's. */
static tw_value call_failure(const struct twi_name_call *call, tw_value result)
{
    if (tw_failure_is(result, &tw_error_cancelled))
        return tw_fail(&tw_error_abandoned, "%s: the reactor has ended", call->name);
    if (tw_is_failure(result))
        return tw_retain(result);
    if (call->number == EAI_MEMORY)
        return tw_fail_memory();
    if (call->number == 0)
        return twi_name_failure(call->name, EAI_NODATA, gai_strerror(EAI_NODATA));
    if (call->number == EAI_SYSTEM)
        return twi_name_failure_system(call->name, call->error);
    return twi_name_failure(call->name, call->number, gai_strerror(call->number));
}

static tw_value call_done(tw_value result, void *arg)
{
    struct twi_name_call *call = arg;
    tw_value failure = tw_none();

    if (call->done == NULL)
        return tw_none();
    if (tw_is_failure(result) || call->count == 0)
        failure = call_failure(call, result);
    call->done(call->arg, call->list, call->count, failure);
    tw_release(failure);
    tw_deferred_unref(call->deferred);
    call_unref(call);
    return tw_none();
}

void twi_name_call_cancel(struct twi_name_call *call)
{
    call->done = NULL;
    tw_cancel(call->deferred);
    tw_deferred_unref(call->deferred);
    call_unref(call);
}

/* Done at once is a job that no thread could be started for. */
int twi_name_service_ask(const char *name, twi_name_done *done, void *arg,
                         struct twi_name_call **ret_call)
{
    struct tw_thread_pool *pool = twi_loop_library_pool();
    size_t length = strlen(name);
    struct twi_name_call *call;

    if (pool == NULL)
        return -ENOMEM;
    call = twi_calloc(1, sizeof *call + length + 1);
    if (call == NULL)
        return -ENOMEM;
    call->references = 2;
    call->lookup = system_here()->lookup;
    call->done = done;
    call->arg = arg;
    memcpy(call->name, name, length + 1);
    call->deferred = tw_defer_to_thread_pool(pool, look_up, call, call_unref);
    if (call->deferred == NULL) {
        call_unref(call);
        return -ENOMEM;
    }
    if (tw_deferred_is_done(call->deferred) ||
        tw_add_both(call->deferred, call_done, call) < 0) {
        tw_deferred_mark_handled(call->deferred);
        twi_name_call_cancel(call);
        return -ENOMEM;
    }
    *ret_call = call;
    return 0;
}
