"""The catalogue: a tuple of classes a family; lookup and union are derived from it."""

from experiments.faults import browser, container, deploy, network, paystack
from experiments.faults.base import FaultSpec

FAULTS: tuple[type[FaultSpec], ...] = (
    *container.FAULTS,
    *network.FAULTS,
    *deploy.FAULTS,
    *paystack.FAULTS,
    *browser.FAULTS,
)
