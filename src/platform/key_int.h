/* key_int.h - the OpenSSL side of a key, for key_*.c and x509_*.c alone. */
#ifndef GIRO_PLATFORM_KEY_INT_H
#define GIRO_PLATFORM_KEY_INT_H

#include "platform/key.h"

#include <openssl/evp.h>
#include <stdatomic.h>

struct key {
    EVP_PKEY *evp;
    atomic_uint references;
    enum key_type type;
    size_t bits;
    bool is_private;
};

/* Checks kind and strength and wraps; evp is taken also when it is refused. 0, KEY_E_KIND, _WEAK, _SIZE, _VALUE, or a
 * fault. */
int key_wrap_take(EVP_PKEY *evp, bool is_private, struct key **ret_key) MUST_USE;
/* The numbers of a private RSA key fit each other, and what they sign verifies. 0, KEY_E_VALUE, or -ENOMEM. */
int key_rsa_pair_judge(EVP_PKEY *evp) MUST_USE;

#endif
