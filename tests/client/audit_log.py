#!/usr/bin/python3
"""The sealed audit log against a database superuser: whatever is done to it at random places shows in an export, to our verifier
and to one written from docs/audit-log.md alone, and both name the same leaf. SEED repeats a run."""

import base64
import json
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import uuid
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mejora import Tap, psql

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import verify_audit  # noqa: E402
from verify_audit import Fault, sha256  # noqa: E402

PLACES, BYTES = int(os.environ.get("PLACES", "1000")), int(os.environ.get("BYTES", "200"))
ENTRIES, BATCHES = 300, 12
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
        self.psql = subprocess.Popen(psql(self.home), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
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

    def export(self, *words, name="export"):
        """By somebody who has seen nothing yet."""
        Path(self.profile + ".checkpoint").unlink(missing_ok=True)
        self.cli("audit", "export", f"{self.home}/{name}", *words)
        Path(self.profile + ".checkpoint").unlink(missing_ok=True)
        return f"{self.home}/{name}"

    def read_out(self):
        """The same from within a transaction, where changes are that will be rolled back."""
        page = json.loads(self.sql("""select json_build_object('key', log_key, 'size', size, 'next', next,
            'leaves', encode(leaves, 'hex'), 'rows', encode(rows, 'hex'), 'skips', (select json_object_agg(s.leaf, json_build_array(s.next, encode(s.nodes, 'hex')))
                                                         from unnest(skips) s),
            'notes', (select json_object_agg(c.size, c.note) from unnest(checkpoints) c))
            from op.audit_export(1, '*'""" + ", null" * 21 + ")"))
        path = Path(f"{self.home}/read")
        path.write_text("".join(lines_of_page(page)), encoding="utf-8")
        return str(path)

    def sealed(self):
        """How much, when nothing is left to be; each question waits for its answer."""
        while (size := self.sql("select max(size) from road.checkpoint having max(size) = (select count(*) from road.audit)")) == "":
            pass
        return int(size)

    def fill(self):
        """Some by people, some as an older server left them: no roles, and characters that have to be escaped."""
        for batch in range(1, BATCHES + 1):
            n = ENTRIES * batch // BATCHES
            self.cli("institution", "add", f"i{batch}", f"Institución {batch}")
            self.sql(f"""insert into road.audit (institution, who, name, op, outcome, why, after)
                         select 'i' || {batch}, '=o' || n, E'Otro\\n"\\\\" n', 'whoami', 'ok',
                                case n % 3 when 0 then '' when 1 then E'\\'a, b' end, jsonb_build_object('n', n)
                           from generate_series((select count(*) + 1 from road.audit), {n}) n""")
            while self.checkpoint().get("size", 0) < n:  # each question waits for its answer
                pass


def line_of(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"


TEXTS = {20: lambda v: str(int.from_bytes(v, "big", signed=True)), 23: lambda v: str(int.from_bytes(v, "big", signed=True)),
         1184: lambda v: str(int.from_bytes(v, "big", signed=True) + 946684800 * 10**6), 2950: lambda v: str(uuid.UUID(bytes=v)),
         3802: lambda v: v[1:].decode()}


def entries_of_rows(data):
    """The entries of a page by their numbers, from proto/audit.proto."""
    entries, at = {}, 0
    while at < len(data):
        entry, at = {}, at + 4
        for column in verify_audit.COLUMNS:
            kind, size = struct.unpack(">Ii", data[at:at + 8])
            at += 8
            if size >= 0:
                entry[column] = TEXTS.get(kind, bytes.decode)(data[at:at + size])
                at += size
        entries[int(entry["seq"])] = entry
    return entries


def lines_of_page(page):
    """A page that has all of a log as an export, from proto/audit.proto and docs/audit-log.md."""
    lines = [line_of({"log": page["key"], "scope": "*", "filter": {}, "size": page["size"]})]
    rows, data, leaves, entries = entries_of_rows(bytes.fromhex(page["rows"] or "")), bytes.fromhex(page["leaves"] or ""), 0, 0
    notes, skips = ({int(n): what for n, what in (page[name] or {}).items()} for name in ("notes", "skips"))
    while 40 * entries < len(data) or leaves in skips:
        if leaves in skips:
            leaves, nodes = skips[leaves]
            lines.append(line_of({"skip": leaves, "nodes": nodes}))
        else:
            leaf, seq = struct.unpack(">32sq", data[40 * entries:40 * entries + 40])
            line = {"leaf": leaves, "hash": leaf.hex()}
            lines.append(line_of({**line, "entry": rows[seq]} if seq in rows else line))
            leaves, entries = leaves + 1, entries + 1
        if leaves in notes:
            lines.append(line_of({"checkpoint": notes[leaves]}))
    return lines + [line_of({"entries": entries, "sha256": sha256("".join(lines).encode()).hex()})]


def signed(key, note):
    """The same checkpoint, signed with another key."""
    public = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    text = note.partition("\n\n")[0] + "\n"
    origin = text.splitlines()[0]
    name = sha256(origin.encode() + b"\n\1" + public)[:4]
    return f"{text}\n— {origin} {base64.b64encode(name + key.sign(text.encode())).decode()}\n", public


def resign(world, condition="true"):
    """Checkpoints as somebody with another key would have them."""
    key, public = Ed25519PrivateKey.generate(), b""
    for row in world.sql(f"select json_build_array(size, note) from road.checkpoint where {condition}").splitlines():
        size, note = json.loads(row)
        note, public = signed(key, note)
        world.sql(f"update road.checkpoint set note = $note${note}$note$ where size = {size}")
    return public


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


def cut_off(world, leaf, _):
    """The tail: it shows to whoever saw more."""
    world.sql(f"delete from road.leaf where leaf >= {leaf}", f"delete from road.checkpoint where size > {leaf}",
              "delete from road.audit where seq not in (select seq from road.leaf)")
    return "truncated", int(world.sql("select coalesce(max(size), 0) from road.checkpoint"))


def other_signature(world, *_):
    resign(world, "size = (select max(size) from road.checkpoint)")
    return "signature", int(world.sql("select max(size) from road.checkpoint"))


def other_key(world, *_):
    world.sql(f"update road.log set public_key = '\\x{resign(world).hex()}'")
    return "key", 0


KINDS = (one_byte, one_digit, other_roles, swap_entries, swap_leaves, insert, delete_entry, delete_both, alter_and_hash,
         cut_off, other_signature, other_key)


def ours(world, path, *options):
    said = json.loads(world.cli("audit", "verify", path, "-o", "json", *options, check=False).stdout)
    return (said.get("fault", ""), said.get("leaf"), said.get("from"))


def theirs(path, *args):
    try:
        verify_audit.verify(path, *args)
    except Fault as fault:
        return (fault.kind, fault.leaf, fault.since)
    except (ValueError, LookupError, TypeError):
        return ("malformed", None, None)
    return ("", None, None)


def names(found, kind, leaf):
    """A root that does not fit names the stretch between two checkpoints; everything else the leaf."""
    return found[0] == kind and (found[2] <= leaf <= found[1] if kind == "root" else found[1] == leaf)


def tamper(world, key, seen):
    known = verify_audit.read_note(seen.read_text(encoding="utf-8").partition("\n")[2], key)
    missed, stretches = [], []
    for place in range(PLACES):
        kind, (leaf, other) = KINDS[place % len(KINDS)], random.sample(range(ENTRIES), 2)
        world.sql("begin")
        expected = kind(world, leaf, other)
        path = world.read_out()
        world.sql("rollback")
        late = kind is cut_off
        found = ours(world, path, "--public-key", key, *(("--checkpoint", str(seen)) if late else ()))
        again = theirs(path, key, known) if late else theirs(path, key)
        stretches += [found[1] - found[2] + 1] if found[0] == "root" else []
        if found != again or not names(found, *expected):
            missed.append((kind.__name__, leaf, other, expected, found, again))
    tap.ok(not missed, f"{PLACES} changes at random places: all found, the first bad leaf named, by both verifiers", missed[:3])
    print(f"# hash changed with the entry: the stretch named has {sum(stretches) / max(len(stretches), 1):.0f} leaves")


def forms(world, key):
    """Every form of an export: intact to both, until any one bit of it is another."""
    for name, words in {"all": [], "table": ["-o", "csv"], "raw": ["-o", "csv", "--raw"], "none": ["--op", "join"],
                        "some": ["--op", "whoami", "--institution", "i3"],
                        "some in a table": ["--op", "institution_add", "-o", "csv"]}.items():
        path = world.export(*words, name=name.replace(" ", "-"))
        found = ours(world, path, "--public-key", key), theirs(path, key)
        tap.ok(found == (("", None, None),) * 2, f"{name}: intact to both", found)
        data, missed = Path(path).read_bytes(), []
        last = data[:-1].rpartition(b"\n")[2]
        alone = re.fullmatch(rb',+"{""entries"":\d+,""sha256"":""\w{64}""}"' if "csv" in words else rb'{"entries":\d+,"sha256":"\w{64}"}', last)
        tap.ok(alone, f"{name}: all but its last line is in its sum", last)
        for _ in range(BYTES // 4):
            at = random.randrange(len(data))
            Path(path).write_bytes(data[:at] + bytes([data[at] ^ 1 << random.randrange(8)]) + data[at + 1:])
            found = ours(world, path, "--public-key", key)[0], theirs(path, key)[0]
            missed += [] if all(found) else [(at, found)]
        tap.ok(not missed, f"{name}: no bit of it can be another", missed[:3])


def outsiders(world, key):
    """What an export alone cannot tell: that there was more."""
    world.cli("audit", "checkpoint")
    seen = Path(f"{world.home}/seen.checkpoint")
    shutil.copy(world.profile + ".checkpoint", seen)
    size = world.sql("select size from road.checkpoint order by size limit 1 offset 2")
    world.sql("create table public.leaf as table road.leaf", "create table public.checkpoint as table road.checkpoint")
    world.sql(f"delete from road.leaf where leaf >= {size}", f"delete from road.checkpoint where size > {size}")
    refused = world.cli("audit", "checkpoint", check=False)
    tap.ok(refused.returncode == 9, "a client that saw more reports a log that was cut off", refused.stdout)
    path = world.export()
    tap.ok(ours(world, path, "--public-key", key)[0] == theirs(path, key)[0] == "", "cut at a checkpoint, an export agrees with itself")
    world.sql("truncate road.leaf, road.checkpoint", "insert into road.leaf table public.leaf",
              "insert into road.checkpoint table public.checkpoint")
    world.sealed()
    world.refused.clear()
    return seen


def goes_on(world, key):
    """A server does not sign what does not continue what was signed, and does again when it does."""
    size = world.sealed()
    world.sql("create table public.last as table road.leaf",
              "update road.leaf set nodes = sha256(nodes) where leaf = (select max(leaf) from road.leaf)")
    world.cli("institution", "add", "mas", "Una más")
    tap.ok(world.refused.wait(60) and world.sql(f"select count(*) from road.checkpoint where size > {size}") == "0",
           "what was altered is not signed again")
    world.sql("update road.leaf l set nodes = p.nodes from public.last p where p.leaf = l.leaf")
    world.sealed()
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
        other = Path(world.read_out()).read_bytes()
        path = world.export()  # which is an entry itself
        tap.ok(ours(world, path) == theirs(path) == ("", None, None), "an untouched log is intact to both verifiers", ours(world, path))
        tap.ok(verify_audit.verify(path, key) == ENTRIES, "all entries are in it")
        tap.ok(Path(path).read_bytes() == other, "another program writes the same export")
        with open(path, encoding="utf-8") as lines:
            entries = filter(None, (json.loads(line).get("entry") for line in lines))
            roles = {entry["op"]: entry.get("roles") for entry in entries}
        tap.ok(roles == {"institution_add": '["admin"]', "whoami": None}, "entries have the roles that the person had", roles)
        forms(world, key)
        seen = outsiders(world, key)
        tamper(world, key, seen)
        goes_on(world, key)
    tap.done()


if __name__ == "__main__":
    main()
