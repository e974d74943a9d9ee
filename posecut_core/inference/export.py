"""A trained network as a file of a format that other programs run: ONNX.

The network is traced once, with free batch, height and width, and its few primitives are written one by one. So every
registered backbone is covered whose layers are made of these. JAX has channels last, ONNX has them first: every array
of four axes is held with channels first, and transposed only where images come in and maps go out.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import export

from posecut_core.backbones.kernels import plain_forms
from posecut_core.backbones.layers import EPSILON, groups_of
from posecut_core.errors import ModelError
from posecut_core.model.pose_net import NetworkSpec, Parameters, scoremaps

if TYPE_CHECKING:  # onnx is imported by those who write a file
    import onnx

_OPSET, _IR_VERSION = 18, 8  # of 2022 and 2023, which older programs read as well
_FLOAT = 1  # TensorProto.FLOAT
_FIRST, _LAST = (0, 3, 1, 2), (0, 2, 3, 1)  # axes of channels-last arrays, channels first; and back
_CALLS = {"jit": "jaxpr", "custom_jvp_call": "call_jaxpr", "custom_vjp_call": "call_jaxpr"}
_ELEMENTWISE = {
    "add": "Add",
    "div": "Div",
    "exp": "Exp",
    "logistic": "Sigmoid",
    "max": "Max",
    "min": "Min",
    "mul": "Mul",
    "neg": "Neg",
    "sqrt": "Sqrt",
    "sub": "Sub",
    "tanh": "Tanh",
}


def network_onnx(spec: NetworkSpec, parameters: Parameters) -> "onnx.ModelProto":
    """Write the network as an ONNX model in float32 that computes what `scoremaps` does.

    The input `images` is float32 [batch, height, width, C], RGB in [0, 1] and the channels of neighbors
    (`video.neighbors`) if any, of sides that are multiples of 16. The
    outputs are `scores`, logits [batch, height / 8, width / 8, K], and `locref` [batch, height / 8, width / 8, K, 2]:
    the fields of `Scoremaps`. Batch, height and width are free.

    Raises:
        ModelError: the backbone computes something that is not written as ONNX here.
    """
    spec = replace(spec, precision="float32")
    coarsest = spec.backbone.stages[-1].stride
    batch, rows, columns = export.symbolic_shape("batch, rows, columns")
    images = jax.ShapeDtypeStruct((batch, coarsest * rows, coarsest * columns, spec.channels), jnp.float32)
    with plain_forms():
        traced = jax.make_jaxpr(lambda images: scoremaps(spec, parameters, images))(images)
    graph = _Graph()
    entered = graph.emit("Transpose", ["images"], perm=_FIRST)
    outputs = graph.run(traced.jaxpr, traced.consts, [_Value(entered, images.shape)])
    for name, value in zip(("scores", "locref"), outputs, strict=True):
        graph.emit("Identity", [graph.last(graph.whole(value, value.held))], output=name)
    graph.fold()
    return graph.model(spec)


def _refused(what: str) -> ModelError:
    return ModelError(f"This network {what}, which cannot be written as ONNX; export it as safetensors.")


@dataclass(frozen=True)
class _Value:
    """An array that the graph computes. Axes along which it only repeats may be held with length 1."""

    name: str
    held: tuple[Any, ...]  # its shape as held, channels last


@dataclass(frozen=True)
class _Size:
    """A number that depends on the size of the images: how many cells a sum was taken over."""

    value: Any


_Known = _Value | _Size | np.ndarray  # arrays are constants, held like values


def _held(value: _Known) -> tuple[Any, ...]:
    if isinstance(value, _Size):
        raise _refused("computes with the size of the image other than in means")
    return value.held if isinstance(value, _Value) else value.shape


@dataclass
class _Graph:
    nodes: list["onnx.NodeProto"] = field(default_factory=list)
    constants: dict[str, np.ndarray] = field(default_factory=dict)

    def emit(
        self, kind: str, inputs: Sequence[str | np.ndarray | np.float32], *, output: str = "", **attributes: Any
    ) -> str:
        """Append a node and return the name of what it computes; arrays among the inputs become constants."""
        from onnx import helper

        output = output or f"{kind.lower()}_{len(self.nodes)}"
        names = [each if isinstance(each, str) else self.constant(np.asarray(each)) for each in inputs]
        self.nodes.append(helper.make_node(kind, names, [output], name=output, **attributes))
        return output

    def constant(self, array: np.ndarray) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants[name] = array
        return name

    def run(self, jaxpr: Any, constants: Iterable[Any], arguments: Iterable[_Known]) -> list[Any]:
        """Write the equations of a traced function; return its results."""
        known: dict[Any, _Known] = dict(zip(jaxpr.constvars, map(np.asarray, constants), strict=True))
        known |= zip(jaxpr.invars, arguments, strict=True)
        for equation in jaxpr.eqns:
            inputs = [np.asarray(atom.val) if hasattr(atom, "val") else known[atom] for atom in equation.invars]
            known |= zip(equation.outvars, self.results(equation, inputs), strict=True)
        return [known[atom] for atom in jaxpr.outvars]

    def results(self, equation: Any, inputs: list[_Known]) -> list[_Known]:
        """Write one equation; what is known already is computed instead."""
        name, parameters, shape = equation.primitive.name, equation.params, equation.outvars[0].aval.shape
        if parameters.get("name") == "group_norm":
            return [self.group_norm(*inputs)]  # type: ignore[arg-type]
        if name in _CALLS:
            inner = parameters[_CALLS[name]]
            closed = hasattr(inner, "jaxpr")
            return self.run(inner.jaxpr if closed else inner, inner.consts if closed else (), inputs)
        if name == "dim_as_value":
            return [_Size(parameters["dim"])]
        if name in ("convert_element_type", "copy", "stop_gradient") and not isinstance(inputs[0], np.ndarray):
            return inputs
        if name == "broadcast_in_dim":
            return [self.broadcast(inputs[0], parameters["broadcast_dimensions"], len(shape))]
        constants = [value for value in inputs if isinstance(value, np.ndarray)]
        known = len(constants) == len(inputs)
        if name in _ELEMENTWISE and not known:
            return [self.elementwise(_ELEMENTWISE[name], inputs)]
        if name in _ELEMENTWISE:
            return [
                np.asarray(equation.primitive.bind(*map(jnp.asarray, np.broadcast_arrays(*constants)), **parameters))
            ]
        wholes = [self.whole(value, atom.aval.shape) for value, atom in zip(inputs, equation.invars, strict=True)]
        if known:
            return [np.asarray(equation.primitive.bind(*map(jnp.asarray, wholes), **parameters))]
        if name not in _WRITERS:
            raise _refused(f"computes {name}")
        written = _WRITERS[name](self, wholes, parameters)
        names = written if isinstance(written, list) else [written]
        return [_Value(each, out.aval.shape) for each, out in zip(names, equation.outvars, strict=True)]

    def group_norm(self, x: Any, scale: np.ndarray, bias: np.ndarray) -> _Value:
        """Write a GroupNorm so that it reads its input twice and writes nothing of that size but its result.

        Its own node of ONNX takes longer than that: OpenVINO rearranges the whole input for it, and back.
        """
        channels = x.held[-1]
        axes, shape = np.array([2, 3]), (1, groups_of(channels), channels // groups_of(channels))
        cells = self.emit("ReduceProd", [self.emit("Shape", [x.name], start=2)], keepdims=0)
        norm = self.emit("ReduceL2", [x.name, axes])
        squares = self.emit("Div", [self.emit("Mul", [norm, norm]), self.emit("Cast", [cells], to=_FLOAT)])
        mean, squares = (
            self.emit("ReduceMean", [self.emit("Reshape", [each, np.array([0, *shape[1:]])]), np.array([2])])
            for each in (self.emit("ReduceMean", [x.name, axes]), squares)
        )
        variance = self.emit("Relu", [self.emit("Sub", [squares, self.emit("Mul", [mean, mean])])])
        deviation = self.emit("Sqrt", [self.emit("Add", [variance, np.float32(EPSILON)])])
        factor = self.emit("Div", [scale.reshape(shape), deviation])
        shift = self.emit("Sub", [bias.reshape(shape), self.emit("Mul", [mean, factor])])
        factor, shift = (self.emit("Reshape", [each, np.array([0, channels, 1, 1])]) for each in (factor, shift))
        return _Value(self.emit("Add", [self.emit("Mul", [x.name, factor]), shift]), x.held)

    # --- arrays, however they are held --------------------------------------------------------------------------------

    def whole(self, value: _Known, shape: tuple[Any, ...]) -> Any:
        """Return a value or constant of its full shape."""
        held = _held(value)
        if held == shape:
            return value
        lengths = [1 if length == full else full for length, full in zip(held, shape, strict=True)]
        if not all(isinstance(length, int) for length in lengths):
            raise _refused("repeats an array over all pixels of the image")
        if isinstance(value, np.ndarray):
            return np.broadcast_to(value, shape)
        order = _FIRST if len(shape) == 4 else range(len(shape))
        return _Value(self.emit("Expand", [self.first(value), np.array([lengths[axis] for axis in order])]), shape)

    def first(self, value: _Known) -> str | np.ndarray:
        """Return an operand as it is held: with channels first where it has four axes."""
        if isinstance(value, np.ndarray):
            return value.transpose(_FIRST) if value.ndim == 4 else value
        assert isinstance(value, _Value)
        return value.name

    def last(self, value: _Known) -> str:
        """Return an array with channels last."""
        assert isinstance(value, _Value)
        return self.emit("Transpose", [value.name], perm=_LAST) if len(value.held) == 4 else value.name

    def broadcast(self, value: _Known, axes: tuple[int, ...], rank: int) -> _Known:
        """Give an array the axes that it repeats along, of length 1; it is repeated where that is needed."""
        held = _held(value)
        lengths = tuple(held[axes.index(axis)] if axis in axes else 1 for axis in range(rank))
        if isinstance(value, np.ndarray):
            return value.reshape(lengths)
        if len(axes) == rank:
            return value
        order = _FIRST if rank == 4 else tuple(range(rank))
        present = [axes.index(axis) for axis in order if axis in axes]
        name = self.last(value)
        if present != sorted(present):
            name = self.emit("Transpose", [name], perm=present)
        added = np.array([place for place, axis in enumerate(order) if axis not in axes])
        return _Value(self.emit("Unsqueeze", [name, added]), lengths)

    def elementwise(self, kind: str, inputs: list[_Known]) -> _Known:
        """Write what combines arrays element by element."""
        divisor = inputs[-1]
        if isinstance(divisor, _Size) and isinstance(inputs[0], _Value):
            makers = {node.output[0]: node for node in self.nodes}
            node = makers[inputs[0].name]
            node = makers[node.input[0]] if node.op_type == "Unsqueeze" else node
            if kind == "Div" and node.op_type == "ReduceSum":
                node.op_type = "ReduceMean"
                return inputs[0]
        if kind in ("Add", "Max", "Min", "Mul") and isinstance(inputs[0], np.ndarray):
            inputs = inputs[::-1]
        held = [_held(value) for value in inputs]
        shape = tuple(
            next((length for length in lengths if length != 1), 1)
            for lengths in list(zip_longest(*map(reversed, held), fillvalue=1))[::-1]
        )
        if kind == "Max" and isinstance(inputs[1], np.ndarray) and not inputs[1].any():
            return _Value(self.emit("Relu", [self.first(inputs[0])]), shape)
        return _Value(self.emit(kind, [self.first(value) for value in inputs]), shape)

    # --- the finished graph -------------------------------------------------------------------------------------------

    def fold(self) -> None:
        """Multiply constant factors into the kernels of convolutions, add constants to their biases, drop the unused.

        So a folded BatchNorm takes no time. A ReLU with a ceiling becomes one node.
        """
        readers = Counter(name for node in self.nodes for name in node.input)
        makers = {node.output[0]: node for node in self.nodes}
        folded = set()
        for node in self.nodes:
            maker, other = makers.get(node.input[0]), self.constants.get(node.input[-1])
            if maker is None or other is None or len(node.input) != 2 or readers[node.input[0]] > 1:
                continue
            if self._clipped(maker, node.op_type, other) or self._absorbed(maker, node.op_type, other):
                maker.output[0] = node.output[0]
                makers[node.output[0]] = maker
                folded.add(node.name)
        wanted, kept = {"scores", "locref"}, []
        for node in reversed(self.nodes):
            if node.name not in folded and wanted.intersection(node.output):
                kept.append(node)
                wanted.update(node.input)
        self.nodes = kept[::-1]
        self.constants = {name: array for name, array in self.constants.items() if name in wanted}

    def _clipped(self, relu: "onnx.NodeProto", kind: str, ceiling: np.ndarray) -> bool:
        """Let a ReLU do what limits its results; tell whether it could."""
        if relu.op_type != "Relu" or kind != "Min" or ceiling.ndim:
            return False
        relu.op_type = "Clip"
        relu.input.extend([self.constant(np.zeros_like(ceiling)), self.constant(ceiling)])
        return True

    def _absorbed(self, conv: "onnx.NodeProto", kind: str, other: np.ndarray) -> bool:
        """Let a convolution do what is done to each of its channels; tell whether it could."""
        channels = other.size
        if conv.op_type != "Conv" or kind not in ("Mul", "Add") or other.shape != (1, channels, 1, 1):
            return False
        kernel = self.constants[conv.input[1]]
        if channels != len(kernel):
            return False
        if len(conv.input) == 2:
            conv.input.append(self.constant(np.zeros(channels, np.float32)))
        flat = other.reshape(-1)
        if kind == "Mul":
            self.constants[conv.input[1]] = kernel * flat[:, None, None, None]
            self.constants[conv.input[2]] = self.constants[conv.input[2]] * flat
        else:
            self.constants[conv.input[2]] = self.constants[conv.input[2]] + flat
        return True

    def model(self, spec: NetworkSpec) -> "onnx.ModelProto":
        """Return the model."""
        count = len(spec.bodyparts)
        from onnx import helper, numpy_helper

        def value(name: str, *shape: str | int) -> "onnx.ValueInfoProto":
            return helper.make_tensor_value_info(name, _FLOAT, shape)

        graph = helper.make_graph(
            self.nodes,
            spec.backbone.net_type,
            [value("images", "batch", "height", "width", spec.channels)],
            [
                value("scores", "batch", "rows", "columns", count),
                value("locref", "batch", "rows", "columns", count, 2),
            ],
            [numpy_helper.from_array(np.ascontiguousarray(array), key) for key, array in self.constants.items()],
        )
        opset = [helper.make_opsetid("", _OPSET)]
        return helper.make_model(graph, producer_name="PoseCut", opset_imports=opset, ir_version=_IR_VERSION)


# --- primitives -------------------------------------------------------------------------------------------------------
# Each takes arrays of their full shape, and returns the name of what it computes, or several.


def _conv(graph: _Graph, inputs: list[Any], parameters: dict[str, Any]) -> str:
    x, kernel = inputs
    numbers = parameters["dimension_numbers"]
    plain = numbers.lhs_spec == _FIRST and numbers.rhs_spec == (3, 2, 0, 1) and numbers.out_spec == _FIRST
    if not plain or not isinstance(kernel, np.ndarray) or parameters["batch_group_count"] != 1:
        raise _refused("has a convolution that is not of channels-last images by a fixed kernel")
    padding, strides, dilations = parameters["padding"], parameters["window_strides"], parameters["rhs_dilation"]
    groups = parameters["feature_group_count"]
    if parameters["lhs_dilation"] == (1, 1):
        options = {"pads": _pads(padding), "strides": strides, "dilations": dilations, "group": groups}
        return graph.emit("Conv", [x.name, kernel.transpose(3, 2, 0, 1)], **options)
    doubling = (parameters["lhs_dilation"], tuple(padding), kernel.shape[:2]) == ((2, 2), ((2, 1), (2, 1)), (3, 3))
    if not doubling or (*strides, *dilations, groups) != (1,) * 5:
        raise _refused("has a transposed convolution other than of 3x3 cells at stride 2")
    return _doubling(graph, x.name, kernel)


def _doubling(graph: _Graph, name: str, kernel: np.ndarray) -> str:
    """Write a transposed convolution as one that makes the 2x2 cells of each cell as channels, laid out afterwards.

    OpenVINO computes that in the precision it is asked for, but transposed convolutions in float32.
    """
    taps = np.zeros((2, 2, 3), np.float32)  # of which cell of the result, of the cell before or of this one
    taps[0, 0, 0] = taps[0, 1, 2] = taps[1, 1, 1] = 1
    kernels = np.einsum("ayu,bxv,uvio->oabiyx", taps, taps, kernel)
    name = graph.emit("Conv", [name, kernels.reshape(-1, *kernels.shape[3:])], pads=[1, 1, 0, 0])
    return graph.emit("DepthToSpace", [name], blocksize=2, mode="CRD")


def _max_pool(graph: _Graph, inputs: list[Any], parameters: dict[str, Any]) -> str:
    window, strides = parameters["window_dimensions"], parameters["window_strides"]
    pads = _pads(parameters["padding"][1:3])
    return graph.emit("MaxPool", [inputs[0].name], kernel_shape=window[1:3], strides=strides[1:3], pads=pads)


def _pads(padding: Iterable[tuple[Any, Any]]) -> list[int]:
    """Return what comes in front of both axes, then what comes behind."""
    before, behind = zip(*padding, strict=True)
    return [int(each) for each in (*before, *behind)]


def _reduce_sum(graph: _Graph, inputs: list[Any], parameters: dict[str, Any]) -> str:
    axes = parameters["axes"]
    if len(inputs[0].held) - len(axes) == 4:
        raise _refused("sums to an array of four axes")
    places = [_FIRST.index(axis) for axis in axes] if len(inputs[0].held) == 4 else list(axes)
    return graph.emit("ReduceSum", [inputs[0].name, np.array(places)], keepdims=0)


def _reshape(graph: _Graph, inputs: list[Any], parameters: dict[str, Any]) -> str:
    old, new = inputs[0].held, parameters["new_sizes"]
    kept = next((axis for axis, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]), len(old))
    lengths = [0 if axis < kept else length if isinstance(length, int) else -1 for axis, length in enumerate(new)]
    name = graph.emit("Reshape", [graph.last(inputs[0]), np.array(lengths)])
    return graph.emit("Transpose", [name], perm=_FIRST) if len(new) == 4 else name


def _split(graph: _Graph, inputs: list[Any], parameters: dict[str, Any]) -> list[str]:
    name = graph.emit(
        "Split", [inputs[0].name, np.array(parameters["sizes"])], axis=_place(inputs[0], parameters["axis"])
    )
    outputs = [f"{name}_{part}" for part in range(len(parameters["sizes"]))]
    graph.nodes[-1].output[:] = outputs
    return outputs


def _concatenate(graph: _Graph, inputs: list[Any], parameters: dict[str, Any]) -> str:
    axis = _place(inputs[0], parameters["dimension"])
    return graph.emit("Concat", [graph.first(each) for each in inputs], axis=axis)


def _place(value: _Value, axis: int) -> int:
    return _FIRST.index(axis) if len(value.held) == 4 else axis


def _pad(graph: _Graph, inputs: list[Any], parameters: dict[str, Any]) -> str:
    widths = parameters["padding_config"]
    if any(between for _, _, between in widths):
        raise _refused("pads between cells")
    ordered = [widths[axis] for axis in (_FIRST if len(widths) == 4 else range(len(widths)))]
    pads = np.array([int(width[side]) for side in (0, 1) for width in ordered])
    return graph.emit("Pad", [inputs[0].name, pads, inputs[1]])


def _rsqrt(graph: _Graph, inputs: list[Any], parameters: dict[str, Any]) -> str:
    return graph.emit("Reciprocal", [graph.emit("Sqrt", [inputs[0].name])])


def _square(graph: _Graph, inputs: list[Any], parameters: dict[str, Any]) -> str:
    return graph.emit("Mul", [inputs[0].name] * 2)


def _clamp(graph: _Graph, inputs: list[Any], parameters: dict[str, Any]) -> str:
    least, x, most = inputs
    return graph.emit("Clip", [x.name, least, most])


_WRITERS: dict[str, Callable[[_Graph, list[Any], dict[str, Any]], str | list[str]]] = {
    "clamp": _clamp,
    "concatenate": _concatenate,
    "conv_general_dilated": _conv,
    "pad": _pad,
    "reduce_sum": _reduce_sum,
    "reduce_window_max": _max_pool,
    "reshape": _reshape,
    "rsqrt": _rsqrt,
    "split": _split,
    "square": _square,
}
