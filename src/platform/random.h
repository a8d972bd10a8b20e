/* random.h - bytes from the kernel's generator; the only source of randomness in the program. */
#ifndef GIRO_PLATFORM_RANDOM_H
#define GIRO_PLATFORM_RANDOM_H

#include "platform/base.h"

void random_bytes(void *bytes, size_t len); /* never fails: a kernel without getrandom stops the program */

#endif
