"""`launch.py` without the report and the pictures at its end: a quarter of a short launch, which no test here
looks at."""

import sys

from ttc.commands.cli import main
from ttc.report import summary
from ttc.studies import page


def nothing(*given: object) -> None:
    """Draws nothing."""


if __name__ == "__main__":
    page.write_report = summary.show_results = nothing  # type: ignore[assignment]
    sys.exit(main(["run", *sys.argv[1:]]))
