"""What reports say of purchases, from the judge's own record."""

from drill.payments_judged import PaymentsJudged

SUBUNITS = 100


def money(currency: str, subunits: int) -> str:
    """Write an amount as people do: `NGN 5,000.00`."""
    return f"{currency} {subunits / SUBUNITS:,.2f}"


def at_risk(judged: PaymentsJudged) -> str:
    """Write the money at risk in every currency; `none` if there is none."""
    told = [money(currency, amount) for currency, amount in judged.at_risk.items()]
    return ", ".join(told) or "none"


def by_class(judged: PaymentsJudged) -> str:
    """Count the purchases by class: `280 ok, 2 lost`."""
    told = [f"{each.count} {each.name.replace('_', ' ')}" for each in judged.classes]
    told += [f"{len(judged.unexpected)} rows no intent explains"] if judged.unexpected else []
    return ", ".join(told) or "none was judged"


def payments_lines(judged: PaymentsJudged | None) -> list[str]:
    """Say in two lines what came of the purchases and what could have hidden; none if unplanned."""
    if judged is None:
        return []
    risk = f"; at risk {at_risk(judged)}" if judged.at_risk else ""
    return [
        f"payments: {judged.intended} intended, {by_class(judged)}{risk}",
        f"payments: {judged.sensitivity}",
    ]
