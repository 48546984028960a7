"""Users, by a hash: nothing that names one is ever put aside."""

from __future__ import annotations

import hashlib
import hmac
import os

# A key of the operator's own. Without one, who has the samples and a list of user ids can try
# which of them a hash belongs to.
KEY = "OCR_ROLLOUT_REVIEW_KEY"
_PURPOSE = b"ocr-rollout review"


def user_hash(user_id: str) -> str:
    """32 hexadecimal digits: the same on all hosts that have the same key."""
    key = os.environ.get(KEY, "").encode() or _PURPOSE
    content = user_id.encode("utf-8", "surrogatepass")
    return hmac.new(key, content, hashlib.sha256).hexdigest()[:32]
