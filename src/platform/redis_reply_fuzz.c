/* redis_reply_fuzz.c - any bytes as what a Redis server answers: numbers are taken from a list of just so many numbers
 * and from nothing else, and a list that is written is read back. */
#include "platform/redis_int.h"

#include "platform/buffer.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void reply_check(const redisReply *reply, size_t count) {
    int64_t values[REDIS_VALUES_MAX];
    bool good = redis_reply_values(reply, count, values);
    bool is_list = reply && reply->type == REDIS_REPLY_ARRAY && reply->elements == count;
    check(!good || is_list);
    for (size_t i = 0; good && i < count; i++)
        check(reply->element[i]->type == REDIS_REPLY_INTEGER && reply->element[i]->integer == values[i]);
}

/* hiredis takes the memory of a list before its elements come: of one that says to be long, gigabytes. The server is a
 * bank's own; here such a length is left out. */
static bool is_long(struct str text) {
    size_t digits = 0;
    for (size_t i = 0; i < text.len; i++) {
        digits = text.at[i] >= '0' && text.at[i] <= '9' ? digits + 1 : 0;
        if (digits > 4 && memchr(text.at, '*', i)) return true;
    }
    return false;
}

static void answer_try(struct str text, size_t count) {
    redisReader *reader = redisReaderCreate();
    check(reader != NULL);
    int r = redisReaderFeed(reader, text.at, text.len);
    for (size_t i = 0; r == REDIS_OK && i < 16; i++) {
        void *reply = NULL;
        r = redisReaderGetReply(reader, &reply);
        if (r != REDIS_OK || !reply) break;
        reply_check(reply, count);
        freeReplyObject(reply);
    }
    redisReaderFree(reader);
}

/* The bytes as numbers, written as the server does. */
static void numbers_try(struct str text) {
    char memory[256];
    int64_t values[REDIS_VALUES_MAX] = { 0 }, again[REDIS_VALUES_MAX];
    size_t count = text.len / sizeof values[0];
    struct buffer out;
    void *reply = NULL;
    if (count == 0 || count > REDIS_VALUES_MAX) return;
    memcpy(values, text.at, count * sizeof values[0]);
    buffer_init(&out, memory, sizeof memory);
    buffer_printf(&out, "*%zu\r\n", count);
    for (size_t i = 0; i < count; i++) buffer_printf(&out, ":%lld\r\n", (long long)values[i]);
    redisReader *reader = redisReaderCreate();
    check(reader && redisReaderFeed(reader, memory, out.len) == REDIS_OK);
    check(redisReaderGetReply(reader, &reply) == REDIS_OK && redis_reply_values(reply, count, again));
    for (size_t i = 0; i < count; i++) check(values[i] == again[i]);
    freeReplyObject(reply);
    redisReaderFree(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    if (size == 0 || size > 64 * 1024) return 0;
    struct str text = str_from_bytes(bytes + 1, size - 1);
    if (!is_long(text)) answer_try(text, bytes[0] % (REDIS_VALUES_MAX + 1));
    numbers_try(text);
    return 0;
}
