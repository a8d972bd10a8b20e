#include "platform/address_network.h"

#include <arpa/inet.h>

struct str address_network(struct str text, uint8_t bytes[ADDRESS_NETWORK_BYTES]) {
    char copy[INET6_ADDRSTRLEN];
    struct in6_addr six;
    if (text.len == 0 || text.len >= sizeof copy) return text;
    memcpy(copy, text.at, text.len);
    copy[text.len] = 0;
    if (inet_pton(AF_INET6, copy, &six) != 1 || IN6_IS_ADDR_V4MAPPED(&six)) return text;
    memcpy(bytes, six.s6_addr, ADDRESS_NETWORK_BYTES);
    return str_from_bytes((const char *)bytes, ADDRESS_NETWORK_BYTES);
}
