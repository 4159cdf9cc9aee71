"""Make Arrow arrays and tables of Python values without pandas.

`pyarrow.array`, and all that calls it (`pyarrow.table`, `Table.from_pylist`, `take` of a list), imports pandas, to tell
whether the values are of it: 0.2 s of processor of every task, most of which need it for nothing else. The buffers are
those of the columnar format: https://arrow.apache.org/docs/format/Columnar.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

_Children = list["pa.Array"]


def arrow_table(rows: Iterable[Mapping[str, Any]], schema: pa.Schema) -> pa.Table:
    """Return rows as a table; a row without one of the columns has null there."""
    import pyarrow as pa  # here, as below, because everything imports this package

    listed = list(rows)
    columns = [arrow_array([row.get(field.name) for row in listed], field.type) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def arrow_array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Return values, of which some may be None, as an array of text, bytes, numbers, truths, lists or structs.

    Raises TypeError for another type, OverflowError for a number that is too large for the type, and for texts or lists
    that are too many for one array (2 GB, or 2**31 values).
    """
    import pyarrow as pa

    buffers, children = _buffers_of(kind)(values, kind)
    validity = None
    if any(value is None for value in values):
        validity = _bits([value is not None for value in values])
    return pa.Array.from_buffers(kind, len(values), [validity, *buffers], children=children)


def _buffers_of(kind: pa.DataType) -> Callable[[Sequence[Any], pa.DataType], tuple[list[pa.Buffer], _Children]]:
    from pyarrow import types

    makers: dict[Callable[[pa.DataType], bool], Any] = {
        types.is_string: _texts,
        types.is_binary: _texts,
        types.is_boolean: _truths,
        types.is_integer: _numbers,
        types.is_floating: _numbers,
        types.is_list: _lists,
        types.is_struct: _structs,
    }
    for is_kind, maker in makers.items():
        if is_kind(kind):
            return maker  # type: ignore[no-any-return]
    raise TypeError(f"no array of {kind} is made here")


def _texts(values: Sequence[str | bytes | None], _kind: pa.DataType) -> tuple[list[pa.Buffer], _Children]:
    import pyarrow as pa

    encoded = [value.encode() if isinstance(value, str) else value or b"" for value in values]
    return [_offsets(encoded), pa.py_buffer(b"".join(encoded))], []


def _truths(values: Sequence[bool | None], _kind: pa.DataType) -> tuple[list[pa.Buffer], _Children]:
    return [_bits([bool(value) for value in values])], []


def _numbers(values: Sequence[float | None], kind: pa.DataType) -> tuple[list[pa.Buffer], _Children]:
    import numpy as np
    import pyarrow as pa

    return [pa.py_buffer(np.array([value or 0 for value in values], kind.to_pandas_dtype()))], []


def _lists(values: Sequence[Sequence[Any] | None], kind: pa.DataType) -> tuple[list[pa.Buffer], _Children]:
    lists = [value or () for value in values]
    return [_offsets(lists)], [arrow_array(list(chain.from_iterable(lists)), kind.value_type)]


def _structs(values: Sequence[Mapping[str, Any] | None], kind: pa.DataType) -> tuple[list[pa.Buffer], _Children]:
    fields = [kind.field(number) for number in range(kind.num_fields)]
    columns = ([None if value is None else value.get(field.name) for value in values] for field in fields)
    return [], [arrow_array(column, field.type) for column, field in zip(columns, fields, strict=True)]


def _offsets(values: Sequence[Sequence[Any]]) -> pa.Buffer:
    """Return where each value begins, and where the last one ends."""
    import numpy as np
    import pyarrow as pa

    ends: np.ndarray[Any, Any] = np.cumsum([0, *map(len, values)], dtype=np.int64)
    if ends[-1] > np.iinfo(np.int32).max:
        raise OverflowError(f"{ends[-1]} bytes or values are too many for one array")
    return pa.py_buffer(ends.astype(np.int32))


def _bits(truths: Sequence[bool]) -> pa.Buffer:
    import numpy as np
    import pyarrow as pa

    return pa.py_buffer(np.packbits(np.array(truths, bool), bitorder="little"))
