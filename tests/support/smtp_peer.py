#!/usr/bin/python3
"""smtp_peer - an SMTP relay that keeps each mail as a file and misbehaves on request.

    smtp_peer.py DIR [--listen HOST:PORT] [--plan FILE] [--discard] [--one-by-one] [--tls CERT KEY [--smtps]] [--auth USER:PASSWORD]

Mails become DIR/0001.eml, 0002.eml ... ; DIR/events gets one JSON line for each step. "ready PORT" on standard output says
that it listens. With --discard only the events are kept; with --one-by-one PIPELINING is not offered. Without a plan it takes everything (the demo's sink).

The plan is read anew for every connection. Its lines say what happens at a step (connect ehlo mail rcpt data dot):
    rcpt 451        answer with that code
    data drop       hang up without a word
    ehlo hold       say nothing until the other side gives up
    dot keep-drop   keep the mail, then hang up (dot keep-hold: then say nothing)
    ehlo slow       answer for ever, a byte every now and then
    data pause      go on once somebody has written to the pipe DIR/go
    mail 451 2      only the first 2 times since the plan was written
"""
import argparse
import asyncio
import json
import logging
import os
import signal
import ssl
import sys
import warnings

from aiosmtpd.smtp import SMTP, AuthResult


class Store:
    """The directory: mails, events, and the plan with what is left of its counts."""

    def __init__(self, path, plan, discard):
        self.path, self.plan, self.discard, self.steps, self.stamp = path, plan, discard, {}, None
        os.makedirs(path, exist_ok=True)
        self.number = max((int(f[:4]) for f in os.listdir(path) if f.endswith(".eml")), default=0)
        self.events = open(os.path.join(path, "events"), "a", encoding="utf-8")

    def event(self, **what):
        print(json.dumps(what), file=self.events, flush=True)

    def keep(self, envelope):
        self.number += 1
        name = os.path.join(self.path, f"{self.number:04}.eml")
        if not self.discard:
            with open(name + ".part", "wb") as f:
                f.write(envelope.content)
            os.rename(name + ".part", name)
        self.event(event="kept", file=name, sender=envelope.mail_from, to=envelope.rcpt_tos)

    def wait(self):
        with open(os.path.join(self.path, "go"), "rb") as pipe:
            pipe.read()

    def replan(self):
        stamp = os.stat(self.plan).st_mtime_ns if self.plan else None
        if stamp != self.stamp:
            self.stamp, self.steps = stamp, {}
            for step, action, *times in filter(None, map(str.split, open(self.plan, encoding="utf-8"))):
                self.steps[step] = [action, int(times[0]) if times else -1]

    def action(self, step):
        planned = self.steps.get(step)
        if not planned or planned[1] == 0:
            return None
        planned[1] -= 1
        return planned[0]


class Keep:
    """What aiosmtpd asks for once a mail is whole."""

    def __init__(self, store, pipelining):
        self.store, self.pipelining = store, pipelining

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        session.host_name = hostname
        return responses[:1] + ["250-PIPELINING"] * self.pipelining + responses[1:]

    async def handle_DATA(self, server, session, envelope):
        action = self.store.action("dot")
        if not action or action.startswith("keep-"):
            self.store.keep(envelope)
        if not action:
            return "250 2.0.0 kept"
        return await server.misbehave("dot", action.removeprefix("keep-"))


class Peer(SMTP):
    def __init__(self, store, pipelining, *args, **kwargs):
        self.store = store
        super().__init__(Keep(store, pipelining), *args, hostname="peer.test", **kwargs)

    async def misbehave(self, step, action):
        """Does it; the reply that is due, where there is one."""
        self.store.event(event=step, action=action)
        if action == "drop":
            self.transport.abort()
        while action == "slow" and not self.transport.is_closing():
            self.transport.write(b"2")
            await asyncio.sleep(0.05)
        if not action.isdigit():
            await asyncio.Event().wait()  # aiosmtpd cancels this when the connection is gone
        return f"{action} 4.0.0 as planned"

    async def step(self, name, otherwise, *args):
        action = self.store.action(name)
        self.store.event(event=name)
        if action == "pause":
            self.store.event(event=name, action=action)
            await self.loop.run_in_executor(None, self.store.wait)
        elif action:
            return await self.push(await self.misbehave(name, action))
        await otherwise(*args)

    async def _handle_client(self):
        self.store.replan()
        action = self.store.action("connect")
        self.store.event(event="connect")
        if action:
            await self.push(await self.misbehave("connect", action))
            self.transport.close()
        else:
            await super()._handle_client()

    async def smtp_EHLO(self, arg):
        await self.step("ehlo", super().smtp_EHLO, arg)

    async def smtp_HELO(self, arg):
        await self.step("ehlo", super().smtp_HELO, arg)

    async def smtp_MAIL(self, arg):
        await self.step("mail", super().smtp_MAIL, arg)

    async def smtp_RCPT(self, arg):
        await self.step("rcpt", super().smtp_RCPT, arg)

    async def smtp_DATA(self, arg):
        await self.step("data", super().smtp_DATA, arg)


def parse():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("dir")
    p.add_argument("--listen", default="127.0.0.1:0")
    p.add_argument("--plan")
    p.add_argument("--discard", action="store_true")
    p.add_argument("--one-by-one", action="store_true")
    p.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"))
    p.add_argument("--smtps", action="store_true")
    p.add_argument("--auth")
    return p.parse_args()


async def serve(options):
    context = None
    if options.tls:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*options.tls)
    starttls = context if not options.smtps else None
    settings = {"tls_context": starttls, "require_starttls": starttls is not None}
    if options.auth:
        user, password = options.auth.encode().split(b":", 1)
        settings.update(
            auth_required=True,
            auth_require_tls=starttls is not None,
            authenticator=lambda server, session, envelope, mechanism, data: AuthResult(
                success=(data.login, data.password) == (user, password)
            ),
        )
    store = Store(options.dir, options.plan, options.discard)
    loop = asyncio.get_running_loop()
    host, port = options.listen.rsplit(":", 1)
    server = await loop.create_server(
        lambda: Peer(store, not options.one_by_one, loop=loop, **settings), host, int(port), ssl=context if options.smtps else None
    )
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    print("ready", server.sockets[0].getsockname()[1], flush=True)
    await stop.wait()


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # AUTH without TLS is what some tests are about,
    logging.disable()  # and so are conversations that end badly
    try:
        asyncio.run(serve(parse()))
    except KeyboardInterrupt:
        sys.exit(130)
