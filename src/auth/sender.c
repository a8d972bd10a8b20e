#include "auth/sender.h"

#include "auth/auth_int.h"
#include "auth/dpop_nonce.h"
#include "auth/dpop_proof.h"
#include "auth/refuse_spent.h"
#include "platform/encoding.h"

bool sender_is_zero(const struct hash *hash) {
    static const struct hash none;
    return hash_equal(hash, &none);
}

bool sender_thumbprint_parse(struct str text, struct hash *ret_thumbprint) {
    struct hash thumbprint;
    struct buffer bytes;
    buffer_init(&bytes, thumbprint.bytes, sizeof thumbprint.bytes);
    if (text.len != AUTH_SECRET_TEXT_BYTES - 1 || base64url_decode(text, &bytes) || bytes.overflow) return false;
    if (bytes.len != sizeof thumbprint.bytes) return false;
    *ret_thumbprint = thumbprint;
    return true;
}

int sender_give_nonce(struct auth_request *request) {
    const struct hash *key = auth_dpop_nonce_key(request->auth);
    if (!key) return 0;
    char *memory = arena_alloc(request->arena, DPOP_NONCE_TEXT_BYTES);
    if (!memory) return err_origin(-ENOMEM);
    answer_header(request, "DPoP-Nonce", dpop_nonce_make(key, request->auth->options.now_ms(), memory));
    return 0;
}

/* The caller tries again with the same assertion and a fresh proof, as clients do: nothing was done, so nothing is
 * spent (RFC 9449 section 8). */
static int ask_nonce(struct auth_request *request, const char *text) {
    int r = sender_give_nonce(request);
    return r ? err_trace(r) : oauth_refuse(request, OAUTH_USE_DPOP_NONCE, text);
}

static int judge_proof(struct auth_request *request, struct authenticated *client, const char *path,
                       struct sender *ret_sender, bool *ret_answered) {
    struct dpop_facts facts;
    const char *wrong = NULL;
    struct str url = arena_printf(request->arena, STR_FMT "%s", STR_ARG(request->auth->api_url), path);
    if (!url.at) return err_origin(-ENOMEM);
    struct dpop_rules rules = { .method = STR("POST"),
                                .url = url,
                                .nonce_key = auth_dpop_nonce_key(request->auth),
                                .now_ms = request->auth->options.now_ms() };
    int r = dpop_proof_judge(request->dpop, &rules, request->arena, &facts, &wrong);
    if (r < 0) return err_trace(r);
    *ret_answered = r != 0;
    if (r == DPOP_E_NONCE) return ask_nonce(request, wrong);
    if (r) return refuse_spent(request, &client->assertion, OAUTH_INVALID_DPOP_PROOF, wrong);
    memcpy(client->assertion.proof_jti, facts.jti_key, sizeof client->assertion.proof_jti);
    client->assertion.proof_expires_ms = facts.expires_ms;
    *ret_sender = (struct sender){ .key_thumbprint = facts.thumbprint };
    return 0;
}

int sender_judge(struct auth_request *request, struct authenticated *client, const char *path,
                 struct sender *ret_sender, bool *ret_answered) {
    *ret_answered = false;
    if (client->client.sender != CLIENT_VIEW_DPOP) { /* its proof binds nothing: the answer's token_type says so */
        *ret_sender = (struct sender){ .certificate_hash = request->call->certificate_hash };
        return 0;
    }
    if (request->dpop_count == 1) return judge_proof(request, client, path, ret_sender, ret_answered);
    *ret_answered = true;
    return refuse_spent(request, &client->assertion, OAUTH_INVALID_DPOP_PROOF,
                        request->dpop_count ? "the header DPoP must stand there once" : "the header DPoP is missing");
}

int sender_offered(struct auth_request *request, struct authenticated *client, const char *path,
                   struct sender *ret_sender, bool *ret_answered) {
    *ret_answered = false;
    *ret_sender = (struct sender){ 0 };
    if (client->client.sender != CLIENT_VIEW_DPOP || request->dpop_count == 0) return 0;
    return sender_judge(request, client, path, ret_sender, ret_answered);
}
