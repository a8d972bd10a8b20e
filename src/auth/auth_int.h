/* auth_int.h - what the files of the authorization server share. Private to auth. */
#ifndef GIRO_AUTH_AUTH_INT_H
#define GIRO_AUTH_AUTH_INT_H

#include "auth/auth.h"
#include "wire/form.h"

enum {
    AUTH_SECRET_BYTES = 32, /* of tokens, codes, request URIs, cookies: 256 bits */
    AUTH_SECRET_TEXT_BYTES = 44,
    AUTH_METADATA_BYTES_MAX = 8 * 1024,
    AUTH_URL_BYTES_MAX = 256,
};

struct auth {
    struct auth_options options;
    struct str issuer, api_url, token_url, pushed_url, metadata;
    struct str bank_name, style;
    struct guess_limit *guesses;
    struct hash dpop_nonce_key; /* made from the signing key, so that all nodes have the same */
    struct arena arena;         /* holds the texts */
};

int style_build(struct auth *auth) MUST_USE; /* style.c: fills style. 0 or <0. */
/* metadata.c: fills metadata. 0 or <0. */
int metadata_build(struct auth *auth) MUST_USE;

/* Bytes of the arena that are wiped when it ends. 0 or -ENOMEM. */
int wipe_later(struct arena *arena, struct str secret) MUST_USE;
/* 256 random bits as base64url in the arena, wiped with it. 0 or -ENOMEM. */
int secret_text_make(struct arena *arena, struct str *ret_text) MUST_USE;
/* The form of text, every value wiped with the arena. 0, FORM_E_*, or -ENOMEM. */
int secret_form_parse(struct str text, struct arena *arena, struct form *ret_form) MUST_USE;

void answer_header(struct auth_request *request, const char *name, struct str value);

/* To call with what a command function returned. waits: request->command->on_done was set, read before that call. */
int request_sent(struct auth_request *request, bool waits, int r) MUST_USE;

#endif
