"""The grammar: a text becomes tokens, tokens become a tree; what the words mean is not known here.

    network  = [shape "->"] chain
    chain    = item {"->" item}
    item     = shape | [count "*"] ("(" chain ")" | call)
    call     = name {"." name} ["(" arguments | branches ")"]
    branches = [name ":"] chain {"|" [name ":"] chain}
    argument = [name "="] (number | size | shape | name)
    shape    = size | "T" ["=" count] "x" count | "tokens" "(" arguments ")"
    size     = count {"x" count}

`→` is `->`, `×` is `x` or `*`; a line break is a space; `#` begins a comment that ends with its line.
"""

from collections.abc import Collection

from pellucid.errors import nearest
from pellucid.networks.place import Place, failure
from pellucid.networks.scanning import (
    ARROW_ADVICE,
    KERNEL_ADVICE,
    Kind,
    Token,
    in_range,
    number,
    said,
    scan,
    whole_number,
)
from pellucid.networks.tree import (
    Argument,
    Assertion,
    Branch,
    Branching,
    Call,
    Chain,
    Item,
    Repetition,
    Tree,
    Value,
)
from pellucid.shapes import Features, Image, Sequence, Shape, Tokens

DEEPEST_NESTING = 20


def read_tree(text: str, branching: Collection[str], zoo: Collection[str] = ()) -> Tree:
    """Return the tree of a text; `branching` are the words that hold chains, but for a zoo name without any.

    Raises:
        NotationError: the text does not follow the grammar.
    """
    return _Reader(text, branching, zoo).network()


def size_as_shape(size: tuple[int, ...], place: Place) -> Shape:
    """Return the shape a size such as 28x28x1 stands for.

    Raises:
        NotationError: it is no shape; HxW alone wants its channels.
    """
    match size:
        case (count,):
            return Features(count)
        case (height, width, channels):
            return Image(height, width, channels)
        case (height, width):
            raise failure(
                place,
                "an image's shape has three numbers",
                expected="height x width x channels",
                received=f"{height}x{width}",
                advice=f"write {height}x{width}x1 for grey images, {height}x{width}x3 for colour;"
                f" {height} steps of {width} features are T={height} x {width}",
            )
    raise failure(
        place,
        "a shape has at most three numbers",
        expected="13, 28x28x1, T x 8 or tokens(5000)",
        received="x".join(map(str, size)),
    )


class _Reader:
    """A recursive-descent reader: one method a rule of the grammar."""

    def __init__(self, text: str, branching: Collection[str], zoo: Collection[str]) -> None:
        self._branching = branching
        self._zoo = zoo
        self._tokens = scan(text)
        self._at = 0
        self._depth = 0

    def network(self) -> Tree:
        first = self._now
        if first.kind == "end":
            raise failure(
                first.place, "the text is empty", expected="a network", advice="such as 28x28x1 -> fc(10), or lenet5"
            )
        items = self._chain()
        self._expect_end()
        head, *rest = items
        whole = first.place.until(self._tokens[self._at - 1].place)
        if isinstance(head, Assertion):
            return Tree(head, tuple(rest), whole)
        return Tree(None, items, whole)

    def _chain(self) -> Chain:
        items = [self._item()]
        while self._now.kind == "arrow":
            self._take()
            items.append(self._item())
        return tuple(items)

    def _item(self) -> Item:
        self._depth += 1
        if self._depth > DEEPEST_NESTING:
            raise failure(
                self._now.place,
                "the layers are nested too deeply",
                expected=f"at most {DEEPEST_NESTING} levels",
                received="one more",
            )
        item = self._item_here()
        self._depth -= 1
        return item

    def _item_here(self) -> Item:
        token = self._now
        times = self._ahead(1).text == "*" or self._ahead(1).kind == "times"
        if token.kind == "number" and times and not self._is_size():
            return self._repetition()
        if token.kind == "number" or token.text in ("T", "tokens"):
            shape, place = self._shape()
            return Assertion(shape, place)
        if token.kind == "name":
            return self._call()
        raise failure(token.place, "a layer is missing", expected="a word or a shape", received=said(token))

    def _repetition(self) -> Item:
        token = self._take()
        count = whole_number(token)
        self._take()
        chain: Chain
        if self._now.text == "(":
            opening = self._take()
            chain = self._chain()
            closing = self._close(opening)
        else:
            chain = (self._item(),)
            closing = self._tokens[self._at - 1]
        return Repetition(count, chain, token.place.until(closing.place))

    def _call(self) -> Item:
        name = self._take()
        part = None
        if self._now.text == ".":
            self._take()
            part = self._expect("name", "the name of a part").text
        if name.text in self._branching and part is None and (name.text not in self._zoo or self._holds_chains()):
            return self._branches(name)
        arguments: tuple[Argument, ...] = ()
        end = self._tokens[self._at - 1]
        if self._now.text == "(":
            arguments, end = self._arguments()
        return Call(name.text, part, arguments, name.place.until(end.place))

    def _holds_chains(self) -> bool:
        """Say whether the parenthesis that opens here, if any, holds what only chains have."""
        depth, ahead = 0, 0
        while (token := self._ahead(ahead)).kind != "end":
            depth += (token.text == "(") - (token.text == ")")
            if depth == 0:
                break
            if token.kind == "arrow" or token.text in {":", "|"}:
                return True
            ahead += 1
        return False

    def _branches(self, name: Token) -> Branching:
        if self._now.text != "(":
            raise failure(
                name.place,
                f"{name.text} needs its layers in parentheses",
                expected=f"{name.text}( ... )",
                received=said(self._now),
            )
        opening = self._take()
        branches = [self._branch()]
        while self._now.text == "|":
            self._take()
            branches.append(self._branch())
        end = self._close(opening, also="'|'")
        return Branching(name.text, tuple(branches), name.place.until(end.place))

    def _branch(self) -> Branch:
        start = self._now
        name = None
        if start.kind == "name" and self._ahead(1).text == ":":
            name = self._take().text
            self._take()
        chain = self._chain()
        return Branch(name, chain, start.place.until(self._tokens[self._at - 1].place))

    def _arguments(self) -> tuple[tuple[Argument, ...], Token]:
        opening = self._take()
        arguments: list[Argument] = []
        while self._now.text != ")":
            arguments.append(self._argument())
            if self._now.text != ",":
                break
            self._take()
        return tuple(arguments), self._close(opening, also="','")

    def _argument(self) -> Argument:
        start = self._now
        name = None
        if start.kind == "name" and start.text != "T" and self._ahead(1).text == "=":
            name = self._take().text
            self._take()
        value = self._value()
        return Argument(name, value, start.place.until(self._tokens[self._at - 1].place))

    def _value(self) -> Value:
        token = self._now
        if token.text == "T" or (token.text == "tokens" and self._ahead(1).text == "("):
            return self._shape()[0]
        if token.kind == "number":
            return self._size(minimum=0)[0] if self._is_size() else number(self._take())
        if token.kind == "name":
            return self._take().text
        raise failure(
            token.place,
            "an argument is missing",
            expected="a number, a size such as 5x5, or a name",
            received=said(token),
            advice=KERNEL_ADVICE if token.text == "(" else "",
        )

    def _shape(self) -> tuple[Shape, Place]:
        token = self._now
        if token.text == "T":
            return self._sequence()
        if token.text == "tokens":
            return self._token_ids()
        size, place = self._size()
        return size_as_shape(size, place), place

    def _size(self, minimum: int = 1) -> tuple[tuple[int, ...], Place]:
        first = last = self._take()
        counts = [whole_number(first, minimum)]
        while self._now.kind == "times":
            self._take()
            last = self._expect("number", "a number")
            counts.append(whole_number(last, minimum))
        return tuple(counts), first.place.until(last.place)

    def _sequence(self) -> tuple[Shape, Place]:
        start = self._take()
        length = None
        if self._now.text == "=":
            self._take()
            length = whole_number(self._expect("number", "the number of steps"))
        if self._now.kind != "times":
            raise failure(
                self._now.place,
                "a sequence says the features of one step",
                expected="T x 8, or T=24 x 8",
                received=said(self._now),
            )
        self._take()
        last = self._expect("number", "the features of one step")
        return Sequence(whole_number(last), length), start.place.until(last.place)

    def _token_ids(self) -> tuple[Shape, Place]:
        start = self._take()
        example = "tokens(5000), or tokens(5000, length=20)"
        if self._now.text != "(":
            raise failure(
                start.place, "tokens needs the size of its vocabulary", expected=example, received=said(self._now)
            )
        arguments, end = self._arguments()
        place = start.place.until(end.place)
        counts: dict[str, int] = {}
        for argument, position in zip(arguments, ("vocabulary", "length", *[""] * len(arguments)), strict=False):
            name = argument.name or position
            if name not in ("vocabulary", "length") or name in counts or not isinstance(argument.value, int):
                raise failure(
                    argument.place,
                    "tokens does not take this",
                    expected=example,
                    received=argument.place.content,
                    advice=nearest(name, ("vocabulary", "length")),
                )
            counts[name] = in_range(argument.value, argument.place)
        if "vocabulary" not in counts:
            raise failure(place, "tokens needs the size of its vocabulary", expected=example, received=place.content)
        return Tokens(counts["vocabulary"], counts.get("length")), place

    def _is_size(self) -> bool:
        return self._ahead(1).kind == "times" and self._ahead(2).kind == "number"

    def _close(self, opening: Token, also: str = "'->'") -> Token:
        if self._now.text == ")":
            return self._take()
        if self._now.kind == "end":
            raise failure(
                opening.place, "this parenthesis is never closed", expected="')'", received="the end of the text"
            )
        raise failure(self._now.place, "this does not belong here", expected=f"{also} or ')'", received=said(self._now))

    def _expect_end(self) -> None:
        token = self._now
        if token.kind != "end":
            advice = "two layers are joined by an arrow" if token.kind in ("name", "number") else ""
            advice = ARROW_ADVICE if token.text == "=" else advice
            raise failure(
                token.place, "this does not belong here", expected="'->'", received=said(token), advice=advice
            )

    def _expect(self, kind: Kind, what: str) -> Token:
        if self._now.kind != kind:
            raise failure(self._now.place, f"{what} is missing", expected=what, received=said(self._now))
        return self._take()

    @property
    def _now(self) -> Token:
        return self._tokens[self._at]

    def _ahead(self, steps: int) -> Token:
        return self._tokens[min(self._at + steps, len(self._tokens) - 1)]

    def _take(self) -> Token:
        token = self._now
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token
