"""
Mail by SMTP.

A library does the protocol, so that a send can be cancelled and no thread is left behind a server
that hangs. What shows the acceptance is the server's own reply to DATA.
"""

import ipaddress
import ssl
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from urllib.parse import unquote, urlsplit

import aiosmtplib
import anyio
import msgspec

from drill.errors import BadInput
from experiments.comms.ports import Acceptance, Message, NobodyThere, NotAccepted, plain
from experiments.environment_parts import Email

PORTS = {"smtp": 25, "smtps": 465}
GOODBYE_LIMIT_S = 1.0
TRANSIENT_BELOW = 500


class Server(msgspec.Struct, frozen=True):
    """A mail server as `smtp://[user:password@]host:port` names it."""

    host: str
    port: int
    tls: bool
    user: str | None
    password: str | None

    @property
    def start_tls(self) -> bool | None:
        """Must STARTTLS be used; None: if offered. A password never goes out in the clear."""
        if self.tls:
            return False
        return True if self.user is not None and not _is_loopback(self.host) else None


class Mail:
    """
    Sends mail to those whom the environment names, and to nobody else.

    Raises:
        BadInput: `smtp` is no address of a mail server; the message does not show it.
    """

    def __init__(self, settings: Email) -> None:
        self._server = server_of(settings.smtp.get_secret_value())
        self._sender = settings.sender
        self._to = settings.to
        self._secrets = [settings.smtp.get_secret_value(), self._server.password or ""]

    def __repr__(self) -> str:
        return "Mail(...)"

    async def send(self, message: Message) -> Acceptance:
        name = message.to or message.audience
        recipients = self._to.get(name, ())
        if not recipients:
            raise NobodyThere(f"the environment's email.to names nobody for '{name}'")
        mail = mail_of(message, self._sender, recipients)
        try:
            refused, said = await self._hand_over(mail, recipients)
        except aiosmtplib.SMTPRecipientsRefused as error:
            codes = [each.code for each in error.recipients]
            why = "; ".join(
                f"{each.recipient} refused: {each.code} {each.message}" for each in error.recipients
            )
            raise self._not_accepted(why, again=max(codes) < TRANSIENT_BELOW) from None
        except aiosmtplib.SMTPResponseException as error:
            why = f"the server answered {error.code} {error.message}"
            raise self._not_accepted(why, again=error.code < TRANSIENT_BELOW) from None
        except ssl.SSLError:
            raise NotAccepted("no trusted TLS connection to the server", again=False) from None
        except OSError as error:
            tls = isinstance(error.__cause__, ssl.SSLError)
            what = "no trusted TLS connection to" if tls else "no connection to, or none left to,"
            raise NotAccepted(f"{what} the mail server", again=not tls) from None
        except aiosmtplib.SMTPException as error:
            raise self._not_accepted(str(error.message), again=False) from None
        return Acceptance(
            plain(f"the server answered 250 {said} to {mail['Message-ID']}", self._secrets),
            refused=plain("; ".join(refused), self._secrets),
        )

    async def _hand_over(
        self, mail: EmailMessage, recipients: tuple[str, ...]
    ) -> tuple[list[str], str]:
        server = self._server
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            # Neither this machine's name nor a look-up of it is anybody's business.
            local_hostname=self._sender.rpartition("@")[2],
            timeout=None,
            use_tls=server.tls,
            start_tls=server.start_tls,
            username=server.user,
            password=server.password,
        )
        try:
            await client.connect()
            refused, said = await client.send_message(
                mail, sender=self._sender, recipients=recipients
            )
            await _say_goodbye(client)
        finally:
            client.close()
        return [f"{who} refused: {reply.code} {reply.message}" for who, reply in refused.items()], (
            said
        )

    def _not_accepted(self, why: str, *, again: bool) -> NotAccepted:
        return NotAccepted(plain(why, self._secrets), again=again)


async def _say_goodbye(client: aiosmtplib.SMTP) -> None:
    """A server that has taken a mail and hangs on QUIT has still taken it."""
    with anyio.move_on_after(GOODBYE_LIMIT_S):
        try:
            await client.quit()
        except (aiosmtplib.SMTPException, OSError):
            return


def mail_of(message: Message, sender: str, recipients: tuple[str, ...]) -> EmailMessage:
    """The mail as it is sent; customers do not see each other's addresses."""
    mail = EmailMessage()
    mail["From"] = sender
    hidden = message.audience == "customers"
    mail["To"] = "undisclosed-recipients:;" if hidden else ", ".join(recipients)
    mail["Subject"] = " ".join(message.subject.split())
    mail["Date"] = format_datetime(datetime.now(UTC))
    mail["Message-ID"] = f"<{message.id}@{sender.rpartition('@')[2]}>"
    mail["X-Drill-Id"] = message.drill
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text)
    return mail


def server_of(address: str) -> Server:
    """Read `smtp://[user:password@]host:port` or `smtps://...`; BadInput does not show it."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = None, None, None
    if parts is None or parts.scheme not in PORTS or not host:
        raise BadInput(
            "channels.email.smtp: write smtp://[user:password@]host:port, or smtps:// for TLS "
            "from the start (not shown: it may hold a password)"
        )
    return Server(
        host=host,
        port=port or PORTS[parts.scheme],
        tls=parts.scheme == "smtps",
        user=None if parts.username is None else unquote(parts.username),
        password=None if parts.password is None else unquote(parts.password),
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
