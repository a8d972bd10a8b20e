/* address_config.h - the section "addresses" of giro.yaml: which addresses may call which routes.
 *
 *   addresses:
 *     /v1/payments: [192.0.2.0/24, "2001:db8::/32"] */
#ifndef GIRO_APP_ADDRESS_CONFIG_H
#define GIRO_APP_ADDRESS_CONFIG_H

#include "gateway/gateway.h"
#include "platform/config.h"

enum { ADDRESS_PREFIX_BYTES_MAX = 128, ADDRESS_BLOCKS_MAX = 256 /* of one prefix */ };

struct address_config {
    struct gateway_addresses rows[GATEWAY_ADDRESSES_MAX];
    char prefixes[GATEWAY_ADDRESSES_MAX][ADDRESS_PREFIX_BYTES_MAX];
    struct cidr_set *sets[GATEWAY_ADDRESSES_MAX]; /* those of the rows */
    struct cidr *blocks[GATEWAY_ADDRESSES_MAX];   /* as written, to be printed */
    size_t block_counts[GATEWAY_ADDRESSES_MAX], count;
};

/* config is zeroed and outlives the section's use. */
struct config_section address_config_section(struct address_config *config);
void address_config_release(struct address_config *config);

#endif
