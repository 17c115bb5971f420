"""`drill postmortem` beside a run: whose form it fills, and what it says when it cannot."""

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from drill.errors import BadInput
from drill.events import Header
from drill.journal import encode
from experiments.cli_postmortem import postmortem
from tests.reports import journals

ROOT = Path(__file__).parents[2]


def drafted(folder: Path, command: str, *arguments: str) -> Result:
    """What the command makes of a run that is repeated by *command*."""
    records = [
        msgspec.structs.replace(record, command=command) if isinstance(record, Header) else record
        for record in journals.whole_incident()
    ]
    folder.mkdir(exist_ok=True)
    (folder / "journal.jsonl").write_bytes(b"".join(map(encode, records)))
    return CliRunner().invoke(postmortem, [f"{folder}/", *arguments])


@pytest.mark.parametrize(
    ("command", "form"),
    [
        ("drill run paystack-down --env bundled", True),
        ("drill run paystack-down --env=bundled", True),
        ("drill run paystack-down", False),
        ("drill run 'paystack-down --env bundled", False),
    ],
)
def test_the_form_is_that_of_the_environment_in_the_line_that_repeats_it(
    tmp_path: Path, command: str, form: bool
) -> None:
    """
    Either way to write the option counts; a line that no shell reads names none.
    """
    made = drafted(tmp_path / "run", command)

    assert made.exit_code == 0, made.output
    assert (tmp_path / "run" / "postmortem.md").is_file()
    assert (tmp_path / "run" / "hotfix.md").is_file() is form


def test_an_environment_that_was_asked_for_must_be_there(tmp_path: Path) -> None:
    """
    What somebody named is not silently left out, as the drill's own would be.
    """
    made = drafted(tmp_path / "run", "drill run x --env bundled", "--env", "bundeld")

    assert isinstance(made.exception, BadInput)
    assert "did you mean 'bundled'" in str(made.exception)


def test_what_was_left_alone_is_told_beside_the_paths(tmp_path: Path) -> None:
    """
    A draft that somebody has edited stays, and a note says where the new one is.
    """
    run = tmp_path / "run"
    drafted(run, "drill run x")
    (run / "postmortem.md").write_text("a person's words")

    again = drafted(run, "drill run x")

    assert (run / "postmortem.md").read_text() == "a person's words"
    assert "was edited" in again.stderr


def test_a_run_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """
    Something in the way of a file is bad input, and no traceback.
    """
    (tmp_path / "run" / "postmortem.html").mkdir(parents=True)

    made = drafted(tmp_path / "run", "drill run x")

    assert isinstance(made.exception, BadInput)
    assert "cannot be written: Is a directory" in str(made.exception)
