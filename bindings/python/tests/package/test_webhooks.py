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


@pytest.fixture
def world(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """The API of a program of its own: what it says of itself."""
    options = ["--json", "--no-systems", "--data", str(tmp_path), "--listen", "127.0.0.1:0"]
    command = [os.environ["DEZKY_TEST_BINARY"], "dev", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            assert server.stdout
            yield json.loads(server.stdout.readline())
        finally:
            server.terminate()


def test_the_official_library_verifies_what_is_sent(
    world: dict[str, Any], arrived: tuple[str, queue.Queue[tuple[dict[str, str], str]]]
) -> None:
    url, requests = arrived

    def api(method: str, path: str, body: dict[str, object]) -> Any:
        headers = {"authorization": f"Bearer {world['people']['paul']['token']}", "content-type": "application/json"}
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
        (BODY, 0, {"webhook-signature": "v1,\u00e9"}, SECRET),
        (BODY, 0, {"webhook-signature": ""}, SECRET),
        (BODY, -6, {}, SECRET),
        (BODY, 6, {}, SECRET),
        (BODY, 0, {"webhook-timestamp": "now"}, SECRET),
        (BODY, 0, {"webhook-timestamp": "\u0661"}, SECRET),
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


def test_a_webhook_is_refused_where_the_tolerance_is_no_number() -> None:
    with pytest.raises(WebhookVerificationError, match="clock"):
        verify_webhook(BODY, signed(datetime.now(tz=UTC)), SECRET, tolerance=float("nan"))


@pytest.mark.parametrize("secret", ["secret", "whsec_", "whsec_&", f"whsec_{SECRET}"])
def test_a_secret_of_another_kind_is_a_mistake(secret: str) -> None:
    with pytest.raises(ValueError, match="whsec_"):
        verify_webhook(BODY, signed(datetime.now(tz=UTC)), [SECRET, secret])
