"""Names that columns of such tables usually have: analytes, matrices, controls, covariates, outcomes."""

from __future__ import annotations

import functools
import re

from leukinetics.cohort.table.cells import folded, plain
from leukinetics.cohort.table.dictionary import Matrix

#: Words of a header's name, in any order, that say what was measured in what.
MATRICES: dict[str, Matrix] = {
    "csf": "csf", "liquor": "csf", "lcr": "csf", "cerebrospinal": "csf", "serum": "serum", "ser": "serum",
    "sera": "serum", "plasma": "plasma", "edta": "plasma",
}  # fmt: skip
_CONTROLS = re.compile(
    r"(?:healthy|normal|non[- ]?inflammatory|inflammatory)?[ _-]*(?:controls?|ctrls?|kontrollen?)(?: .*)?"
    r"|hc|nc|hcs|hv|ond|nind|oind|healthy.*|gesunde?|normals?|placebo|controls?\b.*|ctl|nd controls?"
)
ID = re.compile(
    r"(?:patient|pat|subject|subj|person|participant|sample|case|proband|study|record|usubj|pt|individual|donor)?[ "
    r"_.-]*"
    r"(?:id|no|nr|number|code|nummer|identifier|#)|patient|subject|person|participant|proband|usubjid|pseudonym|subjid|individual"
)
VISIT = re.compile(
    r"visit|visite|timepoint|time point|time_point|visit[ _]?(?:name|no|nr|number)|redcap_event_name|besuch"
)
TIME = re.compile(
    r"(?:sampl(?:e|ing)|visit|collection|draw|lp|study)?[ _]*(?:day|days|date|datum|week|weeks|month|months|time)"
    r"|date of (?:sample|sampling|lp|collection)|datum.*entnahme|entnahmedatum"
)
GROUP = re.compile(
    r"group|groups|gruppe|arm|diagnosis|diagnose|dx|cohort|phenotype|disease|condition|class|case[ "
    r"_/]?control|status group"
    r"|diagnostic group|study group|patient group|disease group|treatment group|disease course|course|category|subtype"
)
GROUP_FIRST = re.compile(r"group|groups|gruppe|study group|patient group|diagnostic group|disease group")
LIMIT = re.compile(r"(?:lod|lloq|llod|loq|mdl|detection limit|limit of detection|limit|nachweisgrenze)")
_ANALYTE = re.compile(
    r"(?:hs|s|p)?(?:il\d{1,2}(?:a|b|ra|p40|p70|r|rn|alpha|beta|f)?|interleukin.*|ifn.*|tnf.*|ccl\d+|cxcl\d+|mcp\d|mip\d.*|gmcsf|gcsf"
    r"|vegf.*|tgf.*|crp|nfl|gfap|saa|bdnf|osm|lif|cx3cl1|eotaxin|rantes|ip10|tau|ptau.*|abeta.*|aβ.*|ngal|ykl40|chi3l1|strem\d"
    r"|opn|osteopontin|neopterin|procalcitonin|pct|ferritin|cortisol|calprotectin|gdf15|hepcidin|albumin|nfh|pnfh|sil6r|sil2r"
    r"|gp130|sgp130|kynurenine|tryptophan|quinolinic.*|kynurenic.*)"
)
#: Covariates: pattern of the header, name, kind, unit.
COVARIATES: tuple[tuple[re.Pattern[str], str, str, str | None], ...] = (
    (re.compile(r"age|alter|age at .*|age_at_.*"), "age", "continuous", "year"),
    (re.compile(r"sex|gender|geschlecht|female|male|women"), "sex", "binary", None),
    (re.compile(r"bmi|body mass index"), "bmi", "continuous", "kg/m^2"),
    (re.compile(r"weight|body weight|gewicht"), "weight", "continuous", "kg"),
    (re.compile(r"height|größe"), "height", "continuous", "cm"),
    (re.compile(r"disease[ _]?duration|duration|duration of disease"), "disease_duration", "continuous", "year"),
    (re.compile(r"smok(?:ing|er)|smoking status|current smoker"), "smoking", "category", None),
    (re.compile(r"treatment|therapy|medication|dmt|steroids?"), "treatment", "category", None),
    (re.compile(r"ethnicity|race|site|centre|center"), "", "category", None),
    (re.compile(r"egfr|creatinine clearance|clcr"), "", "continuous", None),
    (re.compile(r"qalb|albumin[ _]quotient|albumin[ _]ratio|cell[ _]?count|leukocytes|wbc"), "", "continuous", None),
)
#: Outcomes that are told by their names.
BINARY = re.compile(
    r"active|activity|active "
    r"disease|relapse|progressed|progression|response|responder|remission|died|death|dead|event|mortality"
    r"|converted|conversion|gd|gd positive|gad|enhancing lesions?"
)
COUNT = re.compile(
    r"(?:n|number|no|nr|count)[ _]?(?:of)?[ "
    r"_]?(?:relapses|attacks|events|exacerbations|lesions)|relapses|attacks|exacerbations|new[ _](?:t2[ _])?lesions"
)
EXPOSURE = re.compile(r"follow[- _]?up(?:[ _].*)?|fu[ _].*|exposure|observation time|years observed|.*\.exposure")
DURATION = re.compile(
    r"(?:time|days|months|years|weeks)[ _]to[ _](?P<what>.+)|os|pfs|survival(?: time)?|overall survival|ttp"
)
EVENT = re.compile(r"event|status|censor.*|died|death|dead|.*[ _](?:event|status)|event[ _].*|.*\.event")
#: Columns that tell events of anything, and such that tell who was censored.
ANY_EVENT = re.compile(r"event|status|event[ _]status|censor.*")
CENSORED = re.compile(r"(?:.*[ _])?cens(?:or.*)?")
CONTINUOUS = re.compile(r"edss.*|hamd.*|ham-d.*|madrs.*|phq.*|delta.*|change.*|mmse.*|moca.*|updrs.*|sdmt.*|msss|armss")


#: What stands beside the name of a matrix.
_BESIDE = frozenset({"in", "level", "levels", "fluid", "fluids"})


def is_control(label: str) -> bool:
    """Whether a group's name says that it is the control."""
    return bool(_CONTROLS.fullmatch(folded(label)))


def words(name: str) -> list[str]:
    """The words of a header: "IL-6_CSF" -> ["il-6", "csf"]."""
    return [w for w in re.split(r"[\s_.,;:()\[\]/]+", folded(name)) if w]


def matrix_of(name: str) -> tuple[Matrix | None, str]:
    """("csf", "IL-6") of "IL-6 CSF" or "CSF_IL-6"; (None, name) where no matrix is named."""
    parts = [p for p in re.split(r"[\s_.,;:()\[\]/]+", plain(name)) if p]
    found = [MATRICES[p.casefold()] for p in parts if p.casefold() in MATRICES]
    rest = " ".join(p for p in parts if p.casefold() not in MATRICES and p.casefold() not in _BESIDE)
    return (found[0], rest) if found and rest else (None, plain(name))


def bare(name: str) -> str:
    """An analyte's name without what differs between laboratories: "IL-1β" -> "il1b", "TNF-alpha" -> "tnfa"."""
    text = plain(name).casefold().replace("interleukin", "il").replace("α", "a").replace("β", "b").replace("γ", "g")
    text = re.sub(r"[\s_.,;:()\[\]/'-]+", "", text)
    return text.replace("alpha", "a").replace("beta", "b").replace("gamma", "g")


def is_analyte(name: str) -> bool:
    """Whether a name, without unit and matrix, is that of a cytokine or another usual biomarker."""
    text = bare(name)
    return bool(_ANALYTE.fullmatch(text)) or text in _readouts()


def observable_of(name: str, matrix: Matrix | None) -> str | None:
    """The model's readout of an analyte: "IL-6" in CSF -> "il6_csf"; None where it has none."""
    known = _readouts()
    text = bare(name).removeprefix("hs")
    text = {"tnfa": "tnf", "ifnga": "ifng", "snfl": "nfl", "neurofilamentlight": "nfl"}.get(text, text)
    if matrix == "csf":
        return known.get(f"{text}csf")
    return known.get(text) if matrix in (None, "serum", "plasma") else None


@functools.cache
def _readouts() -> dict[str, str]:
    """The readouts that have an assay, without underscores."""
    from leukinetics.assays import assays

    return {name.replace("_", ""): name for name in assays()}
