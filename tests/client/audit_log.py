#!/usr/bin/python3
"""The sealed audit log against a database superuser: whatever is done to it at random places shows in an export, to our verifier
and to one written from docs/audit-log.md alone, and both name the same leaf. SEED repeats a run."""

import base64
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mejora import Tap

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import verify_audit  # noqa: E402
from verify_audit import Fault, sha256  # noqa: E402

PLACES = int(os.environ.get("PLACES", "200"))
ENTRIES, BATCH = 48, 8
TABLES = ("audit", "leaf", "checkpoint", "log")
tap = Tap()


class World:
    """A server whose log has some sealed entries, and a way to be its database's superuser."""

    def __enter__(self):
        self.home = tempfile.mkdtemp(prefix="mejora.")
        os.chmod(self.home, 0o711)
        self.server = subprocess.Popen(["mejorad", "--data", f"{self.home}/data", "--listen", "tcp://127.0.0.1:*"],
                                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for line in self.server.stdout:
            if "ready at" in line:
                break
        self.refused = threading.Event()
        threading.Thread(target=self.listen, daemon=True).start()
        self.profile = f"{self.home}/profile"
        shutil.copy(f"{self.home}/data/admin.profile", self.profile)
        postmaster = Path(f"{self.home}/data/postgresql/postmaster.pid").read_text(encoding="ascii").splitlines()
        self.psql = subprocess.Popen(["psql", "-qXAt", "-v", "ON_ERROR_STOP=1", "-h", postmaster[4], "-p", postmaster[3], "-U", "postgres",
                                      "mejora"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.sql("set session_replication_role = replica")  # no trigger stands in a superuser's way
        return self

    def __exit__(self, *_):
        self.psql.stdin.close()
        self.psql.wait(60)
        self.server.terminate()
        self.server.wait(60)
        shutil.rmtree(self.home)

    def listen(self):
        for line in self.server.stdout:
            if "seal: the log is not what was signed" in line:
                self.refused.set()

    def sql(self, *statements):
        """What the last statement says."""
        self.psql.stdin.write("".join(s + ";\n" for s in statements) + "\\echo --end\n")
        self.psql.stdin.flush()
        rows = []
        for line in self.psql.stdout:
            if line == "--end\n":
                return "".join(rows).rstrip("\n")
            rows.append(line)
        raise SystemExit("Bail out! psql has ended: " + statements[-1])

    def cli(self, *words, check=True):
        done = subprocess.run(["mejora", "--profile", self.profile, *words], capture_output=True, text=True, check=False)
        if check and done.returncode:
            raise SystemExit(f"Bail out! mejora {' '.join(words)}: {done.stderr}")
        return done

    def checkpoint(self):
        return json.loads(self.cli("audit", "checkpoint", "-o", "json", check=False).stdout or "{}")

    def export(self):
        """By somebody who has seen nothing yet."""
        Path(self.profile + ".checkpoint").unlink(missing_ok=True)
        self.cli("audit", "export", f"{self.home}/export")
        Path(self.profile + ".checkpoint").unlink(missing_ok=True)
        return f"{self.home}/export"

    def fill(self):
        for n in range(ENTRIES):
            if n % 4:
                self.cli("institution", "add", f"i{n}", f"Institución {n}")
            else:  # as an older server left them: no roles
                self.sql(f"insert into road.audit (institution, who, name, op, outcome, after)"
                         f" values ('*', 'o{n}', 'Otro', 'whoami', 'ok', jsonb_build_object('n', {n}))")
            while n % BATCH == BATCH - 1 and self.checkpoint().get("size", 0) <= n:  # each question waits for its answer
                pass
        self.sql(*(f"create table public.{t} as table road.{t}" for t in TABLES))

    def restore(self):
        self.sql("begin", f"truncate {', '.join('road.' + t for t in TABLES)}",
                 *(f"insert into road.{t} overriding system value select * from public.{t}" for t in TABLES), "commit")


def resign(world, key):
    """All checkpoints and the database's key, as somebody with another key would have them."""
    public = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    for row in world.sql("select json_build_array(size, note) from road.checkpoint").splitlines():
        size, note = json.loads(row)
        text = note.partition("\n\n")[0] + "\n"
        origin = text.splitlines()[0]
        name = sha256(origin.encode() + b"\n\1" + public)[:4]
        signed = f"{text}\n— {origin} {base64.b64encode(name + key.sign(text.encode())).decode()}\n"
        world.sql(f"update road.checkpoint set note = $note${signed}$note$ where size = {size}")
    world.sql(f"update road.log set public_key = '\\x{public.hex()}'")


def hashed(leaf):
    """A leaf's own hash made to fit its entry; the subtrees stay, as they would for somebody in a hurry."""
    return (f"update road.leaf l set nodes = sha256('\\x00' || lib.audit_bytes(a)) || substring(nodes from 33)"
            f" from road.audit a where a.seq = l.seq and l.leaf = {leaf}")


def seq(leaf):
    return f"(select seq from road.leaf where leaf = {leaf})"


def one_byte(world, leaf, _):
    column = random.choice(["name", "who", "op", "institution", "why"])
    world.sql(f"update road.audit set {column} = overlay(coalesce({column}, '') placing '~' from 1 for 1) where seq = {seq(leaf)}")
    return "altered", leaf


def one_digit(world, leaf, _):
    world.sql(f"update road.audit set at = at + interval '1 microsecond' where seq = {seq(leaf)}")
    return "altered", leaf


def other_roles(world, leaf, _):
    """One that has them loses them, and one from before there were any gets some."""
    world.sql(f"update road.audit set roles = case when roles is null then '{{admin}}'::mejora.role[] end where seq = {seq(leaf)}")
    return "altered", leaf


def swap_entries(world, leaf, other):
    world.sql(f"update road.audit a set after = b.after from road.audit b where a.seq in ({seq(leaf)}, {seq(other)})"
              f" and b.seq in ({seq(leaf)}, {seq(other)}) and a.seq <> b.seq")
    return "altered", min(leaf, other)


def swap_leaves(world, leaf, other):
    world.sql(f"update road.leaf set leaf = -1 - leaf where leaf in ({leaf}, {other})",
              f"update road.leaf set leaf = {leaf} + {other} + 1 + leaf where leaf < 0")
    return "root", min(leaf, other)


def insert(world, leaf, _):
    world.sql("update road.leaf set leaf = -leaf - 2 where leaf >= " + str(leaf), "update road.leaf set leaf = -leaf - 1 where leaf < 0",
              "insert into road.audit (seq, institution, op, outcome, xid) overriding system value values (1000000, '*', 'whoami', 'ok', '1')",
              f"insert into road.leaf select {leaf}, seq, institution, sha256('\\x00' || lib.audit_bytes(a)) from road.audit a where seq = 1000000")
    return "root", leaf


def delete_entry(world, leaf, _):
    world.sql(f"delete from road.audit where seq = {seq(leaf)}")
    return "gone", leaf


def delete_both(world, leaf, _):
    world.sql(f"delete from road.audit where seq = {seq(leaf)}", f"delete from road.leaf where leaf = {leaf}")
    return "gap", leaf


def alter_and_hash(world, leaf, _):
    world.sql(f"update road.audit set name = 'Otra' where seq = {seq(leaf)}", hashed(leaf))
    return "root", leaf


KINDS = (one_byte, one_digit, other_roles, swap_entries, swap_leaves, insert, delete_entry, delete_both, alter_and_hash)


def ours(world, path, *options):
    said = json.loads(world.cli("audit", "verify", path, "-o", "json", *options, check=False).stdout)
    return (said.get("fault", ""), said.get("leaf"), said.get("from"))


def theirs(path, *args):
    with open(path, encoding="utf-8", newline="\n") as file:
        try:
            verify_audit.verify(file, *args)
        except Fault as fault:
            return (fault.kind, fault.leaf, fault.since)
    return ("", None, None)


def names(found, kind, leaf):
    """A root that does not fit names the stretch between two checkpoints; everything else the leaf."""
    return found[0] == kind and (found[2] <= leaf <= found[1] if kind == "root" else found[1] == leaf)


def tamper(world, key):
    missed = []
    for place in range(PLACES):
        kind, (leaf, other) = KINDS[place % len(KINDS)], random.sample(range(ENTRIES), 2)
        expected = kind(world, leaf, other)
        path = world.export()
        found = ours(world, path, "--public-key", key)
        if found != theirs(path, key) or not names(found, *expected):
            missed.append((kind.__name__, leaf, other, expected, found, theirs(path, key)))
        world.restore()
    tap.ok(not missed, f"{PLACES} changes at random places: all found, the first bad leaf named, by both verifiers", missed[:3])


def outsiders(world, key):
    """What an export alone cannot tell: who signed, and whether there was more."""
    world.cli("audit", "checkpoint")
    seen = world.checkpoint()
    note = Path(f"{world.home}/seen.checkpoint")
    shutil.copy(world.profile + ".checkpoint", note)
    known = verify_audit.read_note(seen["note"], key)

    cut = random.randrange(1, ENTRIES // BATCH) * BATCH
    world.sql(f"delete from road.leaf where leaf >= {cut}", f"delete from road.checkpoint where size > {cut}")
    refused = world.cli("audit", "checkpoint", check=False)
    tap.ok(refused.returncode == 1, "a client that saw more reports a log that was cut off", refused.stdout)
    path = world.export()
    tap.ok(ours(world, path, "--public-key", key)[0] == theirs(path, key)[0] == "", "cut at a checkpoint, an export agrees with itself")
    tap.ok(ours(world, path, "--checkpoint", str(note))[:2] == theirs(path, key, known)[:2] == ("truncated", cut),
           "but not with a checkpoint seen before", ours(world, path, "--checkpoint", str(note)))
    world.restore()

    resign(world, Ed25519PrivateKey.generate())
    shutil.copy(note, world.profile + ".checkpoint")
    refused = world.cli("audit", "checkpoint", check=False)
    tap.ok(refused.returncode == 1, "a client that knows the key reports another one", refused.stdout)
    path = world.export()
    tap.ok(ours(world, path, "--public-key", key)[0] == theirs(path, key)[0] == "key", "signed again with another key: found")
    world.restore()


def goes_on(world, key):
    """A server does not sign what does not continue what was signed, and does again when it does."""
    world.sql("update road.leaf set nodes = sha256(nodes) where leaf = (select max(leaf) from road.leaf)")
    world.cli("institution", "add", "mas", "Una más")
    tap.ok(world.refused.wait(60) and world.sql(f"select count(*) from road.checkpoint where size > {ENTRIES}") == "0",
           "what was altered is not signed again")
    world.sql("update road.leaf l set nodes = p.nodes from public.leaf p where p.leaf = l.leaf")
    while world.checkpoint().get("size", 0) <= ENTRIES:
        pass
    path = world.export()
    tap.ok(ours(world, path, "--public-key", key)[0] == theirs(path, key)[0] == "", "put right, sealing goes on")
    proof = world.cli("audit", "proof", "1")
    tap.ok(proof.returncode == 0, "an entry is proved to be in it", proof.stdout)


def main():
    seed = int(os.environ.get("SEED", random.randrange(1 << 32)))
    random.seed(seed)
    print(f"# SEED={seed}")
    with World() as world:
        world.fill()
        key = world.checkpoint()["key"]
        path = world.export()
        tap.ok(ours(world, path) == theirs(path) == ("", None, None), "an untouched log is intact to both verifiers", ours(world, path))
        tap.ok(verify_audit.verify(open(path, encoding="utf-8"), key) == ENTRIES, "all entries are in it")
        roles = {entry["op"]: entry.get("roles") for entry in (json.loads(line).get("entry") for line in open(path, encoding="utf-8")) if entry}
        tap.ok(roles == {"institution_add": '["admin"]', "whoami": None}, "entries have the roles that the person had", roles)
        tamper(world, key)
        outsiders(world, key)
        goes_on(world, key)
    tap.done()


main()
