"""`drill list`, `schema`, `faults`, `acts` and `checks`: what there is."""

import click


def add_to(group: click.Group) -> None:
    """Add the five commands."""
    for command in (list_scenarios, schema, faults, acts, checks):
        group.add_command(command)


@click.command("list")
def list_scenarios() -> None:
    """List the scenarios and what each proves."""
    from experiments.scenario import SCENARIOS, proves  # noqa: PLC0415

    for path in sorted(SCENARIOS.glob("*.yaml")):
        click.echo(f"{path.stem:20} {proves(path)}")


@click.command()
@click.argument(
    "kind", type=click.Choice(["scenario", "environment", "playbook"]), default="scenario"
)
def schema(kind: str) -> None:
    """Print the JSON Schema of a scenario, an environment or a playbook, for editors."""
    import json  # noqa: PLC0415

    from pydantic import BaseModel  # noqa: PLC0415

    from experiments.environment import Environment  # noqa: PLC0415
    from experiments.playbook import Playbook  # noqa: PLC0415
    from experiments.scenario import scenario_model  # noqa: PLC0415

    models: dict[str, type[BaseModel]]
    models = {"scenario": scenario_model(), "environment": Environment, "playbook": Playbook}
    click.echo(json.dumps(models[kind].model_json_schema(by_alias=True), indent=2))


@click.command()
def faults() -> None:
    """List the faults, what each needs, and how it heals."""
    from experiments.faults import FAULTS  # noqa: PLC0415

    for fault in FAULTS:
        name = fault.model_fields["fault"].default
        click.echo(f"{name:28} {_sentence(fault)} Heals: {fault.heals_how}.")


@click.command()
def acts() -> None:
    """List the acts of the playbook and what each does."""
    from experiments.respond import ACTS  # noqa: PLC0415

    for act in ACTS:
        click.echo(f"{act.model_fields['do'].default:28} {act.about}")


@click.command()
def checks() -> None:
    """List the checks and what each promises."""
    from validators.checks import ALWAYS, CHECKS, IMPLIED, IMPLIES  # noqa: PLC0415

    for check in CHECKS:
        click.echo(f"{check.model_fields['check'].default:30} {check.about}")
    for check in IMPLIED:
        if check not in CHECKS:
            click.echo(f"{check.model_fields['check'].default:30} {check.about} (where it applies)")
    for name, implied in IMPLIES.items():
        for check in implied:
            click.echo(f"{check.model_fields['check'].default:30} {check.about} (with {name})")
    for check in ALWAYS:
        click.echo(f"{check.model_fields['check'].default:30} {check.about} (always)")


def _sentence(of: type) -> str:
    return " ".join((of.__doc__ or "").split())
