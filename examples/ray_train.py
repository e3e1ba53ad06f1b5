"""Fit one map in several workers of Ray Train, on one machine or on a cluster.

    pip install "drlim[ray]"
    python examples/ray_train.py --workers 2 --model digits.safetensors

Each worker runs `train_map`. Ray makes the group of processes and `fit` finds it: nothing else says that there are
several. All workers end with the same map, and the first one saves it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import ray
from ray import train
from ray.train import RunConfig, ScalingConfig
from ray.train.torch import TorchTrainer

import drlim


def train_map(config: dict[str, object]) -> None:
    """Fit a map of digits in one worker; all workers are given the same data, seed and parameters."""
    data = drlim.datasets.digits()
    model = drlim.DrLIM(batch_size=150, max_epochs=int(str(config["epochs"])), random_state=0, verbose=False)
    model.fit(data.X_train)
    if train.get_context().get_world_rank() == 0:
        drlim.save(model, str(config["model"]))


def main() -> None:
    """Start the workers, and print what is in the file that the first of them saved."""
    parser = argparse.ArgumentParser(description="Fit one map in several workers of Ray Train.")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--gpu", action="store_true", help="one GPU for each worker")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--model", default="digits.safetensors", help="on a cluster, a path that all machines see")
    given = parser.parse_args()
    ray.init(ignore_reinit_error=True, log_to_driver=False)
    with tempfile.TemporaryDirectory() as folder:
        trainer = TorchTrainer(
            train_map,
            train_loop_config={"epochs": given.epochs, "model": str(Path(given.model).resolve())},
            scaling_config=ScalingConfig(num_workers=given.workers, use_gpu=given.gpu),
            run_config=RunConfig(storage_path=folder, name="drlim"),
        )
        trainer.fit()
    model = drlim.load(given.model)
    energy = model.history_[-1]["energy"]
    sys.stdout.write(f"{given.workers} workers, {model.n_iter_} epochs, energy {energy:.5f}: {given.model}\n")


if __name__ == "__main__":
    main()
