"""Readers of the shop over real sockets: its API, a mailbox, and customers' own sessions."""

import pytest
from pydantic import SecretStr

from drill.payments import Effect, Order
from tests.validators.ledger.web import Asked, Imap, Reply, mail, serving
from validators.ledger.readers.api import ApiShop
from validators.ledger.readers.mailbox import LOWER_BOUND, MailboxShop
from validators.ledger.reading import Reading, Unread
from validators.ledger.specs import ApiLedger, ApiReader, Mailbox

pytestmark = pytest.mark.anyio
RECEIPT = r"^Order (?P<order>\S+)$"
FIELDS = {
    "id": "/id",
    "customer": "/user/email",
    "product": "/what",
    "amount": "/cents",
    "currency": "=NGN",
    "state": "/status",
    "references": "/payment~1ref",
}
GRANT_FIELDS = {"id": "/id", "customer": "/who", "product": "/what", "order_id": "/order"}


def order(number: int, **given: object) -> dict[str, object]:
    return {
        "id": number,
        "user": {"email": f"I{number}-Run@Drill.test"},
        "what": "creator-pass",
        "cents": "500000",
        "status": "active",
        "payment/ref": f"r{number}",
        **given,
    }


def shop_at(url: str, **given: object) -> ApiShop:
    """A reader of a shop's API."""
    orders = {"path": "/orders", "rows": "/items", "next": "/after", "fields": FIELDS, **given}
    return ApiShop(
        ApiReader(
            url=url,
            headers={"x-key": SecretStr("a made-up key")},
            orders=ApiLedger.model_validate(orders),
            grants=ApiLedger(path="/grants", fields=GRANT_FIELDS),
            states={"active": "fulfilled"},
        )
    )


async def orders_by(answer: dict[str, object]) -> Reading[Order]:
    """What is read of a shop whose list of orders is *answer*."""
    async with serving(lambda _: Reply(body=answer)) as url:
        shop = shop_at(url)
        reading = await shop.orders("run")
        await shop.close()
        return reading


async def test_a_list_of_the_shops_api_is_followed_to_its_end() -> None:
    """By cursor or by address, each page once, with the fields where the pointers say."""
    heard: list[Asked] = []

    def answer(asked: Asked) -> Reply:
        heard.append(asked)
        if asked.query.get("cursor") == "two":
            return Reply(body={"items": [order(2)], "after": "/orders?page=3"})
        if asked.query.get("page") == "3":
            return Reply(body={"items": [order(3, status="odd")], "after": "null"})
        return Reply(body={"items": [order(1)], "after": "two"})

    async with serving(answer) as url:
        shop = shop_at(url)
        async with shop.at_once():
            reading = await shop.orders("run")
        await shop.close()

    assert (reading.complete, reading.reason) == (True, "")
    assert [(one.id, one.state, one.raw_state) for one in reading.rows] == [
        ("1", "fulfilled", "active"),
        ("2", "fulfilled", "active"),
        ("3", "other", "odd"),
    ]
    first = reading.rows[0]
    assert (first.customer, first.amount, first.currency) == ("i1-run@drill.test", 500_000, "NGN")
    assert first.references == ["r1"]
    assert {asked.headers["x-key"] for asked in heard} == {"a made-up key"}


async def test_a_list_without_pages_is_one_answer() -> None:
    """Where the answer itself is the list there is nothing to follow."""
    rows = [{"id": "g", "who": "i1@d.e", "what": "p", "order": "o", "more": 1}]
    async with serving(lambda _: Reply(body=rows)) as url:
        shop = shop_at(url)
        reading = await shop.grants("run")
        await shop.close()

    assert (reading.complete, reading.rows[0].order) == (True, "o")


@pytest.mark.parametrize(
    ("answer", "why", "read"),
    [
        ({"items": [order(1)], "after": "same"}, "circle", {"1"}),
        ({"items": [order(1)], "after": "https://elsewhere.example/x"}, "another host", {"1"}),
        ({"items": [order(1), order(2, cents="much")]}, "1 rows cannot be read", {"1"}),
        ({"rows": []}, "no list at '/items'", set()),
    ],
)
async def test_an_api_that_cannot_be_read_to_its_end_says_why(
    answer: dict[str, object], why: str, read: set[str]
) -> None:
    """What was read is kept, and nothing may be concluded from the rest."""
    reading = await orders_by(answer)

    assert not reading.complete
    assert why in reading.reason
    assert {one.id for one in reading.rows} == read


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (Reply(503, "busy"), "HTTP 503"),
        (Reply(200, "<html>"), "no JSON"),
        (None, "no answer"),
    ],
)
async def test_an_api_without_an_answer_is_unread(reply: Reply | None, why: str) -> None:
    """An error, a page or nothing at all is no reading."""
    async with serving(lambda _: reply) as url:
        shop = shop_at(url)
        reading = await shop.orders("run")
        await shop.close()

    assert (reading.complete, reading.rows) == (False, ())
    assert why in reading.reason


def receipts(reading: Reading[Effect]) -> list[tuple[str, str, str]]:
    return [(one.key, one.customer, one.order) for one in reading.rows]


async def test_an_inbox_tells_receipts_once_by_message_id() -> None:
    """The same receipt sent twice is one; other mail is none; without an id its words tell it."""
    one = {"to": ["I1-run@d.e"], "subject": "Your receipt", "text": "Hi\r\nOrder o1\r\n"}
    mails = [
        {**one, "message_id": "<a>"},
        {**one, "message_id": "<a>"},
        {**one, "message_id": ""},
        {**one, "text": "News of order o1", "message_id": "<b>"},
    ]
    async with serving(lambda _: Reply(body=mails)) as url:
        shop = MailboxShop(Mailbox(http=url, receipt=RECEIPT))
        seen = await shop.effects("run")
        grants = await shop.grants("run")
        count = await shop.count()

    assert seen.complete
    assert receipts(seen)[0] == ("<a>", "i1-run@d.e", "o1")
    assert [key.startswith("sha256:") for key, *_ in receipts(seen)[1:]] == [True]
    assert count == 2
    assert (grants.complete, grants.reason) == (False, LOWER_BOUND)
    assert [(one.order, one.customer) for one in grants.rows] == [("o1", "i1-run@d.e")]


async def test_an_inbox_that_forgets_is_not_complete_once_it_is_full() -> None:
    """Where as many mails lie as are kept, older ones may be gone."""
    mails = [{"to": ["a@d.e"], "text": f"Order o{n}"} for n in range(3)]
    async with serving(lambda _: Reply(body=mails)) as url:
        seen = await MailboxShop(Mailbox(http=url, receipt=RECEIPT, keeps=3)).effects("run")

    assert (seen.complete, len(seen.rows)) == (False, 3)


@pytest.mark.parametrize("reply", [Reply(500, "no"), Reply(200, '{"a": 1}'), None])
async def test_an_inbox_without_an_answer_is_unread(reply: Reply | None) -> None:
    """Nothing may be concluded from a mailbox that could not be asked."""
    async with serving(lambda _: reply) as url:
        seen = await MailboxShop(Mailbox(http=url, receipt=RECEIPT)).effects("run")

    assert (seen.complete, seen.rows) == (False, ())
    assert seen.reason.startswith("the inbox")


async def test_without_a_pattern_a_mailbox_sees_nothing() -> None:
    """Receipts that cannot be told from other mail are no sight, and counting them is refused."""
    shop = MailboxShop(Mailbox(http="http://127.0.0.1:1", receipt=None))

    assert shop.sights == frozenset()
    assert not (await shop.effects("run")).complete
    with pytest.raises(Unread):
        await shop.count()


async def test_an_imap_mailbox_is_read_without_changing_it() -> None:
    """The run's mails are found by their address, and none is marked as read."""
    server = Imap(
        [mail(f"i{n}-run@d.e", "Receipt", f"Order o{n}\n", f"<m{n}@d.e>") for n in range(1, 251)]
        + [mail("ada@customers.example", "Receipt", "Order o999\n", "<x@d.e>")]
    )
    async with server.serving() as place:
        address = SecretStr(f"imap://drill:{server.password.replace(' ', '%20')}@{place}/Receipts")
        seen = await MailboxShop(Mailbox(imap=address, receipt=RECEIPT)).effects("run")

    assert (seen.complete, seen.reason) == (True, "")
    assert receipts(seen)[0] == ("<m1@d.e>", "i1-run@d.e", "o1")
    assert len(seen.rows) == 250
    said = " ".join(server.heard)
    assert "EXAMINE" in said
    assert "SELECT" not in said
    assert server.heard[-1].endswith("LOGOUT")


@pytest.mark.parametrize("silent_at", ["LOGIN", "EXAMINE", "SEARCH", "FETCH"])
async def test_an_imap_mailbox_that_breaks_off_is_unread(silent_at: str) -> None:
    """Wherever the server leaves, the reading says so and ends."""
    server = Imap([mail("i1-run@d.e", "Receipt", "Order o1\n")], silent_at=silent_at)
    async with server.serving() as place:
        address = SecretStr(f"imap://drill:{server.password.replace(' ', '%20')}@{place}")
        seen = await MailboxShop(Mailbox(imap=address, receipt=RECEIPT)).effects("run")

    assert not seen.complete
    assert seen.reason.startswith("the mailbox cannot be read")


async def test_a_wrong_password_of_a_mailbox_is_not_shown() -> None:
    """The reason is the server's no, without what was typed."""
    server = Imap()
    async with server.serving() as place:
        address = SecretStr(f"imap://drill:not-the-word@{place}")
        seen = await MailboxShop(Mailbox(imap=address, receipt=RECEIPT)).effects("run")

    assert not seen.complete
    assert "not-the-word" not in seen.reason
