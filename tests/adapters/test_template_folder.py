"""A team's templates: files of one folder, and nothing that only looks like one."""

import os
from pathlib import Path

import pytest
from interlock_gateway.adapters.template_folder import TemplateFolder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "exports"
    made.mkdir()
    (made / "ours.md").write_text("{{ section about }}\n", "utf-8")
    return made


def test_a_template_is_read_anew_each_time(folder: Path) -> None:
    templates = TemplateFolder(folder)
    assert templates.read("ours") == "{{ section about }}\n"
    (folder / "ours.md").write_text("changed", "utf-8")
    assert templates.read("ours") == "changed"
    assert templates.names() == ("ours",)


@pytest.mark.parametrize(
    "name",
    ["../secret", "/etc/passwd", "ours.md", "", ".", "..", "Ours", "o" * 50, "a/b", "ou\0rs"],
)
def test_a_name_that_is_none_opens_nothing(folder: Path, name: str) -> None:
    (folder.parent / "secret.md").write_text("secret", "utf-8")
    assert TemplateFolder(folder).read(name) is None


def test_a_link_a_folder_and_a_pipe_are_no_templates(folder: Path) -> None:
    secret = folder.parent / "secret"
    secret.write_text("password", "utf-8")
    (folder / "link.md").symlink_to(secret)
    (folder / "folder.md").mkdir()
    os.mkfifo(folder / "pipe.md")
    templates = TemplateFolder(folder)
    assert [templates.read(name) for name in ("link", "folder", "pipe")] == [None] * 3


def test_a_link_to_a_file_of_the_folder_is_followed(folder: Path) -> None:
    (folder / "..data").mkdir()
    (folder / "..data" / "mounted.md").write_text("as mounted", "utf-8")
    (folder / "mounted.md").symlink_to("..data/mounted.md")
    assert TemplateFolder(folder).read("mounted") == "as mounted"


def test_a_huge_file_is_not_taken_in_whole(folder: Path) -> None:
    (folder / "huge.md").write_bytes(b"x" * 5_000_000)
    assert len(TemplateFolder(folder).read("huge") or "") < 300_000


def test_a_home_without_templates_has_none(tmp_path: Path) -> None:
    assert TemplateFolder(tmp_path / "nowhere").names() == ()
    assert TemplateFolder(tmp_path / "nowhere").read("ours") is None
