"""Tenants, people, plans and seats over time."""

from .collect import Usage, collect
from .picture import draw
from .series import Interval, Series, count_over_time
from .text import as_csv, as_json, as_markdown

__all__ = ["Interval", "Series", "Usage", "as_csv", "as_json", "as_markdown", "collect", "count_over_time", "draw"]
