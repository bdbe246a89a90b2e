"""What goes wrong, by name: each is caught in one place."""


class TransientError(Exception):
    """A call failed in a way that another try may mend."""


class TooLong(Exception):
    """A problem does not fit the policy's context."""


class Interrupted(Exception):
    """The run is being stopped: hand over what is finished."""


class UserError(Exception):
    """The user's mistake: printed as it is, without a traceback; exit code 2."""


class Faults(UserError):
    """Everything that is wrong with the input, one line each."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = list(dict.fromkeys(lines))
        super().__init__("\n".join(self.lines))


class EngineDied(Exception):
    """A model's engine is gone; nothing it was asked can be answered."""
