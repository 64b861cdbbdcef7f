"""People press what is there, and nothing else."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from interlock.testing.slack import Delivery, FakeSlack, Message, NotThere, View
from slack_app import BUTTONS, INCIDENTS, REASON, App, connected, post, until, web
from slack_sdk.errors import SlackApiError


@pytest.fixture
async def app(slack: FakeSlack) -> AsyncIterator[App]:
    async with connected(slack) as running:
        yield running


async def over(delivery: Delivery | None) -> None:
    assert delivery
    await until(lambda: delivery.is_over)


async def opened(slack: FakeSlack, app: App, view: dict[str, Any] = REASON) -> View:
    """Return the modal that the app opens when anna presses Deny."""
    delivery = slack.person("anna").presses(await post(slack), "deny")
    await over(delivery)
    await web(slack).views_open(trigger_id=app.payloads[-1]["trigger_id"], view=view)
    found = slack.person("anna").modal
    assert found
    return found


async def test_a_button_that_is_gone_cannot_be_pressed(slack: FakeSlack) -> None:
    message = await post(slack)
    await web(slack).chat_update(
        channel=message.channel, ts=message.ts, text="Approved", blocks=BUTTONS[:1]
    )
    with pytest.raises(NotThere, match="there is nothing"):
        slack.person("anna").presses(message, "approve")
    with pytest.raises(NotThere, match="approve, deny"):
        slack.person("anna").presses(await post(slack), "reject")


async def test_a_phone_that_has_not_caught_up_presses_what_it_shows(
    slack: FakeSlack, app: App
) -> None:
    message = await post(slack)
    await web(slack).chat_update(channel=message.channel, ts=message.ts, text="x", blocks=[])
    await over(slack.person("anna").presses(message, "approve", as_of=0))
    assert app.payloads[0]["message"]["text"] == "A-1 waits"
    assert app.payloads[0]["actions"][0]["action_id"] == "approve"


async def test_a_message_that_is_gone_or_for_somebody_else_cannot_be_pressed(
    slack: FakeSlack,
) -> None:
    message = await post(slack)
    await web(slack).chat_delete(channel=message.channel, ts=message.ts)
    with pytest.raises(NotThere, match="does not see"):
        slack.person("anna").presses(message, "approve")
    await web(slack).chat_postEphemeral(
        channel=message.channel, user="U0BEN", text="for ben", blocks=BUTTONS
    )
    whisper = slack.channel(INCIDENTS).ephemerals[0]
    with pytest.raises(NotThere, match="does not see"):
        slack.person("anna").presses(whisper, "approve")


async def test_who_is_not_in_a_private_channel_or_not_here_any_more_does_nothing(
    slack: FakeSlack,
) -> None:
    slack.add_channel("secret", "interlock", "anna", private=True)
    message = await post(slack, channel="#secret")
    with pytest.raises(NotThere):
        slack.person("ben").presses(message, "approve")
    with pytest.raises(NotThere):
        slack.person("left").presses(await post(slack), "approve")
    with pytest.raises(NotThere, match="no member"):
        slack.person("ben").writes("secret", "hello")
    with pytest.raises(KeyError, match="anna, ben"):
        slack.person("nobody")


@pytest.mark.parametrize("name", ["guest", "other"])
async def test_guests_and_other_teams_people_can_press_and_say_who_they_are(
    slack: FakeSlack, app: App, name: str
) -> None:
    await over(slack.person(name).presses(await post(slack), "approve"))
    user = app.payloads[0]["user"]
    assert user["id"] == slack.person(name).person.id
    assert (user["team_id"] != app.payloads[0]["team"]["id"]) == (name == "other")


async def test_a_confirm_dialog_can_be_refused(slack: FakeSlack, app: App) -> None:
    asked = {
        "title": {"type": "plain_text", "text": "Sure?"},
        "text": {"type": "plain_text", "text": "It ends a session."},
        "confirm": {"type": "plain_text", "text": "Yes"},
        "deny": {"type": "plain_text", "text": "No"},
    }
    button = BUTTONS[1]["elements"][0] | {"confirm": asked}
    message = await post(slack, blocks=[{"type": "actions", "elements": [button]}])
    with pytest.raises(NotThere, match="said no"):
        slack.person("anna").presses(message, "approve", confirming=False)
    await over(slack.person("anna").presses(message, "approve"))
    assert len(app.heard) == 1


async def test_a_menu_is_chosen_from(slack: FakeSlack, app: App) -> None:
    options = [
        {"text": {"type": "plain_text", "text": each}, "value": each} for each in ("one", "two")
    ]
    menu = {"type": "static_select", "action_id": "pick", "options": options}
    message = await post(slack, blocks=[{"type": "actions", "elements": [menu]}])
    await over(slack.person("anna").presses(message, "pick", choosing="two"))
    assert app.payloads[0]["actions"][0]["selected_option"]["value"] == "two"
    with pytest.raises(NotThere, match="does not offer"):
        slack.person("anna").presses(message, "pick", choosing="three")


async def test_a_modal_is_filled_in_and_closes(slack: FakeSlack, app: App) -> None:
    view = await opened(slack, app)
    assert view.shown == "Deny A-1\nWhy?"
    await over(slack.person("anna").submits(view, {"why": "no backup"}))
    submitted = app.payloads[-1]["view"]
    assert submitted["private_metadata"] == "A-1:9f3c"
    assert submitted["state"]["values"]["reason"]["why"]["value"] == "no backup"
    assert slack.person("anna").modal is None


@pytest.mark.parametrize(
    ("values", "words"),
    [({}, "wants something"), ({"why": "no"}, "too short"), ({"why": "x" * 201}, "too long"),
     ({"reason": "x"}, "has no")],
)  # fmt: skip
async def test_slack_itself_keeps_a_wrong_form_from_being_submitted(
    slack: FakeSlack, app: App, values: dict[str, str], words: str
) -> None:
    view = await opened(slack, app)
    with pytest.raises(NotThere, match=words):
        slack.person("anna").submits(view, values)
    assert len(app.heard) == 1


async def test_what_an_app_answers_to_a_submission_happens(slack: FakeSlack, app: App) -> None:
    view = await opened(slack, app)
    anna = slack.person("anna")
    done = {**REASON, "title": {"type": "plain_text", "text": "Sure?"}}
    app.answers["view_submission"] = {"response_action": "update", "view": done}
    await over(anna.submits(view, {"why": "no backup"}))
    assert view.shown.startswith("Sure?")
    app.answers["view_submission"] = {"response_action": "push", "view": REASON}
    await over(anna.submits(view, {"why": "no backup"}))
    top = anna.modal
    assert top
    assert top is not view
    app.answers["view_submission"] = {"response_action": "clear"}
    await over(anna.submits(top, {"why": "no backup"}))
    assert anna.modal is None


@pytest.mark.parametrize(
    "answer",
    [
        {"response_action": "dance"},
        {"response_action": "errors", "errors": {"nothing": "x"}},
        {"response_action": "update", "view": {"type": "modal"}},
    ],
)
async def test_an_answer_that_slack_does_not_know_leaves_the_modal_with_a_word(
    slack: FakeSlack, app: App, answer: dict[str, Any]
) -> None:
    view = await opened(slack, app)
    app.answers["view_submission"] = answer
    await over(slack.person("anna").submits(view, {"why": "no backup"}))
    assert slack.person("anna").modal is view
    assert "trouble connecting" in view.errors[""]


async def test_a_submission_nobody_takes_leaves_the_modal_open(slack: FakeSlack, app: App) -> None:
    view = await opened(slack, app)
    app.acknowledges = lambda _: False
    await over(slack.person("anna").submits(view, {"why": "no backup"}))
    assert slack.person("anna").modal is view
    assert "trouble connecting" in view.errors[""]


async def test_a_button_in_a_modal_is_pressed_there(slack: FakeSlack, app: App) -> None:
    view = await opened(slack, app, {**REASON, "blocks": [*REASON["blocks"], BUTTONS[1]]})
    await over(slack.person("anna").presses_in(view, "approve"))
    assert app.payloads[-1]["container"] == {"type": "view", "view_id": view.id}
    pushed = {"trigger_id": app.payloads[-1]["trigger_id"], "view": REASON}
    await web(slack).views_push(**pushed)
    top = slack.person("anna").modal
    assert top
    with pytest.raises(NotThere, match="no modal"):
        slack.person("anna").presses_in(view, "approve")
    slack.person("anna").closes(top)
    assert slack.person("anna").modal is view


async def test_closing_a_modal_is_told_where_it_wants_that(slack: FakeSlack, app: App) -> None:
    view = await opened(slack, app)
    await over(slack.person("anna").closes(view))
    assert app.payloads[-1]["type"] == "view_closed"
    quiet = await opened(slack, app, {**REASON, "notify_on_close": False})
    assert slack.person("anna").closes(quiet) is None
    with pytest.raises(NotThere, match="no modal"):
        slack.person("anna").submits(quiet, {"why": "no backup"})


async def test_an_open_modal_can_be_changed_unless_its_hash_is_old(
    slack: FakeSlack, app: App
) -> None:
    view = await opened(slack, app)
    client, old = web(slack), view.hash
    await client.views_update(view_id=view.id, hash=old, view=REASON)
    with pytest.raises(SlackApiError, match="hash_conflict"):
        await client.views_update(view_id=view.id, hash=old, view=REASON)
    with pytest.raises(SlackApiError, match="not_found"):
        await client.views_update(view_id="V404", view=REASON)
    with pytest.raises(SlackApiError, match="invalid_arguments"):
        await client.views_update(view_id=view.id, view={"type": "modal"})


async def test_shortcuts_come_with_the_message_they_are_used_on(
    slack: FakeSlack, app: App
) -> None:
    message: Message = slack.person("ben").writes(INCIDENTS, "load is back to normal")
    await over(slack.person("anna").uses_shortcut("note", message))
    await over(slack.person("anna").uses_shortcut("declare"))
    told = [each for each in app.payloads if each["type"] != "event_callback"]
    assert [each["type"] for each in told] == ["message_action", "shortcut"]
    assert told[0]["message"]["text"] == "load is back to normal"
    assert told[0]["callback_id"] == "note"


async def test_people_change_their_own_messages_alone(slack: FakeSlack) -> None:
    message = slack.person("anna").writes(INCIDENTS, "mine")
    with pytest.raises(NotThere, match="not ben's"):
        slack.person("ben").edits(message, "yours")
    with pytest.raises(NotThere, match="not ben's"):
        slack.person("ben").deletes(message)
