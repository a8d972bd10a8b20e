#include "codec_table.h"

int value(void) {
    return 1;
}
