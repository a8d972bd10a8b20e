/* outbound_guard_fuzz.c - the address in a URL that somebody else has chosen, in every form that a number takes: where
 * the guard lets a call go is public, by rules that are written here once more. Names are left out: nothing is asked of
 * a resolver. */
#include "platform/outbound_guard.h"

#include "platform/buffer.h"

#include <arpa/inet.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* The four numbers at the front of an IPv4 address. */
static bool four(struct str text, unsigned ret[4]) {
    for (size_t i = 0; i < 4; i++) {
        struct str number;
        bool more = str_cut(&text, '.', &number);
        if (more != (i < 3) || number.len == 0 || number.len > 3) return false;
        ret[i] = 0;
        for (size_t k = 0; k < number.len; k++) ret[i] = ret[i] * 10 + (unsigned)(number.at[k] - '0');
    }
    return true;
}

static void address_check(struct str address) {
    unsigned n[4];
    if (str_starts(address, STR("["))) {
        check(!str_starts(address, STR("[::1]")) && !str_starts(address, STR("[f")) &&
              !str_starts(address, STR("[::")));
        return;
    }
    check(four(address, n));
    check(n[0] != 0 && n[0] != 10 && n[0] != 127 && n[0] < 224);
    check(!(n[0] == 100 && n[1] >= 64 && n[1] < 128) && !(n[0] == 169 && n[1] == 254));
    check(!(n[0] == 172 && n[1] >= 16 && n[1] < 32) && !(n[0] == 192 && n[1] == 168));
}

/* "HOST:PORT:ADDRESS,ADDRESS" */
static void pin_check(struct str pin) {
    struct str host, port, address;
    if (pin.len == 0) return; /* an IPv6 address itself */
    check(str_cut(&pin, ':', &host) && str_cut(&pin, ':', &port) && host.len > 0 && port.len > 0 && pin.len > 0);
    for (bool more = true; more;) {
        more = str_cut(&pin, ',', &address);
        address_check(address);
    }
}

/* Every form of an IPv4 address that libc reads, and nothing that it would ask a resolver for. */
static bool host_is_numbers(struct str host) {
    char text[OUTBOUND_HOST_BYTES_MAX];
    struct in_addr address;
    for (size_t i = 0; i < host.len; i++)
        if (!memchr("0123456789xXabcdefABCDEF.", host.at[i], 25)) return false;
    return host.len > 0 && str_to_c(host, text, sizeof text) == 0 && inet_aton(text, &address) == 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    const struct outbound_guard guard = { .http = false };
    struct outbound_target target;
    char memory[OUTBOUND_URL_BYTES_MAX];
    struct buffer url;
    if (size < 2 || size > OUTBOUND_HOST_BYTES_MAX) return 0;
    struct str rest = str_from_bytes(bytes + 1, size - 1), host;
    buffer_init(&url, memory, sizeof memory);
    (void)str_cut(&rest, '\n', &host); /* what follows is the rest of the URL */
    if (bytes[0] & 1) {
        for (size_t i = 0; i < host.len; i++)
            if (!memchr("0123456789abcdefABCDEF:.", host.at[i], 24)) return 0;
        buffer_printf(&url, "https://[" STR_FMT "]/" STR_FMT, STR_ARG(host), STR_ARG(rest));
    } else {
        if (!host_is_numbers(host)) return 0;
        buffer_printf(&url, "https://" STR_FMT "/" STR_FMT, STR_ARG(host), STR_ARG(rest));
    }
    if (url.overflow) return 0;
    int r = outbound_guard_resolve(&guard, buffer_str(&url), &target);
    check(r >= 0 && r < OUTBOUND_E_COUNT && r != OUTBOUND_E_SCHEME);
    if (r == 0) pin_check(str_from_c(target.pin));
    return 0;
}
