// One Open Banking payment with an independent client: npm's openid-client, a certified relying party, in its FAPI
// modes, and `jose` for the message signatures. Whatever this client checks of an authorization server (discovery,
// issuer, state, `iss` of the redirect, signature and claims of the ID token) is judged by code that knows nothing of
// Giro.
//
//   node flow.mjs VAR CREDITOR_IDENTIFICATION [LOGIN_HINT [CLIENT [RESPONSE]]]
//
// VAR is the sandbox's folder, LOGIN_HINT the customer who approves at once (default mia; "decline" says no), CLIENT
// one of the sandbox (default acme-tpp), RESPONSE how the answer travels: plain (default), signed (JARM) or hybrid.
// Prints one line of JSON and ends with 0; on a failure says on stderr what was expected, and ends with 1.
import assert from 'node:assert/strict';
import { createPrivateKey, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import { join } from 'node:path';
import { custom, errors, generators, Issuer } from 'openid-client';
import * as jose from 'jose';

const REQUEST_MS_MAX = 20_000;
const PAYMENT_MS_MAX = 30_000;
const PAYMENT_POLL_MS = 250;
const CLAIM = 'http://openbanking.org.uk/';
const TRUST_ANCHOR = 'openbanking.org.uk';
const SIGNED_CLAIMS = [`${CLAIM}iat`, `${CLAIM}iss`, `${CLAIM}tan`];

// ---- the client ----

function readBank(folder, name) {
  const read = (...names) => readFileSync(join(folder, ...names));
  const client = (file) => read('clients', name, file);
  const described = JSON.parse(client('client.json'));
  return {
    described,
    ca: read('pki', 'ca.pem'),
    transport: { cert: client('transport.pem'), key: client('transport.key') },
    signingKey: createPrivateKey(client('signing.key')),
    apiUrl: new URL(described.token_endpoint).origin,
    redirectUri: described.redirect_uris[0],
  };
}

// http_options is the documented way to give a client its certificate; without it only the bank's CA is known.
async function openClient(bank) {
  custom.setHttpOptionsDefaults({ ca: bank.ca, timeout: REQUEST_MS_MAX });
  const issuer = await Issuer.discover(bank.described.issuer);
  const jwk = { ...bank.signingKey.export({ format: 'jwk' }), kid: bank.described.kid, alg: 'PS256', use: 'sig' };
  const fapi1 = bank.described.profile === 'fapi1';
  const client = new issuer[fapi1 ? 'FAPI1Client' : 'FAPI2Client'](
    {
      client_id: bank.described.client_id,
      redirect_uris: [bank.redirectUri],
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: 'PS256',
      request_object_signing_alg: 'PS256',
      tls_client_certificate_bound_access_tokens: true,
    },
    { keys: [jwk] },
  );
  client[custom.http_options] = () => bank.transport;
  return client;
}

// ---- signed messages of UK Open Banking ----

async function signDetached(bank, body) {
  const header = {
    alg: 'PS256',
    kid: bank.described.kid,
    [`${CLAIM}iat`]: Math.floor(Date.now() / 1000),
    [`${CLAIM}iss`]: `${bank.described.org_id}/${bank.described.software_id}`,
    [`${CLAIM}tan`]: TRUST_ANCHOR,
    crit: SIGNED_CLAIMS,
  };
  const crit = Object.fromEntries(SIGNED_CLAIMS.map((name) => [name, true]));
  const signed = await new jose.FlattenedSign(Buffer.from(body))
    .setProtectedHeader(header)
    .sign(bank.signingKey, { crit });
  return `${signed.protected}..${signed.signature}`;
}

// The answer's signature, against the keys that the bank publishes.
async function verifyDetached(client, response) {
  const [header, between, signature] = (response.headers['x-jws-signature'] ?? '').split('.');
  assert.equal(between, '', 'the answer carries a detached signature');
  const keys = await keysOf(client);
  const crit = Object.fromEntries(SIGNED_CLAIMS.map((name) => [name, true]));
  const jws = { protected: header, payload: jose.base64url.encode(response.body), signature };
  await jose.flattenedVerify(jws, keys, { algorithms: ['PS256'], crit });
}

let publishedKeys;
async function keysOf(client) {
  if (!publishedKeys) {
    const response = await request(client.issuer.metadata.jwks_uri);
    assert.equal(response.status, 200, 'the keys are published');
    publishedKeys = jose.createLocalJWKSet(JSON.parse(response.body));
  }
  return publishedKeys;
}

async function callApi(bank, client, token, path, document, idempotencyKey) {
  const interactionId = randomUUID();
  const headers = { Accept: 'application/json', 'x-fapi-interaction-id': interactionId };
  const options = { method: 'GET', headers };
  if (document) {
    options.method = 'POST';
    options.body = JSON.stringify(document);
    headers['Content-Type'] = 'application/json';
    headers['x-idempotency-key'] = idempotencyKey;
    headers['x-jws-signature'] = await signDetached(bank, options.body);
  }
  const response = await client.requestResource(`${bank.apiUrl}/open-banking/v4.0/pisp${path}`, token, options);
  const text = response.body.toString();
  assert.equal(response.statusCode, document ? 201 : 200, `${options.method} ${path}: ${response.statusCode} ${text}`);
  assert.equal(response.headers['x-fapi-interaction-id'], interactionId, 'the interaction is echoed');
  await verifyDetached(client, response);
  return JSON.parse(text);
}

// ---- the customer's browser: no client certificate, no redirect is followed ----

function request(url) {
  return new Promise((resolve, reject) => {
    const call = https.get(url, { timeout: REQUEST_MS_MAX }, (response) => {
      const parts = [];
      response.on('data', (part) => parts.push(part));
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(parts).toString() }));
    });
    call.on('timeout', () => call.destroy(new Error(`no answer in ${REQUEST_MS_MAX} ms: ${new URL(url).pathname}`)));
    call.on('error', reject);
  });
}

// What the browser carries to authorize: a pushed request, or for FAPI 1.0's hybrid flow a signed one by value.
async function asked(client, bank, parameters) {
  if (bank.described.profile === 'fapi2') {
    return { request_uri: (await client.pushedAuthorizationRequest(parameters)).request_uri };
  }
  const object = await client.requestObject(parameters);
  if (bank.response === 'hybrid') return { request: object, response_type: 'code id_token', scope: 'openid' };
  return { request_uri: (await client.pushedAuthorizationRequest({ request: object })).request_uri };
}

// The authorization response's parameters, by the redirect of a customer who decides at once.
async function authorize(client, bank, consentId, loginHint) {
  const hybrid = bank.response === 'hybrid';
  const checks = {
    state: generators.state(),
    nonce: generators.nonce(),
    code_verifier: generators.codeVerifier(),
    response_type: hybrid ? 'code id_token' : 'code',
    jarm: bank.response === 'signed',
  };
  const parameters = {
    response_type: checks.response_type,
    ...(checks.jarm && { response_mode: 'jwt' }),
    redirect_uri: bank.redirectUri,
    scope: 'openid payments',
    state: checks.state,
    nonce: checks.nonce,
    code_challenge: generators.codeChallenge(checks.code_verifier),
    code_challenge_method: 'S256',
    login_hint: loginHint,
    claims: { id_token: { openbanking_intent_id: { value: consentId, essential: true } } },
  };
  const response = await request(client.authorizationUrl(await asked(client, bank, parameters)));
  assert.equal(response.status, 303, `authorize redirects: ${response.status} ${response.body}`);
  const separator = hybrid ? '#' : '?';
  assert.ok(response.headers.location.startsWith(bank.redirectUri + separator), 'the redirect goes to the pushed URI');
  return { checks, params: client.callbackParams(response.headers.location.replace('#', '?')) };
}

async function refusal(promise) {
  try {
    await promise;
  } catch (error) {
    if (error instanceof errors.OPError) return error.error;
    throw error;
  }
  return 'accepted';
}

// ---- the flow ----

function paymentOf(creditorIdentification) {
  const name = `oc-${randomUUID().slice(0, 18)}`;
  return {
    Initiation: {
      InstructionIdentification: name,
      EndToEndIdentification: name,
      InstructedAmount: { Amount: '12.34', Currency: 'GBP' },
      CreditorAccount: {
        SchemeName: 'UK.OBIE.SortCodeAccountNumber',
        Identification: creditorIdentification,
        Name: 'Independent Books Ltd',
      },
      RemittanceInformation: { Unstructured: ['independent client'] },
    },
    Risk: { PaymentContextCode: 'TransferToThirdParty' },
  };
}

async function settle(bank, client, token, paymentId) {
  const end = Date.now() + PAYMENT_MS_MAX;
  for (;;) {
    const { Data } = await callApi(bank, client, token, `/domestic-payments/${paymentId}`);
    if (!['RCVD', 'PDNG'].includes(Data.Status) || Date.now() > end) return Data.Status;
    await new Promise((resolve) => setTimeout(resolve, PAYMENT_POLL_MS));
  }
}

async function run(folder, creditorIdentification, loginHint, name, response) {
  const bank = { ...readBank(folder, name), response };
  https.globalAgent.options.ca = bank.ca;
  const client = await openClient(bank);
  const clientToken = await client.grant({ grant_type: 'client_credentials', scope: 'payments' });
  const { Initiation, Risk } = paymentOf(creditorIdentification);
  const consent = await callApi(bank, client, clientToken, '/domestic-payment-consents', { Data: { Initiation }, Risk },
    randomUUID());
  const { ConsentId } = consent.Data;
  assert.equal(consent.Data.Status, 'AWAU');

  const { checks, params } = await authorize(client, bank, ConsentId, loginHint);
  if (loginHint === 'decline') {
    const error = await refusal(client.callback(bank.redirectUri, params, checks));
    const { Data } = await callApi(bank, client, clientToken, `/domestic-payment-consents/${ConsentId}`);
    return { outcome: error, consent_status: Data.Status };
  }
  const tokens = await client.callback(bank.redirectUri, params, checks);
  const claims = tokens.claims();
  assert.equal(claims.openbanking_intent_id, ConsentId, 'the ID token names the consent');

  const payment = await callApi(bank, client, tokens, '/domestic-payments', { Data: { ConsentId, Initiation }, Risk },
    randomUUID());
  assert.equal(payment.Data.Status, 'RCVD');
  const status = await settle(bank, client, clientToken, payment.Data.DomesticPaymentId);
  const after = await callApi(bank, client, clientToken, `/domestic-payment-consents/${ConsentId}`);
  const again = await refusal(client.callback(bank.redirectUri, params, checks));
  return {
    outcome: status === 'ACSC' ? 'paid' : 'not paid',
    payment_id: payment.Data.DomesticPaymentId,
    payment_status: status,
    consent_status: after.Data.Status,
    expires_in: tokens.expires_in,
    acr: claims.acr,
    code_used_twice: again,
  };
}

const [folder, creditorIdentification, loginHint = 'mia', name = 'acme-tpp', response = 'plain'] =
  process.argv.slice(2);
if (!folder || !creditorIdentification) {
  console.error('usage: node flow.mjs VAR CREDITOR_IDENTIFICATION [LOGIN_HINT [CLIENT [RESPONSE]]]');
  process.exit(2);
}
try {
  console.log(JSON.stringify(await run(folder, creditorIdentification, loginHint, name, response)));
} catch (error) {
  console.error(error.stack ?? String(error));
  process.exitCode = 1;
}
