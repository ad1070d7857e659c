"""What a reader calls a readout, of whatever model."""

from __future__ import annotations


def readout_label(name: str) -> str:
    """A readout's name inside a sentence."""
    from leukinetics.biology.folder import load

    found = load(None).readouts.get(name)
    label = found.label if found is not None and found.label else name.replace("_", " ")
    label = label.removesuffix(" not bound by drug").removesuffix(" as an immunoassay reads it")
    return {"C-reactive protein": "CRP"}.get(label, label).replace("beta", "β").replace("alpha", "α")
