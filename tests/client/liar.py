#!/usr/bin/python3
"""A server that lies about its audit log, to clients that have seen it before: every lie is reported, nothing that was remembered is
lost, and what was said is kept as evidence. The trees and notes are made here, from docs/audit-log.md alone."""

import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mejora import Tap

SUPPORT = Path(__file__).resolve().parents[1] / "support"
sys.path.insert(0, str(SUPPORT))
from verify_audit import sha256  # noqa: E402

CONTRADICTED, FAILED, DONE = 9, 1, 0
tap = Tap()


def root(leaves):
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256(b"")
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\1" + root(leaves[:half]) + root(leaves[half:]))


def inclusion(n, leaves):
    if len(leaves) == 1:
        return []
    half = 1 << (len(leaves) - 1).bit_length() - 1
    if n < half:
        return inclusion(n, leaves[:half]) + [root(leaves[half:])]
    return inclusion(n - half, leaves[half:]) + [root(leaves[:half])]


def consistency(old, leaves, whole=True):
    if old == len(leaves):
        return [] if whole else [root(leaves)]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    if old <= half:
        return consistency(old, leaves[:half], whole) + [root(leaves[half:])]
    return consistency(old - half, leaves[half:], False) + [root(leaves[:half])]


class Log:
    """A log of its own: a key and leaves."""

    def __init__(self, leaves, origin="mejora/liar", key=None):
        self.origin, self.leaves, self.key = origin, leaves, key or Ed25519PrivateKey.generate()
        public = self.key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        self.hash = sha256(origin.encode() + b"\n\1" + public)[:4]
        self.verifier = f"{origin}+{self.hash.hex()}+{base64.b64encode(bytes([1]) + public).decode()}"

    def note(self, size):
        text = f"{self.origin}\n{size}\n{base64.b64encode(root(self.leaves[:size])).decode()}\n"
        return f"{text}\n— {self.origin} {base64.b64encode(self.hash + self.key.sign(text.encode())).decode()}\n"

    def shows(self, size, old=None, **instead):
        """The reply to audit_checkpoint; bytes are base64 in JSON."""
        path = consistency(old, self.leaves[:size]) if old and old <= size else []
        reply = {"key": self.verifier, "size": size, "note": self.note(size), "path": base64.b64encode(b"".join(path)).decode(), **instead}
        return {name: value for name, value in reply.items() if value is not None}


class Liar:
    def __enter__(self):
        self.home = Path(tempfile.mkdtemp(prefix="mejora."))
        self.says({})
        (self.home / "requests.jsonl").touch()
        self.server = subprocess.Popen([SUPPORT / "fake_server.py", self.home], stdout=subprocess.PIPE, text=True)
        if self.server.stdout.readline() != "ready\n":
            raise SystemExit("Bail out! no server")
        self.profile = self.home / "profile"
        self.seen = self.home / "profile.checkpoint"
        return self

    def __exit__(self, *_):
        self.server.terminate()
        self.server.wait(60)
        shutil.rmtree(self.home)

    def says(self, checkpoint, **others):
        script = {"whoami": [{"reply": {"person": "ana"}}], "reminder_lease": [{"reply": {}}],
                  "audit_checkpoint": [{"outcome": "UNSUPPORTED"} if checkpoint is None else checkpoint if "silent" in checkpoint
                                       else {"reply": checkpoint}], **{op: [{"reply": reply}] for op, reply in others.items()}}
        (self.home / "script.new").write_text(json.dumps(script), encoding="utf-8")
        os.replace(self.home / "script.new", self.home / "script.json")

    def run(self, *words):
        return subprocess.run(["mejora", "--profile", self.profile, "--lang", "en", *words], capture_output=True, text=True, check=False)

    def work(self):
        return subprocess.run(["mejora-notify", "--profile", self.profile, "--once", "--smtp", "smtp://127.0.0.1:1", "--insecure-plain",
                               "--from", "plan@example.do"], capture_output=True, text=True, check=False)

    def evidence(self):
        return sorted(self.home.glob("profile.checkpoint.*"))

    def begin(self, log, size):
        """A client that has seen the log at that size, and nothing else."""
        for file in (self.seen, *self.evidence()):
            file.unlink(missing_ok=True)
        self.says(log.shows(size))
        self.run("whoami")


def lies(log, fork, other):
    """(what it is, size seen before, what the server shows then, what the client says of it)"""
    broken = log.note(8).replace("liar ", "liar A", 1)
    return (
        ("a fork, with its own proof", 5, fork.shows(8, 5), "does not continue"),
        ("a fork of the same size", 5, fork.shows(5), "does not continue"),
        ("a proof that is none", 5, log.shows(8, 5, path=base64.b64encode(bytes(96)).decode()), "does not continue"),
        ("a proof for another size", 5, log.shows(8, 4), "does not continue"),
        ("a proof cut short", 5, log.shows(8, 5, path=base64.b64encode(bytes(33)).decode()), "does not continue"),
        ("no proof", 5, log.shows(8, 5, path=None), "does not continue"),
        ("an old checkpoint", 5, log.shows(3), "had 5 entries when it was seen before, and has 3 now"),
        ("no checkpoint any more", 5, {}, "had 5 entries when it was seen before, and has 0 now"),
        ("a server that knows no log", 5, None, "had 5 entries when it was seen before, and has 0 now"),
        ("another key for the same log", 5, other.shows(8, 5), "another log"),
        ("another log", 5, Log(log.leaves, "mejora/other").shows(8, 5), "another log"),
        ("a signature of another key", 5, log.shows(8, 5, note=other.note(8)), "no checkpoint that its log has signed"),
        ("a signature that was changed", 5, log.shows(8, 5, note=broken), "no checkpoint that its log has signed"),
        ("a size that was changed", 5, log.shows(8, 5, note=log.note(8).replace("\n8\n", "\n9\n")), "no checkpoint that its log has signed"),
        ("a note that is none", 5, log.shows(8, 5, note="x"), "no checkpoint that its log has signed"),
        ("a bad note at first sight", 0, log.shows(8, note=other.note(8)), "no checkpoint that its log has signed"),
    )


def try_lies(liar, log, fork, other):
    for name, before, shown, said in lies(log, fork, other):
        liar.begin(log, before) if before else liar.begin(log, 1)
        if not before:
            liar.seen.unlink()
        remembered = liar.seen.read_text(encoding="utf-8") if before else None
        liar.says(shown)
        done, again, worker = liar.run("whoami"), liar.run("whoami"), liar.work()
        kept = liar.evidence()
        tap.ok((done.returncode, again.returncode, worker.returncode) == (CONTRADICTED,) * 3 and said in done.stderr and "ana" in done.stdout,
               f"{name}: reported, each time, by the worker too", (done.returncode, done.stderr, worker))
        tap.ok((liar.seen.read_text(encoding="utf-8") if liar.seen.exists() else None) == remembered, f"{name}: what was seen stays")
        tap.ok(len(kept) == 1 and (remembered or "") in kept[0].read_text(encoding="utf-8")
               and (shown or {}).get("note", "") in kept[0].read_text(encoding="utf-8") and str(kept[0]) in done.stderr,
               f"{name}: both are kept, once", kept)


def try_proofs(liar, log):
    """Is an entry in the log? Only a path that leads to the root says so."""
    path, hash_ = inclusion(2, log.leaves), log.leaves[2]
    for name, leaf, digest, nodes, code in (
            ("right", 2, hash_, path, DONE), ("of another leaf", 3, hash_, path, FAILED), ("of another hash", 2, log.leaves[3], path, FAILED),
            ("too short", 2, hash_, path[:-1], FAILED), ("too long", 2, hash_, path + [hash_], FAILED), ("changed", 2, hash_, path[::-1], FAILED),
            ("beyond the end", 9, hash_, path, FAILED)):
        liar.begin(log, 8)
        liar.says(log.shows(8), audit_proof={"leaf": leaf, "size": 8, "hash": base64.b64encode(digest).decode(),
                                             "path": base64.b64encode(b"".join(nodes)).decode()})
        done = liar.run("audit", "proof", "3")
        tap.ok(done.returncode == code, f"a path that is {name}", done)


def main():
    leaves = [sha256(bytes([0, n])) for n in range(8)]
    log = Log(leaves)
    fork = Log([*leaves[:2], sha256(b"\0fork"), *leaves[3:]], key=log.key)
    with Liar() as liar:
        for before, size in ((1, 8), (4, 8), (5, 7), (8, 8)):
            liar.begin(log, before)
            liar.says(log.shows(size, before))
            done = liar.run("whoami")
            tap.ok(done.returncode == DONE and not done.stderr and f"\n{size}\n" in liar.seen.read_text(encoding="utf-8"),
                   f"the truth, from {before} to {size}, is remembered", done)
        try_lies(liar, log, fork, Log(leaves))
        try_proofs(liar, log)
        liar.says({"silent": True})
        liar.seen.unlink()
        done = liar.run("whoami")
        tap.ok(done.returncode == DONE and not done.stderr, "silence of a server that never said what its log is: nothing is known yet", done)
        liar.begin(log, 5)
        liar.says({"silent": True})
        for _ in range(2):
            done = liar.run("whoami")
            tap.ok(done.returncode == DONE and "ana" in done.stdout and "not compared with the one of 5 entries" in done.stderr
                   and "\n5\n" in liar.seen.read_text(encoding="utf-8"), "silence of one that did: said each time, and no failure", done)
        liar.begin(log, 5)
        liar.seen.write_text("", encoding="utf-8")
        tap.ok(liar.run("whoami").returncode == DONE, "a file that a power cut left empty is no reason for alarm")
        liar.seen.write_text(liar.seen.read_text(encoding="utf-8").replace("\n5\n", "\n4\n"), encoding="utf-8")
        tap.ok(liar.run("whoami").returncode == CONTRADICTED, "one that somebody changed is")
    tap.done()


if __name__ == "__main__":
    main()
