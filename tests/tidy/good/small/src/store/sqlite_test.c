#include "store/sqlite.h"

#include <setjmp.h>
#include <sys/socket.h>

#include <cmocka.h>

int main(void) {
    return 0;
}
