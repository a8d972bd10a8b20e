/* redis_int.h - what a reply of the server means, apart from the connection it came by. Private. */
#ifndef GIRO_PLATFORM_REDIS_INT_H
#define GIRO_PLATFORM_REDIS_INT_H

#include "platform/redis.h"

#include <hiredis/hiredis.h>

/* A list of just count whole numbers, count at most REDIS_VALUES_MAX; false for anything else, NULL too. */
bool redis_reply_values(const redisReply *reply, size_t count, int64_t *ret_values);

#endif
