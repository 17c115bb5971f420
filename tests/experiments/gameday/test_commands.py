"""How commands find the drill and speak to it."""

import os
from pathlib import Path

import anyio
import anyio.to_thread
import click
import pytest
from click.testing import CliRunner, Result

from drill.errors import EXIT_USAGE, BadInput
from drill.incident import Acted, MessageSent
from experiments.cli import Commands
from experiments.cli_control import add_to
from experiments.gameday.whereabouts import Whereabouts, announced, find, folder, me
from tests.experiments.gameday import journals
from tests.experiments.gameday.gameday import GameDay, opened

RUN = journals.header().id


def drill(*arguments: str) -> Result:
    """Run one command of ours."""

    @click.group(cls=Commands)
    def main() -> None:
        pass

    add_to(main)
    return CliRunner().invoke(main, arguments)


@pytest.mark.anyio
async def test_the_four_commands_are_taken_by_the_running_drill() -> None:
    """Exit code 0 and what came of it; the journal knows who, in which role, and by command."""
    day = GameDay()
    day.detect()
    told = []
    async with opened(day):
        for arguments in (
            ("ack", "--as", "Ada"),
            ("contained", "--as", "Bo", "--role", "technical-lead"),
            ("update", "--as", "Cy", "--run", RUN, "customers can pay again"),
            ("resolved", "--as", "Bo", "--role", "technical-lead", "rolled back"),
        ):
            done = await anyio.to_thread.run_sync(drill, *arguments)
            told.append((done.exit_code, done.stdout, done.stderr))
    assert told == [
        (0, "it is acknowledged\n", ""),
        (0, "it is contained\n", ""),
        (0, "the update went out to slack\n", ""),
        (0, "it is resolved\n", ""),
    ]
    acts = [(act.actor, act.role, act.via) for act in day.journal.every(Acted)]
    assert acts[:2] == [
        ("Ada", "incident-commander", "command"),
        ("Bo", "technical-lead", "command"),
    ]
    (message,) = day.journal.every(MessageSent)
    assert (message.actor, message.text) == ("Cy", "[DRILL] customers can pay again")


@pytest.mark.anyio
async def test_what_the_drill_refuses_is_told_with_exit_code_2() -> None:
    """The reason is the drill's own, on standard error."""
    day = GameDay()
    async with opened(day):
        early = await anyio.to_thread.run_sync(drill, "ack")
        role = await anyio.to_thread.run_sync(drill, "ack", "--role", "comander")
    assert (early.exit_code, early.stdout) == (EXIT_USAGE, "")
    assert early.stderr == f"{RUN}: it cannot be acknowledged yet: it has not been detected\n"
    assert role.exit_code == EXIT_USAGE
    assert "no role is called 'comander'" in role.stderr


def test_without_a_drill_the_way_out_is_told() -> None:
    """Exit code 2, not a traceback."""
    done = drill("resolved")
    assert done.exit_code == EXIT_USAGE
    assert done.stderr == (
        "no drill with a live page is running; start one with: drill run --game-day\n"
    )


def test_an_update_without_its_text_is_bad_usage() -> None:
    """Nobody is told nothing."""
    done = drill("update")
    assert done.exit_code == EXIT_USAGE
    assert "Missing argument 'TEXT'" in done.stderr


def test_a_drill_that_does_not_answer_is_told_so() -> None:
    """Its process runs, but nobody listens at its address any more."""
    with announced(me(RUN, "http://127.0.0.1:9", "t")):
        done = drill("ack")
    assert done.exit_code == EXIT_USAGE
    assert f"drill {RUN} runs (process {os.getpid()}) but does not answer" in done.stderr


def somebody(**changes: object) -> Whereabouts:
    """Describe this process under another name, or changed."""
    here = me(RUN, "http://127.0.0.1:9", "secret")
    fields = {name: getattr(here, name) for name in here.__struct_fields__}
    return Whereabouts(**{**fields, **changes})


class TestWhereabouts:
    """The file by which a drill is found."""

    def test_it_is_its_users_alone_and_gone_with_the_drill(self, runtime: Path) -> None:
        """Mode 0600 in a folder of mode 0700."""
        with announced(somebody()) as path:
            assert path.parent == runtime
            assert (path.stat().st_mode & 0o777, runtime.stat().st_mode & 0o777) == (0o600, 0o700)
            assert find() == find(RUN) == somebody()
        assert list(runtime.iterdir()) == []

    @pytest.mark.parametrize(
        "changes",
        [{"boot_id": "another boot"}, {"started": "1"}, {"pid": 2**22 + 1}],
    )
    def test_what_a_dead_drill_left_is_recognised(self, changes: dict[str, object]) -> None:
        """After a reboot, and where its number was given to another process."""
        with announced(somebody(**changes)), pytest.raises(BadInput, match="died without a word"):
            find()

    def test_a_dead_drill_does_not_hide_a_living_one(self) -> None:
        """Only who lives is chosen from."""
        with announced(somebody(run="a-dead", started="1")), announced(somebody()):
            assert find().run == RUN

    def test_of_several_drills_one_must_be_named(self) -> None:
        """Nobody acknowledges the wrong incident by chance."""
        with announced(somebody(run="one")), announced(somebody(run="two")):
            with pytest.raises(BadInput, match="one, two; name one with --run"):
                find()
            assert find("two").run == "two"
            with pytest.raises(BadInput, match="no drill 'three' is running; there is one, two"):
                find("three")

    @pytest.fixture
    def spoiled(self, runtime: Path, request: pytest.FixtureRequest) -> Path:
        """A folder that is not safely ours."""
        elsewhere = runtime.parent / "elsewhere"
        match request.param:
            case "link":
                elsewhere.mkdir(mode=0o700)
                runtime.symlink_to(elsewhere)
            case "open":
                runtime.mkdir()
                runtime.chmod(0o755)
            case "file":
                runtime.write_text("")
        return runtime

    @pytest.mark.parametrize("spoiled", ["link", "open", "file"], indirect=True)
    def test_a_folder_that_others_may_touch_is_not_used(self, spoiled: Path) -> None:
        """Neither written to nor believed."""
        with pytest.raises(BadInput, match="not safely yours"), announced(somebody()):
            pass
        with pytest.raises(BadInput, match="not safely yours"):
            find()

    def test_without_a_private_runtime_folder_one_is_made_among_temporary_files(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A runtime folder that is open to others is no better than none."""
        (tmp_path / "runtime").chmod(0o777)
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        assert folder() == tmp_path / f"vauntico-drills-{os.getuid()}"
        with announced(somebody()):
            assert folder().stat().st_mode & 0o777 == 0o700
            assert find().run == RUN

    def test_a_runtime_folder_that_is_not_there_is_none(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A variable left over from another login leads to temporary files, not to an error."""
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "gone"))
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        assert folder() == tmp_path / f"vauntico-drills-{os.getuid()}"

    def test_a_place_where_nothing_can_be_made_is_named(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """No folder for temporary files either: bad input with the path and the reason."""
        monkeypatch.delenv("XDG_RUNTIME_DIR")
        (tmp_path / "file").write_text("")
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "file"))
        with pytest.raises(BadInput, match="cannot be used: Not a directory"):
            folder(make=True)

    def test_a_file_that_is_not_safely_ours_is_passed_over(self, runtime: Path) -> None:
        """A link, a file that others may read, and rubbish find nobody."""
        with announced(somebody()) as path:
            path.chmod(0o644)
            (runtime / "link.json").symlink_to(path)
            (runtime / "rubbish.json").write_text("{")
            os.mkfifo(runtime / "pipe.json", 0o600)
            with pytest.raises(BadInput, match="no drill with a live page is running"):
                find()
        for left in runtime.iterdir():
            left.unlink()

    def test_a_file_in_the_way_is_never_overwritten(self, runtime: Path) -> None:
        """Not even a link to somewhere else is followed."""
        runtime.mkdir(mode=0o700)
        target = runtime.parent / "target"
        (runtime / f"{RUN}.json").symlink_to(target)
        refused = pytest.raises(BadInput, match="commands cannot find the drill")
        with refused, announced(somebody()):
            pass
        assert not target.exists()
