"""What the fault tests did, by part, for the table that ``make faults`` ends with."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Tally:
    """Counts by part; ``kills_wanted`` is what ``FAULTS_KILLS`` asks for."""

    kills_wanted: int
    _parts: dict[str, Counter[str]] = field(default_factory=dict)

    def add(self, part: str, *, violations: int, **counts: int) -> None:
        """Add to a part of the table."""
        self._parts.setdefault(part, Counter()).update({**counts, "violations": violations})

    def lines(self) -> list[str]:
        """A line per part."""
        return [
            f"{part:<28} {counts['violations']:>3} violations   "
            + ", ".join(f"{number:,} {name}" for name, number in counts.items() if name != "violations")
            for part, counts in sorted(self._parts.items())
        ]
