#ifndef GIRO_STORE_SQLITE_TEST_ROWS_H
#define GIRO_STORE_SQLITE_TEST_ROWS_H

#include <cmocka.h>

#endif
