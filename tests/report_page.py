"""A report's page as a browser would take it: whole, loading nothing, with its headings, links and words."""

from __future__ import annotations

import re
from html.parser import HTMLParser

VOID = {"meta", "link", "br", "img", "hr", "input"}


class Page(HTMLParser):
    """Checks that tags are balanced; collects ids, links, headings and what would be loaded."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.references: list[str] = []
        self.loaded: list[str] = []
        self.headings: list[tuple[int, str]] = []
        self.tables: list[set[str]] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        if "id" in found:
            self.ids.append(str(found["id"]))
        for key in ("href", "xlink:href", "aria-labelledby"):
            value = found.get(key)
            if value and (value.startswith("#") or key == "aria-labelledby"):
                self.references.append(value.removeprefix("#"))
            elif value and tag != "a":
                self.loaded.append(value)
        self.loaded += [str(found[key]) for key in ("src", "srcset", "data", "action") if found.get(key)]
        for key in ("clip-path", "style", "fill"):
            self.references += re.findall(r"url\(#([^)]+)\)", found.get(key) or "")
        if tag == "th":
            assert found.get("scope") in ("col", "row", "rowgroup")
        if tag == "svg":
            assert found.get("role") == "img" and found.get("aria-label")
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append((int(tag[1]), ""))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, (tag, self.open[-3:], self.getpos())
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open and re.fullmatch(r"h[1-6]", self.open[-1]):
            level, text = self.headings[-1]
            self.headings[-1] = (level, text + data)
        if self.open and self.open[-1] not in ("style", "script"):
            self.text.append(data)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).replace("\u00a0", " ").split())
