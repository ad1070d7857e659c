"""Pieces of sentences."""

from __future__ import annotations

import re

from markupsafe import Markup, escape


def join(parts: list[str]) -> str:
    """``a, b and c``."""
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1] if parts else ""


def sentence(text: str) -> str:
    """The text with a capital letter and a full stop; names of substances keep their case."""
    first = text.split(" ", 1)[0]
    name = re.search(r"[a-z]\d|_", first)  # an id keeps its case
    found = text[:1].upper() + text[1:] if first.islower() and not name else text
    return found if found.endswith((".", "?", "!")) else found + "."


def linked(text: str) -> Markup:
    """The text with each DOI and PMID as a link."""
    found = re.sub(
        r"\b(doi:)(10\.\d+/[^\s;,]*[^\s;,.)])", r'<a href="https://doi.org/\2">\1\2</a>', str(escape(text)), flags=re.I
    )
    return Markup(re.sub(r"\bPMID:(\d+)", r'<a href="https://pubmed.ncbi.nlm.nih.gov/\1/">PMID:\1</a>', found))


def tie(text: str) -> str:
    """The text with blanks that do not break a line between a number and its unit."""
    text = re.sub(r"(?<=\d) (?=(?:%|[µnpmk]?g\b|[np]mol\b|weeks?\b|days?\b|years?\b|hours?\b))", "\u00a0", text)
    return re.sub(r"(?<=%) (?=CI )|(?<=\bp) (?=[<=] )|(?<=\bp [<=]) ", "\u00a0", text)
