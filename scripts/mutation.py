"""Changes the trader's pure core in thousands of small ways and counts the changes that no test notices.

Run by `make mutation`. Names of mutants may be given, as `atlas.trading.reconcile*`; without any, everything that
`[tool.mutmut]` of pyproject.toml names is changed. Prints one line per file and each survivor, and fails below the floor of the
house. Results stay in `mutants/`: a second run tests again only what has changed.
"""

import fnmatch
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

FLOOR_PERCENT = 90.0
_MUTANTS = Path("mutants")
_KILLED, _SURVIVED = "killed", "survived"
_VERDICTS = {
    **dict.fromkeys((1, 3), _KILLED),
    **dict.fromkeys((36, -24, 24, 152, 255), _KILLED),  # stopped for its time: the tests would never have ended
    **dict.fromkeys((5, 33), "without a test"),
    0: _SURVIVED,
}
"""By the exit code of the tests, as mutmut keeps it."""


def main(wanted: list[str]) -> int:
    """Run, and say whether enough was noticed: 0 if so."""
    subprocess.run([Path(sys.executable).with_name("mutmut"), "run", "--max-children", "1", *wanted], check=False)
    noticed = total = 0
    for path in sorted(_MUTANTS.rglob("*.py.meta")):
        verdicts = _verdicts(path, wanted)
        counts = Counter(verdicts.values())
        if not counts:
            continue
        noticed, total = noticed + counts[_KILLED], total + counts.total()
        print(f"{path.relative_to(_MUTANTS).with_suffix('')}: {counts[_KILLED]} of {counts.total()} noticed")
        for name, verdict in sorted(verdicts.items()):
            if verdict != _KILLED:
                print(f"    {verdict}: {name}")
    if not total:
        print("nothing was changed: do the names fit?")
        return 1
    percent = 100.0 * noticed / total
    print(f"{noticed} of {total} noticed: {percent:.1f} %, at least {FLOOR_PERCENT:g} % are wanted")
    return 0 if percent >= FLOOR_PERCENT else 1


def _verdicts(path: Path, wanted: list[str]) -> dict[str, str]:
    """The verdict on each mutant of a file that was wanted and has one."""
    codes = json.loads(path.read_text())["exit_code_by_key"]
    return {
        name: _VERDICTS.get(code, f"exit code {code}")
        for name, code in codes.items()
        if code is not None and (not wanted or any(fnmatch.fnmatch(name, pattern) for pattern in wanted))
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
