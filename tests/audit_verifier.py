"""A verifier of audit exports and proofs made from docs/audit.md alone: it shares no code with the product."""

import base64
import hashlib
import json
import struct

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import load_pem_public_key


class Broken(Exception):
    pass


def demand(fact, what):
    if not fact:
        raise Broken(what)


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def root_of(leaves):
    if not leaves:
        return sha()
    if len(leaves) == 1:
        return leaves[0]
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return sha(b"\x01", root_of(leaves[:half]), root_of(leaves[half:]))


def frames(body):
    while body:
        kind, size = body[:1], struct.unpack(">I", body[1:5])[0]
        demand(kind in b"EHA" and len(body) >= 5 + size, "frame")
        yield kind, body[5 : 5 + size]
        body = body[5 + size :]


def record_hash(record, body):
    numbers = struct.pack(">qqq", record["epoch"], record["seq"], record["at_ms"])
    texts = b"".join(bytes.fromhex(record[name]) for name in ("last_id", "prev_hash", "entries_hash", "rows_hash"))
    return sha(numbers, texts, sha(body))


def signed_text(checkpoint):
    lines = ["giro audit checkpoint 1"]
    for name in ("first_seq", "epoch", "seq", "time_ms", "head", "records", "root", "previous"):
        lines.append(f"{name} {checkpoint[name]}")
    return ("\n".join(lines) + "\n").encode()


def from_base64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def check_signature(checkpoint, key):
    pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
    try:
        key.verify(from_base64url(checkpoint["signature"]), signed_text(checkpoint), pss, hashes.SHA256())
    except InvalidSignature:
        raise Broken("signature") from None


def compact(value):
    return json.dumps(value, separators=(",", ":")).encode()


def read_checkpoint(frame, key):
    checkpoint = json.loads(frame)
    demand(compact(checkpoint) == frame, "form of a checkpoint")
    check_signature(checkpoint, key)
    return checkpoint


class Trail:
    def __init__(self, key):
        self.key, self.open, self.head, self.previous, self.begun = key, [], None, None, False

    def record(self, line):
        record = json.loads(line)
        demand(compact(record) == line, "form of a record")
        body = base64.b64decode(record["body"], validate=True)
        demand(base64.b64encode(body).decode() == record["body"], "base64")
        hash_ = record_hash(record, body)
        demand(hash_.hex() == record["hash"], "hash")
        demand(self.head in (None, record["prev_hash"]), "prev_hash")
        demand(record["seq"] > 1 or record["prev_hash"] == "00" * 32, "first record")
        self.head = record["hash"]
        leaves = []
        self.open.append((record, leaves))
        for kind, frame in frames(body):
            if kind == b"A":
                if frame.startswith(b'{"event":"checkpoint",'):
                    self.checkpoint(frame)
                leaves.append(sha(b"\x00", frame))

    def checkpoint(self, frame):
        checkpoint = read_checkpoint(frame, self.key)
        text_hash = sha(signed_text(checkpoint)).hex()
        if text_hash == self.previous:
            return
        covered = [row for row in self.open if row[0]["seq"] <= checkpoint["seq"]]
        if not covered:  # of records before this part
            demand(not self.begun, "place of a checkpoint")
            return
        demand(covered[0][0]["seq"] == checkpoint["first_seq"], "first_seq")
        last = covered[-1][0]
        demand((last["seq"], last["epoch"]) == (checkpoint["seq"], checkpoint["epoch"]), "seq")
        demand(last["hash"] == checkpoint["head"], "head")
        leaves = [leaf for _, some in covered for leaf in some]
        demand(len(leaves) == checkpoint["records"] and root_of(leaves).hex() == checkpoint["root"], "root")
        demand(self.previous in (None, checkpoint["previous"]), "previous")
        demand(checkpoint["first_seq"] > 1 or checkpoint["previous"] == "00" * 32, "first checkpoint")
        self.open = self.open[len(covered) :]
        self.previous, self.begun = text_hash, True


def verify_export(path, pem):
    """How many records and checkpoints it proves; Broken when it does not."""
    key = load_pem_public_key(pem)
    text = open(path, "rb").read()
    demand(text.endswith(b"\n"), "end of the file")
    lines = text[:-1].split(b"\n")
    header = json.loads(lines[0])
    demand(compact(header) == lines[0] and header["giro_audit_export"] == 1, "header")
    demand(len(lines) == header["last_seq"] - header["first_seq"] + 3, "count of records")
    trail = Trail(key)
    for i, line in enumerate(lines[1:-1]):
        demand(json.loads(line)["seq"] == header["first_seq"] + i, "seq")
        trail.record(line)
    trail.checkpoint(lines[-1])
    demand(json.loads(lines[-1])["seq"] == header["last_seq"] and not trail.open, "last checkpoint")
    return len(lines) - 2


def verify_proof(path, pem):
    """The record, as JSON; Broken when the proof does not hold."""
    head, record, frame = open(path, "rb").read().decode().removesuffix("\n").split("\n")
    proof = json.loads(head)
    checkpoint = read_checkpoint(frame.encode(), load_pem_public_key(pem))
    index, last, hash_ = proof["index"], checkpoint["records"] - 1, sha(b"\x00", record.encode())
    demand(0 <= index <= last, "index")
    for sibling in map(bytes.fromhex, proof["path"]):
        demand(last > 0, "length of the path")
        if index % 2 or index == last:
            hash_ = sha(b"\x01", sibling, hash_)
            while index % 2 == 0 and index:
                index, last = index // 2, last // 2
        else:
            hash_ = sha(b"\x01", hash_, sibling)
        index, last = index // 2, last // 2
    demand(last == 0 and hash_.hex() == checkpoint["root"], "root")
    return json.loads(record)
