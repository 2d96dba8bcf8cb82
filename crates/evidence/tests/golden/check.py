#!/usr/bin/env python3
"""Checks the golden vectors in this folder without any code of this project.

    pip install cryptography
    python3 crates/evidence/tests/golden/check.py

It re-creates the bytes, hashes, Merkle root and Ed25519 signatures with Python's own JSON writer
and the `cryptography` package, and compares them with the kept files. It is run by hand whenever a
vector is added; `cargo test` checks the same files against the Rust code. Exit code 0: all agree.
"""

import base64
import hashlib
import json
import pathlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

FOLDER = pathlib.Path(__file__).parent


def load(name):
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


def jcs(value):
    """RFC 8785 for values without floats: keys by UTF-16 code units, shortest escapes."""
    if isinstance(value, dict):
        order = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return "{" + ",".join(f"{jcs(key)}:{jcs(value[key])}" for key in order) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(jcs, value)) + "]"
    assert not isinstance(value, float), "records hold no floats"
    return json.dumps(value, ensure_ascii=False)


def sha256(data):
    return hashlib.sha256(data).digest()


def pae(kind, body):
    kind = kind.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(body), body)


def secret(hex_seed):
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(hex_seed))


def public_hex(key):
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


def equal(what, ours, kept):
    assert ours == kept, f"{what}\n  here: {ours}\n  kept: {kept}"
    print(f"ok  {what}")


def check_record(name):
    kept = load(name)
    halves = [kept["public"], kept["private"]]
    for half, text in zip(["public", "private"], halves):
        equal(f"{name}: {half} half is canonical", jcs(json.loads(text)), text)
    hashes = [sha256(text.encode()) for text in halves]
    equal(f"{name}: public_sha256", hashes[0].hex(), kept["public_sha256"])
    equal(f"{name}: private_sha256", hashes[1].hex(), kept["private_sha256"])
    body = hashes[0] + hashes[1]
    message = pae(kept["payload_type"], body)
    equal(f"{name}: signed_message", message.hex(), kept["signed_message"])
    key = secret(kept["secret_key"])
    equal(f"{name}: public_key", public_hex(key), kept["public_key"])
    signature = key.sign(message)
    equal(f"{name}: signature", signature.hex(), kept["signature"])
    equal(f"{name}: record_hash", sha256(body).hex(), kept["record_hash"])
    line = {
        "type": kept["payload_type"],
        "public": base64.b64encode(halves[0].encode()).decode(),
        "private": base64.b64encode(halves[1].encode()).decode(),
        "key": base64.b64encode(bytes.fromhex(kept["public_key"])).decode(),
        "sig": base64.b64encode(signature).decode(),
    }
    equal(f"{name}: envelope_line", json.dumps(line, separators=(",", ":")), kept["envelope_line"])


def check_receipts():
    kept = load("receipts.json")
    leaves = [sha256(b"\x00" + text.encode()) for text in kept["receipts"]]
    for text in kept["receipts"]:
        equal("receipts: canonical", jcs(json.loads(text)), text)
    equal("receipts: leaf_hashes", [leaf.hex() for leaf in leaves], kept["leaf_hashes"])
    left = sha256(b"\x01" + leaves[0] + leaves[1])
    root = sha256(b"\x01" + left + leaves[2])
    equal("receipts: root", root.hex(), kept["root"])
    signature = base64.b64encode(secret(kept["secret_key"]).sign(pae(kept["payload_type"], root))).decode()
    paths = [[leaves[1], leaves[2]], [leaves[0], leaves[2]], [left]]
    for index, (text, path) in enumerate(zip(kept["receipts"], paths)):
        signed = {
            "receipt": base64.b64encode(text.encode()).decode(),
            "index": index,
            "count": len(leaves),
            "path": [node.hex() for node in path],
            "sig": signature,
        }
        equal(f"receipts: receipt {index} with its proof", signed, kept["signed"][index])


def check_joining():
    kept = load("joining.json")
    collector = secret(kept["collector_secret_key"])
    equal("joining: collector_public_key", public_hex(collector), kept["collector_public_key"])
    fragment = base64.urlsafe_b64encode(bytes.fromhex(kept["collector_public_key"])).rstrip(b"=").decode()
    request = kept["enrolment_request"]
    url = f"https://data.example.org/tonle/join/{request['token']}#{fragment}"
    equal("joining: invitation_url", url, kept["invitation_url"])
    agent = secret(kept["agent_secret_key"])
    claim = "\n".join([request["token"], public_hex(agent), request["consent_version"]])
    proof = agent.sign(pae(kept["enrolment_type"], claim.encode()))
    equal("joining: proof of possession", base64.b64encode(proof).decode(), request["proof"])
    body = jcs(kept["targets"]).encode()
    document = {
        "body": base64.b64encode(body).decode(),
        "sig": base64.b64encode(collector.sign(pae(kept["targets_type"], body))).decode(),
    }
    equal("joining: signed list of targets", document, kept["targets_document"])


check_record("record-full.json")
check_record("record-minimal.json")
check_receipts()
check_joining()
print("all golden vectors agree")
