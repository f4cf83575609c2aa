"""A real SMTP server for the tests: aiosmtpd with STARTTLS and AUTH on a port of its own.

It prints its port, then each mail it takes as one line of JSON, and ends when its standard input does. Arguments: a
certificate and its key (DER), the user name, the password, and what it does: "tls" (STARTTLS and a login are required),
"open" (neither is), "refusing" (it takes no mail) or "choosy" (it takes no mail for nobody@...).
"""

import asyncio
import base64
import json
import logging
import ssl
import sys
import tempfile

from aiosmtpd.smtp import SMTP, AuthResult

# Clients that break off are what some of the tests are about.
logging.getLogger("mail.log").setLevel(logging.CRITICAL)

CERTIFICATE, KEY, USER, PASSWORD, MANNER = sys.argv[1:]


def pem(file, what):
    with open(file, "rb") as der:
        text = base64.encodebytes(der.read()).decode()
    return f"-----BEGIN {what}-----\n{text}-----END {what}-----\n"


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if MANNER == "choosy" and address.startswith("nobody@"):
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if MANNER == "refusing":
            return "554 5.7.1 this relay takes no mail from you"
        mail = {
            "tls": session.ssl is not None,
            "user": session.auth_data.decode() if session.authenticated else None,
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "text": envelope.content.decode(),
        }
        print(json.dumps(mail), flush=True)
        return "250 taken"


def log_in(server, session, envelope, mechanism, data):
    if (data.login, data.password) == (USER.encode(), PASSWORD.encode()):
        return AuthResult(success=True, auth_data=data.login)
    return AuthResult(success=False, handled=False)


def server():
    if MANNER == "open":
        return SMTP(Handler())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(pem(CERTIFICATE, "CERTIFICATE") + pem(KEY, "PRIVATE KEY"))
        file.flush()
        context.load_cert_chain(file.name)
    return SMTP(
        Handler(),
        tls_context=context,
        require_starttls=True,
        authenticator=log_in,
        auth_required=True,
        auth_require_tls=True,
    )


async def main():
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(server, "127.0.0.1", 0)
    print(listening.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


asyncio.run(main())
