"""The shape of the house, enforced: who may import whom, and what must load without torch."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BASE = {
    *("access", "config", "config_autopilot", "config_checkpoints", "config_fields", "config_keys"),
    "config_sweep",
    *("events", "errors", "ramps", "settings"),
}
# Part -> the parts of edgeft_core that it may import, besides itself and BASE. A dotted part is one of its own: the
# experiments use the engine, which uses the signals beside them.
ALLOWED: dict[str, set[str]] = {
    "access": set(),
    "config": set(),
    "config_autopilot": set(),
    "config_checkpoints": set(),
    "config_fields": set(),
    "config_keys": set(),
    "config_sweep": set(),
    "events": set(),
    "errors": set(),
    "ramps": set(),
    "settings": set(),
    "presets": set(),
    "data": set(),
    "models": set(),
    "diagnostics": set(),
    "diagnostics.probes": {"diagnostics", "data", "models", "engine", "evaluation"},
    "preflight": {"data", "models", "diagnostics", "diagnostics.probes", "engine", "evaluation"},
    "evaluation": {"data", "models", "diagnostics", "engine"},
    "engine": {"data", "models", "diagnostics", "evaluation"},
    "labs": set(),
    "labs.embedding": {"diagnostics.probes", "engine", "models", "store"},
    "labs.sweep": {"presets", "data", "models", "diagnostics", "engine", "evaluation"},
    "labs.what_if": {"diagnostics"},
    "proof": {"data", "models", "diagnostics", "engine", "evaluation"},
    "store": {"jobs.states"},
    "autopilot": {"store", "jobs", "proof"},
    "autopilot.pilot": {"autopilot", "autopilot.sight", "store", "jobs", "proof"},
    "autopilot.sight": {"autopilot", "store", "jobs", "proof", "queries", "diagnostics"},
    "jobs": {
        *("store", "engine", "presets", "data", "diagnostics", "diagnostics.probes", "preflight"),
        *("labs.embedding", "labs.sweep", "proof"),
    },
    # The one process that outlives the app hosts both: the queue, and the autopilot that sees through the queries.
    "jobs.dispatcher.__main__": {"store", "jobs", "autopilot", "autopilot.pilot"},
    "queries": {"store", "jobs", "diagnostics", "data", "labs.sweep", "proof", "autopilot"},
    "figures": set(),
    "cli": {
        *("presets", "data", "models", "engine", "evaluation", "store", "jobs", "queries", "diagnostics"),
        *("preflight", "labs.sweep", "proof", "autopilot"),
    },
    "__main__": {"cli"},
}
HEAVY = ("torch", "torchvision", "timm")


def python_files(*folders: str) -> Iterator[Path]:
    for folder in folders:
        path = ROOT / folder
        yield from sorted(path.rglob("*.py")) if path.is_dir() else [path]


def imported_modules(path: Path) -> set[str]:
    """Every module named in an import anywhere in the file, lazy ones too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def part_of(path: Path) -> str:
    return owner(".".join(path.relative_to(ROOT / "edgeft_core").with_suffix("").parts))


def owner(module: str) -> str:
    """The part that a module below edgeft_core belongs to: the longest name in the table that it starts with."""
    parts = [part for part in ALLOWED if module == part or module.startswith(part + ".")]
    return max(parts, key=len, default=module.split(".", maxsplit=1)[0])


def may_import(part: str, module: str) -> bool:
    allowed = ALLOWED[part] | BASE | {part}
    pieces = {name for name in allowed if "." in name}
    return owner(module) in allowed or any(module == name or module.startswith(name + ".") for name in pieces)


def test_dependencies_point_one_way() -> None:
    wrong: list[str] = []
    for path in python_files("edgeft_core"):
        part = part_of(path)
        if part == "__init__":
            continue
        for module in imported_modules(path):
            inside = module.removeprefix("edgeft_core.")
            if module == inside or not inside:
                continue
            if not may_import(part, inside):
                wrong.append(f"{path.relative_to(ROOT)} imports {module}")
    assert not wrong, "\n".join(wrong)


def test_the_core_never_imports_streamlit() -> None:
    wrong = [
        str(path.relative_to(ROOT))
        for path in python_files("edgeft_core")
        if any(module.split(".")[0] == "streamlit" for module in imported_modules(path))
    ]
    assert not wrong


def test_pages_and_their_pieces_never_name_torch() -> None:
    wrong = [
        str(path.relative_to(ROOT))
        for path in python_files("app.py", "pages", "ui")
        if any(module.split(".")[0] in HEAVY for module in imported_modules(path))
    ]
    assert not wrong


def modules_behind_the_screen() -> list[str]:
    """Every module that app.py, pages and ui import from our own code, as dotted names."""
    names: set[str] = set()
    for path in python_files("app.py", "pages", "ui"):
        names |= {m for m in imported_modules(path) if m.split(".")[0] in {"ui", "edgeft_core"}}
    return sorted(name for name in names if (ROOT / Path(*name.split("."))).with_suffix(".py").exists())


@pytest.mark.parametrize("start", ["screen", "command line"])
def test_screen_and_command_line_start_without_torch(start: str) -> None:
    modules = modules_behind_the_screen() if start == "screen" else ["edgeft_core.cli"]
    assert modules
    code = (
        "import importlib, sys\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        f"heavy = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "sys.exit('loads ' + ', '.join(heavy) if heavy else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=False, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_no_module_hides_behind_a_vague_name() -> None:
    vague = {"utils", "util", "common", "helpers", "helper", "manager", "misc"}
    assert not [p for p in python_files("edgeft_core", "pages", "ui") if p.stem in vague]


def test_sources_are_plain_ascii() -> None:
    wrong = [
        str(path.relative_to(ROOT))
        for path in python_files("app.py", "edgeft_core", "pages", "ui")
        if not path.read_text(encoding="utf-8").isascii()
    ]
    assert not wrong


def test_no_file_outgrows_a_reader() -> None:
    long = {
        str(path.relative_to(ROOT)): n
        for path in python_files("app.py", "edgeft_core", "pages", "ui")
        if (n := len(path.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert not long
