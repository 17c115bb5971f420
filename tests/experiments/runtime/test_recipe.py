"""How a container is read back from the engine, without one."""

from typing import Any

import pytest

from experiments.runtime.docker.recipe import (
    in_the_making,
    more_networks,
    recipe,
    tag_called,
    tag_of,
    with_tag,
)

OLD = {"Id": "sha256:old", "Config": {"Cmd": ["serve"], "Env": ["PATH=/bin"], "User": "shop"}}


def container(**config: Any) -> dict[str, Any]:
    base = {
        "Hostname": "0123456789ab",
        "Image": "shop:v1",
        "Cmd": ["serve"],
        "User": "shop",
        "Env": ["RELEASE=v1", "KEY=k-v1", "PATH=/bin"],
        "Labels": {"drill.target": "staging"},
    }
    alias = {"Aliases": ["shop", "0123456789ab"]}
    return {
        "Id": "0123456789abcdef",
        "Name": "/p_shop_1",
        "Image": "sha256:old",
        "Config": base | config,
        "HostConfig": {"NetworkMode": "p_default", "Binds": ["data:/data:rw"]},
        "NetworkSettings": {"Networks": {"p_extra": alias, "p_default": alias}},
        "Mounts": [
            {"Type": "volume", "Name": "data", "Destination": "/data"},
            {"Type": "volume", "Name": "f00", "Destination": "/nameless"},
        ],
    }


def test_only_what_is_the_containers_own_is_taken() -> None:
    """What it has from its image is left to the new image; the release's variable goes along."""
    body = recipe(container(), OLD, "shop:v2")

    assert body["Env"] == ["RELEASE=v2", "KEY=k-v1"]
    assert "Cmd" not in body
    assert "User" not in body
    assert "Hostname" not in body
    assert body["Labels"] == {"drill.target": "staging"}
    assert body["HostConfig"]["Binds"] == ["data:/data:rw", "f00:/nameless"]


def test_what_was_chosen_is_kept() -> None:
    """A command, a host name and an entry point of its own come along."""
    own = container(Cmd=["other"], Hostname="till", Entrypoint=["/init"])
    body = recipe(own, OLD, "shop:v2")

    assert (body["Cmd"], body["Hostname"], body["Entrypoint"]) == (["other"], "till", ["/init"])


def test_networks_keep_their_names_and_order() -> None:
    """The network of the network mode comes first, its own short id is no alias of the next."""
    body = recipe(container(), OLD, "shop:v2")

    assert list(body["NetworkingConfig"]["EndpointsConfig"]) == ["p_default"]
    assert body["NetworkingConfig"]["EndpointsConfig"]["p_default"]["Aliases"] == ["shop"]
    assert list(more_networks(container())) == ["p_extra"]


@pytest.mark.parametrize(
    ("name", "tag", "next_name"),
    [
        ("shop:v1", "v1", "shop:v2"),
        ("host:5000/shop", "", "host:5000/shop:v2"),
        ("host:5000/shop:v1@sha256:abc", "v1", "host:5000/shop:v2"),
        ("sha256:abc", "", "sha256:abc:v2"),
    ],
)
def test_tags(name: str, tag: str, next_name: str) -> None:
    """A registry's port and a digest are no tag."""
    assert tag_of(name) == tag
    assert with_tag(name, "v2") == next_name


def test_a_release_is_called_by_its_version_label() -> None:
    """The label of the image counts more than its tag, and a digest is better than nothing."""
    labelled = {"Id": "sha256:x", "Config": {"Labels": {"org.opencontainers.image.version": "v9"}}}

    assert tag_called(labelled, "shop:v1") == "v9"
    assert tag_called({"Id": "sha256:x"}, "shop:v1") == "v1"
    assert tag_called({"Id": "sha256:x"}, "sha256:x") == "sha256:x"


def test_what_is_in_the_making_is_not_followed() -> None:
    """Our next container and the one that compose replaces are passed over."""
    assert in_the_making(["/drill-next-shop-1"])
    assert in_the_making(["/0123456789ab_p_shop_1"])
    assert not in_the_making(["/p_shop_1"])
