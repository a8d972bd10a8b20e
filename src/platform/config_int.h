/* config_int.h - what config.c (the walk over the file) and config_row.c (values, boot, sample, print) share. */
#ifndef GIRO_PLATFORM_CONFIG_INT_H
#define GIRO_PLATFORM_CONFIG_INT_H

#include "platform/config.h"

/* Writes value into the row's field. False: wrong type or out of range; the arena being full is *ret_no_memory. */
bool config_row_set(const struct config_row *row, void *options, const struct config_value *value, struct arena *arena,
                    bool *ret_no_memory);
/* Appends what the row takes: "a whole number from 50 to 60000". */
void config_row_describe(const struct config_row *row, struct buffer *out);
/* STRINGS: appends one element to the list. */
bool config_row_append(const struct config_row *row, void *options, const struct config_value *value,
                       struct arena *arena, bool *ret_no_memory);

#endif
