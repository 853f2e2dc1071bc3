"""What can go wrong in the agent in ways a user can act on; every text is fit to show.

AgentError
├── SettingsError      a setting, given or from the environment, that cannot be used
├── LibraryError       the feature descriptions cannot be read, written, embedded or searched
├── QuestionError      a question, text or token that cannot be worked with
└── Unsupported        an answer that the ledger does not hold

Stopped is no failure: the user asked for it.
"""


class AgentError(Exception):
    """Root of all expected failures of this room; its text is one clear sentence."""


class SettingsError(AgentError):
    """A setting has a value that cannot be used."""


class LibraryError(AgentError):
    """The library of feature descriptions cannot do what it was asked."""


class QuestionError(AgentError):
    """The question, its text or one of its tokens cannot be worked with."""


class Unsupported(AgentError):
    """An answer was asked for, or written, that the ledger does not hold."""


class Stopped(Exception):
    """The user asked to stop."""
