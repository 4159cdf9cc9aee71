"""Arrays and tables that are made without pandas are those that pyarrow makes."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import arrow_array, arrow_table

_ISSUE = pa.struct([("code", pa.string()), ("count", pa.int32())])
_TEXTS = st.none() | st.text()
_INTEGERS = st.none() | st.integers(-(2**31), 2**31 - 1)
_ISSUES = st.none() | st.lists(st.none() | st.fixed_dictionaries({"code": _TEXTS, "count": _INTEGERS}))
KINDS: list[tuple[pa.DataType, st.SearchStrategy[Any]]] = [
    (pa.string(), _TEXTS),
    (pa.binary(), st.none() | st.binary()),
    (pa.bool_(), st.none() | st.booleans()),
    (pa.int32(), _INTEGERS),
    (pa.int64(), st.none() | st.integers(-(2**63), 2**63 - 1)),
    (pa.float64(), st.none() | st.floats(allow_nan=False)),
    (pa.list_(pa.string()), st.none() | st.lists(_TEXTS)),
    (pa.list_(_ISSUE), _ISSUES),
    (pa.list_(pa.list_(pa.int32())), st.none() | st.lists(st.none() | st.lists(_INTEGERS))),
]


@given(st.data())
def test_an_array_is_that_of_pyarrow(data: st.DataObject) -> None:
    kind, values = data.draw(st.sampled_from(KINDS))
    listed = data.draw(st.lists(values))
    made = arrow_array(listed, kind)
    made.validate(full=True)
    assert made.equals(pa.array(listed, kind))


def test_a_row_without_a_column_has_null_there_and_other_keys_do_not_count() -> None:
    schema = pa.schema([("key", pa.string()), ("issues", pa.list_(_ISSUE))], metadata={"of": "a test"})
    rows = [{"key": "a", "issues": [{"code": "x"}]}, {"key": "b", "more": 1}]
    made = arrow_table(rows, schema)
    assert made.equals(pa.Table.from_pylist(rows, schema=schema), check_metadata=True)
    assert arrow_table([], schema).equals(schema.empty_table(), check_metadata=True)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(OverflowError):
        arrow_array([2**31], pa.int32())
    with pytest.raises(TypeError, match="timestamp"):
        arrow_array([], pa.timestamp("s"))
    with pytest.raises(UnicodeEncodeError):
        arrow_array(["\ud800"], pa.string())
