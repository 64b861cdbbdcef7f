"""The gateway's port, as the process takes it."""

import socket

from interlock_gateway.__main__ import _door
from interlock_gateway.settings import Listen
from support.processes import free_port


def test_an_answer_never_waits_for_the_clients_delayed_acknowledgement() -> None:
    port = free_port()
    with (
        _door(Listen(host="127.0.0.1", port=port)) as door,
        socket.create_connection(("127.0.0.1", port)),
    ):
        accepted, _ = door.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
