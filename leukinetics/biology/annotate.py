"""MIRIAM annotations: what an element is, and where its number comes from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from leukinetics.biology.entities import Entity

_DOI = re.compile(r"\b10\.\d{4,9}/[^\s;,\"'<>]+[^\s;,\"'<>.)\]]")
_PMID = re.compile(r"\bPMID:?\s*(\d{4,9})\b")
_PMC = re.compile(r"\bPMC(?:ID:?\s*PMC)?(\d{4,9})\b")


class Annotator:
    """Adds controlled vocabulary terms to elements that have a metaid."""

    def __init__(self, entities: Mapping[str, Entity]) -> None:
        import libsbml

        self.lib: Any = libsbml
        self.entities = entities

    def entity(self, element: Any, name: str, role: str) -> None:
        """``role``: species (the element is the entity), variable or property (it is something of it), model."""
        entity = self.entities.get(name)
        if entity is None:
            return
        if not element.getName():
            element.setName(entity.name)
        qualifier = {
            "species": self.lib.BQB_IS if not entity.made_of else self.lib.BQB_IS_VERSION_OF,
            "variable": self.lib.BQB_IS_VERSION_OF,
            "property": self.lib.BQB_IS_PROPERTY_OF,
            "model": self.lib.BQB_HAS_PROPERTY,
        }[role]
        self._add(element, qualifier, entity.uris)
        parts = [uri for part in entity.made_of if part in self.entities for uri in self.entities[part].uris]
        if role == "species":
            self._add(element, self.lib.BQB_HAS_PART, parts)

    def sources(self, element: Any, source: str) -> None:
        """DOIs and PubMed numbers in a text on sources."""
        uris = [f"https://identifiers.org/doi:{doi}" for doi in _DOI.findall(source)]
        uris += [f"https://identifiers.org/pubmed:{number}" for number in _PMID.findall(source)]
        uris += [f"https://identifiers.org/pmc:PMC{number}" for number in _PMC.findall(source)]
        self._add(element, self.lib.BQB_IS_DESCRIBED_BY, uris)

    def _add(self, element: Any, qualifier: int, uris: list[str]) -> None:
        if not uris:
            return
        term = self.lib.CVTerm()
        term.setQualifierType(self.lib.BIOLOGICAL_QUALIFIER)
        term.setBiologicalQualifierType(qualifier)
        for uri in dict.fromkeys(uris):
            term.addResource(uri)
        element.addCVTerm(term)
