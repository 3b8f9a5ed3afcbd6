"""The errors of the engine.

EngineError                 the root; always one line that a user can act on
  UsageError                a wrong name, value or file: nothing was started or changed
    HomeMissing             the home folder has not been set up
    Unavailable             nothing here has the command or script, or no instance of it is enabled
  SecretError               a secret cannot be stored or found
  ServerError               a server call of running content is refused; reaches the content as ValueError
"""

from __future__ import annotations


class EngineError(ValueError):
    """Root of all errors that the engine raises on purpose."""


class UsageError(EngineError):
    """A wrong name, value or file. Nothing was started or changed."""


class HomeMissing(UsageError):
    """The home folder has not been set up."""


class Unavailable(UsageError):
    """Nothing here has the command or script, or no instance of it is enabled."""


class SecretError(EngineError):
    """A secret cannot be stored, or is needed and cannot be found."""


class ServerError(EngineError):
    """A server call of running content is refused."""
