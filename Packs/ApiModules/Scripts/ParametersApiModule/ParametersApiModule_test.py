from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ParametersApiModule import (
    HttpSettings,
    choice_param,
    flag_param,
    http_params,
    lines_param,
    needed_param,
    number_param,
    password_param,
    secret_param,
    text_param,
    url_param,
    whole_param,
)

WORDS = ("normal", "Strict")


@pytest.mark.parametrize(
    ("read", "raw", "value"),
    [
        (lambda params: text_param(params, "p", "default"), None, "default"),
        (lambda params: text_param(params, "p", "default"), "", ""),
        (lambda params: text_param(params, "p"), " a b ", "a b"),
        (lambda params: needed_param(params, "p", "P", "default"), "", "default"),
        (lambda params: lines_param(params, "p"), "a, b\n# all of it\nc # why\nb", ("a", "b", "c")),
        (lambda params: lines_param(params, "p"), "a#b", ("a#b",)),
        (lambda params: lines_param(params, "p"), ["a", " ", "a", 7], ("a", "7")),
        (lambda params: lines_param(params, "p"), None, ()),
        (lambda params: choice_param(params, "p", "P", WORDS), "", "normal"),
        (lambda params: choice_param(params, "p", "P", WORDS, "Strict"), None, "Strict"),
        (lambda params: choice_param(params, "p", "P", WORDS), "STRICT", "Strict"),
        (lambda params: flag_param(params, "p"), None, False),
        (lambda params: flag_param(params, "p", True), "", True),
        (lambda params: flag_param(params, "p", True), "no", False),
        (lambda params: flag_param(params, "p"), True, True),
        (lambda params: number_param(params, "p", "P", 1.5, 0, 9), "", 1.5),
        (lambda params: number_param(params, "p", "P", 1.5, 0, 9), "0", 0.0),
        (lambda params: whole_param(params, "p", "P", 3, 0, 9), "9", 9),
        (lambda params: url_param(params, "p"), "https://[2001:db8::1]:8443/api/", "https://[2001:db8::1]:8443/api"),
        (lambda params: secret_param(params, "p", "P"), {"password": " abc "}, "abc"),
        (lambda params: secret_param(params, "p", "P", "identifier", required=False), {"identifier": ""}, ""),
        (lambda params: secret_param(params, "p", "P", required=False), None, ""),
        (lambda params: password_param(params, "p", "P"), {"password": "pass wörd"}, "pass wörd"),
    ],
)
def test_param_value_is_read(read: Callable[[dict[str, Any]], Any], raw: Any, value: Any) -> None:
    assert read({} if raw is None else {"p": raw}) == value


@pytest.mark.parametrize(
    ("read", "raw", "told"),
    [
        (lambda params: needed_param(params, "p", "P"), "  ", r"'p' \(P\) is empty"),
        (lambda params: choice_param(params, "p", "P", WORDS), "loose", r"'p' \(P\): 'loose' .* normal, Strict"),
        (lambda params: flag_param(params, "p"), "perhaps", "'p': 'perhaps' is neither"),
        (lambda params: number_param(params, "p", "P", 1, 0, 9), "ten", r"'p' \(P\): 'ten' is not a number"),
        (lambda params: number_param(params, "p", "P", 1, 0, 9), "nan", r"'nan' is not between 0 and 9"),
        (lambda params: number_param(params, "p", "P", 1, 0, 9), "10", r"'10' is not between 0 and 9"),
        (lambda params: whole_param(params, "p", "P", 1, 0, 9), "1.5", "'1.5' is not a whole number"),
        (lambda params: url_param(params, "p"), "server.example.com", "'server.example.com' is not an address"),
        (lambda params: url_param(params, "p"), "https://a/?key=x", "is not an address"),
        (lambda params: url_param(params, "p"), "https://a,https://b", "is not an address"),
        (lambda params: url_param(params, "p"), "https://a/x,y", "is not an address"),
        (lambda params: number_param(params, "p", "P", 1, 0.1, 2_592_000), "-1", "is not between 0.1 and 2592000"),
        (lambda params: secret_param(params, "p", "P"), {}, r"'p' \(P\) is empty"),
        (lambda params: secret_param(params, "p", "P"), "text", r"'p' \(P\) is empty"),
    ],
)
def test_param_wrong_value_is_named(read: Callable[[dict[str, Any]], Any], raw: Any, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        read({"p": raw})


def test_url_param_login_in_it_is_refused_and_not_shown() -> None:
    with pytest.raises(ValueError, match="has a login in it") as told:
        url_param({"url": "https://jane:hunter2@server.example.com"})
    assert "hunter2" not in str(told.value)


@given(st.text())
def test_secret_param_any_text_is_read_or_refused_without_showing_it(text: str) -> None:
    secret = f"hunter2{text}hunter2"
    if text.isascii() and text.isprintable() and " " not in text:
        assert secret_param({"p": {"password": secret}}, "p", "P") == secret
        return
    with pytest.raises(ValueError, match=r"^Parameter 'p' \(P\)") as told:
        secret_param({"p": {"password": secret}}, "p", "P")
    assert "hunter2" not in str(told.value)


def test_http_params_defaults_check_certificates() -> None:
    found = http_params({"url": "https://server.example.com/"}, rate=5)
    assert found == HttpSettings("https://server.example.com", True, False, 30, 3, 5)


def test_http_params_are_read_and_the_given_url_counts() -> None:
    given = {"url": "x", "insecure": "true", "proxy": True, "timeout": "5", "tries": "1", "requests_per_second": "0.5"}
    found = http_params(given, url="https://server.example.com/api", rate=5, tries=4)
    assert found == HttpSettings("https://server.example.com/api", False, True, 5, 1, 0.5)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"url": "server.example.com"}, r"'url' \(Server URL\)"),
        ({"timeout": "61"}, r"'timeout' \(Time limit of a request \(seconds\)\): '61' is not between 0.1 and 60\."),
        ({"tries": "0"}, r"'tries' .* between 1 and 10"),
        ({"requests_per_second": "0"}, r"'requests_per_second' .* between 0.1 and 1000"),
        ({"insecure": "perhaps"}, "'insecure'"),
    ],
)
def test_http_params_wrong_one_is_named(change: dict[str, str], told: str) -> None:
    with pytest.raises(ValueError, match=f"Parameter {told}"):
        http_params({"url": "https://server.example.com", **change}, rate=5, longest_timeout=60)
