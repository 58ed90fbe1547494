"""The wheel in an empty environment: its name, and that what it installs works by itself. Run by scripts/test-python.sh."""

from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import dezky
from dezky import Dezky, NotFound


def main() -> None:
    wheel = Path(os.environ["DEZKY_TEST_WHEEL"]).name
    assert re.fullmatch(r"dezky-[\d.]+-cp311-abi3-\w+\.whl", wheel), wheel
    installed = Path(dezky.__file__).parent
    assert installed.is_relative_to(sys.prefix), installed
    files = {path.name for path in installed.iterdir()}
    assert {"_native.abi3.so", "_native.pyi", "py.typed"} <= files, files
    assert not any("test_kit" in name for name in dir(dezky._native)), "what only tests may have is not published"
    assert importlib.metadata.version("dezky") == wheel.split("-")[1]
    # The text, and not the link that the repository has.
    licence = importlib.metadata.distribution("dezky").read_text("licenses/LICENSE") or ""
    assert "Permission is hereby granted" in licence
    notices = importlib.metadata.distribution("dezky").read_text("licenses/THIRD-PARTY-NOTICES") or ""
    assert "pyo3" in notices, "licences of what is in the native module ask to be in every copy"
    with tempfile.TemporaryDirectory() as folder:
        store = f"sqlite:{folder}/a.sqlite"
        with Dezky.open(environment=False, store=store, log="off") as opened:
            system = opened.as_system("test")
            system.tenants.create(slug="acme", name="Acme")
            assert [tenant.slug for tenant in system.tenants.list()] == ["acme"]
            (absent,) = system.each(system.tenants.get, [{"tenant": "nowhere"}])
            assert isinstance(absent, NotFound), absent
    shown = subprocess.run([sys.executable, "-m", "pydoc", "dezky"], capture_output=True, text=True, check=True).stdout
    for said in ("Dezky inside a Python process", "class Dezky", "class TenantView", "Raises:"):
        assert said in shown, said
    print(f"{wheel} works in an empty environment")


main()
