"""A Protobuf schema as a registry has it, the text of a `.proto` file, compiled into descriptors. Blocking.

The compiler is protoc, in a process of its own: what it does with a schema that was made to harm it ends there.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from relearn.schemas.errors import BadMessage

TIMEOUT_S = 20.0
MAIN = "message.proto"


def compile_proto(text: str, imported: Mapping[str, str]) -> bytes:
    """The FileDescriptorSet of a schema, as the file MAIN, with all that it imports. `imported`: texts by file name.

    Raises:
        BadMessage: with reason `schema`.
    """
    with tempfile.TemporaryDirectory(prefix="relearn-proto-") as scratch:
        directory = Path(scratch)
        for name, content in {**imported, MAIN: text}.items():
            path = PurePosixPath(name)
            if path.is_absolute() or ".." in path.parts or len(name) > 255 or "\0" in name:
                raise BadMessage("schema", f"its Protobuf schema imports {name[:60]!r}, which is no file name")
            try:
                target = directory / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(content, errors="replace")
            except OSError as exc:
                raise BadMessage("schema", f"its Protobuf schema imports {name[:60]!r}: {exc.strerror}") from exc
        argv = ["protoc", "--include_imports", "--descriptor_set_out=out.bin", "--proto_path=.", MAIN]
        # The types that come with protoc (google/protobuf/timestamp.proto …) are found as in its own command.
        run = "import sys, grpc_tools, os; from grpc_tools import protoc; sys.exit(protoc.main(sys.argv[1:-1] + "
        run += "['--proto_path=' + os.path.join(os.path.dirname(grpc_tools.__file__), '_proto'), sys.argv[-1]]))"
        try:
            done = subprocess.run(
                [sys.executable, "-P", "-c", run, *argv],
                cwd=directory,
                capture_output=True,
                timeout=TIMEOUT_S,
                check=False,
                text=True,
                errors="replace",
            )
        except subprocess.TimeoutExpired as exc:
            raise BadMessage("schema", f"its Protobuf schema takes more than {TIMEOUT_S:.0f} s to compile") from exc
        if done.returncode != 0:
            line = " ".join(done.stderr.split())[:200]
            raise BadMessage("schema", f"its Protobuf schema can't be compiled: {line or done.returncode}")
        return (directory / "out.bin").read_bytes()
