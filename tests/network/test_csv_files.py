"""Folders and CSV files at their worst."""

from __future__ import annotations

import logging
from pathlib import Path

import polars as pl
import pytest

from partsplan.errors import InputError
from partsplan.network import ServiceNetwork

PARTS = "part_id,unit_cost,resupply_days\n001,10.5,30\n002,20,40\n"
LOCATIONS = "location_id,kind\nDC,central\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "parts.csv").write_text(PARTS)
    (tmp_path / "locations.csv").write_text(LOCATIONS)
    return tmp_path


def findings(folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        ServiceNetwork.from_folder(folder)
    return str(caught.value)


def test_leading_zeros_are_kept(folder: Path) -> None:
    network = ServiceNetwork.from_folder(str(folder))
    assert network.part_ids == ("001", "002")
    assert network.frame_backend is None


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_separators_marks_and_line_ends(
    folder: Path, separator: str, mark: bytes, ending: str
) -> None:
    text = PARTS.replace(",", separator).replace("\n", ending)
    (folder / "parts.csv").write_bytes(mark + text.encode())
    network = ServiceNetwork.from_folder(folder)
    assert network.part_ids == ("001", "002")
    assert network.parts["unit_cost"].tolist() == [10.5, 20.0]


def test_quotes_line_ends_in_texts_and_blank_lines(folder: Path) -> None:
    (folder / "parts.csv").write_text(
        "\npart_id,unit_cost,resupply_days,description\n"
        '1,1,1,"a, ""good"" part\nin two lines"\n\n2,x,1,caf\u00e9\n\n\n3,y,1,\n',
        encoding="utf-8",
    )
    told = findings(folder)
    assert "parts row 2 (line 6), column unit_cost: 'x' is not a number." in told
    assert "parts row 3 (line 9), column unit_cost: 'y' is not a number." in told
    text = (folder / "parts.csv").read_text("utf-8").replace(",x,", ",1,").replace(",y,", ",1,")
    (folder / "parts.csv").write_text(text, encoding="utf-8")
    network = ServiceNetwork.from_folder(folder)
    assert network.parts["description"].tolist() == ['a, "good" part\nin two lines', "café", ""]
    assert [network.parts.line(row) for row in range(3)] == [3, 6, 9]


def test_lines_are_right_in_long_files(folder: Path) -> None:
    rows = [f"{number},1,1" for number in range(5000)]
    rows[2500] = "2500,oops,1"
    rows.insert(1200, "")
    (folder / "parts.csv").write_text("part_id,unit_cost,resupply_days\n" + "\n".join(rows))
    assert "parts row 2501 (line 2503), column unit_cost: 'oops'" in findings(folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "parts: parts.csv is empty. Its first line names the columns."),
        ("\n\n", "parts: parts.csv is empty."),
        ("part_id,unit_cost,resupply_days\n", "parts: the parts table has no rows."),
        (
            "part_id,unit_cost,resupply_days\n1,10,5,30\n",
            "parts row 1 (line 2): has 4 fields where the header has 3. Put texts with a comma "
            "in quotes and write decimals with a point.",
        ),
        (
            "part_id;unit_cost;resupply_days\n1;10\n",
            "parts row 1 (line 2): has 2 fields where the header has 3. Give every field, empty",
        ),
        (
            "part_id;unit_cost;resupply_days\n1;10,5;30\n",
            "parts row 1 (line 2), column unit_cost: '10,5' has a decimal comma or a thousands "
            "separator. Write 10.5 with a decimal point.",
        ),
        (
            "part_id,unit_cost,unit_cost\n1,10,5\n",
            "parts (line 1), column unit_cost: column 'unit_cost' is there twice. Keep one",
        ),
        ("part_id,,unit_cost\n1,10,5\n", "parts (line 1): column 2 has no name. Name it or"),
        (
            'part_id,unit_cost,resupply_days\n1,"10,5\n2,3,4\n',
            "parts.csv cannot be read: unexpected end of data. Close every quote",
        ),
        (
            "part_id,unit_cost,resuply_days\n1,10,5\n",
            "column resuply_days: 'resuply_days' is not a column of parts. Did you mean",
        ),
        ("nothing here\n1\n", "'nothing here' is not a column of parts."),
    ],
)
def test_files_that_are_wrong(folder: Path, text: str, message: str) -> None:
    (folder / "parts.csv").write_text(text)
    assert message in findings(folder)


def test_other_encodings_are_refused(folder: Path) -> None:
    (folder / "parts.csv").write_bytes("part_id,unit_cost\nü,1\n".encode("latin-1"))
    assert "parts: parts.csv is not UTF-8 text. Save it as CSV UTF-8." in findings(folder)
    (folder / "parts.csv").write_bytes(PARTS.encode("utf-16"))
    assert "parts.csv is not UTF-8 text." in findings(folder)


def test_csv_and_parquet_of_one_table_are_refused(folder: Path) -> None:
    pl.DataFrame({"part_id": ["a"]}).write_parquet(folder / "parts.parquet")
    assert findings(folder) == (
        "1 finding\n  parts: parts.csv and parts.parquet are both in the folder. Keep one of them."
    )


def test_a_broken_parquet_file_is_a_finding(folder: Path) -> None:
    (folder / "stock.parquet").write_bytes(b"PAR1 nothing")
    assert "stock: stock.parquet is not a readable Parquet file" in findings(folder)


def test_unknown_files_are_named_or_ignored(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    (folder / "lane.csv").write_text("a\n1\n")
    (folder / "notes.txt").write_text("not a table")
    (folder / "usage.csv").write_text("part_id,location_id,month,units\n")
    assert findings(folder) == (
        "1 finding\n  folder: lane.csv is not a table of the network. Did you mean 'lanes'?"
    )
    with caplog.at_level(logging.INFO, logger="partsplan"):
        ServiceNetwork.from_folder(folder, extra_columns="ignore")
    assert "lane.csv is not a table of the network and was not read" in caplog.messages


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    assert "does not exist. Name a folder of tables." in findings(tmp_path / "nowhere")
    (tmp_path / "file").write_text("")
    assert "is not a folder." in findings(tmp_path / "file")


def test_an_empty_folder_lacks_parts_and_locations(tmp_path: Path) -> None:
    told = findings(tmp_path)
    assert "there is no parts table" in told
    assert "there is no locations table" in told


def test_many_ragged_rows_are_counted(folder: Path) -> None:
    (folder / "parts.csv").write_text("part_id,unit_cost,resupply_days\n" + "1,2\n" * 1500)
    assert "parts: 500 more rows have another number of fields." in findings_of(folder)


def findings_of(folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        ServiceNetwork.from_folder(folder)
    return "\n".join(map(str, caught.value.findings))
