"""What readers call parameters, and texts that others wrote with signs and units as they are printed."""

from __future__ import annotations

import re

#: Parts of parameters' names that are not words.
_TOKENS = {
    "CL": "clearance", "KD": "dissociation constant", "K": "constant", "Km": "Michaelis constant", "Vm": "Vmax",
    "V": "volume", "V1": "central volume", "V2": "peripheral volume", "Q": "distribution clearance",
    "F": "bioavailability", "ka": "absorption rate", "PS": "permeability", "half": "half-effect level",
    "base": "base level", "ref": "reference", "loss": "loss rate", "csf": "CSF", "cns": "CNS", "crp": "CRP",
    "saa": "SAA", "tnf": "TNF", "nlrp3": "NLRP3", "lps": "endotoxin", "hpa": "HPA axis",
    "acth": "ACTH", "cbg": "CBG", "gc": "glucocorticoid", "gr": "glucocorticoid receptor",
    "mr": "mineralocorticoid receptor", "ifn": "interferon", "ifna": "interferon-α", "ifng": "interferon-γ",
    "ifnar": "interferon receptor", "igg": "IgG", "pge2": "PGE2", "bmi": "body mass index", "tspo": "TSPO",
    "clcr": "creatinine clearance", "treg": "Treg", "th1": "Th1", "th2": "Th2", "th17": "Th17", "tcell": "T cell",
    "bcell": "B cell", "cd20": "CD20", "il1ra": "IL-1Ra", "sil6r": "soluble IL-6 receptor", "il18bp": "IL-18BP",
    "sgp130": "sgp130", "igf1": "IGF-1", "nfl": "NfL", "opc": "precursor", "edss": "EDSS", "btk": "BTK",
    "nfkb": "NF-κB", "bdnf": "BDNF", "ngf": "NGF", "hbegf": "HB-EGF", "egfr": "EGFR", "trkb": "TrkB", "trka": "TrkA",
    "gdf15": "GDF-15", "npy": "NPY", "pomc": "POMC", "mc4r": "MC4R", "gh": "growth hormone",
    "s1p": "S1P", "glast": "GLAST", "epsc": "EPSC", "ipsc": "IPSC",
}  # fmt: skip
_GREEK = {"a": "α", "b": "β", "g": "γ"}
_MOST_MEANING = 80
#: Beginnings of clauses that tell what a parameter is.
_TELLING = (
    "share of", "level of", "part of", "how much", "saturation of", "rate of", "effect of", "weight of", "power of",
    "cooperativity of", "gain of", "loss of", "strength of",
)  # fmt: skip
#: Numbers that a note gives for what is plausible.
_RANGE = r"[-\d.,e ]+ to [-\d.,e ]+"


def plain(text: object) -> str:
    """A name as a figure can carry it: one line, without what XML forbids."""
    return "".join(c if c.isprintable() else " " for c in str(text)).strip() or "(no name)"


def parameter_words(name: str) -> str:
    """A parameter's name in words: "condition.drive_il6_other" is "drive IL-6 other"."""
    return " ".join(_token(t) for t in name.rpartition(".")[2].split("_") if t)


def _token(text: str) -> str:
    if text in _TOKENS:
        return _TOKENS[text]
    found = re.fullmatch(r"il(\d+)(r\d?)?([ab])?", text)
    if found is None:
        return text
    number, receptor, kind = found.groups()
    kind = _GREEK[kind] if kind and number == "1" else (kind or "").upper()
    if receptor and receptor[1:]:
        return f"IL-{number}{receptor.upper()}{kind}"
    return f"IL-{number}{kind}{' receptor' if receptor else ''}"


def meaning(name: str, note: str) -> str:
    """What a parameter is: the first clause of its note, but for a range of values, where that is short and tells it,
    else its name in words."""
    clauses = [c.strip() for c in re.split(r"[;:.](?=\s|$)", note.strip())]
    first = next((c for c in clauses if c and not re.fullmatch(_RANGE, c)), "")
    first = re.sub(rf",\s*{_RANGE}$", "", first)
    tells = first.startswith(_TELLING)
    return printed(first) if tells and len(first) <= _MOST_MEANING else parameter_words(name)


def printed(text: str) -> str:
    """Somebody's text with units and signs as they are printed: "25 to < 30 kg/m^2" has "kg/m²"."""
    for plain, sign in (
        (">=", "≥"),
        ("<=", "≤"),
        ("^2", "²"),
        ("^3", "³"),
        ("IL-1beta", "IL-1β"),
        ("IL-1alpha", "IL-1α"),
    ):
        text = text.replace(plain, sign)
    text = re.sub(r"\bkg/m2\b", "kg/m²", re.sub(r"\bug/", "µg/", text))
    text = re.sub(r"\bdegC\b", "°C", text)
    return re.sub(r"(?<!\b1)(?<=\d) (year|week|day|hour)\b", lambda m: f" {m[1]}s", text)
