"""Actions over HTTP as files say them: each mistake has its line, and none is half loaded."""

import pytest
from interlock_gateway.core.action import Action, load_action
from interlock_gateway.core.exchange import Exchange
from interlock_gateway.core.strict import Source
from policy_folder import API_ACTION, names_in

LOOKS = '"GET /things/{name}"\nquery'
EACH = '"$each" = "labels", "$item" = "{item.key}"'


def loaded(text: str = API_ACTION) -> tuple[Action | None, list[str]]:
    source = Source("actions/api.stop.toml", text)
    action = load_action(source, names_in=names_in)
    return action, [str(problem) for problem in source.problems]


def exchange(part: str) -> Exchange:
    action, problems = loaded()
    assert problems == []
    found = getattr(action, part).exchange
    assert isinstance(found, Exchange)
    return found


def test_every_key_is_taken() -> None:
    execute = exchange("execute")
    assert execute.title == "PATCH /things/{name}"
    assert execute.media == "application/merge-patch+json"
    assert [name for name, _ in execute.fields] == ["If-Match", "Idempotency-Key"]
    assert (execute.selection.status, execute.selection.changed) == ((200, 202), (409, 412))
    assert execute.sent == {"name", "labels", "item.key", "seen.version", "seen.tag", "ask.token"}
    assert [one.test for one in exchange("precheck").selection.where] == ["is", "in", "above"]
    assert [one.test for one in exchange("verify").selection.where] == ["not", "same_as", "is"]
    action, _ = loaded()
    assert action is not None
    assert action.over_http
    assert action.trial is not None


def test_people_read_method_and_path_in_the_catalogue() -> None:
    action, _ = loaded()
    assert action is not None
    assert action.preview.shown == "GET /things/{name}"
    assert action.precheck.shown == "GET /things"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        # what may be sent, and where
        (LOOKS, LOOKS.replace("GET", "POST"), "`POST` cannot be sent here"),
        (LOOKS, LOOKS.replace("GET", "HEAD"), "`HEAD` cannot be sent here"),
        (LOOKS.replace("query", "where"), '"DELETE /things/{name}"\nwhere', "`DELETE` cannot be"),
        ('"PATCH /things/{name}"', '"GET /things/{name}"', "`GET` cannot be sent here"),
        ('"PATCH /things/{name}"', '"TRACE /things/{name}"', "`TRACE` cannot be sent here"),
        ('"PATCH /things/{name}"', '"PATCH https://evil/{name}"', "a method and a path"),
        ('"PATCH /things/{name}"', '"PATCH /things/x{name}"', "neither a word nor one {name}"),
        ('"PATCH /things/{name}"', '"PATCH /things/{name|quoted}"', "neither a word nor one"),
        ('"PATCH /things/{name}"', '"PATCH /things/../{name}"', "neither a word nor one"),
        ('"PATCH /things/{name}"', '"PATCH //{name}"', "neither a word nor one"),
        ('"PATCH /things/{name}"', '"PATCH /things/{name}?x=1"', "neither a word nor one"),
        ('{ manager = "interlock" }', '{ "a&b" = "x" }', "cannot be a key of a query"),
        ('{ manager = "interlock" }', "{ manager = 1 }", "`manager` must be a text"),
        ('{ manager = "interlock" }', '"x"', "must be a table of keys"),
        ('"application/merge-patch+json"', '"text/plain"', "`media = 'text/plain'` is unknown"),
        ('"Idempotency-Key"', '"Authorization"', "is unknown"),
        ("if_match", "authorization", "`authorization` is unknown"),
        # what goes in
        ("{seen.version}", "{seen.uid}", "is not a column of `preview`"),
        ("{seen.version}", "{vers", "a brace that encloses no name"),
        ("{seen.version}", "{ask.password}", "is not known of a request"),
        ("{seen.version}", "{item.key}", "no field of a list that it stands in"),
        ("{seen.version}", "{nmae}", "is not an argument; did you mean `name`?"),
        ("{seen.version}", "{labels}", "it goes where `$each` stands"),
        (EACH, '"$each" = "name", "$item" = "x"', "is none"),
        ('"{item.key}" } }', '"{item.other}" } }', "no field of a list"),
        (EACH, '"$ref" = "labels"', "cannot be the name"),
        ('version = "{seen.version}"', "version = 2026-01-01", "a date, which JSON has not"),
        (LOOKS, LOOKS.replace("name", "seen.version"), "by what shows it"),
        (LOOKS, LOOKS.replace("query", "body = {}\nquery"), "has no `body`"),
        # how the answer is read
        ("status = [200, 202]", "status = [404]", "from 200 to 299, and not 404"),
        ("status = [200, 202]", "status = []", "a list of HTTP statuses"),
        ("status = [200, 202]", "status = [true]", "a list of HTTP statuses"),
        ("status = [200, 202]", "", "a list of HTTP statuses"),
        ("changed = [409, 412]", "changed = [500]", "from 400 to 499, and not 500"),
        ('rows = "/items"', 'rows = "items"', "no JSON pointer"),
        ('"/name" = "{name}"', '"name" = "{name}"', "no JSON pointer"),
        ("{ above = 1 }", "{ below = 1 }", "has one test"),
        ("{ above = 1 }", "{ above = 1, not = 2 }", "has one test"),
        ("{ above = 1 }", "{ above = [1] }", "cannot be compared"),
        ('{ in = ["a", "b"] }', "{ in = [] }", "cannot be compared"),
        ('{ same_as = "/m" }', '{ same_as = "m" }', "no JSON pointer"),
        ('"text /state"', '"word /state"', "a type and a pointer"),
        ('"text /state"', '"text state"', "a type and a pointer"),
        ('columns = { state = "text /state" }\n', "", "`columns` is missing"),
        ("changed = [409, 412]\ncolumns", "changed = [409]\n#", "Without `columns`"),
        # what guards it
        ('{ manager = "interlock" }', '{ m = "{name}" }\nx = 1', "`x` is unknown"),
        ('effect = "write"\n', "", "`effect` is missing"),
        ('effect = "write"', 'effect = "read"', "`effect = 'read'` is unknown"),
        ('dialect = "kubernetes"', 'dialect = "argocd"', "no trial that is known"),
        ('dialect = "kubernetes"', 'dialect = "prometheus"', "is unknown"),
        ('expect = "one row"\n\n[verify]', 'expect = "row count"\n\n[verify]', "is unknown"),
        ('pattern = "[a-z]{1,9}"', 'pattern = "["', "no regular expression"),
        ('patterns = { key = "[a-z]+" }', 'patterns = { other = "x" }', "no field that is a text"),
    ],
)
def test_a_mistake_is_said_with_its_line(old: str, new: str, said: str) -> None:
    assert API_ACTION.count(old) == 1, API_ACTION.count(old)
    _, problems = loaded(API_ACTION.replace(old, new))
    assert any(said in problem for problem in problems), problems
    assert all(problem.startswith("actions/api.stop.toml:") for problem in problems)


def test_an_argument_that_guards_nothing_is_refused() -> None:
    more = '[arguments.more]\ntype = "integer"\nabout = "Of no use."\n\n[preview]'
    _, problems = loaded(API_ACTION.replace("[preview]", more))
    (told,) = problems
    assert "`more` is not used by `execute`" in told


def test_sql_is_no_request_and_a_request_is_no_sql() -> None:
    text = API_ACTION.replace('request = "PATCH /things/{name}"', 'sql = "DELETE FROM things"')
    _, problems = loaded(text)
    assert any("`request` is missing" in problem for problem in problems)
    assert any("`sql` is unknown" in problem for problem in problems)
    _, problems = loaded(API_ACTION.replace('"kubernetes"', '"postgres"'))
    assert any("`sql` is missing" in problem for problem in problems)
    assert any("`request` is unknown" in problem for problem in problems)


def test_the_key_of_a_trial_is_the_vendors_and_no_files() -> None:
    """A file that could write it could leave it out."""
    _, problems = loaded(API_ACTION.replace("[trial]", '[trial]\nquery = { dryRun = "All" }'))
    assert any("`query` is unknown" in problem for problem in problems)
    _, problems = loaded(API_ACTION.replace('manager = "interlock"', 'dryRun = "All"'))
    assert any("dryRun" in problem for problem in problems)
