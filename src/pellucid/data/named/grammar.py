"""A text whose rules are known: English sentences of a small grammar, always the same ones.

The verb agrees with a noun that may stand several words before it, with another noun in between ("the dogs near the
tree sleep"): a network that has learned this has learned more than which letter often follows which.
"""

import random

_NOUNS = (
    *(("dog", "dogs"), ("cat", "cats"), ("girl", "girls"), ("boy", "boys"), ("bird", "birds"), ("horse", "horses")),
    *(("teacher", "teachers"), ("child", "children"), ("farmer", "farmers"), ("mouse", "mice"), ("king", "kings")),
)
_PLACES = (
    *(("tree", "trees"), ("house", "houses"), ("river", "rivers"), ("garden", "gardens"), ("hill", "hills")),
    *(("bridge", "bridges"), ("window", "windows"), ("road", "roads")),
)
_ACTS = (
    *(("sleeps", "sleep"), ("sings", "sing"), ("waits", "wait"), ("runs", "run"), ("laughs", "laugh")),
    *(("is tired", "are tired"), ("is here", "are here"), ("has gone", "have gone")),
)
_DEEDS = (
    *(("sees", "see"), ("likes", "like"), ("follows", "follow"), ("hears", "hear"), ("finds", "find")),
    *(("knows", "know"), ("calls", "call")),
)
_ADJECTIVES = ("small", "old", "young", "quiet", "happy", "white", "black", "hungry", "clever", "brown")
_PREPOSITIONS = ("near", "behind", "under", "beside", "in front of")
_ADVERBS = ("today", "again", "in the evening", "every morning", "without a sound")


def sentences(count: int = 1500, seed: int = 0) -> str:
    r"""Return so many sentences, five a line.

    >>> sentences(2)
    'The teachers that the birds hear run. The old mice find the cat.\n'
    """
    draw = random.Random(seed)  # noqa: S311 - sentences, not secrets
    written = [_sentence(draw) for _ in range(count)]
    return "".join(" ".join(written[start : start + 5]) + "\n" for start in range(0, count, 5))


def _sentence(draw: random.Random) -> str:
    number = draw.randrange(2)
    subject = _noun_phrase(draw, number)
    if draw.random() < 0.5:
        subject += draw.choice((_place, _clause))(draw)
    if draw.random() < 0.5:
        said = draw.choice(_ACTS)[number]
    else:
        said = f"{draw.choice(_DEEDS)[number]} {_noun_phrase(draw, draw.randrange(2))}"
    adverb = f" {draw.choice(_ADVERBS)}" if draw.random() < 0.2 else ""
    return f"{subject[0].upper()}{subject[1:]} {said}{adverb}."


def _noun_phrase(draw: random.Random, number: int) -> str:
    adjective = f"{draw.choice(_ADJECTIVES)} " if draw.random() < 0.3 else ""
    return f"the {adjective}{draw.choice(_NOUNS)[number]}"


def _place(draw: random.Random) -> str:
    return f" {draw.choice(_PREPOSITIONS)} the {draw.choice(_PLACES)[draw.randrange(2)]}"


def _clause(draw: random.Random) -> str:
    number = draw.randrange(2)
    return f" that {_noun_phrase(draw, number)} {draw.choice(_DEEDS)[number]}"
