/* aml.h - sanctions screening of names against a list read at start.
 *
 * A name is folded to its words: letters and digits upper-cased without accents, everything else separates. A listed
 * name is hit when all its words stand among the screened name's words, in any order (a listed name of one word must be
 * the whole name). (A1) a list is immutable once read; screening is pure. */
#ifndef GIRO_SERVICES_AML_AML_H
#define GIRO_SERVICES_AML_AML_H

#include "engine/decision.h"

enum { AML_NAMES_MAX = 65536, AML_WORDS_MAX = 24, AML_WORD_BYTES_MAX = 48, AML_LIST_BYTES_MAX = 16 * 1024 * 1024 };

struct aml_list;
/* CSV lines `id,"NAME"` or `id,NAME` (further columns are ignored); blank lines and # are skipped. message names the
 * line. 0 or <0. */
int aml_list_read(struct str text, struct aml_list **ret_list, struct message *message);
struct aml_list *aml_list_free(struct aml_list *list); /* returns NULL, takes NULL */
size_t aml_list_count(const struct aml_list *list);
/* The id of the first listed name that hits, 0 = none. Ids are > 0. */
int64_t aml_screen(const struct aml_list *list, struct str name);

struct aml_subject {
    struct payment_id payment_id;
    struct account_id account_id;
    struct money amount;
    struct str creditor_name;
};
/* Screens the creditor; emits AmlFlagged or AmlCleared. *ret_hit: id of the listed name, 0 = clear. 0 or <0. */
int aml_check(struct work *work, const struct aml_list *list, const struct aml_subject *subject, int64_t *ret_hit);

#endif
