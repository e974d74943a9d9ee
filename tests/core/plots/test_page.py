"""Pages of HTML."""

import base64
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from posecut_core.plots.report import Picture, Section, Table, Words, page

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=20)


class Reader(HTMLParser):
    """Collects texts, tags that are open, and what the page would fetch."""

    def __init__(self):
        super().__init__()
        self.open, self.texts, self.tags, self.sources = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.sources += [value for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.texts.append(data)


def read(text):
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


def test_pictures_are_inside_the_page():
    """A picture's bytes are in the file; nothing is fetched from elsewhere."""
    found = read(page("net", [Section("One", (Picture(b"PNG bytes", "what it shows"),))]))
    (source,) = found.sources
    assert base64.b64decode(source.removeprefix("data:image/png;base64,")) == b"PNG bytes"
    assert "what it shows" in found.texts


@given(TEXT)
def test_names_are_text_and_never_tags(name):
    """Whatever a user calls things, they are shown as they are, in every part of a page."""
    parts = (Words(name), Table((name,), ((name,),)), Picture(b"", name))
    found = read(page(name, [Section(name, parts)]))
    assert found.tags == read(page("", [Section("", (Words(""), Table(("",), (("",),)), Picture(b"", "")))])).tags
    assert "".join(found.texts).count(name) >= 7 or not name


def test_a_script_in_a_name_does_not_run():
    """Angle brackets and quotes of names are escaped."""
    text = page('<script>alert("x")</script>', [Section("a", (Picture(b"", '" onerror="alert(1)'),))])
    assert "<script>" not in text
    assert 'onerror="' not in text
