"""The certificate of a map on its page, and whether it is about the samples that are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from drlim.metrics import Certificate

__all__ = ["certificate_on_page"]

_Covers = Literal["these", "others", "unknown"]


def certificate_on_page(model: object, X: object) -> dict[str, object] | None:
    """Return what the header of a page says of the certificate of a model; None without one.

    Parameters
    ----------
    model : DrLIM, NeighborMap or Pipeline
        `drlim.load` gives it the certificate of its file as ``certificate_``.
    X : object
        Samples on the page, as they were given; None for those that the model was trained on, without values.

    Returns
    -------
    dict or None
        ``record``, what `drlim.metrics.Certificate.to_dict` returns; ``covers``, whether the certificate was measured
        on "these" samples or on "others", "unknown" without values; ``of_this_encoder``, whether the encoder is still
        the one that was certified.
    """
    given: Certificate | None = getattr(model, "certificate_", None)
    if given is None:
        return None
    from drlim.metrics.digests import digest_of_data, digest_of_weights

    covers: _Covers = "unknown"
    if X is not None:
        covers = "these" if digest_of_data(X) == given.data_sha256 else "others"
    return {
        "record": given.to_dict(),
        "covers": covers,
        "of_this_encoder": digest_of_weights(model) == given.weights_sha256,
    }
