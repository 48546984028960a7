"""Routing is arithmetic: a table of cases, its properties, and the share it really gives."""

import ast
import hashlib
import json
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_rollout.core import routing
from ocr_rollout.core.routing import (
    BUCKETS,
    Arm,
    RouteTable,
    RoutingError,
    basis_points,
    bucket_of,
    choose_arm,
    route_key,
)

CASES = json.loads((Path(__file__).parent / "routing_cases.json").read_text("utf-8"))
STABLE, CANDIDATE = Arm("convnext", 1), Arm("crnn", 1)

weights = st.integers(0, BUCKETS)
buckets = st.integers(0, BUCKETS - 1)
names = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
digests = st.binary(min_size=16, max_size=16).map(bytes.hex)


def table(weight_bp):
    return RouteTable(STABLE, CANDIDATE, weight_bp)


@pytest.mark.parametrize("case", CASES["buckets"], ids=lambda case: case["case"])
def test_the_bucket_of_a_request_never_changes(case):
    """A bucket that differs from the table moves users: count HASH_VERSION up, knowingly."""
    key = route_key(
        case["sticky"],
        user_id=case["user_id"],
        image_digest=case["image_digest"],
        request_id=case["request_id"],
    )
    assert bucket_of(key, case["salt"]) == case["bucket"]


@pytest.mark.parametrize("case", CASES["choices"], ids=lambda case: case["case"])
def test_a_bucket_meets_the_arm_of_its_range(case):
    """Half-open ranges; weight 0 has no candidate; a forced arm is taken as it is."""
    forced = Arm.parse(case["forced"]) if case["forced"] else None
    found = choose_arm(table(case["weight_bp"]), case["bucket"], forced=forced)
    assert (str(found.arm), found.bucket, found.reason) == (
        case["arm"],
        case["bucket"],
        case["reason"],
    )


def test_the_bucket_is_what_the_docstring_says():
    """Anyone can compute it: md5 of version, salt and key, first 8 bytes, modulo 10,000."""
    key = route_key("user_image", user_id="u1", image_digest="00ff", request_id="r")
    digest = hashlib.md5(b"1\x1fsalt\x1fuser_image\x1fu1\x1f00ff").digest()
    assert bucket_of(key, "salt") == int.from_bytes(digest[:8], "big") % 10_000


@given(weights, weights, buckets)
def test_raising_the_weight_moves_nobody_from_candidate_to_stable(one, other, bucket):
    """The choice is monotone in the weight."""
    low, high = sorted((one, other))
    if choose_arm(table(low), bucket).arm == CANDIDATE:
        assert choose_arm(table(high), bucket).arm == CANDIDATE


@given(weights)
def test_the_candidate_owns_exactly_its_weight(weight_bp):
    """The edges of its range are where the weight says."""
    routes = table(weight_bp)
    for bucket in {0, weight_bp - 1, weight_bp, BUCKETS - 1} & set(range(BUCKETS)):
        assert (choose_arm(routes, bucket).arm == CANDIDATE) == (bucket < weight_bp)


@given(buckets)
def test_at_weight_0_nothing_leaks(bucket):
    """The candidate is not even in the table."""
    routes = table(0)
    assert routes.candidate is None
    assert choose_arm(routes, bucket).arm == STABLE


@given(names, names, digests)
def test_the_same_request_always_meets_the_same_bucket(user, salt, digest):
    """Nothing but the request decides."""
    if "\x1f" in salt:
        return
    key = route_key("user_image", user_id=user, image_digest=digest, request_id="a")
    again = route_key("user_image", user_id=user, image_digest=digest, request_id="b")
    assert key == again
    assert 0 <= bucket_of(key, salt) == bucket_of(again, salt) < BUCKETS


@given(names, names, digests, digests)
def test_different_requests_have_different_keys(user, other_user, digest, other_digest):
    """A separator in a user id cannot make two requests one: the digest ends the key."""
    key = route_key("user_image", user_id=user, image_digest=digest, request_id="")
    other = route_key("user_image", user_id=other_user, image_digest=other_digest, request_id="")
    assert (key == other) == ((user, digest) == (other_user, other_digest))


def test_ten_per_cent_are_ten_per_cent_of_200_users_with_1000_images():
    """Within 0.3 points; repeats meet the same arm; 10 % -> 30 % moves nobody back."""
    users = [f"user-{number}" for number in range(200)]
    digests = [hashlib.sha256(b"image %d" % number).hexdigest() for number in range(1_000)]

    def draw():
        return [
            bucket_of(
                route_key("user_image", user_id=user, image_digest=digest, request_id=""),
                "ocr-rollout",
            )
            for user in users
            for digest in digests
        ]

    first, again = draw(), draw()
    at_10 = [choose_arm(table(1_000), bucket).arm for bucket in first]
    assert at_10 == [choose_arm(table(1_000), bucket).arm for bucket in again]
    assert abs(at_10.count(CANDIDATE) / len(at_10) - 0.10) < 0.003

    at_30 = [choose_arm(table(3_000), bucket).arm for bucket in first]
    assert abs(at_30.count(CANDIDATE) / len(at_30) - 0.30) < 0.003
    back = [pair for pair in zip(at_10, at_30, strict=True) if pair == (CANDIDATE, STABLE)]
    assert not back


def test_two_salts_draw_independent_samples():
    """With one salt for two purposes the second sample would lie within the first."""
    keys = [f"key {number}" for number in range(50_000)]
    rollout = {key for key in keys if bucket_of(key, "rollout") < 1_000}
    review = {key for key in keys if bucket_of(key, "review") < 1_000}
    assert abs(len(rollout & review) / len(rollout) - 0.10) < 0.02


def test_users_stay_together_when_users_are_sticky():
    """sticky: user ignores the image, but a request without a user goes by its image."""
    first, second = (
        route_key("user", user_id="u", image_digest=digest, request_id=digest)
        for digest in ("aa", "bb")
    )
    assert first == second
    nameless = {
        route_key("user", user_id=None, image_digest=digest, request_id="r")
        for digest in ("aa", "bb")
    }
    assert len(nameless) == 2


@pytest.mark.parametrize(
    "text", ["crnn", "crnn:", ":1", "crnn:0", "crnn:01", "crnn:1.5", "crnn:-1", "a b:1", "", "x:１"]
)
def test_an_arm_is_a_model_and_a_version(text):
    """Anything else is refused, saying how it is written."""
    with pytest.raises(RoutingError, match="MODEL:VERSION"):
        Arm.parse(text)


def test_an_arm_reads_back_as_it_is_written():
    """Writing and parsing are each other's inverse."""
    assert Arm.parse(str(Arm("crnn-v2.small_x", 12))) == Arm("crnn-v2.small_x", 12)


@pytest.mark.parametrize(
    ("share", "points"),
    [(0, 0), (1, 10_000), (0.1, 1_000), (0.0001, 1), (0.3, 3_000), (0.29, 2_900)],
)
def test_a_share_is_whole_basis_points(share, points):
    """Floats such as 0.29 * 10000 = 2899.9999... are meant as what they print."""
    assert basis_points(share) == points


@pytest.mark.parametrize("share", [-0.1, 1.0001, 0.00005, float("nan"), float("inf")])
def test_a_share_off_the_grid_is_refused(share):
    """It is never rounded: 0.00005 would silently be nothing."""
    with pytest.raises(RoutingError, match=r"0\.0001"):
        basis_points(share)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: table(10_001), "10001"),
        (lambda: table(-1), "-1"),
        (lambda: RouteTable(STABLE, None, 1), "without a candidate"),
        (lambda: RouteTable(STABLE, STABLE, 1), "both stable and candidate"),
        (lambda: choose_arm(table(1), BUCKETS), "10000"),
        (lambda: choose_arm(table(1), -1), "-1"),
        (lambda: bucket_of("key", "a\x1fb"), "U\\+001F"),
        (
            lambda: route_key("image", user_id="", image_digest="", request_id=""),  # type: ignore[arg-type]
            "user_image, user, request",
        ),
    ],
)
def test_what_cannot_be_routed_is_refused(build, words):
    """One line with what was given or what is accepted."""
    with pytest.raises(RoutingError, match=words):
        build()


def test_routing_needs_the_standard_library_only():
    """The core is pure, and this module does not even need scipy."""
    tree = ast.parse(Path(routing.__file__).read_text("utf-8"))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported <= set(sys.stdlib_module_names) | {"__future__"}
