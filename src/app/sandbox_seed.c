#include "app/sandbox_seed.h"

#include "app/admin.h"
#include "app/admin_client.h"
#include "platform/secret.h"

enum {
    SEED_ARENA_BYTES = 256 * 1024,
    REQUEST_BYTES_MAX = 16 * 1024,
    CLIENT_ACCOUNT_STEP = 20,
    CLIENT_ACCOUNT_BASE = 5000
};

struct seeding {
    const struct sandbox_seed *seed;
    struct admin_client admin;
    struct arena arena;
    struct message *message;
    char request[REQUEST_BYTES_MAX];
    struct buffer out;
    struct json_writer writer;
};

static struct json_writer *request_begin(struct seeding *seeding, const char *command) {
    buffer_init(&seeding->out, seeding->request, sizeof seeding->request);
    json_begin(&seeding->writer, &seeding->out);
    json_object_begin(&seeding->writer);
    json_member_c(&seeding->writer, "command", command);
    return &seeding->writer;
}

/* Sends the request; the member id_name of the answer into id. */
static int request_end(struct seeding *seeding, const char *what, const char *id_name, char id[SANDBOX_ID_TEXT_BYTES]) {
    const struct json *answer;
    struct message why = { .text = "" };
    json_object_end(&seeding->writer);
    check(!seeding->out.overflow); /* made of bounded texts */
    arena_reset(&seeding->arena);
    int r = admin_client_call(&seeding->admin, buffer_str(&seeding->out), &seeding->arena, &answer, &why);
    secret_wipe(seeding->request, sizeof seeding->request);
    if (r > 0) {
        message_set(seeding->message, "the sandbox could not be filled (%s): %s", what, why.text);
        return r == ADMIN_CLIENT_E_UNREACHABLE ? SANDBOX_E_ABSENT : SANDBOX_E_INVALID;
    }
    if (r) return err_trace(r);
    if (str_to_c(json_get_string(answer, id_name), id, SANDBOX_ID_TEXT_BYTES)) return err_origin(-EBADMSG);
    return seeding->seed->between(seeding->seed->ctx);
}

struct opening {
    const char *customer_login, *client_name; /* one of them; the other NULL */
    const struct sandbox_account *account;
    bool business;
};

static int open_account(struct seeding *seeding, const struct opening *opening, char id[SANDBOX_ID_TEXT_BYTES]) {
    struct json_writer *writer = request_begin(seeding, "account_open");
    const struct sandbox_account *account = opening->account;
    if (opening->customer_login) json_member_c(writer, "customer_login", opening->customer_login);
    if (opening->client_name) json_member_c(writer, "client_name", opening->client_name);
    json_member_c(writer, "name", account->name);
    json_member_c(writer, "iban", account->iban);
    json_member_c(writer, "sort_code", account->sort_code);
    json_member_c(writer, "account_number", account->account_number);
    json_member_c(writer, "currency", "GBP");
    json_member_i64(writer, "fund_minor", account->fund_minor);
    json_member_bool(writer, "business", opening->business);
    return request_end(seeding, "account_open", "account_id", id);
}

/* Accounts of clients stand in a range of numbers of their own: client 0 from 5000, client 1 from 5020 ... */
static int seed_client(struct seeding *seeding, size_t index) {
    const struct sandbox_client *client = &sandbox_clients[index];
    const struct sandbox_identity *identity = &seeding->seed->identities[index];
    char id[SANDBOX_ID_TEXT_BYTES], accounts[SANDBOX_CLIENT_ACCOUNTS_MAX][SANDBOX_ID_TEXT_BYTES];
    struct json_writer *writer = request_begin(seeding, "client_register");
    json_member_c(writer, "name", client->name);
    json_member_c(writer, "display_name", client->display_name);
    sandbox_client_put(writer, client, identity);
    json_member_raw(writer, "jwks", str_from_c(identity->jwks));
    json_member_bool(writer, "auto_approve", client->auto_approve);
    int r = request_end(seeding, client->name, "client_id", id);
    for (size_t i = 0; !r && i < client->accounts; i++) {
        struct sandbox_account account = { .name = "Operating account", .fund_minor = client->fund_minor };
        struct opening opening = { .client_name = client->name, .account = &account, .business = true };
        sandbox_account_name((uint32_t)(CLIENT_ACCOUNT_BASE + index * CLIENT_ACCOUNT_STEP + i), &account);
        r = open_account(seeding, &opening, accounts[i]);
    }
    return r ? r : sandbox_client_write(seeding->seed->sandbox, client, identity, accounts);
}

static int seed_customer(struct seeding *seeding, struct sandbox_customer *customer) {
    struct json_writer *writer = request_begin(seeding, "customer_register");
    json_member_c(writer, "login", customer->login);
    json_member_c(writer, "name", customer->name);
    json_member_c(writer, "password", customer->password);
    json_member_c(writer, "totp_secret", customer->totp_secret);
    int r = request_end(seeding, customer->login, "customer_id", customer->customer_id);
    for (size_t i = 0; !r && i < SANDBOX_CUSTOMER_ACCOUNTS; i++) {
        struct sandbox_account *account = &customer->accounts[i];
        struct opening opening = { .customer_login = customer->login, .account = account };
        r = open_account(seeding, &opening, account->account_id);
    }
    return r;
}

int sandbox_seed_run(const struct sandbox_seed *seed, struct message *message) {
    char path[SANDBOX_PATH_BYTES_MAX];
    struct seeding *seeding = calloc(1, sizeof *seeding);
    if (!seeding) return err_origin(-ENOMEM);
    seeding->seed = seed;
    seeding->message = message;
    sandbox_socket(seed->sandbox, "admin.sock", path);
    int r = arena_init(&seeding->arena, ADMIN_ANSWER_BYTES_MAX, SEED_ARENA_BYTES);
    if (!r && admin_client_open(&seeding->admin, path, message)) r = SANDBOX_E_ABSENT;
    bool open = r == 0;
    for (size_t i = 0; !r && i < sandbox_client_count; i++) r = seed_client(seeding, i);
    for (size_t i = 0; !r && i < SANDBOX_CUSTOMERS; i++) r = seed_customer(seeding, &seed->customers->at[i]);
    if (!r) r = sandbox_customers_write(seed->sandbox, seed->customers, message);
    if (open) admin_client_close(&seeding->admin);
    arena_release(&seeding->arena);
    free(seeding);
    return r < 0 ? err_trace(r) : r;
}
