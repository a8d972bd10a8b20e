#include <openssl/evp.h>

int value(void) {
    return 1;
}
