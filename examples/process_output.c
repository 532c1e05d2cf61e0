/* SPDX-License-Identifier: MIT */
/* ./process_output - what other programs print, how they end, and giving one up: as Python's
 * subprocess.run(), but nothing else has to wait for it. */
#include <stdio.h>

#include <tweed/tweed.h>

static tw_value print_text(tw_value output, void *what)
{
    printf("%s: %s", (char *)what, tw_bytes_data(output));
    return tw_none();
}

static tw_value print_status(tw_value status, void *what)
{
    printf("%s: %d\n", (char *)what, (int)tw_integer_of(status));
    return tw_none();
}

static tw_value print_all(tw_value result, void *what)
{
    printf("%s: output %s, errors %s, status %d\n", (char *)what,
           tw_bytes_data(tw_list_at(result, 0)), tw_bytes_data(tw_list_at(result, 1)),
           (int)tw_integer_of(tw_list_at(result, 2)));
    return tw_none();
}

static tw_value print_failure(tw_value failure, void *what)
{
    printf("%s: %s (%s)\n", (char *)what, tw_failure_message(failure),
           tw_failure_class(failure)->name);
    return tw_none();
}

static void show(const char *what, tw_deferred *child, tw_callback *print)
{
    tw_add_callback(child, print, (void *)what);
    tw_add_errback(child, print_failure, (void *)what);
    tw_release(tw_block_on(child));
}

int main(void)
{
    struct tw_process_options sort = { .argv = TW_ARGV("sort"),
                                       .input = tw_string("pear\napple\n") };
    struct tw_process_options missing = { .argv = TW_ARGV("no-such-program") };
    struct tw_process_options script = {
        .argv = TW_ARGV("sh", "-c", "printf out; printf $WHO >&2; exit 3"),
        .environment = TW_ARGV("WHO=err", "PATH=/usr/bin:/bin")
    };
    struct tw_process_options yes = { .argv = TW_ARGV("yes"), .max_output = 1000 };
    struct tw_process_options sleep = { .argv = TW_ARGV("sleep", "100") };
    tw_deferred *sleeper;

    show("sort", tw_get_process_output(&sort), print_text);
    show("value", tw_get_process_value(&script), print_status);
    show("all", tw_get_process_output_and_value(&script), print_all);
    show("missing", tw_get_process_output(&missing), print_text);
    show("yes", tw_get_process_output(&yes), print_text);
    sleeper = tw_get_process_output(&sleep);
    tw_deferred_add_timeout(sleeper, 0.1, NULL); /* it is killed */
    show("sleep", sleeper, print_text);
    tw_release(sort.input);
    return 0;
}
