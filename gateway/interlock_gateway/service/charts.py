"""Charts among a step's outputs, kept as what they are: a picture, and what it was drawn from.

A picture is a part of its own, as its own bytes, so that it can be opened, shown and destroyed as
a picture. Where an output brings a Vega-Lite specification too, which holds the data, that is a
part beside it. The output keeps its place and its words, and names both.
"""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from typing import Any

from interlock_gateway.core.artifact import PNG
from interlock_gateway.core.timeline import Part, json_part

VEGA = re.compile(r"application/vnd\.vega(lite)?\.v[0-9]+\+json\Z")
_SPEC = "_spec"
_MAGIC = b"\x89PNG\r\n\x1a\n"

Output = Mapping[str, Any]


def with_charts(outputs: Sequence[Output]) -> tuple[list[Output], dict[str, Part]]:
    """Return outputs without their pictures, and the parts that hold those.

    What says that it is a PNG and is none stays where it is.
    """
    parts: dict[str, Part] = {}
    return [_output(output, parts) for output in outputs], parts


def _output(output: Output, parts: dict[str, Part]) -> Output:
    picture = _picture(output)
    if picture is None:
        return output
    name = f"chart_{sum(not each.endswith(_SPEC) for each in parts) + 1}"
    parts[name] = Part(picture, PNG)
    left = {key: item for key, item in output.items() if key not in {"data", "spec"}}
    spec = _spec(output)
    if spec is not None:
        parts[name + _SPEC] = spec
    return {**left, "chart": name}


def _picture(output: Output) -> bytes | None:
    data = output.get("data")
    if output.get("mimetype") != PNG or not isinstance(data, str):
        return None
    try:
        content = base64.b64decode("".join(data.split()), validate=True)
    except (ValueError, binascii.Error):
        return None
    return content if content.startswith(_MAGIC) else None


def _spec(output: Output) -> Part | None:
    spec = output.get("spec")
    if not isinstance(spec, Mapping) or not VEGA.fullmatch(str(spec.get("mimetype"))):
        return None
    return Part(json_part(spec.get("data")).content, str(spec["mimetype"]))
