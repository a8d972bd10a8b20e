/* psd2_statement.h - the PSD2 statement in the qcStatements extension (RFC 3739 section 3.2.6) of an eIDAS certificate,
 * QWAC or OBWAC: ETSI TS 119 495 section 5.1, id-etsi-psd2-qcStatement 0.4.0.19495.2.
 *
 *   PSD2QcType ::= SEQUENCE { rolesOfPSP RolesOfPSP, nCAName UTF8String, nCAId UTF8String }
 *   RolesOfPSP ::= SEQUENCE OF SEQUENCE { roleOfPspOid OBJECT IDENTIFIER, roleOfPspName UTF8String }
 *
 * Read as DER and nothing laxer: shortest lengths, no byte left over. A role's name must be the one of its number, a
 * role or the statement must not stand there twice: what a caller may do is never guessed. */
#ifndef GIRO_PLATFORM_PSD2_STATEMENT_H
#define GIRO_PLATFORM_PSD2_STATEMENT_H

#include "platform/str.h"

/* 0.4.0.19495.1.N: bit N - 1. */
#define PSP_ROLE_MAP(X) X(PSP_AS, 1, "PSP_AS") X(PSP_PI, 2, "PSP_PI") X(PSP_AI, 4, "PSP_AI") X(PSP_IC, 8, "PSP_IC")
#define X(code, bit, name) code = (bit),
enum psp_role { PSP_ROLE_MAP(X) };
#undef X

enum {
    PSD2_STATEMENTS_MAX = 16, /* of all kinds in one extension */
    PSD2_ROLES_MAX = 8,
    PSD2_NAME_BYTES_MAX = 256, /* nCAName, nCAId */
};

#define PSD2_E_MAP(X)                                                                                                  \
    X(PSD2_E_SYNTAX, "not DER, or not the statement's form")                                                           \
    X(PSD2_E_ROLE, "a role is unknown, misnamed or there twice")                                                       \
    X(PSD2_E_NAME, "the authority's name or id is not acceptable")                                                     \
    X(PSD2_E_TWICE, "two such statements")
#define X(code, name) code,
enum psd2_refusal { PSD2_E_NONE = 0, PSD2_E_MAP(X) PSD2_E_COUNT };
#undef X

struct psd2_statement {
    bool present;                /* the extension holds a PSD2 statement */
    unsigned roles;              /* enum psp_role; 0: none of them ("unspecified") */
    struct str nca_name, nca_id; /* UTF-8 in the extension; nca_id: "GB-FCA", two letters, '-', two to eight letters */
};

/* extension: the DER of QCStatements, as in the extension's octet string. 0 or PSD2_E_*. */
int psd2_statement_parse(struct str extension, struct psd2_statement *ret_statement) MUST_USE;
/* Whether an organizationIdentifier (2.5.4.97) of the PSD form belongs to that authority: "PSDGB-FCA-123456" to
 * "GB-FCA". True for other forms (VAT, LEI), of which the statement says nothing. */
bool psd2_organization_fits(struct str organization_id, struct str nca_id);
/* A list of role names separated by single spaces as bits; false when one is unknown. The empty list is 0. */
bool psp_roles_parse(struct str list, unsigned *ret_roles);

#endif
