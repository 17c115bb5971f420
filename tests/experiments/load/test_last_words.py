"""Whatever a generator says and wherever it is cut off, every intent has its last word."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drill.payments import Said
from experiments.load.wire import (
    Finished,
    Message,
    Over,
)
from tests.experiments.load.rehearsed import (
    INTENTS,
    Rehearsed,
    begun,
    done,
    told,
)


def test_what_is_no_message_is_counted_and_stops_nothing() -> None:
    """
    A line that cannot be read is told of, and the next one is read; a stranger's intent is none.
    """
    load = Rehearsed()

    async def act(load: Rehearsed) -> None:
        await load.load.start()
        load.generator.write(b"oops\n" * 9)
        load.generator.say(begun("x9"), begun("i1"), Finished(t=1.0, intent="i2", error="Boom: x"))
        await load.load.stop()

    load.run(act)

    assert load.ended.begun == 1
    assert "a line that is no message" in load.ended.detail
    assert "more" in load.ended.detail


MOVES = st.lists(
    st.tuples(
        st.sampled_from(INTENTS),
        st.lists(st.sampled_from(["paid", "refused", "unknown"]), max_size=3),
        st.booleans(),
    ),
    unique_by=lambda move: move[0],
)


@pytest.mark.no_cover
@given(moves=MOVES, orderly=st.booleans(), kept=st.floats(0, 1))
def test_every_intent_has_a_last_word_that_is_never_too_sure(
    moves: Sequence[tuple[str, list[Said], bool]], *, orderly: bool, kept: float
) -> None:
    """
    Whatever was said and wherever it was cut off: each intent is told something, `unsent` only if
    nothing had begun and the generator had said all, and nothing is said after a finished story.
    """
    load = Rehearsed()
    messages: list[Message] = []
    for intent, words, finished in moves:
        messages += [begun(intent), *(told(intent, word) for word in words)]
        messages += [done(intent)] * finished
    cut = messages if orderly else messages[: int(kept * len(messages))]

    async def act(load: Rehearsed) -> None:
        await load.load.start()
        load.generator.say(*cut, *([Over(t=9.0, dropped=0)] * orderly))
        await load.load.stop()

    load.run(act)

    said = {(type(one).__name__, getattr(one, "intent", "")) for one in cut}
    for intent, words in load.words.items():
        finished = ("Finished", intent) in said
        assert words or finished
        assert words[:-1].count("unsent") + words[:-1].count("never") == 0
        if "unsent" in words:
            assert orderly
            assert ("Begun", intent) not in said
        if finished:
            assert "never" not in words
    ended = load.ended
    assert ended.begun == ended.finished + ended.cut
