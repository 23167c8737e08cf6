"""URI signing (RFC 9246), rule by rule."""

import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee import delivery
from matinee.errors import InvalidInput, MatineeError, PermissionDenied, Unauthenticated
from matinee.tokens import DELIVERY_AUDIENCE, DELIVERY_TYPE, Claims, KeySet, SigningKey, jwks

ASSET = "abcdefghijklmnopqrstuvwxyz"
OTHER = "zyxwvutsrqponmlkjihgfedcba"
URI = f"https://films.example/v/{ASSET}/v1080.mp4"
NOW = 1_800_000_000.0
KEY = SigningKey.generate("k1")


def claims_of(token: str, now: float = NOW) -> Claims:
    return KeySet.from_jwks(jwks([KEY]), lambda: now).verify(token, DELIVERY_TYPE, DELIVERY_AUDIENCE)


def minted(container: str | None = None) -> Claims:
    return claims_of(delivery.mint(KEY, ASSET, "s1", now=NOW, expires_at=NOW + 60, container=container))


def test_urls_carry_the_token_in_the_path_segment_of_the_asset() -> None:
    assert delivery.urls("https://films.example/", ASSET, "T.O.K") == (
        f"https://films.example/v/{ASSET};URISigningPackage=T.O.K/main.m3u8",
        f"https://films.example/v/{ASSET};URISigningPackage=T.O.K/main.mpd",
    )


@pytest.mark.parametrize("name", ["main.m3u8", "main.mpd", "v1080.mp4", "v1080-iframes.m3u8", "a0-eng.mp4"])
@pytest.mark.parametrize("origin", ["http://127.0.0.1:8080", "https://films.example"])
def test_a_token_opens_every_file_of_its_asset(origin: str, name: str) -> None:
    assert delivery.authorised_session(minted(), f"{origin}/v/{ASSET}/{name}") == "s1"


@pytest.mark.parametrize(
    "path",
    [f"/v/{OTHER}/main.m3u8", f"/v/{ASSET}/sub/main.m3u8", f"/v/{ASSET}/", f"/v/{ASSET}x/main.m3u8", "/api/v1/titles"],
)
def test_a_token_opens_nothing_else(path: str) -> None:
    with pytest.raises(PermissionDenied):
        delivery.authorised_session(minted(), f"https://films.example{path}")


def test_nbf_is_backdated_and_neither_bound_has_leeway() -> None:
    token = delivery.mint(KEY, ASSET, "s1", now=NOW, expires_at=NOW + 60)
    claims_of(token, NOW - 30)
    claims_of(token, NOW + 59)
    for moment in (NOW - 31, NOW + 60):
        with pytest.raises(Unauthenticated):
            claims_of(token, moment)


@pytest.mark.parametrize(
    "container",
    [
        "regex:.*",
        "regex:https?://[^/]+/v/[^/]+/[^/]+",
        "regex:https://films\\.example/.*",
        f"regex:.*[/v/{ASSET}/].*",
        f"regex:(.*|/v/{ASSET}/)",
        "regex:[",
        "glob:*",
    ],
)
def test_a_container_that_is_not_of_one_title_is_refused_at_minting(container: str) -> None:
    with pytest.raises(InvalidInput):
        minted(container)


@pytest.mark.parametrize("asset_id", ["", "..", "[^/]+", "*" * 26, ASSET.upper()])
def test_only_an_asset_id_can_be_signed(asset_id: str) -> None:
    with pytest.raises(InvalidInput):
        delivery.mint(KEY, asset_id, "s1", now=NOW, expires_at=NOW + 60)


def test_a_container_may_be_narrower_than_the_asset() -> None:
    claims = minted(f"regex:https://films\\.example/v/{ASSET}/a0-[a-z]+\\.mp4")
    delivery.authorised_session(claims, f"https://films.example/v/{ASSET}/a0-eng.mp4")
    with pytest.raises(PermissionDenied):
        delivery.authorised_session(claims, URI)


def test_a_hash_container_reads_as_in_the_example_of_the_rfc() -> None:
    container = "hash:sha-256;2tderfWPa86Ku7YnzW51YUp7dGUjBS_3SW3ELx4hmWY"
    assert delivery.covers(container, "http://cdni.example/foo/bar")


def test_a_hash_container_holds_exactly_one_uri() -> None:
    narrow = minted("hash:" + delivery._named_information(URI))
    assert delivery.authorised_session(narrow, URI) == "s1"
    with pytest.raises(PermissionDenied):
        delivery.authorised_session(narrow, URI + "x")


@pytest.mark.parametrize(
    "forged",
    [
        {"cdniv": 2},
        {"cdniv": "1"},
        {"cdniv": True},
        {"cdnicrit": "geo"},
        {"cdnicrit": "cdniuc,cdnistd"},
        {"cdnicrit": ["cdniuc"]},
        {"jti": "once"},
        {"cdniip": "eyJhbGciOiJkaXIifQ"},
        {"cdniuc": None},
        {"cdniuc": 7},
        {"cdniuc": URI},
        {"cdniuc": f"regex:{URI[:-1]}"},
        {"cdniuc": f"Regex:{URI}"},
        {"sid": None},
        {"sid": ""},
        {"sid": ["s1"]},
    ],
    ids=str,
)
def test_a_signed_token_whose_claims_we_cannot_honour_is_rejected(forged: Claims) -> None:
    claims = {name: value for name, value in (minted() | forged).items() if value is not None}
    with pytest.raises((Unauthenticated, PermissionDenied)):
        delivery.authorised_session(claims, URI)


@pytest.mark.parametrize("honoured", [{"cdnicrit": "cdniuc, exp"}, {"sub": "somebody"}, {"iat": 1}])
def test_claims_that_we_understand_do_no_harm(honoured: Claims) -> None:
    assert delivery.authorised_session(minted() | honoured, URI) == "s1"


@pytest.mark.parametrize(
    "expression",
    ["(a+)+$", "(a|a)*b", ".*.*.*x", "a{1,9999}" * 3, "[^/]*[^/]*[^/]*x", "a?a?a?aaa", "(?:x)", "\\1", "[[:alpha:]]"],
)
def test_a_container_that_could_take_long_holds_nothing(expression: str) -> None:
    assert not delivery.covers(f"regex:{expression}", "a" * 400)


def test_the_worst_container_that_is_read_takes_little_time() -> None:
    began = time.process_time()
    delivery.covers("regex:[^/]*[^/]*a?a?x", "a" * delivery.LONGEST_URI)
    assert time.process_time() - began < 0.5


def test_a_path_style_token_is_taken_out_of_its_segment() -> None:
    found = delivery.split_token(f"/v/{ASSET};URISigningPackage=a.b.c/v1080.mp4", "CMCD=br%3D100")
    assert found == (f"/v/{ASSET}/v1080.mp4", "a.b.c")


@pytest.mark.parametrize(
    "query", ["URISigningPackage=a.b.c", "CMCD=x&URISigningPackage=a.b.c", "URISigningPackage=a.b.c&x"]
)
def test_a_query_token_is_found_wherever_it_stands(query: str) -> None:
    assert delivery.split_token("/v/a/x", query) == ("/v/a/x", "a.b.c")


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/v/a/x", ""),
        ("/v/a;URISigningPackage=/x", ""),
        ("/v/a;URISigningPackage=t/x", "URISigningPackage=t"),
        ("/v/a;URISigningPackage=t;URISigningPackage=t/x", ""),
        ("/v/a/x", "URISigningPackage=t&URISigningPackage=t"),
        ("/v/a/x", "uriSigningPackage=t"),
        ("/v/a/x", "XURISigningPackage=t"),
        ("/v/a;URISigningPackage=t/x;URISigningPackage=u", ""),
        ("/v/a;URISigningPackage=;URISigningPackage=t/x", ""),
        ("/v/a;URISigningPackage=t/x", "URISigningPackage="),
        ("/v/a;URISigningPackage=t/x", "URISigning%50ackage=u"),
        ("/v/a;URISigning%50ackage=u;URISigningPackage=t/x", ""),
        ("/v/a;URISigning%50ackage=t/x", ""),
        ("/v/a/x", "URISigningPackage=t&%55RISigningPac%6bage=u"),
        ("/v/a/x", "URISigningPac%6Bage=t"),
        ("/v/a/x", "x;URISigningPackage=t"),
    ],
)
def test_there_is_exactly_one_token_or_none_that_counts(path: str, query: str) -> None:
    assert delivery.split_token(path, query)[1] == ""


@pytest.mark.parametrize(
    ("uri", "normal"),
    [
        ("http://Films.Example:80", "http://films.example/"),
        ("https://films.example:443/%7euser/%2e/a%2fb/../c?x=1", "https://films.example/~user/c"),
        ("https://films.example/v/a/..%2fb", "https://films.example/v/a/..%2Fb"),
        ("https://films.example/../../v/a", "https://films.example/v/a"),
        ("http://h:8080/a//b/.", "http://h:8080/a//b"),
    ],
)
def test_uris_are_normalised_before_matching(uri: str, normal: str) -> None:
    assert delivery.normalise(uri) == normal


@given(st.text(alphabet="/.%2eEfF5cC;ab"))
def test_normalising_twice_changes_nothing_more_than_once(path: str) -> None:
    once = delivery.normalise_path("/" + path)
    assert "/../" not in once
    assert once.startswith("/")


def forgeries() -> dict[str, str]:
    """Tokens that somebody without our key, or with another token of ours, can make."""
    good = delivery.mint(KEY, ASSET, "s1", now=NOW, expires_at=NOW + 60)
    header, payload, signature = good.split(".")
    stranger = delivery.mint(SigningKey.generate("k1"), ASSET, "s1", now=NOW, expires_at=NOW + 60)
    unknown = delivery.mint(replace(KEY, kid="../../k1"), ASSET, "s1", now=NOW, expires_at=NOW + 60)
    access = KEY.sign("at+jwt", minted())
    return {
        "unsigned": f"{header}.{payload}.",
        "of another key": stranger,
        "of an unknown kid": unknown,
        "an access token": access,
        "other claims": ".".join((header, stranger.split(".")[1][:-2] + "Ag", signature)),
        "without a signature part": f"{header}.{payload}",
        "none at all": "x",
        "for another door": KEY.sign(DELIVERY_TYPE, minted() | {"aud": "matinee-api"}),
        "of another issuer": KEY.sign(DELIVERY_TYPE, minted() | {"iss": "other"}),
        "without an end": KEY.sign(DELIVERY_TYPE, {k: v for k, v in minted().items() if k != "exp"}),
        "endless": KEY.sign(DELIVERY_TYPE, minted() | {"exp": "9999999999"}),
        "too long": good + "A" * 5000,
    }


@pytest.mark.parametrize("kind", forgeries())
def test_forged_tokens_are_rejected(kind: str) -> None:
    with pytest.raises(MatineeError):
        claims_of(forgeries()[kind])
