"""Verification of webhooks, held to the official library of Standard Webhooks."""

from __future__ import annotations

import base64
import http.server
import json
import os
import queue
import subprocess
import threading
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from dezky import WebhookVerificationError, verify_webhook
from standardwebhooks import Webhook
from standardwebhooks import WebhookVerificationError as OfficialError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECRET, OTHER = (f"whsec_{base64.b64encode(bytes([byte]) * 32).decode()}" for byte in (7, 8))
BODY = json.dumps({"type": "tenant.update", "data": {"name": "Bücher"}})


@pytest.fixture
def arrived() -> Iterator[tuple[str, queue.Queue[tuple[dict[str, str], str]]]]:
    """A receiver on this machine: its address, and what has arrived."""
    requests: queue.Queue[tuple[dict[str, str], str]] = queue.Queue()

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            self.send_response(204)
            self.end_headers()
            requests.put(({name.lower(): value for name, value in self.headers.items()}, body))

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/hook", requests
    server.shutdown()
    server.server_close()


def test_the_official_library_verifies_what_is_sent(
    tmp_path: Path, arrived: tuple[str, queue.Queue[tuple[dict[str, str], str]]]
) -> None:
    url, requests = arrived
    command = [
        os.environ["DEZKY_TEST_BINARY"],
        "dev",
        "--json",
        "--no-systems",
        "--data",
        str(tmp_path),
        "--listen",
        "127.0.0.1:0",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout
        world = json.loads(server.stdout.readline())

        def api(method: str, path: str, body: dict[str, object]) -> Any:
            headers = {
                "authorization": f"Bearer {world['people']['paul']['token']}",
                "content-type": "application/json",
            }
            request = urllib.request.Request(world["origin"] + path, json.dumps(body).encode(), headers, method=method)
            with urllib.request.urlopen(request) as answer:
                return json.load(answer)

        tenant = api("POST", "/tenants", {"slug": "acme", "name": "Acme GmbH"})
        endpoint = api("POST", "/event-endpoints", {"tenantId": tenant["id"], "url": url, "types": ["tenant.update"]})
        api("PATCH", "/tenants/acme", {"name": "Acme AG"})
        headers, body = requests.get(timeout=60)
        event = Webhook(endpoint["secret"]).verify(body, headers)
        assert event["data"]["changedFields"] == ["name"]
        assert verify_webhook(body, headers, endpoint["secret"]) == event
        server.terminate()


def signed(at: datetime, body: str = BODY) -> dict[str, str]:
    signature = Webhook(SECRET).sign("msg_1", at, body)
    return {"Webhook-Id": "msg_1", "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}


def test_what_the_official_library_signs_is_verified() -> None:
    now = datetime.now(tz=UTC)
    assert verify_webhook(BODY, signed(now), [OTHER, SECRET]) == json.loads(BODY)
    assert verify_webhook(BODY.encode(), signed(now), SECRET) == json.loads(BODY)
    old = now - timedelta(minutes=6)
    assert verify_webhook(BODY, signed(old), SECRET, now=old.timestamp()) == json.loads(BODY)


@pytest.mark.parametrize(
    ("body", "minutes", "change", "secret"),
    [
        (BODY, 0, {}, OTHER),
        (BODY + " ", 0, {}, SECRET),
        (BODY, 0, {"Webhook-Id": "msg_2"}, SECRET),
        (BODY, 0, {"webhook-signature": "v2,abc v1,&"}, SECRET),
        (BODY, 0, {"webhook-signature": ""}, SECRET),
        (BODY, -6, {}, SECRET),
        (BODY, 6, {}, SECRET),
        (BODY, 0, {"webhook-timestamp": "now"}, SECRET),
    ],
)
def test_what_the_official_library_refuses_is_refused(
    body: str, minutes: int, change: dict[str, str], secret: str
) -> None:
    headers = signed(datetime.now(tz=UTC) + timedelta(minutes=minutes)) | change
    with pytest.raises((OfficialError, ValueError)):
        Webhook(secret).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        verify_webhook(body, headers, secret)


def test_a_secret_of_another_kind_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="whsec_"):
        verify_webhook(BODY, signed(datetime.now(tz=UTC)), "secret")
