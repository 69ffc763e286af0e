"""``qwop prune``: old versions of agents, tables and reports go."""

import os
from pathlib import Path

import click

from qwop_wr.errors import BadInputError
from qwop_wr.housekeeping import judge_versions, remove_versions


@click.command(
    epilog="""\b
    Examples:
      qwop prune                 list what may go
      qwop prune --keep 2 --yes  remove it
    """
)
@click.option(
    "--data",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path("data"),
    show_default=True,
    help="Folder of the project's data.",
)
@click.option(
    "--keep",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    help="How many of the newest versions of everything stay.",
)
@click.option("--yes", is_flag=True, help="Remove; without it, they are listed only.")
def command(data: Path, keep: int, yes: bool) -> None:
    """Remove old versions that nothing refers to.

    Each run of a pipeline leaves a version of its agents, tables and reports. The
    newest stay, and so does every agent that the champion, the record, a summary, a
    report or an alias of the model registry names, with all that its run has left.
    """
    versions = judge_versions(data, keep, _registered(data.resolve().parent))
    gone = [version for version in versions if not version.kept_for]
    for version in versions:
        if version.kept_for and not version.kept_for.startswith("among"):
            click.echo(f"keep    {version.path}  ({version.kept_for})")
    if yes:
        remove_versions(data, gone)
    for version in gone:
        click.echo(f"{'removed' if yes else 'remove '} {version.path}")
    size = sum(version.size for version in gone) / 1e6
    end = "" if yes or not gone else "; nothing was removed: add --yes"
    click.echo(f"{len(gone)} of {len(versions)} versions, {size:.1f} MB{end}")


def _registered(project: Path) -> frozenset[str]:
    """Fingerprints of the agents that the registry's aliases name."""
    database = project / "mlflow.db"
    uri = os.environ.get("MLFLOW_TRACKING_URI") or (
        f"sqlite:///{database}" if database.exists() else None
    )
    if uri is None:
        return frozenset()
    import mlflow  # noqa: PLC0415 (seconds to import)

    from qwop_wr.tracking.registry import FINGERPRINT_TAG  # noqa: PLC0415

    client = mlflow.MlflowClient(uri, registry_uri=uri)
    try:
        aliased = [
            client.get_model_version(model.name, str(version))
            for model in client.search_registered_models()
            for version in model.aliases.values()
        ]
    except (mlflow.MlflowException, OSError) as error:
        raise BadInputError(
            f"the model registry does not answer, so what it names is unknown: {error}"
        ) from error
    return frozenset(found.tags[FINGERPRINT_TAG] for found in aliased if found.tags)
