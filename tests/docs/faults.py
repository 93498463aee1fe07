"""docs/faults.md has every fault by its number, and every test that it names is there; and what a line of text can prove."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "client"))
from mejora import Tap  # noqa: E402  (its path is ours to add)

NUMBERS = [*range(1, 80), *range(119, 125)]
tap = Tap()


def lines_with(pattern, *where):
    found = subprocess.run(["grep", "-rnwE", pattern, *[str(ROOT / place) for place in where]], stdout=subprocess.PIPE, text=True, check=False)
    return found.stdout.splitlines()


def files_named(name):
    return [path for place in ("tests", "docs", "dev") for path in ([ROOT / place] if (ROOT / place).is_file() else (ROOT / place).rglob(name))
            if path.name == name]


rows = re.split(r"\n- ", (ROOT / "docs" / "faults.md").read_text(encoding="utf-8").partition("## The line")[2])[1:]
rows = [" ".join(row.partition("\n\n")[0].split()) for row in rows]
numbers = [int(row.split()[0]) for row in rows if row.split()[0].isdigit()]
tap.ok(numbers == NUMBERS, "every fault has its line, in order", sorted(set(NUMBERS) ^ set(numbers)))

missing = []
for row in rows:
    proofs = re.findall(r"`([\w.]+): ([^`]+)`", row)
    missing += [] if proofs else [row]
    missing += [f"{file}: {words}" for file, words in proofs
                if not any(words in path.read_text(encoding="utf-8") for path in files_named(file))]
tap.ok(not missing, "every test that is named is there", missing)

tap.ok({line.split(":")[0] for line in lines_with(r"fork ?\(", "server", "common")} == {str(ROOT / "server" / "supervisor.c")}, "only the supervisor forks")
tap.ok(not lines_with("oneof", "proto"), "no message has a oneof")
tap.ok(not lines_with("gen_init_helpers|pb-c.proto", "proto", "server", "client"), "no option of protobuf-c")
tap.ok(not lines_with("NOTIFY|LISTEN|pg_notify", "sql", "server"), "no NOTIFY")
release = subprocess.run(["cc", "-E", f"-I{ROOT}", str(ROOT / "common" / "fault.c")], stdout=subprocess.PIPE, text=True, check=True)
tap.ok("getenv" not in release.stdout and lines_with("NOT:.*Release.*:MEJORA_FAULTS", "CMakeLists.txt"), "a release has no fault points")
tap.ok(lines_with("libzmq>=4[.]3[.]3", "CMakeLists.txt"), "libzmq is new enough")
tap.done()
