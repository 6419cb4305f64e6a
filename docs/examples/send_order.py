"""Sends an order event to an intake source, signed by the Standard Webhooks convention. Python's library alone.

    python3 send_order.py http://127.0.0.1:8081/v1/intake/in_... whsec_... EVENT.json
"""

import base64
import hashlib
import hmac
import json
import sys
import time
import urllib.error
import urllib.request
import uuid


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def send(url: str, secret: str, message_id: str, body: bytes) -> dict:
    """Sends until it is answered. A repeat has the same id, and so changes nothing more."""
    for pause in (1, 5, 30, None):
        timestamp = int(time.time())
        headers = {
            "Content-Type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(secret, message_id, timestamp, body),
        }
        try:
            with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            # 429 and 5xx pass; everything else says what is wrong with this message, and stays so.
            if error.code != 429 and error.code < 500 or pause is None:
                raise SystemExit(f"{error.code}: {error.read().decode()}")
            time.sleep(int(error.headers.get("Retry-After", pause)))
        except urllib.error.URLError:
            if pause is None:
                raise
            time.sleep(pause)
    raise AssertionError


if __name__ == "__main__":
    url, secret, file = sys.argv[1:]
    with open(file, "rb") as event:
        answer = send(url, secret, f"msg_{uuid.uuid4().hex}", event.read())
    print(json.dumps(answer, ensure_ascii=False))
