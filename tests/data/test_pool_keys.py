from hashlib import sha256

import numpy as np
import pytest

from ligature.data.pools import caption_key, caption_keys, uid_of, uids_of, url_key, url_keys
from ligature.data.pools.addresses import MAX_ADDRESS, is_address

HOSTILE = [
    "",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "data:image/png;base64,AAAA",
    "ftp://a.com/x.jpg",
    "//a.com/x.jpg",
    "a.com/x.jpg",
    "http:/a.com",
    "http://",
    "https:///x.jpg",
    "http://?q",
    " http://a.com/x.jpg",
    "http://a.com/x y.jpg",
    "http://a.com/x.jpg\n--upload-file /etc/passwd",
    "http://a.com/\tx.jpg",
    "http://a.com/x\0.jpg",
    "http://a.com/x\u2028.jpg",
    "http://a.com/\ud83d.jpg",
    "http://a.com/" + "x" * MAX_ADDRESS,
]


def plain_hash(text):
    return int.from_bytes(sha256(text.encode()).digest()[:8], "big")


def test_a_uid_is_the_head_of_the_hash_of_address_and_caption():
    assert uid_of("http://a.com/x.jpg", "café") == plain_hash("http://a.com/x.jpg\0café")
    assert uid_of("u", "c") != uid_of("uc", "")


def test_uids_of_many_rows_are_those_of_each():
    urls, captions = [f"http://a.com/{row}" for row in range(50)], [f"cat {row}" for row in range(50)]
    uids = uids_of(urls, captions)
    assert uids.dtype == np.uint64
    assert uids.tolist() == [uid_of(*row) for row in zip(urls, captions, strict=True)]
    assert max(uids.tolist()) >= 2**63
    assert uids_of([], []).shape == (0,)


def test_rows_of_unequal_numbers_are_refused():
    with pytest.raises(ValueError, match="shorter"):
        uids_of(["http://a.com"], [])


def test_keys_are_the_heads_of_the_hashes_of_what_equal_texts_have_in_common():
    captions, urls = ["A cat.", "a CAT", "a dog"], ["HTTP://A.com:80/x#y", "http://a.com/x", "http://a.com/X"]
    assert caption_keys(captions).tolist() == [plain_hash(caption_key(caption)) for caption in captions]
    assert url_keys(urls).tolist() == [plain_hash(url_key(url)) for url in urls]
    assert len(set(caption_keys(captions).tolist())) == len(set(url_keys(urls).tolist())) == 2


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("HTTP://Example.COM/Path?Q=1", "http://example.com/Path?Q=1"),
        ("http://a.com:80/x", "http://a.com/x"),
        ("https://a.com:443/x", "https://a.com/x"),
        ("https://a.com:80/x", "https://a.com:80/x"),
        ("http://a.com:8080/x", "http://a.com:8080/x"),
        ("http://a.com/x#top", "http://a.com/x"),
        ("http://a.com#top", "http://a.com"),
        ("http://a.com?q=http://B.com:80/#z", "http://a.com?q=http://B.com:80/"),
        ("http://a.com/x%20y", "http://a.com/x%20y"),
        ("file:///A#b", "file:///A#b"),
    ],
)
def test_equal_addresses_have_one_key(url, expected):
    assert url_key(url) == expected


@pytest.mark.parametrize("url", HOSTILE)
def test_what_is_no_clean_address_of_the_web_is_none(url):
    assert not is_address(url)


@pytest.mark.parametrize(
    "url", ["http://a.com", "HTTPS://A.com:8443/x.jpg?y=1#z", "http://é.com/ü.jpg", "http://1.2.3.4/x"]
)
def test_addresses_of_the_web_are_taken(url):
    assert is_address(url)
    assert is_address(url + "x" * (MAX_ADDRESS - len(url)))
