/* base.h - what every file includes first: fixed-width types, check(), checked arithmetic, banned functions.
 *
 * Results are int: 0 done; negative = fault (-errno), passed upward with err_trace(); positive = refusal named in the
 * header of the function that returns it (see err.h). Asserts stay on in every build. */
#ifndef GIRO_PLATFORM_BASE_H
#define GIRO_PLATFORM_BASE_H

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "platform/err.h"

/* A fact that only a programmer's error can break. Prints file, line and the fact, then aborts: recovery from the
 * store makes that safe. Input from outside is refused, never checked. */
#define check(fact) ((fact) ? (void)0 : check_failed(__FILE__, __LINE__, #fact))
_Noreturn void check_failed(const char *file, int line, const char *fact);

/* Overflow as a result: true when a OP b does not fit into *ret (which is then undefined). */
#define checked_add(a, b, ret) __builtin_add_overflow((a), (b), (ret))
#define checked_sub(a, b, ret) __builtin_sub_overflow((a), (b), (ret))
#define checked_mul(a, b, ret) __builtin_mul_overflow((a), (b), (ret))

#define ARRAY_COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define MUST_USE __attribute__((warn_unused_result))

/* Footguns do not compile. (system headers above may still use them; with _FORTIFY_SOURCE and clang two are macros) */
#undef sprintf
#undef vsprintf
#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf gets strtok localtime gmtime asctime ctime atoi atol \
    atof

#endif
