"""A Paystack sandbox that exists only in virtual time, as a part of the fake staging."""

import anyio
import anyio.lowlevel

from experiments.runtime.shapes import Imposed


class FakeSandbox:
    """Leases by name; everything is bitten from `bit_at` on. Remembers every act in `acts`."""

    def __init__(self) -> None:
        self.acts: list[str] = []
        self.leases: dict[str, str] = {}
        self.bit_at: float | None = None

    async def impose(self, name: str, body: str) -> None:
        await anyio.lowlevel.checkpoint()
        self.acts.append(f"impose {name}")
        self.leases[name] = body

    async def lift(self, name: str) -> int | None:
        await anyio.lowlevel.checkpoint()
        self.acts.append(f"lift {name}")
        return None if self.leases.pop(name, None) is None else self._bit()

    async def imposed(self, name: str) -> Imposed | None:
        await anyio.lowlevel.checkpoint()
        if name not in self.leases:
            return None
        return Imposed(met=2, bit=self._bit(), bit_at=self.bit_at if self._bit() else None)

    def _bit(self) -> int:
        return int(self.bit_at is not None and anyio.current_time() >= self.bit_at)
