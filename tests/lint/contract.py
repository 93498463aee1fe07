#!/usr/bin/python3
"""The rules of the contract in proto/, read from protoc's own descriptors.

A message that contains itself lets a small request exhaust the stack; a required field can never go away; an enum's
zero is what an absent or unknown value reads as, so it must mean nothing.
"""
import subprocess
import sys
import tempfile
from pathlib import Path

from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Field, FileDescriptorSet


def descriptors(directory):
    with tempfile.NamedTemporaryFile() as out:
        subprocess.run(["protoc", f"-I{directory}", f"--descriptor_set_out={out.name}",
                        *sorted(map(str, Path(directory).glob("*.proto")))], check=True)
        return FileDescriptorSet.FromString(out.read())


def messages(scope, holder):
    nested = holder.message_type if hasattr(holder, "message_type") else holder.nested_type
    for message in nested:
        yield f"{scope}.{message.name}", message
        yield from messages(f"{scope}.{message.name}", message)


def cycles(contains):
    """Messages that reach themselves."""
    for start in contains:
        seen, todo = set(), list(contains[start])
        while todo:
            name = todo.pop()
            if name == start:
                yield start
                break
            if name not in seen:
                seen.add(name)
                todo += contains.get(name, ())


def faults(files):
    found = {"no message contains itself": [], "no field is required": [], "the zero of every enum is UNSPECIFIED": []}
    contains = {}
    for file in files.file:
        enums = list(file.enum_type)
        for name, message in messages(f".{file.package}", file):
            enums += message.enum_type
            contains[name] = [f.type_name for f in message.field if f.type == Field.TYPE_MESSAGE]
            found["no field is required"] += [f"{name}.{f.name}" for f in message.field
                                              if f.label == Field.LABEL_REQUIRED]
        found["the zero of every enum is UNSPECIFIED"] += [
            e.name for e in enums if e.value[0].number != 0 or not e.value[0].name.endswith("_UNSPECIFIED")]
    found["no message contains itself"] += cycles(contains)
    return found


def main():
    failed = False
    found = faults(descriptors("proto"))
    with tempfile.TemporaryDirectory() as wrong:  # the rules must see what they forbid
        Path(wrong, "wrong.proto").write_text("""syntax = "proto2"; package wrong;
            message A { optional B b = 1; required int32 c = 2; } message B { repeated A a = 1; } enum E { E_ONE = 1; }""")
        blind = [rule for rule, hits in faults(descriptors(wrong)).items() if not hits]
    print(f"1..{len(found) + 1}")
    for number, (rule, hits) in enumerate(found.items(), 1):
        print(f"{'not ok' if hits else 'ok'} {number} - {rule}")
        for hit in hits:
            print(f"#   {hit}")
        failed |= bool(hits)
    print(f"{'not ok' if blind else 'ok'} {len(found) + 1} - each rule refuses a contract that breaks it {' '.join(blind)}")
    sys.exit(failed or bool(blind))


main()
