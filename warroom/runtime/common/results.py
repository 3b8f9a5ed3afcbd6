"""CommandResults and the way results reach the user."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from warroom.runtime.common.entries import DemistoException, EntryFormat, EntryType
from warroom.runtime.common.server import demisto
from warroom.runtime.common.tables import tableToMarkdown

__all__ = ["CommandResults", "return_results"]


class CommandResults:
    """One answer of a command: context, text for people, raw data.

    `outputs` go to the context below `outputs_prefix`; `outputs_key_field` names the key, or keys, by which an item
    already there is recognised. Without a prefix they must be a dict, which is merged into the root. `raw_response` is
    `outputs` and `readable_output` a table of them unless given. `replace_existing` overwrites what is below the
    prefix, which then needs a dot. Raises ValueError for outputs that are no dict and have no prefix, and TypeError for
    a wrong `relationships` or `indicators`.
    """

    def __init__(
        self,
        outputs_prefix: str | None = None,
        outputs_key_field: str | Sequence[str] | None = None,
        outputs: Any = None,
        indicators: Sequence[Any] | None = None,
        readable_output: str | None = None,
        raw_response: Any = None,
        indicators_timeline: Any = None,
        indicator: Any = None,
        ignore_auto_extract: bool = False,
        mark_as_note: bool = False,
        relationships: Sequence[Any] | None = None,
        scheduled_command: Any = None,
        tags: Sequence[str] | None = None,
        entry_type: int | None = None,
        content_format: str | None = None,
        execution_metrics: Any = None,
        replace_existing: bool = False,
    ) -> None:
        if outputs and not isinstance(outputs, dict) and not outputs_prefix:
            raise ValueError("CommandResults: outputs_prefix is missing; only a dict can go to the root of the context")
        if indicators and indicator:
            raise ValueError("CommandResults: give indicator or indicators, not both")
        self.outputs_prefix = outputs_prefix
        self.outputs_key_field = outputs_key_field
        self.outputs = outputs
        self.indicators = indicators
        self.indicator = indicator
        self.readable_output = readable_output
        self.raw_response = outputs if raw_response is None else raw_response
        self.indicators_timeline = indicators_timeline
        self.ignore_auto_extract = ignore_auto_extract
        self.mark_as_note = mark_as_note
        self.relationships = relationships
        self.scheduled_command = scheduled_command
        self.tags = tags
        self.entry_type = entry_type or EntryType.NOTE
        self.content_format = content_format
        self.execution_metrics = execution_metrics
        self.replace_existing = replace_existing

    def to_context(self) -> dict[str, Any]:
        """The war room entry of this answer."""
        entry: dict[str, Any] = {
            "Type": EntryType.EXECUTION_METRICS if self.execution_metrics else self.entry_type,
            "ContentsFormat": self._format(),
            "Contents": self._contents(),
            "HumanReadable": self._readable(),
            "EntryContext": self._entry_context(),
            "IndicatorTimeline": list(getattr(self.indicators_timeline, "indicators_timeline", None) or []),
            "IgnoreAutoExtract": self.ignore_auto_extract is True,
            "Note": bool(self.mark_as_note),
            "Relationships": [item.to_entry() for item in self.relationships or () if item.to_entry()],
        }
        if self.tags:
            entry["Tags"] = list(self.tags)
        return self.scheduled_command.to_results() | entry if self.scheduled_command else entry

    def _contents(self) -> Any:
        if self.execution_metrics:
            return self.execution_metrics
        return self.readable_output if self.raw_response is None else self.raw_response

    def _format(self) -> str:
        if self.content_format:
            return self.content_format
        return EntryFormat.TEXT if isinstance(self._contents(), (str, int)) else EntryFormat.JSON

    def _readable(self) -> str | None:
        if self.readable_output is None and self.outputs:
            return tableToMarkdown("Results", self.outputs, headers=None if _is_table(self.outputs) else ["Value"])
        return self.readable_output

    def _entry_context(self) -> dict[str, Any]:
        context = _indicator_context([*(self.indicators or ()), *([self.indicator] if self.indicator else ())])
        if not self.outputs:
            return context
        if not self.outputs_prefix:
            return {**context, **self.outputs}
        if self.replace_existing:
            return {**context, **_replacement(self.outputs_prefix, self.outputs)}
        return {**context, _context_key(self.outputs_prefix, self.outputs_key_field): self.outputs}


def _is_table(outputs: Any) -> bool:
    return isinstance(outputs[0] if isinstance(outputs, list) else outputs, dict)


def _context_key(prefix: str, key_field: str | Sequence[str] | None) -> str:
    fields = [key_field] if isinstance(key_field, str) else list(key_field or ())
    tests = [f"val.{field} && val.{field} == obj.{field}" for field in fields]
    return f"{prefix}({' && '.join(tests)})" if tests else prefix


def _replacement(prefix: str, outputs: Any) -> dict[str, Any]:
    parent, dot, leaf = prefix.rpartition(".")
    if not dot:
        raise DemistoException(f"CommandResults: replace_existing needs an outputs_prefix with a dot, not {prefix!r}")
    return {f"{parent}(true)": {leaf: outputs}}


def _indicator_context(indicators: Iterable[Any]) -> dict[str, Any]:
    context: dict[str, Any] = {}
    for indicator in indicators:
        for key, value in indicator.to_context().items():
            context.setdefault(key, []).extend(value if isinstance(value, list) else [value])
    return context


def return_results(results: Any) -> None:
    """Gives results to the user: a text, a dict, a CommandResults, another object with `to_entry`, or a list of them.

    The answers of mirroring commands are passed on in their own form. None gives nothing.
    """
    if isinstance(results, list):
        _return_list(results)
    elif isinstance(results, CommandResults):
        demisto.results(results.to_context())
    elif hasattr(results, "to_entry"):
        demisto.results(results.to_entry())
    elif hasattr(results, "extract_for_local") or hasattr(results, "extract_mapping"):
        demisto.results(
            results.extract_mapping() if hasattr(results, "extract_mapping") else results.extract_for_local()
        )
    elif results is not None:
        demisto.results(results if isinstance(results, (str, dict, list)) else str(results))


def _return_list(results: list[Any]) -> None:
    plain = [item for item in results if isinstance(item, (dict, str))]
    for item in results:
        if not isinstance(item, (dict, str)):
            return_results(item)
    if plain:
        demisto.results(plain)
