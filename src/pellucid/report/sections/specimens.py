"""What the network makes of samples: reconstructions, masks, generated images, recalled patterns."""

from xml.etree.ElementTree import Element

from pellucid.report.figures import cloud
from pellucid.report.markup import Child, element
from pellucid.report.pictures import as_image
from pellucid.report.pieces import section
from pellucid.training.tasks.specimens import Specimen, Specimens


def specimens(shown: Specimens) -> Element:
    """Return samples side by side with what the network makes of them, or points over points."""
    cards = element("div", (_card(item) for item in shown.items), class_="specimens") if shown.items else None
    points = None if shown.cloud is None else element("div", cloud(shown.cloud), class_="pair")
    return section("specimens", shown.title, points, cards, lead=shown.lead)


def _card(item: Specimen) -> Element:
    several = len(item.pictures) > 1
    pictures = [
        element("div", as_image(pixels, f"{item.name}: {what}".removeprefix(": ")), _caption(what, shown=several))
        for what, pixels in item.pictures.items()
    ]
    said = [element("div", f"{what} ", element("strong", value)) for what, value in item.words.items()]
    name = element("div", item.name, class_="soft") if item.name else None
    caption = element("figcaption", said, name) if said or item.name else None
    return element("figure", element("div", pictures, class_="pictures"), caption)


def _caption(what: str, *, shown: bool) -> Child:
    return element("span", what, class_="soft") if shown else None
