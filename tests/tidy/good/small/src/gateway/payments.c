#include "auth/token.h"
#include "integration/command.h"
#include "integration/command/payment_accept.h"
#include "integration/query.h"
#include "wire/json.h"

int value(void) {
    return 1;
}
