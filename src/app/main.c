#include "platform/base.h"

int main(void) {
    return 0;
}
