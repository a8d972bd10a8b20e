/* mask.h - what may be shown of personal data: the only way from a personal type to text for logs, errors, pages and
 * screens.
 *
 *   what                              shown            example
 *   card number                       last 4           4111 1111 1111 1111 -> ************1111; 4 or fewer -> ****
 *   IBAN                              first 4, last 4  GB82WEST12345698765432 -> GB82**************5432
 *   account number                    last 2           98765432 -> ******32; 4 characters or fewer -> ****
 *   sort code                         nothing          ***
 *   birth date                        nothing          ****-**-**
 *   national id                       last 3           QQ123456C -> ***56C; 6 characters or fewer -> ***
 *   name, e-mail, phone, address,     nothing          ***
 *   payment reference
 *
 * struct masked is made here and nowhere else; log_masked takes only it. */
#ifndef GIRO_OBSERVE_MASK_H
#define GIRO_OBSERVE_MASK_H

#include "domain/personal.h"

enum { MASK_BYTES_MAX = 40 };
struct masked {
    char text[MASK_BYTES_MAX]; /* NUL-terminated */
};

struct masked mask_pan(const struct pan *pan);
struct masked mask_iban(const struct iban *iban);
struct masked mask_account_number(const struct account_number *number);
struct masked mask_sort_code(const struct sort_code *code);
struct masked mask_person_name(const struct person_name *name);
struct masked mask_birth_date(const struct birth_date *date);
struct masked mask_national_id(const struct national_id *id);
struct masked mask_email(const struct email *email);
struct masked mask_phone(const struct phone *phone);
struct masked mask_postal_address(const struct postal_address *address);
struct masked mask_payment_reference(const struct payment_reference *reference);

/* A customer's network address: the net it is in ("192.0.2.0/24", "2001:db8:1::/48"); "***" when it is none. */
struct masked mask_address(struct str address);

/* The same for text that is known by its kind only (a field of a contract), whether it parses or not. Blanks are
 * removed (in card numbers also dashes); what is not a valid IBAN is an account number; what has letters where digits
 * belong, is longer than its kind allows or is not printable ASCII shows nothing. */
struct masked mask_text(enum personal_kind kind, struct str text);

#endif
