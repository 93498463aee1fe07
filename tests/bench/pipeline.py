#!/usr/bin/python3
"""pipeline URL MAILS SIZE CONNECTIONS - hands mails over as fast as the server takes them; prints how many a second.

MAIL, RCPT and DATA of the next mail leave with the text of the one before (RFC 2920); each connection has its share."""
import socket
import sys
import threading
import time
from urllib.parse import urlsplit

url, mails, size, connections = urlsplit(sys.argv[1]), *map(int, sys.argv[2:5])
text = b"Subject: x\r\n\r\n" + b"0123456789" * 7 + b"\r\n"
text += (b"0123456789" * 7 + b"\r\n") * ((size - len(text)) // 72)


def send(n):
    s = socket.create_connection((url.hostname, url.port))
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    lines = s.makefile("rb")

    def expect(code, times=1):
        for _ in range(times):
            while (line := lines.readline())[3:4] == b"-":
                pass
            assert line[:3] == code, line

    expect(b"220")
    s.sendall(b"EHLO bench\r\n")
    expect(b"250")
    envelope = b"MAIL FROM:<plan@example.do>\r\nRCPT TO:<x@example.do>\r\nDATA\r\n"
    s.sendall(envelope)
    for i in range(n):
        expect(b"250", 2)
        expect(b"354")
        s.sendall(text + b".\r\n" + (envelope if i + 1 < n else b"QUIT\r\n"))
        expect(b"250")


threads = [threading.Thread(target=send, args=(mails // connections,)) for _ in range(connections)]
began = time.monotonic()
for t in threads:
    t.start()
for t in threads:
    t.join()
print(f"{mails // connections * connections / (time.monotonic() - began):.0f}")
