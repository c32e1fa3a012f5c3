"""Causes in what the network is given: inputs, targets, splits and their order."""

import math
from collections.abc import Iterator
from statistics import fmean

from pellucid.diagnosis import thresholds
from pellucid.diagnosis.causes.output import severity_of
from pellucid.diagnosis.causes.progress import Progress, is_made_anew, late_score
from pellucid.diagnosis.observation import LossSite, Observation, Span
from pellucid.diagnosis.observer.losses import BINARY_LOSSES, CLASS_LOSSES, DISTANCES
from pellucid.diagnosis.suspicion import Evidence, Place, Suspicion


def input_not_finite(seen: Observation, progress: Progress) -> Iterator[Suspicion]:
    """NaN or infinity in what the script feeds in."""
    places = [
        (f"inputs of {name}", sum(span.not_finite for span in spans), Place(module=name))
        for name, spans in seen.inputs.items()
    ]
    places += [("targets", site.target.not_finite, site.place) for site in seen.training_losses()]
    for what, count, where in places:
        if count:
            yield Suspicion(
                cause="input-not-finite",
                severity="critical",
                confidence=0.97,
                where=where,
                evidence=(
                    thresholds.NOT_FINITE.evidence(f"numbers of the {what} that are NaN or infinite", float(count)),
                ),
                explanation=(
                    f"{count} of the numbers seen in the {what} are NaN or infinite. One is enough to turn every "
                    "weight it touches into NaN. Look for divisions by zero, logarithms of zero and missing values "
                    "in the data."
                ),
                explains=frozenset(
                    {"numerical-instability", "lr-high", "exploding-gradient", "dead-relu", "input-scale", "plateau"}
                    | {"vanishing-gradient", "symmetric-init", "target-scale", "class-imbalance", "label-misalignment"}
                ),
            )


def input_scale(seen: Observation, progress: Progress) -> Iterator[Suspicion]:
    """Inputs far from mean 0 and variance 1."""
    if any(structure.norm_first for structure in seen.structures.values()):
        return
    for name, spans in seen.inputs.items():
        described = [span for span in spans if span.count and span.std > 0]
        if not described:
            continue
        found = _scale(described)
        if found is None:
            continue
        evidence, badness = found
        yield Suspicion(
            cause="input-scale",
            severity=severity_of(progress),
            # where there is no score, a loss that has fallen far says as much of how high such inputs made it begin
            confidence=min(0.9, 0.72 + 0.06 * math.log10(badness)) - (0.5 if progress.has_shown else 0.0),
            where=Place(module=name),
            evidence=(evidence,),
            explanation=(
                "The inputs are far from mean 0 and standard deviation 1. Large inputs make large gradients for the "
                "first layer and saturate what follows; columns of different units make some weights learn much "
                "slower than others. Subtract the training data's mean and divide by its standard deviation."
            ),
            facts={"network": name},
            explains=frozenset(
                {"dead-relu", "saturation", "lr-high", "exploding-gradient", "vanishing-gradient", "plateau"}
                | {"optimizer-unsuited", "lr-low", "too-few-epochs", "init-scale", "capacity-low"}
            ),
        )


def _scale(spans: list[Span]) -> tuple[Evidence, float] | None:
    """Return the worst of what is wrong with the scale of inputs, and how many times too much it is."""
    rms = math.sqrt(fmean(span.squares / span.count for span in spans))
    stds = [span.std for span in spans]
    offset = max(abs(span.mean) / span.std for span in spans)
    large = thresholds.INPUT_LARGE
    if rms > large.value:
        return large.evidence("root mean square of the inputs", rms), rms / large.value
    if rms < thresholds.INPUT_SMALL.value:
        return thresholds.INPUT_SMALL.evidence(
            "root mean square of the inputs", rms
        ), thresholds.INPUT_SMALL.value / rms
    ratio = max(stds) / min(stds)
    if len(stds) <= 64 and ratio > thresholds.INPUT_UNITS.value and max(stds) > 3:
        return thresholds.INPUT_UNITS.evidence("largest std of a feature by the smallest", ratio), ratio / 100
    if len(stds) <= 64 and offset > thresholds.INPUT_OFFSET.value and rms > 3:
        return thresholds.INPUT_OFFSET.evidence("mean of a feature, in standard deviations", offset), offset / 5
    return None


def target_scale(seen: Observation, progress: Progress) -> Iterator[Suspicion]:
    """Values to be predicted that are far from what a fresh output layer says."""
    for site in seen.training_losses():
        if site.function not in DISTANCES or not site.target.count:
            continue
        size = math.sqrt(site.target.squares / site.target.count)
        drowned = _drowned(seen, site) if size > thresholds.TARGET_LARGE.value else None
        if progress.has_learned and drowned is None:
            continue
        for threshold, times in (
            (thresholds.TARGET_LARGE, size / thresholds.TARGET_LARGE.value),
            (thresholds.TARGET_SMALL, thresholds.TARGET_SMALL.value / max(size, 1e-30)),
        ):
            if times > 1:
                beside = "" if drowned is None else f" Beside it the loss in line {drowned.place.line} is drowned."
                yield Suspicion(
                    cause="target-scale",
                    severity="critical",
                    confidence=min(0.93, 0.75 + 0.06 * math.log10(times)),
                    where=site.place,
                    evidence=(threshold.evidence("root mean square of the targets", size),),
                    explanation=(
                        f"Targets are of the size of {size:.3g}, a fresh network's outputs of the size of 1. The "
                        "loss and its gradients take the targets' scale, and the last bias needs very many steps to "
                        f"get there.{beside} Standardise the targets, and undo it in predictions."
                    ),
                    facts={"mean": site.target.mean, "std": site.target.std},
                    explains=frozenset(
                        {"lr-low", "lr-high", "too-few-epochs", "exploding-gradient", "plateau", "capacity-low"}
                        | {"optimizer-unsuited", "dead-relu", "saturation", "clip-too-tight"}
                        | {"wrong-hidden-activation", "vanishing-gradient"}
                    ),
                )


def _drowned(seen: Observation, site: LossSite) -> LossSite | None:
    """Return another loss of the same backward pass that came to little, where there is one."""
    for structure in seen.structures.values():
        for key in structure.losses if site.key in structure.losses else ():
            other = seen.losses.get(key)
            score = None if other is None or other is site else late_score(seen, other)
            if other is not None and score is not None and score < thresholds.DROWNED.value:
                return other
    return None


def missing_shuffle(seen: Observation, progress: Progress) -> Iterator[Suspicion]:
    """Batches whose targets differ more from each other than chance makes them."""
    judges = {pair.discriminator for pair in seen.adversaries.values()}
    for site in seen.training_losses():
        ratio = None if site.network in judges or is_made_anew(seen, site) else order_ratio(site)
        # the score of the last batches tells of the last stretch alone
        forgets = not progress.has_learned or (progress.gap or 0.0) > thresholds.GAP.value
        if ratio is not None and ratio > thresholds.ORDERED.value and forgets:
            yield Suspicion(
                cause="missing-shuffle",
                severity=severity_of(progress),
                confidence=0.9 if ratio > 2 * thresholds.ORDERED.value else 0.7,
                where=site.place,
                evidence=(
                    thresholds.ORDERED.evidence("variance of the batches' mean targets by that of chance", ratio),
                ),
                explanation=(
                    "The batches come in order: their targets differ from batch to batch far more than batches drawn "
                    "at random do. The network learns each stretch and forgets the one before. Shuffle every epoch."
                ),
                explains=frozenset(
                    {"lr-high", "plateau", "too-few-epochs", "class-imbalance", "state-carryover", "overfitting"}
                    | {"label-noise", "dead-relu"}
                ),
            )


def order_ratio(site: LossSite) -> float | None:
    """Return the F ratio of the batches' mean targets: 1 where they are drawn at random."""
    batches = [batch for batch in site.batch_means if batch[2] >= 2]
    spare = sum(n - 1 for _, _, n in batches)
    within = sum((n - 1) * variance for _, variance, n in batches) / spare if spare else 0.0
    if len(batches) < 8 or within <= 1e-6 * site.target.std**2:
        return None  # every target has the same mean, as one-hot rows do
    centre = sum(n * mean for mean, _, n in batches) / sum(n for _, _, n in batches)
    between = sum(n * (mean - centre) ** 2 for mean, _, n in batches) / (len(batches) - 1)
    return between / within


def split_leak(seen: Observation, progress: Progress) -> Iterator[Suspicion]:
    """Samples both learned and judged by."""
    after = seen.after
    if after.leaked < thresholds.BY_CHANCE.value * after.by_chance:
        return  # of codes, grades and switches there are so few that they come again
    if after.eval_rows >= 10 and after.leaked > thresholds.SHARED.value:
        yield Suspicion(
            cause="split-leak",
            severity="warning",
            confidence=0.88 if after.leaked > 0.1 else 0.7,
            evidence=(thresholds.SHARED.evidence("share of the evaluated samples that were trained on", after.leaked),),
            explanation=(
                f"{after.leaked:.0%} of the samples that the network is judged by were trained on, number for number. "
                "What is reported is memory, not how it does on new data. Split before anything else, and remove "
                "duplicates."
            ),
            facts={"share": after.leaked},
            explains=frozenset({"overfitting"}),
        )


def class_imbalance(seen: Observation, progress: Progress) -> Iterator[Suspicion]:
    """A rare class that the network never says."""
    site, recalls = progress.site, seen.after.recalls
    if site is None or not recalls or len(recalls) < 2 or site.many or len(site.classes) < 2:
        return
    if site.function not in CLASS_LOSSES | BINARY_LOSSES and not site.one_hot and set(site.classes) != {0.0, 1.0}:
        return  # counts and grades are values
    total = sum(site.classes.values())
    shares = {label: count / total for label, count in site.classes.items() if label in recalls}
    rare = min(shares, key=lambda label: shares[label])
    common = max(shares, key=lambda label: shares[label])
    rule = thresholds.RARE.value * 2 / max(len(shares), 2)
    if shares[rare] < rule and shares[common] > 3 * shares[rare]:
        ratio = recalls[rare] / max(recalls[common], 1e-9)
        if ratio < thresholds.IGNORED.value and recalls[common] > 0.5:
            yield Suspicion(
                cause="class-imbalance",
                severity="warning",
                confidence=0.86,
                where=site.place,
                evidence=(
                    thresholds.RARE.evidence(f"share of class {rare:g}", shares[rare]),
                    thresholds.IGNORED.evidence(f"recall of class {rare:g} by that of class {common:g}", ratio),
                ),
                explanation=(
                    f"Class {rare:g} is {shares[rare]:.1%} of the samples and the network finds {recalls[rare]:.0%} "
                    f"of it, of class {common:g} {recalls[common]:.0%}. Being right on the common class is enough "
                    "for a low loss. Weight the classes in the loss, or sample them evenly."
                ),
                facts={"shares": shares},
                explains=frozenset({"plateau", "capacity-low", "lr-low", "too-few-epochs"}),
            )


def label_misalignment(seen: Observation, progress: Progress) -> Iterator[Suspicion]:
    """Labels that the inputs say nothing about."""
    site, after = progress.site, seen.after
    if site is None or site.network in {pair.discriminator for pair in seen.adversaries.values()}:
        return
    if site.whole and len(site.classes) == 1 and site.function not in DISTANCES and site.target.count > 100:
        yield _misaligned(site, 0.85, Evidence("distinct labels", 1.0, "2 or more", "a class to tell from another"))
        return
    if progress.attainable is None or after.rows < 100 or site.target_is_input or progress.chance > 0.8:
        return
    signal = progress.attainable - progress.chance
    here = thresholds.NO_SIGNAL.evidence("what nearest neighbours or a linear model gain over chance", signal)
    if signal > thresholds.NO_SIGNAL.value:
        return
    judged = (progress.test - progress.chance) if progress.test is not None else None
    labels = after.rows * (site.width if site.function in BINARY_LOSSES and not site.one_hot else 1)
    if not progress.is_regression and signal > 3 * math.sqrt(0.25 / labels):
        if judged is not None and judged < 0.06 and (progress.gain or 0.0) > 0.08:
            yield _noisy(site, 0.6, here)  # faint, but more than labels shuffled apart would leave
        return
    if after.eval_neighbours is not None and after.eval_neighbours - progress.chance > 0.2:
        yield _misaligned(site, 0.93, here)
    elif judged is not None and judged < 0.06 and (progress.gain or 0.0) > 0.25:
        yield _misaligned(site, 0.8, here)  # learned by heart, and nothing of it holds on new samples
    elif judged is not None and judged < 0.06 and ((progress.gain or 0.0) > 0.08 or _is_table(seen)):
        yield _misaligned(site, 0.7 if (progress.gain or 0.0) > 0.08 else 0.6, here)


def _is_table(seen: Observation) -> bool:
    """Say whether samples are rows of numbers or images, of which neighbours or a linear model would see something."""
    convolves = any("Convolution" in layer.kind for each in seen.structures.values() for layer in each.layers)
    is_signal = convolves and any(rows.dim() == 3 for rows in seen.rows["train"].inputs)
    return any(seen.inputs.values()) and not is_signal and not any(network.recurrent for network in seen.networks)


def _misaligned(site: LossSite, confidence: float, evidence: Evidence) -> Suspicion:
    return Suspicion(
        cause="label-misalignment",
        severity="critical",
        confidence=confidence,
        where=site.place,
        evidence=(evidence,),
        explanation=(
            "The labels carry no signal about the inputs they stand beside: no simple model predicts one from the "
            "other better than by always saying the same. Inputs and labels were probably shuffled or sorted apart, "
            "shifted against each other, or converted."
        ),
        explains=frozenset(
            {"overfitting", "plateau", "label-noise", "capacity-low", "lr-low", "too-few-epochs", "lr-high"}
        ),
    )


def label_noise(seen: Observation, progress: Progress) -> Iterator[Suspicion]:
    """Labels that contradict those of their neighbours, or what the network finds on clean data."""
    site, after = progress.site, seen.after
    if site is None or site.network in {pair.discriminator for pair in seen.adversaries.values()}:
        return
    if site.many or not 2 <= len(site.classes) <= 64 or site.function in DISTANCES:
        return
    told = (after.neighbours or 0.0) - (after.chance or 0.0)  # neighbours of whom nothing can be told agree by chance
    contradicted = after.contradicted if (after.sure or 0) > 0.3 and told > thresholds.NO_SIGNAL.value * 2 else None
    fitted = progress.fitted
    if fitted is None or progress.train is None or fitted < progress.train - 0.05:
        # the network cannot be asked again as it was called: dropout would make training look worse than it is
        fitted = None if any(network.dropouts for network in seen.networks) else progress.train
    if after.distinct and after.passes < 1.5:  # samples changed from pass to pass, and are harder than they are
        fitted = None
    if progress.best_test is not None and fitted is not None:
        gap = progress.best_test - fitted
        if gap > thresholds.BETTER_UNSEEN.value and progress.best_test > progress.chance + 0.1:
            yield _noisy(site, 0.8, thresholds.BETTER_UNSEEN.evidence("test accuracy less training accuracy", gap))
    # where most are contradicted it is the neighbours that are wrong: they are near in what does not matter
    if contradicted is not None and thresholds.CONTRADICTED.value < contradicted < thresholds.OUTVOTED.value:
        right = min(progress.train or 0.0, progress.best_test or 0.0)
        if right > 1 - contradicted / 2:  # of labels that are wrong, no network gets so many right, seen and unseen
            return
        evidence = thresholds.CONTRADICTED.evidence("labels that their agreeing neighbours contradict", contradicted)
        yield _noisy(site, 0.55 + min(0.3, contradicted), evidence)


def _noisy(site: LossSite, confidence: float, evidence: Evidence) -> Suspicion:
    return Suspicion(
        cause="label-noise",
        severity="warning",
        confidence=confidence,
        where=site.place,
        evidence=(evidence,),
        explanation=(
            "A share of the labels contradicts the data: samples that look alike are labelled differently, or "
            "samples never seen are predicted better than those learned from. Look at the samples of the highest "
            "loss, and clean the labels or smooth them (label_smoothing)."
        ),
        explains=frozenset({"overfitting", "capacity-low", "plateau"}),
    )


RULES = (
    input_not_finite,
    input_scale,
    target_scale,
    missing_shuffle,
    split_leak,
    class_imbalance,
    label_misalignment,
    label_noise,
)
