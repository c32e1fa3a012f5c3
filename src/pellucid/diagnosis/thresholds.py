"""The figures that separate sick from healthy, each with its source, in one place."""

from dataclasses import dataclass

from pellucid.diagnosis.suspicion import Evidence

SAID_FROM = 0.5
"""Confidence below which a cause is not said: more likely wrong than right."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """A figure, what it is of, and where it comes from."""

    value: float
    source: str

    def evidence(self, measure: str, value: float | str) -> Evidence:
        """Return a measured figure beside this one."""
        return Evidence(measure, value, self.value, self.source)


# --- whether a network does its task
LEARNED = Threshold(0.85, "of the way from chance to all right, or of the variance explained")
LEARNED_LOSS = Threshold(0.35, "last loss by that of the best constant prediction, or by the first")

# --- what is given to the network
INPUT_LARGE = Threshold(10.0, "LeCun et al., Efficient BackProp (1998), 4.3: inputs of mean 0 and variance about 1")
INPUT_SMALL = Threshold(0.03, INPUT_LARGE.source)
INPUT_UNITS = Threshold(100.0, "columns of one table differ less in healthy runs; Efficient BackProp, 4.3")
INPUT_OFFSET = Threshold(5.0, INPUT_LARGE.source)
TARGET_LARGE = Threshold(10.0, "an output layer's initial outputs are of order 1 (Glorot and Bengio, 2010)")
TARGET_SMALL = Threshold(0.02, TARGET_LARGE.source)
DROWNED = Threshold(0.6, "a choice: accuracy, or r2, of a loss beside a far larger one")
NOT_FINITE = Threshold(0.0, "IEEE 754: one NaN makes every sum it enters NaN")
ORDERED = Threshold(4.0, "F ratio of batch means: 1 for batches drawn at random (Fisher, 1925)")
BY_CHANCE = Threshold(5.0, "a choice: features that depend on each other come together again more often than by chance")
SHARED = Threshold(0.02, "disjoint splits share no sample")
RARE = Threshold(0.15, "share of a class; He and Garcia, Learning from Imbalanced Data (2009)")
IGNORED = Threshold(0.6, "recall of the rare class by that of the others")
NO_SIGNAL = Threshold(0.04, "what nearest neighbours or a linear model gain over the commonest class by chance")
CONTRADICTED = Threshold(0.2, "of samples whose neighbours agree, those labelled otherwise: below 0.2 on clean data")
OUTVOTED = Threshold(0.5, "of neighbours that are near in what matters, most are labelled rightly")
BETTER_UNSEEN = Threshold(0.08, "unseen samples are not predicted better than those learned from, without dropout")

# --- the structure
ALL_LINEAR = Threshold(0.97, "score of ridge regression on samples left out, of 1: nothing nonlinear is left to learn")
MIXING = Threshold(0.01, "samples of a batch are computed independently of each other: 0")
GAIN_LARGE = Threshold(4.0, "std * sqrt(fan-in): 1.41 for ReLU (He et al., 2015), 0.58 as torch initialises")
GAIN_SMALL = Threshold(0.12, GAIN_LARGE.source)

# --- the loop
STALE = Threshold(0.5, "steps whose gradients were not cleared since the step before: 0 with zero_grad")
REMADE = Threshold(2.0, "optimisers made for the same parameters: 1, or 2 where training has two stages")

# --- how the weights move
UPDATE_LARGE = Threshold(0.1, "|update| / |weight| is near 0.001 in a training that goes well (Karpathy, 2015)")
FIRST_LEAP = Threshold(
    0.5, "the same of the first steps: an initialisation that is left behind at once is worth nothing"
)
UPDATE_SMALL = Threshold(3e-4, UPDATE_LARGE.source)
WAY_SHORT = Threshold(0.3, "a network's weights move by about their own size while it learns")
GROWTH = Threshold(1.0, "a loss that is minimised falls")
STILL_FALLING = Threshold(0.02, "a finished run's loss stands still within its noise")
CRAWLS = Threshold(0.1, "a choice: the fall of the loss in the end, five times `STILL_FALLING`")
BATCH_FOR_NORM = Threshold(4.0, "Wu and He, Group Normalization (2018): batch norm's error rises below 16 samples")
BATCH_FOR_CONTRAST = Threshold(4.0, "Chen et al., SimCLR (2020): better with every doubling of the batch, from 256 on")
HELD_STILL = Threshold(0.5, "a choice: of a network that is to learn a task most weights are let learn")
LAST_SHARE = Threshold(0.05, "a choice: of all that a loss fell, what it fell over the last 15 % of the run")
IDLE = Threshold(0.4, "schedules of the field spend a tenth of a run or less below 1 % of the highest rate")
CLIPPED = Threshold(15.0, "Pascanu, Mikolov and Bengio (2013): a limit of half to ten times the average norm")
SIGNS = Threshold(0.9, "of normal numbers 0.32 lie beyond their deviation, 0.92 beyond a tenth of it")
SHRINKS = Threshold(0.9, "weights of a network that learns grow, or stay about as large as they began")
DECAY = Threshold(0.5, "Loshchilov and Hutter, Decoupled Weight Decay Regularization (2019): 0 to 0.1")
ADDED = Threshold(0.3, "a choice: a penalty is small beside the loss it stands beside")
SHRUNK = Threshold(0.5, SHRINKS.source)
DROPOUT = Threshold(0.75, "Srivastava et al., Dropout (2014): 0.2 for inputs, 0.5 for hidden units")

# --- what passes through the layers
DEAD = Threshold(0.7, "share of units that are zero for every sample of a batch: near 0 after He initialisation")
FLAT = Threshold(0.6, "share of activations where the derivative is below 4 % of its largest")
FADED = Threshold(1e-3, "gradient of the first layer by that of the last: near 1 with He or Glorot initialisation")
FADED_IN_TIME = Threshold(1e-3, "gradient at the first step of a sequence by that at the last (Bengio et al., 1994)")
UNROLLED = Threshold(12.0, "a choice: operations on the longest way, a layer of weights: a layer used once has a few")
SPIKE = Threshold(100.0, "largest gradient norm by the median: Pascanu, Mikolov and Bengio (2013)")
DEEP = Threshold(8.0, "a choice: from so many layers on, what each makes twice as large all make 256 times so")
BURST = Threshold(1000.0, "a fresh network's loss by that of the best constant: near 1 (He et al., 2015; Glorot, 2010)")

# --- how well it fits
NARROW = Threshold(8.0, "units of the narrowest hidden layer")
SHORT_OF = Threshold(0.1, "what a simpler model reaches on samples left out, less what the network reaches")
HALF = Threshold(0.5, "a choice: of a reconstruction that explains more, a short code may be what is wanted")
AS_COMPONENTS = Threshold(0.7, "a choice: of what principal components explain, what is reconstructed")
WORTH = Threshold(0.2, "a choice: two more numbers in the code explain so much more")
STANDS_BELOW = Threshold(0.3, SHORT_OF.source)
GAP = Threshold(0.1, "training score less test score")
RISE = Threshold(0.15, "rise of the validation loss from its lowest")

# --- adversaries
TELLS = Threshold(0.97, "share of pairs that a discriminator orders rightly: 0.5 at the equilibrium (Goodfellow, 2014)")
FOOLED = Threshold(0.15, "0.4 to 0.8 in the end of healthy runs: 0.5 where made samples cannot be told from real ones")
COVERED = Threshold(0.45, "share of real samples with a made one near: 1 - 2^-5 at best (Naeem et al., 2020)")
