/* SPDX-License-Identifier: MIT */
/*
 * value.h - what travels along a chain of callbacks: two words, passed by value.
 *
 * A value is a type and a pointer, an integer or a double. Built in: none, integer, double,
 * bytes, list, failure, deferred, box and pointer; define a tw_type for your own.
 *
 * The rule of ownership is carried by the value itself: it is either owned or lent.
 *   - Constructors and tw_retain() give owned values; callback arguments and getters lend.
 *   - Everything that takes a value (a callback's return, firing, appending to a list) keeps an
 *     owned one and retains a lent one, so handing over either is right. Given is given, also when
 *     the call fails.
 *   - To keep a lent value, store tw_retain(value). Release an owned one that you give to nobody.
 *   - Releasing a lent value does nothing.
 * Reference counts are not atomic: a value belongs to one thread, and may go to another only as
 * its only reference. Accessors given a wrong type return 0, "" or none.
 */
#ifndef TWEED_VALUE_H
#define TWEED_VALUE_H

#include <tweed/api.h>

TW_BEGIN

/* A type of counted values. Everything but the name may be NULL. Static storage, aligned to 2. */
typedef struct tw_type {
    const char *name;
    void (*retain)(void *object);
    void (*release)(void *object);
    /* Write a short description, as snprintf() would. */
    int (*format)(void *object, char *text, size_t size);
} tw_type;

/* Read `type` with tw_typeof() only: its lowest bit says "owned". All bits zero is none. */
typedef struct tw_value {
    uintptr_t type;
    union {
        void *pointer;
        int64_t integer;
        double real;
    } as;
} tw_value;

TW_API extern const tw_type tw_type_none, tw_type_integer, tw_type_double, tw_type_bytes,
    tw_type_list, tw_type_failure, tw_type_deferred, tw_type_box, tw_type_pointer;

static inline const tw_type *tw_typeof(tw_value value)
{
    uintptr_t type = value.type & ~(uintptr_t)1;
    return type == 0 ? &tw_type_none : (const tw_type *)type;
}

static inline bool tw_is(tw_value value, const tw_type *type)
{
    return tw_typeof(value) == type;
}

static inline bool tw_is_none(tw_value value)
{
    return (value.type & ~(uintptr_t)1) == 0;
}

static inline bool tw_is_failure(tw_value value)
{
    return (value.type & ~(uintptr_t)1) == (uintptr_t)&tw_type_failure;
}

static inline bool tw_is_owned(tw_value value)
{
    return (value.type & 1) != 0;
}

/* An owned value of a user's type that takes over one reference of `object`. */
static inline tw_value tw_value_of(const tw_type *type, void *object)
{
    tw_value value;
    value.type = (uintptr_t)type | 1;
    value.as.pointer = object;
    return value;
}

/* The object of a value of this type; NULL when the value is of another type. */
static inline void *tw_value_object(tw_value value, const tw_type *type)
{
    return tw_is(value, type) ? value.as.pointer : NULL;
}

/* The same value without its ownership, for lending on. */
static inline tw_value tw_lend(tw_value value)
{
    value.type &= ~(uintptr_t)1;
    return value;
}

/* An owned value for one that may be lent: the same if it is owned already, else retained. */
static inline TW_MUST_USE tw_value tw_take(tw_value value)
{
    const tw_type *type = (const tw_type *)value.type;
    if ((value.type & 1) == 0 && type != NULL) {
        if (type->retain != NULL)
            type->retain(value.as.pointer);
        value.type |= 1;
    }
    return value;
}

/* One more reference, owned, whether the argument is owned or lent. */
static inline TW_MUST_USE tw_value tw_retain(tw_value value)
{
    return tw_take(tw_lend(value));
}

/* Let an owned value go; a lent one is left alone. */
static inline void tw_release(tw_value value)
{
    const tw_type *type;
    if ((value.type & 1) == 0)
        return;
    type = tw_typeof(value);
    if (type->release != NULL)
        type->release(value.as.pointer);
}

/* Release *value and set it to none. A lent value is released only if the running coroutine got
 * it from tw_await(). */
TW_API void tw_drop(tw_value *value);

/* Describe a value in at most `size` bytes, terminated; returns what snprintf() would. */
TW_API int tw_value_format(tw_value value, char *text, size_t size);

/* --- none, numbers, pointers --------------------------------------------------------- */

static inline tw_value tw_none(void)
{
    tw_value none;
    none.type = 0;
    none.as.integer = 0;
    return none;
}

static inline tw_value tw_integer(int64_t integer)
{
    tw_value value;
    value.type = (uintptr_t)&tw_type_integer;
    value.as.integer = integer;
    return value;
}

static inline tw_value tw_double(double real)
{
    tw_value value;
    value.type = (uintptr_t)&tw_type_double;
    value.as.real = real;
    return value;
}

/* A pointer that the value neither counts nor frees. */
static inline tw_value tw_pointer(void *pointer)
{
    tw_value value;
    value.type = (uintptr_t)&tw_type_pointer;
    value.as.pointer = pointer;
    return value;
}

/* The number in an integer or a double (truncated, saturated); 0 for other types. */
TW_API int64_t tw_integer_of(tw_value value);
/* The number in a double or an integer; 0 for other types. */
TW_API double tw_double_of(tw_value value);
/* The pointer in a pointer or a box; NULL for other types. */
TW_API void *tw_pointer_of(tw_value value);

/* --- box: a counted pointer with a release -------------------------------------------- */

/* A counted holder of `pointer`; `release` (may be NULL) is called with it once, at the last
 * reference. Without memory releases the pointer and returns the failure tw_error_memory. */
TW_API TW_MUST_USE tw_value tw_box(void *pointer, tw_release_fn *release);

/* --- bytes: counted, immutable, followed by a NUL that is not counted ------------------- */

/* A copy of `length` bytes; tw_error_memory as a failure when there is none. */
TW_API TW_MUST_USE tw_value tw_bytes(const void *data, size_t length);
/* A copy of a string. NULL is "". */
TW_API TW_MUST_USE tw_value tw_string(const char *text);
/* printf into bytes. */
TW_API TW_MUST_USE tw_value tw_bytes_format(const char *format, ...) TW_PRINTF(1, 2);
/* Bytes of the given length for the caller to fill, at *ret_data, before anybody else sees
 * them. A failure when there is no memory (*ret_data is NULL then). */
TW_API TW_MUST_USE tw_value tw_bytes_new(size_t length, char **ret_data);
/* The bytes, NUL-terminated; "" for other types. Valid while the value is. */
TW_API const char *tw_bytes_data(tw_value bytes);
TW_API size_t tw_bytes_length(tw_value bytes);

/* --- list: a counted, growing array of values ------------------------------------------- */

/* An empty list with room for `capacity` items; a failure when there is no memory. */
TW_API TW_MUST_USE tw_value tw_list(size_t capacity);
/* Append; takes `item`. Returns 0, -ENOMEM, -EINVAL (not a list). */
TW_API int tw_list_append(tw_value list, tw_value item);
/* Replace; takes `item`. Returns 0, -ERANGE, -EINVAL. */
TW_API int tw_list_set(tw_value list, size_t index, tw_value item);
/* The item, lent; none beyond the end. */
TW_API tw_value tw_list_at(tw_value list, size_t index);
TW_API size_t tw_list_length(tw_value list);

TW_END
#endif
