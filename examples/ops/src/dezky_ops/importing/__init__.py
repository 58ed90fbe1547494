"""Tenants from a file: read, checked all before anything is written, and created."""

from .plan import Existing, Plan, make_plan
from .row import RowProblem
from .run import RowResult, carry_out
from .source import Format, Source, open_source

__all__ = ["Existing", "Format", "Plan", "RowProblem", "RowResult", "Source", "carry_out", "make_plan", "open_source"]
