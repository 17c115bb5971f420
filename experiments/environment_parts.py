"""The parts of an environment that the playbook needs: features, monitoring, channels, releases."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from drill.duration import Duration

Address = Annotated[str, Field(pattern=r"^[^@\s,]+@[^@\s,]+$")]


class Part(BaseModel):
    """A frozen part of a file; unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Feature(Part):
    """
    A feature of the shop that can be switched off by a flag.

    Attributes:
        flag: Its name at the shop.

        url: Where the flag is read by GET and set by PUT, `{flag}` in it; relative to `web`.

        header: Name of the header that carries `key`.
    """

    flag: str
    url: str = "/api/admin/flags/{flag}"
    header: str = "X-API-Key"
    key: SecretStr | None = None


class SandboxPart(Part):
    """The control port of the Paystack sandbox: `paystack.*` faults need it."""

    control: Annotated[str, Field(pattern=r"^https?://", description="its address")]
    token: SecretStr


class Sentry(Part):
    """Where error groups are read; `project` is the number of the project."""

    url: str
    organization: str
    project: str | None = None
    token: SecretStr


class Grafana(Part):
    """Where Grafana's alerts and dashboards are read."""

    url: str
    token: SecretStr | None = None


class Panel(Part):
    """A panel that must show data; with `moves`, and whose value a fault must be seen in."""

    name: str
    query: str
    moves: bool = False


class Monitoring(Part):
    """Where alerts and panels are looked up."""

    prometheus: str | None = None
    alertmanager: str | None = None
    grafana: Grafana | None = None
    sentry: Sentry | None = None
    support: Annotated[str | None, Field(description="lists customers' reports as JSON")] = None
    receiver: Annotated[str | None, Field(description="lists what a webhook received")] = None
    rules: Annotated[tuple[str, ...], Field(description="alerts that must exist")] = ()
    panels: tuple[Panel, ...] = ()
    ignore_alerts: tuple[str, ...] = ()


class SlackApi(Part):
    """Slack's chat.postMessage."""

    url: str = "https://slack.com/api/chat.postMessage"
    token: SecretStr


class Email(Part):
    """Mail by SMTP: `smtp://[user:password@]host:port`, and who gets it, by audience or role."""

    smtp: SecretStr
    sender: Address
    to: dict[str, tuple[Address, ...]] = {}


class Channels(Part):
    """Where messages go; nothing is sent anywhere else."""

    slack: Annotated[SecretStr | None, Field(description="an incoming webhook")] = None
    slack_api: SlackApi | None = None
    email: Email | None = None


class Deploy(Part):
    """
    How a release gets to staging, and how it goes back.

    Attributes:
        stable: The last stable tag, unless the playbook names one.

        by: `compose` puts the image of a tag under the service; `git` moves a branch of
            `repository` to the tag and pushes it; `command` runs `command`.

        image: What the image of a release is called, with `{service}` and `{tag}` in it.

        command: With `{service}` and `{tag}` in it.

        repository: A clone of the deployment repository, beside the environment's file.

        allow_remotes: The only remotes that anything is ever pushed to.
    """

    stable: str | None = None
    by: Literal["compose", "git", "command"] = "compose"
    image: str | None = None
    command: str | None = None
    repository: str | None = None
    remote: str = "origin"
    branch: str = "main"
    allow_remotes: tuple[str, ...] = ()
    limit: Duration = 120.0


class RefundApi(Part):
    """Where a refund is asked for; `{order}` in `url`, which is relative to `web`."""

    url: Annotated[str, Field(pattern=r"^/.*\{order\}")]
    header: str = "X-API-Key"
    key: SecretStr


class Customers(Part):
    """
    Who the customers of a load are.

    Attributes:
        domain: Of their addresses; ours, as the shop writes to them.

        password: Of their accounts, which are made up for one drill.

        refund: Where they ask for refunds; none: nobody does.
    """

    domain: Annotated[str, Field(pattern=r"^[a-z0-9.-]+\.[a-z]+$", max_length=100)]
    password: Annotated[SecretStr, Field(min_length=8)]
    refund: RefundApi | None = None
