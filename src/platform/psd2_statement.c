#include "platform/psd2_statement.h"

enum { DER_SEQUENCE = 0x30, DER_OID = 0x06, DER_UTF8 = 0x0c, DER_LENGTH_BYTES_MAX = 2 };

/* 0.4.0.19495.2 and, with a number behind it, 0.4.0.19495.1 (X.690 section 8.19). */
static const struct str oid_statement = STR_INIT("\x04\x00\x81\x98\x27\x02"),
                        oid_role = STR_INIT("\x04\x00\x81\x98\x27\x01");

/* Takes one element of that tag off the front of *der. Lengths in their shortest form, up to 65,535. */
static bool der_take(struct str *der, unsigned char tag, struct str *ret_content) {
    const unsigned char *at = (const unsigned char *)der->at;
    if (der->len < 2 || at[0] != tag) return false;
    size_t len = at[1], head = 2;
    if (len >= 0x80) {
        size_t count = len & 0x7f;
        if (count == 0 || count > DER_LENGTH_BYTES_MAX || der->len < 2 + count) return false;
        len = 0;
        for (size_t i = 0; i < count; i++) len = len << 8 | at[2 + i];
        if (len < 0x80 || (count == 2 && len < 0x100)) return false;
        head = 2 + count;
    }
    if (der->len - head < len) return false;
    *ret_content = str_slice(*der, head, head + len);
    *der = str_slice(*der, head + len, der->len);
    return true;
}

/* Text of 1 to PSD2_NAME_BYTES_MAX bytes, UTF-8 without control characters (so without NUL). */
static bool text_take(struct str *der, struct str *ret_text) {
    struct str text;
    if (!der_take(der, DER_UTF8, &text) || text.len == 0 || text.len > PSD2_NAME_BYTES_MAX) return false;
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.at[i] < 0x20 || text.at[i] == 0x7f) return false;
    if (!str_is_utf8(text)) return false;
    *ret_text = text;
    return true;
}

static const struct {
    const char *name;
    unsigned bit;
} roles_known[] = {
#define X(code, bit, name) { name, bit },
    PSP_ROLE_MAP(X)
#undef X
};

/* The bit of role number N under the name it must have; 0 for "unspecified" (N = 0). False for anything else. */
static bool role_bit(unsigned number, struct str name, unsigned *ret_bit) {
    *ret_bit = 0;
    if (number == 0) return true;
    if (number > ARRAY_COUNT(roles_known) || !str_equal_c(name, roles_known[number - 1].name)) return false;
    *ret_bit = roles_known[number - 1].bit;
    return true;
}

static int roles_read(struct str list, unsigned *ret_roles) {
    unsigned roles = 0, bit;
    for (size_t count = 0; list.len; count++) {
        struct str role, oid, name;
        if (count == PSD2_ROLES_MAX) return PSD2_E_ROLE;
        if (!der_take(&list, DER_SEQUENCE, &role) || !der_take(&role, DER_OID, &oid) || !text_take(&role, &name) ||
            role.len)
            return PSD2_E_SYNTAX;
        if (oid.len != oid_role.len + 1 || !str_starts(oid, oid_role)) return PSD2_E_ROLE;
        if (!role_bit((unsigned char)oid.at[oid_role.len], name, &bit) || (roles & bit)) return PSD2_E_ROLE;
        roles |= bit;
    }
    *ret_roles = roles;
    return 0;
}

static bool is_upper(char c) {
    return c >= 'A' && c <= 'Z';
}

/* Two letters, '-', two to eight letters. */
static bool nca_id_fits(struct str id) {
    if (id.len < 5 || id.len > 11 || id.at[2] != '-') return false;
    for (size_t i = 0; i < id.len; i++)
        if (i != 2 && !is_upper(id.at[i])) return false;
    return true;
}

static int statement_read(struct str info, struct psd2_statement *statement) {
    struct str body, roles;
    if (!der_take(&info, DER_SEQUENCE, &body) || info.len || !der_take(&body, DER_SEQUENCE, &roles))
        return PSD2_E_SYNTAX;
    int r = roles_read(roles, &statement->roles);
    if (r) return r;
    if (!text_take(&body, &statement->nca_name) || !text_take(&body, &statement->nca_id)) return PSD2_E_NAME;
    if (body.len) return PSD2_E_SYNTAX;
    statement->present = true;
    return nca_id_fits(statement->nca_id) ? 0 : PSD2_E_NAME;
}

int psd2_statement_parse(struct str extension, struct psd2_statement *ret_statement) {
    struct psd2_statement statement = { 0 };
    struct str list;
    if (!der_take(&extension, DER_SEQUENCE, &list) || extension.len) return PSD2_E_SYNTAX;
    for (size_t count = 0; list.len; count++) {
        struct str entry, oid;
        if (count == PSD2_STATEMENTS_MAX || !der_take(&list, DER_SEQUENCE, &entry) || !der_take(&entry, DER_OID, &oid))
            return PSD2_E_SYNTAX;
        if (!str_equal(oid, oid_statement)) continue; /* of another kind: QcCompliance, QcType .. */
        if (statement.present) return PSD2_E_TWICE;
        int r = statement_read(entry, &statement);
        if (r) return r;
    }
    *ret_statement = statement;
    return 0;
}

bool psd2_organization_fits(struct str organization_id, struct str nca_id) {
    struct str rest = str_slice(organization_id, 3, organization_id.len);
    if (!str_starts(organization_id, STR("PSD"))) return true;
    return str_starts(rest, nca_id) && rest.len > nca_id.len + 1 && rest.at[nca_id.len] == '-';
}

static unsigned role_named(struct str name) {
    for (size_t i = 0; i < ARRAY_COUNT(roles_known); i++)
        if (str_equal_c(name, roles_known[i].name)) return roles_known[i].bit;
    return 0;
}

bool psp_roles_parse(struct str list, unsigned *ret_roles) {
    unsigned roles = 0;
    struct str name;
    bool more = list.len > 0;
    while (more) {
        more = str_cut(&list, ' ', &name);
        unsigned bit = role_named(name);
        if (!bit) return false;
        roles |= bit;
    }
    *ret_roles = roles;
    return true;
}
