"""The catalogue of acts; the union for the scenario's model is derived from it."""

from experiments.respond import acknowledge, contain, customer, resolve, update
from experiments.respond.base import ActSpec

ACTS: tuple[type[ActSpec], ...] = (
    *acknowledge.ACTS,
    *contain.ACTS,
    *resolve.ACTS,
    *update.ACTS,
    *customer.ACTS,
)
