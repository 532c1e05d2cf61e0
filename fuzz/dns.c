/* SPDX-License-Identifier: MIT */
/*
 * dns.c - any datagram as a DNS message: what passes is whole, and its name is one.
 */
#include "config.h"

#include <string.h>

#include "fuzz/target.h"
#include "net/dns/dns_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct twi_dns_verdict verdict;

    if (twi_dns_message_check(data, size, &verdict)) {
        FUZZ_ASSERT(size >= 12);
        FUZZ_ASSERT(strlen(verdict.name) < TWI_NAME_SIZE);
        FUZZ_ASSERT(verdict.code < 16);
    }
    return 0;
}
