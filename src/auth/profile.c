#include "auth/profile.h"

#define CODE_BY_QUERY                                                                                                  \
    { "code", "", RESPONSE_QUERY, false }, {                                                                           \
        "code", "query", RESPONSE_QUERY, false                                                                         \
    }
#define CODE_BY_JARM                                                                                                   \
    { "code", "jwt", RESPONSE_QUERY_JWT, false }, { "code", "query.jwt", RESPONSE_QUERY_JWT, false }, {                \
        "code", "fragment.jwt", RESPONSE_FRAGMENT_JWT, false                                                           \
    }
/* The order of the words of a response type means nothing (OAuth 2.0 Multiple Response Types section 3). */
#define HYBRID(type)                                                                                                   \
    { type, "", RESPONSE_FRAGMENT, true }, { type, "fragment", RESPONSE_FRAGMENT, true },                              \
        { type, "jwt", RESPONSE_FRAGMENT_JWT, true }, {                                                                \
        type, "fragment.jwt", RESPONSE_FRAGMENT_JWT, true                                                              \
    }

static const struct response_rule fapi2_responses[] = { CODE_BY_QUERY };
static const struct response_rule fapi2_ms_responses[] = { CODE_BY_QUERY, CODE_BY_JARM };
static const struct response_rule fapi1_responses[] = { HYBRID("code id_token"), HYBRID("id_token code"),
                                                        CODE_BY_JARM };

static const struct profile profiles[] = {
    [CLIENT_VIEW_FAPI2] = { .edwards = true,
                            .responses = fapi2_responses,
                            .response_count = ARRAY_COUNT(fapi2_responses) },
    [CLIENT_VIEW_FAPI2_MS] = { .signed_request = true,
                               .edwards = true,
                               .responses = fapi2_ms_responses,
                               .response_count = ARRAY_COUNT(fapi2_ms_responses) },
    [CLIENT_VIEW_FAPI1] = { .signed_request = true,
                            .by_value = true,
                            .endpoint_audiences = true,
                            .nonce_required = true,
                            .responses = fapi1_responses,
                            .response_count = ARRAY_COUNT(fapi1_responses) },
};

const struct profile *profile_of(const struct client_view *client) {
    check(client->profile >= 0 && (size_t)client->profile < ARRAY_COUNT(profiles));
    return &profiles[client->profile];
}

const struct response_rule *profile_response(const struct profile *profile, struct str type, struct str mode,
                                             bool *ret_type_known) {
    const struct response_rule *found = NULL;
    bool type_known = false;
    for (size_t i = 0; !found && i < profile->response_count; i++) {
        const struct response_rule *rule = &profile->responses[i];
        if (!str_equal_c(type, rule->type)) continue;
        type_known = true;
        if (str_equal_c(mode, rule->mode)) found = rule;
    }
    if (ret_type_known) *ret_type_known = type_known;
    return found;
}

bool profile_admits(const struct profile *profile, enum key_alg alg) {
    switch (alg) {
    case KEY_ALG_PS256:
    case KEY_ALG_ES256:
        return true;
    case KEY_ALG_EDDSA:
        return profile->edwards;
    case KEY_ALG_NONE:
        break;
    }
    return false;
}
