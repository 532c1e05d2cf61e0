/* SPDX-License-Identifier: MIT */
/*
 * feed_read.c - any bytes as CSV and as XML, cut into pieces by the first byte: rows do not
 * depend on the pieces, records are elements.
 */
#include "config.h"

#include <string.h>

#include "fuzz/target.h"
#include "spider/text/feed_read.h"

static bool hash_row(const struct twi_csv_cell *cells, size_t count, void *arg)
{
    uint64_t *hash = arg;

    for (size_t i = 0; i < count; i++) {
        FUZZ_ASSERT(cells[i].text[cells[i].length] == 0);
        for (size_t j = 0; j <= cells[i].length; j++)
            *hash = *hash * 1099511628211U + (unsigned char)cells[i].text[j] + 1;
    }
    *hash = *hash * 1099511628211U + 511;
    return true;
}

static uint64_t read_csv(const char *data, size_t size, size_t piece)
{
    uint64_t hash = 0;
    struct twi_csv_options options = { .most = 1000, .row = hash_row, .arg = &hash };
    struct twi_csv *csv = twi_csv_new(&options);

    FUZZ_ASSERT(csv != NULL);
    for (; size > 0; data += piece, size -= piece) {
        piece = piece < size ? piece : size;
        twi_csv_feed(csv, data, piece);
    }
    hash += (uint64_t)twi_csv_end(csv);
    twi_csv_free(csv);
    return hash;
}

static bool check_record(const char *xml, size_t length, void *arg)
{
    (void)arg;
    FUZZ_ASSERT(length > 3 && xml[0] == '<' && xml[length - 1] == '>' && xml[length] == 0);
    return true;
}

static void read_xml(const char *data, size_t size, size_t piece)
{
    struct twi_xml_options options = { .name = "item", .record = check_record };
    struct twi_xml_records *xml = twi_xml_records_new(&options);

    FUZZ_ASSERT(xml != NULL);
    for (; size > 0; data += piece, size -= piece) {
        piece = piece < size ? piece : size;
        twi_xml_records_feed(xml, data, piece);
    }
    twi_xml_records_end(xml);
    twi_xml_records_free(xml);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data + 1;
    size_t piece;

    if (size < 2)
        return 0;
    piece = data[0] % 16 + 1;
    FUZZ_ASSERT(read_csv(text, size - 1, piece) == read_csv(text, size - 1, size));
    read_xml(text, size - 1, piece);
    return 0;
}
