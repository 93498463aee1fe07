#!/usr/bin/python3
"""A server that does as it is told, to see what clients make of it.

    fake_server.py DIR

Writes DIR/profile and DIR/stranger.profile, the only one whose key is refused, then answers by DIR/script.json, read anew for each request:

    {"whoami": [{"reply": {"person": "ana"}}, …], …}

One step per request, the last for all that follow. A step: reply (fields), outcome, error, error_args, silent (true: no
answer), garbage (true: frames that are no answer). Every request becomes a line of DIR/requests.jsonl; peer is its connection.
"""

import json
import sys
import threading
import time
from pathlib import Path

import zmq
from google.protobuf import json_format

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "client"))
from mejora import MESSAGES, fresh_keys, key_bytes, message_of, write_private  # noqa: E402  (its path is ours to add)

HERE = Path(sys.argv[1])


def guard(context, stranger, ready):
    """ZAP: every key is known but one."""
    zap = context.socket(zmq.REP)
    zap.bind("inproc://zeromq.zap.01")
    ready.set()
    while True:
        request = zap.recv_multipart()
        accepted = request[-1] != stranger
        zap.send_multipart([b"1.0", request[1], b"200" if accepted else b"400", b"", b"ana" if accepted else b"", b""])


def answer(peer, head, body, counts):
    script = json.loads((HERE / "script.json").read_text(encoding="utf-8"))
    steps = script.get(head.op, [{"outcome": "UNSUPPORTED", "error": "op_unknown", "error_args": [head.op]}])
    step = steps[min(counts.setdefault(head.op, 0), len(steps) - 1)]
    counts[head.op] += 1
    if head.op == "audit_checkpoint" and head.op not in script:  # every client asks that, besides what it is there for
        return [MESSAGES["ReplyHead"](request_id=head.request_id, outcome="OUTCOME_UNSUPPORTED").SerializeToString(), b""]
    with open(HERE / "requests.jsonl", "a", encoding="utf-8") as log:
        fields = json_format.MessageToDict(message_of(head.op, "Request").FromString(body), preserving_proto_field_name=True)
        print(json.dumps({"op": head.op, "ref": head.ref, "id": head.request_id.hex(), "protocol": head.protocol,
                          "patience_ms": head.patience_ms, "fields": fields, "at": time.monotonic(), "peer": peer.hex()}, ensure_ascii=False), file=log, flush=True)
    if step.get("silent"):
        return None
    if step.get("garbage"):
        return [b"\xff\xff", b"\xff"]
    reply = MESSAGES["ReplyHead"](request_id=head.request_id, outcome="OUTCOME_" + step.get("outcome", "OK"),
                                  error_args=step.get("error_args", []))
    if "error" in step:
        reply.error = step["error"]
    return [reply.SerializeToString(),
            json_format.ParseDict(step.get("reply", {}), message_of(head.op, "Reply")()).SerializeToString()]


def main():
    server, known, stranger = fresh_keys(), fresh_keys(), fresh_keys()
    context, ready = zmq.Context(), threading.Event()
    threading.Thread(target=guard, args=(context, key_bytes(stranger[0]), ready), daemon=True).start()
    ready.wait()
    router = context.socket(zmq.ROUTER)
    router.curve_server, router.curve_secretkey, router.zap_domain = True, server[1].encode(), b"fake"
    port = router.bind_to_random_port("tcp://127.0.0.1")
    for name, keys in (("profile", known), ("stranger.profile", stranger)):
        write_private(HERE / name, {"endpoints": [f"tcp://127.0.0.1:{port}"], "server_key": server[0], "public_key": keys[0],
                                    "secret_key": keys[1], "institution": "inm", "plan": 2023})
    print("ready", flush=True)
    counts = {}
    while True:
        peer, packed, body = router.recv_multipart()
        frames = answer(peer, MESSAGES["RequestHead"].FromString(packed), body, counts)
        if frames:
            router.send_multipart([peer, *frames])


main()
