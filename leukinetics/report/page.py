"""What all report pages share: one style, numbered figures and tables, and no file but the page itself.

``page.css`` is the style; ``page.html.j2`` has the macros ``pic``, ``number_of`` and ``grid``, before each template.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from leukinetics.engine.stream import naming, replacing
from leukinetics.errors import DataError
from leukinetics.report.trial.names import plain
from leukinetics.report.trial.numbers import count, percent
from leukinetics.report.trial.style import STACK, Picture
from leukinetics.report.trial.text import linked, sentence, tie

_HERE = Path(__file__).parent
REPORT = "report.html"


def rendered(template: Path, content: Mapping[str, Any]) -> str:
    """The page that a template makes of its content; a name that is missing is an error."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {
        "sentence": sentence,
        "linked": linked,
        "tie": tie,
        "plain": plain,
        "percent": percent,
        "count": count,
    }
    macros, page = (path.read_text(encoding="utf-8") for path in (_HERE / "page.html.j2", template))
    css = (_HERE / "page.css").read_text(encoding="utf-8").replace("STACK", STACK)
    return environment.from_string(macros + page).render(css=css, **content)


@contextmanager
def as_written_by(maker: str, folder: Path) -> Iterator[None]:
    """Files of another shape than ``maker`` ("trial") writes are a DataError; their JSON and Parquet may be sound."""
    try:
        yield
    except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
        raise DataError(
            f"'{folder / 'summary.json'}' or a file beside it is not as a {maker} writes it "
            f"({type(error).__name__}: {error}); run the {maker} again."
        ) from error


def written(folder: Path, page: str, pictures: Any, tables: Mapping[str, str] | None = None) -> Path:
    """Write report.html with figures/*.svg of all ``pictures`` in a nest of lists and mappings, and ``tables``: texts
    by the stem of their CSV file. The page's path; DataError where a file cannot be written."""
    texts = {f"figures/{p.name}.svg": p.svg for p in _all(pictures)}
    texts |= {f"tables/{name}.csv": text for name, text in (tables or {}).items()}
    for name, text in {**texts, REPORT: page}.items():
        path = folder / name
        with naming(path):
            path.parent.mkdir(exist_ok=True)
            with replacing(path) as temporary:
                temporary.write_text(text, encoding="utf-8", newline="\n")
    return folder / REPORT


def provenance_rows(made: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(name, text) of where results come from; what is in an inner table is "table: name"."""
    flat = {k: v for k, v in made.items() if not isinstance(v, Mapping)}
    inner = {f"{k}: {n}": x for k, v in made.items() if isinstance(v, Mapping) for n, x in v.items()}
    return [(k.replace("_", " "), plain(v) if v not in ("", None) else "none") for k, v in {**flat, **inner}.items()]


def _all(found: Any) -> list[Picture]:
    if isinstance(found, Picture):
        return [found]
    if isinstance(found, Mapping):
        return [p for v in found.values() for p in _all(v)]
    return [p for v in found for p in _all(v)] if isinstance(found, (list, tuple)) else []
