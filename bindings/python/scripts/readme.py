"""Takes the code blocks of the README into tests/.readme, each a module, where they are type-checked and run."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

ROOT = Path(__file__).parent.parent
readme = (ROOT / "README.md").read_text()
blocks = re.findall(r"^```python\n# (\w+\.py)\n(.*?)^```", readme, flags=re.MULTILINE | re.DOTALL)
if not blocks or len(blocks) != len(re.findall(r"^```(?:python|py)\b", readme, flags=re.MULTILINE)):
    raise SystemExit("every code block of the README begins with `# name.py`")
folder = ROOT / "tests/.readme"
shutil.rmtree(folder, ignore_errors=True)
folder.mkdir()
for name, code in blocks:
    (folder / f"readme_{name}").write_text(code)
