#include "core/books.h"

#include "common/loop.h"
#include "wire/json.h"

static const char none[] = "XXX";
