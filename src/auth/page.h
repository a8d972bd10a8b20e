/* page.h - what all HTML pages have in common: head and foot, the policy that goes with them, and their pieces. Plain
 * forms, no script, every word of others escaped. Private to auth. */
#ifndef GIRO_AUTH_PAGE_H
#define GIRO_AUTH_PAGE_H

#include "auth/auth_int.h"

enum { PAGE_BYTES_MAX = 64 * 1024, PAGE_ACCOUNTS_MAX = 50 };
#define PAGE_NOTICE_ID "problem" /* id of the notice, for aria-describedby */

struct page {
    struct auth_request *request;
    const char *title;          /* ours */
    struct str redirect_origin; /* where a form may end up beside here; empty: nowhere */
    const char *notice;         /* NULL, or one sentence of ours on what went wrong */
    const char *notice_field;   /* with it: id of the field that it is about; NULL: none */
    const char *done;           /* NULL, or one sentence of ours on what was done */
    struct buffer out;
};
/* The page up to its notice, in at most bytes_max bytes. 0 or -ENOMEM. */
int page_begin(struct page *page, size_t bytes_max) MUST_USE;
/* The answer: status, page, and the headers that all pages have. AUTH_ANSWERED or <0. */
int page_end(struct page *page, int status);
/* Nothing to be done here; title and text are ours. As above. */
int page_message(struct auth_request *request, int status, const char *title, const char *text);

/* Before a password or a one-time code is looked at: true when this address has been wrong too often (guess_limit.h);
 * then the request is answered by *ret_r. */
bool page_turned_away(struct auth_request *request, int *ret_r);
void guess_failed(struct auth_request *request); /* one more was wrong */

/* "<dt>name</dt><dd>value</dd>", nothing when value is empty. */
void page_fact(struct page *page, const char *name, struct str value);
void page_money(struct page *page, struct money money); /* "19.99 GBP" */
/* Name, and sort code with account number or else the IBAN. */
void page_account_text(struct page *page, const struct account_view *account);
/* <form> with its token; action is ours. */
void page_form_begin(struct page *page, const char *action, struct str csrf);
/* A field of the forms below; it says that it is at fault when the page's notice is about it. */
void page_login_field(struct page *page, struct str value);
void page_password_field(struct page *page);
void page_code_field(struct page *page);

#endif
