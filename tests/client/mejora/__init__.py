"""A second implementation of the protocol, from proto/PROTOCOL.md and proto/*.proto alone."""

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import zmq
import zmq.utils.z85
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from google.protobuf.message_factory import MessageFactory

PROTOCOL = 1
PROTO = Path(__file__).resolve().parents[3] / "proto"


def load_messages():
    """The classes by name: {"ProgressReportRequest": <class>, …} and the enums."""
    files = sorted(map(str, PROTO.glob("*.proto")))
    described = subprocess.run(["protoc", f"--proto_path={PROTO}", "--include_imports", "--descriptor_set_out=/dev/stdout", *files],
                               stdout=subprocess.PIPE, check=True).stdout
    pool, protos = DescriptorPool(), FileDescriptorSet.FromString(described).file
    for proto in protos:
        pool.Add(proto)
    messages = MessageFactory(pool).GetMessages([proto.name for proto in protos])
    found = {name.rpartition(".")[2]: message for name, message in messages.items()}
    for proto in protos:
        for enum in proto.enum_type:
            found[enum.name] = EnumTypeWrapper(pool.FindEnumTypeByName(f"{proto.package}.{enum.name}"))
    return found


MESSAGES = load_messages()
Outcome = MESSAGES["Outcome"]


def message_of(op, kind):
    return MESSAGES["".join(word.capitalize() for word in op.split("_")) + kind]


class Refused(Exception):
    """The server answered, and the answer is not OK. body: what came with it."""

    def __init__(self, head, body):
        self.outcome = Outcome.Name(head.outcome).removeprefix("OUTCOME_")
        self.error, self.args_, self.body = head.error, list(head.error_args), body
        super().__init__(f"{self.outcome} {self.error} {self.args_}")


class KeyUnknown(Exception):
    """The server does not know this key."""


class NoAnswer(Exception):
    """None came in time. For a write: done or not, asking again with this id tells."""

    def __init__(self, request_id):
        self.request_id = request_id
        super().__init__(request_id.hex())


class Client:
    def __init__(self, profile, timeout=10.0, **keys):
        if not isinstance(profile, dict):
            profile = json.loads(Path(profile).read_text(encoding="utf-8"))
        self.profile = {**profile, **keys}
        self.timeout = timeout
        self.context = zmq.Context()
        self.socket = self.monitor = None
        self.endpoint = 0

    def close(self):
        self.hang_up()
        self.context.term()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def dial(self):
        s = self.context.socket(zmq.DEALER)
        s.linger, s.immediate, s.maxmsgsize = 0, 1, 16 << 20
        s.heartbeat_ivl, s.handshake_ivl = 10000, 5000
        s.curve_serverkey = self.profile["server_key"].encode()
        s.curve_publickey = self.profile["public_key"].encode()
        s.curve_secretkey = self.profile["secret_key"].encode()
        self.monitor = s.get_monitor_socket(zmq.EVENT_HANDSHAKE_FAILED_AUTH | zmq.EVENT_DISCONNECTED)
        s.connect(self.profile["endpoints"][self.endpoint % len(self.profile["endpoints"])])
        self.socket = s

    def hang_up(self):
        if self.socket:
            self.socket.disable_monitor()
            self.socket.close()
        self.socket = self.monitor = None
        self.endpoint += 1

    def wait(self, flag, until):
        """True: the socket is ready. False: it will not be."""
        poller = zmq.Poller()
        poller.register(self.socket, flag)
        poller.register(self.monitor, zmq.POLLIN)
        while (left := until - time.monotonic()) > 0:
            ready = dict(poller.poll(left * 1000))
            if self.socket in ready:
                return True
            if self.monitor in ready:
                event, value = (int.from_bytes(part, "little") for part in (lambda m: (m[:2], m[2:6]))(self.monitor.recv_multipart()[0]))
                if event == zmq.EVENT_HANDSHAKE_FAILED_AUTH and value == 400:
                    raise KeyUnknown()
                return False
        return False

    def attempt(self, frames, request_id, until):
        """One try: the reply's two frames, or None."""
        if not self.socket:
            self.dial()
        if not self.wait(zmq.POLLOUT, until):
            return None
        self.socket.send_multipart(frames)
        while self.wait(zmq.POLLIN, until):
            reply = self.socket.recv_multipart()
            head = MESSAGES["ReplyHead"].FromString(reply[0])
            if head.request_id == request_id:
                return head, reply[1]
        return None

    def ask(self, op, ref=None, request_id=None, as_of=None, **fields):
        request_id = request_id or secrets.token_bytes(16)
        body = message_of(op, "Request")(**fields).SerializeToString()
        deadline = time.monotonic() + self.timeout
        pause = 0.1
        while (left := deadline - time.monotonic()) > 0:
            head = MESSAGES["RequestHead"](protocol=PROTOCOL, request_id=request_id, op=op, patience_ms=int(left * 1000))
            if ref:
                head.ref = ref
            if as_of:
                head.as_of = as_of
            answer = self.attempt([head.SerializeToString(), body], request_id, time.monotonic() + max(left / 2, min(left, 0.5)))
            if answer and answer[0].outcome not in (Outcome.OUTCOME_BUSY, Outcome.OUTCOME_UNAVAILABLE):
                reply = message_of(op, "Reply").FromString(answer[1])
                if answer[0].outcome == Outcome.OUTCOME_OK:
                    return reply
                raise Refused(answer[0], reply)
            if not answer:
                self.hang_up()
            time.sleep(min(pause * (0.5 + secrets.randbelow(500) / 1000), max(deadline - time.monotonic(), 0)))
            pause = min(pause * 2, 2.0)
        raise NoAnswer(request_id)


def fresh_keys():
    public, secret = zmq.curve_keypair()
    return public.decode(), secret.decode()


def write_private(path, value):
    """As a profile is written: for its owner alone, whole or not at all."""
    with os.fdopen(os.open(f"{path}.new", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        json.dump(value, out)
    os.replace(f"{path}.new", path)


def key_bytes(z85):
    return zmq.utils.z85.decode(z85)


def psql(home, user="postgres"):
    """The command that speaks to the database of the server at home."""
    postmaster = Path(f"{home}/data/postgresql/postmaster.pid").read_text(encoding="ascii").splitlines()
    return ["psql", "-qXAt", "-v", "ON_ERROR_STOP=1", "-h", postmaster[4], "-p", postmaster[3], "-U", user, "mejora"]


class Server:
    """A server of one's own on a port of the kernel's choice: another one each time that it runs. Arguments go to mejorad."""

    def __init__(self, *args):
        self.args = args

    def __enter__(self):
        self.home = tempfile.mkdtemp(prefix="mejora.")
        os.chmod(self.home, 0o711)  # started as root it becomes somebody who must get to its data
        return self.run(*self.args)

    def run(self, *args):
        self.process = subprocess.Popen(["mejorad", "--data", f"{self.home}/data", "--listen", "tcp://127.0.0.1:*", *args],
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        said = []
        for line in self.process.stdout:
            said.append(line)
            if "ready at" in line:
                self.endpoint = line.split()[-1]
                threading.Thread(target=self.process.stdout.read, daemon=True).start()
                return self
        raise SystemExit("Bail out! " + "".join(said))

    def kill(self):
        self.process.kill()
        self.process.wait(60)

    def stop(self):
        self.process.terminate()
        self.process.wait(60)

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.home)

    def sql(self, statement, user="postgres"):
        return subprocess.run([*psql(self.home, user), "-c", statement], capture_output=True, text=True, check=True).stdout.strip()

    @property
    def admin(self):
        return f"{self.home}/data/admin.profile"


class Tap:
    """One line per promise, and the exit code says whether all were kept."""

    def __init__(self):
        self.n = self.failed = 0

    def ok(self, kept, name, detail=""):
        self.n += 1
        self.failed += not kept
        print(f"{'' if kept else 'not '}ok {self.n} - {name}", *([f"\n# {detail}"] if detail and not kept else []), sep="", flush=True)

    def done(self):
        print(f"1..{self.n}", flush=True)
        sys.exit(bool(self.failed))
