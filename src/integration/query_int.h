/* query_int.h - the inside of struct query. Private to integration. */
#ifndef GIRO_INTEGRATION_QUERY_INT_H
#define GIRO_INTEGRATION_QUERY_INT_H

#include "integration/integration.h"

struct query {
    struct integration *integration;
    struct reader reader;
};

#endif
