/* SPDX-License-Identifier: MIT */
/* ./notes DIR [PORT] - a web server: the files below DIR, and at /notes/NAME notes that anyone may
 * read and admin (password "sesame") may write. /later answers after a while. Ends by Ctrl-C. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tweed/tweed.h>

enum { NOTES = 100 };

static struct note {
    char *name;
    tw_value text;
} notes[NOTES];

/* The note of that name, or a free place; NULL when there is neither. */
static struct note *find(const char *name)
{
    struct note *free_one = NULL;

    for (int i = 0; i < NOTES; i++) {
        if (notes[i].name == NULL)
            free_one = &notes[i];
        else if (strcmp(notes[i].name, name) == 0)
            return &notes[i];
    }
    return free_one;
}

static void keep(tw_request *request, struct note *note)
{
    if (note->name == NULL)
        note->name = strdup(tw_request_segment(request, 1));
    tw_release(note->text);
    note->text = tw_retain(tw_request_body(request));
    tw_request_set_status(request, 204, NULL);
    tw_request_finish(request);
}

/* /notes/NAME is the segments "notes" and NAME. */
static tw_value serve_note(tw_request *request, void *arg)
{
    const char *name = tw_request_segment(request, 1);
    bool is_put = strcmp(tw_request_method(request), "PUT") == 0;
    struct note *note = find(name);

    (void)arg;
    if (!tw_request_allow(request, "GET, HEAD, PUT"))
        return tw_none();
    if (is_put && !tw_request_authorized(request, "notes", "admin", "sesame"))
        return tw_none();
    if (*name == '\0' || tw_request_segment(request, 2) != NULL)
        tw_request_error(request, 404, "Notes are at /notes/NAME.");
    else if (is_put && note != NULL)
        keep(request, note);
    else if (is_put)
        tw_request_error(request, 507, "There is no room for it.");
    else if (note == NULL || note->name == NULL)
        tw_request_error(request, 404, "There is no such note.");
    else
        tw_request_answer(request, 200, "text/plain; charset=utf-8", tw_retain(note->text));
    return tw_none();
}

static tw_value say_done(void *arg)
{
    (void)arg;
    return tw_string("done\n");
}

static tw_value serve_later(tw_request *request, void *arg)
{
    (void)arg;
    tw_request_set_header(request, "Content-Type", "text/plain");
    return tw_wait(tw_defer_later(NULL, 0.05, say_done, NULL));
}

static void log_request(tw_request *request, void *arg)
{
    (void)arg;
    printf("%s %s %d\n", tw_request_method(request), tw_request_target(request),
           tw_request_answer_status(request));
}

int main(int argc, char **argv)
{
    struct tw_site_options limits = { .max_body = 10000,
                                      .max_connections = 1000,
                                      .on_finished = log_request };
    struct tw_listen_options where = { .port = argc > 2 ? (unsigned)atoi(argv[2]) : 0 };
    tw_value failure = tw_none();
    tw_listener *listener;
    tw_site *site;

    if (argc < 2) {
        fprintf(stderr, "usage: notes DIR [PORT]\n");
        return 2;
    }
    site = tw_site_new(&limits);
    tw_site_handle(site, "/notes/", serve_note, NULL, NULL);
    tw_site_handle(site, "/later", serve_later, NULL, NULL);
    if (tw_site_files(site, "/", argv[1]) < 0 ||
        tw_site_listen(site, &where, &listener, &failure) < 0) {
        fprintf(stderr, "notes: %s: cannot be served\n", argv[1]);
        tw_release(failure);
        tw_site_unref(site);
        return 1;
    }
    tw_site_unref(site); /* the listener's from here on */
    printf("listening at http://127.0.0.1:%u/\n", tw_listener_port(listener));
    fflush(stdout);
    tw_reactor_run();
    tw_listener_close(listener);
    for (int i = 0; i < NOTES; i++) {
        free(notes[i].name);
        tw_release(notes[i].text);
    }
    return 0;
}
