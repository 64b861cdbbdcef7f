"""No secret leaves: not in an answer, an error, an event, an export, a metric or a log line."""

import sqlite3
from pathlib import Path

import httpx
import pytest
from interlock_gateway.adapters.clock import SystemClock
from interlock_gateway.app import application, codes_of, compose
from interlock_gateway.core.model import Person
from interlock_gateway.settings import load
from support.house import RunAt, Someone, house

_CANARY = "canary7zx"
_CODE = "CANA-RYCO-DE"
_CREDENTIALS = {
    "unreachable": f"postgresql://reader:{_CANARY}@127.0.0.1:1/orders",
    "no-dsn": _CANARY,
    "bad-option": f"host=127.0.0.1 dbname=x user=u password={_CANARY} bogus={_CANARY}",
    "split-password": f"postgresql://u:{_CANARY}@{_CANARY}/{_CANARY}@127.0.0.1:1/x",
}


async def test_no_secret_leaves_the_gateway(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = load(await _home(tmp_path, monkeypatch))
    composed = compose(settings)
    app = application(composed)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        http = httpx.AsyncClient(transport=transport, base_url="http://gateway.test")
        codes_of(settings).write(Person("responder", "R"), _CODE, SystemClock().now())
        token = (await http.post("/v1/login", json={"code": _CODE})).json()["token"]
        said, tokens = await _everything(Someone(http, token))
    said += [_store(tmp_path), *capsys.readouterr()]
    keys = [(tmp_path / "state" / name).read_bytes() for name in ("seal.key", "run-token.key")]
    for secret in (_CANARY, _CODE, token, *tokens, *(key.hex() for key in keys)):
        assert not [text for text in said if secret in text]


async def _home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    async with house(folder):
        pass
    lines = ['tiers = ["production", "staging", "development"]', "[target.orders]"]
    lines += ['dialect = "postgres"', 'tier = "production"', 'read = "env:ORDERS_READ"']
    for name, credential in _CREDENTIALS.items():
        monkeypatch.setenv(name.upper().replace("-", "_"), credential)
        lines += [f"[target.{name}]", 'dialect = "postgres"', 'tier = "production"']
        lines += [f'read = "env:{name.upper().replace("-", "_")}"']
    (folder / "policies" / "targets.toml").write_text("\n".join(lines))
    (folder / "interlock.toml").touch()
    return folder / "interlock.toml"


async def _everything(responder: Someone) -> tuple[list[str], list[str]]:
    """Ask every target and read back all there is; return what was said, and the run's token."""
    incident = await responder.declares()
    run: RunAt = await responder.runs(incident)
    await run.starts("look")
    said = [
        await _say(run, "POST", "/v1/queries", run.asks("SELECT 1", ordinal=n, target=name))
        for n, name in enumerate(_CREDENTIALS)
    ]
    place = f"/v1/incidents/{incident}"
    exports = [f"{place}/export?as={form}" for form in ("md", "html", "json")]
    paths = (f"{place}/timeline", "/v1/targets", "/v1/whoami", "/metrics", *exports)
    said += [await _say(responder, "GET", path) for path in paths]
    wrong = [Someone(responder.http, f"{token}x") for token in (responder.token, run.token)]
    said += [await _say(nobody, "GET", "/v1/whoami") for nobody in wrong]
    return said, [run.token]


async def _say(who: Someone, method: str, path: str, body: object = None) -> str:
    path, _, query = path.partition("?")
    more = dict([query.split("=")]) if query else {}
    answer = await who.call(method, path, body, **more)
    return f"{answer.headers} {answer.text}"


def _store(folder: Path) -> str:
    with sqlite3.connect(folder / "state" / "interlock.db") as connection:
        dump = "\n".join(connection.iterdump())
    connection.close()
    blobs = sqlite3.connect(folder / "state" / "interlock.db")
    parts = blobs.execute("SELECT content FROM parts UNION ALL SELECT body FROM events").fetchall()
    blobs.close()
    return dump + repr(parts)
