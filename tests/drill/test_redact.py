"""What is kept of a log never holds a secret, however it was written down."""

import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drill.redact import TAKEN, redact

SECRET = st.text(string.ascii_letters + string.digits, min_size=12, max_size=40).map("Zq9".__add__)
AROUND = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=30)
FORMS = (
    "Authorization: Bearer {}",
    "authorization: Basic {}",
    "X-API-Key: {}",
    "x-paystack-signature: {}",
    "Set-Cookie: session={}; Path=/",
    "x-api-key={}",
    "GET /v1?api_key={}&page=2 HTTP/1.1",
    "GET /v1?next=%2Fa%3Faccess_token%3D{} HTTP/1.1",
    "{{'Authorization': 'Bearer {}'}}",
    "(b'x-api-key', b'{}')",
    '{{"password": "{}", "user": "a"}}',
    '{{\\"authorization\\": \\"Bearer {}\\"}}',
    "PGPASSWORD={}",
    "host=db password={} dbname=shop",
    "postgresql://shop:{}@postgres:5432/shop",
    "redis://:{}@redis:6379/0",
    "https://user:with/slash{}@host/path",
    "sent Bearer {} to api.paystack.co",
    "key sk_test_{} was refused",
    "key%20pk_live_{}",
    "the older sk_{}, too",
)


@pytest.mark.no_cover
@pytest.mark.parametrize("form", FORMS)
@given(secret=SECRET, before=AROUND, after=AROUND)
def test_a_secret_never_stays(form: str, secret: str, before: str, after: str) -> None:
    """Wherever it stands in a line and whatever is around it, the value is gone."""
    line = redact(f"{before} {form.format(secret)} {after}")

    assert secret not in line
    assert TAKEN in line


@given(st.dictionaries(st.sampled_from(["authorization", "x-api-key", "password"]), SECRET), AROUND)
def test_json_in_json_is_read_through(headers: dict[str, str], text: str) -> None:
    """Headers logged as JSON, and that JSON logged as text of another, hold no secret."""
    plain = json.dumps({"text": text, "headers": headers})

    for line in (plain, json.dumps({"message": plain}), json.dumps(json.dumps({"m": plain}))):
        assert not any(secret in redact(line) for secret in headers.values())


@given(SECRET, AROUND, AROUND)
def test_a_known_value_is_taken_out_anywhere(secret: str, before: str, after: str) -> None:
    """A value known from a container's variables needs no form around it."""
    assert secret not in redact(f"{before}{secret}{after}", [secret])


@given(st.text())
def test_twice_is_no_more_than_once(line: str) -> None:
    """What was redacted stays as it is, and any text at all can be read."""
    once = redact(line.replace("\n", " "))

    assert redact(once) == once


@pytest.mark.parametrize(
    "line",
    [
        "GET http://127.0.0.1:8080/api?mail=a@b.example 200",
        "task_id=4 took 12 ms, 3 of 5 done, order vd_01 is paid",
        "password authentication failed for user shop",
        'nginx: 10.0.0.1 - - "POST /api/v1/love-loops HTTP/1.1" 201 45',
        "connect to redis:6379 refused; will try again",
    ],
)
def test_what_is_no_secret_stays(line: str) -> None:
    """Addresses, ids and plain sentences are evidence and stay whole."""
    assert redact(line) == line
