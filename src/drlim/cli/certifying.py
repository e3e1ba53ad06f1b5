"""The commands `drlim certify` and `drlim check`: how well a map ignores what it should, in its file and repeated."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drlim.cli.options import ArrayName, Data, ImageSize, Json, changes_named, check_inputs, image_size, names_of
from drlim.cli.output import UsageError, answer, is_usage, sentence

if TYPE_CHECKING:
    from drlim._base.arrays import Array
    from drlim.cli.models import SavedModel
    from drlim.metrics import Certificate
    from drlim.metrics.declared import Declared

__all__ = ["CannotCheckError", "certify", "check"]

_Model = Annotated[Path, typer.Argument(metavar="MODEL", help="A model file.")]
_Groups = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN",
        help="Which samples are copies of one thing: a column of DATA (in an .npz, an array), or a file of labels.",
        show_default=False,
    ),
]


class CannotCheckError(ValueError):
    """A certificate that cannot be repeated: the model or the samples cannot be read, or it needs code."""

    exit_code = 3


def certify(
    model: _Model,
    data: Data,
    ignore: Annotated[
        str | None,
        typer.Option(
            metavar="CHANGES",
            help="Changes of images to ignore, some of shift=2,rotate=15,flip,color=0.2,brightness=0.2.",
            show_default=False,
        ),
    ] = None,
    groups: _Groups = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMNS", help="Columns of DATA that the map is to ignore: sensor,batch."),
    ] = None,
    size: ImageSize = None,
    array: ArrayName = None,
    seed: Annotated[int, typer.Option(help="Seed of what is drawn.")] = 0,
    as_json: Json = False,
) -> None:
    """Measure how well a saved map ignores what it should, on samples held out, and keep that in its file.

    Give --ignore for changes of images, --columns for properties of the samples that stand in DATA, --groups for
    samples that show one thing; --columns and --groups go together. `drlim info` shows the certificate, and `drlim
    check` repeats it on other samples.
    """
    nuisances = names_of(columns)
    if not (ignore or groups or nuisances):
        raise UsageError("Say what the map is to ignore: --ignore, --columns or --groups.")
    if ignore and (groups or nuisances):
        raise UsageError(
            "--ignore is for changes that are made of each image; --columns and --groups for DATA with them."
        )
    check_inputs(model, data)
    from drlim import save
    from drlim.cli.models import open_model
    from drlim.cli.targets import check_output
    from drlim.metrics.declared import declared

    pixels = image_size(size)
    check_output(model, [model.suffix])
    saved = open_model(model)
    orbits, of = _said(data, ignore, nuisances, groups)
    X = saved.read(data, array=array, size=pixels, leave_out=[*nuisances, *_column(groups)])
    found = _measured(saved, X, declared(saved.whole, orbits, of, seed, groups), {"random_state": seed})
    save(saved.whole, model, certificate=found)
    answer(
        as_json, {"model": str(model), "certificate": found.to_dict()}, [*str(found).split("\n"), f"kept in {model}"]
    )


def check(
    model: _Model,
    data: Data,
    groups: _Groups = None,
    size: ImageSize = None,
    array: ArrayName = None,
    as_json: Json = False,
) -> int:
    """Repeat the certificate of a saved map on other samples.

    The exit code is 0 where it holds; 1 where the map ignores less than is certified, or has collapsed; 2 where the
    command is not understood; and 3 where the model or the samples cannot be read, or there is no certificate that can
    be repeated.
    """
    try:
        certified, measured = _repeated(model, data, groups, image_size(size), array)
        failures = certified.failures(measured)
    except (ValueError, TypeError, OSError, ImportError, MemoryError) as error:
        if is_usage(error):
            raise
        raise CannotCheckError(sentence(error)) from error
    same = measured.data_sha256 == certified.data_sha256
    lines = str(measured).split("\n")
    lines += [f"no longer holds: {failure}" for failure in failures] or [
        f"holds, as certified on {'these' if same else certified.n_samples} samples"
    ]
    result: dict[str, object] = {"model": str(model), "holds": not failures, "failures": list(failures)}
    answer(as_json, {**result, "certified": certified.to_dict(), "measured": measured.to_dict()}, lines)
    return 1 if failures else 0


def _repeated(
    model: Path, data: Path, groups: str | None, pixels: tuple[int, int] | None, array: str | None
) -> tuple[Certificate, Certificate]:
    """Return the certificate of a model, and one of the same on DATA."""
    check_inputs(model, data)
    from drlim.cli.models import open_model
    from drlim.metrics.declared import declared

    saved = open_model(model)
    certified = _repeatable(model, getattr(saved.whole, "certificate_", None))
    groups = _groups_of(certified, groups)
    nuisances = [row["name"] for row in certified.rows] if certified.kind == "columns" else []
    ignore = certified.declared if certified.kind == "changes" else None
    orbits, of = _said(data, ignore, nuisances, groups)
    X = saved.read(data, array=array, size=pixels, leave_out=[*nuisances, *_column(groups)])
    seed = certified.settings.get("random_state", 0)
    return certified, _measured(saved, X, declared(saved.whole, orbits, of, seed, groups), certified.settings)


def _repeatable(model: Path, certified: Certificate | None) -> Certificate:
    """Return a certificate that can be repeated without code, or refuse it."""
    if certified is None:
        raise ValueError(f"{model} has no certificate. Make one on samples held out: drlim certify --help.")
    if certified.kind == "functions":
        raise ValueError(
            f"{model} was certified to ignore functions of your own ({certified.declared[:100]}), and no code is in a "
            "file. Repeat it in Python: model.certificate_.failures(drlim.certificate(model, X, functions))."
        )
    return certified


def _groups_of(certified: Certificate, given: str | None) -> str | None:
    """Return the column of the groups, where the certificate has groups."""
    if certified.kind == "changes":
        if given is not None:
            raise UsageError(f"--groups is for samples that show one thing. Certified is {certified.declared}.")
        return None
    if given is None and certified.groups is None and any(row["ratio"] is not None for row in certified.rows):
        raise UsageError("Name the column of DATA that says which samples are copies: --groups COLUMN.")
    return certified.groups if given is None else given


def _said(data: Path, ignore: str | None, nuisances: list[str], groups: str | None) -> tuple[object, Array | None]:
    """Return what the map is to ignore, and which samples are copies, as `drlim.certificate` takes them."""
    from drlim.cli.files import read_labels

    if ignore:
        return changes_named(ignore), None
    of = None if groups is None else read_labels(groups, data)
    if not nuisances:
        return of, None
    return {name: read_labels(name, data) for name in nuisances}, of


def _column(groups: str | None) -> list[str]:
    """Return a column of DATA that is no feature; a file is none."""
    return [] if groups is None or Path(groups).is_file() else [groups]


def _measured(saved: SavedModel, X: object, of: Declared, settings: Mapping[str, int]) -> Certificate:
    from drlim.metrics.certifying import SETTINGS, certificate_of, check_settings

    numbers = {**SETTINGS, **settings}
    check_settings(numbers)
    return certificate_of(saved.whole, X, of, numbers)
