"""Write the holidays that the simulated gateway ships, as `exchange_calendars` knows them.

python scripts/holidays.py
"""

import msgspec

from ib_gateway.simulator.instruments import load
from ib_gateway.simulator.instruments.holidays import SHIPPED, Year, years_of

DECADES = (1990, 2000, 2010, 2020, 2030)


def main() -> None:
    """Look up every calendar of the shipped instruments file, a decade at a time."""
    names = sorted({listing.trading.holidays.calendar for listing in load()} - {""})
    calendars = []
    for name in names:
        years = {year: known for first in DECADES for year, known in years_of(name, first, first + 9).items()}
        lines = [f'"{year}": {_written(known)}' for year, known in sorted(years.items())]
        calendars.append(f'"{name}": {{\n' + ",\n".join(lines) + "\n}")
    SHIPPED.write_text("{\n" + ",\n".join(calendars) + "\n}\n", encoding="utf-8")


def _written(year: Year) -> str:
    return msgspec.json.encode((sorted(year.closed), dict(sorted(year.early.items())))).decode()


if __name__ == "__main__":
    main()
