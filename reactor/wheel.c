/* SPDX-License-Identifier: MIT */
/*
 * wheel.c - a hierarchical timer wheel with exact order.
 *
 * Time is cut into ticks of 2^14 ns. A tick's digits (6 bits the lowest, 8 the others) choose the
 * slot: a timer lies at the level of the highest digit in which its tick differs from the wheel's.
 * Coming down the levels is a radix sort, in steps that suit the caches: a millisecond is spread
 * at a time, and the few timers of one tick, merge-sorted, are called before the next tick is
 * looked at. A bitmap for each level finds the next slot in use. A timer that was put off lies in
 * an earlier slot than its time says and moves on when that slot comes.
 */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#include "base/alloc.h"
#include "reactor/wheel.h"

enum {
    TICK_SHIFT = 14,
    LINE = 64,              /* of the cache */
    PAGE = 4096,
    HUGE_PAGE = 2 << 20,
    AHEAD = 4096,           /* timers */
    EXACT_BOUND_NODES = 32, /* nodes that are looked at for the next time */
};
#define MAX_GENERATION ((UINT32_C(1) << TWI_WHEEL_GENERATION_BITS) - 1)

static struct twi_timer *timer_of(struct twi_list *node)
{
    return TWI_CONTAINER(node, struct twi_timer, node);
}

/* --- the table of timers ----------------------------------------------------------------- */

void twi_wheel_init(struct twi_wheel *wheel, uint32_t id, uint32_t first_generation)
{
    wheel->bound = INT64_MAX;
    wheel->id = id;
    wheel->first_generation = first_generation;
    twi_list_init(&wheel->due);
    twi_list_init(&wheel->later);
}

uint32_t twi_wheel_generation(const struct twi_wheel *wheel)
{
    uint32_t largest = wheel->first_generation;

    for (uint32_t i = 0; i < wheel->used; i++) {
        uint32_t generation = twi_timer_generation(twi_wheel_at(wheel, i));
        if (generation > largest)
            largest = generation;
    }
    return largest;
}

static int grow_words(uint64_t **words, uint32_t before, uint32_t after)
{
    uint64_t *grown = twi_realloc(*words, after * sizeof *grown);

    if (grown == NULL)
        return -ENOMEM;
    memset(grown + before, 0, (after - before) * sizeof *grown);
    *words = grown;
    return 0;
}

/* The number of words for `bits` bits. */
static uint32_t words_for(uint32_t bits)
{
    return (bits + 63) / 64;
}

static int grow_maps(struct twi_wheel *wheel, uint32_t room)
{
    uint32_t before = words_for(wheel->room), after = words_for(room);
    int r = grow_words(&wheel->free_places, before, after);

    if (r < 0)
        return r;
    return grow_words(&wheel->free_words, words_for(before), words_for(after));
}

/* Chunks begin at a cache line, and large ones at a huge page: else their first and last parts, up
 * to two megabytes of each, would be faulted in by small pages. The start of what was really
 * allocated is noted in front. */
static int wheel_add_chunk(struct twi_wheel *wheel)
{
    uint32_t count = wheel->room + (1u << TWI_WHEEL_CHUNK_BITS);
    int chunk = 31 - __builtin_clz(count) - TWI_WHEEL_CHUNK_BITS;
    size_t size = count * sizeof(struct twi_timer);
    size_t alignment = size >= HUGE_PAGE ? HUGE_PAGE : LINE;
    uintptr_t raw, aligned;

    if (chunk >= TWI_WHEEL_CHUNKS || grow_maps(wheel, wheel->room + count) < 0)
        return -ENOMEM;
    raw = (uintptr_t)twi_malloc(size + alignment);
    if (raw == 0)
        return -ENOMEM;
    aligned = (raw + alignment) & ~(uintptr_t)(alignment - 1);
    ((uintptr_t *)aligned)[-1] = raw;
    twi_advise_huge((void *)aligned, size);
    wheel->chunks[chunk] = (struct twi_timer *)aligned;
    wheel->room += count;
    return 0;
}

void twi_wheel_free(struct twi_wheel *wheel)
{
    for (int i = 0; i < TWI_WHEEL_CHUNKS; i++) {
        if (wheel->chunks[i] != NULL)
            twi_free((void *)((uintptr_t *)wheel->chunks[i])[-1]);
        wheel->chunks[i] = NULL;
    }
    twi_free(wheel->free_places);
    twi_free(wheel->free_words);
    wheel->free_places = wheel->free_words = NULL;
}

/* A program that has set that many calls will set more: one system call for the next pages is
 * cheaper than a fault for each. */
static void touch_ahead(const struct twi_wheel *wheel, struct twi_timer *timer)
{
#if TWI_LINUX && defined MADV_POPULATE_WRITE
    uint32_t count = wheel->room - wheel->used < AHEAD ? wheel->room - wheel->used : AHEAD;
    uintptr_t begin = ((uintptr_t)timer + PAGE - 1) & ~(uintptr_t)(PAGE - 1);
    uintptr_t end = (uintptr_t)(timer + count) & ~(uintptr_t)(PAGE - 1);

    if (begin < end)
        madvise((void *)begin, end - begin, MADV_POPULATE_WRITE);
#else
    (void)wheel;
    (void)timer;
#endif
}

static struct twi_timer *new_place(struct twi_wheel *wheel)
{
    struct twi_timer *timer;

    if (wheel->used == wheel->room && wheel_add_chunk(wheel) < 0)
        return NULL;
    timer = twi_wheel_at(wheel, wheel->used);
    if (wheel->used >= 4 * AHEAD && wheel->used % AHEAD == 0)
        touch_ahead(wheel, timer);
    timer->index = wheel->used++;
    twi_timer_use(timer, wheel->first_generation, TWI_TIMER_CANCELLED);
    return timer;
}

static struct twi_timer *lowest_free(struct twi_wheel *wheel)
{
    uint32_t group = wheel->first_free_word, word, bit;

    while (wheel->free_words[group] == 0)
        group++;
    word = group * 64 + (uint32_t)__builtin_ctzll(wheel->free_words[group]);
    bit = (uint32_t)__builtin_ctzll(wheel->free_places[word]);
    wheel->free_places[word] &= wheel->free_places[word] - 1;
    if (wheel->free_places[word] == 0)
        wheel->free_words[group] &= wheel->free_words[group] - 1;
    wheel->first_free_word = group;
    wheel->free_count--;
    return twi_wheel_at(wheel, word * 64 + bit);
}

static struct twi_timer *take_place(struct twi_wheel *wheel)
{
    struct twi_timer *timer = wheel->free_count > 0 ? lowest_free(wheel) : new_place(wheel);

    if (timer == NULL)
        return NULL;
    twi_timer_use(timer, twi_timer_generation(timer) + 1, TWI_TIMER_PENDING);
    return timer;
}

/* A place whose generations are used up is not used again: numbers never come twice. */
static inline void give_place(struct twi_wheel *wheel, uint32_t index, uint32_t generation)
{
    uint32_t word = index / 64, group = word / 64;
    uint64_t before;

    if (generation == MAX_GENERATION)
        return;
    before = wheel->free_places[word];
    wheel->free_places[word] = before | UINT64_C(1) << (index & 63);
    wheel->free_count++;
    if (before != 0)
        return;
    wheel->free_words[group] |= UINT64_C(1) << (word & 63);
    if (group < wheel->first_free_word)
        wheel->first_free_word = group;
}

/* --- slots ------------------------------------------------------------------------------- */

static inline int shift_of(int level)
{
    return level == 0 ? 0 : TWI_WHEEL_BITS_0 + (level - 1) * TWI_WHEEL_BITS;
}

static inline uint32_t slot_of(int level, uint64_t tick)
{
    const uint32_t slots_0 = 1u << TWI_WHEEL_BITS_0, slots = 1u << TWI_WHEEL_BITS;

    if (level == 0)
        return (uint32_t)tick & (slots_0 - 1);
    return slots_0 + (uint32_t)(level - 1) * slots +
           ((uint32_t)(tick >> shift_of(level)) & (slots - 1));
}

static inline void mark_empty(struct twi_wheel *wheel, uint32_t slot)
{
    wheel->occupied[slot >> 6] &= ~(UINT64_C(1) << (slot & 63));
}

static inline void wheel_append(struct twi_wheel *wheel, uint32_t slot,
                                struct twi_timer *timer)
{
    struct twi_list *list = &wheel->slots[slot];
    uint64_t bit = UINT64_C(1) << (slot & 63);

    if ((wheel->occupied[slot >> 6] & bit) == 0) {
        wheel->occupied[slot >> 6] |= bit;
        twi_list_init(list);
    }
    twi_list_append(list, &timer->node);
}

static inline uint64_t tick_of(int64_t time)
{
    return time < 0 ? 0 : (uint64_t)time >> TICK_SHIFT;
}

static void insert(struct twi_wheel *wheel, struct twi_timer *timer)
{
    uint64_t tick = tick_of(timer->due);
    uint64_t differs;
    int level = 0;

    if (tick < wheel->tick)
        tick = wheel->tick;
    differs = (tick ^ wheel->tick) >> TWI_WHEEL_BITS_0;
    if (differs != 0)
        level = 1 + (63 - __builtin_clzll(differs)) / TWI_WHEEL_BITS;
    wheel_append(wheel, slot_of(level, tick), timer);
}

/* A head in `slots` says which. */
static void mark_if_slot(struct twi_wheel *wheel, const struct twi_list *head)
{
    size_t slot = (size_t)(head - wheel->slots);

    if (slot < TWI_WHEEL_SLOTS)
        mark_empty(wheel, (uint32_t)slot);
}

/* The only node of a list: its neighbours are both the head. */
static inline void unlink_timer(struct twi_wheel *wheel, struct twi_timer *timer)
{
    struct twi_list *next = timer->node.next, *prev = timer->node.prev;

    prev->next = next;
    next->prev = prev;
    if (__builtin_expect(next == prev, 0))
        mark_if_slot(wheel, next);
}

/* The first slot in use at that level, or -1. */
static int first_slot(const struct twi_wheel *wheel, int level)
{
    uint32_t word = slot_of(level, 0) >> 6;
    uint32_t end = level == 0 ? 1 : word + (1 << TWI_WHEEL_BITS) / 64;

    for (; word < end; word++) {
        if (wheel->occupied[word] != 0)
            return (int)word * 64 + __builtin_ctzll(wheel->occupied[word]);
    }
    return -1;
}

/* The place of the next timers: lower levels always come first. */
static bool next_slot(const struct twi_wheel *wheel, int *ret_level, uint32_t *ret_slot,
                      uint64_t *ret_tick)
{
    for (int level = 0; level < TWI_WHEEL_LEVELS; level++) {
        int slot = first_slot(wheel, level);
        if (slot >= 0) {
            int above = shift_of(level + 1);
            uint64_t digit = (uint32_t)slot - slot_of(level, 0);
            *ret_level = level;
            *ret_slot = (uint32_t)slot;
            *ret_tick = (wheel->tick >> above << above) | digit << shift_of(level);
            return true;
        }
    }
    return false;
}

/* Timers that are due by `now` and were added before `before` are collected. */
struct collection {
    int64_t now;
    uint64_t before;
};

static inline void wheel_put(struct twi_wheel *wheel, struct twi_timer *timer,
                             const struct collection *collection)
{
    if (collection == NULL || timer->due > collection->now ||
        tick_of(timer->due) > wheel->tick) {
        insert(wheel, timer);
    } else if (timer->order >= collection->before) {
        twi_list_append(&wheel->later, &timer->node);
    } else {
        twi_timer_use(timer, twi_timer_generation(timer), TWI_TIMER_DUE);
        twi_list_append(&wheel->due, &timer->node);
    }
}

/* Put a slot's timers where they belong now. From both ends at once: they are all over memory, and
 * two chains of cache misses take the time of one. */
static inline void spread(struct twi_wheel *wheel, uint32_t slot,
                          const struct collection *collection)
{
    struct twi_list timers = TWI_LIST_INIT(timers), *front, *back;

    mark_empty(wheel, slot);
    twi_list_splice(&timers, &wheel->slots[slot]);
    front = timers.next;
    back = timers.prev;
    while (front != &timers) {
        struct twi_list *next = front->next, *previous = back->prev;
        __builtin_prefetch(next);
        __builtin_prefetch(previous);
        wheel_put(wheel, timer_of(front), collection);
        if (front == back)
            break;
        wheel_put(wheel, timer_of(back), collection);
        if (next == back)
            break;
        front = next;
        back = previous;
    }
}

/* --- order ------------------------------------------------------------------------------- */

static inline bool is_before(const struct twi_timer *a, const struct twi_timer *b)
{
    return a->due < b->due || (a->due == b->due && a->order < b->order);
}

/* Merge two chains that end in NULL. */
static struct twi_list *merge(struct twi_list *left, struct twi_list *right)
{
    struct twi_list head, *last = &head;

    while (left != NULL && right != NULL) {
        struct twi_list **from = is_before(timer_of(right), timer_of(left)) ? &right : &left;
        last = last->next = *from;
        *from = (*from)->next;
    }
    last->next = left != NULL ? left : right;
    return head.next;
}

/* In place: bin i holds a sorted chain of 2^i nodes or nothing, as in binary counting. */
static struct twi_list *sort_chain(struct twi_list *chain)
{
    struct twi_list *bins[32] = { NULL }, *sorted = NULL;

    while (chain != NULL) {
        struct twi_list *carry = chain;
        int i = 0;
        chain = chain->next;
        carry->next = NULL;
        for (; bins[i] != NULL; i++) {
            carry = merge(bins[i], carry);
            bins[i] = NULL;
        }
        bins[i] = carry;
    }
    for (int i = 0; i < 32; i++) {
        if (bins[i] != NULL)
            sorted = merge(bins[i], sorted);
    }
    return sorted;
}

static bool is_sorted(const struct twi_list *timers)
{
    for (struct twi_list *node = timers->next; node->next != timers; node = node->next) {
        if (is_before(timer_of(node->next), timer_of(node)))
            return false;
    }
    return true;
}

static void sort(struct twi_list *timers)
{
    struct twi_list *chain;

    if (twi_list_empty(timers) || is_sorted(timers))
        return;
    timers->prev->next = NULL;
    chain = sort_chain(timers->next);
    twi_list_init(timers);
    while (chain != NULL) {
        struct twi_list *next = chain->next;
        twi_list_append(timers, chain);
        chain = next;
    }
}

/* --- time -------------------------------------------------------------------------------- */

/* Exact unless there are many in the next slot or some were put off: then when to look again. */
static int64_t find_bound(const struct twi_wheel *wheel)
{
    const struct twi_list *head, *node;
    int64_t bound, begin;
    uint64_t tick;
    uint32_t slot;
    int level, count = 0;

    if (!next_slot(wheel, &level, &slot, &tick))
        return INT64_MAX;
    begin = (int64_t)(tick << TICK_SHIFT);
    bound = level == TWI_WHEEL_LEVELS - 1
                ? INT64_MAX
                : (int64_t)((tick + (UINT64_C(1) << shift_of(level))) << TICK_SHIFT);
    head = &wheel->slots[slot];
    for (node = head->next; node != head; node = node->next) {
        const struct twi_timer *timer = timer_of((struct twi_list *)node);
        if (timer->due < bound)
            bound = timer->due;
        if (++count == EXACT_BOUND_NODES)
            return begin < bound ? begin : bound;
    }
    return bound;
}

/* All that is due by now has been collected. */
static void end_collection(struct twi_wheel *wheel, uint64_t now_tick)
{
    if (now_tick > wheel->tick)
        wheel->tick = now_tick;
    TWI_LIST_EACH (node, &wheel->later)
        insert(wheel, timer_of(node));
    twi_list_init(&wheel->later);
    wheel->bound = find_bound(wheel);
}

bool twi_wheel_collect(struct twi_wheel *wheel, int64_t now, uint64_t before)
{
    const struct collection collection = { now, before };
    uint64_t now_tick = tick_of(now), tick;
    uint32_t slot;
    int level;

    if (now < wheel->bound)
        return false;
    while (next_slot(wheel, &level, &slot, &tick) && tick <= now_tick) {
        if (tick > wheel->tick)
            wheel->tick = tick;
        if (level > 0)
            spread(wheel, slot, NULL);
        else
            spread(wheel, slot, &collection);
        if (!twi_list_empty(&wheel->due)) {
            sort(&wheel->due);
            return true;
        }
        if (level == 0 && tick >= now_tick)
            break;
    }
    end_collection(wheel, now_tick);
    return false;
}

/* --- timers ------------------------------------------------------------------------------ */

struct twi_timer *twi_wheel_add(struct twi_wheel *wheel, int64_t due)
{
    struct twi_timer *timer = take_place(wheel);

    if (timer == NULL)
        return NULL;
    timer->due = due;
    timer->order = wheel->next_order++;
    insert(wheel, timer);
    wheel->pending++;
    if (due < wheel->bound)
        wheel->bound = due;
    return timer;
}

void twi_wheel_move_now(struct twi_wheel *wheel, struct twi_timer *timer, int64_t due)
{
    unlink_timer(wheel, timer);
    twi_timer_use(timer, twi_timer_generation(timer), TWI_TIMER_PENDING);
    timer->due = due;
    timer->order = wheel->next_order++;
    insert(wheel, timer);
    if (due < wheel->bound)
        wheel->bound = due;
}

/* Timers are cancelled in any order, so that each is a cache miss for itself and both neighbours.
 * The shorter this is, the more of them the processor has under way at a time. The timer is read
 * before anything is written: see its member `use`. */
void twi_wheel_remove(struct twi_wheel *wheel, struct twi_timer *timer,
                      enum twi_timer_state state)
{
    uint32_t index = timer->index, generation = twi_timer_generation(timer);

    unlink_timer(wheel, timer);
    twi_timer_use(timer, generation, state);
    wheel->pending--;
    if (wheel->pending == 0)
        wheel->bound = INT64_MAX;
    give_place(wheel, index, generation);
}

struct twi_timer *twi_wheel_any(struct twi_wheel *wheel)
{
    uint64_t tick;
    uint32_t slot;
    int level;

    if (!twi_list_empty(&wheel->due))
        return timer_of(wheel->due.next);
    if (!twi_list_empty(&wheel->later))
        return timer_of(wheel->later.next);
    if (!next_slot(wheel, &level, &slot, &tick))
        return NULL;
    return timer_of(wheel->slots[slot].next);
}
