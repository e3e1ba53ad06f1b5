"""What the processes of a run must have in common, compared before the first step."""

from __future__ import annotations

from drlim._base.hashing import blocks_of, hashed, of_module
from drlim.training import fingerprint
from drlim.training.distributed import refuse_batch_statistics
from drlim.training.problem import Problem
from drlim.training.validation import HeldOut

__all__ = ["agree"]


def agree(problem: Problem, validation: HeldOut | None) -> None:
    """Refuse to train in processes that were given different things, or with an encoder that cannot be shared out."""
    if not problem.shares.is_shared:
        return
    refuse_batch_statistics(problem.encoder, problem.shares)
    anchor = problem.anchor
    problem.shares.group.agree(
        {
            **fingerprint.versions(),
            "samples": fingerprint.of_samples(problem.rows.source),
            "relations": fingerprint.of_graph(problem.graph),
            "springs": fingerprint.of_springs(problem.springs),
            "settings": str(problem.settings),
            "seed": str(problem.seed),
            "the weights of the encoder": of_module(problem.encoder),
            "anchors": "none" if anchor is None else hashed(blocks_of(anchor.positions.cpu().numpy())),
            "samples held out": "none" if validation is None else hashed(blocks_of(validation.samples)),
        }
    )
