"""The second person: waits for a request, reads the prompt, approves it through the API."""

import asyncio

from interlock import client
from interlock.cli.demo.stage import Stage
from interlock.cli.demo.voice import READING_S, Voice
from interlock.client import AsyncClient

_LOOK_S = 0.2
_WHY = "the worker hangs; ending it frees the others"


async def approve(stage: Stage, voice: Voice) -> None:
    """Wait for a request, show what the colleague reads, and approve exactly that."""
    credential = stage.people["colleague"]
    async with stage.world.connect_async(credential.url, credential.token) as gateway:
        name = await _requested(gateway)
        asked = await gateway.send(client.approval(name, channel="cli"))
        voice.say("\nWhat colleague reads, logged in with credentials of their own:")
        voice.quoted(asked["prompt_text"])
        await asyncio.sleep(READING_S)
        voice.say(f"colleague types {asked['target']['name']} and approves.\n")
        digests = asked["proposal_digest"], asked["prompt_digest"]
        await gateway.send(client.vote(name, "approve", *digests, _WHY))


async def _requested(gateway: AsyncClient) -> str:
    while True:
        waiting = (await gateway.send(client.approvals("pending")))["approvals"]
        if waiting:
            return str(waiting[0]["id"])
        await asyncio.sleep(_LOOK_S)
