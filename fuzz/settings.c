/* SPDX-License-Identifier: MIT */
/*
 * settings.c - any bytes as a tweed.conf, and as the value of each setting: a value that is taken
 * is one that can be, and reads back as the same.
 */
#include "config.h"

#include <string.h>

#include "fuzz/target.h"
#include "spider/crawl/settings.h"

static void check_value(const struct twi_setting *setting, struct twi_setting_value value,
                        struct twi_arena *arena)
{
    struct twi_text text = { .arena = arena };
    struct twi_setting_value again;

    twi_setting_write(setting, value, &text);
    FUZZ_ASSERT(!arena->failed);
    if (setting->kind == TWI_SETTING_SECRET)
        return;
    if (setting->kind >= TWI_SETTING_TEXT && value.text != NULL && value.text[0] != 0) {
        FUZZ_ASSERT(strcmp(twi_text_string(&text), value.text) == 0);
        return;
    }
    FUZZ_ASSERT(twi_setting_read(setting, twi_text_string(&text), &again) == 0);
    FUZZ_ASSERT(again.number == value.number);
}

static void read_as_values(const char *text)
{
    struct twi_arena arena;
    struct twi_setting_value value;

    twi_arena_init(&arena, 0);
    for (size_t i = 0; i < twi_settings_count; i++)
        if (twi_setting_read(&twi_settings_table[i], text, &value) == 0)
            check_value(&twi_settings_table[i], value, &arena);
    twi_arena_free(&arena);
}

static void read_as_file(const char *data, size_t size)
{
    struct twi_settings settings;
    tw_value failure = tw_none();
    int r;

    twi_settings_init(&settings);
    r = twi_settings_read_text(&settings, "f", data, size, &failure);
    FUZZ_ASSERT((r < 0) == tw_failure_is(failure, &tw_error_settings));
    tw_release(failure);
    for (size_t i = 0; i < twi_settings_count; i++)
        check_value(&twi_settings_table[i],
                    twi_setting_load(&twi_settings_table[i], &settings.values),
                    &settings.arena);
    twi_settings_manner(&settings, "a.example.com");
    twi_settings_free(&settings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    if (text == NULL)
        return 0;
    memcpy(text, data, size);
    text[size] = 0;
    read_as_values(text);
    read_as_file((const char *)data, size);
    free(text);
    return 0;
}
