"""What can go wrong with an expression of a playbook."""

from __future__ import annotations


class ExpressionError(ValueError):
    """An expression that cannot be read, or a value that it cannot work on. `where` names expression or task."""

    def __init__(self, problem: str, where: str = "") -> None:
        super().__init__(f"{where}: {problem}" if where else problem)
        self.problem = problem
        self.where = where


class Unsupported(ExpressionError):
    """Something that the server has and the house has not. `feature` names it; nothing is guessed in its place."""

    def __init__(self, feature: str, where: str = "") -> None:
        super().__init__(f"not supported: {feature}", where)
        self.feature = feature
