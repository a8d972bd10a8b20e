/* cidr_fuzz.c - a list of blocks and an address: what the trie says is what the comparison says. */
#include "platform/cidr.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    struct str list = { .at = (const char *)bytes, .len = size }, text, word;
    struct address address;
    struct cidr_set *set;
    struct cidr cidr;
    (void)str_cut(&list, '\n', &text); /* the first line is the address */
    if (address_parse(text, &address) || cidr_set_new(&set)) return 0;
    struct str rest = list;
    bool more = rest.len > 0;
    for (size_t i = 0; more && i < CIDR_SET_BLOCKS_MAX; i++) {
        more = str_cut(&rest, ' ', &word);
        if (cidr_parse(word, &cidr) == 0) check(cidr_set_add(set, &cidr) == 0);
    }
    if (!more) check(cidr_set_contains(set, &address) == cidr_list_contains(list, &address));
    set = cidr_set_free(set);
    return 0;
}
