"""The tutorials in docs/: what each computes, draws and says.

``python -m leukinetics.commands.tutorial FOLDER`` (``make docs-figures``) runs everything for the repository in this
folder and writes, for each tutorial such as "ms", docs/tutorial-ms.md, docs/figures/ms/*.svg and
docs/figures/ms/results.json, from which every number of the page and every figure is made. ``--which mdd`` does so for
one; ``--page`` makes the page and the figures of the results that are there; ``--only PART`` computes a part anew.

A tutorial is a package here with a :class:`leukinetics.commands.tutorial.tutorial.Tutorial`: parts that compute its
results, figures drawn from them, and a page, a template in which every number is one of them.
"""
