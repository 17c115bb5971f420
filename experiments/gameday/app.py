"""What the control server answers: the page, the state as it changes, and the words of people."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Literal

import anyio
import msgspec
from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from drill.errors import BadInput, DrillError, told
from experiments.control import Control, Say, Word
from experiments.gameday.access import HEADERS, Access
from experiments.gameday.hub import Crowded, Hub
from experiments.problems import nearest

STATIC = Path(__file__).parent / "static"
FILES: Mapping[str, tuple[str, str]] = {
    "/": ("index.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
    "/board.js": ("board.js", "text/javascript"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
BODY_LIMIT = 16 * 1024
NAME_LIMIT = 80
TEXT_LIMIT = 2000
Tell = Callable[[str], None]
Endpoint = Callable[[Request], Awaitable[Response]]


class Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /control`."""

    say: Say
    actor: str = msgspec.field(name="as")
    role: str = ""
    text: str = ""


class Unusable(BadInput):
    """A request that cannot be read; the message says why."""


def make_app(hub: Hub, control: Control, access: Access, tell: Tell) -> ASGIApp:
    """
    Put the answers together.

    Args:
        hub: Where the state comes from.
        control: Who takes what people say.
        access: Who may ask.
        tell: Where a failure of ours is noted.
    """
    routes = [
        *(Route(path, _file(*of), methods=["GET"]) for path, of in FILES.items()),
        Route("/events", _Events(hub), methods=["GET"]),
        Route("/control", _control(hub, control), methods=["POST"]),
    ]
    return Guard(Starlette(routes=routes), access, tell)


class Guard:
    """Refuses before anything is read, adds the headers, and keeps failures from the drill."""

    def __init__(self, app: ASGIApp, access: Access, tell: Tell) -> None:
        self._app = app
        self._access = access
        self._tell = tell

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        begun = False

        async def send_guarded(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        refusal = self._access.refusal(Headers(scope=scope), open_to_all=scope["path"] in FILES)
        answer: ASGIApp = self._app
        if refusal:
            challenge = {"WWW-Authenticate": "Bearer"} if refusal.status == 401 else None  # noqa: PLR2004
            answer = JSONResponse({"reason": refusal.reason}, refusal.status, challenge)
        try:
            await answer(scope, receive, send_guarded)
        except Exception as error:  # noqa: BLE001 - the page must never break the drill
            self._tell(f"the live page could not answer {scope['path']}: {told(error)}")
            if not begun:
                failed = JSONResponse({"reason": "the drill could not answer"}, 500)
                await failed(scope, receive, send_guarded)


def _file(name: str, kind: str) -> Endpoint:
    # Read once, at the start: no file is touched while the drill runs.
    body = (STATIC / name).read_bytes()

    async def answer(_: Request) -> Response:
        return Response(body, media_type=kind)

    return answer


class _Events:
    """The state as server-sent events."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            with self._hub.listening():
                await self._stream(receive, send)
        except Crowded:
            crowded = JSONResponse(
                {"reason": "too many pages are open; close one"}, 503, {"Retry-After": "5"}
            )
            await crowded(scope, receive, send)

    async def _stream(self, receive: Receive, send: Send) -> None:
        """Send frames until the drill or the listener ends."""

        async def until_gone() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            group.cancel_scope.cancel()

        headers = [(b"content-type", b"text/event-stream; charset=utf-8")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        async with anyio.create_task_group() as group:
            group.start_soon(until_gone)
            async for frame in self._hub.follow():
                await send({"type": "http.response.body", "body": frame, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            group.cancel_scope.cancel()


def _control(hub: Hub, control: Control) -> Endpoint:
    async def answer(request: Request) -> Response:
        try:
            said = await _read(request, hub)
        except Unusable as error:
            return JSONResponse({"reason": str(error)}, 400)
        # Browsers send their origin with every POST, our commands have none.
        via: Literal["page", "command"] = "page" if "origin" in request.headers else "command"
        word = Word(say=said.say, actor=said.actor, via=via, role=said.role, text=said.text)
        try:
            return JSONResponse({"came": await control.say(word)})
        except BadInput as error:  # Refused, or out of order.
            return JSONResponse({"reason": str(error)}, 409)
        except DrillError as error:
            return JSONResponse({"reason": str(error)}, 500)

    return answer


async def _read(request: Request, hub: Hub) -> Said:
    """Read what was said; raises Unusable for what cannot be used."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Unusable("send application/json")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_LIMIT:
            raise Unusable(f"more than {BODY_LIMIT} bytes were sent")
    try:
        said = msgspec.json.decode(body, type=Said)
    except msgspec.MsgspecError as error:
        raise Unusable(str(error)) from None
    said = msgspec.structs.replace(
        said, actor=said.actor.strip(), role=said.role.strip(), text=said.text.strip()
    )
    _refuse(said, hub)
    return said


def _refuse(said: Said, hub: Hub) -> None:
    """Raise Unusable for what nobody could act on."""
    if not said.actor:
        raise Unusable("say who you are")
    if max(len(said.actor), len(said.role)) > NAME_LIMIT or len(said.text) > TEXT_LIMIT:
        raise Unusable(
            f"a name has at most {NAME_LIMIT} characters and a text at most {TEXT_LIMIT}"
        )
    if not (said.actor + said.role).isprintable() or not said.text.replace("\n", "").isprintable():
        raise Unusable("names and text are made of printable characters")
    if said.say == "update" and not said.text:
        raise Unusable("an update needs its text")
    roles = [role.name for role in hub.board().roles]
    if said.role and roles and said.role not in roles:
        hint = nearest(said.role, roles) or f"; there are {', '.join(roles)}"
        raise Unusable(f"no role is called '{said.role}'{hint}")
