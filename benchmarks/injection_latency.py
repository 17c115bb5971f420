"""
Measure how long a network fault takes from the decision to the rule in force, in three ways.

All refuse TCP from one throwaway container to another, whose address is known before. In force is
the return of the call: the rule is then in the kernel. A connection attempted from inside the
target right after it (not timed) must be refused, and must be open again after the removal.

    agent    ours: `DockerStack.block`, by the agent armed in the target's namespace beforehand
    exec     `nft` by exec in the target, through the same Docker client (no start of a CLI); the
             target has nft and NET_ADMIN for this alone, which a real one has not
    sidecar  a container with `nft` in the target's namespace, started at injection; until its exit

Exec and sidecar are what Pumba and others do; Docker is the same engine, image and moment, the
three taking turns.

Reach (design, section 10): ours p95 10 ms. It is one line each way over an open stream, one batch
of libnftables (no fork) and one look at the engine that the target is still the same.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable

import docker
from docker.models.containers import Container

from benchmarks.bench import PORT, address_of, in_ms, load, project_of, show, throwaway
from drill.moments import percentiles
from experiments.faults.network import NetworkReject
from experiments.runtime.docker.labels import AGENT_IMAGE
from experiments.runtime.docker.stack import DockerStack, open_stack
from experiments.runtime.shapes import ArmedFault, PathRule, RunInfo

REACH_S = 0.010
RUN = "bn"
PATIENCE_S = 0.25
UNDO = ["nft", "delete table inet peer"]
Act = Callable[[], Awaitable[object]]


def rules(address: str) -> list[str]:
    """The peers' rule, as one batch of nft."""
    table = "add table inet peer"
    chain = "add chain inet peer out { type filter hook output priority 0; }"
    rule = f"add rule inet peer out ip daddr {address} tcp dport {PORT} reject with tcp reset"
    return ["nft", f"{table}; {chain}; {rule}"]


def run_exec(target: Container, command: list[str]) -> None:
    """Run a command in the target."""
    done = target.exec_run(command)
    if done.exit_code != 0:
        raise RuntimeError(f"exec of nft: {done.output!r}")


def run_sidecar(client: docker.DockerClient, target: Container, command: list[str]) -> Container:
    """Run a command in a new container beside the target, and wait for its exit."""
    made = client.containers.create(
        AGENT_IMAGE,
        command[1:],
        entrypoint=command[0],
        network_mode=f"container:{target.id}",
        cap_add=["NET_ADMIN"],
        name=f"{target.name}-sidecar",
    )
    made.start()
    code = made.wait()["StatusCode"]
    if code != 0:
        raise RuntimeError(f"the sidecar's nft: exit code {code}")
    return made


async def expect(stack: DockerStack, outcome: str, way: str) -> None:
    """Connect from inside the target; raise if it went otherwise."""
    seen = await stack.look_along("front", "back", PORT, PATIENCE_S)
    if seen.outcome != outcome:
        raise RuntimeError(f"{way}: a connection was {seen.outcome}, not {outcome}")


async def arm(stack: DockerStack) -> PathRule:
    """Claim the throwaway project and arm its agent, as a drill does in its preflight."""
    await stack.claim(
        RunInfo(run=RUN, scenario=RUN, project=stack.project, directory=tempfile.gettempdir())
    )
    fault = NetworkReject(target="front", to="back", port=PORT)
    undo = await fault.prepare(stack, f"{RUN}-1")
    spec = fault.model_dump_json(by_alias=True, exclude_none=True)
    await stack.arm([ArmedFault(id="f1", fault=fault.fault, spec=spec, undo=undo)])
    return PathRule(name=undo.rule, to="back", way="reject", port=PORT)


def ways(
    stack: DockerStack, client: docker.DockerClient, parts: dict[str, Container], rule: PathRule
) -> dict[str, tuple[Act, Act]]:
    """How each way injects, and what takes it away again."""
    target, batch = parts["front"], rules(address_of(parts["back"]))
    made: list[Container] = []

    async def sidecar() -> None:
        made.append(await asyncio.to_thread(run_sidecar, client, target, batch))

    async def undo_sidecar() -> None:
        await asyncio.to_thread(run_exec, target, UNDO)
        await asyncio.to_thread(made.pop().remove, force=True)

    return {
        "agent": (
            lambda: stack.block("front", rule),
            lambda: stack.unblock("front", rule.name),
        ),
        "exec": (
            lambda: asyncio.to_thread(run_exec, target, batch),
            lambda: asyncio.to_thread(run_exec, target, UNDO),
        ),
        "sidecar": (sidecar, undo_sidecar),
    }


async def measure(
    client: docker.DockerClient, parts: dict[str, Container], count: int
) -> dict[str, list[float]]:
    """Seconds of every injection by way; the first of each is for warming up and not counted."""
    took: dict[str, list[float]] = {}
    async with open_stack(project_of(parts["front"])) as stack:
        try:
            rule = await arm(stack)
            for number in range(count + 1):
                for way, (inject, undo) in ways(stack, client, parts, rule).items():
                    begun = time.monotonic()
                    await inject()
                    seconds = time.monotonic() - begun
                    await expect(stack, "refused", way)
                    await undo()
                    await expect(stack, "open", way)
                    if number:
                        took.setdefault(way, []).append(seconds)
        finally:
            await stack.release()
    return took


def main() -> None:
    """Print the three ways side by side, and how much slower the peers are."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("--count", type=int, default=30, help="injections a way (30)")
    count = parser.parse_args().count
    before, client = load(), docker.from_env()
    try:
        with throwaway(client, "front", "back", cap_add=["NET_ADMIN"]) as parts:
            took = asyncio.run(measure(client, parts, count))
    finally:
        client.close()
    medians = {way: percentiles(values, [0.5])[0] or 0.0 for way, values in took.items()}
    rows = []
    for way, values in took.items():
        times = f"{medians[way] / medians['agent']:.1f}"
        rows.append([way, str(len(values)), *in_ms(values, 0.5, 0.95, 1), times])
    show(["ms", "count", "p50", "p95", "max", "p50 / ours"], rows)
    print(f"reach: agent p95 {REACH_S * 1000:g} ms; before: {before}; after: {load()}")


if __name__ == "__main__":
    main()
