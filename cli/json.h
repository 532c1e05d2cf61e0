/* SPDX-License-Identifier: MIT */
/*
 * json.h - writing JSON. Commas are added automatically.
 */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include "cli/cli.h"

void cli_json_open(struct cli_text *json, char bracket); /* '{' or '[' */
void cli_json_close(struct cli_text *json, char bracket);
void cli_json_key(struct cli_text *json, const char *key);
/* Bytes that are no UTF-8 are written as the characters of Latin-1. */
void cli_json_bytes(struct cli_text *json, const char *data, size_t length);
void cli_json_string(struct cli_text *json, const char *string); /* NULL is null */
void cli_json_integer(struct cli_text *json, int64_t integer);
void cli_json_seconds(struct cli_text *json, double seconds);
void cli_json_base64(struct cli_text *json, const char *data, size_t length);
/* A key and its value at once. */
void cli_json_member(struct cli_text *json, const char *key, const char *string);
void cli_json_end_line(struct cli_text *json);

#endif
