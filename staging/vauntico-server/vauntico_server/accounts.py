"""Accounts: passwords are kept as scrypt hashes, sessions as hashes of their tokens."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from uuid import UUID, uuid4

from common.database import Database
from starlette.requests import Request

COOKIE = "session"
SESSION_H = 12
EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]+\.[^@\s]+")
PASSWORD_AT_LEAST = 8
SCRYPT_R, SCRYPT_P = 8, 1
RENAMED_AT = 3  # the schema version that calls the column of passwords otherwise


@dataclass(frozen=True)
class Account:
    """Who is signed in."""

    id: UUID
    email: str


class Accounts:
    """Sign up, sign in, and who a request is from."""

    def __init__(self, database: Database, *, scrypt_log2_n: int, schema: int) -> None:
        self._database = database
        self._password = (
            "password_scrypt" if schema >= RENAMED_AT else "password_hash"
        )  # pragma: allowlist secret - the name of a column
        self._scrypt_n = 2**scrypt_log2_n
        # An unknown address takes as long as a wrong password, so that neither tells.
        self._nobody = self._hash(secrets.token_hex())

    async def sign_up(self, email: str, password: str) -> Account | None:
        """A new account; none if the address has one already."""
        account = Account(uuid4(), email)
        hashed = await asyncio.to_thread(self._hash, password)
        async with self._database.connection() as connection:
            made = await connection.fetchval(
                f"INSERT INTO accounts (id, email, {self._password}) VALUES ($1, $2, $3)"
                " ON CONFLICT DO NOTHING RETURNING true",
                account.id,
                email,
                hashed,
            )
        return account if made else None

    async def sign_in(self, email: str, password: str) -> Account | None:
        """The account, if the password is right."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(
                f"SELECT id, email, {self._password} FROM accounts WHERE email = $1", email
            )
        stored = row[self._password] if row else self._nobody
        right = await asyncio.to_thread(_matches, password, stored)
        return Account(row["id"], row["email"]) if row and right else None

    async def open_session(self, account: Account) -> str:
        """A token for the cookie."""
        token = secrets.token_urlsafe(32)
        async with self._database.connection() as connection:
            await connection.execute(
                "INSERT INTO sessions VALUES ($1, $2, now() + make_interval(hours => $3))",
                _token_hash(token),
                account.id,
                SESSION_H,
            )
        return token

    async def close_session(self, request: Request) -> None:
        """Forget the session of this request."""
        async with self._database.connection() as connection:
            await connection.execute(
                "DELETE FROM sessions WHERE token_hash = $1",
                _token_hash(request.cookies.get(COOKIE, "")),
            )

    async def of(self, request: Request) -> Account | None:
        """Whose session the request carries."""
        token = request.cookies.get(COOKIE)
        if not token:
            return None
        async with self._database.connection() as connection:
            row = await connection.fetchrow(
                "SELECT a.id, a.email FROM sessions s JOIN accounts a ON a.id = s.account_id"
                " WHERE s.token_hash = $1 AND s.expires_at > now()",
                _token_hash(token),
            )
        return Account(row["id"], row["email"]) if row else None

    def _hash(self, password: str) -> str:
        salt = secrets.token_bytes(16)
        return f"{self._scrypt_n}${salt.hex()}${_scrypt(password, salt, self._scrypt_n).hex()}"


def usable_email(text: str) -> str | None:
    """The address as we keep it; none if it cannot be one."""
    email = text.strip().lower()
    return email if EMAIL.fullmatch(email) else None


def _scrypt(password: str, salt: bytes, n: int) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=n, r=SCRYPT_R, p=SCRYPT_P)


def _matches(password: str, stored: str) -> bool:
    n, salt, wanted = stored.split("$")
    hashed = _scrypt(password, bytes.fromhex(salt), int(n))
    return hmac.compare_digest(hashed, bytes.fromhex(wanted))


def _token_hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
