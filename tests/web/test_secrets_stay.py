"""No secret leaves: not in an answer, an error, an event, an export, a metric or a log line."""

import base64
import sqlite3
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from hostile_http import says, serving
from interlock_gateway.adapters.clock import SystemClock
from interlock_gateway.app import application, codes_of, compose
from interlock_gateway.core.model import Person
from interlock_gateway.settings import load, shown
from support.house import RunAt, Someone, house

_CANARY = "canary7zx"
_CODE = "CANA-RYCO-DE"
_CREDENTIALS = {
    "unreachable": f"postgresql://reader:{_CANARY}@127.0.0.1:1/orders",
    "no-dsn": _CANARY,
    "bad-option": f"host=127.0.0.1 dbname=x user=u password={_CANARY} bogus={_CANARY}",
    "split-password": f"postgresql://u:{_CANARY}@{_CANARY}/{_CANARY}@127.0.0.1:1/x",
}
_ENCODED = tuple(
    form
    for form in (
        base64.b64encode(_CANARY.encode()).decode(),
        base64.b64encode(f"reader:{_CANARY}".encode()).decode(),
        quote(f"reader:{_CANARY}", safe=""),
        _CANARY.encode().hex(),
    )
)
_ELSEWHERE = """
[target.maria]
dialect = "mariadb"
tier = "production"
read = "file:{folder}/maria.dsn"
[target.metrics]
dialect = "prometheus"
tier = "production"
url = "http://127.0.0.1:{port}"
addresses = ["127.0.0.1/32"]
read = "env:METRICS"
scheme = "basic"
[target.vaulted]
dialect = "postgres"
tier = "production"
read = "vault:secret/orders#read"
"""
_ECHO = says(f'{{"status":"error","error":"who is {_CANARY}?"}}'.encode(), status="400 Bad")


async def test_no_secret_leaves_the_gateway(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with serving(_ECHO) as echo:
        said, secrets = await _all_that_is_said(await _home(tmp_path, monkeypatch, echo.port))
    said += [_store(tmp_path), *capsys.readouterr()]
    keys = [(tmp_path / "state" / name).read_bytes() for name in ("seal.key", "run-token.key")]
    assert any("/api/v1/query" in head for head in echo.heads)
    for secret in (_CANARY, *_ENCODED, _CODE, *secrets, *(key.hex() for key in keys)):
        assert not [text for text in said if secret in text]


async def _all_that_is_said(file: Path) -> tuple[list[str], list[str]]:
    """Serve from this home and ask everything; return what was said, and the tokens given."""
    settings = load(file)
    composed = compose(settings)
    app = application(composed)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        http = httpx.AsyncClient(transport=transport, base_url="http://gateway.test")
        codes_of(settings).write(Person("responder", "R"), _CODE, SystemClock().now())
        token = (await http.post("/v1/login", json={"code": _CODE})).json()["token"]
        said, tokens = await _everything(Someone(http, token))
    return [*said, shown(settings, file)], [token, *tokens]


async def _home(folder: Path, monkeypatch: pytest.MonkeyPatch, port: int) -> Path:
    async with house(folder):
        pass
    lines = ['tiers = ["production", "staging", "development"]', "[target.orders]"]
    lines += ['dialect = "postgres"', 'tier = "production"', 'read = "env:ORDERS_READ"']
    for name, credential in _CREDENTIALS.items():
        monkeypatch.setenv(name.upper().replace("-", "_"), credential)
        lines += [f"[target.{name}]", 'dialect = "postgres"', 'tier = "production"']
        lines += [f'read = "env:{name.upper().replace("-", "_")}"']
    (folder / "maria.dsn").write_text(f"mysql://reader:{_CANARY}@127.0.0.1:1/shop")
    monkeypatch.setenv("METRICS", f"reader:{_CANARY}")
    monkeypatch.setenv("VAULT_TOKEN", _CANARY)
    lines += [_ELSEWHERE.format(folder=folder, port=port)]
    (folder / "policies" / "targets.toml").write_text("\n".join(lines))
    file = folder / "interlock.toml"
    vault = f'url = "http://127.0.0.1:{port}"\naddresses = ["127.0.0.1/32"]'
    file.write_text(f'[vault]\ntoken = "env:VAULT_TOKEN"\n{vault}\n')
    return file


async def _everything(responder: Someone) -> tuple[list[str], list[str]]:
    """Ask every target and read back all there is; return what was said, and the run's token."""
    incident = await responder.declares()
    run: RunAt = await responder.runs(incident)
    await run.starts("look")
    said = [
        await _say(run, "POST", "/v1/queries", run.asks("SELECT 1", ordinal=n, target=name))
        for n, name in enumerate([*_CREDENTIALS, "maria", "vaulted"])
    ]
    metrics = {**run.place("look", ordinal=50), "target": "metrics", "promql": "up"}
    said += [await _say(run, "POST", "/v1/metric-queries", metrics)]
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
