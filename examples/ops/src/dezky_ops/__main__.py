"""`python -m dezky_ops` is `dezky-ops`."""

from .main import main

main()
