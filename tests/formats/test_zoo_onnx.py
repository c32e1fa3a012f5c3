"""Every network of the zoo as ONNX: onnxruntime computes what torch does, to 1e-5, for any number of inputs.

Where float32 itself is less exact than that (narrow networks of fifty layers divide by deviations near zero), it is as
close to the network in double precision as torch is in single, to a factor that rounding in another order makes.
"""

import copy
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch.nn.modules.batchnorm import _BatchNorm

from pellucid.data import Itself
from pellucid.errors import RunError
from pellucid.formats import Trained, write_onnx
from pellucid.networks import main_output
from tests.formats.test_networks import inputs, trained
from tests.networks.small import QUICK, REPEATS, SMALL

CANNOT_BE_SAID = {"hopfield": "recalls until nothing changes, which takes no fixed operations"}
FAST = QUICK - {"vgg11", "alexnet", "resnet8", "unet"}
SAID = [name for name in SMALL if name not in CANNOT_BE_SAID | dict.fromkeys(REPEATS)]


def measured(name: str) -> Trained:
    """Return the small network with statistics of batch norm as a training leaves them, measured layer by layer.

    Others make outputs of a million of what a hundred layers pass on, and of rounding a difference of seven.
    """
    made = trained(str(SMALL[name]), Itself("reconstruction"))
    torch.manual_seed(0)
    made.network.train()
    for module in made.network.modules():
        if isinstance(module, _BatchNorm):
            module.momentum = None  # the mean of all batches
            module.reset_running_stats()
    with torch.no_grad():
        made.network(made.preprocessing.prepare(inputs(made, 16)))
    made.network.eval()
    return made


@pytest.mark.parametrize("name", [pytest.param(name, marks=() if name in FAST else pytest.mark.slow) for name in SAID])
def test_a_network_of_the_zoo_as_onnx(name: str, tmp_path: Path) -> None:
    made = measured(name)
    session = onnxruntime.InferenceSession(write_onnx(made, tmp_path / "made.onnx").target)
    assert session.get_inputs()[0].shape[0] == "batch"
    double = copy.deepcopy(made.network).double()
    for samples in (1, 2, 5):
        batch = inputs(made, samples)
        prepared = made.preprocessing.prepare(batch)
        with torch.no_grad():
            own = main_output(made.network(prepared)).numpy()
            exact = main_output(double(prepared.double() if prepared.is_floating_point() else prepared)).numpy()
        (said,) = session.run(None, {"input": batch.numpy()})
        scale = max(1.0, float(np.abs(exact).max()))
        assert np.abs(exact).max() > 0
        rounded = float(np.abs(own - exact).max())
        assert np.abs(said - exact).max() <= max(1e-5 * scale, 4 * rounded)
        assert rounded <= 1e-4 * scale


@pytest.mark.parametrize("name", CANNOT_BE_SAID)
def test_what_onnx_cannot_say_is_refused_with_its_reason(name: str, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=CANNOT_BE_SAID[name]):
        write_onnx(trained(str(SMALL[name]), Itself("recall")), tmp_path / "made.onnx")
    assert not list(tmp_path.iterdir())
