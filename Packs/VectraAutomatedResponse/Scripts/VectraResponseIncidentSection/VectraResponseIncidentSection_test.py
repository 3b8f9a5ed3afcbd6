from typing import Any

import demistomock as demisto
import pytest
from VectraResponseIncidentSection import NOTHING, House, main, review_args, section

INCIDENT = {"CustomFields": {"vectraresponseentity": "host:41", "vectraresponsebrain": "a"}}


def house(answer: Any) -> House:
    def execute(command: str, args: dict[str, Any]) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    return House(execute, dict, dict, lambda: 0.0)


def test_review_args_come_from_the_fields_of_the_incident() -> None:
    assert review_args(INCIDENT) == {"type": "host", "id": "host:41", "brain": "a"}


@pytest.mark.parametrize("incident", [{}, {"CustomFields": None}, {"CustomFields": {"vectraresponseentity": "x"}}])
def test_section_incident_without_an_entity_says_so(incident: dict[str, Any]) -> None:
    assert section(house([]), incident) == NOTHING


def test_section_shows_what_the_review_shows() -> None:
    assert section(house([{"Type": 1, "HumanReadable": "### host"}]), INCIDENT) == "### host"


@pytest.mark.parametrize("answer", [ValueError("refused"), [{"Type": 4, "Contents": "refused"}]])
def test_section_review_that_fails_is_told(answer: Any) -> None:
    assert section(house(answer), INCIDENT) == "It could not be looked at: refused"


def test_main_gives_one_entry_of_markdown(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Any] = []
    monkeypatch.setattr(demisto, "incident", dict)
    monkeypatch.setattr(demisto, "results", shown.append)
    main()
    assert [(entry["Contents"], entry["ContentsFormat"]) for entry in shown] == [(NOTHING, "markdown")]
