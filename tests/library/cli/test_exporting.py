"""`interlock export`: forms, options, and the regions of a person's own file."""

import stat
from pathlib import Path

import httpx
import pytest
from desk import Desk
from interlock.export import Entry, build, render
from sample_incident import INCIDENT, sample

ROUTE = "GET /v1/incidents/INC-1/export"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


class Gateway:
    """Exports the sample, as far as it got."""

    def __init__(self) -> None:
        self.asked: list[dict[str, list[str]]] = []
        self.entries: list[Entry] = sample()[:30]

    def __call__(self, request: httpx.Request) -> httpx.Response:
        asked = {k: request.url.params.get_list(k) for k in request.url.params}
        self.asked.append(asked)
        text = render(
            "md",
            build(INCIDENT, self.entries),
            zone=asked.get("zone", ["UTC"])[0],
            sections=tuple(asked.get("section", ())),
            marked=asked.get("marked") == ["true"],
        )
        return httpx.Response(200, text=text)


@pytest.fixture
def gateway(desk: Desk) -> Gateway:
    made = Gateway()
    desk.gateway.routes[ROUTE] = made
    return made


def test_options_reach_the_gateway_as_they_were_said(desk: Desk, gateway: Gateway) -> None:
    line = "export INC-1 --template sre --profile external --zone Europe/Berlin --section timeline"
    assert desk.run(f"{line} --section numbers").code == 0
    assert gateway.asked[-1] == {
        "as": ["md"],
        "template": ["sre"],
        "profile": ["external"],
        "zone": ["Europe/Berlin"],
        "section": ["timeline", "numbers"],
    }


def test_a_file_that_is_not_there_is_made_with_regions(desk: Desk, gateway: Gateway) -> None:
    done = desk.run("export INC-1 --into pm.md")
    assert done.code == 0
    text = (desk.cwd / "pm.md").read_text("utf-8")
    assert text.count("<!-- interlock:begin") > 10
    assert gateway.asked[-1]["marked"] == ["true"]


def test_regions_are_written_again_and_words_between_them_stay(
    desk: Desk, gateway: Gateway
) -> None:
    desk.run("export INC-1 --into pm.md")
    path = desk.cwd / "pm.md"
    mine = path.read_text("utf-8").replace("who was affected", "EVERYBODY was affected")
    path.write_text(mine, "utf-8")
    gateway.entries = sample()
    done = desk.run("export INC-1 --into pm.md")
    after = path.read_text("utf-8")
    assert "timeline" in done.out
    assert "EVERYBODY was affected" in after
    assert "Checkout works again" in after
    assert "Checkout works again" not in mine
    assert desk.run("export INC-1 --into pm.md").out.endswith("is up to date.\n")


def test_one_section_alone_is_written(desk: Desk, gateway: Gateway) -> None:
    desk.run("export INC-1 --into pm.md")
    path = desk.cwd / "pm.md"
    before = path.read_text("utf-8")
    gateway.entries = sample()
    assert desk.run("export INC-1 --into pm.md --section timeline").code == 0
    assert gateway.asked[-1]["section"] == ["timeline"]
    after = path.read_text("utf-8")
    assert after.partition("## Timeline")[0] == before.partition("## Timeline")[0]


def test_a_file_without_a_place_says_which_two_lines_to_write(
    desk: Desk, gateway: Gateway
) -> None:
    (desk.cwd / "pm.md").write_text("# Mine\n", "utf-8")
    done = desk.run("export INC-1 --into pm.md --section timeline")
    assert done.code == 2
    shown = [line.strip() for line in done.err.splitlines()]
    assert shown[-2:] == ["<!-- interlock:begin section=timeline -->", "<!-- interlock:end -->"]
    assert (desk.cwd / "pm.md").read_text("utf-8") == "# Mine\n"
    assert not gateway.asked
    place = "<!-- interlock:begin section=timeline -->\n<!-- interlock:end -->\n"
    (desk.cwd / "pm.md").write_text(f"# Mine\n\n{place}", "utf-8")
    assert desk.run("export INC-1 --into pm.md").code == 0
    assert "declared the incident" in (desk.cwd / "pm.md").read_text("utf-8")


def edited(desk: Desk) -> Path:
    desk.run("export INC-1 --into pm.md")
    path = desk.cwd / "pm.md"
    path.write_text(path.read_text("utf-8").replace("took the role", "TOOK the role"), "utf-8")
    return path


def test_a_region_edited_by_hand_is_refused_and_nothing_is_written(
    desk: Desk, gateway: Gateway
) -> None:
    path = edited(desk)
    before = path.read_bytes()
    gateway.entries = sample()
    done = desk.run("export INC-1 --into pm.md")
    assert done.code != 0
    assert "edited by hand" in done.err
    assert "--force" in done.err
    assert path.read_bytes() == before


@pytest.mark.usefixtures("gateway")
def test_force_writes_over_it_and_keeps_a_copy_each_time(desk: Desk) -> None:
    path = edited(desk)
    before = path.read_bytes()
    done = desk.run("export INC-1 --into pm.md --force")
    assert "timeline had been edited by hand" in done.out
    assert "pm.md.edited" in done.out
    assert (desk.cwd / "pm.md.edited").read_bytes() == before
    assert "TOOK" not in path.read_text("utf-8")
    path.write_bytes(before)
    desk.run("export INC-1 --into pm.md --force")
    assert (desk.cwd / "pm.md.edited.2").read_bytes() == before


def test_a_file_made_for_readers_outside_stays_for_them(desk: Desk, gateway: Gateway) -> None:
    text = "<!-- interlock:begin section=timeline profile=external -->\n<!-- interlock:end -->\n"
    (desk.cwd / "pm.md").write_text(text, "utf-8")
    done = desk.run("export INC-1 --into pm.md")
    assert gateway.asked[-1]["profile"] == ["external"]
    assert done.code == 2  # the pretend gateway exports for people inside, whatever it is asked
    assert "profile external" in done.err
    assert (desk.cwd / "pm.md").read_text("utf-8") == text


def test_the_mode_of_a_file_stays_and_a_link_stays_a_link(desk: Desk, gateway: Gateway) -> None:
    desk.run("export INC-1 --into real.md")
    real = desk.cwd / "real.md"
    real.chmod(0o640)
    (desk.cwd / "pm.md").symlink_to("real.md")
    gateway.entries = sample()
    assert desk.run("export INC-1 --into pm.md").code == 0
    assert (desk.cwd / "pm.md").is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert "Checkout works again" in real.read_text("utf-8")
    assert names(desk.cwd) == ["pm.md", "real.md"]


def test_what_is_no_text_is_left_alone(desk: Desk, gateway: Gateway) -> None:
    (desk.cwd / "pm.md").write_bytes(b"\xff\xfe# x")
    (desk.cwd / "folder").mkdir()
    for name, why in (("pm.md", "not UTF-8"), ("folder", "it is no file")):
        done = desk.run(f"export INC-1 --into {name}")
        assert done.code == 2
        assert why in done.err
    assert (desk.cwd / "pm.md").read_bytes() == b"\xff\xfe# x"
    assert not gateway.asked


def test_a_byte_order_mark_and_line_ends_of_windows_stay(desk: Desk, gateway: Gateway) -> None:
    desk.run("export INC-1 --into pm.md")
    path = desk.cwd / "pm.md"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    gateway.entries = sample()
    assert desk.run("export INC-1 --into pm.md").code == 0
    after = path.read_bytes()
    assert after.startswith(b"\xef\xbb\xbf# Postmortem")
    assert after.count(b"\n") == after.count(b"\r\n")


def test_a_file_that_changed_meanwhile_is_not_written_over(desk: Desk, gateway: Gateway) -> None:
    desk.run("export INC-1 --into pm.md")
    path = desk.cwd / "pm.md"
    gateway.entries = sample()

    def slow(request: httpx.Request) -> httpx.Response:
        path.write_text("somebody else saved\n", "utf-8")
        return gateway(request)

    desk.gateway.routes[ROUTE] = slow
    done = desk.run("export INC-1 --into pm.md")
    assert done.code == 2
    assert "somebody else changed it meanwhile" in done.err
    assert path.read_text("utf-8") == "somebody else saved\n"
    assert names(desk.cwd) == ["pm.md"]


@pytest.mark.parametrize(
    "line",
    ["--into pm.md --as csv", "--into pm.md -o x.md", "--force", "--profile public", "--as pdf"],
)
def test_what_does_not_go_together_is_refused(desk: Desk, gateway: Gateway, line: str) -> None:
    assert desk.run(f"export INC-1 {line}").code == 2
    assert not gateway.asked
    assert names(desk.cwd) == []


def test_a_csv_file_keeps_its_line_ends(desk: Desk) -> None:
    desk.gateway.routes[ROUTE] = '"a","b"\r\n"c","d"\r\n'
    assert desk.run("export INC-1 --as csv -o x.csv").code == 0
    assert (desk.cwd / "x.csv").read_bytes() == b'"a","b"\r\n"c","d"\r\n'
