"""``python -m qwop_wr``: what ``kedro run`` does, also where only the wheel is installed.

The current folder holds ``conf`` and ``data``, as docs/reliability.md shows.
"""

from kedro.framework.cli.project import run
from kedro.framework.project import configure_project


def main() -> None:
    """Run pipelines as the command line says."""
    configure_project("qwop_wr")
    run(prog_name="python -m qwop_wr")


if __name__ == "__main__":
    main()
