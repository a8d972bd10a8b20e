/* address_network.h - what counts as one peer: an IPv4 address, or the /64 of an IPv6 address. */
#ifndef GIRO_PLATFORM_ADDRESS_NETWORK_H
#define GIRO_PLATFORM_ADDRESS_NETWORK_H

#include "platform/str.h"

enum { ADDRESS_NETWORK_BYTES = 8 };
/* The first half of an IPv6 address (not of one that stands for IPv4) in bytes; any other text as it is, borrowed. */
struct str address_network(struct str text, uint8_t bytes[ADDRESS_NETWORK_BYTES]);

#endif
