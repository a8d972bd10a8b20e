/* authorization_details_fuzz.c - any bytes as the parameter of RFC 9396: what is taken is granted in its one form,
 * which is taken again and equals what was asked for; a scope that is none of both takes nothing. */
#include "auth/authorization_details.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static struct arena arena;
    struct str text = str_from_bytes(bytes, size), scope = STR("openid accounts payments");
    struct authorization_details details, again;
    const char *wrong = NULL;
    if (!arena.block_bytes) check(arena_init(&arena, 64 * 1024, 1024 * 1024) == 0);
    arena_reset(&arena);
    check(!authorization_details_read(text, STR("openid"), &arena, &details, &wrong) && wrong);
    wrong = NULL;
    bool taken = authorization_details_read(text, scope, &arena, &details, &wrong);
    check(taken || wrong);
    if (!taken) return 0;
    check(details.json.len > 0 && details.json.len <= AUTHORIZATION_DETAILS_BYTES_MAX);
    check(!id_is_zero(details.consent_id.bytes) && (details.amount.len == 0) == (details.currency.len == 0));
    check(!details.accounts || details.amount.len == 0);
    check(authorization_details_read(details.json, scope, &arena, &again, &wrong));
    check(str_equal(again.json, details.json) && id_equal(again.consent_id.bytes, details.consent_id.bytes));
    check(authorization_details_equal(text, details.json, &arena));
    check(authorization_details_equal(details.json, details.json, &arena));
    const struct grant_consent_view consent = { .accounts = !details.accounts };
    check(authorization_details_judge(details.json, &consent, &arena) != NULL);
    return 0;
}
