/* admin.h - the operator's door of the running daemon: a Unix socket on which the command line writes.
 *
 * A line of JSON asks, {"command":"account_open",...}, a line of JSON answers: {"ok":true,...} or
 * {"ok":false,"error":"holder_not_found"}. A connection carries any number of them, one after another. "error" is a
 * refusal of the command (integration/command.h), or unknown_command, invalid_request, too_large, unavailable, unknown
 * (the commit's outcome is not known: ask again), not_holder (a breaker is asked of a node
 * that follows another), sandbox_only (auto_approve, account_fund, a fund_minor over 0 or a posting
 * that debits a funding account, where there is no sandbox), idempotency_key_reused, fault.
 *
 *   client_register    name display_name profile sender tier org_id software_id scope redirect_uris[] jwks{} or
 *                      jwks_uri, auth tls_subject auto_approve -> client_id created
 *   client_limits      client_id requests_per_second burst daily_limit addresses
 *                      http_signatures(required|optional) -> id result; what is not there stays as it was
 *   customer_register  login name password totp_secret(base32) -> customer_id created
 *   account_open       customer_login|client_name name iban sort_code account_number currency overdraft_minor
 * fund_minor business -> account_id created account_fund       account_id amount currency (amount as money_parse reads
 * it) -> account_id breaker            force: none|open|closed, or absent -> state force waiting under_way health ->
 * sandbox state
 *   payment_schedule   account(id or IBAN) name iban|(sort_code account_number) amount reference on(date) key
 *                      -> scheduled_id replayed
 *   standing_order     the same without on; frequency first recurring final(dates) payments first_amount final_amount
 *                      -> standing_order_id replayed
 *   payment_file       account file(text) hash(base64) items sum reference on(date) key -> file_id replayed
 *   payment_schedule_cancel scheduled_id   standing_order_cancel standing_order_id
 *
 *   audit_checkpoint   a signed checkpoint of the audit trail; answered when it is in the journal
 *   consent_revoke     consent_id key -> consent_id replayed: a consent to reads of accounts ends at the bank (CANC);
 *                      consent_not_found, consent_status
 *   consent_authenticate  as consent_revoke: it rests (CANC) until its customer has authenticated anew
 *   auth_keys          action(list|rotate|reload) -> rotated? keys[{kid state}]
 *
 *   hand_over          the connection is then hand_over.h's; "not_now" while starting, stopping or given to another
 *
 * "key" is an idempotency key: the same line again gets the same answer. Amounts are in the account's currency.
 *
 *   ledger_post        legs[{account side amount currency value_day?}] booking_day? value_day? mirror? notes{}?
 *   ledger_reverse     transaction amount_minor?
 *   ledger_account     action(overdraft|limits|freeze|close|notes) account, and amount_minor | floor_minor?
 *                      ceiling_minor? | debits credits | notes{}
 *   ledger_hold        action(reserve|capture|release|increase|extend) hold_id? account? contra? amount? currency?
 *                      expires_at? final?
 *   ledger_close_day   day? (no key)
 *   payment_refund     payment_id amount currency
 * each -> result{} (integration/command_ledger.h) and id. An account is its number, its account_id, or one of the
 * bank's own: "fees/GBP", "nostro/GBP/3". Each takes a "key" too, and each stands in the audit trail. Days are
 * "2026-11-22", amounts as money_parse reads them.
 *
 * What is there already is answered with its id and "created":false, so that a start can ask for everything again.
 * (A1) The socket has mode 0600, and who connects must be this process's user or root (SO_PEERCRED); others are closed
 * unread. (A2) A line over ADMIN_LINE_BYTES_MAX, or a connection that says nothing for ADMIN_IDLE_MS, is closed. (A3)
 * At most ADMIN_THREADS connections are served at a time; others wait in the listener's queue. Passwords are wiped with
 * the line. (A4) A command that registers, opens or moves money leaves its audit record in the commit that it belongs
 * to; any other line but a look leaves one in the next. Each holds the line, masked (admin_audit.h). */
#ifndef GIRO_APP_ADMIN_H
#define GIRO_APP_ADMIN_H

#include "auth/signing_keys.h"
#include "integration/integration.h"
#include "observe/log.h"

enum {
    ADMIN_THREADS = 4,
    ADMIN_LINE_BYTES_MAX = 1024 * 1024, /* a file of payments is one line */
    ADMIN_ANSWER_BYTES_MAX = 64 * 1024,
    ADMIN_IDLE_MS = 30000,
    ADMIN_SEND_MS = 5000,
};

struct admin;
struct admin_options { /* all borrowed for the admin's life, but path */
    struct integration *integration;
    const char *path;
    struct log *log;
    /* Another process asks for the store and the socket on this connection; takes a copy of fd. False: not now. NULL:
     * never. */
    bool (*hand_over)(void *ctx, int fd);
    bool (*checkpoint)(
        void *ctx); /* makes a checkpoint of the audit trail and waits for it; false: not here, or not now */
    void *ctx;
    struct signing_keys *signing_keys; /* and where they lie; NULL: auth_keys is unavailable */
    const char *signing_key_path;
};

/* 0; <0 with a sentence in message (-EADDRINUSE: another daemon has the socket). */
int admin_start(const struct admin_options *options, struct admin **ret_admin, struct message *message) MUST_USE;
/* Lets commands under way end and closes; the engine must still run. Returns NULL, takes NULL. */
struct admin *admin_stop(struct admin *admin);

#endif
