/* auth.h - the authorization server of FAPI 2.0, with and without Message Signing, and of FAPI 1.0 Advanced: token,
 * pushed requests, authorize with its pages, metadata. Knows nothing of how a request came; whoever calls gives it
 * bytes and a prepared command, and sends the answer.
 *
 * (A1) whoever asks at token or PAR is the client of the certificate (call->has_client) and proves it by
 * private_key_jwt; the jti is spent whatever the answer. (A2) tokens are bound to the
 * client's certificate or, by DPoP, to its key; a client is held to its one profile (profile.h). (A3) no redirect goes
 * anywhere but to a registered URI that came in a pushed or signed request. (A4) passwords, codes, tokens and cookies
 * are stored hashed only and wiped from the request's arena when it ends. (A5) whether a login exists cannot be told
 * from text or time. (A6) guesses at passwords and one-time codes are limited by login and by session (in the store),
 * and by address (guess_limit.h).
 *
 * An entry function returns AUTH_ANSWERED (request->answer is set), AUTH_WAITS (its command is queued with on_done:
 * nothing of the request may be touched until that was called; then auth_finish), AUTH_BUSY (queue full: nothing
 * happened), or <0 a fault. With a command without on_done it never says AUTH_WAITS. */
#ifndef GIRO_AUTH_AUTH_H
#define GIRO_AUTH_AUTH_H

#include "auth/client_keys.h"
#include "auth/signing_keys.h"
#include "domain/call.h"
#include "integration/command.h"
#include "integration/query.h"
#include "platform/edge_certificate.h"

struct auth;
/* Texts are copied; the keys are borrowed for the life of the auth. */
struct auth_options {
    struct integration *integration;
    struct str issuer;                  /* "https://localhost:8444": pages, metadata, keys */
    struct str api_url;                 /* "https://localhost:8443": token and PAR, mTLS */
    struct str bank_name;               /* on the pages; empty: "Giro Bank" */
    int guesses_max;                    /* from one address in a window, see guess_limit.h; 0: its own */
    struct signing_keys *signing_keys;  /* of ID tokens and responses: signing_keys.h */
    struct client_keys *client_keys;    /* of clients, by URL; NULL: those are not to be had */
    const struct str *resource_servers; /* clients that may ask about the access tokens of others; borrowed */
    size_t resource_server_count;
    bool sandbox; /* clients marked so may be approved at once */
    /* Of registration; directory_keys empty: nobody can register. */
    struct str directory_issuer, directory_keys; /* whose software statements count; its JWKS as text */
    int64_t statement_life_ms;                   /* how old a statement may be */
    struct str registration_tier;                /* of clients that register themselves */
    bool dpop_nonce;                             /* proofs of a key need a nonce of ours (RFC 9449 section 8) */
    bool refresh_rotation;    /* a refresh token is replaced when it is used; else it stays (FAPI G9) */
    int64_t refresh_retry_ms; /* with it: how long the one that was replaced is good still */
    int64_t (*now_ms)(void);  /* NULL: the clock */
};
/* 0, or a fault with a sentence in message (-EINVAL: a URL that does not fit). */
int auth_open(const struct auth_options *options, struct auth **ret_auth, struct message *message) MUST_USE;
struct auth *auth_close(struct auth *auth); /* takes NULL, returns NULL */

enum { AUTH_HEADERS_MAX = 8 };
enum auth_next { AUTH_ANSWERED, AUTH_WAITS, AUTH_BUSY };

struct auth_header {
    const char *name;
    struct str value;
};
struct auth_answer {
    int status;
    const char *media_type;
    struct str content; /* in the request's arena, or as old as the auth */
    struct auth_header headers[AUTH_HEADERS_MAX];
    size_t header_count;
    const char *outcome; /* for audit and log: "accepted" or an error's code; never personal */
};

struct auth_request {
    const struct auth *auth;
    struct query *query; /* with a snapshot; auth_finish may be given another one */
    struct arena *arena;
    const struct call *call;
    struct command_call *command; /* prepared: call, arena, audit, on_done */
    struct str query_text, body;  /* of the URL, without '?'; of a POST */
    struct str cookies;           /* the Cookie header, or empty */
    struct str authorization;     /* the Authorization header, or empty */
    struct str resource;          /* of the path: /register/{client_id} */
    struct str accept;            /* the Accept header, or empty */
    struct str dpop;              /* the DPoP header, or empty */
    size_t dpop_count;            /* how many of them came */
    struct str edge_certificate;  /* of the connection, as the edge hands it over */
    enum edge_form edge_form;

    struct auth_answer answer;
    int (*finish)(struct auth_request *request); /* auth's own, as state */
    void *state;
};

/* mTLS listener; the certificate's client is known, and proves itself by the one method it is registered for. */
int auth_token(struct auth_request *request);  /* POST /token: client_credentials, authorization_code, refresh_token */
int auth_pushed(struct auth_request *request); /* POST /par */
/* mTLS listener, by software with a good certificate, whether it is registered or not (RFC 7591, RFC 7592). The body is
 * a signed token. */
int auth_register(struct auth_request *request);            /* POST /register */
int auth_registration_read(struct auth_request *request);   /* GET /register/{client_id} */
int auth_registration_change(struct auth_request *request); /* PUT */
int auth_registration_remove(struct auth_request *request); /* DELETE */
int auth_revoke(struct auth_request *request);              /* POST /revoke (RFC 7009) */
/* POST /introspect (RFC 7662), and signed as RFC 9701 for who accepts that alone: the client's own tokens, and by the
 * resource servers also the access tokens of others. */
int auth_introspect(struct auth_request *request);
/* Browser listener. */
int auth_authorize(struct auth_request *request);         /* GET /authorize */
int auth_page_login(struct auth_request *request);        /* POST /authorize/login */
int auth_page_account(struct auth_request *request);      /* POST /authorize/account */
int auth_page_confirm(struct auth_request *request);      /* POST /authorize/confirm */
int auth_page_reject(struct auth_request *request);       /* POST /authorize/reject */
int auth_customer(struct auth_request *request);          /* GET /customer */
int auth_customer_login(struct auth_request *request);    /* POST /customer/login */
int auth_customer_withdraw(struct auth_request *request); /* POST /customer/withdraw */
int auth_customer_logout(struct auth_request *request);   /* POST /customer/logout */
/* Goes on after the command of a request that said AUTH_WAITS was answered. */
int auth_finish(struct auth_request *request);

/* JSON documents, as old as the auth. */
struct str auth_metadata(const struct auth *auth); /* OpenID discovery and RFC 8414, one document */
struct str auth_style(const struct auth *auth);    /* CSS of the pages, as old as the auth */
/* The keys that are published now, in the arena; .at == NULL when that is full. */
struct str auth_jwks(const struct auth *auth, struct arena *arena) MUST_USE;

#endif
