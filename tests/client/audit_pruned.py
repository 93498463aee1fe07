"""What an institution decided not to keep is gone, and everything is proved as before: by our verifier, by the one written from
docs/audit-log.md, and against a checkpoint seen before. What was removed without a decision is found."""

import json
import subprocess
import sys
from pathlib import Path

from mejora import Client, Server, Tap

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import verify_audit  # noqa: E402

OLD = 25
tap = Tap()


class World:
    def __init__(self, server, admin):
        self.server, self.admin, self.sql = server, admin, server.sql

    def cli(self, *words):
        return subprocess.run(["mejora", "--profile", self.server.admin, *words], capture_output=True, text=True, check=False)

    def sealed(self):
        """Asks until the log has come to its end: each question waits for its answer."""
        while (status := self.admin.ask("server_status")).audit_sealed < int(self.sql("select max(seq) from road.audit")):
            pass
        return status.audit_sealed

    def judged(self, *scope):
        """(ours, theirs): what each verifier says of an export."""
        path = f"{self.server.home}/export"
        done = self.cli("audit", "export", path, *scope)
        if done.returncode:
            raise SystemExit("Bail out! " + done.stderr)
        ours = json.loads(self.cli("audit", "verify", path, "-o", "json").stdout)
        text = Path(path).read_text(encoding="utf-8")
        try:
            return ours, ("", verify_audit.verify(path)), text
        except verify_audit.Fault as fault:
            return ours, (fault.kind, fault.leaf), text


def old_entries(world, institution, words):
    world.sql(f"insert into road.audit (at, institution, who, op, outcome, why) select now() - interval '3 years' + n * interval '1 hour',"
              f" '{institution}', 'ana', 'progress_report', 'ok', '{words} ' || n from generate_series(1, {OLD}) n")


def main():
    with Server() as server, Client(server.admin, timeout=60) as admin:
        world = World(server, admin)
        for code in ("inm", "sns"):
            admin.ask("institution_add", code=code, name=code.upper())
            old_entries(world, code, f"palabras{code}")
        old_entries(world, "inm", "palabrasinm")
        world.sealed()
        world.cli("audit", "checkpoint")
        ours, theirs, text = world.judged()
        tap.ok(ours["intact"] and theirs[0] == "" and "palabrasinm" in text, "before, all of it is there", theirs)

        words = "select string_agg(word, ' ' order by word) from road.word where word like 'palabras%'"
        world.sql("select lib.audit_index(1, 100000)", "mejora_server")
        tap.ok(world.sql(words) == "palabrasinm palabrassns", "and its words can be searched for", world.sql(words))
        admin.ask("audit_retention_set", "inm", years=2, why="Resolución")
        while world.sql("select count(*) from road.audit where institution = 'inm' and at < now() - interval '2 years'") != "0":
            world.sql("select road.prune(20)", "mejora_server")  # or the server itself is faster
        portions = world.sql("select sum((after ->> 'entries')::int) from road.audit where op = 'audit_prune'")
        tap.ok(portions == str(2 * OLD), "what is older goes, and nothing else", portions)
        tap.ok(world.sql(words) == "palabrassns", "its words with it", world.sql(words))
        world.sealed()
        ours, theirs, text = world.judged()
        tap.ok(ours["intact"] and ours["pruned"] == 2 * OLD, "ours: intact, so many removed by decision", ours)
        tap.ok(theirs[0] == "", "theirs agrees", theirs)
        tap.ok("palabrasinm" not in text and text.count("palabrassns") == OLD, "what was removed is not there, what is others' is")
        said = world.cli("audit", "verify", f"{server.home}/export", "--lang", "es")
        tap.ok(f"{2 * OLD} asientos se eliminaron por decisión" in said.stdout, "and it is said in words", said.stdout)
        ours, theirs, text = world.judged("--institution", "inm")
        tap.ok(ours["intact"] and ours["pruned"] == 2 * OLD and theirs[0] == "", "the institution's own export too", (ours, theirs))
        ours, theirs, text = world.judged("--op", "institution_add")
        tap.ok(ours["intact"] and ours["pruned"] == 2 * OLD and theirs[0] == "", "and one of some entries", (ours, theirs))
        done = world.cli("audit", "checkpoint")
        tap.ok(done.returncode == 0, "a client that saw the log before finds it continued", done.stderr)
        seq = world.sql("select seq from road.leaf l where about = 'inm' and not exists (select from road.audit a where a.seq = l.seq) limit 1")
        tap.ok(world.cli("audit", "proof", seq).returncode == 0, "the hash of what was removed is still proved")

        world.sql("set session_replication_role = replica; delete from road.audit where seq = (select max(seq) from road.audit where institution = 'sns')")
        ours, theirs, _ = world.judged()
        tap.ok((ours.get("fault"), ours.get("leaf")) == theirs and theirs[0] == "gone", "removed without a decision: both name it", (ours, theirs))
        world.sql("set session_replication_role = replica; update road.audit set after = jsonb_set(after, '{leaves}', '[[0, 1000]]') where op = 'audit_prune'")
        ours, theirs, _ = world.judged()
        tap.ok((ours.get("fault"), ours.get("leaf")) == theirs and theirs[0] == "altered", "a decision altered afterwards is none", (ours, theirs))
    tap.done()


main()
