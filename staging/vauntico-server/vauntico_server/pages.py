"""Pages of the shop, apart from paying: accounts, plans, dashboard, support."""

from __future__ import annotations

from uuid import uuid4

from common.database import Database
from shop.products import PRODUCTS, money
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.templating import Jinja2Templates

from vauntico_server.accounts import (
    COOKIE,
    PASSWORD_AT_LEAST,
    SESSION_H,
    Account,
    Accounts,
    usable_email,
)
from vauntico_server.baskets import FLAG, Baskets, enabled

MESSAGE_LIMIT = 5_000
SUPPORT = "support@vauntico.test"


class Views:
    """Renders templates with what every page needs: who is signed in."""

    def __init__(self, templates: Jinja2Templates, accounts: Accounts) -> None:
        self._templates = templates
        self._templates.env.filters["money"] = money
        self._accounts = accounts

    async def page(
        self, request: Request, name: str, status: int = 200, **context: object
    ) -> Response:
        """A page for whoever asks."""
        if "account" not in context:
            context["account"] = await self._accounts.of(request)
        context |= {"request": request, "products": PRODUCTS}
        return self._templates.TemplateResponse(name, context, status_code=status)


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a plain form."""
    return {key: str(value) for key, value in (await request.form()).items()}


def see_other(path: str) -> Response:
    """Go on with a GET."""
    return RedirectResponse(path, 303)


def local_path(text: str | None) -> str:
    """Where to go after signing in: a path of ours, never another site."""
    ours = text and text.startswith("/") and not text.startswith(("//", "/\\"))
    return text if text and ours else "/plans"


class Pages:
    """Handlers."""

    def __init__(
        self, database: Database, accounts: Accounts, baskets: Baskets, views: Views
    ) -> None:
        self._database = database
        self._accounts = accounts
        self._baskets = baskets
        self._views = views

    def routes(self) -> list[Route]:
        """The paths."""
        return [
            Route("/", self.home),
            Route("/signup", self.sign_up, methods=["GET", "POST"]),
            Route("/signin", self.sign_in, methods=["GET", "POST"]),
            Route("/signout", self.sign_out, methods=["POST"]),
            Route("/plans", self.plans),
            Route("/dashboard", self.dashboard),
            Route("/support", self.support, methods=["GET", "POST"]),
        ]

    async def home(self, request: Request) -> Response:
        """What Vauntico is."""
        return await self._views.page(request, "home.html")

    async def sign_up(self, request: Request) -> Response:
        """Make an account, and be signed in."""
        if request.method == "GET":
            return await self._views.page(request, "signup.html")
        form = await form_of(request)
        email, password = usable_email(form.get("email", "")), form.get("password", "")
        problem = ""
        if email is None:
            problem = "This does not look like an e-mail address."
        elif len(password) < PASSWORD_AT_LEAST:
            problem = f"Please choose a password of at least {PASSWORD_AT_LEAST} characters."
        else:
            account = await self._accounts.sign_up(email, password)
            if account:
                return await self._enter(account, "/plans")
            problem = "There is an account with this address already. Sign in instead?"
        return await self._views.page(
            request, "signup.html", 422, problem=problem, email=form.get("email", "")
        )

    async def sign_in(self, request: Request) -> Response:
        """Enter an account."""
        onward = request.query_params.get("next", "")
        if request.method == "GET":
            return await self._views.page(request, "signin.html", onward=onward)
        form = await form_of(request)
        email = form.get("email", "").strip().lower()
        account = await self._accounts.sign_in(email, form.get("password", ""))
        if account:
            return await self._enter(account, local_path(form.get("next")))
        return await self._views.page(
            request,
            "signin.html",
            401,
            problem="Address or password is wrong.",
            email=email,
            onward=form.get("next", ""),
        )

    async def sign_out(self, request: Request) -> Response:
        """Leave."""
        await self._accounts.close_session(request)
        answer = see_other("/")
        answer.delete_cookie(COOKIE)
        return answer

    async def plans(self, request: Request) -> Response:
        """What is for sale, and whether it can be bought now."""
        async with self._database.connection() as connection:
            is_open = await enabled(connection, FLAG)
        return await self._views.page(request, "plans.html", checkout_open=is_open)

    async def dashboard(self, request: Request) -> Response:
        """What the customer has."""
        account = await self._accounts.of(request)
        if account is None:
            return see_other("/signin?next=/dashboard")
        return await self._views.page(
            request,
            "dashboard.html",
            account=account,
            passes=await self._baskets.passes(account),
            orders=await self._baskets.orders(account),
        )

    async def support(self, request: Request) -> Response:
        """Write to us, signed in or not."""
        account = await self._accounts.of(request)
        if request.method == "GET":
            return await self._views.page(request, "support.html", account=account)
        form = await form_of(request)
        email = account.email if account else usable_email(form.get("email", ""))
        message = form.get("message", "").strip()[:MESSAGE_LIMIT]
        if not email or not message:
            problem = "Please give an address to answer to, and a message."
            return await self._views.page(
                request, "support.html", 422, account=account, problem=problem, message=message
            )
        await self._keep_support(account, email, message)
        return await self._views.page(request, "support.html", account=account, thanks=True)

    async def _keep_support(self, account: Account | None, email: str, message: str) -> None:
        """Store a message, and the mail that brings it to those who answer, both or neither."""
        message_id = uuid4()
        async with self._database.transaction() as connection:
            await connection.execute(
                "INSERT INTO support_messages (id, account_id, email, message)"
                " VALUES ($1, $2, $3, $4)",
                message_id,
                account.id if account else None,
                email,
                message,
            )
            await connection.execute(
                "INSERT INTO mails (message_id, recipient, subject, body) VALUES ($1, $2, $3, $4)",
                f"<support-{message_id}@vauntico.test>",
                SUPPORT,
                f"Support: {email}",
                message,
            )

    async def _enter(self, account: Account, onward: str) -> Response:
        answer = see_other(onward)
        token = await self._accounts.open_session(account)
        # Lax: sent when Paystack sends the customer back, not with posts from other sites.
        answer.set_cookie(COOKIE, token, max_age=SESSION_H * 3600, httponly=True, samesite="lax")
        return answer
