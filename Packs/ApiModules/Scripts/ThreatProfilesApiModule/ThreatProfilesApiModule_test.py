"""Keys and rows of articles, the names of records, and the matcher."""

import time
from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ThreatProfilesApiModule import (
    Matcher,
    Watched,
    article_key,
    article_text,
    canonical_link,
    has_name,
    iso_time,
    merged_rows,
    name_key,
    note_of,
    row_key,
    row_link,
    row_of,
    slug_text,
    watched_of,
    weakness,
)

WATCHED = (
    Watched("1", "Threat Actor", "APT1", ("Comment Crew",)),
    Watched("10", "Threat Actor", "APT10", ("Stone Panda",)),
    Watched("28", "Threat Actor", "APT28", ("Fancy Bear", "STRONTIUM", "Grizzly Steppe")),
    Watched("29", "Threat Actor", "APT29", ("Cozy Bear", "Grizzly Steppe")),
    Watched("w", "Threat Actor", "Winter Vivern", ("TA473",)),
    Watched("v", "Malware", "WinterViper"),
    Watched("c", "Malware", "Conti"),
    Watched("o", "Malware", "Clop", ("Cl0p",)),
    Watched("a", "Threat Actor", "APT"),
    Watched("s", "Threat Actor", "Syrian Electronic Army", ("SEA",)),
    Watched("b", "Threat Actor", "Cobalt"),
    Watched("l", "Threat Actor", "Lazarus Group", ("Hidden Cobra",)),
    Watched("q", "Threat Actor", 'Quote " or type:Malware'),
    Watched("z", "Threat Actor", "Silence"),
    Watched("d", "Malware", "PlugX", ("plugx", "Plug X")),
    Watched("m", "Threat Actor", "Мирай"),
    Watched("g", "Threat Actor", "Müllerbande"),
    Watched("1937", "Threat Actor", "1937"),
    Watched("x", "Threat Actor", "8"),
)
MATCHER = Matcher(WATCHED)


def ids(text: str) -> list[str]:
    return [hit.watched_id for hit in MATCHER.find(text)]


# ---- keys


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("HTTPS://News.Example.COM:443/Path/A/?utm_source=x&id=7&fbclid=y#top", "https://news.example.com/Path/A?id=7"),
        ("http://a.example", "http://a.example"),
        ("http://a.example/", "http://a.example"),
        ("http://a.example:8080//", "http://a.example:8080"),
        ("https://user:secret@a.example./x", "https://a.example/x"),
        (" https://a.example/x\n", "https://a.example/x"),
        ("https://a.example/für/%c3%a4 b", "https://a.example/f%C3%BCr/%C3%A4%20b"),
        ("https://a.example/100%", "https://a.example/100%25"),
        ("https://[2001:DB8::1]:8443/x", "https://[2001:db8::1]:8443/x"),
        ("https://a.example/?UTM_Campaign=1", "https://a.example"),
        ("https://a.example/?q=utm_source", "https://a.example?q=utm_source"),
        ("javascript:alert(1)", ""),
        ("ftp://a.example/x", ""),
        ("/relative", ""),
        ("https://[broken", ""),
        ("https://a.example:99999/", ""),
        ("https:///path", ""),
        ("", ""),
    ],
)
def test_canonical_link_what_does_not_change_the_article_is_gone(url: str, link: str) -> None:
    assert canonical_link(url) == link


@given(st.text())
def test_canonical_link_any_text_is_idempotent(text: str) -> None:
    once = canonical_link(f"https://a.example/{text}")
    assert canonical_link(once) == once
    assert canonical_link(canonical_link(text)) == canonical_link(text)


def test_article_key_link_that_begins_like_another_is_another() -> None:
    assert article_key("https://a.example/apt1") != article_key("https://a.example/apt10")


@pytest.mark.parametrize(
    ("parts", "key"),
    [
        (("https://a.example/x#y", "tag:1"), "tag:1"),
        (("https://a.example/x#y", "https://a.example/?p=1&utm_source=z"), "https://a.example?p=1"),
        (("https://a.example/x#y", ""), "https://a.example/x"),
        (("", "", " A  Title "), "a title"),
        (("", "", ""), ""),
    ],
)
def test_article_key_guid_then_link_then_title(parts: tuple[str, ...], key: str) -> None:
    assert article_key(*parts) == key


@pytest.mark.parametrize(
    ("link", "words"),
    [
        ("https://a.example/2024/05/apt28-returns_again.html", "2024 | 05 | apt28 returns again"),
        ("https://a.example/Joint%20report+%28x%29.pdf?y=Turla", "Joint report (x)"),
        ("https://turla.example/", ""),
        ("https://[broken", ""),
    ],
)
def test_slug_text_is_the_path_in_words(link: str, words: str) -> None:
    assert slug_text(link) == words


def test_article_text_parts_do_not_run_together() -> None:
    article = {"title": "About Fancy", "link": "https://a.example/bear-x", "text": None}
    assert article_text(article) == "About Fancy | bear x"
    assert ids(article_text(article)) == []


# ---- rows


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("2024-01-31", "2024-01-31T00:00:00Z"),
        ("2024-01-31T10:00:00.1234567Z", "2024-01-31T10:00:00Z"),
        ("2024-01-31T10:00:00+02:00", "2024-01-31T08:00:00Z"),
        ("Wed, 31 Jan 2024 10:00:00 -0500", "2024-01-31T15:00:00Z"),
        (datetime(2024, 1, 31, 10, tzinfo=timezone.utc), "2024-01-31T10:00:00Z"),
        (0, "1970-01-01T00:00:00Z"),
        ("0001-01-01T00:00:00Z", ""),
        ("yesterday", ""),
        (True, ""),
        (1e30, ""),
        (None, ""),
    ],
)
def test_iso_time_what_the_server_reads_or_nothing(value: Any, text: str) -> None:
    assert iso_time(value) == text


@given(st.one_of(st.text(), st.integers(), st.floats(), st.datetimes()))
def test_iso_time_anything_is_a_date_or_nothing(value: Any) -> None:
    text = iso_time(value)
    assert text == "" or iso_time(text) == text


@pytest.mark.parametrize("title", ['a | b, "c"', "攻撃者 « ЩИТ »", "  two\nlines "])
def test_row_of_check_5_title_with_special_characters_stays(title: str) -> None:
    row = row_of({"title": title, "link": "https://a.example/x", "source": "News", "timestamp": "2024-01-31"})
    assert row == {
        "link": "https://a.example/x", "title": " ".join(title.split()), "source": "News",
        "timestamp": "2024-01-31T00:00:00Z",
    }  # fmt: skip


def test_row_of_check_5_item_without_link_title_or_date_has_no_such_cell() -> None:
    assert row_of({"title": "A", "timestamp": "soon"}) == {"title": "A"}
    assert row_of({"link": "HTTPS://A.example/"}) == {"link": "https://a.example"}


def test_note_of_is_title_colon_link_as_before() -> None:
    article = {"title": "A", "link": "https://a.example/x", "timestamp": 0}
    assert note_of(article) == {"notes": "A: https://a.example/x", "timestamp": "1970-01-01T00:00:00Z"}
    assert note_of({"title": "A"}) == {"notes": "A"}


def test_row_key_same_article_in_both_fields_is_one() -> None:
    article = {"title": "See https://b.example first", "link": "https://a.example/x/?utm_id=1"}
    assert row_key(row_of(article)) == row_key(note_of(article)) == "https://a.example/x"
    assert row_key({"notes": "written by hand"}) == "written by hand"
    assert row_key("text") == ""


def rows(*numbers: int) -> list[dict[str, str]]:
    return [{"link": f"https://a.example/{n}", "timestamp": iso_time(n * 86_400)} for n in numbers]


def test_merged_rows_check_1_same_article_twice_is_one_row() -> None:
    once, added = merged_rows([], [*rows(1), {"link": "https://A.example/1/?utm_source=x#y"}])
    assert (once, added) == (rows(1), 1)
    assert merged_rows(once, rows(1)) == (once, 0)


def test_merged_rows_newest_come_first_and_the_oldest_go() -> None:
    assert merged_rows(rows(2), rows(1, 3), 2) == (rows(3, 2), 1)


def test_merged_rows_article_older_than_all_that_fit_is_not_added() -> None:
    assert merged_rows(rows(3, 2), rows(1), 2) == (rows(3, 2), 0)


def test_merged_rows_check_3_no_rows_null_and_500_rows() -> None:
    assert merged_rows(None, rows(1)) == (rows(1), 1)
    old = rows(*range(500, 0, -1))
    merged, added = merged_rows(old, rows(501))
    assert (len(merged), merged[0], merged[-1], added) == (500, rows(501)[0], rows(2)[0], 1)


def test_merged_rows_rows_of_people_and_without_date_stay() -> None:
    old = [{"title": "by hand"}, "odd", {"link": "https://a.example/9", "timestamp": "soon"}]
    merged, added = merged_rows(old, rows(1))
    assert (merged, added) == ([*rows(1), *old], 1)


def test_merged_rows_notes_of_people_are_never_cut_away() -> None:
    people = [{"notes": "Old friend, see https://a.example/7 there", "timestamp": "2001-01-01"}, {"notes": "undated"}]
    articles = [{"notes": f"T: https://a.example/{n}", "timestamp": iso_time(n * 86_400)} for n in (3, 2)]
    new = {"notes": "T: https://a.example/4", "timestamp": iso_time(4 * 86_400)}
    merged, added = merged_rows([*articles, *people], [new], 3)
    assert (merged, added) == ([people[0], new, people[1]], 1)
    assert merged_rows(people, [new], 2) == (people, 0)


@pytest.mark.parametrize(
    ("row", "link"),
    [
        ({"link": "https://A.example/1/"}, "https://a.example/1"),
        ({"notes": "Title: with https://b.example/x in it: https://A.example/1/"}, "https://a.example/1"),
        ({"notes": "https://a.example/1"}, "https://a.example/1"),
        ({"notes": "see https://a.example/1"}, ""),
        ({"notes": "T: https://a.example/1 is wrong"}, ""),
        ({"title": "T"}, ""),
        ("odd", ""),
    ],
)
def test_row_link_is_that_of_an_article(row: Any, link: str) -> None:
    assert row_link(row) == link


@given(st.lists(st.integers(0, 9)), st.lists(st.integers(0, 9)), st.integers(1, 12))
def test_merged_rows_again_changes_nothing(old: list[int], new: list[int], most: int) -> None:
    first, _ = merged_rows(rows(*dict.fromkeys(old)), rows(*new), most)
    assert merged_rows(first, rows(*new), most) == (first, 0)


# ---- names of records


def test_watched_of_reads_aliases_of_every_shape() -> None:
    record = {
        "id": 7,
        "value": "A",
        "indicator_type": "Malware",
        "CustomFields": {"aliases": "b,c", "stixaliases": ["d"]},
    }
    assert watched_of(record) == Watched("7", "Malware", "A", ("b", "c", "d"))
    assert watched_of({"id": "7", "value": "A", "CustomFields": None}).names == ("A",)


@pytest.mark.parametrize(
    ("name", "types", "field", "has"),
    [
        ("TURLA", ("Threat Actor",), "aliases", True),
        ("snake", ("threat actor",), "aliases", True),
        ("Turl", (), "aliases", False),
        ("Turla", ("Malware",), "aliases", False),
        ("Team 9", (), "nickname", True),
        ("Team 9", (), "aliases", False),
    ],
)
def test_has_name_only_the_whole_name_and_the_type(name: str, types: tuple[str, ...], field: str, has: bool) -> None:
    fields = {"aliases": ["Snake"], "nickname": "Team 9"}
    record = {"id": "7", "value": "Turla", "indicator_type": "Threat Actor", "CustomFields": fields}
    assert has_name(record, name, types, field) is has


# ---- the matcher


@pytest.mark.parametrize(
    "text",
    [
        "APT10x strikes", "APT100", "xAPT1", "continue", "contingency", "encyclopedia", "laptop", "adapt the chapter",
        "cheap tickets", "research", "at sea", "Sea level", "an APT campaign", "Cobalt Strike beacons", "cobalt-strike",
        "Cobalt mining", "silence is golden",
        "Hackers Silence Critics", "fancy, bear with me", "Fancy. Bear", "A PT28", "Win terVivern",
        "vulnerability 1937", "8 tips", "",
    ],
)  # fmt: skip
def test_find_check_2_part_of_a_word_or_everyday_word_is_no_hit(text: str) -> None:
    assert ids(text) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("APT-28 is back", ["28"]), ("APT 28 is back", ["28"]), ("apt28", ["28"]), ("apt_28", ["28"]),
        ("Fancy Bear", ["28"]), ("fancybear", ["28"]), ("FANCY-BEAR", ["28"]), ("Fancy\u00a0Bear", ["28"]),
        ("Fancy\nBear", ["28"]), ("Fancy Bear's tools", ["28"]), ("Fancy\u2010Bear", ["28"]),
        ("WinterVivern", ["w"]), ("Winter Vivern", ["w"]), ("winter-vivern", ["w"]), ("Winter Viper", ["v"]),
        ("APT10", ["10"]), ("APT1 and APT10", ["1", "10"]), ("Conti leaks", ["c"]), ("the Clop gang", ["o"]),
        ("clop ransomware", ["o"]), ("cl0p", ["o"]), ("SEA hackers", ["s"]), ("by SEA on Monday", ["s"]),
        ("the Cobalt group", ["b"]), ("how Silence robs banks", ["z"]), ("Lazarus", ["l"]),
        ("lazarus-groups-tool", ["l"]),
        ("Мирай растёт", ["m"]), ("Lazarusの攻撃", ["l"]), ("ＡＰＴ２８", ["28"]), ("MU\u0308LLERBANDE", ["g"]),
        ("mullerbande", ["g"]),
    ],
)  # fmt: skip
def test_find_check_2_every_way_to_write_a_name_is_a_hit(text: str, found: list[str]) -> None:
    assert ids(text) == found


def test_find_check_1_two_aliases_of_one_record_are_one_hit() -> None:
    [hit] = MATCHER.find("Fancy Bear, also known as APT-28")
    assert (hit.name_as_found, hit.watched_id, hit.position, hit.why) == (
        "Fancy Bear", "28", 0, "alias 'Fancy Bear' of APT28",
    )  # fmt: skip


def test_find_short_form_of_another_records_name_is_that_record() -> None:
    matcher = Matcher(
        [Watched("1", "", "Lazarus Group"), Watched("2", "", "Lazarus"), Watched("3", "", "Hacking Team")]
    )
    assert [hit.watched_id for hit in matcher.find("Lazarus")] == ["2"]
    assert [hit.watched_id for hit in matcher.find("Lazarus Group")] == ["1"]
    assert matcher.find("a hacking campaign") == []


def test_find_name_of_several_records_by_setting() -> None:
    found = MATCHER.find("GRIZZLY STEPPE")
    assert [(hit.watched_id, hit.ambiguous) for hit in found] == [("28", True), ("29", True)]
    assert Matcher(WATCHED, ambiguous="skip").find("GRIZZLY STEPPE") == []
    with pytest.raises(ValueError, match="'some' is neither"):
        Matcher(WATCHED, ambiguous="some")


def test_find_stop_list_takes_a_name_out_and_hides_names_in_phrases() -> None:
    matcher = Matcher(WATCHED, stop=["conti", "Clop Avenue"])
    assert matcher.find("Conti leaks in Clop Avenue") == []
    assert [hit.watched_id for hit in matcher.find("the Clop gang")] == ["o"]


def test_explain_tells_why_each_name_counts_or_not() -> None:
    told = Matcher(WATCHED, stop=["Conti"]).explain("At sea, Conti met Cobalt Strike; Silence Fell On APT29")
    assert [(hit.name_as_found, hit.watched_id) for hit in told] == [
        ("sea", ""), ("Conti", ""), ("Silence", ""), ("APT29", "29"),
    ]  # fmt: skip
    assert told[0].why.startswith("'SEA' is a short or common word")
    assert told[1].why == "stopped by 'Conti'"


def test_explain_too_short_and_only_a_number_are_told() -> None:
    assert [hit.why for hit in MATCHER.explain("8 and 1937")] == [
        "'8' is too short or only a number",
        "'1937' is too short or only a number",
    ]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("SEA", "a short or common word"), ("Mask", "a short or common word"), ("Silence", "a short or common word"),
        ("88", "too short or only a number"), ("", "too short or only a number"), ("APT1", ""), ("Turla", ""),
        ("Silence Group", ""), ("Мир", ""),
    ],
)  # fmt: skip
def test_weakness_of_names_that_say_nothing_alone(name: str, why: str) -> None:
    assert weakness(name) == why


def test_name_key_ways_to_write_a_name_are_one() -> None:
    assert len({name_key(name) for name in ("Fancy Bear", "fancy-bear", "FancyBear", "FANCY BEAR")}) == 1


def test_find_position_is_where_the_name_stands() -> None:
    text = "Über APT-28 und TA473"
    assert [text[hit.position :][: len(hit.name_as_found)] for hit in MATCHER.find(text)] == ["APT-28", "TA473"]


@given(st.lists(st.sampled_from(["APT28", "Fancy", "Bear", "the", "apt", "1", "-", ", ", " ", "é", "連"]), max_size=30))
def test_find_any_text_each_record_once_and_in_order(pieces: list[str]) -> None:
    text = " ".join(pieces)
    found = MATCHER.find(text)
    assert len({hit.watched_id for hit in found}) == len(found)
    assert [hit.position for hit in found] == sorted(hit.position for hit in found)


def test_find_time_does_not_grow_with_the_number_of_names() -> None:
    text = "Some group attacked a bank with Fancy Bear tools " * 200
    many = Matcher([*WATCHED, *(Watched(f"n{n}", "", f"Nameless {n} Actor") for n in range(20_000))])

    def seconds(matcher: Matcher) -> float:
        best = float("inf")
        for _ in range(5):
            begin = time.process_time()
            matcher.find(text)
            best = min(best, time.process_time() - begin)
        return best

    assert seconds(many) < 5 * seconds(MATCHER) + 0.02
