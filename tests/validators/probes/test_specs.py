"""Probes and journeys as people write them."""

import pytest
from pydantic import ValidationError

from validators.probes.specs import HttpProbe, Journey

NOTES = [
    {
        "method": "POST",
        "url": "/notes",
        "headers": {"X-API-Key": "very-secret"},
        "json": {"note": "{nonce}"},
        "expect": {"status": [201]},
        "save": {"id": "id"},
    },
    {"url": "/notes/{id}", "expect": {"json": {"note": "{nonce}"}}},
]


def refusal(model: type[HttpProbe] | type[Journey], **fields: object) -> str:
    """Why a spec is refused."""
    with pytest.raises(ValidationError) as caught:
        model.model_validate(fields)
    return str(caught.value)


def test_a_write_then_read_probe_is_read() -> None:
    """The example of the design is a probe, with its defaults."""
    probe = HttpProbe.model_validate({"http": NOTES, "every": "2s", "max_rate": "120/m"})
    assert (probe.every, probe.deadline, probe.shortest_period_s) == (2.0, 0.8, 0.5)
    assert probe.http[1].expect.status == [200]


def test_secrets_are_in_no_repr_and_no_dump() -> None:
    """Neither header values nor keys are printed, wherever a spec ends up."""
    probe = HttpProbe.model_validate({"http": NOTES})
    journey = Journey.model_validate(
        {"journey": "checkout", "paystack_verify": {"key": "sk_test_secret"}}
    )
    for text in (repr(probe), probe.model_dump_json(), repr(journey), journey.model_dump_json()):
        assert "secret" not in text.replace("SecretStr", "")


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"http": []}, "at least 1 item"),
        ({"http": [{"url": "notes"}]}, "neither a path"),
        ({"http": [{"url": "/notes/{id}"}]}, "no step before this one saves 'id'"),
        ({"http": [{"url": "/", "json": [{"a": "{b}"}]}]}, "saves 'b'"),
        ({"http": [{"url": "/", "save": {"nonce": "id"}}]}, "the look's own word"),
        ({"http": NOTES, "every": "10ms"}, "more often than max_rate allows"),
        ({"http": NOTES, "slow_after": "2s"}, "shorter than the deadline"),
        ({"http": NOTES, "max_rate": "fast"}, "such as 50/s"),
        ({"http": NOTES, "every": "1"}, "did you mean '1s'"),
        ({"http": NOTES, "evry": "1s"}, "Extra inputs"),
    ],
)
def test_a_bad_probe_is_refused_with_its_reason(fields: dict[str, object], says: str) -> None:
    """Each mistake is named in words that tell what to write."""
    assert says in refusal(HttpProbe, **fields)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"card": "4111 1111 1111 1111"}, "not one of Paystack's published test cards"),
        ({"card": "4084080000005408"}, "this test card cannot pay"),
        ({"card": 4084084084084081}, "put it in quotes"),
        ({"paystack_verify": {"key": "sk_live_x"}}, "live Paystack key"),
        ({"resolve": {"checkout.paystack.com": "127.0.0.1"}}, "no address with a port"),
        ({"web": "example.com"}, "starts with http"),
    ],
)
def test_a_bad_journey_is_refused_with_its_reason(fields: dict[str, object], says: str) -> None:
    """No real card and no live key gets as far as a browser, and neither is repeated."""
    text = refusal(Journey, journey="checkout", **fields)
    assert says in text
    assert "4111" not in text
    assert "sk_live_x" not in text


def test_every_field_is_described_for_editors() -> None:
    """The JSON Schema explains each field."""
    for model in (HttpProbe, Journey):
        for name, field in model.model_json_schema()["properties"].items():
            assert field.get("description"), name
