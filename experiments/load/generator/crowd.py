"""The customers as Locust runs them, and how each errand gets to exactly one of them."""

import logging
import os
import random
import time
from collections import deque
from collections.abc import Mapping, Sequence

import gevent
import gevent.event
import gevent.queue
from locust import User, task
from locust.env import Environment
from locust.rpc.protocol import Message as RpcMessage
from locust.runners import Runner

from experiments.load.buyer import Buyer, World
from experiments.load.generator.figures import Own, count_into
from experiments.load.out import Out
from experiments.load.stories import live
from experiments.load.tab import Asked, Network, Tab, TooLate, make_network
from experiments.load.visitor import Visitor
from experiments.load.wire import (
    PURCHASE_LIMIT_S,
    Errand,
    Finished,
    Job,
    Message,
    short,
    unfinished,
)

log = logging.getLogger(__name__)

REFERENCES_KEPT = 50
OTHERS_SHARE = 5
"""One customer who only looks around for so many who buy."""
TAKE, GIVE = "take", "give"
NOTHING = -1


class PurchaseOver(Exception):
    """The limit for a whole purchase has been reached."""


class Desk:
    """
    Hands out errands, in the process that knows all customers; each one once.

    Args:
        runner: A local runner or a master.
        errands: All of them, in order.
    """

    def __init__(self, runner: Runner, errands: Sequence[Errand]) -> None:
        self._runner = runner
        self._waiting = deque(errand.purchase.ordinal for errand in errands)
        self._out: dict[int, int] = {}
        self._closed = False
        self.idle = gevent.event.Event()
        runner.register_message(TAKE, self._take)

    def close(self) -> None:
        """Hand out nothing any more; `idle` is set once all that are out have come back."""
        self._waiting.clear()
        self._closed = True
        self._look()

    def give_up(self, process: int) -> None:
        """A process of customers is dead: what it had taken is never done, by anybody."""
        self._out = {one: taker for one, taker in self._out.items() if taker != process}
        if self._closed:
            self._look()

    def _take(self, environment: Environment, msg: RpcMessage) -> None:
        del environment
        self._out.pop(msg.data["done"], None)
        ordinal = self._waiting.popleft() if self._waiting else NOTHING
        if ordinal != NOTHING:
            self._out[ordinal] = msg.data["process"]
        self._look()
        self._runner.send_message(GIVE, {"ordinal": ordinal}, msg.node_id)

    def _look(self) -> None:
        if not self._waiting and not self._out:
            self.idle.set()


class Counter:
    """Where the customers of one process get their errands."""

    def __init__(self, runner: Runner, errands: Sequence[Errand]) -> None:
        self._runner = runner
        self._errands: Mapping[int, Errand] = {each.purchase.ordinal: each for each in errands}
        self._given: gevent.queue.Queue[int] = gevent.queue.Queue()
        runner.register_message(GIVE, self._give)

    def take(self, done: int) -> Errand | None:
        """The next errand, once *done* is at its end; None if there is none any more."""
        self._runner.send_message(TAKE, {"done": done, "process": os.getpid()})
        ordinal = self._given.get()
        return None if ordinal == NOTHING else self._errands[ordinal]

    def _give(self, environment: Environment, msg: RpcMessage) -> None:
        del environment
        self._given.put(msg.data["ordinal"])


class Crowd:
    """
    All that the customers of one process share.

    Args:
        job: What is to be done.
        out: Where it is written down.
        own: What the process tells of itself.
    """

    def __init__(self, job: Job, out: Out, own: Own) -> None:
        self.job = job
        self.environment = Environment(user_classes=self._classes())
        self._out = out
        self._chance = random.Random()
        self.network: Network = make_network(job.site, _limit, self._count)
        self.world = World(
            site=job.site,
            say=self.say,
            now=self.now,
            open_tab=lambda: Tab(self.network),
            late=own.late,
            paid_references=deque(maxlen=REFERENCES_KEPT),
        )
        self.counter: Counter | None = None

    @property
    def others(self) -> int:
        """How many look around only."""
        return max(1, self.job.customers // OTHERS_SHARE)

    def now(self) -> float:
        """Seconds from the drill's start, by the clock of this boot that the drill reads too."""
        return time.monotonic() - self.job.start

    def say(self, message: Message) -> None:
        """Write a record down; without anybody to read it there is nothing to do here."""
        try:
            self._out.say(message)
        except BrokenPipeError:
            os._exit(1)

    def serve(self, runner: Runner) -> None:
        """Let the customers of this process take errands by this runner."""
        self.counter = Counter(runner, self.job.errands)

    def take(self, done: int) -> Errand | None:
        """The next errand for a customer of this process."""
        return self.counter.take(done) if self.counter else None

    def buy(self, errand: Errand) -> None:
        """One purchase, whatever happens in it."""
        buyer = Buyer(errand, self.world)
        error = ""
        try:
            with gevent.Timeout(PURCHASE_LIMIT_S, PurchaseOver):
                live(buyer)
        except PurchaseOver:
            if unfinished(buyer.last):
                buyer.tell("never", "load", f"gave up after {PURCHASE_LIMIT_S:g} s")
        except Exception as problem:
            log.exception("purchase %s", errand.purchase.id)
            error = f"{type(problem).__name__}: {problem}"
            buyer.tell("never", "load", f"the load itself failed: {error}")
        self.say(Finished(t=self.now(), intent=errand.purchase.id, error=short(error)))

    def look_around(self) -> None:
        """One visit, and the rest after it."""
        visitor = Visitor(self.job.site, self._chance)
        with Tab(self.network) as tab:
            visitor.visit(tab)
        rest = visitor.rest_s()
        due = time.monotonic() + rest
        time.sleep(rest)
        self.world.late(time.monotonic() - due)

    def _count(self, asked: Asked) -> None:
        count_into(self.environment, asked)

    def _classes(self) -> list[type[User]]:
        crowd = self

        class Customer(User):
            """Buys as long as there is an errand, then looks around."""

            fixed_count = crowd.job.customers

            @task
            def live(self) -> None:
                done = NOTHING
                while errand := crowd.take(done):
                    crowd.buy(errand)
                    done = errand.purchase.ordinal
                while True:
                    crowd.look_around()

        class Other(User):
            """Looks around."""

            fixed_count = crowd.others

            @task
            def visit(self) -> None:
                crowd.look_around()

        return [Customer, Other]


def _limit(seconds: float) -> gevent.Timeout:
    return gevent.Timeout(seconds, TooLate)
