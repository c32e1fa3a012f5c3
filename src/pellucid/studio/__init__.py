"""The engine in a page: `pellucid.studio.open(model=..., data=...)`, or `pellucid studio` from a shell."""

from pellucid.studio.verb import open  # noqa: A004 - `pellucid.studio.open` reads as `webbrowser.open` does

__all__ = ["open"]
