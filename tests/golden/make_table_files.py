"""Writes data/people.parquet and data/people.feather: the same table in two formats, by pyarrow, with every kind of column that tables have.

    pip install pyarrow==26.0.1; python tests/golden/make_table_files.py
"""
import datetime
import pathlib

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet

ROWS = 24
table = pa.table(
    {
        "id": pa.array(range(ROWS), pa.int64()),
        "age": pa.array([None if i == 5 else 20 + i for i in range(ROWS)], pa.int32()),
        "income": pa.array([0.1 + 1e6 * i for i in range(ROWS)], pa.float64()),
        "share": pa.array([i / 7 for i in range(ROWS)], pa.float32()),
        "city": pa.array(["Oslo" if i % 3 == 0 else "Rome" for i in range(ROWS)]).dictionary_encode(),
        "member": pa.array([i % 4 == 0 for i in range(ROWS)]),
        "joined": pa.array([datetime.datetime(2024, 1, 1 + i) for i in range(ROWS)], pa.timestamp("us")),
        "visits": pa.array([[i, i + 1] for i in range(ROWS)]),
        "bought": pa.array(["yes" if i % 2 == 0 else "no" for i in range(ROWS)]),
    }
)
folder = pathlib.Path(__file__).parent / "data"
pa.parquet.write_table(table, folder / "people.parquet", row_group_size=10)
pa.feather.write_feather(table, folder / "people.feather", chunksize=7)
