"""Text files of tables: their encoding, what stands between cells, and their rows."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator

from leukinetics.cohort.table.note import Findings
from leukinetics.errors import DataError

DELIMITERS = (",", ";", "\t", "|")
_BOMS = (
    (b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe\x00\x00", "utf-32"), (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"),
)  # fmt: skip
_NAMES = {"\t": "tab", ",": "comma", ";": "semicolon", "|": "bar"}
#: What Western tables have beyond ASCII, in the encoding that most of their programs write.
_USUAL = "µ°±²³ßäöüÄÖÜéèêëáàâãåæçíìîïñóòôõøúùûýÿÉÈÀÅÆÇÑØÜ€–—‘’“”…·×÷½¼«»†‡•\xa0"
#: Records by which a delimiter is judged; bytes that tell an encoding.
_SAMPLE, _BYTES = 200, 2_000_000
_SAMPLE_TEXT = 500_000


def decoded(data: bytes, encoding: str | None, findings: Findings) -> tuple[str, str]:
    """(text, encoding) of a file's bytes. Problems where they are not text in the encoding that was declared."""
    if encoding is not None:
        try:
            return data.decode(encoding).removeprefix("\ufeff"), encoding
        except LookupError:
            findings.problem(f'there is no encoding \'{encoding:.40}\'; write one such as "utf-8" or "cp1252".')
        except UnicodeError as error:
            findings.problem(f"it is not text in the encoding '{encoding}' ({_where(data, error)}).")
        findings.raise_if_any()
    for mark, name in _BOMS:
        if data.startswith(mark):
            try:
                return data.decode(name).removeprefix("\ufeff"), name
            except UnicodeError as error:
                findings.problem(f"it begins as {name} but is not ({_where(data, error)}); save it as UTF-8.")
                findings.raise_if_any()
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError as error:
        row = data[: error.start].count(b"\n") + 1
    found = _guessed(data)
    if found is None:
        raise DataError(
            f"The table '{findings.source}' is not text that can be read (row {row}); save it as CSV in UTF-8, or name "
            "its encoding in [table]."
        )
    text, name = found
    example = next((word for word in text.split() if not word.isascii()), "")
    findings.note(
        "decision",
        f"The file is not UTF-8; it is read as {name} (so that row {row} has '{example.strip(_STRIP):.30}'). Where "
        "this is wrong, name its encoding in [table]",
        [row],
    )
    return text, name


_STRIP = "\"',;()[]"


def _guessed(data: bytes) -> tuple[str, str] | None:
    try:
        text = data.decode("cp1252")
        if b"\x00" not in data and all(c.isascii() or c in _USUAL for c in set(text)):
            return text, "cp1252"
    except UnicodeDecodeError:
        pass
    from charset_normalizer import from_bytes

    best = from_bytes(data[:_BYTES]).best()
    if best is None:
        return None
    try:
        return data.decode(best.encoding).removeprefix("\ufeff"), best.encoding
    except UnicodeError:
        return None


def _where(data: bytes, error: UnicodeError) -> str:
    if isinstance(error, UnicodeDecodeError) and error.start < len(data):
        return f"row {data[: error.start].count(10) + 1} has the byte 0x{data[error.start]:02x}"
    return "its bytes do not go together"


def delimiter_of(text: str, findings: Findings, prefer: str | None = None) -> str:
    """What stands between the cells of a text: what divides its first rows most evenly into several."""
    declared = text.split("\n", 1)[0].strip().strip('"')
    if declared.lower().startswith("sep=") and declared[4:] in DELIMITERS:
        return declared[4:]
    scores = []
    top = text[:_SAMPLE_TEXT]
    for mark in DELIMITERS:
        try:
            lengths = [
                len(r) for _, r in zip(range(_SAMPLE), rows_of(top, mark, findings, False), strict=False) if any(r)
            ]
        except DataError:
            continue
        many = [n for n in lengths if n > 1]
        if not many:
            continue
        width, times = Counter(many).most_common(1)[0]
        scores.append((round(times / len(lengths), 2), mark == prefer, width, mark))
    if not scores:
        if not text.strip():
            findings.problem("it is empty; expected a header and one row per sample.")
        else:
            first = text.strip().splitlines()[0]
            findings.problem(
                f"it has one column only ('{first:.40}'); expected cells divided by commas, semicolons or tabs. Where "
                "something else divides them, save it again as CSV."
            )
        findings.raise_if_any()
    best = sorted(scores, reverse=True)
    return best[0][-1]


def rows_of(text: str, delimiter: str, findings: Findings, strict: bool = True) -> Iterator[list[str]]:
    """The rows of a text, each a list of its cells; an empty line is a row too. DataError for quotes without an end."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=strict)
    row = 0
    try:
        for row, cells in enumerate(reader, start=1):  # noqa: B007
            yield cells
    except csv.Error as error:
        why = {
            "unexpected end of data": "a quotation mark is opened and never closed",
            f"'{delimiter}' expected after '\"'": "something stands between a closing quotation mark and the next "
            f"{_NAMES.get(delimiter, delimiter)}",
        }.get(str(error), str(error))
        raise DataError(
            f"The table '{findings.source}', row {row + 1} (line {reader.line_num}): {why}; mend or remove the "
            "quotation marks of this row."
        ) from None
