"""Can the parameters of a user's strategy be columns? Those of the shipped ones are, and have no say here."""

from __future__ import annotations

from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from ttc.readout.rows import ANSWER, SUMMARY
from ttc.store.schema import KINDS, column_of, kinds_of
from ttc.strategies import STRATEGIES, parameters
from ttc.types import MEASURES, Strategy

TAKEN = {"name", *(column for column, _ in [*ANSWER, *SUMMARY])} - {*MEASURES}
"""What a strategy or a readout has already, under these names."""


def find_column_faults(strategy: type[Strategy]) -> list[str]:
    """Why its parameters cannot be columns, a line each."""
    hints, faults = get_type_hints(strategy), []
    others = [one for one in STRATEGIES.values() if one is not strategy]
    columns = {name: (kind, one.__name__) for one in others[::-1] for name, kind in kinds_of(one).items()}
    for name in parameters(strategy):
        said, kind = f"{strategy.__name__}.{name}", kinds_of(strategy)[column_of(name)]
        other, whose = columns.get(column_of(name), (kind, ""))
        if name in TAKEN:
            faults.append(f"{said}: a column of ttc's own is called so; take another name")
        elif not _is_value(hints[name]):
            faults.append(f"{said}: must be a whole number, a number, a text or a bool, as columns are")
        elif kind != other:
            faults.append(f"{said}: {kind}, and {whose}.{name} is {other}, in one column; take another name")
    return faults


def _is_value(hint: Any) -> bool:
    if get_origin(hint) in (Union, UnionType):
        return all(map(_is_value, get_args(hint)))
    return get_origin(hint) is Literal or hint in (str, NoneType, *KINDS)
