"""One message to one server: a bounded number of attempts, each with its outcome in the journal."""

from collections.abc import Awaitable, Callable, Mapping

import anyio
import msgspec

from drill.incident import Channel, MessageKind, MessageSent
from experiments.comms.ports import Acceptance, ChannelPort, Message, NobodyThere, NotAccepted
from experiments.recorder import Recorder

SEND_LIMIT_S = 10.0
PAUSES_S = (0.0, 0.5, 2.0)
"""Before each attempt; real seconds, as a server's trouble is no matter of the playbook's clock."""

Superseded = Callable[[], Awaitable[None]]


class Post(msgspec.Struct, frozen=True):
    """A message with what the journal says about it."""

    channel: Channel
    kind: MessageKind
    due: float
    actor: str
    role: str
    message: Message


class Delivery:
    """
    Hands messages to channels and writes what came of it.

    Args:
        recorder: Where every attempt is written.

        channels: By name; a channel that is not there is said plainly.
    """

    def __init__(self, recorder: Recorder, channels: Mapping[Channel, ChannelPort]) -> None:
        self._recorder = recorder
        self._channels = channels

    def has(self, channel: Channel) -> bool:
        """Whether the environment names this channel."""
        return channel in self._channels

    def missed(self, post: Post, why: str) -> None:
        """Write that no server took it, and why."""
        self._write(post, None, why)

    async def deliver(
        self, post: Post, superseded: Superseded | None = None, *, optional: bool = False
    ) -> None:
        """
        Send it, at most `len(PAUSES_S)` times.

        Args:
            post: What to send.
            superseded: Returns when it is not worth another attempt any more.
            optional: Say nothing where the environment names nobody whom it is for.
        """
        port = self._channels.get(post.channel)
        if port is None:
            self.missed(post, f"the environment names no channel for {post.channel}")
            return
        for number, pause_s in enumerate(PAUSES_S, 1):
            if pause_s and await _wait(pause_s, superseded):
                return
            try:
                again = await self._attempt(port, post, number)
            except NobodyThere as error:
                if not optional:
                    self.missed(post, str(error))
                return
            if not again:
                return

    async def _attempt(self, port: ChannelPort, post: Post, number: int) -> bool:
        """One attempt; True if another one may help."""
        nth = f"attempt {number} of {len(PAUSES_S)}: "
        try:
            with anyio.fail_after(SEND_LIMIT_S):
                taken = await port.send(post.message)
        except TimeoutError:
            limit = f"no answer within {SEND_LIMIT_S:g} s; it may have been taken or not"
            self.missed(post, nth + limit)
            return True
        except NobodyThere:
            raise
        except NotAccepted as error:
            self.missed(post, f"{nth if error.again else ''}{error}")
            return error.again
        except anyio.get_cancelled_exc_class():
            self.missed(post, f"{nth}the drill ended before the server answered")
            raise
        except Exception as error:  # noqa: BLE001 - its words may hold an address or a password
            self.missed(post, f"the channel itself failed: {type(error).__name__}")
            return False
        self._taken(post, taken)
        return False

    def _taken(self, post: Post, taken: Acceptance) -> None:
        self._write(post, self._recorder.t(), taken.evidence)
        if taken.refused:
            # After the acceptance: the last word about it must not be that all is well.
            self.missed(post, taken.refused)

    def _write(self, post: Post, sent: float | None, evidence: str) -> None:
        self._recorder.add(
            MessageSent(
                t=self._recorder.t(),
                channel=post.channel,
                audience=post.message.audience,
                kind=post.kind,
                due=post.due,
                sent=sent,
                actor=post.actor,
                role=post.role,
                evidence=evidence,
                text=post.message.text,
                to=post.message.to,
            )
        )


async def _wait(pause_s: float, superseded: Superseded | None) -> bool:
    """Wait before another attempt; True if it is not worth one any more."""
    if superseded is None:
        await anyio.sleep(pause_s)
        return False
    with anyio.move_on_after(pause_s):
        await superseded()
        return True
    return False
