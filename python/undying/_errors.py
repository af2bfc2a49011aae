"""The exceptions of the package."""


class UndyingError(Exception):
    """What all of them are."""

    def __init__(self, message: str, subject: str = "", kind: str = ""):
        super().__init__(message)
        self.subject = subject  # the argument, file, column or operator concerned
        self.kind = kind  # "invalid argument", "not found", "bad data", "unsupported", "io"

    def __reduce__(self):
        return type(self), (str(self), self.subject, self.kind)


class InputError(UndyingError, ValueError):
    """An argument, file, model or data set that cannot be used: what was found, what was expected, what to do."""


class InternalError(UndyingError, RuntimeError):
    """A broken invariant of the library: a bug."""


class ConditionMet(UndyingError):
    """A condition of `fail_on` is met; `result` is the diagnosis."""

    def __init__(self, message: str, result=None):
        super().__init__(message, "fail_on", "condition met")
        self.result = result

    def __reduce__(self):
        return type(self), (str(self), self.result)


class Interrupted(KeyboardInterrupt):
    """Ctrl-C ended the work; `result` is what was finished, or None."""

    def __init__(self, result=None):
        super().__init__("interrupted; what was finished is in `result`" if result is not None else "interrupted")
        self.result = result
