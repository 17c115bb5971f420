"""From the environment's channels to what sends by them."""

from drill.incident import Channel
from experiments.comms.mail import Mail
from experiments.comms.ports import ChannelPort
from experiments.comms.slack import SlackPost, SlackWebhook
from experiments.environment_parts import Channels


def build(settings: Channels | None) -> dict[Channel, ChannelPort]:
    """
    The channels that the environment names, by name; none it does not name.

    Where both of Slack's ways in are given, chat.postMessage is used: it tells the time of a post.

    Raises:
        BadInput: An address is none; the message names the field and does not show it.
    """
    built: dict[Channel, ChannelPort] = {}
    if settings is None:
        return built
    if settings.slack_api is not None:
        built["slack"] = SlackPost(settings.slack_api)
    elif settings.slack is not None:
        built["slack"] = SlackWebhook(settings.slack.get_secret_value())
    if settings.email is not None:
        built["email"] = Mail(settings.email)
    return built
