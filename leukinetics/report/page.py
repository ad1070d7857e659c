"""What all report pages share: one style, numbered figures and tables, and no file but the page itself.

``page.css`` is the style; ``page.html.j2`` has the macros ``pic``, ``number_of`` and ``grid``, before each template.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from leukinetics.report.trial.names import plain
from leukinetics.report.trial.numbers import count, percent
from leukinetics.report.trial.style import STACK
from leukinetics.report.trial.text import linked, sentence, tie

_HERE = Path(__file__).parent


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
