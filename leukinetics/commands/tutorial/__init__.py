"""The tutorial of multiple sclerosis in docs/: what it computes, draws and says.

``python -m leukinetics.commands.tutorial .`` (``make docs-figures``) runs everything for the repository in this folder
and writes docs/tutorial-ms.md, docs/figures/ms/*.svg and docs/figures/ms/results.json, from which every number of the
page and every figure is made; with ``--page`` it makes the page and the figures of the results that are there.
"""
