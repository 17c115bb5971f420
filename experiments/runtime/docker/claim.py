"""Taking a staging for one drill, giving it back, and healing it by hand."""

import contextlib

import docker.errors

from drill.errors import DrillError
from experiments.runtime.docker import labels
from experiments.runtime.docker.engine import Engine
from experiments.runtime.docker.guardians import start_guardian
from experiments.runtime.docker.lock import (
    FileLock,
    create_lock,
    let_guardian_finish,
    refuse_leftovers,
    refuse_living,
)
from experiments.runtime.docker.restore import Healing, heal_project
from experiments.runtime.shapes import RunInfo


class Claim:
    """A staging held: file lock first, then the guardian, then the name on the engine."""

    def __init__(self, engine: Engine, run: RunInfo) -> None:
        """
        Take it.

        Raises:
            StagingBusy: Another drill holds it and lives.
            Unhealed: A drill that died left something.
            BadInput: The agent's image or the guardian's container cannot be had.
        """
        self._engine = engine
        self._run = run
        self._file = FileLock(engine.id, run.project)
        self._file.take()
        try:
            let_guardian_finish(engine, run.project, self._file)
            refuse_leftovers(engine, run.project, self._file, run.heal)
            engine.ready_image()
            self._file.say(f"drill {run.run}")
            self._guardian = start_guardian(engine, run, self._file.path, self._file.fd)
            try:
                create_lock(engine, run, self._file, self._guardian.processes)
            except BaseException:
                self._guardian.bye()
                raise
        except BaseException:
            self._file.close()
            raise

    def give_back(self) -> None:
        """Remove markers, then the lock, then let the guardian and the file go."""
        asked = (f"{labels.OF}={self._run.project}", f"{labels.RUN}={self._run.run}")
        found = [
            entry
            for entry in self._engine.listed(*asked)
            if entry["Labels"].get(labels.ROLE) != "guardian"
        ]
        found.sort(key=lambda entry: str(entry["Labels"].get(labels.ROLE)) == "lock")
        for entry in found:
            with contextlib.suppress(docker.errors.NotFound):
                self._engine.act.api.remove_container(entry["Id"], force=True)
        self._guardian.bye()
        self._file.close()


def heal(
    project: str, engine: str = "local", *, force: bool = False, command: str = "drill heal"
) -> Healing:
    """
    What `drill heal` does: wait for a guardian at work, then heal whatever dead drills left.

    Args:
        project: Compose project.
        engine: As for `open_stack`.
        force: Heal even what a drill of another user or machine holds that may be alive.
        command: What a person should run for what remains.

    Raises:
        StagingBusy: A living drill holds the staging, or one that nobody here can see to be dead.
        BadInput: No engine answers.
    """
    connected = Engine(engine)
    file = FileLock(connected.id, project)
    file.take()
    try:
        if not force:
            refuse_living(connected, project, file, command)
        file.say("healing by hand")
        return heal_project(connected, project, None, command)
    except docker.errors.DockerException as error:
        raise DrillError(f"the container engine refused: {error}") from error
    finally:
        file.close()
        connected.close()
