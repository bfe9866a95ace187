"""Checkpoints as PyTorch writes them, without PyTorch: `torch.save` in the zip format and in the one from before 1.6, by Python's own pickle
and zipfile. The names in the pickle are those of stand-ins for PyTorch's modules, which are there only while something is written.

    python3 tests/harness/torch_checkpoint.py crates/hub-weights/tests/checkpoints     # writes the files of the crate's tests
"""

import collections
import contextlib
import io
import json
import pathlib
import pickle
import struct
import sys
import types
import zipfile
from dataclasses import dataclass

WIDTHS = {"DoubleStorage": 8, "FloatStorage": 4, "HalfStorage": 2, "BFloat16Storage": 2, "LongStorage": 8, "IntStorage": 4, "BoolStorage": 1,
          "UntypedStorage": 1}
CLASSES = {"F64": "DoubleStorage", "F32": "FloatStorage", "F16": "HalfStorage", "BF16": "BFloat16Storage", "I64": "LongStorage",
           "I32": "IntStorage", "BOOL": "BoolStorage"}


@dataclass
class Storage:
    """Numbers as they lie in a file."""
    kind: str
    data: bytes
    key: str = ""


@dataclass
class Tensor:
    """Some of the numbers of a storage; `dtype` only for storages without a type."""
    storage: Storage
    shape: tuple
    stride: tuple = None
    offset: int = 0
    dtype: str = None
    meta: dict = None

    def __post_init__(self):
        if self.stride is None:
            self.stride = contiguous(self.shape)

    def __reduce__(self):
        utils = sys.modules["torch._utils"]
        args = (self.storage, self.offset, tuple(self.shape), tuple(self.stride), False, collections.OrderedDict())
        if self.dtype is not None:
            return utils._rebuild_tensor_v3, (*args, getattr(sys.modules["torch"], self.dtype))
        return utils._rebuild_tensor_v2, args if self.meta is None else (*args, self.meta)


@dataclass
class Parameter:
    """A tensor that was trained."""
    tensor: Tensor

    def __reduce__(self):
        return sys.modules["torch._utils"]._rebuild_parameter, (self.tensor, True, collections.OrderedDict())


class Dtype:
    """A type of number, which pickles as its name."""
    def __init__(self, name):
        self.name = name

    def __reduce__(self):
        return self.name

    # pickle looks for the module by this.
    __module__ = "torch"


def contiguous(shape):
    """The strides of a tensor in order."""
    strides, step = [], 1
    for side in reversed(shape):
        strides.insert(0, step)
        step *= max(side, 1)
    return tuple(strides)


@contextlib.contextmanager
def stand_ins():
    """PyTorch's modules, as far as its pickles name them."""
    torch, utils, storage = types.ModuleType("torch"), types.ModuleType("torch._utils"), types.ModuleType("torch.storage")
    torch._utils, torch.storage = utils, storage

    def put(module, name, thing):
        thing.__module__, thing.__qualname__, thing.__name__ = module.__name__, name, name
        setattr(module, name, thing)

    for name in ["_rebuild_tensor_v2", "_rebuild_tensor_v3", "_rebuild_parameter"]:
        put(utils, name, lambda *_: None)
    for name in WIDTHS:
        put(storage if name == "UntypedStorage" else torch, name, type(name, (), {}))
    for name in ["float8_e4m3fn", "uint16"]:
        setattr(torch, name, Dtype(name))
    names = {"torch": torch, "torch._utils": utils, "torch.storage": storage}
    before = {name: sys.modules.get(name) for name in names}
    sys.modules.update(names)
    try:
        yield
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


class Pickler(pickle.Pickler):
    """Names storages instead of writing them."""
    def __init__(self, file, legacy):
        super().__init__(file, protocol=2)
        self.legacy, self.storages = legacy, []

    def persistent_id(self, thing):
        if not isinstance(thing, Storage):
            return None
        if not any(thing is known for known in self.storages):
            thing.key = str(len(self.storages)) if not self.legacy else str(94_000_000 + len(self.storages))
            self.storages.append(thing)
        module = sys.modules["torch.storage" if thing.kind == "UntypedStorage" else "torch"]
        numel = len(thing.data) // WIDTHS[thing.kind]
        rest = (None,) if self.legacy else ()
        return ("storage", getattr(module, thing.kind), thing.key, "cpu", numel, *rest)


def save(path, value, folder="archive", order=b"little", packed=False, wide=True):
    """`torch.save`, in a zip file."""
    with stand_ins():
        text = io.BytesIO()
        pickler = Pickler(text, legacy=False)
        pickler.dump(value)
    # PyTorch writes the wide end of a zip file, however small it is.
    limit = zipfile.ZIP_FILECOUNT_LIMIT
    zipfile.ZIP_FILECOUNT_LIMIT = 0 if wide else limit
    try:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as file:
            def put(name, data):
                info = zipfile.ZipInfo(f"{folder}/{name}")
                info.compress_type = file.compression
                # The bytes begin at multiples of 64.
                begin = file.fp.tell() + 30 + len(info.filename) + 4
                padding = -begin % 64
                info.extra = struct.pack("<2sH", b"FB", padding) + b"Z" * padding
                file.writestr(info, data)
            put("data.pkl", text.getvalue())
            if order is not None:
                put("byteorder", order)
            for storage in pickler.storages:
                put(f"data/{storage.key}", storage.data)
            put("version", b"3\n")
            put(".data/serialization_id", b"0" * 40)
    finally:
        zipfile.ZIP_FILECOUNT_LIMIT = limit


def save_legacy(path, value):
    """`torch.save`, as it was before PyTorch 1.6."""
    system = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    with open(path, "wb") as file, stand_ins():
        for plain in (0x1950A86A20F9469CFC6C, 1001, system):
            pickle.dump(plain, file, protocol=2)
        pickler = Pickler(file, legacy=True)
        pickler.dump(value)
        pickle.dump(sorted(storage.key for storage in pickler.storages), file, protocol=2)
        for storage in sorted(pickler.storages, key=lambda storage: storage.key):
            file.write(struct.pack("<q", len(storage.data) // WIDTHS[storage.kind]) + storage.data)


def tensor_of(dtype, shape, data):
    """A tensor with numbers of its own."""
    return Tensor(Storage(CLASSES[dtype], data), tuple(shape))


def of_safetensors(path, only=None):
    """The tensors of a safetensors file, as a state dictionary for `save`."""
    data = pathlib.Path(path).read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header, state = json.loads(data[8:8 + length]), collections.OrderedDict()
    for name, entry in header.items():
        if name != "__metadata__" and (only is None or only(name)):
            begin, end = (8 + length + offset for offset in entry["data_offsets"])
            state[name] = tensor_of(entry["dtype"], entry["shape"], data[begin:end])
    return state


class Evil:
    """What runs a command when it is unpickled."""
    def __reduce__(self):
        import os
        return os.system, ("true",)


def floats(*numbers):
    """Numbers of 32 bits."""
    return struct.pack(f"<{len(numbers)}f", *numbers)


def state():
    """A state dictionary with everything that is converted: in order, transposed, shared, empty, parameters, several types."""
    embedding = Storage("FloatStorage", floats(*range(12)))
    table = Tensor(embedding, (4, 3))
    made = collections.OrderedDict()
    made["wte.weight"] = table
    made["lm_head.weight"] = Tensor(embedding, (4, 3))
    made["wte.transposed"] = Tensor(embedding, (3, 4), (1, 3))
    made["wte.last"] = Tensor(embedding, (3,), offset=9)
    made["bias"] = Parameter(Tensor(Storage("HalfStorage", bytes(range(10))), (5,)))
    made["position_ids"] = Tensor(Storage("LongStorage", struct.pack("<3q", 0, 1, 2)), (1, 3))
    made["mask"] = Tensor(Storage("BoolStorage", b"\x01\x00\x01"), (3,))
    made["scalar"] = Tensor(Storage("DoubleStorage", struct.pack("<d", 0.5)), ())
    made["empty"] = Tensor(Storage("FloatStorage", b""), (0, 7))
    made["eighth"] = Tensor(Storage("UntypedStorage", b"\x01\x02\x03\x04"), (2, 2), dtype="float8_e4m3fn")
    made._metadata = collections.OrderedDict([("", {"version": 1})])
    return made


def write_all(folder):
    """The files of the tests of `hub-weights`."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    small = {"weight": tensor_of("F32", (2,), floats(1, 2))}
    save(folder / "state.bin", state())
    save(folder / "narrow.bin", state(), folder="model", order=None, wide=False)
    legacy = state()
    del legacy["eighth"]
    save_legacy(folder / "legacy.bin", legacy)
    save(folder / "trainer.ckpt", {"epoch": 3, "state_dict": dict(small), "lr": [0.1, None, True], "note": "ü"})
    save(folder / "evil.bin", {**small, "x": Evil()})
    save(folder / "big_endian.bin", small, order=b"big")
    save(folder / "packed.bin", small, packed=True)
    save(folder / "negative.bin", {"weight": Tensor(Storage("FloatStorage", floats(1)), (1,), meta={"neg": True})})
    save(folder / "outside.bin", {"weight": Tensor(Storage("FloatStorage", floats(1, 2)), (3,))})
    save(folder / "many_times.bin", {f"w{n}": Tensor(Storage("FloatStorage", floats(1)), (1000,), (0,)) for n in range(9)})
    save(folder / "no_tensors.bin", {"epoch": 3})


if __name__ == "__main__":
    write_all(sys.argv[1])
