"""Results of commands as lines for a person to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NotRequired, TypedDict

from drlim._base.certificates import certificate_lines
from drlim.cli.output import LONGEST_LINE

if TYPE_CHECKING:
    from drlim.deploy.onnx_file import Description, TensorRecord
    from drlim.paper.report import Report
    from drlim.persistence import Summary

__all__ = [
    "CUT_SHORT",
    "FitResult",
    "description_lines",
    "fit_lines",
    "report_lines",
    "summary_lines",
]


CUT_SHORT = ("interrupted", "diverged")
"""Ends of a training whose map is only partly trained."""


class FitResult(TypedDict):
    """What `drlim fit` prints: files, numbers of samples, values, dimensions and pairs, and how the training went.

    A fit by drlim ends with an energy, one by neighbors with a cross-entropy.
    """

    model: str
    method: str
    embedding: str | None
    n_samples: int
    n_features: int
    n_components: int
    similar_pairs: int
    dissimilar_pairs: int
    epochs: int
    stopped: str
    seconds: float
    data: str | None
    invariance: NotRequired[dict[str, object]]
    energy: NotRequired[float | None]
    cross_entropy: NotRequired[float | None]


def fit_lines(result: FitResult) -> list[str]:
    """Describe a model that was trained and saved."""
    sizes = f"{result['n_samples']} samples of {result['n_features']} values"
    lines = [
        *([] if result["data"] is None else [f"data: {result['data']}"]),
        f"{sizes} on a map of {result['n_components']} dimensions",
        f"{result['similar_pairs']} similar pairs, {result['dissimilar_pairs']} dissimilar",
        f"{result['seconds']:.1f} s by {result['method']}, {result['epochs']} epochs, ended: {result['stopped']}",
        _objective(result),
        f"saved to {result['model']}",
    ]
    if result["stopped"] in CUT_SHORT:
        lines[-1] = f"partly trained model {lines[-1]}"
    return lines if result["embedding"] is None else [*lines, f"map written to {result['embedding']}"]


def _objective(result: FitResult) -> str:
    if "energy" in result:
        return f"energy {_short(result['energy'])}"
    return f"cross-entropy {_short(result.get('cross_entropy'))}"


def report_lines(report: Report) -> list[str]:
    """Return the numbers of an experiment as a table, and how many of those wanted are reached."""
    judged = [row.reached for row in report.rows if row.reached is not None]
    short = judged.count(False)
    verdict = f"{len(judged) - short} of {len(judged)} numbers reached"
    verdict += f"; {short} {'falls' if short == 1 else 'fall'} short." if short else "."
    end = f"{report.seconds:.0f} s; pictures, report and model are in {report.folder}"
    return [*_table_lines(report), "", verdict, end]


def _table_lines(report: Report) -> list[str]:
    """Return one line for each number, under a line of titles and a rule."""
    marks = {True: "yes", False: "NO", None: ""}
    table = [("number", "measured", "wanted", "reached")]
    table += [(row.number, f"{row.measured:.4f}", row.wanted, marks[row.reached]) for row in report.rows]
    widths = [max(len(line[place]) for line in table) for place in range(4)]
    lines = ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in table]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return lines


def summary_lines(summary: Summary) -> list[str]:
    """Describe a model file, one property on a line."""
    samples, training, names = summary["samples"], summary["training"], summary["samples"]["feature_names"]
    properties = {
        "format": f"{summary['format_version']}, written by drlim {summary['drlim_version']}, {summary['bytes']} bytes",
        "sha256": summary["sha256"],
        "estimator": summary["estimator"],
        **({"before it": " ".join(summary["before"])} if "before" in summary else {}),
        "needs": ", ".join(summary["needs"]) or "nothing",
        "encoder": _encoder_text(summary),
        **({"space": summary["space"]} if "space" in summary else {}),
        "samples": f"{samples['n_samples']} of {samples['n_features']} values",
        "novelty": f"by {samples['n_kept']} samples kept" if samples["n_kept"] else "not known: no sample is kept",
        "features": "not named" if names is None else ", ".join(names),
        "pairs": _pairs_text(samples["pairs"], samples["by_labels"]),
        "training": f"{training['epochs']} epochs, ended: {training['stopped']}",
        **_places_and_objective(summary),
        "parameters": ", ".join(f"{name}={value!r}" for name, value in summary["parameters"].items()),
    }
    lines = [f"  {name:<12}{_cut(text)}" for name, text in properties.items()]
    if "certificate" not in summary:
        return lines
    return [*lines, "  certificate", *(f"    {_cut(line)}" for line in certificate_lines(summary["certificate"]))]


def description_lines(description: Description) -> list[str]:
    """Describe an ONNX file, one property on a line."""
    verified, relations, names = description["verified"], description["relations"], description["feature_names"]
    kind = " -> ".join([*description["steps"], description["estimator"]])
    properties = {
        "format": f"ONNX, described in format {description['onnx_format']} by drlim {description['drlim_version']}",
        "sha256": description["sha256"],
        "estimator": kind,
        "inputs": _tensors_text(description["inputs"]),
        "outputs": _tensors_text(description["outputs"]),
        "features": "not named" if names is None else ", ".join(names),
        "relations": f"of {relations['n_samples']} samples, sha256 {relations['digest']}",
        "verified": f"on {verified['n_rows']} samples, largest difference {verified['largest_difference']:.1e}, "
        f"{verified['n_tied']} on a tie",
        "parameters": ", ".join(f"{name}={value!r}" for name, value in description["parameters"].items()),
    }
    return [f"  {name:<12}{_cut(text)}" for name, text in properties.items()]


def _tensors_text(tensors: Mapping[str, TensorRecord]) -> str:
    shapes = {name: " x ".join(map(str, tensor["shape"])) for name, tensor in tensors.items()}
    return ", ".join(f"{name}: {shapes[name]} {tensor['dtype']}" for name, tensor in tensors.items())


def _places_and_objective(summary: Summary) -> dict[str, str]:
    """Return what the two estimators have in two ways: numbers of places, and what the training lowered."""
    training = summary["training"]
    if "places" not in summary:
        return {"energy": f"{_short(training.get('energy_first'))} -> {_short(training.get('energy_last'))}"}
    first, last = training.get("cross_entropy_first"), training.get("cross_entropy_last")
    places = summary["places"]
    shares = " and ".join(f"{share:.2f}" for share in places["shares"])
    retrieved = f"shares of retrieval {shares}, from {places['n_stored']} samples" if shares else "no retrieval"
    return {
        "places": f"{places['n_places']}, {retrieved}",
        "objective": f"cross-entropy {_short(first)} -> {_short(last)}",
    }


def _encoder_text(summary: Summary) -> str:
    architecture = summary["architecture"]
    encoder = architecture["encoder"] or f"your own, a {architecture['class']}"
    shape = " x ".join(str(side) for side in architecture["input_shape"])
    return f"{encoder}: {shape} -> {architecture['n_components']}, {architecture['n_weights']} weights"


def _pairs_text(counts: Mapping[str, int | None], by_labels: Sequence[str]) -> str:
    unlisted = {"similar": "none", "dissimilar": "all the rest", "ignored": "none"}
    texts = {kind: unlisted[kind] if count is None else str(count) for kind, count in counts.items()}
    for kind in by_labels:
        texts[kind] = f"{texts[kind]} listed and those of labels"
    return ", ".join(f"{kind} {text}" for kind, text in texts.items())


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_LINE else f"{text[:LONGEST_LINE]}..."


def _short(energy: float | None) -> str:
    return "none" if energy is None else f"{energy:.5g}"
