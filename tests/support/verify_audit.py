#!/usr/bin/python3
"""Verifies an export of the audit log: verify_audit.py FILE [VERIFIER-KEY]. Written from docs/audit-log.md alone."""

import base64
import datetime
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


def parsed(text):
    line = json.loads(text)
    if not isinstance(line, dict):
        raise ValueError("not an object")
    return line


def lines_of(file):
    """Every line of an export and the bytes before it: of a table, an entry's row is made one too."""
    text = file.read()
    if text.startswith("{"):
        at = 0
        for line in text.split("\n")[:-1]:
            yield parsed(line), at
            at += len(line.encode()) + 1
        return
    yield from rows_of(text)


def table(text):
    """(cells, where the row begins); None is a cell without anything."""
    row, at, begin = [], 0, 0
    while at < len(text):
        if text[at] == '"':
            end = at + 1
            while text[end] != '"' or text[end + 1] == '"':
                end += 2 if text[end] == '"' else 1
            row.append(text[at + 1:end].replace('""', '"'))
            at = end + 1
        else:
            end = at
            while text[end] not in ",\n":
                end += 1
            row.append(text[at:end] or None)
            at = end
        if text[at] == "\n":
            yield row, begin
            row, begin = [], at + 1
        at += 1


def rows_of(text):
    raw, names = False, None
    for row, begin in table(text):
        if names is None:
            names = [(name or "").lstrip("\ufeff") for name in row]
            continue
        cells = dict(zip(names, row))
        for line in (cells["proof"] or "").splitlines():
            line = parsed(line)
            raw = raw or line.get("raw", False)
            yield line, len(text[:begin].encode())
        if cells["leaf"] is None:
            continue
        values = {name: cells[name] for name in COLUMNS if cells[name] is not None}
        line = {"leaf": int(cells["leaf"]), "hash": cells["hash"]}
        if values:
            line["entry"] = {name: value[value[:1] == "'" and not raw:] for name, value in values.items()}
            at = datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=int(values["at"]))
            if cells["time"] != at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"):
                line["hash"] = "not of this time"
        yield line, len(text[:begin].encode())


def spans(first, beyond):
    """The sizes of the largest whole subtrees from the first leaf up to the one beyond."""
    while first < beyond:
        leaves = 1
        while first % (2 * leaves) == 0 and first + 2 * leaves <= beyond:
            leaves *= 2
        yield leaves
        first += leaves


def removed(entry):
    """The leaves that an entry says were removed by decision."""
    if (entry.get("op"), entry.get("outcome")) != ("audit_prune", "ok"):
        return set()
    return {leaf for first, last in json.loads(entry["after"])["leaves"] for leaf in range(first, last + 1)}


class Verifier:
    def __init__(self, verifier, seen):
        self.verifier, self.seen = verifier, seen
        self.tree, self.since, self.confirmed, self.entries, self.ended = Tree(), 0, False, 0, False
        self.gone = set()

    def add(self, digest, leaves=1):
        self.tree.add(digest, leaves)
        if self.seen and self.seen[0] == self.tree.size and self.seen[1] != self.tree.root():
            raise Fault("forked", self.tree.size)

    def head(self, line):
        self.key, self.whole = line["log"], line["scope"] == "*" and not line["filter"]
        if self.verifier not in (None, self.key):
            raise Fault("key")

    def checkpoint(self, note):
        try:
            size, root = read_note(note, self.key)
        except (ValueError, InvalidSignature):
            raise Fault("signature", self.tree.size) from None
        if size != self.tree.size:
            raise Fault("gap" if size > self.tree.size else "misplaced", self.tree.size)
        if root != self.tree.root():
            raise Fault("root", size - 1, self.since)
        self.since, self.confirmed = size, True

    def skip(self, beyond, nodes):
        nodes = bytes.fromhex(nodes)
        if self.whole:
            raise Fault("gap", self.tree.size)
        for leaves in list(spans(self.tree.size, beyond)):
            if len(nodes) < 32:
                raise Fault("gap", self.tree.size)
            self.add(nodes[:32], leaves)
            nodes = nodes[32:]

    def leaf(self, line):
        if line["leaf"] != self.tree.size:
            raise Fault("gap", self.tree.size)
        self.entries += 1
        if "entry" not in line:
            self.gone.add(self.tree.size)
        elif sha256(b"\0" + entry_bytes(line["entry"])).hex() != line["hash"]:
            raise Fault("altered", self.tree.size)
        self.gone -= removed(line.get("entry", {}))
        self.add(bytes.fromhex(line["hash"]))

    def end(self, line, before):
        self.ended = True
        if (line["entries"], line["sha256"]) != (self.entries, before.hex()):
            raise Fault("sum", self.tree.size)

    def done(self):
        if self.gone:
            raise Fault("gone", min(self.gone))
        if self.seen and self.seen[0] > self.tree.size:
            raise Fault("truncated", self.tree.size)
        if not self.ended or self.since != self.tree.size or (self.tree.size and not self.confirmed):
            raise Fault("end", self.since)
        return self.tree.size


def verify(path, verifier=None, seen=None):
    """The size proved. seen: (size, root) known from before. Raises Fault."""
    v = Verifier(verifier, seen)
    with open(path, "rb") as file:
        data = file.read()
    with open(path, encoding="utf-8", newline="\n") as file:
        for n, (line, begin) in enumerate(lines_of(file)):
            if n == 0:
                v.head(line)
            elif v.ended:
                raise Fault("malformed", v.tree.size)
            elif "checkpoint" in line:
                v.checkpoint(line["checkpoint"])
            elif "skip" in line:
                v.skip(line["skip"], line["nodes"])
            elif "sha256" in line:
                v.end(line, sha256(data[:begin]))
            else:
                v.leaf(line)
    return v.done()


def main():
    try:
        print("intact:", verify(*sys.argv[1:3]), "entries")
    except Fault as fault:
        sys.exit(f"{fault.kind} at leaf {fault.leaf}")


if __name__ == "__main__":
    main()
