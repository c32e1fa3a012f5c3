"""What the stand-in for the watch raises when a program has run for long enough; programs under test raise it too."""


class Enough(BaseException):
    """Enough steps."""
