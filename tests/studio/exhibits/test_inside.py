"""Inside an image network: its arithmetic against SciPy, its gradients against differences, its page by keyboard."""

import base64
import io
import json
import re
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.signal import correlate2d
from torch import Tensor, nn

import pellucid
from pellucid.data import Dataset, load
from pellucid.errors import NotationError
from pellucid.networks import build
from pellucid.studio.exhibit import Frame, Given, RefusedError
from pellucid.studio.exhibits.inside.engine import Inside
from pellucid.studio.exhibits.inside.settings import MOST_KEPT, InsideSettings, Mistake, Sample, Show
from pellucid.studio.exhibits.inside.subject import image_runs
from tests.studio.conftest import StudioPages

pytestmark = pytest.mark.covers("E2")

GROUPED = (
    "conv(10, 5x3, stride=2, padding=2, dilation=2) -> sigmoid -> conv(10, 3x3, groups=5, padding=1, bias=no)"
    " -> maxpool(3x3, stride=2, padding=1) -> concat(conv(3, 1x1) | identity) -> fc(10)"
)
STRIDED = (
    "conv(3, 3x3, stride=2, padding=1) -> tanh -> avgpool(2x2, stride=1) -> conv(2, 2x2)"
    " -> flatten -> fc(4) -> tanh -> fc(10)"
)
FOLDER = Path("src/pellucid/studio/exhibits/inside")
STATUS = "document.querySelector('.status').textContent"


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load("digits")


def engine(given: Given | None = None, **settings: object) -> Inside:
    return Inside(InsideSettings.model_validate({"before": 0, **settings}), given or Given())


def looking_at(made: Inside, **chosen: object) -> Frame:
    made.change(made.settings.model_copy(update={"at": None, **chosen}))
    return made.frame()


def prepared(made: Inside, image: int = 0) -> Tensor:
    found = made.subject
    return found.preprocessing.prepare(found.samples[found.rows[image]][None])


def base64_of(pixels: Any) -> str:
    return base64.b64encode(np.ascontiguousarray(pixels, dtype=np.uint8).tobytes()).decode()


def test_a_map_is_the_sum_of_correlations_that_scipy_computes() -> None:
    made = engine(before=40)
    network: Any = made.subject.network
    x = network.relu1(network.conv1(prepared(made)))[0].detach().numpy().astype(float)
    weight, bias = (each.detach().numpy().astype(float) for each in (network.conv2.weight, network.conv2.bias))
    for channel in range(6):
        shares = [correlate2d(one, kernel, "same") for one, kernel in zip(x, weight[channel], strict=True)]
        frame = looking_at(made, layer=2, channel=channel)
        unit, numbers = frame.values["unit"], frame.values["unit"]["made"]
        np.testing.assert_allclose(frame.arrays["made.partial"], shares, atol=1e-5)
        np.testing.assert_allclose(frame.arrays["map"][0], sum(shares) + bias[channel], atol=1e-5)
        row, column = np.unravel_index(np.argmax(frame.arrays["map"][0]), (8, 8))
        assert (unit["row"], unit["column"]) == (row, column), "at first the unit that responds most is looked at"
        products = frame.arrays["made.windows"] * frame.arrays["made.kernels"]
        np.testing.assert_allclose(products.sum((1, 2)), numbers["sums"], atol=1e-5)
        np.testing.assert_allclose(numbers["sums"], [share[row, column] for share in shares], atol=1e-5)
        assert numbers["total"] == pytest.approx(unit["value"], abs=1e-5)
        assert unit["then"]["value"] == pytest.approx(max(0.0, unit["value"]))


def recomputed(frame: Frame) -> float:
    """The unit's value from nothing but the numbers that the page shows."""
    unit, arrays = frame.values["unit"], frame.arrays
    made = unit["made"]
    match unit["sort"]:
        case "conv" | "dense":
            parts = (arrays["made.windows"] * arrays["made.kernels"]).sum((1, 2))
            return float(parts.sum() + made["rest"] + made["bias"])
        case "terms":
            return float(arrays["made.read"] @ arrays["made.weights"] + made["rest"] + made["bias"])
        case "max":
            return float(arrays["made.windows"][0][~arrays["made.outside"]].max())
        case "mean":
            return float(arrays["made.windows"].sum() / made["count"])
        case "norm":
            scaled = (made["x"] - made["mean"]) / np.sqrt(made["variance"] + made["eps"])
            return float(made["gamma"] * scaled + made["beta"])
        case "curve":
            return float(np.interp(made["z"], arrays["made.z"], arrays["made.g"]))
        case "sum":
            return float(sum(made["sums"]))
    return float(unit["value"])


@pytest.mark.parametrize(
    ("arrows", "sorts"),
    [
        ("cnn", {"conv", "norm", "curve", "max", "mean", "terms"}),
        ("lenet5", {"other", "conv", "curve", "mean", "dense", "terms"}),
        ("resnet8", {"conv", "norm", "curve", "sum", "other", "mean", "terms"}),
        (GROUPED, {"conv", "curve", "max", "join", "dense"}),
    ],
)  # fmt: skip
def test_every_unit_is_what_its_numbers_come_to(arrows: str, sorts: set[str]) -> None:
    made = engine(arrows=arrows, before=3) if "(" in arrows else engine(network="zoo", zoo=arrows, before=3)
    draw = np.random.default_rng(0)
    met = set()
    for place, layer in enumerate(made.frame().values["layers"]):
        for _ in range(3):
            channel, *at = (int(draw.integers(size)) for size in layer["shape"])
            frame = looking_at(made, layer=place, channel=channel, at=tuple(at) or None)
            met.add(frame.values["unit"]["sort"])
            # a curve is drawn, its points lie apart
            close = 0.02 if frame.values["unit"]["sort"] == "curve" else 2e-5
            assert recomputed(frame) == pytest.approx(frame.values["unit"]["value"], abs=close, rel=2e-5), layer["name"]
    assert met == sorts


def test_layers_give_what_torch_gives_and_the_answer_is_their_last() -> None:
    made = engine(network="zoo", zoo="resnet8", before=2)
    network, x = made.subject.network.eval(), prepared(made)
    outputs: dict[str, Tensor] = {}
    hooks = []
    for name, module in network.named_modules():
        keep = partial(lambda name, _, __, output: outputs.update({name: output.detach()}), name)
        hooks.append(module.register_forward_hook(keep))
    expected = network(x)[0].detach()
    for hook in hooks:
        hook.remove()
    for place, layer in enumerate(made.frame().values["layers"]):
        given = outputs[layer["name"]][0].numpy()
        frame = looking_at(made, layer=place)
        np.testing.assert_array_equal(frame.arrays["maps"], given[:64])
        assert list(given.shape) == layer["shape"]
        shown = frame.arrays[f"small{place}"].astype(float) * layer["size"] / 127
        first = given[: len(shown)] if given.ndim > 1 else given[None, :, None]
        np.testing.assert_allclose(shown, first, atol=layer["size"] / 250)
    answer = made.frame().values["answer"]
    np.testing.assert_allclose(answer["outputs"], expected, atol=1e-5)
    np.testing.assert_allclose(answer["said"], expected.softmax(0), atol=1e-6)


@pytest.mark.parametrize(("layer", "at"), [(0, (0, 0)), (0, (2, 3)), (2, (1, 2)), (3, (1, 0)), (5, None)])
def test_a_unit_changes_with_its_receptive_field_and_no_other_pixel(layer: int, at: tuple[int, int] | None) -> None:
    made = engine(network="arrows", arrows=STRIDED)
    names = [each["name"] for each in made.frame().values["layers"]]
    frame = looking_at(made, layer=layer, channel=1, at=at)
    network, x = made.subject.network.double().eval(), prepared(made).double()
    heard: list[Tensor] = []
    network.get_submodule(names[layer]).register_forward_hook(lambda _, __, output: heard.append(output))

    def unit(image: Tensor) -> float:
        network(image)
        return float(heard[-1].detach()[(0, 1, *(at or ()))])

    changed = np.zeros((8, 8), dtype=bool)
    for row in range(8):
        for column in range(8):
            other = x.clone()
            other[0, 0, row, column] += 0.5
            changed[row, column] = unit(other) != unit(x)
    (top, bottom), (left, right) = frame.values["unit"]["box"]
    inside = np.zeros((8, 8), dtype=bool)
    inside[top:bottom, left:right] = True
    np.testing.assert_array_equal(changed, inside)
    np.testing.assert_array_equal(frame.arrays["looked"] != 0, changed)


def test_gradients_are_those_of_differences_and_shares_sum_to_the_difference() -> None:
    arrows = "conv(4, 3x3, padding=same) -> tanh -> avgpool(2x2) -> conv(4, 3x3, padding=same) -> tanh -> fc(10)"
    made = engine(network="arrows", arrows=arrows, before=60)
    x = prepared(made)
    network: Any = made.subject.network.eval()
    saliency = looking_at(made, target=3, method="saliency", layer=3, channel=2, at=(1, 0))
    integrated = looking_at(made, target=3, method="integrated")
    covered = looking_at(made, target=None, method="occlusion")
    network.double().requires_grad_(requires_grad=False)
    x, h = x.double(), 1e-5
    bumps = torch.eye(64, dtype=torch.double).view(64, 1, 8, 8) * h
    slopes = (network(x + bumps) - network(x - bumps)) / (2 * h)
    np.testing.assert_allclose(saliency.arrays["rests"].flatten(), slopes[:, 3].detach(), rtol=1e-3, atol=1e-4)
    upto = network[:4]
    slopes = (upto(x + bumps) - upto(x - bumps))[:, 2, 1, 0] / (2 * h)
    np.testing.assert_allclose(saliency.arrays["looked"].flatten(), slopes.detach(), rtol=1e-3, atol=1e-4)
    told = integrated.values["rests"]
    difference = float((network(x) - network(torch.zeros_like(x)))[0, 3])
    assert told["total"] == pytest.approx(difference, abs=2e-2)
    assert told["output"] - told["start"] == pytest.approx(difference, abs=1e-4)
    assert told["total"] == pytest.approx(float(integrated.arrays["rests"].sum()), abs=1e-4)
    best = int(network(x).argmax())
    hidden = x.clone()
    hidden[..., :1, :2] = 0  # the corner's first row is covered by the first patches alone
    hidden[..., 1:2, :2] = 0
    assert covered.values["rests"]["target"] == best
    drop = float((network(x) - network(hidden))[0, best])
    assert covered.arrays["rests"][0, 0] == pytest.approx(drop, abs=1e-4)


def test_play_trains_and_the_same_settings_give_the_same_to_the_bit() -> None:
    first, second = engine(before=20), engine(before=5)
    for _ in range(15):
        assert second.advance()
    one, other = first.frame(), second.frame()
    assert one.values["subject"] == other.values["subject"]
    for name, array in one.arrays.items():
        np.testing.assert_array_equal(array, other.arrays[name])
    assert engine(before=20, seed=1).frame().values["answer"] != one.values["answer"]
    for _ in range(4):
        assert first.step()
    told = first.frame().values["subject"]
    assert told["epoch"] == 3
    assert told["steps"] % 34 == 0
    assert told["accuracy"] > 0.6


def test_it_says_when_the_training_diverges() -> None:
    made = engine(arrows="fc(64) -> fc(10)")
    network: Any = made.subject.network
    with torch.no_grad():
        network.fc2.bias.fill_(float("nan"))
    assert not made.advance()
    assert made.frame().values["subject"]["diverged"]
    frame = engine(Given(model=network, data=load("digits"))).frame()
    assert frame.values["answer"]["said"] == [None] * 10


def test_own_images_and_drawings(digits: Dataset) -> None:
    made = engine(before=40)
    network, preprocessing = made.subject.network.eval(), made.subject.preprocessing
    drawn = np.random.default_rng(1).integers(0, 256, (1, 8, 8), dtype=np.uint8)
    made.act(Show(kind="show", pixels=base64_of(drawn)))
    frame = made.frame()
    np.testing.assert_array_equal(frame.arrays["image"], drawn)
    expected = network(preprocessing.prepare(torch.from_numpy(drawn)[None]))[0].detach()
    np.testing.assert_allclose(frame.values["answer"]["outputs"], expected, atol=1e-5)
    again = Inside(InsideSettings.model_validate_json(made.settings.model_dump_json()), Given())
    np.testing.assert_array_equal(again.frame().arrays["image"], drawn)
    for pixels in (base64_of(drawn[:, :7]), "no base64!"):
        with pytest.raises(RefusedError, match=r"size|pixels"):
            made.act(Show(kind="show", pixels=pixels))
    np.testing.assert_array_equal(made.frame().arrays["image"], drawn)
    made.act(Sample(kind="sample", image=3))
    assert made.frame().values["label"] == digits.target.names[int(digits.targets[digits.rows["test"][3]])]  # type: ignore[union-attr]
    other = looking_at(made, network="arrows", arrows="conv(2, 3x3) -> fc(10)")
    assert not other.values["own"]


def test_an_image_that_no_address_holds_lasts_as_long_as_the_page() -> None:
    side = 160
    network = build(f"{side}x{side}x1 -> conv(2, 5x5, stride=4) -> relu -> globalavgpool -> fc(3)", 0)
    made = engine(Given(model=network, data=large(side)), layer=0)
    assert side * side > MOST_KEPT
    made.act(Show(kind="show", pixels=base64_of(np.full((1, side, side), 7))))
    frame = made.frame()
    assert made.settings.pixels == ""
    assert frame.values["own"]
    assert (frame.arrays["image"] == 7).all()
    said = frame.values["answer"]["outputs"]
    made.act(Show(kind="show", pixels=base64_of(np.full((1, side, side), 250))))
    assert made.frame().values["answer"]["outputs"] != said
    assert frame.arrays["map"].shape == (1, 39, 39)
    assert looking_at(made, channel=1).values["own"]
    made.act(Sample(kind="sample", image=0))
    assert not made.frame().values["own"]


def large(side: int) -> Dataset:
    draw = np.random.default_rng(0)
    return load((draw.integers(0, 256, (12, side, side), dtype=np.uint8), np.arange(12) % 3))


def test_the_next_mistake_is_the_next_sample_whose_class_it_gets_wrong(digits: Dataset) -> None:
    made = engine(before=60)
    inputs, classes = digits.split("test")
    wrong = (made.subject.network.eval()(inputs).argmax(1) != classes).nonzero().flatten().tolist()
    for image in wrong[:3]:
        made.act(Mistake(kind="mistake"))
        assert made.settings.image == image
        frame = made.frame()
        shown = next(each for each in frame.values["offered"] if each["image"] == image)
        assert shown["label"] == str(int(classes[image])) != shown["said"]
    made.settings = made.settings.model_copy(update={"image": wrong[-1]})
    made.act(Mistake(kind="mistake"))
    assert made.settings.image == wrong[0]


def test_what_is_refused_loses_nothing() -> None:
    made = engine(before=10)
    made.advance()
    for changed, error in (
        ({"arrows": "conv(6, 30x30)"}, NotationError), ({"arrows": "32x32x3 -> conv(6, 3x3)"}, RefusedError),
        ({"network": "zoo", "zoo": "resnet152"}, RefusedError), ({"network": "zoo", "zoo": "mlp"}, RefusedError),
        ({"network": "run", "run": "../secret"}, RefusedError), ({"network": "given"}, RefusedError),
    ):  # fmt: skip
        before = made.settings
        with pytest.raises(error):
            made.change(before.model_copy(update=changed))
        made.change(before)
        assert made.frame().values["subject"]["steps"] == 11


class Mine(nn.Module):
    """Writes over its inputs, adds without a module, and pools to a fixed size."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 8, 3, stride=2), nn.Conv2d(8, 8, 3, padding=1)
        self.relu1, self.relu2 = nn.ReLU(inplace=True), nn.ReLU(inplace=True)
        self.pool, self.last = nn.AdaptiveAvgPool2d((2, 3)), nn.Linear(48, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu1(self.first(x))
        outputs: Tensor = self.last(self.pool(self.relu2(self.second(x) + x)).flatten(1))
        return outputs


def test_a_module_of_ones_own_without_data() -> None:
    torch.manual_seed(0)
    module = Mine().train()
    made = engine(Given(model=module))
    frame = made.frame()
    assert frame.values["subject"]["name"] == "Mine"
    assert frame.values["subject"]["shape"] == [3, 28, 28]
    assert [each["sources"] for each in frame.values["layers"]] == [[-1], [0], [1], [None], [3], [4]]
    x = torch.from_numpy(frame.arrays["image"])[None] / 255
    np.testing.assert_allclose(frame.values["answer"]["outputs"], module.eval()(x)[0].detach(), atol=1e-5)
    below = looking_at(made, layer=0, channel=0)
    assert below.arrays["maps"].min() < 0, "what the first layer gave is not written over"
    assert module.relu1.inplace, "the user's module stays as it is"
    assert not made.advance()
    assert made.sources() == {}


def test_a_network_that_takes_no_images_leaves_the_exhibit_as_it_is() -> None:
    other = engine(Given(model=nn.Linear(4, 3), data=load("iris")))
    assert other.frame().values["subject"]["kind"] == "arrows"
    with pytest.raises(RefusedError, match="not_image"):
        engine(Given(model=nn.Linear(4, 3)), network="given")


def test_a_run_is_opened_as_it_was_trained(tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    run = pellucid.train("digits", network="lenet5", epochs=1, folder=str(folder / "first"))
    pellucid.train("iris", epochs=1, folder=str(folder / "second"))
    run_folder = Path(run.folder)
    given = Given(runs=run_folder.parent)
    assert image_runs(given.runs) == [{"name": run_folder.name, "data": "digits"}]
    made = engine(given, network="run", run=run_folder.name, image=5)
    frame = made.frame()
    network, (inputs, _) = run.model(), run.data().split("test")
    np.testing.assert_allclose(frame.values["answer"]["outputs"], network(inputs[5:6])[0].detach(), atol=1e-5)
    assert not made.advance()
    assert set(made.identity()) == {"data", "network"}


def test_the_program_trains_and_looks(capsys: pytest.CaptureFixture[str]) -> None:
    made = engine()
    sources = made.sources()
    shorter = sources["pytorch"].replace("LEARNING_RATE = 10,", "LEARNING_RATE = 2,")
    exec(shorter, {"__name__": "__main__"})
    said = capsys.readouterr().out
    for layer in made.frame().values["layers"]:
        assert f"{layer['name']} (1, {', '.join(map(str, layer['shape']))})" in said
    assert pellucid.parse(sources["arrows"]).parameters == made.frame().values["subject"]["parameters"]


def test_the_view_says_nothing_without_words() -> None:
    words = json.loads((FOLDER / "strings.json").read_text(encoding="utf-8"))["en"]
    scripts = " ".join(path.read_text(encoding="utf-8") for path in FOLDER.glob("*.js"))
    for key in re.findall(r'\bt\("([^"$]+)"', scripts):
        assert key in words, key
    code = " ".join(path.read_text(encoding="utf-8") for path in FOLDER.glob("*.py"))
    for key in re.findall(r'RefusedError\(\s*"(\w+)"', code):
        assert f"refusal.{key}" in words, key


@pytest.mark.parametrize("method", ["integrated", "occlusion"])
def test_what_takes_longer_than_a_frame_is_computed_in_pieces(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = engine(method=method)
    whole = made.frame().arrays["rests"]
    monkeypatch.setattr("pellucid.studio.exhibits.inside.engine._AT_FIRST", 0.0)
    monkeypatch.setattr("pellucid.studio.exhibits.inside.engine._MOMENT", 1e-9)
    made = engine(method=method)
    done = []
    while "rests" not in (frame := made.frame()).arrays:
        done.append(frame.values["rests"]["done"])
        assert made.tend() == 0.0
    assert made.tend() is None
    assert done == sorted(done)
    assert 0 < max(done) < 1
    np.testing.assert_array_equal(frame.arrays["rests"], whole)


@pytest.mark.slow
def test_by_keyboard_alone(studio_page: StudioPages) -> None:
    page = studio_page("inside")
    before = page.evaluate(STATUS)
    page.keyboard.press("s")
    studio_page.until(page, f"{STATUS} !== {json.dumps(before)} && {STATUS}.includes('epoch 5')")
    page.focus("[data-map='2,0']")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    studio_page.until(page, "document.querySelector('.unit h2').textContent.includes('maxpool1, map 2')")
    page.focus(".zoom .large canvas")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    studio_page.until(page, "document.querySelector('.unit h2').textContent.includes('row 1,')")
    assert "row 1" in page.evaluate("document.getElementById('live').textContent")
    page.get_by_role("button", name="Clear").press("Enter")
    studio_page.until(page, "document.querySelector('image-pad').shown.values.every((each) => each === 0)")
    page.focus("image-pad canvas")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    studio_page.until(page, "document.querySelector('image-pad').shown.values[9] === 255")
    studio_page.until(page, "document.querySelector('image-pad').bytes === undefined")


@pytest.mark.slow
def test_drawing_and_own_files(studio_page: StudioPages) -> None:
    page = studio_page("inside", language="zh")
    page.get_by_role("button", name="清空").click()
    studio_page.until(page, "document.querySelector('image-pad').shown.values.every((each) => each === 0)")
    box = page.locator("image-pad canvas").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] - 10, steps=12)
    page.mouse.up()
    drawn = "Array.from(document.querySelector('image-pad').shown.values)"
    studio_page.until(page, f"{drawn}.filter((each) => each > 100).length >= 8")
    studio_page.until(page, f"{STATUS}.includes('判为')")
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "png")
    page.set_input_files("input[type=file]", {"name": "own.png", "mimeType": "image/png", "buffer": file.getvalue()})
    same = f"JSON.stringify({drawn}) === '{json.dumps(pixels.flatten().tolist(), separators=(',', ':'))}'"
    studio_page.until(page, same)
    page.set_input_files("input[type=file]", {"name": "own.txt", "mimeType": "text/plain", "buffer": b"no image"})
    studio_page.until(page, "document.querySelector('[data-refusals=image] .refused') !== null")
    state = "new URLSearchParams(location.hash.slice(1)).get('state').replaceAll('-', '+').replaceAll('_', '/')"
    studio_page.until(page, f"atob({state}).includes({json.dumps(base64_of(pixels))})")
    page.reload()
    page.wait_for_selector(".exhibit")
    studio_page.until(page, same)
    page.select_option("#control-network", "zoo:lenet5")
    studio_page.until(page, "document.querySelectorAll('.column').length === 12")
    page.locator(".layers .vector canvas").first.click()
    studio_page.until(page, "document.querySelector('.unit h2').textContent.includes('fc1')")


@pytest.mark.slow
@pytest.mark.parametrize("width", [360, 1280, 2560])
@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("zh", "dark")])
def test_it_can_be_read_by_all(studio_page: StudioPages, width: int, language: str, theme: str) -> None:
    page = studio_page("inside", language=language, theme=theme, width=width)
    studio_page.check(page)
    page.click("[data-map='1,2']")
    studio_page.until(page, "document.querySelector('field-canvas.curve') !== null")
    page.locator(".layers .vector canvas").click()
    page.select_option("#control-method", "integrated")
    studio_page.until(page, "document.querySelector('figure[data-name=integrated]') !== null")
    studio_page.check(page)
