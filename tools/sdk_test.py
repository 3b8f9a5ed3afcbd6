from __future__ import annotations

import pytest

from tools import sdk, unified


@pytest.mark.parametrize("offline", [True, False])
def test_environment_offline_switch_is_set_only_when_asked(offline: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMISTO_SDK_OFFLINE_ENV", "true")

    variables = sdk.environment(offline)

    assert ("DEMISTO_SDK_OFFLINE_ENV" in variables) is offline
    assert variables["DEMISTO_SDK_CONTENT_PATH"] == str(sdk.ROOT)


def test_packs_this_repository_has_the_shared_one() -> None:
    assert "ApiModules" in {pack.name for pack in sdk.packs()}


@pytest.mark.parametrize("error", [sdk.StepFailed("bad"), unified.BadBuild("bad")])
def test_run_failed_step_later_steps_still_run(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    def first_step() -> str:
        raise error

    def second_step() -> str:
        return "fine"

    assert sdk.run([first_step, second_step]) == 1
    assert capsys.readouterr().out == "first-step: FAILED: bad\nsecond-step: fine\n"


def test_run_no_failure_gives_zero(capsys: pytest.CaptureFixture[str]) -> None:
    def only_step() -> str:
        return "fine"

    assert sdk.run([only_step]) == 0
    assert capsys.readouterr().out == "only-step: fine\n"


@pytest.mark.parametrize("arguments", [[], ["unknown"], ["check", "dist"]])
def test_main_wrong_arguments_explain_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert sdk.main(arguments) == 2
    assert "check|dist|config" in capsys.readouterr().err
