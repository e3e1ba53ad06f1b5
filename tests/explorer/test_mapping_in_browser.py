"""New samples in a real Chromium: mapped in the page as `transform` maps them."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

from drlim import DrLIM, NeighborMap, Table, explore
from drlim.datasets import image_folder

pytestmark = pytest.mark.browser

LARGEST = 1e-4
"""Largest difference of a place in the page from `transform`, in units of the map."""


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return {"name": "new.npy", "mimeType": "application/octet-stream", "buffer": file.getvalue()}


def text(content, name="new.csv"):
    return {"name": name, "mimeType": "text/csv", "buffer": content.encode()}


def png(pixels, name="new.png"):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return {"name": name, "mimeType": "image/png", "buffer": file.getvalue()}


def wait_for(tab, condition):
    """Wait for a condition; the page's policy forbids the way in which Playwright's own function asks repeatedly."""
    for _ in range(300):
        if tab.evaluate(condition):
            return
        tab.wait_for_timeout(20)
    pytest.fail(f"{condition} stays false; the page says: {tab.locator('.status').inner_text()}")


def mapped(tab, *files):
    """Give the page files; return the places of all new samples."""
    before = tab.evaluate("window.drlim.explorer.newSamples.length")
    tab.locator("#newcomers").set_input_files(list(files))
    wait_for(tab, f"window.drlim.explorer.newSamples.length > {before}")
    return np.array(tab.evaluate("window.drlim.explorer.newSamples.map((sample) => sample.found)"))


def refused(tab, *files):
    tab.locator("#newcomers").set_input_files(list(files))
    wait_for(tab, "document.querySelector('.status').textContent.includes(':')")
    said = tab.locator(".status").inner_text()
    tab.evaluate("document.querySelector('.status').textContent = ''")
    return said


def images(n=40, shape=(28, 28)):
    rng = np.random.default_rng(1)
    return rng.uniform(size=(n, *shape)).astype(np.float32)


def wild():
    X = np.random.default_rng(0).normal(size=(80, 4))
    X[3, 2] = 1e6
    return X


TABLE = np.random.default_rng(0).normal([5, 0, 100], [1, 2, 30], (120, 3))

DRLIM = {
    "linear": (DrLIM(encoder="linear", max_epochs=2, random_state=0), TABLE),
    "mlp in three dimensions": (DrLIM(3, encoder="mlp", max_epochs=2, random_state=0), TABLE),
    "one dimension": (DrLIM(1, encoder="mlp", max_epochs=2, random_state=0), TABLE),
    "two layers of images": (DrLIM(encoder="two_layer", max_epochs=2, random_state=0), images(shape=(9, 7))),
    "convnet": (DrLIM(encoder="convnet", max_epochs=1, random_state=0), images()),
    "convnet of odd colours": (DrLIM(encoder="convnet", max_epochs=1, random_state=0), images(20, (3, 27, 32))),
    "margin": (DrLIM(encoder="mlp", margin=250.0, max_epochs=2, random_state=0), TABLE),
}

NEIGHBOR_MAP = {
    "table": (NeighborMap(max_epochs=3, random_state=0), TABLE),
    "images": (NeighborMap(max_epochs=2, random_state=0), images(60, (12, 12))),
    "colours": (NeighborMap(max_epochs=2, random_state=0), images(60, (3, 8, 10))),
    "cosine in three dimensions": (NeighborMap(3, metric="cosine", max_epochs=2, random_state=0), TABLE),
}


@pytest.mark.parametrize(("model", "X"), [*DRLIM.values(), *NEIGHBOR_MAP.values()], ids=[*DRLIM, *NEIGHBOR_MAP])
def test_each_built_in_encoder(model, X, open_page):
    fitted = model.fit(X)
    rng = np.random.default_rng(2)
    new = np.concatenate([X[:6], X[:20] + 0.1 * X.std() * rng.normal(size=X[:20].shape)]).astype(X.dtype)
    found = mapped(open_page(explore(fitted, encoder=True).html), npy(new))
    np.testing.assert_allclose(found, fitted.transform(new), atol=LARGEST, rtol=1e-6)


def test_an_encoder_with_bounds_for_wild_values(open_page):
    X = wild()
    with pytest.warns(UserWarning, match="would hide all others"):
        model = DrLIM(encoder="mlp", max_epochs=2, random_state=0).fit(X)
    assert any(getattr(part, "is_bounded", False) for part in model.encoder_.modules())
    found = mapped(open_page(explore(model).html), npy(X))
    np.testing.assert_allclose(found, model.transform(X), atol=LARGEST)


@pytest.mark.parametrize(
    "before",
    [[StandardScaler()], [MinMaxScaler(), PCA(2)], [RobustScaler(), "passthrough"]],
    ids=["standard", "two", "robust"],
)
def test_steps_of_scikit_learn_before_the_map(before, open_page):
    model = make_pipeline(*before, DrLIM(encoder="mlp", max_epochs=2, random_state=0)).fit(TABLE)
    found = mapped(open_page(explore(model).html), npy(TABLE[:10]))
    np.testing.assert_allclose(found, model.transform(TABLE[:10]), atol=LARGEST)


def test_a_table_as_it_comes(open_page):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "number": np.arange(60) + 100,
            "age": rng.normal(40, 10, 60).round(1),
            "income": rng.normal(3e4, 1e4, 60).round(),
            "since": pd.date_range("2020-01-01", periods=60).strftime("%Y-%m-%d").to_numpy()[rng.permutation(60)],
            "city": rng.choice(["Oslo", "São Paulo", "a, b"], 60),
        }
    )
    model = make_pipeline(Table(), DrLIM(max_epochs=2, random_state=0)).fit(frame)
    tab = open_page(explore(model, frame).html)
    new = frame.iloc[:8].copy()
    content = new.to_csv(index=False)
    np.testing.assert_allclose(mapped(tab, text(content)), model.transform(new), atol=LARGEST)
    odd = '"city","age",since,income\n"a, b",,2020-02-03T12:00,1e4\nunknown,"41,5",03.02.2020,na\n'
    with pytest.warns(UserWarning, match="Categories that are not in the training data"):
        wanted = model.transform(
            {
                "city": ["a, b", "unknown"],
                "age": ["", "41,5"],
                "since": ["2020-02-03T12:00", "03.02.2020"],
                "income": ["1e4", "na"],
            }
        )
    np.testing.assert_allclose(mapped(tab, text(odd))[8:], wanted, atol=LARGEST)
    assert "The file has no column income" in refused(tab, text("city,age,since\nOslo,1,2020-01-01\n"))
    assert "“old” in column age, row 1, is no number" in refused(
        tab, text("city,age,since,income\nOslo,old,2020-01-01,1\n")
    )


def test_rows_of_a_csv_by_name_and_by_place(open_page):
    frame = pd.DataFrame(TABLE, columns=["a", "b", "c"])
    model = DrLIM(encoder="mlp", max_epochs=2, random_state=0).fit(frame)
    tab = open_page(explore(model, frame).html)
    swapped = frame.iloc[:5][["c", "a", "b"]].assign(other="text")
    np.testing.assert_allclose(
        mapped(tab, text(swapped.to_csv(index=False, sep=";"))), model.transform(frame.iloc[:5]), atol=LARGEST
    )
    plain = frame.iloc[5:7].to_csv(index=False, header=False)
    np.testing.assert_allclose(mapped(tab, text(plain))[5:], model.transform(frame.iloc[5:7]), atol=LARGEST)


def test_a_picture_that_is_dropped_lands_where_transform_puts_it_beside_its_nearest(open_page, kept):
    rng = np.random.default_rng(0)
    X = (rng.integers(0, 2, (80, 28, 28)) * 255).astype(np.uint8)
    X[:40, :14] = 0
    model = DrLIM(encoder="convnet", max_epochs=5, random_state=0).fit(X)
    tab = open_page(explore(model, X).html)
    tab.evaluate(
        """([bytes, name]) => {
             const moved = new DataTransfer();
             moved.items.add(new File([new Uint8Array(bytes)], name, { type: "image/png" }));
             for (const kind of ["dragover", "drop"]) {
               const how = { dataTransfer: moved, bubbles: true, cancelable: true };
               document.body.dispatchEvent(new DragEvent(kind, how));
             }
           }""",
        [list(png(X[5])["buffer"]), "<b>new</b>.png"],
    )
    tab.wait_for_selector(".newcomer")
    (found,) = tab.evaluate("window.drlim.explorer.newSamples.map((sample) => sample.found)")
    np.testing.assert_allclose(found, model.transform(X[5:6])[0], atol=LARGEST)
    (nearest,) = tab.evaluate("window.drlim.explorer.newSamples.map((sample) => sample.nearest)")
    away = np.linalg.norm(model.embedding_ - model.embedding_[5], axis=1)
    assert nearest == np.argsort(away, kind="stable")[:5].tolist()
    assert tab.locator(".newcomer strong").inner_text() == "<b>new</b>.png"
    kept(tab, "light")


@pytest.mark.parametrize("color", ["grey", "rgb"])
def test_pictures_of_other_sizes_and_kinds_are_read_as_the_command_line_reads_them(open_page, tmp_path, color):
    rng = np.random.default_rng(0)
    smooth = np.kron(rng.integers(0, 256, (6, 5, 4)), np.ones((11, 9, 1))).astype(np.uint8)  # (66, 45, 4)
    smooth[..., 3] = 255
    smooth[:20, :, 3] = 0  # transparent: laid on white
    for place, pixels in enumerate([smooth, smooth[..., :3], smooth[:20, :13, 0]]):
        Image.fromarray(pixels).save(tmp_path / f"{place}.png")
    read = image_folder(tmp_path, size=(24, 26), color=color).X
    X = rng.integers(0, 256, (30, *read.shape[1:])).astype(np.uint8)
    model = DrLIM(encoder="convnet", max_epochs=1, random_state=0).fit(X)
    tab = open_page(explore(model, X).html)
    paths = sorted(tmp_path.glob("?.png"))
    files = [{"name": path.name, "mimeType": "image/png", "buffer": path.read_bytes()} for path in paths]
    found = mapped(tab, *files)
    wait_for(tab, "window.drlim.explorer.newSamples.length == 3")
    found = np.array(tab.evaluate("window.drlim.explorer.newSamples.map((sample) => sample.found)"))
    size = np.abs(model.embedding_).max()
    np.testing.assert_allclose(found, model.transform(read), atol=5e-3 * size)  # Pillow rounds its weights to 22 bits


def test_pixels_from_0_to_1_are_bytes_divided_by_255(open_page):
    pixels = np.random.default_rng(0).integers(0, 256, (30, 24, 24)).astype(np.uint8)
    model = DrLIM(encoder="convnet", max_epochs=1, random_state=0).fit(pixels / 255)
    found = mapped(open_page(explore(model).html), png(pixels[4]))
    np.testing.assert_allclose(found, model.transform(pixels[4:5] / 255), atol=LARGEST)


def test_bad_files_are_refused_with_a_sentence(open_page):
    two = npy(np.zeros((2, 3)))
    bad = [
        (npy(np.zeros((2, 4))), "samples of shape (3), and the file has (2, 4)"),
        (npy(np.full((1, 3), np.nan)), "values that are no finite numbers"),
        (npy(np.zeros((2, 3), dtype=complex)), "of a type that the page cannot read"),
        (npy(np.asfortranarray(np.zeros((2, 3)))), "C order"),
        ({**two, "buffer": two["buffer"][:-3]}, "cut short"),
        ({**two, "buffer": b"PK"}, "no .npy array"),
        (text("a,b\n1,2\n"), "takes 3 numbers a row, and the file has 2 columns"),
        (text("1,2,x\n1,2,y\n"), "“y” in row 1 is no number"),
        (text(""), "The file is empty"),
        (png(np.zeros((3, 3), dtype=np.uint8)), "no pictures"),
        (text("x", "new.doc"), "reads .npy, .csv, .tsv and pictures"),
    ]
    tab = open_page(explore(DrLIM(encoder="linear", max_epochs=1, random_state=0).fit(TABLE)).html)
    for file, said in bad:
        assert said in refused(tab, file)
    assert tab.evaluate("window.drlim.explorer.newSamples.length") == 0


def test_a_page_without_the_encoder_says_why(open_page):
    model = DrLIM(encoder="linear", max_epochs=1, random_state=0).fit(TABLE)
    tab = open_page(explore(model, encoder=False).html)
    assert "it was made without the encoder" in tab.locator("#panel-newcomers").inner_text()
