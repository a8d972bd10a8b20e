#include "app/address_config.h"

/* The row of a prefix, made when it is new. NULL: an error was told. */
static struct gateway_addresses *row_of(struct address_config *config, const struct config_value *value,
                                        struct config_errors *errors) {
    for (size_t i = 0; i < config->count; i++)
        if (str_equal(config->rows[i].prefix, value->keys[0])) return &config->rows[i];
    size_t at = config->count;
    if (at == GATEWAY_ADDRESSES_MAX) {
        config_error(errors, value->line, "addresses: more than %d prefixes", GATEWAY_ADDRESSES_MAX);
        return NULL;
    }
    if (!str_starts(value->keys[0], STR("/")) ||
        str_to_c(value->keys[0], config->prefixes[at], ADDRESS_PREFIX_BYTES_MAX)) {
        config_error(errors, value->line, "addresses: a prefix of routes begins with / and has at most %d characters",
                     ADDRESS_PREFIX_BYTES_MAX - 1);
        return NULL;
    }
    config->blocks[at] = calloc(ADDRESS_BLOCKS_MAX, sizeof *config->blocks[at]);
    if (!config->blocks[at] || cidr_set_new(&config->sets[at])) {
        free(config->blocks[at]);
        config->blocks[at] = NULL;
        config_error(errors, value->line, "addresses: out of memory");
        return NULL;
    }
    config->rows[at] =
        (struct gateway_addresses){ .prefix = str_from_c(config->prefixes[at]), .blocks = config->sets[at] };
    config->count++;
    return &config->rows[at];
}

static void addresses_set(void *ctx, const struct config_value *value, struct arena *arena,
                          struct config_errors *errors) {
    struct address_config *config = ctx;
    struct cidr cidr;
    (void)arena; /* texts are kept in the config itself */
    if (value->key_count != 1 || !value->listed) {
        config_error(errors, value->line, "want addresses./PREFIX: [CIDR, ...]");
        return;
    }
    struct gateway_addresses *row = row_of(config, value, errors);
    if (!row) return;
    size_t at = (size_t)(row - config->rows);
    if (cidr_parse(value->text, &cidr))
        config_error(errors, value->line,
                     "addresses: want an IPv4 or IPv6 address or block without bits behind its prefix");
    else if (config->block_counts[at] == ADDRESS_BLOCKS_MAX)
        config_error(errors, value->line, "addresses: more than %d blocks under one prefix", ADDRESS_BLOCKS_MAX);
    else if (cidr_set_add(config->sets[at], &cidr)) config_error(errors, value->line, "addresses: out of memory");
    else config->blocks[at][config->block_counts[at]++] = cidr;
}

static void addresses_print(void *ctx, struct buffer *out) {
    const struct address_config *config = ctx;
    char text[CIDR_TEXT_BYTES_MAX];
    for (size_t i = 0; i < config->count; i++) {
        buffer_printf(out, "  \"%s\": [", config->prefixes[i]);
        for (size_t k = 0; k < config->block_counts[i]; k++)
            buffer_printf(out, "%s\"" STR_FMT "\"", k ? ", " : "", STR_ARG(cidr_format(&config->blocks[i][k], text)));
        buffer_append_c(out, "]\n");
    }
}

static const char sample[] = "# addresses:   # who may call which routes; a prefix that is not named is open\n"
                             "#   /v1/payments: [192.0.2.0/24, \"2001:db8::/32\"]\n";

struct config_section address_config_section(struct address_config *config) {
    return (struct config_section){
        .name = "addresses", .set = addresses_set, .print = addresses_print, .sample = sample, .ctx = config
    };
}

void address_config_release(struct address_config *config) {
    for (size_t i = 0; i < config->count; i++) {
        config->sets[i] = cidr_set_free(config->sets[i]);
        free(config->blocks[i]);
    }
    config->count = 0;
}
