"""What of a step's output is kept, and what is said of the rest."""

from typing import Any

import pytest
from interlock.runner.outputs import Outputs


def taken(*messages: tuple[str, dict[str, Any]], quota: int = 1000) -> Outputs:
    outputs = Outputs(quota)
    for kind, content in messages:
        outputs.take(kind, content)
    return outputs


def printed(text: str, name: str = "stdout") -> tuple[str, dict[str, Any]]:
    return "stream", {"name": name, "text": text}


def shown(data: Any, kind: str = "display_data", **transient: str) -> tuple[str, dict[str, Any]]:
    return kind, {"data": data, "transient": transient}


def test_streams_are_merged_as_long_as_nothing_comes_between() -> None:
    outputs = taken(printed("a"), printed("b"), printed("!", "stderr"), printed("c"))
    assert [(record["name"], record["text"]) for record in outputs.records] == [
        ("stdout", "ab"),
        ("stderr", "!"),
        ("stdout", "c"),
    ]
    assert outputs.truncated == ""


def test_what_exceeds_the_quota_is_counted_and_said() -> None:
    outputs = taken(printed("x" * 900), printed("y" * 900), printed("z" * 900))
    text = outputs.records[0]["text"]
    assert text.startswith("x" * 900 + "y" * 100 + "…")
    assert "z" not in text
    assert outputs.truncated == (
        "1,700 of 2,700 bytes of output were not recorded: the limit is 1,000 bytes a step."
    )


def test_the_quota_counts_bytes_and_never_cuts_a_character() -> None:
    outputs = taken(printed("é" * 501), quota=1001)
    assert outputs.records[0]["text"].startswith("é" * 500 + "…")
    assert outputs.bytes == 1002


def test_a_display_keeps_its_text_and_its_richest_form() -> None:
    bundle = {"text/plain": "<Table>", "text/html": "<table/>", "application/json": {"a": 1}}
    assert taken(shown(bundle, "execute_result")).records == (
        {"kind": "result", "text": "<Table>", "mimetype": "text/html", "data": "<table/>"},
    )


_SPEC = {"mark": "line", "data": {"values": [{"v": 1}]}}
_VEGA = "application/vnd.vegalite.v5+json"


def test_a_chart_keeps_its_picture_and_what_it_was_drawn_from() -> None:
    bundle = {"text/plain": "Chart", "image/png": "aGk=", _VEGA: _SPEC, "text/html": "<div/>"}
    (record,) = taken(shown(bundle)).records
    assert (record["mimetype"], record["data"]) == ("image/png", "aGk=")
    assert record["spec"] == {"mimetype": _VEGA, "data": _SPEC}


def test_a_specification_without_a_picture_is_kept_before_its_markup() -> None:
    (record,) = taken(shown({_VEGA: _SPEC, "text/html": "<div/>"})).records
    assert (record["mimetype"], record["data"]) == (_VEGA, _SPEC)
    assert "spec" not in record


def test_a_picture_alone_is_kept_alone() -> None:
    (record,) = taken(shown({"text/plain": "Figure", "image/png": "aGk="})).records
    assert record == {
        "kind": "display",
        "text": "Figure",
        "mimetype": "image/png",
        "data": "aGk=",
    }


@pytest.mark.parametrize(
    ("bundle", "said"),
    [
        ("text", "not a mapping"),
        ({"text/plain": 5}, "must hold text"),
        ({"image/png": "*"}, "not base64"),
        ({"no mime type": ""}, "is not a mime type"),
        ({"text/html": {"a": 1}}, "must hold text, not dict"),
    ],
)
def test_an_invalid_display_is_an_error_of_that_display_alone(bundle: Any, said: str) -> None:
    outputs = taken(printed("before"), shown(bundle), printed("after"))
    kinds = [record["kind"] for record in outputs.records]
    assert kinds == ["stream", "error", "stream"]
    assert said in outputs.records[1]["text"]


def _nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize("value", [_nested(60), ["\ud800"], {"a": float("nan")}])
def test_json_that_no_reader_could_read_is_an_error_of_that_display_alone(value: Any) -> None:
    outputs = taken(shown({"application/json": value}), printed("still here"))
    assert [record["kind"] for record in outputs.records] == ["error", "stream"]
    assert taken(shown({"application/json": _nested(40)})).records[0]["kind"] == "display"


def test_a_newer_chart_than_anybody_knows_is_no_reason_to_fail() -> None:
    chart = {"application/vnd.newplot.v6+json": {"mark": "bar"}, "text/plain": "<Chart>"}
    assert taken(shown(chart)).records == ({"kind": "display", "text": "<Chart>"},)


def test_an_updated_display_shows_its_last_state() -> None:
    outputs = taken(
        shown({"text/plain": "10 %"}, display_id="bar"),
        printed("x"),
        shown({"text/plain": "90 %"}, "update_display_data", display_id="bar"),
    )
    assert [record["text"] for record in outputs.records] == ["90 %", "x"]


def test_a_display_beyond_the_quota_is_left_out_whole() -> None:
    outputs = taken(shown({"text/plain": "x" * 5000}), printed("small"))
    assert [record["kind"] for record in outputs.records] == ["stream"]
    assert "not recorded" in outputs.truncated


def test_errors_lose_their_colours() -> None:
    outputs = taken(("error", {"ename": "KeyError", "evalue": "\x1b[31m'x'\x1b[0m"}))
    assert outputs.records[0]["text"] == "KeyError: 'x'"


def test_what_is_no_output_is_ignored() -> None:
    assert taken(("comm_open", {}), ("clear_output", {"wait": True})).records == ()
