"""From what was seen to the causes it is evidence of; one file a family, one function a cause."""

from collections.abc import Callable, Iterable

from pellucid.diagnosis.causes import adversarial, data, fit, gradients, loop, output, rate, structure
from pellucid.diagnosis.causes.progress import Progress
from pellucid.diagnosis.observation import Observation
from pellucid.diagnosis.suspicion import Suspicion

Rule = Callable[[Observation, Progress], Iterable[Suspicion]]
RULES: tuple[Rule, ...] = (
    *data.RULES,
    *output.RULES,
    *structure.RULES,
    *loop.RULES,
    *rate.RULES,
    *gradients.RULES,
    *fit.RULES,
    *adversarial.RULES,
)
