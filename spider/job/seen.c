/* SPDX-License-Identifier: MIT */
/*
 * seen.c - a set of hashes in 256 open tables.
 *
 * The top byte of a key tells its table, the next 32 bits its home there, so a table is nearly in
 * the order of its keys. Probing is linear, and of two keys that want one place the one further
 * from home has it (Robin Hood): so a key that is not there is known after about as many steps as
 * one that is, at 88 % full too. 0 marks a free place; the key 0 has a flag of its own.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "spider/job/seen.h"

enum {
    SHARDS = 256,
    SHARD_FIRST = 16, /* places of a table's first size */
    SEEN_CHUNK = 1024 /* keys of a snapshot read or written at once */
};
static const unsigned char seen_magic[8] = { 't', 'w', 's', 'e', 'e', 'n', '0', '1' };

struct seen_shard {
    uint64_t *places;
    size_t size, count;
};

struct twi_seen {
    struct seen_shard shards[SHARDS];
    uint64_t count;
    size_t size; /* places of all */
    bool has_zero;
};

/* --- one table ----------------------------------------------------------------------------- */

static inline size_t shard_home(const struct seen_shard *shard, uint64_t key)
{
    return (size_t)((key >> 24 & UINT32_MAX) * shard->size >> 32);
}

/* How far the key at `place` is from home. */
static inline size_t shard_distance(const struct seen_shard *shard, size_t place)
{
    size_t home = shard_home(shard, shard->places[place]);

    return place >= home ? place - home : place + shard->size - home;
}

static inline size_t shard_after(const struct seen_shard *shard, size_t place)
{
    return place + 1 < shard->size ? place + 1 : 0;
}

/* True if `key` is there; else *ret_place is where it belongs. The table is not full. */
static bool shard_find(const struct seen_shard *shard, uint64_t key, size_t *ret_place)
{
    size_t place = shard_home(shard, key), distance = 0;

    while (shard->places[place] != 0) {
        if (shard->places[place] == key)
            return true;
        if (shard_distance(shard, place) < distance)
            break;
        place = shard_after(shard, place);
        distance++;
    }
    *ret_place = place;
    return false;
}

/* Put `key` where shard_find() says; the keys from there to the next free place move on by one. */
static void shard_put(struct seen_shard *shard, uint64_t key, size_t place)
{
    uint64_t *places = shard->places;
    size_t end = place;

    while (places[end] != 0)
        end = shard_after(shard, end);
    if (end < place) { /* beyond the last place the first one follows */
        memmove(places + 1, places, end * sizeof *places);
        end = shard->size - 1;
        places[0] = places[end];
    }
    memmove(places + place + 1, places + place, (end - place) * sizeof *places);
    places[place] = key;
    shard->count++;
}

/* So many keys keep a table of `size` at most 88 % full, and never full. */
static size_t shard_room(size_t size)
{
    return size - size / 8 - 1;
}

static size_t shard_size_for(uint64_t count)
{
    return (size_t)(count + count / 7 + 3);
}

/* A key out of a smaller table, where all before it came from homes before its own or the same one.
 * *next: the first place behind all that are taken. */
static void shard_append(struct seen_shard *shard, uint64_t key, size_t *next)
{
    size_t home = shard_home(shard, key), place = home > *next ? home : *next;
    bool is_last = *next == 0 || shard_home(shard, shard->places[*next - 1]) <= home;

    if (is_last && place < shard->size) {
        shard->places[place] = key;
        shard->count++;
        *next = place + 1;
        return;
    }
    if (shard_find(shard, key, &place))
        return;
    shard_put(shard, key, place);
    if (*next < shard->size && shard->places[*next] != 0)
        ++*next;
}

/* Keys stand in the order of their homes, but for those at the beginning that the end had no place
 * for. So they go into a larger table one behind the other. */
static void shard_move(const struct seen_shard *from, struct seen_shard *to)
{
    size_t first = 0, next = 0;

    while (first < from->size && from->places[first] != 0 &&
           shard_home(from, from->places[first]) > first)
        first++;
    for (size_t i = first; i < from->size; i++)
        if (from->places[i] != 0)
            shard_append(to, from->places[i], &next);
    for (size_t i = 0; i < first; i++)
        shard_append(to, from->places[i], &next);
}

static int shard_resize(struct twi_seen *seen, struct seen_shard *shard, size_t size)
{
    struct seen_shard grown = { .places = calloc(size, sizeof *grown.places), .size = size };

    if (grown.places == NULL)
        return -ENOMEM;
    shard_move(shard, &grown);
    seen->size += size - shard->size;
    free(shard->places);
    *shard = grown;
    return 0;
}

static int shard_make_room(struct twi_seen *seen, struct seen_shard *shard)
{
    size_t size = shard->size + shard->size / 5;

    if (shard->size > 0 && shard->count < shard_room(shard->size))
        return 0;
    return shard_resize(seen, shard, size < SHARD_FIRST ? SHARD_FIRST : size);
}

/* --- the set ------------------------------------------------------------------------------- */

struct twi_seen *twi_seen_new(void)
{
    return calloc(1, sizeof(struct twi_seen));
}

void twi_seen_free(struct twi_seen *seen)
{
    if (seen == NULL)
        return;
    for (size_t i = 0; i < SHARDS; i++)
        free(seen->shards[i].places);
    free(seen);
}

static int seen_add_zero(struct twi_seen *seen)
{
    if (seen->has_zero)
        return 0;
    seen->has_zero = true;
    seen->count++;
    return 1;
}

int twi_seen_add(struct twi_seen *seen, uint64_t key)
{
    struct seen_shard *shard = &seen->shards[key >> 56];
    size_t place = 0, size = shard->size;

    if (key == 0)
        return seen_add_zero(seen);
    if (size > 0 && shard_find(shard, key, &place))
        return 0;
    if (shard_make_room(seen, shard) < 0)
        return -ENOMEM;
    if (shard->size != size)
        shard_find(shard, key, &place);
    shard_put(shard, key, place);
    seen->count++;
    return 1;
}

bool twi_seen_has(const struct twi_seen *seen, uint64_t key)
{
    const struct seen_shard *shard = &seen->shards[key >> 56];
    size_t place;

    if (key == 0)
        return seen->has_zero;
    return shard->size > 0 && shard_find(shard, key, &place);
}

void twi_seen_prefetch(const struct twi_seen *seen, uint64_t key)
{
    const struct seen_shard *shard = &seen->shards[key >> 56];

    if (shard->size > 0)
        __builtin_prefetch(&shard->places[shard_home(shard, key)]);
}

/* The tables differ by chance: one in a thousand million is six deviations over the mean. */
static uint64_t shard_share(uint64_t count)
{
    uint64_t mean = count / SHARDS + 1, deviation = 1;

    while (deviation * deviation < mean)
        deviation++;
    return mean + 6 * deviation;
}

int twi_seen_reserve(struct twi_seen *seen, uint64_t count)
{
    size_t size;

    if (count / SHARDS > UINT32_MAX / 2) /* homes have 32 bits */
        return -ENOMEM;
    size = shard_size_for(shard_share(count));
    for (size_t i = 0; i < SHARDS; i++)
        if (size > seen->shards[i].size && shard_resize(seen, &seen->shards[i], size) < 0)
            return -ENOMEM;
    return 0;
}

uint64_t twi_seen_count(const struct twi_seen *seen)
{
    return seen->count;
}

size_t twi_seen_bytes(const struct twi_seen *seen)
{
    return sizeof *seen + seen->size * sizeof(uint64_t);
}

/* --- snapshot ------------------------------------------------------------------------------
 * The magic; whether 0 is in the set; for each table the number of its keys, then these. Numbers of
 * 8 bytes, little-endian. The number comes first since keys in the order of their places must not
 * go into a smaller table: they would all want its beginning. */

struct seen_writer {
    unsigned char bytes[SEEN_CHUNK * 8];
    size_t length;
    int (*write)(const void *data, size_t length, void *arg);
    void *arg;
};

static int seen_writer_flush(struct seen_writer *writer)
{
    size_t length = writer->length;

    writer->length = 0;
    return length > 0 ? writer->write(writer->bytes, length, writer->arg) : 0;
}

static int seen_write_number(struct seen_writer *writer, uint64_t number)
{
    for (int i = 0; i < 8; i++)
        writer->bytes[writer->length++] = (unsigned char)(number >> (8 * i));
    return writer->length == sizeof writer->bytes ? seen_writer_flush(writer) : 0;
}

static int seen_write_shard(struct seen_writer *writer, const struct seen_shard *shard)
{
    int r = seen_write_number(writer, shard->count);

    for (size_t i = 0; i < shard->size && r == 0; i++)
        if (shard->places[i] != 0)
            r = seen_write_number(writer, shard->places[i]);
    return r;
}

int twi_seen_write(const struct twi_seen *seen,
                   int (*write)(const void *data, size_t length, void *arg), void *arg)
{
    struct seen_writer writer = { .write = write, .arg = arg };
    int r = write(seen_magic, sizeof seen_magic, arg);

    if (r == 0)
        r = seen_write_number(&writer, seen->has_zero);
    for (size_t i = 0; i < SHARDS && r == 0; i++)
        r = seen_write_shard(&writer, &seen->shards[i]);
    return r == 0 ? seen_writer_flush(&writer) : r;
}

struct seen_reader {
    unsigned char bytes[SEEN_CHUNK * 8];
    uint64_t *keys; /* of one table */
    size_t room;
    int (*read)(void *data, size_t length, void *arg);
    void *arg;
};

static uint64_t seen_number(const unsigned char *bytes)
{
    uint64_t number = 0;

    for (int i = 7; i >= 0; i--)
        number = number << 8 | bytes[i];
    return number;
}

static int seen_read_number(struct seen_reader *reader, uint64_t *ret_number)
{
    int r = reader->read(reader->bytes, 8, reader->arg);

    if (r == 0)
        *ret_number = seen_number(reader->bytes);
    return r;
}

static int seen_make_room(struct seen_reader *reader, size_t count)
{
    size_t room = reader->room * 2 > count ? reader->room * 2 : count;
    uint64_t *keys;

    if (count <= reader->room)
        return 0;
    if ((keys = realloc(reader->keys, room * sizeof *keys)) == NULL)
        return -ENOMEM;
    reader->keys = keys;
    reader->room = room;
    return 0;
}

/* Memory is taken as keys come, not as many as the snapshot says. */
static int seen_read_keys(struct seen_reader *reader, uint64_t count)
{
    for (size_t at = 0; at < count;) {
        size_t part = count - at < SEEN_CHUNK ? (size_t)count - at : SEEN_CHUNK;
        int r = reader->read(reader->bytes, part * 8, reader->arg);
        if (r < 0 || (r = seen_make_room(reader, at + part)) < 0)
            return r;
        for (size_t i = 0; i < part; i++)
            reader->keys[at++] = seen_number(reader->bytes + 8 * i);
    }
    return 0;
}

/* A key of another table, or one twice, is none that was written. */
static int seen_add_read(struct twi_seen *seen, uint64_t shard, uint64_t key)
{
    int r = key != 0 && key >> 56 == shard ? twi_seen_add(seen, key) : 0;

    return r == 0 ? -EBADMSG : r < 0 ? r : 0;
}

static int seen_read_shard(struct twi_seen *seen, uint64_t shard, struct seen_reader *reader)
{
    uint64_t count;
    int r = seen_read_number(reader, &count);

    if (r == 0 && count > UINT32_MAX)
        r = -EBADMSG;
    if (r == 0)
        r = seen_read_keys(reader, count);
    if (r == 0 && count > 0)
        r = shard_resize(seen, &seen->shards[shard], shard_size_for(count));
    for (size_t i = 0; i < count && r == 0; i++)
        r = seen_add_read(seen, shard, reader->keys[i]);
    return r;
}

int twi_seen_read(struct twi_seen *seen, int (*read)(void *data, size_t length, void *arg),
                  void *arg)
{
    struct seen_reader reader = { .read = read, .arg = arg };
    uint64_t zero = 0;
    int r = read(reader.bytes, sizeof seen_magic, arg);

    if (r == 0 && memcmp(reader.bytes, seen_magic, sizeof seen_magic) != 0)
        r = -EBADMSG;
    if (r == 0)
        r = seen_read_number(&reader, &zero);
    if (r == 0 && zero > 1)
        r = -EBADMSG;
    if (r == 0 && zero == 1)
        seen_add_zero(seen);
    for (uint64_t i = 0; i < SHARDS && r == 0; i++)
        r = seen_read_shard(seen, i, &reader);
    free(reader.keys);
    return r;
}
