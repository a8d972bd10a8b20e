#include "platform/psd2_statement.h"

/* The extension as it is (T14). What is accepted says roles that exist, and an authority's id that fits its own
 * organization identifiers. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct psd2_statement statement;
    char organization[PSD2_NAME_BYTES_MAX + 16];
    if (psd2_statement_parse(str_from_bytes(data, size), &statement)) return 0;
    check((statement.roles & ~(unsigned)(PSP_AS | PSP_PI | PSP_AI | PSP_IC)) == 0);
    if (!statement.present) return 0;
    check(str_is_utf8(statement.nca_name) && statement.nca_id.len >= 5 && statement.nca_id.len <= 11);
    int len = snprintf(organization, sizeof organization, "PSD" STR_FMT "-1", STR_ARG(statement.nca_id));
    check(len > 0 && psd2_organization_fits(str_from_c(organization), statement.nca_id));
    return 0;
}
