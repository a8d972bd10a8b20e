#include "simulators/core/books.h"

#include "simulators/common/loop.h"
#include "wire/json.h"

static const char none[] = "XXX";
