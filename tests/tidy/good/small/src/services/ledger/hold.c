#include "services/ledger/hold.h"

#include "engine/decision.h"
#include "services/ledger/ledger_int.h"

/* the double entry; a float of words: "double", strcpy(a, b), '"' */
static const char text[] = "double strcpy(a, b) /* ";

int hold_size(void) {
    return (int)sizeof text;
}
