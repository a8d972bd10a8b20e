// The part of npm's jose in the differential of tokens. Lines on stdin, one answer a line on stdout:
//   verify: ALG JWK TOKEN  ->  accept PAYLOAD-IN-HEX, or refuse CODE
//   sign:   ALG PRIVATE-JWK PAYLOAD  ->  the token
import { readFileSync } from "node:fs";
import { CompactSign, compactVerify, importJWK } from "jose";

// Bytes, one to a character, so that what is no UTF-8 arrives as it is.
function bytesOf(field) {
    const text = field.replace(/%([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
    return Buffer.from(text, "latin1");
}

const imported = new Map();
async function keyOf(jwk, alg) {
    const name = alg + jwk;
    if (!imported.has(name)) imported.set(name, importJWK(JSON.parse(jwk), alg));
    return imported.get(name);
}

// RFC 9864 has given EdDSA with Ed25519 a name of its own.
function namesOf(alg) {
    return alg === "EdDSA" ? ["EdDSA", "Ed25519"] : [alg];
}

async function verify(alg, jwk, token) {
    try {
        const key = await keyOf(jwk.toString("utf8"), alg);
        const { payload } = await compactVerify(token.toString("latin1"), key, { algorithms: namesOf(alg) });
        return `accept\t${Buffer.from(payload).toString("hex")}`;
    } catch (error) {
        return `refuse\t${error.code || error.name}`;
    }
}

async function sign(alg, jwk, payload) {
    const parsed = JSON.parse(jwk.toString("utf8"));
    const key = await keyOf(jwk.toString("utf8"), alg);
    return new CompactSign(payload).setProtectedHeader({ alg, kid: parsed.kid }).sign(key);
}

const judge = process.argv[2] === "sign" ? sign : verify;
const answers = [];
for (const line of readFileSync(0, "latin1").split("\n").slice(0, -1)) {
    const [alg, jwk, third] = line.split("\t").map(bytesOf);
    answers.push(await judge(alg.toString("latin1"), jwk, third));
}
process.stdout.write(answers.join("\n") + "\n");
