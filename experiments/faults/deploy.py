"""Releases: a bad one gets under a service."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from drill.errors import BadInput
from experiments.faults.base import FaultSpec, Proof
from experiments.runtime.ports import Releases
from experiments.runtime.shapes import Release, Undo


class BadRelease(FaultSpec):
    """Put another release under the target, as a deployment that went wrong would."""

    fault: Literal["deploy.bad_release"] = "deploy.bad_release"
    family: ClassVar[str] = "deploy"
    heals_how: ClassVar[str] = (
        "the image that ran before is put under the service; a rollback may have done it already"
    )
    release: Annotated[str, Field(min_length=1, examples=["v1.3.0"], description="its tag")]
    image: Annotated[
        str | None, Field(description="instead of the running image's name with that tag")
    ] = None

    def path(self) -> str:
        return f"the engine's create and start, from the image of {self.release}"

    async def prepare(self, staging: Releases, name: str) -> Undo:
        before = await staging.running(self.target)
        bad = await staging.find_release(self.target, self.release, self.image or "")
        if bad.digest == before.digest:
            raise BadInput(
                f"{self.target} runs {self.release} already ({_short(bad.digest)}): deploying it"
                " would change nothing; bring staging up with its stable release first"
            )
        return Undo(service=self.target, container=before.container, want="running", release=before)

    async def inject(self, staging: Releases, undo: Undo) -> None:
        bad = await staging.find_release(self.target, self.release, self.image or "")
        await staging.deploy(self.target, bad.image)

    async def effective(self, staging: Releases, undo: Undo, since: float) -> Proof:
        now = await staging.running(self.target)
        # A release that ends at every start is in force as well.
        changed = now.digest != _before(undo).digest and now.status in {"running", "restarting"}
        event = await staging.seen(self.target, "start", since) if changed else None
        return Proof(
            holds=changed,
            text=f"the engine shows {_told(now)} where {_short(_before(undo).digest)} was",
            earliest=since,
            latest=event.at if event else None,
        )

    async def heal(self, staging: Releases, undo: Undo) -> str:
        return await staging.put_back(undo)

    async def removed(self, staging: Releases, undo: Undo, since: float) -> Proof:
        now = await staging.running(self.target)
        holds = now.digest == _before(undo).digest and now.up
        # Recovery counts from the start: an application slow to come up must not hide in this.
        event = await staging.seen(self.target, "start", since) if holds else None
        return Proof(
            holds=holds,
            text=f"the engine shows {_told(now)}, which ran before",
            earliest=since if event else None,
            latest=event.at if event else None,
        )


def _before(undo: Undo) -> Release:
    if undo.release is None:
        raise BadInput(f"the undo of {undo.service} names no release")
    return undo.release


def _told(now: Release) -> str:
    state = " ".join(word for word in (now.status, now.health) if word)
    return f"{now.tag} ({_short(now.digest)}) {state}"


def _short(digest: str) -> str:
    return digest[:19]


FAULTS: tuple[type[FaultSpec], ...] = (BadRelease,)
