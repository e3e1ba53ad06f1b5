"""G_W: the paper's layers counted by hand, scaling, batches, and the border between numpy and torch."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from drlim._base.checks import InvalidParameterError
from drlim._base.torch import Rows, pick_device, seeded
from drlim.encoders import ENCODERS, Standardize, Subsample, make_encoder
from drlim.encoders.embedding import embed_rows as embed

CPU = torch.device("cpu")

IMAGES = np.random.default_rng(0).random((10, 28, 28))


def rows(X: NDArray[np.generic], dtype: torch.dtype = torch.float64) -> Rows:
    return Rows(X, CPU, dtype)


def n_parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def shapes_by_layer(encoder: nn.Module, x: Tensor) -> list[tuple[str, tuple[int, ...]]]:
    """Name and output shape, without the batch, of each layer that ran."""
    met: list[tuple[str, tuple[int, ...]]] = []
    for module in encoder.modules():
        if not list(module.children()) or isinstance(module, Subsample):
            module.register_forward_hook(lambda m, _, y: met.append((type(m).__name__, tuple(y.shape[1:]))))
    encoder(x)
    return [layer for layer in met if layer[0] not in ("AvgPool2d", "Identity", "Unflatten", "Standardize", "Flatten")]


@pytest.mark.parametrize("shape", [(28, 28), (1, 28, 28), (3, 28, 28)])
@pytest.mark.parametrize("n_components", [2, 3])
def test_the_papers_convnet_has_its_layers(shape, n_components):
    """Figure 3 of the paper: 28 - 6 + 1 = 23; (23 - 3) / 2 + 1 = 11; 11 - 9 + 1 = 3."""
    encoder = make_encoder("convnet", shape, n_components)
    assert shapes_by_layer(encoder, torch.zeros(4, *shape)) == [
        ("Conv2d", (15, 23, 23)),
        ("Tanh", (15, 23, 23)),
        ("Subsample", (15, 11, 11)),
        ("Conv2d", (30, 3, 3)),
        ("Tanh", (30, 3, 3)),
        ("Linear", (n_components,)),
    ]
    channels = 1 if len(shape) == 2 else shape[0]
    c1 = 15 * (channels * 6 * 6) + 15
    s2 = 15 + 15
    c3 = 30 * (15 * 9 * 9) + 30
    f4 = n_components * (30 * 3 * 3) + n_components
    assert n_parameters(encoder) == c1 + s2 + c3 + f4
    if (channels, n_components) == (1, 2):
        assert c1 + s2 + c3 + f4 == 555 + 30 + 36480 + 542


def test_a_gray_image_with_or_without_its_channel_is_mapped_alike():
    with seeded(0):
        flat = make_encoder("convnet", (28, 28)).double()
    with seeded(0):
        deep = make_encoder("convnet", (1, 28, 28)).double()
    X = torch.from_numpy(IMAGES)
    assert torch.equal(flat(X), deep(X[:, None]))


@pytest.mark.parametrize("shape", [(24, 24), (25, 40), (1, 96, 96)])
def test_the_convnet_takes_images_from_24_pixels_a_side(shape):
    assert make_encoder("convnet", shape, 3)(torch.zeros(2, *shape)).shape == (2, 3)


def test_subsample_by_hand():
    """The average of 3 x 3 pixels at every second place, times a coefficient, plus a bias, for each map."""
    layer = Subsample(2).double()
    layer.coefficient.data[:] = torch.tensor([2.0, -1.0])[:, None, None]
    layer.bias.data[:] = torch.tensor([0.5, 10.0])[:, None, None]
    image = torch.arange(25, dtype=torch.float64).reshape(1, 1, 5, 5)
    means = torch.tensor([[6.0, 8.0], [16.0, 18.0]], dtype=torch.float64)  # the middle of each 3 x 3
    out = layer(torch.cat([image, image + 100], dim=1))
    torch.testing.assert_close(out, torch.stack([2 * means + 0.5, 10 - (means + 100)])[None])
    assert Subsample(4, kernel_size=2, stride=1)(torch.zeros(1, 4, 5, 5)).shape == (1, 4, 4, 4)


def test_subsample_starts_as_the_plain_average_and_learns_both():
    layer = Subsample(3)
    x = torch.rand(2, 3, 7, 7)
    assert torch.equal(layer(x), nn.functional.avg_pool2d(x, 3, 2))
    layer(x).sum().backward()
    assert layer.coefficient.grad.shape == layer.bias.grad.shape == (3, 1, 1)


def test_the_papers_two_layer_net_by_hand():
    encoder = make_encoder("two_layer", (96, 96), 3).double()
    x = torch.rand(2, 96, 96, dtype=torch.float64)
    assert shapes_by_layer(encoder, x) == [("Linear", (20,)), ("Tanh", (20,)), ("Linear", (3,))]
    assert n_parameters(encoder) == (20 * 96 * 96 + 20) + (3 * 20 + 3)
    first, second = (module for module in encoder.modules() if isinstance(module, nn.Linear))
    hidden = torch.tanh(x.reshape(2, -1) @ first.weight.T + first.bias)
    torch.testing.assert_close(encoder(x), hidden @ second.weight.T + second.bias)


def test_linear_is_affine():
    encoder = make_encoder("linear", (5,), 2).double()
    encoder[0].fit(np.random.default_rng(0).normal(size=(30, 5)) * 3 + 7)
    x, y = torch.rand(2, 4, 5, dtype=torch.float64)
    torch.testing.assert_close(encoder(0.3 * x + 0.7 * y), 0.3 * encoder(x) + 0.7 * encoder(y))
    assert n_parameters(encoder) == 2 * 5 + 2


def test_mlp_by_hand():
    encoder = make_encoder("mlp", (7,), 2)
    assert shapes_by_layer(encoder, torch.zeros(3, 7)) == [
        ("Linear", (128,)),
        ("ReLU", (128,)),
        ("Linear", (128,)),
        ("ReLU", (128,)),
        ("Linear", (2,)),
    ]
    assert n_parameters(encoder) == (128 * 7 + 128) + (128 * 128 + 128) + (2 * 128 + 2)


@pytest.mark.parametrize(
    ("shape", "chosen"),
    [
        ((784,), "mlp"),
        ((28, 28), "convnet"),
        ((24, 24), "convnet"),
        ((23, 28), "mlp"),
        ((28, 23), "mlp"),
        ((8, 8), "mlp"),
        ((3, 32, 32), "convnet"),
        ((3, 8, 8), "mlp"),
        ((40, 30, 30), "convnet"),
        ((2, 3, 30, 30), "mlp"),
    ],
)
def test_auto_takes_the_convnet_for_images_that_are_large_enough(shape, chosen):
    encoder = make_encoder("auto", shape)
    assert str(encoder) == str(make_encoder(chosen, shape))
    assert encoder(torch.zeros(2, *shape)).shape == (2, 2)


@pytest.mark.parametrize("name", sorted(ENCODERS))
def test_weights_come_from_torchs_generator_and_from_no_other(name):
    before = np.random.get_state()  # noqa: NPY002 - the global state is what must not move
    drawn = []
    for seed in (0, 0, 1):
        with seeded(seed):
            drawn.append(torch.nn.utils.parameters_to_vector(make_encoder(name, (28, 28)).parameters()))
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    after = np.random.get_state()  # noqa: NPY002
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


CHANNELS_LAST = (
    "Expected images with the channels first, X of shape (n, C, H, W). "
    "Got samples of shape {shape}, which look like (H, W, C): use X.transpose(0, 3, 1, 2)."
)
TOO_SMALL = (
    "The 'convnet' encoder takes images of at least 24 x 24 pixels, (n, H, W) or (n, C, H, W): its layers "
    "shrink smaller ones to nothing. Got samples of shape {shape}; try encoder='mlp'."
)


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("convnet", (28, 28, 1), CHANNELS_LAST),
        ("auto", (32, 32, 3), CHANNELS_LAST),
        ("auto", (8, 8, 4), CHANNELS_LAST),
        ("convnet", (23, 28), TOO_SMALL),
        ("convnet", (28, 23), TOO_SMALL),
        ("convnet", (1, 28, 8), TOO_SMALL),
        ("convnet", (784,), TOO_SMALL),
        ("convnet", (1, 1, 28, 28), TOO_SMALL),
    ],
)
def test_samples_that_the_convnet_cannot_take(name, shape, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message.format(shape=shape))}$"):
        make_encoder(name, shape)


def test_other_networks_take_channels_in_any_place():
    assert make_encoder("mlp", (32, 32, 3))(torch.zeros(2, 32, 32, 3)).shape == (2, 2)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"name": "cnn"},
            "The 'name' parameter of make_encoder must be a str among "
            "{'auto', 'convnet', 'linear', 'mlp', 'two_layer'}. Got 'cnn' instead. Did you mean 'convnet'?",
        ),
        (
            {"name": "mlp", "n_components": 0},
            "The 'n_components' parameter of make_encoder must be an int in the range [1, inf). Got 0 instead.",
        ),
    ],
)
def test_bad_parameters(parameters, message):
    with pytest.raises(InvalidParameterError, match=f"^{re.escape(message)}$"):
        make_encoder(input_shape=(5,), **parameters)


def test_standardize_does_nothing_until_it_is_fitted():
    x = torch.rand(4, 3)
    assert torch.equal(Standardize((3,))(x), x)


def test_standardize_a_table_by_hand():
    """Columns 0, 2 and 10, 10: means 1 and 10; deviations -1, 1, 0, 0, whose mean square is 1/2."""
    scaler = Standardize((2,)).double().fit(np.array([[0, 10], [2, 10]]))
    assert scaler.offset.tolist() == [1.0, 10.0]
    assert scaler.scale.item() == pytest.approx(np.sqrt(0.5), rel=1e-15)
    moved = scaler(torch.tensor([[0.0, 10.0], [2.0, 10.0]], dtype=torch.float64))
    torch.testing.assert_close(moved, torch.tensor([[-1.0, 0.0], [1.0, 0.0]], dtype=torch.float64) * np.sqrt(2))


@pytest.mark.parametrize("shape", [(4, 5), (3, 4, 5)])
def test_standardize_images_by_one_number(shape):
    X = np.random.default_rng(0).normal(size=(20, *shape)) * 3 + 7
    scaler = Standardize(shape).double().fit(X)
    assert scaler.offset.tolist() == [pytest.approx(X.mean(), rel=1e-14)]
    assert scaler.scale.item() == pytest.approx(X.std(), rel=1e-14)
    x = torch.from_numpy(X)
    torch.testing.assert_close(scaler(x.roll(2, dims=-1)), scaler(x).roll(2, dims=-1))  # a shift stays a shift


def test_standardize_keeps_proportions_and_gives_unit_size():
    X = np.random.default_rng(0).normal(size=(50, 3)) * [1, 10, 100] + [5, 6, 7]
    scaled = Standardize((3,)).double().fit(X)(torch.from_numpy(X)).numpy()
    assert np.abs(scaled.mean(axis=0)).max() < 1e-14
    assert np.mean(scaled**2) == pytest.approx(1.0)
    np.testing.assert_allclose(scaled.std(axis=0) / scaled.std(), X.std(axis=0) / (X - X.mean(axis=0)).std())


@pytest.mark.parametrize("shape", [(3,), (4, 5)])
@pytest.mark.parametrize("chunk_size", [1, 7, 50])
def test_chunks_do_not_show(shape, chunk_size):
    X = np.random.default_rng(0).normal(size=(50, *shape))
    whole, chunked = (Standardize(shape).double().fit(X, size) for size in (4096, chunk_size))
    torch.testing.assert_close(chunked.offset, whole.offset, rtol=1e-13, atol=1e-13)
    torch.testing.assert_close(chunked.scale, whole.scale, rtol=1e-13, atol=0)


@pytest.mark.parametrize("shape", [(3,), (4, 5)])
def test_standardize_is_accurate_far_from_zero(shape):
    """At 1e6 a float32 keeps one digit of deviations near 1, and a sum of squares less a squared mean none."""
    deviations = np.random.default_rng(0).normal(size=(5000, *shape))
    axes = 0 if len(shape) == 1 else None
    scaler = Standardize(shape).double().fit(1e6 + deviations)
    np.testing.assert_allclose(scaler.offset.numpy() - 1e6, np.atleast_1d(deviations.mean(axis=axes)), atol=1e-7)
    assert scaler.scale.item() == pytest.approx((deviations - deviations.mean(axis=axes)).std(), rel=1e-7)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e6 + 0.1, -1 / 3, 1e-40])
@pytest.mark.parametrize("shape", [(3,), (4, 5)])
def test_a_constant_input_has_no_scale(shape, value):
    """Its mean is off by a rounding, which must not become the unit."""
    X = np.full((777, *shape), value)
    scaler = Standardize(shape).fit(X)
    assert scaler.scale.item() == 1.0
    scaled = scaler(torch.from_numpy(X).float())
    assert torch.isfinite(scaled).all()
    assert scaled.abs().max() <= 0.1


def test_deviations_below_float32_are_no_scale():
    X = np.array([[0.0], [1e-50]])
    scaler = Standardize((1,)).fit(X)
    assert scaler.scale.item() == 1.0
    assert scaler(torch.from_numpy(X).float()).tolist() == [[0.0], [0.0]]


def test_small_deviations_are_still_a_scale():
    X = 1e-12 * np.random.default_rng(0).normal(size=(100, 3))
    assert Standardize((3,)).double().fit(X).scale.item() == pytest.approx(1e-12, rel=0.2)
    assert Standardize((3,)).double().fit(1e3 + 1e9 * X).scale.item() == pytest.approx(1e-3, rel=0.2)


def test_standardize_travels_with_the_encoder():
    encoder = make_encoder("linear", (3,))
    encoder[0].fit(np.array([[1.0, 2.0, 3.0], [3.0, 4.0, 9.0]]))
    other = make_encoder("linear", (3,))
    other.load_state_dict(encoder.state_dict())
    assert other[0].offset.tolist() == [2.0, 3.0, 6.0]
    assert other[0].scale == encoder[0].scale
    assert not list(encoder[0].parameters())


class Moody(nn.Module):
    """Behaves differently in training, and has a part that its owner keeps in another mode."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(3)
        self.drop = nn.Dropout(0.5)
        self.frozen = nn.BatchNorm1d(3).eval()

    def forward(self, x: Tensor) -> Tensor:
        assert not self.drop.training
        return self.frozen(self.drop(self.norm(x)))


def test_embed_uses_evaluation_mode_and_gives_every_mode_back():
    encoder = Moody().double()
    X = np.random.default_rng(0).normal(size=(9, 3)) + 4
    state = {name: value.clone() for name, value in encoder.state_dict().items()}
    Z = embed(encoder, rows(X))
    torch.testing.assert_close(Z, torch.from_numpy(X) / (1 + 1e-5), rtol=1e-12, atol=0)  # untrained statistics
    assert [module.training for module in encoder.modules()] == [True, True, True, False]
    assert all(torch.equal(value, state[name]) for name, value in encoder.state_dict().items())
    assert embed(encoder.eval(), rows(X)).shape == (9, 3)
    assert not any(module.training for module in encoder.modules())


def test_embed_gives_modes_back_after_a_failure():
    encoder = nn.Sequential(nn.Linear(4, 2), nn.Dropout())
    with pytest.raises(ValueError, match=r"The 'encoder' on float32 samples, .* fails: mat1 and mat2"):
        embed(encoder, rows(np.zeros((5, 3)), torch.float32))
    assert all(module.training for module in encoder.modules())


@pytest.mark.parametrize("batch_size", [1, 3, 10, 1000])
def test_embed_does_not_depend_on_batches(batch_size):
    with seeded(0):
        encoder = make_encoder("convnet", (28, 28)).double()
    whole = encoder(torch.from_numpy(IMAGES)).detach()
    Z = embed(encoder, rows(IMAGES), batch_size)
    torch.testing.assert_close(Z, whole, rtol=1e-12, atol=1e-12)
    assert not Z.requires_grad


def test_rows_take_by_index_and_by_slice():
    X = np.arange(12).reshape(4, 3)
    taken = rows(X, torch.float32)
    assert len(taken) == 4
    assert taken.take(np.array([3, 0])).tolist() == [[9.0, 10.0, 11.0], [0.0, 1.0, 2.0]]
    assert taken.take(slice(1, 3)).tolist() == [[3.0, 4.0, 5.0], [6.0, 7.0, 8.0]]
    assert taken.take(slice(3, 99)).dtype == torch.float32


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int64, np.float16, np.float32, np.float64, bool])
def test_rows_of_memory_maps_and_read_only_arrays(tmp_path, dtype):
    """Torch warns of arrays that it may not write to, and warnings are errors here."""
    X = (np.arange(24).reshape(4, 2, 3) % 2).astype(dtype)
    np.save(tmp_path / "X.npy", X)
    frozen = X.copy()
    frozen.flags.writeable = False
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    for given in (mapped, frozen, X[::-1][::-1], np.asfortranarray(X)):
        for index in (slice(1, 3), np.array([1, 2])):
            part = rows(given, torch.float32).take(index)
            assert part.tolist() == X[1:3].tolist()
            part += 1  # the copy is the taker's own
    assert np.array_equal(mapped, X)
    assert np.array_equal(frozen, X)


def test_rows_elsewhere_are_copied_there_once():
    """On "meta", a device that every build of torch has and that holds shapes only."""
    X = np.arange(12.0).reshape(4, 3)
    X.flags.writeable = False
    there = Rows(X, torch.device("meta"), torch.float32)
    for index in (slice(1, 3), np.array([3, 0])):
        part = there.take(index)
        assert (part.device.type, part.dtype, part.shape) == ("meta", torch.float32, (2, 3))
    there.device, there._there = CPU, torch.from_numpy(X.copy())
    assert there.take(np.array([3, 0])).tolist() == X[[3, 0]].tolist()
    assert there.take(slice(1, 3)).tolist() == X[1:3].tolist()


@pytest.mark.parametrize(("local", "count", "wanted"), [("1", 2, "cuda:1"), ("0", 2, "cuda"), ("3", 1, "cuda")])
def test_each_of_several_processes_has_the_gpu_that_its_launcher_names(monkeypatch, local, count, wanted):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    monkeypatch.setenv("LOCAL_RANK", local)
    assert pick_device("auto") == torch.device("cuda")  # LOCAL_RANK alone makes no group
    for name, value in {"RANK": "1", "WORLD_SIZE": "4", "MASTER_ADDR": "host", "MASTER_PORT": "1"}.items():
        monkeypatch.setenv(name, value)
    assert pick_device("auto") == torch.device(wanted)


def test_pick_device():
    assert pick_device("cpu") == CPU
    assert pick_device(CPU) == CPU
    assert pick_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("device", ["", "gpu", "cuda:99", "meta", "hpu", None, []])
def test_devices_that_cannot_be_used(device):
    message = (
        "The 'device' parameter of DrLIM must be 'auto' or a device that torch can use here, such as 'cpu' or "
        f"'cuda:0'. Got {device!r} instead."
    )
    with pytest.raises(InvalidParameterError, match=f"^{re.escape(message)}$"):
        pick_device(device)


def test_seeded_repeats_and_gives_the_generator_back():
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    with seeded(1):
        first = torch.rand(3)
    with seeded(1, CPU):
        assert torch.equal(torch.rand(3), first)
    with pytest.raises(KeyError), seeded(2):
        raise KeyError
    assert torch.equal(torch.rand(3), expected)


def test_seeded_on_the_cpu_leaves_gpus_alone(monkeypatch):
    def never(_: int) -> None:
        raise AssertionError("a GPU was seeded")

    monkeypatch.setattr(torch.cuda, "manual_seed_all", never)
    with seeded(1), seeded(2, CPU):
        pass
    with pytest.raises(AssertionError, match="a GPU was seeded"), seeded(1, torch.device("cuda")):
        pass


def test_the_convolutions_start_with_the_variance_lecun_asks_for():
    with seeded(0):
        layers = [layer for layer in make_encoder("convnet", (28, 28))[1] if isinstance(layer, nn.Conv2d)]
    for layer in layers:
        fan_in = layer.weight[0].numel()
        assert float(layer.weight.detach().var()) * fan_in == pytest.approx(1.0, rel=0.15)
