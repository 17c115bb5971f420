"""Mail, over real sockets."""

import ssl
from email.utils import parsedate_to_datetime
from pathlib import Path

import anyio
import pytest
from pydantic import SecretStr

from drill.errors import BadInput
from experiments.comms.build import build
from experiments.comms.mail import Mail, server_of
from experiments.comms.ports import Acceptance, Message, NobodyThere, NotAccepted
from experiments.environment_parts import Channels, Email
from tests.experiments.comms.servers import Smtp, certificate, listening, login

ADA, BOLA = "ada@customers.example", "bola@customers.example"
MESSAGE = Message("d1.email.customers.1", "d1", "customers", "[DRILL] s", "[DRILL] text\n.\nend\n")


def settings(address: str, **to: tuple[str, ...]) -> Email:
    """An environment's mail settings."""
    known = {"customers": (ADA, BOLA), "technical-lead": ("tess@vauntico.example",), **to}
    return Email(smtp=SecretStr(address), sender="incidents@vauntico.example", to=known)


def send(
    smtp: Smtp, message: Message = MESSAGE, *, scheme: str = "smtp", user: str = ""
) -> Acceptance | NotAccepted:
    """Send once to *smtp*, as a drill does on asyncio."""

    async def main() -> Acceptance | NotAccepted:
        async with listening(smtp):
            channel = Mail(settings(f"{scheme}://{user}127.0.0.1:{smtp.port}"))
            try:
                with anyio.fail_after(10):
                    return await channel.send(message)
            except NotAccepted as error:
                return error

    return anyio.run(main)


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """What a server needs for TLS; its certificate is trusted in this test."""
    file = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def test_the_servers_reply_to_data_is_the_evidence() -> None:
    """An accepted mail is shown by the server's own words and by its Message-ID."""
    smtp = Smtp()
    assert send(smtp) == Acceptance(
        "the server answered 250 2.0.0 Ok: queued as 4711 to "
        "<d1.email.customers.1@vauntico.example>"
    )
    assert smtp.to == [ADA, BOLA]
    assert smtp.heard[0] == "EHLO vauntico.example"


def test_a_mail_is_marked_dated_and_named() -> None:
    """Subject, text, Date, Message-ID and the drill's own header arrive as they were meant."""
    smtp = Smtp()
    send(smtp)
    (mail,) = smtp.mails
    assert mail["Subject"] == "[DRILL] s"
    assert mail.get_content().replace("\r\n", "\n") == "[DRILL] text\n..\nend\n"  # dot-stuffed
    assert parsedate_to_datetime(mail["Date"]).tzinfo is not None
    assert (mail["X-Drill-Id"], mail["Auto-Submitted"]) == ("d1", "auto-generated")


def test_customers_do_not_see_each_others_addresses() -> None:
    """Recipients of the audience customers are in the envelope only."""
    smtp = Smtp()
    send(smtp)
    assert ADA not in smtp.mails[0].as_string()
    assert BOLA not in smtp.mails[0].as_string()


def test_a_page_goes_to_the_addresses_of_its_role() -> None:
    """A role is looked up among the addresses of the environment."""
    smtp = Smtp()
    send(smtp, Message("d", "d", "role", "s", "t", "technical-lead"))
    assert smtp.to == ["tess@vauntico.example"]


def test_nobody_is_written_to_whom_the_environment_does_not_name() -> None:
    """An address in the playbook or a role without addresses reaches nobody."""
    smtp = Smtp()
    for to in ("stranger@elsewhere.example", "monitoring-lead"):
        assert isinstance(send(smtp, Message("d", "d", "role", "s", "t", to)), NobodyThere)
    assert smtp.heard == []


def test_a_refused_recipient_is_named_beside_the_acceptance() -> None:
    """Where some are refused, the others have the mail, and both is said."""
    smtp = Smtp(refuse={BOLA: "550 no such user"})
    taken = send(smtp)
    assert isinstance(taken, Acceptance)
    assert "queued as 4711" in taken.evidence
    assert taken.refused == f"{BOLA} refused: 550 no such user"
    assert smtp.to == [ADA]


@pytest.mark.parametrize(("code", "again"), [("550 no", False), ("451 later", True)])
def test_a_mail_that_no_recipient_gets_is_not_accepted(code: str, again: bool) -> None:
    """All refused is no acceptance; only a temporary refusal is worth another attempt."""
    error = send(Smtp(refuse={ADA: code, BOLA: code}))
    assert isinstance(error, NotAccepted)
    assert error.again is again
    assert f"{ADA} refused: {code}" in str(error)


@pytest.mark.parametrize(("reply", "again"), [("554 spam", False), ("452 full", True)])
def test_a_refusal_after_the_text_is_not_accepted(reply: str, again: bool) -> None:
    """What the server says to the end of DATA decides."""
    error = send(Smtp(data=reply))
    assert isinstance(error, NotAccepted)
    assert (str(error), error.again) == (f"the server answered {reply}", again)


def test_a_server_that_hangs_after_taking_the_mail_has_taken_it() -> None:
    """No answer to QUIT does not turn an acceptance into a failure."""
    assert isinstance(send(Smtp(hangs_at=("QUIT",))), Acceptance)


def test_a_server_that_hangs_up_after_taking_the_mail_has_taken_it() -> None:
    """A connection that breaks at QUIT breaks nothing."""
    assert isinstance(send(Smtp(drops_at=("QUIT",))), Acceptance)


def test_a_server_that_knows_no_users_is_told_and_not_asked_again() -> None:
    """Where a login is configured and the server offers none, nobody sends without it."""
    smtp = Smtp(open_to_all=True)
    error = send(smtp, user="tess:made-up@")
    assert isinstance(error, NotAccepted)
    assert (error.again, "AUTH" in str(error), smtp.mails) == (False, True, [])
    assert "made-up" not in str(error)


def test_a_channel_shows_nothing_of_its_settings() -> None:
    """What is printed of it, in a traceback or a log, has neither server nor password."""
    address = "smtp://tess:made-up@mail.example:587"  # pragma: allowlist secret - made up
    assert repr(Mail(settings(address))) == "Mail(...)"


def test_a_send_can_be_given_up() -> None:
    """A server that hangs is left behind at the caller's deadline, at once."""

    async def main() -> None:
        smtp = Smtp(hangs_at=("MAIL",))
        async with listening(smtp):
            began = anyio.current_time()
            with anyio.move_on_after(0.2) as scope:
                await Mail(settings(f"smtp://127.0.0.1:{smtp.port}")).send(MESSAGE)
            assert scope.cancelled_caught
            assert anyio.current_time() - began < 2

    anyio.run(main)


def test_starttls_is_used_where_it_is_offered(tls: ssl.SSLContext) -> None:
    """A server that offers encryption gets nothing of the mail before it."""
    smtp = Smtp(tls=tls)
    assert isinstance(send(smtp), Acceptance)
    assert [line.split()[0] for line in smtp.heard[:4]] == ["EHLO", "STARTTLS", "EHLO", "MAIL"]


def test_smtps_speaks_tls_from_the_start(tls: ssl.SSLContext) -> None:
    """`smtps://` needs no STARTTLS."""
    smtp = Smtp(tls=tls, implicit=True)
    assert isinstance(send(smtp, scheme="smtps"), Acceptance)
    assert "STARTTLS" not in smtp.heard


@pytest.mark.parametrize("implicit", [False, True])
def test_a_server_that_is_not_trusted_gets_no_mail(tmp_path: Path, implicit: bool) -> None:
    """A certificate that nobody trusts ends it, and another attempt would not help."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(tmp_path))
    smtp = Smtp(tls=context, implicit=implicit)
    error = send(smtp, scheme="smtps" if implicit else "smtp")
    assert isinstance(error, NotAccepted)
    assert ("no trusted TLS" in str(error), error.again) == (True, False)
    assert smtp.mails == []


def test_a_password_is_used_and_never_shown(tls: ssl.SSLContext) -> None:
    """User and password may hold any letter; a server that repeats them is not quoted on it."""
    smtp = Smtp(tls=tls, auth="535 wrong: p:ss-word")
    error = send(smtp, user="us%40er:p%3Ass-word@")
    assert login("us@er", "p:ss-word") in smtp.heard
    assert str(error) == "the server answered 535 wrong: [secret]"
    smtp = Smtp(tls=tls)
    assert isinstance(send(smtp, user="us%40er:p%3Ass-word@"), Acceptance)


def test_a_password_never_leaves_this_machine_in_the_clear() -> None:
    """Anywhere but on loopback STARTTLS is a must for who logs in."""
    assert server_of("smtp://u:p@mail.vauntico.example").start_tls is True
    assert server_of("smtp://mail.vauntico.example").start_tls is None
    assert server_of("smtp://u:p@127.0.0.1:2525").start_tls is None
    assert server_of("smtps://u:p@mail.vauntico.example").start_tls is False


def test_nobody_listening_is_worth_another_attempt() -> None:
    """No connection says so, without the address."""

    async def main() -> None:
        address = "smtp://user:pass-word@127.0.0.1:1"  # pragma: allowlist secret - made up
        with pytest.raises(NotAccepted, match="no connection") as caught:
            await Mail(settings(address)).send(MESSAGE)
        assert caught.value.again
        assert "pass-word" not in str(caught.value)

    anyio.run(main)


@pytest.mark.parametrize(
    "address",
    [
        "mail.example:25",
        "http://u:pass-word@h",  # pragma: allowlist secret - made up
        "smtp://u:pass-word@h:port",  # pragma: allowlist secret - made up
        "smtp://",
    ],
)
def test_an_address_that_is_none_is_refused_before_anything_is_sent(address: str) -> None:
    """The field is named, the password is not."""
    with pytest.raises(BadInput, match=r"channels\.email\.smtp") as caught:
        build(Channels(email=settings(address)))
    assert "pass-word" not in str(caught.value)
