"""Healing what ends by itself: a lease is over when nobody has refreshed it for long enough."""

import time

from experiments.runtime.shapes import Undo

LEASE_S = 3.0
MARGIN_S = 0.25


def outlive(undo: Undo) -> str:
    """
    Wait until a lease of *undo*, which only a drill refreshes that is dead, is over.

    The guardian needs no token for it and no answer of the sandbox: the lease is measured by the
    sandbox's own clock, and ends also when that is frozen meanwhile.

    Returns:
        What to tell; `already` if there is no lease.
    """
    if not undo.lease:
        return "already"
    time.sleep(LEASE_S + MARGIN_S)
    return f"the lease of {undo.lease} is over, {LEASE_S:g} s after its last refresh"
