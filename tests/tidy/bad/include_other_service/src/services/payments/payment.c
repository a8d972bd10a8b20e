#include "services/ledger/hold.h"

int value(void) {
    return 1;
}
