/* SPDX-License-Identifier: MIT */
/*
 * replay.c - run a fuzzing target over its corpus, once, as a test; or over the files named.
 */
#include "config.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "fuzz/target.h"

static int replay(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = NULL, *exact;
    size_t size = 0, room = 0, got;

    if (file == NULL) {
        perror(path);
        return 1;
    }
    do {
        if (size == room) {
            room = room == 0 ? 4096 : room * 2;
            data = realloc(data, room);
            if (data == NULL)
                abort();
        }
        got = fread(data + size, 1, room - size, file);
        size += got;
    } while (got > 0);
    fclose(file);
    /* A block of exactly its size, so that a sanitizer sees what reads beyond. */
    exact = malloc(size == 0 ? 1 : size);
    if (exact == NULL)
        abort();
    for (size_t i = 0; i < size; i++)
        exact[i] = data[i];
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    free(data);
    return 0;
}

static int replay_corpus(const char *directory)
{
    DIR *corpus = opendir(directory);
    struct dirent *entry;
    char path[4096];
    int failed = 0, count = 0;

    if (corpus == NULL) {
        perror(directory);
        return 1;
    }
    while ((entry = readdir(corpus)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        failed |= replay(path);
        count++;
    }
    closedir(corpus);
    printf("%s: %d inputs\n", directory, count);
    return failed || count == 0;
}

int main(int argc, char **argv)
{
    const char *srcdir = getenv("srcdir");
    const char *name = strrchr(argv[0], '/');
    char directory[2048];
    int failed = 0;

    if (argc > 1) {
        for (int i = 1; i < argc; i++)
            failed |= replay(argv[i]);
        return failed;
    }
    name = name == NULL ? argv[0] : name + 1;
    name += strncmp(name, "replay_", 7) == 0 ? 7 : 0;
    snprintf(directory, sizeof directory, "%s/fuzz/corpus/%s", srcdir == NULL ? "." : srcdir,
             name);
    return replay_corpus(directory);
}
