"""Says something to a running drill, from another process."""

from collections.abc import Mapping
from http import HTTPStatus

import httpx

from drill.errors import BadInput
from experiments.control import Refused
from experiments.gameday.whereabouts import Whereabouts, find

CONNECT_LIMIT_S = 5.0
ANSWER_LIMIT_S = 330.0
"""The drill answers when the act is done, and a rollback takes its time."""


def speak(said: Mapping[str, str], run: str = "") -> str:
    """
    Say something to the drill that runs.

    Args:
        said: `say`, `as`, `role` and `text`.
        run: Which drill, empty if there is but one.

    Returns:
        What came of it, one sentence.

    Raises:
        Refused: The drill does not take it now; says why.
        BadInput: There is no drill to speak to, or it does not answer.
    """
    where = find(run)
    try:
        answer = _post(where, said)
        reply = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise BadInput(
            f"drill {where.run} runs (process {where.pid}) but does not answer: "
            f"{type(error).__name__}; it may be ending: try again, or see its terminal"
        ) from None
    if answer.status_code == HTTPStatus.OK:
        return str(reply["came"])
    raise Refused(f"{where.run}: {reply.get('reason', answer.reason_phrase)}")


def _post(where: Whereabouts, said: Mapping[str, str]) -> httpx.Response:
    limits = httpx.Timeout(ANSWER_LIMIT_S, connect=CONNECT_LIMIT_S)
    # No proxy of the machine's, no redirect: the token goes to loopback and nowhere else.
    with httpx.Client(trust_env=False, follow_redirects=False, timeout=limits) as client:
        return client.post(
            f"{where.url}/control",
            json=dict(said),
            headers={"Authorization": f"Bearer {where.token}"},
        )
