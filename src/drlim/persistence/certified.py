"""The certificate of a model in its file: written if it is of this model, and read back with the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from drlim.persistence.schema import CERTIFIED_FORMAT, Metadata

if TYPE_CHECKING:
    from drlim.metrics import Certificate

__all__ = ["add_certificate", "with_certificate"]

_Model = TypeVar("_Model")


def add_certificate(model: object, metadata: Metadata, given: Certificate | None) -> None:
    """Put a certificate into metadata of any other format; without one, that of a model that was loaded with it.

    Parameters
    ----------
    model : DrLIM, NeighborMap or Pipeline
    metadata : Metadata
        All else of the model. It is changed.
    given : Certificate or None
        None takes ``model.certificate_``, if the encoder is still the one that was certified.

    Raises
    ------
    ValueError, TypeError
        When ``given`` is no certificate, or one of another encoder.
    """
    from drlim._base.checks import short_repr
    from drlim.metrics import Certificate
    from drlim.metrics.digests import digest_of_weights

    if given is not None and not isinstance(given, Certificate):
        raise TypeError(
            "The 'certificate' parameter of save must be what drlim.certificate returns, or None. "
            f"Got {short_repr(given)} instead."
        )
    kept = getattr(model, "certificate_", None) if given is None else given
    if kept is None:
        return
    if kept.weights_sha256 != digest_of_weights(model):
        if given is None:
            return  # the model was trained after it was loaded
        raise ValueError(
            "Expected 'certificate' to be of the model that is saved. Got one of another encoder, or of this one "
            "before it was trained further: make it anew, drlim.certificate(model, X, ...)."
        )
    metadata["certificate"] = kept.to_dict()
    metadata["certified_format"], metadata["format_version"] = metadata["format_version"], CERTIFIED_FORMAT


def with_certificate(model: _Model, metadata: Metadata) -> _Model:
    """Return a model with the certificate of its file as ``certificate_``, if it has one."""
    if "certificate" in metadata:
        from drlim.metrics import Certificate

        model.certificate_ = Certificate.from_dict({**metadata["certificate"]})  # type: ignore[attr-defined]
    return model
