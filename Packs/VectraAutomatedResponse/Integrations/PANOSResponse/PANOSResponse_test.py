"""What can be told without a server; against one, the conformance suite and Tests/panos_response test this driver."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import requests
from PANOSResponse import *

PARAMS = {"url": "https://fw.example.com/", "api_key": {"password": "made-up-key"}, "tries": "1"}
HERE = Place("", "")
SYSTEM = (
    '<response status="success"><result><system><sw-version>{version}</sw-version><ip-address>192.0.2.1</ip-address>'
    "<ipv6-address>unknown</ipv6-address><model>{model}</model><serial>{serial}</serial></system></result></response>"
)
DONE = '<response status="success"><result><uid-response><version>2.0</version></uid-response></result></response>'


def answer(body: str, status: int = 200) -> requests.Response:
    made = requests.Response()
    made.status_code = status
    made._content = body.encode()
    return made


def system(version: str = "10.2.9-h1", model: str = "PA-VM", serial: str = "7") -> requests.Response:
    return answer(SYSTEM.format(version=version, model=model, serial=serial))


def shown(*rows: tuple[str, str], count: str = "") -> requests.Response:
    entries = "".join(f'<entry ip="{ip}"><tag><member>{tag}</member></tag></entry>' for ip, tag in rows)
    return answer(
        f'<response status="success"><result>{entries}<count>{count or len(rows)}</count></result></response>'
    )


def problem(text: str) -> requests.Response:
    inside = f'<uid-response><payload><register><entry ip="x" message="{text}"/></register></payload></uid-response>'
    return answer(f'<response status="error"><msg><line>{inside}</line></msg></response>')


class Scripted(PANOSClient):
    """Answers from a list, and keeps the forms that it was sent."""

    def __init__(self, *answers: Any, **params: Any) -> None:
        super().__init__(settings_from_params({**PARAMS, **params}))
        self.answers = list(answers)
        self.forms: list[dict[str, str]] = []

    def exchange(self, method: str, path: str, request: Any) -> requests.Response:
        assert (method, path) == ("POST", "/api/")
        self.forms.append(request["data"])
        found = self.answers.pop(0)
        if isinstance(found, requests.Response):
            return found
        raise self.unanswered(found)


def driver(*answers: Any, **params: Any) -> PANOSDriver:
    return PANOSDriver(Scripted(*answers, **params), settings_from_params({**PARAMS, **params}))


def part(root: ElementTree.Element, path: str) -> ElementTree.Element:
    """The one element at a path."""
    [found] = root.findall(path)
    return found


def record(kind: str = "host", **facts: Any) -> dict[str, Any]:
    return {**new_record(kind, facts, 0), "claims": ["b/host:1"], "phase": "blocking"}


# ---- settings


def test_settings_have_defaults_and_one_place() -> None:
    settings = settings_from_params({**PARAMS, "url": "https://fw.example.com/api/"})
    assert (settings.http.url, settings.places, settings.http.verify) == ("https://fw.example.com", (HERE,), True)
    assert (settings.host_tag, settings.detection_tag, settings.static_tag) == (
        "Block_Host",
        "Block_Detection",
        "Block_Static",
    )


def test_settings_places_are_the_firewalls_behind_panorama() -> None:
    settings = settings_from_params({**PARAMS, "target_serials": "007, 008,007", "vsys": "vsys2"})
    assert settings.places == (Place("007", "vsys2"), Place("008", "vsys2"))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"url": "fw.example.com"}, r"'url' \(Server URL\): 'fw.example.com' is not an address"),
        ({"api_key": {}}, r"'api_key' \(API Key\) is empty"),
        ({"vsys": "vsys 1"}, "'vsys' .*: 'vsys 1' is not a name"),
        ({"target_serials": "007;008"}, "'target_serials' .*: '007;008' is no serial number"),
        ({"host_tag": "a,b"}, "'host_tag' .*: 'a,b' is not a tag"),
        ({"detection_tag": "x" * 128}, "'detection_tag' .* is not a tag of up to 127"),
        ({"static_tag": "Block_Detection"}, "'static_tag' .*: 'Block_Detection' is also the tag of something else"),
        ({"tag_timeout": "2592001"}, "'tag_timeout' .*: '2592001' is not between 0 and"),
        ({"timeout": "soon"}, "'timeout' .*: 'soon' is not a number"),
    ],
)
def test_settings_wrong_value_is_named(change: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=f"Parameter {told}"):
        settings_from_params({**PARAMS, **change})


def test_settings_host_and_detection_may_share_a_tag() -> None:
    assert settings_from_params({**PARAMS, "host_tag": "Block", "detection_tag": "Block"}).host_tag == "Block"


# ---- values


@pytest.mark.parametrize(
    ("text", "spelling"),
    [
        ("10.1.2.3", "10.1.2.3"),
        ("10.1.2.3/32", "10.1.2.3"),
        ("203.0.113.9/24", "203.0.113.0/24"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("2001:db8::1/32", "2001:db8::/32"),
        ("10.0.0.1 - 10.0.0.9", "10.0.0.1-10.0.0.9"),
        ("10.0.0.1-10.0.0.1", "10.0.0.1-10.0.0.1"),
    ],
)
def test_value_has_one_spelling(text: str, spelling: str) -> None:
    assert registrable(text).text == spelling == spelled(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("bad.example", "external dynamic list"),
        ("", "no address, network or range"),
        ("fe80::1%eth0", "no address, network or range"),
        ("10.0.0.9-10.0.0.1", "no address, network or range"),
        ("10.0.0.1-2001:db8::1", "no address, network or range"),
        ("0.0.0.0", "unspecified"),
        ("0.0.0.0/0", "unspecified"),
        ("128.0.0.0/1", "link-local"),
        ("127.0.0.1", "loopback"),
        ("169.254.1.1", "link-local"),
        ("224.0.0.5", "multicast"),
        ("255.255.255.255", "broadcast"),
        ("126.0.0.0-128.0.0.0", "loopback"),
        ("::/0", "unspecified"),
        ("::1", "loopback"),
        ("fe80::1", "link-local"),
        ("ff02::1", "multicast"),
    ],
)
def test_value_that_is_not_blocked_says_why(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        registrable(text)


# ---- XML


def test_message_has_the_text_as_text_and_survives_a_restart() -> None:
    tag = 'a</member><member>b & "c"'
    root = ElementTree.fromstring(ElementTree.tostring(uid_message("register", Item(registrable("10.0.0.1"), tag), 0)))
    assert [member.text for member in root.iter("member")] == [tag]
    assert part(root, "payload/register/entry").attrib == {"ip": "10.0.0.1", "persistent": "1"}
    assert (root.findtext("version"), root.findtext("type")) == ("1.0", "update")


def test_message_with_a_timeout_does_not_ask_for_persistence() -> None:
    root = uid_message("register", Item(registrable("10.0.0.1"), "t"), 60)
    assert part(root, "payload/register/entry").attrib == {"ip": "10.0.0.1"}
    assert part(root, ".//member").attrib == {"timeout": "60"}


def test_message_to_unregister_names_one_tag_and_nothing_else() -> None:
    root = uid_message("unregister", Item(registrable("10.0.0.1"), "t"), 60)
    assert ElementTree.tostring(part(root, "payload")) == (
        b'<payload><unregister><entry ip="10.0.0.1"><tag><member>t</member></tag></entry></unregister></payload>'
    )


def test_rows_of_a_reply_are_read_in_one_spelling() -> None:
    body = (Path(__file__).parent / "test_data" / "registered_ip.xml").read_bytes()
    assert registered_rows(parsed(body)) == {
        "10.1.2.3": frozenset({"Block_Host", "site-berlin"}),
        "2001:db8::7": frozenset({"Block_Detection"}),
    }


@pytest.mark.parametrize("result", ["<result/>", "<result><count>0</count></result>"])
def test_rows_of_an_empty_result_are_none(result: str) -> None:
    assert registered_rows(parsed(f'<response status="success">{result}</response>'.encode())) == {}


@pytest.mark.parametrize(
    "inside",
    ["", "<result><count>7</count></result>", "<result><rows><entry/></rows></result>", "<result><entry/></result>"],
)
def test_rows_in_an_unknown_form_are_no_empty_table(inside: str) -> None:
    with pytest.raises(ProductError, match="form that is not known"):
        registered_rows(parsed(f'<response status="success">{inside}</response>'.encode()))


def test_reply_with_declarations_is_not_parsed() -> None:
    bomb = '<!DOCTYPE r [<!ENTITY a "x"><!ENTITY b "&a;&a;">]><response status="success">&b;</response>'
    with pytest.raises(ValueError, match="document type"):
        parsed(bomb.encode())
    with pytest.raises(ValueError, match="codec"):
        parsed(bomb.encode("utf-16"))


# ---- client


@pytest.mark.parametrize(
    ("reply", "told", "uncertain"),
    [
        (answer('<response status="error" code="403"><result><msg>Invalid Credential</msg></result></response>'),
         r"refused \(code 403\): Invalid Credential. Check the API key", False),
        (answer('<response status="error" code="403"><msg>no</msg></response>', 403), "code 403", False),
        (answer('<response status="error" code="17"><msg><line>x is unexpected</line></msg></response>'),
         r"refused \(code 17\): x is unexpected", False),
        (answer('<response status="error" code="22"><msg>Session timed out</msg></response>'), "code 22", False),
        (answer('<response status="error" code="5"><msg/></response>'), "code 5", True),
        (answer("<response/>"), "without a reason", False),
        (answer("<html><body>Login</body></html>"), "not of its XML API", True),
        (problem("more than 32 tags"), "refused: more than 32 tags", False),
        (answer("<html>", 404), "answered HTTP 404", False),
        (answer("", 302), "answered HTTP 302", False),
        (answer("", 429), "answered HTTP 429", False),
        (answer("", 503), "answered HTTP 503", True),
        (answer('<response status="succ'), "not XML", True),
        (requests.ConnectionError("reset by peer"), r"did not answer \(ConnectionError\)", True),
    ],
)  # fmt: skip
def test_order_without_success_tells_what_is_known(reply: Any, told: str, uncertain: bool) -> None:
    with pytest.raises(ProductError, match=told) as caught:
        Scripted(reply).register(HERE, Item(registrable("10.0.0.1"), "t"), 0)
    assert caught.value.uncertain is uncertain


def test_order_that_was_done_before_is_no_error() -> None:
    item = Item(registrable("10.0.0.1"), "t")
    known, absent = "tag t already exists, ignore", "tag t does not exist, ignore unreg"
    assert Scripted(problem(known)).register(HERE, item, 0) is False
    assert Scripted(problem(absent)).unregister(HERE, item) is False
    plain = answer(f'<response status="error"><msg><line>{known}</line></msg></response>')
    assert Scripted(plain).register(HERE, item, 0) is False
    with pytest.raises(ProductError, match="does not exist"):
        Scripted(problem(absent)).register(HERE, item, 0)


def test_tagged_reads_page_by_page() -> None:
    rows = [(f"10.0.{number // 250}.{number % 250}", "t") for number in range(501)]
    client = Scripted(shown(*rows[:500]), shown(*rows[500:]))
    assert len(client.tagged(HERE, "t")) == 501
    assert [ElementTree.fromstring(form["cmd"]).findtext(".//start-point") for form in client.forms] == ["1", "501"]


def test_tagged_ends_where_pages_are_not_known() -> None:
    page = shown(*((f"10.0.{number // 250}.{number % 250}", "t") for number in range(500)))
    assert len(Scripted(page, page).tagged(HERE, "t")) == 500


def test_system_of_another_device_is_refused() -> None:
    with pytest.raises(ProductError, match=r"firewall 8 was asked and 7 answered\. Is the address that of a Panorama"):
        Scripted(system()).system(Place("8", ""))


def test_system_without_a_version_is_refused() -> None:
    with pytest.raises(ProductError, match="did not tell its version"):
        Scripted(answer('<response status="success"><result/></response>')).system(HERE)


# ---- driver


def test_test_is_ok_and_wants_firewalls_of_a_panorama() -> None:
    assert driver(system(), shown()).test() == "ok"
    assert "target_serials" in driver(system(model="Panorama")).test()


def test_targets_of_each_kind() -> None:
    blocker = driver()
    assert blocker.targets(Host("1", ip="10.0.0.1")) == [
        Target("10.0.0.1@Block_Host", {"tag": "Block_Host", "places": ["/"]})
    ]
    named = blocker.targets(Detection("9", ("198.51.100.7",), ("bad.example",)))
    assert [target.element for target in named] == ["198.51.100.7@Block_Detection", "bad.example"]
    [static] = blocker.targets(Destinations("static", ("192.0.2.9/24",)))
    assert static == Target("192.0.2.0/24", {"tag": "Block_Static", "places": ["/"]})
    for entity, status in ((Host("1", name="pc"), "not_found"), (Account("7", "jane"), "unsupported")):
        with pytest.raises(TargetError) as caught:
            blocker.targets(entity)
        assert caught.value.status == status


def test_block_registers_and_looks() -> None:
    client = Scripted(system(), answer(DONE), shown(("10.0.0.1", "Block_Host")), vsys="vsys2")
    blocker = PANOSDriver(client, settings_from_params({**PARAMS, "vsys": "vsys2"}))
    assert blocker.block(Target("10.0.0.1@Block_Host"), record()) == Outcome("applied", reference="tag Block_Host")
    assert [(form["type"], form["vsys"]) for form in client.forms] == [
        ("op", "vsys2"),
        ("user-id", "vsys2"),
        ("op", "vsys2"),
    ]


def test_block_accepted_is_not_done() -> None:
    outcome = driver(system(), answer(DONE), shown()).block(Target("10.0.0.1@Block_Host"), record())
    assert (outcome.status, outcome.reason) == ("pending", "registered, not shown yet at the firewall")


def test_block_with_another_tag_on_the_address_is_not_done() -> None:
    found = shown(("10.0.0.1", "Other"))
    assert driver(system(), answer(DONE), found).block(Target("10.0.0.1@Block_Host"), record()).status == "pending"


def test_block_look_that_fails_leaves_the_order_standing() -> None:
    outcome = driver(system(), answer(DONE), answer("", 503)).block(Target("10.0.0.1@Block_Host"), record())
    assert outcome.status == "pending" and "HTTP 503" in outcome.reason


@pytest.mark.parametrize(
    ("element", "version", "told"),
    [
        ("bad.example", "10.2.0", "external dynamic list"),
        ("127.0.0.1@Block_Host", "10.2.0", "loopback"),
        ("192.0.2.1@Block_Host", "10.2.0", "address of the firewall itself"),
        ("192.0.2.0/24", "10.2.0", "contains 192.0.2.1"),
        ("198.51.100.0/24", "9.1.16", "PAN-OS 9.1.16, which registers single addresses only"),
        ("198.51.100.1-198.51.100.9", "9.1.16", "need 10.0"),
    ],
)
def test_block_what_cannot_or_must_not_be_is_unsupported(element: str, version: str, told: str) -> None:
    outcome = driver(system(version)).block(Target(element), record("destinations"))
    assert outcome.status == "unsupported" and told in outcome.reason


def test_block_own_address_in_the_settings_is_unsupported() -> None:
    outcome = driver(system(), url="https://[2001:db8::5]:8443").block(Target("2001:db8::5@Block_Host"), record())
    assert outcome.status == "unsupported" and "PAN-OS itself" in outcome.reason


@pytest.mark.parametrize(
    ("kind", "element", "tag"),
    [
        ("host", "10.0.0.1@Old", "Old"),
        ("host", "10.0.0.1", "Block_Host"),
        ("detection", "10.0.0.1", "Block_Detection"),
        ("destinations", "10.0.0.1", "Block_Static"),
        ("account", "10.0.0.1", ""),
    ],
)
def test_item_of_an_element_in_this_spelling_and_in_that_of_var(kind: str, element: str, tag: str) -> None:
    assert driver().item(element, new_record(kind, None, 0)).tag == tag


def test_item_of_a_static_entry_keeps_the_tag_that_it_was_blocked_with() -> None:
    assert driver().item("10.0.0.1", record("destinations", tag="Former")).tag == "Former"


def test_state_of_a_text_that_is_no_address_is_gone() -> None:
    assert driver().state('x" & <y>', record()).state == "gone"
    assert driver().unblock("bad.example", record()).status == "not_found"


def test_state_of_settled_elements_is_looked_up_together() -> None:
    blocker = driver(shown(("10.0.0.1", "Block_Host")))
    settled = {**record(), "phase": "blocked"}
    assert [blocker.state(f"10.0.0.{number}@Block_Host", settled).state for number in (1, 2, 3)] == [
        "blocked",
        "free",
        "free",
    ]


def test_state_at_no_place_that_answers_is_an_error() -> None:
    with pytest.raises(ProductError, match="HTTP 503"):
        driver(answer("", 503)).state("10.0.0.1@Block_Host", record())
