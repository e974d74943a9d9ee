"""Labels that are as high as their text."""

from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_posecut.widgets.parts.job_line import WrappedLabel, wrappable


def test_text_is_never_cut_off(qtbot):
    """In a narrow dock with no room to spare the label has all its lines, also after the text has changed."""
    host, words = QWidget(), WrappedLabel("short")
    qtbot.addWidget(host)
    layout = QVBoxLayout(host)
    layout.addWidget(words)
    layout.addWidget(QWidget(), stretch=1)
    host.resize(150, 40)
    host.show()
    low = words.height()
    words.setText("many words " * 10)
    qtbot.waitUntil(lambda: words.height() >= words.heightForWidth(words.width()) > 3 * low)
    words.setText("short")
    qtbot.waitUntil(lambda: words.height() == low)


def test_long_names_may_be_broken():
    """A path can be broken after each of its parts, and what looks like a tag is no tag."""
    assert wrappable("/a_b/c.mp4 <b>").split("\u200b") == ["/", "a_", "b/", "c.", "mp4 &lt;b&gt;"]
