"""`interlock slack`: links are listed, and ended."""

import json

from desk import Desk

LINK = {"person": "approver", "account": "U0ANNA", "how": "settings"}


def test_links_are_listed_with_where_they_come_from(desk: Desk) -> None:
    desk.gateway.routes["GET /v1/links"] = {"links": [LINK], "everybodys": True}
    assert desk.run("slack").out == "approver\tU0ANNA\tsettings\n"
    assert json.loads(desk.run("slack links --json").out) == [LINK]


def test_whoever_has_none_is_told_how_to_link_one(desk: Desk) -> None:
    desk.gateway.routes["GET /v1/links"] = {"links": [], "everybodys": False}
    assert "http://gateway.test/slack" in desk.run("slack links").err


def test_an_account_is_unlinked(desk: Desk) -> None:
    desk.gateway.routes["DELETE /v1/links/U0ANNA"] = {"links": [], "unlinked": LINK}
    result = desk.run("slack unlink U0ANNA")
    assert result.code == 0
    assert "✔ U0ANNA is not approver's any more" in result.out


def test_a_name_that_is_hostile_stays_in_its_place(desk: Desk) -> None:
    desk.gateway.routes["DELETE /v1/links/..%2Fincidents"] = {"links": [], "unlinked": LINK}
    desk.run("slack unlink ../incidents")
    assert desk.gateway.asked[-1][0].startswith("DELETE /v1/links/")
