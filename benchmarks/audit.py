"""Known vulnerabilities of what is installed, by pip-audit: `make audit`. Exit code 1 where there are some.

Of a package that its index knows nothing of, pip-audit says that it is skipped, and of a run that skipped all
that it is clean: here it is said.
"""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
from typing import Any

COMMAND = ("uvx", "pip-audit", "--progress-spinner=off", "--skip-editable", "--format=json", "--path")


def main() -> int:
    done = subprocess.run([*COMMAND, sysconfig.get_path("purelib")], capture_output=True, text=True)
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except ValueError:  # it could not be fetched, or its index broke off
        why = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
        print(f"not audited: no index answers ({why})", file=sys.stderr)
        return 0
    return report(packages)


def report(packages: list[dict[str, Any]]) -> int:
    """Prints what was found in pip-audit's packages; the exit code."""
    known = [one for one in packages if "vulns" in one and "skip_reason" not in one]
    if not known:
        print(f"not audited: the index knows of none of {len(packages)} packages", file=sys.stderr)
        return 0
    faults = [(one, fault) for one in known for fault in one["vulns"]]
    for one, fault in faults:
        mended = ", ".join(fault["fix_versions"]) or "no version yet"
        print(f"{one['name']} {one['version']}: {fault['id']}, mended in {mended}")
    print(f"{len(known)} of {len(packages)} packages audited: {len(faults)} known vulnerabilities")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
