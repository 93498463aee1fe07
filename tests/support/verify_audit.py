#!/usr/bin/python3
"""Verifies an export of the audit log: verify_audit.py FILE [VERIFIER-KEY]. Written from docs/audit-log.md alone."""

import base64
import hashlib
import json
import struct
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

COLUMNS = ("seq at institution plan item_no task_no person who name unit key request op outcome error args why before after roles asked").split()
LATER = COLUMNS[-2:]


class Fault(Exception):
    def __init__(self, kind, leaf=0, since=None):
        super().__init__(kind, leaf, since)
        self.kind, self.leaf, self.since = kind, leaf, since


def sha256(data):
    return hashlib.sha256(data).digest()


def entry_bytes(entry):
    if set(entry) - set(COLUMNS) or not all(isinstance(value, str) for value in entry.values()):
        raise ValueError("not an entry")
    version, columns = (2, COLUMNS) if any(column in entry for column in LATER) else (1, COLUMNS[:-2])
    values = [entry[column].encode() if column in entry else None for column in columns]
    return bytes([version]) + b"".join(b"\xff" * 4 if v is None else struct.pack(">I", len(v)) + v for v in values)


class Tree:
    """Whole subtrees from left to right, each (leaves, hash)."""

    def __init__(self):
        self.parts, self.size = [], 0

    def add(self, digest, leaves=1):
        self.parts.append((leaves, digest))
        self.size += leaves
        while len(self.parts) > 1 and self.parts[-1][0] == self.parts[-2][0]:
            (n, left), (m, right) = self.parts[-2:]
            self.parts[-2:] = [(n + m, sha256(b"\1" + left + right))]

    def root(self):
        root = None
        for _, digest in reversed(self.parts):
            root = digest if root is None else sha256(b"\1" + digest + root)
        return sha256(b"") if root is None else root


def read_note(note, verifier):
    """(size, root) of a checkpoint that the key has signed."""
    name, digest, typed = verifier.split("+", 2)
    typed = base64.b64decode(typed, validate=True)
    if typed[:1] != b"\1" or sha256(name.encode() + b"\n" + typed)[:4].hex() != digest:
        raise ValueError("not a verifier key")
    text, _, signatures = note.partition("\n\n")
    text += "\n"
    origin, size, root = text.splitlines()[:3]
    for line in signatures.splitlines():
        dash, who, signature = line.split(" ")
        signature = base64.b64decode(signature, validate=True)
        if dash == "—" and who == name == origin and signature[:4].hex() == digest:
            Ed25519PublicKey.from_public_bytes(typed[1:]).verify(signature[4:], text.encode())
            return int(size), base64.b64decode(root, validate=True)
    raise ValueError("not signed")


def verify(lines, verifier=None, seen=None):
    """The size proved. seen: (size, root) known from before. Raises Fault."""
    lines = (json.loads(line) for line in lines)
    head = next(lines)
    if verifier not in (None, head["key"]):
        raise Fault("key")
    tree, edge, since, confirmed = Tree(), bytes.fromhex(head["edge"]), head["first"], False
    for level in reversed(range(head["first"].bit_length())):
        if head["first"] >> level & 1:
            tree.add(edge[:32], 1 << level)
            edge = edge[32:]
    for line in lines:
        if "checkpoint" in line:
            try:
                size, root = read_note(line["checkpoint"], head["key"])
            except (ValueError, InvalidSignature):
                raise Fault("signature", tree.size) from None
            if size != tree.size:
                raise Fault("gap" if size > tree.size else "misplaced", tree.size)
            if root != tree.root():
                raise Fault("root", size - 1, since)
            since, confirmed = size, True
            continue
        if line["leaf"] != tree.size:
            raise Fault("gap", tree.size)
        if "entry" not in line and not (line.get("hidden") and head["scope"] != "*"):
            raise Fault("gone", tree.size)
        if "entry" in line and sha256(b"\0" + entry_bytes(line["entry"])).hex() != line["hash"]:
            raise Fault("altered", tree.size)
        tree.add(bytes.fromhex(line["hash"]))
        if seen and seen[0] == tree.size and seen[1] != tree.root():
            raise Fault("forked", tree.size)
    if seen and seen[0] > tree.size:
        raise Fault("truncated", tree.size)
    if since != tree.size or (tree.size and not confirmed):
        raise Fault("end", since)
    return tree.size


def main():
    with open(sys.argv[1], encoding="utf-8", newline="\n") as file:
        try:
            print("intact:", verify(file, *sys.argv[2:3]), "entries")
        except Fault as fault:
            sys.exit(f"{fault.kind} at leaf {fault.leaf}")


if __name__ == "__main__":
    main()
