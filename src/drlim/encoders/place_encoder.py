"""The whole map from samples to positions: the places of a network, the positions of retrieval, and their mode."""

from __future__ import annotations

from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from drlim.encoders.embedding import BATCH_SIZE
from drlim.encoders.modern import PlaceLogits
from drlim.encoders.places import Candidates, PlacesHead
from drlim.encoders.retrieval import Retrieval

__all__ = ["PlaceEncoder", "Source", "directions"]


class Source(NamedTuple):
    """Retrieval by one kind of features.

    Attributes
    ----------
    share : float
        Of the probabilities, in [0, 1].
    retrieval : Retrieval
    reduction : torch.nn.Module
        Maps samples (b, ...), or the `directions` of their features (b, p), to what the retrieval searches, such as
        `drlim.encoders.retrieval.Components`.
    of_features : bool, default=False
        Whether the reduction is of the network's own features.
    """

    share: float
    retrieval: Retrieval
    reduction: nn.Module
    of_features: bool = False


def directions(features: Tensor) -> Tensor:
    """Return h / |h|, (b, p), so that near means a small angle."""
    return nn.functional.normalize(features, dim=1)


class PlaceEncoder(nn.Module):
    """Map samples to positions, with one pass of the network.

    ::

        the 16 most probable places, with (1 - sum of shares) softmax(logits)
        the positions of each retrieval, with its share of their probabilities
        position = mode of all these (`PlacesHead`)

    Parameters
    ----------
    network : PlaceLogits
    head : PlacesHead
    sources : sequence of Source, default=()
        Retrievals R; their shares add up to at most 1.

    Examples
    --------
    >>> import torch
    >>> from drlim.encoders.places import Places
    >>> places = Places(torch.eye(3)[:, :2].numpy(), spacing=1.0)
    >>> encoder = PlaceEncoder(PlaceLogits(nn.Identity(), 4, 3), PlacesHead(places))
    >>> encoder(torch.zeros(5, 4)).shape, encoder.confidence(torch.zeros(5, 4)).shape
    (torch.Size([5, 2]), torch.Size([5]))
    """

    def __init__(self, network: PlaceLogits, head: PlacesHead, sources: tuple[Source, ...] | list[Source] = ()) -> None:
        super().__init__()
        self.network = network
        self.head = head
        self.shares = [source.share for source in sources]
        self.retrievals = nn.ModuleList(source.retrieval for source in sources)
        self.reductions = nn.ModuleList(source.reduction for source in sources)
        self.of_features = [source.of_features for source in sources]

    @property
    def batch_size(self) -> int:
        """Number of samples that are best mapped at once."""
        return min((cast(Retrieval, retrieval).batch_size for retrieval in self.retrievals), default=BATCH_SIZE)

    def candidates(self, x: Tensor) -> Candidates:
        """Return where samples (b, ...) may lie."""
        features = self.network.features(x)  # (b, p)
        by_network = self.head.candidates(self.network.linear(features).softmax(dim=1))
        positions, mass = [by_network.positions], [(1 - sum(self.shares)) * by_network.mass]
        kinds = zip(self.shares, self.retrievals, self.reductions, self.of_features, strict=True)
        for share, retrieval, reduction, of_features in kinds:
            found = retrieval(reduction(directions(features) if of_features else x))
            positions.append(found.positions)
            mass.append(share * found.mass)
        return Candidates(torch.cat(positions, dim=1), torch.cat(mass, dim=1))  # (b, m, d), (b, m)

    def forward(self, x: Tensor) -> Tensor:
        """Map samples (b, ...) to positions (b, d)."""
        return self.head.locate(self.candidates(x))[0]

    def confidence(self, x: Tensor) -> Tensor:
        """Return the share of the probabilities that lies about the position, in (0, 1], shape (b,)."""
        return self.head.locate(self.candidates(x))[1]
