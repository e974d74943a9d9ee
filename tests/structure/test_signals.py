"""How signals are joined."""

import ast

from tests.structure.source import sources


def test_no_signal_is_connected_to_the_emit_of_another() -> None:
    """Psygnal calls an `emit` that is connected as a slot once, to learn what it takes: its listeners would act."""
    joined = [
        f"{source.name}:{node.lineno}"
        for source in sources("napari_posecut")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "connect"
        if any(isinstance(slot, ast.Attribute) and slot.attr == "emit" for slot in node.args)
    ]
    assert joined == []
