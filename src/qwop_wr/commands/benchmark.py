"""``qwop benchmark``: the speed of engines and environments."""

import click

from qwop_wr.envs.throughput import cases, machine, measure, table


@click.command(
    epilog="""\b
    Examples:
      qwop benchmark
      qwop benchmark --rounds 9
    """
)
@click.option(
    "--rounds",
    type=click.IntRange(1, 1000),
    default=3,
    show_default=True,
    help="Turns that each case takes.",
)
def command(rounds: int) -> None:
    """Measure the engines' speed on this machine.

    Random keys are played on both engines and through the environments. The
    cases take turns, so that the ratios to Box2D hold on a busy machine too.
    The table has the medians.
    """
    listed = cases()
    rates = measure(listed, rounds)
    click.echo(f"{machine()}\nmedians of {rounds} rounds\n\n{table(listed, rates)}")
