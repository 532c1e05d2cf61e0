/*
 * wheel.c - a hierarchical timer wheel with exact order.
 *
 * Time is cut into ticks of 2^20 ns (about a millisecond). A tick's eight-bit digits choose the
 * slot: a timer lies at the level of the highest digit in which its tick differs from the wheel's.
 * Where a tick lies thus depends on nothing but itself and the wheel's, so equal times are always
 * in one list, in the order in which they were added, also after they were moved down a level.
 * A slot's timers are sorted when its tick comes; within the current tick only those that are due
 * to the nanosecond are taken. A bitmap for each level finds the next slot in use.
 */
#include "config.h"

#include <errno.h>
#include <stdbool.h>

#include "base/alloc.h"
#include "reactor/wheel.h"

enum {
    TICK_SHIFT = 20,
    CHUNK_SHIFT = 8,
    CHUNK = 1 << CHUNK_SHIFT, /* timers allocated together */
    LINE = 64,                /* of the cache */
};
#define MAX_TIMERS (UINT32_C(1) << TWI_WHEEL_INDEX_BITS)
#define MAX_GENERATION ((UINT32_C(1) << TWI_WHEEL_GENERATION_BITS) - 1)

static struct twi_timer *timer_of(struct twi_list *node)
{
    return TWI_CONTAINER(node, struct twi_timer, node);
}

/* --- the table of timers --------------------------------------------------------------------- */

void twi_wheel_init(struct twi_wheel *wheel, uint32_t id, uint32_t first_generation)
{
    wheel->bound = INT64_MAX;
    wheel->id = id;
    wheel->first_generation = first_generation;
    twi_list_init(&wheel->due);
}

static struct twi_timer *timer_at(const struct twi_wheel *wheel, uint32_t index)
{
    return &wheel->chunks[index >> CHUNK_SHIFT][index & (CHUNK - 1)];
}

uint32_t twi_wheel_generation(const struct twi_wheel *wheel)
{
    uint32_t largest = wheel->first_generation;

    for (uint32_t i = 0; i < wheel->used; i++) {
        if (timer_at(wheel, i)->generation > largest)
            largest = timer_at(wheel, i)->generation;
    }
    return largest;
}

/* Chunks begin at a cache line; what was really allocated is noted in front. */
static int add_chunk(struct twi_wheel *wheel)
{
    uintptr_t raw, aligned;
    int r;

    if (wheel->used >= MAX_TIMERS)
        return -ENOMEM;
    r = twi_grow(&wheel->chunks, &wheel->chunk_capacity, wheel->chunk_count + 1,
                 sizeof *wheel->chunks);
    if (r < 0)
        return r;
    raw = (uintptr_t)twi_malloc(CHUNK * sizeof(struct twi_timer) + LINE);
    if (raw == 0)
        return -ENOMEM;
    aligned = (raw + LINE) & ~(uintptr_t)(LINE - 1);
    ((uintptr_t *)aligned)[-1] = raw;
    wheel->chunks[wheel->chunk_count++] = (struct twi_timer *)aligned;
    return 0;
}

void twi_wheel_free(struct twi_wheel *wheel)
{
    while (wheel->chunk_count > 0)
        twi_free((void *)((uintptr_t *)wheel->chunks[--wheel->chunk_count])[-1]);
    twi_free(wheel->chunks);
    wheel->chunks = NULL;
}

static struct twi_timer *new_place(struct twi_wheel *wheel)
{
    struct twi_timer *timer;

    if (wheel->used == wheel->chunk_count * CHUNK && add_chunk(wheel) < 0)
        return NULL;
    timer = timer_at(wheel, wheel->used);
    timer->index = wheel->used++;
    timer->generation = wheel->first_generation;
    return timer;
}

static struct twi_timer *take_place(struct twi_wheel *wheel)
{
    struct twi_timer *timer = wheel->free;

    if (__builtin_expect(timer != NULL, 1))
        wheel->free = (struct twi_timer *)timer->node.next;
    else if ((timer = new_place(wheel)) == NULL)
        return NULL;
    timer->generation++;
    timer->state = TWI_TIMER_PENDING;
    return timer;
}

/* A place whose generations are used up is not used again: numbers never come twice. */
static void give_place(struct twi_wheel *wheel, struct twi_timer *timer)
{
    if (timer->generation >= MAX_GENERATION)
        return;
    timer->node.next = (struct twi_list *)wheel->free;
    wheel->free = timer;
}

int64_t twi_wheel_number(const struct twi_wheel *wheel, const struct twi_timer *timer)
{
    return (int64_t)wheel->id << (TWI_WHEEL_INDEX_BITS + TWI_WHEEL_GENERATION_BITS) |
           (int64_t)timer->index << TWI_WHEEL_GENERATION_BITS | timer->generation;
}

int twi_wheel_find(const struct twi_wheel *wheel, int64_t number, struct twi_timer **ret_timer)
{
    uint32_t index = (uint32_t)(number >> TWI_WHEEL_GENERATION_BITS) & (MAX_TIMERS - 1);
    struct twi_timer *timer;

    if (number >> (TWI_WHEEL_INDEX_BITS + TWI_WHEEL_GENERATION_BITS) != wheel->id ||
        index >= wheel->used)
        return -ENOENT;
    timer = timer_at(wheel, index);
    if (timer->generation != (number & MAX_GENERATION))
        return -ENOENT;
    if (timer->state == TWI_TIMER_PENDING) {
        *ret_timer = timer;
        return 0;
    }
    return timer->state == TWI_TIMER_CALLED ? -EALREADY : -ECANCELED;
}

/* --- slots ------------------------------------------------------------------------------------- */

static void append(struct twi_wheel *wheel, int level, unsigned index, struct twi_timer *timer)
{
    struct twi_list *slot = &wheel->slots[level][index];
    uint64_t bit = UINT64_C(1) << (index & 63);
    uint64_t *word = &wheel->occupied[level][index >> 6];

    if ((*word & bit) == 0) {
        *word |= bit;
        twi_list_init(slot);
    }
    twi_list_append(slot, &timer->node);
}

static void insert(struct twi_wheel *wheel, struct twi_timer *timer)
{
    uint64_t tick = timer->due < 0 ? 0 : (uint64_t)timer->due >> TICK_SHIFT;
    uint64_t differs;
    int level;

    if (tick < wheel->tick)
        tick = wheel->tick;
    differs = tick ^ wheel->tick;
    level = differs == 0 ? 0 : (63 - __builtin_clzll(differs)) >> 3;
    append(wheel, level, (tick >> (8 * level)) & 255, timer);
}

/* The only node of a list: its neighbours are both the head, and a head in `slots` says which. */
static void unlink_timer(struct twi_wheel *wheel, struct twi_timer *timer)
{
    struct twi_list *next = timer->node.next, *prev = timer->node.prev;

    prev->next = next;
    next->prev = prev;
    if (next == prev && next != &wheel->due) {
        size_t slot = (size_t)(next - &wheel->slots[0][0]);
        wheel->occupied[slot >> 8][(slot & 255) >> 6] &= ~(UINT64_C(1) << (slot & 63));
    }
}

/* The first slot in use at that level, or -1. */
static int first_slot(const struct twi_wheel *wheel, int level)
{
    for (int i = 0; i < TWI_WHEEL_SLOTS / 64; i++) {
        if (wheel->occupied[level][i] != 0)
            return i * 64 + __builtin_ctzll(wheel->occupied[level][i]);
    }
    return -1;
}

/* Where the next timers are: what lies at a lower level always comes first. */
static bool next_slot(const struct twi_wheel *wheel, int *ret_level, int *ret_slot,
                      uint64_t *ret_tick)
{
    for (int level = 0; level < TWI_WHEEL_LEVELS; level++) {
        int slot = first_slot(wheel, level);
        if (slot >= 0) {
            uint64_t above = wheel->tick >> (8 * level) >> 8;
            *ret_level = level;
            *ret_slot = slot;
            *ret_tick = (above << 8 | (uint64_t)slot) << (8 * level);
            return true;
        }
    }
    return false;
}

/* Move all of a slot to the end of `to`. */
static void empty_slot(struct twi_wheel *wheel, int level, int slot, struct twi_list *to)
{
    wheel->occupied[level][slot >> 6] &= ~(UINT64_C(1) << (slot & 63));
    twi_list_splice(to, &wheel->slots[level][slot]);
}

static void cascade(struct twi_wheel *wheel, int level, int slot)
{
    struct twi_list timers = TWI_LIST_INIT(timers);

    empty_slot(wheel, level, slot, &timers);
    TWI_LIST_EACH (node, &timers)
        insert(wheel, timer_of(node));
}

/* --- order ------------------------------------------------------------------------------------- */

/* Merge two chains that end in NULL; of equals, those of `left` come first. */
static struct twi_list *merge(struct twi_list *left, struct twi_list *right)
{
    struct twi_list head, *last = &head;

    while (left != NULL && right != NULL) {
        struct twi_list **from = timer_of(right)->due < timer_of(left)->due ? &right : &left;
        last = last->next = *from;
        *from = (*from)->next;
    }
    last->next = left != NULL ? left : right;
    return head.next;
}

/* Stable, in place: bin i holds a sorted chain of 2^i nodes or nothing, as in binary counting. */
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
    int64_t last = INT64_MIN;

    for (struct twi_list *node = timers->next; node != timers; node = node->next) {
        if (timer_of(node)->due < last)
            return false;
        last = timer_of(node)->due;
    }
    return true;
}

static void sort(struct twi_list *timers)
{
    struct twi_list *chain;

    if (is_sorted(timers))
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

/* --- time ---------------------------------------------------------------------------------------- */

/* Take those of the current tick that are due by now. */
static void collect_part(struct twi_wheel *wheel, int slot, int64_t now, struct twi_list *to)
{
    struct twi_list *timers = &wheel->slots[0][slot];

    TWI_LIST_EACH (node, timers) {
        if (timer_of(node)->due <= now) {
            twi_list_remove(node);
            twi_list_append(to, node);
        }
    }
    if (twi_list_empty(timers))
        wheel->occupied[0][slot >> 6] &= ~(UINT64_C(1) << (slot & 63));
}

/* Exact when the next timers are within reach, else the time when to look again. */
static int64_t find_bound(const struct twi_wheel *wheel)
{
    int64_t bound = INT64_MAX;
    uint64_t tick;
    int level, slot;

    if (!next_slot(wheel, &level, &slot, &tick))
        return INT64_MAX;
    if (level > 0)
        return (int64_t)(tick << TICK_SHIFT);
    for (const struct twi_list *node = wheel->slots[0][slot].next;
         node != &wheel->slots[0][slot]; node = node->next) {
        if (timer_of((struct twi_list *)node)->due < bound)
            bound = timer_of((struct twi_list *)node)->due;
    }
    return bound;
}

void twi_wheel_collect(struct twi_wheel *wheel, int64_t now)
{
    uint64_t now_tick = now < 0 ? 0 : (uint64_t)now >> TICK_SHIFT, tick;
    int level, slot;

    if (now < wheel->bound)
        return;
    while (next_slot(wheel, &level, &slot, &tick) && tick <= now_tick) {
        struct twi_list timers = TWI_LIST_INIT(timers);

        if (tick > wheel->tick)
            wheel->tick = tick;
        if (level > 0) {
            cascade(wheel, level, slot);
            continue;
        }
        if (tick < now_tick)
            empty_slot(wheel, 0, slot, &timers);
        else
            collect_part(wheel, slot, now, &timers);
        sort(&timers);
        twi_list_splice(&wheel->due, &timers);
        if (tick == now_tick)
            break;
    }
    if (now_tick > wheel->tick)
        wheel->tick = now_tick;
    wheel->bound = find_bound(wheel);
}

/* --- timers --------------------------------------------------------------------------------------- */

struct twi_timer *twi_wheel_add(struct twi_wheel *wheel, int64_t due)
{
    struct twi_timer *timer = take_place(wheel);

    if (timer == NULL)
        return NULL;
    timer->due = due;
    insert(wheel, timer);
    wheel->pending++;
    if (due < wheel->bound)
        wheel->bound = due;
    return timer;
}

void twi_wheel_move(struct twi_wheel *wheel, struct twi_timer *timer, int64_t due)
{
    unlink_timer(wheel, timer);
    timer->due = due;
    insert(wheel, timer);
    if (due < wheel->bound)
        wheel->bound = due;
}

void twi_wheel_remove(struct twi_wheel *wheel, struct twi_timer *timer,
                      enum twi_timer_state state)
{
    unlink_timer(wheel, timer);
    timer->state = state;
    wheel->pending--;
    if (wheel->pending == 0)
        wheel->bound = INT64_MAX;
    give_place(wheel, timer);
}

struct twi_timer *twi_wheel_any(struct twi_wheel *wheel)
{
    uint64_t tick;
    int level, slot;

    if (!twi_list_empty(&wheel->due))
        return timer_of(wheel->due.next);
    if (!next_slot(wheel, &level, &slot, &tick))
        return NULL;
    return timer_of(wheel->slots[level][slot].next);
}
