"""E-mail out: the one way to an SMTP server, with the same manners as `runtime.http`.

It refuses while a transaction is open. A failure is a `Fault` that says who can put it right, and neither its text nor the log
holds an address: what servers say repeats them, so that only their codes are passed on.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Literal

import aiosmtplib

from comptoir.kernel.errors import Fault, Remedy
from comptoir.runtime.database import inside_transaction


class MailUnavailable(Fault):
    """The server does not answer, or says that it cannot just now."""

    code = "mail_unavailable"


class MailRefused(Fault):
    """The server will never take this message: nobody has that address, or it does not like what it says."""

    code = "mail_refused"


class MailNotAuthorised(Fault):
    """The server does not let us send: the password, the certificate, or what it wants of us."""

    code = "mail_not_authorised"


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where our e-mail goes out. `none` is for a server on this machine: nothing is hidden on the way."""

    host: str
    port: int = 587
    security: Literal["tls", "starttls", "none"] = "starttls"
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    seconds: float = 30.0
    """For each step."""
    trust: ssl.SSLContext | None = field(default=None, repr=False)
    """Whose certificates are believed; None for the system's."""


async def send(server: MailServer, message: EmailMessage) -> None:
    """Hands one message over. Raises MailUnavailable, MailRefused and MailNotAuthorised."""
    assert not inside_transaction(), "no letter is sent while a transaction is open: it may still roll back"
    fault: Fault
    try:
        await aiosmtplib.send(
            message,
            hostname=server.host,
            port=server.port,
            username=server.user,
            password=server.password,
            timeout=server.seconds,
            use_tls=server.security == "tls",
            start_tls=server.security == "starttls",
            tls_context=server.trust,
        )
    except aiosmtplib.SMTPException as problem:
        fault = _fault(problem)
    except ssl.SSLError:
        fault = MailNotAuthorised("the mail server's certificate is not trusted", remedy=Remedy.MERCHANT)
    except OSError:
        fault = MailUnavailable("the mail server does not answer", remedy=Remedy.WAIT)
    else:
        return
    raise fault  # outside of the exception that it stands for, which knows the addresses


def _fault(problem: aiosmtplib.SMTPException) -> Fault:
    match problem:
        case aiosmtplib.SMTPRecipientsRefused():
            fault = _by_code(max((refused.code for refused in problem.recipients), default=550), "the recipient")
        case aiosmtplib.SMTPAuthenticationError():
            fault = _authentication(problem.code)
        case aiosmtplib.SMTPSenderRefused() if problem.code >= 500:
            fault = _ours(f"the mail server does not take the sender ({problem.code})")
        case aiosmtplib.SMTPResponseException():
            fault = _by_code(problem.code, "the message")
        case aiosmtplib.SMTPNotSupported():
            fault = _ours("the mail server does not offer what the settings ask for")
        case _ if isinstance(problem.__cause__, ssl.SSLError):
            fault = _ours("the mail server's certificate is not trusted")
        case _:
            fault = MailUnavailable(f"the mail server does not answer ({type(problem).__name__})", remedy=Remedy.WAIT)
    return fault


def _ours(detail: str) -> Fault:
    return MailNotAuthorised(detail, remedy=Remedy.MERCHANT)


def _authentication(code: int) -> Fault:
    if code < 500:
        return MailUnavailable(f"the mail server cannot check our password now ({code})", remedy=Remedy.WAIT)
    return MailNotAuthorised(f"the mail server does not accept our password ({code})", remedy=Remedy.MERCHANT)


def _by_code(code: int, what: str) -> Fault:
    """4xx is for now, 5xx for ever; 530 and 535 are about us, not about the letter."""
    if code in {530, 534, 535}:
        return MailNotAuthorised(f"the mail server wants us to sign in ({code})", remedy=Remedy.MERCHANT)
    if code >= 500:
        return MailRefused(f"the mail server refuses {what} ({code})", remedy=Remedy.NOBODY)
    return MailUnavailable(f"the mail server does not take {what} now ({code})", remedy=Remedy.WAIT)
