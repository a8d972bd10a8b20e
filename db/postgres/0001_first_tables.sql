-- The first tables, as build/schema postgres prints them from the descriptors in src/.
CREATE SCHEMA IF NOT EXISTS "engine";
GRANT USAGE ON SCHEMA "engine" TO giro_engine, giro_read;
CREATE TABLE "engine"."journal" (
    "epoch" bigint NOT NULL,
    "seq" bigint NOT NULL,
    "at_ms" bigint NOT NULL,
    "last_id" bytea NOT NULL CHECK (octet_length("last_id") = 16),
    "prev_hash" bytea NOT NULL CHECK (octet_length("prev_hash") = 32),
    "entries_hash" bytea NOT NULL CHECK (octet_length("entries_hash") = 32),
    "rows_hash" bytea NOT NULL CHECK (octet_length("rows_hash") = 32),
    "hash" bytea NOT NULL CHECK (octet_length("hash") = 32),
    "body" bytea NOT NULL,
    PRIMARY KEY ("epoch", "seq")
);
ALTER TABLE "engine"."journal" ALTER COLUMN "body" SET STORAGE EXTERNAL;
GRANT SELECT ON "engine"."journal" TO giro_read;
GRANT SELECT, INSERT ON "engine"."journal" TO giro_engine;
REVOKE UPDATE, DELETE, TRUNCATE ON "engine"."journal" FROM giro_owner;
CREATE TRIGGER "journal_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "engine"."journal"
    FOR EACH STATEMENT EXECUTE FUNCTION "store"."append_only"();

CREATE TABLE "engine"."key" (
    "day" bigint NOT NULL,
    "key" bytea NOT NULL CHECK (octet_length("key") = 16),
    "answer" bigint NOT NULL,
    PRIMARY KEY ("day", "key")
);
GRANT SELECT ON "engine"."key" TO giro_read;
GRANT SELECT, INSERT, UPDATE, DELETE ON "engine"."key" TO giro_engine;

CREATE TABLE "engine"."answer" (
    "number" bigint NOT NULL,
    "fingerprint" bytea NOT NULL CHECK (octet_length("fingerprint") = 32),
    "refusal" bigint NOT NULL,
    "created_ms" bigint NOT NULL,
    "expires_ms" bigint NOT NULL,
    "resource_id" bytea NOT NULL CHECK (octet_length("resource_id") = 16),
    "answer" bytea NOT NULL,
    PRIMARY KEY ("number")
);
ALTER TABLE "engine"."answer" ALTER COLUMN "answer" SET STORAGE EXTERNAL;
GRANT SELECT ON "engine"."answer" TO giro_read;
GRANT SELECT, INSERT, UPDATE, DELETE ON "engine"."answer" TO giro_engine;

CREATE TABLE "engine"."counter" (
    "kind" bigint NOT NULL,
    "value" bigint NOT NULL,
    PRIMARY KEY ("kind")
);
GRANT SELECT ON "engine"."counter" TO giro_read;
GRANT SELECT, INSERT, UPDATE, DELETE ON "engine"."counter" TO giro_engine;

CREATE SCHEMA IF NOT EXISTS "ledger";
GRANT USAGE ON SCHEMA "ledger" TO giro_engine, giro_read;
CREATE TABLE "ledger"."account" (
    "number" bigint NOT NULL,
    "kind" bigint NOT NULL,
    "currency" bigint NOT NULL,
    "posted_minor" bigint NOT NULL,
    "held_minor" bigint NOT NULL,
    "overdraft_minor" bigint NOT NULL,
    "entry_count" bigint NOT NULL,
    "opened_ms" bigint NOT NULL,
    "incoming_minor" bigint NOT NULL,
    "state" bigint NOT NULL,
    "floor_minor" bigint NOT NULL,
    "ceiling_minor" bigint NOT NULL,
    PRIMARY KEY ("number")
);
GRANT SELECT ON "ledger"."account" TO giro_read;
GRANT SELECT, INSERT, UPDATE, DELETE ON "ledger"."account" TO giro_engine;

CREATE TABLE "ledger"."transaction" (
    "number" bigint NOT NULL,
    "transaction_id" bytea NOT NULL CHECK (octet_length("transaction_id") = 16),
    "kind" bigint NOT NULL,
    "payment_id" bytea NOT NULL CHECK (octet_length("payment_id") = 16),
    "currency" bigint NOT NULL,
    "amount_minor" bigint NOT NULL,
    "entry_count" bigint NOT NULL,
    "first_entry" bigint NOT NULL,
    "booked_ms" bigint NOT NULL,
    "booking_day" bigint NOT NULL,
    "reverses" bigint NOT NULL,
    "batch_seq" bigint NOT NULL,
    PRIMARY KEY ("number")
);
GRANT SELECT ON "ledger"."transaction" TO giro_read;
GRANT SELECT, INSERT ON "ledger"."transaction" TO giro_engine;
REVOKE UPDATE, DELETE, TRUNCATE ON "ledger"."transaction" FROM giro_owner;
CREATE TRIGGER "transaction_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "ledger"."transaction"
    FOR EACH STATEMENT EXECUTE FUNCTION "store"."append_only"();

CREATE TABLE "ledger"."entry" (
    "number" bigint NOT NULL,
    "transaction" bigint NOT NULL,
    "account" bigint NOT NULL,
    "sequence" bigint NOT NULL,
    "side" bigint NOT NULL,
    "currency" bigint NOT NULL,
    "amount_minor" bigint NOT NULL,
    "balance_after_minor" bigint NOT NULL,
    "booked_ms" bigint NOT NULL,
    "value_day" bigint NOT NULL,
    "payment_id" bytea NOT NULL CHECK (octet_length("payment_id") = 16),
    "batch_seq" bigint NOT NULL,
    PRIMARY KEY ("number")
);
GRANT SELECT ON "ledger"."entry" TO giro_read;
GRANT SELECT, INSERT ON "ledger"."entry" TO giro_engine;
REVOKE UPDATE, DELETE, TRUNCATE ON "ledger"."entry" FROM giro_owner;
CREATE TRIGGER "entry_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "ledger"."entry"
    FOR EACH STATEMENT EXECUTE FUNCTION "store"."append_only"();
CREATE FUNCTION "ledger"."entry_balance"() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $body$
BEGIN
    IF EXISTS (SELECT 1 FROM inserted GROUP BY "transaction", "currency"
               HAVING sum(CASE "side" WHEN 0 THEN "amount_minor" WHEN 1 THEN -"amount_minor" END) IS DISTINCT FROM 0
                   OR bool_or("side" NOT IN (0, 1) OR "amount_minor" <= 0)) THEN
        RAISE EXCEPTION 'debits and credits of ledger.entry differ' USING ERRCODE = 'GB001';
    END IF;
    RETURN NULL;
END
$body$;
CREATE TRIGGER "entry_balance" AFTER INSERT ON "ledger"."entry"
    REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION "ledger"."entry_balance"();

CREATE TABLE "ledger"."statement" (
    "account" bigint NOT NULL,
    "sequence" bigint NOT NULL,
    "number" bigint NOT NULL,
    "transaction" bigint NOT NULL,
    "side" bigint NOT NULL,
    "currency" bigint NOT NULL,
    "amount_minor" bigint NOT NULL,
    "balance_after_minor" bigint NOT NULL,
    "booked_ms" bigint NOT NULL,
    "value_day" bigint NOT NULL,
    "payment_id" bytea NOT NULL CHECK (octet_length("payment_id") = 16),
    PRIMARY KEY ("account", "sequence")
);
GRANT SELECT ON "ledger"."statement" TO giro_read;
GRANT SELECT, INSERT, UPDATE, DELETE ON "ledger"."statement" TO giro_engine;

CREATE TABLE "ledger"."statement_mark" (
    "part" bigint NOT NULL,
    "number" bigint NOT NULL,
    "clearing" bigint NOT NULL,
    PRIMARY KEY ("part")
);
GRANT SELECT ON "ledger"."statement_mark" TO giro_read;
GRANT SELECT, INSERT, UPDATE, DELETE ON "ledger"."statement_mark" TO giro_engine;

CREATE TABLE "ledger"."hold" (
    "hold_id" bytea NOT NULL CHECK (octet_length("hold_id") = 16),
    "purpose" bigint NOT NULL,
    "account" bigint NOT NULL,
    "side" bigint NOT NULL,
    "currency" bigint NOT NULL,
    "amount_minor" bigint NOT NULL,
    "captured_minor" bigint NOT NULL,
    "state" bigint NOT NULL,
    "created_ms" bigint NOT NULL,
    "ended_ms" bigint NOT NULL,
    "expires_ms" bigint NOT NULL,
    "transaction" bigint NOT NULL,
    PRIMARY KEY ("hold_id")
);
GRANT SELECT ON "ledger"."hold" TO giro_read;
GRANT SELECT, INSERT, UPDATE, DELETE ON "ledger"."hold" TO giro_engine;

CREATE TABLE "ledger"."hold_expiry" (
    "hold_id" bytea NOT NULL CHECK (octet_length("hold_id") = 16),
    "expires_ms" bigint NOT NULL,
    PRIMARY KEY ("hold_id")
);
CREATE INDEX "hold_expiry_time" ON "ledger"."hold_expiry" ("expires_ms", "hold_id");
GRANT SELECT ON "ledger"."hold_expiry" TO giro_read;
GRANT SELECT, INSERT, UPDATE, DELETE ON "ledger"."hold_expiry" TO giro_engine;

CREATE TABLE "ledger"."reversal" (
    "entry" bigint NOT NULL,
    "transaction" bigint NOT NULL,
    "original" bigint NOT NULL,
    "original_entry" bigint NOT NULL,
    PRIMARY KEY ("entry")
);
CREATE INDEX "reversal_original" ON "ledger"."reversal" ("original", "entry");
GRANT SELECT ON "ledger"."reversal" TO giro_read;
GRANT SELECT, INSERT ON "ledger"."reversal" TO giro_engine;
REVOKE UPDATE, DELETE, TRUNCATE ON "ledger"."reversal" FROM giro_owner;
CREATE TRIGGER "reversal_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "ledger"."reversal"
    FOR EACH STATEMENT EXECUTE FUNCTION "store"."append_only"();

CREATE TABLE "ledger"."reversed" (
    "entry" bigint NOT NULL,
    "reversed_minor" bigint NOT NULL,
    PRIMARY KEY ("entry")
);
GRANT SELECT ON "ledger"."reversed" TO giro_read;
GRANT SELECT, INSERT, UPDATE, DELETE ON "ledger"."reversed" TO giro_engine;

CREATE TABLE "ledger"."books" (
    "books" bigint NOT NULL,
    "closed_day" bigint NOT NULL,
    PRIMARY KEY ("books")
);
GRANT SELECT ON "ledger"."books" TO giro_read;
GRANT SELECT, INSERT, UPDATE, DELETE ON "ledger"."books" TO giro_engine;

CREATE TABLE "ledger"."period" (
    "day" bigint NOT NULL,
    "closed_ms" bigint NOT NULL,
    "sealed_ms" bigint NOT NULL,
    "accounts" bigint NOT NULL,
    "transactions" bigint NOT NULL,
    "digest" bytea NOT NULL CHECK (octet_length("digest") = 32),
    PRIMARY KEY ("day")
);
GRANT SELECT ON "ledger"."period" TO giro_read;
GRANT SELECT, INSERT, UPDATE, DELETE ON "ledger"."period" TO giro_engine;

CREATE TABLE "ledger"."note" (
    "subject" bigint NOT NULL,
    "number" bigint NOT NULL,
    "text" bytea NOT NULL,
    PRIMARY KEY ("subject", "number")
);
ALTER TABLE "ledger"."note" ALTER COLUMN "text" SET STORAGE EXTERNAL;
GRANT SELECT ON "ledger"."note" TO giro_read;
GRANT SELECT, INSERT, UPDATE, DELETE ON "ledger"."note" TO giro_engine;

CREATE SCHEMA IF NOT EXISTS "accounts";
GRANT USAGE ON SCHEMA "accounts" TO giro_engine, giro_read;
CREATE TABLE "accounts"."account" (
    "account_id" bytea NOT NULL CHECK (octet_length("account_id") = 16),
    "number" bigint NOT NULL,
    "customer_id" bytea NOT NULL CHECK (octet_length("customer_id") = 16),
    "client_id" bytea NOT NULL CHECK (octet_length("client_id") = 16),
    "iban" bytea NOT NULL,
    "sort_code" bytea NOT NULL,
    "account_number" bytea NOT NULL,
    "name" bytea NOT NULL,
    "currency" bigint NOT NULL,
    "product" bigint NOT NULL,
    "status" bigint NOT NULL,
    "opened_ms" bigint NOT NULL,
    "iban_hash" bytea NOT NULL CHECK (octet_length("iban_hash") = 32),
    PRIMARY KEY ("account_id")
);
ALTER TABLE "accounts"."account" ALTER COLUMN "iban" SET STORAGE EXTERNAL;
ALTER TABLE "accounts"."account" ALTER COLUMN "sort_code" SET STORAGE EXTERNAL;
ALTER TABLE "accounts"."account" ALTER COLUMN "account_number" SET STORAGE EXTERNAL;
ALTER TABLE "accounts"."account" ALTER COLUMN "name" SET STORAGE EXTERNAL;
CREATE UNIQUE INDEX "account_iban" ON "accounts"."account" ("iban_hash");
CREATE INDEX "account_customer" ON "accounts"."account" ("customer_id", "account_id");
CREATE INDEX "account_client" ON "accounts"."account" ("client_id", "account_id");
CREATE UNIQUE INDEX "account_number" ON "accounts"."account" ("number");
GRANT SELECT ON "accounts"."account" TO giro_read;
GRANT SELECT, INSERT, UPDATE, DELETE ON "accounts"."account" TO giro_engine;

CREATE SCHEMA IF NOT EXISTS "customers";
GRANT USAGE ON SCHEMA "customers" TO giro_engine, giro_read;
CREATE TABLE "customers"."customer" (
    "customer_id" bytea NOT NULL CHECK (octet_length("customer_id") = 16),
    "login" bytea NOT NULL,
    "name" bytea NOT NULL,
    "password" bytea NOT NULL,
    "totp_secret" bytea NOT NULL,
    "totp_last_step" bigint NOT NULL,
    "failed_count" bigint NOT NULL,
    "locked_until_ms" bigint NOT NULL,
    "created_ms" bigint NOT NULL,
    "login_hash" bytea NOT NULL CHECK (octet_length("login_hash") = 32),
    PRIMARY KEY ("customer_id")
);
ALTER TABLE "customers"."customer" ALTER COLUMN "login" SET STORAGE EXTERNAL;
ALTER TABLE "customers"."customer" ALTER COLUMN "name" SET STORAGE EXTERNAL;
ALTER TABLE "customers"."customer" ALTER COLUMN "password" SET STORAGE EXTERNAL;
ALTER TABLE "customers"."customer" ALTER COLUMN "totp_secret" SET STORAGE EXTERNAL;
CREATE UNIQUE INDEX "customer_login" ON "customers"."customer" ("login_hash");
GRANT SELECT ON "customers"."customer" TO giro_read;
GRANT SELECT, INSERT, UPDATE, DELETE ON "customers"."customer" TO giro_engine;

CREATE SCHEMA IF NOT EXISTS "identity";
GRANT USAGE ON SCHEMA "identity" TO giro_engine, giro_read;
CREATE TABLE "identity"."client" (
    "client_id" bytea NOT NULL CHECK (octet_length("client_id") = 16),
    "name" text COLLATE "C" NOT NULL,
    "display_name" text COLLATE "C" NOT NULL,
    "profile" bigint NOT NULL,
    "sender" bigint NOT NULL,
    "status" bigint NOT NULL,
    "flags" bigint NOT NULL,
    "tier" text COLLATE "C" NOT NULL,
    "org_id" text COLLATE "C" NOT NULL,
    "software_id" text COLLATE "C" NOT NULL,
    "scope" text COLLATE "C" NOT NULL,
    "redirect_uris" text COLLATE "C" NOT NULL,
    "jwks" text COLLATE "C" NOT NULL,
    "created_ms" bigint NOT NULL,
    "auth" bigint NOT NULL,
    "jwks_uri" text COLLATE "C" NOT NULL,
    "tls_subject" text COLLATE "C" NOT NULL,
    "directory" text COLLATE "C" NOT NULL,
    "roles" text COLLATE "C" NOT NULL,
    "addresses" text COLLATE "C" NOT NULL,
    "requests_per_second" bigint NOT NULL,
    "burst" bigint NOT NULL,
    "daily_limit" bigint NOT NULL,
    "metadata" text COLLATE "C" NOT NULL,
    "registration_hash" bytea NOT NULL CHECK (octet_length("registration_hash") = 32),
    PRIMARY KEY ("client_id")
);
CREATE UNIQUE INDEX "client_name" ON "identity"."client" ("name");
CREATE UNIQUE INDEX "client_software" ON "identity"."client" ("software_id");
GRANT SELECT ON "identity"."client" TO giro_read;
GRANT SELECT, INSERT, UPDATE, DELETE ON "identity"."client" TO giro_engine;

CREATE TABLE "identity"."token" (
    "token_hash" bytea NOT NULL CHECK (octet_length("token_hash") = 32),
    "client_id" bytea NOT NULL CHECK (octet_length("client_id") = 16),
    "customer_id" bytea NOT NULL CHECK (octet_length("customer_id") = 16),
    "consent_id" bytea NOT NULL CHECK (octet_length("consent_id") = 16),
    "scope" text COLLATE "C" NOT NULL,
    "certificate_hash" bytea NOT NULL CHECK (octet_length("certificate_hash") = 32),
    "issued_ms" bigint NOT NULL,
    "expires_ms" bigint NOT NULL,
    "revoked_ms" bigint NOT NULL,
    "key_thumbprint" bytea NOT NULL CHECK (octet_length("key_thumbprint") = 32),
    "grant_id" bytea NOT NULL CHECK (octet_length("grant_id") = 16),
    PRIMARY KEY ("token_hash")
);
GRANT SELECT ON "identity"."token" TO giro_read;
GRANT SELECT, INSERT, UPDATE, DELETE ON "identity"."token" TO giro_engine;

CREATE TABLE "identity"."jti" (
    "key" bytea NOT NULL CHECK (octet_length("key") = 16),
    "expires_ms" bigint NOT NULL,
    PRIMARY KEY ("key")
);
GRANT SELECT ON "identity"."jti" TO giro_read;
GRANT SELECT, INSERT, UPDATE, DELETE ON "identity"."jti" TO giro_engine;

CREATE TABLE "identity"."pushed" (
    "request_hash" bytea NOT NULL CHECK (octet_length("request_hash") = 32),
    "client_id" bytea NOT NULL CHECK (octet_length("client_id") = 16),
    "consent_id" bytea NOT NULL CHECK (octet_length("consent_id") = 16),
    "params" bytea NOT NULL,
    "created_ms" bigint NOT NULL,
    "expires_ms" bigint NOT NULL,
    "used_ms" bigint NOT NULL,
    PRIMARY KEY ("request_hash")
);
ALTER TABLE "identity"."pushed" ALTER COLUMN "params" SET STORAGE EXTERNAL;
GRANT SELECT ON "identity"."pushed" TO giro_read;
GRANT SELECT, INSERT, UPDATE, DELETE ON "identity"."pushed" TO giro_engine;

CREATE TABLE "identity"."code" (
    "code_hash" bytea NOT NULL CHECK (octet_length("code_hash") = 32),
    "client_id" bytea NOT NULL CHECK (octet_length("client_id") = 16),
    "customer_id" bytea NOT NULL CHECK (octet_length("customer_id") = 16),
    "consent_id" bytea NOT NULL CHECK (octet_length("consent_id") = 16),
    "scope" text COLLATE "C" NOT NULL,
    "redirect_uri" text COLLATE "C" NOT NULL,
    "code_challenge" text COLLATE "C" NOT NULL,
    "nonce" text COLLATE "C" NOT NULL,
    "acr" text COLLATE "C" NOT NULL,
    "auth_ms" bigint NOT NULL,
    "issued_ms" bigint NOT NULL,
    "expires_ms" bigint NOT NULL,
    "used_ms" bigint NOT NULL,
    "grant_id" bytea NOT NULL CHECK (octet_length("grant_id") = 16),
    "key_thumbprint" bytea NOT NULL CHECK (octet_length("key_thumbprint") = 32),
    "details" text COLLATE "C" NOT NULL,
    PRIMARY KEY ("code_hash")
);
GRANT SELECT ON "identity"."code" TO giro_read;
GRANT SELECT, INSERT, UPDATE, DELETE ON "identity"."code" TO giro_engine;

CREATE TABLE "identity"."grant" (
    "grant_id" bytea NOT NULL CHECK (octet_length("grant_id") = 16),
    "client_id" bytea NOT NULL CHECK (octet_length("client_id") = 16),
    "customer_id" bytea NOT NULL CHECK (octet_length("customer_id") = 16),
    "consent_id" bytea NOT NULL CHECK (octet_length("consent_id") = 16),
    "scope" text COLLATE "C" NOT NULL,
    "acr" text COLLATE "C" NOT NULL,
    "details" text COLLATE "C" NOT NULL,
    "auth_ms" bigint NOT NULL,
    "granted_ms" bigint NOT NULL,
    "expires_ms" bigint NOT NULL,
    "revoked_ms" bigint NOT NULL,
    PRIMARY KEY ("grant_id")
);
GRANT SELECT ON "identity"."grant" TO giro_read;
GRANT SELECT, INSERT, UPDATE, DELETE ON "identity"."grant" TO giro_engine;

CREATE TABLE "identity"."refresh" (
    "refresh_hash" bytea NOT NULL CHECK (octet_length("refresh_hash") = 32),
    "grant_id" bytea NOT NULL CHECK (octet_length("grant_id") = 16),
    "client_id" bytea NOT NULL CHECK (octet_length("client_id") = 16),
    "issued_ms" bigint NOT NULL,
    "expires_ms" bigint NOT NULL,
    "replaced_ms" bigint NOT NULL,
    PRIMARY KEY ("refresh_hash")
);
GRANT SELECT ON "identity"."refresh" TO giro_read;
GRANT SELECT, INSERT, UPDATE, DELETE ON "identity"."refresh" TO giro_engine;

CREATE TABLE "identity"."session" (
    "session_hash" bytea NOT NULL CHECK (octet_length("session_hash") = 32),
    "request_hash" bytea NOT NULL CHECK (octet_length("request_hash") = 32),
    "client_id" bytea NOT NULL CHECK (octet_length("client_id") = 16),
    "customer_id" bytea NOT NULL CHECK (octet_length("customer_id") = 16),
    "accounts" bytea NOT NULL,
    "stage" bigint NOT NULL,
    "failed_count" bigint NOT NULL,
    "auth_ms" bigint NOT NULL,
    "created_ms" bigint NOT NULL,
    "expires_ms" bigint NOT NULL,
    PRIMARY KEY ("session_hash")
);
ALTER TABLE "identity"."session" ALTER COLUMN "accounts" SET STORAGE EXTERNAL;
GRANT SELECT ON "identity"."session" TO giro_read;
GRANT SELECT, INSERT, UPDATE, DELETE ON "identity"."session" TO giro_engine;

CREATE TABLE "identity"."quota" (
    "key" bytea NOT NULL CHECK (octet_length("key") = 32),
    "expires_ms" bigint NOT NULL,
    "used" bigint NOT NULL,
    PRIMARY KEY ("key")
);
GRANT SELECT ON "identity"."quota" TO giro_read;
GRANT SELECT, INSERT, UPDATE, DELETE ON "identity"."quota" TO giro_engine;

CREATE SCHEMA IF NOT EXISTS "consents";
GRANT USAGE ON SCHEMA "consents" TO giro_engine, giro_read;
CREATE TABLE "consents"."payment_consent" (
    "consent_id" bytea NOT NULL CHECK (octet_length("consent_id") = 16),
    "client_id" bytea NOT NULL CHECK (octet_length("client_id") = 16),
    "customer_id" bytea NOT NULL CHECK (octet_length("customer_id") = 16),
    "account_id" bytea NOT NULL CHECK (octet_length("account_id") = 16),
    "payment_id" bytea NOT NULL CHECK (octet_length("payment_id") = 16),
    "status" bigint NOT NULL,
    "initiation" bytea NOT NULL,
    "risk" bytea NOT NULL,
    "document" bytea NOT NULL,
    "currency" bigint NOT NULL,
    "amount_minor" bigint NOT NULL,
    "creditor_name" bytea NOT NULL,
    "creditor_scheme" text COLLATE "C" NOT NULL,
    "creditor_identification" bytea NOT NULL,
    "debtor_scheme" text COLLATE "C" NOT NULL,
    "debtor_identification" bytea NOT NULL,
    "created_ms" bigint NOT NULL,
    "status_ms" bigint NOT NULL,
    "asked_until_ms" bigint NOT NULL,
    "approval_hash" bytea NOT NULL CHECK (octet_length("approval_hash") = 32),
    "version" bigint NOT NULL,
    PRIMARY KEY ("consent_id")
);
ALTER TABLE "consents"."payment_consent" ALTER COLUMN "initiation" SET STORAGE EXTERNAL;
ALTER TABLE "consents"."payment_consent" ALTER COLUMN "risk" SET STORAGE EXTERNAL;
ALTER TABLE "consents"."payment_consent" ALTER COLUMN "document" SET STORAGE EXTERNAL;
ALTER TABLE "consents"."payment_consent" ALTER COLUMN "creditor_name" SET STORAGE EXTERNAL;
ALTER TABLE "consents"."payment_consent" ALTER COLUMN "creditor_identification" SET STORAGE EXTERNAL;
ALTER TABLE "consents"."payment_consent" ALTER COLUMN "debtor_identification" SET STORAGE EXTERNAL;
CREATE INDEX "payment_consent_customer" ON "consents"."payment_consent" ("customer_id", "consent_id");
CREATE INDEX "payment_consent_client" ON "consents"."payment_consent" ("client_id", "consent_id");
GRANT SELECT ON "consents"."payment_consent" TO giro_read;
GRANT SELECT, INSERT, UPDATE, DELETE ON "consents"."payment_consent" TO giro_engine;

CREATE TABLE "consents"."account_consent" (
    "consent_id" bytea NOT NULL CHECK (octet_length("consent_id") = 16),
    "client_id" bytea NOT NULL CHECK (octet_length("client_id") = 16),
    "customer_id" bytea NOT NULL CHECK (octet_length("customer_id") = 16),
    "status" bigint NOT NULL,
    "permissions" bigint NOT NULL,
    "expires_ms" bigint NOT NULL,
    "from_ms" bigint NOT NULL,
    "to_ms" bigint NOT NULL,
    "accounts" bytea NOT NULL,
    "document" text COLLATE "C" NOT NULL,
    "created_ms" bigint NOT NULL,
    "status_ms" bigint NOT NULL,
    "asked_until_ms" bigint NOT NULL,
    "approval_hash" bytea NOT NULL CHECK (octet_length("approval_hash") = 32),
    "renewal_ms" bigint NOT NULL,
    "demanded" bigint NOT NULL,
    PRIMARY KEY ("consent_id")
);
ALTER TABLE "consents"."account_consent" ALTER COLUMN "accounts" SET STORAGE EXTERNAL;
CREATE INDEX "account_consent_customer" ON "consents"."account_consent" ("customer_id", "consent_id");
CREATE INDEX "account_consent_client" ON "consents"."account_consent" ("client_id", "consent_id");
GRANT SELECT ON "consents"."account_consent" TO giro_read;
GRANT SELECT, INSERT, UPDATE, DELETE ON "consents"."account_consent" TO giro_engine;

CREATE SCHEMA IF NOT EXISTS "payments";
GRANT USAGE ON SCHEMA "payments" TO giro_engine, giro_read;
CREATE TABLE "payments"."payment" (
    "payment_id" bytea NOT NULL CHECK (octet_length("payment_id") = 16),
    "client_id" bytea NOT NULL CHECK (octet_length("client_id") = 16),
    "customer_id" bytea NOT NULL CHECK (octet_length("customer_id") = 16),
    "consent_id" bytea NOT NULL CHECK (octet_length("consent_id") = 16),
    "debtor_account_id" bytea NOT NULL CHECK (octet_length("debtor_account_id") = 16),
    "debtor_number" bigint NOT NULL,
    "creditor_number" bigint NOT NULL,
    "creditor_name" bytea NOT NULL,
    "creditor_iban" bytea NOT NULL,
    "creditor_sort_code" bytea NOT NULL,
    "creditor_account_number" bytea NOT NULL,
    "currency" bigint NOT NULL,
    "amount_minor" bigint NOT NULL,
    "fee_minor" bigint NOT NULL,
    "reference" bytea NOT NULL,
    "end_to_end_id" bytea NOT NULL,
    "instruction_id" bytea NOT NULL,
    "type" bigint NOT NULL,
    "status" bigint NOT NULL,
    "reason" bigint NOT NULL,
    "created_ms" bigint NOT NULL,
    "status_ms" bigint NOT NULL,
    "timeline" bytea NOT NULL,
    "core_reference" text COLLATE "C" NOT NULL,
    PRIMARY KEY ("payment_id")
);
ALTER TABLE "payments"."payment" ALTER COLUMN "creditor_name" SET STORAGE EXTERNAL;
ALTER TABLE "payments"."payment" ALTER COLUMN "creditor_iban" SET STORAGE EXTERNAL;
ALTER TABLE "payments"."payment" ALTER COLUMN "creditor_sort_code" SET STORAGE EXTERNAL;
ALTER TABLE "payments"."payment" ALTER COLUMN "creditor_account_number" SET STORAGE EXTERNAL;
ALTER TABLE "payments"."payment" ALTER COLUMN "reference" SET STORAGE EXTERNAL;
ALTER TABLE "payments"."payment" ALTER COLUMN "end_to_end_id" SET STORAGE EXTERNAL;
ALTER TABLE "payments"."payment" ALTER COLUMN "instruction_id" SET STORAGE EXTERNAL;
ALTER TABLE "payments"."payment" ALTER COLUMN "timeline" SET STORAGE EXTERNAL;
CREATE INDEX "payment_client" ON "payments"."payment" ("client_id", "payment_id");
GRANT SELECT ON "payments"."payment" TO giro_read;
GRANT SELECT, INSERT, UPDATE, DELETE ON "payments"."payment" TO giro_engine;

CREATE TABLE "payments"."scheduled" (
    "scheduled_id" bytea NOT NULL CHECK (octet_length("scheduled_id") = 16),
    "client_id" bytea NOT NULL CHECK (octet_length("client_id") = 16),
    "customer_id" bytea NOT NULL CHECK (octet_length("customer_id") = 16),
    "consent_id" bytea NOT NULL CHECK (octet_length("consent_id") = 16),
    "debtor_account_id" bytea NOT NULL CHECK (octet_length("debtor_account_id") = 16),
    "creditor_name" bytea NOT NULL,
    "creditor_iban" bytea NOT NULL,
    "creditor_sort_code" bytea NOT NULL,
    "creditor_account_number" bytea NOT NULL,
    "reference" bytea NOT NULL,
    "end_to_end_id" bytea NOT NULL,
    "instruction_id" bytea NOT NULL,
    "currency" bigint NOT NULL,
    "amount_minor" bigint NOT NULL,
    "requested_day" bigint NOT NULL,
    "due_day" bigint NOT NULL,
    "due_ms" bigint NOT NULL,
    "state" bigint NOT NULL,
    "attempts" bigint NOT NULL,
    "reason" text COLLATE "C" NOT NULL,
    "payment_id" bytea NOT NULL CHECK (octet_length("payment_id") = 16),
    "created_ms" bigint NOT NULL,
    "ended_ms" bigint NOT NULL,
    PRIMARY KEY ("scheduled_id")
);
ALTER TABLE "payments"."scheduled" ALTER COLUMN "creditor_name" SET STORAGE EXTERNAL;
ALTER TABLE "payments"."scheduled" ALTER COLUMN "creditor_iban" SET STORAGE EXTERNAL;
ALTER TABLE "payments"."scheduled" ALTER COLUMN "creditor_sort_code" SET STORAGE EXTERNAL;
ALTER TABLE "payments"."scheduled" ALTER COLUMN "creditor_account_number" SET STORAGE EXTERNAL;
ALTER TABLE "payments"."scheduled" ALTER COLUMN "reference" SET STORAGE EXTERNAL;
ALTER TABLE "payments"."scheduled" ALTER COLUMN "end_to_end_id" SET STORAGE EXTERNAL;
ALTER TABLE "payments"."scheduled" ALTER COLUMN "instruction_id" SET STORAGE EXTERNAL;
CREATE INDEX "scheduled_due" ON "payments"."scheduled" ("state", "due_ms", "scheduled_id");
CREATE INDEX "scheduled_account" ON "payments"."scheduled" ("debtor_account_id", "scheduled_id");
GRANT SELECT ON "payments"."scheduled" TO giro_read;
GRANT SELECT, INSERT, UPDATE, DELETE ON "payments"."scheduled" TO giro_engine;

CREATE TABLE "payments"."standing_order" (
    "standing_order_id" bytea NOT NULL CHECK (octet_length("standing_order_id") = 16),
    "client_id" bytea NOT NULL CHECK (octet_length("client_id") = 16),
    "customer_id" bytea NOT NULL CHECK (octet_length("customer_id") = 16),
    "consent_id" bytea NOT NULL CHECK (octet_length("consent_id") = 16),
    "debtor_account_id" bytea NOT NULL CHECK (octet_length("debtor_account_id") = 16),
    "creditor_name" bytea NOT NULL,
    "creditor_iban" bytea NOT NULL,
    "creditor_sort_code" bytea NOT NULL,
    "creditor_account_number" bytea NOT NULL,
    "reference" bytea NOT NULL,
    "end_to_end_id" bytea NOT NULL,
    "instruction_id" bytea NOT NULL,
    "currency" bigint NOT NULL,
    "amount_minor" bigint NOT NULL,
    "state" bigint NOT NULL,
    "due_ms" bigint NOT NULL,
    "frequency" text COLLATE "C" NOT NULL,
    "first_minor" bigint NOT NULL,
    "final_minor" bigint NOT NULL,
    "first_day" bigint NOT NULL,
    "recurring_day" bigint NOT NULL,
    "final_day" bigint NOT NULL,
    "payments_max" bigint NOT NULL,
    "sequence" bigint NOT NULL,
    "plan_day" bigint NOT NULL,
    "plan_part" bigint NOT NULL,
    "last_day" bigint NOT NULL,
    "due_day" bigint NOT NULL,
    "created_ms" bigint NOT NULL,
    "ended_ms" bigint NOT NULL,
    PRIMARY KEY ("standing_order_id")
);
ALTER TABLE "payments"."standing_order" ALTER COLUMN "creditor_name" SET STORAGE EXTERNAL;
ALTER TABLE "payments"."standing_order" ALTER COLUMN "creditor_iban" SET STORAGE EXTERNAL;
ALTER TABLE "payments"."standing_order" ALTER COLUMN "creditor_sort_code" SET STORAGE EXTERNAL;
ALTER TABLE "payments"."standing_order" ALTER COLUMN "creditor_account_number" SET STORAGE EXTERNAL;
ALTER TABLE "payments"."standing_order" ALTER COLUMN "reference" SET STORAGE EXTERNAL;
ALTER TABLE "payments"."standing_order" ALTER COLUMN "end_to_end_id" SET STORAGE EXTERNAL;
ALTER TABLE "payments"."standing_order" ALTER COLUMN "instruction_id" SET STORAGE EXTERNAL;
CREATE INDEX "standing_order_due" ON "payments"."standing_order" ("state", "due_ms", "standing_order_id");
CREATE INDEX "standing_order_account" ON "payments"."standing_order" ("debtor_account_id", "standing_order_id");
GRANT SELECT ON "payments"."standing_order" TO giro_read;
GRANT SELECT, INSERT, UPDATE, DELETE ON "payments"."standing_order" TO giro_engine;

CREATE TABLE "payments"."standing_order_run" (
    "standing_order_id" bytea NOT NULL CHECK (octet_length("standing_order_id") = 16),
    "sequence" bigint NOT NULL,
    "plan_day" bigint NOT NULL,
    "amount_minor" bigint NOT NULL,
    "payment_id" bytea NOT NULL CHECK (octet_length("payment_id") = 16),
    "reason" text COLLATE "C" NOT NULL,
    "at_ms" bigint NOT NULL,
    PRIMARY KEY ("standing_order_id", "sequence")
);
GRANT SELECT ON "payments"."standing_order_run" TO giro_read;
GRANT SELECT, INSERT ON "payments"."standing_order_run" TO giro_engine;
REVOKE UPDATE, DELETE, TRUNCATE ON "payments"."standing_order_run" FROM giro_owner;
CREATE TRIGGER "standing_order_run_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "payments"."standing_order_run"
    FOR EACH STATEMENT EXECUTE FUNCTION "store"."append_only"();

CREATE TABLE "payments"."file" (
    "file_id" bytea NOT NULL CHECK (octet_length("file_id") = 16),
    "state" bigint NOT NULL,
    "due_ms" bigint NOT NULL,
    "client_id" bytea NOT NULL CHECK (octet_length("client_id") = 16),
    "customer_id" bytea NOT NULL CHECK (octet_length("customer_id") = 16),
    "consent_id" bytea NOT NULL CHECK (octet_length("consent_id") = 16),
    "debtor_account_id" bytea NOT NULL CHECK (octet_length("debtor_account_id") = 16),
    "file_hash" bytea NOT NULL CHECK (octet_length("file_hash") = 32),
    "reference" bytea NOT NULL,
    "currency" bigint NOT NULL,
    "item_count" bigint NOT NULL,
    "control_sum_minor" bigint NOT NULL,
    "due_day" bigint NOT NULL,
    "done" bigint NOT NULL,
    "accepted" bigint NOT NULL,
    "rejected" bigint NOT NULL,
    "through" bigint NOT NULL,
    "accepted_minor" bigint NOT NULL,
    "created_ms" bigint NOT NULL,
    "ended_ms" bigint NOT NULL,
    PRIMARY KEY ("file_id")
);
ALTER TABLE "payments"."file" ALTER COLUMN "reference" SET STORAGE EXTERNAL;
CREATE INDEX "file_due" ON "payments"."file" ("state", "due_ms", "file_id");
GRANT SELECT ON "payments"."file" TO giro_read;
GRANT SELECT, INSERT, UPDATE, DELETE ON "payments"."file" TO giro_engine;

CREATE TABLE "payments"."file_item" (
    "file_id" bytea NOT NULL CHECK (octet_length("file_id") = 16),
    "number" bigint NOT NULL,
    "client_id" bytea NOT NULL CHECK (octet_length("client_id") = 16),
    "customer_id" bytea NOT NULL CHECK (octet_length("customer_id") = 16),
    "consent_id" bytea NOT NULL CHECK (octet_length("consent_id") = 16),
    "debtor_account_id" bytea NOT NULL CHECK (octet_length("debtor_account_id") = 16),
    "creditor_name" bytea NOT NULL,
    "creditor_iban" bytea NOT NULL,
    "creditor_sort_code" bytea NOT NULL,
    "creditor_account_number" bytea NOT NULL,
    "reference" bytea NOT NULL,
    "end_to_end_id" bytea NOT NULL,
    "instruction_id" bytea NOT NULL,
    "currency" bigint NOT NULL,
    "amount_minor" bigint NOT NULL,
    PRIMARY KEY ("file_id", "number")
);
ALTER TABLE "payments"."file_item" ALTER COLUMN "creditor_name" SET STORAGE EXTERNAL;
ALTER TABLE "payments"."file_item" ALTER COLUMN "creditor_iban" SET STORAGE EXTERNAL;
ALTER TABLE "payments"."file_item" ALTER COLUMN "creditor_sort_code" SET STORAGE EXTERNAL;
ALTER TABLE "payments"."file_item" ALTER COLUMN "creditor_account_number" SET STORAGE EXTERNAL;
ALTER TABLE "payments"."file_item" ALTER COLUMN "reference" SET STORAGE EXTERNAL;
ALTER TABLE "payments"."file_item" ALTER COLUMN "end_to_end_id" SET STORAGE EXTERNAL;
ALTER TABLE "payments"."file_item" ALTER COLUMN "instruction_id" SET STORAGE EXTERNAL;
GRANT SELECT ON "payments"."file_item" TO giro_read;
GRANT SELECT, INSERT ON "payments"."file_item" TO giro_engine;
REVOKE UPDATE, DELETE, TRUNCATE ON "payments"."file_item" FROM giro_owner;
CREATE TRIGGER "file_item_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "payments"."file_item"
    FOR EACH STATEMENT EXECUTE FUNCTION "store"."append_only"();

CREATE TABLE "payments"."file_result" (
    "file_id" bytea NOT NULL CHECK (octet_length("file_id") = 16),
    "number" bigint NOT NULL,
    "payment_id" bytea NOT NULL CHECK (octet_length("payment_id") = 16),
    "reason" text COLLATE "C" NOT NULL,
    "at_ms" bigint NOT NULL,
    PRIMARY KEY ("file_id", "number")
);
GRANT SELECT ON "payments"."file_result" TO giro_read;
GRANT SELECT, INSERT ON "payments"."file_result" TO giro_engine;
REVOKE UPDATE, DELETE, TRUNCATE ON "payments"."file_result" FROM giro_owner;
CREATE TRIGGER "file_result_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "payments"."file_result"
    FOR EACH STATEMENT EXECUTE FUNCTION "store"."append_only"();

CREATE SCHEMA IF NOT EXISTS "fraud";
GRANT USAGE ON SCHEMA "fraud" TO giro_engine, giro_read;
CREATE TABLE "fraud"."counter" (
    "account" bigint NOT NULL,
    "minute" bigint NOT NULL,
    "count" bigint NOT NULL,
    PRIMARY KEY ("account")
);
GRANT SELECT ON "fraud"."counter" TO giro_read;
GRANT SELECT, INSERT, UPDATE, DELETE ON "fraud"."counter" TO giro_engine;

CREATE SCHEMA IF NOT EXISTS "insights";
GRANT USAGE ON SCHEMA "insights" TO giro_engine, giro_read;
CREATE TABLE "insights"."report" (
    "day" bigint NOT NULL,
    "type" bigint NOT NULL,
    "status" bigint NOT NULL,
    "currency" bigint NOT NULL,
    "payments" bigint NOT NULL,
    "amount_minor" bigint NOT NULL,
    PRIMARY KEY ("day", "type", "status", "currency")
);
GRANT SELECT ON "insights"."report" TO giro_read;
GRANT SELECT, INSERT, UPDATE, DELETE ON "insights"."report" TO giro_engine;

CREATE SCHEMA IF NOT EXISTS "integration";
GRANT USAGE ON SCHEMA "integration" TO giro_engine, giro_read;
CREATE TABLE "integration"."saga" (
    "saga_id" bytea NOT NULL CHECK (octet_length("saga_id") = 16),
    "state" bytea NOT NULL,
    "record_ms" bigint NOT NULL,
    "enquiries" bigint NOT NULL,
    "interaction_id" bytea NOT NULL CHECK (octet_length("interaction_id") = 16),
    PRIMARY KEY ("saga_id")
);
ALTER TABLE "integration"."saga" ALTER COLUMN "state" SET STORAGE EXTERNAL;
GRANT SELECT ON "integration"."saga" TO giro_read;
GRANT SELECT, INSERT, UPDATE, DELETE ON "integration"."saga" TO giro_engine;

CREATE TABLE "integration"."cursor" (
    "consumer" text COLLATE "C" NOT NULL,
    "epoch" bigint NOT NULL,
    "seq" bigint NOT NULL,
    "event" bigint NOT NULL,
    PRIMARY KEY ("consumer")
);
GRANT SELECT ON "integration"."cursor" TO giro_read;
GRANT SELECT, INSERT, UPDATE, DELETE ON "integration"."cursor" TO giro_engine;
