"""A base URL is taken only where nobody could read it in two ways."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from interlock_gateway.core.endpoint import EndpointError, base_url


@pytest.mark.parametrize(
    ("text", "shown", "authority"),
    [
        ("https://metrics.example.com", "https://metrics.example.com", "metrics.example.com"),
        ("https://metrics.example.com:443/", "https://metrics.example.com", "metrics.example.com"),
        ("HTTPS".lower() + "://METRICS.example.com", "https://metrics.example.com", None),
        ("http://10.0.0.1:9090/prom/eu-1", "http://10.0.0.1:9090/prom/eu-1", "10.0.0.1:9090"),
        ("http://[2001:DB8::1]:9090", "http://[2001:db8::1]:9090", "[2001:db8::1]:9090"),
        ("http://localhost:9090", "http://localhost:9090", "localhost:9090"),
    ],
)
def test_a_plain_url_is_taken(text: str, shown: str, authority: str | None) -> None:
    base = base_url(text)
    assert str(base) == shown
    assert authority is None or base.authority == authority
    assert base_url(shown) == base


@pytest.mark.parametrize(
    "text",
    [
        *("http://0x7f.1", "http://2130706433", "http://127.1", "http://0177.0.0.1"),
        *("http://127.0.0.1.", "http://127.0.0x1", "http://0x7f000001", "http://1.2.3.4.5"),
        *("http://metrics.example.com.", "http://metrics..com", "http://-a.com", "http://a_b.com"),
        *("http://user@metrics.com", "http://user:pass@metrics.com", "http://a@b@c"),
        *("http://metrics.com?x=1", "http://metrics.com#x", "http://metrics.com/?", "http://a/#"),
        *("http://metrics.com\\@evil.com", "http://metrics.com/%2e%2e", "http://a%00.com"),
        *("http://metrics.com/../x", "http://metrics.com/./x", "http://metrics.com//x"),
        *("http://metrics.com/.git", "http://a/;b", "http://a/b c"),
        *(
            "http://metrics.com:0",
            "http://metrics.com:65536",
            "http://metrics.com:",
            "http://a:1:2",
        ),
        *("http://metrics.com:08", "http://metrics.com:+1", "http://a:٣"),
        *("http://[fe80::1%25eth0]", "http://[::1", "http://::1", "http://[1.2.3.4]", "http://[]"),
        *("ftp://metrics.com", "//metrics.com", "metrics.com", "http:/metrics.com", "http://", ""),
        *(
            "http://ⓔxample.com",
            "http://exa\u00admple.com",
            "http://a\nb",
            "http://a\tb",
            " http://a",
        ),
        *("http://" + "a" * 64 + ".com", "http://" + "a." * 130 + "com"),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(text: str) -> None:
    with pytest.raises(EndpointError) as caught:
        base_url(text)
    assert "pass" not in str(caught.value)


@given(st.text(max_size=40))
def test_no_text_does_anything_but_be_taken_or_refused(text: str) -> None:
    for whole in (text, f"http://{text}", f"https://a.example{text}"):
        try:
            base = base_url(whole)
        except EndpointError:
            continue
        assert base_url(str(base)) == base
        assert "@" not in str(base)
