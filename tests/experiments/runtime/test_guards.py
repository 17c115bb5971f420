"""Guard rails over variables."""

from experiments.guards import Exposure, check_exposures, scan_variables


def test_hosts_are_found_wherever_they_hide() -> None:
    """URLs, DSNs, host:port pairs and *_HOST variables all name hosts."""
    found = scan_variables(
        {
            "DATABASE_URL": "postgresql://u:p@Prod-DB.example.com:5432/shop?x=1",
            "DSN": "host=db1 dbname=shop password=x",
            "REDIS": "cache:6379",
            "SMTP_HOST": "mail.example.com",
            "BROKERS": "k1:9092,k2:9092",
            "HOSTNAME": "abc123",
            "TIME": "12:30",
            "GREETING": "hello",
        }
    )
    assert found.hosts == (
        "cache", "db1", "k1", "k2", "mail.example.com", "prod-db.example.com",
    )  # fmt: skip


def test_what_only_looks_like_an_address_names_no_host() -> None:
    """A bracket that is never closed and a path without a host are no hosts, and no error."""
    assert scan_variables({"A": "http://[::1", "B": "file:///etc/hosts"}).hosts == ()


def test_live_keys_are_named_never_shown() -> None:
    """A live key is reported by its variable's name, and its value appears nowhere."""
    found = scan_variables({"PAYSTACK_SECRET": "sk_live_abc", "OTHER": "sk_test_abc"})
    assert found.live_keys == ("PAYSTACK_SECRET",)
    assert "abc" not in repr(found)
    problems = check_exposures({"server": found}, (), ())
    assert len(problems) == 1
    assert "PAYSTACK_SECRET" in problems[0]


def test_unclassified_hosts_are_problems() -> None:
    """A host that is neither a service nor classified stops the drill; known ones do not."""
    exposed = {
        "server": Exposure(("api.paystack.co", "localhost", "postgres", "prod.db", "127.0.0.1"))
    }
    problems = check_exposures(exposed, {"postgres"}, {"api.paystack.co"})
    assert len(problems) == 1
    assert "prod.db" in problems[0]
