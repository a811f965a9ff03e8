import base64
import json
from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from stationmaster.outbound.signing import check_secret, sign

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_" + base64.b64encode(bytes(range(32))).decode()
BODY = json.dumps({"grüße": "✓"}, ensure_ascii=False).encode()


def headers(secret: str, body: bytes = BODY) -> dict[str, str]:
    now = datetime.now(UTC)
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": sign(secret, message_id="msg_1", at=now, body=body),
    }


def test_a_signature_is_the_one_of_the_published_example() -> None:
    """From the test data of the Standard Webhooks reference libraries."""
    at = datetime.fromtimestamp(1614265330, UTC)

    signature = sign(SECRET, message_id="msg_p5jXN8AQM9LWM0D4loKWxJek", at=at, body=b'{"test": 2432232314}')

    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("known", [SECRET, OTHER])
def test_a_receiver_that_knows_one_of_several_secrets_can_verify(known: str) -> None:
    assert Webhook(known).verify(BODY, headers(f"{SECRET} {OTHER}")) == {"grüße": "✓"}


def test_another_body_is_not_verified() -> None:
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(b"{}", headers(SECRET))


@pytest.mark.parametrize("secret", [SECRET, OTHER, f"{SECRET} {OTHER}", OTHER.rstrip("=")])
def test_good_secrets_are_taken(secret: str) -> None:
    check_secret(secret)

    assert sign(secret, message_id="m", at=datetime.now(UTC), body=b"").count("v1,") == len(secret.split())


@pytest.mark.parametrize(
    ("secret", "complaint"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "begins with whsec_"),
        (f"{SECRET} plain", "begins with whsec_"),
        ("whsec_", "24 to 64"),
        ("whsec_c2hvcnQ=", "24 to 64"),
        ("whsec_" + base64.b64encode(bytes(65)).decode(), "24 to 64"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS*", "base64"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwa", "base64"),
    ],
)
def test_bad_secrets_are_refused_without_repeating_them(secret: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint) as raised:
        check_secret(secret)

    assert "MfKQ" not in str(raised.value)
