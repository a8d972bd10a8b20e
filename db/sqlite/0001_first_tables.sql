-- The first tables, as build/schema prints them from the descriptors in src/.
CREATE TABLE "engine_journal" (
    "epoch" INTEGER NOT NULL,
    "seq" INTEGER NOT NULL,
    "at_ms" INTEGER NOT NULL,
    "last_id" BLOB NOT NULL CHECK (length("last_id") = 16),
    "prev_hash" BLOB NOT NULL CHECK (length("prev_hash") = 32),
    "entries_hash" BLOB NOT NULL CHECK (length("entries_hash") = 32),
    "rows_hash" BLOB NOT NULL CHECK (length("rows_hash") = 32),
    "hash" BLOB NOT NULL CHECK (length("hash") = 32),
    "body" BLOB NOT NULL,
    PRIMARY KEY ("epoch", "seq")
) STRICT;
CREATE TRIGGER "engine_journal_no_update" BEFORE UPDATE ON "engine_journal"
BEGIN
    SELECT RAISE(ABORT, 'engine_journal is append-only');
END;
CREATE TRIGGER "engine_journal_no_delete" BEFORE DELETE ON "engine_journal"
BEGIN
    SELECT RAISE(ABORT, 'engine_journal is append-only');
END;

CREATE TABLE "engine_key" (
    "day" INTEGER NOT NULL,
    "key" BLOB NOT NULL CHECK (length("key") = 16),
    "answer" INTEGER NOT NULL,
    PRIMARY KEY ("day", "key")
) STRICT, WITHOUT ROWID;

CREATE TABLE "engine_answer" (
    "number" INTEGER NOT NULL PRIMARY KEY,
    "fingerprint" BLOB NOT NULL CHECK (length("fingerprint") = 32),
    "refusal" INTEGER NOT NULL,
    "created_ms" INTEGER NOT NULL,
    "expires_ms" INTEGER NOT NULL,
    "resource_id" BLOB NOT NULL CHECK (length("resource_id") = 16),
    "answer" BLOB NOT NULL
) STRICT;

CREATE TABLE "engine_counter" (
    "kind" INTEGER NOT NULL PRIMARY KEY,
    "value" INTEGER NOT NULL
) STRICT;

CREATE TABLE "ledger_account" (
    "number" INTEGER NOT NULL PRIMARY KEY,
    "kind" INTEGER NOT NULL,
    "currency" INTEGER NOT NULL,
    "posted_minor" INTEGER NOT NULL,
    "held_minor" INTEGER NOT NULL,
    "overdraft_minor" INTEGER NOT NULL,
    "entry_count" INTEGER NOT NULL,
    "opened_ms" INTEGER NOT NULL,
    "incoming_minor" INTEGER NOT NULL,
    "state" INTEGER NOT NULL,
    "floor_minor" INTEGER NOT NULL,
    "ceiling_minor" INTEGER NOT NULL
) STRICT;

CREATE TABLE "ledger_transaction" (
    "number" INTEGER NOT NULL PRIMARY KEY,
    "transaction_id" BLOB NOT NULL CHECK (length("transaction_id") = 16),
    "kind" INTEGER NOT NULL,
    "payment_id" BLOB NOT NULL CHECK (length("payment_id") = 16),
    "currency" INTEGER NOT NULL,
    "amount_minor" INTEGER NOT NULL,
    "entry_count" INTEGER NOT NULL,
    "first_entry" INTEGER NOT NULL,
    "booked_ms" INTEGER NOT NULL,
    "booking_day" INTEGER NOT NULL,
    "reverses" INTEGER NOT NULL,
    "batch_seq" INTEGER NOT NULL
) STRICT;
CREATE TRIGGER "ledger_transaction_no_update" BEFORE UPDATE ON "ledger_transaction"
BEGIN
    SELECT RAISE(ABORT, 'ledger_transaction is append-only');
END;
CREATE TRIGGER "ledger_transaction_no_delete" BEFORE DELETE ON "ledger_transaction"
BEGIN
    SELECT RAISE(ABORT, 'ledger_transaction is append-only');
END;

CREATE TABLE "ledger_entry" (
    "number" INTEGER NOT NULL PRIMARY KEY,
    "transaction" INTEGER NOT NULL,
    "account" INTEGER NOT NULL,
    "sequence" INTEGER NOT NULL,
    "side" INTEGER NOT NULL,
    "currency" INTEGER NOT NULL,
    "amount_minor" INTEGER NOT NULL,
    "balance_after_minor" INTEGER NOT NULL,
    "booked_ms" INTEGER NOT NULL,
    "value_day" INTEGER NOT NULL,
    "payment_id" BLOB NOT NULL CHECK (length("payment_id") = 16),
    "batch_seq" INTEGER NOT NULL
) STRICT;
CREATE TRIGGER "ledger_entry_no_update" BEFORE UPDATE ON "ledger_entry"
BEGIN
    SELECT RAISE(ABORT, 'ledger_entry is append-only');
END;
CREATE TRIGGER "ledger_entry_no_delete" BEFORE DELETE ON "ledger_entry"
BEGIN
    SELECT RAISE(ABORT, 'ledger_entry is append-only');
END;

CREATE TABLE "ledger_statement" (
    "account" INTEGER NOT NULL,
    "sequence" INTEGER NOT NULL,
    "number" INTEGER NOT NULL,
    "transaction" INTEGER NOT NULL,
    "side" INTEGER NOT NULL,
    "currency" INTEGER NOT NULL,
    "amount_minor" INTEGER NOT NULL,
    "balance_after_minor" INTEGER NOT NULL,
    "booked_ms" INTEGER NOT NULL,
    "value_day" INTEGER NOT NULL,
    "payment_id" BLOB NOT NULL CHECK (length("payment_id") = 16),
    PRIMARY KEY ("account", "sequence")
) STRICT, WITHOUT ROWID;

CREATE TABLE "ledger_statement_mark" (
    "part" INTEGER NOT NULL PRIMARY KEY,
    "number" INTEGER NOT NULL,
    "clearing" INTEGER NOT NULL
) STRICT;

CREATE TABLE "ledger_hold" (
    "hold_id" BLOB NOT NULL CHECK (length("hold_id") = 16),
    "purpose" INTEGER NOT NULL,
    "account" INTEGER NOT NULL,
    "side" INTEGER NOT NULL,
    "currency" INTEGER NOT NULL,
    "amount_minor" INTEGER NOT NULL,
    "captured_minor" INTEGER NOT NULL,
    "state" INTEGER NOT NULL,
    "created_ms" INTEGER NOT NULL,
    "ended_ms" INTEGER NOT NULL,
    "expires_ms" INTEGER NOT NULL,
    "transaction" INTEGER NOT NULL,
    PRIMARY KEY ("hold_id")
) STRICT, WITHOUT ROWID;

CREATE TABLE "ledger_hold_expiry" (
    "hold_id" BLOB NOT NULL CHECK (length("hold_id") = 16),
    "expires_ms" INTEGER NOT NULL,
    PRIMARY KEY ("hold_id")
) STRICT, WITHOUT ROWID;
CREATE INDEX "ledger_hold_expiry_time" ON "ledger_hold_expiry" ("expires_ms", "hold_id");

CREATE TABLE "ledger_reversal" (
    "entry" INTEGER NOT NULL PRIMARY KEY,
    "transaction" INTEGER NOT NULL,
    "original" INTEGER NOT NULL,
    "original_entry" INTEGER NOT NULL
) STRICT;
CREATE INDEX "ledger_reversal_original" ON "ledger_reversal" ("original", "entry");
CREATE TRIGGER "ledger_reversal_no_update" BEFORE UPDATE ON "ledger_reversal"
BEGIN
    SELECT RAISE(ABORT, 'ledger_reversal is append-only');
END;
CREATE TRIGGER "ledger_reversal_no_delete" BEFORE DELETE ON "ledger_reversal"
BEGIN
    SELECT RAISE(ABORT, 'ledger_reversal is append-only');
END;

CREATE TABLE "ledger_reversed" (
    "entry" INTEGER NOT NULL PRIMARY KEY,
    "reversed_minor" INTEGER NOT NULL
) STRICT;

CREATE TABLE "ledger_books" (
    "books" INTEGER NOT NULL PRIMARY KEY,
    "closed_day" INTEGER NOT NULL
) STRICT;

CREATE TABLE "ledger_period" (
    "day" INTEGER NOT NULL PRIMARY KEY,
    "closed_ms" INTEGER NOT NULL,
    "sealed_ms" INTEGER NOT NULL,
    "accounts" INTEGER NOT NULL,
    "transactions" INTEGER NOT NULL,
    "digest" BLOB NOT NULL CHECK (length("digest") = 32)
) STRICT;

CREATE TABLE "ledger_note" (
    "subject" INTEGER NOT NULL,
    "number" INTEGER NOT NULL,
    "text" BLOB NOT NULL,
    PRIMARY KEY ("subject", "number")
) STRICT, WITHOUT ROWID;

CREATE TABLE "accounts_account" (
    "account_id" BLOB NOT NULL CHECK (length("account_id") = 16),
    "number" INTEGER NOT NULL,
    "customer_id" BLOB NOT NULL CHECK (length("customer_id") = 16),
    "client_id" BLOB NOT NULL CHECK (length("client_id") = 16),
    "iban" TEXT NOT NULL,
    "sort_code" TEXT NOT NULL,
    "account_number" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "currency" INTEGER NOT NULL,
    "product" INTEGER NOT NULL,
    "status" INTEGER NOT NULL,
    "opened_ms" INTEGER NOT NULL,
    PRIMARY KEY ("account_id")
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX "accounts_account_iban" ON "accounts_account" ("iban");
CREATE INDEX "accounts_account_customer" ON "accounts_account" ("customer_id", "account_id");
CREATE INDEX "accounts_account_client" ON "accounts_account" ("client_id", "account_id");
CREATE UNIQUE INDEX "accounts_account_number" ON "accounts_account" ("number");

CREATE TABLE "customers_customer" (
    "customer_id" BLOB NOT NULL CHECK (length("customer_id") = 16),
    "login" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "password" TEXT NOT NULL,
    "totp_secret" BLOB NOT NULL,
    "totp_last_step" INTEGER NOT NULL,
    "failed_count" INTEGER NOT NULL,
    "locked_until_ms" INTEGER NOT NULL,
    "created_ms" INTEGER NOT NULL,
    PRIMARY KEY ("customer_id")
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX "customers_customer_login" ON "customers_customer" ("login");

CREATE TABLE "identity_client" (
    "client_id" BLOB NOT NULL CHECK (length("client_id") = 16),
    "name" TEXT NOT NULL,
    "display_name" TEXT NOT NULL,
    "profile" INTEGER NOT NULL,
    "sender" INTEGER NOT NULL,
    "status" INTEGER NOT NULL,
    "flags" INTEGER NOT NULL,
    "tier" TEXT NOT NULL,
    "org_id" TEXT NOT NULL,
    "software_id" TEXT NOT NULL,
    "scope" TEXT NOT NULL,
    "redirect_uris" TEXT NOT NULL,
    "jwks" TEXT NOT NULL,
    "created_ms" INTEGER NOT NULL,
    "auth" INTEGER NOT NULL,
    "jwks_uri" TEXT NOT NULL,
    "tls_subject" TEXT NOT NULL,
    "directory" TEXT NOT NULL,
    "roles" TEXT NOT NULL,
    "addresses" TEXT NOT NULL,
    "requests_per_second" INTEGER NOT NULL,
    "burst" INTEGER NOT NULL,
    "daily_limit" INTEGER NOT NULL,
    "metadata" TEXT NOT NULL,
    "registration_hash" BLOB NOT NULL CHECK (length("registration_hash") = 32),
    PRIMARY KEY ("client_id")
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX "identity_client_name" ON "identity_client" ("name");
CREATE UNIQUE INDEX "identity_client_software" ON "identity_client" ("software_id");

CREATE TABLE "identity_token" (
    "token_hash" BLOB NOT NULL CHECK (length("token_hash") = 32),
    "client_id" BLOB NOT NULL CHECK (length("client_id") = 16),
    "customer_id" BLOB NOT NULL CHECK (length("customer_id") = 16),
    "consent_id" BLOB NOT NULL CHECK (length("consent_id") = 16),
    "scope" TEXT NOT NULL,
    "certificate_hash" BLOB NOT NULL CHECK (length("certificate_hash") = 32),
    "issued_ms" INTEGER NOT NULL,
    "expires_ms" INTEGER NOT NULL,
    "revoked_ms" INTEGER NOT NULL,
    "key_thumbprint" BLOB NOT NULL CHECK (length("key_thumbprint") = 32),
    "grant_id" BLOB NOT NULL CHECK (length("grant_id") = 16),
    PRIMARY KEY ("token_hash")
) STRICT, WITHOUT ROWID;

CREATE TABLE "identity_jti" (
    "key" BLOB NOT NULL CHECK (length("key") = 16),
    "expires_ms" INTEGER NOT NULL,
    PRIMARY KEY ("key")
) STRICT, WITHOUT ROWID;

CREATE TABLE "identity_pushed" (
    "request_hash" BLOB NOT NULL CHECK (length("request_hash") = 32),
    "client_id" BLOB NOT NULL CHECK (length("client_id") = 16),
    "consent_id" BLOB NOT NULL CHECK (length("consent_id") = 16),
    "params" TEXT NOT NULL,
    "created_ms" INTEGER NOT NULL,
    "expires_ms" INTEGER NOT NULL,
    "used_ms" INTEGER NOT NULL,
    PRIMARY KEY ("request_hash")
) STRICT, WITHOUT ROWID;

CREATE TABLE "identity_code" (
    "code_hash" BLOB NOT NULL CHECK (length("code_hash") = 32),
    "client_id" BLOB NOT NULL CHECK (length("client_id") = 16),
    "customer_id" BLOB NOT NULL CHECK (length("customer_id") = 16),
    "consent_id" BLOB NOT NULL CHECK (length("consent_id") = 16),
    "scope" TEXT NOT NULL,
    "redirect_uri" TEXT NOT NULL,
    "code_challenge" TEXT NOT NULL,
    "nonce" TEXT NOT NULL,
    "acr" TEXT NOT NULL,
    "auth_ms" INTEGER NOT NULL,
    "issued_ms" INTEGER NOT NULL,
    "expires_ms" INTEGER NOT NULL,
    "used_ms" INTEGER NOT NULL,
    "grant_id" BLOB NOT NULL CHECK (length("grant_id") = 16),
    "key_thumbprint" BLOB NOT NULL CHECK (length("key_thumbprint") = 32),
    "details" TEXT NOT NULL,
    PRIMARY KEY ("code_hash")
) STRICT, WITHOUT ROWID;

CREATE TABLE "identity_grant" (
    "grant_id" BLOB NOT NULL CHECK (length("grant_id") = 16),
    "client_id" BLOB NOT NULL CHECK (length("client_id") = 16),
    "customer_id" BLOB NOT NULL CHECK (length("customer_id") = 16),
    "consent_id" BLOB NOT NULL CHECK (length("consent_id") = 16),
    "scope" TEXT NOT NULL,
    "acr" TEXT NOT NULL,
    "details" TEXT NOT NULL,
    "auth_ms" INTEGER NOT NULL,
    "granted_ms" INTEGER NOT NULL,
    "expires_ms" INTEGER NOT NULL,
    "revoked_ms" INTEGER NOT NULL,
    PRIMARY KEY ("grant_id")
) STRICT, WITHOUT ROWID;

CREATE TABLE "identity_refresh" (
    "refresh_hash" BLOB NOT NULL CHECK (length("refresh_hash") = 32),
    "grant_id" BLOB NOT NULL CHECK (length("grant_id") = 16),
    "client_id" BLOB NOT NULL CHECK (length("client_id") = 16),
    "issued_ms" INTEGER NOT NULL,
    "expires_ms" INTEGER NOT NULL,
    "replaced_ms" INTEGER NOT NULL,
    PRIMARY KEY ("refresh_hash")
) STRICT, WITHOUT ROWID;

CREATE TABLE "identity_session" (
    "session_hash" BLOB NOT NULL CHECK (length("session_hash") = 32),
    "request_hash" BLOB NOT NULL CHECK (length("request_hash") = 32),
    "client_id" BLOB NOT NULL CHECK (length("client_id") = 16),
    "customer_id" BLOB NOT NULL CHECK (length("customer_id") = 16),
    "accounts" BLOB NOT NULL,
    "stage" INTEGER NOT NULL,
    "failed_count" INTEGER NOT NULL,
    "auth_ms" INTEGER NOT NULL,
    "created_ms" INTEGER NOT NULL,
    "expires_ms" INTEGER NOT NULL,
    PRIMARY KEY ("session_hash")
) STRICT, WITHOUT ROWID;

CREATE TABLE "identity_quota" (
    "key" BLOB NOT NULL CHECK (length("key") = 32),
    "expires_ms" INTEGER NOT NULL,
    "used" INTEGER NOT NULL,
    PRIMARY KEY ("key")
) STRICT, WITHOUT ROWID;

CREATE TABLE "consents_payment_consent" (
    "consent_id" BLOB NOT NULL CHECK (length("consent_id") = 16),
    "client_id" BLOB NOT NULL CHECK (length("client_id") = 16),
    "customer_id" BLOB NOT NULL CHECK (length("customer_id") = 16),
    "account_id" BLOB NOT NULL CHECK (length("account_id") = 16),
    "payment_id" BLOB NOT NULL CHECK (length("payment_id") = 16),
    "status" INTEGER NOT NULL,
    "initiation" TEXT NOT NULL,
    "risk" TEXT NOT NULL,
    "document" TEXT NOT NULL,
    "currency" INTEGER NOT NULL,
    "amount_minor" INTEGER NOT NULL,
    "creditor_name" TEXT NOT NULL,
    "creditor_scheme" TEXT NOT NULL,
    "creditor_identification" TEXT NOT NULL,
    "debtor_scheme" TEXT NOT NULL,
    "debtor_identification" TEXT NOT NULL,
    "created_ms" INTEGER NOT NULL,
    "status_ms" INTEGER NOT NULL,
    "asked_until_ms" INTEGER NOT NULL,
    "approval_hash" BLOB NOT NULL CHECK (length("approval_hash") = 32),
    "version" INTEGER NOT NULL,
    PRIMARY KEY ("consent_id")
) STRICT, WITHOUT ROWID;
CREATE INDEX "consents_payment_consent_customer" ON "consents_payment_consent" ("customer_id", "consent_id");
CREATE INDEX "consents_payment_consent_client" ON "consents_payment_consent" ("client_id", "consent_id");

CREATE TABLE "consents_account_consent" (
    "consent_id" BLOB NOT NULL CHECK (length("consent_id") = 16),
    "client_id" BLOB NOT NULL CHECK (length("client_id") = 16),
    "customer_id" BLOB NOT NULL CHECK (length("customer_id") = 16),
    "status" INTEGER NOT NULL,
    "permissions" INTEGER NOT NULL,
    "expires_ms" INTEGER NOT NULL,
    "from_ms" INTEGER NOT NULL,
    "to_ms" INTEGER NOT NULL,
    "accounts" BLOB NOT NULL,
    "document" TEXT NOT NULL,
    "created_ms" INTEGER NOT NULL,
    "status_ms" INTEGER NOT NULL,
    "asked_until_ms" INTEGER NOT NULL,
    "approval_hash" BLOB NOT NULL CHECK (length("approval_hash") = 32),
    "renewal_ms" INTEGER NOT NULL,
    "demanded" INTEGER NOT NULL,
    PRIMARY KEY ("consent_id")
) STRICT, WITHOUT ROWID;
CREATE INDEX "consents_account_consent_customer" ON "consents_account_consent" ("customer_id", "consent_id");
CREATE INDEX "consents_account_consent_client" ON "consents_account_consent" ("client_id", "consent_id");

CREATE TABLE "payments_payment" (
    "payment_id" BLOB NOT NULL CHECK (length("payment_id") = 16),
    "client_id" BLOB NOT NULL CHECK (length("client_id") = 16),
    "customer_id" BLOB NOT NULL CHECK (length("customer_id") = 16),
    "consent_id" BLOB NOT NULL CHECK (length("consent_id") = 16),
    "debtor_account_id" BLOB NOT NULL CHECK (length("debtor_account_id") = 16),
    "debtor_number" INTEGER NOT NULL,
    "creditor_number" INTEGER NOT NULL,
    "creditor_name" TEXT NOT NULL,
    "creditor_iban" TEXT NOT NULL,
    "creditor_sort_code" TEXT NOT NULL,
    "creditor_account_number" TEXT NOT NULL,
    "currency" INTEGER NOT NULL,
    "amount_minor" INTEGER NOT NULL,
    "fee_minor" INTEGER NOT NULL,
    "reference" TEXT NOT NULL,
    "end_to_end_id" TEXT NOT NULL,
    "instruction_id" TEXT NOT NULL,
    "type" INTEGER NOT NULL,
    "status" INTEGER NOT NULL,
    "reason" INTEGER NOT NULL,
    "created_ms" INTEGER NOT NULL,
    "status_ms" INTEGER NOT NULL,
    "timeline" BLOB NOT NULL,
    "core_reference" TEXT NOT NULL,
    PRIMARY KEY ("payment_id")
) STRICT, WITHOUT ROWID;
CREATE INDEX "payments_payment_client" ON "payments_payment" ("client_id", "payment_id");

CREATE TABLE "payments_scheduled" (
    "scheduled_id" BLOB NOT NULL CHECK (length("scheduled_id") = 16),
    "client_id" BLOB NOT NULL CHECK (length("client_id") = 16),
    "customer_id" BLOB NOT NULL CHECK (length("customer_id") = 16),
    "consent_id" BLOB NOT NULL CHECK (length("consent_id") = 16),
    "debtor_account_id" BLOB NOT NULL CHECK (length("debtor_account_id") = 16),
    "creditor_name" TEXT NOT NULL,
    "creditor_iban" TEXT NOT NULL,
    "creditor_sort_code" TEXT NOT NULL,
    "creditor_account_number" TEXT NOT NULL,
    "reference" TEXT NOT NULL,
    "end_to_end_id" TEXT NOT NULL,
    "instruction_id" TEXT NOT NULL,
    "currency" INTEGER NOT NULL,
    "amount_minor" INTEGER NOT NULL,
    "requested_day" INTEGER NOT NULL,
    "due_day" INTEGER NOT NULL,
    "due_ms" INTEGER NOT NULL,
    "state" INTEGER NOT NULL,
    "attempts" INTEGER NOT NULL,
    "reason" TEXT NOT NULL,
    "payment_id" BLOB NOT NULL CHECK (length("payment_id") = 16),
    "created_ms" INTEGER NOT NULL,
    "ended_ms" INTEGER NOT NULL,
    PRIMARY KEY ("scheduled_id")
) STRICT, WITHOUT ROWID;
CREATE INDEX "payments_scheduled_due" ON "payments_scheduled" ("state", "due_ms", "scheduled_id");
CREATE INDEX "payments_scheduled_account" ON "payments_scheduled" ("debtor_account_id", "scheduled_id");

CREATE TABLE "payments_standing_order" (
    "standing_order_id" BLOB NOT NULL CHECK (length("standing_order_id") = 16),
    "client_id" BLOB NOT NULL CHECK (length("client_id") = 16),
    "customer_id" BLOB NOT NULL CHECK (length("customer_id") = 16),
    "consent_id" BLOB NOT NULL CHECK (length("consent_id") = 16),
    "debtor_account_id" BLOB NOT NULL CHECK (length("debtor_account_id") = 16),
    "creditor_name" TEXT NOT NULL,
    "creditor_iban" TEXT NOT NULL,
    "creditor_sort_code" TEXT NOT NULL,
    "creditor_account_number" TEXT NOT NULL,
    "reference" TEXT NOT NULL,
    "end_to_end_id" TEXT NOT NULL,
    "instruction_id" TEXT NOT NULL,
    "currency" INTEGER NOT NULL,
    "amount_minor" INTEGER NOT NULL,
    "state" INTEGER NOT NULL,
    "due_ms" INTEGER NOT NULL,
    "frequency" TEXT NOT NULL,
    "first_minor" INTEGER NOT NULL,
    "final_minor" INTEGER NOT NULL,
    "first_day" INTEGER NOT NULL,
    "recurring_day" INTEGER NOT NULL,
    "final_day" INTEGER NOT NULL,
    "payments_max" INTEGER NOT NULL,
    "sequence" INTEGER NOT NULL,
    "plan_day" INTEGER NOT NULL,
    "plan_part" INTEGER NOT NULL,
    "last_day" INTEGER NOT NULL,
    "due_day" INTEGER NOT NULL,
    "created_ms" INTEGER NOT NULL,
    "ended_ms" INTEGER NOT NULL,
    PRIMARY KEY ("standing_order_id")
) STRICT, WITHOUT ROWID;
CREATE INDEX "payments_standing_order_due" ON "payments_standing_order" ("state", "due_ms", "standing_order_id");
CREATE INDEX "payments_standing_order_account" ON "payments_standing_order" ("debtor_account_id", "standing_order_id");

CREATE TABLE "payments_standing_order_run" (
    "standing_order_id" BLOB NOT NULL CHECK (length("standing_order_id") = 16),
    "sequence" INTEGER NOT NULL,
    "plan_day" INTEGER NOT NULL,
    "amount_minor" INTEGER NOT NULL,
    "payment_id" BLOB NOT NULL CHECK (length("payment_id") = 16),
    "reason" TEXT NOT NULL,
    "at_ms" INTEGER NOT NULL,
    PRIMARY KEY ("standing_order_id", "sequence")
) STRICT, WITHOUT ROWID;
CREATE TRIGGER "payments_standing_order_run_no_update" BEFORE UPDATE ON "payments_standing_order_run"
BEGIN
    SELECT RAISE(ABORT, 'payments_standing_order_run is append-only');
END;
CREATE TRIGGER "payments_standing_order_run_no_delete" BEFORE DELETE ON "payments_standing_order_run"
BEGIN
    SELECT RAISE(ABORT, 'payments_standing_order_run is append-only');
END;

CREATE TABLE "payments_file" (
    "file_id" BLOB NOT NULL CHECK (length("file_id") = 16),
    "state" INTEGER NOT NULL,
    "due_ms" INTEGER NOT NULL,
    "client_id" BLOB NOT NULL CHECK (length("client_id") = 16),
    "customer_id" BLOB NOT NULL CHECK (length("customer_id") = 16),
    "consent_id" BLOB NOT NULL CHECK (length("consent_id") = 16),
    "debtor_account_id" BLOB NOT NULL CHECK (length("debtor_account_id") = 16),
    "file_hash" BLOB NOT NULL CHECK (length("file_hash") = 32),
    "reference" TEXT NOT NULL,
    "currency" INTEGER NOT NULL,
    "item_count" INTEGER NOT NULL,
    "control_sum_minor" INTEGER NOT NULL,
    "due_day" INTEGER NOT NULL,
    "done" INTEGER NOT NULL,
    "accepted" INTEGER NOT NULL,
    "rejected" INTEGER NOT NULL,
    "through" INTEGER NOT NULL,
    "accepted_minor" INTEGER NOT NULL,
    "created_ms" INTEGER NOT NULL,
    "ended_ms" INTEGER NOT NULL,
    PRIMARY KEY ("file_id")
) STRICT, WITHOUT ROWID;
CREATE INDEX "payments_file_due" ON "payments_file" ("state", "due_ms", "file_id");

CREATE TABLE "payments_file_item" (
    "file_id" BLOB NOT NULL CHECK (length("file_id") = 16),
    "number" INTEGER NOT NULL,
    "client_id" BLOB NOT NULL CHECK (length("client_id") = 16),
    "customer_id" BLOB NOT NULL CHECK (length("customer_id") = 16),
    "consent_id" BLOB NOT NULL CHECK (length("consent_id") = 16),
    "debtor_account_id" BLOB NOT NULL CHECK (length("debtor_account_id") = 16),
    "creditor_name" TEXT NOT NULL,
    "creditor_iban" TEXT NOT NULL,
    "creditor_sort_code" TEXT NOT NULL,
    "creditor_account_number" TEXT NOT NULL,
    "reference" TEXT NOT NULL,
    "end_to_end_id" TEXT NOT NULL,
    "instruction_id" TEXT NOT NULL,
    "currency" INTEGER NOT NULL,
    "amount_minor" INTEGER NOT NULL,
    PRIMARY KEY ("file_id", "number")
) STRICT, WITHOUT ROWID;
CREATE TRIGGER "payments_file_item_no_update" BEFORE UPDATE ON "payments_file_item"
BEGIN
    SELECT RAISE(ABORT, 'payments_file_item is append-only');
END;
CREATE TRIGGER "payments_file_item_no_delete" BEFORE DELETE ON "payments_file_item"
BEGIN
    SELECT RAISE(ABORT, 'payments_file_item is append-only');
END;

CREATE TABLE "payments_file_result" (
    "file_id" BLOB NOT NULL CHECK (length("file_id") = 16),
    "number" INTEGER NOT NULL,
    "payment_id" BLOB NOT NULL CHECK (length("payment_id") = 16),
    "reason" TEXT NOT NULL,
    "at_ms" INTEGER NOT NULL,
    PRIMARY KEY ("file_id", "number")
) STRICT, WITHOUT ROWID;
CREATE TRIGGER "payments_file_result_no_update" BEFORE UPDATE ON "payments_file_result"
BEGIN
    SELECT RAISE(ABORT, 'payments_file_result is append-only');
END;
CREATE TRIGGER "payments_file_result_no_delete" BEFORE DELETE ON "payments_file_result"
BEGIN
    SELECT RAISE(ABORT, 'payments_file_result is append-only');
END;

CREATE TABLE "fraud_counter" (
    "account" INTEGER NOT NULL PRIMARY KEY,
    "minute" INTEGER NOT NULL,
    "count" INTEGER NOT NULL
) STRICT;

CREATE TABLE "insights_report" (
    "day" INTEGER NOT NULL,
    "type" INTEGER NOT NULL,
    "status" INTEGER NOT NULL,
    "currency" INTEGER NOT NULL,
    "payments" INTEGER NOT NULL,
    "amount_minor" INTEGER NOT NULL,
    PRIMARY KEY ("day", "type", "status", "currency")
) STRICT, WITHOUT ROWID;

CREATE TABLE "integration_saga" (
    "saga_id" BLOB NOT NULL CHECK (length("saga_id") = 16),
    "state" BLOB NOT NULL,
    "record_ms" INTEGER NOT NULL,
    "enquiries" INTEGER NOT NULL,
    "interaction_id" BLOB NOT NULL CHECK (length("interaction_id") = 16),
    PRIMARY KEY ("saga_id")
) STRICT, WITHOUT ROWID;

CREATE TABLE "integration_cursor" (
    "consumer" TEXT NOT NULL,
    "epoch" INTEGER NOT NULL,
    "seq" INTEGER NOT NULL,
    "event" INTEGER NOT NULL,
    PRIMARY KEY ("consumer")
) STRICT, WITHOUT ROWID;
